"""Two banks side by side, for the page. Nothing is read or written.

comparison_of(bank, other, codes)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bloodbank.bank.bank import Bank
from bloodbank.bank.comparing import compare
from bloodbank.explorer.numbers import plain, plain_matrix
from bloodbank.explorer.schema import Comparison, ScoreDifference


def comparison_of(a: Bank, b: Bank, codes: Sequence[str]) -> Comparison:
    """Compare two banks as `bb.compare` does.

    Args:
        a: The bank of the first view.
        b: The other one; differences are b - a.
        codes: Of the languages of the page.

    Returns:
        The comparison, over the languages that both have; F of both only where both have it, as in the differences.

    Raises:
        UsageError: Fewer than two languages are common.
    """
    found = compare(a, b)
    common = list(found.languages)
    places: list[int | None] = list(range(len(common)))
    first, second = (bank.finetune_scores.loc[common, common] for bank in (a, b))
    both = first.notna() & second.notna() & ~np.eye(len(common), dtype=bool)
    where = {code: place for place, code in enumerate(codes)}
    return Comparison(
        a=found.names[0],
        b=found.names[1],
        languages=[where[code] for code in common],
        difference=plain_matrix(found.differences, places),
        low=plain_matrix(found.difference_low, places),
        high=plain_matrix(found.difference_high, places),
        finetune_a=plain_matrix(first.where(both), places),
        finetune_b=plain_matrix(second.where(both), places),
        level=found.level,
        donation=_differences(found.scores.to_dict("index"), common, "donation"),
        recipience=_differences(found.scores.to_dict("index"), common, "recipience"),
        sentences=found.sentences(),
    )


def _differences(rows: dict, codes: Sequence[str], score: str) -> list[ScoreDifference]:  # type: ignore[type-arg]
    return [
        ScoreDifference(
            **{name: plain(rows[code][f"{score}_{name}"]) for name in ("a", "b", "difference", "low", "high")}
        )
        for code in codes
    ]

r"""F between languages that share a script, a family or any other category, against F between those that do not.

Reads a bank; writes nothing.

    found = groups(bank, by="script")
    print(*found.sentences(), sep="\n")

Cells of F share donors and recipients, so they are never tested as if they were independent: languages are relabelled,
whole, and each statistic is taken again (a permutation test for dyads, also known as QAP).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bloodbank.bank.analysis.sharing_tests import sharing_tests, smallest_p, summarise
from bloodbank.bank.bank import Bank
from bloodbank.bank.names import find_language
from bloodbank.bank.relabelling import draw_orders
from bloodbank.errors import UsageError

KINDS = ("script", "family")
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Groups:
    """What sharing a category goes with. F is a fraction of ε(M_t); differences are same less different.

    Attributes:
        by: "script", "family", or the name of the given categories.
        categories: By language, of those that have one.
        without: Languages of the bank that have none: they drop out.
        n_missing: Ordered pairs of languages with a category that were not measured.
        cells: donor, recipient, same (bool), finetune_score: every measured cell between two languages that have one.
        summary: By "same" and "different": n_pairs (ordered), mean, median, variance (of a sample), n_negative,
            share_negative (F < 0), n_below_border and share_below_border (F < -10%); missing where there is no pair.
        tests: By name (see `sharing_tests.TESTS`): statistic, null_low and null_high (95% of the relabelled ones lie
            between), p (two-sided: the share of relabellings at least as far from chance as what was measured), p_holm
            (corrected for the tests of this table), reason (why there is no p, or "").
        n_permutations: Relabellings.
        exact: Every relabelling was taken, not a sample.
        smallest_p: No p can be lower.
        measured: Where measurement error leaves the difference of means: low and high, missing where not known.
        measured_how: What that interval covers and its level, or why there is none.
    """

    by: str
    categories: pd.Series[str]
    without: tuple[str, ...]
    n_missing: int
    cells: pd.DataFrame
    summary: pd.DataFrame
    tests: pd.DataFrame
    n_permutations: int
    exact: bool
    smallest_p: float
    measured: tuple[float, float]
    measured_how: str

    def sentences(self) -> list[str]:
        """Say what was found; another finding gives another sentence."""
        from bloodbank.bank.analysis.groups_sentences import group_sentences

        return group_sentences(self)


def groups(
    bank: Bank, *, by: str | pd.Series[Any] = "script", n_permutations: int | None = None, seed: int = 0
) -> Groups:
    """Compare F between languages that share a category with F between those that do not.

    Both directions of a pair count.

    Args:
        bank: The bank.
        by: "script" or "family" of the table of languages, or categories by language. Languages without one drop out.
        n_permutations: Relabellings of the languages; by default 10,000 up to 60 languages, 2,000 beyond. Up to 7
            languages every relabelling is taken instead.
        seed: Of the relabellings.

    Returns:
        Distributions, summaries and tests; where a test is not possible, why.

    Raises:
        UsageError: There is no such category, or a setting is out of range.

    Source:
        Section 5.2 and figure 5.
    """
    if n_permutations is not None and n_permutations < 1:
        raise UsageError(f"{n_permutations} relabellings were asked for; at least 1 is needed, and 1,000 for a fair p.")
    known = _categories(bank, by)
    codes = sorted(known.index)  # so that the order of languages changes no random number
    cells = bank.finetune_scores.loc[codes, codes].to_numpy(dtype=float, copy=True)
    np.fill_diagonal(cells, np.nan)
    numbers = pd.factorize(known.loc[codes].to_numpy(dtype=object))[0]
    same = np.asarray(numbers[:, None] == numbers[None, :])
    orders, exact = draw_orders(len(codes), n_permutations, seed)
    measured, how = _measurement_interval(bank, codes, cells, same)
    return Groups(
        by=by if isinstance(by, str) else "category" if by.name is None else str(by.name),
        categories=known,
        without=tuple(code for code in bank.languages if code not in known.index),
        n_missing=len(codes) * (len(codes) - 1) - int((~np.isnan(cells)).sum()),
        cells=_long(cells, same, codes),
        summary=pd.DataFrame([summarise(cells[same]), summarise(cells[~same])], index=["same", "different"]),
        tests=sharing_tests(cells, numbers, orders),
        n_permutations=len(orders) - (not exact),
        exact=exact,
        smallest_p=smallest_p(numbers, len(orders) - (not exact), exact=exact),
        measured=measured,
        measured_how=how,
    )


def _categories(bank: Bank, by: str | pd.Series[Any]) -> pd.Series[str]:
    if isinstance(by, str):
        if by not in KINDS:
            raise UsageError(f"Unknown category {by!r}. Known: {', '.join(KINDS)}; or give a Series by language.")
        found = {code: find_language(code) for code in bank.languages}
        given: Mapping[str, Any] = {code: getattr(language, by) for code, language in found.items() if language}
    else:
        if by.index.has_duplicates:
            raise UsageError("The categories name a language twice. Give one category for each language.")
        given = {str(code): value for code, value in by.items()}
    kept = {code: str(given[code]) for code in bank.languages if code in given and not pd.isna(given[code])}
    return pd.Series(kept, dtype=object, name="category").rename_axis("language")


def _long(cells: Floats, same: NDArray[np.bool_], codes: list[str]) -> pd.DataFrame:
    donors, recipients = np.nonzero(~np.isnan(cells))
    names = np.array(codes, dtype=object)
    return pd.DataFrame(
        {
            "donor": names[donors],
            "recipient": names[recipients],
            "same": same[donors, recipients],
            "finetune_score": cells[donors, recipients],
        }
    )


def _measurement_interval(
    bank: Bank, codes: list[str], cells: Floats, same: NDArray[np.bool_]
) -> tuple[tuple[float, float], str]:
    """Say where measurement error leaves the difference of means, and what that covers, or why it is not known."""
    unknown, known = (np.nan, np.nan), ~np.isnan(cells)
    if bank.intervals is None:
        return unknown, "the bank has no measurement intervals"
    if bank.intervals.replicates is None:
        return unknown, "the bank's measurement intervals come without their replicates"
    if not (known & same).any() or not (known & ~same).any():
        return unknown, "there is no pair of languages on one side"
    place = [bank.intervals.languages.index(code) for code in codes]
    drawn = []
    for side in (known & same, known & ~same):
        donors, recipients = np.nonzero(side)
        chosen = bank.intervals.replicates[:, np.array(place)[donors], np.array(place)[recipients]]
        drawn.append(chosen.mean(axis=1, dtype=float))
    differences = drawn[0] - drawn[1]
    if np.isnan(differences).any():
        return unknown, "nothing is known of the error of some cells"
    beyond = (1 - bank.intervals.level) / 2
    low, high = np.quantile(differences, (beyond, 1 - beyond))
    sources = [("seeds", bank.intervals.covers_seeds), ("test paragraphs", bank.intervals.covers_paragraphs)]
    covered = " and ".join(name for name, is_covered in sources if is_covered)
    return (float(low), float(high)), f"{bank.intervals.level:.0%}, by the choice of {covered}"

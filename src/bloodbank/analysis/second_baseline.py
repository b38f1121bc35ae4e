r"""F against a second baseline: `longer` (M_t with as many updates as M_{s,t}), or M_t itself where F is against that.

both = second_baseline(bank)
print(*both.sentences(), sep="\n")
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from bloodbank.bank.bank import Bank, rebuild
from bloodbank.bank.measurements import ALONE, BASELINE_WORDS, EQUAL, LONGER, ZERO_SHOT
from bloodbank.bank.scores import number
from bloodbank.wording import MISSING, language_name, listed, plural, signed

_SHORT = {ALONE: "M_t", EQUAL: "`equal`", LONGER: "`longer`"}
_MAX_NAMED = 8


@dataclass(frozen=True, eq=False)
class SecondBaseline:
    """One bank against two baselines."""

    first: Bank  #: as it was given
    second: Bank  #: against the other baseline, without intervals

    def sentences(self) -> list[str]:
        """Say how F, D, R and blood types stand against the other baseline, over the cells that both have."""
        return _sentences(self)


def second_baseline(bank: Bank) -> SecondBaseline | None:
    """Take F of a bank against the other baseline.

    Args:
        bank: With its measurements.

    Returns:
        Both; None where the control `longer` was not measured, or is none, as for zero-shot scores.
    """
    rows = bank.measurements
    if rows is None or bank.protocol == ZERO_SHOT:
        return None
    measured = (rows["protocol"] == LONGER) & (rows["metric"] == bank.metric) & rows["recipient"].isin(bank.languages)
    if not measured.any():
        return None
    of_metric = replace(bank, measurements=rows[rows["metric"] == bank.metric])  # a quarter of the time
    other = rebuild(of_metric, baseline=ALONE if bank.baseline == LONGER else LONGER)
    return SecondBaseline(bank, replace(other, measurements=rows))


def _sentences(both: SecondBaseline) -> list[str]:
    first, second = (bank.finetune_scores.to_numpy(dtype=float) for bank in (both.first, both.second))
    known = ~np.isnan(first) & ~np.isnan(second)
    baseline = both.second.baseline
    words = _SHORT[baseline] if baseline == ALONE else f"{_SHORT[baseline]} ({BASELINE_WORDS[baseline]})"
    if not known.any():
        return [f"Against {words}: no cell is measured."]
    before, after = _SHORT[both.first.baseline], _SHORT[both.second.baseline]
    turned = int((np.sign(first[known]) * np.sign(second[known]) < 0).sum())
    positive = {
        letter: f"{letter} is above zero for {int((bank.scores[score] > 0).sum())}"
        for letter, score, bank in (("D", "donation", both.second), ("R", "recipience", both.second))
    }
    means = [signed(100 * float(cells[known].mean()), 1) for cells in (first, second)]
    n = plural(len(both.second.languages), "language")
    said = [
        f"Against {words}, the mean F is {means[1]}% (against {before} {means[0]}%), and "
        f"{plural(turned, 'cell')} of {int(known.sum())} {'changes' if turned == 1 else 'change'} sign; "
        f"{positive['D']} and {positive['R']} of {n}. Within a seed, the order of a recipient's donors is the same."
    ]
    types = [
        f"{code} {one or MISSING} → {other or MISSING}"
        for code, one, other in _types(both).itertuples()
        if one != other
    ]
    said.append(
        f"Blood types that are others against {after}: {listed(types, _MAX_NAMED)}."
        if types
        else f"All blood types are the same against {after}."
    )
    return said


def _types(both: SecondBaseline) -> pd.DataFrame:
    types = {place: bank.blood_types.astype(object) for place, bank in enumerate((both.first, both.second))}
    table = pd.DataFrame(types)
    return table.where(table.notna(), None)


def second_baseline_rows(both: SecondBaseline) -> tuple[tuple[str, ...], ...]:
    """Lay out D, R and blood type of each language against both baselines.

    Args:
        both: What is laid out.

    Returns:
        A header, and a row for each language in the bank's order of donation.
    """
    banks = (both.first, both.second)
    header = ["language", *(f"{name} against {_SHORT[bank.baseline]}" for name in ("D", "R", "type") for bank in banks)]
    types: dict[str, list[str | None]] = {str(code): [one, other] for code, one, other in _types(both).itertuples()}
    rows: list[tuple[str, ...]] = []
    for code in both.first.ranking:
        sums = [signed(number(bank.scores, code, name), 2) for name in ("donation", "recipience") for bank in banks]
        rows.append((f"{language_name(code)} ({code})", *sums, *(kind or MISSING for kind in types[code])))
    return (tuple(header), *rows)

"""What the two directions of pairs say, in sentences: another finding gives another sentence. Nothing is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bloodbank.bank.analysis import asymmetry as a
from bloodbank.bank.names import percent, plural, signed
from bloodbank.bank.p_values import p_text

if TYPE_CHECKING:
    from bloodbank.bank.analysis.asymmetry import Asymmetry

LEVEL = 0.05
_MOST = 3
_WHAT = {
    a.CELLS: "F(a→b) and F(b→a)",
    a.DEPARTURES: "After donor and recipient effects, F(a→b) and F(b→a)",
    a.SUMS: "D and R",
}


def asymmetry_sentences(found: Asymmetry) -> list[str]:
    """Say how far transfer is from symmetric.

    Args:
        found: What was found.

    Returns:
        Sentences: how far directions differ, the most asymmetric pairs, which differ beyond measurement error, and what
        is correlated.
    """
    said = [*_differences(found)]
    for what in (a.CELLS, a.DEPARTURES, a.SUMS):
        row: dict[Any, Any] = found.correlations.loc[what].to_dict()
        said.append(_correlated(what, row))
        if what == a.DEPARTURES and _only_effects(found):
            said.append("So what is opposed or goes together is who gives and who takes in general, not single pairs.")
        if not np.isnan(row["low"]):
            said.append(
                "Drawn again with its measurement error, which then is in it twice and pulls it towards that of the "
                f"error, this correlation lies between {signed(row['low'], 2)} and {signed(row['high'], 2)} "
                f"({found.level:.0%})."
            )
    if found.correlations["note"].eq("").any():
        how = "all" if found.exact else f"{found.n_permutations:,}"
        said.append(
            f"p: two-sided; of pairs from {how} ways to swap the languages in pairs, of D and R from relabelling them. "
            f"Cells are never taken as independent; with so many languages no p of pairs is below "
            f"{2 / (1 + found.n_permutations):.2g}."
        )
    return said


def _differences(found: Asymmetry) -> list[str]:
    pairs = found.pairs
    if pairs.empty:
        return ["Whether transfer is symmetric: not possible, because no pair was measured in both directions."]
    opposed = (pairs["higher"] > 0) & (pairs["lower"] < 0)
    named = [_pair(row) for row in pairs.head(_MOST).to_dict("records") if row["difference"] > 0]
    said = [
        f"The two directions of a pair differ by {100 * pairs['difference'].mean():.1f} percentage points on average "
        f"({plural(len(pairs), 'pair')}); in {int(opposed.sum())} ({opposed.mean():.0%}) one direction helps and the "
        "other harms."
    ]
    said += [f"They differ most for {'; '.join(named)}."] if named else []
    known = pairs["low"].notna()
    if not known.any():
        return [
            *said,
            "Which pairs differ beyond measurement error: not possible, because the bank has no measurement intervals.",
        ]
    n_sure, n_known = int((pairs["low"] > 0).sum()), int(known.sum())
    return [
        *said,
        f"In {n_sure} of {plural(n_known, 'pair')} the {found.level:.0%} measurement interval of the difference "
        f"excludes zero; {(1 - found.level) * n_known:.1f} would by chance were all pairs symmetric.",
    ]


def _only_effects(found: Asymmetry) -> bool:
    raw, left = (found.correlations.loc[what].to_dict() for what in (a.CELLS, a.DEPARTURES))
    holds = raw["pearson"] * raw["spearman"] > 0 if not raw["note"] else False
    return bool(holds and not left["note"] and raw["p"] <= LEVEL < left["p"])


def _pair(row: dict[Any, Any]) -> str:
    donor, recipient = row["donor"], row["recipient"]
    return f"{donor}→{recipient} {percent(row['higher'])}% against {recipient}→{donor} {percent(row['lower'])}%"


def _correlated(what: str, row: dict[Any, Any]) -> str:
    name = _WHAT[what]
    if row["note"]:
        after = " after donor and recipient effects" if what == a.DEPARTURES else ""
        return f"Correlation of {_WHAT[a.SUMS if what == a.SUMS else a.CELLS]}{after}: {row['note']}."
    noun = "languages" if what == a.SUMS else "pairs"
    numbers = (
        f"(r = {signed(row['pearson'], 3)}, Spearman's ρ = {signed(row['spearman'], 3)}, p = {p_text(row['p'])}, "
        f"n = {row['n']} {noun})"
    )
    if row["p"] <= LEVEL and row["pearson"] * row["spearman"] <= 0:
        return f"{name}: undecided, because a few extreme values decide r, and the ranks say otherwise {numbers}."
    if row["p"] > LEVEL:
        return f"{name} do not go together, nor are they opposed, beyond chance {numbers}."
    if what == a.SUMS:
        way = "who gives much takes little" if row["pearson"] < 0 else "who gives much takes much"
    else:
        way = (
            "the better one direction, the worse the other"
            if row["pearson"] < 0
            else "the better one direction, the better the other"
        )
    return f"{name} {'are opposed' if row['pearson'] < 0 else 'go together'}: {way} {numbers}."

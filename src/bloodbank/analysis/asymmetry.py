r"""Is transfer symmetric? F(a→b) against F(b→a), and D against R.

Reads a bank; writes nothing. Cells share languages, so correlations are compared with what swapping languages gives.

    found = asymmetry(bank)
    print(*found.sentences(), sep="\n")
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from bloodbank.analysis.additive import departures
from bloodbank.bank.bank import Bank
from bloodbank.statistics.permutations import (
    SAME,
    draw_matchings,
    draw_orders,
    pair_correlation,
    tail,
    transposed_correlations,
)
from bloodbank.wording import p_text, percent, plural, signed

_MANY_LANGUAGES, _FEWER_REPLICATES = 60, 300  # bounds the memory
MIN_PAIRS = 3  # a correlation of two pairs is ±1
CELLS, DEPARTURES, SUMS = "cells", "departures", "sums"


@dataclass(frozen=True, eq=False)
class Asymmetry:
    """How far the two directions of a pair differ."""

    pairs: pd.DataFrame  #: one row for each pair that has both directions, see `asymmetry`
    correlations: pd.DataFrame  #: by what is correlated: "cells", "departures" and "sums", see `asymmetry`
    level: float  #: of the measurement intervals
    n_permutations: int  #: ways in which languages were swapped in pairs, see `transposition.draw_matchings`
    exact: bool  #: all ways were taken, not a sample

    def sentences(self) -> list[str]:
        """Say how far the directions differ and what goes with what; see `asymmetry_sentences`."""
        return asymmetry_sentences(self)


def asymmetry(bank: Bank, *, n_permutations: int | None = None, seed: int = 0, level: float = 0.95) -> Asymmetry:
    """Compare the two directions of every pair, and D with R.

    Args:
        bank: The bank.
        n_permutations: Ways to swap the languages in pairs; by default 10,000, and 2,000 for more than 60 languages;
            all up to 10 languages. For D against R as many relabellings.
        seed: Of the drawing.
        level: Of the measurement intervals.

    Returns:
        Pairs: `donor` and `recipient` of the direction with the higher F, `higher`, `lower`, `difference`, and
        `low` and `high`, the measurement interval of the difference as long as which direction is higher was not
        chosen by it (missing without replicates); largest difference first.
        Correlations: `pearson` and `spearman`, `n`, `p` (two-sided, of Pearson's), `low` and `high` (where it lies
        when F is drawn again with its measurement error) and `note`, why it is not possible. "cells": F(a→b) with
        F(b→a) over ordered pairs. "departures": the same after donor and recipient effects. Their null: what b gives
        to a has no more to do with what a gives to b than with what any other two languages do. "sums": D with R over
        languages; its null: who gives much has no more to do with who takes much than chance.

    Shape:
        F is `[donor, recipient]`.

    Source:
        Section 5 and figure 3.
    """
    codes = sorted(bank.languages)
    cells = bank.finetune_scores.loc[codes, codes].to_numpy(dtype=float, copy=True)
    np.fill_diagonal(cells, np.nan)
    drawn = _replicates(bank, codes)
    matchings, exact = draw_matchings(len(codes), n_permutations, seed)
    left = departures(cells)
    gives, takes = (bank.scores.loc[codes, name].to_numpy(dtype=float) for name in ("donation", "recipience"))
    rows = {
        CELLS: _of_cells(cells, matchings),
        DEPARTURES: _of_cells(left, matchings),
        SUMS: _of_sums(gives, takes, n_permutations, seed),
    }
    table = pd.DataFrame.from_dict(rows, orient="index")
    table[["low", "high"]] = np.nan
    if drawn is not None:
        tails = ((1 - level) / 2, (1 + level) / 2)
        for name, values in (
            (CELLS, pair_correlation(drawn)),
            (SUMS, _drawn_sums(drawn)),
        ):
            if not table.loc[name, "note"]:
                table.loc[name, ["low", "high"]] = np.nanquantile(values, tails)
    return Asymmetry(
        pairs=_pairs(cells, codes, drawn, level),
        correlations=table,
        level=level,
        n_permutations=len(matchings) - 1,
        exact=exact,
    )


def _replicates(bank: Bank, codes: list[str]) -> np.ndarray | None:
    """Take F drawn again, in the order of codes; None where nothing is known of its error."""
    known = bank.intervals
    if known is None or known.replicates is None or not known.knows_error:
        return None
    places = [known.languages.index(code) for code in codes]
    n = len(known.replicates) if len(codes) <= _MANY_LANGUAGES else _FEWER_REPLICATES
    drawn: np.ndarray = known.replicates[:n, places][:, :, places].astype(float)
    return None if np.isnan(drawn).all() else drawn


def _of_cells(cells: np.ndarray, matchings: np.ndarray) -> dict[str, object]:
    both = ~np.isnan(cells) & ~np.isnan(cells.T)
    n_pairs = int(both.sum()) // 2
    if n_pairs < MIN_PAIRS:
        return _nothing(n_pairs, f"fewer than {MIN_PAIRS} pairs have both directions")
    here, there = cells[both], cells.T[both]
    if np.ptp(here) <= SAME * np.abs(cells[both]).max():
        return _nothing(n_pairs, "they are all the same")
    found = transposed_correlations(cells, matchings)
    found = found[np.isfinite(found)]
    return {
        "pearson": float(found[0]),
        "spearman": float(stats.spearmanr(here, there).statistic),
        "n": n_pairs,
        "p": _two_sided(found),
        "note": "",
    }


def _drawn_sums(drawn: np.ndarray) -> np.ndarray:
    """Correlate D with R in each replicate, over the languages that have both."""
    measured = ~np.isnan(drawn[0])
    gives, takes = (np.nansum(drawn, axis=axis) / np.maximum(measured.sum(axis - 1), 1) for axis in (2, 1))
    known = measured.any(axis=1) & measured.any(axis=0)
    return _row_correlations(gives[:, known], takes[:, known])


def _two_sided(found: np.ndarray) -> float:
    """Double the smaller tail: by chance the correlation is not centred on zero, nor symmetric around its centre."""
    return min(1.0, 2 * min(float(np.mean(found >= found[0] - SAME)), float(np.mean(found <= found[0] + SAME))))


def _of_sums(gives: np.ndarray, takes: np.ndarray, n_permutations: int | None, seed: int) -> dict[str, object]:
    known = ~np.isnan(gives) & ~np.isnan(takes)
    gives, takes = gives[known], takes[known]
    n = len(gives)
    if n < MIN_PAIRS + 1:
        return _nothing(n, f"{n} languages with D and R are fewer than {MIN_PAIRS + 1}")
    if min(np.ptp(gives), np.ptp(takes)) <= SAME * max(np.abs(gives).max(), np.abs(takes).max()):
        return _nothing(n, "D or R is the same for all languages")
    orders, _ = draw_orders(n, n_permutations, seed)
    # Sums that are equal but for the order of their terms share a rank.
    rounded = [np.round(sums / np.abs(sums).max(), 12) for sums in (gives, takes)]
    found = _row_correlations(gives[orders], np.broadcast_to(takes, orders.shape))
    return {
        "pearson": float(found[0]),
        "spearman": float(stats.spearmanr(*rounded).statistic),
        "n": n,
        "p": tail(np.abs(found)),
        "note": "",
    }


def _nothing(n: int, note: str) -> dict[str, object]:
    return {"pearson": np.nan, "spearman": np.nan, "n": n, "p": np.nan, "note": f"not possible, because {note}"}


def _row_correlations(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Correlate row by row. Shape: both [row, language]; one number a row."""
    x = left - left.mean(axis=1, keepdims=True)
    y = right - right.mean(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        found: np.ndarray = (x * y).sum(axis=1) / np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    return found


def _pairs(cells: np.ndarray, codes: list[str], drawn: np.ndarray | None, level: float) -> pd.DataFrame:
    first, second = np.nonzero(np.triu(~np.isnan(cells) & ~np.isnan(cells.T), 1))
    forward = cells[first, second] >= cells[second, first]
    give, take = np.where(forward, first, second), np.where(forward, second, first)
    names = np.array(codes, dtype=object)
    higher, lower = cells[give, take], cells[take, give]
    table = pd.DataFrame({"donor": names[give], "recipient": names[take], "higher": higher, "lower": lower})
    table["difference"] = higher - lower
    table["low"], table["high"] = np.nan, np.nan
    if drawn is not None and len(table):
        gaps = drawn[:, give, take] - drawn[:, take, give]
        table["low"], table["high"] = np.quantile(gaps, ((1 - level) / 2, (1 + level) / 2), axis=0)
    ordered = table.sort_values(["difference", "donor", "recipient"], ascending=[False, True, True])
    return ordered.reset_index(drop=True)


# What the two directions of pairs say, in sentences: another finding gives another sentence.


LEVEL = 0.05
_MOST = 3
_WHAT = {
    CELLS: "F(a→b) and F(b→a)",
    DEPARTURES: "After donor and recipient effects, F(a→b) and F(b→a)",
    SUMS: "D and R",
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
    for what in (CELLS, DEPARTURES, SUMS):
        row: dict[Any, Any] = found.correlations.loc[what].to_dict()
        said.append(_correlated(what, row))
        if what == DEPARTURES and _only_effects(found):
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
    raw, left = (found.correlations.loc[what].to_dict() for what in (CELLS, DEPARTURES))
    holds = raw["pearson"] * raw["spearman"] > 0 if not raw["note"] else False
    return bool(holds and not left["note"] and raw["p"] <= LEVEL < left["p"])


def _pair(row: dict[Any, Any]) -> str:
    donor, recipient = row["donor"], row["recipient"]
    return f"{donor}→{recipient} {percent(row['higher'])}% against {recipient}→{donor} {percent(row['lower'])}%"


def _correlated(what: str, row: dict[Any, Any]) -> str:
    name = _WHAT[what]
    if row["note"]:
        after = " after donor and recipient effects" if what == DEPARTURES else ""
        return f"Correlation of {_WHAT[SUMS if what == SUMS else CELLS]}{after}: {row['note']}."
    noun = "languages" if what == SUMS else "pairs"
    numbers = (
        f"(r = {signed(row['pearson'], 3)}, Spearman's ρ = {signed(row['spearman'], 3)}, p = {p_text(row['p'])}, "
        f"n = {row['n']} {noun})"
    )
    if row["p"] <= LEVEL and row["pearson"] * row["spearman"] <= 0:
        return f"{name}: undecided, because a few extreme values decide r, and the ranks say otherwise {numbers}."
    if row["p"] > LEVEL:
        return f"{name} do not go together, nor are they opposed, beyond chance {numbers}."
    if what == SUMS:
        way = "who gives much takes little" if row["pearson"] < 0 else "who gives much takes much"
    else:
        way = (
            "the better one direction, the worse the other"
            if row["pearson"] < 0
            else "the better one direction, the better the other"
        )
    return f"{name} {'are opposed' if row['pearson'] < 0 else 'go together'}: {way} {numbers}."

r"""Is transfer symmetric? F(a→b) against F(b→a), and D against R.

    result = asymmetry(bank)
    print(*result.sentences(), sep="\n")

Cells share languages, so correlations are compared with what swapping languages gives.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bloodbank.bank.bank import Bank
from bloodbank.statistics.permutations import (
    SAME,
    draw_matchings,
    draw_orders,
    pair_correlation,
    tail,
    transposed_correlations,
)
from bloodbank.statistics.two_way import departures
from bloodbank.wording import Finding, percent, plural, signed

CELLS, DEPARTURES, SUMS = "cells", "departures", "sums"
MIN_PAIRS = 3  # a correlation of two pairs is ±1
_MANY_LANGUAGES, _FEWER_REPLICATES = 60, 300  # bounds the memory
_MOST_NAMED = 3
_WHAT = {CELLS: "F(a→b) and F(b→a)", DEPARTURES: "their departures from donor and recipient effects", SUMS: "D and R"}


@dataclass(frozen=True, eq=False)
class Asymmetry:
    """How far the two directions of a pair differ."""

    pairs: pd.DataFrame  #: one row for each pair that has both directions, see `asymmetry`
    correlations: pd.DataFrame  #: by what is correlated: "cells", "departures" and "sums", see `asymmetry`
    level: float  #: of the measurement intervals
    n_permutations: int  #: ways in which languages were swapped in pairs, see `permutations.draw_matchings`
    exact: bool  #: all ways were taken, not a sample

    def sentences(self) -> list[str]:
        """Say how far directions differ, and what goes with what; another finding gives another sentence."""
        rows: dict[Any, Any] = self.correlations.to_dict("index")
        drawn = 0 if self.exact else self.n_permutations
        of_pairs = "; ".join(_correlated(what, rows[what], drawn) for what in (CELLS, DEPARTURES))
        correlated = (of_pairs, _correlated(SUMS, rows[SUMS], drawn))
        return [*_differences(self), *(f"{text[0].upper()}{text[1:]}." for text in correlated)]


def asymmetry(bank: Bank, *, n_permutations: int | None = None, seed: int = 0, level: float = 0.95) -> Asymmetry:
    """Compare the two directions of every pair, and D with R.

    Args:
        bank: The bank.
        n_permutations: Ways to swap the languages in pairs; by default 10,000, and 2,000 for more than 60 languages;
            all up to 12 languages. For D against R as many relabellings.
        seed: Of the drawing.
        level: Of the measurement intervals.

    Returns:
        Pairs: `donor` and `recipient` of the direction with the higher F, `higher`, `lower`, `difference`, and
        `low` and `high`, the measurement interval of the difference as long as which direction is higher was not
        chosen by it (missing without replicates); largest difference first.
        Correlations: `pearson` and `spearman`, `n`, `p` (two-sided, of Pearson's), `low` and `high` (where it lies
        when F is drawn again with its measurement error, which then is in it twice) and `note`, why it is not
        possible. "cells": F(a→b) with F(b→a) over ordered pairs. "departures": the same after donor and recipient
        effects. Their null: what b gives to a has no more to do with what a gives to b than with what any other two
        languages do. "sums": D with R over languages; its null: who gives much has no more to do with who takes much
        than chance.

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
    gives, takes = (bank.scores.loc[codes, name].to_numpy(dtype=float) for name in ("donation", "recipience"))
    rows = {
        CELLS: _of_cells(cells, matchings),
        DEPARTURES: _of_cells(departures(cells), matchings),
        SUMS: _of_sums(gives, takes, n_permutations, seed),
    }
    table = pd.DataFrame.from_dict(rows, orient="index")
    table[["low", "high"]] = np.nan
    if drawn is not None:
        tails = ((1 - level) / 2, (1 + level) / 2)
        for name, values in ((CELLS, pair_correlation(drawn)), (SUMS, _drawn_sums(drawn))):
            if not table.loc[name, "note"]:
                table.loc[name, ["low", "high"]] = np.nanquantile(values, tails)
    return Asymmetry(_pairs(cells, codes, drawn, level), table, level, len(matchings) - 1, exact)


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
    from scipy.stats import spearmanr

    both = ~np.isnan(cells) & ~np.isnan(cells.T)
    n_pairs = int(both.sum()) // 2
    if n_pairs < MIN_PAIRS:
        return _nothing(n_pairs, f"fewer than {MIN_PAIRS} pairs have both directions")
    here, there = cells[both], cells.T[both]
    if np.ptp(here) <= SAME * np.abs(here).max():
        return _nothing(n_pairs, "they are all the same")
    correlations = transposed_correlations(cells, matchings)
    correlations = correlations[np.isfinite(correlations)]
    rho, p = float(spearmanr(here, there).statistic), _two_sided(correlations)
    return {"pearson": float(correlations[0]), "spearman": rho, "n": n_pairs, "p": p, "note": ""}


def _two_sided(correlations: np.ndarray) -> float:
    """Double the smaller tail: by chance the correlation is not centred on zero, nor symmetric around its centre."""
    above, below = correlations >= correlations[0] - SAME, correlations <= correlations[0] + SAME
    return min(1.0, 2 * min(float(above.mean()), float(below.mean())))


def _of_sums(gives: np.ndarray, takes: np.ndarray, n_permutations: int | None, seed: int) -> dict[str, object]:
    from scipy.stats import spearmanr

    known = ~np.isnan(gives) & ~np.isnan(takes)
    gives, takes = gives[known], takes[known]
    n = len(gives)
    if n < MIN_PAIRS + 1:
        return _nothing(n, f"{n} languages with D and R are fewer than {MIN_PAIRS + 1}")
    if min(np.ptp(gives), np.ptp(takes)) <= SAME * max(np.abs(gives).max(), np.abs(takes).max()):
        return _nothing(n, "D or R is the same for all languages")
    orders, _ = draw_orders(n, n_permutations, seed)
    correlations = _row_correlations(gives[orders], np.broadcast_to(takes, orders.shape))
    # Sums that are equal but for the order of their terms share a rank.
    rho = float(spearmanr(*(np.round(sums / np.abs(sums).max(), 12) for sums in (gives, takes))).statistic)
    p = tail(np.abs(correlations))
    return {"pearson": float(correlations[0]), "spearman": rho, "n": n, "p": p, "note": ""}


def _nothing(n: int, note: str) -> dict[str, object]:
    return {"pearson": np.nan, "spearman": np.nan, "n": n, "p": np.nan, "note": f"not possible, because {note}"}


def _drawn_sums(drawn: np.ndarray) -> np.ndarray:
    """Correlate D with R in each replicate, over the languages that have both."""
    measured = ~np.isnan(drawn[0])
    gives, takes = (np.nansum(drawn, axis=axis) / np.maximum(measured.sum(axis - 1), 1) for axis in (2, 1))
    known = measured.any(axis=1) & measured.any(axis=0)
    return _row_correlations(gives[:, known], takes[:, known])


def _row_correlations(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Correlate row by row. Shape: both [row, language]; one number a row."""
    x = left - left.mean(axis=1, keepdims=True)
    y = right - right.mean(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        correlations: np.ndarray = (x * y).sum(axis=1) / np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    return correlations


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


def _differences(result: Asymmetry) -> list[str]:
    pairs = result.pairs
    if pairs.empty:
        return ["Whether transfer is symmetric: not possible, because no pair was measured in both directions."]
    n_opposed = int(((pairs["higher"] > 0) & (pairs["lower"] < 0)).sum())
    named = [_pair(row) for row in pairs.head(_MOST_NAMED).to_dict("records") if row["difference"] > 0]
    most = f", most for {'; '.join(named)}" if named else ""
    known = pairs["low"].dropna()
    beyond = "; which differ beyond measurement error is not known, because the bank has no measurement intervals"
    if len(known):
        beyond = (
            f"; in {int((known > 0).sum())} of {len(known)} the {result.level:.0%} measurement interval of the "
            f"difference excludes zero, where chance alone gives {(1 - result.level) * len(known):.1f}"
        )
    return [
        f"The two directions of a pair differ by {100 * pairs['difference'].mean():.1f} percentage points on average "
        f"({plural(len(pairs), 'pair')}){most}.",
        f"In {n_opposed} ({n_opposed / len(pairs):.0%}) one direction helps and the other harms{beyond}.",
    ]


def _pair(row: dict[Any, Any]) -> str:
    donor, recipient = row["donor"], row["recipient"]
    return f"{donor}→{recipient} {percent(row['higher'])}% against {recipient}→{donor} {percent(row['lower'])}%"


def _correlated(what: str, row: dict[str, Any], n_drawn: int) -> str:
    name = _WHAT[what]
    if row["note"]:
        return f"correlation of {name}: {row['note']}"
    r = Finding(row["pearson"], p=row["p"], name="r = ", decimals=3, n_drawn=n_drawn)
    n = plural(row["n"], "language" if what == SUMS else "pair")
    numbers = f"{r}, Spearman's ρ = {signed(row['spearman'], 3)}, {n}"
    undecided = f"whether {name} go together or are opposed is undecided"
    if row["pearson"] * row["spearman"] <= 0 and r.verdict != "undecided":
        return f"{undecided}, because a few extreme values decide r, and the ranks say otherwise: {numbers}"
    more = "who gives much takes much" if what == SUMS else "the better one direction, the better the other"
    less = "who gives much takes little" if what == SUMS else "the better one direction, the worse the other"
    words = r.choose(above=f"{name} go together, {more}", below=f"{name} are opposed, {less}", undecided=undecided)
    return f"{words}: {numbers}"

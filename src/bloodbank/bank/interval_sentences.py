"""How sure a bank's numbers are, in sentences: other intervals give other sentences. Nothing is read or written.

for sentence in interval_sentences(bank.intervals):
    print(sentence)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bloodbank.bank.intervals import Intervals
from bloodbank.bank.names import language_name, plural, signed
from bloodbank.bank.scores import BLOOD_TYPES, matrix

SURE = 0.95  # share of replicates from which a blood type is taken as settled
_MAX_NAMED = 6


def interval_sentences(intervals: Intervals | None) -> list[str]:
    """Say what the intervals of a bank cover, and what they leave open.

    Args:
        intervals: Of the bank; None where it has neither seeds nor sentence scores, and then nothing is said.

    Returns:
        Sentences on what is covered, on cells and zero, on the first place by D, and on blood types.
    """
    if intervals is None:
        return []
    return [intervals.covers, *_cells(intervals), *_places(intervals), *_types(intervals)]


def is_unsure(intervals: Intervals | None, code: str) -> bool:
    """Tell whether a language's blood type changes in more than 5% of the replicates.

    Args:
        intervals: Of the bank.
        code: The language.
    """
    if intervals is None:
        return False
    row = intervals.types.set_index("language").loc[code, [f"p_{name}" for name in BLOOD_TYPES]].astype(float)
    return bool(row.notna().any() and row.max() < SURE)


def holds_zero(intervals: Intervals | None, languages: Sequence[str]) -> pd.DataFrame:
    """Tell of each cell whether its interval holds zero; False where it has none.

    Args:
        intervals: Of the bank.
        languages: Codes of the bank.

    Shape:
        `[donor, recipient]`.
    """
    if intervals is None:
        return matrix(np.zeros((len(languages), len(languages))), languages, dtype=bool)
    return (intervals.matrix("low") <= 0) & (intervals.matrix("high") >= 0)


def _cells(intervals: Intervals) -> list[str]:
    low, high = (intervals.matrix(name).to_numpy() for name in ("low", "high"))
    known = ~np.isnan(low)
    if not known.any():
        return []
    n_above, n_below = int((low > 0).sum()), int((high < 0).sum())
    n_open = int(known.sum()) - n_above - n_below
    return [
        f"The {intervals.level:.0%} interval of F lies above zero in {n_above} of "
        f"{plural(int(known.sum()), 'measured cell')}, below zero in {n_below}, and holds zero in {n_open}."
    ]


def _places(intervals: Intervals) -> list[str]:
    of_score = intervals.scores[intervals.scores["score"] == "donation"].set_index("language")
    known = of_score[of_score["rank_low"].notna()]
    if len(known) < 2:
        return []
    first = str(known["estimate"].idxmax())
    row: dict[str, float] = known.loc[first, ["estimate", "low", "high", "rank_high"]].astype(float).to_dict()  # type: ignore[assignment]  # of one row
    rivals = [str(code) for code in known.index[known["rank_low"] <= 1] if code != first]
    numbers = f"D = {signed(row['estimate'], 2)}, from {signed(row['low'], 2)} to {signed(row['high'], 2)}"
    if not rivals and row["rank_high"] <= 1:
        return [f"{language_name(first)} ({first}) has the highest D beyond measurement error ({numbers})."]
    return [
        f"Which language has the highest D is open: {language_name(first)} ({first}) is first ({numbers}), but "
        f"{_listed(rivals)} may be."
    ]


def _types(intervals: Intervals) -> list[str]:
    shares = intervals.types.set_index("language")[[f"p_{name}" for name in BLOOD_TYPES]].astype(float).dropna()
    if shares.empty:
        return []
    unsure = shares[shares.max(axis="columns") < SURE]
    settled = f"{len(shares) - len(unsure)} of {plural(len(shares), 'language')}"
    if unsure.empty:
        return [f"The blood type of {settled} stays the same in {SURE:.0%} of the replicates or more."]
    named = [f"{code} ({_split(unsure.loc[code].to_numpy())})" for code in unsure.index]
    return [
        f"The blood type of {settled} stays the same in {SURE:.0%} of the replicates or more; unsure: {_listed(named)}."
    ]


def _split(shares: np.ndarray) -> str:
    order = np.argsort(-shares, kind="stable")
    return ", ".join(f"{BLOOD_TYPES[place]} {shares[place]:.0%}" for place in order if shares[place] >= 0.005)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _MAX_NAMED} more" if len(names) > _MAX_NAMED else ""
    return ", ".join(names[:_MAX_NAMED]) + more

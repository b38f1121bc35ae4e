"""Which cells of a transfer level are sure to help or to harm: those whose measurement interval excludes zero.

Reads a bank's intervals; writes nothing.

    level_noise(bank, data_levels(bank.finetune_scores, LEVEL_BORDERS), LEVEL_BORDERS).table
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bloodbank.bank.bank import Bank
from bloodbank.bank.scores import LEVELS, matrix


@dataclass(frozen=True, eq=False)
class LevelNoise:
    """What measurement intervals say of levels: a cell is neutral to them when its interval contains zero.

    Attributes:
        table: By level: n_cells, n_known (cells with an interval), n_below (all of the interval below zero), n_neutral
            (the interval contains zero) and n_above. Empty where no interval is known.
        neutral: True where the interval contains zero, False where it does not, None where none is known; empty as
            the table. Shape: [donor, recipient].
        half_width: Half the length of the middlemost interval, a fraction as F: smaller F is seldom told from zero.
        neutral_half_width: Half the length of the neutral level, to compare it with.
        level: Probability that an interval holds the true value.
        covers: What intervals cover: "seeds", "test paragraphs", or both.
        reason: Why there is none, or "".
    """

    table: pd.DataFrame
    neutral: pd.DataFrame
    half_width: float
    neutral_half_width: float
    level: float
    covers: str
    reason: str


def level_noise(bank: Bank, levels: pd.DataFrame, borders: Sequence[float]) -> LevelNoise:
    """Count the cells of each level whose measurement interval excludes zero.

    Args:
        bank: The bank, with its intervals.
        levels: Level of each measured cell, None for the others.
        borders: Of these levels.

    Returns:
        The counts, or why there are none.

    Shape:
        `levels` is `[donor, recipient]`.
    """
    neutral_half_width = (borders[1] - borders[0]) / 2
    if bank.intervals is None:
        return _nothing("the bank has no measurement intervals", neutral_half_width)
    rows = bank.intervals.cells
    rows = rows[rows["score"] == "finetune_score"]
    codes = list(levels.index)
    low, high = (
        rows.pivot_table(index="donor", columns="recipient", values=bound, aggfunc="first", dropna=False)
        .reindex(index=codes, columns=codes)
        .to_numpy(dtype=float)
        for bound in ("low", "high")
    )
    placed = levels.to_numpy(dtype=object)
    measured = np.array([[name is not None for name in row] for row in placed], dtype=bool).reshape(placed.shape)
    known = measured & ~np.isnan(low) & ~np.isnan(high)
    if not known.any():
        return _nothing("nothing is known of the error of any cell", neutral_half_width)
    below, above = known & (high < 0), known & (low > 0)
    counts = {
        "n_cells": measured,
        "n_known": known,
        "n_below": below,
        "n_neutral": known & ~below & ~above,
        "n_above": above,
    }
    table = {name: [int((where & (placed == level)).sum()) for level in LEVELS] for name, where in counts.items()}
    sources = [("seeds", bank.intervals.covers_seeds), ("test paragraphs", bank.intervals.covers_paragraphs)]
    return LevelNoise(
        table=pd.DataFrame(table, index=pd.Index(LEVELS, name="level")),
        neutral=matrix(np.where(known, ~below & ~above, None), codes, dtype=object),
        half_width=float(np.median((high - low)[known])) / 2,
        neutral_half_width=neutral_half_width,
        level=bank.intervals.level,
        covers=" and ".join(name for name, is_covered in sources if is_covered),
        reason="",
    )


def _nothing(reason: str, neutral_half_width: float) -> LevelNoise:
    return LevelNoise(pd.DataFrame(), pd.DataFrame(), np.nan, neutral_half_width, np.nan, "", reason)

"""How numbers and tables become plain values for JSON: six significant digits, no negative zero, null where missing.

plain(-0.0)   # 0.0
plain_matrix(bank.finetune_scores, places=[0, 1, 2])
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from bloodbank.explorer.schema import Matrix

DIGITS = 6


def plain(value: object) -> float | None:
    """Round a number to six significant digits.

    Args:
        value: A number, or something that stands for a missing one.

    Returns:
        The number without a negative zero; None for one that is missing or not finite.
    """
    number = float(value) if isinstance(value, (int, float, np.number)) else math.nan
    if not math.isfinite(number):
        return None
    return float(f"{number:.{DIGITS}g}") + 0.0  # + 0.0 makes a negative zero a plain one


def plain_matrix(table: pd.DataFrame, places: Sequence[int | None]) -> Matrix:
    """Lay a matrix out for the languages of the page.

    Args:
        table: Numbers `[donor, recipient]`, in the order of its bank.
        places: For each language of the page its place in the bank; None where the bank lacks it.

    Returns:
        Rows over all languages of the page, None where the cell is missing.

    Shape:
        `[donor, recipient]`, in the order of `places`.
    """
    cells = spread(table.to_numpy(dtype=float), places, math.nan)
    return [[plain(cell) for cell in row] for row in cells.tolist()]


def spread(cells: np.ndarray, places: Sequence[int | None], absent: object) -> np.ndarray:
    """Rearrange a square of a bank's languages to those of the page.

    Args:
        cells: In the order of the bank. Shape: `[donor, recipient]`.
        places: For each language of the page its place in the bank; None where the bank lacks it.
        absent: What stands in the rows and columns of these.

    Shape:
        `[donor, recipient]`, in the order of `places`.
    """
    here = np.array([place for place, own in enumerate(places) if own is not None], dtype=int)
    own = np.array([place for place in places if place is not None], dtype=int)
    arranged = np.full((len(places), len(places)), absent, dtype=cells.dtype)
    arranged[np.ix_(here, here)] = cells[np.ix_(own, own)]
    return arranged

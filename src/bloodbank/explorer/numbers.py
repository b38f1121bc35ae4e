"""How numbers and tables become plain values for JSON: six significant digits, no negative zero, null where missing.

plain(-0.0)   # 0.0
plain_matrix(bank.finetune_scores, ["de", "fi"])
"""

from __future__ import annotations

import math

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


def plain_matrix(table: pd.DataFrame, codes: list[str]) -> Matrix:
    """Lay a matrix out for the languages of the page.

    Args:
        table: Numbers `[donor, recipient]`.
        codes: Of the languages of the page.

    Returns:
        Rows over all languages of the page, None where the cell is missing.

    Shape:
        `[donor, recipient]`, in the order of `codes`.
    """
    cells = table.reindex(index=codes, columns=codes).to_numpy(dtype=float)
    return [[plain(cell) for cell in row] for row in cells.tolist()]

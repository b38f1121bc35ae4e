"""Small things about tables: are two equal, and what stands in a cell. Nothing is read or written.

same(bank.scores, other.scores)
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd


def same(left: object, right: object) -> bool:
    """Tell whether two values are equal, missing cells included.

    Args:
        left: A table, a mapping (its order counts), or a plain value.
        right: What it is compared with.
    """
    if isinstance(left, pd.DataFrame) or isinstance(right, pd.DataFrame):
        return isinstance(left, pd.DataFrame) and isinstance(right, pd.DataFrame) and left.equals(right)
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    return bool(left == right)


def number(table: pd.DataFrame, row: object, column: str) -> float:
    """Take a number out of a table.

    Args:
        table: With one row of that name.
        row: Its name.
        column: Of the cell.

    Returns:
        The number; NaN for a missing one.
    """
    values: dict[object, float] = table[column].to_dict()
    return float(values[row])

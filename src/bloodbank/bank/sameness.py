"""Equality of what banks are made of: tables, mappings of tables, and plain values. Nothing is read or written.

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

"""What a cell of somebody's table means: a number, a missing value, or a mistake.

Pure functions; nothing is read or written.

    numbers(RawCells(...))
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from numbers import Real

import numpy as np

from bloodbank.errors import UsageError
from bloodbank.wording import listed, shown

MISSING_WORDS = frozenset({"", "na", "n/a", "nan", "null", "none", "-", "–", "—", ".", "·"})
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_INFINITY = re.compile(r"[+-]?inf(?:inity)?", re.IGNORECASE)
_WITH_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?", re.ASCII)


def is_missing(cell: object) -> bool:
    """Say whether a cell holds no value: nothing, or a word such as "NA" or "-"."""
    if isinstance(cell, str):
        return cell.strip().casefold() in MISSING_WORDS
    return cell is None or (isinstance(cell, Real) and math.isnan(cell)) or type(cell).__name__ in ("NAType", "NaTType")


def find_decimal(cells: Iterable[object], decimal: str | None) -> str:
    """Find whether numbers have a decimal point or a decimal comma.

    Args:
        cells: All that may be numbers.
        decimal: "." or "," where the user says it.

    Returns:
        "." or ",".

    Raises:
        UsageError: Some numbers have the one and some the other, or `decimal` is something else.
    """
    if decimal not in (None, ".", ","):
        raise UsageError(f"The decimal sign {decimal!r} is not known. Allowed are '.' and ','.")
    if decimal:
        return decimal
    texts = [cell.strip().replace("−", "-") for cell in cells if isinstance(cell, str)]
    comma = next((text for text in texts if _WITH_COMMA.fullmatch(text)), None)
    point = next((text for text in texts if "." in text and _NUMBER.fullmatch(text)), None)
    if comma and point:
        raise UsageError(
            f"Some numbers have a comma ({shown(comma)}) and some a point ({shown(point)}). "
            "Write all of them alike, or say decimal='.' or decimal=','."
        )
    return "," if comma else "."


def to_number(cell: object, decimal: str = ".") -> float:
    """Turn a cell into a number; NaN where it is missing.

    Raises:
        ValueError: It is neither; the message says what it is.
    """
    if is_missing(cell):
        return math.nan
    if isinstance(cell, str):
        text = cell.strip().replace("−", "-")
        if decimal == ",":
            text = text.replace(".", "x").replace(",", ".")
        if _INFINITY.fullmatch(text):
            raise ValueError("is infinite")
        if not _NUMBER.fullmatch(text):
            raise ValueError("is no number")
        value = float(text)
    elif isinstance(cell, (Real, Decimal)) and not isinstance(cell, (bool, np.bool_)):
        value = float(cell)
    else:
        raise ValueError("is no number")
    if math.isinf(value):
        raise ValueError("is infinite")
    return value


def to_numbers(cells: Sequence[Sequence[object]], names: Sequence[Sequence[str]], decimal: str) -> np.ndarray:
    """Turn a table of cells into numbers.

    Args:
        cells: Rows of cells.
        names: What rows and columns are called in messages: two sequences.
        decimal: "." or ",".

    Returns:
        The numbers; NaN where a cell is missing.

    Raises:
        UsageError: Some are no numbers; the message names the first of them.

    Shape:
        As `cells`.
    """
    found = np.full((len(cells), len(names[1])), np.nan)
    wrong: list[str] = []
    for row, row_name in enumerate(names[0]):
        for column, column_name in enumerate(names[1]):
            try:
                found[row, column] = to_number(cells[row][column], decimal)
            except ValueError as error:
                wrong.append(f"{shown(cells[row][column])} ({row_name}, {column_name}) {error}")
    if wrong:
        raise UsageError(f"{listed(wrong, 3, '; ')}. {_advice(wrong)}")
    return found


def _advice(wrong: Sequence[str]) -> str:
    if any("%" in text for text in wrong):
        return "Write fractions without a percent sign: 0.512 instead of 51.2%."
    return "Allowed are finite numbers; for a missing value leave the cell empty, or write NA or -."

"""What a cell of somebody's table means: a number, a missing value, or a mistake.

numbers = to_numbers(table, decimal=find_decimal(table.to_numpy().ravel(), None))
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real

import numpy as np
import pandas as pd

from bloodbank.errors import UsageError
from bloodbank.wording import listed, shown

MISSING_WORDS = frozenset({"", "na", "n/a", "nan", "null", "none", "-", "–", "—", ".", "·"})
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_INFINITY = re.compile(r"[+-]?inf(?:inity)?", re.IGNORECASE)
_WITH_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?", re.ASCII)


@dataclass(frozen=True)
class Cells:
    """The cells of a matrix as a file has them: ratios, F or scores, whichever they are.

    Shape:
        `by_seed`: square matrices `[donor, recipient]` over all languages, the diagonal as the file has it.
    """

    by_seed: Mapping[int | None, pd.DataFrame]  #: one entry under None where seeds are not known
    decimal: str
    kind_hint: str  #: "finetune" or "ratio" where a name in the file says so, else ""
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    constants: Mapping[str, str]  #: columns of a long file that hold one value


def is_missing(cell: object) -> bool:
    """Say whether a cell holds no value: nothing, or a word such as "NA" or "-"."""
    if isinstance(cell, str):
        return cell.strip().casefold() in MISSING_WORDS
    return cell is None or cell is pd.NA or cell is pd.NaT or (isinstance(cell, Real) and math.isnan(cell))


def find_decimal(cells: Iterable[object], decimal: str | None) -> str:
    """Find whether numbers have a decimal point or a decimal comma.

    Args:
        cells: All that may be numbers.
        decimal: "." or "," where the user says it.

    Raises:
        UsageError: Some numbers have the one and some the other, or `decimal` is something else.
    """
    if decimal not in (None, ".", ","):
        raise UsageError(f"The decimal sign {decimal!r} is not known. Allowed are '.' and ','.")
    if decimal:
        return decimal
    texts = [_plain(cell) for cell in cells if isinstance(cell, str)]
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
        text = _plain(cell)
        if decimal == ",":
            text = text.replace(".", "x").replace(",", ".")
        if not _NUMBER.fullmatch(text):
            raise ValueError("is infinite" if _INFINITY.fullmatch(text) else "is no number")
        value = float(text)
    elif isinstance(cell, (Real, Decimal)) and not isinstance(cell, (bool, np.bool_)):
        value = float(cell)
    else:
        raise ValueError("is no number")
    if math.isinf(value):
        raise ValueError("is infinite")
    return value


def to_numbers(cells: pd.DataFrame, decimal: str) -> np.ndarray:
    """Turn a table of cells into numbers; NaN where a cell is missing.

    Args:
        cells: Its index and columns say where a cell stands, for messages.
        decimal: "." or ",".

    Raises:
        UsageError: Some are no numbers; the message names the first of them.
    """
    numbers = np.full(cells.shape, np.nan)
    wrong: list[str] = []
    for row, (row_name, values) in enumerate(zip(cells.index, cells.to_numpy(dtype=object), strict=True)):
        for column, (column_name, cell) in enumerate(zip(cells.columns, values, strict=True)):
            try:
                numbers[row, column] = to_number(cell, decimal)
            except ValueError as error:
                wrong.append(f"{shown(cell)} ({row_name}, {column_name}) {error}")
    if wrong:
        advice = "Allowed are finite numbers; for a missing value leave the cell empty, or write NA or -."
        if any("%" in text for text in wrong):
            advice = "Write fractions without a percent sign: 0.512 instead of 51.2%."
        raise UsageError(f"{listed(wrong, 3, '; ')}. {advice}")
    return numbers


def _plain(text: str) -> str:
    return text.strip().replace("−", "-")

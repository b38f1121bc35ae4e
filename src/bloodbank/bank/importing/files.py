"""Files with a table in them, read as they stand: CSV with any delimiter, and Parquet.

Cells of CSV stay text, so that the codes `nan` and `no` are what they are. What a cell means is said elsewhere (see
`bloodbank.bank.importing.cells`). Reads one file; writes nothing.

    table = read_table(Path("matrix.csv"))
    table.cells.columns, table.cells.iloc[0]
"""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bloodbank.errors import UsageError

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}
_MAX_COLUMNS = 5_000  # a table of languages is far from it; a line without ends is not
_KINDS = (  # how files start that are no text
    (b"PK\x03\x04", "a zip archive, such as an .xlsx of a spreadsheet program"),
    (b"\x1f\x8b", "compressed with gzip"),
    (b"\xfd7zXZ", "compressed with xz"),
    (b"(\xb5/\xfd", "compressed with zstandard"),
    (b"%PDF", "a PDF"),
)
_NEXT = "Give a CSV file in UTF-8, a Parquet file or a bank.json."


@dataclass(frozen=True)
class RawTable:
    """A table as its file has it."""

    path: Path
    sha256: str
    cells: pd.DataFrame  #: its index says where a row stands in the file: "line 3"; names of columns may repeat
    delimiter: str | None  #: None for Parquet
    notes: tuple[str, ...]  #: what was assumed

    @property
    def header(self) -> list[str]:
        """Names of the columns."""
        return [str(name) for name in self.cells.columns]


def read_table(path: Path, *, delimiter: str | None = None) -> RawTable:
    """Read a table, whatever its cells mean.

    Args:
        path: A CSV or Parquet file.
        delimiter: What stands between cells; by default the first line decides between comma, semicolon and tab.

    Returns:
        The table, without empty rows and without empty columns at its right.

    Raises:
        UsageError: It is no such file, or no table.
    """
    content, notes = read_content(path), list[str]()
    if content[:4] == b"PAR1":
        cells, delimiter = _parquet(path, content), None
    else:
        text, notes = decode(path, content)
        delimiter = _checked_delimiter(delimiter) or _find_delimiter(text)
        cells, more = _headed(path, _csv(path, text, delimiter))
        notes += more
    cells.columns = pd.Index([str(name).strip() for name in cells.columns], dtype=object)
    return RawTable(path, hashlib.sha256(content).hexdigest(), cells, delimiter, tuple(notes))


def read_content(path: Path) -> bytes:
    """Read a file's bytes.

    Raises:
        UsageError: There is no such file, it is a folder, or it is empty.
    """
    if path.is_dir():
        raise UsageError(f"{path} is a folder. Give the file in it: a CSV or Parquet file, or a bank.json.")
    if not path.is_file():
        raise UsageError(f"There is no file at {path}. Give a CSV or Parquet file, or a bank.json.")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}. Look at its permissions.") from error
    if not content.strip():
        raise UsageError(f"{path} is empty. {_NEXT}")
    return content


def decode(path: Path, content: bytes) -> tuple[str, list[str]]:
    """Turn bytes into text: UTF-8 with or without a byte-order mark, or UTF-16 with one.

    Returns:
        The text, and what was assumed.

    Raises:
        UsageError: It is no text, or in another encoding.
    """
    for start, kind in _KINDS:
        if content.startswith(start):
            raise UsageError(f"{path} is {kind}, not text. {_NEXT}")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return content.decode("utf-16"), ["The file is in UTF-16, as its byte-order mark says."]
        except UnicodeDecodeError as error:
            raise UsageError(f"{path} starts as UTF-16 but is not: {error.reason}. Save it as UTF-8.") from error
    if b"\x00" in content:
        raise UsageError(f"{path} holds zero bytes: it is binary, or UTF-16 without a byte-order mark. {_NEXT}")
    try:
        return content.decode("utf-8-sig"), []
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise UsageError(f"{path} is not UTF-8 (line {line}, byte {error.start}). Save it as UTF-8.") from error


def _checked_delimiter(delimiter: str | None) -> str | None:
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
        raise UsageError(f"The delimiter {delimiter!r} is not one character. Give one, such as ',' or ';'.")
    return delimiter


def _find_delimiter(text: str) -> str:
    """Take what cuts the first line into most cells; a comma in a tie, as in a table of one column."""
    first = next((line for line in io.StringIO(text) if line.strip()), "")
    return max(DELIMITERS, key=first.count)


def _csv(path: Path, text: str, delimiter: str) -> pd.DataFrame:
    """Read all lines; a cell that a line does not have is None, an empty one ""."""
    width = 1 + max(line.count(delimiter) for line in io.StringIO(text))
    if width > _MAX_COLUMNS:
        raise UsageError(f"{path} has {width:,} columns; at most {_MAX_COLUMNS:,} are read. Are its lines broken?")
    try:
        cells = pd.read_csv(
            io.StringIO(text), sep=delimiter, header=None, names=range(width), dtype=object, keep_default_na=False,
            skip_blank_lines=False, engine="python",  # which tells a cell that is not there from an empty one
        )  # fmt: skip
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise UsageError(f"{path} is no table: {error}. Is a quotation mark left open?") from error
    cells.index = pd.Index([f"line {number}" for number in range(1, len(cells) + 1)])
    used = _n_used(cells)
    if not used.any():
        raise UsageError(f"{path} has no table in it. {_NEXT}")
    return cells.loc[used > 0, : used.max() - 1]


def _n_used(cells: pd.DataFrame) -> pd.Series[int]:
    """Count the cells of each row up to the last that is not blank."""
    is_used = cells.map(lambda cell: bool(cell and cell.strip())).to_numpy()
    places = np.arange(1, is_used.shape[1] + 1)
    return pd.Series((is_used * places).max(axis=1), index=cells.index)


def _headed(path: Path, cells: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Take the first line as names, and check that every line has a cell for each of them."""
    used, rows, notes = _n_used(cells), cells.iloc[1:], []
    names = [str(name) for name in cells.iloc[0, : max(int(used.iloc[0]), 1)]]
    n_more = cells.shape[1] - len(names)
    if len(rows) and rows.notna().to_numpy().all():  # every line has all columns, named or not
        if n_more == 1:
            notes = ["The first line has one cell fewer than the others: taken as names without a corner cell."]
        names = ["", *names] if n_more == 1 else names + [""] * n_more
    for (place, n_cells), n_used in zip(rows.notna().sum(axis="columns").items(), used.iloc[1:], strict=True):
        if n_cells < len(names) or n_used > len(names):
            raise UsageError(
                f"{path}, {place}, has {n_cells} cells, but the first line has {len(names)}. "
                "Write a delimiter for every missing cell."
            )
    return rows.iloc[:, : len(names)].set_axis(names, axis="columns"), notes


def _parquet(path: Path, content: bytes) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        frame: pd.DataFrame = pq.read_table(pa.BufferReader(content)).to_pandas()
    except (pa.ArrowException, ValueError, NotImplementedError, OSError) as error:
        raise UsageError(f"{path} is no Parquet file that can be read: {error}. {_NEXT}") from error
    if not isinstance(frame.index, pd.RangeIndex):
        frame = frame.rename_axis(index=[str(name or "") for name in frame.index.names]).reset_index()
    if frame.empty:
        raise UsageError(f"{path} has no table in it. {_NEXT}")
    places = [f"row {number}" for number in range(1, len(frame) + 1)]
    return frame.astype(object).set_axis(places, axis="index")

"""Files with a table in them, read as they stand: CSV with any delimiter, and Parquet.

Cells of CSV stay text, so that the codes `nan` and `no` are what they are. What a cell means is said elsewhere (see
`bloodbank.bank.importing.cells`). Reads one file; writes nothing.

    table = read_table(Path("matrix.csv"))
    table.header, table.rows[0]
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

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
    """A table as its file has it.

    Shape:
        As many cells in every row as names in the header.
    """

    path: Path
    sha256: str
    header: tuple[str, ...]
    rows: list[list[object]]
    places: list[str]  #: where each row stands in its file, for messages: "line 3"
    delimiter: str | None  #: None for Parquet
    notes: tuple[str, ...]  #: what was assumed


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
    content = read_content(path)
    sha256 = hashlib.sha256(content).hexdigest()
    if content[:4] == b"PAR1":
        header, rows = _parquet(path, content)
        places = [f"row {number}" for number in range(1, len(rows) + 1)]
        notes: list[str] = []
        delimiter = None
    else:
        text, notes = decode(path, content)
        delimiter = _checked_delimiter(delimiter) or _find_delimiter(text)
        lines = list(_lines(path, text, delimiter))
        if not lines:
            raise UsageError(f"{path} has no table in it. {_NEXT}")
        header, rows, places = _square_up(path, lines)
        if header[0] is None:
            header = ["", *header[1:]]
            notes = [*notes, "The first line has one cell fewer than the others: taken as names without a corner cell."]
    return RawTable(path, sha256, tuple(str(name).strip() for name in header), rows, places, delimiter, tuple(notes))


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
    for line in io.StringIO(text):  # not splitlines: a form feed ends no line of a table
        if line.strip():
            cuts = {each: _n_cells(line, each) for each in DELIMITERS}
            return max(cuts, key=cuts.__getitem__)
    return ","


def _n_cells(line: str, delimiter: str) -> int:
    try:
        return len(next(csv.reader([line], delimiter=delimiter)))
    except csv.Error:  # the line itself is at fault; reading it as a table says how
        return 0


def _lines(path: Path, text: str, delimiter: str) -> Iterator[tuple[str, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield f"line {reader.line_num}", cells
    except csv.Error as error:
        raise UsageError(
            f"{path}, line {reader.line_num}, is no line of a table: {error}. Is a quotation mark left open?"
        ) from error


def _square_up(
    path: Path, lines: list[tuple[str, list[str]]]
) -> tuple[list[str | None], list[list[object]], list[str]]:
    """Cut columns that are empty all the way down off the right, and check that rows are equally long."""
    used = [_used(cells) for _, cells in lines]
    width = max(used)
    if width > _MAX_COLUMNS:
        raise UsageError(f"{path} has {width:,} columns; at most {_MAX_COLUMNS:,} are read. Are its lines broken?")
    (_, first), *others = lines
    header: list[str | None] = list(first[: max(used[0], 1)])
    shortest = min((len(cells) for _, cells in others), default=0)
    if others and len(header) == width - 1 and shortest >= width:
        header = [None, *header]  # as R writes row names
    header += [""] * (width - len(header)) if shortest >= width else []
    rows: list[list[object]] = []
    for (place, cells), n_used in zip(others, used[1:], strict=True):
        if len(cells) < len(header) or n_used > len(header):
            raise UsageError(
                f"{path}, {place}, has {len(cells)} cells, but the first line has {len(header)}. "
                "Write a delimiter for every missing cell."
            )
        rows.append(list(cells[: len(header)]))
    return header, rows, [place for place, _ in others]


def _used(cells: list[str]) -> int:
    if cells[-1].strip():  # as nearly all lines are
        return len(cells)
    return next((place for place in range(len(cells), 0, -1) if cells[place - 1].strip()), 0)


def _parquet(path: Path, content: bytes) -> tuple[list[str | None], list[list[object]]]:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        frame = pq.read_table(pa.BufferReader(content)).to_pandas()
    except (pa.ArrowException, ValueError, NotImplementedError, OSError) as error:
        raise UsageError(f"{path} is no Parquet file that can be read: {error}. {_NEXT}") from error
    if not isinstance(frame.index, pd.RangeIndex):
        frame = frame.rename_axis(index=[name or "" for name in frame.index.names]).reset_index()
    if frame.empty:
        raise UsageError(f"{path} has no table in it. {_NEXT}")
    columns = [frame.iloc[:, place].astype(object).tolist() for place in range(frame.shape[1])]
    return [str(name) for name in frame.columns], [list(row) for row in zip(*columns, strict=True)]

"""JSON Lines files, plain or compressed: one object a line, blank lines between them for nothing.

Every line is checked when rows are counted, so that what is wrong is named by its line before anything is made of the
rest. The `datasets` library is not asked here: where types are mixed behind its first 10 MB it turns texts into
quoted ones without a word.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import IO, Any, NamedTuple

from bloodbank.corpus.sources.compression import ENDINGS, open_stream
from bloodbank.corpus.sources.parquet import Columns, Row
from bloodbank.errors import UsageError

LONGEST_LINE_BYTES = 100_000_000  # longer than any book: a file without line ends
NOT_UNICODE = "records_not_unicode"
_MARK_ROWS = 1_000
_MOST_NAMES = 20
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class _Mark(NamedTuple):
    """A place in a file: a byte, and the number of the line before it."""

    byte: int
    line: int


class JsonLines:
    """JSON Lines files.

    Args:
        paths: The files.
        columns: What is read of each object.
    """

    def __init__(self, paths: Sequence[Path], columns: Columns) -> None:
        self._paths, self._columns = paths, columns

    @cached_property
    def n_rows(self) -> int:
        """Number of rows, counted by reading and checking all of them."""
        return sum(n for n, _ in self._index)

    def rows(self, first: int) -> Iterator[Row]:
        """Yield the rows from one on; of a file that is not compressed at most a thousand before it are read."""
        for path, (n, marks) in zip(self._paths, self._index, strict=True):
            if first >= n:
                first -= n
                continue
            mark = 0 if path.suffix in ENDINGS else first // _MARK_ROWS
            first -= mark * _MARK_ROWS
            with open_stream(path) as file:
                for _, line, text in _lines(file, path, marks[mark]):
                    if first:
                        first -= 1
                        continue
                    yield _row(_parse(text, path, line), self._columns, path, line)

    @cached_property
    def _index(self) -> list[tuple[int, list[_Mark]]]:
        """Rows of each file, and the place of every thousandth."""
        missing, names = set(filter(None, self._columns)), dict[str, None]()
        index = [self._index_of(path, missing, names) for path in self._paths]
        for name in self._columns:
            if name in missing and any(n for n, _ in index):
                there = ", ".join(list(names)[:_MOST_NAMES])
                raise UsageError(f"{self._paths[0]}: no record has a column {name!r}. There are: {there or 'none'}.")
        return index

    def _index_of(self, path: Path, missing: set[str], names: dict[str, None]) -> tuple[int, list[_Mark]]:
        """Check every record of a file; take the columns that it has out of the missing ones."""
        n, marks, key_kind = 0, [_Mark(0, 0)], ""
        with open_stream(path) as file:
            for byte, line, text in _lines(file, path, marks[0]):
                record = _parse(text, path, line)
                _row(record, self._columns, path, line)
                key = record.get(self._columns.key) if self._columns.key else None
                kind = "" if key is None else _kind(key)
                if kind and key_kind and kind != key_kind:
                    raise UsageError(f"{path}: line {line}: the key is {kind}, those before are each {key_kind}.")
                key_kind = kind or key_kind
                if n and n % _MARK_ROWS == 0:
                    marks.append(_Mark(byte, line - 1))
                missing.difference_update(record)
                if len(names) < _MOST_NAMES:
                    names.update(dict.fromkeys(record))
                n += 1
        return n, marks


def _lines(file: IO[bytes], path: Path, start: _Mark) -> Iterator[tuple[int, int, bytes]]:
    """Yield the first byte, the number and the bytes of each line that is not blank."""
    byte, line = start
    if byte:
        file.seek(byte)
    while text := file.readline(LONGEST_LINE_BYTES):
        line += 1
        if len(text) == LONGEST_LINE_BYTES:
            raise UsageError(
                f"{path}: line {line} is longer than {LONGEST_LINE_BYTES:,} bytes. JSON Lines have one object a line."
            )
        if not text.isspace():
            yield byte, line, text
        byte += len(text)


def _parse(text: bytes, path: Path, line: int) -> dict[str, Any]:
    """Read one object."""
    try:
        record = json.loads(text.decode("utf-8-sig" if line == 1 else "utf-8"))
    except UnicodeDecodeError as error:
        likely = "UTF-16" if text.startswith((b"\xff\xfe", b"\xfe\xff")) else "LATIN1"
        raise UsageError(
            f"{path}: line {line}: not UTF-8: byte 0x{text[error.start]:02x}. Convert it, for example: "
            f"iconv -f {likely} -t UTF-8."
        ) from None
    except (ValueError, RecursionError) as error:
        what = f"{error.msg} (character {error.pos + 1})" if isinstance(error, json.JSONDecodeError) else str(error)
        hint = " It is one list; write an object a line: jq -c '.[]'." if line == 1 and text[:1] == b"[" else ""
        raise UsageError(f"{path}: line {line}: not an object of JSON: {what}.{hint}") from None
    if not isinstance(record, dict):
        hint = " Write an object a line: jq -c '.[]'." if isinstance(record, list) else ""
        raise UsageError(f"{path}: line {line}: {_kind(record)}, not an object of JSON.{hint}")
    return record


def _row(record: dict[str, Any], columns: Columns, path: Path, line: int) -> Row:
    """Take text and key out of an object; what is not there is None."""
    text, key = record.get(columns.text), record.get(columns.key) if columns.key else None
    if text is not None and not isinstance(text, str):
        raise UsageError(f"{path}: line {line}: column {columns.text!r} holds {_kind(text)}, not text.")
    if key is not None and (isinstance(key, bool) or not isinstance(key, str | int)):
        raise UsageError(
            f"{path}: line {line}: column {columns.key!r} holds {_kind(key)}; keys are texts or whole numbers."
        )
    name = None if key is None else str(key)
    if text is not None and not text.isascii() and _LONE_SURROGATE.search(text):
        return Row(None, name, NOT_UNICODE)  # half a character, written as \ud83d: no text can hold it
    return Row(text, name)


def _kind(value: object) -> str:
    """Say what a value is, in the words of JSON."""
    names = {
        bool: "true or false",
        int: "a number",
        float: "a number",
        str: "a text",
        list: "a list",
        dict: "an object",
    }
    return names.get(type(value), "null")

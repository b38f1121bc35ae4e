"""Rows of tables: which columns are read, and Parquet files, from any row on, without reading those before.

Parquet is read row by row inside a row group, since tools write whole corpora as one group. The `datasets` library
decodes a group at once, and its reader can abort the process when it is left before the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, NamedTuple, Protocol

from bloodbank.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_BATCH_ROWS = 256  # of a few kilobytes each
_BUFFER_BYTES = 1 << 20
_MOST_NAMES = 20
NO_TEXT = "records_without_text"


class Columns(NamedTuple):
    """Names of the columns that are read.

    Attributes:
        text: Of the text.
        key: Of what names a record in every language; empty for none.
    """

    text: str
    key: str = ""


class Row(NamedTuple):
    """A record.

    Attributes:
        text: None where it is left out.
        key: None where it has none.
        why: Why it is left out, as it is counted.
    """

    text: str | None
    key: str | None
    why: str = NO_TEXT


class Records(Protocol):
    """Rows of one or more tables, in order."""

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        ...

    def rows(self, first: int) -> Iterator[Row]:
        """Yield the rows from one on. Raises a UsageError where they cannot be read."""
        ...


class ParquetRecords:
    """Parquet files.

    Args:
        names: Paths or addresses.
        columns: What is read.
        opener: Opens an address; paths are opened here.
        n_rows: Rows in all, where they are known without asking every file.
    """

    def __init__(
        self,
        names: Sequence[str],
        columns: Columns,
        *,
        opener: Callable[[str], IO[bytes]] | None = None,
        n_rows: int | None = None,
    ) -> None:
        self._names, self._columns, self._opener, self._n_rows = names, columns, opener, n_rows
        self._groups: dict[str, list[int]] = {}  # rows of each row group of the files that were opened

    @property
    def n_rows(self) -> int:
        """Number of rows, from the files' own metadata."""
        if self._n_rows is None:
            self._n_rows = sum(sum(self._groups_of(name)) for name in self._names)
        return self._n_rows

    def rows(self, first: int) -> Iterator[Row]:
        """Yield the rows from one on; row groups before it are not read."""
        wanted = list(dict.fromkeys(filter(None, self._columns)))
        for name in self._names:
            if first and first >= (n := sum(self._groups_of(name))):
                first -= n
                continue
            with self._file(name) as file:
                for group, n in enumerate(self._groups[name]):
                    if first >= n:
                        first -= n
                        continue
                    # One group at a time: over several, all of them would be fetched ahead.
                    for batch in file.iter_batches(_BATCH_ROWS, [group], columns=wanted, use_threads=False):
                        if first < len(batch):
                            yield from rows_of(batch.slice(first), self._columns)
                        first = max(0, first - len(batch))

    def _groups_of(self, name: str) -> list[int]:
        if name not in self._groups:
            with self._file(name):
                pass
        return self._groups[name]

    @contextmanager
    def _file(self, name: str) -> Iterator[pq.ParquetFile]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            with self._opener(name) if self._opener else open(name, "rb") as source:  # noqa: PTH123 - or an address
                # From a disk page by page; over a network the columns of a group in one request.
                file = pq.ParquetFile(source, pre_buffer=self._opener is not None, buffer_size=_BUFFER_BYTES)
                check_columns(file.schema_arrow, self._columns, name)
                metadata = file.metadata
                self._groups[name] = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
                yield file
        except UnicodeDecodeError as error:
            raise UsageError(f"{name}: column {self._columns.text!r} is not UTF-8: {one_line(error)}.") from None
        except (pa.ArrowException, OSError) as error:
            if isinstance(error, OSError) and (error.errno or self._opener):  # Arrow's own errors have no number
                raise UsageError(f"{name}: cannot be read: {error.strerror or one_line(error)}.") from None
            raise UsageError(f"{name}: not a whole Parquet file: {one_line(error)}. Make or fetch it again.") from None


def check_columns(schema: pa.Schema, columns: Columns, where: str) -> None:
    """Check that columns are there and hold what they should.

    Raises:
        UsageError: Names the columns that there are.
    """
    import pyarrow.types as kinds

    for name in columns:
        if name and schema.names.count(name) != 1:
            there = ", ".join(f"{field.name} ({field.type})" for field in list(schema)[:_MOST_NAMES])
            how_many = "several columns" if name in schema.names else "no column"
            raise UsageError(f"{where}: {how_many} {name!r}. There are: {there or 'none'}.")
    text = schema.field(columns.text).type
    if not _is_text(text) and not kinds.is_null(text):
        there = ", ".join(field.name for field in schema if _is_text(field.type))
        raise UsageError(
            f"{where}: column {columns.text!r} holds {text}, not text. Columns of text: {there or 'none'}."
        )
    key = schema.field(columns.key).type if columns.key else text
    if not _is_text(key) and not kinds.is_integer(key) and not kinds.is_null(key):
        raise UsageError(f"{where}: column {columns.key!r} holds {key}; keys are texts or whole numbers.")


def rows_of(table: pa.Table | pa.RecordBatch, columns: Columns) -> Iterator[Row]:
    """Yield the rows of a piece of a table."""
    texts = table.column(columns.text).to_pylist()
    keys = table.column(columns.key).to_pylist() if columns.key else [None] * len(texts)
    for text, key in zip(texts, keys, strict=True):
        yield Row(text, None if key is None else str(key))


def one_line(error: BaseException) -> str:
    """Return what a library says, in one line."""
    return " ".join(str(error).split())[:300].rstrip(".") or type(error).__name__


def _is_text(kind: Any) -> bool:
    import pyarrow.types as kinds

    if kinds.is_dictionary(kind):
        return _is_text(kind.value_type)
    return bool(kinds.is_string(kind) or kinds.is_large_string(kind) or kinds.is_string_view(kind))

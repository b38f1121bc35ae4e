"""Tables as a source: datasets of the Hugging Face hub, local Parquet and JSON Lines files. A record is a document."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

from bloodbank.corpus.sources.compression import ENDINGS
from bloodbank.corpus.sources.huggingface import HubDataset
from bloodbank.corpus.sources.jsonlines import JsonLines
from bloodbank.corpus.sources.parquet import NO_TEXT, Columns, ParquetRecords, Records
from bloodbank.corpus.sources.source import Document, readable_digest
from bloodbank.errors import UsageError
from bloodbank.store import digest

_JSON = (".jsonl", ".ndjson", ".json")
_LAST_PLACE = math.nextafter(1.0, 0.0)


class HubSource:
    """Records of a table: a column of text, cut into paragraphs at line ends.

    Args:
        language: Code, for messages.
        dataset: Name of a dataset of the hub, `wikimedia/wikipedia`; empty for local files.
        config: Its configuration, `20231101.de`.
        split: Its split.
        column: The column of text.
        key_column: The column that names a record in every language; empty for none.
        paths: Local files instead: `.parquet`, or `.jsonl`, `.ndjson` and `.json`, also compressed.
        revision: Commit, tag or branch of the dataset; the newest by default.
        licence: Of the text; by default what the dataset's card says.

    Raises:
        UsageError: What is given does not fit together.
    """

    kind = "hub"

    def __init__(
        self,
        language: str,
        *,
        dataset: str = "",
        config: str = "",
        split: str = "train",
        column: str = "text",
        key_column: str = "",
        paths: Sequence[Path] = (),
        revision: str = "",
        licence: str = "",
    ) -> None:
        if bool(dataset) == bool(paths):
            raise UsageError(f"{language}: give either the name of a dataset or local files.")
        if paths and (config or revision or split != "train"):
            raise UsageError(f"{language}: local files have no configuration, split or revision; leave them out.")
        if not column:
            raise UsageError(f"{language}: the column of text has no name.")
        self._columns = Columns(column, key_column)
        self._paths, self._licence = tuple(paths), licence
        self._dataset = HubDataset(dataset, config, split, revision) if dataset else None
        self._is_parquet = _format(self._paths) == ".parquet" if paths else False
        self.counts: Counter[str] = Counter()

    @property
    def seekable(self) -> bool:
        """True where reading from a place costs no more than what is read: all but data sets without Parquet files."""
        return self._dataset is None or isinstance(self._records, ParquetRecords)

    def digest(self) -> str:
        """Hash the files, or the commit of the dataset. The commit is looked up, the text not."""
        if self._dataset:
            return digest("hub", self._dataset.name, self._dataset.config, self._dataset.split,
                          self._dataset.commit, *self._columns)  # fmt: skip
        return digest("files", *self._columns, [readable_digest(path) for path in self._paths])

    def files(self) -> tuple[Path, ...]:
        """Return the local files, in order."""
        return self._paths

    def describe(self) -> dict[str, object]:
        """Return name, commit, licence and date of a dataset, and the columns."""
        told: dict[str, object] = {"column": self._columns.text, "key_column": self._columns.key or None}
        if self._dataset is None:
            return {"licence": self._licence or None, **told}
        return {
            "dataset": self._dataset.name,
            "config": self._dataset.config or None,
            "split": self._dataset.split,
            "revision": self._dataset.commit,
            "licence": self._licence or self._dataset.licence,
            "date": self._dataset.date,
            **told,
        }

    def read(self, start: float = 0.0) -> Iterator[Document]:
        """Yield the records that have text, from a place on."""
        n = self._records.n_rows
        first = _first_row(start, n)
        has_text = False
        for i, row in enumerate(self._records.rows(first), first):
            self.counts["records"] += 1
            paragraphs = _paragraphs(row.text or "")
            if not paragraphs:
                self.counts[NO_TEXT if row.text is not None else row.why] += 1
                continue
            if self._columns.key and row.key is None:
                self.counts["records_without_key"] += 1
            has_text = True
            # A dataset may have more rows than it says.
            yield Document(min(i / max(1, n), _LAST_PLACE), paragraphs, row.key)
        if not has_text and start == 0.0:
            raise UsageError(f"{self._name}: no record has text in the column {self._columns.text!r}.")

    @cached_property
    def _records(self) -> Records:
        if self._dataset:
            return self._dataset.records(self._columns)
        if self._is_parquet:
            return ParquetRecords([str(path) for path in self._paths], self._columns)
        return JsonLines(self._paths, self._columns)

    @property
    def _name(self) -> str:
        return str(self._dataset or self._paths[0])


def _paragraphs(text: str) -> tuple[str, ...]:
    """Cut at line ends of any system, and leave blank lines out."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return tuple([line for line in text.split("\n") if line and not line.isspace()])


def _first_row(start: float, n: int) -> int:
    """Return the first row whose place is at or after `start`, exactly."""
    first = max(0, math.ceil(start * n))
    while first and (first - 1) / n >= start:
        first -= 1
    while first < n and first / n < start:
        first += 1
    return first


def _format(paths: Sequence[Path]) -> str:
    """Return what kind the files are; one for all."""
    kinds = {_format_of(path) for path in paths}
    if len(kinds) > 1:
        raise UsageError(f"{paths[0]}: files of several kinds ({', '.join(sorted(kinds))}) are given; give one kind.")
    return kinds.pop()


def _format_of(path: Path) -> str:
    plain = path.with_suffix("") if path.suffix in ENDINGS else path
    if path.suffix == ".parquet" or plain.suffix in _JSON:
        return ".jsonl" if plain.suffix in _JSON else ".parquet"
    raise UsageError(
        f"{path}: neither Parquet nor JSON Lines by its name. Names end with .parquet, or with {', '.join(_JSON)}, "
        f"these also with {', '.join(ENDINGS)} behind."
    )

"""The contract of a source: the raw text of one language as a stream of documents, from any place on.

Variants: `text` (files of lines), `wikipedia` (dumps), `hub` (datasets, Parquet, JSON Lines). None holds its text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bloodbank.errors import UsageError
from bloodbank.store import file_digest

LARGE_BYTES = 256 << 20  # reading a file of so many bytes to hash it costs more than a sample of it


@dataclass(frozen=True, slots=True)
class Document:
    """A page, a record, or a line.

    Attributes:
        place: Where it begins, as a share of the source: 0 ≤ place < 1, never falling within one reading.
        paragraphs: Its text without markup, one paragraph an item, lines not yet cleaned. A line of a text file is one
            paragraph, empty ones too, so that aligned files stay aligned.
        key: Names the same document in every language of a parallel source; None where there is no such name.
    """

    place: float
    paragraphs: tuple[str, ...]
    key: str | None = None


class Source(Protocol):
    """The text of one language.

    Attributes:
        kind: `text`, `wikipedia` or `hub`.
        counts: What reading met and left out since the source was opened (pages, redirects, broken records …). It grows
            while documents are read, and counts anew with each reading of the same place.
    """

    kind: str
    counts: Counter[str]

    @property
    def seekable(self) -> bool:
        """Whether reading from a place on costs no more than what is read; a plain attribute will do."""
        ...

    def digest(self) -> str:
        """Hash what the text is made of: it is part of the key of all that is made from it.

        Raises:
            UsageError: Something is missing or cannot be read; says what stands beside it.
        """
        ...

    def files(self) -> tuple[Path, ...]:
        """Return the local files that are read, in order; empty where there are none."""
        ...

    def describe(self) -> dict[str, object]:
        """Return what a data card says of the source: name, licence and date where they are known, files, settings."""
        ...

    def read(self, start: float = 0.0) -> Iterator[Document]:
        """Yield the documents from the first one at or after a place to the end of the source.

        Memory is flat in the size of the source. Reading twice from one place gives the same documents.

        Args:
            start: Share of the source, 0 ≤ start < 1.

        Raises:
            UsageError: The source cannot be read: missing, broken off, not what its name says.
        """
        ...


def readable_digest(path: Path) -> str:
    """Hash a file.

    Raises:
        UsageError: It cannot be read.
    """
    try:
        return file_digest(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}.") from None


def by_number(name: str) -> list[tuple[int, str]]:
    """Key to sort names by, so that `part2` stands before `part10`."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]

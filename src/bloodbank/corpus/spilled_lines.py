"""Lines that wait on disk: all of a source, of which a few numbers a line stand in memory."""

from __future__ import annotations

import hashlib
import tempfile
from array import array
from collections.abc import Container, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from bloodbank.corpus.splitting import comparable

Hashes = np.ndarray[Any, np.dtype[np.uint64]]


class SpilledLines:
    """Lines in a file that nobody else sees, and that is gone with the process, however it ends.

    Args:
        folder: Where there is room for the text of the whole source.
    """

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed in __exit__
        self._lengths, self._ends, self._hashes = array("q"), array("q", [0]), array("Q")

    def __enter__(self) -> SpilledLines:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def __len__(self) -> int:
        """Count the lines."""
        return len(self._lengths)

    def append(self, line: str) -> None:
        """Put a line at the end."""
        raw = line.encode()
        self._file.write(raw)
        self._ends.append(self._ends[-1] + len(raw))
        self._lengths.append(len(line))
        self._hashes.append(_hash(comparable(line)))

    def __iter__(self) -> Iterator[str]:
        """Read all lines back, in order."""
        return (self[number] for number in range(len(self)))

    def __getitem__(self, number: int) -> str:
        """Read a line back."""
        begin, end = self._ends[number], self._ends[number + 1]
        self._file.seek(begin)
        return self._file.read(end - begin).decode()

    @property
    def lengths(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Characters of each line. Shape: [n_lines]."""
        return np.array(self._lengths, dtype=np.int64)

    def texts(self, wanted: np.ndarray[Any, np.dtype[np.bool_]]) -> HashedTexts:
        """Return the texts of some lines, empty ones left out. Shape of `wanted`: [n_lines]."""
        hashes = np.array(self._hashes, dtype=np.uint64)
        return HashedTexts(np.unique(hashes[wanted & (self.lengths > 0)]))


class HashedTexts(Container[str]):
    """HashedTexts, case and spaces set aside, by 64 bits each: two of a million are mistaken once in 30 million."""

    def __init__(self, hashes: Hashes) -> None:
        self._hashes = hashes

    def __contains__(self, text: object) -> bool:
        """Tell whether a text, as `comparable` returns it, is one of them."""
        own = np.uint64(_hash(str(text)))
        place = int(np.searchsorted(self._hashes, own))
        return place < len(self._hashes) and self._hashes[place] == own


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")

"""The fingerprint of a text: what is compared with other texts, so that the expensive part is done once for each.

Reads lines of text; writes a folder with an array a file, and reads it again:

    write_fingerprint(fingerprint(lines), folder)
    one = read_fingerprint(folder)

Texts stand as sets of 64-bit hashes: of a million words that are new, less than one in a million is taken for known.
At most 2 million runs of words are kept, those whose hash ends in enough zeros, which are the same in every text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from bloodbank.corpus.splitting import comparable
from bloodbank.corpus.word_units import Counts, Hashes, Units, hashed
from bloodbank.errors import BloodbankError

_MOST_NGRAMS = 1 << 21
_AT_ONCE_CHARS = 1_000_000


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """A text as what is compared: hashes, each once and rising, and how often they occur.

    Attributes:
        paragraphs: Of paragraphs, case and spaces folded. Shape: [n_paragraphs].
        paragraph_counts, paragraph_chars: Their occurrences, and characters in all of these. Shape: [n_paragraphs].
        ngrams, ngram_counts: Of runs of words. Shape: [n_ngrams].
        ngram_rate: One in so many of them is kept, a power of two. Shape: [1].
        words, word_counts: Of words; the last two bits of a hash are its kind. Shape: [n_words].
    """

    paragraphs: Hashes
    paragraph_counts: Counts
    paragraph_chars: Counts
    ngrams: Hashes
    ngram_counts: Counts
    ngram_rate: Counts
    words: Hashes
    word_counts: Counts


def fingerprint(text: Iterable[str]) -> Fingerprint:
    """Make the fingerprint of a text; of the text itself a million characters are held at a time.

    Args:
        text: A paragraph an item, in Unicode normal form C; empty ones are passed over.

    Returns:
        What `compare` (of `overlap`) compares.
    """
    units, ngrams, words, paragraphs, chars = Units(), _Ngrams(), _Table(), _Table(), _Table()
    for batch in _batches(text):
        hashes = np.array([hashed(comparable(paragraph)) for paragraph in batch], np.uint64)
        paragraphs.add(hashes, np.ones(len(batch), np.int64))
        chars.add(hashes, np.array([len(paragraph) for paragraph in batch], np.int64))
        found = units.find(batch)
        ngrams.add(*np.unique(found.ngrams(), return_counts=True))
        words.add(*np.unique(found.words(), return_counts=True))
    kept = ngrams.merge()
    rate = np.array([ngrams.rate], np.int64)
    return Fingerprint(*paragraphs.merge(), chars.merge()[1], *kept, rate, *words.merge())


def write_fingerprint(one: Fingerprint, folder: Path) -> None:
    """Write a fingerprint into a folder, an array a file (.npy)."""
    folder.mkdir(parents=True, exist_ok=True)
    for field in fields(one):
        np.save(folder / f"{field.name}.npy", getattr(one, field.name), allow_pickle=False)


def read_fingerprint(folder: Path) -> Fingerprint:
    """Read what `write_fingerprint` wrote; arrays stay on disk until they are used.

    Raises:
        BloodbankError: A file is missing or broken.
    """
    try:
        arrays = {field.name: _load(folder / f"{field.name}.npy") for field in fields(Fingerprint)}
    except (OSError, ValueError, EOFError) as error:
        raise BloodbankError(f"{folder}: no whole fingerprint of a text: {error}. Make the audit again.") from None
    return Fingerprint(**arrays)


def _load(path: Path) -> Any:
    return np.load(path, mmap_mode="r" if path.stat().st_size > 4_096 else None, allow_pickle=False)


def _batches(text: Iterable[str]) -> Iterator[list[str]]:
    """Yield paragraphs that are not empty, as many at a time as have a million characters."""
    batch, n_chars = [], 0
    for paragraph in text:
        if paragraph and not paragraph.isspace():
            batch.append(paragraph)
            n_chars += len(paragraph)
        if n_chars >= _AT_ONCE_CHARS:
            yield batch
            batch, n_chars = [], 0
    if batch:
        yield batch


class _Table:
    """Adds up numbers that belong to the same hash; holds at most about twice what it returns."""

    def __init__(self) -> None:
        self._hashes, self._values = [np.zeros(0, np.uint64)], [np.zeros(0, np.int64)]

    def add(self, hashes: Hashes, values: Counts) -> None:
        """Add rows. Shape: [n_rows] each."""
        self._hashes.append(hashes)
        self._values.append(values)
        if sum(map(len, self._hashes[1:])) > max(len(self._hashes[0]), _AT_ONCE_CHARS):
            self.merge()

    def merge(self) -> tuple[Hashes, Counts]:
        """Return the distinct hashes, rising, and the sum of each."""
        hashes, values = np.concatenate(self._hashes), np.concatenate(self._values)
        order = np.argsort(hashes, kind="stable")
        hashes = hashes[order]
        starts = np.flatnonzero(np.append(True, hashes[1:] != hashes[:-1])[: len(hashes)])
        self._hashes = [hashes[starts]]
        self._values = [np.add.reduceat(values[order], starts) if len(starts) else values]
        return self._hashes[0], self._values[0]


class _Ngrams(_Table):
    """Runs of words: all, or a sample that is the same in every text."""

    rate = 1

    def merge(self) -> tuple[Hashes, Counts]:
        """Return as `_Table.merge`; where there are too many, every second of them, and so on."""
        hashes, counts = super().merge()
        while len(hashes) > _MOST_NGRAMS:
            self.rate *= 2
            kept = hashes % np.uint64(self.rate) == 0
            hashes, counts = hashes[kept], counts[kept]
        kept = hashes % np.uint64(self.rate) == 0
        self._hashes, self._values = [hashes[kept]], [counts[kept]]
        return self._hashes[0], self._values[0]

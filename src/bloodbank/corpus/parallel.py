"""Parallel texts: the same messages, or the same stretch, are held out in every language.

They are read whole, and wait on disk: what is dropped depends on texts anywhere in the source. What is held out depends
on the seed only, never on the language or on which others there are.
"""

from __future__ import annotations

import hashlib
import tempfile
from array import array
from collections.abc import Container
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from bloodbank.corpus.sources.source import Source
from bloodbank.corpus.splitting import Parts, Prepare, Split, comparable
from bloodbank.errors import UsageError
from bloodbank.experiment.settings import CorpusSettings
from bloodbank.randomness import derive, generator

Places = np.ndarray[Any, np.dtype[np.float64]]


def split_parallel(source: Source, settings: CorpusSettings, parts: Parts, prepare: Prepare, folder: Path) -> Split:
    """Fill the parts with the paragraphs at the same places in every language.

    A text that stands both in what is held out and elsewhere in the source is dropped from both: it translates
    held-out messages as well as training ones of other languages. So no language trains on a translation of
    another's test text, whichever languages the experiment names.

    Args:
        source: The text.
        settings: Kind of parallelism, shares, seed.
        parts: What is filled.
        prepare: Turns a document into lines; empty ones hold places.
        folder: Where the text of the source waits until the parts are filled.

    Raises:
        UsageError: The source is empty, or its records lack keys where they are parallel by key.
    """
    with Spill(folder) as lines:
        places = _read(source, settings, prepare, lines)
        _fill(lines, places, settings, parts)
        return Split(parts.lines(), parts.n_repeated, int(lines.lengths.sum()), 1.0)


def _fill(lines: Spill, places: Places, settings: CorpusSettings, parts: Parts) -> None:
    start = generator(settings.seed, "corpus", "parallel").random()
    guard = settings.guard_share if settings.parallel == "stretch" else 0.0
    test_share = settings.heldout_share * settings.test_chars / (settings.test_chars + settings.dev_chars)
    # Places from the start on, in a source that goes on at its beginning.
    distance = (places - start) % 1.0
    in_test = distance < test_share
    in_dev = ~in_test & (distance < settings.heldout_share)
    in_train = (distance >= settings.heldout_share + guard) & (distance < 1.0 - guard)
    inside, outside = lines.texts(in_test | in_dev), lines.texts(~in_test & ~in_dev)
    order = np.argsort(distance, kind="stable")
    order = order[lines.lengths[order] > 0]
    for names, mask, others in (
        (("test",), in_test, outside),
        (("dev",), in_dev, outside),
        (("train", "other"), in_train, inside),
    ):
        for i in order[mask[order]].tolist():
            if not (name := parts.first_open(names)):
                break
            parts.put(name, lines[i], others)


def _read(source: Source, settings: CorpusSettings, prepare: Prepare, lines: Spill) -> Places:
    """Read a whole source; return where each of its lines stands, from 0 to 1."""
    places = array("d")
    for document in source.read():
        found = prepare(document)
        for line in found:
            lines.append(line)
        if settings.parallel == "keys":
            if document.key is None:
                raise UsageError(
                    'corpus.parallel = "keys" needs a key for every record: set key_column to the column that names '
                    "the same record in every language."
                )
            # The same share for the same key, whatever stands around it.
            places.extend([derive(settings.seed, "corpus key", document.key) / 2**63] * len(found))
    if settings.parallel == "keys":
        return np.array(places, dtype=np.float64)
    if settings.parallel == "lines":  # line i of n stands at i / n: the same for the same message in every language
        return np.arange(len(lines)) / max(1, len(lines))
    lengths = lines.lengths.astype(np.float64)
    # A paragraph of a book stands where its middle is, as a share of the characters.
    middles: Places = (np.cumsum(lengths) - lengths / 2) / max(1.0, lengths.sum())
    return middles


# Lines that wait on disk: all of a source, of which a few numbers a line stand in memory.


Hashes = np.ndarray[Any, np.dtype[np.uint64]]


class Spill:
    """Lines in a file that nobody else sees, and that is gone with the process, however it ends.

    Args:
        folder: Where there is room for the text of the whole source.
    """

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed in __exit__
        self._lengths, self._ends, self._hashes = array("q"), array("q", [0]), array("Q")

    def __enter__(self) -> Spill:
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

    def __getitem__(self, number: int) -> str:
        """Read a line back."""
        begin, end = self._ends[number], self._ends[number + 1]
        self._file.seek(begin)
        return self._file.read(end - begin).decode()

    @property
    def lengths(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Characters of each line. Shape: [n_lines]."""
        return np.array(self._lengths, dtype=np.int64)

    def texts(self, wanted: np.ndarray[Any, np.dtype[np.bool_]]) -> Texts:
        """Return the texts of some lines, empty ones left out. Shape of `wanted`: [n_lines]."""
        hashes = np.array(self._hashes, dtype=np.uint64)
        return Texts(np.unique(hashes[wanted & (self.lengths > 0)]))


class Texts(Container[str]):
    """Texts, case and spaces set aside, known by 64 bits each: two of a million are mistaken once in 30 million."""

    def __init__(self, hashes: Hashes) -> None:
        self._hashes = hashes

    def __contains__(self, text: object) -> bool:
        """Tell whether a text, as `comparable` returns it, is one of them."""
        own = np.uint64(_hash(str(text)))
        place = int(np.searchsorted(self._hashes, own))
        return place < len(self._hashes) and self._hashes[place] == own


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")

"""Parallel texts: the same messages, or the same stretch, are held out in every language.

They are read whole, and wait on disk: what is dropped depends on texts anywhere in the source. What is held out depends
on the seed, and where it is a stretch, on the pivot's text; never on which other languages there are.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bloodbank.corpus.anchors import Anchors, Numbers, anchors_of
from bloodbank.corpus.sources.source import Source
from bloodbank.corpus.spilled_lines import SpilledLines
from bloodbank.corpus.splitting import Parts, Prepare, Split
from bloodbank.corpus.stretch import DEV, TEST, TRAIN, Zones, find_stretch, guarded_pivot, zones_of_pivot
from bloodbank.errors import UsageError
from bloodbank.experiment.settings import CorpusSettings
from bloodbank.randomness import derive, generator

Places = np.ndarray[Any, np.dtype[np.float64]]
_PIVOT = "pivot"


@dataclass(frozen=True, eq=False)
class Pivot:
    """The text in which a stretch is chosen, which is then found in all others.

    Attributes:
        language: Its code.
        anchors: What marks places in it.
        lengths: Characters of each of its lines. Shape: [n_lines].
    """

    language: str
    anchors: Anchors
    lengths: Numbers

    @classmethod
    def of(cls, source: Source, language: str, prepare: Prepare) -> Pivot:
        """Read a source."""
        lengths = array("q")

        def lines() -> Iterator[str]:
            for document in source.read():
                for line in prepare(document):
                    lengths.append(len(line))
                    yield line

        anchors = anchors_of(lines())
        return cls(language, anchors, np.array(lengths, dtype=np.int64))

    def write(self, folder: Path) -> None:
        """Write its three arrays."""
        self.anchors.write(folder, _PIVOT)
        np.save(folder / f"{_PIVOT}.lengths.npy", self.lengths)

    @classmethod
    def read(cls, folder: Path, language: str) -> Pivot:
        """Read what `write` wrote."""
        return cls(
            language, Anchors.read(folder, _PIVOT), np.load(folder / f"{_PIVOT}.lengths.npy", allow_pickle=False)
        )


def split_parallel(
    source: Source,
    language: str,
    settings: CorpusSettings,
    *,
    parts: Parts,
    prepare: Prepare,
    folder: Path,
    pivot: Pivot | None = None,
) -> Split:
    """Fill the parts with the paragraphs at the same places in every language.

    A text that stands both in what is held out and elsewhere in the source is dropped from both: it translates
    held-out messages as well as training ones of other languages. So no language trains on a translation of
    another's test text, whichever languages the experiment names.

    Args:
        source: The text.
        language: Its code.
        settings: Kind of parallelism, shares, seed.
        parts: What is filled.
        prepare: Turns a document into lines; empty ones hold places.
        folder: Where the text of the source waits until the parts are filled.
        pivot: Where the stretch was chosen, for `parallel = "stretch"`; None: in this text.

    Raises:
        UsageError: The source is empty, its records lack keys where they are parallel by key, or the pivot's stretch
            cannot be found in it.
    """
    with SpilledLines(folder) as lines:
        shares = _read(source, settings, prepare, lines)
        zones, order = (
            _zones_of_stretch(lines, language, settings, pivot)
            if settings.parallel == "stretch"
            else _zones_of_places(shares, settings)
        )
        _fill(lines, zones, order, parts)
        return Split(parts.lines(), parts.n_repeated, int(lines.lengths.sum()), 1.0)


def _fill(lines: SpilledLines, zones: Zones, order: Numbers, parts: Parts) -> None:
    heldout = np.isin(zones, (TEST, DEV))
    inside, outside = lines.texts(heldout), lines.texts(~heldout)
    order = order[lines.lengths[order] > 0]
    for names, zone, others in (
        (("test",), TEST, outside),
        (("dev",), DEV, outside),
        (("train", "other"), TRAIN, inside),
    ):
        for i in order[zones[order] == zone].tolist():
            if not (name := parts.first_open(names)):
                break
            parts.put(name, lines[i], others)


def _shares(settings: CorpusSettings) -> tuple[float, float]:
    """Return where what is held out begins, as a share of the source, and the share of it that is test text."""
    start = generator(settings.seed, "corpus", "parallel").random()
    return start, settings.heldout_share * settings.test_chars / (settings.test_chars + settings.dev_chars)


def _zones_of_places(places: Places, settings: CorpusSettings) -> tuple[Zones, Numbers]:
    """Zones of messages by their places, and the order in which they are taken, from the start on."""
    start, test_share = _shares(settings)
    distance = (places - start) % 1.0
    zones = np.where(distance < test_share, TEST, np.where(distance < settings.heldout_share, DEV, TRAIN))
    return zones.astype(np.int8), np.argsort(distance, kind="stable")


def _zones_of_stretch(
    lines: SpilledLines, language: str, settings: CorpusSettings, pivot: Pivot | None
) -> tuple[Zones, Numbers]:
    """Zones of a book's paragraphs, and the order in which they are taken: from the stretch on, round the end."""
    start, test_share = _shares(settings)
    lengths = lines.lengths if pivot is None else pivot.lengths
    chosen = zones_of_pivot(lengths, start, test_share, settings.heldout_share)
    if pivot is None:
        zones = guarded_pivot(chosen, settings.guard_paragraphs)
    else:
        zones = find_stretch(
            anchors_of(lines), pivot.anchors, chosen,
            guard_paragraphs=settings.guard_paragraphs, guard_anchors=settings.guard_anchors,
            names=(language, pivot.language),
        )  # fmt: skip
    tests = np.flatnonzero(zones == TEST)
    if not len(tests):
        return zones, np.arange(len(zones))
    # The stretch begins behind the widest gap between its lines, since it may go on at the beginning of the book.
    gaps = np.diff(tests, prepend=tests[-1] - len(zones))
    return zones, np.roll(np.arange(len(zones)), -int(tests[gaps.argmax()]))


def _read(source: Source, settings: CorpusSettings, prepare: Prepare, lines: SpilledLines) -> Places:
    """Read a whole source; return where each of its messages stands, from 0 to 1."""
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
    # Line i of n stands at i / n: the same for the same message in every language.
    return np.arange(len(lines)) / max(1, len(lines))

"""Text out of a source that is not parallel: from one seeded place on, or from many; never holding more than it takes.

What is held out is taken first, then the training text, where it is met; a source goes on at its beginning.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from bloodbank.corpus.sources.source import Document, Source
from bloodbank.corpus.splitting import Parts, Prepare, Split
from bloodbank.randomness import generator

if TYPE_CHECKING:
    from bloodbank.experiment.settings import CorpusSettings

_ROUNDING = 1e-9


def starts_of(settings: CorpusSettings, language: str) -> list[float]:
    """Return the seeded places from which text is taken, in order, as shares of the source."""
    n_places = settings.n_streams if settings.sampling == "streams" else 1
    return sorted(generator(settings.seed, "corpus", language).random(n_places).tolist())


def sample(source: Source, starts: list[float], parts: Parts, prepare: Prepare) -> Split:
    """Fill the parts: an equal share from each place, in order, then what is missing from wherever there is more."""
    sampler = _Sampler(parts, prepare)
    for number, (documents, begin, end) in enumerate(_stretches(source, starts), start=1):
        sampler.take(documents, begin, end, number / len(starts))
    if len(starts) == 1:
        sampler.take(_Reading(source.read()), 0.0, starts[0], 1.0)
    elif not sampler.is_full(1.0):
        sampler.take_passed_over(source)
    whole = sampler.share_read > 1.0 - _ROUNDING
    return Split(parts.lines(), parts.n_repeated, sampler.chars_read, 1.0 if whole else sampler.share_read)


class _Reading:
    """Documents of one reading; one that was met too early can be given back."""

    def __init__(self, documents: Iterator[Document]) -> None:
        self._documents = documents
        self._waiting: list[Document] = []

    def __iter__(self) -> Iterator[Document]:
        while True:
            document = self._waiting.pop() if self._waiting else next(self._documents, None)
            if document is None:
                return
            yield document

    def give_back(self, document: Document) -> None:
        """Put a document where it was taken from."""
        self._waiting.append(document)


def _stretches(source: Source, starts: list[float]) -> Iterator[tuple[_Reading, float, float]]:
    """Yield the documents from each place on, and where they begin and end."""
    reading = _Reading(source.read(starts[0]))  # one reading passes all places, where going to one is not quick
    for number, (begin, end) in enumerate(pairwise([*starts, 1.0])):
        yield _Reading(source.read(begin)) if number and source.seekable else reading, begin, end


class _Sampler:
    """Takes text and remembers how much of the source was read for it."""

    def __init__(self, parts: Parts, prepare: Prepare) -> None:
        self.parts, self.prepare = parts, prepare
        self.chars_read, self.share_read = 0, 0.0
        self.stretches: list[tuple[float, float]] = []  # where those that were read begin and end, in order

    def take(self, reading: _Reading, begin: float, end: float, due: float) -> None:
        """Take text until every part has its due share of its budget, or a place is reached."""
        if self.is_full(due):
            return
        # Both ends are where a document begins: a share of the source, and the characters that stand in it.
        first, reached, chars = (0.0 if begin == 0.0 else None), 1.0, 0
        for document in reading:
            if document.place < begin:  # of one reading: left over from before the place
                continue
            first = document.place if first is None else first
            if document.place >= end:
                reading.give_back(document)
                reached = document.place
                break
            self.chars_read += chars
            chars = self._put(document, due)
            if self.is_full(due):
                reached, chars = document.place, 0
                break
        self.chars_read += chars
        if first is not None:
            self.share_read += reached - first
            self.stretches.append((first, reached))

    def take_passed_over(self, source: Source) -> None:
        """Take what is missing from all that no stretch has read; what reading meets again is not counted again."""
        begins, ends = ([stretch[side] for stretch in self.stretches] for side in (0, 1))
        before, reached = source.counts.copy(), 1.0
        for document in source.read():
            number = bisect_right(begins, document.place) - 1
            taken = number >= 0 and document.place < ends[number]
            if taken or (number >= 0 and not source.seekable and document.place < ends[-1]):  # met on the way
                source.counts.clear()
                source.counts.update(before)
            before = source.counts.copy()
            if taken:
                continue
            # The last document of a stretch was taken as far as its due went, and not passed.
            chars = self._put(document, 1.0, counted=document.place not in ends)
            if self.is_full(1.0):
                reached = document.place
                break
            self.chars_read += chars
        self.share_read += reached - sum(min(end, reached) - begin for begin, end in self.stretches if begin < reached)

    def _put(self, document: Document, due: float, *, counted: bool = True) -> int:
        """Give the lines of a document to the parts; return their characters."""
        lines = [line for line in self.prepare(document) if line]
        for line in lines:
            name = self.parts.first_open(list(self.parts.parts), due)
            if name:
                self.parts.put(name, line, counted=counted)
        return sum(map(len, lines))

    def is_full(self, due: float) -> bool:
        """Tell whether every part has its due."""
        return self.parts.first_open(list(self.parts.parts), due) is None

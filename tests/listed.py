"""A source in memory, and a split of its lines as they are."""

import tempfile
from collections import Counter
from pathlib import Path

from bloodbank.corpus.parallel import split_parallel
from bloodbank.corpus.sampling import sample, starts_of
from bloodbank.corpus.sources.source import Document
from bloodbank.corpus.splitting import Parts

ALL_PARTS = ("train", "dev", "test", "other")


class ListSource:
    """Lines as documents; `readings` remembers from where it was read, and how far."""

    kind = "text"

    def __init__(self, lines, keys=None, *, places=None, seekable=True):
        self.lines, self.keys, self.seekable = lines, keys or [None] * len(lines), seekable
        self.places = places or [i / len(lines) for i in range(len(lines))]
        self.counts = Counter()
        self.readings = []

    def digest(self):
        return "0" * 64

    def files(self):
        return ()

    def describe(self):
        return {"name": "a list"}

    def read(self, start=0.0):
        reading = [start, 0]
        self.readings.append(reading)
        for place, line, key in zip(self.places, self.lines, self.keys, strict=True):
            if place >= start:
                reading[1] += 1
                self.counts["lines"] += 1
                yield Document(place, (line,), key)


def as_they_are(document):
    """Take the paragraphs of a document without cleaning."""
    return list(document.paragraphs)


def split(source, settings, language, wanted=ALL_PARTS, pivot=None):
    """Split lines, or a source, without cleaning."""
    source = ListSource(source) if isinstance(source, list) else source
    parts = Parts(settings, wanted)
    if settings.parallel == "no":
        return sample(source, starts_of(settings, language), parts, as_they_are)
    with tempfile.TemporaryDirectory() as folder:
        return split_parallel(
            source, language, settings, parts=parts, prepare=as_they_are, folder=Path(folder), pivot=pivot
        )

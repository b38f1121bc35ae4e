"""A source in memory, and a split of its lines as they are."""

from collections import Counter

from bloodbank.corpus.parallel import split_parallel
from bloodbank.corpus.sampling import sample, starts_of
from bloodbank.corpus.source import Document
from bloodbank.corpus.splitting import Parts

ALL_PARTS = ("train", "dev", "test", "other")


class ListSource:
    """Lines as documents; `readings` remembers from where it was read, and how far."""

    kind = "text"

    def __init__(self, lines, keys=None, *, seekable=True):
        self.lines, self.keys, self.seekable = lines, keys or [None] * len(lines), seekable
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
        for i, (line, key) in enumerate(zip(self.lines, self.keys, strict=True)):
            if i / len(self.lines) >= start:
                reading[1] += 1
                self.counts["lines"] += 1
                yield Document(i / len(self.lines), (line,), key)


def split(source, settings, language, wanted=ALL_PARTS):
    """Split lines, or a source, without cleaning."""
    source = ListSource(source) if isinstance(source, list) else source
    parts = Parts(settings, wanted)
    if settings.parallel == "no":
        return sample(source, starts_of(settings, language), parts, lambda document: list(document.paragraphs))
    return split_parallel(source, settings, parts, lambda document: list(document.paragraphs))

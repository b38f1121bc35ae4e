"""Lengths of sentences and words: what a word is, and histograms that grow in a stream and go to JSON.

Reads text, writes nothing; of the text only histograms are kept, so memory is flat.

    sentence_words, word_chars = Blocks(), Blocks()
    for sentence in text:
        lengths = word_lengths(sentence)
        sentence_words.add([len(lengths)])
        word_chars.add(lengths)

What a word is, the same in every language: a run between white space that holds a letter or a number, without the
punctuation at its ends. Within a run, scripts that are written without spaces are cut further: each Han, Yi or Tangut
character, each run of hiragana or of katakana, each letter of Thai, Lao, Khmer or Burmese (and of the smaller scripts
of their kind) with its marks, and what stands between the dots of Tibetan, is one "word". That is close to Unicode's
default rule and far from a linguist's words: numbers of words, and all that is divided by them, can be compared between
a sample and its source, but not between a script with spaces and one without.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

from bloodbank.corpus.scripts import CLUSTERS, IDEOGRAMS, NO_SCRIPT, script_of
from bloodbank.errors import UsageError

# Kinds of characters: i one character a word, h and k kana, l their long mark, c a letter with its marks, w letters and
# numbers, m marks, p what may stand inside a word (don't, 3.5), s what never does.
_KINDS = dict.fromkeys(IDEOGRAMS, "i") | dict.fromkeys(CLUSTERS, "c") | {"Hira": "h", "Kana": "k"}
_FIXED = dict.fromkeys("ー\uff70", "l")
_FIXED |= dict.fromkeys("\u200b\u1361\u0f0b\u0f0c\u0f0d\u0f0e\u0f0f\u0f10\u0f11\u0f12", "s")  # written between words
# Possessive (*+), so that a run of millions of characters takes no memory for ways back.
_WORD = re.compile(r"im*+|[hl][hlm]*+|[kl][klm]*+|cm*+|w[wm]*+(?:p[pm]*+w[wm]*+)*+")
_LONGEST_KEPT = 32  # characters; longer runs hardly come twice
_MOST_KEPT = 200_000


def word_lengths(text: str) -> list[int]:
    """Measure the words of a text; how many there are is its length in words.

    Args:
        text: A sentence or more, in Unicode normal form C.

    Returns:
        Characters (code points) of each word, in order.
    """
    return list(chain.from_iterable(map(_RUNS.__getitem__, text.split())))


class _KindOf(dict[int, str]):
    """Kinds of characters by code point, for `str.translate`; looked up once each."""

    def __missing__(self, code: int) -> str:
        kind = self[code] = _kind(chr(code))
        return kind


class _Runs(dict[str, tuple[int, ...]]):
    """Lengths of the words in a run between white space; short runs are kept, since most come again."""

    def __missing__(self, run: str) -> tuple[int, ...]:
        lengths = (len(run),) if run.isascii() and run.isalnum() else _measure(run)
        if len(run) <= _LONGEST_KEPT:
            if len(self) >= _MOST_KEPT:
                self.clear()
            self[run] = lengths
        return lengths


_KIND_OF = _KindOf()
_RUNS = _Runs()


def _measure(run: str) -> tuple[int, ...]:
    return tuple(map(len, _WORD.findall(run.translate(_KIND_OF))))


def _kind(character: str) -> str:
    if character in _FIXED:
        return _FIXED[character]
    category = unicodedata.category(character)
    if category[0] == "M":
        return "m"
    if category in ("Nd", "No"):
        return "w"
    if category[0] in "LN" or (category == "Cn" and script_of(character) not in NO_SCRIPT):
        return _KINDS.get(script_of(character), "w")
    return "s" if unicodedata.east_asian_width(character) in "WFH" else "p"


class Lengths:
    """A histogram of lengths: how often each occurs.

    Attributes:
        counts: Number of occurrences by length.
    """

    __slots__ = ("counts",)

    def __init__(self, counts: Iterable[tuple[int, int]] = ()) -> None:
        self.counts: Counter[int] = Counter()
        for value, count in counts:
            self.counts[value] += count

    def add(self, values: Iterable[int]) -> None:
        """Count lengths."""
        self.counts.update(values)

    def __add__(self, other: Lengths) -> Lengths:
        return Lengths(chain(self.counts.items(), other.counts.items()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Lengths) and self.counts == other.counts

    __hash__ = None  # type: ignore[assignment] # it changes, so it is no key

    def __repr__(self) -> str:
        return f"Lengths({self.dump()!r})"

    @property
    def n(self) -> int:
        """Number of lengths counted."""
        return self.counts.total()

    @property
    def mean(self) -> float:
        """Mean length; 0 where there is none."""
        return sum(value * count for value, count in self.counts.items()) / self.n if self.n else 0.0

    def dump(self) -> str:
        """Write as one line of text for JSON, `length:count` by rising length: "3:17 4:20"."""
        return " ".join(f"{value}:{count}" for value, count in sorted(self.counts.items()) if count)

    @classmethod
    def parse(cls, text: str) -> Lengths:
        """Read what `dump` wrote.

        Raises:
            UsageError: The text is not of that form.
        """
        if not re.fullmatch(r"(\d+:\d+( \d+:\d+)*)?", text, re.ASCII):
            raise UsageError(f"{text[:40]!r} is no histogram of lengths; one is written as '3:17 4:20', length:count.")
        return cls((int(value), int(count)) for value, _, count in (pair.partition(":") for pair in text.split()))


class Blocks:
    """Lengths of consecutive blocks of sentences, in reading order.

    Memory is flat: where blocks become too many, neighbours are merged, and a block is twice as long from then on.
    """

    def __init__(self, n_sentences: int = 100, max_blocks: int = 16_384) -> None:
        """Start without text.

        Args:
            n_sentences: Sentences in a block, to begin with.
            max_blocks: Where neighbours are merged. A block takes about 1 kB.
        """
        self.n_sentences = n_sentences
        self._max_blocks = max_blocks
        self._closed: list[tuple[array[int], array[int]]] = []  # of each block the lengths, and how often they occur
        self._open: list[int] = []
        self._n_open = 0

    def add(self, lengths: Iterable[int]) -> None:
        """Count the next sentence: its own length, or those of its words."""
        self._open.extend(lengths)
        self._n_open += 1
        if self._n_open >= self.n_sentences:
            self.end_stretch()

    def end_stretch(self) -> None:
        """End the block that is open; call it where the text goes on at another place of the source."""
        if self._open:
            self._closed.append(_pack(Lengths((length, 1) for length in self._open)))
        self._open, self._n_open = [], 0
        if len(self._closed) >= self._max_blocks:
            self._closed = [_pack(block) for block in pairwise(self.blocks())]
            self.n_sentences *= 2

    def blocks(self) -> list[Lengths]:
        """Return the histogram of each block, in reading order."""
        closed = [Lengths(zip(*block, strict=True)) for block in self._closed]
        return closed + ([Lengths((length, 1) for length in self._open)] if self._open else [])

    @property
    def lengths(self) -> Lengths:
        """All lengths in one histogram."""
        return Lengths(chain.from_iterable(block.counts.items() for block in self.blocks()))

    def dump(self) -> dict[str, Any]:
        """Give what JSON holds of it: `n_sentences`, and a line of text for each block (see `Lengths.dump`)."""
        return {"n_sentences": self.n_sentences, "blocks": [block.dump() for block in self.blocks()]}

    @classmethod
    def parse(cls, content: Mapping[str, Any]) -> Blocks:
        """Read what `dump` gave.

        Raises:
            UsageError: A block is not of that form.
        """
        blocks = cls(content["n_sentences"])
        blocks._closed = [_pack(Lengths.parse(line)) for line in content["blocks"]]
        return blocks


def pairwise(blocks: list[Lengths]) -> list[Lengths]:
    """Merge neighbours."""
    return [sum(blocks[place : place + 2], Lengths()) for place in range(0, len(blocks), 2)]


def _pack(lengths: Lengths) -> tuple[array[int], array[int]]:
    return array("q", lengths.counts.keys()), array("q", lengths.counts.values())

"""Lengths of sentences and words: what a word is, and histograms that grow while text streams by, in flat memory.

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
from collections.abc import Iterable, Sequence
from itertools import chain

from bloodbank.corpus.scripts import NO_SCRIPT, KindTable, script_of
from bloodbank.languages import CLUSTERS, IDEOGRAMS

# Kinds of characters: i one character a word, h and k kana, l their long mark, c a letter with its marks, w letters and
# numbers, m marks, p what may stand inside a word (don't, 3.5), s what never does.
_KINDS = dict.fromkeys(IDEOGRAMS, "i") | dict.fromkeys(CLUSTERS, "c") | {"Hira": "h", "Kana": "k"}
_FIXED = dict.fromkeys("ー\uff70", "l")
_FIXED |= dict.fromkeys("\u200b\u1361\u0f0b\u0f0c\u0f0d\u0f0e\u0f0f\u0f10\u0f11\u0f12", "s")  # written between words
# Possessive (*+), so that a run of millions of characters takes no memory for ways back.
_WORD = re.compile(r"im*+|[hl][hlm]*+|[kl][klm]*+|cm*+|w[wm]*+(?:p[pm]*+w[wm]*+)*+")
_LONGEST_KEPT = 32  # characters; longer runs hardly come twice
_MOST_KEPT = 200_000

Lengths = Counter[int]
"""How often each length occurs."""


def word_lengths(text: str) -> list[int]:
    """Measure the words of a text; how many there are is its length in words.

    Args:
        text: A sentence or more, in Unicode normal form C.

    Returns:
        Characters (code points) of each word, in order.
    """
    return list(chain.from_iterable(map(_RUNS.__getitem__, text.split())))


class _Runs(dict[str, tuple[int, ...]]):
    """Lengths of the words in a run between white space; short runs are kept, since most come again."""

    def __missing__(self, run: str) -> tuple[int, ...]:
        lengths = (len(run),) if run.isascii() and run.isalnum() else _measure(run)
        if len(run) <= _LONGEST_KEPT:
            if len(self) >= _MOST_KEPT:
                self.clear()
            self[run] = lengths
        return lengths


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


_KIND_OF = KindTable(_kind)
_RUNS = _Runs()


class Blocks:
    """Lengths of consecutive blocks of sentences, in reading order.

    Memory is flat: where blocks become too many, neighbours are merged, and a block is twice as long from then on.

    Args:
        n_sentences: Sentences in a block, to begin with.
        max_blocks: Where neighbours are merged. A block takes about 1 kB.
    """

    def __init__(self, n_sentences: int = 100, max_blocks: int = 16_384) -> None:
        self.n_sentences = n_sentences
        self._max_blocks = max_blocks
        self._closed: list[tuple[array[int], array[int]]] = []  # of each block the lengths, and how often they occur
        self._open: list[int] = []
        self._n_open = 0

    def add(self, lengths: Iterable[int]) -> None:
        """Count the next sentence: its own length, or those of its words."""
        self._open.extend(lengths)
        self._n_open += 1
        if self._n_open < self.n_sentences:
            return
        if self._open:
            self._closed.append(_pack(Counter(self._open)))
        self._open, self._n_open = [], 0
        if len(self._closed) >= self._max_blocks:
            self._closed = [_pack(block) for block in pairwise(self.blocks())]
            self.n_sentences *= 2

    def blocks(self) -> list[Lengths]:
        """Return the histogram of each block, in reading order."""
        closed = [Counter(dict(zip(*block, strict=True))) for block in self._closed]
        return [*closed, Counter(self._open)] if self._open else closed

    @property
    def lengths(self) -> Lengths:
        """All lengths in one histogram."""
        return _merged(self.blocks())


def pairwise(blocks: Sequence[Lengths]) -> list[Lengths]:
    """Merge neighbours."""
    return [_merged(blocks[place : place + 2]) for place in range(0, len(blocks), 2)]


def mean_length(lengths: Lengths) -> float:
    """Return the mean; 0 where there is none."""
    return sum(value * count for value, count in lengths.items()) / lengths.total() if lengths else 0.0


def _merged(blocks: Iterable[Lengths]) -> Lengths:
    both: Lengths = Counter()
    for block in blocks:
        both.update(block)
    return both


def _pack(lengths: Lengths) -> tuple[array[int], array[int]]:
    return array("q", lengths.keys()), array("q", lengths.values())

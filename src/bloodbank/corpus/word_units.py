"""The words of paragraphs, and runs of them, as hashes: what the overlap of two texts is counted in.

Reads paragraphs; writes nothing:

    found = Units().find(["Tämä on suomea."])
    found.words(), found.ngrams()

A word is a run between white space that holds a letter or a number, without the punctuation at its ends. In scripts
without spaces each two letters that follow each other are one, so that Chinese and Japanese share what they write
alike, not single characters. A code has a letter and a digit side by side (mp3), a capital after three small letters
or more (camelCase, but not Irish bhFrainc), or a mark of programs, markup or addresses (foo_bar, foo(), <b>, a=b,
example.com).
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from dataclasses import dataclass
from hashlib import blake2b
from itertools import chain
from typing import Any

import numpy as np

from bloodbank.randomness import derive

Hashes = np.ndarray[Any, np.dtype[np.uint64]]
Counts = np.ndarray[Any, np.dtype[np.int64]]

NGRAM_WORDS, NGRAM_LETTERS = 8, 16
_LONGEST_KEPT = 32  # characters; longer runs hardly come twice
NUMBER, CODE, OTHER, _LETTER = range(4)  # kinds of units; the last: a letter of a script without spaces
KIND_BITS, KIND_MASK = np.uint64(2), np.uint64(3)

# Letters of scripts without spaces: ideographs and kana, and those that carry marks (Thai to Burmese, Khmer, …).
_SINGLE = (
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303c\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff"
    "\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua48c\uf900-\ufaff\uff66-\uff9f\U00016fe0-\U00018dff"
    "\U0001b000-\U0001b2ff\U00020000-\U0003ffff"
)
_BLOCKS = ((0x0E01, 0x0EE0), (0x1000, 0x10A0), (0x1780, 0x17E0), (0x1950, 0x19E0), (0x1A20, 0x1A80), (0xA9E0, 0xAA00),
           (0xAA60, 0xAAE0), (0x11700, 0x11740))  # fmt: skip
_MARKED = [chr(code) for block in _BLOCKS for code in range(*block)]
_BASE = "".join(letter for letter in _MARKED if unicodedata.category(letter)[0] == "L")
_MARKS = "".join(letter for letter in _MARKED if unicodedata.category(letter)[0] == "M")
_UNIT = re.compile(f"[{_SINGLE}{_BASE}][{_MARKS}]*|[{_MARKS}]+")
_PARTS = re.compile(f"([{_SINGLE}{_BASE}{_MARKS}]+)|[^{_SINGLE}{_BASE}{_MARKS}]+")
_UNSPACED = re.compile(f"[{_SINGLE}{_BASE}{_MARKS}]")
_GAPS = re.compile("[\u200b\u0f0b\u0f0c\u1361]")  # written between words, as spaces are elsewhere
_MARKUP = re.compile(r"[_\\=<>{}$#@|~^`]|\w\(\)")
_CODES = re.compile(r"[\[\]]|://|/.*/|\+\+|\d[^\W\d_]|[^\W\d_]\d|[^\W\d_]{2}\.[^\W\d_]{2}")
_LETTERS = re.compile(r"[^\W\d_]")
_FACTORS = np.array([derive("overlap", i) << 1 | 1 for i in range(NGRAM_LETTERS + 1)], np.uint64)


@dataclass(frozen=True, eq=False)
class Found:
    """The units of some paragraphs. Shape: [n_units] each.

    Attributes:
        hashes: Of words, or of single letters in scripts without spaces.
        kinds: `NUMBER` to `_LETTER`.
        joined: The unit is a letter right behind another.
        owners: Number of the paragraph that it stands in.
    """

    hashes: Hashes
    kinds: Counts
    joined: Any
    owners: Counts

    def words(self) -> Hashes:
        """Return hashes of words, letters by twos, each ending in its kind. Shape: [n_words]."""
        alone = ~(self.joined | np.append(self.joined[1:], np.zeros(1, bool))[: len(self.joined)])
        second = np.flatnonzero(self.joined)
        pairs = _mixed(self.hashes[second - 1] * _FACTORS[0] + self.hashes[second] * _FACTORS[1])
        kinds = np.append(np.minimum(self.kinds[alone], OTHER), np.full(len(pairs), OTHER)).astype(np.uint64)
        return np.append(self.hashes[alone], pairs) >> KIND_BITS << KIND_BITS | kinds

    def ngrams(self) -> Hashes:
        """Return hashes of all runs of words, or of letters where a paragraph has mostly these. Shape: [n_ngrams]."""
        n_units = np.bincount(self.owners)
        in_letters = 2 * np.bincount(self.owners, self.kinds == _LETTER) > n_units
        found = []
        for size, wanted in ((NGRAM_WORDS, ~in_letters), (NGRAM_LETTERS, in_letters)):
            n = max(0, len(self.owners) - size + 1)
            last = self.owners[size - 1 :]
            starts = np.flatnonzero((self.owners[:n] == last[:n]) & wanted[last[:n]])
            sums = np.zeros(len(starts), np.uint64)
            for i in range(size):
                sums += self.hashes[starts + i] * _FACTORS[i]
            found.append(_mixed(sums))
        return np.concatenate(found)


class Units:
    """Finds units; runs of characters that were met before are looked up."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._hashes, self._kinds = array("Q", [0]), array("b", [OTHER])  # number 0: no word

    def find(self, paragraphs: list[str]) -> Found:
        """Return the units of paragraphs."""
        found = [self._units(paragraph) for paragraph in paragraphs]
        numbers = np.fromiter(chain.from_iterable(found), np.int64, sum(map(len, found)))
        owners = np.repeat(np.arange(len(found)), [len(units) for units in found])
        joined = numbers < 0
        numbers = np.abs(numbers)
        is_word = numbers > 0
        numbers, joined, owners = numbers[is_word], joined[is_word], owners[is_word]
        hashes, kinds = np.frombuffer(self._hashes, np.uint64), np.frombuffer(self._kinds, np.int8)
        return Found(hashes[numbers], kinds[numbers].astype(np.int64), joined, owners)

    def _units(self, paragraph: str) -> list[int]:
        """Return the numbers of a paragraph's units, those of letters right behind another below 0."""
        if paragraph.isascii():
            return [self._numbers.get(run) or self._number(run) for run in paragraph.split()]
        runs = _GAPS.sub(" ", paragraph).split()
        if not _UNSPACED.search(paragraph):
            return [self._numbers.get(run) or self._number(run) for run in runs]
        units = []
        for part in (part for run in runs for part in _PARTS.finditer(run)):
            if part[1] is None:
                units.append(self._numbers.get(part[0]) or self._number(part[0]))
                continue
            letters = [self._numbers.get(one) or self._number(one, _LETTER) for one in _UNIT.findall(part[0])]
            units.append(letters[0])
            units.extend(-number for number in letters[1:])
        return units

    def _number(self, run: str, kind: int | None = None) -> int:
        """Give a number to a run of characters that is met for the first time; 0 to one that holds no word."""
        word = run if kind is not None else _stripped(run)
        if not word:
            return 0
        if kind is None:
            is_code = _MARKUP.search(run) or _CODES.search(word) or _is_camel(word)
            kind = NUMBER if not _LETTERS.search(word) else CODE if is_code else OTHER
        number = len(self._hashes)
        if len(run) <= _LONGEST_KEPT:
            self._numbers[run] = number
        self._hashes.append(hashed(word.casefold()))
        self._kinds.append(kind)
        return number


def hashed(text: str) -> int:
    """Hash a text, the same in every process.

    Args:
        text: Any, lone surrogates too.

    Returns:
        A whole number of 64 bits.
    """
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def _mixed(hashes: Hashes) -> Hashes:
    """Spread what a sum of products has in its upper bits over all of them."""
    hashes = (hashes ^ (hashes >> np.uint64(32))) * _FACTORS[NGRAM_LETTERS]
    return hashes ^ (hashes >> np.uint64(29))


def _stripped(run: str) -> str:
    """Take punctuation and symbols off both ends; return "" where no letter or digit is left."""
    if not any(map(str.isalnum, run)):
        return ""
    start, end = 0, len(run)
    while unicodedata.category(run[start])[0] not in "LMN":
        start += 1
    while unicodedata.category(run[end - 1])[0] not in "LMN":
        end -= 1
    return run[start:end]


def _is_camel(word: str) -> bool:
    n_small = next((i for i, character in enumerate(word) if not character.islower()), len(word))
    return n_small >= 3 and word[n_small : n_small + 1].isupper()

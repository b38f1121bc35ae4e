"""Where two texts say the same: numbers, code, identifiers and names that stand in both, in one order.

Reads lines of text; the anchors of a text can be written to a folder and read back. Translations keep what nobody
translates, so a rare word of this kind that stands once in each of two books marks the same place in both. The longest
chain of such places in one order aligns the books, whatever parts one of them lacks; between two places of the chain,
words that are rare there alone refine it (as "patience" comparisons of program text do).

    chain = align(anchors_of(german), anchors_of(finnish))   # [[line of the one, line of the other], …]
"""

from __future__ import annotations

import hashlib
import re
from array import array
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np

Numbers = np.ndarray[tuple[int, ...], np.dtype[np.int64]]
Hashes = np.ndarray[tuple[int, ...], np.dtype[np.uint64]]

# Letters of scripts that have capitals (Latin, Greek, Cyrillic, Armenian), and digits of all scripts.
_WORD = re.compile(r"[A-Za-z_\d\u00c0-\u024f\u1e00-\u1eff\u0370-\u03ff\u0400-\u052f\u0530-\u058f]+")
_LEAST_LETTERS, _LEAST_DIGITS = 3, 2  # shorter ones stand everywhere
_LONGEST_NUMBER = 18  # digits; longer ones are taken as they are


@dataclass(frozen=True, eq=False)
class Anchors:
    """What marks places in a text.

    Attributes:
        n_lines: Lines of the text.
        lines: Where each anchor stands, in order. Shape: [n_anchors].
        words: Which word it is, by 64 bits. Shape: [n_anchors].
    """

    n_lines: int
    lines: Numbers
    words: Hashes

    def only(self, common: Hashes) -> Anchors:
        """Keep the anchors that are among some words, which are sorted."""
        kept = np.isin(self.words, common)
        return Anchors(self.n_lines, self.lines[kept], self.words[kept])

    def write(self, folder: Path, name: str) -> None:
        """Write `NAME.lines.npy` and `NAME.words.npy`."""
        np.save(folder / f"{name}.lines.npy", np.append(self.lines, self.n_lines))
        np.save(folder / f"{name}.words.npy", self.words)

    @classmethod
    def read(cls, folder: Path, name: str) -> Anchors:
        """Read what `write` wrote."""
        lines = np.load(folder / f"{name}.lines.npy", allow_pickle=False)
        return cls(int(lines[-1]), lines[:-1], np.load(folder / f"{name}.words.npy", allow_pickle=False))


def anchors_of(lines: Iterable[str]) -> Anchors:
    """Find the anchors of a text.

    Args:
        lines: Its lines; empty ones hold places.
    """
    places, words, n_lines = array("q"), array("Q"), 0
    for n_lines, line in enumerate(lines, start=1):
        for word in anchor_words(line):
            places.append(n_lines - 1)
            words.append(_hash(word))
    return Anchors(n_lines, np.array(places, dtype=np.int64), np.array(words, dtype=np.uint64))


def anchor_words(line: str) -> list[str]:
    """Return the words of a line that translations keep, each once: numbers, and words with capitals, digits or `_`.

    A number is taken by its value, so that digits of another script are the same.
    """
    found: dict[str, None] = {}
    for word in _WORD.findall(line):
        if word.isdecimal():
            if len(word) >= _LEAST_DIGITS:
                found[str(int(word)) if len(word) <= _LONGEST_NUMBER else word] = None
        elif (len(word) >= _LEAST_LETTERS and word != word.lower()) or "_" in word.strip("_") or _has_digit(word):
            found[word] = None
    return list(found)


def _has_digit(word: str) -> bool:
    return len(word) >= _LEAST_LETTERS and any(map(str.isdecimal, word))


def align(first: Anchors, second: Anchors) -> Numbers:
    """Align two texts by the anchors that stand once in each, and between those by what stands once there.

    Args:
        first: Anchors of the one text.
        second: Those of the other.

    Returns:
        Pairs of lines that belong together, both ascending; empty where there are none. Shape: [n_pairs, 2].
    """
    common = np.intersect1d(first.words, second.words)
    first, second = first.only(common), second.only(common)
    chain: list[tuple[int, int]] = []
    waiting = [(-1, -1, first.n_lines, second.n_lines)]
    while waiting:
        begin, other_begin, end, other_end = waiting.pop()
        links = longest_chain(_once(first, begin, end), _once(second, other_begin, other_end))
        chain += links
        if links:
            ends = [(begin, other_begin), *links, (end, other_end)]
            waiting += [(a, b, c, d) for (a, b), (c, d) in pairwise(ends) if c - a > 1 and d - b > 1]
    return np.array(sorted(chain), dtype=np.int64).reshape(-1, 2)


def shared_once(first: Anchors, second: Anchors) -> Numbers:
    """Return the pairs of lines of all words that stand once in each of two texts, in the order of the first."""
    one, other = _once(first, -1, first.n_lines), _once(second, -1, second.n_lines)
    pairs = {(line, other[word]) for word, line in one.items() if word in other}
    return np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)


def _once(anchors: Anchors, begin: int, end: int) -> dict[int, int]:
    """Return the line of every word that stands once between two lines, both excluded."""
    low, high = np.searchsorted(anchors.lines, (begin + 1, end)).tolist()
    words, places, counts = np.unique(anchors.words[low:high], return_index=True, return_counts=True)
    lines = anchors.lines[low:high][places]
    return dict(zip(words[counts == 1].tolist(), lines[counts == 1].tolist(), strict=True))


def longest_chain(one: dict[int, int], other: dict[int, int]) -> list[tuple[int, int]]:
    """Return the most pairs of lines that ascend in both texts.

    Args:
        one: Word -> its line in the one text.
        other: Word -> its line in the other.

    Source:
        Patience sorting: the longest increasing subsequence in O(n log n).
    """
    # Of pairs with the same line in the first text, the last comes first, so that no two of them can follow.
    pairs = sorted({(line, other[word]) for word, line in one.items() if word in other}, key=lambda p: (p[0], -p[1]))
    ends: list[int] = []  # the lowest line that a chain of each length ends in, and the pair that it is
    last: list[int] = []
    before: list[int] = []
    for number, (_, line) in enumerate(pairs):
        length = bisect_left(ends, line)
        before.append(last[length - 1] if length else -1)
        ends[length : length + 1] = [line]
        last[length : length + 1] = [number]
    chain, number = [], last[-1] if last else -1
    while number >= 0:
        chain.append(pairs[number])
        number = before[number]
    return chain[::-1]


@lru_cache(maxsize=100_000)
def _hash(word: str) -> int:
    return int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "little")

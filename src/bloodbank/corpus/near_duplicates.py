"""Paragraphs that are nearly the same as an earlier one of the same text.

    near = NearDuplicates()
    kept = [paragraph for paragraph in text if not near.add(paragraph)]

Two paragraphs are nearly the same where their sets of five successive characters, case and spaces folded, have a
Jaccard index of 0.8 or more: those in both, divided by those in either. In a paragraph of 100 characters one other word
of five letters leaves 0.83. Where more than half of a paragraph is Han, kana or Hangul, of which two or three make a
word, the sets are of three characters, so that as many words may differ as elsewhere. A paragraph with fewer than 20
such sets is nearly the same only as one that is equal, since in messages of three words one word makes another message.

A paragraph is compared with those for which `add` said no, so what is counted is what dropping leaves out. Which
ones may be near is found with MinHash (144 hashes, in 24 bands of 6: a pair at 0.8 is met with probability 0.9993,
one at 0.9 always), and then the index is computed exactly, from the sets, so what is called near is near. Hashes do
not depend on the process: the same paragraphs in the same order give the same answers everywhere.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

import numpy as np

from bloodbank.randomness import derive

Hashes = np.ndarray[Any, np.dtype[np.uint32]]
_Wide = np.ndarray[Any, np.dtype[np.uint64]]

THRESHOLD = 0.8
SHINGLE_CHARS, WIDE_CHARS = 5, 3
FEWEST_SHINGLES = 20
_BANDS, _ROWS = 24, 6
_AT_ONCE = 2_048  # shingles hashed at a time, so that a long paragraph takes little memory
_LONGEST_WALK = 64  # entries looked at in a band, the latest first: a form letter stands in one band ten thousand times
_MOST_COMPARED = 32  # of those met in most bands
_SPACES, _WIDE_LETTERS = re.compile(r"\s+"), re.compile("[\u2e80-\ud7ff\U00020000-\U0003ffff]")


def _odd(name: str, size: int) -> _Wide:
    return np.array([derive("near_duplicates", name, i) << 1 | 1 for i in range(size)], np.uint64)


_SHINGLE, _MIX = _odd("shingle", SHINGLE_CHARS), _odd("mix", 1)
_TIMES, _PLUS = _odd("times", _BANDS * _ROWS)[:, None], _odd("plus", _BANDS * _ROWS)[:, None]
_BAND = _odd("band", _BANDS * _ROWS).reshape(_BANDS, _ROWS)
_HALF = np.uint64(32)


class NearDuplicates:
    """Finds near-duplicates in a stream.

    Memory grows with what is kept: 4 bytes a character and up to 0.7 kB a paragraph, so 110 MB at most for 11 million
    characters in 100 thousand paragraphs.
    """

    def __init__(self, threshold: float = THRESHOLD) -> None:
        """Start with nothing.

        Args:
            threshold: Least Jaccard index of near-duplicates, above 0, up to 1. The search is made for 0.8 and above.
        """
        self._threshold = threshold
        self._sets: list[Hashes] = []
        self._short: set[bytes] = set()
        self._index = _Index()

    def add(self, paragraph: str) -> bool:
        """Compare a paragraph with those before it, and keep it in mind if it is new.

        Args:
            paragraph: Its text, in Unicode normal form C.

        Returns:
            True if it is nearly the same as one for which False was returned.
        """
        text = _SPACES.sub(" ", paragraph).strip().casefold()
        shingles = shingles_of(text)
        if len(shingles) < FEWEST_SHINGLES:
            digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
            known = digest in self._short
            self._short.add(digest)
            return known
        keys = _keys(shingles)
        if any(self._is_near(shingles, self._sets[number]) for number in self._index.find(keys)):
            return True
        self._index.put(keys)
        self._sets.append(shingles)
        return False

    def _is_near(self, one: Hashes, other: Hashes) -> bool:
        if min(len(one), len(other)) < self._threshold * max(len(one), len(other)):
            return False
        n_both = len(np.intersect1d(one, other, assume_unique=True))
        return n_both >= self._threshold * (len(one) + len(other) - n_both)


def shingles_of(text: str) -> Hashes:
    """Hash each few successive characters of a text: three where most are Han, kana or Hangul, else five.

    Returns:
        The distinct hashes, rising; of a text of fewer characters none. Shape: [n_shingles].
    """
    wide = not text.isascii() and 2 * len(_WIDE_LETTERS.findall(text)) > len(text)
    n_chars = WIDE_CHARS if wide else SHINGLE_CHARS
    starts = range(0, len(text) - n_chars + 1, _AT_ONCE)
    pieces = [_hash(text[start : start + _AT_ONCE + n_chars - 1], n_chars) for start in starts]
    return np.unique(np.concatenate(pieces)) if pieces else np.zeros(0, np.uint32)


def _hash(text: str, n_chars: int) -> Hashes:
    """Hash each `n_chars` successive characters of a text that has as many. Shape: [len(text) - n_chars + 1]."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    mixed = np.zeros(len(text) - n_chars + 1, np.uint64)
    for i in range(n_chars):
        mixed += codes[i : i + len(mixed)] * _SHINGLE[i]
    mixed ^= mixed >> _HALF
    mixed *= _MIX
    return (mixed >> _HALF).astype(np.uint32)


def _keys(shingles: Hashes) -> Hashes:
    """Return a key for each band: two sets have the same with a probability that rises steeply with their likeness."""
    smallest = np.full(_BANDS * _ROWS, 0xFFFF_FFFF, np.uint64)
    for start in range(0, len(shingles), _AT_ONCE):
        some = shingles[start : start + _AT_ONCE].astype(np.uint64)
        np.minimum(smallest, ((_TIMES * some + _PLUS) >> _HALF).min(axis=1), out=smallest)
    mixed: _Wide = (smallest.reshape(_BANDS, _ROWS) * _BAND).sum(axis=1, dtype=np.uint64)
    keys: Hashes = (mixed >> _HALF).astype(np.uint32)
    return keys


class _Index:
    """Which paragraphs have a key in a band: chains of entries in arrays, 12 bytes an entry, a dict would take 100.

    Entry `number * _BANDS + band` belongs to a paragraph; a chain goes from the latest entry to earlier ones.
    """

    def __init__(self) -> None:
        self._n = 0
        self._size = 1 << 16
        self._keys = np.zeros(self._size, np.uint32)
        self._earlier = np.full(self._size, -1, np.int32)
        self._latest = np.full(self._size, -1, np.int32)

    def find(self, keys: Hashes) -> list[int]:
        """Return the numbers of paragraphs that have the keys of a band, those of most bands first."""
        bands = np.arange(_BANDS)
        entries = self._latest[self._slots(keys, bands)]
        met = []
        for _ in range(_LONGEST_WALK):
            there = entries >= 0
            entries, keys, bands = entries[there], keys[there], bands[there]
            if not len(entries):
                break
            met.append(entries[(self._keys[entries] == keys) & (entries % _BANDS == bands)])
            entries = self._earlier[entries]
        numbers, n_bands = np.unique(np.concatenate(met) // _BANDS if met else [], return_counts=True)
        best = np.argsort(-n_bands, kind="stable")[:_MOST_COMPARED]
        return [int(number) for number in numbers[best]]

    def put(self, keys: Hashes) -> None:
        """Add the keys of the next paragraph."""
        if self._n + _BANDS > len(self._keys):
            self._grow()
        entries = np.arange(self._n, self._n + _BANDS, dtype=np.int32)
        self._keys[entries] = keys
        self._link(entries)
        self._n += _BANDS

    def _slots(self, keys: Hashes, bands: Any) -> Any:
        return (keys + bands.astype(np.uint32) * np.uint32(0x9E37_79B1)) & np.uint32(self._size - 1)

    def _link(self, entries: Any) -> None:
        """Put entries, rising, before the chains of their slots."""
        slots = self._slots(self._keys[entries], entries % _BANDS)
        order = np.argsort(slots, kind="stable")
        entries, slots = entries[order], slots[order]
        first = np.concatenate(([True], slots[1:] != slots[:-1]))
        self._earlier[entries] = np.where(first, self._latest[slots], np.concatenate((entries[:1], entries[:-1])))
        self._latest[slots] = entries  # of several in one slot the last is written last

    def _grow(self) -> None:
        self._size *= 2
        self._keys = np.concatenate((self._keys, np.zeros_like(self._keys)))
        self._earlier = np.full(len(self._keys), -1, np.int32)
        self._latest = np.full(self._size, -1, np.int32)
        for start in range(0, self._n, _AT_ONCE * _BANDS):  # in pieces, for memory
            self._link(np.arange(start, min(start + _AT_ONCE * _BANDS, self._n), dtype=np.int32))

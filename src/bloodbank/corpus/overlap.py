"""How much of a test text stands in a training text, of the same language or of another.

    tests = {code: fingerprint(test[code]) for code in codes}
    trains = {code: fingerprint(train[code]) for code in codes}
    table = {(test, train): compare(tests[test], trains[train]) for test in codes for train in codes}

Three things are compared, case and spaces folded. Paragraphs. Runs of eight words within a paragraph, such as a copied
passage has; where more than half of a paragraph is in a script without spaces, in which a word has about two letters,
runs of sixteen letters. And words: numbers, codes, and others (names, borrowed words, and what two languages happen to
spell alike), to see what it is that two languages share.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from hashlib import blake2b
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from bloodbank.corpus.splitting import comparable
from bloodbank.errors import BloodbankError, UsageError
from bloodbank.randomness import derive

Flags = np.ndarray[Any, np.dtype[np.bool_]]
Hashes = np.ndarray[Any, np.dtype[np.uint64]]
Counts = np.ndarray[Any, np.dtype[np.int64]]

_MOST_NGRAMS = 1 << 21  # of a text; of more a sample is kept, the same in every text
_AT_ONCE_CHARS = 1_000_000
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


@dataclass(frozen=True)
class Overlap:
    """Shares of a test text that stand in a training text, too.

    Attributes:
        paragraphs: Of its paragraphs.
        chars: Of its characters: those of such paragraphs.
        ngrams: Of its runs of eight words (sixteen letters in scripts without spaces); None: no paragraph has so many.
        words: Of its running words: the sum of the next three. None: it has no words.
        numbers, codes, others: Of its running words: those of each kind that stand in the training text.
    """

    paragraphs: float
    chars: float
    ngrams: float | None
    words: float | None
    numbers: float | None
    codes: float | None
    others: float | None


def overlap(test: Iterable[str], train: Iterable[str]) -> Overlap:
    """Compare two texts, a paragraph an item; see `compare`."""
    return compare(fingerprint(test), fingerprint(train))


def compare(test: Fingerprint, train: Fingerprint) -> Overlap:
    """Find out how much of a test text stands in a training text.

    Args:
        test: Fingerprint of the test text.
        train: Of the training text.

    Returns:
        The shares, each from 0 to 1.

    Raises:
        UsageError: The test text is empty.
    """
    if not len(test.paragraphs):
        raise UsageError("the test text is empty, so there are no shares of it; give at least one line of text")
    paragraphs = _stand_in(test.paragraphs, train.paragraphs)
    rate = np.uint64(max(int(test.ngram_rate[0]), int(train.ngram_rate[0])))
    sampled = test.ngrams % rate == 0
    words = _stand_in(test.words >> KIND_BITS, train.words >> KIND_BITS)
    kinds = test.words & KIND_MASK
    numbers, codes, others = (_share(words & (kinds == kind), test.word_counts) for kind in (NUMBER, CODE, OTHER))
    return Overlap(
        paragraphs=_share(paragraphs, test.paragraph_counts) or 0.0,
        chars=_share(paragraphs, test.paragraph_chars) or 0.0,
        ngrams=_share(_stand_in(test.ngrams[sampled], train.ngrams), test.ngram_counts[sampled]),
        words=_share(words, test.word_counts),
        numbers=numbers,
        codes=codes,
        others=others,
    )


def _share(chosen: Flags, counts: Counts) -> float | None:
    """Return the share of occurrences that are chosen; None of nothing."""
    return float(counts[chosen].sum() / counts.sum()) if len(counts) else None


def _stand_in(some: Hashes, many: Hashes) -> Flags:
    """Tell which of some hashes are among many, which rise. Shape: that of `some`."""
    if not len(many):
        return np.zeros(len(some), bool)
    places = np.minimum(np.searchsorted(many, some), len(many) - 1)
    return np.asarray(many[places] == some)


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """A text as what is compared: hashes, each once and rising, and how often they occur.

    Attributes:
        paragraphs: Of paragraphs, case and spaces folded. Shape: [n_paragraphs].
        paragraph_counts, paragraph_chars: Their occurrences, and characters in all of these. Shape: [n_paragraphs].
        ngrams, ngram_counts: Of runs of words. Shape: [n_ngrams].
        ngram_rate: One in so many of them is kept, a power of two. Shape: [1].
        words, word_counts: Of words; the last two bits of a hash are its kind. Shape: [n_words].
    """

    paragraphs: Hashes
    paragraph_counts: Counts
    paragraph_chars: Counts
    ngrams: Hashes
    ngram_counts: Counts
    ngram_rate: Counts
    words: Hashes
    word_counts: Counts


def fingerprint(text: Iterable[str]) -> Fingerprint:
    """Make the fingerprint of a text; of the text itself a million characters are held at a time.

    Args:
        text: A paragraph an item, in Unicode normal form C; empty ones are passed over.

    Returns:
        What `compare` compares.
    """
    finder, ngrams, words, paragraphs, chars = UnitFinder(), _Ngrams(), _Table(), _Table(), _Table()
    for batch in _batches(text):
        hashes = np.array([hashed(comparable(paragraph)) for paragraph in batch], np.uint64)
        paragraphs.add(hashes, np.ones(len(batch), np.int64))
        chars.add(hashes, np.array([len(paragraph) for paragraph in batch], np.int64))
        units = finder.find(batch)
        ngrams.add(*np.unique(units.ngrams(), return_counts=True))
        words.add(*np.unique(units.words(), return_counts=True))
    merged = ngrams.merge()  # may lower their rate
    rate = np.array([ngrams.rate], np.int64)
    return Fingerprint(*paragraphs.merge(), chars.merge()[1], *merged, rate, *words.merge())


def write_fingerprint(fingerprint: Fingerprint, folder: Path) -> None:
    """Write a fingerprint into a folder, an array a file (.npy)."""
    folder.mkdir(parents=True, exist_ok=True)
    for field in fields(fingerprint):
        np.save(folder / f"{field.name}.npy", getattr(fingerprint, field.name), allow_pickle=False)


def read_fingerprint(folder: Path) -> Fingerprint:
    """Read what `write_fingerprint` wrote; arrays stay on disk until they are used.

    Raises:
        BloodbankError: A file is missing or broken.
    """
    try:
        arrays = {field.name: _load(folder / f"{field.name}.npy") for field in fields(Fingerprint)}
    except (OSError, ValueError, EOFError) as error:
        raise BloodbankError(f"{folder}: no whole fingerprint of a text: {error}. Make the audit again.") from None
    return Fingerprint(**arrays)


def _load(path: Path) -> Any:
    return np.load(path, mmap_mode="r" if path.stat().st_size > 4_096 else None, allow_pickle=False)


def _batches(text: Iterable[str]) -> Iterator[list[str]]:
    """Yield paragraphs that are not empty, as many at a time as have a million characters."""
    batch, n_chars = [], 0
    for paragraph in text:
        if paragraph and not paragraph.isspace():
            batch.append(paragraph)
            n_chars += len(paragraph)
        if n_chars >= _AT_ONCE_CHARS:
            yield batch
            batch, n_chars = [], 0
    if batch:
        yield batch


class _Table:
    """Adds up numbers that belong to the same hash; holds at most about twice what it returns."""

    def __init__(self) -> None:
        self._hashes, self._values = [np.zeros(0, np.uint64)], [np.zeros(0, np.int64)]

    def add(self, hashes: Hashes, values: Counts) -> None:
        """Add rows. Shape: [n_rows] each."""
        self._hashes.append(hashes)
        self._values.append(values)
        if sum(map(len, self._hashes[1:])) > max(len(self._hashes[0]), _AT_ONCE_CHARS):
            self.merge()

    def merge(self) -> tuple[Hashes, Counts]:
        """Return the distinct hashes, rising, and the sum of each."""
        hashes, values = np.concatenate(self._hashes), np.concatenate(self._values)
        order = np.argsort(hashes, kind="stable")
        hashes = hashes[order]
        starts = np.flatnonzero(np.append(True, hashes[1:] != hashes[:-1])[: len(hashes)])
        self._hashes = [hashes[starts]]
        self._values = [np.add.reduceat(values[order], starts) if len(starts) else values]
        return self._hashes[0], self._values[0]


class _Ngrams(_Table):
    """Runs of words: all, or a sample that is the same in every text."""

    rate = 1

    def merge(self) -> tuple[Hashes, Counts]:
        """Return as `_Table.merge`; where there are too many, every second of them, and so on."""
        hashes, counts = super().merge()
        while len(hashes) > _MOST_NGRAMS:
            self.rate *= 2
            kept = hashes % np.uint64(self.rate) == 0
            hashes, counts = hashes[kept], counts[kept]
        kept = hashes % np.uint64(self.rate) == 0
        self._hashes, self._values = [hashes[kept]], [counts[kept]]
        return self._hashes[0], self._values[0]


@dataclass(frozen=True, eq=False)
class Units:
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
        hashes = []
        for size, wanted in ((NGRAM_WORDS, ~in_letters), (NGRAM_LETTERS, in_letters)):
            n = max(0, len(self.owners) - size + 1)
            last = self.owners[size - 1 :]
            starts = np.flatnonzero((self.owners[:n] == last[:n]) & wanted[last[:n]])
            sums = np.zeros(len(starts), np.uint64)
            for i in range(size):
                sums += self.hashes[starts + i] * _FACTORS[i]
            hashes.append(_mixed(sums))
        return np.concatenate(hashes)


class UnitFinder:
    """Finds units; runs of characters that were met before are looked up."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._hashes, self._kinds = array("Q", [0]), array("b", [OTHER])  # number 0: no word

    def find(self, paragraphs: list[str]) -> Units:
        """Return the units of paragraphs."""
        units = [self._units(paragraph) for paragraph in paragraphs]
        numbers = np.fromiter(chain.from_iterable(units), np.int64, sum(map(len, units)))
        owners = np.repeat(np.arange(len(units)), list(map(len, units)))
        joined = numbers < 0
        numbers = np.abs(numbers)
        is_word = numbers > 0
        numbers, joined, owners = numbers[is_word], joined[is_word], owners[is_word]
        hashes, kinds = np.frombuffer(self._hashes, np.uint64), np.frombuffer(self._kinds, np.int8)
        return Units(hashes[numbers], kinds[numbers].astype(np.int64), joined, owners)

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
            letters = [self._numbers.get(each) or self._number(each, _LETTER) for each in _UNIT.findall(part[0])]
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
    """Hash a text, lone surrogates too, to 64 bits, the same in every process."""
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

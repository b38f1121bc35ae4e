"""How much of a test text stands in a training text, of the same language or of another.

Reads the fingerprints of both; writes nothing:

    tests = {code: fingerprint(test[code]) for code in codes}
    trains = {code: fingerprint(train[code]) for code in codes}
    table = {(one, other): compare(tests[one], trains[other]) for one in codes for other in codes}

Three things are compared, case and spaces folded. Paragraphs. Runs of eight words within a paragraph, such as a copied
passage has; where more than half of a paragraph is in a script without spaces, in which a word has about two letters,
runs of sixteen letters. And words: numbers, codes, and others (names, borrowed words, and what two languages happen to
spell alike), to see what it is that two languages share.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bloodbank.corpus.fingerprints import Fingerprint, fingerprint
from bloodbank.corpus.word_units import CODE, KIND_BITS, KIND_MASK, NUMBER, OTHER, Counts, Hashes
from bloodbank.errors import UsageError

Flags = np.ndarray[Any, np.dtype[np.bool_]]


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

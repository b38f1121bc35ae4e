"""Numbers of an audit that need several languages: how two quantities go together, who uses the vocabulary.

Pure functions of numbers; nothing is read or written.

    correlate([one.n_tokens for one in found], [one.n_unique for one in found])
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bloodbank.corpus.audit_values import Record

Booleans = np.ndarray[Any, np.dtype[np.bool_]]


class Correlation(Record):
    """Pearson's correlation over languages, with its 95% interval by Fisher's z.

    The interval takes the languages for independent draws of a normal distribution; relatives are not, so it is rather
    too narrow.
    """

    r: float
    low: float
    high: float
    n: int


def correlate(first: Sequence[float], second: Sequence[float]) -> Correlation | str:
    """Correlate two quantities over languages.

    Args:
        first: One number a language.
        second: Likewise.

    Returns:
        Pearson's r with its 95% interval, or a string that says why there is none.
    """
    n = len(first)
    if n < 4:
        return f"not computed, because {n} languages are too few; at least 4 are needed"
    if len(set(first)) == 1 or len(set(second)) == 1:
        return "not computed, because one of the two is the same in every language"
    r = float(np.clip(np.corrcoef(first, second)[0, 1], -1, 1))
    reach = 1.959964 / np.sqrt(n - 3)
    with np.errstate(divide="ignore"):
        low, high = (float(np.tanh(np.arctanh(r) + side * reach)) for side in (-1, 1))
    return Correlation(r=r, low=low, high=high, n=n)


def vocabulary_shares(used: Mapping[str, Booleans]) -> dict[str, tuple[float, float]]:
    """Measure which share of the vocabulary each language uses.

    Args:
        used: For each language, which of the vocabulary's pieces occur in its text. Shape: [n_pieces] each; leave the
            special pieces out.

    Returns:
        For each language the share of the pieces that it uses, and the share that it alone uses.
    """
    n_users = np.sum(list(used.values()), axis=0, dtype=np.int64)
    return {code: (float(own.mean()), float((own & (n_users == 1)).mean())) for code, own in used.items()}

"""How far apart two languages are in what they give, in what they take, and in both.

Pure functions of F; nothing is written. Distances are root mean squares of differences of F, so in units of F.

    apart = language_distances(bank.finetune_scores.to_numpy())["rows"]
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
KINDS = ("rows", "columns", "both")
MIN_SHARED = 5  # cells that two languages must both have, or all that there can be in a smaller bank


def language_distances(finetune: Array) -> dict[str, Array]:
    """Compare every two languages on the cells that both have.

    Of two languages a and b, the cells with a third one are compared: what a and b give each other says nothing about
    whether they give alike, for nobody gives to itself.

    Args:
        finetune: F, missing on the diagonal and where it was not measured.

    Returns:
        "rows": how differently two languages give: the root mean square of F(a→k) - F(b→k) over the languages k of
        which both are known. "columns": the same for what they take; "both": over the cells of rows and columns
        together. Missing where fewer than 5 cells can be compared, or fewer than all of a bank with less than 7
        languages; 0 on the diagonal.

    Shape:
        `[language, language]` each, symmetric; `finetune` is `[donor, recipient]`.
    """
    cells = np.array(finetune, dtype=float)
    np.fill_diagonal(cells, np.nan)
    sums = [_squares(cells), _squares(cells.T)]
    needed = max(1, min(MIN_SHARED, len(cells) - 2))
    found = {}
    for kind, parts in zip(KINDS, (sums[:1], sums[1:], sums), strict=True):
        squares, shared = (np.sum([part[which] for part in parts], axis=0) for which in (0, 1))
        with np.errstate(invalid="ignore", divide="ignore"):
            apart = np.sqrt(squares / shared)
        apart[shared < needed] = np.nan
        np.fill_diagonal(apart, 0.0)
        found[kind] = apart
    return found


def _squares(cells: Array) -> tuple[Array, Array]:
    """Sum the squared differences of every two rows over the columns that both have, and count these.

    The diagonal is missing, so the columns of the two languages themselves drop out by themselves.
    """
    known = ~np.isnan(cells)
    n = len(cells)
    squares, shared = np.zeros((n, n)), np.zeros((n, n))
    for row in range(n):  # [other, column] at a time: n² numbers in memory, and no loss of digits
        both = known[row] & known
        difference = np.where(both, np.where(known, cells, 0.0) - np.where(known[row], cells[row], 0.0), 0.0)
        squares[row], shared[row] = (difference**2).sum(axis=1), both.sum(axis=1)
    return squares, shared


def comparable(apart: Array) -> NDArray[np.int64]:
    """Find languages that can be placed beside each other: each has a distance to half of the others or more.

    Args:
        apart: Distances, missing where two languages cannot be compared.

    Returns:
        Places of the languages that are left when those with the fewest distances are dropped, one at a time, the later
        one of two with as many. Any two that are left share a third one, so that no part of them hangs in the air.
        Nothing where fewer than 3 are left.

    Shape:
        `[language, language]`, symmetric.
    """
    left = np.arange(len(apart))
    while len(left) > 2:
        known = ~np.isnan(apart[np.ix_(left, left)])
        counts = known.sum(axis=1) - 1
        worst = len(left) - 1 - int(np.argmin(counts[::-1]))
        if 2 * counts[worst] >= len(left) - 1:
            return left
        left = np.delete(left, worst)
    return np.array([], dtype=np.int64)

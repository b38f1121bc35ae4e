"""The difference of two means over seeds, whose variances differ.

Pure functions; nothing is written.

    low, high = welch_interval(first, second)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import t


def welch_interval(first: np.ndarray, second: np.ndarray, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Give the interval of the difference of two means over seeds, by Welch's t with each cell's own variances.

    Args:
        first: Values of the seeds of the one bank; missing where a seed has none.
        second: Those of the other.
        level: Coverage.

    Returns:
        Lower and upper ends of second - first; missing where one of them has fewer than two seeds.

    Shape:
        `[seed, …]`, and `[…]` for the ends.
    """
    means, squares, freedom = [], [], []
    for stack in (first, second):
        n = (~np.isnan(stack)).sum(axis=0)
        mean = np.nansum(stack, axis=0) / np.maximum(n, 1)
        spread = np.nansum((stack - mean) ** 2, axis=0) / np.maximum(n - 1, 1)
        means.append(mean)
        squares.append(np.where(n > 1, spread / np.maximum(n, 1), np.nan))
        freedom.append(np.maximum(n - 1, 1))
    error, degrees = satterthwaite(squares, freedom)
    reach = t.ppf(0.5 + level / 2, degrees) * error
    difference = means[1] - means[0]
    return difference - reach, difference + reach


def satterthwaite(squares: Sequence[np.ndarray], freedom: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Add the squared errors of two independent estimates.

    Args:
        squares: Squared standard errors.
        freedom: Degrees of freedom with which they are known.

    Returns:
        The standard error of the sum, and its degrees of freedom after Welch and Satterthwaite.
    """
    total = squares[0] + squares[1]
    parts = squares[0] ** 2 / freedom[0] + squares[1] ** 2 / freedom[1]
    sums = np.asarray(freedom[0] + freedom[1], dtype=float)
    degrees = np.divide(total**2, parts, out=sums, where=parts > 0)
    return np.sqrt(total), degrees

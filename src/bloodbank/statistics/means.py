"""Means and variances of what is known: missing values do not count, and warn of nothing.

known_mean(np.array([[1.0, np.nan], [3.0, np.nan]]), axis=0)  # array([2., nan])
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def known_mean(values: Floats, axis: int) -> Floats:
    """Return the mean of what is known along an axis; missing where nothing is."""
    n = (~np.isnan(values)).sum(axis=axis)
    means: Floats = np.divide(np.nansum(values, axis=axis), n, out=np.full(n.shape, np.nan), where=n > 0)
    return means


def known_variance(values: Floats, axis: int) -> Floats:
    """Return the variance, of a sample, of what is known along an axis; missing where fewer than two values are."""
    n = (~np.isnan(values)).sum(axis=axis)
    squares = np.nansum((values - np.expand_dims(known_mean(values, axis), axis)) ** 2, axis=axis)
    variances: Floats = np.divide(squares, n - 1, out=np.full(n.shape, np.nan), where=n > 1)
    return variances

"""Variances that few seeds estimate badly, drawn towards their common value as far as they agree with it.

Two or three seeds say little about the variance of one cell, and much about that of all cells together. If all have
one variance, the pooled one is best; if they differ, each needs its own. Which it is, the estimates say themselves: the
more they scatter beyond what their degrees of freedom explain, the less they are pooled.

    variance, df = moderate(np.array([0.1, 0.4, 0.2]), np.array([1.0, 1.0, 1.0]))
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Degrees of freedom that the common value may weigh; beyond the last it is taken as the only one.
_PRIOR_DF = np.array([1.0, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64, 128])
_MIN_GAIN = 1.0  # of log-likelihood, that one more parameter must bring (Akaike's rule)
_MIN_VARIANCES = 3  # two say nothing of how variances scatter
_N_HALVINGS = 40  # of an interval 24 wide: to 1e-11
_TINY = 1e-12  # relative to the mean; keeps the logarithm of a variance of 0 finite


def moderate(variances: Array, df: Array) -> tuple[Array, Array]:
    """Draw estimates of variance towards a common value.

    The variances are taken to come from a scaled inverse chi-squared distribution, whose scale and degrees of freedom
    are those of greatest likelihood (empirical Bayes, as is usual for many variances with few observations each).

    Args:
        variances: Estimates; one with no degree of freedom is ignored, and may be missing.
        df: Degrees of freedom of each, 0 or more.

    Returns:
        For each the moderated variance and its degrees of freedom, at most those of all estimates together. Where no
        estimate has a degree of freedom: missing, with 0.

    Shape:
        All of one shape.
    """
    known = (df > 0) & np.isfinite(variances)
    pool = float(df[known].sum())
    if not known.any():
        return np.full(variances.shape, np.nan), np.zeros(variances.shape)
    mean = float((df[known] * variances[known]).sum() / pool)
    everywhere = np.full(variances.shape, mean), np.full(variances.shape, pool)
    if mean <= 0.0 or known.sum() < _MIN_VARIANCES:
        return everywhere
    x, own = variances[known] / mean, df[known]
    scales = _scales(x, own)
    gains = _log_likelihood(x, own, scales) - _log_likelihood_of_one(x, own)
    best = int(np.argmax(gains))
    if gains[best] <= _MIN_GAIN:
        return everywhere
    prior, scale = _PRIOR_DF[best], scales[best]
    weight = np.where(known, df, 0.0)
    moderated = mean * (prior * scale + weight * np.where(known, variances / mean, 0.0)) / (prior + weight)
    return moderated, np.minimum(prior + weight, pool)


def _scales(x: Array, df: Array) -> Array:
    """Return the scale of greatest likelihood for each of `_PRIOR_DF`, by halving: the slope falls as it grows."""
    prior = _PRIOR_DF[:, None]
    low, high = np.full(len(_PRIOR_DF), -12.0), np.full(len(_PRIOR_DF), 12.0)  # of its logarithm
    for _ in range(_N_HALVINGS):
        middle = (low + high) / 2.0
        slope = (df * x * (df + prior) / (prior * np.exp(middle)[:, None] + df * x)).sum(1) - df.sum()
        low, high = np.where(slope > 0, middle, low), np.where(slope > 0, high, middle)
    scales: Array = np.exp((low + high) / 2.0)
    return scales


def _log_likelihood(x: Array, df: Array, scales: Array) -> Array:
    """Of variances that follow scale × F(df, prior df). Shape: [prior df]."""
    from scipy.special import gammaln

    prior, ratio = _PRIOR_DF[:, None], df / (_PRIOR_DF * scales)[:, None]
    x = np.maximum(x, _TINY)
    constant = gammaln((df + prior) / 2) - gammaln(df / 2) - gammaln(prior / 2) + df / 2 * np.log(ratio)
    total: Array = (constant + (df / 2 - 1) * np.log(x) - (df + prior) / 2 * np.log1p(ratio * x)).sum(1)
    return total


def _log_likelihood_of_one(x: Array, df: Array) -> float:
    """Of variances that all estimate 1."""
    from scipy.special import gammaln

    x = np.maximum(x, _TINY)
    half = df / 2
    return float((half * np.log(half) - gammaln(half) + (half - 1) * np.log(x) - half * x).sum())

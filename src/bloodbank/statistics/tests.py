"""The difference of two means over seeds, whose variances differ.

Pure functions; nothing is written.

    low, high = welch_interval(first, second)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, spearmanr, t

Floats = NDArray[np.float64]


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


# Places in an order, with intervals that hold whatever the true distances are.


Array = NDArray[np.float64]
_MAD_TO_DEVIATION = 1.4826  # of a normal distribution
_NO_SPREAD = 1e-200  # any difference is beyond it, and none overflows


def rank_intervals(estimates: Array, replicates: Array, level: float) -> tuple[Array, Array, Array]:
    """Rank scores, the highest first.

    Args:
        estimates: One score for each language; missing ones are not ranked. Shape: [language].
        replicates: The same, drawn again. Shape: [replicate, language].
        level: Probability that the true place of a language is between its bounds.

    Returns:
        The place of each, its lowest and its highest possible place; tied scores share the mean of theirs.

    Shape:
        [language] each.
    """
    ranked = ~np.isnan(estimates)
    scores = estimates[ranked]
    places, low, high = (np.full(len(estimates), np.nan) for _ in range(3))
    above, same = (scores[None, :] > scores[:, None]).sum(1), (scores[None, :] == scores[:, None]).sum(1)
    places[ranked] = above + (same + 1) / 2
    deviations = np.ascontiguousarray((replicates - estimates)[:, ranked].T)  # [language, replicate]
    if not np.isnan(deviations).any():
        bounds = np.array([_bounds(scores, deviations, place, level) for place in range(len(scores))])
        low[ranked], high[ranked] = bounds.reshape(-1, 2).T
    return places, low, high


def _bounds(scores: Array, deviations: Array, place: int, level: float) -> tuple[int, int]:
    distances = np.delete(scores - scores[place], place)
    noise = np.abs(np.delete(deviations - deviations[place], place, axis=0))
    if not len(distances):
        return 1, 1
    # A spread that single wild draws do not move: with few seeds draws have heavy tails.
    spread = _MAD_TO_DEVIATION * np.median(noise, axis=1)
    spread = np.maximum(spread, _NO_SPREAD)
    noise, distances = noise / spread[:, None], distances / spread
    apart = np.zeros(len(distances), dtype=bool)
    while not apart.all():
        # Those told apart need not be compared again: the others are fewer, and so need to be less far off.
        reach = float(np.quantile(noise[~apart].max(0), level))
        further = ~apart & (np.abs(distances) > reach)
        if not further.any():
            break
        apart |= further
    return 1 + int((apart & (distances > 0)).sum()), 1 + len(distances) - int((apart & (distances < 0)).sum())


def known_mean(values: Floats, axis: int) -> Floats:
    """Return the mean of what is known along an axis; missing where nothing is."""
    n = (~np.isnan(values)).sum(axis=axis)
    means: Floats = np.divide(np.nansum(values, axis=axis), n, out=np.full(n.shape, np.nan), where=n > 0)
    return means


def over_languages(values: Floats, level: float) -> tuple[float, float, float]:
    """Return the mean of independent languages and the ends of its t interval; missing with fewer than two.

    Args:
        values: One number for each language. Shape: [language].
        level: Probability that the interval holds the true mean.
    """
    known = values[~np.isnan(values)]
    if len(known) < 2:
        return (float(known.mean()) if len(known) else np.nan), np.nan, np.nan
    reach = t.ppf(0.5 + level / 2, len(known) - 1) * known.std(ddof=1) / np.sqrt(len(known))
    return float(known.mean()), float(known.mean() - reach), float(known.mean() + reach)


def two_groups(first: Floats, second: Floats, level: float) -> tuple[float, float, float]:
    """Return the mean of one group of languages minus that of another, with Welch's interval over languages.

    Args:
        first: One number for each language. Shape: [language].
        second: Those of the other group.
        level: Probability that the interval holds the true difference.
    """
    first, second = first[~np.isnan(first)], second[~np.isnan(second)]
    if min(len(first), len(second)) < 2:
        return np.nan, np.nan, np.nan
    squares = first.var(ddof=1) / len(first), second.var(ddof=1) / len(second)
    total, value = sum(squares), float(first.mean() - second.mean())
    if total == 0:
        return value, np.nan, np.nan
    freedom = total**2 / (squares[0] ** 2 / (len(first) - 1) + squares[1] ** 2 / (len(second) - 1))
    reach = float(t.ppf(0.5 + level / 2, freedom) * np.sqrt(total))
    return value, value - reach, value + reach


def rank_correlation(x: Floats, y: Floats, level: float) -> tuple[float, float, float]:
    """Return Spearman's rank correlation over languages and its interval, by Fisher's z with the error of ranks.

    With fewer than four languages there is no interval; with few it is wide, as it should be.

    Args:
        x: One number for each language. Shape: [language].
        y: Another number of each.
        level: Probability that the interval holds the true correlation.

    Source:
        Bonett and Wright (2000): the variance of z is (1 + r²/2) / (n − 3).
    """
    known = ~np.isnan(x) & ~np.isnan(y)
    n = int(known.sum())
    if n < 3 or len(set(x[known])) < 2 or len(set(y[known])) < 2:
        return np.nan, np.nan, np.nan
    r = float(spearmanr(x[known], y[known]).statistic)
    if n < 4:
        return r, np.nan, np.nan
    # Ranks that agree in all have an infinite z, whatever their number: they count as if two neighbours were swapped.
    most = 1 - 12 / (n * (n**2 - 1))
    clipped = float(np.clip(r, -most, most))
    reach = float(norm.ppf(0.5 + level / 2) * np.sqrt((1 + clipped**2 / 2) / (n - 3)))
    low, high = np.tanh(np.arctanh(clipped) - reach), np.tanh(np.arctanh(clipped) + reach)
    return r, min(float(low), r), max(float(high), r)

"""Places in an order, with intervals that hold whatever the true distances are.

places, low, high = rank_intervals(estimates, replicates, level=0.95)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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

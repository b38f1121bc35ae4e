"""Scores drawn again: on other test sentences and with other seeds, together and paired.

The test sentences of a language are drawn once a replicate, for all taggers that were tested on it. Seeds are drawn
once a replicate for all cells and all configurations, because a seed gives all of them their first weights, order of
text and dropout. So what replicates of two configurations differ by is the error of their difference.

Pure functions; nothing is read or written.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import chi2

from bloodbank.downstream.zero_shot_cells import Cells, Floats, TargetSentences, by_target, ratio
from bloodbank.randomness import generator

_AT_ONCE = 250  # replicates of test sentences: bounds the memory


def draw_again(cells: Cells, sentences: pd.DataFrame | None, n_replicates: int, seed: int) -> Floats:
    """Draw the mean of each cell over its seeds again.

    What seeds and sentences add up to is a little too much: how a seed does on a sentence counts in both.

    Args:
        cells: Scores.
        sentences: Counts of test sentences; None where there are none.
        n_replicates: How often.
        seed: Names the random streams.

    Returns:
        Missing where nothing is known of the error: without counts where a cell has one seed, and where it has one
        seed but its configuration several. Shape: [replicate, configuration, source, target].

    Raises:
        UsageError: Scores and counts do not belong together, see `by_target`.
    """
    n_seeds, mean = cells.n_seeds, cells.means
    deviations = _of_seeds(cells, mean, n_seeds, n_replicates, seed)
    one_of_one = (n_seeds == 1) & (n_seeds.max(axis=(1, 2), keepdims=True) == 1)
    if sentences is None:
        return mean + deviations
    deviations[:, one_of_one] = 0.0
    for target in by_target(sentences, cells):
        _add_sentences(deviations, target, cells, n_seeds[..., target.target], seed)
    return mean + deviations


def _of_seeds(cells: Cells, mean: Floats, n_seeds: np.ndarray, n_replicates: int, seed: int) -> Floats:
    """Draw what seeds add to the means of cells.

    To draw a few seeds with replacement would halve the variance of two and know nothing of how badly two tell it. So
    the deviations of the seeds from their mean are added up with random normal weights, which gives every sum of cells
    the variance that its own values over seeds say; and all of a replicate is stretched by one more draw, which makes
    the normal distribution Student's t with one degree of freedom less than there are seeds.

    In simulated worlds, intervals of 95% for a difference held the truth in 97%, 96% and 96% of 400 worlds with 2, 3
    and 5 seeds; with seeds drawn with replacement in 78%, 86% and 89%; with one seed, test sentences alone, in 42%.
    """
    around = np.nan_to_num(cells.scores - mean[:, None])
    weights = np.stack([generator(seed, "zero-shot seed", one).standard_normal(n_replicates) for one in cells.seeds])
    drawn: Floats = np.einsum("crst,rb->bcst", around, weights)
    quantile = generator(seed, "zero-shot spread of seeds").random(n_replicates)
    drawn[:, n_seeds < 2] = np.nan
    for n in np.unique(n_seeds[n_seeds > 1]):
        stretch = np.sqrt((n - 1) / chi2.ppf(quantile, n - 1) / (n * (n - 1)))
        drawn[:, n_seeds == n] *= stretch[:, None]
    return drawn


def _add_sentences(deviations: Floats, target: TargetSentences, cells: Cells, n_seeds: np.ndarray, seed: int) -> None:
    """Add what other test sentences would change.

    A sentence is not drawn a whole number of times, but with a random weight (the Bayesian bootstrap), so that few
    sentences never lose most of their entities at once.
    """
    n_units = len(target.part)
    random = generator(seed, "zero-shot sentences", cells.languages[target.target])
    before = ratio(target.part.sum(axis=0), target.whole.sum(axis=0))
    # Random weights that sum to a constant vary a little less than their mean squares say.
    scale = np.sqrt((n_units + 1) / (n_units - 1)) if n_units > 1 else np.nan
    configuration, one, source = target.models
    share = scale / n_seeds[configuration, source]
    for start in range(0, len(deviations), _AT_ONCE):
        some = deviations[start : start + _AT_ONCE, :, :, target.target]
        weights = random.standard_exponential((len(some), n_units))
        changed = np.zeros((len(some), *cells.scores.shape[:3]))
        changed[:, configuration, one, source] = share * (ratio(weights @ target.part, weights @ target.whole) - before)
        some += changed.sum(axis=2)  # over seeds

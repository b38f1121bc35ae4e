"""How far two banks rank cells, donors and recipients alike, with intervals that know that cells share languages.

table = rank_agreement(first, second, n_resamples=1_000, seed=0)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bloodbank.randomness import generator
from bloodbank.statistics.means import known_mean
from bloodbank.statistics.tests import satterthwaite
from bloodbank.statistics.two_way import departures

WITHIN, PAIRS = "within recipients", "pairs"  # what `centred_ranks` ranks
SCORES = ("finetune_score", "donation", "recipience")
COEFFICIENTS = ("spearman", "kendall")
LANGUAGES, SEEDS = "languages", "seeds"
MIN_COMMON = 4  # a correlation over three values is ±1 more often than not
MIN_RESAMPLED = 6  # of fewer languages, a resample has often only two or three different ones
_MAX_PAIRED = 1_500  # cells, of whose differences all signs are kept: 18 MB a matrix
_MIN_DEFINED = 0.5  # share of resamples in which the correlation is defined


def rank_agreement(
    first: pd.DataFrame,
    second: pd.DataFrame,
    *,
    seeds: tuple[Sequence[pd.DataFrame], Sequence[pd.DataFrame]] = ((), ()),
    n_resamples: int,
    seed: int,
    level: float = 0.95,
) -> pd.DataFrame:
    """Correlate the ranks of F, D and R of two banks over the same languages.

    Only cells that both have enter, into D and R too. Two kinds of interval are given, in rows of their own.

    - "languages": for another panel of languages. Whole languages are drawn with replacement, with their row and
      their column, and the percentiles of the correlations are taken.
    - "seeds": for other seeds and the same languages, where both banks have several: the jackknife over seeds, with t
      quantiles.

    Noise in F pulls every correlation towards 0, and no interval mends that.

    Args:
        first: F of the one bank.
        second: F of the other.
        seeds: F of every seed of the one and of the other.
        n_resamples: How often languages are drawn.
        seed: Of the drawing. It does not depend on the order of the languages.
        level: Coverage of the intervals.

    Returns:
        `score` ("finetune_score", "donation" or "recipience"), `coefficient` ("spearman" or "kendall", tau-b), `value`,
        `n` (values compared), `resampled` ("languages" or "seeds"), `low`, `high` and `note`, which is empty or says
        why a number is not possible.

    Shape:
        Six rows, and six more where both banks have several seeds. Matrices are `[donor, recipient]`, with the same
        labels in both.
    """
    codes = sorted(first.index)
    one, other = (table.loc[codes, codes].to_numpy(dtype=float, copy=True) for table in (first, second))
    for cells in (one, other):
        np.fill_diagonal(cells, np.nan)
    values, n = _Pair(one, other).correlations(np.ones(len(codes), dtype=int))
    ends, note = _over_languages(one, other, n_resamples, seed, level)
    rows = _rows(values, n, LANGUAGES, ends, note)
    if all(len(tables) > 1 for tables in seeds):
        stacks = [np.stack([table.loc[codes, codes].to_numpy(dtype=float) for table in tables]) for tables in seeds]
        rows += _rows(values, n, SEEDS, _over_seeds(stacks, values, level), "")
    return pd.DataFrame(rows, columns=["score", "coefficient", "value", "n", "resampled", "low", "high", "note"])


def _rows(
    values: np.ndarray, n: np.ndarray, resampled: str, ends: tuple[np.ndarray, np.ndarray], note: str
) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for place, score in enumerate(SCORES):
        for column, coefficient in enumerate(COEFFICIENTS):
            value = float(values[place, column])
            reason = note if not np.isnan(value) else f"not possible, because {_obstacle(int(n[place]))}"
            low, high = (float(end[place, column]) for end in ends)
            if not reason and np.isnan(low):
                reason = "no interval, because the correlation is not defined in most resamples"
            rows.append((score, coefficient, value, int(n[place]), resampled, low, high, reason))
    return rows


def _obstacle(n: int) -> str:
    if n < MIN_COMMON:
        return f"{n} values in common are fewer than {MIN_COMMON}"
    return f"all {n} values in common are the same in one of the two"


class _Pair:
    """Two matrices over the same languages, correlated with each language as often as it was drawn.

    Two copies of a language have no cell between them.

    Shape:
        `[donor, recipient]`, with a missing diagonal.
    """

    def __init__(self, one: np.ndarray, other: np.ndarray) -> None:
        self.both = ~np.isnan(one) & ~np.isnan(other)
        self.sides = tuple(np.where(self.both, cells, 0.0) for cells in (one, other))
        self.cells = tuple(cells[self.both] for cells in self.sides)
        self.order = _Order(*self.cells) if self.cells[0].size <= _MAX_PAIRED else None  # the same in every resample

    def correlations(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return correlations `[score, coefficient]`, and the number of values `[score]`."""
        times = np.where(self.both, weights[:, None] * weights[None, :], 0)[self.both]
        parts = [self._of_cells(times)]
        for axis, drawn in ((1, weights[None, :]), (0, weights[:, None])):  # D: over recipients; R: over donors
            parts.append(self._of_languages(np.where(self.both, drawn, 0), weights, axis))
        return np.array([values for values, _ in parts]), np.array([n for _, n in parts])

    def _of_cells(self, times: np.ndarray) -> tuple[tuple[float, float], int]:
        from scipy.stats import kendalltau, rankdata

        drawn = times > 0
        left, right = (np.repeat(cells, times) for cells in self.cells)
        if not _has_ranks(self.cells[0][drawn], self.cells[1][drawn], len(left)):
            return (np.nan, np.nan), len(left)
        ranks = rankdata(left), rankdata(right)
        if self.order:
            return (_pearson(*ranks), self.order.tau(times)), len(left)
        whole = ((2 * rank).astype(np.int64) for rank in ranks)  # ranks are whole or half; scipy sorts integers faster
        return (_pearson(*ranks), float(kendalltau(*whole, method="asymptotic").statistic)), len(left)

    def _of_languages(self, times: np.ndarray, weights: np.ndarray, axis: int) -> tuple[tuple[float, float], int]:
        # Means rank as D and R do, which are (n - 1) times the mean of what was measured.
        from scipy.stats import rankdata

        n = times.sum(axis=axis)
        known = (n > 0) & (weights > 0)
        left, right = ((cells * times).sum(axis=axis)[known] / n[known] for cells in self.sides)
        often = weights[known]
        n_values = int(often.sum())
        if not _has_ranks(left, right, n_values):
            return (np.nan, np.nan), n_values
        spearman = _pearson(rankdata(np.repeat(left, often)), rankdata(np.repeat(right, often)))
        return (spearman, _Order(left, right).tau(often)), n_values


def _has_ranks(left: np.ndarray, right: np.ndarray, n: int) -> bool:
    return n >= MIN_COMMON and bool(np.ptp(left) > 0) and bool(np.ptp(right) > 0)


def _pearson(left: np.ndarray, right: np.ndarray) -> float:
    return float(np.clip(np.corrcoef(left, right)[0, 1], -1.0, 1.0))


class _Order:
    """Which of every two values is larger, on the one side and on the other."""

    def __init__(self, left: np.ndarray, right: np.ndarray) -> None:
        one, other = (np.sign(values[:, None] - values[None, :]).astype(np.float32) for values in (left, right))
        self.products = [one * other, one * one, other * other]

    def tau(self, times: np.ndarray) -> float:
        """Kendall's tau-b with each value so many times; copies of a value are tied in both."""
        weights = times.astype(np.float32)
        concordant, one, other = (
            float((products @ weights).astype(float) @ weights.astype(float)) for products in self.products
        )
        return float(np.clip(concordant / np.sqrt(one * other), -1.0, 1.0))


def _over_languages(
    one: np.ndarray, other: np.ndarray, n_resamples: int, seed: int, level: float
) -> tuple[tuple[np.ndarray, np.ndarray], str]:
    n = len(one)
    nothing = np.full((len(SCORES), len(COEFFICIENTS)), np.nan)
    if n < MIN_RESAMPLED:
        return (nothing, nothing), f"no interval, because {n} languages in common are fewer than {MIN_RESAMPLED}"
    random = generator("rank_agreement", seed, n)
    pair = _Pair(one, other)
    drawn = (np.bincount(random.integers(n, size=n), minlength=n) for _ in range(n_resamples))
    return _percentiles([pair.correlations(weights)[0] for weights in drawn], level), ""


def _percentiles(correlations: Sequence[np.ndarray], level: float) -> tuple[np.ndarray, np.ndarray]:
    stack = np.stack(correlations)  # [resample, score, coefficient]
    share = (~np.isnan(stack)).mean(axis=0)
    ends = []
    for quantile in (0.5 - level / 2, 0.5 + level / 2):
        known = np.where(np.isnan(stack), 0.0, stack) if (share == 0).any() else stack
        ends.append(np.where(share >= _MIN_DEFINED, np.nanquantile(known, quantile, axis=0), np.nan))
    return ends[0], ends[1]


def _over_seeds(stacks: Sequence[np.ndarray], values: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    from scipy.stats import t

    squares = [_jackknife(stacks, side) for side in (0, 1)]
    freedom = [np.full(values.shape, float(len(stack) - 1)) for stack in stacks]
    error, degrees = satterthwaite(squares, freedom)
    reach = t.ppf(0.5 + level / 2, degrees) * error
    return np.maximum(values - reach, -1.0), np.minimum(values + reach, 1.0)


def _jackknife(stacks: Sequence[np.ndarray], side: int) -> np.ndarray:
    # Variance of the correlations by the seeds of one side, each left out in turn. Shape: [score, coefficient].
    stack, means = stacks[side], [_mean(stack) for stack in stacks]
    everyone = np.ones(stack.shape[1], dtype=int)
    without = []
    for seed in range(len(stack)):
        means[side] = _mean(np.delete(stack, seed, axis=0))
        without.append(_Pair(means[0], means[1]).correlations(everyone)[0])
    deviations = np.stack(without) - np.mean(without, axis=0)
    return np.asarray((len(stack) - 1) / len(stack) * (deviations**2).sum(axis=0))


def _mean(stack: np.ndarray) -> np.ndarray:
    # [seed, donor, recipient] -> [donor, recipient], with a missing diagonal
    mean = known_mean(stack, axis=0)
    np.fill_diagonal(mean, np.nan)
    return mean


def centred_ranks(cells: np.ndarray) -> dict[str, np.ndarray]:
    """Rank what two matrices are compared by, whatever their scales, centred for `relabelled_correlations`.

    Their correlation is pooled: over complete columns without ties it is the mean over recipients of Spearman's. A
    recipient whose donors are all alike adds nothing, for or against.

    Args:
        cells: Missing where nothing is known, the diagonal too.

    Returns:
        "within recipients": ranks of the donors of each recipient; "pairs": ranks of all cells after donor and
        recipient effects. Both missing where the cells are.

    Shape:
        All `[donor, recipient]`.
    """
    within = pd.DataFrame(cells).rank()
    left = departures(cells)
    pairs = pd.Series(left.ravel()).rank().to_numpy(dtype=float).reshape(left.shape)
    return {WITHIN: (within - within.mean()).to_numpy(dtype=float), PAIRS: pairs - np.nanmean(pairs)}

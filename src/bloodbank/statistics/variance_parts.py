r"""Where the variance of a repeated matrix comes from, and how much of it would repeat: crossed random effects.

    x[seed, donor, recipient] = recipient + recipient×seed + donor + donor×seed + pair + cell

Parts are estimated by the method of moments, from sample covariances over donors between columns (recipient, seed):
within one column they hold donor + donor×seed + pair + cell, between two seeds of a recipient donor + pair, between two
recipients of a seed donor + donor×seed, between two of both donor. A sample covariance is taken over the donors that
both columns have, so that it is unbiased whatever cells are missing, and nothing that a column shares enters: not the
recipient, not its seed, not how these go with what the same language gives. Recipients are taken apart in the same way,
over rows.

    parts = variance_parts(stack)
    repeatable(parts, "donor_order").of_mean
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bloodbank.randomness import generator

Array = NDArray[np.float64]
Effect = Literal["donor_order", "donation", "recipience", "cell"]
EFFECTS: tuple[Effect, ...] = ("donor_order", "donation", "recipience", "cell")  #: whose reliability is told

N_DRAWS = 10_000  # of each mean square: an end of an interval is then known to about 0.005
MIN_LANGUAGES = 4  # with three, no two columns have two donors in common
_ROUNDING = 1e-18  # of the mean square of the values: a variance below it is an error of rounding


@dataclass(frozen=True)
class VarianceParts:
    """Variances of the parts of a score, none below zero, in its squared unit.

    Of what seeds do not change and of what they do, the sums are kept where a part comes out below zero: it is set to
    zero and its partner takes all.

    Attributes:
        recipient, recipient_seed, donor, donor_seed, pair, cell: Variances of one seed's values.
        n_seeds: Seeds of a cell: the harmonic mean, which is what the mean over seeds depends on.
        squares: Mean squares of donors, recipients, pairs, donors by seed, recipients by seed and cells by seed.
        df: Degrees of freedom of each.
        n_donors, n_recipients: That a recipient, and a donor, was measured with: a mean.
    """

    recipient: float
    recipient_seed: float
    donor: float
    donor_seed: float
    pair: float
    cell: float
    n_seeds: float
    squares: tuple[float, ...]
    df: tuple[float, ...]
    n_donors: float
    n_recipients: float


class Repeated(NamedTuple):
    """How much of a variance would repeat with other seeds."""

    of_one: float  #: share of the variance of one seed's values
    of_mean: float  #: share of that of the mean over the seeds that there are
    low: float  #: interval of `of_mean`
    high: float


class _Covariances(NamedTuple):
    """Means of sample covariances over one side, between two columns of the other."""

    same: float  #: a column with itself
    over_seeds: float  #: two seeds of a column
    over_columns: float  #: two columns of a seed
    apart: float  #: two columns of two seeds


class _Pattern(NamedTuple):
    """What was measured."""

    n_seeds: float  #: of a cell, the harmonic mean
    more_seeds: float  #: of a cell beyond the first, the mean
    n_donors: float  #: that a recipient was measured with
    n_recipients: float
    df: tuple[float, float, float]  #: of donors, recipients and pairs


def variance_parts(stack: Array) -> VarianceParts | None:
    """Split the variance of a score by the method of moments.

    Args:
        stack: A score by seed; missing where it was not measured. The diagonal never counts.

    Returns:
        The parts; None with one seed, fewer than four languages, where too little is measured to tell the parts apart,
        or where all values are the same.

    Shape:
        `[seed, donor, recipient]`.
    """
    n = stack.shape[1]
    if n < MIN_LANGUAGES or len(stack) < 2:
        return None
    stack = np.where(np.eye(n, dtype=bool), np.nan, stack)
    if np.isnan(stack).all():
        return None
    by_donors, by_recipients = _covariances(stack), _covariances(stack.transpose(0, 2, 1))
    if by_donors is None or by_recipients is None:
        return None
    if by_donors.same + by_recipients.same <= _ROUNDING * float(np.nanmean(stack**2)):
        return None
    return _parts(by_donors, by_recipients, _pattern(~np.isnan(stack)))


def _pattern(known: NDArray[np.bool_]) -> _Pattern:
    n_seeds = known.sum(0)
    measured = n_seeds > 0
    n_cells, n_scores = float(measured.sum()), float(known.sum())
    donors, recipients = (float(measured.any(axis).sum()) for axis in (1, 0))
    # Columns with gaps share fewer donors, and say less of what they share.
    filled = min(n_scores / (len(known) * (donors * recipients - min(donors, recipients))), 1.0)
    free = max(n_cells - donors - recipients + 1.0, 1.0)
    return _Pattern(
        n_seeds=n_cells / float((1.0 / n_seeds[measured]).sum()),
        more_seeds=n_scores / n_cells - 1.0,
        n_donors=n_cells / recipients,
        n_recipients=n_cells / donors,
        df=(filled * (donors - 1.0), filled * (recipients - 1.0), filled * free),
    )


def _covariances(stack: Array) -> _Covariances | None:
    """Average sample covariances over rows; None where no two columns of a kind share two rows.

    Args:
        stack: Shape: [seed, row, column].
    """
    n_seeds, n, _ = stack.shape
    table = stack.transpose(1, 2, 0).reshape(n, -1)  # [row, column × seed]
    known = ~np.isnan(table)
    mask = known.astype(float)
    values = np.where(known, table - float(np.nanmean(table)), 0.0)
    common, sums = mask.T @ mask, values.T @ mask  # of column i over the rows that j has too
    products = values.T @ values - sums * sums.T / np.maximum(common, 1.0)
    weights = np.maximum(common - 1.0, 0.0)  # a sample covariance times its degrees of freedom is the sum of products
    column, seed = np.divmod(np.arange(table.shape[1]), n_seeds)
    same_column, same_seed = column[:, None] == column[None, :], seed[:, None] == seed[None, :]
    averages = []
    for of_columns in (same_column, ~same_column):
        for of_seeds in (same_seed, ~same_seed):
            chosen = of_columns & of_seeds
            weight = float(weights[chosen].sum())
            if weight <= 0:
                return None
            averages.append(float(products[chosen].sum()) / weight)
    return _Covariances(*averages)


def _parts(by_donors: _Covariances, by_recipients: _Covariances, of: _Pattern) -> VarianceParts:
    donor, recipient = by_donors.apart, by_recipients.apart
    pair, donor_seed = by_donors.over_seeds - donor, by_donors.over_columns - donor
    recipient_seed = by_recipients.over_columns - recipient
    cell = by_donors.same - by_donors.over_seeds - donor_seed
    k = 1.0 + of.more_seeds
    squares = (
        of.n_recipients * (k * donor + donor_seed) + k * pair + cell,
        of.n_donors * (k * recipient + recipient_seed) + k * pair + cell,
        k * pair + cell,
        of.n_recipients * donor_seed + cell,
        of.n_donors * recipient_seed + cell,
        cell,
    )
    stays, varies = max(by_donors.over_seeds, 0.0), max(by_donors.same - by_donors.over_seeds, 0.0)
    donor, donor_seed = min(max(donor, 0.0), stays), min(max(donor_seed, 0.0), varies)
    return VarianceParts(
        recipient=max(recipient, 0.0),
        recipient_seed=max(recipient_seed, 0.0),
        donor=donor,
        donor_seed=donor_seed,
        pair=stays - donor,
        cell=varies - donor_seed,
        n_seeds=of.n_seeds,
        squares=tuple(max(square, 0.0) for square in squares),
        df=(*of.df, *(of.more_seeds * own for own in of.df)),
        n_donors=of.n_donors,
        n_recipients=of.n_recipients,
    )


def repeatable(parts: VarianceParts, of: Effect, *, level: float = 0.95) -> Repeated:
    """Say what share of a variance would repeat with other seeds.

    The share of the mean over seeds is 1 − (variance by seeds / seeds) / (variance of the mean). Both are sums of mean
    squares, and the interval is that of their generalised pivots: each mean square over a chi-squared one that is drawn
    again. For donors and recipients alone this is the exact interval of an intraclass correlation.

    Args:
        parts: From `variance_parts`.
        of: "donor_order" (donor + pair: who gives more to a recipient), "donation" (the mean over recipients: D),
            "recipience" (the mean over donors: R), or "cell" (all of a cell: recipient + donor + pair).
        level: Of the interval.

    Returns:
        The shares, from 0 to 1.

    Source:
        Weerahandi (1993) for generalised intervals.
    """
    stays, varies = _stays_and_varies(parts, of)
    over_seeds = stays + varies / parts.n_seeds
    of_one = stays / (stays + varies) if stays + varies > 0 else 0.0
    of_mean = stays / over_seeds if over_seeds > 0 else 0.0
    weights = np.array(_weights(parts, of))
    random = generator("reliability", of)
    half = np.maximum(np.array(parts.df), 0.5) / 2
    drawn = np.array(parts.squares) * half / np.maximum(random.standard_gamma(half, (N_DRAWS, len(half))), 1e-12)
    total = drawn[:, :3] @ weights
    noise = drawn[:, 3:] @ weights
    # Of the mean over k seeds; where cells have unlike numbers of them, k here is their mean.
    repeats = 1.0 - np.divide(noise, total, out=np.ones(N_DRAWS), where=total > 0)
    low, high = np.quantile(np.clip(repeats, 0.0, 1.0), [(1 - level) / 2, (1 + level) / 2])
    return Repeated(of_one, of_mean, min(float(low), of_mean), max(float(high), of_mean))


def _stays_and_varies(parts: VarianceParts, of: Effect) -> tuple[float, float]:
    n, m = parts.n_donors, parts.n_recipients
    return {
        "donor_order": (parts.donor + parts.pair, parts.donor_seed + parts.cell),
        "donation": (parts.donor + parts.pair / m, parts.donor_seed + parts.cell / m),
        "recipience": (parts.recipient + parts.pair / n, parts.recipient_seed + parts.cell / n),
        "cell": (
            parts.recipient + parts.donor + parts.pair,
            parts.recipient_seed + parts.donor_seed + parts.cell,
        ),
    }[of]


def _weights(parts: VarianceParts, of: Effect) -> tuple[float, float, float]:
    """Weigh the mean squares of donors, recipients and pairs (or of each by seed) so that their sum is the variance."""
    n, m = parts.n_donors, parts.n_recipients
    return {
        "donor_order": (1 / m, 0.0, 1 - 1 / m),
        "donation": (1.0, 0.0, 0.0),
        "recipience": (0.0, 1.0, 0.0),
        "cell": (1 / m, 1 / n, 1 - 1 / m - 1 / n),
    }[of]


def seeds_needed(of_one: float, wanted: float) -> float:
    """Say how many seeds make the mean over them reliable (Spearman and Brown's formula).

    Args:
        of_one: Reliability of one seed, 0 to 1.
        wanted: Reliability that the mean is to have, below 1.

    Returns:
        A whole number, at least 1; infinite where nothing repeats.
    """
    if of_one <= 0:
        return float("inf")
    return max(float(np.ceil(wanted * (1 - of_one) / (of_one * (1 - wanted)) - 1e-9)), 1.0)

"""One answer to one question of section 6, and the two kinds of intervals that decide it.

Pure functions; nothing is read or written.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, spearmanr, t

from bloodbank.downstream.differences import NOT_EVALUATED, UNDECIDED, Difference, verdict
from bloodbank.downstream.zero_shot_cells import Floats


@dataclass(frozen=True)
class Finding:
    """What the numbers say of a claim.

    Attributes:
        key: Short name, the same for every task: `eq10 most > least`.
        claim: A sentence that is true or false.
        unit: What the value is: "difference of accuracy", "rank correlation".
        value: Missing where it was not evaluated.
        low, high: Ends of its interval; missing where there is none.
        verdict: "supported", "not supported", "undecided" or "not evaluated", from the interval alone.
        covers: What the interval covers.
        note: What limits it, or why it was not evaluated.
    """

    key: str
    claim: str
    unit: str
    value: float
    low: float
    high: float
    verdict: str
    covers: str
    note: str = ""


def of_difference(key: str, claim: str, unit: str, found: Difference, note: str = "") -> Finding:
    """Make a finding of a difference between configurations."""
    return Finding(
        key, claim, unit, found.value, found.low, found.high, found.verdict, found.covers,
        note or f"{found.n_pairs} pairs of source and target",
    )  # fmt: skip


def not_evaluated(key: str, claim: str, unit: str, why: str) -> Finding:
    """Make a finding of what could not be looked at."""
    return Finding(key, claim, unit, np.nan, np.nan, np.nan, NOT_EVALUATED, "nothing", why)


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


def said(low: float, high: float) -> str:
    """Say what an interval over languages says of "it is above 0"."""
    return UNDECIDED if np.isnan(low) else verdict(low, high, covers_seeds=True)

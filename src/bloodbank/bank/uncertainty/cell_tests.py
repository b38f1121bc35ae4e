"""Is this cell positive? A test for every cell, corrected for there being many.

tests = decide_cells(intervals, correction="holm")
tests[tests["decision"]]
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bloodbank.bank.uncertainty.intervals import Intervals
from bloodbank.bank.uncertainty.paragraphs import CELL_SCORES
from bloodbank.errors import UsageError
from bloodbank.statistics.tests import holm

Array = NDArray[np.float64]
CORRECTIONS: Mapping[str, str] = {
    "holm": "the probability of one false decision or more is at most the level",
    "bh": "of the decisions, a share of at most the level is expected to be false (Benjamini and Hochberg)",
    "by": "as bh, however the cells depend on each other (Benjamini and Yekutieli)",
    "none": "each cell on its own: of many cells some will seem positive by chance",
}
ALTERNATIVES = ("greater", "less", "two-sided")


def decide_cells(
    intervals: Intervals,
    *,
    alternative: str = "greater",
    correction: str = "holm",
    level: float = 0.05,
    score: str = "finetune_score",
) -> pd.DataFrame:
    """Test for every cell whether it is positive (or negative, or either).

    The statistic is the score over its standard error, with Student's t distribution. It tests against what the
    intervals cover: see `Intervals.covers`.

    Args:
        intervals: From `measurement_intervals`.
        alternative: "greater" (is it positive?), "less" (is it negative?) or "two-sided" (is it not zero?).
        correction: One of `CORRECTIONS`.
        level: Of the errors that the correction bounds.
        score: "finetune_score", "difference" or "log_ratio".

    Returns:
        donor, recipient, estimate, statistic, df, p, adjusted_p (at most the level where decided) and decision: one row
        for each ordered pair. Cells without a value or a standard error have no p and no decision, and do not count
        among the tests.

    Raises:
        UsageError: An argument is none of those known.
    """
    _check(alternative, ALTERNATIVES, "alternative")
    _check(correction, tuple(CORRECTIONS), "correction")
    _check(score, CELL_SCORES, "score")
    if not 0.0 < level < 1.0:
        raise UsageError(f"The level of a test is between 0 and 1, such as 0.05, but was given as {level:g}.")
    cells = intervals.cells[intervals.cells["score"] == score].reset_index(drop=True)
    if cells.empty:
        raise UsageError(f"The intervals have no {score}: they were worked out from F by seed alone.")
    estimate, se, df = (cells[name].to_numpy(dtype=float) for name in ("estimate", "se", "df"))
    statistic, p = p_values(estimate, se, df, alternative=alternative)
    adjusted = adjust(p, correction)
    return cells[["donor", "recipient", "estimate"]].assign(
        statistic=statistic, df=df, p=p, adjusted_p=adjusted, decision=adjusted <= level
    )


def p_values(estimate: Array, se: Array, df: Array, *, alternative: str = "greater") -> tuple[Array, Array]:
    """Return the studentised statistic and its p value; missing where there is no standard error above zero."""
    from scipy import stats

    statistic = np.where(se > 0, estimate / np.where(se > 0, se, 1.0), np.nan)
    if alternative == "greater":
        return statistic, stats.t.sf(statistic, df)
    if alternative == "less":
        return statistic, stats.t.cdf(statistic, df)
    return statistic, 2 * stats.t.sf(np.abs(statistic), df)


def adjust(p: Array, correction: str) -> Array:
    """Correct p values for their number, by one of `CORRECTIONS`; missing ones stay missing and do not count."""
    _check(correction, tuple(CORRECTIONS), "correction")
    known = ~np.isnan(p)
    adjusted = np.full(p.shape, np.nan)
    if not known.any():
        return adjusted
    if correction == "none":
        adjusted[known] = p[known]
    elif correction == "holm":
        adjusted[known] = holm(p[known])
    else:
        from scipy import stats

        adjusted[known] = stats.false_discovery_control(p[known], method=correction)
    return adjusted


def _check(given: str, known: tuple[str, ...], what: str) -> None:
    if given not in known:
        raise UsageError(f"Unknown {what} {given!r}. Known are {', '.join(known)}.")

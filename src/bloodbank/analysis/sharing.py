"""Permutation tests of what sharing a category goes with: of means, of variances, and of shares of negative cells.

orders, _ = draw_orders(len(cells), None, seed=0)
sharing_tests(cells, categories, orders)
"""

from __future__ import annotations

from math import factorial, prod

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bloodbank.bank.scores import LEVEL_BORDERS
from bloodbank.statistics.permutations import sharing_statistics, tail
from bloodbank.statistics.tests import holm
from bloodbank.statistics.two_way import departures

TESTS = ("mean", "adjusted_mean", "log_variance_ratio", "share_negative", "share_below_border")
BORDER = LEVEL_BORDERS[0]  # the paper's -10 percent
_BORDERS = {"share_negative": 0.0, "share_below_border": BORDER}
_ROUNDING = 1e-6  # of the variance of all cells; what single precision may leave of none

Floats = NDArray[np.float64]
Orders = NDArray[np.int16]


def summarise(values: Floats) -> dict[str, float | int]:
    """Describe some cells.

    Args:
        values: F, of any shape; missing where nothing was measured.

    Returns:
        n_pairs, mean, median, variance (of a sample), n_negative and share_negative (F < 0), n_below_border and
        share_below_border (F < -10%); missing where there are too few cells.
    """
    known = np.sort(values[~np.isnan(values)])  # sorted, so that the order of languages changes no rounding
    n = len(known)
    negative, below = int((known < 0).sum()), int((known < BORDER).sum())
    return {
        "n_pairs": n,
        "mean": float(known.mean()) if n else np.nan,
        "median": float(np.median(known)) if n else np.nan,
        "variance": float(known.var(ddof=1)) if n > 1 else np.nan,
        "n_negative": negative,
        "share_negative": negative / n if n else np.nan,
        "n_below_border": below,
        "share_below_border": below / n if n else np.nan,
    }


def sharing_tests(cells: Floats, categories: NDArray[np.int64], orders: Orders) -> pd.DataFrame:
    """Test what sharing a category goes with, by relabelling the languages.

    Args:
        cells: F among the languages that have a category, the diagonal missing.
        categories: A number from 0 up for each language.
        orders: What `draw_orders` gave for these languages.

    Returns:
        By test (see `TESTS`; same less different, the ratio as its natural logarithm): statistic, null_low and
        null_high (95% of the relabelled statistics lie between), p (two-sided), p_holm (corrected for the tests of
        this table) and reason (why there is no p, or "").

    Shape:
        `cells` is `[donor, recipient]`, `orders` `[relabelling, language]`.
    """
    same = np.asarray(categories[:, None] == categories[None, :])
    left = departures(cells)
    observed = _observed(cells, left, same)
    reasons = _obstacles(cells, left, same, observed)
    nulls = {} if all(reasons.values()) else _relabelled(cells, left, categories, orders)
    rows = []
    for name in TESTS:
        low = high = p = np.nan
        if not reasons[name]:
            null = nulls[name]
            finite = null[np.isfinite(null)]
            # By chance a ratio of variances is not around 1 where one side is small: its middle is that of relabelling.
            middle = float(np.median(finite)) if name == "log_variance_ratio" else 0.0
            low, high = np.quantile(finite, (0.025, 0.975))
            p = tail(np.abs(null - middle))
        rows.append((observed[name], float(low), float(high), p, np.nan, reasons[name]))
    columns = ["statistic", "null_low", "null_high", "p", "p_holm", "reason"]
    table = pd.DataFrame(rows, columns=columns, index=pd.Index(TESTS, name="test"))
    possible = table["p"].notna()
    table.loc[possible, "p_holm"] = holm(table.loc[possible, "p"].to_numpy(dtype=float))
    return table


def smallest_p(categories: NDArray[np.int64], n_relabellings: int, *, exact: bool) -> float:
    """Give the lowest p that relabelling can reach: that of the orders which keep together what is together.

    Args:
        categories: A number from 0 up for each language.
        n_relabellings: Drawn, the observed order not among them.
        exact: Every relabelling was taken.

    Returns:
        The lowest p.
    """
    if not exact:
        return 1 / (1 + n_relabellings)
    sizes = np.bincount(categories)
    alike = prod(factorial(int(size)) for size in sizes) * prod(factorial(int(n)) for n in np.bincount(sizes)[1:])
    return alike / factorial(len(categories))


def _observed(cells: Floats, left: Floats, same: NDArray[np.bool_]) -> dict[str, float]:
    of_same, of_other = summarise(cells[same]), summarise(cells[~same])
    adjusted = summarise(left[same])["mean"] - summarise(left[~same])["mean"]
    least = _ROUNDING * summarise(cells)["variance"]
    variances = of_same["variance"], of_other["variance"]
    ratio = float(np.log(variances[0] / variances[1])) if min(variances) > least else np.nan  # missing is not above
    differences = {name: of_same[name] - of_other[name] for name in ("mean", "share_negative", "share_below_border")}
    return {**differences, "adjusted_mean": adjusted, "log_variance_ratio": ratio}


def _obstacles(cells: Floats, left: Floats, same: NDArray[np.bool_], observed: dict[str, float]) -> dict[str, str]:
    values = cells[~np.isnan(cells)]
    n_same, n_other = (int((~np.isnan(cells[where])).sum()) for where in (same, ~same))
    if not n_same or not n_other:
        which = "the same category" if not n_same else "different categories"
        return dict.fromkeys(TESTS, f"no measured pair of languages has {which}")
    if np.ptp(values) == 0:
        return dict.fromkeys(TESTS, "all measured cells are equal")
    reasons = dict.fromkeys(TESTS, "")
    if not np.nan_to_num(left).any():
        reasons["adjusted_mean"] = "donor and recipient effects explain all of F"
    if np.isnan(observed["log_variance_ratio"]):
        reasons["log_variance_ratio"] = "the cells of one side are fewer than two, or all equal"
    for name, border in _BORDERS.items():
        if len(np.unique(values < border)) == 1:
            reasons[name] = f"{'all cells are' if values[0] < border else 'no cell is'} below that border"
    return reasons


def _relabelled(cells: Floats, left: Floats, categories: NDArray[np.int64], orders: Orders) -> dict[str, Floats]:
    # [relabelling] each; infinite where a relabelling leaves too few pairs on a side, so that it counts as extreme
    measured = ~np.isnan(cells)
    centred = np.where(measured, cells - np.nanmean(cells), 0.0)
    n = len(cells) * (len(cells) - 1)
    counts = np.bincount(categories)
    if int(measured.sum()) == n:
        n_same = np.full(len(orders), float((counts * (counts - 1)).sum()))
    else:
        n_same = np.round(_shared_sums(measured.astype(float), categories, orders))
    n_other = measured.sum() - n_same
    sums = _shared_sums(centred, categories, orders)
    squares = _shared_sums(centred**2, categories, orders)
    nulls = {"mean": _difference(sums, centred.sum(), n_same, n_other)}
    nulls["adjusted_mean"] = sharing_statistics(left, categories, orders)
    least = _ROUNDING * float((centred**2).sum()) / (measured.sum() - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        within_same = (squares - sums**2 / n_same) / (n_same - 1)
        rest = centred.sum() - sums
        within_other = ((centred**2).sum() - squares - rest**2 / n_other) / (n_other - 1)
        ratio = np.log(np.where(within_same > least, within_same, 0) / np.where(within_other > least, within_other, 0))
    nulls["log_variance_ratio"] = np.where((n_same > 1) & (n_other > 1) & ~np.isnan(ratio), ratio, np.inf)
    for name, border in _BORDERS.items():
        is_below = (cells < border).astype(float)  # missing is not below
        below = np.round(_shared_sums(is_below, categories, orders))  # whole numbers, so that ties are ties
        nulls[name] = _difference(below, is_below.sum(), n_same, n_other)
    return nulls


def _shared_sums(values: Floats, categories: NDArray[np.int64], orders: Orders) -> Floats:
    """Sum the cells between languages of one category, from the difference of means that is there for the taking."""
    counts = np.bincount(categories)
    n_same = float((counts * (counts - 1)).sum())
    n_other = len(values) * (len(values) - 1) - n_same
    difference = sharing_statistics(values, categories, orders)
    return np.asarray((difference + values.sum() / n_other) / (1 / n_same + 1 / n_other))


def _difference(same: Floats, total: float, n_same: Floats, n_other: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        difference = same / n_same - (total - same) / n_other
    return np.asarray(np.where((n_same > 0) & (n_other > 0), difference, np.inf))

"""Whether languages that are alike in many features help each other more: one test over all features together.

Pure functions; nothing is written. `bloodbank.bank.typology_effects` is what to call.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial

import numpy as np
import pandas as pd

from bloodbank.bank.additive import fit_additive
from bloodbank.bank.relabelling import MAX_EXACT, tail
from bloodbank.typology.features import MIN_SHARED, agreements

_MAX_ORDERS = 2_000  # one test needs no correction, so no finer p
_MAX_EXACT = factorial(MAX_EXACT)


@dataclass(frozen=True, eq=False)
class AgreementEffect:
    """Whether F rises with the share of features that two languages agree on."""

    correlation: float  #: Spearman's, over ordered pairs
    null_low: float  #: 2.5% of the relabelled correlations lie below
    null_high: float  #: 2.5% lie above
    p: float  #: two-sided
    n_pairs: int  #: ordered pairs with F and enough features in common
    n_languages: int


def agreement_effect(
    cells: np.ndarray, table: pd.DataFrame, orders: np.ndarray, control: str
) -> AgreementEffect | None:
    """Test whether F rises with the share of features that two languages agree on, by relabelling languages.

    Args:
        cells: F; the diagonal is missing.
        table: Categories of the same languages.
        orders: What `relabelling.draw_orders` gave; 2,000 of them are taken.
        control: "additive" takes donor and recipient effects out of F first.

    Returns:
        The effect; None where too few pairs have at least ten features in common, or nothing varies.

    Shape:
        `cells` is `[donor, recipient]`, `table` `[language, feature]`, `orders` `[relabelling, language]`.
    """
    n_common, n_alike = agreements(table)
    with np.errstate(invalid="ignore"):
        share = np.where(n_common >= MIN_SHARED, n_alike / n_common, np.nan)
    np.fill_diagonal(share, np.nan)
    there = np.isfinite(share).sum(axis=0) > 0
    if there.sum() < 4:
        return None
    share, block = share[np.ix_(there, there)], cells[np.ix_(there, there)]
    block = block - fit_additive(block) if control == "additive" else block
    both = ~np.isnan(share) & ~np.isnan(block)
    if both.sum() < 6 or np.ptp(share[both]) == 0 or np.ptp(block[both]) == 0:
        return None
    from scipy.stats import rankdata

    # Ranks are taken once; relabelling moves them about, and with them the pairs that are missing.
    left, right = (np.zeros_like(block), np.zeros_like(block))
    left[both], right[~np.isnan(block)] = rankdata(share[both]), rankdata(block[~np.isnan(block)])
    weight_left, weight_right = both.astype(float), (~np.isnan(block)).astype(float)
    orders = orders if len(orders) <= _MAX_EXACT else orders[: _MAX_ORDERS + 1]
    induced = orders[there[orders]].reshape(len(orders), -1)
    place = np.cumsum(there) - 1  # language -> its row in the block
    found = np.array([_correlation(left, right, weight_left, weight_right, place[order]) for order in induced])
    low, high = np.nanquantile(found, (0.025, 0.975))
    sizes = np.where(np.isnan(found), np.inf, np.abs(found))
    return AgreementEffect(float(found[0]), float(low), float(high), tail(sizes), int(both.sum()), int(there.sum()))


def _correlation(
    left: np.ndarray, right: np.ndarray, weight_left: np.ndarray, weight_right: np.ndarray, order: np.ndarray
) -> float:
    moved = np.ix_(order, order)
    x, weight = left[moved], weight_left[moved] * weight_right
    n = weight.sum()
    mean_x, mean_y = (x * weight).sum() / n, (right * weight).sum() / n
    dx, dy = (x - mean_x) * weight, (right - mean_y) * weight
    scale = np.sqrt((dx * dx).sum() * (dy * dy).sum())
    return float((dx * dy).sum() / scale) if scale > 0 else float("nan")

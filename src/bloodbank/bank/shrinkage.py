"""F shrunk towards the additive model: what of a cell's own departure is worth believing.

Pure functions of matrices; nothing is written.

    shrunk = shrink(finetune, cell_variance)
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from bloodbank.bank.additive import fit_additive, n_parameters

_MAX_ROUNDS = 500
_HALVINGS = 40
_LEAST_NOISE = 1e-9  # of the largest cell's variance; keeps weights finite where a cell is said to be without noise


class Shrunk(NamedTuple):
    """F after shrinking."""

    finetune: pd.DataFrame  #: [donor, recipient]
    kept: float  #: mean share of a cell's departure from the additive model that is kept, 0 to 1


def shrink(finetune: pd.DataFrame, cell_variance: pd.DataFrame | np.ndarray) -> Shrunk:
    """Shrink each cell towards donor + recipient effects, the more so the less sure it is.

    A cell's departure from the additive model is true interaction, of variance τ² over cells, plus noise, of the
    cell's own variance σ². Effects are fitted with weights 1 / (τ² + σ²), so that a noisy cell does not bend them,
    and the departure is multiplied by τ² / (τ² + σ²), the best linear guess of its true part. τ² is the value at
    which the weighted departures vary as much as their degrees of freedom say (Paule and Mandel's estimate), or 0.

    Args:
        finetune: F.
        cell_variance: σ² of each cell of F, from seeds or replicates; a missing one takes the mean of the others.

    Returns:
        The shrunk matrix, missing where F is, and how much of the departures was kept.

    Shape:
        Both `[donor, recipient]`.
    """
    cells = _without_diagonal(finetune)
    measured = ~np.isnan(cells)
    freedom = int(measured.sum()) - n_parameters(cells)
    if freedom <= 0:  # the additive model fits whatever was measured, so no departure can be told from it
        return Shrunk(_like(finetune, fit_additive(cells)), 0.0)
    noise = np.asarray(cell_variance, dtype=float)
    known = noise[measured & ~np.isnan(noise)]
    noise = np.where(np.isnan(noise), known.mean() if known.size else 0.0, noise)
    spread = float(np.nansum((cells - fit_additive(cells)) ** 2)) / freedom
    noise = np.maximum(noise, _LEAST_NOISE * max(spread, float(noise[measured].max(initial=0.0)), np.finfo(float).tiny))
    true = _true_variance(cells, noise, freedom, spread)
    fitted = _fit_weighted(cells, 1 / (true + noise))
    kept = true / (true + noise)
    return Shrunk(_like(finetune, fitted + kept * (cells - fitted)), float(kept[measured].mean()))


def shrink_evenly(finetune: pd.DataFrame, kept: float) -> Shrunk:
    """Keep the same share of every cell's departure from the additive model; for when no cell's noise is known.

    Args:
        finetune: F.
        kept: Share that is kept: 1 leaves F as it is, 0 gives the additive model.

    Returns:
        The shrunk matrix.
    """
    cells = _without_diagonal(finetune)
    fitted = fit_additive(cells)
    return Shrunk(_like(finetune, fitted + kept * (cells - fitted)), kept)


def _true_variance(cells: np.ndarray, noise: np.ndarray, freedom: int, spread: float) -> float:
    def excess(true: float) -> float:
        weights = 1 / (true + noise)
        return float(np.nansum(weights * (cells - _fit_weighted(cells, weights)) ** 2)) - freedom

    if excess(0.0) <= 0:
        return 0.0
    low, high = 0.0, spread
    while excess(high) > 0:
        low, high = high, 2 * high
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return (low + high) / 2


def _fit_weighted(cells: np.ndarray, weights: np.ndarray) -> np.ndarray:
    # As fit_additive, with a weight for each cell: rows and columns are centred in turn, by their weighted means.
    weights = np.where(np.isnan(cells), 0.0, weights)
    residual = np.where(np.isnan(cells), 0.0, cells)
    by_row, by_column = (np.maximum(weights.sum(axis=axis), np.finfo(float).tiny) for axis in (1, 0))
    enough = 1e-10 * float(np.abs(residual).max(initial=0.0))
    for _ in range(_MAX_ROUNDS):
        rows = (weights * residual).sum(axis=1) / by_row
        residual = residual - rows[:, None]
        columns = (weights * residual).sum(axis=0) / by_column
        residual = residual - columns[None, :]
        if max(np.abs(rows).max(initial=0.0), np.abs(columns).max(initial=0.0)) <= enough:
            break
    return np.where(np.isnan(cells), np.nan, cells - residual)


def _without_diagonal(finetune: pd.DataFrame) -> np.ndarray:
    cells = finetune.to_numpy(dtype=float, copy=True)
    np.fill_diagonal(cells, np.nan)
    return cells


def _like(finetune: pd.DataFrame, cells: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(cells, index=finetune.index, columns=finetune.columns)

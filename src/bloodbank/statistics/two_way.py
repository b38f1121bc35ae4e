"""A two-way table as mean + row effect + column effect, by least squares, whatever cells are missing.

    fitted = fit_two_way(cells)
    left = departures(cells)

For F the rows are donors and the columns recipients: what a donor gives to all, plus what a recipient takes from all.
Missing cells, the diagonal among them, are NaN.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ROUNDING = 1e-12  # of the largest cell: what one round may still change, and what the fit is known to
_NOTHING = 1e-9  # of the largest cell: a departure below is an error of rounding
_MAX_ROUNDS = 2_000  # a complete table needs about ten; tables that hang on single cells need many


def fit_two_way(cells: Floats, weights: Floats | None = None) -> Floats:
    """Fit mean + row effect + column effect to the measured cells, by least squares.

    Rows and columns are centred in turn, which ends at the least-squares fit whatever cells are missing.

    Args:
        cells: Missing where nothing was measured.
        weights: How much each measured cell counts; by default all alike.

    Returns:
        The fitted values of the measured cells; missing elsewhere, because a row or column without a link to the
        others has no effect that could be told.

    Shape:
        All `[row, column]`.
    """
    measured = ~np.isnan(cells)
    weights = measured.astype(float) if weights is None else np.where(measured, weights, 0.0)
    residual = np.where(measured, cells, 0.0)
    by_row, by_column = (np.maximum(weights.sum(axis=axis), np.finfo(float).tiny) for axis in (1, 0))
    enough = ROUNDING * max(float(np.abs(residual).max(initial=0.0)), np.finfo(float).tiny)
    for _ in range(_MAX_ROUNDS):
        rows = (weights * residual).sum(axis=1) / by_row
        residual = residual - rows[:, None]
        columns = (weights * residual).sum(axis=0) / by_column
        residual = residual - columns[None, :]
        if max(np.abs(rows).max(initial=0.0), np.abs(columns).max(initial=0.0)) <= enough:
            break
    return np.where(measured, cells - residual, np.nan)


def departures(cells: Floats) -> Floats:
    """Return the measured cells less their fit.

    What rounding leaves of an additive table is exactly 0, so that it is not tested as something.

    Shape:
        Both `[row, column]`.
    """
    left = cells - fit_two_way(cells)
    return np.where(np.abs(left) < _NOTHING * np.nanmax(np.abs(cells), initial=0.0), 0.0, left)


class Effects(NamedTuple):
    """Effects of rows and columns, whose mean is 0 in each linked group; missing for those without a cell."""

    rows: Floats
    columns: Floats
    means: Floats  #: of each linked group
    row_groups: Ints  #: number of each row's group; -1 without a cell
    column_groups: Ints


def two_way_effects(fitted: Floats) -> Effects:
    """Take a fit apart into the mean and the effects of each linked group.

    Args:
        fitted: From `fit_two_way`. Shape: [row, column].
    """
    measured = ~np.isnan(fitted)
    row_groups, column_groups = linked_groups(measured)
    links = measured.astype(float)
    normal = np.block([[np.diag(links.sum(1)), links], [links.T, np.diag(links.sum(0))]])
    sums = np.concatenate([np.nansum(fitted, axis=1), np.nansum(fitted, axis=0)])
    rows, columns = np.split(np.linalg.lstsq(normal, sums, rcond=None)[0], [len(fitted)])
    rows, columns = np.where(row_groups >= 0, rows, np.nan), np.where(column_groups >= 0, columns, np.nan)
    means = np.zeros(row_groups.max(initial=-1) + 1)
    for effects, groups in ((rows, row_groups), (columns, column_groups)):
        for group in range(len(means)):
            mean = effects[groups == group].mean()
            means[group] += mean
            effects[groups == group] -= mean
    return Effects(rows, columns, means, row_groups, column_groups)


def linked_groups(measured: NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Number the groups of rows and columns that measured cells link; effects of two groups cannot be compared.

    Args:
        measured: Shape: [row, column].

    Returns:
        The group of each row and of each column; -1 for those without a cell.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n_rows, n_columns = measured.shape
    rows, columns = np.nonzero(measured)
    links = coo_array((np.ones(len(rows)), (rows, n_rows + columns)), shape=(n_rows + n_columns,) * 2)
    labels = connected_components(links, directed=False)[1]
    known = np.concatenate([measured.any(axis=1), measured.any(axis=0)])
    groups = np.full(len(labels), -1)
    groups[known] = np.unique(labels[known], return_inverse=True)[1]
    return groups[:n_rows], groups[n_rows:]


def n_parameters(cells: Floats) -> int:
    """Count the free parameters of the fit: rows and columns with a cell, less one for each linked group.

    Shape:
        `[row, column]`.
    """
    rows, columns = linked_groups(~np.isnan(cells))
    return int((rows >= 0).sum() + (columns >= 0).sum()) - int(rows.max(initial=-1) + 1)

"""Donor and recipient effects of what one seed adds to the cells, by least squares, whatever cells are missing.

All cells of a column share M_t, and under `sequential` all cells of a row share the donor's M_s: what a seed adds to a
cell is the sum of a column effect, a row effect and what is left. Nothing is read or written.

    design = design_of(measured)
    rows, columns, left = design.split(added)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

_FEW = 3  # as many donors, or recipients, say more by their mean than by their differences


@dataclass(frozen=True)
class Side:
    """How the effects of one side, donors or recipients, are estimated.

    Effects are known but for a constant that could stand on either side. They are centred, unless a side has so few
    members that its mean must not be given away; then the constant stands there.

    Attributes:
        operator: Turns the sums of all rows and columns into effects. Shape: [n, 2n].
        share: Part of an effect's own variance that is in its square: 1 − 1/members where centred. Shape: [n].
        from_other: How much of the other side's mean variance is in its square. Shape: [n].
        from_cells: How much of the variance that is left in a cell is in its square. Shape: [n].
    """

    operator: Array
    share: Array
    from_other: Array
    from_cells: Array


@dataclass(frozen=True)
class Design:
    """What a pattern of measured cells can tell.

    Shape:
        `measured` and `leverage` (part of a cell's variance that the effects take with them) are `[donor, recipient]`.
    """

    measured: Mask
    rows: Side
    columns: Side
    leverage: Array
    inverse: Array

    def split(self, added: Array) -> tuple[Array, Array, Array]:
        """Split what a seed adds to the cells.

        Args:
            added: Missing where nothing was measured. Shape: [donor, recipient].

        Returns:
            Row effects, column effects, and what is left in the cells (0 where nothing was measured).
        """
        n = len(added)
        known = np.where(self.measured, added, 0.0)
        sums = np.concatenate([known.sum(1), known.sum(0)])
        fitted = self.inverse @ sums
        left = np.where(self.measured, known - fitted[:n, None] - fitted[None, n:], 0.0)
        return self.rows.operator @ sums, self.columns.operator @ sums, left


def design_of(measured: Mask) -> Design:
    """Work out how effects are estimated from the cells that are measured.

    Args:
        measured: Which cells are there. Shape: [donor, recipient].
    """
    return _design_of(measured.tobytes(), len(measured))


@lru_cache(maxsize=16)  # seeds and scores of a bank mostly have the same cells
def _design_of(cells: bytes, n: int) -> Design:
    measured = np.frombuffer(cells, dtype=bool).reshape(n, n)
    normal = np.block([[np.diag(measured.sum(1)), measured], [measured.T, np.diag(measured.sum(0))]]).astype(float)
    inverse: Array = np.linalg.pinv(normal, hermitian=True)
    _, group = connected_components(csr_array(normal), directed=False)
    linked = np.diag(normal) > 0
    places = slice(0, n), slice(n, 2 * n)  # the rows stand first, then the columns
    rows = _side(inverse, normal, group, linked, places, is_column=False)
    columns = _side(inverse, normal, group, linked, places[::-1], is_column=True)
    diagonal = np.diag(inverse)
    leverage = diagonal[:n, None] + diagonal[None, n:] + 2 * inverse[:n, n:]
    return Design(measured, rows, columns, np.where(measured, np.clip(leverage, 0.0, 1.0), 1.0), inverse)


def _side(
    inverse: Array,
    normal: Array,
    group: NDArray[np.int32],
    linked: Mask,
    places: tuple[slice, ...],
    *,
    is_column: bool,
) -> Side:
    own, other = places
    operator = inverse[own].copy()
    share, from_other = np.zeros(len(operator)), np.zeros(len(operator))
    for name in np.unique(group[own][linked[own]]):
        mine, theirs = (np.flatnonzero((group[part] == name) & linked[part]) for part in (own, other))
        if _is_open(len(mine), len(theirs), is_column=is_column):
            operator[mine] += inverse[other][theirs].mean(0)
            share[mine], from_other[mine] = 1.0, 1.0 / len(theirs)
        else:
            operator[mine] -= operator[mine].mean(0)
            share[mine] = 1.0 - 1.0 / len(mine)
    noise = np.einsum("ij,jk,ik->i", operator, normal, operator, optimize=True)
    from_cells = np.where(share > 0, noise / np.maximum(share, 1e-9), 0.0)
    return Side(operator, share, from_other, from_cells)


def _is_open(n_own: int, n_other: int, *, is_column: bool) -> bool:
    if n_own == n_other == 1:
        return is_column  # a cell on its own: all of it stands on one side
    return n_own == 1 or n_own < min(n_other, _FEW + 1)

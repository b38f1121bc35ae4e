"""How much the scores of a bank differ from seed to seed, and what of it cells share.

What a seed adds to a cell is the sum of what M_t adds to its whole column, what M_s adds to its whole row (under
`sequential`), and what M_{s,t} adds to the one cell. Each part has a variance, which is estimated for each language or
cell and moderated over all of them, because few seeds say little about each. Donor and recipient effects of what one
seed adds are fitted by least squares, whatever cells are missing.

    noise = estimate_noise(stack, weights)
    variance, spread = sum_variance(noise, weights, measured)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from bloodbank.statistics.means import known_mean
from bloodbank.statistics.pooled_variances import moderate

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
_FEW = 3  # as many donors, or recipients, say more by their mean than by their differences
_LEAST = 0.25  # of the variance in which no part is below zero
_NO_LEVERAGE = 1e-9


@dataclass(frozen=True)
class Part:
    """What one side, donors or recipients, adds from seed to seed.

    Attributes:
        square: Mean square of the effects as estimated, moderated: their variance and what other parts add to it.
        own_df: Degrees of freedom of each language's own estimate.
        df: Degrees of freedom after moderation.
        from_other, from_cells: What of the other side's, and of the cells' own variance, is in `square`.

    Shape:
        [n] each, in the order of the languages.
    """

    square: Array
    own_df: Array
    df: Array
    from_other: Array
    from_cells: Array


@dataclass(frozen=True)
class SeedNoise:
    """The seed-to-seed variance of one score, as a multiple of the squared weights.

    Attributes:
        rows, columns: What donors and recipients add.
        cells: Variance that is left in each cell, moderated. Shape: [donor, recipient].
        cells_df: Its degrees of freedom. Shape: [donor, recipient].
        own_df: Degrees of freedom of all cells together.
        give_and_take: Correlation of what one seed adds to a language's row and to its column.
        mirrored: Correlation of what it adds to a cell and to the cell across the diagonal.
    """

    rows: Part
    columns: Part
    cells: Array
    cells_df: Array
    own_df: float
    give_and_take: float
    mirrored: float

    @property
    def transposed(self) -> SeedNoise:
        """The same with donors and recipients changed over."""
        return replace(self, rows=self.columns, columns=self.rows, cells=self.cells.T, cells_df=self.cells_df.T)

    def net(self) -> tuple[Array, Array]:
        """Return the variances of row and column effects without what other parts add; may be below zero."""
        by_row, by_column = _mean(self.cells, 1), _mean(self.cells, 0)
        rows = self.rows.square - self.rows.from_cells * by_row
        columns = self.columns.square - self.columns.from_cells * by_column
        mean_rows, mean_columns = max(float(rows.mean()), 0.0), max(float(columns.mean()), 0.0)
        return rows - self.rows.from_other * mean_columns, columns - self.columns.from_other * mean_rows


def estimate_noise(stack: Array, weights: Array, *, joint: bool = False) -> SeedNoise | None:
    """Estimate what differs from seed to seed.

    Args:
        stack: A score by seed; missing where it was not measured. Shape: [seed, donor, recipient].
        weights: What the noise of a cell is proportional to: for F the ratio of the two scores, because M_t's
            noise is multiplied by it; else 1. Shape: [donor, recipient].
        joint: Whether F(s→t) and F(t→s) come from one model.

    Returns:
        The noise; None where no cell was measured in two seeds.
    """
    n_seeds = (~np.isnan(stack)).sum(0)
    repeated = n_seeds > 1
    if not repeated.any():
        return None
    # Deviations from the mean of a cell's own seeds are too small by what the mean took: they are blown up.
    deviations = stack - known_mean(stack, axis=0)
    added = np.where(repeated, deviations / weights * np.sqrt(n_seeds / np.maximum(n_seeds - 1, 1)), np.nan)
    return _estimate(added, n_seeds, joint=joint)


def _estimate(added: Array, n_seeds: Array, *, joint: bool) -> SeedNoise:
    n = added.shape[1]
    rows, columns, left = np.zeros((3, n)), np.zeros((3, n)), np.zeros((2, n, n))  # sums over seeds
    extra = np.zeros((2, 2, n))  # what other parts add: [side, part, language]
    together, mirror = 0.0, np.zeros(2)
    for of_seed in added:
        design = design_of(~np.isnan(of_seed))
        row_effects, column_effects, rest = design.split(of_seed)
        rows += np.stack([row_effects**2, design.rows.share, design.rows.share > 0])
        columns += np.stack([column_effects**2, design.columns.share, design.columns.share > 0])
        for number, side in enumerate((design.rows, design.columns)):
            extra[number] += side.share * np.stack([side.from_other, side.from_cells])
        left += np.stack([rest**2, np.where(design.measured, 1.0 - design.leverage, 0.0)])
        together += float((row_effects * column_effects).sum())
        both = design.measured & design.measured.T
        mirror += ((rest * rest.T)[both].sum(), (rest**2)[both].sum())
    cells, cells_df, scale, own_df = _cells(left, n_seeds)
    parts = [_part(sums, more, by) for sums, more, by in ((rows, extra[0], np.ones(n)), (columns, extra[1], scale))]
    noise = SeedNoise(parts[0], parts[1], cells, cells_df, own_df, 0.0, 0.0)
    size = np.sqrt(np.prod([max(float(net.mean()), 0.0) for net in noise.net()]))
    shared = together / max(float(np.minimum(rows[1], columns[1]).sum()), 1.0)
    return replace(
        noise,
        give_and_take=float(np.clip(shared / size, -0.9, 0.9)) if size > 0 else 0.0,
        mirrored=float(np.clip(mirror[0] / mirror[1], -0.9, 0.9)) if joint and mirror[1] > 0 else 0.0,
    )


def _part(sums: Array, extra: Array, scale: Array) -> Part:
    squares, shares, counts = sums
    df = np.where(shares > 0, np.maximum(counts - 1, 0) * shares / np.maximum(counts, 1), 0.0)
    # A column whose cells are noisy has a noisy M_t, as far as one can tell from few seeds.
    moderated, all_df = moderate(np.where(shares > 0, squares / np.maximum(shares, 1e-9), np.nan) / scale, df)
    from_other, from_cells = np.where(shares > 0, extra / np.maximum(shares, 1e-9), 0.0)
    return Part(np.nan_to_num(moderated * scale), df, all_df, from_other, from_cells)


def _cells(left: Array, n_seeds: Array) -> tuple[Array, Array, Array, float]:
    """Moderate the variances of cells: first those of columns, then each cell's around that of its column."""
    squares, weight = left
    df = np.where(weight > _NO_LEVERAGE, weight * (n_seeds - 1) / np.maximum(n_seeds, 1), 0.0)
    variances = np.where(df > 0, squares / np.maximum(weight, _NO_LEVERAGE), 0.0)
    by_column = df.sum(0)
    pooled = np.where(by_column > 0, (df * variances).sum(0) / np.maximum(by_column, _NO_LEVERAGE), np.nan)
    scale, _ = moderate(pooled, by_column)
    if not (scale > 0).all():  # nothing is left in any cell
        return np.zeros_like(variances), np.ones_like(variances), np.ones(len(scale)), float(max(df.sum(), 1.0))
    moderated, cells_df = moderate(variances / scale, df)
    return moderated * scale, cells_df, scale / scale.mean(), float(df.sum())


def _mean(cells: Array, axis: int) -> Array:
    n = len(cells)
    off = ~np.eye(n, dtype=bool)
    mean: Array = np.where(off, cells, 0.0).sum(axis) / max(n - 1, 1)
    return mean


def cell_variance(noise: SeedNoise, weights: Array, n_seeds: Array) -> tuple[Array, Array]:
    """Return the seed variance of each cell's mean over its seeds.

    Args:
        noise: From `estimate_noise`.
        weights: As there. Shape: [donor, recipient].
        n_seeds: Seeds of each cell. Shape: [donor, recipient].

    Returns:
        The variance, and its squared error over 2: variance² / this are its degrees of freedom (Satterthwaite).

    Shape:
        `[donor, recipient]` each, missing where nothing was measured.
    """
    factor = np.where(n_seeds > 0, weights**2 / np.maximum(n_seeds, 1), np.nan)
    net_rows, net_columns = noise.net()
    variance = _floored(
        net_rows[:, None] + net_columns[None, :] + noise.cells,
        np.maximum(net_rows, 0)[:, None] + np.maximum(net_columns, 0)[None, :] + noise.cells,
    )
    rest = noise.cells - (noise.rows.from_cells * _mean(noise.cells, 1))[:, None]
    rest = rest - (noise.columns.from_cells * _mean(noise.cells, 0))[None, :]
    spread = _spread(noise.rows.square, noise.rows.df)[:, None] + _spread(noise.columns.square, noise.columns.df)[None]
    return factor * variance, factor**2 * (spread + _spread(rest, noise.cells_df))


def sum_variance(noise: SeedNoise, weights: Array, measured: Mask) -> tuple[Array, Array]:
    """Return the seed variance of the sum of each column over its measured cells: of R, or of D with `transposed`.

    Args:
        noise: From `estimate_noise`.
        weights: As there. Shape: [donor, recipient].
        measured: Which cells were measured in which seed. Shape: [seed, donor, recipient].

    Returns:
        The variance, and its squared error over 2, as in `cell_variance`.

    Shape:
        [recipient] each.
    """
    n_seeds = measured.sum(0)
    part = np.where(measured, weights / np.maximum(n_seeds, 1), 0.0)  # of a seed's noise, in the sum
    whole = (part.sum(1) ** 2).sum(0)  # what the columns share counts with the square of the sum
    single = (part**2).sum(0)  # what they do not, with the sum of squares
    net_rows, net_columns = noise.net()
    cells = (single * noise.cells).sum(0)
    variance = _floored(
        whole * net_columns + single.T @ net_rows + cells,
        whole * np.maximum(net_columns, 0) + single.T @ np.maximum(net_rows, 0) + cells,
    )
    rest = cells - whole * noise.columns.from_cells * _mean(noise.cells, 0)
    rest = rest - single.T @ (noise.rows.from_cells * _mean(noise.cells, 1))
    # The rows' moderated squares are summed again, so that what each language's own estimate is worth counts.
    rows = (single**2).T @ _spread(noise.rows.square, noise.rows.own_df)
    columns = whole**2 * _spread(noise.columns.square, noise.columns.df)
    return variance, columns + rows + rest**2 / max(noise.own_df, 1.0)


def _floored(variance: Array, without_negative_parts: Array) -> Array:
    floored: Array = np.maximum(variance, _LEAST * without_negative_parts)
    return floored


def _spread(variance: Array, df: Array) -> Array:
    return np.where(df > 0, variance**2 / np.where(df > 0, df, 1.0), 0.0)


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
    """Work out how effects are estimated from the cells that are measured. Shape: [donor, recipient]."""
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

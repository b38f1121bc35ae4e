"""Two-dimensional maps of the languages, and orders that put alike ones side by side.

Pure functions of F. What comes out does not depend on the order in which the languages are given.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bloodbank.explorer.numbers import plain
from bloodbank.explorer.schema import Maps, Points

Array = NDArray[np.float64]
KINDS = ("rows", "columns", "both")
MIN_SHARED = 5  # cells that two languages must both have, or all that there can be in a smaller bank
_STEPS, _SETTLED = 300, 1e-7  # of the stress, relative; maps of 22 languages settle within some 60 steps
_SAME = 1e-12
_NOISE = 1e-6  # of the widest point; what is less far from an axis is on it


def similarity_maps(finetune: Array, codes: Sequence[str]) -> Maps:
    """Place the languages so that those which give (take, do both) alike stand near each other.

    Distances on the map follow `language_distances` as closely as two dimensions allow: least squares over the
    distances that are known (SMACOF), from the start that classical scaling gives. A language that cannot be compared
    with half of the others gets no place.

    Args:
        finetune: F, in the order of `codes`.
        codes: Of the languages.

    Returns:
        The maps. Axes are the main directions of the points, the widest first, with a sign that does not depend on
        the order of the languages; units are those of F. `kept` is Spearman's correlation between the distances on a
        map and those it stands for; None where there are fewer than 3 languages or all distances are the same.

    Shape:
        `finetune` is `[donor, recipient]`; one point for each language.
    """
    order = np.argsort(np.array(codes, dtype=object), kind="stable")
    maps: dict[str, Points] = {}
    kept: dict[str, float | None] = {}
    for kind, apart in language_distances(finetune[np.ix_(order, order)]).items():
        placed = comparable(apart)
        points = np.full((len(codes), 2), np.nan)
        if len(placed):
            points[order[placed]] = place_points(apart[np.ix_(placed, placed)])
        maps[kind] = [_point(point) for point in points]
        kept[kind] = _kept(points[order[placed]], apart[np.ix_(placed, placed)])
    return Maps(rows=maps["rows"], columns=maps["columns"], both=maps["both"], kept=kept)


def place_points(apart: Array) -> Array:
    """Find points in the plane whose distances are as near to the given ones as least squares can make them.

    Args:
        apart: Distances, some of which may be missing.

    Returns:
        Points around (0, 0), turned to their main directions.

    Shape:
        `[point, 2]`; `apart` is `[point, point]`, symmetric.
    """
    weights = (~np.isnan(apart)).astype(float)
    np.fill_diagonal(weights, 0.0)
    wanted = np.where(weights > 0, apart, 0.0)
    points = _classical(_filled(apart))
    n = len(apart)
    # Pseudoinverse of the weights' Laplacian, whose null space are shifts: all parts are connected, see `comparable`.
    inverse = np.linalg.inv(np.diag(weights.sum(axis=1)) - weights + 1 / n) - 1 / n
    before = np.inf
    for _ in range(_STEPS):
        now = _between(points)
        stress = float((weights * (now - wanted) ** 2).sum())
        if before - stress <= _SETTLED * max(stress, _SAME):
            break
        before = stress
        ratio = np.divide(wanted, now, out=np.zeros_like(now), where=now > _SAME) * weights
        points = inverse @ ((np.diag(ratio.sum(axis=1)) - ratio) @ points)  # Guttman's transform
    return _turned(points)


def cluster_orders(finetune: Array, codes: Sequence[str]) -> dict[str, list[int]]:
    """Order the languages so that alike ones stand side by side: average linkage, with the leaves ordered optimally.

    A distance that is missing counts as the mean of those of its two languages. Languages without any distance come
    last, by code.

    Args:
        finetune: F, in the order of `codes`.
        codes: Of the languages.

    Returns:
        Places of the languages by "rows" (what they give), "columns" (what they take) and "both". Of the two
        directions the one that begins with the earlier code.

    Shape:
        `finetune` is `[donor, recipient]`.
    """
    order = np.argsort(np.array(codes, dtype=object), kind="stable")
    orders = {}
    for kind, apart in language_distances(finetune[np.ix_(order, order)]).items():
        some = (~np.isnan(apart)).sum(axis=1) > 1
        leaves = _leaves(_filled(apart[np.ix_(some, some)]))
        orders[kind] = [int(place) for place in (*order[some][leaves], *order[~some])]
    return orders


def _leaves(apart: Array) -> NDArray[np.int64]:
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import squareform

    if len(apart) < 3:
        return np.arange(len(apart))
    tree = linkage(squareform(apart, checks=False), method="average", optimal_ordering=True)
    leaves: NDArray[np.int64] = leaves_list(tree).astype(np.int64)
    return leaves if leaves[0] < leaves[-1] else leaves[::-1]


def _filled(apart: Array) -> Array:
    """Put the mean of the known distances of both languages in the place of a missing one."""
    others = np.where(np.eye(len(apart), dtype=bool), np.nan, apart)
    known = ~np.isnan(others)
    mean = np.divide(np.nansum(others, axis=1), known.sum(axis=1), out=np.zeros(len(apart)), where=known.any(axis=1))
    return np.where(np.isnan(apart), (mean[:, None] + mean[None, :]) / 2, apart)


def _classical(apart: Array) -> Array:
    # Torgerson's scaling: the two largest eigenvalues of the doubly centred squares
    from scipy.linalg import eigh

    n = len(apart)
    centring = np.eye(n) - 1 / n
    values, vectors = eigh(-0.5 * centring @ apart**2 @ centring, subset_by_index=(n - 2, n - 1))
    points: Array = vectors[:, ::-1] * np.sqrt(np.maximum(values[::-1], 0.0))
    return points


def _between(points: Array) -> Array:
    x, y = points.T
    distances: Array = np.hypot(x[:, None] - x[None, :], y[:, None] - y[None, :])
    return distances


def _turned(points: Array) -> Array:
    centred = points - points.mean(axis=0)
    values, vectors = np.linalg.eigh(centred.T @ centred)
    turned: Array = centred @ vectors[:, np.argsort(-values, kind="stable")]
    turned[np.abs(turned) < _NOISE * np.abs(turned).max(initial=0.0)] = 0.0
    for axis in range(2):
        along = turned[:, axis]
        # The longer tail to the right; where both are alike, the first language that is off the middle.
        skew, size = float((along**3).sum()), float(np.abs(along).max())
        off = along[np.abs(along) > _NOISE * size]
        sign = skew if abs(skew) > _NOISE * size**3 else off[0] if off.size else 1.0
        turned[:, axis] = np.where(sign < 0, -along, along)
    return turned + 0.0


def _point(point: Array) -> tuple[float, float] | None:
    x, y = (plain(value) for value in point)
    return None if x is None or y is None else (x, y)


def _kept(points: Array, apart: Array) -> float | None:
    if len(points) < 3:
        return None
    upper = np.triu_indices(len(points), 1)
    shown, wanted = _between(points)[upper], apart[upper]
    known = ~np.isnan(wanted)
    shown, wanted = shown[known], wanted[known]
    if len(wanted) < 3 or np.ptp(wanted) <= _SAME or np.ptp(shown) <= _SAME:
        return None
    return plain(pd.Series(shown).rank().corr(pd.Series(wanted).rank()))  # scipy.stats takes longer to load than all


def language_distances(finetune: Array) -> dict[str, Array]:
    """Compare every two languages on the cells that both have.

    Of two languages a and b, the cells with a third one are compared: what a and b give each other says nothing about
    whether they give alike, for nobody gives to itself.

    Args:
        finetune: F, missing on the diagonal and where it was not measured.

    Returns:
        "rows": how differently two languages give: the root mean square of F(a→k) - F(b→k) over the languages k of
        which both are known. "columns": the same for what they take; "both": over the cells of rows and columns
        together. Missing where fewer than 5 cells can be compared, or fewer than all of a bank with less than 7
        languages; 0 on the diagonal.

    Shape:
        `[language, language]` each, symmetric; `finetune` is `[donor, recipient]`.
    """
    cells = np.array(finetune, dtype=float)
    np.fill_diagonal(cells, np.nan)
    sums = [_squares(cells), _squares(cells.T)]
    needed = max(1, min(MIN_SHARED, len(cells) - 2))
    distances = {}
    for kind, parts in zip(KINDS, (sums[:1], sums[1:], sums), strict=True):
        squares, shared = (np.sum([part[which] for part in parts], axis=0) for which in (0, 1))
        with np.errstate(invalid="ignore", divide="ignore"):
            apart = np.sqrt(squares / shared)
        apart[shared < needed] = np.nan
        np.fill_diagonal(apart, 0.0)
        distances[kind] = apart
    return distances


def _squares(cells: Array) -> tuple[Array, Array]:
    """Sum the squared differences of every two rows over the columns that both have, and count these.

    The diagonal is missing, so the columns of the two languages themselves drop out by themselves.
    """
    known = ~np.isnan(cells)
    n = len(cells)
    squares, shared = np.zeros((n, n)), np.zeros((n, n))
    for row in range(n):  # [other, column] at a time: n² numbers in memory, and no loss of digits
        both = known[row] & known
        difference = np.where(both, np.where(known, cells, 0.0) - np.where(known[row], cells[row], 0.0), 0.0)
        squares[row], shared[row] = (difference**2).sum(axis=1), both.sum(axis=1)
    return squares, shared


def comparable(apart: Array) -> NDArray[np.int64]:
    """Find languages that can be placed beside each other: each has a distance to half of the others or more.

    Args:
        apart: Distances, missing where two languages cannot be compared.

    Returns:
        Places of the languages that are left when those with the fewest distances are dropped, one at a time, the later
        one of two with as many. Any two that are left share a third one, so that no part of them hangs in the air.
        Nothing where fewer than 3 are left.

    Shape:
        `[language, language]`, symmetric.
    """
    left = np.arange(len(apart))
    while len(left) > 2:
        known = ~np.isnan(apart[np.ix_(left, left)])
        counts = known.sum(axis=1) - 1
        worst = len(left) - 1 - int(np.argmin(counts[::-1]))
        if 2 * counts[worst] >= len(left) - 1:
            return left
        left = np.delete(left, worst)
    return np.array([], dtype=np.int64)

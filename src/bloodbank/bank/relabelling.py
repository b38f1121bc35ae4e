"""Relabel languages at random, and take the statistic of a permutation test for each relabelling, fast.

Pure functions; nothing is written.

    orders, exact = draw_orders(22, 10_000, seed=0)
    sharing_statistics(cells, categories, orders)
"""

from __future__ import annotations

from itertools import permutations

import numpy as np

from bloodbank.randomness import generator

MAX_EXACT = 7  # 7! = 5,040 relabellings
_MANY_LANGUAGES = 60
SAME = 1e-9  # two relabellings of one statistic differ by rounding
_CHUNK_CELLS = 100_000  # of one array of [relabelling, language]; bounds the memory


def draw_orders(n_languages: int, n_permutations: int | None, seed: int) -> tuple[np.ndarray, bool]:
    """Draw orders of the languages; all of them where there are few.

    Args:
        n_languages: How many languages there are. Their order must not depend on how they were given (sort them).
        n_permutations: How many orders to draw; by default 10,000, and 2,000 for more than 60 languages.
        seed: Of the drawing.

    Returns:
        The orders, the first of them the identity, and whether they are all that there are.

    Shape:
        `[1 + n_permutations, language]`, or `[n_languages!, language]`.
    """
    kind = np.int16
    if n_languages <= MAX_EXACT:
        return np.array(list(permutations(range(n_languages))), dtype=kind), True
    if n_permutations is None:
        n_permutations = 2_000 if n_languages > _MANY_LANGUAGES else 10_000
    keys = generator("relabelling", n_languages, seed).random((n_permutations, n_languages), dtype=np.float32)
    drawn = np.argsort(keys, axis=1).astype(kind)
    return np.concatenate([np.arange(n_languages, dtype=kind)[None, :], drawn]), False


def sharing_statistics(cells: np.ndarray, categories: np.ndarray, orders: np.ndarray) -> np.ndarray:
    """Take mean F between languages that share a category, less the mean between the others, for each relabelling.

    Categories move among the languages that have one; who has none stays as it is.

    Args:
        cells: F, or what is left of it, among the languages that have a category. The diagonal never counts.
        categories: A number from 0 up for each language, -1 for none.
        orders: What `draw_orders` gave.

    Returns:
        One difference for each order. Infinite where no pair is left on one side, so that it counts as extreme.

    Shape:
        `cells` is `[donor, recipient]` among those that have one, `categories` `[language]`, `orders`
        `[relabelling, language]`.
    """
    measured = ~np.isnan(cells) & ~np.eye(len(cells), dtype=bool)
    kind = np.float32 if len(cells) > _MANY_LANGUAGES else np.float64  # half the time, and far finer than chance
    values = np.where(measured, cells, 0.0).astype(kind)
    n_known, corners = len(cells), _simplex(int(categories.max()) + 1, kind)
    complete = int(measured.sum()) == n_known * (n_known - 1)
    total, n_total = float(values.sum(dtype=float)), int(measured.sum())
    found = []
    step = max(1, _CHUNK_CELLS // len(categories))
    for start in range(0, len(orders), step):
        moved = categories.astype(np.int16)[orders[start : start + step]]
        moved = moved[moved >= 0].reshape(-1, n_known)  # [relabelling, language that has one]
        shared = _shared_sum(values, moved, corners)
        if complete:
            counts = np.bincount(categories[categories >= 0])
            n_shared = np.full(len(moved), float((counts * (counts - 1)).sum()))
        else:
            n_shared = _shared_sum(measured.astype(kind), moved, corners)
        n_other = n_total - n_shared
        with np.errstate(divide="ignore", invalid="ignore"):
            difference = shared / n_shared - (total - shared) / n_other
        found.append(np.where((n_shared > 0.5) & (n_other > 0.5), difference, np.inf))
    return np.concatenate(found)


def _shared_sum(values: np.ndarray, moved: np.ndarray, corners: np.ndarray) -> np.ndarray:
    # Sum of the cells between languages of one category. Categories stand at the corners of a regular simplex, whose
    # inner products are 1 for the same corner and -1 / (C - 1) for two: C - 1 products of matrices instead of C.
    n_values = len(corners)
    total = np.zeros(len(moved))
    for axis in range(n_values - 1):
        x = corners[:, axis][moved]
        total += np.einsum("pi,pi->p", x @ values, x)
    return (total * (n_values - 1) + float(values.sum(dtype=float))) / n_values


def _simplex(n_corners: int, kind: type) -> np.ndarray:
    # Corners of a regular simplex around the origin, each of length 1. Shape: [corner, n_corners - 1].
    centred = np.eye(n_corners) - 1 / n_corners
    values, vectors = np.linalg.eigh(centred)
    corners = vectors[:, values > 0.5]
    return np.asarray(corners / np.linalg.norm(corners, axis=1, keepdims=True), dtype=kind)


def tail(sizes: np.ndarray) -> float:
    """Give the share of relabellings at least as large as the first, which is the observed one."""
    return float(np.mean(sizes >= sizes[0] * (1 - SAME)))

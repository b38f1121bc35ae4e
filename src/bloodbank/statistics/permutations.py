"""Permutation tests of what is known of pairs of languages: languages are moved about whole, never single cells.

orders, exact = draw_orders(22, 10_000, seed=0)              # relabelled
tail(np.abs(sharing_statistics(cells, categories, orders)))
relabelled_correlations(first, second, orders)               # two matrices, the second relabelled (QAP)
matchings, exact = draw_matchings(22, 10_000, seed=0)        # swapped in pairs
transposed_correlations(cells, matchings)
seeds, exact = draw_within([3, 3, 2], 10_000, seed=0)        # seeds rearranged within each language
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import permutations, product
from math import factorial, prod

import numpy as np

from bloodbank.randomness import generator

MAX_EXACT = 7  # languages; 7! = 5,040 relabellings
_MAX_LISTED = 12  # languages; 10,395 ways to pair twelve of them, no more than would be drawn
_MANY_LANGUAGES = 60  # beyond, a fifth of the draws, and single precision
_N_DRAWN, _FEWER_DRAWN = 10_000, 2_000  # the error of a p of 5%: 0.2 and 0.5 points
SAME = 1e-9  # two relabellings of one statistic differ by rounding
_CHUNK_CELLS = 100_000  # of one array of [relabelling, language]; bounds the memory
_MATCHING_CELLS = 2_000_000  # of one array of [matching, donor, recipient]; bounds the memory


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
    n_permutations = n_permutations or _n_drawn(n_languages)
    keys = generator("relabelling", n_languages, seed).random((n_permutations, n_languages), dtype=np.float32)
    drawn = np.argsort(keys, axis=1).astype(kind)
    return np.concatenate([np.arange(n_languages, dtype=kind)[None, :], drawn]), False


def draw_within(sizes: Sequence[int], n_drawn: int | None, seed: int) -> tuple[np.ndarray, bool]:
    """Draw orders of the seeds within each language, of every language on its own; all of them where there are few.

    Args:
        sizes: How many seeds each language has. The order of languages must not depend on how they were given.
        n_drawn: How many to draw; by default 10,000, and 2,000 for more than 60 languages.
        seed: Of the drawing.

    Returns:
        The orders, the first of them the identity; places beyond a language's own seeds stay where they are. And
        whether they are all that there are.

    Shape:
        `[1 + n_drawn, language, seed]`, with as many places as the largest size.
    """
    most = max(sizes)
    if prod(factorial(size) for size in sizes) <= factorial(MAX_EXACT):
        ways = [[(*order, *range(size, most)) for order in permutations(range(size))] for size in sizes]
        return np.array(list(product(*ways))), True
    n_drawn = n_drawn or _n_drawn(len(sizes))
    places = np.arange(most)
    keys = generator("within languages", *sizes, seed).random((n_drawn, len(sizes), most), dtype=np.float32)
    keys = np.where(places < np.asarray(sizes)[:, None], keys, 1 + places)
    identity = np.broadcast_to(places, (1, len(sizes), most))
    return np.concatenate([identity, np.argsort(keys, axis=2)]), False


def relabelled_correlations(first: np.ndarray, second: np.ndarray, orders: np.ndarray) -> np.ndarray:
    """Correlate one matrix with another whose languages are relabelled, rows and columns alike (QAP).

    Args:
        first: Centred as the question wants it, missing where nothing is known. The diagonal never counts.
        second: The other, which is relabelled.
        orders: What `draw_orders` gave.

    Returns:
        Sum of products over root of sums of squares, over the cells that both have; 0 where one is all zero.

    Shape:
        Matrices are `[donor, recipient]`, `orders` `[relabelling, language]`; the result is `[relabelling]`.
    """
    known, values = zip(*(_without_diagonal(cells) for cells in (first, second)), strict=True)
    correlations = []
    for chunk in _chunks(orders, _MATCHING_CELLS // len(first) ** 2):
        moved, is_known = (cells[chunk[:, :, None], chunk[:, None, :]] for cells in (values[1], known[1]))
        products = np.einsum("ij,pij->p", values[0], moved)
        squares = np.einsum("ij,pij->p", values[0] ** 2, is_known) * np.einsum("ij,pij->p", known[0], moved**2)
        correlations.append(np.divide(products, np.sqrt(squares), out=np.zeros(len(chunk)), where=squares > SAME**2))
    return np.concatenate(correlations)


def relabelled_means(values: np.ndarray, weights: np.ndarray, orders: np.ndarray) -> np.ndarray:
    """Average the cells of a matrix with weights whose languages are relabelled, rows and columns alike (QAP).

    Args:
        values: Missing where nothing is known. The diagonal never counts.
        weights: 0 for what does not count, never missing.
        orders: What `draw_orders` gave.

    Returns:
        The weighted mean over the known cells; missing where none of them has a weight.

    Shape:
        Matrices are `[donor, recipient]`, `orders` `[relabelling, language]`; the result is `[relabelling]`.
    """
    known, cells = _without_diagonal(values)
    means = []
    for chunk in _chunks(orders, _MATCHING_CELLS // len(values) ** 2):
        moved = weights[chunk[:, :, None], chunk[:, None, :]]
        sums, total = np.einsum("ij,pij->p", cells, moved), np.einsum("ij,pij->p", known, moved)
        means.append(np.divide(sums, total, out=np.full(len(chunk), np.nan), where=total > SAME))
    return np.concatenate(means)


def _without_diagonal(cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    # Which cells are known, as 1 and 0, and their values, 0 where they are not.
    known = ~np.isnan(cells) & ~np.eye(len(cells), dtype=bool)
    return known.astype(float), np.where(known, cells, 0.0)


def _chunks(orders: np.ndarray, size: int) -> list[np.ndarray]:
    step = max(1, size)
    return [orders[start : start + step] for start in range(0, len(orders), step)]


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
    differences = []
    for chunk in _chunks(orders, _CHUNK_CELLS // len(categories)):
        moved = categories.astype(np.int16)[chunk]
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
        differences.append(np.where((n_shared > 0.5) & (n_other > 0.5), difference, np.inf))
    return np.concatenate(differences)


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


def _n_drawn(n_languages: int) -> int:
    return _FEWER_DRAWN if n_languages > _MANY_LANGUAGES else _N_DRAWN


def draw_matchings(n_languages: int, n_drawn: int | None, seed: int) -> tuple[np.ndarray, bool]:
    """Draw ways to swap all languages in pairs (but one where their number is odd); all ways where they are few.

    Args:
        n_languages: How many there are. Their order must not depend on how they were given (sort them).
        n_drawn: How many to draw; by default 10,000, and 2,000 for more than 60 languages.
        seed: Of the drawing.

    Returns:
        For each way the language that stands in each one's place, the first of them without any swap; and whether they
        are all that there are.

    Shape:
        `[1 + n_drawn, language]`.
    """
    identity = np.arange(n_languages)
    if n_languages <= _MAX_LISTED:
        swapped = (_swapped(n_languages, pairs) for pairs in _all_pairings(tuple(identity)))
        return np.array([identity, *swapped]), True
    n_drawn = n_drawn or _n_drawn(n_languages)
    keys = generator("pairing", n_languages, seed).random((n_drawn, n_languages), dtype=np.float32)
    order = np.argsort(keys, axis=1)
    n_pairs = n_languages // 2
    first, second = order[:, :n_pairs], order[:, n_pairs : 2 * n_pairs]
    drawn = np.tile(identity, (n_drawn, 1))
    rows = np.arange(n_drawn)[:, None]
    drawn[rows, first], drawn[rows, second] = second, first
    return np.concatenate([identity[None, :], drawn]), False


def _all_pairings(left: tuple[int, ...]) -> Iterator[list[tuple[int, int]]]:
    if len(left) < 2:
        yield []
        return
    first, *others = left
    for place, other in enumerate(others):
        for rest in _all_pairings((*others[:place], *others[place + 1 :])):
            yield [(first, other), *rest]
    if len(left) % 2:  # the first may be the one without a partner
        yield from _all_pairings(tuple(others))


def _swapped(n: int, pairs: list[tuple[int, int]]) -> np.ndarray:
    order = np.arange(n)
    for first, second in pairs:
        order[first], order[second] = second, first
    return order


def pair_correlation(matrices: np.ndarray) -> np.ndarray:
    """Correlate F(a→b) with F(b→a) in each of many matrices, over the ordered pairs that have both.

    Args:
        matrices: Missing in the same places in all.

    Returns:
        Pearson's correlation of each.

    Shape:
        `[replicate, donor, recipient]`; the result is `[replicate]`.
    """
    both = ~np.isnan(matrices[0]) & ~np.isnan(matrices[0].T) & ~np.eye(matrices.shape[1], dtype=bool)
    here, there = matrices[:, both], matrices.transpose(0, 2, 1)[:, both]
    x = here - here.mean(axis=1, keepdims=True)  # the same pairs in both orders, so both have one mean and spread
    y = there - there.mean(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        correlations: np.ndarray = (x * y).sum(axis=1) / (x**2).sum(axis=1)
    return correlations


def transposed_correlations(cells: np.ndarray, matchings: np.ndarray) -> np.ndarray:
    """Correlate a matrix with the transpose of itself, its languages swapped in pairs.

    Args:
        cells: F, or what is left of it, missing where not measured. The diagonal never counts, nor do the cells
            between two that are swapped, which would meet themselves.
        matchings: From `draw_matchings`.

    Returns:
        Pearson's correlation for each, over the ordered pairs that both have; the first is that of F(a→b) with F(b→a).

    Shape:
        `cells` is `[donor, recipient]`, `matchings` `[matching, language]`; the result is `[matching]`.
    """
    n = len(cells)
    measured = (~np.isnan(cells) & ~np.eye(n, dtype=bool)).astype(float)
    values = np.where(measured > 0, cells, 0.0)
    values = np.where(measured > 0, values - values.sum() / max(measured.sum(), 1), 0.0)  # for the digits
    complete = int(measured.sum()) == n * (n - 1)
    chunks = _chunks(matchings, _MATCHING_CELLS // n**2)
    return np.concatenate([_chunk(values, measured, chunk, complete=complete) for chunk in chunks])


def _chunk(values: np.ndarray, measured: np.ndarray, swaps: np.ndarray, *, complete: bool) -> np.ndarray:
    languages = np.arange(len(values))
    # Cells (i, j) and (σ(j), σ(i)) meet, both ways round: so both sides have the same cells, mean and spread.
    other = values.T[swaps[:, :, None], swaps[:, None, :]]
    products = np.einsum("ij,pij->p", values, other)
    if complete:
        count, total, squares = measured.sum(), values.sum(), (values**2).sum()
    else:
        mask = measured.T[swaps[:, :, None], swaps[:, None, :]]
        count, total, squares = (np.einsum("ij,pij->p", cells, mask) for cells in (measured, values, values**2))
    own = values[languages, swaps]  # [matching, language]: the cells that meet themselves
    count = count - measured[languages, swaps].sum(axis=1)
    total, squares, products = total - own.sum(axis=1), squares - (own**2).sum(axis=1), products - (own**2).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((products - total**2 / count) / (squares - total**2 / count))

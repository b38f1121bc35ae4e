"""Swapped languages: the correlations of NumPy, and every way to swap where there are few."""

import numpy as np
import pytest

from bloodbank.statistics.permutations import (
    draw_matchings,
    draw_orders,
    draw_within,
    pair_correlation,
    relabelled_correlations,
    relabelled_means,
    transposed_correlations,
)


def random_cells(n):
    return np.random.default_rng(0).normal(size=(n, n)) / 10


@pytest.mark.parametrize("n", [5, 6])
@pytest.mark.parametrize("missing", [False, True])
def test_correlations_are_those_of_numpy(n, missing):
    cells = random_cells(n)
    np.fill_diagonal(cells, np.nan)
    if missing:
        cells[0, 1] = cells[3, 2] = np.nan
    matchings, exact = draw_matchings(n, None, 0)
    assert exact
    assert len(matchings) == 1 + 15  # 5·3·1 ways to pair six, or five and nobody
    found = transposed_correlations(cells, matchings)
    for order, value in zip(matchings, found, strict=True):
        moved = cells[np.ix_(order, order)].T
        both = ~np.isnan(cells) & ~np.isnan(moved)
        both[np.arange(n), order] = False
        assert value == pytest.approx(np.corrcoef(cells[both], moved[both])[0, 1])
    np.testing.assert_allclose(pair_correlation(np.stack([cells, 2 * cells]))[0], found[0])


def test_languages_are_swapped_in_pairs():
    drawn, exact = draw_matchings(13, 50, 0)
    assert not exact
    assert drawn.shape == (51, 13)
    assert (drawn[0] == np.arange(13)).all()
    assert (np.take_along_axis(drawn, drawn, axis=1) == np.arange(13)).all()
    assert ((drawn[1:] == np.arange(13)).sum(axis=1) == 1).all()
    assert len(np.unique(draw_matchings(8, None, 0)[0], axis=0)) == 1 + 105


def test_twelve_languages_are_swapped_in_every_way():
    matchings, exact = draw_matchings(12, None, 0)
    assert exact
    assert len(np.unique(matchings, axis=0)) == 1 + 11 * 9 * 7 * 5 * 3
    assert not draw_matchings(14, 20, 0)[1]


@pytest.mark.parametrize("missing", [False, True])
def test_a_matrix_is_correlated_with_another_relabelled_one(missing):
    first, second = (np.random.default_rng(seed).normal(size=(5, 5)) for seed in (1, 2))
    if missing:
        first[0, 1] = second[3, 2] = np.nan
    orders, exact = draw_orders(5, None, 0)
    assert exact
    found = relabelled_correlations(first, second, orders)
    assert len(found) == 120
    for order, value in zip(orders[:30], found, strict=False):
        moved = second[np.ix_(order, order)]
        both = ~np.isnan(first) & ~np.isnan(moved) & ~np.eye(5, dtype=bool)
        x, y = first[both], moved[both]
        assert value == pytest.approx((x @ y) / np.sqrt((x @ x) * (y @ y)))
    assert (relabelled_correlations(first, np.zeros((5, 5)), orders) == 0).all()


def test_means_are_weighted_by_relabelled_cells():
    values = random_cells(5)
    values[0, 1] = np.nan
    weights = np.zeros((5, 5))
    weights[0, 1], weights[1, 0], weights[2, 3] = 1, 1, 0.5
    orders, _ = draw_orders(5, None, 0)
    found = relabelled_means(values, weights, orders)
    assert found[0] == pytest.approx((values[1, 0] + 0.5 * values[2, 3]) / 1.5)  # 0→1 was not measured
    for order, value in zip(orders, found, strict=True):
        moved = np.where(np.isnan(values), 0, weights[np.ix_(order, order)])
        assert value == pytest.approx(np.nansum(moved * values) / moved.sum())


def test_seeds_are_rearranged_within_a_language_and_those_it_lacks_stay():
    orders, exact = draw_within([3, 2, 1], None, 0)
    assert exact
    assert len(np.unique(orders, axis=0)) == len(orders) == 3 * 2 * 2
    assert (orders[0] == np.arange(3)).all()
    assert (orders[:, 1, 2] == 2).all()
    assert (orders[:, 2] == np.arange(3)).all()
    drawn, exact = draw_within([4, 4, 4, 3], 50, 0)
    assert not exact
    assert drawn.shape == (51, 4, 4)
    assert (np.sort(drawn, axis=2) == np.arange(4)).all()
    assert (drawn[:, 3, 3] == 3).all()
    assert len(np.unique(drawn[:, 0], axis=0)) > 10

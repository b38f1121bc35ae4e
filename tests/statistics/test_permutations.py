"""Swapped languages: the correlations of NumPy, and every way to swap where there are few."""

import numpy as np
import pytest

from bloodbank.statistics.permutations import draw_matchings, pair_correlation, transposed_correlations


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

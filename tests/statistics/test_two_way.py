"""Two-way fits against a regression on dummies, whatever is missing and however cells are weighted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bloodbank.statistics.two_way import departures, fit_two_way, linked_groups, n_parameters, two_way_effects


def by_regression(cells, weights):
    rows, columns = np.nonzero(~np.isnan(cells))
    root = np.sqrt(weights[rows, columns])
    indicators = np.hstack([np.eye(cells.shape[0])[rows], np.eye(cells.shape[1])[columns]])
    effects = np.linalg.lstsq(indicators * root[:, None], cells[rows, columns] * root, rcond=None)[0]
    fitted = np.full(cells.shape, np.nan)
    fitted[rows, columns] = indicators @ effects
    return fitted


@given(st.integers(0, 10_000), st.floats(0.4, 1.0), st.booleans())
def test_the_fit_is_that_of_a_regression(seed, share, weighted):
    random = np.random.default_rng(seed)
    cells = random.normal(size=(5, 6))
    cells[random.random(cells.shape) > share] = np.nan
    weights = random.uniform(0.5, 2.0, cells.shape) if weighted else np.ones(cells.shape)
    fitted = fit_two_way(cells, weights if weighted else None)
    np.testing.assert_allclose(fitted, by_regression(cells, weights), atol=1e-8)


@given(st.integers(0, 10_000), st.floats(0.2, 1.0))
def test_effects_add_up_to_the_fit_in_each_linked_group(seed, share):
    random = np.random.default_rng(seed)
    cells = random.normal(size=(5, 6))
    cells[random.random(cells.shape) > share] = np.nan
    fitted = fit_two_way(cells)
    effects = two_way_effects(fitted)
    rows, columns = np.nonzero(~np.isnan(cells))
    assert (effects.row_groups[rows] == effects.column_groups[columns]).all()
    whole = effects.means[effects.row_groups[rows]] + effects.rows[rows] + effects.columns[columns]
    np.testing.assert_allclose(whole, fitted[rows, columns], atol=1e-8)
    for group in range(len(effects.means)):
        assert effects.rows[effects.row_groups == group].mean() == pytest.approx(0, abs=1e-9)
    links = np.hstack([np.eye(5)[rows], np.eye(6)[columns]])
    assert n_parameters(cells) == (np.linalg.matrix_rank(links) if len(rows) else 0)


def test_what_rounding_leaves_is_nothing():
    cells = np.add.outer(np.random.default_rng(0).normal(size=7), np.random.default_rng(1).normal(size=7))
    assert not departures(cells).any()


def test_groups_without_a_link():
    rows, columns = linked_groups(np.array([[0, 1, 0], [0, 0, 0], [1, 0, 0]], dtype=bool))
    assert (rows.tolist(), columns.tolist()) == ([0, -1, 1], [1, 0, -1])

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bloodbank.analysis.additive import additive_fit
from bloodbank.bank.scores import matrix
from bloodbank.statistics.two_way import fit_two_way

CODES = ("de", "fi", "hu", "ru", "ta")


def by_regression(cells):
    """Fit indicators of donor and recipient to the measured cells, by NumPy's least squares."""
    donors, recipients = np.nonzero(~np.isnan(cells))
    n = len(cells)
    indicators = np.hstack([np.eye(n)[donors], np.eye(n)[recipients]])
    effects = np.linalg.lstsq(indicators, cells[donors, recipients], rcond=None)[0]
    fitted = np.full(cells.shape, np.nan)
    fitted[donors, recipients] = indicators @ effects
    return fitted


def off_diagonal(values):
    cells = np.array(values, dtype=float)
    np.fill_diagonal(cells, np.nan)
    return cells


def test_an_additive_matrix_is_its_own_fit():
    donors, recipients = np.array([0.3, -0.1, 0.0, -0.2, 0.0]), np.array([0.0, 0.5, -0.3, -0.1, -0.1])
    cells = off_diagonal(0.2 + donors[:, None] + recipients[None, :])
    fit = additive_fit(matrix(cells, CODES))
    assert fit.mean == pytest.approx(0.2)
    assert fit.donors.to_numpy() == pytest.approx(donors)
    assert fit.recipients.to_numpy() == pytest.approx(recipients)
    assert fit.r_squared == pytest.approx(1)
    assert np.nanmax(np.abs(fit.residuals.to_numpy())) < 1e-12
    assert np.isnan(np.diag(fit.fitted)).all()
    assert (fit.n_cells, fit.n_parameters, fit.n_groups) == (20, 9, 1)


@given(st.integers(0, 10_000), st.floats(0.3, 1.0))
def test_the_fit_is_that_of_a_regression_whatever_is_missing(seed, share):
    random = np.random.default_rng(seed)
    cells = off_diagonal(random.normal(size=(5, 5)))
    cells[random.random((5, 5)) > share] = np.nan
    fit = additive_fit(matrix(cells, CODES))
    expected = by_regression(cells) if (~np.isnan(cells)).any() else np.full((5, 5), np.nan)
    measured = ~np.isnan(cells)
    np.testing.assert_allclose(fit.fitted.to_numpy()[measured], expected[measured], atol=1e-8)
    np.testing.assert_allclose(fit_two_way(cells), np.where(measured, expected, np.nan), atol=1e-8)
    if fit.n_groups == 1:
        whole = fit.mean + fit.donors.to_numpy()[:, None] + fit.recipients.to_numpy()[None, :]
        np.testing.assert_allclose(whole[measured], expected[measured], atol=1e-8)


def test_a_cell_that_was_not_measured_is_filled_where_effects_are_linked():
    cells = off_diagonal(np.add.outer([0.0, 0.1, 0.2, 0.3, 0.4], [0.0, -0.1, -0.2, -0.3, -0.4]))
    cells[0, 3] = np.nan
    fit = additive_fit(matrix(cells, CODES))
    assert fit.fitted.loc["de", "ru"] == pytest.approx(-0.3)
    assert np.isnan(fit.residuals.loc["de", "ru"])


def test_groups_without_a_link_have_means_of_their_own():
    cells = np.full((5, 5), np.nan)
    cells[0, 1], cells[2, 3] = 1.0, 3.0
    fit = additive_fit(matrix(cells, CODES))
    assert fit.n_groups == 2
    assert np.isnan(fit.mean)
    assert fit.fitted.loc["de", "fi"] == 1.0
    assert np.isnan(fit.fitted.loc["de", "ru"])
    assert fit.donors.isna().to_dict() == {"de": False, "fi": True, "hu": False, "ru": True, "ta": True}


@pytest.mark.parametrize("value", [0.25, np.nan])
def test_nothing_is_explained_where_nothing_varies(value):
    fit = additive_fit(matrix(off_diagonal(np.full((5, 5), value)), CODES))
    assert np.isnan(fit.r_squared)


def test_permuted_languages_permute_the_fit():
    random = np.random.default_rng(2)
    table = matrix(off_diagonal(random.normal(size=(5, 5))), CODES)
    order = ["hu", "ta", "de", "ru", "fi"]
    fit, other = additive_fit(table), additive_fit(table.loc[order, order])
    pd.testing.assert_frame_equal(other.fitted, fit.fitted.loc[order, order])
    pd.testing.assert_series_equal(other.donors, fit.donors.loc[order])

"""Moderated variances against those they were made of."""

import numpy as np
import pytest
from scipy import stats

from bloodbank.statistics.pooled_variances import moderate


def test_equal_variances_are_pooled():
    random = np.random.default_rng(0)
    variances = random.chisquare(2, 500) / 2
    moderated, df = moderate(variances, np.full(500, 2.0))
    assert moderated == pytest.approx(variances.mean())
    assert (df == 1_000).all()


def test_unequal_variances_keep_part_of_their_own():
    random = np.random.default_rng(1)
    true = 6 / random.chisquare(6, 2_000)  # scaled inverse chi-squared with 6 degrees of freedom
    variances = true * random.chisquare(2, 2_000) / 2
    moderated, df = moderate(variances, np.full(2_000, 2.0))
    assert df == pytest.approx(8, abs=2.5)
    expected = (6 * 1 + 2 * variances) / 8
    assert np.abs(moderated - expected).mean() < 0.1 * expected.mean()
    # A t statistic with these degrees of freedom is beyond its 95% point 5 times in 100.
    statistic = np.abs(random.normal(size=2_000)) * np.sqrt(true / moderated)
    assert (statistic > stats.t.ppf(0.975, df)).mean() == pytest.approx(0.05, abs=0.015)


def test_an_estimate_without_degrees_of_freedom_takes_the_common_value():
    moderated, df = moderate(np.array([2.0, np.nan, 4.0]), np.array([1.0, 0.0, 3.0]))
    assert moderated == pytest.approx([3.5, 3.5, 3.5])
    assert (df == 4).all()


def test_nothing_to_moderate():
    moderated, df = moderate(np.array([np.nan, 1.0]), np.zeros(2))
    assert np.isnan(moderated).all()
    assert (df == 0).all()
    moderated, _ = moderate(np.zeros(3), np.ones(3))
    assert (moderated == 0).all()

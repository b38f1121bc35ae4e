"""Intervals of means and correlations against SciPy's, and against what they must be where there is no spread."""

import numpy as np
import pytest
from scipy.stats import ttest_ind

from bloodbank.statistics.means import known_mean, known_variance
from bloodbank.statistics.tests import over_languages, rank_correlation, two_groups, welch_interval


@pytest.mark.filterwarnings("ignore::scipy.stats._axis_nan_policy.SmallSampleWarning")
def test_welch_is_scipys_whatever_is_missing():
    random = np.random.default_rng(0)
    first, second = random.normal(size=(4, 5, 6)), random.normal(size=(3, 5, 6))
    first[0, 0], second[:2, 1, 1], first[:, 2, 2] = np.nan, np.nan, np.nan
    expected = ttest_ind(second, first, axis=0, equal_var=False, nan_policy="omit").confidence_interval(0.9)
    low, high = welch_interval(first, second, 0.9)
    np.testing.assert_allclose(low, expected.low, atol=1e-12)
    np.testing.assert_allclose(high, expected.high, atol=1e-12)
    assert np.isnan(low[1, 1])
    assert np.isnan(low[2, 2])


def test_welch_without_spread():
    low, high = welch_interval(np.array([[1.0], [1.0]]), np.array([[3.0], [3.0]]))
    assert (low[0], high[0]) == (2.0, 2.0)


def test_means_and_variances_of_what_is_known():
    values = np.array([[1.0, np.nan, 4.0], [3.0, np.nan, np.nan]])
    np.testing.assert_array_equal(known_mean(values, axis=0), [2.0, np.nan, 4.0])
    np.testing.assert_array_equal(known_variance(values, axis=0), [2.0, np.nan, np.nan])
    np.testing.assert_array_equal(known_mean(values, axis=1), [2.5, 3.0])


def test_intervals_over_languages_are_the_textbooks():
    rng = np.random.default_rng(0)
    first, second = rng.normal(0.2, 0.1, 5), rng.normal(0.0, 0.3, 4)
    value, low, high = two_groups(first, second, 0.95)
    expected = ttest_ind(first, second, equal_var=False).confidence_interval(0.95)
    assert (value, low, high) == pytest.approx((first.mean() - second.mean(), expected.low, expected.high))
    assert np.isnan(two_groups(first[:1], second, 0.95)).all()
    assert np.isnan(over_languages(first[:1], 0.95)[1])
    value, low, high = rank_correlation(np.arange(30.0), np.arange(30.0) + rng.normal(0, 10, 30), 0.95)
    assert -1 < low < value < high < 1
    assert np.isnan(rank_correlation(np.arange(3.0), np.arange(3.0), 0.95)[1]), "three languages have no interval"
    value, low, high = rank_correlation(np.arange(4.0), np.arange(4.0), 0.95)
    assert (value, high) == (1.0, 1.0)
    assert low < 0, "of four languages even the same order has a probability of 1 in 12"
    assert rank_correlation(np.arange(8.0), -np.arange(8.0), 0.95)[2] < 0
    assert np.isnan(rank_correlation(np.ones(6), np.arange(6.0), 0.95)).all()

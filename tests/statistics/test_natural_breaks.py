"""Natural breaks against every possible partition."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bloodbank.statistics.natural_breaks import bin_values, natural_breaks, resampled_breaks


def squared_error(values, borders, weights=None):
    weights = np.ones(len(values)) if weights is None else weights
    place = np.digitize(values, borders)
    total = 0.0
    for level in np.unique(place[weights > 0]):
        x, w = values[place == level], weights[place == level]
        total += float((w * (x - np.average(x, weights=w)) ** 2).sum())
    return total


def best_partition(values, n_classes):
    """Every partition of the distinct values, tried."""
    distinct = np.unique(values)
    middles = (distinct[1:] + distinct[:-1]) / 2
    return min(squared_error(values, borders) for borders in combinations(middles, n_classes - 1))


def test_breaks_on_paper():
    assert natural_breaks(np.array([0.9, 0.1, 1.0, 0.2]), 2).tolist() == [pytest.approx(0.55)]
    assert natural_breaks(np.array([1.0, 2.0, 4.0, 8.0]), 4).tolist() == [1.5, 3.0, 6.0]
    assert natural_breaks(np.array([1.0, 2.0, 2.0, 1.0]), 3) is None
    assert natural_breaks(np.array([]), 2) is None


@given(st.integers(0, 10**6), st.integers(4, 16), st.integers(2, 5), st.integers(1, 9))
def test_breaks_are_the_best_of_all_partitions(seed, n, n_classes, decimals):
    values = np.round(np.random.default_rng(seed).normal(size=n) ** 3, decimals)
    found = natural_breaks(values, n_classes)
    if len(np.unique(values)) < n_classes:
        assert found is None
        return
    assert (np.diff(found) > 0).all()
    assert len(np.unique(np.digitize(values, found))) == n_classes
    assert squared_error(values, found) == pytest.approx(best_partition(values, n_classes), abs=1e-9)
    moved = natural_breaks(3 * values + 1e4, n_classes)
    assert squared_error(values, (moved - 1e4) / 3) == pytest.approx(best_partition(values, n_classes), abs=1e-6)


@given(st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_a_weight_is_as_many_values(seed):
    rng = np.random.default_rng(seed)
    values, weights = np.round(rng.normal(size=14), 2), rng.integers(0, 3, (3, 14)).astype(float)
    drawn = resampled_breaks(values, weights, bin_values(values), 3)
    for borders, times in zip(drawn, weights, strict=True):
        repeated = natural_breaks(np.repeat(values, times.astype(int)), 3)
        if repeated is None:
            assert np.isnan(borders).all()
        else:
            assert squared_error(values, borders, times) == pytest.approx(squared_error(values, repeated, times))


def test_bins_hardly_move_breaks_and_keep_a_far_value_apart():
    values = np.append(np.random.default_rng(0).normal(size=5_000), 40.0)
    items = bin_values(values, max_bins=400)
    assert len(items.lowest) <= 400
    assert (items.lowest[1:] > items.highest[:-1]).all()
    assert (items.lowest[items.place] <= values).all()
    assert (items.highest[items.place] >= values).all()
    binned = resampled_breaks(values, np.ones((1, len(values))), items, 4)[0]
    exact = natural_breaks(values, 4)
    assert exact[-1] > 15
    assert binned == pytest.approx(exact, abs=0.1)
    assert squared_error(values, binned) <= 1.001 * squared_error(values, exact)

"""Intervals of places: certain where scores are far apart, and never narrower than equal scores allow."""

import numpy as np

from bloodbank.statistics.ranks import rank_intervals


def test_places_that_are_far_apart_are_certain():
    random = np.random.default_rng(0)
    estimates = np.array([1.0, 3.0, np.nan, 2.0])
    certain = estimates + 0.01 * random.normal(size=(500, 4))
    places, low, high = rank_intervals(estimates, certain, 0.95)
    for found in (places, low, high):
        np.testing.assert_array_equal(found, [3, 1, np.nan, 2])
    _, low, high = rank_intervals(estimates, estimates + 100 * random.normal(size=(500, 4)), 0.95)
    np.testing.assert_array_equal(low, [1, 1, np.nan, 1])
    np.testing.assert_array_equal(high, [3, 3, np.nan, 3])
    places, low, _ = rank_intervals(estimates, np.full((500, 4), np.nan), 0.95)
    np.testing.assert_array_equal(places, [3, 1, np.nan, 2])
    assert np.isnan(low).all()


def test_what_languages_share_does_not_blur_their_places():
    random = np.random.default_rng(1)
    estimates = np.array([0.0, 0.1, 0.2])
    shared = estimates + random.normal(size=(500, 1)) + 0.001 * random.normal(size=(500, 3))
    _, low, high = rank_intervals(estimates, shared, 0.95)
    np.testing.assert_array_equal(low, [3, 2, 1])
    np.testing.assert_array_equal(high, [3, 2, 1])


def test_the_middle_may_be_unsure_and_the_ends_certain():
    random = np.random.default_rng(2)
    estimates = np.array([10.0, 0.1, 0.0, -10.0])
    places, low, high = rank_intervals(estimates, estimates + random.normal(size=(500, 4)), 0.95)
    np.testing.assert_array_equal(places, [1, 2, 3, 4])
    np.testing.assert_array_equal(low, [1, 2, 2, 4])
    np.testing.assert_array_equal(high, [1, 3, 3, 4])


def test_languages_that_are_told_apart_make_the_others_easier_to_tell():
    # 2.3 standard errors are not enough among nine comparisons, but are for the one that is in doubt.
    random = np.random.default_rng(4)
    estimates = np.array([0.0, 2.3, *range(100, 900, 100)])
    drawn = estimates + random.normal(size=(20_000, 10)) * np.array([1.0, *[0.01] * 9])
    _, low, high = rank_intervals(estimates, drawn, 0.95)
    assert (low[0], high[0]) == (10, 10)
    drawn[:, 1] = estimates[1] + 0.8 * random.normal(size=20_000)
    _, low, high = rank_intervals(estimates, drawn, 0.95)
    assert (low[0], high[0]) == (9, 10)


def test_rank_intervals_hold_the_true_place_of_equal_languages():
    # All are equal, so that every order is as good as another: no bound may leave out the middle for many.
    random = np.random.default_rng(3)
    held = []
    for _ in range(200):
        estimates = random.normal(size=8)
        _, low, high = rank_intervals(estimates, estimates + random.normal(size=(300, 8)), 0.95)
        held.append(((low == 1) & (high == 8)).mean())
    assert np.mean(held) > 0.9

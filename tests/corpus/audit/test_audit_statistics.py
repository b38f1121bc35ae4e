"""Correlations over languages, and who uses the vocabulary."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import pearsonr

from bloodbank.corpus.audit.record import correlate, vocabulary_shares


def test_a_correlation_of_the_papers_size():
    # r = 0.73 over 22 languages: Fisher's z is 0.9287, 1.96 standard errors of 1 / sqrt(19) are 0.4497.
    draws = np.random.default_rng(0)
    first = draws.normal(size=22)
    other = draws.normal(size=22)
    first = (first - first.mean()) / first.std()
    other -= other.mean() + first * np.mean(first * other)
    second = 0.73 * first + np.sqrt(1 - 0.73**2) * other / other.std()
    found = correlate(first.tolist(), second.tolist())
    assert found.r == pytest.approx(0.73)
    assert (found.low, found.high) == (pytest.approx(0.4455, abs=1e-4), pytest.approx(0.8806, abs=1e-4))


@given(st.lists(st.tuples(st.integers(1, 10**7), st.integers(1, 10**5)), min_size=4, max_size=60))
def test_correlations_are_those_of_scipy(pairs):
    first, second = zip(*pairs, strict=True)
    found = correlate(first, second)
    if len(set(first)) == 1 or len(set(second)) == 1:
        assert found == "not computed, because one of the two is the same in every language"
        return
    expected = pearsonr(np.array(first, float), np.array(second, float))
    assert found.r == pytest.approx(expected.statistic, abs=1e-6)
    if abs(found.r) < 0.9999:
        interval = expected.confidence_interval(0.95)
        assert (found.low, found.high) == (
            pytest.approx(interval.low, abs=1e-4),
            pytest.approx(interval.high, abs=1e-4),
        )
    assert -1 <= found.low <= found.r <= found.high <= 1


def test_too_few_languages_have_no_correlation():
    assert correlate([1, 2, 3], [1, 2, 3]) == "not computed, because 3 languages are too few; at least 4 are needed"


def test_vocabulary_shares_by_hand():
    used = {
        "fi": np.array([1, 1, 0, 0, 0], bool),
        "de": np.array([1, 0, 1, 1, 0], bool),
        "sv": np.array([1, 0, 0, 1, 0], bool),
    }
    assert vocabulary_shares(used) == {"fi": (0.4, 0.2), "de": (0.6, 0.2), "sv": (0.4, 0.0)}
    assert vocabulary_shares({"fi": used["fi"]}) == {"fi": (0.4, 0.4)}

"""Constraints on a set of languages: families, scripts, distances."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bloodbank.choosing.diversity import Diversity
from bloodbank.errors import UsageError

CODES = ["de", "fi", "hu", "ja", "ru", "x-toki"]  # Indo-European, Uralic, Uralic, Japonic, Indo-European, unknown


def places(*codes):
    return [CODES.index(code) for code in codes]


def distances(pairs):
    """Distances between the codes; 1 where nothing else is given."""
    table = pd.DataFrame(1.0, index=CODES, columns=CODES)
    for (one, other), value in pairs.items():
        table.loc[one, other] = table.loc[other, one] = value
    return table


def test_a_family_has_as_many_places_as_asked_for():
    one, two = (Diversity(max_per_family=limit).rules(CODES) for limit in (1, 2))
    assert one.obstacle(CODES.index("hu"), places("de", "fi")) == "family Uralic already has 1 (fi)"
    assert not one.obstacle(CODES.index("hu"), places("de", "ja"))
    assert not two.obstacle(CODES.index("hu"), places("de", "fi"))


def test_a_script_has_as_many_places_as_asked_for():
    rules = Diversity(max_per_script=1).rules(CODES)
    assert rules.obstacle(CODES.index("hu"), places("de")) == "script Latn already has 1 (de)"
    assert not rules.obstacle(CODES.index("ru"), places("de", "ja"))


def test_what_is_not_known_is_not_different():
    rules = Diversity(max_per_family=1).rules(CODES)
    assert rules.obstacle(5, []) == "its family is not known, so 1 per family cannot be checked"
    apart = Diversity(min_distance=0.2, distances=distances({("fi", "ja"): np.nan})).rules(CODES)
    assert apart.obstacle(CODES.index("fi"), places("ja")) == "its distance to ja is not known"
    absent = Diversity(min_distance=0.2, distances=distances({}).iloc[:2, :2]).rules(CODES)
    assert absent.obstacle(CODES.index("hu"), places("de")) == "its distance to de is not known"


def test_families_and_scripts_may_be_given():
    limits = Diversity(
        max_per_family=1, max_per_script=1, families={"x-toki": "Toki", "de": "Toki"}, scripts={"x-toki": "Latn"}
    )
    rules = limits.rules(CODES)
    assert rules.obstacle(5, places("de")) == "family Toki already has 1 (de)"
    assert rules.obstacle(5, places("fi")) == "script Latn already has 1 (fi)"
    assert not rules.obstacle(5, places("ru"))


def test_a_least_distance_is_kept_to():
    rules = Diversity(min_distance=0.3, distances=distances({("fi", "hu"): 0.299, ("de", "ru"): 0.3})).rules(CODES)
    assert rules.obstacle(CODES.index("hu"), places("ja", "fi")) == "too close to fi (0.299, less than 0.3)"
    assert not rules.obstacle(CODES.index("ru"), places("de"))  # the limit itself is far enough


def test_nothing_asked_for_nothing_refused():
    assert not Diversity().rules(CODES).obstacle(5, places("de", "fi", "hu"))
    assert Diversity().words() == ""
    words = Diversity(max_per_family=2, max_per_script=1, min_distance=0.25, distances=distances({})).words()
    assert words == "at most 2 per family, at most 1 per script, at least 0.25 apart in features"


def test_what_is_kept_in_must_keep_to_the_limits_itself():
    rules = Diversity(max_per_family=1).rules(CODES)
    rules.check(places("de", "fi"))
    with pytest.raises(UsageError, match=r"hu is to be kept in, but family Uralic already has 1 \(fi\)\. Loosen"):
        rules.check(places("fi", "hu"))


def test_impossible_limits_are_refused():
    with pytest.raises(UsageError, match=r"max_per_family is 0; it must be at least 1"):
        Diversity(max_per_family=0)
    with pytest.raises(UsageError, match=r"max_per_script is -1"):
        Diversity(max_per_script=-1)
    with pytest.raises(UsageError, match=r"min_distance is 1\.5; distances go from 0"):
        Diversity(min_distance=1.5, distances=distances({}))
    with pytest.raises(UsageError, match=r"min_distance is nan"):
        Diversity(min_distance=float("nan"), distances=distances({}))
    with pytest.raises(UsageError, match=r"min_distance needs distances between languages"):
        Diversity(min_distance=0.5)


limits = st.builds(
    dict,
    max_per_family=st.sampled_from([None, 1, 2]),
    max_per_script=st.sampled_from([None, 1, 2]),
    min_distance=st.sampled_from([None, 0.0, 0.4]),
)


@given(limits, st.lists(st.sampled_from([0.1, 0.4, 0.9, np.nan]), min_size=15, max_size=15), st.integers(1, 4))
def test_many_sets_are_judged_as_one_after_another(limits, values, size):
    table = distances(dict(zip(combinations(CODES, 2), values, strict=True)))
    rules = Diversity(**limits, distances=table).rules(CODES)
    sets = np.array(list(combinations(range(len(CODES)), size)), dtype=int).reshape(-1, size)
    for members, allowed in zip(sets, rules.allowed(sets), strict=True):
        one_by_one = all(not rules.obstacle(place, list(members[:n])) for n, place in enumerate(members))
        assert allowed == one_by_one

"""Earth mover's distance against scipy; ranges against their meaning: how often chance falls into them."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import wasserstein_distance

from bloodbank.corpus.audit.distances import Axis, Distance, compare_samples, compare_with_source
from bloodbank.corpus.audit.lengths import Blocks
from bloodbank.errors import UsageError
from bloodbank.randomness import generator

HISTOGRAMS = st.dictionaries(st.integers(0, 500), st.integers(1, 10**6), min_size=1)


def earth_movers_distance(first, second):
    axis = Axis.of(first, second)
    return float(axis.distance(axis.counts(first), axis.counts(second)))


def blocks(lengths, n_sentences=100):
    made = Blocks(n_sentences)
    for length in lengths:
        made.add([int(length)])
    return made


@given(HISTOGRAMS, HISTOGRAMS)
def test_the_distance_is_that_of_scipy(first, second):
    expected = wasserstein_distance(list(first), list(second), list(first.values()), list(second.values()))
    distance = earth_movers_distance(Counter(first), Counter(second))
    assert distance == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_the_distance_is_in_the_unit_of_the_lengths():
    # Half of the sentences must grow from 10 to 14 words.
    assert earth_movers_distance(Counter({10: 2}), Counter({10: 1, 14: 1})) == 2
    assert earth_movers_distance(Counter({7: 3}), Counter({7: 100})) == 0


@pytest.mark.parametrize("sides", [(Counter(), Counter([1])), (Counter([1]), Counter())])
def test_a_side_without_text_is_refused(sides):
    with pytest.raises(UsageError, match="no sentence or word on one side; a distance needs a text on both"):
        earth_movers_distance(*sides)


def test_a_sample_larger_than_its_source_is_refused():
    with pytest.raises(UsageError, match=r"the sample holds 3 lengths and its source 2; give the whole source, or"):
        compare_with_source(blocks([1, 2, 3]), blocks([1, 2]), generator(0))


def running_text(seed, n=20_000):
    """Make sentences whose lengths follow a level that drifts, as those of articles do."""
    draws = np.random.default_rng(seed)
    steps = draws.normal(0, 0.063, size=n)
    level = np.zeros(n)
    for place in range(1, n):
        level[place] = 0.998 * level[place - 1] + steps[place]
    return np.maximum(1, draws.poisson(15 * np.exp(0.3 * level))).astype(int)


def test_the_numbers_of_a_comparison():
    text = running_text(0, 6_000)
    sample = text[1_000:2_000]
    found = compare_with_source(blocks(sample), blocks(text), generator(0))
    assert found.value == pytest.approx(wasserstein_distance(sample, text))
    assert found.mean == pytest.approx(text.mean())
    assert found.relative == pytest.approx(found.value / text.mean())
    assert (found.n_sample, found.n_against, found.against) == (1_000, 6_000, "source")
    assert found.random.n_draws == 1_000
    assert found.stretches.n_draws == 60  # every block is a place to begin at


def test_the_ranges_are_those_of_samples_drawn_one_by_one():
    text = running_text(1, 4_000)
    found = compare_with_source(blocks(text[:800]), blocks(text), generator(0))
    draws = np.random.default_rng(5)
    alone = [wasserstein_distance(draws.choice(text, 800, replace=False), text) for _ in range(600)]
    for mine, theirs in zip((found.random.low, found.random.median, found.random.high), (2.5, 50, 97.5), strict=True):
        assert mine == pytest.approx(np.percentile(alone, theirs), rel=0.12)
    twice = np.concatenate([text, text])
    stretches = [wasserstein_distance(twice[start : start + 800], text) for start in range(0, 4_000, 100)]
    assert found.stretches.n_draws == 40
    for mine, theirs in zip(
        (found.stretches.low, found.stretches.median, found.stretches.high), (2.5, 50, 97.5), strict=True
    ):
        assert mine == pytest.approx(np.percentile(stretches, theirs), rel=1e-9)


def test_a_stretch_that_ends_inside_a_block_takes_a_part_of_it():
    # Every block is half fives and half nines: whole blocks are at no distance, so all of it comes from the half block
    # at the end, of which a random half is taken: 25 nines of 50, give or take 2.5.
    text = ([5] * 50 + [9] * 50) * 40
    found = compare_with_source(blocks(text[:150]), blocks(text), generator(0))
    assert 4 * 4 / 150 < found.stretches.high < 4 * 9 / 150
    whole = compare_with_source(blocks(text[:200]), blocks(text), generator(0))
    assert whole.stretches.high == 0


@pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
def test_about_95_percent_of_random_samples_fall_into_the_random_range(share):
    text, draws = running_text(2, 5_000), np.random.default_rng(3)
    source, n = blocks(text), int(share * 5_000)
    allowed = compare_with_source(blocks(text[:n]), source, generator(0)).random
    inside = 0
    for _ in range(400):
        drawn = Counter(draws.choice(text, n, replace=False).tolist())
        inside += allowed.low <= earth_movers_distance(drawn, source.lengths) <= allowed.high
    assert 0.92 <= inside / 400 <= 0.98


def test_running_text_leaves_the_random_range_but_not_that_of_stretches():
    text, draws = running_text(4), np.random.default_rng(6)
    source = blocks(text)
    first = compare_with_source(blocks(text[:2_000]), source, generator(0))
    within_random = within_stretches = 0
    for start in draws.integers(20_000, size=300):
        stretch = np.concatenate([text, text])[start : start + 2_000]
        distance = earth_movers_distance(blocks(stretch).lengths, source.lengths)
        within_random += first.random.low <= distance <= first.random.high
        within_stretches += first.stretches.low <= distance <= first.stretches.high
    assert within_random / 300 < 0.2
    assert 0.9 <= within_stretches / 300 <= 0.99


def test_a_sample_from_many_places_is_compared_with_such_samples():
    text = running_text(4)
    source, sample = blocks(text), blocks(text[:2_000])
    one = compare_with_source(sample, source, generator(0)).stretches
    many = compare_with_source(sample, source, generator(0), n_places=20).stretches
    assert many.n_draws == 1_000
    assert many.high < 0.5 * one.high
    draws, twice = np.random.default_rng(7), np.concatenate([text, text])
    inside = 0
    for _ in range(200):
        drawn = np.concatenate([twice[start : start + 100] for start in draws.integers(20_000, size=20)])
        inside += many.low <= wasserstein_distance(drawn, text) <= many.high
    assert 0.9 <= inside / 200 <= 0.99


def test_two_random_samples_of_one_source_fall_into_the_range_of_two():
    draws = np.random.default_rng(8)
    inside = 0
    for run in range(200):
        first, second = draws.poisson(15, 600), draws.poisson(15, 1_500)
        found = compare_samples(blocks(first), blocks(second), generator(run), n_draws=200)
        inside += found.random.low <= found.value <= found.random.high
    assert 0.9 <= inside / 200 <= 0.98


def test_two_samples_of_blocks_that_are_alike_inside_fall_into_the_range_of_exchanged_blocks():
    draws, inside, inside_random = np.random.default_rng(9), 0, 0
    for run in range(150):
        levels = draws.normal(15, 4, size=70).clip(3)
        text = [draws.poisson(level, size=50) for level in levels]
        first, second = blocks(np.concatenate(text[:30]), 50), blocks(np.concatenate(text[30:]), 50)
        found = compare_samples(first, second, generator(run), n_draws=200)
        inside += found.stretches.low <= found.value <= found.stretches.high
        inside_random += found.random.low <= found.value <= found.random.high
    assert 0.9 <= inside / 150 <= 0.99
    assert inside_random / 150 < 0.5


def test_two_samples_of_different_text_lie_outside_both_ranges():
    draws = np.random.default_rng(10)
    found = compare_samples(blocks(draws.poisson(15, 3_000)), blocks(draws.poisson(17, 3_000)), generator(0))
    assert found.value == pytest.approx(2, abs=0.3)
    assert found.value > found.random.high
    assert found.value > found.stretches.high
    assert (found.against, found.n_sample, found.n_against) == ("sample", 3_000, 3_000)


def test_blocks_that_were_merged_on_one_side_are_merged_on_the_other():
    draws = np.random.default_rng(11)
    small, large = blocks(draws.poisson(15, 4_000), 50), Blocks(50, max_blocks=64)
    for length in draws.poisson(15, 6_000):
        large.add([int(length)])
    assert large.n_sentences == 100
    for first, second in ((small, large), (large, small)):
        found = compare_samples(first, second, generator(0))
        assert found.stretches.low <= found.value <= found.stretches.high


def test_the_whole_source_as_its_own_sample_is_at_no_distance():
    text = running_text(12, 3_000)
    found = compare_with_source(blocks(text), blocks(text), generator(0))
    assert (found.value, found.random.high, found.stretches.high) == (0, 0, 0)


def test_what_is_too_small_for_a_range_says_why():
    text = running_text(13, 5_000)
    too_short = "not computed, because a stretch of the sample is shorter than a block of sentences of its source"
    assert compare_with_source(blocks(text[:99]), blocks(text), generator(0)).stretches == too_short
    assert compare_with_source(blocks(text[:990]), blocks(text), generator(0), n_places=10).stretches == too_short
    few = compare_with_source(blocks(text[:500]), blocks(text[:1_900]), generator(0)).stretches
    assert few == "not computed, because the source has fewer than 20 blocks of sentences"
    two = compare_samples(blocks(text[:1_900]), blocks(text), generator(0)).stretches
    assert two == "not computed, because the smaller sample has fewer than 20 blocks of sentences"


def test_what_is_just_large_enough_has_a_range():
    text = running_text(13, 5_000)
    for found in (
        compare_with_source(blocks(text[:100]), blocks(text), generator(0)),
        compare_with_source(blocks(text[:1_000]), blocks(text), generator(0), n_places=10),
        compare_with_source(blocks(text[:500]), blocks(text[:2_000]), generator(0)),
        compare_samples(blocks(text[:2_000]), blocks(text), generator(0), n_draws=50),
    ):
        assert found.stretches.low <= found.stretches.high


def test_one_length_only_gives_ranges_of_zero():
    found = compare_with_source(blocks([0] * 200), blocks([0] * 3_000), generator(0))
    assert (found.value, found.relative, found.random.high, found.stretches.high) == (0, 0, 0, 0)


def test_the_same_seed_gives_the_same_numbers():
    text = running_text(14, 5_000)
    first, again, other = (
        compare_with_source(blocks(text[:700]), blocks(text), generator(seed, "fi"), n_places=3) for seed in (0, 0, 1)
    )
    assert first == again
    assert first != other
    assert first.value == other.value


def test_sources_beyond_what_numpy_draws_from_without_replacement(monkeypatch):
    monkeypatch.setattr("bloodbank.corpus.audit.distances._NUMPY_LIMIT", 10_000)
    large = blocks([10] * 7_000 + [20] * 9_000 + [30] * 7_000)
    found = compare_with_source(blocks([10, 20, 20, 30] * 500), large, generator(0))
    assert found.random.low < found.random.high < 1


@settings(max_examples=30)
@given(st.lists(st.integers(0, 60), min_size=1, max_size=300), st.integers(1, 5), st.data())
def test_any_part_of_any_text_can_be_compared(text, n_sentences, data):
    n = data.draw(st.integers(1, len(text)))
    source, sample = blocks(text, n_sentences), blocks(text[:n], n_sentences)
    for found in (
        compare_with_source(sample, source, generator(0), n_draws=20),
        compare_samples(sample, source, generator(0), n_draws=20),
    ):
        assert found.value == pytest.approx(wasserstein_distance(text[:n], text))
        assert found.random.low <= found.random.median <= found.random.high
        assert Distance.model_validate_json(found.model_dump_json()) == found

"""Donor sets for given recipients: against trying every set, and what is said of how sure they are."""

import math
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bloodbank.bank import build_bank
from bloodbank.bank.bank import with_intervals
from bloodbank.bank.scores import matrix
from bloodbank.choosing import best_set, doubt
from bloodbank.choosing.best_set import Problem, score_sets, search
from bloodbank.choosing.diversity import Diversity
from bloodbank.choosing.doubt import shrink, shrink_evenly
from bloodbank.choosing.recommend import recommend
from bloodbank.errors import BloodbankError, UsageError
from shared_data import shared_data

NAN = math.nan
CODES = ["de", "en", "fi", "hu", "ja", "ru"]
# Recipients hu and ru, worked on paper. F to hu: de 0.4, en 0.1, fi 0.5, ja -0.2, ru 0.0.
# F to ru: de 0.2, en -0.1, fi 0.1, hu 0.3, ja 0.6.
#   Sum:         de 0.6, en 0.0, fi 0.6, hu 0.3, ja 0.4, ru 0.0. Two donors: de fi, 1.2.
#   Diminishing, 0.5, two donors: de fi: 0.5 + 0.2 + 0.2 + 0.05 = 0.95; de ja: 0.4 - 0.1 + 0.6 + 0.1 = 1.0;
#     fi ja: 0.5 - 0.1 + 0.6 + 0.05 = 1.05, the best; fi hu: 0.5 + 0.3 + 0.05 = 0.85.
#   Only the best donor (ρ = 0): fi ja, 1.1.
PAPER = matrix(
    [
        [NAN, 0.0, 0.0, 0.4, 0.0, 0.2],
        [0.0, NAN, 0.0, 0.1, 0.0, -0.1],
        [0.0, 0.0, NAN, 0.5, 0.0, 0.1],
        [0.0, 0.0, 0.0, NAN, 0.0, 0.3],
        [0.0, 0.0, 0.0, -0.2, NAN, 0.6],
        [0.0, 0.0, 0.0, 0.0, 0.0, NAN],
    ],
    CODES,
)


def by_hand(gains, members, rho):
    """Score of a set: for each recipient its donors' F in falling order, each counting ρ times the one before."""
    total = 0.0
    for recipient in range(gains.shape[1]):
        given = sorted((gains[s, recipient] for s in members if not np.isnan(gains[s, recipient])), reverse=True)
        total += sum(rho**place * value for place, value in enumerate(given))
    return total


def every_set(gains, sizes, rho, allowed=lambda members: True):
    found = [
        (by_hand(gains, members, rho), members)
        for size in sizes
        for members in combinations(range(len(gains)), size)
        if allowed(members)
    ]
    return sorted(found, key=lambda one: -one[0])


def text(found):
    return "\n".join(found.lines())


def test_the_example_on_paper():
    found = recommend(PAPER, ["hu", "ru"], 2)
    assert (found.donors, found.best.score) == (("fi", "ja"), pytest.approx(1.05))
    assert (found.runner_up.donors, found.runner_up.score) == (("de", "ja"), pytest.approx(1.0))
    assert found.exact
    assert found.bound == found.best.score
    assert (found.other_objective, found.other.donors, found.other.score) == ("sum", ("de", "fi"), pytest.approx(1.2))
    assert found.contributions.to_numpy(dtype=object).tolist() == [
        ["fi", "hu", 0.5, 1.0, 0.5],
        ["ja", "hu", -0.2, 0.5, -0.1],
        ["ja", "ru", 0.6, 1.0, 0.6],
        ["fi", "ru", 0.1, 0.5, 0.05],
    ]
    assert found.contributions["part"].sum() == pytest.approx(found.best.score)


def test_the_other_objectives_on_paper():
    by_sum = recommend(PAPER, ["hu", "ru"], 2, objective="sum")
    assert (set(by_sum.donors), by_sum.best.score, by_sum.rho) == ({"de", "fi"}, pytest.approx(1.2), 1.0)
    assert (by_sum.other_objective, set(by_sum.other.donors)) == ("diminishing", {"fi", "ja"})
    only_best = recommend(PAPER, ["hu", "ru"], 2, rho=0)
    assert (set(only_best.donors), only_best.best.score) == ({"fi", "ja"}, pytest.approx(1.1))
    same = recommend(PAPER, ["hu", "ru"], 2, rho=1)
    assert (set(same.donors), same.best.score) == (set(by_sum.donors), by_sum.best.score)


def test_recipients_donate_to_each_other_unless_told_not_to():
    only_hu = recommend(PAPER, ["hu", "ru"], 1, candidates=["hu", "ru"])
    assert (only_hu.donors, only_hu.best.score) == (("hu",), pytest.approx(0.3))
    assert "hu: both recipient and donor; what a language's own text gives it is not counted." in text(only_hu)
    without = recommend(PAPER, ["hu", "ru"], 3, recipients_donate=False)
    assert not set(without.donors) & {"hu", "ru"}
    assert without.left_out["hu"] == "a recipient, and recipients are not to donate"
    with pytest.raises(UsageError, match=r"A budget of 1 donors, but only 0 candidates: none"):
        recommend(PAPER, ["hu", "ru"], 1, candidates=["hu"], recipients_donate=False)
    alone = recommend(PAPER, ["hu"], 2)
    assert alone.left_out["hu"] == "the one recipient"


def test_a_donor_that_only_harms_is_left_out_unless_the_size_is_fixed():
    harm = PAPER.copy()
    harm[["hu", "ru"]] = -PAPER[["hu", "ru"]].abs() - 0.1
    none = recommend(harm, ["hu", "ru"], 2)
    assert (none.donors, none.best.score) == ((), 0.0)
    assert text(none).startswith("For Hungarian (hu), Russian (ru): no donor. No allowed set of at most 2 scores above")
    forced = recommend(harm, ["hu", "ru"], 2, exact_size=True)
    assert len(forced.donors) == 2
    assert forced.best.score < 0
    assert "Harmful pairs in the set:" in text(forced)
    assert "Harmful" not in text(recommend(PAPER, ["hu"], 2))
    less = recommend(PAPER, ["ru"], 5)
    assert "as no other one raises the score" in text(less)
    assert set(less.donors) == {"de", "fi", "hu", "ja"}


def test_donors_kept_in_and_out():
    found = recommend(PAPER, ["hu", "ru"], 2, include=["en"], exclude=["ja"])
    assert set(found.donors) == {"de", "en"}  # 0.4 + 0.05 + 0.2 - 0.05 = 0.6; with fi 0.5 + 0.05 + 0.1 - 0.05 = 0.6 too
    assert found.left_out["ja"] == "excluded as asked"
    assert recommend(PAPER, ["hu", "ru"], 1, candidates=["de", "en"]).donors == ("de",)


def test_limits_are_kept_to():
    found = recommend(PAPER, ["hu", "ru"], 3, diversity=Diversity(max_per_family=1))
    assert "at most 1 per family" in text(found)
    assert len({"de", "en", "ru"} & set(found.donors)) <= 1
    assert len({"fi", "hu"} & set(found.donors)) <= 1
    with pytest.raises(UsageError, match=r"en is to be kept in, but family Indo-European already has 1 \(de\)"):
        recommend(PAPER, ["hu"], 2, include=["de", "en"], diversity=Diversity(max_per_family=1))
    with pytest.raises(UsageError, match=r"No set of 3 to 3 of the 3 candidates keeps to the constraints"):
        recommend(
            PAPER, ["hu"], 3, candidates=["de", "en", "ru"], exact_size=True, diversity=Diversity(max_per_family=1)
        )  # fmt: skip
    with pytest.raises(UsageError, match=r"No set of 3 to 3 of the 3 candidates keeps to the constraints"):
        recommend(
            PAPER, ["hu"], 3, candidates=["de", "en", "ru"], exact_size=True, diversity=Diversity(max_per_family=1),
            exact_limit=0,
        )  # fmt: skip


def test_a_cell_that_was_not_measured_counts_as_nothing():
    holed = PAPER.copy()
    holed.loc["fi", "hu"] = NAN
    holed.loc["en", ["hu", "ru"]] = NAN
    found = recommend(holed, ["hu", "ru"], 3, include=["fi"])
    assert found.unmeasured.to_numpy().tolist() == [["fi", "hu"]]
    assert "Not measured, and counted as nothing: fi→hu." in text(found)
    assert found.left_out["en"] == "no F to any of the recipients was measured"
    assert "Not among the candidates, because no F to these recipients was measured: en." in text(found)
    # It takes no place either: the next donor of hu counts in full.
    assert found.contributions.query("recipient == 'hu'")["weight"].iloc[0] == 1.0


@st.composite
def gain_tables(draw):
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    return _gains(rng, draw(st.integers(2, 7)), draw(st.integers(1, 3)))


def _gains(rng, n_candidates, n_recipients):
    gains = rng.normal(rng.choice([-0.2, 0.0, 0.2]), 0.3, size=(n_candidates, n_recipients))
    gains[rng.random(gains.shape) < rng.choice([0.0, 0.25])] = NAN
    return gains


def problem(gains, rho, low, high, *, limits=None, forced=()):
    codes = [f"x-l{place}" for place in range(len(gains))]
    families = {code: f"family {place % 3}" for place, code in enumerate(codes)}
    rules = Diversity(max_per_family=limits, families=families).rules(codes)
    return Problem(gains, rho, low, high, forced, rules)


sizes = st.tuples(st.integers(0, 2), st.integers(1, 4))


@given(
    gains=gain_tables(),
    rho=st.sampled_from([0.0, 0.3, 0.5, 0.9, 1.0]),
    size=sizes,
    limited=st.booleans(),
    forcing=st.booleans(),
)
def test_the_best_set_is_the_best_of_all(*, gains, rho, size, limited, forcing):
    low, high = size
    high, low = min(high, len(gains)), min(low, high, len(gains))
    asked = problem(gains, rho, low, high, limits=1 if limited else None, forced=(1,) if forcing else ())

    def allowed(members):
        families = [place % 3 for place in members]
        return (not limited or len(set(families)) == len(families)) and (not forcing or 1 in members)

    expected = every_set(gains, range(low, high + 1), rho, allowed)
    assume(expected)
    for limit in (10**6, 0):  # by listing, by an integer programme
        found = search(asked, limit)
        assert found.exact
        assert found.score == pytest.approx(expected[0][0], abs=1e-7)
        assert by_hand(gains, found.best, rho) == pytest.approx(expected[0][0], abs=1e-7)
        assert allowed(found.best)
        if len(expected) > 1:
            assert found.runner_up[1] == pytest.approx(expected[1][0], abs=1e-7)
            assert found.runner_up[0] != found.best
        else:
            assert found.runner_up is None


@given(gain_tables(), st.sampled_from([0.0, 0.5, 1.0]), st.integers(1, 4))
def test_many_sets_are_scored_as_one_by_one(gains, rho, size):
    assume(size <= len(gains))
    sets = np.array(list(combinations(range(len(gains)), size)))
    expected = [by_hand(gains, members, rho) for members in sets]
    assert score_sets(sets, gains, rho) == pytest.approx(expected, abs=1e-12)
    smaller = np.hstack([sets, np.full((len(sets), 2), -1)])  # beside sets of two donors more
    assert score_sets(smaller, gains, rho) == pytest.approx(expected, abs=1e-12)


def test_large_sets_are_scored_too_for_several_replicates_and_in_parts(monkeypatch):
    monkeypatch.setattr(best_set, "_CHUNK_CELLS", 1_000)
    rng = np.random.default_rng(0)
    draws = np.stack([_gains(rng, 14, 3), _gains(rng, 14, 3)])
    sets = np.array([rng.permutation(14)[:11] for _ in range(50)])
    expected = [[by_hand(gains, members, 0.5) for members in sets] for gains in draws]
    assert score_sets(sets, draws, 0.5) == pytest.approx(np.array(expected), abs=1e-12)


def test_beyond_the_limit_the_answer_is_proven():
    rng = np.random.default_rng(1)
    cells = rng.normal(size=(40, 40)) * 0.3
    np.fill_diagonal(cells, NAN)
    finetune = matrix(cells, [f"x-l{place:02d}" for place in range(40)])
    goals = ["x-l00", "x-l01"]
    listed = recommend(finetune, goals, 3)
    solved = recommend(finetune, goals, 3, exact_limit=0)
    assert "all 10,701 possible sets compared" in text(listed)
    assert "It is the best there is (proven by an integer programme)" in text(solved)
    assert (solved.donors, solved.runner_up.donors) == (listed.donors, listed.runner_up.donors)


def test_an_answer_without_proof_is_said_to_be_one(monkeypatch):
    solve = best_set.solve
    monkeypatch.setattr(
        best_set, "solve", lambda asked, **options: solve(asked, **options)._replace(bound=9.0, proven=False)
    )
    unproven = recommend(PAPER, ["hu", "ru"], 2, exact_limit=0)
    assert (unproven.exact, unproven.bound, unproven.runner_up) == (False, 9.0, None)
    assert "It need not be the best there is (the best that an integer programme found in 60 seconds)" in text(unproven)
    assert "no set scores above +9.00" in text(unproven)
    assert "Against the runner-up: not possible, because too many sets were left" in text(unproven)
    monkeypatch.setattr(best_set, "solve", lambda asked, **options: best_set.Solved(None, 9.0, proven=False))
    with pytest.raises(BloodbankError, match=r"No set was found in 60 seconds\. Name fewer candidates"):
        recommend(PAPER, ["hu", "ru"], 2, exact_limit=0)


def test_thirty_candidates_and_fifteen_donors_are_solved_exactly():
    rng = np.random.default_rng(2)
    asked = problem(rng.normal(size=(30, 3)) * 0.3, 0.5, 0, 15)
    assert asked.n_sets > 600_000_000
    found = search(asked, 1_000_000)
    assert found.exact
    assert found.score == pytest.approx(by_hand(asked.gains, found.best, 0.5), abs=1e-6)
    # No donor more, less, or in the place of another one is better.
    others = [place for place in range(30) if place not in found.best]
    fewer = [tuple(place for place in found.best if place != gone) for gone in found.best]
    more = [(*members, other) for members in fewer for other in others]
    assert max(by_hand(asked.gains, members, 0.5) for members in [*fewer, *more]) <= found.score + 1e-6


def replicates(finetune, sizes, n=40, seed=0):
    rng = np.random.default_rng(seed)
    return finetune.to_numpy()[None] + rng.normal(size=(n, *finetune.shape)) * np.asarray(sizes)


def test_replicates_say_how_often_each_language_is_picked():
    draws = np.stack([PAPER.to_numpy()] * 4)
    draws[0, 0, 3] = 0.7  # in one of four de helps hu so much that de ja is the best set
    found = recommend(PAPER, ["hu", "ru"], 2, replicates=draws)
    assert found.doubt.picked.to_dict() == {"ja": 1.0, "fi": 0.75, "de": 0.25, "en": 0.0, "hu": 0.0, "ru": 0.0}
    assert found.doubt.same_set == 0.75
    assert "Picked over 4 replicates of F: ja 100%, fi 75%, de 25%; exactly this set in 75% of them." in text(found)
    assert found.doubt.rivals.loc["runner_up", "odds"] == 0.75
    assert found.doubt.rivals.loc["runner_up", "lead"] == pytest.approx(0.05)


def test_where_there_are_too_many_sets_some_replicates_are_enough(monkeypatch):
    draws = replicates(PAPER, 0.3)
    every = recommend(PAPER, ["hu", "ru"], 2, replicates=draws).doubt
    assert every.n_searched == 40
    by_programme = recommend(PAPER, ["hu", "ru"], 2, replicates=draws, exact_limit=0).doubt
    pd.testing.assert_series_equal(by_programme.picked, every.picked)
    monkeypatch.setattr(doubt, "_MAX_VARIABLES", 0)  # so 10 programmes at most
    few = recommend(PAPER, ["hu", "ru"], 2, replicates=draws, exact_limit=0)
    fourth = recommend(PAPER, ["hu", "ru"], 2, replicates=draws[::4])
    pd.testing.assert_series_equal(few.doubt.picked, fourth.doubt.picked)
    assert "Picked over 10 of 40 replicates of F: " in text(few)
    monkeypatch.setattr(doubt, "_MAX_SCORES", 22 * 2 * 20)  # so many sets and recipients, and 20 replicates
    assert recommend(PAPER, ["hu", "ru"], 2, replicates=draws).doubt.n_searched == 20
    monkeypatch.setattr(doubt, "_MAX_SCORES", 0)
    assert recommend(PAPER, ["hu", "ru"], 2, replicates=draws).doubt.n_searched == 10


def test_rivals_on_paper():
    draws = np.stack([PAPER.to_numpy()] * 2)
    draws[1, 1, 3] = 1.0  # in one of two English helps hu more than all others do
    rivals = recommend(PAPER, ["hu", "ru"], 2, replicates=draws).doubt.rivals
    assert rivals["donors"].to_dict() == {
        "runner_up": "de ja", "english_alone": "en", "best_with_english": "de en", "random_sets": "",
    }  # fmt: skip
    scores = [by_hand(PAPER[["hu", "ru"]].to_numpy(), members, 0.5) for members in combinations(range(6), 2)]
    # English alone: 0.1 - 0.1; with de 0.4 + 0.05 + 0.2 - 0.05 = 0.6, with fi the same, with ja 0.55.
    assert rivals.loc["english_alone", "score"] == pytest.approx(0.0)
    assert rivals.loc["random_sets", "score"] == pytest.approx(np.mean(scores))
    # Then English alone has 0.9, with de 1.0 + 0.2 + 0.2 - 0.05 = 1.35; fi ja has 1.05 as before.
    assert rivals["odds"].to_dict() == {
        "runner_up": 1.0, "english_alone": 1.0, "best_with_english": 0.5, "random_sets": 1.0,
    }  # fmt: skip


def test_odds_are_said_as_they_are():
    near, far = (recommend(PAPER, ["hu", "ru"], 2, replicates=replicates(PAPER, noise)) for noise in (0.3, 0.001))
    assert "so the two cannot be told apart" in text(near)
    assert "cannot be told apart" not in text(far)
    assert "ahead in 100% of 40 replicates" in text(far)
    draws = replicates(PAPER, 0.001)
    draws[:, 4, 5] = -1.0  # the replicates contradict F: ja harms ru in each of them
    assert "where the other does better" in text(recommend(PAPER, ["hu", "ru"], 2, replicates=draws))


def test_without_replicates_what_is_not_known_is_said():
    found = recommend(PAPER, ["hu", "ru"], 2)
    assert found.doubt.picked.empty
    assert found.doubt.shrunk_donors is None
    assert "not possible, because there are no replicates of F" in text(found)
    assert recommend(PAPER, ["hu", "ru"], 2, replicates=np.empty((0, 6, 6))).doubt.n_replicates == 0


def test_english_as_a_rival_or_not():
    assert "Its score is 1.05 ahead of English alone." in text(recommend(PAPER, ["hu", "ru"], 2))
    without = PAPER.drop(index="en", columns="en")
    assert "Against English alone: not possible, because English was not measured here." in text(
        recommend(without, ["hu"], 1)
    )
    itself = recommend(PAPER, ["en"], 1, exact_size=True)
    assert "Against English alone: not possible, because English is the one recipient." in text(itself)
    chosen = recommend(PAPER, ["hu"], 1, candidates=["en"])
    assert chosen.donors == ("en",)
    assert "Against English alone: not possible, because English is the choice." in text(chosen)
    assert "english_alone" not in chosen.doubt.rivals.index
    holed = PAPER.copy()
    holed.loc["en", "ru"] = NAN
    assert "because what English gives to ru was not measured." in text(recommend(holed, ["hu", "ru"], 2))


def additive(rng, n, cells):
    """F of donor and recipient effects, with departures of this size."""
    square = 0.3 * rng.normal(size=n)[:, None] + 0.3 * rng.normal(size=n) + cells * rng.normal(size=(n, n))
    np.fill_diagonal(square, NAN)
    return matrix(square, [f"x-l{place:02d}" for place in range(n)])


def test_shrinking_keeps_what_is_more_than_noise():
    rng = np.random.default_rng(3)
    finetune = additive(rng, 20, 0.2)
    assert shrink(finetune, np.zeros((20, 20))).kept == pytest.approx(1)
    pd.testing.assert_frame_equal(shrink(finetune, np.zeros((20, 20))).finetune, finetune)
    # Departures of variance 0.04, of which half is noise: half is kept, within sampling error.
    assert shrink(finetune, np.full((20, 20), 0.02)).kept == pytest.approx(0.5, abs=0.06)
    assert shrink(finetune, np.full((20, 20), 0.05)).kept == 0
    flat = shrink(finetune, np.full((20, 20), 0.05)).finetune
    pd.testing.assert_frame_equal(flat, shrink_evenly(finetune, 0.0))
    uneven = np.where(np.arange(20)[:, None] < 10, 0.0001, 0.03) * np.ones((20, 20))
    found = shrink(finetune, uneven).finetune
    moved = (found - finetune).abs().mean(axis="columns")
    assert moved.iloc[:10].max() < moved.iloc[10:].min()  # the surer cells stay where they are


def test_shrunk_f_is_nearer_to_the_truth():
    closer = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        truth = additive(rng, 12, 0.1)
        measured = truth + 0.2 * rng.normal(size=(12, 12))
        shrunk = shrink(measured, np.full((12, 12), 0.04)).finetune
        errors = [float(np.nanmean((one - truth).to_numpy() ** 2)) for one in (shrunk, measured)]
        closer.append(errors[0] < errors[1])
    assert np.mean(closer) == 1


def test_shrinking_may_change_the_answer_and_says_so():
    noisy = PAPER.copy()
    noisy.loc["en", "hu"] = 1.5  # one lucky cell
    lucky = recommend(noisy, ["hu", "ru"], 1)
    assert lucky.donors == ("en",)
    variance = pd.DataFrame(0.001, index=CODES, columns=CODES)
    variance.loc["en", "hu"] = 5.0
    shrunk = recommend(noisy, ["hu", "ru"], 1, cell_variance=variance)
    assert shrunk.doubt.shrunk_donors != ("en",)
    assert "the best set is" in text(shrunk).split("With F shrunk")[1]
    firm = recommend(noisy, ["hu", "ru"], 1, cell_variance=variance * 1e-6)
    assert firm.doubt.shrunk_donors == ("en",)
    assert "it is still the best set" in text(firm).split("With F shrunk")[1]


def test_without_noise_the_share_that_may_be_noise_is_given():
    rng = np.random.default_rng(6)
    pure = additive(rng, 8, 0.0)
    firm = recommend(pure, ["x-l00", "x-l01"], 2, exact_size=True)
    assert firm.doubt.additive_donors == tuple(sorted(firm.donors))
    assert firm.doubt.least_kept == 0
    assert "With donor + recipient effects alone in place of F it is still the best set." in text(firm)
    other = recommend(additive(rng, 8, 0.5), ["x-l00", "x-l01"], 2)
    assert set(other.doubt.additive_donors) != set(other.donors)
    assert "with donor + recipient effects alone in place of f the best set is" in text(other).lower()
    assert f"{other.doubt.least_kept:.0%} of each cell's departure" in text(other)


seeds = st.integers(0, 10**6)


@given(seeds, st.randoms(use_true_random=False))
@settings(max_examples=15, deadline=None)
def test_the_order_of_languages_changes_nothing(seed, random):
    finetune = additive(np.random.default_rng(seed), 7, 0.3)
    draws = replicates(finetune, 0.1, n=5, seed=seed)
    order = random.sample(range(7), 7)
    goals = ["x-l01", "x-l04"]
    first = recommend(finetune, goals, 2, replicates=draws)
    second = recommend(finetune.iloc[order, order], goals, 2, replicates=draws[:, order][:, :, order])
    assert first.lines() == second.lines()
    pd.testing.assert_frame_equal(first.doubt.rivals, second.doubt.rivals)
    pd.testing.assert_series_equal(first.doubt.picked, second.doubt.picked)


@given(seeds, st.sampled_from([0.0, 0.5, 1.0]), st.floats(0.01, 2))
def test_giving_more_never_costs_a_donor_its_place(seed, rho, amount):
    finetune = additive(np.random.default_rng(seed), 7, 0.3)
    found = recommend(finetune, ["x-l00", "x-l01"], 3, rho=rho)
    assume(found.donors)
    raised = finetune.copy()
    raised.loc[found.donors[-1]] += amount
    assert found.donors[-1] in recommend(raised, ["x-l00", "x-l01"], 3, rho=rho).donors


@given(seeds, st.sampled_from([0.0, 0.5, 1.0]), st.floats(0.1, 5))
@settings(max_examples=30, deadline=None)
def test_the_scale_of_f_does_not_matter(seed, rho, factor):
    finetune = additive(np.random.default_rng(seed), 7, 0.3)
    first, second = (recommend(one, ["x-l00", "x-l01"], 3, rho=rho) for one in (finetune, factor * finetune))
    assert first.donors == second.donors
    assert second.best.score == pytest.approx(factor * first.best.score)


@given(seeds, st.sampled_from([0.0, 0.5, 1.0]))
@settings(max_examples=30, deadline=None)
def test_more_budget_never_lowers_the_score(seed, rho):
    finetune = additive(np.random.default_rng(seed), 7, 0.3)
    scores = [recommend(finetune, ["x-l00", "x-l01"], budget, rho=rho).best.score for budget in (1, 2, 3, 4)]
    assert scores == sorted(scores)


@pytest.mark.parametrize(
    ("recipients", "budget", "given", "message"),
    [
        ([], 2, {}, r"No recipient is given"),
        (["zz"], 2, {}, r"recipients: 'zz' is not measured here\. Measured: de, en, fi, hu, ja, ru"),
        ("hu", 2, {}, r"recipients are a list of codes, not one text: 'hu'"),
        (["hu", "hu"], 2, {}, r"recipients: hu given twice"),
        (["hu"], 0, {}, r"The budget is 0 donors; it must be at least 1"),
        (["hu"], 6, {}, r"A budget of 6 donors, but only 5 candidates: de, en, fi, ja, ru"),
        (["hu"], 2, {"rho": 1.5}, r"ρ is 1\.5; it goes from 0"),
        (["hu"], 2, {"rho": NAN}, r"ρ is nan"),
        (["hu"], 2, {"objective": "max"}, r"Unknown objective 'max'\. Known: diminishing, sum"),
        (["hu"], 2, {"candidates": ["de", "de"]}, r"candidates: de given twice"),
        (["hu"], 2, {"candidates": ["xx", "de"]}, r"candidates: 'xx' is not measured here"),
        (["hu"], 1, {"include": ["de", "fi"]}, r"2 donors are to be kept in, and the budget is 1"),
        (["hu"], 2, {"include": ["de"], "exclude": ["de"]}, r"de is to be kept in, but .*: excluded as asked"),
        (["hu"], 2, {"include": ["hu"]}, r"hu is to be kept in, but it cannot be picked: the one recipient"),
        (["hu"], 1, {"include": ["ja"], "candidates": ["de"]}, r"ja is to be kept in, and it is not among the candid"),
        (["hu"], 2, {"replicates": np.zeros((3, 5, 5))}, r"Replicates have the shape \(3, 5, 5\); F has 6 languages"),
        (["hu"], 2, {"replicates": np.full((1, 6, 6), np.inf)}, r"A replicate of F holds an infinite cell"),
    ],
)
def test_impossible_wishes_are_refused(recipients, budget, given, message):
    with pytest.raises(UsageError, match=message):
        recommend(PAPER, recipients, budget, **given)


def test_wrong_matrices_are_refused():
    empty = PAPER.copy()
    empty["hu"] = NAN
    with pytest.raises(UsageError, match=r"Nothing was measured for hu as a recipient, so no donor can be chosen"):
        recommend(empty, ["hu", "ru"], 2)
    infinite = PAPER.copy()
    infinite.loc["de", "fi"] = np.inf
    with pytest.raises(UsageError, match=r"F holds an infinite cell"):
        recommend(infinite, ["hu"], 2)
    with pytest.raises(UsageError, match=r"the same languages in rows and columns"):
        recommend(PAPER.iloc[:4], ["hu"], 2)


def test_the_released_matrix():
    ratios = pd.read_csv(shared_data("published", "mrr_ratio_22x22.csv"), index_col=0, keep_default_na=False)
    cells = ratios.to_numpy(dtype=float) - 1
    np.fill_diagonal(cells, NAN)
    finetune = matrix(cells, list(ratios.columns))
    found = recommend(finetune, ["hi", "ne"], 4, objective="sum")
    totals = finetune[["hi", "ne"]].sum(axis="columns").nlargest(4)
    assert set(found.donors) == set(totals.index)
    assert found.best.score == pytest.approx(totals.sum())
    assert (
        "+5.85 by the sum of F, the paper's assumption: a score to compare sets by, not a gain in any metric"
        in text(found)
    )
    everyone = recommend(finetune, list(finetune), 4, objective="sum")
    given = finetune.sum(axis="columns").nlargest(4)  # D: the sum over all recipients
    assert (set(everyone.donors), everyone.best.score) == (set(given.index), pytest.approx(given.sum()))


def bank_of(cells, noise, n_seeds=3):
    """A bank of given F, with seeds that differ by noise."""
    random = np.random.default_rng(0)
    rows = []
    for seed in range(n_seeds):
        for recipient in CODES:
            rows.append(("monolingual", "", recipient, seed, 0.2))
            for donor in (code for code in CODES if code != recipient):
                gain = cells.loc[donor, recipient] + noise * random.normal()
                rows.append(("sequential", donor, recipient, seed, 0.2 * (1 + gain)))
    table = pd.DataFrame(rows, columns=["protocol", "donor", "recipient", "seed", "value"]).assign(
        metric="mrr", n_masked=1_000, standard_error=0.001, updates=1, tokens_seen=1, seconds=1.0, device="cpu",
        health="healthy", health_z=9.0, convergence="converged",
    )  # fmt: skip
    return with_intervals(build_bank(table, languages=CODES, name="made-up"))


def test_a_bank_whose_order_repeats_is_answered_as_its_f():
    bank = bank_of(PAPER, 0.001)
    of_bank = recommend(bank, ["hu", "ru"], 2)
    of_table = recommend(
        bank.finetune_scores,
        ["hu", "ru"],
        2,
        replicates=bank.intervals.replicates,
        cell_variance=bank.intervals.matrix("se") ** 2,
    )
    assert of_bank.donors == of_table.donors == ("fi", "ja")
    assert of_bank.obstacle == of_table.obstacle == ""
    assert of_bank.lines()[1:] == of_table.lines()
    assert of_bank.lines()[0].startswith("The bank says nothing against it: reliability of the order of donors")
    assert of_table.verdict is None


@pytest.mark.parametrize(
    ("noise", "n_seeds", "why"),
    [(1.0, 2, "the order of donors does not repeat: its reliability is 0."), (0.001, 1, "there is one seed")],
)
def test_where_the_order_does_not_repeat_nothing_is_recommended_but_what_to_measure(noise, n_seeds, why):
    flat = PAPER if n_seeds == 1 else 0 * PAPER
    bank = bank_of(flat, noise, n_seeds)
    advice = recommend(bank, ["hu", "ru"], 2)
    assert advice.donors == ()
    assert why in advice.obstacle
    said = advice.lines()
    assert said[0] == f"For Hungarian (hu), Russian (ru): no donor is recommended, because {advice.obstacle}."
    assert said[1] == bank.reliability.remedy()
    assert said[2].startswith("What the bank says against it: ")
    assert "--anyway" in said[3]
    assert not any(line.startswith("Score") for line in said)
    anyway = recommend(bank, ["hu", "ru"], 2, anyway=True)
    assert anyway.obstacle == ""
    assert anyway.donors == anyway.best.donors == advice.best.donors != ()
    assert anyway.lines()[0] == said[2]
    assert anyway.lines()[2].startswith("Score")

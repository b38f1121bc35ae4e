import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bloodbank.bank import build_bank, read_bank, write_bank
from bloodbank.bank.bank import with_intervals
from bloodbank.bank.importing.read_matrix import read_matrix
from bloodbank.bank.measurements import read_measurements
from bloodbank.bank.replicates import read_replicates, write_replicates
from bloodbank.bank.scores import matrix
from bloodbank.bank.uncertainty.errors_and_draws import measure_noise
from bloodbank.bank.uncertainty.intervals import (
    IntervalOptions,
    intervals_from_replicates,
    measurement_intervals,
    what_is_covered,
)
from bloodbank.bank.uncertainty.paragraphs import Column
from bloodbank.bank.uncertainty.seeds import cell_variance, estimate_noise, sum_variance
from bloodbank.errors import UsageError
from made_up_banks import CODES, finetune_of, measurements_of, sentence_scores

KEYS = {"languages": CODES, "protocol": "sequential", "metric": "mrr", "options": IntervalOptions(n_replicates=200)}
TABLES = ("cells", "scores", "types")


def intervals_of(scores, measurements=None, **settings):
    table = measurements_of(scores) if measurements is None else measurements
    of_bank = {name: settings.pop(name, value) for name, value in KEYS.items() if name != "options"}
    unhealthy = settings.pop("include_unhealthy", False)
    options = IntervalOptions(**{"n_replicates": 200, **settings})
    return measurement_intervals(table, scores, **of_bank, include_unhealthy=unhealthy, options=options)


def cells_of(intervals, score="finetune_score"):
    return intervals.cells[intervals.cells["score"] == score].set_index(["donor", "recipient"])


def square(values, codes):
    """A matrix [donor, recipient] of values by donor and recipient."""
    return np.array([[values.get((donor, recipient), np.nan) for recipient in codes] for donor in codes])


def scores_of(intervals, score):
    return intervals.scores[intervals.scores["score"] == score].set_index("language")


def replicates_of(*seeds, codes=None):
    """F by seed from lists of rows."""
    codes = codes or [f"x-{i}" for i in range(len(seeds[0]))]
    return {number: matrix(rows, codes) for number, rows in enumerate(seeds)}


# --- the variance between seeds ------------------------------------------------------------------------------------


def test_two_languages_pool_their_two_cells():
    # F(a→b) is 0.1 and 0.3 in two seeds, F(b→a) 0.2 twice: variances 0.02 and 0, pooled over ratios 1.2 and 1.2.
    nan = np.nan
    found = cells_of(intervals_from_replicates(
        replicates_of([[nan, 0.1], [0.2, nan]], [[nan, 0.3], [0.2, nan]]), protocol="sequential", metric="mrr"
    ))  # fmt: skip
    se = np.sqrt(0.01 / 2)
    assert found["se"].to_numpy() == pytest.approx([se, se])
    assert found["df"].to_numpy() == pytest.approx([2, 2])
    assert found["low"].to_numpy() == pytest.approx([0.2 - stats.t.ppf(0.975, 2) * se] * 2)


def known_noise(random, n, n_seeds, *, rows, columns, cells):
    """F by seed whose noise has known variances, around the same truth."""
    shape = (n_seeds, n, n)
    noise = rows * random.normal(size=shape[:2])[:, :, None] + columns * random.normal(size=shape[:2])[:, None, :]
    return np.where(np.eye(n, dtype=bool), np.nan, 0.1 + noise + cells * random.normal(size=shape))


@pytest.mark.parametrize(
    ("rows", "columns", "cells"), [(0.0, 0.0, 1.0), (1.0, 2.0, 0.5), (0.0, 2.0, 1.0), (2.0, 0.0, 0.0)]
)
def test_variances_of_cells_and_sums_are_those_of_the_model(rows, columns, cells):
    # V(F) = r² + c² + e², V(R) = k²c² + k(r² + e²), V(D) = k²r² + k(c² + e²) for one seed and k = n - 1.
    n, n_seeds, random = 8, 3, np.random.default_rng(0)
    k, found = n - 1, []
    for _ in range(150):
        stack = known_noise(random, n, n_seeds, rows=rows, columns=columns, cells=cells)
        weights, measured = np.ones((n, n)), ~np.isnan(stack)
        noise = estimate_noise(stack, weights)
        single, _ = cell_variance(noise, weights, measured.sum(0))
        takes, _ = sum_variance(noise, weights, measured)
        gives, _ = sum_variance(noise.transposed, weights, measured.transpose(0, 2, 1))
        found.append([np.nanmean(single), takes.mean(), gives.mean()])
    expected = [
        rows**2 + columns**2 + cells**2,
        k**2 * columns**2 + k * (rows**2 + cells**2),
        k**2 * rows**2 + k * (columns**2 + cells**2),
    ]
    assert n_seeds * np.mean(found, axis=0) == pytest.approx(expected, rel=0.08)


def test_sums_are_not_taken_for_sums_of_independent_cells():
    # All noise is M_t's: the cells of a column move together, and R with all of them.
    n, random = 8, np.random.default_rng(1)
    stack = known_noise(random, n, 4, rows=0.0, columns=1.0, cells=0.0)
    weights, measured = np.ones((n, n)), ~np.isnan(stack)
    noise = estimate_noise(stack, weights)
    single, _ = cell_variance(noise, weights, measured.sum(0))
    takes, _ = sum_variance(noise, weights, measured)
    gives, _ = sum_variance(noise.transposed, weights, measured.transpose(0, 2, 1))
    independent = np.nansum(single, axis=0)
    np.testing.assert_allclose(takes, (n - 1) * independent, rtol=0.05)
    np.testing.assert_allclose(gives, independent, rtol=0.05)


def test_a_column_that_is_noisier_has_wider_intervals():
    random = np.random.default_rng(2)
    stack = known_noise(random, 12, 5, rows=0.02, columns=0.0, cells=0.02)
    stack[:, :, 3] = 0.1 + 20 * (stack[:, :, 3] - 0.1)
    found = cells_of(intervals_from_replicates(replicates_of(*stack), protocol="sequential", metric="mrr"))["se"]
    noisy = found[found.index.get_level_values("recipient") == "x-3"].mean()
    assert noisy > 5 * found[found.index.get_level_values("recipient") != "x-3"].mean()


def test_a_column_whose_cells_are_noisy_is_taken_to_have_a_noisy_m_t():
    # With two seeds M_t's own effect has one degree of freedom, and is small as often as not: its cells tell more.
    random, ratios = np.random.default_rng(5), []
    sizes = np.repeat([1.0, 4.0], 6)
    for _ in range(30):
        stack = known_noise(random, 12, 2, rows=0.0, columns=1.0, cells=1.0)
        squares = estimate_noise(0.1 + sizes * (stack - 0.1), np.ones((12, 12))).columns.square
        ratios.append(squares[6:] / squares[:6].mean())
    assert np.quantile(ratios, 0.1) > 0.0


def test_noise_of_m_t_is_multiplied_by_the_ratio_of_scores():
    # Only M_t differs between seeds. What it does to a cell of ratio 2 is twice what it does to one of ratio 1.
    random = np.random.default_rng(6)
    truth = np.where(np.eye(8, dtype=bool), np.nan, 0.0)
    truth[0, 1:] = 1.0
    seeds = [(1 + truth) * (1 + 0.03 * random.normal(size=8)) - 1 for _ in range(3)]
    found = cells_of(intervals_from_replicates(replicates_of(*seeds), protocol="sequential", metric="mrr"))["se"]
    ratio = found.xs("x-0", level="donor").mean() / found.drop("x-0", level="donor").mean()
    assert ratio == pytest.approx(2, rel=0.02)


@pytest.mark.parametrize("side", ["donor", "recipient"])
def test_what_a_lone_language_shares_is_not_counted_twice(side):
    # One donor, nine recipients: its D has 81 times its own variance, and 9 times what each recipient adds.
    random, found = np.random.default_rng(7), []
    for _ in range(200):
        stack = known_noise(random, 10, 4, rows=0.3, columns=1.0, cells=0.0)
        stack[:, 1:] = np.nan
        weights, measured = np.ones((10, 10)), ~np.isnan(stack)
        if side == "donor":
            noise = estimate_noise(stack, weights).transposed
        else:
            noise = estimate_noise(stack.transpose(0, 2, 1), weights)
        variance, _ = sum_variance(noise, weights, measured.transpose(0, 2, 1))
        found.append(variance[0])
    assert 4 * np.mean(found) == pytest.approx(81 * 0.09 + 9, rel=0.12)


def test_correlations_between_cells_are_found():
    n, random = 14, np.random.default_rng(3)
    shared = random.normal(size=(6, n))
    pairs = random.normal(size=(6, n, n))
    pairs = pairs + pairs.transpose(0, 2, 1)
    off = np.where(np.eye(n, dtype=bool), np.nan, 0.0)
    noise = estimate_noise(off - shared[:, :, None] + shared[:, None, :] + 0.1 * pairs, np.ones((n, n)), joint=True)
    assert noise.give_and_take == pytest.approx(-0.9, abs=0.05)  # as far as it goes
    assert noise.mirrored == pytest.approx(0.9, abs=0.05)
    assert estimate_noise(off + pairs, np.ones((n, n))).mirrored == 0
    independent = random.normal(size=(6, 2, n))
    stack = off + independent[:, 0, :, None] + independent[:, 1, None, :]
    assert estimate_noise(stack, np.ones((n, n)), joint=True).give_and_take == pytest.approx(0, abs=0.35)


def test_a_bank_of_one_recipient_keeps_what_its_column_shares():
    # All cells share M_t's noise: R moves with nine times each of them.
    random = np.random.default_rng(4)
    stack = known_noise(random, 10, 5, rows=0.0, columns=1.0, cells=0.01)
    stack[:, :, 1:] = np.nan
    weights, measured = np.ones((10, 10)), ~np.isnan(stack)
    noise = estimate_noise(stack, weights)
    takes, _ = sum_variance(noise, weights, measured)
    own = np.nansum(stack[:, :, 0], axis=1).var(ddof=1) / 5
    assert takes[0] == pytest.approx(own, rel=0.05)


def test_no_cell_in_two_seeds_tells_nothing_of_seeds():
    assert (
        estimate_noise(known_noise(np.random.default_rng(0), 4, 1, rows=1, columns=1, cells=1), np.ones((4, 4))) is None
    )


# --- the tables ----------------------------------------------------------------------------------------------------


def test_estimates_are_those_of_the_bank():
    scores = sentence_scores()
    table = measurements_of(scores)
    bank = build_bank(table, languages=CODES, name="made-up")
    found = intervals_of(scores)
    for name, cells in (
        ("finetune_score", bank.finetune_scores), ("difference", bank.differences), ("log_ratio", bank.log_ratios)
    ):  # fmt: skip
        pivoted = square(cells_of(found, name)["estimate"], CODES)
        np.testing.assert_allclose(pivoted, cells, rtol=1e-12)
    for name in ("donation", "donation_mean", "recipience", "recipience_mean"):
        of_score = scores_of(found, name)
        np.testing.assert_allclose(of_score["estimate"], bank.scores[name], rtol=1e-12)
        assert list(of_score.index) == list(CODES)
        assert of_score["complete"].all()
        assert of_score["rank"].tolist() == bank.scores[name].rank(ascending=False).tolist()
    assert found.types["blood_type"].tolist() == bank.blood_types.tolist()
    assert found.types.filter(like="p_").sum(axis=1).tolist() == pytest.approx([1] * 4)
    assert (found.cells["low"] < found.cells["estimate"]).all()
    assert (found.cells["high"] > found.cells["estimate"]).all()
    np.testing.assert_allclose(3 * scores_of(found, "donation_mean")["se"], scores_of(found, "donation")["se"])


def test_intervals_with_one_seed_are_those_of_paragraphs():
    scores = sentence_scores(seeds=(7,))
    found = cells_of(intervals_of(scores))
    finetune = finetune_of(scores, 7)
    # By hand for one cell: the residual of each paragraph over the total of M_t.
    chosen = scores[scores["recipient"] == "ru"].set_index("unit")
    own, alone = chosen.loc[chosen["donor"] == "fi", "sum"], chosen.loc[chosen["donor"] == "", "sum"]
    residual = (own - (1 + finetune["fi", "ru"]) * alone) / alone.sum()
    se = np.sqrt(40 / 39 * (residual**2).sum())
    assert found.loc[("fi", "ru"), "se"] == pytest.approx(se)
    assert found.loc[("fi", "ru"), "df"] == pytest.approx(39)
    high = finetune["fi", "ru"] + stats.t.ppf(0.975, 39) * se
    assert found.loc[("fi", "ru"), "high"] == pytest.approx(high)


def test_seeds_and_paragraphs_both_widen_intervals():
    scores = sentence_scores(liking=0.4)
    table = measurements_of(scores)
    both, seeds = intervals_of(scores), measurement_intervals(table, None, **KEYS)
    assert cells_of(both)["se"].mean() > 1.3 * cells_of(seeds)["se"].mean()
    # Where models like the same paragraphs, these add nothing to what seeds show.
    alike = sentence_scores(noise=1e-6)
    wide, narrow = intervals_of(alike), measurement_intervals(measurements_of(alike), None, **KEYS)
    np.testing.assert_allclose(cells_of(wide)["se"], cells_of(narrow)["se"], rtol=1e-3)


def test_how_seeds_differ_on_paragraphs_is_counted_once():
    # All that differs is how each model of each seed likes each paragraph: the spread between seeds shows all of it,
    # and so do the paragraphs. Either alone is the error, not their sum.
    random, codes, shape = np.random.default_rng(0), tuple(f"x-{i}" for i in range(8)), (60, 4, 9)
    found = []
    for _ in range(40):
        sums = {code: 1 + 0.3 * random.normal(size=(60, 1, 1)) + 0.5 * random.normal(size=shape) for code in codes}
        totals = np.stack([one.sum(0) for one in sums.values()], axis=-1)  # [seed, model, recipient]
        stack = np.where(np.eye(8, dtype=bool), np.nan, totals[:, 1:] / totals[:, :1] - 1)
        columns = [Column(code, one, np.ones(60)) for code, one in sums.items()]
        options = {"protocol": "sequential", "sign": 1, "n_replicates": 1, "seed": 0}
        both, seeds = (
            measure_noise({"finetune_score": stack}, part, codes, **options) for part in (iter(columns), None)
        )
        of_cells = [np.nanmean(one.cells["finetune_score"].se ** 2) for one in (both, seeds)]
        found.append([*of_cells, (both.columns.se**2).mean(), (seeds.columns.se**2).mean()])
    cells_both, cells_seeds, sums_both, sums_seeds = np.mean(found, axis=0)
    # A little more than once, because no part of a variance is taken for less than nothing; twice would be 2.
    assert 0.9 < cells_both / cells_seeds < 1.3
    assert 0.9 < sums_both / sums_seeds < 1.3


def test_f_by_seed_gives_the_same_as_measurements_alone():
    table = measurements_of(sentence_scores())
    seeds = measurement_intervals(table, None, **KEYS)
    by_seed = intervals_from_replicates(
        build_bank(table, languages=CODES, name="x").replicates,
        protocol="sequential",
        metric="mrr",
        options=KEYS["options"],
    )
    of_f = seeds.cells[seeds.cells["score"] == "finetune_score"].reset_index(drop=True)
    pd.testing.assert_frame_equal(by_seed.cells, of_f)
    for name in ("scores", "types"):
        pd.testing.assert_frame_equal(getattr(by_seed, name), getattr(seeds, name))


def test_a_level_gives_its_quantiles():
    scores = sentence_scores()
    narrow, wide = cells_of(intervals_of(scores, level=0.5)), cells_of(intervals_of(scores, level=0.99))
    ratio = (wide["high"] - wide["low"]) / (narrow["high"] - narrow["low"])
    np.testing.assert_allclose(ratio, stats.t.ppf(0.995, wide["df"]) / stats.t.ppf(0.75, wide["df"]))


def test_losses_turn_the_sign_and_keep_the_error():
    scores = sentence_scores()
    gains = cells_of(intervals_of(scores, measurements_of(scores)))
    losses = scores.assign(metric="cross_entropy")
    turned = cells_of(intervals_of(losses, measurements_of(losses), metric="cross_entropy"))
    np.testing.assert_allclose(turned["estimate"], -gains["estimate"], rtol=1e-9)
    np.testing.assert_allclose(turned["low"], -gains["high"], rtol=1e-9)
    np.testing.assert_allclose(turned["se"], gains["se"], rtol=1e-9)


@settings(max_examples=5, deadline=None)
@given(st.permutations(CODES))
def test_a_permutation_of_the_languages_permutes_all_results(order):
    scores = sentence_scores(n_paragraphs=12)
    plain, permuted = (intervals_of(scores, languages=codes, keep_replicates=True) for codes in (CODES, tuple(order)))
    for name, keys in (
        ("cells", ["donor", "recipient", "score"]),
        ("scores", ["language", "score"]),
        ("types", ["language"]),
    ):
        left, right = (getattr(one, name).set_index(keys) for one in (plain, permuted))
        assert list(dict.fromkeys(right.index.get_level_values(0))) == list(order)
        pd.testing.assert_frame_equal(left, right.loc[left.index])
    places = [list(order).index(code) for code in CODES]
    np.testing.assert_array_equal(plain.replicates, permuted.replicates[:, places][:, :, places])


def test_replicates_are_as_wide_as_the_intervals():
    scores = sentence_scores(("de", "fi", "hu", "ru", "sv", "tr"), seeds=(0, 1, 2, 3, 4))
    codes = tuple(sorted(scores["recipient"].unique()))
    found = intervals_of(scores, languages=codes, n_replicates=4_000, keep_replicates=True)
    assert found.replicates.shape == (4_000, 6, 6)
    assert found.replicates.dtype == np.float32
    low, high = np.quantile(found.replicates, (0.025, 0.975), axis=0)
    cells = cells_of(found)
    for name, drawn in (("low", low), ("high", high)):
        wanted = square(cells[name], codes)
        off = ~np.eye(6, dtype=bool)
        np.testing.assert_allclose(drawn[off], wanted[off], atol=0.15 * np.nanmean(cells["high"] - cells["low"]))
    for name, axis in (("donation", 2), ("recipience", 1)):
        drawn = np.nansum(found.replicates, axis=axis).std(0)
        np.testing.assert_allclose(drawn, scores_of(found, name)["se"], rtol=0.25)
    again = intervals_of(scores, languages=codes, n_replicates=4_000, keep_replicates=True)
    np.testing.assert_array_equal(found.replicates, again.replicates)
    assert (
        intervals_of(scores, languages=codes, n_replicates=9, seed=1, keep_replicates=True).replicates[:9]
        != found.replicates[:9]
    ).any()
    assert intervals_of(scores).replicates is None


def test_types_are_as_sure_as_the_signs():
    nan = np.nan
    base = np.array([[nan, 0.5, 0.5], [-0.5, nan, -0.5], [0.02, -0.03, nan]])
    random = np.random.default_rng(0)
    found = intervals_from_replicates(
        replicates_of(*(base + 0.01 * random.normal(size=(3, 3)) for _ in range(4))),
        protocol="sequential",
        metric="mrr",
    ).types.set_index("language")
    # D(x-0) = 1 and R(x-0) = -0.48; D(x-1) = -1 and R(x-1) = 0.47; D(x-2) is about -0.01, R(x-2) = 0.
    assert found.loc["x-0", "p_O"] == 1
    assert found.loc["x-1", "p_AB+"] == 1
    assert found.loc["x-2", ["p_O", "p_A", "p_AB+", "p_none"]].max() < 0.9


def test_zero_shot_has_no_types():
    scores = sentence_scores(protocol="zero_shot")
    found = intervals_of(scores, protocol="zero_shot")
    assert found.types.filter(like="p_").isna().all().all()
    assert found.types["blood_type"].isna().all()
    known = found.cells[found.cells["low"].notna()]
    assert set(known["donor"]) == {"de", "fi", "hu"} == set(known["recipient"])  # Russian is of another script


# --- incomplete banks ----------------------------------------------------------------------------------------------


def test_missing_cells_have_no_interval_and_scale_their_sums():
    scores = sentence_scores()
    gone = (scores["donor"] == "de") & (scores["recipient"] == "hu")
    found = intervals_of(scores[~gone])
    cell = cells_of(found).loc[("de", "hu")]
    assert cell[["estimate", "low", "high", "se", "df"]].isna().all()
    assert cell["n_seeds"] == 0
    assert cells_of(found).drop(("de", "hu"))["low"].notna().all()
    of_d, of_mean = scores_of(found, "donation").loc["de"], scores_of(found, "donation_mean").loc["de"]
    assert not of_d["complete"]
    assert of_d["estimate"] == pytest.approx(3 * of_mean["estimate"])
    assert of_d["se"] == pytest.approx(3 * of_mean["se"])
    assert scores_of(found, "recipience")["complete"].tolist() == [True, True, False, True]


def test_unhealthy_models_void_as_in_the_bank():
    scores = sentence_scores()
    table = measurements_of(scores)
    table.loc[(table["donor"] == "") & (table["recipient"] == "hu"), "health"] = "unhealthy"
    table.loc[(table["donor"] == "fi") & (table["recipient"] == "de"), "health"] = "failed"
    found = intervals_of(scores, table)
    cells = cells_of(found)
    assert cells.xs("hu", level="recipient")["estimate"].isna().all()
    assert np.isnan(cells.loc[("fi", "de"), "low"])
    assert np.isnan(
        scores_of(found, "recipience").loc["hu", ["estimate", "low", "rank", "rank_low"]].astype(float)
    ).all()
    assert found.types.set_index("language").loc["hu"].filter(like="p_").isna().all()
    assert scores_of(found, "recipience")["rank"].max() == 3
    counted = cells_of(intervals_of(scores, table, include_unhealthy=True))
    assert counted.xs("hu", level="recipient")["low"].notna().all()
    assert np.isnan(counted.loc[("fi", "de"), "low"])


def test_ragged_seeds_pool_what_they_have():
    scores = sentence_scores(seeds=(0, 1, 2))
    few = ((scores["donor"] == "ru") | (scores["recipient"] == "ru")) & (scores["seed"] > 0)
    found = intervals_of(scores[~few])
    cells = cells_of(found)
    assert cells.loc[("ru", "de"), "n_seeds"] == 1
    assert cells.loc[("hu", "de"), "n_seeds"] == 3
    assert cells["low"].notna().all()
    ones = cells[cells["n_seeds"] == 1]["se"].mean()
    assert ones > 1.2 * cells[cells["n_seeds"] == 3]["se"].mean()
    assert "(1 to 3 a cell)" in found.covers
    assert "Cells with one seed are taken to vary as the others do." in found.covers


def test_equal_seeds_give_intervals_of_no_width():
    base = np.where(np.eye(3, dtype=bool), np.nan, 0.1)
    found = intervals_from_replicates(replicates_of(base, base), protocol="sequential", metric="mrr")
    cells = cells_of(found)
    assert cells["low"].tolist() == cells["estimate"].tolist() == cells["high"].tolist()
    assert scores_of(found, "donation")[["rank", "rank_low", "rank_high"]].to_numpy().tolist() == [[2.0, 1.0, 3.0]] * 3


# --- what is covered -----------------------------------------------------------------------------------------------


def test_what_is_covered_follows_from_the_data():
    scores = sentence_scores(seeds=(0, 1, 2))
    table = measurements_of(scores)
    one_seed = scores["seed"] == 0
    both = intervals_of(scores)
    paragraphs = intervals_of(scores[one_seed])
    seeds = measurement_intervals(table, None, **KEYS)
    nothing = measurement_intervals(measurements_of(scores[one_seed]), None, **KEYS)
    assert [(one.covers_seeds, one.covers_paragraphs) for one in (both, paragraphs, seeds, nothing)] == [
        (True, True), (False, True), (True, False), (False, False)
    ]  # fmt: skip
    assert both.covers.startswith("These intervals cover the choice of seeds (3 a cell) and of test paragraphs.")
    assert "cover the choice of test paragraphs only: no cell has more than one seed" in paragraphs.covers
    assert "cover the choice of seeds (3 a cell) only: there are no sentence scores" in seeds.covers
    assert nothing.covers.startswith(
        "There are no intervals: no cell has more than one seed, and there are no sentence"
    )
    for one in (both, seeds):
        assert one.covers.endswith("The choice of training text is not covered: it was the same in every seed.")
    for one in (paragraphs, nothing):
        assert one.covers.endswith("The choice of training text is not covered either.")
    for one in (both, paragraphs, seeds, nothing):
        assert "Cells with one seed" not in one.covers
    varied = intervals_of(scores, training_text_varies=True)
    assert varied.covers.endswith("Each seed had its own training text, so that its choice is covered too.")
    assert intervals_of(scores[one_seed], training_text_varies=True).covers.endswith("text is not covered either.")
    for name in ("low", "high", "se"):
        assert nothing.cells[name].isna().all()
        assert nothing.scores[name].isna().all()
    assert nothing.scores["rank_low"].isna().all()
    assert nothing.types.filter(like="p_").isna().all().all()
    assert nothing.scores["estimate"].notna().all()


def test_an_empty_bank_covers_nothing():
    found = what_is_covered(np.zeros((2, 2), dtype=int), with_paragraphs=True, training_text_varies=False)
    assert found == "These intervals cover nothing: no cell is measured."


# --- errors --------------------------------------------------------------------------------------------------------


def test_tables_of_two_runs_are_refused():
    table = measurements_of(sentence_scores())
    with pytest.raises(UsageError, match=r"do not belong to the measurements: F to de is"):
        measurement_intervals(table, sentence_scores(random=1), **KEYS)
    scores = sentence_scores()
    with pytest.raises(UsageError, match="no sentence scores of the monolingual model of hu"):
        measurement_intervals(table, scores[scores["recipient"] != "hu"], **KEYS)
    gone = (scores["recipient"] == "hu") & (scores["donor"] == "fi") & (scores["seed"] == 1)
    with pytest.raises(UsageError, match="A measured model of recipient hu has no sentence scores"):
        measurement_intervals(table, scores[~gone], **KEYS)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"level": 1.0}, "between 0 and 1, such as 0.95, but was given as 1"),
        ({"level": 95}, "was given as 95"),
        ({"n_replicates": 0}, "One replicate or more is needed, but 0 were asked for"),
        ({"metric": "bleu"}, "Unknown metric 'bleu'"),
        ({"protocol": "joint"}, "No measurement of protocol 'joint'"),
    ],
)
def test_wrong_settings_are_named(settings, message):
    with pytest.raises(UsageError, match=message):
        intervals_of(sentence_scores(), **settings)


def test_replicates_must_be_of_one_bank():
    base = [[np.nan, 0.1], [0.2, np.nan]]
    with pytest.raises(UsageError, match="There is no seed to work out intervals from"):
        intervals_from_replicates({}, protocol="sequential", metric="mrr")
    with pytest.raises(UsageError, match="The seeds have different languages"):
        intervals_from_replicates(
            {0: matrix(base, ["de", "fi"]), 1: matrix(base, ["de", "hu"])}, protocol="x", metric="mrr"
        )


# --- files ---------------------------------------------------------------------------------------------------------


def bank_of(scores, **settings):
    made = build_bank(measurements_of(scores), languages=CODES, name="made-up")
    return with_intervals(made, scores, IntervalOptions(**settings))


def test_files_give_back_what_was_written(tmp_path):
    scores = sentence_scores()
    gone = (scores["donor"] == "de") & (scores["recipient"] == "hu")
    written = bank_of(scores[~gone])
    paths = write_bank(written, tmp_path)
    assert [path.name for path in paths] == ["bank.json", "matrix.csv", "replicates.parquet"]
    found = read_bank(tmp_path)
    assert found == written
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(found.intervals, name), getattr(written.intervals, name))
    drawn, again = written.intervals.replicates, found.intervals.replicates
    assert np.isnan(drawn).sum() == 1_000 * (len(CODES) + 1)  # the diagonal and de→hu
    np.testing.assert_array_equal(np.isnan(again), np.isnan(drawn))
    np.testing.assert_allclose(again, drawn, atol=1e-5)
    assert again.dtype == np.float32


def test_intervals_of_another_bank_are_another_bank():
    scores = sentence_scores()
    assert bank_of(scores) != bank_of(scores, level=0.9)
    assert bank_of(scores) == bank_of(scores)


def test_equal_seeds_have_endless_degrees_of_freedom_on_disk_too(example_with, tmp_path):
    rows = pd.concat([example_with(seed=seed) for seed in range(2)])
    bank = with_intervals(build_bank(rows, languages=("de", "fi", "hu"), name="still"))
    assert np.isinf(bank.intervals.cells["df"]).all()
    write_bank(bank, tmp_path)
    assert '"inf"' in (tmp_path / "bank.json").read_text("utf-8")
    assert read_bank(tmp_path) == bank


def test_replicates_of_an_earlier_bank_are_neither_kept_nor_read(tmp_path):
    scores = sentence_scores()
    other, own = bank_of(sentence_scores(random=1)), bank_of(scores)
    write_bank(other, tmp_path / "other")
    write_bank(own, tmp_path)
    (tmp_path / "replicates.parquet").write_bytes((tmp_path / "other" / "replicates.parquet").read_bytes())
    found = read_bank(tmp_path)
    assert found == own
    assert found.intervals.replicates is None
    write_bank(dataclasses.replace(own, intervals=None), tmp_path)
    assert not (tmp_path / "replicates.parquet").exists()
    assert read_bank(tmp_path).intervals is None


def test_replicates_lose_no_digit_and_take_less_than_four_bytes_a_number(tmp_path):
    codes = tuple(f"x-{i:02}" for i in range(12))
    stack = known_noise(np.random.default_rng(0), 12, 3, rows=0.01, columns=0.02, cells=0.01)
    options = IntervalOptions(keep_replicates=True)
    found = intervals_from_replicates(
        replicates_of(*stack, codes=codes), protocol="sequential", metric="mrr", options=options
    )
    path = write_replicates(found, tmp_path)
    assert path.stat().st_size < 4 * 1_000 * 132
    again = read_replicates(dataclasses.replace(found, replicates=None), tmp_path)
    assert np.array_equal(again.replicates, found.replicates, equal_nan=True)


@pytest.mark.parametrize(
    ("part", "change", "message"),
    [
        ("level", lambda _: "high", "intervals.level is 'high'"),
        ("level", lambda _: 2, "intervals.level is 2"),
        ("scores", lambda rows: rows[:-1], "scores of the intervals"),
        ("types", lambda _: [], "types of the intervals"),
        ("cells", lambda cells: {}, "the intervals have no finetune_score"),
        (
            "cells",
            lambda cells: {"finetune_score": cells["finetune_score"] | {"low": [[0.0] * 9] * 9}},
            "low of the intervals of finetune_score",
        ),
    ],
)
def test_intervals_of_another_size_are_refused(part, change, message, tmp_path):
    write_bank(bank_of(sentence_scores()), tmp_path)
    content = json.loads((tmp_path / "bank.json").read_text("utf-8"))
    content["intervals"][part] = change(content["intervals"][part])
    (tmp_path / "bank.json").write_text(json.dumps(content), "utf-8")
    with pytest.raises(UsageError, match=message):
        read_bank(tmp_path)


def test_one_paragraph_is_no_choice_of_paragraphs():
    scores = sentence_scores(n_paragraphs=1)
    found = bank_of(scores).intervals
    assert found.covers_seeds
    assert not found.covers_paragraphs
    assert "of test paragraphs." not in found.covers


def test_a_damaged_file_of_replicates_is_named(tmp_path):
    write_bank(bank_of(sentence_scores()), tmp_path)
    path = tmp_path / "replicates.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UsageError, match=r"replicates.parquet is damaged.*Delete it"):
        read_bank(tmp_path)


def test_an_imported_matrix_with_seeds_has_intervals(tmp_path):
    rows = [
        f"{s},{t},{seed},{value + 0.01 * seed}"
        for (s, t), value in {("de", "fi"): 0.2, ("fi", "de"): 0.1, ("de", "hu"): 0.3, ("hu", "fi"): -0.1}.items()
        for seed in range(3)
    ]
    path = tmp_path / "long.csv"
    path.write_text("donor,recipient,seed,finetune\n" + "\n".join(rows) + "\n", "utf-8")
    found = read_matrix(path, value="finetune", values="finetune").intervals
    assert found.covers_seeds
    assert not found.covers_paragraphs
    assert found.replicates.shape == (1_000, 3, 3)


# --- a real run ----------------------------------------------------------------------------------------------------


def test_a_run_has_intervals(finished):
    _, run, _, _ = finished
    bank = read_bank(run)
    found = measurement_intervals(
        read_measurements(run / "measurements.csv"), run / "sentence_scores.parquet", languages=bank.languages,
        protocol="sequential", metric="mrr", include_unhealthy=True,
    )  # fmt: skip
    assert not found.covers_seeds
    assert found.covers_paragraphs
    cells = cells_of(found)
    pivoted = square(cells["estimate"], bank.languages)
    np.testing.assert_allclose(pivoted, bank.finetune_scores, rtol=1e-9)
    assert (cells["high"] > cells["low"]).all()

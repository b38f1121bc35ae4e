"""Groups of language pairs: against values by hand, tests worked out one by one, and planted effects."""

import dataclasses
import warnings
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bloodbank.analysis.groups import groups
from bloodbank.analysis.sharing import TESTS, sharing_tests, smallest_p
from bloodbank.analysis.typology import feature_effects
from bloodbank.bank import build_bank
from bloodbank.bank.bank import with_intervals
from bloodbank.bank.uncertainty.intervals import IntervalOptions
from bloodbank.errors import UsageError
from bloodbank.figures.groups import MAX_POINTS, groups_caption, groups_figure
from bloodbank.statistics.permutations import draw_orders
from bloodbank.statistics.tests import holm
from made_up_banks import measurements_of, sentence_scores
from made_up_banks import private_codes as codes


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def categories(values, languages=None, name="kind"):
    return pd.Series(list(values), index=languages or codes(len(values)), name=name, dtype=object)


def random_cells(rng, n):
    return 0.15 * rng.normal(size=(n, 1)) + 0.15 * rng.normal(size=(1, n)) + 0.1 * rng.normal(size=(n, n))


def residual(cells):
    """What is left of F after donor and recipient effects, by least squares on dummies."""
    n = len(cells)
    place = np.argwhere(~np.isnan(cells))
    design = np.zeros((len(place), 2 * n))
    for row, (i, j) in enumerate(place):
        design[row, i] = design[row, n + j] = 1
    y = cells[tuple(place.T)]
    left = np.full((n, n), np.nan)
    left[tuple(place.T)] = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
    return left


def by_hand(cells, left, values):
    """All five statistics, pair by pair."""
    n = len(values)
    pairs = [(i, j) for i in range(n) for j in range(n) if i != j and not np.isnan(cells[i, j])]
    sides = [[pair for pair in pairs if (values[pair[0]] == values[pair[1]]) == same] for same in (True, False)]
    same, other = (np.array([cells[pair] for pair in side]) for side in sides)
    adjusted = [np.mean([left[pair] for pair in side]) for side in sides]
    return [
        same.mean() - other.mean(),
        adjusted[0] - adjusted[1],
        np.log(same.var(ddof=1) / other.var(ddof=1)),
        np.mean(same < 0) - np.mean(other < 0),
        np.mean(same < -0.1) - np.mean(other < -0.1),
    ]


# a and b are of one kind, c and d of another.
#   same: a→b 0.4, b→a -0.2, c→d 0.1, d→c 0.3: mean 0.15, one below 0 and below -10%.
#   different: a→c -0.05, the other seven 0.05: mean 0.3 / 8, one below 0 and none below -10%.
PAPER = [[0, 0.4, -0.05, 0.05], [-0.2, 0, 0.05, 0.05], [0.05, 0.05, 0, 0.1], [0.05, 0.05, 0.3, 0]]


def test_the_example_on_paper(bank_of):
    found = groups(bank_of(PAPER), by=categories("ppqq"))
    assert found.summary["n_pairs"].to_list() == [4, 8]
    assert found.summary["mean"].to_list() == pytest.approx([0.15, 0.3 / 8])
    assert found.summary["median"].to_list() == pytest.approx([0.2, 0.05])
    assert found.summary["variance"].to_list() == pytest.approx([0.07, (7 * 0.0125**2 + 0.0875**2) / 7])
    assert found.summary["share_negative"].to_list() == [1 / 4, 1 / 8]
    assert found.summary["share_below_border"].to_list() == [1 / 4, 0]
    assert found.summary["n_negative"].to_list() == [1, 1]
    assert found.tests.loc["mean", "statistic"] == pytest.approx(0.15 - 0.3 / 8)
    assert found.tests.loc["share_negative", "statistic"] == 1 / 8
    assert found.exact
    assert found.n_permutations == 24
    assert found.smallest_p == pytest.approx(1 / 3)  # three ways to make two pairs
    assert found.by == "kind"
    assert len(found.cells) == 12
    assert found.cells["same"].sum() == 4
    # {ac, bd}: same -0.05 0.05 0.05 0.05; {ad, bc}: all 0.05. The split that was measured has the largest difference.
    assert found.tests.loc["mean", "p"] == pytest.approx(1 / 3)
    assert found.tests["p_holm"].to_list() == pytest.approx(list(holm(found.tests["p"].to_numpy())))


@pytest.mark.parametrize("share_missing", [0.0, 0.2])
def test_small_matrices_are_tested_exactly(share_missing):
    rng = np.random.default_rng(round(10 * share_missing))
    cells, values = random_cells(rng, 6), np.array([0, 1, 0, 2, 1, 0])
    cells[rng.random((6, 6)) < share_missing] = np.nan
    np.fill_diagonal(cells, np.nan)
    orders, exact = draw_orders(6, None, 0)
    assert exact
    with np.errstate(invalid="ignore", divide="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        every = np.array([by_hand(cells, residual(cells), values[list(order)]) for order in permutations(range(6))])
    assert every[0] == pytest.approx(sharing_tests(cells, values, orders)["statistic"].to_list(), abs=1e-9)
    every = np.where(np.isnan(every), np.inf, every)
    every[:, 2] -= np.median(every[np.isfinite(every[:, 2]), 2])
    expected = (np.abs(every) >= np.abs(every[0]) - 1e-9).mean(axis=0)
    assert sharing_tests(cells, values, orders)["p"].to_list() == pytest.approx(list(expected))


@pytest.mark.parametrize("n", [12, 65])  # single precision beyond 60
@pytest.mark.parametrize("share_missing", [0.0, 0.2])
def test_drawn_relabellings_give_the_statistics_pair_by_pair(n, share_missing):
    rng = np.random.default_rng(n)
    cells, values = random_cells(rng, n), rng.integers(0, 4, n)
    cells[rng.random((n, n)) < share_missing] = np.nan
    np.fill_diagonal(cells, np.nan)
    orders, _ = draw_orders(n, 12, 3)
    left = residual(cells)
    every = np.array([by_hand(cells, left, values[order]) for order in orders])
    table = sharing_tests(cells, values, orders)
    for place, test in enumerate(TESTS):
        null = every[:, place] - (np.median(every[:, place]) if test == "log_variance_ratio" else 0)
        assert table.loc[test, "p"] == pytest.approx(np.mean(np.abs(null) >= np.abs(null[0]) - 1e-9))
        assert table.loc[test, ["null_low", "null_high"]].to_list() == pytest.approx(
            np.quantile(every[:, place], [0.025, 0.975]), abs=1e-5
        )


def test_means_are_those_of_the_test_of_features(bank_of):
    rng = np.random.default_rng(4)
    bank, values = bank_of(random_cells(rng, 14)), categories(rng.choice(list("pqr"), 14))
    found = groups(bank, by=values, n_permutations=499).tests
    for test, control in (("mean", "none"), ("adjusted_mean", "additive")):
        row = feature_effects(
            bank.finetune_scores, values.to_frame(), control=control, n_permutations=499, min_languages=1
        ).table.loc["kind"]
        assert found.loc[test, "statistic"] == pytest.approx(row["effect"], abs=1e-9)
        assert found.loc[test, "p"] == row["p"]
        assert found.loc[test, "null_low"] == pytest.approx(row["null_low"], abs=1e-9)


@pytest.mark.parametrize(("n", "values"), [(4, [0, 0, 1, 1]), (5, [0, 0, 0, 1, 2]), (3, [0, 1, 2])])
def test_the_smallest_p_is_that_of_orders_that_change_nothing(n, values):
    values = np.array(values)
    together = values[:, None] == values[None, :]
    same = [((values[list(o)][:, None] == values[list(o)][None, :]) == together).all() for o in permutations(range(n))]
    assert smallest_p(values, 0, exact=True) == pytest.approx(np.mean(same))
    assert smallest_p(values, 999, exact=False) == 0.001


# The claim on negative cells: four cells of the same kind, eight of different ones, some of them below each border.
# By verdict, and what the share at the other border does: negative and below -10%, of the same kind and of others.
VERDICTS = {
    ("holds at both borders", ""): ((0, 0), (4, 3)),
    ("depends on the border: it holds only at -10%", "the other way round"): ((4, 0), (4, 3)),
    ("depends on the border: it holds only at -10%", "equal"): ((2, 0), (4, 3)),
    ("depends on the border: it holds only at 0%", "the other way round"): ((1, 1), (6, 0)),
    ("depends on the border: it holds only at 0%", "equal"): ((0, 0), (6, 0)),
    ("holds at neither border", "both the other way round"): ((4, 3), (0, 0)),
    ("holds at neither border", "both equal"): ((2, 1), (4, 2)),
    ("holds at neither border", "one equal, one the other way round"): ((2, 2), (4, 0)),
}


@pytest.mark.parametrize("verdict", VERDICTS)
def test_more_negative_cells_hold_where_the_numbers_say_so(bank_of, verdict):
    numbers = []
    for n_cells, (n_negative, n_below) in zip((4, 8), VERDICTS[verdict], strict=True):
        numbers.append([-0.3] * n_below + [-0.02] * (n_negative - n_below) + [0.2] * (n_cells - n_negative))
    cells = np.zeros((4, 4))
    alike = np.array([[a == b for b in "ppqq"] for a in "ppqq"])
    off = ~np.eye(4, dtype=bool)
    cells[alike & off], cells[~alike] = numbers
    # of the same script: de and fr (Latin), ru and bg (Cyrillic)
    said = groups(bank_of(cells, ["de", "fr", "ru", "bg"])).sentences()
    (line,) = [line for line in said if line.startswith("That more cells are negative")]
    assert (
        "negative between languages of different scripts than of the same script, as the paper says of its matrix, "
        f"{verdict[0]}: "
    ) in line
    (line,) = [
        line for line in groups(bank_of(cells), by=categories("ppqq")).sentences() if line.startswith("That more")
    ]
    assert f"with a different kind than with the same kind {verdict[0]}: " in line
    assert "paper" not in line


def planted(sign, rng, *, spread=0.0, n=16):
    values = list("pq" * (n // 2))
    alike = np.array([[a == b for b in values] for a in values])
    noise = 0.05 * rng.normal(size=(n, n)) * (1 + spread * alike)
    return noise + 0.3 * sign * alike, categories(values)


@pytest.mark.parametrize(("sign", "word"), [(1, "higher"), (-1, "lower")])
def test_a_planted_difference_is_found_and_its_sign_changes_the_sentences(bank_of, sign, word):
    cells, values = planted(sign, np.random.default_rng(1))
    found = groups(bank_of(cells), by=values, n_permutations=999)
    said = found.sentences()
    assert said[0].count(f"percentage points {word} where the kind is shared (beyond chance, p = ") == 2
    assert said[2].startswith("Beyond chance where the kind is shared, after Holm's correction for ")
    assert f": mean F {word}, mean F after donor and recipient effects {word}" in said[2]


@pytest.mark.parametrize(("spread", "word"), [(4.0, "higher"), (-0.8, "lower")])
def test_a_planted_spread_is_found_and_its_direction_changes_the_sentence(bank_of, spread, word):
    cells, values = planted(0, np.random.default_rng(2), spread=spread)
    found = groups(bank_of(cells), by=values, n_permutations=999)
    assert f": the variance of F {word}" in found.sentences()[2]


def test_without_an_effect_nothing_is_found(bank_of):
    rng = np.random.default_rng(5)
    found = groups(bank_of(random_cells(rng, 16)), by=categories(list("pq" * 8)), n_permutations=499)
    said = found.sentences()
    assert found.tests["p_holm"].min() > 0.05
    assert "(not beyond chance, p = " in said[0]
    assert said[2] == (
        "Beyond chance where the kind is shared, after Holm's correction for 5 tests by 499 relabellings of the "
        "languages: nothing."
    )


def test_what_only_correction_takes_away_is_called_not_settled(bank_of):
    found = groups(bank_of(random_cells(np.random.default_rng(5), 16)), by=categories(list("pq" * 8)))
    tests = found.tests.copy()
    tests.loc["mean", ["p", "p_holm"]] = (0.02, 0.1)
    changed = dataclasses.replace(found, tests=tests)
    assert "(not settled, p = 0.02, corrected 0.100)" in changed.sentences()[0]


def test_good_donors_with_one_script_do_not_make_it_good_to_share(bank_of):
    values = ["p"] * 9 + ["q"] * 5
    gives = np.where(np.array(values) == "p", 0.5, 0.0)[:, None] + 0.02 * np.random.default_rng(0).normal(size=(14, 14))
    found = groups(bank_of(gives), by=categories(values), n_permutations=999)
    assert found.tests.loc["mean", "statistic"] > 0.1
    assert found.tests.loc["mean", "p"] < 0.05
    assert abs(found.tests.loc["adjusted_mean", "statistic"]) < 0.01
    assert found.tests.loc["adjusted_mean", "p"] > 0.05


def test_languages_without_a_category_drop_out_and_are_named(bank_of):
    cells = random_cells(np.random.default_rng(0), 6)
    bank = bank_of(cells, ["de", "fr", "ru", "bg", "x-toy", "x-play"])
    found = groups(bank, by="family")
    assert found.without == ("x-toy", "x-play")
    assert found.sentences()[-1] == "Left out by family: languages of which no family is known: x-toy, x-play."
    kept = bank_of(cells[:4, :4], ["de", "fr", "ru", "bg"])
    pd.testing.assert_frame_equal(groups(kept, by="family").summary, found.summary)
    assert not any(line.startswith("Left out") for line in groups(kept, by="family").sentences())


@pytest.mark.parametrize(
    ("cells", "values", "reason"),
    [
        ([[0, 0.1], [0.2, 0]], "pp", "no measured pair is of languages with a different kind."),
        ([[0, 0.1], [0.2, 0]], "pq", "no measured pair is of languages with the same kind."),
        ([[0, 0.1], [0.2, 0]], [None, None], "no measured pair is of languages with the same kind."),
        (np.full((3, 3), np.nan), "ppq", "no measured pair is of languages with the same kind."),
    ],
)
def test_what_cannot_be_compared_is_said(bank_of, cells, values, reason):
    bank = bank_of(np.where(np.isnan(cells), 0.1, cells))
    missing = bank.finetune_scores.where(~np.isnan(np.array(cells, dtype=float)))
    found = groups(dataclasses.replace(bank, finetune_scores=missing), by=categories(list(values)))
    assert found.sentences()[0] == f"Comparing F by kind: not possible, because {reason}"
    assert found.tests["p"].isna().all()
    assert (found.tests["reason"] != "").all()
    assert groups_figure([found], "made up").axes


def test_one_measured_pair_and_equal_cells(bank_of):
    bank = bank_of(np.full((4, 4), 0.2))
    said = groups(bank, by=categories("ppqq")).sentences()
    assert "a test is not possible, because all measured cells are equal" in said[0]
    assert "the same to a tenth of a percentage point, whether the kind is shared or not" in said[0]
    assert not any(line.startswith("Beyond chance") for line in said)
    only = bank.finetune_scores.where(np.array([[False, True, False, False]] + [[False] * 4] * 3))
    found = groups(dataclasses.replace(bank, finetune_scores=only), by=categories("ppqq"))
    assert found.summary["n_pairs"].to_list() == [1, 0]
    assert found.n_missing == 11
    assert found.sentences()[-1] == "Left out by kind: 11 pairs not measured."
    assert found.sentences()[0].endswith("no measured pair is of languages with a different kind.")


def test_borders_without_a_cell_below_and_additive_cells_are_not_tested(bank_of):
    rng = np.random.default_rng(3)
    found = groups(
        bank_of(0.5 + 0.2 * rng.random((8, 1)) + 0.2 * rng.random((1, 8))), by=categories("ppppqqqq"), n_permutations=99
    )
    reasons = found.tests["reason"]
    assert reasons["adjusted_mean"] == "donor and recipient effects explain all of F"
    assert reasons["share_negative"] == reasons["share_below_border"] == "no cell is below that border"
    assert "Holm's correction for 2 tests" in " ".join(found.sentences())
    below = groups(bank_of(-0.5 - 0.2 * rng.random((8, 8))), by=categories("ppppqqqq"), n_permutations=99)
    assert below.tests.loc["share_negative", "reason"] == "all cells are below that border"


def test_few_languages_cannot_settle_anything_and_that_is_said(bank_of):
    said = groups(bank_of(PAPER), by=categories("ppqq")).sentences()
    assert said[-1].endswith("; so few languages or relabellings settle little, since no p can be below 0.333.")
    many = groups(bank_of(random_cells(np.random.default_rng(0), 9)), by=categories("ppppqqqqq"), n_permutations=999)
    assert "settle little" not in " ".join(many.sentences())


def test_measurement_error_is_said_where_it_is_known(bank_of):
    scores = sentence_scores(n_paragraphs=30)
    bank = build_bank(measurements_of(scores), languages=("de", "fi", "hu", "ru"), name="made up")
    assert groups(bank).measured_how == "the bank has no measurement intervals"
    assert "measurement error is not in it" in groups(bank).sentences()[0]
    bank = with_intervals(bank, scores, IntervalOptions(n_replicates=200))
    found = groups(bank)
    same = np.array([[a == b or "ru" not in (a, b) for b in bank.languages] for a in bank.languages])
    off = ~np.eye(4, dtype=bool)
    drawn = bank.intervals.replicates
    differences = drawn[:, same & off].mean(1) - drawn[:, ~same].mean(1)
    assert found.measured == pytest.approx(tuple(np.quantile(differences, [0.025, 0.975])), abs=1e-6)
    assert found.measured_how == "95%, by the choice of seeds and test paragraphs"
    for low, high, settled in ((-0.1, 0.2, "leaves its sign open"), (0.1, 0.2, "does not change its sign")):
        line = dataclasses.replace(found, measured=(low, high)).sentences()[0]
        assert (
            f"measurement error {settled}, {100 * low:+.1f} to +20.0 points (95%, by the choice of seeds and test "
            "paragraphs)"
        ) in line
    bare = dataclasses.replace(bank, intervals=dataclasses.replace(bank.intervals, replicates=None))
    assert "come without their replicates" in groups(bare).measured_how
    one = build_bank(measurements_of(scores[scores["seed"] == 0]), languages=bank.languages, name="one seed")
    assert groups(with_intervals(one)).measured_how == "nothing is known of the error of some cells"


@given(st.integers(0, 10**6), st.randoms(use_true_random=False))
@settings(max_examples=8, deadline=None)
def test_the_order_of_languages_changes_nothing(seed, random):
    rng = np.random.default_rng(seed)
    names = codes(9)
    cells = pd.DataFrame(random_cells(rng, 9), names, names)
    cells = cells.mask(rng.random((9, 9)) < 0.1)
    values = categories(list("pppqqqrrr"))

    def found(order):
        alone = dict.fromkeys(order, 1.0)
        pairs = [(s, t) for s in order for t in order if s != t and not np.isnan(cells.loc[s, t])]
        rows = [("monolingual", "", code, value) for code, value in alone.items()]
        rows += [("sequential", s, t, 1 + cells.loc[s, t]) for s, t in pairs]
        table = pd.DataFrame(rows, columns=["protocol", "donor", "recipient", "value"]).assign(
            seed=0, metric="mrr", n_masked=1, standard_error=0.1, updates=1, tokens_seen=1, seconds=1.0, device="cpu",
            health="healthy", health_z=9.0,
        )  # fmt: skip
        return groups(build_bank(table, languages=order, name="made up"), by=values, n_permutations=49)

    first, second = found(names), found(random.sample(names, 9))
    pd.testing.assert_frame_equal(first.tests, second.tests)
    pd.testing.assert_frame_equal(first.summary, second.summary)
    pd.testing.assert_frame_equal(first.cells, second.cells)
    assert first.sentences() == second.sentences()


def test_chance_finds_a_difference_as_often_as_it_says():
    """One in twenty, for each of the five tests, on matrices in which donors and recipients differ."""
    found = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        cells = random_cells(rng, 12)
        np.fill_diagonal(cells, np.nan)
        values = np.array([*range(4), *rng.integers(0, 4, 8)])
        found.append(sharing_tests(cells, values, draw_orders(12, 99, seed)[0])["p"].to_numpy(dtype=float) <= 0.05)
    assert (np.mean(found, axis=0) < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 200)).all()


def test_wrong_input_is_refused(bank_of):
    bank = bank_of(PAPER)
    with pytest.raises(UsageError, match=r"Unknown category 'tone'\. Known: script, family; or give a Series"):
        groups(bank, by="tone")
    with pytest.raises(UsageError, match=r"0 relabellings were asked for; at least 1"):
        groups(bank, by=categories("ppqq"), n_permutations=0)
    with pytest.raises(UsageError, match=r"name a language twice"):
        groups(bank, by=categories("ppqq", ["x-l000"] * 4))
    with pytest.raises(UsageError, match=r"no comparison to draw"):
        groups_figure([], "made up")


def test_the_released_matrix(published):
    found = groups(published)
    assert found.summary["n_pairs"].to_list() == [74, 388]
    assert found.summary["n_below_border"].sum() == 50  # the negative level of the paper
    (line,) = [line for line in found.sentences() if line.startswith("That more cells are negative")]
    assert "as the paper says of its matrix, depends on the border: it holds only at -10%" in line
    assert "36.1% against 37.8% below 0% (not beyond chance" in line
    assert "12.1% against 4.1% below -10% (not beyond chance" in line
    assert found.tests["p_holm"].min() > 0.05
    family = groups(published, by="family")
    assert family.summary["n_pairs"].to_list() == [140, 322]
    assert not any("paper" in line for line in family.sentences())


def texts(axes):
    return [text.get_text() for text in axes.texts] + [label.get_text() for label in axes.get_xticklabels()]


def test_the_figure_shows_both_sides_of_each_category(published):
    results = [groups(published, by=by, n_permutations=99) for by in ("script", "family")]
    figure = groups_figure(results, "22 languages")
    panels = [axes for axes in figure.axes if axes.get_label() in ("script", "family")]
    assert [axes.get_label() for axes in panels] == ["script", "family"]
    assert panels[0].get_ylim() == panels[1].get_ylim()
    assert panels[0].get_ylabel() == "F in percent (> 0: the donor helps)"
    written = texts(panels[0])
    assert "same script\n74 pairs\n37.8% below 0%\n4.1% below −10%" in written
    assert "different script\n388 pairs\n36.1% below 0%\n12.1% below −10%" in written
    assert "mean\n+8.4%" in written
    points = [line for line in panels[0].lines if line.get_linestyle() == "None" and len(line.get_xdata()) > 1]
    assert [len(line.get_xdata()) for line in points] == [74, 388]
    again = groups_figure(results, "22 languages")
    assert again.axes[0].lines[2].get_xdata().tolist() == figure.axes[0].lines[2].get_xdata().tolist()
    caption = groups_caption(results)
    assert "by script, 74 ordered pairs that share it and 388 that do not (22 languages)" in caption
    assert "F in percent" in caption
    assert "figure 5" in caption


def test_the_figure_of_many_pairs_shows_some_and_says_so(bank_of):
    cells = random_cells(np.random.default_rng(0), 60)
    cells[0, 2], cells[1, 4] = 9.0, 8.0
    found = groups(bank_of(cells), by=categories(list("pq" * 30), name="a category with quite a long name"))
    found = dataclasses.replace(found, cells=pd.concat([found.cells] * 2, ignore_index=True))
    found.summary.loc["same", "n_pairs"] *= 2
    figure = groups_figure([found], "60 languages")
    heading = "\n".join(text.get_text() for text in figure.texts)
    assert f"of more than {MAX_POINTS:,} pairs, {MAX_POINTS:,} drawn at random are shown" in heading
    assert "black points at the edge lie beyond it" in heading
    black = [line for line in figure.axes[0].lines if line.get_color() == "black" and line.get_marker() in "o^"]
    assert sum(len(line.get_xdata()) for line in black) == 4


def test_too_few_cells_for_a_spread_are_said(bank_of):
    cells = np.array([[0, 0.1, 0.1, 0.3], [0.3, 0, 0.1, 0.3], [0.1, 0.3, 0, 0.1], [0.1, 0.3, 0.3, 0]])
    bank = bank_of(cells)
    one = bank.finetune_scores.mask(np.array([[a == b for b in "ppqq"] for a in "ppqq"]) & (cells != 0.1))
    found = groups(dataclasses.replace(bank, finetune_scores=one), by=categories("ppqq"))
    assert found.summary.loc["same", "n_pairs"] == 2
    reason = "the cells of one side are fewer than two, or all equal"
    assert found.tests.loc["log_variance_ratio", "reason"] == reason
    one.iloc[0, 1] = np.nan
    found = groups(dataclasses.replace(bank, finetune_scores=one), by=categories("ppqq"))
    assert found.tests.loc["log_variance_ratio", "reason"] == reason

"""Transfer levels: counts by hand, borders drawn again, and sentences that follow."""

import dataclasses
import warnings
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bloodbank.analysis.levels import data_levels, levels
from bloodbank.bank import build_bank
from bloodbank.bank.bank import with_intervals
from bloodbank.bank.scores import LEVEL_BORDERS, LEVELS, matrix, transfer_levels
from bloodbank.bank.uncertainty.intervals import IntervalOptions
from bloodbank.errors import UsageError
from bloodbank.figures.histogram import histogram_edges, robust_range
from bloodbank.figures.levels import levels_caption, levels_figure
from bloodbank.statistics.natural_breaks import natural_breaks
from made_up_banks import measurements_of, sentence_scores
from made_up_banks import private_codes as codes


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def square(values):
    """A matrix whose cells off the diagonal are these values, row by row."""
    n = next(n for n in range(2, 99) if n * (n - 1) == len(values))
    cells = np.zeros((n, n))
    cells[~np.eye(n, dtype=bool)] = values
    return cells


def squared_error(values, borders):
    place = np.digitize(values, borders)
    return sum(((values[place == level] - values[place == level].mean()) ** 2).sum() for level in np.unique(place))


def test_levels_of_any_borders():
    finetune = matrix([[np.nan, -0.2, 0.1], [0.0, np.nan, 0.3], [0.55, np.nan, np.nan]], ["de", "fi", "hu"])
    assert data_levels(finetune, LEVEL_BORDERS).equals(transfer_levels(finetune))
    found = data_levels(finetune, [-0.2, 0.05, 0.3])
    assert found.loc["de", "fi"] == "neutral"  # a border belongs to the level above it
    assert found.loc["fi", "de"] == "neutral"
    assert found.loc["de", "hu"] == "positive"
    assert found.loc["fi", "hu"] == "very positive"
    assert found.loc["hu", "fi"] is None
    for borders in ([0.1, 0.2], [0.3, 0.2, 0.4], [0.1, 0.1, 0.2], [0.1, 0.2, np.inf], []):
        with pytest.raises(
            UsageError, match=r"Borders of levels are 3 rising fractions of F, such as -0\.1, 0\.1, 0\.55"
        ):
            data_levels(finetune, borders)


# Twelve cells in four tight groups, around -30, 1, 25 and 80 percent.
GROUPS = np.array([-0.31, -0.30, -0.29, 0.0, 0.01, 0.02, 0.03, 0.24, 0.25, 0.26, 0.79, 0.81])


def test_the_example_on_paper(bank_of):
    found = levels(bank_of(square(GROUPS)))
    assert found.source == "paper"
    assert found.counts["paper"].to_list() == found.counts["data"].to_list() == [3, 4, 3, 2]
    assert found.data_borders["border"].to_list() == pytest.approx([-0.145, 0.135, 0.525])
    assert found.zero_level == "neutral"
    said = found.sentences()
    assert said[0] == (
        "By the paper's borders (-10, 10 and 55%), 12 cells: 3 negative, 4 neutral, 3 positive and 2 very positive; "
        "the levels hold 100% of the variance of F."
    )
    assert said[1] == (
        "Borders that the data draw, as natural breaks: -14.5, 13.5 and 52.5%; how sure they are: not possible, "
        "because 4 languages are too few to be drawn again (at least 6); they move no cell to another level than the "
        "paper's borders."
    )
    assert said[2] == "Zero lies in the second of the data's levels, which may be called neutral."
    assert said[3] == "Cells that are sure not to be zero: not possible, because the bank has no measurement intervals."
    assert len(said) == 4
    total = ((GROUPS - GROUPS.mean()) ** 2).sum()
    assert found.fit["paper"] == pytest.approx(1 - squared_error(GROUPS, LEVEL_BORDERS) / total)


@pytest.mark.parametrize(("shift", "place"), [(0.5, "first"), (-0.25, "third"), (-1.2, "fourth")])
def test_zero_outside_the_second_level_is_said(bank_of, shift, place):
    found = levels(bank_of(square(GROUPS + shift)))
    (line,) = [line for line in found.sentences() if line.startswith("Zero lies")]
    assert line.startswith(f"Zero lies in the {place} of the data's levels")
    assert "is no absence of transfer" in line


def test_cells_that_change_level_are_counted(bank_of):
    found = levels(bank_of(square(GROUPS)), borders=[-0.295, 0.015, 0.5])
    assert found.source == "given"
    assert found.counts["given"].to_list() == [2, 3, 5, 2]
    assert found.moves.loc["positive", "neutral"] == 2
    assert found.sentences()[0].startswith("By the given borders (-29.5, 1.5 and 50%), 12 cells: 2 negative, 3 neutral")
    assert found.sentences()[1].endswith("they move 3 of 12 cells to another level than the given borders.")
    one = levels(bank_of(square(GROUPS)), borders=[-0.295, 0.1, 0.5])
    assert one.sentences()[1].endswith("they move 1 of 12 cells to another level than the given borders.")
    turned = levels(bank_of(square(GROUPS)), borders="data")
    assert turned.source == "data"
    assert turned.other_source == "paper"
    assert list(turned.counts.columns) == ["data", "paper"]
    assert turned.borders == pytest.approx((-0.145, 0.135, 0.525))
    assert turned.sentences()[1].endswith("they move no cell to another level than the paper's borders.")


def test_borders_are_drawn_again_by_language_as_with_a_matrix_of_its_own(bank_of):
    rng = np.random.default_rng(3)
    cells = np.round(rng.normal(size=(8, 8)) * 0.2, 3)
    found = levels(bank_of(cells))
    assert found.n_resamples == 400
    assert found.no_interval == ""
    table = found.data_borders
    assert (table["low"] <= table["high"]).all()
    # the same drawing, with the matrix of the languages drawn; a language and its double are no pair
    from bloodbank.randomness import generator

    drawn = []
    for chosen in generator("levels", 8, 0).integers(0, 8, (400, 8)):
        apart = chosen[:, None] != chosen[None, :]
        drawn.append(natural_breaks(cells[np.ix_(chosen, chosen)][apart], 4))
    low, high = np.quantile(np.array(drawn), [0.025, 0.975], axis=0)
    assert table["low"].to_numpy() == pytest.approx(low, abs=2e-3)
    assert table["high"].to_numpy() == pytest.approx(high, abs=2e-3)
    share = np.mean([borders[0] <= 0 < borders[1] for borders in drawn])
    assert found.zero_in_neutral == pytest.approx(share, abs=0.01)
    said = found.sentences()
    low, high = (f"{100 * table[bound].iloc[0]:+.1f}%" for bound in ("low", "high"))
    assert f"(95% interval {low} to {high})" in said[1]
    (line,) = [line for line in said if line.startswith("Zero lies")]
    assert f"{100 * found.zero_in_neutral:.0f}% of the resamples" in line


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        ((-0.2, 0.0, 0.4), (0.0, 0.2, 0.6), "all of the paper's borders lie within these intervals;"),
        ((-0.2, 0.2, 0.4), (0.0, 0.3, 0.6), "of the paper's borders, 10% lies outside these intervals;"),
        ((-0.2, 0.2, 0.6), (0.0, 0.3, 0.7), "of the paper's borders, 10 and 55% lie outside these intervals;"),
        ((0.0, 0.2, 0.6), (0.1, 0.3, 0.7), "of the paper's borders, -10, 10 and 55% lie outside these intervals;"),
    ],
)
@pytest.mark.parametrize("borders", [None, "data"])
def test_whether_the_papers_borders_lie_in_the_ranges_is_said(bank_of, low, high, expected, borders):
    found = levels(bank_of(0.2 * np.random.default_rng(3).normal(size=(8, 8))), borders=borders)
    table = found.data_borders.assign(low=low, high=high)
    assert expected in dataclasses.replace(found, data_borders=table).sentences()[1]


@pytest.mark.parametrize("borders", [None, "data"])
def test_what_cannot_be_drawn_is_said(bank_of, borders):
    two = levels(bank_of([[0, 0.2], [0.6, 0]]), borders=borders)
    assert two.source == "paper"
    assert two.counts["paper"].to_list() == [0, 0, 1, 1]
    reason = (
        "Borders drawn by the data: not possible, because 4 levels need as many different values of F, and there are"
    )
    assert f"{reason} 2." in two.sentences()
    assert two.data_borders.empty
    assert two.moves.empty
    equal = levels(bank_of(np.full((7, 7), 0.2)), borders=borders)
    assert f"{reason} 1." in equal.sentences()
    assert np.isnan(equal.fit["paper"])
    assert "variance" not in equal.sentences()[0]
    bank = bank_of(np.full((3, 3), 0.2))
    none = levels(dataclasses.replace(bank, finetune_scores=bank.finetune_scores * np.nan), borders=borders)
    assert none.sentences() == ["Transfer levels: not possible, because no cell is measured."]
    for found in (two, equal, none):
        assert levels_figure(found, "made up").axes
        assert "Histogram of the finetune score F" in levels_caption(found)


def test_too_few_different_resamples_are_said(bank_of):
    values = np.full((6, 6), 0.1)
    values[0, 1:4] = (0.2, 0.3, 0.4)
    found = levels(bank_of(values))
    assert "not possible, because too few of the resamples of the languages hold four different values" in " ".join(
        found.sentences()
    )
    assert found.data_borders["low"].isna().all()


def with_cells(bank, low, high):
    """Give a bank these intervals of F."""
    n = len(bank.languages)
    rows = [
        {"donor": s, "recipient": t, "score": "finetune_score", "low": low[i, j], "high": high[i, j]}
        for i, s in enumerate(bank.languages)
        for j, t in enumerate(bank.languages)
        if i != j and n
    ]
    return dataclasses.replace(bank, intervals=dataclasses.replace(bank.intervals, cells=pd.DataFrame(rows)))


@pytest.fixture(scope="module")
def measured():
    scores = sentence_scores(n_paragraphs=20)
    bank = build_bank(measurements_of(scores), languages=("de", "fi", "hu", "ru"), name="made up")
    return with_intervals(bank, scores, IntervalOptions(n_replicates=20))


def test_cells_that_exclude_zero_are_counted_by_level(measured):
    f = square(GROUPS)
    bank = dataclasses.replace(measured, finetune_scores=matrix(f, measured.languages))
    wide = np.full((4, 4), 0.05)
    wide[0, 1:] = 0.305  # -0.31 stays below zero, -0.30 and -0.29 do not
    low, high = f - wide, f + wide
    low[3, 2] = np.nan
    found = levels(with_cells(bank, low, high))
    table = found.noise.table
    assert table["n_cells"].to_list() == [3, 4, 3, 2]
    assert table["n_known"].to_list() == [3, 4, 3, 1]
    assert table["n_below"].to_list() == [1, 0, 0, 0]
    assert table["n_neutral"].to_list() == [2, 4, 0, 0]
    assert table["n_above"].to_list() == [0, 0, 3, 1]
    assert found.noise.half_width == pytest.approx(0.05)
    assert found.noise.neutral.loc["de", "fi"] is False
    assert found.noise.neutral.loc["de", "hu"] is True
    assert found.noise.neutral.loc["ru", "hu"] is None
    said = found.sentences()
    assert said[-1] == (
        "The 95% interval by the choice of seeds and test paragraphs excludes zero for 5 of 11 cells (1 below, 4 "
        "above), where 1 would were all of F zero; the middlemost reaches 5.0 points to either side, the neutral level "
        "10.0; 1 cell without an interval."
    )
    nothing = levels(with_cells(bank, f - 2, f + 2)).sentences()
    assert "excludes zero for 0 of 12 cells (0 below, 0 above), where 1 would" in nothing[-1]
    assert "the middlemost reaches 200.0 points to either side, the neutral level 10.0" in nothing[-1]
    unknown = levels(with_cells(bank, np.full((4, 4), np.nan), np.full((4, 4), np.nan))).sentences()
    assert unknown[-1].endswith("not possible, because nothing is known of the error of any cell.")


def test_intervals_of_a_bank_are_used_as_they_are(measured):
    found = levels(measured)
    cells = measured.intervals.cells
    cells = cells[cells["score"] == "finetune_score"]
    assert found.noise.table["n_above"].sum() == (cells["low"] > 0).sum()
    assert found.noise.table["n_below"].sum() == (cells["high"] < 0).sum()
    assert found.noise.table["n_known"].sum() == 12


@given(st.integers(0, 10**6), st.randoms(use_true_random=False))
@settings(max_examples=5, deadline=None)
def test_the_order_of_languages_changes_nothing(measured, seed, random):
    rng = np.random.default_rng(seed)
    names = codes(7)
    finetune = matrix(0.3 * rng.normal(size=(7, 7)), names).mask(rng.random((7, 7)) < 0.1)
    order = random.sample(names, 7)
    bare = dataclasses.replace(measured, intervals=None)
    first, second = (
        levels(dataclasses.replace(bare, languages=tuple(one), finetune_scores=finetune.loc[one, one]))
        for one in (names, order)
    )
    pd.testing.assert_frame_equal(first.data_borders, second.data_borders)
    pd.testing.assert_frame_equal(first.counts, second.counts)
    assert list(second.levels.index) == order
    pd.testing.assert_frame_equal(first.levels, second.levels.loc[names, names])
    assert first.sentences() == second.sentences()


def test_wrong_borders_are_refused(bank_of):
    bank = bank_of(square(GROUPS))
    with pytest.raises(UsageError, match=r"Unknown borders 'quantiles'\. Known: 'data'; or give three numbers"):
        levels(bank, borders="quantiles")
    with pytest.raises(UsageError, match=r"but were given as 0\.1, 0\.2\."):
        levels(bank, borders=[0.1, 0.2])


def test_the_released_matrix(published):
    found = levels(published)
    assert found.counts["paper"].to_dict() == dict(zip(LEVELS, [50, 255, 141, 16], strict=True))
    assert found.sentences()[0].startswith(
        "By the paper's borders (-10, 10 and 55%), 462 cells: 50 negative, 255 neutral, 141 positive and 16 very"
    )
    values = found.finetune.to_numpy()[~np.eye(22, dtype=bool)]
    data = found.data_borders["border"]
    assert squared_error(values, data) < squared_error(values, LEVEL_BORDERS)
    for step in (-0.01, 0.01):
        for place in range(3):
            assert squared_error(values, data + step * (np.arange(3) == place)) >= squared_error(values, data)
    assert found.zero_level == "neutral"
    assert found.moves.to_numpy().sum() == 462
    assert found.sentences()[-1].endswith("not possible, because the bank has no measurement intervals.")


def test_edges_are_round_and_far_values_are_clipped():
    values = np.random.default_rng(0).normal(size=400) * 20
    edges, clipped = histogram_edges(np.sort(values), [-10.0, 10.0, 55.0])
    assert clipped == (False, False)
    assert edges[0] <= values.min()
    assert edges[-1] > values.max()
    assert np.allclose(edges / (edges[1] - edges[0]), np.round(edges / (edges[1] - edges[0])))
    far = np.sort(np.append(values, [900.0, -700.0]))
    edges, clipped = histogram_edges(far, [-10.0, 10.0, 55.0])
    assert clipped == (True, True)
    assert edges[-1] < 150
    assert robust_range(np.array([1.0, 500.0])) == (1.0, 500.0)  # of two values none is far outside


def heading(figure):
    return "\n".join(text.get_text() for text in figure.texts)


def test_the_figure_names_levels_and_draws_both_sets(published):
    found = levels(published)
    figure = levels_figure(found, "22 languages")
    (axes,) = [axes for axes in figure.axes if axes.get_label() == "levels"]
    assert sum(bar.get_height() for bars in axes.containers for bar in bars) == 462
    assert [sum(bar.get_height() for bar in bars) for bars in axes.containers] == [50, 255, 141, 16]
    written = [text.get_text() for text in axes.texts]
    assert written == ["negative\n50 cells", "neutral\n255 cells", "positive\n141 cells", "very positive\n16 cells"]
    upright = [line for line in axes.lines if len(set(line.get_xdata())) == 1 and len(line.get_xdata()) == 2]
    at = {
        style: [x for line in upright if line.get_linestyle() == style for x in line.get_xdata()[:1]] for style in "-:"
    }
    assert {-10.0, 10.0, 55.0} <= {round(x, 9) for x in at["-"]}
    dashed = [line.get_xdata()[0] for line in upright if line.get_linestyle() == "--"]
    assert dashed == pytest.approx([100 * border for border in found.data_borders["border"]])
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend[0] == "the paper's borders (−10, 10 and 55%), in colour"
    assert legend[1].startswith("the data's borders (")
    renderer = figure.canvas.get_renderer()
    boxes = [text.get_window_extent(renderer) for text in axes.texts]
    assert all(left.x1 <= right.x0 for left, right in pairwise(boxes))
    assert "(-10, 10 and 55%; solid lines)" in levels_caption(found)
    assert "462 ordered pairs of 22 languages" in levels_caption(found)
    assert "figure 7" in levels_caption(found)


def test_the_figure_clips_a_long_tail_and_names_what_it_leaves_out(bank_of):
    cells = 0.02 * np.random.default_rng(0).normal(size=(12, 12))
    cells[0, 1:4] = (5.0, 9.0, 40.0)
    figure = levels_figure(levels(bank_of(cells)), "12 languages")
    axes = figure.axes[0]
    assert sum(bar.get_height() for bars in axes.containers for bar in bars) == 132
    assert "the hatched outer bar holds all cells beyond, with their number" in heading(figure)
    assert "3" in [text.get_text() for text in axes.texts]
    assert any(label.get_text().startswith("≥") for label in axes.get_xticklabels())
    small = levels_figure(levels(bank_of(0.02 * np.random.default_rng(0).normal(size=(12, 12)))), "12 languages")
    assert "outside the range drawn: negative (0), positive (0), very positive (0)" in heading(small)

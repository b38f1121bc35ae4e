"""Foreign text stands beside D in the matrix, and rings points of the plane; without it both are as they were."""

import itertools

import numpy as np
import pandas as pd
import pytest

from bloodbank.bank import build_bank
from bloodbank.bank.covariates import foreign_shares, much_foreign
from bloodbank.figures.heatmap import heatmap_caption, heatmap_figure
from bloodbank.figures.plane import plane_caption, plane_figure

CODES = ("de", "fi", "hu")  # in order of donation: fi, de, hu


def build(rows, shares=None, codes=CODES):
    covariates = None if shares is None else pd.DataFrame({"foreign_share": shares}, index=list(codes))
    return build_bank(rows, languages=codes, name="test", covariates=covariates)


def axes_of(figure, label):
    return next((axes for axes in all_axes(figure) if axes.get_label() == label), None)


def all_axes(figure):
    """Axes that are seen, and those that are inset."""
    return [inner for axes in figure.axes for inner in (axes, *axes.child_axes) if inner.axison]


def legend_of(figure):
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def heading(figure):
    return "\n".join(text.get_text() for text in figure.texts)


def rings(figure):
    """Points that are ringed: open circles without a filling, larger than any marker."""
    lines = [line for line in axes_of(figure, "plane").get_lines() if line.get_markerfacecolor() == "none"]
    return {(round(float(x), 6), round(float(y), 6)) for line in lines for x, y in zip(*line.get_data(), strict=True)}


def inside(axis):
    """Labels of the ticks that are drawn; those beyond the limits exist, too."""
    low, high = sorted(axis.get_view_interval())
    return [label for at, label in zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=True) if low <= at <= high]


def overlapping(figure):
    texts = [*figure.texts, *(text for legend in figure.legends for text in legend.get_texts())]
    for axes in all_axes(figure):
        texts += [*axes.texts, axes.title, axes.xaxis.label, axes.yaxis.label, *inside(axes.xaxis), *inside(axes.yaxis)]
    renderer = figure.canvas.get_renderer()
    boxes = [(text.get_text(), text.get_window_extent(renderer)) for text in texts if text.get_text().strip()]
    assert all(
        box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1 for _, box in boxes
    )
    boxes = [(text, box.padded(-0.5)) for text, box in boxes]
    return [(a, b) for (a, one), (b, other) in itertools.combinations(boxes, 2) if one.overlaps(other)]


def test_shares_stand_beside_donation_in_its_order(paper_example):
    figure = heatmap_figure(build(paper_example, [0.051, 0.35, 0.0004]))
    column = axes_of(figure, "foreign")
    assert [text.get_text() for text in column.texts] == ["35.0!", "5.1!", "0.0"]
    assert column.get_xlabel().startswith("foreign")
    grounds = column.collections[0].get_array().ravel().tolist()
    assert grounds == [1.0, 1.0, 0.0]
    assert "foreign: characters of the training text in other languages, !: above 5%" in heading(figure)


def test_the_limit_itself_is_not_above_it(paper_example):
    bank = build(paper_example, [0.05, 0.0501, 0.0])
    assert much_foreign(bank.covariates).tolist() == [False, True, False]
    assert [text.get_text() for text in axes_of(heatmap_figure(bank), "foreign").texts] == ["5.0!", "5.0", "0.0"]
    assert rings(plane_figure(bank)) == {(-0.2, 0.55)}


def test_a_share_that_is_not_known_is_hatched(paper_example):
    bank = build(paper_example, [0.1, np.nan, 0.0])
    figure = heatmap_figure(bank)
    column = axes_of(figure, "foreign")
    assert [text.get_text() for text in column.texts] == ["10.0!", "0.0"]
    assert column.collections[0].get_array().mask.ravel().tolist() == [True, False, False]
    assert column.patch.get_hatch()
    assert legend_of(figure) == ["not measured"]
    assert rings(plane_figure(bank)) == {(0.55, -0.05)}


def test_a_share_that_is_no_number_is_not_known(paper_example):
    bank = build(paper_example, ["a lot", None, 0.2])
    assert foreign_shares(bank.covariates).isna().tolist() == [True, True, False]
    assert [text.get_text() for text in axes_of(heatmap_figure(bank), "foreign").texts] == ["20.0!"]


def test_a_bank_that_knows_nothing_of_it_is_drawn_as_before(paper_example):
    bank = build(paper_example)
    assert foreign_shares(bank.covariates) is None
    assert not much_foreign(bank.covariates).any()
    figure = heatmap_figure(bank)
    assert axes_of(figure, "foreign") is None
    assert "foreign" not in heading(figure)
    assert not figure.legends
    for plain in (plane_figure(bank), plane_figure(build(paper_example, [0.0, 0.01, 0.05]))):
        assert rings(plain) == set()
        assert not plain.legends


def test_languages_above_the_limit_are_ringed_and_the_legend_says_so(paper_example):
    figure = plane_figure(build(paper_example, [0.35, 0.0, 1.0]))
    assert rings(figure) == {(0.55, -0.05), (-0.3, -0.45)}  # de and hu
    assert legend_of(figure) == ["ringed: more than 5% of the characters of its training text are in other languages"]


def test_a_language_that_is_not_drawn_has_no_ring(example_with):
    figure = plane_figure(build(example_with(health={"hu": "failed"}), [0.0, 0.0, 0.9]))
    assert rings(figure) == set()
    assert not figure.legends


def test_captions_say_what_is_drawn(paper_example):
    foreign = build(paper_example, [0.35, 0.0, 0.0])
    clean, unknown = build(paper_example, [0.0] * 3), build(paper_example)
    assert "Beside D: percent of the characters of the training text in other languages." in heatmap_caption(foreign)
    assert "Beside D" in heatmap_caption(clean)
    assert "Beside D" not in heatmap_caption(unknown)
    assert "Ringed: more than 5% of the characters" in plane_caption(foreign)
    assert "Ringed" not in plane_caption(clean) + plane_caption(unknown)


@pytest.mark.parametrize("n", [3, 12, 30])
def test_no_text_covers_another_or_is_cut_off(make, n):
    random = np.random.default_rng(n)
    codes = tuple(f"x-{place:02d}" for place in range(n))
    giving, taking = random.normal(0, 0.1, n), random.normal(0, 0.1, n)
    pairs = {
        (s, t): 1 + giving[i] + taking[j] + random.normal(0, 0.1)
        for i, s in enumerate(codes)
        for j, t in enumerate(codes)
        if i != j
    }
    shares = [(1.0, 0.35, 0.0, np.nan)[place % 4] for place in range(n)]
    bank = build(make(dict.fromkeys(codes, 1.0), pairs), shares, codes)
    for figure in (heatmap_figure(bank), plane_figure(bank)):
        figure.canvas.draw()
        assert overlapping(figure) == []
        column = axes_of(figure, "foreign")
        renderer = figure.canvas.get_renderer()
        for text in column.texts if column else ():
            box, cell = text.get_window_extent(renderer), column.get_window_extent(renderer)
            assert cell.x0 <= box.x0
            assert box.x1 <= cell.x1


def test_labels_keep_clear_of_rings(paper_example):
    figure = plane_figure(build(paper_example, [0.35, 0.35, 0.35]))
    figure.canvas.draw()
    axes, scale = axes_of(figure, "plane"), figure.dpi / 72
    (ring,) = (line for line in axes.get_lines() if line.get_markerfacecolor() == "none")
    radius = (ring.get_markersize() + ring.get_markeredgewidth()) / 2 * scale
    centres = axes.transData.transform(np.column_stack(ring.get_data()))
    for text in axes.texts:
        box = text.get_window_extent(figure.canvas.get_renderer())
        nearest = np.column_stack([np.clip(centres[:, 0], box.x0, box.x1), np.clip(centres[:, 1], box.y0, box.y1)])
        assert (np.linalg.norm(centres - nearest, axis=1) >= radius).all(), text.get_text()

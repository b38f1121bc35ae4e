import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from bloodbank.bank import build_bank
from bloodbank.figures.heatmap import CROSS, heatmap_figure
from bloodbank.figures.plane import plane_figure
from bloodbank.figures.run_figures import draw_heatmap, draw_plane

CODES = ("de", "fi", "hu")
MINUS = "\N{MINUS SIGN}"


def build(rows, **settings):
    return build_bank(rows, **{"languages": CODES, "name": "test", **settings})


def all_axes(figure):
    """Axes that are seen, and those that are inset."""
    return [inner for axes in figure.axes for inner in (axes, *axes.child_axes) if inner.axison]


def axes_of(figure, label):
    return next(axes for axes in all_axes(figure) if axes.get_label() == label)


def ticks(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def cell_texts(axes):
    """Texts by (row, column)."""
    found = {}
    for text in axes.texts:
        column, row = text.get_position()
        found[int(row), int(column)] = text.get_text()
    return found


def heading(figure):
    return "\n".join(text.get_text() for text in figure.texts)


def test_files_are_written_and_deterministic(paper_example, tmp_path):
    before = dict(mpl.rcParams)
    for folder in "ab":
        written = [*draw_heatmap(build(paper_example), tmp_path / folder)]
        written += draw_plane(build(paper_example), tmp_path / folder)
        assert [path.name for path in written] == ["heatmap.svg", "heatmap.png", "plane.svg", "plane.png"]
        for path in written:
            assert path.stat().st_size > 2_000
    for path in written:
        assert path.read_bytes() == (tmp_path / "a" / path.name).read_bytes()
    assert dict(mpl.rcParams) == before
    assert "dc:date" not in (tmp_path / "a" / "plane.svg").read_text("utf-8")
    assert len(list((tmp_path / "a").iterdir())) == 4


def test_heatmap_shows_donors_as_rows_in_order_of_donation(paper_example):
    figure = heatmap_figure(build(paper_example))
    cells = axes_of(figure, "F")
    assert ticks(cells.xaxis) == ["fi", "de", "hu"]
    assert ticks(cells.yaxis) == ["Finnish  fi", "German  de", "Hungarian  hu"]
    assert cells.get_ylabel() == "donor s"
    assert cells.get_xlabel() == "recipient t"
    assert cell_texts(cells) == {
        (0, 1): "+60",
        (0, 2): f"{MINUS}5",
        (1, 0): "+20",
        (1, 2): f"{MINUS}25",
        (2, 0): f"{MINUS}40",
        (2, 1): f"{MINUS}5",
    }
    assert list(cell_texts(axes_of(figure, "D")).values()) == ["+0.55", f"{MINUS}0.05", f"{MINUS}0.45"]
    assert list(cell_texts(axes_of(figure, "R")).values()) == [f"{MINUS}0.20", "+0.55", f"{MINUS}0.30"]
    low, high = cells.collections[0].get_clim()
    assert (low, high) == (-high, pytest.approx(60))
    assert not figure.legends


def test_heatmap_clips_the_extreme_and_says_so(released):
    codes = tuple(released.loc[released["protocol"] == "monolingual", "recipient"])
    bank = build(released, languages=codes)
    figure = heatmap_figure(bank)
    low, high = axes_of(figure, "F").collections[0].get_clim()
    assert low == -high
    assert 55 < high < 80
    assert len(axes_of(figure, "F").texts) == 462
    bar = next(axes for axes in all_axes(figure) if hasattr(axes, "_colorbar"))
    assert bar._colorbar.extend == "max"


def test_heatmap_marks_what_is_missing(example_with):
    bank = build(example_with(health={"hu": "unhealthy"}, drop=[("de", "fi")]))
    figure = heatmap_figure(bank)
    order = bank.ranking
    texts = cell_texts(axes_of(figure, "F"))
    for donor in ("de", "fi"):
        assert texts[order.index(donor), order.index("hu")] == CROSS
    assert (order.index("de"), order.index("fi")) not in texts
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == [
        "not measured",
        "left out: a model is unhealthy or failed",
        "* (n - 1) times the mean of measured cells",
    ]
    assert axes_of(figure, "F").patch.get_hatch()
    assert "+1.20*" in cell_texts(axes_of(figure, "D")).values()
    assert "3 of 6 cells missing (2 of them for an unhealthy model)" in heading(figure)


def test_headings_follow_the_seeds(paper_example, example_with):
    import pandas as pd

    one = build(paper_example)
    two = build(pd.concat([paper_example, example_with(seed=1)]))
    for make in (heatmap_figure, plane_figure):
        assert "one seed: no seed-to-seed uncertainty" in heading(make(one))
        assert "mean over 2 seeds" in heading(make(two))
        assert "one seed" not in heading(make(two))
        assert "3 languages; protocol sequential; metric MRR" in heading(make(one))


def test_plane_has_recipience_to_the_right_and_donation_upwards(paper_example):
    figure = plane_figure(build(paper_example))
    axes = axes_of(figure, "plane")
    named = {text.get_text(): text.xy for text in axes.texts if text.xycoords == "data"}
    assert named["German"] == pytest.approx((0.55, -0.05))
    assert named["Finnish"] == pytest.approx((-0.20, 0.55))
    assert named["Hungarian"] == pytest.approx((-0.30, -0.45))
    corners = {text.get_text().split("\n")[0]: text.xy for text in axes.texts if text.xycoords == "axes fraction"}
    assert corners == {"O": (0, 1), "A": (1, 1), "AB+": (1, 0), "None": (0, 0)}
    assert axes.get_xlabel().startswith("recipience R")
    assert axes.get_ylabel().startswith("donation D")


def test_plane_names_no_quadrants_for_zero_shot(example_with):
    figure = plane_figure(build(example_with(protocol="zero_shot"), protocol="zero_shot"))
    assert {text.get_text() for text in axes_of(figure, "plane").texts} == {"German", "Finnish", "Hungarian"}
    assert "no blood types for zero_shot" in heading(figure)


def test_plane_tells_which_languages_are_not_drawn(example_with):
    figure = plane_figure(build(example_with(health={"hu": "failed"})))
    assert "not drawn, for want of a measured cell: hu" in heading(figure)
    assert "hollow" in heading(figure)


def overlaps(boxes):
    return sum(a.overlaps(b) for place, a in enumerate(boxes) for b in boxes[place + 1 :])


def random_bank(make, n):
    random = np.random.default_rng(n)
    codes = tuple(f"x-{place:02d}" for place in range(n))
    giving, taking = random.normal(0, 0.1, n), random.normal(0, 0.1, n)
    pairs = {
        (s, t): 1 + giving[i] + taking[j] + random.normal(0, 0.1)
        for i, s in enumerate(codes)
        for j, t in enumerate(codes)
        if i != j
    }
    return build(make(dict.fromkeys(codes, 1.0), pairs), languages=codes)


def test_labels_of_the_released_plane_do_not_overlap(released):
    codes = tuple(released.loc[released["protocol"] == "monolingual", "recipient"])
    figure = plane_figure(build(released, languages=codes))
    assert isinstance(figure.canvas, FigureCanvasAgg)
    axes = axes_of(figure, "plane")
    boxes = [text.get_window_extent(figure.canvas.get_renderer()) for text in axes.texts]
    assert len(boxes) == 26
    assert overlaps(boxes) == 0
    inside = axes.get_window_extent()
    assert all(inside.x0 <= box.x0 and box.x1 <= inside.x1 for box in boxes)


@pytest.mark.parametrize("n", [3, 12, 60])
def test_sizes_from_three_to_sixty_languages(make, n):
    bank = random_bank(make, n)
    figure = heatmap_figure(bank)
    assert len(axes_of(figure, "F").texts) == (n * (n - 1) if n <= 34 else 0)
    width, height = figure.get_size_inches()
    assert 5 < width < 17
    assert 3 < height < 17
    plane = axes_of(plane_figure(bank), "plane")
    boxes = [text.get_window_extent(plane.figure.canvas.get_renderer()) for text in plane.texts]
    assert overlaps(boxes) == 0


def test_a_bank_without_any_cell_can_be_drawn(example_with, tmp_path):
    bank = build(example_with(health=dict.fromkeys(CODES, "failed")))
    draw_heatmap(bank, tmp_path)
    draw_plane(bank, tmp_path)
    assert "6 of 6 cells missing" in heading(heatmap_figure(bank))


def test_a_name_that_the_font_lacks_is_left_out(paper_example):
    assert "test: finetune scores" in heading(heatmap_figure(build(paper_example)))
    assert "銀行" not in heading(heatmap_figure(build(paper_example, name="銀行")))

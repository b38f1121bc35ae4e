"""The blood bank graph: its edges on paper, its layout against brute force, and what the figure shows."""

import itertools
import warnings

import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import FancyArrowPatch

from bloodbank.analysis.graph import circle_order, circle_points, drawn_edges, edge_curve, transfer_graph
from bloodbank.bank import build_bank
from bloodbank.bank.bank import with_intervals
from bloodbank.bank.importing.read_matrix import read_matrix
from bloodbank.bank.uncertainty.intervals import IntervalOptions
from bloodbank.errors import UsageError
from bloodbank.figures.graph import graph_caption, graph_figure
from shared_data import shared_data

CODES = ("de", "fi", "hu")


def example(rows, **settings):
    return build_bank(rows, **{"languages": CODES, "name": "test", **settings})


def random_bank(make, n, *, n_seeds=1, order=1, share_missing=0.0, own=0.05):
    rng = np.random.default_rng(n)
    codes = [f"x-{place:03d}" for place in range(n)]
    gives, takes = rng.normal(0, 0.1, n), rng.normal(0, 0.1, n)
    cells = gives[:, None] + takes + rng.normal(0, 0.1, (n, n))
    gone = rng.random((n, n)) < share_missing
    rows = []
    for seed in range(n_seeds):
        noise = own * rng.normal(size=(n, n)) * (n_seeds > 1)
        known = {
            (codes[i], codes[j]): 1 + cells[i, j] + noise[i, j]
            for i, j in itertools.product(range(n), repeat=2)
            if i != j and not gone[i, j]
        }
        rows.append(make(dict.fromkeys(codes, 1.0), known, seed=seed))
    bank = build_bank(pd.concat(rows), languages=tuple(codes[::order]), name="test")
    return with_intervals(bank, None, IntervalOptions(n_replicates=50)) if n_seeds > 1 else bank


def arrows(figure):
    axes = next(axes for axes in figure.axes if axes.get_label() == "graph")
    return {patch.get_gid(): patch for patch in axes.patches if isinstance(patch, FancyArrowPatch)}


def labels(figure):
    return next(axes for axes in figure.axes if axes.get_label() == "graph").texts


def heading(figure):
    return "\n".join(text.get_text() for text in figure.texts)


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_edges_on_paper(paper_example):
    # F: de→fi +0.20, de→hu -0.25, fi→de +0.60, fi→hu -0.05, hu→de -0.05, hu→fi -0.40
    graph = transfer_graph(example(paper_example), n_positive=1, n_negative=2)
    assert graph.edges[["donor", "recipient"]].to_numpy().tolist() == [["fi", "de"], ["de", "hu"], ["hu", "fi"]]
    assert graph.edges["finetune_score"].to_list() == pytest.approx([0.6, -0.25, -0.4])
    assert (graph.n_pairs, graph.n_measured, graph.n_positive, graph.n_negative) == (6, 6, 2, 4)
    assert graph.nodes["n_edges"].to_dict() == {"de": 2, "fi": 2, "hu": 2}
    assert graph.nodes["blood_type"].to_dict() == {"de": "AB+", "fi": "O", "hu": "none"}
    assert graph.edges["certain"].to_list() == [None] * 3
    assert [said for _, said, _ in drawn_edges(graph)] == [
        "the 1 highest of 2 positive cells",
        "the 2 lowest of 4 negative cells",
    ]


def test_certainty_follows_the_intervals(make):
    bank = random_bank(make, 12, n_seeds=3, own=0.1)
    graph = transfer_graph(bank, n_positive=200, n_negative=200)
    known = bank.intervals.cells.query("score == 'finetune_score'").set_index(["donor", "recipient"])
    assert len(graph.edges) == 132
    for _, edge in graph.edges.iterrows():
        cell = known.loc[(edge["donor"], edge["recipient"])]
        assert edge["certain"] is (not cell["low"] <= 0 <= cell["high"])
    assert graph.edges["certain"].nunique() == 2
    figure = graph_figure(bank, "", n_positive=200, n_negative=200)
    opacity = {name: patch.get_alpha() for name, patch in arrows(figure).items()}
    for _, edge in graph.edges.iterrows():
        pale = opacity[f"{edge['donor']}-{edge['recipient']}"] < 0.5
        assert pale is not edge["certain"]
    assert "interval holds zero" in legend(figure)
    assert "Pale edges: the 95% measurement interval holds zero." in graph_caption(bank)


def test_neighbours_are_as_close_as_any_swap_can_make_them(make):
    graph = transfer_graph(random_bank(make, 9), n_positive=20)
    order = circle_order(graph.nodes, graph.edges)
    points = circle_points(9)

    def total(codes):
        where = {code: points[place] for place, code in enumerate(codes)}
        return sum(
            abs(score) * np.linalg.norm(where[donor] - where[recipient])
            for donor, recipient, score in graph.edges[["donor", "recipient", "finetune_score"]].itertuples(index=False)
        )

    kinds = [graph.nodes.loc[code, "blood_type"] for code in order]
    assert [kind for kind, _ in itertools.groupby(kinds)] == [k for k in ("O", "A", "AB+", "none") if k in kinds]
    for one, other in itertools.combinations(range(9), 2):
        if kinds[one] == kinds[other]:
            swapped = list(order)
            swapped[one], swapped[other] = order[other], order[one]
            assert total(swapped) >= total(order) - 1e-9


def test_points_go_clockwise_from_the_top():
    points = circle_points(4)
    assert points == pytest.approx(np.array([[1, 1], [1, -1], [-1, -1], [-1, 1]]) / np.sqrt(2))
    assert np.linalg.norm(circle_points(50), axis=1) == pytest.approx(1)


def test_both_directions_of_a_pair_are_apart_and_keep_off_the_ends():
    for start, end in itertools.permutations(circle_points(7) * 3, 2):
        there, back = (curve_points(edge_curve(*ends, (0.1, 0.15))) for ends in ((start, end), (end, start)))
        assert np.linalg.norm(there[0] - start) == pytest.approx(0.1, abs=0.05)
        assert np.linalg.norm(there[-1] - end) == pytest.approx(0.15, abs=0.05)
        middle = len(there) // 2
        assert np.linalg.norm(there[middle] - back[middle]) > 0.08 * np.linalg.norm(start - end)
        assert np.linalg.norm(there, axis=1).max() <= 3


def curve_points(curve):
    t = np.linspace(0, 1, 51)[:, None]
    return (1 - t) ** 2 * curve[0] + 2 * t * (1 - t) * curve[1] + t**2 * curve[2]


def test_the_figure_shows_direction_size_and_sign(paper_example):
    figure = graph_figure(example(paper_example), "three languages", n_positive=2, n_negative=4)
    drawn = arrows(figure)
    assert set(drawn) == {"de-fi", "de-hu", "fi-de", "fi-hu", "hu-de", "hu-fi"}
    widths = {name: patch.get_linewidth() for name, patch in drawn.items()}
    assert widths["fi-de"] / widths["de-fi"] == pytest.approx(3)
    assert widths["hu-fi"] / widths["de-hu"] == pytest.approx(1.6)
    assert drawn["fi-de"].get_linestyle() == "-"
    assert drawn["hu-fi"].get_linestyle() != "-"
    assert drawn["fi-de"].get_edgecolor()[:3] != drawn["hu-fi"].get_edgecolor()[:3]
    ends = drawn["fi-de"]._path_original.vertices  # from the donor to the recipient
    where = {text.get_text(): np.array(text.get_position()) for text in labels(figure)}
    assert np.linalg.norm(ends[0] - where["Finnish"]) < np.linalg.norm(ends[0] - where["German"])
    assert np.linalg.norm(ends[-1] - where["German"]) < np.linalg.norm(ends[-1] - where["Finnish"])
    assert "drawn: all 2 positive cells and all 4 negative cells" in heading(figure)
    assert [said for said in legend(figure) if said.startswith("type")] == ["type O", "type AB+", "type None"]
    assert "F = +60%" in legend(figure)


def test_the_opposite_matrix_turns_caption_and_note(example_with):
    plain = graph_caption(example(example_with(drop=[("fi", "hu"), ("hu", "de")])), n_positive=1)
    turned = example(
        example_with(together={("de", "fi"): 0.2, ("de", "hu"): 0.5, ("fi", "de"): 0.08, ("hu", "fi"): 0.35}),
    )
    assert "the 1 highest of 2 positive cells (F from +60% to +60%; dark and solid)" in plain
    assert "the 1 lowest of 2 negative cells (F from −40% to −40%; purple and dashed)" in plain
    assert "2 cells of 6 not measured, and not drawn." in plain
    assert "all 2 positive cells (F from +25% to +40%" in graph_caption(turned)
    assert "not measured" not in graph_caption(turned)
    assert "the 1 lowest of 4 negative cells (F from −60% to −60%" in graph_caption(turned)


def test_the_order_of_languages_changes_nothing(make):
    plain, moved = (random_bank(make, 15, order=order) for order in (1, -1))
    pd.testing.assert_frame_equal(transfer_graph(plain).edges, transfer_graph(moved).edges)
    figures = [graph_figure(bank, "fifteen") for bank in (plain, moved)]
    places = [{text.get_text(): text.get_position() for text in labels(figure)} for figure in figures]
    assert places[0] == places[1]
    assert graph_caption(plain) == graph_caption(moved)


@pytest.mark.parametrize("n", [2, 3, 12, 24, 40, 120])
def test_labels_do_not_overlap_and_stay_on_the_page(make, n):
    figure = graph_figure(random_bank(make, n, share_missing=0.1 if n > 3 else 0), f"{n} languages")
    renderer = figure.canvas.get_renderer()
    figure.canvas.draw()
    key = figure.legends[0].get_window_extent(renderer)
    corners = []
    for text in labels(figure):
        box = text.get_window_extent(renderer)
        assert box.x0 >= 0
        assert box.x1 <= figure.bbox.width
        assert box.y0 >= 0
        assert box.y1 <= figure.bbox.height
        assert not box.overlaps(key)
        corners.append(oriented(text, renderer))
    assert not any(cross(one, other) for one, other in itertools.combinations(corners, 2))
    graph = transfer_graph(random_bank(make, n, share_missing=0.1 if n > 3 else 0))
    assert len(labels(figure)) == len(graph.shown)
    assert len(arrows(figure)) == len(graph.edges)


def oriented(text, renderer):
    """Corners of a label that may be turned, in pixels."""
    angle = text.get_rotation()
    text.set_rotation(0)
    box = text.get_window_extent(renderer)
    text.set_rotation(angle)
    pivot = np.array(text.get_transform().transform(text.get_position()))
    turn = np.radians(angle)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    corners = np.array([[box.x0, box.y0], [box.x1, box.y0], [box.x1, box.y1], [box.x0, box.y1]])
    return pivot + (corners - pivot) @ matrix.T


def cross(one, other):
    """Whether two rectangles share a point: no side of either parts them."""
    for shape in (one, other):
        for side in np.roll(shape, -1, axis=0) - shape:
            normal = np.array([-side[1], side[0]])
            a, b = one @ normal, other @ normal
            if a.max() <= b.min() or b.max() <= a.min():
                return False
    return True


def test_names_of_the_released_languages_do_not_overlap():
    bank = read_matrix(shared_data("published", "mrr_ratio_22x22.csv"))
    figure = graph_figure(bank, "22 languages")
    renderer = figure.canvas.get_renderer()
    boxes = [text.get_window_extent(renderer) for text in labels(figure)]
    assert len(boxes) == 22
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))
    graph = transfer_graph(bank)
    assert len(graph.positive) == 55
    assert len(graph.negative) == 6
    assert round(transfer_graph(bank, n_positive=500).edges.set_index(["donor", "recipient"])["finetune_score"][
        "fi", "de"], 3) == 0.512  # fmt: skip
    types = graph.nodes["blood_type"]
    assert set(types.index[types == "O"]) == {"ar", "el", "fi", "ru", "ta"}
    assert "Whether an edge is beyond measurement error is not known." in graph_caption(bank)


def test_no_types_for_zero_shot(example_with):
    bank = example(example_with(protocol="zero_shot"), protocol="zero_shot")
    figure = graph_figure(bank, "zero shot")
    assert "no type" in legend(figure)
    assert not any(said.startswith("type") for said in legend(figure))
    assert "Blood types are not given for this bank." in graph_caption(bank)


def test_odd_banks_never_crash(example_with, make):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nothing = example(example_with(health=dict.fromkeys(CODES, "failed")))
        level = example(make(dict.fromkeys(CODES, 1.0), {(s, t): 1.0 for s in CODES for t in CODES if s != t}))
        for bank in (nothing, level):
            figure = graph_figure(bank, "odd")
            figure.canvas.draw()
            assert not arrows(figure)
            assert "no edge to draw" in heading(figure)
            assert "no F above or below zero is measured" in graph_caption(bank)
        one = example(make(dict.fromkeys(CODES, 1.0), {("fi", "de"): 1.5}))
        graph_figure(one, "one").canvas.draw()
        assert "the one positive cell (F from +50% to +50%" in graph_caption(one)
        unasked = example(example_with())
        assert "none was asked for" in graph_caption(unasked, n_positive=0, n_negative=0)
        assert not arrows(graph_figure(unasked, "", n_positive=0, n_negative=0))


def test_a_negative_number_of_edges(paper_example):
    with pytest.raises(UsageError, match=r"-1 edges were asked for. Give 0 or more"):
        transfer_graph(example(paper_example), n_positive=-1)

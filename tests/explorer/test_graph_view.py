"""The graph, the plane and the maps as they are drawn, against the bank."""

import numpy as np
import pandas as pd
import pytest
from browser import chart, set_state, settle

import bloodbank as bb
from bloodbank.explorer.content import page_data
from bloodbank.typology import load_features
from shared_data import shared_data

EDGES = (
    "(() => { const m = bloodbank.model.current(); const e = bloodbank.edges.choose(m); return [e.drawn.map((x) => "
    "[m.nodes[x.donor].key, m.nodes[x.recipient].key, x.value, x.certain]), e.inside, e.measured] })()"
)


@pytest.fixture(scope="module")
def authors():
    return bb.read_matrix(shared_data("published", "mrr_ratio_22x22.csv"))


def long(finetune):
    table = finetune.rename_axis(index="donor", columns="recipient").reset_index()
    return table.melt(id_vars="donor", var_name="recipient", value_name="f").dropna()


def strongest(table, n):
    return table.assign(size=table["f"].abs()).sort_values("size", ascending=False, kind="stable").head(n)


def traces(data, **wanted):
    return [trace for trace in data if all(trace.get(key) == value for key, value in wanted.items())]


def n_arrows(data):
    """Edges that are drawn: each has a head."""
    heads = [trace for trace in data if trace.get("marker", {}).get("symbol") == "arrow"]
    return sum(len(trace["x"]) for trace in heads)


def lines_of_edges(data):
    """Lines of edges, with how many edges each draws: they are apart by gaps."""
    lines = [trace for trace in data if trace.get("mode") == "lines" and trace.get("customdata")]
    return [(trace, sum(x is None for x in trace["x"])) for trace in lines]


def test_the_strongest_edges_in_the_range_are_drawn(open_page, bank, content):
    page = open_page(content, "panel=graph&beside=none&edges=40", size=(1100, 900))
    cells = long(bank.finetune_scores)
    low, high = bank.intervals.matrix("low"), bank.intervals.matrix("high")
    for bounds in ((None, None), (0.1, None), (-0.3, 0.2), (2, None)):
        set_state(page, low=bounds[0], high=bounds[1])
        inside = cells[(cells["f"] >= (bounds[0] or -9)) & (cells["f"] <= (bounds[1] or 9))]
        drawn, n_inside, n_measured = page.evaluate(EDGES)
        assert (n_inside, n_measured) == (len(inside), 132)
        expected = strongest(inside, 40)
        assert [f for _, _, f, _ in drawn] == pytest.approx(list(expected["f"]), abs=1e-5)
        for donor, recipient, value, certain in drawn:
            assert value == pytest.approx(bank.finetune_scores.loc[donor, recipient], rel=1e-5)
            assert certain == (low.loc[donor, recipient] > 0 or high.loc[donor, recipient] < 0)
        assert n_arrows(chart(page)[0]) == len(expected)
        said = page.locator("#frame-panel .note").inner_text()
        if len(inside) > 40:
            assert f"the strongest 40 of {len(inside)} edges" in said
        assert "132 measured" in said


def test_the_sliders_of_f_and_the_number_of_edges(open_page, content):
    page = open_page(content, "panel=graph&beside=none")
    lowest = page.locator("#frame-panel").get_by_label("Lowest F")
    lowest.focus()
    for _ in range(3):
        settle(page, lambda: page.keyboard.press("ArrowRight"))
    low = page.evaluate("bloodbank.state.get().low")
    limit = np.ceil(100 * max(abs(x) for row in content.views[0].finetune for x in row if x is not None)) / 100
    assert low == pytest.approx(-limit + 3 * 2 * limit / 200)
    box = page.locator("#frame-panel").get_by_label("Edges at most")
    settle(page, lambda: (box.fill("7"), box.press("Enter")))
    assert n_arrows(chart(page)[0]) == 7
    settle(page, lambda: page.keyboard.press("Tab") or page.evaluate("bloodbank.state.set({ edges: 0 })"))
    assert n_arrows(chart(page)[0]) == 0


def test_harm_uncertainty_and_focus_have_looks_of_their_own(open_page, bank, content):
    page = open_page(content, "panel=graph&beside=none&edges=132&focus=el")
    drawn, _, _ = page.evaluate(EDGES)
    looks = {"solid": 0, "8px,4px": 0, "2px,3px": 0}
    strong = 0
    for trace, n_edges in lines_of_edges(chart(page)[0]):
        looks[trace["line"]["dash"]] += n_edges
        strong += n_edges * (trace["opacity"] >= 0.5)
    assert looks["2px,3px"] == sum(not certain for *_, certain in drawn)
    assert looks["8px,4px"] == sum(certain and value < 0 for *_, value, certain in drawn)
    assert looks["solid"] == sum(certain and value > 0 for *_, value, certain in drawn)
    assert strong == sum("el" in edge[:2] for edge in drawn) == 22


def test_languages_stand_on_the_circle_in_pythons_order(open_page, content):
    page = open_page(content, "panel=graph&beside=none")
    points = page.evaluate("bloodbank.views.graph.positions(bloodbank.model.current())")
    angles = {place: np.arctan2(*points[place]) % (2 * np.pi) for place in range(12)}  # clockwise from the top
    assert sorted(angles, key=angles.get) == content.views[0].circle
    np.testing.assert_allclose(np.hypot(*np.array(points).T), 1)
    set_state(page, layout="similarity", map="rows")
    found = page.evaluate("bloodbank.views.graph.positions(bloodbank.model.current())")
    np.testing.assert_allclose(found, content.views[0].maps.rows)
    set_state(page, layout="world")
    found = page.evaluate("bloodbank.views.graph.positions(bloodbank.model.current())")
    np.testing.assert_allclose(found, [one.point for one in content.languages])


def test_an_edge_that_is_pointed_at_shows_its_cell(open_page, bank, content):
    page = open_page(content, "panel=graph&beside=none&edges=1", size=(1100, 900))
    (edge,) = page.evaluate(EDGES)[0]
    ((line, _),) = lines_of_edges(chart(page)[0])
    x, y = line["x"][5], line["y"][5]
    at = page.evaluate(
        "([x, y]) => { const c = document.querySelector('#frame-panel .chart'); const { xaxis, yaxis } = c._fullLayout;"
        " const b = c.getBoundingClientRect();"
        " return [b.left + xaxis._offset + xaxis.d2p(x), b.top + yaxis._offset + yaxis.d2p(y)] }",
        [x, y],
    )
    page.mouse.move(*at)
    page.locator("#tip").wait_for(state="visible")
    names = {one.code: one.name for one in content.languages}
    assert f"{names[edge[0]]} → {names[edge[1]]}" in page.locator("#tip").inner_text()
    settle(page, lambda: page.mouse.click(*at))
    assert page.evaluate("bloodbank.state.get().focus") == edge[1]


def test_collapsed_edges_are_means_between_groups(open_page, bank, content):
    page = open_page(content, "panel=graph&beside=none&collapse=1&feature=@script&edges=400")
    script = pd.Series({one.code: one.script for one in content.languages})
    cells = long(bank.finetune_scores)
    expected = cells.groupby([cells["donor"].map(script), cells["recipient"].map(script)])["f"].mean()
    drawn, _, _ = page.evaluate(EDGES)
    assert len(drawn) == sum(donor != recipient for donor, recipient in expected.index)
    for donor, recipient, value, _ in drawn:
        pair = tuple(key.removeprefix("group:") for key in (donor, recipient))
        assert value == pytest.approx(expected[pair], abs=1e-5)


def test_the_plane_has_the_sums_their_bars_and_types(open_page, bank, content):
    page = open_page(content, "panel=plane&beside=none", size=(1100, 900))
    data, layout = chart(page)
    points = [trace for trace in traces(data, mode="markers") if trace.get("customdata")]
    found = {}
    for trace in points:
        for x, y, (place,), symbol in zip(
            trace["x"], trace["y"], trace["customdata"], trace["marker"]["symbol"], strict=True
        ):
            found[content.languages[place].code] = (x, y, symbol)
    shapes = {"O": "circle", "A": "square", "AB+": "triangle-up", "none": "diamond"}
    shares = bank.intervals.types.set_index("language")
    for code in bank.languages:
        x, y, symbol = found[code]
        assert (x, y) == pytest.approx((bank.recipience[code], bank.donation[code]), rel=1e-5)
        kind = bank.blood_types[code]
        sure = shares.loc[code, f"p_{kind}"] >= 0.95
        assert symbol == shapes[kind] + ("" if sure else "-open"), code
    bars = traces(data, mode="lines")[0]
    scores = bank.intervals.scores.set_index(["score", "language"])
    low = scores.loc[("recipience", "el"), "low"]
    assert any(x == pytest.approx(low, rel=1e-5) for x in bars["x"] if x is not None)
    corners = {note["text"].split("</b>")[0].removeprefix("<b>") for note in layout["annotations"]}
    assert corners == {"O", "A", "AB+", "none"}
    assert layout["xaxis"]["range"][0] < min(x for x, _, _ in found.values())


def test_the_authors_matrix_has_the_papers_blood_types(open_page, authors):
    page = open_page(page_data(authors), "panel=plane&beside=none", size=(1100, 900))
    data, _ = chart(page)
    legend = {trace["name"] for trace in data if trace.get("showlegend")}
    assert legend == {"O", "A", "AB+"}
    types = page.evaluate("bloodbank.model.current().nodes.map((node) => [node.code, node.type])")
    assert {code for code, kind in types if kind == "O"} == {"ar", "el", "fi", "ru", "ta"}
    assert {code for code, kind in types if kind == "AB+"} == {"de", "en", "hi", "hy"}
    set_state(page, panel="graph", edges=462)
    values = {(donor, recipient): f for donor, recipient, f, _ in page.evaluate(EDGES)[0]}
    assert values["fi", "de"] == pytest.approx(0.512, abs=5e-4)
    assert values["de", "fi"] == pytest.approx(-0.246, abs=5e-4)
    assert sum(value < -0.1 for value in values.values()) == 50


def test_maps_place_languages_where_python_did_and_say_how_well(open_page, content):
    page = open_page(content, "panel=similarity&beside=none")
    for name in ("rows", "columns", "both"):
        set_state(page, map=name)
        data, _ = chart(page)
        found = {}
        for trace in traces(data, mode="markers"):
            for x, y, (place,) in zip(trace["x"], trace["y"], trace.get("customdata", []), strict=False):
                found[place] = (x, y)
        expected = getattr(content.views[0].maps, name)
        np.testing.assert_allclose([found[place] for place in range(12)], expected)
        kept = content.views[0].maps.kept[name]
        assert f"{kept:+.2f}".replace("-", "−") in page.locator("#frame-panel .note").inner_text()


def test_the_world_has_land_and_languages_without_any_request(open_page, content):
    given = content.model_copy(deep=True)
    nowhere = given.languages[0].model_copy(update={"point": None, "coordinates": None})
    given = given.model_copy(update={"languages": [nowhere, *given.languages[1:]]})
    page = open_page(given, "panel=world&beside=none&focus=el", size=(1100, 900))
    data, _ = chart(page)
    land = next(trace for trace in data if trace.get("fill") == "toself")
    assert len(land["x"]) > 2000
    placed = [place for trace in traces(data, mode="markers") for place in trace.get("customdata", [])]
    assert len(placed) == 11
    note = page.locator("#frame-panel .note").inner_text()
    assert f"Without coordinates: {nowhere.name}." in note
    assert 0 < n_arrows(data) <= 16
    settle(page, lambda: page.locator("#frame-panel .chart").press("ArrowRight"))
    assert page.evaluate("bloodbank.state.get().focus") not in (None, "el")


def test_colours_follow_a_feature_of_wals(open_page, authors):
    features = load_features(authors.languages, shared_data("wals", "cldf"))
    data = page_data(authors, features=features)
    page = open_page(data, "panel=graph&beside=none&feature=81A", size=(1200, 900))
    settle(page, lambda: page.locator("#frame-panel").get_by_label("Colour by").select_option("feature"))
    expected = features.categories["81A"].fillna("not known")
    drawn, _ = chart(page)
    legend = [trace for trace in drawn if trace.get("showlegend")]
    assert {trace["name"] for trace in legend} == set(expected)
    by_colour = {trace["marker"]["color"]: trace["name"] for trace in legend}
    assert len(by_colour) == len(legend), "every value has its own colour"
    assert len({trace["marker"]["symbol"] for trace in legend}) == len(legend), "and its own shape"
    found = {}
    for trace in traces(drawn, mode="markers"):
        for (place,), colour in zip(trace.get("customdata", []), trace["marker"]["color"], strict=False):
            found[data.languages[place].code] = by_colour[colour]
    assert found == expected.to_dict()
    for kind, attribute in (("family", "family"), ("script", "script")):
        settle(page, lambda kind=kind: page.locator("#frame-panel").get_by_label("Colour by").select_option(kind))
        names = [trace["name"] for trace in chart(page)[0] if trace.get("showlegend")]
        counts = pd.Series([getattr(one, attribute) for one in data.languages]).value_counts()
        assert names[0] == counts.index[0], "the most frequent comes first"
        assert len(names) == min(len(counts), 9)

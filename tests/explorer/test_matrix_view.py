"""The matrix as it is drawn in the browser, against the bank."""

import numpy as np
import pandas as pd
import pytest
from browser import cells, chart, set_state, settle

import bloodbank as bb
from bloodbank.explorer.content import page_data

PAINTED = """(() => {
  const canvas = document.querySelector('#frame-panel .overlay');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return data.filter((x, i) => i % 4 === 3 && x > 0).length;
})()"""

ACCENTED = """(() => {
  const canvas = document.querySelector('#frame-panel .overlay');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const accent = bloodbank.theme().accent;
  const rgb = [1, 3, 5].map((at) => parseInt(accent.slice(at, at + 2), 16));
  let n = 0;
  for (let i = 0; i < data.length; i += 4) n += Number(data[i + 3] > 200 && rgb.every((x, k) => x === data[i + k]));
  return n;
})()"""

POINT_AT = """([row, column]) => {
  const chart = document.querySelector('#frame-panel .chart');
  const { xaxis, yaxis } = chart._fullLayout;
  const box = chart.getBoundingClientRect();
  return [box.left + xaxis._offset + xaxis.d2p(column), box.top + yaxis._offset + yaxis.d2p(row)];
}"""


@pytest.fixture(scope="module")
def gaps(tmp_path_factory):
    """A bank without intervals, with missing cells."""
    rng = np.random.default_rng(2)
    codes = ["de", "fi", "hu", "ru", "tr"]
    table = pd.DataFrame(rng.normal(0, 0.2, (5, 5)), index=codes, columns=codes)
    table = table.mask(np.eye(5, dtype=bool))
    table.loc["fi", "ru"] = np.nan
    table.loc["hu", "tr"] = -0.0
    path = tmp_path_factory.mktemp("gaps") / "gaps.csv"
    table.to_csv(path)
    return bb.read_matrix(path, values="finetune")


def exported(page):
    """Traces of the matrix as it is saved: there numbers are texts, on the screen they are painted."""
    return page.evaluate(
        "bloodbank.views.matrix.figure(bloodbank.model.current(), { width: 1000, narrow: false, exported: true }).data"
    )


def test_cells_sums_and_numbers_are_those_of_the_bank(open_page, content, bank):
    page = open_page(content, "panel=matrix&beside=none", size=(1500, 1000))
    order = bank.ranking
    _, layout = chart(page)
    found = cells(page)
    sure, unsure, limit = found["sure"][:12, :12], found["unsure"][:12, :12], found["limit"]
    finetune = bank.finetune_scores.loc[order, order].to_numpy()
    shown = np.clip(finetune, -limit, limit)
    assert (shown == finetune).mean() > 0.8, "few cells are beyond the scale"
    np.testing.assert_allclose(np.where(np.isnan(sure), unsure, sure), shown, rtol=1e-5, atol=1e-9)
    low, high = (bank.intervals.matrix(end).loc[order, order].to_numpy() for end in ("low", "high"))
    np.testing.assert_array_equal(np.isnan(sure) & ~np.isnan(finetune), (low <= 0) & (high >= 0))
    assert np.isnan(unsure).any()
    assert (~np.isnan(unsure)).any()
    donation, recipience = (
        np.clip(bank.scores.loc[order, f"{name}_mean"], -limit, limit) for name in ("donation", "recipience")
    )
    np.testing.assert_allclose(found["sure"][:12, 13], donation, rtol=1e-5)
    np.testing.assert_allclose(found["sure"][13, :12], recipience, rtol=1e-5)
    numbers = next(trace for trace in exported(page) if trace.get("mode") == "text")
    written = {
        (int(y), int(x)): text
        for x, y, text in zip(numbers["x"], numbers["y"], numbers["text"], strict=True)
        if x < 12 and y < 12
    }
    assert len(written) == 132
    for (row, column), text in written.items():
        whole = f"{100 * finetune[row, column]:+.0f}".replace("-", "−").replace("+0", "0").replace("−0", "0")
        assert text == (f"({whole})" if np.isnan(sure[row, column]) else whole)
    painted = page.evaluate(
        "bloodbank.views.matrix.overlay(bloodbank.model.current(), { width: 1000, narrow: false }).labels"
    )
    assert {(one["y"], one["x"]): one["text"] for one in painted if one["x"] < 12 and one["y"] < 12} == written
    assert page.evaluate(PAINTED) > 1000, "and they are on the screen"
    names = {one.code: one.name for one in content.languages}
    assert layout["yaxis"]["ticktext"][:2] == [names[code] for code in order[:2]]
    assert layout["xaxis"]["ticktext"][-1] == "<b>D</b>"
    (bar,) = [trace["marker"] for trace in exported(page) if trace.get("marker", {}).get("showscale")]
    assert bar["cmin"] == -bar["cmax"] == -limit, "the scale is centred on zero"
    bar = page.evaluate("bloodbank.views.matrix.overlay(bloodbank.model.current(), { width: 1000 }).bar")
    assert (bar["limit"], bar["scale"]) == (limit, page.evaluate("bloodbank.colours.diverging(false)"))


def test_pointing_at_a_cell_shows_it_and_a_click_takes_its_donor(open_page, content, bank):
    page = open_page(content, "panel=matrix&beside=none", size=(1500, 1000))
    donor, recipient = bank.ranking[1], bank.ranking[4]
    x, y = page.evaluate(POINT_AT, [1, 4])
    page.mouse.move(x, y)
    tip = page.locator("#tip")
    tip.wait_for(state="visible")
    said = tip.inner_text()
    names = {one.code: one.name for one in content.languages}
    assert f"{names[donor]} → {names[recipient]}" in said
    assert f"{bank.finetune_scores.loc[donor, recipient]:+.3f}".replace("-", "−") in said
    low, high = (bank.intervals.matrix(end).loc[donor, recipient] for end in ("low", "high"))
    assert f"{low:+.3f} to {high:+.3f}".replace("-", "−") in said
    assert f"{bank.differences.loc[donor, recipient]:+.4f}".replace("-", "−") in said
    for table in bank.replicates.values():
        assert f"{table.loc[donor, recipient]:+.2f}".replace("-", "−") in said
    assert "healthy" in said
    settle(page, lambda: page.mouse.click(x, y))
    assert page.evaluate("bloodbank.state.get().focus") == donor
    boxes = page.evaluate("bloodbank.views.matrix.overlay(bloodbank.model.current(), { width: 1000 }).boxes")
    assert [(box["y0"], box["y1"], box["x0"], box["x1"]) for box in boxes] == [
        (0.5, 1.5, -0.5, 11.5),
        (-0.5, 11.5, 0.5, 1.5),
    ], "its row and column stand out"
    assert page.evaluate(ACCENTED) > 500, "and that is on the screen"
    page.mouse.move(5, 5)
    tip.wait_for(state="hidden")


def test_missing_cells_are_shown_as_missing_with_the_reason(open_page, gaps):
    page = open_page(page_data(gaps), "panel=matrix&beside=none&order=bank")
    data, _ = chart(page)
    found = cells(page)
    assert np.isnan(found["sure"][:5, :5]).sum() == 6
    assert np.argwhere(found["missing"]).tolist() == [[1, 3]]
    assert np.argwhere(found["own"]).tolist() == [[k, k] for k in range(5)]
    crosses = next(trace for trace in data if trace.get("marker", {}).get("symbol") == "x-thin")
    assert (crosses["x"], crosses["y"]) == ([3], [1])
    x, y = page.evaluate(POINT_AT, [1, 3])
    page.mouse.move(x, y)
    page.locator("#tip").wait_for(state="visible")
    assert "missing: not measured" in page.locator("#tip").inner_text()
    assert "Grey with a cross" in page.locator("#frame-panel .note").inner_text()
    numbers = next(trace for trace in exported(page) if trace.get("mode") == "text")
    assert "−0" not in numbers["text"]
    assert any(text.endswith("*") for text in numbers["text"]), "sums with missing cells are marked"


def test_groups_are_outlined_and_collapsed(open_page, content):
    page = open_page(content, "panel=matrix&beside=none&outline=1&feature=@family", size=(1700, 1000))
    families = pd.Series([one.family for one in content.languages]).value_counts()
    _, layout = chart(page)
    sizes = sorted(round(shape["x1"] - shape["x0"]) for shape in layout["shapes"])
    assert sizes == sorted(families)
    assert {note["text"] for note in layout["annotations"]} == set(families.index)
    settle(page, lambda: page.get_by_label("Collapse groups of the feature").check())
    _, layout = chart(page)
    assert len(layout["yaxis"]["ticktext"]) == len(families) + 1
    groups = cells(page)["sure"][: len(families), : len(families)]
    assert np.isnan(groups.diagonal()).sum() == (families == 1).sum(), "one language alone gives to none of its own"


def test_the_keyboard_reads_cell_by_cell(open_page, content, bank):
    page = open_page(content, "panel=matrix&beside=none")
    page.locator("#frame-panel .chart").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
    donor, recipient = bank.ranking[1], bank.ranking[1]
    page.keyboard.press("ArrowRight")
    recipient = bank.ranking[2]
    said = page.locator("#live").inner_text()
    names = {one.code: one.name for one in content.languages}
    assert said.startswith(f"{names[donor]} → {names[recipient]}: F ")
    assert f"{bank.finetune_scores.loc[donor, recipient]:+.3f}".replace("-", "−") in said
    settle(page, lambda: page.keyboard.press("Enter"))
    assert page.evaluate("bloodbank.state.get().focus") == donor


def test_controls_change_the_order(open_page, content):
    page = open_page(content, "panel=matrix&beside=none", size=(1500, 900))
    settle(page, lambda: page.locator("#frame-panel").get_by_label("Order by").select_option("name"))
    assert chart(page)[1]["yaxis"]["ticktext"][:-1] == sorted(one.name for one in content.languages)


def test_nothing_chosen_is_said(open_page, content):
    page = open_page(content, "panel=matrix&beside=none")
    settle(page, lambda: page.get_by_role("button", name="None", exact=True).click())
    assert "No language is chosen" in page.locator("#frame-panel .about").inner_text()
    settle(page, lambda: page.get_by_label("Show Finnish").check())
    set_state(page, chosen=["fi", "de"])
    assert len(chart(page)[1]["yaxis"]["ticktext"]) == 3

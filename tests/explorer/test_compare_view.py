"""The comparison of two banks: what a cell says, what is missing, what stays open."""

import numpy as np
import pytest
from browser import cells, chart, set_state

import bloodbank as bb
from explorer.made_pages import page_data_of, small_bank

HOVER = "([x, y]) => bloodbank.views.compare.hover(bloodbank.model.current(), { x, y })"


@pytest.fixture(scope="module")
def banks():
    return small_bank(random=1, without=[("fi", "ru")], unhealthy=[("hu", "de")]), small_bank(random=9, name="other")


@pytest.fixture(scope="module")
def content(banks):
    return page_data_of(banks[0], compare_with=banks[1])


def test_a_cell_says_f_of_both_and_the_interval_of_the_difference(open_page, content, banks):
    expected = bb.compare(*banks)
    page = open_page(content, "panel=compare&beside=none&order=bank")
    order = [content.languages[place].code for place in content.comparison.languages]
    number = lambda text: float(text.replace("−", "-"))  # noqa: E731 - short
    for y, donor in enumerate(order):
        for x, recipient in enumerate(order):
            found = page.evaluate(HOVER, [x, y])
            if donor == recipient:
                assert found is None
                continue
            lines = dict(found["lines"])
            difference = expected.differences.loc[donor, recipient]
            if np.isnan(difference):
                assert lines["difference"] == "missing in one of the two"
                continue
            first, second = (bank.finetune_scores.loc[donor, recipient] for bank in banks)
            assert number(lines["F in small"]) == pytest.approx(first, abs=6e-4)
            assert number(lines["F in other"]) == pytest.approx(second, abs=6e-4)
            assert number(lines["difference"]) == pytest.approx(second - first, abs=6e-4)
            low, high = (table.loc[donor, recipient] for table in (expected.difference_low, expected.difference_high))
            ends = [number(end) for end in lines["95% interval"].split(" to ")]
            assert ends == pytest.approx([low, high], abs=6e-4)
            assert ("" in lines) == (low <= 0 <= high), "uncertain where the interval holds zero"


def test_missing_cells_have_a_cross_and_the_scale_is_centred_on_zero(open_page, content, banks):
    page = open_page(content, "panel=compare&beside=none&order=bank")
    order = [content.languages[place].code for place in content.comparison.languages]
    data, _ = chart(page)
    crosses = {
        (order[y], order[x])
        for trace in data
        if trace.get("marker", {}).get("symbol") == "x-thin"
        for x, y in zip(trace["x"], trace["y"], strict=True)
    }
    assert crosses == {("fi", "ru"), ("hu", "de")}
    cells(page, "bloodbank.data.comparison.difference")  # their colours are those of a scale centred on zero
    bar = page.evaluate("bloodbank.views.compare.overlay(bloodbank.model.current(), { width: 900 }).bar")
    assert bar["limit"] == page.evaluate("bloodbank.colours.range(bloodbank.data.comparison.difference)")


def test_the_table_stays_open_and_the_focus_is_marked(open_page, content, banks):
    page = open_page(content, "panel=compare&beside=none&order=bank")
    page.locator("#frame-panel summary").click()
    heads = page.locator("#frame-panel thead th").all_inner_texts()
    assert len(set(heads)) == len(heads) == 9, "each column has a name of its own"
    set_state(page, focus="hu")
    assert page.locator("#frame-panel details").evaluate("(d) => d.open")
    ticks = chart(page)[1]["yaxis"]["ticktext"]
    row, column = page.evaluate("bloodbank.views.compare.overlay(bloodbank.model.current(), {}).boxes")
    assert ticks[int(row["y0"] + 0.5)] == "Hungarian"
    assert (row["y0"], row["y1"]) == (column["x0"], column["x1"])
    before = page.evaluate("document.querySelector('#frame-panel .chart').data[0].z")
    set_state(page, order="takes")
    assert page.locator("#frame-panel details").evaluate("(d) => d.open")
    assert page.evaluate("document.querySelector('#frame-panel .chart').data[0].z") != before, (
        "the order uses the focus"
    )
    set_state(page, focus="de")
    assert chart(page)[1]["yaxis"]["ticktext"][0] == "German"

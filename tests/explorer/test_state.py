"""What the reader chose lives in the address: a link opens it again, and a wrong one opens the page all the same."""

import numpy as np
import pytest
from browser import set_state, settle

STATES = {
    "seed": ["mean", "0", "1", "2"],
    "panel": ["matrix", "graph", "plane", "similarity", "world", "whatif", "compare", "table"],
    "beside": ["none", "matrix", "graph", "plane"],
    "chosen": [None, ["de", "fi"], ["tr"], []],
    "focus": [None, "el", "de"],
    "order": ["bank", "donation", "recipience", "name", "family", "cluster", "gives", "takes"],
    "feature": ["@family", "@script", "@blood"],
    "colour": ["blood", "family", "script", "feature"],
    "low": [None, -0.25, 0],
    "high": [None, 0.4],
    "edges": [0, 12, 60],
    "layout": ["circle", "similarity", "world"],
    "outline": [False, True],
    "collapse": [False, True],
    "map": ["rows", "columns", "both"],
    "sums": ["all", "chosen"],
    "donors": [[], ["el", "ru"]],
    "recipients": [[], ["de"]],
    "rho": [0, 0.5, 0.75, 1],
    "objective": ["diminishing", "sum"],
    "table": ["languages", "pairs"],
    "sort": ["", "name"],
    "descending": [False, True],
    "theme": ["auto", "light", "dark"],
}


def test_every_key_of_the_state_is_tried_here(open_page, content):
    page = open_page(content, drawing=False)
    assert set(page.evaluate("Object.keys(bloodbank.state.defaults())")) == {*STATES, "view"}


def test_a_link_opens_the_state_again(open_page, content):
    page = open_page(content, drawing=False)
    chance = np.random.default_rng(3)
    for _ in range(12):
        wanted = {key: values[chance.integers(len(values))] for key, values in STATES.items()}
        wanted["view"] = content.views[chance.integers(len(content.views))].key
        set_state(page, **wanted)
        address = page.evaluate("location.hash")
        assert page.evaluate("(a) => bloodbank.state.parse(a)", address) == wanted
    again = open_page(content, address[1:], drawing=False)
    assert again.evaluate("bloodbank.state.get()") == wanted


def test_the_plain_page_has_a_plain_address(open_page, content):
    page = open_page(content, "focus=el", drawing=False)
    settle(page, lambda: page.get_by_role("button", name="Reset").click())
    assert page.evaluate("location.hash") == ""
    assert page.evaluate("bloodbank.state.get().focus") is None


def test_going_back_to_another_address_redraws(open_page, content):
    page = open_page(content, "panel=matrix", drawing=False)
    settle(page, lambda: page.evaluate("location.hash = '#panel=plane&focus=hu'"))
    state = page.evaluate("bloodbank.state.get()")
    assert (state["panel"], state["focus"]) == ("plane", "hu")


@pytest.mark.parametrize(
    "address",
    [
        "panel=nothing&view=none&seed=9&order=sideways&edges=-4&low=abc&rho=7&theme=pink",
        "chosen=xx,yy,<script>&focus=constructor&feature=__proto__&sort=%3Cb%3E",
        "seed=toString&view=__proto__",
        "%%%&&&===#",
        "edges=1e9&edges=3.5&low=Infinity&high=NaN",
    ],
)
def test_a_wrong_link_opens_the_defaults(open_page, content, address):
    page = open_page(content, address, drawing=False)
    state = page.evaluate("bloodbank.state.get()")
    usual = page.evaluate("bloodbank.state.defaults()")
    different = {key for key in usual if state[key] != usual[key]}
    assert different <= {"chosen"}, state
    assert state["chosen"] in (None, [])


def test_a_key_that_there_is_not_is_an_error(open_page, content):
    page = open_page(content, drawing=False)
    assert "no such state" in page.evaluate(
        "(() => { try { bloodbank.state.set({ colour_by: 1 }) } catch (e) { return String(e) } })()"
    )

"""The panels in words: whole, with headings in order, for banks of which little is known."""

import re
from itertools import pairwise

import pytest

from explorer.made_pages import lone_bank, matrix_bank, page_data_of, small_bank

BANKS = {
    "seeds": small_bank,
    "a matrix of someone else's": lambda: matrix_bank([[0, 0.1], [-0.2, 0]], ["de", "fi"]),
    "one language": lone_bank,
}
WORDS = ("donor", "recipient", "Donation D", "Blood types", "Intervals", "Missing", "Seed", "foreign text", "tokenizer")


@pytest.mark.parametrize("name", BANKS)
def test_how_to_read_explains_every_view_and_what_can_mislead(open_page, name):
    data = page_data_of(BANKS[name]())
    page = open_page(data, drawing=False)
    page.get_by_role("button", name="How to read this").click()
    said = page.locator("#help").inner_text()
    for word in WORDS:
        assert word in said, word
    for sentence in [*data.views[0].sentences, data.views[0].covers]:
        assert sentence in said
    for panel in page.evaluate("bloodbank.state.PANELS"):
        title = page.evaluate("(panel) => bloodbank.views[panel].title", panel)
        assert re.search(rf"^{title}: \w.+\.?$", said, re.MULTILINE), title
    assert not re.search(r"undefined|NaN|null|\[object", said)


@pytest.mark.parametrize("button", ["How to read this", "Sources and citation"])
def test_headings_go_down_one_step_at_a_time(open_page, button):
    page = open_page(page_data_of(), drawing=False)
    page.get_by_role("button", name=button).click()
    levels = page.evaluate(
        "[...document.querySelectorAll('dialog[open] :is(h1,h2,h3,h4,h5)')].map((h) => Number(h.tagName[1]))"
    )
    assert levels[0] == 2
    assert all(later - former <= 1 for former, later in pairwise(levels))


def test_settings_of_the_bank_are_there_to_be_unfolded(open_page):
    data = page_data_of()
    page = open_page(data, drawing=False)
    page.get_by_role("button", name="Sources and citation").click()
    shown = page.locator("#source pre").all_text_contents()
    assert shown == [one.settings for one in data.provenance if one.settings]

"""The table: sorting by every column, and what stays where it was when something else changes."""

import re
import time

import pytest
from browser import set_state, settle

from bloodbank.explorer.schema import PageData
from explorer.made_pages import big_bank, page_data_of, small_bank

FOREIGN = "foreign text (share of characters)"


@pytest.fixture(scope="module")
def big():
    return page_data_of(big_bank(200))


def with_facts(content, facts):
    """The same page with other facts: one value for each language by name."""
    given = content.model_dump()
    for view in given["views"]:
        for place, scores in enumerate(view["scores"]):
            scores["facts"] = {name: values[place] for name, values in facts.items()}
    return PageData.model_validate(given)


def codes(page):
    return page.evaluate("[...document.querySelectorAll('#frame-panel tbody tr')].map((r) => r.cells[1].textContent)")


def order(content, values):
    """Codes with the highest value first, equals in the order of the page, missing ones last."""
    known = [place for place, value in enumerate(values) if value is not None]
    places = sorted(known, key=lambda place: -values[place])
    missing = [place for place, value in enumerate(values) if value is None]
    return [content.languages[place].code for place in (*places, *missing)]


def test_facts_sort_too_and_a_link_keeps_that(open_page, content):
    values = [scores.facts[FOREIGN] for scores in content.views[0].scores]
    assert len(set(values)) > 2
    page = open_page(content, "panel=table&beside=none", size=(1900, 900), drawing=False)
    settle(page, lambda: page.locator("#frame-panel").get_by_role("button", name=FOREIGN).click())
    assert codes(page) == order(content, values)
    again = open_page(content, page.url.split("#")[1], size=(1900, 900), drawing=False)
    assert codes(again) == order(content, values)
    assert again.locator("th[aria-sort=descending]").inner_text().startswith(FOREIGN)


def test_facts_of_any_name_sort_and_missing_ones_stand_last(open_page, content):
    n = len(content.languages)
    marks = {
        "<b>a</b>": [float(place % 5) for place in range(n)],
        "<i>A</i>!": [None if place == 0 else float(-place) for place in range(n)],
        "«»": [float(place) for place in range(n)],
        "“”": [float(-place) for place in range(n)],
    }
    page = open_page(with_facts(content, marks), "panel=table&beside=none", size=(1900, 900), drawing=False)
    for name, values in marks.items():
        button = page.locator("#frame-panel").get_by_role("button", name=name, exact=True)
        settle(page, button.click)
        assert codes(page) == order(content, values), name
        if name.startswith("<i>"):
            settle(page, button.click)
            assert codes(page)[-1] == content.languages[0].code, "missing last the other way, too"
    saved = page.evaluate("bloodbank.views.table.rows(bloodbank.model.current()).columns.map((column) => column.label)")
    assert saved[-4:] == list(marks)
    assert saved[:4] == ["name", "code", "blood_type", "type_share"]


def test_the_keyboard_stays_on_the_header_that_sorts(open_page, content):
    page = open_page(content, "panel=table&beside=none", drawing=False)
    header = page.locator("#frame-panel").get_by_role("button", name="Family")
    header.focus()
    for wanted in ("ascending", "descending"):
        settle(page, lambda: page.keyboard.press("Enter"))
        assert page.evaluate("document.activeElement.textContent").startswith("Family")
        assert page.evaluate("document.activeElement.closest('th').ariaSort") == wanted


def test_another_focus_moves_nothing(open_page, big):
    page = open_page(big, "panel=table&table=pairs&beside=none", drawing=False)
    page.get_by_role("button", name=re.compile("^Show 100 more")).click()
    page.evaluate("document.querySelector('#frame-panel .wide').scrollTop = 4000")
    row = page.locator("#frame-panel tbody tr").nth(150)
    donor = row.get_by_role("button").first
    donor.focus()
    before = page.evaluate("document.querySelector('#frame-panel .wide').scrollTop")
    assert before > 1000
    settle(page, lambda: page.keyboard.press("Enter"))
    assert page.evaluate("document.querySelector('#frame-panel .wide').scrollTop") == before
    assert page.evaluate("document.activeElement.textContent") == donor.inner_text()
    assert page.locator("#frame-panel tbody tr").count() == 200
    assert "focus" in row.get_attribute("class")
    name = donor.inner_text()
    marked = page.evaluate(
        "[...document.querySelectorAll('tbody tr.focus')].map((r) => r.innerText.split('\\t').slice(0, 2))"
    )
    assert all(name in ends for ends in marked)
    set_state(page, focus=None)
    assert page.locator("#frame-panel tr.focus").count() == 0


def test_only_pairs_of_the_focus_follow_it(open_page):
    page = open_page(page_data_of(small_bank()), "panel=table&table=pairs&beside=none&focus=fi", drawing=False)
    box = page.get_by_label("Only pairs with Finnish")
    settle(page, box.check)
    assert page.locator("#frame-panel tbody tr").count() == 6
    set_state(page, focus="hu")
    ends = page.evaluate("bloodbank.views.table.rows(bloodbank.model.current()).rows.map((row) => row.slice(0, 2))")
    assert len(ends) == 6
    assert all("hu" in pair for pair in ends)
    set_state(page, focus=None)
    assert page.locator("#frame-panel tbody tr").count() == 12
    assert not page.locator("#frame-panel .body label").is_visible()


def test_the_last_page_says_how_many_are_left(open_page):
    page = open_page(page_data_of(big_bank(15)), "panel=table&table=pairs&beside=none", drawing=False)
    for name in ("Show 100 more of 210", "Show 10 more of 210"):
        page.get_by_role("button", name=name).click()
    assert page.locator("#frame-panel tbody tr").count() == 210
    assert not page.locator("#frame-panel .body > button").is_visible()


def test_shares_of_replicates_are_not_shown_beside_types_over_other_sums(open_page, content):
    page = open_page(content, "panel=table&beside=none", size=(1900, 900), drawing=False)
    share = page.locator("#frame-panel").get_by_role("button", name="type in replicates")
    assert share.count() == 1
    set_state(page, sums="chosen")
    assert share.count() == 0
    set_state(page, sums="all", seed="0")
    assert share.count() == 0


def test_200_languages_in_time_that_is_printed(open_page, big):
    page = open_page(big, "panel=table&table=pairs&beside=none", drawing=False)
    for change in ({"sort": "donor"}, {"descending": False}, {"focus": "fi"}, {"focus": "de"}):
        start = time.perf_counter()
        set_state(page, **change)
        print(f"{change}: {1000 * (time.perf_counter() - start):.0f} ms")
    assert page.locator("#frame-panel tbody tr").count() == 100
    assert "39,800" in page.locator("#frame-panel .body > button").inner_text()

"""The card of a language: what it says follows what is shown, and the keyboard is not lost on it."""

from browser import set_state, settle

from bloodbank.bank.scores import donation, recipience
from bloodbank.explorer.schema import PageData
from explorer.made_pages import big_bank, matrix_bank, page_data_of

ANSWERS = ("yes", "no", "both")


def with_typology(content, n=12):
    """The same page with features; the last language has none of them."""
    given = content.model_dump()
    places = len(given["languages"])
    given["typology"] = {
        "source": "An atlas",
        "licence": "CC-BY",
        "citation": "Somebody",
        "notes": [],
        "features": [
            {
                "id": f"f{k}",
                "name": f"Feature {k}",
                "values": list(ANSWERS),
                "of": [None if place == places - 1 else (place + k) % 3 for place in range(places)],
            }
            for k in range(n)
        ],
    }
    return PageData.model_validate(given)


def facts(page):
    """The card's terms and what is said of each."""
    pairs = page.evaluate(
        "[...document.querySelectorAll('#card dt')].map((t) => [t.textContent, t.nextElementSibling.textContent])"
    )
    return dict(pairs)


def values(page):
    """The values of features that are not hidden."""
    return page.evaluate("[...document.querySelectorAll('#card details dd:not([hidden])')].map((d) => d.textContent)")


def signed(value):
    text = f"{abs(value):.2f}"
    return text if float(text) == 0 else ("−" if value < 0 else "+") + text


def test_sums_over_chosen_languages_are_said_to_be_those_and_have_no_share(open_page, content, bank):
    page = open_page(content, "focus=hu", drawing=False)
    place = bank.languages.index("hu")
    share = content.views[0].scores[place].type_shares[bank.blood_types["hu"]]
    assert facts(page)["Blood type"] == f"{bank.blood_types['hu']}, in {share:.0%} of replicates"
    assert facts(page)["Donation D"].startswith(signed(bank.donation["hu"]))
    chosen = ["hu", "fi", "de", "sv"]
    set_state(page, chosen=chosen, sums="chosen")
    part = bank.finetune_scores.loc[chosen, chosen]
    said = facts(page)
    assert said["Donation D, over those chosen"] == signed(donation(part).loc["hu", "sum"])
    assert said["Recipience R, over those chosen"] == signed(recipience(part).loc["hu", "sum"])
    assert "replicates" not in said["Blood type"]


def test_whom_a_language_neither_helps_nor_harms_is_said(open_page):
    cells = [[0, 0.2, 0.1], [0.3, 0, 0.4], [float("nan"), float("nan"), 0]]
    page = open_page(page_data_of(matrix_bank(cells, ["de", "fi", "hu"])), "focus=de", drawing=False)
    sides = page.locator("#card .sides").inner_text().split("\n")
    assert [line for line in sides if line] == [
        "Gives most to", "Finnish +0.20", "Hungarian +0.10", "Harms most", "nobody",
        "Takes most from", "Finnish +0.30", "Is harmed most by", "nobody",
    ]  # fmt: skip
    set_state(page, focus="hu")
    said = page.locator("#card .sides").inner_text()
    assert said.count("nothing is measured") == 2
    assert "nothing is measured" in facts(page)["Donation D"]
    assert facts(page)["Own MRR (0 to 1)"] == "not known"


def test_places_that_are_shared_are_written_shortly(open_page):
    cells = [[0, 0.1, 0.1], [0.1, 0, 0.1], [0.1, 0.1, 0]]
    page = open_page(page_data_of(matrix_bank(cells, ["de", "fi", "hu"])), "focus=de", drawing=False)
    assert facts(page)["Donation D"] == "+0.20; place 2"
    cells[2] = [0.1, 0.3, 0]
    page = open_page(page_data_of(matrix_bank(cells, ["de", "fi", "hu"])), "focus=de", drawing=False)
    assert facts(page)["Donation D"] == "+0.20; place 2.5"


def test_the_keyboard_goes_on_in_the_card_of_the_language_that_was_pressed(open_page, content):
    page = open_page(content, "focus=fi", drawing=False)
    button = page.locator("#card .sides").get_by_role("button").first
    name = button.inner_text()
    button.focus()
    settle(page, lambda: page.keyboard.press("Enter"))
    assert page.evaluate("document.activeElement.tagName + document.activeElement.textContent") == f"H2{name}"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.ariaLabel") == "Close the card"
    settle(page, lambda: page.keyboard.press("Enter"))
    assert page.evaluate("document.activeElement.textContent") == "Choose a language"
    page.locator("#tabs").get_by_role("button", name="Plane").focus()
    set_state(page, focus="de")
    assert page.evaluate("document.activeElement.textContent") == "Plane", "the card takes no keyboard from elsewhere"


def test_features_stay_open_and_searched_from_one_language_to_the_next(open_page, content):
    given = with_typology(content)
    page = open_page(given, "focus=fi", drawing=False)
    page.locator("#card summary").click()
    page.get_by_label("Find a feature").fill("feature 11")
    first, second = (content.languages[place].code for place in (0, 1))
    for place, code in enumerate((first, second)):
        set_state(page, focus=code)
        assert page.locator("#card details").evaluate("(d) => d.open")
        assert page.get_by_label("Find a feature").input_value() == "feature 11"
        assert values(page) == [ANSWERS[(place + 11) % 3]]
    page.get_by_label("Find a feature").fill("")
    assert len(values(page)) == 12
    set_state(page, focus=content.languages[-1].code)
    assert page.locator("#card summary").inner_text() == "0 of 12 features known"


def test_one_of_200_languages(open_page):
    page = open_page(page_data_of(big_bank(200)), "focus=fi", drawing=False)
    assert page.locator("#card .sides li").count() == 20
    assert "cells are missing" in page.locator("#card").inner_text()

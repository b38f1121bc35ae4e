"""What if: the score of a picked set is that of `recommend`."""

import numpy as np
import pandas as pd
import pytest
from browser import chart, set_state, settle

import bloodbank as bb
from bloodbank.bank.optimum import score_sets
from bloodbank.bank.recommending import recommend
from bloodbank.explorer.content import page_data

SCORE = "([f, s, t, rho]) => bloodbank.whatif.score(f, s, t, rho)"


@pytest.fixture(scope="module")
def bank():
    return bb.load_bank("help-books")


@pytest.fixture(scope="module")
def content(bank):
    return page_data(bank)


def plain(cells):
    return [[None if np.isnan(x) else float(x) for x in row] for row in cells]


def test_scores_of_100_random_selections_are_those_of_recommend(open_page, content):
    page = open_page(content, drawing=False)
    rng = np.random.default_rng(8)
    for number in range(100):
        n = int(rng.integers(3, 12))
        cells = np.round(rng.normal(0, 0.3, (n, n)), 1 if number % 4 == 0 else 6)  # rounded, many are tied
        cells[rng.random((n, n)) < 0.2] = np.nan
        np.fill_diagonal(cells, np.nan)
        donors = rng.choice(n, int(rng.integers(1, n)), replace=False)
        recipients = rng.choice(n, int(rng.integers(1, n)), replace=False)
        rho = float(rng.choice([0, 0.3, 0.5, 1]))
        expected = score_sets(donors[None, :], cells[:, recipients], rho)[0]
        found = page.evaluate(SCORE, [plain(cells), donors.tolist(), recipients.tolist(), rho])
        assert found["score"] == pytest.approx(expected, abs=1e-9)
        missing = {(s, t) for s in donors for t in recipients if s != t and np.isnan(cells[s, t])}
        assert {tuple(pair) for pair in found["unmeasured"]} == missing


def test_parts_are_those_of_the_recommendation(open_page, content, bank):
    page = open_page(content, "panel=whatif", drawing=False)
    places = {code: place for place, code in enumerate(bank.languages)}
    [places[code] for code in ("sv", "fi", "de")]
    for objective, rho in (("diminishing", 0.5), ("diminishing", 0), ("sum", 1)):
        found = recommend(bank.finetune_scores, ["sv", "fi", "de"], 3, objective=objective, rho=rho, exact_size=True)
        set_state(page, donors=list(found.donors), recipients=["sv", "fi", "de"], objective=objective, rho=rho)
        shown = page.evaluate(
            SCORE,
            [
                content.views[0].finetune,
                [places[c] for c in found.donors],
                [places[c] for c in ("sv", "fi", "de")],
                rho,
            ],
        )
        assert shown["score"] == pytest.approx(found.best.score, abs=1e-4)
        parts = pd.DataFrame(shown["parts"])
        parts[["donor", "recipient"]] = parts[["donor", "recipient"]].map(lambda place: bank.languages[place])
        both = parts.merge(found.contributions, on=["donor", "recipient"], suffixes=("", "_python"))
        assert len(both) == len(found.contributions)
        assert list(both["weight"]) == pytest.approx(list(both["weight_python"]))
        assert list(both["part"]) == pytest.approx(list(both["part_python"]), abs=1e-5)
        said = page.locator("#frame-panel .score strong").inner_text()
        assert said == f"{found.best.score:+.3f}".replace("-", "−")
        best = page.evaluate(
            "([f, s, t, rho]) => bloodbank.whatif.changes(f, s, t, rho).remove.map(([, change]) => change)",
            [
                content.views[0].finetune,
                [places[c] for c in found.donors],
                [places[c] for c in ("sv", "fi", "de")],
                rho,
            ],
        )
        if rho:
            assert max(best) <= 1e-9, "the best set of exactly three loses by losing one, for these gains"


def test_donors_and_recipients_are_picked_with_buttons(open_page, content, bank):
    page = open_page(content, "panel=whatif&beside=none")
    assert "Pick one recipient" in page.locator("#frame-panel .found").inner_text()
    recipients = page.get_by_role("group", name="Recipients: that are to gain")
    donors = page.get_by_role("group", name="Donors: to pretrain on")
    settle(page, lambda: recipients.get_by_role("button", name="German").click())
    settle(page, lambda: donors.get_by_role("button", name="Korean").click())
    donors.get_by_role("button", name="Japanese").focus()
    settle(page, lambda: page.keyboard.press("Enter"))
    assert page.evaluate("[bloodbank.state.get().donors, bloodbank.state.get().recipients]") == [["ko", "ja"], ["de"]]
    first, second = sorted([bank.finetune_scores.loc["ko", "de"], bank.finetune_scores.loc["ja", "de"]], reverse=True)
    expected = f"{first + second / 2:+.3f}".replace("-", "−")
    assert page.locator("#frame-panel .score strong").inner_text() == expected
    bars = {trace["name"]: trace["x"] for trace in chart(page)[0]}
    assert bars["Korean"] == pytest.approx([bank.finetune_scores.loc["ko", "de"]], rel=1e-5)
    settle(page, lambda: page.locator("#frame-panel").get_by_label("Returns").select_option("sum"))
    assert page.locator("#frame-panel .score strong").inner_text() == f"{first + second:+.3f}".replace("-", "−")
    assert page.locator("#rho").is_disabled()
    more = page.locator("#frame-panel .found .change").first
    language = more.inner_text().rsplit(" ", 1)[0]
    settle(page, more.click)
    names = {one.name: one.code for one in content.languages}
    assert names[language] in page.evaluate("bloodbank.state.get().donors")
    assert "bloodbank recommend BANK --for de --budget 3" in page.locator("#frame-panel code").inner_text()

"""The comparison, the tables, the card and the panels: what is written, against the bank."""

import re

import numpy as np
import pytest
from browser import cells, chart, set_state, settle

import bloodbank as bb
from bloodbank.bank.bank import rebuild, with_intervals
from bloodbank.bank.importing.read_matrix import MatrixWarning
from bloodbank.explorer.content import page_data
from bloodbank.pipeline.open_bank import shipped_folder
from bloodbank.typology import load_features
from explorer.made_pages import big_bank, lone_bank, matrix_bank, page_data_of, small_bank
from shared_data import shared_data


def signed(value, digits=2):
    text = f"{value:+.{digits}f}".replace("-", "−")
    return text[1:] if float(text.replace("−", "-")) == 0 else text


def rows_of(page, selector="#frame-panel table"):
    return page.evaluate(
        "(s) => [...document.querySelector(s).rows].map((r) => [...r.cells].map((c) => c.textContent.trim()))", selector
    )


def test_the_comparison_is_that_of_python(open_page):
    authors = bb.read_matrix(shared_data("published", "mrr_ratio_22x22.csv"))
    ours = bb.load_bank("help-books")
    expected = bb.compare(authors, ours)
    page = open_page(page_data(authors, compare_with=ours), "panel=compare&beside=none&order=bank", size=(1300, 900))
    found = cells(page, "bloodbank.data.comparison.difference")
    limit = found["limit"]
    np.testing.assert_allclose(found["sure"], expected.differences.clip(-limit, limit), atol=1e-5)
    assert (expected.differences.abs() > limit).to_numpy().sum() < 10, "few are cut at the end of the scale"
    said = page.locator("#frame-panel .sentences li").all_inner_texts()
    assert said == expected.sentences()
    rows = rows_of(page)
    for code, row in zip(expected.languages, rows[1:], strict=True):
        assert row[1] == signed(expected.scores.loc[code, "donation_a"])
        assert row[3] == signed(expected.scores.loc[code, "donation_difference"])
        assert row[7] == signed(expected.scores.loc[code, "recipience_difference"])
    set_state(page, chosen=["de", "fi", "hi"])
    assert chart(page)[1]["yaxis"]["ticktext"] == ["Finnish", "German"]
    set_state(page, chosen=["hi"])
    assert "None of the chosen languages" in page.locator("#frame-panel .about").inner_text()


def test_a_comparison_with_seeds_has_intervals(open_page):
    a, b = small_bank(random=1), small_bank(random=9, name="other")
    expected = bb.compare(a, b)
    page = open_page(page_data_of(a, compare_with=b), "panel=compare&beside=none&order=bank")
    unsure = cells(page, "bloodbank.data.comparison.difference")["unsure"]
    low, high = expected.difference_low.to_numpy(), expected.difference_high.to_numpy()
    np.testing.assert_array_equal(~np.isnan(unsure), (low <= 0) & (high >= 0))
    assert "Pale" in page.locator("#frame-panel .note").inner_text()


def test_without_a_second_bank_it_is_said_how_to_get_one(open_page, content):
    page = open_page(content, "panel=compare&beside=none", drawing=False)
    assert "--compare OTHER" in page.locator("#frame-panel .about").inner_text()


def test_the_table_of_languages(open_page, content, bank):
    page = open_page(content, "panel=table&beside=none&focus=el", size=(1900, 900), drawing=False)
    header, *rows = rows_of(page)
    names = {one.code: one.name for one in content.languages}
    assert [row[1] for row in rows] == bank.ranking
    at = {re.sub(" [▼▲]$", "", label): place for place, label in enumerate(header)}
    scores = bank.intervals.scores.set_index(["score", "language"])
    for row in rows:
        code = row[1]
        assert row[0] == names[code]
        assert row[at["D"]] == signed(bank.donation[code])
        assert row[at["R"]] == signed(bank.recipience[code])
        assert row[at["D low"]] == signed(scores.loc[("donation", code), "low"])
        ends = scores.loc[("recipience", code), ["rank_low", "rank_high"]]
        assert row[at["R rank interval"]] == "{:.0f} to {:.0f}".format(*ends)
        assert row[at["Blood type"]] == bank.blood_types[code]
    settle(page, lambda: page.get_by_role("button", name="Language", exact=True).press("Enter"))
    assert [row[0] for row in rows_of(page)[1:]] == sorted(names.values())
    assert page.locator("th[aria-sort=ascending]").inner_text().startswith("Language")
    settle(page, lambda: page.get_by_role("button", name="R", exact=True).click())
    by_recipience = bank.recipience.sort_values(ascending=False).index
    assert [row[1] for row in rows_of(page)[1:]] == list(by_recipience)
    settle(page, lambda: page.locator("#frame-panel").get_by_role("button", name="Finnish", exact=True).click())
    assert page.evaluate("bloodbank.state.get().focus") == "fi"
    assert page.locator("tr.focus").inner_text().startswith("Finnish")


def test_the_table_of_pairs_has_missing_cells_last_and_says_why(open_page):
    made = small_bank(without=[("fi", "ru")], unhealthy=[("hu", "de")])
    page = open_page(page_data_of(made), "panel=table&table=pairs&beside=none", drawing=False)
    for descending in (True, False):
        set_state(page, descending=descending)
        _header, *rows = rows_of(page)
        assert len(rows) == 12
        reasons = {(row[0], row[1]): row[-1] for row in rows[-2:]}
        assert reasons[("Finnish", "Russian")] == "not measured"
        assert "unhealthy" in reasons[("Hungarian", "German")]
        values = [float(row[2].strip("()").replace("−", "-")) for row in rows[:-2]]
        assert values == sorted(values, reverse=descending)
    settle(page, lambda: page.locator("#side").get_by_role("button", name="Finnish fi").click())
    settle(page, lambda: page.get_by_label("Only pairs with Finnish").check())
    assert all("Finnish" in row[:2] for row in rows_of(page)[1:])
    assert len(rows_of(page)) == 7


def test_many_pairs_come_page_by_page(open_page):
    page = open_page(page_data_of(big_bank(40)), "panel=table&table=pairs&beside=none", drawing=False)
    assert len(rows_of(page)) == 101
    page.get_by_role("button", name=re.compile("Show 100 more")).click()
    assert len(rows_of(page)) == 201


@pytest.mark.parametrize("baseline", ["equal", "longer"])  # all donors help; all harm
def test_the_card_says_what_a_language_gives_and_takes(open_page, bank, baseline):
    bank = rebuild(bank, baseline=baseline)
    bank = with_intervals(bank, shipped_folder("help-books") / "sentence_scores.parquet")
    content = page_data(bank)
    page = open_page(content, "focus=fi&beside=none", drawing=False)
    said = page.locator("#card").inner_text()
    finetune, intervals = bank.finetune_scores, bank.intervals
    names = {one.code: one.name for one in content.languages}
    ends = [
        *finetune["fi"].dropna().nlargest(5).loc[lambda gains: gains > 0].items(),
        *finetune["fi"].dropna().nsmallest(5).loc[lambda gains: gains < 0].items(),
    ]
    assert len(ends) >= 5
    for code, value in ends:
        unsure = intervals.matrix("low").loc[code, "fi"] <= 0 <= intervals.matrix("high").loc[code, "fi"]
        assert f"{names[code]} {f'({signed(value)})' if unsure else signed(value)}" in said
    of_fi = finetune.loc["fi"].dropna()
    most = of_fi.idxmin() if (of_fi < 0).any() else of_fi.idxmax()
    assert f"{names[most]} {signed(of_fi[most])}" in said
    assert signed(bank.donation["fi"]) in said
    assert f"{bank.blood_types['fi']}, in" in said
    assert page.locator("#card .warning").count() == len(
        next(s for one, s in zip(content.languages, content.views[0].scores, strict=True) if one.code == "fi").flags
    )
    settle(page, page.locator("#card").get_by_role("button", name=names[most]).first.click)
    assert page.locator("#card h2").inner_text() == names[most]
    settle(page, lambda: page.get_by_role("button", name="Close the card").click())
    assert "Choose a language" in page.locator("#card").inner_text()


def test_typology_stands_on_the_card_with_its_source(open_page, bank):
    features = load_features(bank.languages, shared_data("wals", "cldf"))
    page = open_page(page_data(bank, features=features), "focus=tr&beside=none&panel=matrix", size=(1500, 900))
    page.locator("#card summary").click()
    said = page.locator("#card details").inner_text()
    order = next(name for name in features.names.index if features.names[name] == "Order of Subject, Object and Verb")
    assert features.categories.loc["tr", order] == "SOV"
    assert "Order of Subject, Object and Verb" in said
    assert features.source in said
    page.get_by_label("Find a feature").fill("order of subject, object")
    settle(page, lambda: page.locator("#card details").get_by_role("button", name="SOV", exact=True).click())
    state = page.evaluate("bloodbank.state.get()")
    assert (state["feature"], state["colour"]) == (order, "feature")
    set_state(page, collapse=True)
    groups = features.categories[order].fillna("not known").value_counts()
    shown = page.evaluate("bloodbank.model.current().nodes.map((node) => [node.label, node.members.length])")
    assert dict(shown) == groups.to_dict()


def test_panels_tell_how_to_read_and_whom_to_cite(open_page, content):
    page = open_page(content, drawing=False)
    page.get_by_role("button", name="How to read this").click()
    said = page.locator("#help").inner_text()
    for sentence in content.views[0].sentences:
        assert sentence in said
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Sources and citation").click()
    said = page.locator("#source").inner_text()
    assert "Malkin" in said
    assert content.world.source in said
    for line in content.provenance[0].lines:
        assert line in said


ODD = {
    "one language": lambda: page_data_of(lone_bank()),
    "two languages": lambda: page_data_of(matrix_bank([[0, 0.1], [-0.2, 0]], ["de", "fi"])),
    "all missing but one": lambda: page_data_of(
        matrix_bank([[0, np.nan, np.nan], [-0.0, 0, np.nan], [np.nan, np.nan, 0]], ["de", "fi", "hu"])
    ),
    "zero-shot": lambda: page_data_of(small_bank(protocol="zero_shot")),
    "several metrics": lambda: page_data_of(small_bank(metrics=("mrr", "bits_per_byte"))),
    "private codes": lambda: page_data_of(matrix_bank(np.full((3, 3), 0.5), ["x-a", "x-b", "x-c"])),
}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.filterwarnings(f"ignore::{MatrixWarning.__module__}.{MatrixWarning.__name__}")
def test_odd_banks_are_drawn_in_every_view(open_page, name):
    data = ODD[name]()
    first = data.languages[0].code
    page = open_page(data, f"focus={first}&donors={first}&recipients={data.languages[-1].code}&outline=1")
    for panel in page.evaluate("bloodbank.state.PANELS"):
        for change in (
            {"panel": panel},
            {"collapse": True},
            {"collapse": False},
            {"focus": None, "layout": "similarity"},
        ):
            set_state(page, **change)
        words = page.locator("#frame-panel").inner_text()
        assert "NaN" not in words
        assert "undefined" not in words
        assert "null" not in words
        assert not re.search(r"[-−]0(\.0+)?\b(?!\.)", words), "no negative zero"
        drawn = page.locator("#frame-panel .chart svg").count() > 0 and page.locator("#frame-panel .chart").is_visible()
        written = page.locator("#frame-panel .about.empty").count() or page.locator("#frame-panel .body").is_visible()
        assert drawn or written, panel


def test_200_languages_are_drawn(open_page):
    page = open_page(page_data_of(big_bank(200)), "panel=matrix&beside=graph", size=(1600, 1000))
    data, _ = chart(page)
    assert np.shape(data[0]["z"]) == (202, 202), "with D and R behind a gap"
    for panel in ("graph", "plane", "similarity", "world", "table"):
        set_state(page, panel=panel, beside="none")
    assert len(page.evaluate("bloodbank.model.current().nodes")) == 200


def test_a_bank_that_lacks_languages_of_another_sums_over_its_own(open_page):
    wide, narrow = small_bank(("de", "fi", "hu", "ru"), name="wide"), small_bank(("de", "fi", "hu"), name="narrow")
    data = page_data_of([wide, narrow])
    key = next(view.key for view in data.views if view.bank == "narrow")
    page = open_page(data, drawing=False)
    from bloodbank.bank.scores import donation

    for seed, table in narrow.replicates.items():
        set_state(page, view=key, seed=str(seed))
        found = page.evaluate("bloodbank.model.current().donation.map((score) => [score.value, score.complete])")
        expected = donation(table)
        for code, (value, complete) in zip(("de", "fi", "hu"), found[:3], strict=True):
            assert value == pytest.approx(expected.loc[code, "sum"], abs=1e-4)
            assert complete
        assert found[3] == [None, False]

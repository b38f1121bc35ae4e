"""The page as a whole: one file that asks nobody for anything, and in which data stays text."""

import json
import re

import pytest
from browser import chart, set_state, settle, wait_until

from bloodbank.errors import BloodbankError
from bloodbank.explorer import page as page_module
from bloodbank.explorer.page import SCRIPTS, STYLES, WEB, json_text, page_html
from bloodbank.explorer.schema import PageData

EVIL = "</script><img src=x onerror='window.evil=1'><b>\"bold\"</b> & <a href='javascript:evil()'>x</a>"
PANELS = ("matrix", "graph", "plane", "similarity", "world", "whatif", "compare", "table")


def hostile(content):
    """The same page with markup in everything that has words."""
    given = content.model_dump()

    def spoil(value):
        if isinstance(value, dict):
            return {key: spoil(one) for key, one in value.items()}
        return (
            [spoil(one) for one in value]
            if isinstance(value, list)
            else EVIL + value
            if isinstance(value, str)
            else value
        )

    for key in ("title", "subtitle", "citation", "provenance", "typology_missing"):
        given[key] = spoil(given[key])
    for language in given["languages"]:
        for key in ("name", "family", "script", "entry_how"):
            language[key] = spoil(language[key])
    for view in given["views"]:
        for key in ("bank", "metric_label", "covers", "sentences", "states"):
            view[key] = spoil(view[key])
        for scores in view["scores"]:
            scores["flags"] = [EVIL]
            scores["facts"] = {EVIL: EVIL, **scores["facts"]}
    feature = {"id": "x1", "name": EVIL, "values": [EVIL, "no"], "of": [0, 1] * (len(given["languages"]) // 2)}
    whose = dict.fromkeys(("source", "licence", "citation"), EVIL)
    given["typology"] = {**whose, "notes": [EVIL], "features": [feature]}
    return PageData.model_validate(given)


def test_every_file_of_the_page_is_in_it():
    there = {str(path.relative_to(WEB)) for path in WEB.rglob("*.js")}
    assert there == set(SCRIPTS)
    assert {path.name for path in WEB.glob("*.css")} == set(STYLES)


def test_modules_are_small_and_strict():
    for path in [*WEB.rglob("*.js"), *WEB.glob("*.css")]:
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 250, path
        if path.suffix == ".js":
            assert '"use strict";' in text, path
            assert not re.search(
                r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text
            ), path


def test_one_file_names_no_other(content):
    html = page_html(content).replace(page_module.plotly_script(), "")
    assert not re.search(r"<(script|link|img|iframe)[^>]+(src|href)=", html)
    assert not re.search(r"url\((?!#)", html)
    assert "default-src 'none'" in html


def test_the_data_come_back_whole(content):
    text = json_text(hostile(content))
    assert "<" not in text
    assert PageData.model_validate(json.loads(text)) == hostile(content)


def test_without_the_drawing_library_it_is_said_what_to_install(content, monkeypatch):
    page_module.plotly_script.cache_clear()
    monkeypatch.setattr(page_module, "find_spec", lambda name: None)
    with pytest.raises(BloodbankError, match="pip install"):
        page_html(content)


def test_markup_in_the_data_stays_text_in_every_view(open_page, content):
    page = open_page(hostile(content), "focus=el&feature=x1&outline=1&table=pairs&donors=el,ru&recipients=de")
    links = "document.querySelectorAll('svg a[*|href]').length"
    for panel in PANELS:
        for change in ({"panel": panel}, {"collapse": True}, {"collapse": False, "colour": "feature"}):
            set_state(page, **change)
            assert page.evaluate("window.evil") is None
            assert page.locator("img, a[href^=javascript]").count() == 0
            bold = "[...document.querySelectorAll('b')].filter((b) => b.textContent === '\"bold\"').length"
            assert page.evaluate(bold) == 0
            assert page.evaluate(links) == 0
    assert EVIL.split("'", maxsplit=1)[0] in page.locator("h1").inner_text()


def test_markup_in_the_data_stays_text_in_the_dialogs(open_page, content):
    page = open_page(hostile(content), drawing=False)
    for name in ("How to read this", "Sources and citation"):
        page.get_by_role("button", name=name).click()
        assert page.locator("dialog[open] img").count() == 0
        page.keyboard.press("Escape")
    assert page.evaluate("window.evil") is None


def test_a_script_that_gets_in_all_the_same_is_not_run(open_page, content):
    page = open_page(content, drawing=False)
    page.evaluate(
        "(() => { const s = document.createElement('script'); s.textContent = 'window.evil = 1';"
        " document.body.append(s) })()"
    )
    assert page.evaluate("window.evil") is None
    assert any("Content Security Policy" in text for text in open_page.wrong)
    open_page.wrong.clear()


def test_it_can_ask_nobody_for_anything(open_page, content):
    page = open_page(content, drawing=False)
    assert page.evaluate("fetch('data:text/plain,x').then(() => 'went', () => 'refused')") == "refused"
    open_page.wrong.clear()


def test_first_view_is_painted_before_the_library_is_there(open_page, content):
    page = open_page(content, "panel=matrix&beside=none", drawing=False)
    painted = page.evaluate(
        "(() => { const c = document.querySelector('#frame-panel .chart canvas'); const p = c.getContext('2d');"
        " const d = p.getImageData(0, 0, c.width, c.height).data; const seen = new Set();"
        " for (let i = 0; i < d.length; i += 4) seen.add(`${d[i]},${d[i+1]},${d[i+2]}`); return seen.size })()"
    )
    assert painted > 50, "cells have their colours"
    full = open_page(content, "panel=matrix&beside=none")
    assert full.locator("#frame-panel .chart canvas").count() == 0
    assert full.evaluate("Number(document.documentElement.dataset.painted) > 0")


def test_dialogs_open_and_close_with_the_keyboard(open_page, content):
    page = open_page(content, drawing=False)
    button = page.get_by_role("button", name="How to read this")
    button.focus()
    page.keyboard.press("Enter")
    assert page.locator("dialog#help").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("dialog#help").is_visible()


def test_themes(open_page, content):
    page = open_page(content, "panel=matrix&beside=none", scheme="dark")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    paper = page.evaluate("document.querySelector('#frame-panel .chart')._fullLayout.paper_bgcolor")
    settle(page, lambda: page.get_by_label("Light or dark").select_option("light"))
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)" != dark
    assert (
        page.evaluate("document.querySelector('#frame-panel .chart')._fullLayout.paper_bgcolor") == "#ffffff" != paper
    )


@pytest.mark.parametrize("width", [360, 1100, 1920])
def test_nothing_is_wider_than_the_window(open_page, content, width):
    page = open_page(content, "focus=el&donors=el&recipients=de", size=(width, 900))
    for panel in PANELS:
        set_state(page, panel=panel)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, panel
        assert page.locator("#frame-beside").is_visible() == (width >= 1180 and panel != "graph")


def test_two_views_are_linked(open_page, content):
    page = open_page(content, "panel=matrix&beside=plane", size=(1700, 900))
    settle(page, lambda: page.locator("#side").get_by_role("button", name="Hungarian hu").click())
    assert page.evaluate("bloodbank.state.get().focus") == "hu"
    assert "Hungarian" in page.locator("#card").inner_text()
    set_state(page, chosen=["hu", "fi", "de"])
    assert len(chart(page)[1]["yaxis"]["ticktext"]) == 4
    points = {
        x
        for trace in chart(page, "beside")[0]
        if trace.get("x") and "markers" in trace.get("mode", "")
        for x in trace["x"]
    }
    recipience = {
        score.recipience.value
        for one, score in zip(content.languages, content.views[0].scores, strict=True)
        if one.code in {"hu", "fi", "de"}
    }
    assert recipience <= points
    assert (
        not {
            score.recipience.value
            for one, score in zip(content.languages, content.views[0].scores, strict=True)
            if one.code == "el"
        }
        & points
    )


def test_another_metric_and_another_seed(open_page, content):
    page = open_page(content, "panel=matrix&beside=none")
    settle(page, lambda: page.get_by_label("Metric").select_option("accuracy"))
    assert page.evaluate("bloodbank.model.current().view.metric") == "accuracy"
    assert page.evaluate("bloodbank.model.current().finetune") == next(
        v.finetune for v in content.views if v.metric == "accuracy"
    )
    settle(page, lambda: page.get_by_label("Seed").select_option("1"))
    assert page.evaluate("bloodbank.model.current().finetune") == next(
        v.seeds["1"] for v in content.views if v.metric == "accuracy"
    )


def test_languages_are_chosen_by_the_value_of_a_feature(open_page, content):
    page = open_page(content, "panel=matrix&beside=none")
    settle(page, lambda: page.locator("#choose-feature").select_option("@script"))
    expected = {one.code for one in content.languages if one.script == "Latin"}
    settle(page, lambda: page.get_by_role("button", name=f"Latin {len(expected)}").click())
    assert 0 < len(expected) < len(content.languages)
    assert set(page.evaluate("bloodbank.state.get().chosen")) == expected
    count = f"{len(expected)} of {len(content.languages)}"
    wait_until(page, f"document.querySelector('.count').textContent.startsWith('{count}')")

import contextlib
import dataclasses
import io
import json
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from bloodbank import read_matrix
from bloodbank.analysis.asymmetry import asymmetry
from bloodbank.analysis.groups import groups
from bloodbank.bank import build_bank, write_bank
from bloodbank.bank.bank import with_intervals
from bloodbank.bank.scores import matrix
from bloodbank.bank.sentences import extremes
from bloodbank.bank.uncertainty.panel import panel_intervals
from bloodbank.cli.reporting import report
from bloodbank.errors import UsageError
from bloodbank.report import write_report
from bloodbank.report.page import Section, report_page
from bloodbank.report.parts import report_parts
from bloodbank.typology import load_features
from made_up_banks import measurements_of, sentence_scores
from shared_data import shared_data

CODES = ("de", "el", "en", "fi", "fr", "ru")
FIGURES = {"heatmap", "graph", "plane", "asymmetry", "detrimental", "monolingual", "groups", "relatives", "levels"}
FIGURES |= {"best_donor"}
_VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """What a page holds; refuses tags that do not close."""

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.images, self.links, self.texts = [], [], [], [], []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag not in _VOID:
            self.open.append(tag)
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "img":
            self.images.append(given)
        if tag in ("a", "link", "script"):
            self.links.append(given.get("href") or given.get("src") or tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    scores = sentence_scores(CODES, n_paragraphs=30)
    bank = with_intervals(build_bank(measurements_of(scores), languages=CODES, name="made-up"), scores)
    folder = tmp_path_factory.mktemp("report")
    scores.to_parquet(folder / "sentence_scores.parquet")
    path = write_report(bank, folder / "out", tables=folder, png=True)
    return bank, path, Page(path.read_text("utf-8"))


def test_the_page_needs_no_other_file(whole):
    _, path, page = whole
    assert path.name == "report.html"
    assert all(link.startswith("#") for link in page.links)
    assert {link[1:] for link in page.links} == set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert all(image["src"].startswith("data:image/") for image in page.images)
    assert all(len(image["alt"]) > 80 for image in page.images)


def test_its_policy_lets_nothing_run_and_asks_for_nothing(whole):
    text = whole[1].read_text("utf-8")
    policy = text.partition('http-equiv="Content-Security-Policy" content="')[2].partition('"')[0]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules.pop("default-src") == rules.pop("base-uri") == rules.pop("form-action") == "'none'"
    assert rules == {"img-src": "data:", "style-src": "'unsafe-inline'"}
    assert text.index("Content-Security-Policy") < text.index("<style")


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("../outside", "outside-report"),
        ("/root", "root-report"),
        ("..", "bank-report"),
        ("x" * 300, f"{'x' * 60}-report"),
    ],
)
def test_a_bank_s_name_is_no_place(name, folder, tmp_path, monkeypatch):
    scores = sentence_scores(CODES[:2], n_paragraphs=3, seeds=(0,))
    write_bank(build_bank(measurements_of(scores), languages=CODES[:2], name=name), tmp_path / "bank")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr("bloodbank.report.write_report", lambda bank, out, **_: out)
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        report(tmp_path / "bank" / "bank.json")
    assert shown.getvalue().strip() == folder


def test_every_figure_is_in_the_page_and_beside_it(whole):
    _, path, page = whole
    assert {one.stem for one in (path.parent / "figures").glob("*.svg")} == FIGURES
    assert {one.stem for one in (path.parent / "figures").glob("*.png")} == FIGURES
    assert len(page.images) == len(FIGURES)


def test_the_sentences_are_those_of_the_analyses(whole):
    bank, _, page = whole
    for sentence in (*asymmetry(bank).sentences(), *groups(bank, by="script").sentences(), bank.intervals.covers):
        assert sentence in page.texts
    turned = dataclasses.replace(bank, finetune_scores=-bank.finetune_scores)
    assert asymmetry(turned).sentences() != asymmetry(bank).sentences()


def test_the_table_of_languages_has_places_and_both_intervals(whole):
    bank, _, page = whole
    of_d = bank.intervals.scores.query("score == 'donation'").set_index("language").loc[bank.ranking[0]]
    assert f"1 ({of_d['rank_low']:.0f} to {of_d['rank_high']:.0f})" in page.texts
    others = panel_intervals(bank.finetune_scores).scores.query("score == 'donation'")
    panel = others.set_index("language").loc[bank.ranking[0]]
    assert f"{panel['low']:+.2f} to {panel['high']:+.2f}" in page.texts


@pytest.mark.parametrize(("protocol", "words"), [("zero_shot", "negative by design"), ("joint", "scores of one model")])
def test_what_f_is_follows_from_the_protocol(whole, protocol, words):
    bank = whole[0]
    said = {}
    for name in (protocol, "sequential"):
        parts = report_parts(dataclasses.replace(bank, protocol=name), None, language="en", features="none")
        said[name] = " ".join(next(part for part in parts if part.key == "numbers").sentences)
    assert words in said[protocol]
    assert words not in said["sequential"]


def test_a_file_in_the_way_is_named(whole, tmp_path):
    (tmp_path / "afile").write_text("x")
    with pytest.raises(UsageError, match="A file stands where a folder is needed"):
        write_report(whole[0], tmp_path / "afile")
    (tmp_path / "report.html").mkdir()
    with pytest.raises(UsageError, match=r"cannot write .*report.html"):
        write_report(whole[0], tmp_path)


def test_a_figure_of_an_earlier_report_goes(whole, tmp_path):
    bank = whole[0]
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "curves.png").write_bytes(b"of another bank")
    (tmp_path / "figures" / "heatmap.png").write_bytes(b"of another bank")
    (tmp_path / "figures" / "mine.png").write_bytes(b"of the user")
    write_report(bank, tmp_path)
    assert [path.name for path in (tmp_path / "figures").glob("*.png")] == ["mine.png"]


def test_the_confounds_stand_before_the_analyses(whole):
    _, _, page = whole
    order = [name for name in page.ids if name in ("mislead", "matrix", "asymmetry", "groups", "best")]
    assert order[0] == "mislead"


def test_equal_banks_give_equal_pages(whole, tmp_path):
    bank, path, _ = whole
    again = write_report(bank, tmp_path, tables=path.parent.parent)
    assert again.read_bytes() == path.read_bytes()


@pytest.fixture(scope="module")
def marked(whole, tmp_path_factory):
    """A report of an odd name, with provenance, loss curves and a reason why there are no features."""
    folder = tmp_path_factory.mktemp("marked")
    rows = [
        {"protocol": "monolingual", "donor": "", "recipient": "de", "seed": 0, "phase": 0, "language": "de",
         "updates": n, "tokens_seen": 10 * n, "loss": 5.0 - n}
        for n in range(4)
    ]  # fmt: skip
    pd.DataFrame(rows).to_csv(folder / "loss_curves.csv", index=False)
    name = '<script>alert("a")</script> & co'
    odd = dataclasses.replace(whole[0], name=name, provenance={"note": "</pre><b>", "seeds": [0, 1]})
    path = write_report(odd, folder / "out", tables=folder, features="the folder is empty")
    return path, Page(path.read_text("utf-8"))


def test_names_are_text_and_no_markup(marked):
    _, page = marked
    assert any('<script>alert("a")</script>' in text for text in page.texts)
    assert "script" not in page.links


def test_provenance_is_kept(marked):
    _, page = marked
    assert json.dumps({"note": "</pre><b>", "seeds": [0, 1]}, indent=1) in page.texts


def test_without_features_it_says_why(whole, marked):
    assert "Typological features: not possible, because no features were given." in whole[2].texts
    assert "Typological features: not possible, because the folder is empty." in marked[1].texts


def test_loss_curves_are_drawn_where_they_are(whole, marked):
    assert (marked[0].parent / "figures" / "curves.svg").exists()
    assert not (whole[1].parent / "figures" / "curves.svg").exists()


@pytest.mark.parametrize(
    "cells",
    [
        [[np.nan, 0.1], [0.2, np.nan]],
        [[np.nan, 0.1, np.nan], [np.nan, np.nan, np.nan], [np.nan, np.nan, np.nan]],
        [[np.nan, 0.1, 0.1], [0.1, np.nan, 0.1], [0.1, 0.1, np.nan]],
        [[np.nan, np.nan], [np.nan, np.nan]],
    ],
    ids=["two languages", "one cell", "all equal", "nothing"],
)
def test_odd_banks_have_a_report(cells, tmp_path, recwarn):
    scores = sentence_scores(CODES[: len(cells)], n_paragraphs=5, seeds=(0,))
    bank = build_bank(measurements_of(scores), languages=CODES[: len(cells)], name="odd")
    table = matrix(cells, bank.languages)
    sums = bank.scores.assign(
        donation=table.sum(axis=1, min_count=1), recipience=table.sum(axis=0, min_count=1), blood_type=None
    )
    odd = dataclasses.replace(bank, finetune_scores=table, scores=sums, replicates={}, measurements=None)
    page = Page(write_report(odd, tmp_path).read_text("utf-8"))
    assert any("not possible, because" in text for text in page.texts)
    assert not [warning for warning in recwarn if issubclass(warning.category, RuntimeWarning)]


def test_nobody_is_first_among_equals(whole):
    bank = whole[0]
    equal = matrix(np.where(np.eye(len(CODES), dtype=bool), np.nan, 0.1), CODES)
    sums = bank.scores.assign(donation=equal.sum(axis=1), recipience=equal.sum(axis=0))
    assert extremes(dataclasses.replace(bank, finetune_scores=equal, scores=sums)) == []
    assert len(extremes(bank)) == 3


def test_the_released_matrix_has_a_report(tmp_path):
    bank = read_matrix(shared_data("published", "mrr_ratio_22x22.csv"))
    features = load_features(bank.languages, shared_data("wals", "cldf"))
    page = Page(write_report(bank, tmp_path, features=features).read_text("utf-8"))
    text = " ".join(page.texts)
    assert "depends on the border: it holds only at -10%" in text
    assert "r = -0.573" in text
    assert "explain 60% of the variance" in text
    assert "22 of 22 languages are in it" in text
    assert "features known" in page.texts
    assert "ε(M_t) is not known" in text
    assert {one.stem for one in (tmp_path / "figures").glob("*.svg")} == FIGURES - {"monolingual"}


def test_a_page_without_sections_is_a_page():
    assert Page(report_page("t", "u", [Section("a", "b", ())])).ids == ["a"]

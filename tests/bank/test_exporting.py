import dataclasses
import json
import re

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from bloodbank.bank import build_bank
from bloodbank.bank.exporting import escape, export_bank, long_table, to_latex, to_networkx
from bloodbank.bank.importing.read_matrix import read_matrix
from bloodbank.errors import UsageError

CODES = ("de", "fi", "hu")


@pytest.fixture
def bank(paper_example):
    return build_bank(paper_example, languages=CODES, name="quick_start")


@pytest.fixture
def ragged(example_with):
    """Two seeds, digits that do not end, cells missing, a language without any cell as donor, one loss."""
    first = example_with(alone={"de": 1 / 3}, drop=[("de", "fi"), ("hu", "de"), ("hu", "fi")])
    second = example_with(seed=1, drop=[("hu", "de"), ("hu", "fi")])
    rows = pd.concat([first, second])
    return build_bank(rows, languages=("de", "hu", "fi"), name="ragged")


@pytest.mark.parametrize("name", ["x.csv", "x.parquet", "x.pq", "x.json"])
@pytest.mark.parametrize("kind", ["bank", "ragged"])
def test_exported_f_is_read_back_to_the_last_digit(request, tmp_path, name, kind):
    bank = request.getfixturevalue(kind)
    path = export_bank(bank, tmp_path / "new" / name)
    assert path == tmp_path / "new" / name
    back = read_matrix(path)
    assert back.finetune_scores.equals(bank.finetune_scores)
    assert back.languages == bank.languages
    assert back.donation.equals(bank.donation)
    assert [each.name for each in path.parent.iterdir()] == [name]


def test_the_long_csv_is_read_back(ragged, tmp_path):
    back = read_matrix(export_bank(ragged, tmp_path / "x.csv", "long-csv"))
    assert back.finetune_scores.equals(ragged.finetune_scores)
    assert back.languages == ragged.languages
    assert (back.metric, back.protocol) == ("mrr", "sequential")


def test_a_matrix_of_gains_alone_is_read_back(bank, tmp_path):
    # no negative cell and no diagonal: only the name in the first cell says that these are no ratios
    positive = dataclasses.replace(bank, finetune_scores=bank.finetune_scores.abs())
    assert read_matrix(export_bank(positive, tmp_path / "x.csv")).finetune_scores.equals(positive.finetune_scores)


def test_a_loss_keeps_its_sign(example_with, tmp_path):
    bank = build_bank(example_with(metric="cross_entropy"), languages=CODES, name="loss", metric="cross_entropy")
    back = read_matrix(export_bank(bank, tmp_path / "x.parquet"))
    assert back.metric == "cross_entropy"
    assert back.finetune_scores.equals(bank.finetune_scores)
    np.testing.assert_allclose(back.log_ratios.to_numpy(), bank.log_ratios.to_numpy())


def test_json_is_the_whole_bank(bank, tmp_path):
    assert read_matrix(export_bank(bank, tmp_path / "other.json")) == bank


def test_the_published_codes_nan_and_no_are_written(bank, tmp_path):
    other = {"de": "nan", "fi": "no", "hu": "hu"}
    renamed = dataclasses.replace(bank, languages=("nan", "no", "hu"))
    for name in ("finetune_scores", "differences", "log_ratios", "n_seeds", "seed_deviations", "health"):
        renamed = dataclasses.replace(renamed, **{name: getattr(bank, name).rename(index=other, columns=other)})
    for name in ("scores", "covariates"):
        renamed = dataclasses.replace(renamed, **{name: getattr(bank, name).rename(index=other)})
    for name, kind in (("x.csv", None), ("y.csv", "long-csv"), ("x.parquet", None)):
        back = read_matrix(export_bank(renamed, tmp_path / name, kind))
        assert back.languages == ("nan", "no", "hu")
        assert back.finetune_scores.equals(renamed.finetune_scores)


def test_a_code_does_not_become_a_formula_of_a_spreadsheet(bank, tmp_path):
    evil = {"de": "=cmd|x!A0", "fi": "+1", "hu": "hu"}
    renamed = dataclasses.replace(bank, languages=tuple(evil.values()))
    for name in ("finetune_scores", "differences", "log_ratios", "n_seeds", "seed_deviations", "health"):
        renamed = dataclasses.replace(renamed, **{name: getattr(bank, name).rename(index=evil, columns=evil)})
    for name, kind in (("x.csv", None), ("y.csv", "long-csv")):
        text = export_bank(renamed, tmp_path / name, kind).read_text("utf-8")
        assert "'=cmd|x!A0" in text
        assert not re.search(r"(^|,)[=+]", text, re.MULTILINE)


def test_long_table(ragged):
    table = long_table(ragged)
    assert list(table.columns) == [
        "protocol",
        "metric",
        "donor",
        "recipient",
        "finetune_score",
        "difference",
        "log_ratio",
        "n_seeds",
        "seed_deviation",
        "level",
        "health",
    ]
    assert len(table) == 6
    row = table[(table["donor"] == "fi") & (table["recipient"] == "de")].iloc[0]
    # seeds: 0.32 / (1/3) - 1 = -0.04 and 0.32 / 0.2 - 1 = +0.6
    assert row["finetune_score"] == pytest.approx(0.28)
    assert row["seed_deviation"] == pytest.approx(0.64 / np.sqrt(2))
    assert row["n_seeds"] == 2
    assert row["level"] == "positive"
    missing = table[(table["donor"] == "hu")]
    assert missing["finetune_score"].isna().all()
    assert (missing["health"] == "missing").all()


def test_graph(bank):
    graph = to_networkx(bank)
    assert list(graph.nodes) == list(CODES)
    assert graph.number_of_edges() == 6
    assert graph.edges["fi", "de"]["weight"] == graph.edges["fi", "de"]["F"] == pytest.approx(0.6)
    assert graph.edges["de", "fi"]["weight"] == pytest.approx(0.2)
    assert graph.edges["fi", "de"]["level"] == "very positive"
    assert graph.nodes["fi"]["name"] == "Finnish"
    assert graph.nodes["fi"]["script"] == "Latn"
    assert graph.nodes["fi"]["family"] == "Uralic"
    assert graph.nodes["fi"]["D"] == pytest.approx(0.55)
    assert graph.nodes["fi"]["R"] == pytest.approx(-0.2)
    assert graph.nodes["fi"]["blood_type"] == "O"
    assert graph.nodes["fi"]["monolingual"] == 0.25
    out = dict(graph.out_degree(weight="weight"))
    assert out == pytest.approx(bank.donation.to_dict())
    assert dict(graph.in_degree(weight="weight")) == pytest.approx(bank.recipience.to_dict())


def test_graph_leaves_out_what_is_missing(ragged):
    graph = to_networkx(ragged)
    assert list(graph.nodes) == ["de", "hu", "fi"]
    assert not graph.has_edge("hu", "de")
    assert "D" not in graph.nodes["hu"]
    assert "seed_deviation" not in graph.edges["de", "fi"]
    assert graph.nodes["hu"]["D_complete"] is False
    assert not any(
        isinstance(value, float) and np.isnan(value) for *_, data in graph.edges(data=True) for value in data.values()
    )


def test_covariates_are_node_attributes(bank):
    covariates = pd.DataFrame({"fertility": [1.5, np.nan, 2], "D": [9.0, 9, 9]}, index=pd.Index(CODES, name="language"))
    covariates["script"] = pd.Series(["Cyrl", None, None], index=covariates.index, dtype=object)
    graph = to_networkx(dataclasses.replace(bank, covariates=covariates))
    assert graph.nodes["de"]["fertility"] == 1.5
    assert "fertility" not in graph.nodes["fi"]
    assert graph.nodes["de"]["script"] == "Cyrl"
    assert graph.nodes["fi"]["script"] == "Latn"
    assert graph.nodes["de"]["D"] == pytest.approx(-0.05)


def test_graphml_is_read_back_by_networkx(ragged, tmp_path):
    ragged = dataclasses.replace(ragged, name='a "bank" <&> \x07 für ε')
    graph, back = to_networkx(ragged), nx.read_graphml(export_bank(ragged, tmp_path / "x.graphml"))
    assert back.is_directed()
    assert {code: dict(data) for code, data in back.nodes(data=True)} == dict(graph.nodes(data=True))
    assert {(s, t): dict(data) for s, t, data in back.edges(data=True)} == {
        (s, t): data for s, t, data in graph.edges(data=True)
    }
    assert back.graph["name"] == 'a "bank" <&> \N{REPLACEMENT CHARACTER} für ε'
    assert back.graph["direction"] == "an edge goes from donor to recipient"


def test_latex(bank):
    text = to_latex(bank)
    rows = [line for line in text.splitlines() if line.endswith("\\\\")]
    assert rows == [
        " & de & fi & hu & $D$ \\\\",
        "de &  & $+20$ & $-25$ & $-0.05$ \\\\",
        "fi & $+60$ &  & $-5$ & $+0.55$ \\\\",
        "hu & $-5$ & $-40$ &  & $-0.45$ \\\\",
        "$R$ & $+0.55$ & $-0.20$ & $-0.30$ &  \\\\",
    ]
    for rule in ("\\toprule", "\\midrule", "\\bottomrule"):
        assert rule in text
    assert "\\begin{tabular}{lrrrr}" in text
    caption = re.search(r"\\caption\{(.*)\}", text)[1]
    assert caption.startswith(
        "Finetune scores $F$ of quick\\_start (sequential), in percent of the recipient's monolingual MRR"
    )
    assert "Rows give (donors), columns receive (recipients)." in caption
    assert "without a unit" in caption
    assert "not measured" not in caption
    assert "times the mean" not in caption


def test_latex_of_an_incomplete_bank(ragged):
    text = to_latex(ragged)
    assert "hu & $\\cdot$ &  & $\\cdot$ & $\\cdot$ \\\\" in text
    assert re.search(r"\$R\$ & \$[+-]\d\.\d\d\$\* &", text)
    assert "A dot: not measured." in text
    assert "*: $n - 1$ times the mean" in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a_b & 50% #1 $x$ {y}", r"a\_b \& 50\% \#1 \$x\$ \{y\}"),
        ("~^\\", r"\textasciitilde{}\textasciicircum{}\textbackslash{}"),
        ("two\n\nlines", "two lines"),
        ("übrig ε", "übrig ε"),
    ],
)
def test_latex_is_escaped(text, expected):
    assert escape(text) == expected


def test_latex_has_no_special_sign_of_a_name(bank):
    text = to_latex(dataclasses.replace(bank, name="50%_of\\all{}"))
    assert r"50\%\_of\textbackslash{}all\{\}" in text
    assert "\\label{tab:50-of-all}" in text
    assert text.count("{") == text.count("}")


def test_formats_are_named(bank, tmp_path):
    assert export_bank(bank, tmp_path / "x.txt", "latex").read_text("utf-8").endswith("\\end{table}\n")
    assert json.loads(export_bank(bank, tmp_path / "x", "json").read_text("utf-8"))["name"] == "quick_start"
    for path, asked, message in (
        (tmp_path / "x.xlsx", None, "The format of 'x.xlsx' is not known. Formats are csv, long-csv, parquet, json"),
        (tmp_path / "x.csv", "excel", "The format 'excel' is not known"),
    ):
        with pytest.raises(UsageError, match=message):
            export_bank(bank, path, asked)
    with pytest.raises(UsageError, match=r"is a folder\. Give the name of a file in it"):
        export_bank(bank, tmp_path, "csv")

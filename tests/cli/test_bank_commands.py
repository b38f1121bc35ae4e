"""The commands that work on a bank alone, and the bank that comes with the package."""

import json
import re
import subprocess
import sys
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bloodbank as bb
from bloodbank.bank import build_bank, read_bank, write_bank
from bloodbank.bank.bank import with_intervals
from bloodbank.cli import app
from bloodbank.errors import UsageError
from bloodbank.experiment.load import load_experiment
from bloodbank.pipeline.open_bank import shipped_banks, shipped_folder
from shared_data import shared_data


@pytest.fixture
def run(capsys):
    def call(*arguments):
        with pytest.raises(SystemExit) as done:
            app([str(one) for one in arguments], exit_on_error=False, print_error=False)
        assert not done.value.code
        return capsys.readouterr().out

    return call


@pytest.fixture
def matrix(tmp_path):
    codes = ["de", "el", "en", "fi", "fr", "hu"]
    cells = np.random.default_rng(0).normal(size=(6, 6)) / 5
    np.fill_diagonal(cells, 0)
    path = tmp_path / "theirs.csv"
    pd.DataFrame(cells, index=codes, columns=codes).to_csv(path)
    return path


def test_the_shipped_bank_is_what_its_settings_say():
    bank = bb.load_bank("help-books")
    settings = load_experiment(shipped_folder("help-books") / "experiment.toml")
    assert bank.languages == settings.languages
    assert len(bank.languages) >= 12
    assert sorted(bank.replicates) == [0, 1, 2] == list(settings.seeds)
    told = bank.provenance["settings"]
    for section in ("model", "training", "tokenizer", "grid", "scoring"):
        now = getattr(settings, section)
        assert type(now).model_validate(told[section]) == now  # a setting that came later has its default
    assert told["corpus"]["budget_tokens"] == settings.corpus.budget_tokens
    assert told["corpus"]["path"] == "{language}.txt.xz"
    assert bank.intervals.covers_seeds
    assert bank.intervals.covers_paragraphs
    assert bank.intervals.replicates.shape == (1_000, len(bank.languages), len(bank.languages))


def test_the_shipped_bank_follows_from_its_own_tables():
    bank = bb.load_bank("help-books")
    again = build_bank(
        bank.measurements, languages=bank.languages, name=bank.name, covariates=bank.covariates,
        provenance=bank.provenance, baseline=bank.baseline,
    )  # fmt: skip
    again = with_intervals(again, shipped_folder("help-books") / "sentence_scores.parquet")
    pd.testing.assert_frame_equal(again.finetune_scores, bank.finetune_scores)
    pd.testing.assert_frame_equal(again.intervals.scores, bank.intervals.scores)
    np.testing.assert_allclose(again.intervals.replicates, bank.intervals.replicates, atol=1e-4)


def test_the_shipped_files_name_no_machine():
    folder = resources.files("bloodbank") / "banks" / "help-books"
    for name in ("bank.json", "make.py", "experiment.toml", "measurements.csv"):
        assert not re.search(r"/(work|home|root|tmp|Users)/", (folder / name).read_text(encoding="utf-8")), name


def test_an_unknown_bank_names_those_that_there_are():
    assert "help-books" in shipped_banks()
    with pytest.raises(UsageError, match=r"No bank called 'nope' comes with bloodbank. There are: help-books"):
        bb.load_bank("nope")


def test_a_shipped_bank_can_be_named_wherever_a_bank_is_taken(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert "12 languages" in run("show", "help-books")
    assert "no cell changes its sign" in run("bank", "compare", "help-books", "help-books")
    assert "replicates" in run("recommend", "help-books", "--for", "sv,fi", "--budget", "2", "--anyway")
    run("bank", "export", "help-books", tmp_path / "out.csv")
    assert (tmp_path / "out.csv").exists()


def test_a_matrix_of_another_kind_is_compared_by_order(run, tmp_path):
    bank = bb.load_bank("help-books")
    scores = 0.5 + 0.3 * bank.finetune_scores.fillna(0.0)  # another scale, one order
    np.fill_diagonal(cells := scores.to_numpy(copy=True), 0.5)
    pd.DataFrame(cells, bank.languages, bank.languages).to_csv(tmp_path / "large.csv")
    run("bank", "import", tmp_path / "large.csv", "--values", "score", "--out", tmp_path / "large")
    said = run("bank", "compare", "help-books", tmp_path / "large", "--table", tmp_path / "orders.csv")
    assert "help-books orders donors within recipients as large does, beyond chance: r = +1.00" in said
    table = pd.read_csv(tmp_path / "orders.csv").set_index(["of", "measure"])
    assert table.loc[("bank", "pairs"), "correlation"] == pytest.approx(1)
    assert table.loc["map", "note"].isna().all()


def test_what_is_on_disk_comes_before_a_shipped_bank(run, tmp_path, monkeypatch, matrix):
    monkeypatch.chdir(tmp_path)
    write_bank(bb.read_matrix(matrix), tmp_path / "help-books")
    assert "6 languages" in run("show", "help-books")


def test_recommend_tells_how_often_each_is_picked(run):
    text = run("recommend", "help-books", "--for", "sv", "--budget", "2", "--anyway")
    assert re.search(r"Picked over 1,000 replicates of F: [a-z]+ \d+%", text), text


def test_recommend_keeps_to_a_distance(run):
    apart = ("--min-distance", "0.3", "--features", shared_data("wals", "cldf"))
    text = run("recommend", "help-books", "--for", "sv", "--budget", "2", "--anyway", *apart)
    assert "at least 0.3 apart in features" in text
    text = run("select", "help-books", "--size", "2", *apart)
    assert "0.3" in text


def test_a_choice_begins_with_what_the_bank_says_against_it(run, matrix):
    unknown = "What the bank says against it: reliability is not known, because with how many seeds"
    assert run("select", matrix, "--size", "1").startswith(unknown)
    withheld = run("recommend", matrix, "--for", "de", "--budget", "1")
    assert "For German (de): no donor is recommended, because how far the order of donors would repeat" in withheld
    assert unknown in withheld
    assert "Score" not in withheld
    anyway = run("recommend", matrix, "--for", "de", "--budget", "1", "--anyway")
    assert anyway.startswith(unknown)
    assert "(1 donor)" in anyway


def test_report_stands_beside_a_run_or_here(run, matrix, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("bank", "report", matrix).strip() == "theirs-report/report.html"
    assert (tmp_path / "theirs-report" / "figures" / "graph.svg").exists()
    named = run("bank", "report", matrix, "--out", tmp_path / "there", "--language", "fi").strip()
    assert "Is Finnish the best donor?" in (tmp_path / "there" / "report.html").read_text("utf-8")
    assert named == str(tmp_path / "there" / "report.html")


def test_report_of_a_bank_file_finds_its_tables(run, tmp_path):
    text = run("bank", "report", shipped_folder("help-books") / "bank.json", "--out", tmp_path)
    assert text.strip() == str(tmp_path / "report.html")
    assert (tmp_path / "figures" / "curves.svg").exists()
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "share neither seed nor test paragraph" in page
    assert "Control `longer`" in page


def test_typology_writes_its_table(run, matrix, tmp_path):
    text = run(
        "bank", "typology", matrix, "--features", shared_data("wals", "cldf"), "--table", tmp_path / "f.csv",
        "--most", "2",
    )  # fmt: skip
    assert "features tested by" in text
    assert text.count("Not beyond chance:") <= 2
    table = pd.read_csv(tmp_path / "f.csv")
    assert {"feature", "effect", "p", "p_max"} <= set(table)


def test_typology_without_a_folder_takes_uriel(run, matrix):
    pytest.importorskip("urielplus", reason="the package urielplus is not installed")
    assert "URIEL" in run("bank", "typology", matrix)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("report", "--language", "english"), "unknown language 'english'"),
        (("typology", "--level", "7"), "--level 7: give a probability"),
        (("typology", "--most", "-3"), "--most -3: give 0 or more"),
    ],
)
def test_options_out_of_range_are_named(run, matrix, arguments, message):
    command, *options = arguments
    with pytest.raises(UsageError, match=message):
        run("bank", command, matrix, *options)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is a thing of Linux")
def test_a_full_disk_behind_the_output_is_said(matrix):
    command = [sys.executable, "-m", "bloodbank.cli", "recommend", matrix, "--for", "de", "--budget", "1"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert "cannot write the output" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_without_features_is_named(run, matrix, tmp_path):
    with pytest.raises(UsageError, match="nothing-here"):
        run("bank", "report", matrix, "--typology", tmp_path / "nothing-here")


def test_a_bank_keeps_its_intervals_through_a_file(tmp_path):
    bank = bb.load_bank("help-books")
    write_bank(bank, tmp_path)
    assert read_bank(tmp_path) == bank
    assert json.loads((tmp_path / "bank.json").read_text("utf-8"))["intervals"]["level"] == 0.95

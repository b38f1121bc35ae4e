import json
import shutil
import subprocess
import sys
import webbrowser
from pathlib import Path

import pandas as pd
import pytest

import bloodbank as bb
from bloodbank.bank import write_bank
from bloodbank.cli import app, exploring
from bloodbank.errors import UsageError
from bloodbank.experiment.load import load_experiment
from bloodbank.explorer import page as writing
from bloodbank.explorer.schema import PageData
from bloodbank.pipeline.open_bank import open_all, shipped_folder
from explorer.made_pages import small_bank
from shared_data import shared_data
from small_run import write_experiment

PROTOCOLS, BUDGETS = ("sequential", "joint"), (1_500, 3_000)
LANGUAGES = ("x-a", "x-b", "x-c")


@pytest.fixture(autouse=True)
def plain_page(monkeypatch):
    """The page is its data alone: what is around them has tests of its own."""
    monkeypatch.setattr(writing, "page_html", lambda data: data.model_dump_json())


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Commands run in a folder of their own."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def opened(monkeypatch):
    """Addresses that a browser was asked to show."""
    found = []
    monkeypatch.setattr(webbrowser, "open", found.append)
    return found


@pytest.fixture
def explore(capsys):
    def call(*arguments):
        with pytest.raises(SystemExit) as done:
            app(["explore", *map(str, arguments)], exit_on_error=False, print_error=False)
        assert not done.value.code
        path, _, size = capsys.readouterr().out.strip().rpartition(" (")
        assert size.endswith("B)")
        return Path(path), PageData.model_validate_json(Path(path).read_text(encoding="utf-8"))

    return call


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    """A run folder with two protocols and two budgets, made without training."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    file = write_experiment(folder.parent, grid=f"protocols = {list(PROTOCOLS)}")
    settings = load_experiment(file).model_dump(mode="json")
    settings["corpus"]["more_budgets_chars"] = [BUDGETS[1]]
    for place, budget in ((folder, BUDGETS[0]), (folder / f"budget-{BUDGETS[1]}", BUDGETS[1])):
        tables = []
        for number, protocol in enumerate(PROTOCOLS):
            suffix = f"-budget-{budget}" * (budget != BUDGETS[0]) + f"-{protocol}" * bool(number)
            bank = small_bank(
                LANGUAGES, protocol=protocol, name=f"small{suffix}", random=budget, metrics=("mrr", "accuracy")
            )
            write_bank(bank, place / protocol if number else place)
            tables.append(bank.measurements[(bank.measurements["donor"] != "") | (number == 0)])
        pd.concat(tables).to_csv(place / "measurements.csv", index=False)
    (folder / "plan.json").write_text('{"outputs": []}')
    (folder / "experiment.json").write_text(json.dumps(settings))
    return folder


def test_a_run_brings_all_its_protocols_budgets_and_metrics(explore, run_folder):
    path, content = explore(run_folder)
    assert path == run_folder / "explorer.html"
    assert [(view.bank, view.protocol, view.metric) for view in content.views] == [
        (f"small{budget}{f'-{protocol}' * (protocol != 'sequential')}", protocol, metric)
        for budget in ("", "-budget-3000")
        for protocol in PROTOCOLS
        for metric in ("mrr", "accuracy")
    ]
    assert len({view.key for view in content.views}) == 8
    assert [one.code for one in content.languages] == list(LANGUAGES)
    first, accuracy = content.views[:2]
    assert "test paragraphs" in first.covers  # kept in bank.json
    assert accuracy.low is not None


def test_protocols_that_were_not_run_yet_are_left_out(explore, run_folder, tmp_path):
    folder = shutil.copytree(run_folder, tmp_path / "run")
    shutil.rmtree(folder / "joint")
    (folder / "budget-3000" / "bank.json").unlink()
    _, content = explore(folder, "--out", tmp_path / "page.html")
    assert {view.bank for view in content.views} == {"small", "small-budget-3000-joint"}


def test_a_run_without_a_bank_is_an_error(run_folder, tmp_path):
    folder = shutil.copytree(run_folder, tmp_path / "run")
    (folder / "bank.json").unlink()
    with pytest.raises(UsageError, match="There is no bank at"):
        app(["explore", str(folder)], exit_on_error=False, print_error=False)


def test_a_damaged_audit_is_named(run_folder, tmp_path):
    folder = shutil.copytree(run_folder, tmp_path / "run")
    (folder / "audit.json").write_text("{")
    with pytest.raises(UsageError, match=r"audit.json is damaged"):
        open_all(folder)


def test_a_real_run_brings_the_facts_of_its_texts(explore, finished, tmp_path):
    _, folder, _, _ = finished
    _, content = explore(folder, "-o", tmp_path / "page.html", "--title", "Three")
    assert content.title == "Three"
    assert [view.metric for view in content.views[:4]] == ["mrr", "accuracy", "cross_entropy", "bits_per_byte"]
    for view in content.views:
        assert "test paragraphs" in view.covers
        assert view.scores[0].facts["updates of its own model"] > 0
    one = open_all(folder)[0]  # behind it may stand zero-shot scores
    if one.audit is not None:
        size = next(one.value("sample", "n_chars") for one in one.audit.languages if one.code == "x-a")
        assert content.views[0].scores[0].facts["training text (characters)"] == size


def test_a_shipped_bank_can_be_named(explore, here):
    path, content = explore("help-books", "--typology", shared_data("wals", "cldf"))
    assert path == Path("help-books-explorer.html")
    assert (here / path).is_file()
    assert len({view.metric for view in content.views if view.bank == "help-books"}) == 4
    assert len({view.metric for view in content.views if view.bank == "help-books, against longer"}) == 4
    assert content.typology.source.startswith("The World Atlas")


def test_a_bank_file_alone_is_enough(explore, tmp_path):
    shutil.copy(shipped_folder("help-books") / "bank.json", tmp_path / "bank.json")
    path, content = explore(tmp_path / "bank.json", "-o", tmp_path / "page.html")
    assert path == tmp_path / "page.html"
    assert [view.metric for view in content.views] == ["mrr"]
    assert content.views[0].low is not None


def test_a_bank_file_of_a_run_brings_its_own_metrics_only(explore, run_folder, tmp_path):
    _, content = explore(run_folder / "bank.json", "-o", tmp_path / "page.html")
    assert [(view.protocol, view.metric) for view in content.views] == [
        ("sequential", "mrr"),
        ("sequential", "accuracy"),
    ]


def test_a_matrix_is_enough(explore):
    path, content = explore(shared_data("published", "mrr_ratio_22x22.csv"), "--compare", "help-books")
    assert path == Path("mrr_ratio_22x22-explorer.html")
    view = content.views[0]
    codes = [one.code for one in content.languages]
    assert view.finetune[codes.index("fi")][codes.index("de")] == pytest.approx(0.512, abs=5e-4)
    types = {code: scores.blood_type for code, scores in zip(codes, view.scores, strict=True)}
    assert {code for code, kind in types.items() if kind == "O"} == {"ar", "el", "fi", "ru", "ta"}
    assert {code for code, kind in types.items() if kind == "AB+"} == {"de", "en", "hi", "hy"}
    assert content.comparison.b == "help-books"
    theirs = set(bb.load_bank("help-books").languages) & set(
        bb.read_matrix(shared_data("published", "mrr_ratio_22x22.csv")).languages
    )
    assert {codes[place] for place in content.comparison.languages} == theirs


@pytest.mark.parametrize(
    ("name", "file"), [("../a b/c", "a-b-c"), ("", "bank"), ("..", "bank"), ("日本 1.0", "日本-1.0")]
)
def test_a_name_is_no_folder(explore, tmp_path, name, file):
    write_bank(small_bank(name=name), tmp_path)
    path, _ = explore(tmp_path / "bank.json")
    assert path == Path(f"{file}-explorer.html")


def test_a_browser_opens_at_a_terminal_only(explore, opened, monkeypatch, tmp_path):
    write_bank(small_bank(), tmp_path)
    explore(tmp_path)
    assert opened == []
    monkeypatch.setattr(exploring, "at_terminal", lambda: True)
    path, _ = explore(tmp_path)
    assert opened == [path.resolve().as_uri()]
    explore(tmp_path, "--no-open")
    assert len(opened) == 1


def test_a_browser_that_fails_is_no_error(explore, monkeypatch, tmp_path):
    def fail(address):
        raise webbrowser.Error("no browser")

    monkeypatch.setattr(exploring, "at_terminal", lambda: True)
    monkeypatch.setattr(webbrowser, "open", fail)
    write_bank(small_bank(), tmp_path)
    explore(tmp_path)


def test_help_loads_nothing_heavy():
    code = (
        "import sys\nfrom bloodbank.cli import app\n"
        "try:\n    app(['explore', '--help'])\nexcept SystemExit: pass\n"
        "heavy = {'numpy', 'pandas', 'scipy', 'torch', 'matplotlib'} & set(sys.modules)\nassert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--no-open" in done.stdout
    assert "-o" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "nowhere"),
        (["help-books", "--compare", "nowhere"], "nowhere"),
        (["help-books", "--typology", "nowhere"], "No folder nowhere"),
        (["help-books", "-o", "."], "is a folder"),
    ],
)
def test_what_is_wrong_is_named(arguments, message):
    with pytest.raises(UsageError, match=message):
        app(["explore", *arguments], exit_on_error=False, print_error=False)


def test_show_takes_a_matrix_too(capsys, tmp_path):
    with pytest.raises(SystemExit):
        app(["show", str(shared_data("published", "mrr_ratio_22x22.csv"))], exit_on_error=False, print_error=False)
    assert "22 languages" in capsys.readouterr().out


def test_import_takes_a_bank(capsys, tmp_path):
    write_bank(small_bank(), tmp_path)
    with pytest.raises(SystemExit):
        app(["bank", "import", str(tmp_path / "bank.json")], exit_on_error=False, print_error=False)
    assert "4 languages" in capsys.readouterr().out

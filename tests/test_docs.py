"""The documentation is true: its commands parse, its Python runs, its tables are made from the code."""

import importlib.util
import re
import shlex
import shutil
from pathlib import Path

import pytest

from small_run import write_experiment

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_the_table_of_settings_is_made_from_the_settings():
    path = ROOT / "tools" / "make_settings_doc.py"
    spec = importlib.util.spec_from_file_location("make_settings_doc", path)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    assert (ROOT / "docs" / "settings.md").read_text(encoding="utf-8") == tool.render(), f"run {path}"


def test_the_form_of_the_page_is_made_from_its_schema():
    path = ROOT / "tools" / "make_page_doc.py"
    spec = importlib.util.spec_from_file_location("make_page_doc", path)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    assert (ROOT / "docs" / "page-data.md").read_text(encoding="utf-8") == tool.render(), f"run {path}"


def test_every_command_in_the_documentation_is_one():
    from bloodbank.cli import app

    lines = [line for page in PAGES for block in blocks(page, "bash") for line in block.splitlines()]
    commands = [shlex.split(line, comments=True) for line in lines if line.startswith("bloodbank ")]
    assert len(commands) >= 6
    for command in commands:
        app.parse_args(command[1:], exit_on_error=False, print_error=False)


def test_every_experiment_in_the_documentation_loads(tmp_path):
    from bloodbank.experiment.load import load_experiment

    found = [block for page in PAGES for block in blocks(page, "toml")]
    assert len(found) >= 2
    for number, block in enumerate(found):
        path = tmp_path / f"{number}.toml"
        path.write_text(block, encoding="utf-8")
        assert load_experiment(path).name == "mine"


def test_the_example_of_the_downstream_stage_loads():
    from bloodbank.experiment.load import load_experiment

    found = load_experiment(ROOT / "examples" / "downstream" / "experiment.toml")
    assert sorted(found.downstream.tasks) == ["ner", "pos"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_python_in_the_documentation_runs(page, tmp_path, monkeypatch, finished, capsys):
    write_experiment(tmp_path)
    monkeypatch.chdir(tmp_path)
    for name in ("mine", "small"):
        shutil.copytree(finished[1], tmp_path / "runs" / name)
    for block in blocks(page, "python"):
        exec(compile(block, str(page), "exec"), {})  # noqa: S102 - our own documentation
    assert "Traceback" not in capsys.readouterr().err


def test_links_between_pages_lead_somewhere():
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 150

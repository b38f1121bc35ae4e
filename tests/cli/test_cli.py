"""The command line: messages, exit codes, speed of help."""

import os
import shutil
import subprocess
import sys

import pytest

from small_run import finish, run_command, start_command, write_experiment


def test_help_imports_no_torch_and_names_the_commands():
    code = "import sys, bloodbank.cli; sys.exit(any(m in sys.modules for m in ('torch', 'transformers', 'pandas')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    code, out, _ = finish(start_command("--help"))
    assert code == 0
    for name in ("run", "status", "show"):
        assert name in out
    assert run_command("run", "--help")[0] == 0


def test_a_process_of_its_own_ends_with_the_code_and_the_message():
    code, out, err = finish(start_command("run", "absent.toml"))
    assert (code, out) == (2, "")
    assert err.startswith("bloodbank: absent.toml: no such file")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "absent.toml"), "absent.toml: no such file"),
        (("run",), "experiment"),
        (("rnu", "x.toml"), "rnu"),
        (("run", "x.toml", "--wokers", "2"), "--wokers"),
        (("status", "absent"), "is not a run folder"),
        (("show", "absent"), "absent"),
    ],
)
def test_wrong_usage_exits_with_2_and_says_what_is_wrong(arguments, message):
    code, out, err = run_command(*arguments)
    assert code == 2
    assert message in out + err
    assert "Traceback" not in out + err


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('"x-c"]', '"xx"]', "'xx'"),
        ('"x-c"]', '"x-b"]', "named more than once: x-b"),
        ("budget_chars = 1_500", "budget_chars = 0", "greater than 0"),
        ("budget_chars = 1_500", "budget_chars = 1_000_000", "lower corpus.budget_chars"),
        ("budget_chars", "budget_char", "Did you mean `corpus.budget_chars`?"),
        ("{language}.txt", "absent/{language}.txt", "no such file"),
        ("vocab_size = 150", "vocab_size = 20", "too small"),
        ("[tokenizer]", '[tokenizer]\npath = "nowhere"', "no tokenizer.json"),
        (
            'path = "{language}.txt"',
            'path = "{language}.txt"\nparallel = "lines"\nheldout_share = 0.4',
            "different numbers of lines",
        ),
    ],
)
def test_a_bad_experiment_exits_with_2_and_one_clear_message(tmp_path, before, after, message):
    path = write_experiment(tmp_path)
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    with (tmp_path / "x-a.txt").open("a", encoding="utf-8") as file:
        file.write("one line more\n")
    code, out, err = run_command("run", path, "--out", tmp_path / "run")
    assert code == 2, err
    assert message in out + err
    assert "Traceback" not in out + err


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "no text"), (b"\x00\x01\x02" * 99, "binary"), ("grün\n".encode("latin-1") * 400, "not UTF-8")],
)
def test_a_bad_text_file_is_named(tmp_path, content, message):
    path = write_experiment(tmp_path)
    (tmp_path / "x-b.txt").write_bytes(content)
    code, _, err = run_command("run", path, "--out", tmp_path / "run")
    assert code == 2
    assert "x-b.txt" in err
    assert message in err


def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path):
    path = write_experiment(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work", encoding="utf-8")
    code, _, err = run_command("run", path, "--out", tmp_path / "mine")
    assert code == 2
    assert "not a run folder and not empty" in err
    assert [entry.name for entry in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def test_dry_run_shows_the_arithmetic_and_writes_nothing(tmp_path):
    path = write_experiment(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    code, out, err = run_command("run", path, "--dry-run")
    assert code == 0, err
    assert "3 monolingual + 6 bilingual = 9; 0 done, 9 to train" in out
    assert "tokens/s a worker" in out
    assert sorted(tmp_path.rglob("*")) == before


def test_show_prints_the_bank_of_a_run(finished):
    _, folder, out, _ = finished
    code, shown, _ = run_command("show", folder)
    assert code == 0
    assert "F in percent" in shown
    assert shown.strip() in out  # what the run printed at its end


def test_a_file_in_the_place_of_the_run_folder_is_left_alone(tmp_path):
    path = write_experiment(tmp_path)
    (tmp_path / "run").write_text("mine", encoding="utf-8")
    code, _, err = run_command("run", path, "--out", tmp_path / "run")
    assert code == 2
    assert "is a file, not a run folder" in err
    assert (tmp_path / "run").read_text(encoding="utf-8") == "mine"


def test_files_that_are_not_aligned_are_refused_every_time(tmp_path):
    path = write_experiment(tmp_path)
    text = path.read_text(encoding="utf-8").replace(
        "[tokenizer]", 'parallel = "lines"\nheldout_share = 0.4\n[tokenizer]'
    )
    path.write_text(text, encoding="utf-8")
    with (tmp_path / "x-a.txt").open("a", encoding="utf-8") as file:
        file.write("one line more\n")
    for _ in range(2):
        code, _, err = run_command("run", path, "--out", tmp_path / "run")
        assert code == 2
        assert "different numbers of lines: x-a 301, x-b 300, x-c 300" in err
    assert not list((tmp_path / "run").glob("scores/*"))


def test_a_gpu_that_is_not_there_is_said_at_once(tmp_path):
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    path = write_experiment(tmp_path, grid='[execution]\ndevice = "cuda"')
    for more in ([], ["--dry-run"]):
        code, _, err = run_command("run", path, *more)
        assert code == 2
        assert "PyTorch finds no GPU" in err


def test_damaged_files_of_a_run_are_named(finished, tmp_path):
    path, folder, _, _ = finished
    for name in ("plan.json", "experiment.json", "bank.json", "failures.json"):
        copy = tmp_path / name
        shutil.copytree(folder, copy)
        (copy / name).write_text("{", encoding="utf-8")
        for command_name in ("show",) if name == "bank.json" else ("status",):
            code, _, err = run_command(command_name, copy)
            assert (code, "Traceback" in err) == (0 if name == "experiment.json" else 2, False), err
    (tmp_path / "bank.json" / "sources.json").write_text("{", encoding="utf-8")
    assert run_command("run", path, "--out", tmp_path / "bank.json")[0] == 0  # only a cache; the bank is made anew


def test_a_nameless_old_lock_does_not_block(finished_copy):
    path, folder = finished_copy
    score = next((folder / "scores").glob("x-a_x-b_*"))
    shutil.rmtree(score)
    lock = folder / "locks" / f"scores-{score.name}.lock"
    lock.touch()
    os.utime(lock, (1, 1))  # as a power cut leaves it
    assert run_command("run", path, "--out", folder)[0] == 0
    assert score.is_dir()


def test_show_says_when_the_settings_have_changed_since(finished_copy):
    _, folder = finished_copy
    settings = folder / "experiment.json"
    settings.write_text(settings.read_text(encoding="utf-8").replace('"epochs": 3', '"epochs": 4'), encoding="utf-8")
    assert "Note: this bank was made before" in run_command("show", folder)[1]


def test_the_advice_for_a_damaged_plan_works_on_a_finished_run(finished_copy):
    path, folder = finished_copy
    (folder / "plan.json").write_text("{", encoding="utf-8")
    code, _, err = run_command("run", path, "--out", folder)
    assert code == 2
    assert "Delete it and run the experiment again" in err
    (folder / "plan.json").unlink()
    scores = {entry.name: entry.stat().st_mtime_ns for entry in (folder / "scores").iterdir()}
    code, _, err = run_command("run", path, "--out", folder)
    assert code == 0, err
    assert {entry.name: entry.stat().st_mtime_ns for entry in (folder / "scores").iterdir()} == scores

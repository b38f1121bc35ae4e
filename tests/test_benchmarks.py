"""The benchmarks run, print what they promise, and compute ratios from the numbers that they print; never how fast."""

import argparse
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))

import against_trainer  # noqa: E402
import analyses  # noqa: E402
import commands  # noqa: E402
import finetuning  # noqa: E402
import gpu  # noqa: E402
import scoring  # noqa: E402
import setups  # noqa: E402
import tune_recipe  # noqa: E402
from measuring import Marks, Measured, Stopped, rate_between  # noqa: E402
from reporting import ratios, show_ratio, table, verdict  # noqa: E402

from bloodbank.experiment.settings import ModelSettings  # noqa: E402

QUICK = {
    "against_trainer": ["--quick"],
    "scoring": ["--quick"],
    "gpu": ["--cpu"],
    "growth": ["--quick"],
    "finetuning": ["--quick"],
}


def tables(text):
    """Return each table as a list of rows, each a dict by header."""
    found = []
    for block in re.findall(r"(?:^\|.*\|$\n?)+", text, re.MULTILINE):
        header, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines())
        found.append([dict(zip(header, row, strict=True)) for row in rows])
    return found


def number(cell):
    """Read the first number of a cell."""
    return float(re.match(r"[\d.,e+]+", cell)[0].replace(",", ""))


def agrees(ratio, value, base):
    """Compare a ratio with two decimals with the printed numbers that it was computed from."""
    return number(ratio) == pytest.approx(value / base, rel=0.01, abs=0.006)


def test_a_rate_counts_updates_across_an_edge_in_part():
    # 100 tokens in each of the updates that end at 1, 2 and 4 seconds.
    moments = [(0.0, 0.0), (1.0, 100.0), (2.0, 200.0), (4.0, 300.0)]
    assert rate_between(moments, 0.5, 3.0) == pytest.approx((50 + 100 + 50) / 2.5)


def test_marks_begin_after_the_warm_up_and_end_behind_the_window():
    told = []
    marks = Marks(told.append, n_warm=2)
    for tokens in (0, 10, 20):
        marks(tokens)
    assert told == [{"warm": True}]
    assert [tokens for _, tokens in marks.moments] == [20]
    marks.stopped.set()
    with pytest.raises(Stopped):
        marks(30)
    assert [tokens for _, tokens in marks.moments] == [20, 30]


def test_ratios_are_of_medians_with_the_range_over_rounds():
    ratio = ratios([30.0, 20.0, 50.0], [10.0, 20.0, 10.0])
    assert ratio == (3.0, 1.0, 5.0)
    assert show_ratio(ratio) == "3.00 (1.00 to 5.00)"


def test_a_verdict_follows_from_the_number():
    assert verdict("speed", 2.6, 2.5) == "- speed: 2.60, target at least 2.5: met"
    assert verdict("speed", 2.4, 2.5).endswith("MISSED")
    assert verdict("memory", 0.9, 1.0, at_least=False) == "- memory: 0.90, target at most 1: met"
    assert verdict("memory", 1.1, 1.0, at_least=False).endswith("MISSED")


def test_the_verdicts_of_training_compare_with_trainer():
    trainer, ours = Measured(100.0, [1_000], [0]), Measured(490.0, [900, 1_100], [0, 0])
    lines = against_trainer.verdicts({"trainer": [trainer], "same": [ours], "recommended": [ours]})
    assert [line.rpartition(" ")[2] for line in lines] == ["met", "MISSED", "MISSED", "MISSED"]
    assert "4.90" in lines[0]
    assert "1.10" in lines[1]
    assert against_trainer.verdicts({"same": [ours]}) == []


def test_a_table_is_markdown():
    assert table(("what", "n"), [["a", "1"], ["bc", "20"]]).splitlines() == [
        "| what |  n |",
        "| :--- | -: |",
        "| a    |  1 |",
        "| bc   | 20 |",
    ]


def test_operations_of_a_step_by_hand():
    model = ModelSettings(n_layers=2, n_heads=1, hidden_size=4, feed_forward_size=6, n_positions=8)
    matrices = 4 * 4 * 4 + 2 * 4 * 6  # query, key, value, output; two of the feed-forward layer
    attention = 2 * 8 * 4  # scores, and the mix of values, of one token with 8
    head = 4 * 4 + 4 * 100
    assert gpu.flops_per_token(model, 100, 0.25) == 3 * 2 * (2 * (matrices + attention) + 0.25 * head)


def test_hours_of_a_bank_by_hand():
    # 484 models that read 4 times 10 million characters, 4 characters a token.
    assert gpu.bank_hours(1e6, 10_000_000, 4, 4.0) == pytest.approx(484 * 10e6 / 1e6 / 3_600)


def test_the_ways_of_ranking_agree():
    logits = torch.tensor([[0.1, 3.0, 2.0, -1.0], [5.0, 4.0, 3.0, 2.0]])
    gold = torch.tensor([2, 3])
    for way in (scoring.released_rank, scoring.sorted_rank, scoring.counted_rank):
        np.testing.assert_array_equal(way(logits, gold), [2, 4])
    assert scoring.agreement(logits, gold).endswith("all ranks agree.")


def test_one_gpu_of_several_is_measured(monkeypatch):
    for visible, one in (("2,5", "2"), ("3", "3"), ("", "")):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        gpu.take_one_gpu()
        assert os.environ["CUDA_VISIBLE_DEVICES"] == one


@pytest.mark.parametrize(("rate", "said"), [(1e6, ("MISSED", "MISSED")), (1e7, ("met", "met"))])
def test_the_targets_on_a_gpu_are_judged_by_the_fastest_gang(rate, said):
    asked = argparse.Namespace(budget_chars=10_000_000, epochs=4, chars_per_token=4.0)  # 4.84e9 tokens
    numbers = [
        {"name": "Trainer as released, float32, batch 8", "pieces": 30_000, "tokens_per_second": 1e5},
        {"name": "bloodbank, bfloat16, batch 8", "pieces": 30_000, "tokens_per_second": rate / 10},
        {"name": "bloodbank, bfloat16, batch 8", "pieces": 30_000, "tokens_per_second": rate},
        {"name": "bloodbank, bfloat16, batch 8", "pieces": 100_000, "tokens_per_second": 1e9},
    ]
    hours, times = gpu.verdicts(numbers, asked)
    assert f"hours of a bank on this GPU: {4.84e9 / rate / 3_600:.2f}, target at most 1: {said[0]}" in hours
    assert f"in times Trainer as released: {rate / 1e5:.2f}, target at least 30: {said[1]}" in times


def test_without_a_gpu_it_says_so_and_what_to_type(tmp_path):
    if torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    done = subprocess.run(
        [sys.executable, BENCHMARKS / "gpu.py", "--work", tmp_path], check=False, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "no GPU here" in done.stderr
    assert "python benchmarks/gpu.py --work" in done.stderr


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    """What each script prints and writes with tiny sizes, all started at once."""
    folder = tmp_path_factory.mktemp("benchmarks")
    started = {}
    for name, options in QUICK.items():
        if name in ("against_trainer", "finetuning"):
            pytest.importorskip("accelerate", reason="Trainer needs it: pip install accelerate")
        command = [sys.executable, BENCHMARKS / f"{name}.py", *options]
        command += ["--work", folder / name, "--out", folder / f"{name}.json"]
        started[name] = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    found = {}
    for name, process in started.items():
        out, err = process.communicate(timeout=240)
        assert process.returncode == 0, err
        found[name] = out, json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    return found


@pytest.mark.proof
@pytest.mark.parametrize("name", QUICK)
def test_every_benchmark_names_machine_versions_and_date(printed, name):
    out, numbers = printed[name]
    for said in ("- machine: ", "- versions: Python ", "torch ", "transformers ", "- date: "):
        assert said in out
    assert numbers["machine"] == [line for line in out.splitlines() if line.startswith(("- mac", "- ver", "- date"))]


@pytest.mark.proof
def test_training_is_compared_with_trainer(printed):
    out, numbers = printed["against_trainer"]
    ((trainer, same),) = tables(out)
    for row in (trainer, same):
        ratio = row["times Trainer (range over rounds)"]
        assert agrees(ratio, number(row["tokens/s"]), number(trainer["tokens/s"]))
    assert number(trainer["times Trainer (range over rounds)"]) == 1.0
    assert number(same["tokens/s"]) == pytest.approx(numbers["same"][0]["tokens_per_second"], abs=0.5)
    assert number(same["peak GiB a process"]) == pytest.approx(max(numbers["same"][0]["peak_bytes"]) / 2**30, abs=0.001)
    speed, memory = (line for line in out.splitlines() if "target" in line)
    assert same["times Trainer (range over rounds)"].split()[0] in speed
    peaks = [number(row["peak GiB a process"]) for row in (same, trainer)]
    assert agrees(memory.partition("times Trainer: ")[2].split(",")[0], *peaks)


def test_the_verdicts_of_fine_tuning_take_the_better_gang():
    def timed(rate):
        return [{"tokens_per_second": rate, "peak_bytes": 1}]

    measured = {"trainer": timed(100.0), "one": timed(90.0), "six": timed(250.0), "six-workers": timed(310.0)}
    one, six = finetuning.verdicts("2x128", measured)
    assert one == "- 2x128, one model, in times Trainer: 0.90, target at least 1: MISSED"
    assert six == "- 2x128, six models, the better way, in times Trainer: 3.10, target at least 3: met"
    assert finetuning.verdicts("2x128", {"six": timed(1.0)}) == []


@pytest.mark.proof
def test_fine_tuning_is_compared_with_trainer(printed):
    out, numbers = printed["finetuning"]
    ((trainer, *ours),) = tables(out)
    assert [row["models"] for row in (trainer, *ours)] == ["1", "1", "6"]
    for row, key in zip((trainer, *ours), ("trainer", "one", "six"), strict=True):
        (told,) = numbers["tiny"][key]
        assert number(row["tokens/s"]) == pytest.approx(told["tokens_per_second"], abs=0.5)
        compared = row["times Trainer (range over rounds)"]
        assert agrees(compared, number(row["tokens/s"]), number(trainer["tokens/s"]))
    n_tokens = {key: told["seconds"] * told["tokens_per_second"] for key, (told,) in numbers["tiny"].items()}
    assert n_tokens["six"] == pytest.approx(6 * n_tokens["one"])
    assert n_tokens["one"] == pytest.approx(n_tokens["trainer"])


@pytest.mark.proof
def test_scoring_is_compared_with_the_released_evaluation(printed):
    out, _ = printed["scoring"]
    ranking, whole = tables(out)
    for rows, first, ratio, rate in (
        (ranking, "ranking step", "times the argsort (range over rounds)", "masked pieces/s"),
        (whole, "whole scoring", "times transformers (range over rounds)", "tokens/s"),
    ):
        base = {row["threads"]: number(row[rate]) for row in reversed(rows) if "released" in row[first]}
        for row in rows:
            assert agrees(row[ratio], number(row[rate]), base[row["threads"]])
    assert {row["models"] for row in whole} == {"1", "4"}
    assert "all ranks agree" in out
    ours, theirs = re.search(r"same model: ([\d.]+) here, ([\d.]+) with", out).groups()
    assert float(ours) == pytest.approx(float(theirs), rel=1e-4)


@pytest.mark.proof
def test_gangs_are_compared_with_trainer_and_the_peak(printed):
    out, numbers = printed["gpu"]
    (rows,) = tables(out)
    assert [row["models side by side"] for row in rows] == ["1", "1", "2"]
    for row, one in zip(rows, numbers["measured"], strict=True):
        rate = number(row["tokens/s"])
        assert agrees(row["times Trainer"], rate, number(rows[0]["tokens/s"]))
        share = one["tokens_per_second"] * one["flops_per_token"] / numbers["peak_flops"]
        assert number(row["share of peak"]) == pytest.approx(100 * share, abs=0.006)
        assert number(row["hours a bank"]) == pytest.approx(gpu.bank_hours(rate, 10_000_000, 4, 1.0), rel=0.01)


@pytest.mark.proof
def test_growth_is_against_the_first_of_each_sweep(printed):
    out, numbers = printed["growth"]
    *sweeps, banks = tables(out)
    assert [next(iter(sweep[0])) for sweep in sweeps] == ["models side by side", "pieces", "width"]
    for sweep in sweeps:
        for row in sweep:
            assert agrees(
                row["times the first"], number(sweep[0]["tokens/s, all models"]), number(row["tokens/s, all models"])
            )
            assert agrees(row["times the first's memory"], number(row["peak GiB"]), number(sweep[0]["peak GiB"]))
    rate = numbers["points"][0]["tokens_per_second"]
    for row in banks:
        n = int(row["languages"])
        assert number(row["models (n + n(n − 1))"]) == n + n * (n - 1)
        hours = n**2 * 4 * 10_000_000 / rate / 3_600
        assert number(row["core-hours at this rate"]) == pytest.approx(hours, abs=0.051)


def test_the_analyses_are_timed_stage_by_stage(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(analyses, "TARGETS", {6: 1e-9})
    monkeypatch.setattr(analyses, "help_seconds", lambda: 0.2)
    monkeypatch.setattr(sys, "argv", ["analyses.py", "--paragraphs", "8", "--out", str(tmp_path / "out.json")])
    analyses.main()
    out = capsys.readouterr().out
    row = tables(out)[0][0]
    seconds = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["seconds"]["6"]
    assert seconds["all"] == pytest.approx(seconds["bank"] + seconds["intervals"] + seconds["report"])
    assert number(row["all"]) == pytest.approx(seconds["all"], abs=0.06)
    assert "MISSED" in out
    assert "median of 5: 0.20, target at most 0.3: met" in out


def test_a_recipe_changes_what_it_names_and_begins_with_a_preset_where_it_says_so():
    recommended, paper = setups.preset("recommended"), setups.preset("paper")
    assert tune_recipe.changed(recommended, {}) == recommended
    found = tune_recipe.changed(recommended, {"epochs": 9, "hidden_size": 64})
    assert (found.training.epochs, found.model.hidden_size) == (9, 64)
    assert found.training.learning_rate == recommended.training.learning_rate
    found = tune_recipe.changed(recommended, {"epochs": 9, "preset": "paper"})
    assert found.model == paper.model
    assert found.training == paper.training.model_copy(update={"epochs": 9})
    assert found.tokenizer == recommended.tokenizer
    with pytest.raises(SystemExit, match="epoch, width"):
        tune_recipe.changed(recommended, {"width": 3, "epoch": 9})


@pytest.mark.parametrize("name", ["chosen", "search"])
def test_the_recipes_that_come_with_the_benchmark_are_valid(name):
    recipes = tomllib.loads((BENCHMARKS / "recipes" / f"{name}.toml").read_text(encoding="utf-8"))["recipes"]
    experiments = {key: tune_recipe.changed(setups.preset("recommended"), one) for key, one in recipes.items()}
    assert len(experiments) > 2
    same = {key for key, one in experiments.items() if one == setups.preset("recommended")}
    assert same == {key for key, one in recipes.items() if not one}


def test_seconds_of_a_command_count_the_processes_that_it_starts(tmp_path):
    burn = "import time\nwhile time.process_time() < 0.5: pass"
    start = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}])"
    seconds = commands.cpu_seconds([sys.executable, "-c", start], cwd=tmp_path, environment=dict(os.environ))
    assert seconds > 0.5
    with pytest.raises(SystemExit, match="exit code 3"):
        commands.cpu_seconds([sys.executable, "-c", "exit(3)"], cwd=tmp_path, environment=dict(os.environ))


@pytest.mark.proof
def test_commands_are_timed_against_another_checkout(tmp_path):
    options = ["--against", BENCHMARKS.parent, "--runs", "1", "--only", "show,export", "--out", tmp_path / "out.json"]
    done = subprocess.run(
        [sys.executable, BENCHMARKS / "commands.py", *options], check=True, capture_output=True, text=True
    )
    numbers = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    ((bare, show, export),) = tables(done.stdout)
    for row, name in ((show, "show"), (export, "export")):
        (old,), (new,) = numbers["old"][name], numbers["new"][name]
        assert number(row["new"]) == pytest.approx(new, abs=0.006)
        assert float(row["new / old"]) == pytest.approx(new / old, abs=0.006)
        ratio = new / numbers["import pandas"][0]
        assert float(row["times the import of pandas"]) == pytest.approx(ratio, abs=0.06)
    assert number(bare["new"]) == pytest.approx(numbers["import pandas"][0], abs=0.006)

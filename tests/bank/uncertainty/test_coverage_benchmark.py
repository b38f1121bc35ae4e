"""The benchmark of coverage runs, prints what it promises, and its simulated banks are what it says they are."""

import importlib.util
import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[3] / "benchmarks" / "coverage.py"


@pytest.fixture(scope="module")
def benchmark():
    """The script as a module; by path, because another package is called `coverage` too."""
    sys.path.insert(0, str(SCRIPT.parent))
    spec = importlib.util.spec_from_file_location("coverage_benchmark", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    sys.path.remove(str(SCRIPT.parent))
    return module


def quiet(benchmark, **changed):
    settings = {"own": 0.0, "donor": 0.0, "cell": 0.0, "liking": 0.0, "whim": 0.0, **changed}
    return replace(benchmark.PLAIN, **settings)


def bank_of(benchmark, world, random=0):
    return benchmark.simulate(world, np.random.default_rng(random))


def test_a_bank_without_noise_shows_its_truth(benchmark):
    bank = bank_of(benchmark, quiet(benchmark))
    for stack in bank.stack:
        np.testing.assert_allclose(stack, bank.truth, atol=1e-12)
    np.testing.assert_allclose(bank.of_seeds, bank.truth, atol=1e-12)


def test_the_mean_over_many_seeds_and_banks_is_the_truth(benchmark):
    world = quiet(benchmark, own=0.1, donor=0.05, cell=0.05, seeds=4_000, n=3)
    bank = benchmark.simulate(replace(world, name="many seeds"), np.random.default_rng(0))
    off = ~np.isnan(bank.truth)
    assert np.abs(bank.stack.mean(0) - bank.truth)[off].max() < 0.015


def test_seeds_share_what_the_world_says_they_share(benchmark):
    bank = bank_of(benchmark, quiet(benchmark, own=0.05, seeds=400, null=True, n=4))
    noise = bank.stack[:, :, 0][:, 1:]  # all of M_t: the cells of a column are one number
    np.testing.assert_allclose(noise, noise[:, :1].repeat(3, axis=1), atol=1e-12)
    assert noise.std() == pytest.approx(0.05, rel=0.1)
    bank = bank_of(benchmark, quiet(benchmark, donor=0.05, seeds=400, null=True, n=4))
    noise = bank.stack[:, 0, 1:]
    np.testing.assert_allclose(noise, noise[:, :1].repeat(3, axis=1), atol=1e-12)


def test_whims_go_away_with_seeds_and_likings_do_not(benchmark):
    spread = {}
    for part in ("liking", "whim"):
        world = quiet(benchmark, **{part: 0.2}, seeds=50, null=True)
        spread[part] = np.nanstd(bank_of(benchmark, world).stack.mean(0))
    assert spread["liking"] > 4 * spread["whim"]


def test_a_share_is_counted_over_what_is_known(benchmark):
    truth = np.array([0.0, 1.0, 2.0, np.nan])
    assert benchmark.share(truth - 1, truth + 1, truth) == 1
    assert benchmark.share(np.zeros(4), np.full(4, 1.5), truth) == pytest.approx(2 / 3)


@pytest.mark.proof
def test_pooled_intervals_hold_the_truth_about_as_often_as_they_claim(benchmark):
    # 25 banks of 132 cells: enough to see an interval that forgets a part of the noise.
    found = benchmark.measure(replace(benchmark.PLAIN, seeds=3), 25)
    for score in "FDR":
        mean, error = found[score]
        assert abs(mean - 95) < 4 * error + 0.5, score
    assert found["rank"][0] >= 95


@pytest.mark.proof
def test_the_benchmark_prints_its_tables(tmp_path):
    done = subprocess.run(
        [sys.executable, SCRIPT, "--quick", "--banks", "2", "--out", tmp_path / "found.json"],
        check=False, capture_output=True, text=True, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for said in ("- machine: ", "- versions: Python ", "- date: ", "2 banks a row"):
        assert said in done.stdout
    lines = [line for line in done.stdout.splitlines() if line.startswith("| ") and "±" in line]
    worlds = [line.split("|")[1].strip() for line in lines]
    assert worlds.count("as assumed") == 3
    assert "seeds and paragraphs resampled, percentiles" in worlds
    assert "one seed: these very models" in worlds
    assert worlds.count("skewed") == 2
    for line in lines:
        shares = [float(share) for share in re.findall(r"([\d.]+) ±", line)]
        assert all(0 <= share <= 100 for share in shares)
    numbers = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    first = numbers["measurement"][0]
    assert f"{first['F'][0]:.1f} ± {first['F'][1]:.1f}" in lines[0]
    assert numbers["banks"] == 2

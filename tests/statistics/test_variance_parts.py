"""Variance parts against the analysis of variance, where that is possible, and against simulated banks."""

import math
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from bloodbank.statistics.variance_parts import EFFECTS, repeatable, seeds_needed, variance_parts

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def benchmark():
    sys.path.insert(0, str(BENCHMARKS))
    import reliability

    sys.path.remove(str(BENCHMARKS))
    return reliability


def balanced(seed=0, n_donors=4, n_recipients=5, n_seeds=3, donor=1.0):
    """Donors and recipients that are different languages: nothing is missing between them."""
    random = np.random.default_rng(seed)
    cells = donor * random.normal(size=(1, n_donors, 1)) + random.normal(size=(1, 1, n_recipients))
    cells = cells + random.normal(size=(1, n_donors, n_recipients)) + 0.5 * random.normal(size=(n_seeds, n_donors, 1))
    cells = cells + 0.7 * random.normal(size=(n_seeds, n_donors, n_recipients))
    stack = np.full((n_seeds, n_donors + n_recipients, n_donors + n_recipients), np.nan)
    stack[:, :n_donors, n_donors:] = cells
    return stack, cells


def mean_squares(cells):
    """Classical mean squares within columns, where each seed of a recipient is a column with an effect of its own."""
    r, n, m = cells.shape
    centred = cells - cells.mean(1, keepdims=True)
    donor, by_seed, pair = centred.mean((0, 2)), centred.mean(2), centred.mean(0)
    rest = centred - by_seed[:, :, None] - pair[None] + donor[None, :, None]
    return {
        "donor": r * m * (donor**2).sum() / (n - 1),
        "donor_seed": m * ((by_seed - donor) ** 2).sum() / ((n - 1) * (r - 1)),
        "pair": r * ((pair - donor[:, None]) ** 2).sum() / ((n - 1) * (m - 1)),
        "cell": (rest**2).sum() / ((n - 1) * (m - 1) * (r - 1)),
    }


def test_parts_of_a_complete_table_are_those_of_the_analysis_of_variance():
    stack, cells = balanced()
    r, _, m = cells.shape
    found, squares = variance_parts(stack), mean_squares(cells)
    assert found.cell == pytest.approx(squares["cell"])
    assert found.donor_seed == pytest.approx((squares["donor_seed"] - squares["cell"]) / m)
    assert found.pair == pytest.approx((squares["pair"] - squares["cell"]) / r)
    of_donor = (squares["donor"] - squares["donor_seed"] - squares["pair"] + squares["cell"]) / (r * m)
    assert found.donor == pytest.approx(of_donor)
    assert found.squares[0] == pytest.approx(squares["donor"])
    assert found.squares[3] == pytest.approx(squares["donor_seed"])
    assert found.df[:2] == (3, 4)
    assert found.n_seeds == pytest.approx(3)


def test_the_interval_of_d_is_that_of_an_intraclass_correlation():
    stack, cells = balanced(donor=3.0)
    r, n, _ = cells.shape
    squares = mean_squares(cells)
    ratio = squares["donor_seed"] / squares["donor"]
    ends = [1 - ratio * stats.f.ppf(p, n - 1, (n - 1) * (r - 1)) for p in (0.975, 0.025)]
    found = repeatable(variance_parts(stack), "donation")
    assert (found.low, found.high) == pytest.approx((max(ends[0], 0), ends[1]), abs=0.02)


def test_what_a_recipient_and_its_seed_add_changes_nothing_of_donors(benchmark):
    stack = benchmark.simulate(benchmark.WEAK, np.random.default_rng(0))
    moved = stack + 10 * np.random.default_rng(1).normal(size=(len(stack), 1, stack.shape[2]))
    found, again = variance_parts(stack), variance_parts(moved)
    for name in ("donor", "donor_seed", "pair", "cell"):
        assert getattr(found, name) == pytest.approx(getattr(again, name), abs=1e-9)
    assert again.recipient_seed > found.recipient_seed


@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_parts_are_right_on_average_whatever_cells_are_missing(benchmark, missing):
    world = replace(benchmark.ALIKE, missing=missing, seeds=3)
    found = [variance_parts(benchmark.simulate(world, np.random.default_rng(number))) for number in range(150)]
    for name, true in zip(benchmark.PARTS, world.parts, strict=True):
        values = [getattr(parts, name) for parts in found]
        assert abs(np.mean(values) - true) < 4 * np.std(values) / np.sqrt(len(values)), name


def test_no_part_is_below_zero_and_what_repeats_is_kept(benchmark):
    world = replace(benchmark.WEAK, parts=(0.0, 1.0, 0.0, 0.0, 0.3, 1.0), n=5)
    for number in range(20):
        found = variance_parts(benchmark.simulate(world, np.random.default_rng(number)))
        assert min(getattr(found, name) for name in benchmark.PARTS) >= 0
        for effect in EFFECTS:
            share = repeatable(found, effect)
            assert 0 <= share.low <= share.of_mean <= share.high <= 1
            assert share.of_one <= share.of_mean


def test_little_is_known_of_little():
    stack, _ = balanced()
    assert variance_parts(stack[:1]) is None  # one seed
    assert variance_parts(stack[:, 2:5, 2:5]) is None  # three languages
    assert variance_parts(np.full((2, 5, 5), np.nan)) is None
    assert variance_parts(np.zeros((2, 5, 5))) is None
    apart = stack.copy()
    apart[0, :, ::2], apart[1:, :, 1::2] = np.nan, np.nan  # no recipient has two seeds but two of them
    apart[2] = np.nan
    assert variance_parts(apart) is None


def test_seeds_needed_make_it_so():
    assert seeds_needed(0.5, 0.8) == 4  # 4 / (4 + 1)
    assert seeds_needed(0.8, 0.8) == seeds_needed(0.9, 0.8) == seeds_needed(1.0, 0.8) == 1
    assert math.isinf(seeds_needed(0.0, 0.8))
    for one in (0.1, 0.33, 0.6):
        n = seeds_needed(one, 0.8)
        reached = [k * one / (1 + (k - 1) * one) for k in (n - 1, n)]
        assert reached[0] < 0.8 <= reached[1]


def test_the_same_bank_has_the_same_interval(benchmark):
    parts = variance_parts(benchmark.simulate(benchmark.ALIKE, np.random.default_rng(0)))
    assert repeatable(parts, "donor_order") == repeatable(parts, "donor_order")


@pytest.mark.proof
@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_intervals_hold_the_truth_about_as_often_as_they_claim(benchmark, seeds):
    for world in benchmark.WORLDS:
        if world.name.startswith("stress"):
            continue
        found = benchmark.measure(replace(world, seeds=seeds), 150)
        for effect in EFFECTS:
            assert found.coverage[effect] >= 0.88, (world.name, effect)
            # Of a share that is 0 no estimate is below; and a share is the more uncertain, the fewer the languages.
            assert abs(found.bias[effect]) < 0.2, (world.name, effect)
        for name, true in zip(benchmark.PARTS, world.parts, strict=True):
            assert abs(found.bias[name]) < 0.15 * true + 0.3, (world.name, name)


@pytest.mark.proof
def test_the_benchmark_prints_its_tables(benchmark, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["reliability.py", "--quick", "--out", str(tmp_path / "found.json")])
    benchmark.main()
    said = capsys.readouterr().out
    for words in ("- machine: ", "5 banks a row", "| nothing of donors repeats", "Reliability of the mean over seeds"):
        assert words in said
    assert (tmp_path / "found.json").exists()

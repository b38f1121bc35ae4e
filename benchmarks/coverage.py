"""Do 95% intervals hold the truth 95 times in 100? Simulated banks whose true F is known.

    python benchmarks/coverage.py

The generating model: each M_t, each donor and each cell differs from seed to seed; paragraphs of test text differ in
difficulty, alike for all models of a column, and models differ in which paragraphs they find hard, in part from seed to
seed. F is computed from the scores as for a real bank, with `bloodbank.bank.uncertainty.errors_and_draws`. Stress tests
change what the method assumes: heavy tails, languages and cells of unequal noise, a shift shared by all models of a
seed.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from reporting import finish, machine, table
from scipy import stats

from bloodbank.analysis.halves import Halves, split_halves
from bloodbank.analysis.monolingual import correlate, jackknife_p
from bloodbank.bank import build_bank
from bloodbank.bank.bank import Bank
from bloodbank.bank.scores import matrix
from bloodbank.bank.uncertainty.cell_tests import adjust, p_values
from bloodbank.bank.uncertainty.errors_and_draws import Errors, MeasuredNoise, measure_noise
from bloodbank.bank.uncertainty.panel import panel_intervals
from bloodbank.bank.uncertainty.paragraphs import FINETUNE, Column
from bloodbank.bank.uncertainty.tables import bounds
from bloodbank.statistics.permutations import draw_orders
from bloodbank.statistics.ranks import rank_intervals

LEVEL = 0.95
N_PARAGRAPHS = 150
Array = np.ndarray
HEADER = ("noise between seeds", "languages", "seeds", "F", "D", "R", "rank of D", "median half width of F")
RIVALS = ("at 5 seeds", "F", "D", "R", "mean half width of D", "widest F / median F")
TESTS = ("all F are 0", "seeds", "cells called positive at 5%", "banks with one by Holm", "banks with one by B.–H.")
HALVES = (
    "nothing transfers",
    "languages",
    "D: jackknife",
    "relabelling",
    "the larger",
    "R: jackknife",
    "relabelling",
    "the larger",
)
PANELS = ("F between languages", "languages", "expected D", "expected R", "D of another panel", "R of another panel")


@dataclass(frozen=True)
class World:
    """How banks are made.

    Attributes:
        name: For the table.
        n: Languages.
        seeds: Replicates.
        own, donor, cell: Standard deviation of the score of M_t, of what a donor gives, and of M_{s,t}, between seeds,
            relative to the score.
        paragraph, liking, whim: How paragraphs differ for all models of a column, for one model whatever its seed, and
            for one seed of one model, relative to the score.
        tails: "normal", or "heavy" for Student's t with 4 degrees of freedom.
        unequal: Logarithmic standard deviation of the size of noise between columns, rows and cells.
        shift: What a seed adds to all models alike, relative to `own`.
        null: Whether every true F is 0.
    """

    name: str
    n: int = 12
    seeds: int = 3
    own: float = 0.02
    donor: float = 0.01
    cell: float = 0.015
    paragraph: float = 0.3
    liking: float = 0.06
    whim: float = 0.08
    tails: str = "normal"
    unequal: tuple[float, float, float] = (0.0, 0.0, 0.0)
    shift: float = 0.0
    null: bool = False


PLAIN = World("as assumed")
WORLDS = [
    PLAIN,
    replace(PLAIN, name="as assumed, M_t least", own=0.005, donor=0.0, cell=0.02),
    replace(PLAIN, name="as assumed, M_t most", own=0.04, donor=0.02, cell=0.005),
    replace(PLAIN, name="as assumed, few languages", n=5),
    replace(PLAIN, name="stress: heavy tails (t, 4 df)", tails="heavy"),
    replace(PLAIN, name="stress: unequal columns", unequal=(0.5, 0.0, 0.0)),
    replace(PLAIN, name="stress: all unequal", unequal=(0.5, 0.5, 0.5)),
    replace(PLAIN, name="stress: one shift a seed", shift=0.3),
]


def main() -> None:
    """Simulate and print."""
    chosen = arguments()
    started = time.perf_counter()
    head = machine()
    rows, numbers = [], []
    for world in WORLDS:
        for seeds in (2, 3, 5):
            found = measure(replace(world, seeds=seeds), chosen.banks)
            rows.append([world.name, str(world.n), str(seeds), *shown(found)])
            numbers.append({"world": world.name, "n": world.n, "seeds": seeds, **found})
    one = measure(replace(PLAIN, name="one seed", seeds=1), chosen.banks)
    rows.append(["one seed: these very models", str(PLAIN.n), "1", *shown(one)])
    numbers.append({"world": "one seed", "n": PLAIN.n, "seeds": 1, **one})
    rivals = compare(chosen.banks)
    tests = [error_rates(replace(PLAIN, null=True, seeds=seeds), chosen.banks) for seeds in (2, 3, 5)]
    halves = [false_relations(n, chosen.banks) for n in (6, 12, 22)]
    panels = [cover_panels(kind, n, 10 * chosen.banks) for kind in ("normal", "skewed") for n in (12, 22)]
    lines = [
        "# Do intervals cover what they claim?",
        "",
        *head,
        f"- {chosen.banks} banks a row; {N_PARAGRAPHS} paragraphs a language; {LEVEL:.0%} intervals; ± one standard "
        "error of the simulation; in percent",
        "",
        "Measurement intervals, and intervals of ranks, which are to hold at least as often as they claim:",
        "",
        table(HEADER, rows),
        "",
        "The same banks as assumed, with ways to resample five seeds themselves:",
        "",
        table(RIVALS, rivals),
        "",
        "Tests of banks in which no language helps another (0 is true everywhere, 5 is claimed):",
        "",
        table(TESTS, tests),
        "",
        "Banks in which nothing transfers: how often ε(M_l) of one half of the data seems to go with D or R of the "
        "other (5 is claimed; the package takes the larger p):",
        "",
        table(HALVES, halves),
        "",
        "Intervals for another panel of languages:",
        "",
        table(PANELS, panels),
        "",
        f"- {time.perf_counter() - started:.0f} s in all",
    ]
    finish(lines, chosen.out, {"machine": head, "banks": chosen.banks, "measurement": numbers})


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="write all numbers into this JSON file")
    parser.add_argument("--banks", type=int, help="banks for each row: 150 by default")
    parser.add_argument("--quick", action="store_true", help="few banks, to try the benchmark out")
    chosen = parser.parse_args()
    chosen.banks = chosen.banks or (3 if chosen.quick else 150)
    return chosen


# --- banks whose truth is known ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Simulated:
    """One bank: F by seed, its sentence scores, and the truth."""

    stack: Array
    columns: list[Column]
    truth: Array
    of_seeds: Array  #: what F of these very models would be on all paragraphs there are, the mean over seeds


def simulate(world: World, random: np.random.Generator) -> Simulated:
    """Make one bank."""
    n, r = world.n, world.seeds
    off = ~np.eye(n, dtype=bool)
    effects = 0.1 + 0.15 * random.normal(size=(n, 1)) + 0.2 * random.normal(size=(1, n))
    truth = np.where(off, np.clip(effects + 0.12 * random.normal(size=(n, n)), -0.6, 1.2), np.nan)
    truth = np.where(off, 0.0, np.nan) if world.null else truth
    columns_size, rows_size, cells_size = (
        np.exp(size * random.normal(size=shape)) for size, shape in zip(world.unequal, (n, n, (n, n)), strict=True)
    )
    shared = world.shift * random.normal(size=(r, 1))
    own = world.own * columns_size * (_noise(world, random, (r, n)) + shared)
    donor = world.donor * rows_size * _noise(world, random, (r, n))
    cell = world.cell * cells_size * columns_size * _noise(world, random, (r, n, n))
    # 1 / ε(M_t) is what varies around its mean, so that F is without bias: ε = base / (1 + own).
    base = random.uniform(0.1, 0.4, size=n)
    alone = base / (1 + own)  # [seed, language]
    pair = base * (1 + truth) * (1 + donor[:, :, None] + cell)  # [seed, donor, recipient]
    columns = [
        _column(world, f"x-{t:03}", np.concatenate([alone[:, t, None], pair[:, :, t]], axis=1), random)
        for t in range(n)
    ]
    totals = np.stack([column.sums.sum(0) for column in columns], axis=-1)  # [seed, model, recipient]
    stack = totals[:, 1:] / totals[:, :1] - 1
    return Simulated(stack, columns, truth, (pair / alone[:, None, :] - 1).mean(0))


def _noise(world: World, random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    if world.tails == "heavy":
        return random.standard_t(4, size=shape) / np.sqrt(2)
    return random.normal(size=shape)


def _column(world: World, code: str, scores: Array, random: np.random.Generator) -> Column:
    r, n_models = scores.shape
    counts = 5.0 + random.poisson(random.gamma(2.0, 15.0, size=N_PARAGRAPHS))
    relative = (
        1
        + world.paragraph * random.normal(size=(N_PARAGRAPHS, 1, 1))
        + world.liking * random.normal(size=(N_PARAGRAPHS, 1, n_models))
        + world.whim * random.normal(size=(N_PARAGRAPHS, r, n_models))
    )
    return Column(code, counts[:, None, None] * scores * relative, counts)


def banks(world: World, n: int) -> Iterator[tuple[Simulated, np.random.Generator]]:
    """Make banks, the same for every call."""
    for number in range(n):
        random = np.random.default_rng([number, world.seeds, world.n])
        yield simulate(world, random), random


def analysed(bank: Simulated, n_replicates: int) -> MeasuredNoise:
    """Work out errors as for a real bank."""
    codes = tuple(column.recipient for column in bank.columns)
    return measure_noise(
        {FINETUNE: bank.stack}, iter(bank.columns), codes, protocol="sequential", sign=1, n_replicates=n_replicates,
        seed=0,
    )  # fmt: skip


# --- what is counted -----------------------------------------------------------------------------------------------


def measure(world: World, n_banks: int) -> dict[str, Any]:
    """Count how often intervals hold the truth."""
    shares: dict[str, list[float]] = {name: [] for name in ("F", "D", "R", "rank")}
    widths = []
    for bank, _ in banks(world, n_banks):
        truth = bank.of_seeds if world.seeds == 1 else bank.truth
        noise = analysed(bank, 200)
        found = sums_and_cells(noise)
        for name, (estimate, errors) in found.items():
            true = true_values(truth)[name]
            low, high = bounds(estimate, errors, LEVEL)
            shares[name].append(share(low, high, true))
        widths.append(float(np.nanmedian(bounds(*found["F"], LEVEL)[1] - found["F"][0])))
        _, low, high = rank_intervals(found["D"][0], noise.drawn_rows, LEVEL)
        shares["rank"].append(share(low, high, stats.rankdata(-true_values(truth)["D"])))
    numbers = {name: (100 * float(np.mean(one)), 100 * standard_error(one)) for name, one in shares.items()}
    return {**numbers, "half_width": float(np.median(widths))}


def sums_and_cells(noise: MeasuredNoise) -> dict[str, tuple[Array, Errors]]:
    """Return F, D and R with their errors."""
    finetune = noise.means[FINETUNE]
    return {
        "F": (finetune, noise.cells[FINETUNE]),
        "D": (np.nansum(finetune, axis=1), noise.rows),
        "R": (np.nansum(finetune, axis=0), noise.columns),
    }


def true_values(truth: Array) -> dict[str, Array]:
    """Return true F, D and R."""
    return {"F": truth, "D": np.nansum(truth, axis=1), "R": np.nansum(truth, axis=0)}


def share(low: Array, high: Array, truth: Array) -> float:
    """Return the share of true values that lie within their bounds."""
    known = ~np.isnan(truth)
    return float(((low <= truth) & (truth <= high))[known].mean())


def standard_error(shares: list[float]) -> float:
    """Return the error of a mean over banks: intervals of one bank are not independent."""
    return float(np.std(shares) / np.sqrt(len(shares)))


def shown(found: dict[str, Any]) -> list[str]:
    """Lay one row out."""
    return [f"{found[name][0]:.1f} ± {found[name][1]:.1f}" for name in ("F", "D", "R", "rank")] + [
        f"{found['half_width']:.3f}"
    ]


def compare(n_banks: int) -> list[list[str]]:
    """Compare the pooled variances with resampling of five seeds."""
    world = replace(PLAIN, seeds=5)
    ways: dict[str, Callable[[Simulated, np.random.Generator], dict[str, tuple[Array, Array]]]] = {
        "pooled, Student's t (what the package does)": pooled,
        "seeds and paragraphs resampled, percentiles": percentile_bootstrap,
        "the same, studentised (bootstrap-t)": bootstrap_t,
    }
    rows = []
    for name, way in ways.items():
        shares: dict[str, list[float]] = {score: [] for score in "FDR"}
        of_d, spread = [], []
        for bank, random in banks(world, n_banks):
            found = way(bank, random)
            for score, (low, high) in found.items():
                shares[score].append(share(low, high, true_values(bank.truth)[score]))
            width = (found["F"][1] - found["F"][0])[~np.isnan(bank.truth)]
            of_d.append(float(np.mean(found["D"][1] - found["D"][0]) / 2))
            spread.append(float(width.max() / np.median(width)))
        percent = [f"{100 * np.mean(one):.1f} ± {100 * standard_error(one):.1f}" for one in shares.values()]
        rows.append([name, *percent, f"{np.mean(of_d):.3f}", f"{np.mean(spread):.1f}"])
    return rows


def pooled(bank: Simulated, _random: np.random.Generator) -> dict[str, tuple[Array, Array]]:
    """Intervals of the package."""
    return {name: bounds(*parts, LEVEL) for name, parts in sums_and_cells(analysed(bank, 1)).items()}


def percentile_bootstrap(bank: Simulated, random: np.random.Generator) -> dict[str, tuple[Array, Array]]:
    """Percentiles of whole seeds and paragraphs drawn again."""
    drawn, _ = _bootstrap(bank, random)
    ends = (1 - LEVEL) / 2, (1 + LEVEL) / 2
    return {name: tuple(np.quantile(values, ends, axis=0)) for name, values in drawn.items()}  # type: ignore[misc]


def bootstrap_t(bank: Simulated, random: np.random.Generator) -> dict[str, tuple[Array, Array]]:
    """Percentiles of the studentised statistic: each draw over its own standard error between seeds."""
    drawn, errors = _bootstrap(bank, random)
    found = {}
    for name, values in drawn.items():
        estimate = _sums(bank.stack.mean(0))[name]
        own = _between(bank.stack, name)
        statistic = (values - estimate) / np.where(errors[name] > 0, errors[name], np.nan)
        ends = (1 - LEVEL) / 2, (1 + LEVEL) / 2
        low, high = np.nanquantile(np.where(own > 0, statistic, 0.0), ends, axis=0)  # 0 on the diagonal, of no interest
        found[name] = estimate - high * own, estimate - low * own
    return found


def _bootstrap(bank: Simulated, random: np.random.Generator, n: int = 199) -> tuple[dict[str, Array], dict[str, Array]]:
    r = len(bank.stack)
    chosen = random.integers(r, size=(n, r))
    stacks = np.empty((n, *bank.stack.shape))
    for t, column in enumerate(bank.columns):
        weights = random.standard_exponential((n, N_PARAGRAPHS))
        totals = (weights @ column.sums.reshape(N_PARAGRAPHS, -1)).reshape(n, *column.sums.shape[1:])
        stacks[:, :, :, t] = totals[:, :, 1:] / totals[:, :, :1] - 1
        stacks[:, :, t, t] = 0.0
    stacks = stacks[np.arange(n)[:, None], chosen]  # [draw, seed, donor, recipient]
    means = {name: np.stack([_sums(one.mean(0))[name] for one in stacks]) for name in "FDR"}
    errors = {name: np.stack([_between(one, name) for one in stacks]) for name in "FDR"}
    return means, errors


def _sums(cells: Array) -> dict[str, Array]:
    cells = np.where(np.eye(len(cells), dtype=bool), 0.0, cells)
    return {"F": cells, "D": cells.sum(1), "R": cells.sum(0)}


def _between(stack: Array, name: str) -> Array:
    """Return the standard error of the mean by the spread of seeds alone."""
    values = np.stack([_sums(one)[name] for one in stack])
    error: Array = values.std(0, ddof=1) / np.sqrt(len(stack))
    return error


def error_rates(world: World, n_banks: int) -> list[str]:
    """Count false decisions of the tests of cells."""
    single, holm, hochberg = [], [], []
    for bank, _ in banks(world, n_banks):
        estimate, errors = sums_and_cells(analysed(bank, 1))["F"]
        off = ~np.isnan(bank.truth)
        _, p = p_values(estimate[off], errors.se[off], errors.df[off])
        single.append(float((p <= 0.05).mean()))
        holm.append(float((adjust(p, "holm") <= 0.05).any()))
        hochberg.append(float((adjust(p, "bh") <= 0.05).any()))
    counted = [f"{100 * np.mean(one):.1f} ± {100 * standard_error(one):.1f}" for one in (single, holm, hochberg)]
    return [f"{world.n} languages", str(world.seeds), *counted]


def false_relations(n: int, n_banks: int) -> list[str]:
    """Count how often the own model's score seems to foretell D or R on halves of three seeds of pure noise."""
    decided: dict[str, list[Array]] = {"donation": [], "recipience": []}
    codes = [f"x-{i:03}" for i in range(n)]
    for number in range(n_banks):
        random = np.random.default_rng([number, n])
        own = 0.2 * (1 + 0.1 * random.normal(size=(3, n)))
        together = 0.2 * (1 + 0.1 * random.normal(size=(3, n, n)))
        halves = split_halves(_bank_of_scores(own, together, codes), None, n_splits=10, seed=number)
        if not isinstance(halves, Halves):
            raise SystemExit(halves)
        orders, _ = draw_orders(n, 199, number)
        for score, found in decided.items():
            other = getattr(halves, score)
            p = jackknife_p(halves.own, other), correlate(halves.own, other, orders)["p"]
            found.append(np.array([*p, max(p)]) <= 0.05)
    shares = np.concatenate([100 * np.mean(found, axis=0) for found in decided.values()])
    return [
        "three seeds",
        str(n),
        *(f"{share:.1f} ± {np.sqrt(share * (100 - share) / n_banks):.1f}" for share in shares),
    ]


def _bank_of_scores(own: Array, together: Array, codes: list[str]) -> Bank:
    """Make a bank of scores. Shapes: own [seed, language], together [seed, donor, recipient]."""
    rows: list[tuple[object, ...]] = []
    for seed in range(len(own)):
        for t, code in enumerate(codes):
            rows.append(("monolingual", "", code, seed, own[seed, t]))
            others = [(s, donor) for s, donor in enumerate(codes) if s != t]
            rows += [("sequential", donor, code, seed, together[seed, s, t]) for s, donor in others]
    scores = pd.DataFrame(rows, columns=["protocol", "donor", "recipient", "seed", "value"]).assign(
        metric="mrr", n_masked=1, standard_error=0.001, updates=1, tokens_seen=1, seconds=1.0, device="cpu",
        health="healthy", health_z=9.0, convergence="converged",
    )  # fmt: skip
    return build_bank(scores, languages=codes, name="noise")


def cover_panels(kind: str, n: int, n_panels: int) -> list[str]:
    """Count how often panel intervals hold what is expected, and what another panel shows."""
    shares: list[list[float]] = [[] for _ in range(4)]
    for number in range(n_panels):
        random = np.random.default_rng([number, n])
        first, other = _panel(kind, n, random), _panel(kind, n, random)
        gives, takes = _language(kind, random), _language(kind, random)
        expected = np.array([gives, takes])
        for cells in (first, other):  # the same language in two panels
            cells["row"] += gives
            cells["column"] += takes
        finetune = np.full((n, n), np.nan)
        finetune[0, 1:], finetune[1:, 0] = first["row"], first["column"]
        scores = panel_intervals(matrix(finetune, [f"x-{i:03}" for i in range(n)]), level=LEVEL).scores
        rows = pd.concat([scores[(scores["language"] == "x-000") & (scores["score"] == one)] for one in SUMS])
        again = np.array([other["row"].sum(), other["column"].sum()])
        for place, (low, high, true) in enumerate(
            (("low", "high", (n - 1) * expected), ("other_low", "other_high", again))
        ):
            inside = (rows[low].to_numpy() <= true) & (true <= rows[high].to_numpy())
            for side in (0, 1):
                shares[2 * place + side].append(float(inside[side]))
    return [kind, str(n), *(f"{100 * np.mean(one):.1f} ± {100 * standard_error(one):.1f}" for one in shares)]


SUMS = ("donation", "recipience")


def _language(kind: str, random: np.random.Generator) -> float:
    return float(0.1 + 0.15 * (random.normal() if kind == "normal" else random.exponential() - 1))


def _panel(kind: str, n: int, random: np.random.Generator) -> dict[str, Array]:
    """Draw what n − 1 other languages take and give, around the mean of their population, and what pairs add."""

    def draw() -> Array:
        return random.normal(size=n - 1) if kind == "normal" else random.exponential(size=n - 1) - 1

    return {side: 0.2 * draw() + 0.12 * random.normal(size=n - 1) for side in ("row", "column")}


if __name__ == "__main__":
    main()

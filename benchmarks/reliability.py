"""Are variance parts and reliability right? Simulated banks whose parts are known.

    python benchmarks/reliability.py

A cell of a seed is the sum of what recipient, recipient and seed, donor, donor and seed, pair, and the cell alone add.
What a seed adds to a language as recipient goes with what it adds to it as donor, as in banks, where a good M_l gives
more and gains less. Stress tests change what the intervals assume: heavy tails, recipients of unequal noise, gaps.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from reporting import finish, machine, table

from bloodbank.statistics.variance_parts import EFFECTS, repeatable, variance_parts

LEVEL = 0.95
PARTS = ("recipient", "recipient_seed", "donor", "donor_seed", "pair", "cell")
HEADER = ("bank", "languages", "seeds", *PARTS)
SHARES = ("bank", "languages", "seeds", *("order of donors", "D", "R", "cell"))


@dataclass(frozen=True)
class World:
    """How banks are made.

    Attributes:
        name: For the tables.
        parts: Variances, in the order of `PARTS`.
        n: Languages.
        seeds: Replicates.
        tails: "normal", or "heavy" for Student's t with 5 degrees of freedom.
        unequal: Logarithmic standard deviation of the size of noise between recipients.
        missing: Share of scores that are missing, at random.
        together: Correlation of what a seed adds to a language as donor and, turned, as recipient.
    """

    name: str
    parts: tuple[float, ...]
    n: int = 8
    seeds: int = 3
    tails: str = "normal"
    unequal: float = 0.0
    missing: float = 0.0
    together: float = 0.8


ALIKE = World("donors and pairs", (4.0, 1.0, 1.0, 0.1, 1.0, 0.4))
WEAK = World("little repeats", (20.0, 2.0, 0.2, 1.0, 0.3, 1.0))
WORLDS = (
    ALIKE,
    WEAK,
    World("pairs only", (4.0, 1.0, 0.0, 0.1, 1.0, 1.0)),
    World("donors only", (4.0, 1.0, 1.0, 0.8, 0.0, 0.5)),
    World("nothing of donors repeats", (4.0, 1.0, 0.0, 0.5, 0.0, 1.0)),
    replace(ALIKE, name="donors and pairs, few languages", n=5),
    replace(ALIKE, name="donors and pairs, more languages", n=12),
    replace(ALIKE, name="stress: heavy tails (t, 5 df)", tails="heavy"),
    replace(ALIKE, name="stress: unequal recipients", unequal=0.5),
    replace(ALIKE, name="stress: a tenth missing", missing=0.1),
)


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="write all numbers into this JSON file")
    parser.add_argument("--banks", type=int, help="banks for each row: 300 by default")
    parser.add_argument("--quick", action="store_true", help="few banks, to try the benchmark out")
    chosen = parser.parse_args()
    n_banks = chosen.banks or (5 if chosen.quick else 300)
    started, head = time.perf_counter(), machine()
    of_parts, of_shares, numbers = [], [], []
    for world in (replace(world, seeds=seeds) for world in WORLDS for seeds in (2, 3, 5)):
        found = measure(world, n_banks)
        row = [world.name, str(world.n), str(world.seeds)]
        of_parts.append(
            row + [f"{true:g}: {found.bias[name]:+.2f}" for name, true in zip(PARTS, world.parts, strict=True)]
        )
        of_shares.append(row + [_share(found, effect) for effect in EFFECTS])
        numbers.append({**vars(world), **vars(found)})
    lines = [
        "# Are variance parts and reliability right?",
        "",
        *head,
        f"- {n_banks} banks a row; {LEVEL:.0%} intervals",
        "",
        "Parts, true: mean error of the estimate (those below zero are set to zero):",
        "",
        table(HEADER, of_parts),
        "",
        "Reliability of the mean over seeds, true: mean error of the estimate; how often in 100 the interval holds the "
        "truth, its mean width:",
        "",
        table(SHARES, of_shares),
        "",
        f"- {time.perf_counter() - started:.0f} s in all",
    ]
    finish(lines, chosen.out, {"machine": head, "banks": n_banks, "worlds": numbers})


@dataclass(frozen=True)
class Found:
    """What estimates of many banks come to.

    Attributes:
        bias: Mean of the estimate less the truth, of parts and of reliabilities.
        truth: The reliabilities.
        coverage: Share of the intervals of reliabilities that hold the truth.
        width: Their mean width.
    """

    bias: dict[str, float]
    truth: dict[str, float]
    coverage: dict[str, float]
    width: dict[str, float]


def measure(world: World, n_banks: int) -> Found:
    """Estimate parts and reliabilities of many banks of one kind."""
    errors: dict[str, list[float]] = {name: [] for name in (*PARTS, *EFFECTS)}
    inside: dict[str, list[bool]] = {name: [] for name in EFFECTS}
    widths: dict[str, list[float]] = {name: [] for name in EFFECTS}
    truth = true_reliability(world)
    for number in range(n_banks):
        parts = variance_parts(simulate(world, np.random.default_rng([number, world.n, world.seeds])))
        if parts is None:
            raise SystemExit(f"{world.name}: too little is measured. Let fewer scores be missing.")
        for name, true in zip(PARTS, world.parts, strict=True):
            errors[name].append(getattr(parts, name) - true)
        for name in EFFECTS:
            found = repeatable(parts, name, level=LEVEL)
            errors[name].append(found.of_mean - truth[name])
            inside[name].append(found.low <= truth[name] <= found.high)
            widths[name].append(found.high - found.low)
    bias, coverage, width = ({name: float(np.mean(of)) for name, of in one.items()} for one in (errors, inside, widths))
    return Found(bias, truth, coverage, width)


def simulate(world: World, random: np.random.Generator) -> np.ndarray:
    """Make one bank. Shape: [seed, donor, recipient]."""
    n, r = world.n, world.seeds

    def draw(*shape: int) -> np.ndarray:
        if world.tails == "heavy":
            return random.standard_t(5, size=shape) / np.sqrt(5 / 3)
        return random.normal(size=shape)

    recipient, recipient_seed, donor, donor_seed, pair, cell = np.sqrt(world.parts)
    taken, own = draw(r, n), draw(r, n)
    given = np.sqrt(1 - world.together**2) * own - world.together * taken
    size = np.exp(world.unequal * random.normal(size=n) - world.unequal**2)  # so that its square is 1 on average
    scores = recipient * draw(n)[None, None, :] + donor * draw(n)[None, :, None] + pair * draw(n, n)[None]
    scores = scores + recipient_seed * taken[:, None, :] + donor_seed * given[:, :, None] + cell * size * draw(r, n, n)
    hidden = random.random(scores.shape) < world.missing
    return np.where(hidden | np.eye(n, dtype=bool), np.nan, scores)


def true_reliability(world: World) -> dict[str, float]:
    """Work the reliabilities of means over seeds out of the parts."""
    recipient, recipient_seed, donor, donor_seed, pair, cell = world.parts
    others, seeds = world.n - 1, world.seeds
    if world.missing:  # the harmonic mean of what is left of the seeds, of cells that have any
        left = np.random.default_rng(0).binomial(world.seeds, 1 - world.missing, size=100_000)
        seeds = 1 / float(np.mean(1 / left[left > 0]))
    sums = {
        "donor_order": (donor + pair, donor_seed + cell),
        "donation": (donor + pair / others, donor_seed + cell / others),
        "recipience": (recipient + pair / others, recipient_seed + cell / others),
        "cell": (recipient + donor + pair, recipient_seed + donor_seed + cell),
    }
    return {name: stays / (stays + varies / seeds) for name, (stays, varies) in sums.items()}


def _share(found: Found, name: str) -> str:
    covered = f"{100 * found.coverage[name]:.0f}, {found.width[name]:.2f}"
    return f"{found.truth[name]:.2f}: {found.bias[name]:+.2f}; {covered}"


if __name__ == "__main__":
    main()

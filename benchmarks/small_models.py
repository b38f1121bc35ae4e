"""How fast do small models train on a CPU: this checkout, another one, and transformers' Trainer with the same model?

    python benchmarks/small_models.py --against ../before

Models of 2 layers and widths 64 and 128, rows of 64 pieces, eight rows an update, 40% masked, 4 000 pieces, float32,
one thread, on made-up ids. Each contender is a process that stays, in the environment of a worker (Trainer's in a plain
one), and they take turns, a few updates at a time. Seconds are the processor's, since other work on a machine takes
less of them than of the clock; what counts is the best turn, which it disturbed least. Trainer needs `accelerate`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import setups
from measuring import Spec, Stopped, plain_environment, worker_environment
from reporting import finish, machine, show_ratio, table, verdict
from texts import Text, made_up_text

ROOT = Path(__file__).resolve().parents[1]
WIDTHS = (64, 128)
#: Pieces a second in times the other checkout's, by width, and in times Trainer's.
TARGETS, TRAINER = {64: 2.0, 128: 1.6}, 6.0
_PIECES = 400_000


@dataclass
class Turns:
    """Stands where `contenders.py` has its marks: waits for a line, does so many updates, tells what they took.

    Attributes:
        n_updates: Of a turn.
    """

    n_updates: int
    done: int = 0
    begin: tuple[float, float] = (0.0, 0.0)

    def __call__(self, tokens: float) -> None:
        """Take note of an update.

        Raises:
            Stopped: The parent has closed this process's stdin.
        """
        if self.done % self.n_updates == 0:
            if self.done:
                seconds, n_pieces = time.process_time() - self.begin[0], tokens - self.begin[1]
                print(json.dumps(n_pieces / seconds), file=sys.__stdout__, flush=True)
            if not sys.stdin.readline():
                raise Stopped
            self.begin = (time.process_time(), tokens)
        self.done += 1


def serve(spec: Spec) -> None:
    """Train in turns until stdin closes."""
    import contenders
    import torch

    torch.set_num_threads(1)
    sys.stdout = sys.stderr  # what a library prints must not stand between our lines
    train: Any = contenders.train_gang if spec["contender"] == "bloodbank" else contenders.train_with_transformers
    try:
        train(spec, Turns(spec["n_updates"]))
    except Stopped:
        return
    raise SystemExit("The text was read to its end. Give fewer --turns.")


@dataclass
class Contender:
    """A process that trains when it is told to.

    Attributes:
        name: In the table.
        spec: What it trains.
        environment: Of the process.
        rates: Pieces a second of each turn that counts.
    """

    name: str
    spec: Spec
    environment: dict[str, str]
    rates: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Start the process."""
        command = [sys.executable, __file__, "--serve", json.dumps(self.spec)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen(command, text=True, env=self.environment, **pipes)  # type: ignore[call-overload]

    def turn(self, *, counts: bool) -> None:
        """Train for a turn.

        Raises:
            SystemExit: The process failed.
        """
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} ended with exit code {self.process.wait()}.")
        if counts:
            self.rates.append(json.loads(line))

    def stop(self) -> None:
        """End the process."""
        self.process.stdin.close()
        self.process.wait()


def spec_of(contender: str, width: int, text: Text, n_updates: int, work: Path) -> Spec:
    """Say what a contender trains; see the top of this file."""
    shape = {"n_layers": 2, "n_heads": 4, "hidden_size": width, "feed_forward_size": 4 * width, "n_positions": 64}
    recipe = {"batch_size": 8, "mask_share": 0.4, "dtype": "float32", "learning_rate": 2e-3, "candidates": "vocabulary"}
    experiment = setups.preset("recommended", model=shape, **recipe)
    more = {"epochs": 100, "n_updates": n_updates, "work": str(work)}
    return setups.spec_of(contender, experiment, text, threads=1, **more)


def measure(width: int, text: Text, given: argparse.Namespace, work: Path) -> list[Contender]:
    """Let the contenders of a width take turns; the first round does not count."""
    roots = {"old": given.against, "new": ROOT}
    contenders = [
        Contender(name, spec_of("bloodbank", width, text, given.updates, work), package_environment(root.resolve()))
        for name, root in roots.items()
        if root
    ]
    if find_spec("accelerate"):
        spec = spec_of("trainer", width, text, given.updates, work)
        contenders.append(Contender("Trainer", spec, plain_environment(1)))
    try:
        for number in range(given.turns + 1):
            for contender in contenders if number % 2 else reversed(contenders):
                contender.turn(counts=number > 0)
    finally:
        for contender in contenders:
            contender.stop()
    return contenders


def package_environment(root: Path) -> dict[str, str]:
    """Return the environment of a worker of a checkout.

    Raises:
        SystemExit: The package that Python finds is not the one of the checkout.
    """
    environment = worker_environment(1) | {"PYTHONPATH": str(root / "src")}
    code = "import bloodbank; print(bloodbank.__file__)"
    found = subprocess.check_output([sys.executable, "-c", code], env=environment, text=True).strip()
    if not Path(found).resolve().is_relative_to(root):
        raise SystemExit(f"Python runs {found} instead of the package in {root}.")
    return environment


def report(width: int, contenders: list[Contender]) -> tuple[list[list[str]], list[str]]:
    """Lay out a width's rows of the table, and say what is reached."""
    rates = {one.name: one.rates for one in contenders}
    best = {name: max(values) for name, values in rates.items()}

    def speed(name: str, base: str) -> str:
        if name == base or base not in best:
            return ""
        each = [a / b for a, b in zip(rates[name], rates[base], strict=True)]
        return show_ratio((best[name] / best[base], min(each), max(each)))

    rows = [[f"2 × {width}, {name}", f"{best[name]:,.0f}", speed(name, "old"), speed(name, "Trainer")] for name in best]
    targets = {"old": TARGETS[width], "Trainer": TRAINER}
    said = [
        verdict(f"2 × {width}, pieces a second in times {base}", best["new"] / best[base], target)
        for base, target in targets.items()
        if base in best
    ]
    return rows, said


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", type=Path, help="another checkout, whose pieces a second are the old ones")
    parser.add_argument("--turns", type=int, default=10, help="of each contender that count")
    parser.add_argument("--updates", type=int, default=25, help="of a turn")
    parser.add_argument("--vocabulary", type=int, default=4_000, help="pieces")
    parser.add_argument("--out", type=Path, help="JSON file for all numbers")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(json.loads(given.serve))
        os._exit(0)  # Trainer's threads need no end of their own
    if given.turns < 1 or given.updates < 1:
        parser.error("--turns, --updates: give 1 or more")
    lines, rows, said, numbers = [*machine(), ""], [], [], {}
    with tempfile.TemporaryDirectory() as folder:
        text = made_up_text(Path(folder), given.vocabulary, _PIECES)
        for width in WIDTHS:
            contenders = measure(width, text, given, Path(folder))
            numbers[str(width)] = {one.name: one.rates for one in contenders}
            for all_of, own in zip((rows, said), report(width, contenders), strict=True):
                all_of.extend(own)
    lines.append(table(("pieces a processor second", "best turn", "times old", "times Trainer"), rows))
    finish([*lines, "", *said], given.out, {"machine": lines[:3], "rates": numbers})


if __name__ == "__main__":
    main()

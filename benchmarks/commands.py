"""How much processor time does each command take, from nothing to its end? Of this checkout, and of another one.

    python benchmarks/commands.py --against ../before

Every command runs in a process of its own, as a user starts it: the imports count, and so do the worker processes of a
run, all threads of each. Numbers are user plus system seconds, the median over `--runs` rounds after one that is not
counted; both checkouts take turns in every round. `import pandas` is what Python needs for that alone.
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
from pathlib import Path
from statistics import median

from reporting import finish, machine, table

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests"))

from small_run import write_experiment  # noqa: E402 - the experiment of the tests

BASE = "import pandas"
BANK = "help-books"
N_LANGUAGES = 50  # of the experiment that is only planned
#: What is timed by its short name: the words behind `bloodbank`; {} is a folder of its own for every time.
COMMANDS = {
    "help": ("--help",),
    "show": ("show", BANK),
    "export": ("bank", "export", BANK, "{}/bank.csv"),
    "select": ("select", BANK, "--size", "2"),  # its languages are too few for the paper's sizes
    "recommend": ("recommend", BANK, "--for", "sv,fi", "--budget", "2"),
    "explore": ("explore", BANK, "--out", "{}/page.html"),
    "report": ("bank", "report", BANK, "--out", "{}/report"),
    "run": ("run", "small/experiment.toml", "--out", "{}/run"),
    "again": ("run", "small/experiment.toml", "--out", "done"),
    "plan": ("run", "--dry-run", "many/experiment.toml", "--out", "{}/run"),
}
TOLD = {
    "run": "run, nine small models",
    "again": "the same, nothing left to do",
    "plan": f"run --dry-run, {N_LANGUAGES} languages",
}


@dataclass
class Side:
    """A checkout, the folder in which its commands run, and what they took.

    Attributes:
        root: The checkout.
        work: The folder.
        seconds: Of every round that counts, by command; user plus system.
    """

    root: Path
    work: Path
    seconds: dict[str, list[float]] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """Return the environment of its processes."""
        return {**os.environ, "PYTHONPATH": str(self.root / "src"), "HF_HUB_OFFLINE": "1"}

    def time(self, command: str) -> float:
        """Run a command once; return its seconds."""
        with tempfile.TemporaryDirectory(dir=self.work) as folder:
            words = [word.format(folder) for word in COMMANDS[command]]
            arguments = [sys.executable, "-m", "bloodbank.cli", *words]
            return cpu_seconds(arguments, cwd=self.work, environment=self.environment())


def cpu_seconds(arguments: list[str], *, cwd: Path, environment: dict[str, str]) -> float:
    """Run a process; return the user and system seconds of it and of all processes that it started and waited for.

    Args:
        arguments: Program and arguments.
        cwd: Where it runs.
        environment: Of the process.

    Raises:
        SystemExit: It failed.
    """
    with tempfile.TemporaryFile() as printed:
        process = subprocess.Popen(arguments, cwd=cwd, env=environment, stdout=printed, stderr=subprocess.STDOUT)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)  # so that Popen does not wait for it again
        if process.returncode:
            printed.seek(0)
            message = printed.read().decode(errors="replace")[-2_000:]
            raise SystemExit(f"{' '.join(arguments)} ended with exit code {process.returncode}:\n{message}")
    return used.ru_utime + used.ru_stime


def prepare(side: Side, commands: list[str]) -> None:
    """Write the experiments; do the run that is to have nothing left to do.

    Raises:
        SystemExit: The package that Python finds is not the one of the checkout.
    """
    side.work.mkdir()
    code = "import bloodbank, pathlib; print(pathlib.Path(bloodbank.__file__).resolve())"
    found = subprocess.check_output([sys.executable, "-c", code], env=side.environment(), text=True)
    if not Path(found.strip()).is_relative_to(side.root):
        raise SystemExit(f"Python runs {found.strip()} instead of the package in {side.root}.")
    write_experiment(side.work / "small")
    names = [f"x-l{number}" for number in range(N_LANGUAGES)]
    many = write_experiment(side.work / "many", languages={name: {} for name in names})
    settings = many.read_text(encoding="utf-8").replace('["x-a", "x-b", "x-c"]', json.dumps(names))
    many.write_text(settings, encoding="utf-8")
    if "again" in commands:
        side.time("again")


def measure(sides: list[Side], commands: list[str], n_runs: int) -> list[float]:
    """Time everything in rounds, the first of which is not counted; the checkouts take turns, also at being first.

    Returns:
        Seconds of the bare import in every round.
    """
    bare: list[float] = []
    for turn in range(n_runs + 1):
        started = time.monotonic()
        base = cpu_seconds([sys.executable, "-c", BASE], cwd=sides[0].work, environment=dict(os.environ))
        bare += [base] * (turn > 0)
        for command in commands:
            for side in sides if turn % 2 else reversed(sides):
                seconds = side.time(command)
                if turn:
                    side.seconds.setdefault(command, []).append(seconds)
        print(f"round {turn} of {n_runs}: {time.monotonic() - started:.0f} s", file=sys.stderr)
    return bare


def rows(sides: list[Side], commands: list[str], base: float) -> list[list[str]]:
    """Lay out the table: the new checkout is the last one."""
    found = [[f'`python -c "{BASE}"`', *([f"{base:.2f}"] * len(sides)), *([""] * (len(sides) - 1)), "1.0"]]
    for command in commands:
        medians = [median(side.seconds[command]) for side in sides]
        words = TOLD.get(command) or f"`bloodbank {' '.join(COMMANDS[command])}`".replace("{}/", "")
        ratio = [f"{medians[-1] / medians[0]:.2f}"] * (len(sides) - 1)
        found.append([words, *(f"{one:.2f}" for one in medians), *ratio, f"{medians[-1] / base:.1f}"])
    return found


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", type=Path, help="another checkout, whose seconds are the old ones")
    parser.add_argument("--runs", type=int, default=5, help="rounds that count")
    parser.add_argument("--only", default=",".join(COMMANDS), help=f"of {','.join(COMMANDS)}")
    parser.add_argument("--out", type=Path, help="JSON file for all numbers")
    given = parser.parse_args()
    commands = given.only.split(",")
    if unknown := set(commands) - set(COMMANDS):
        parser.error(f"--only {','.join(sorted(unknown))}: choose from {', '.join(COMMANDS)}")
    if given.runs < 1:
        parser.error(f"--runs {given.runs}: give 1 or more")
    lines = [*machine(), ""]
    with tempfile.TemporaryDirectory() as folder:
        roots = {"old": given.against, "new": ROOT}
        sides = {name: Side(root.resolve(), Path(folder) / name) for name, root in roots.items() if root}
        for side in sides.values():
            prepare(side, commands)
        bare = measure(list(sides.values()), commands, given.runs)
    header = ("CPU seconds", *sides, *["new / old"] * (len(sides) - 1), "times the import of pandas")
    lines.append(table(header, rows(list(sides.values()), commands, median(bare))))
    numbers = {name: side.seconds for name, side in sides.items()}
    finish(lines, given.out, {"machine": lines[:3], BASE: bare, **numbers})


if __name__ == "__main__":
    main()

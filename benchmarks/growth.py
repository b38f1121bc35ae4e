"""How cost grows: time and memory against models side by side, vocabulary, width and number of languages.

    python benchmarks/growth.py --work runs/bench

Each point is one process with one thread, as a worker has on a CPU, of the recipe `recommended`; what is not varied is
as there. It needs no text: speed is measured on made-up pieces that follow Zipf's law, in full rows.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass
from pathlib import Path

import setups
from measuring import Measured, measure, worker_environment
from reporting import GIB, finish, machine, table
from texts import made_up_text

from bloodbank.experiment.settings import TokenizerSettings
from bloodbank.transfer.gang_size import device_name

HEADER = ("tokens/s, all models", "µs a token", "times the first", "peak GiB", "times the first's memory")
LANGUAGES = ("languages", "models (n + n(n − 1))", "tokens", "core-hours at this rate")


@dataclass(frozen=True)
class Point:
    """What one process measures: models side by side, pieces, width; feed-forward layers have 6 widths."""

    k: int
    vocab: int
    width: int


def main() -> None:
    """Measure and print."""
    chosen = arguments()
    head = machine()
    base = (
        Point(1, setups.TINY_VOCABULARY, 16)
        if chosen.quick
        else Point(1, TokenizerSettings().vocab_size, setups.preset("recommended").model.hidden_size)
    )
    sweeps = {
        "models side by side": [Point(k, base.vocab, base.width) for k in chosen.ks],
        "pieces": [Point(1, vocab, base.width) for vocab in chosen.vocabularies],
        "width": [Point(1, base.vocab, width) for width in chosen.widths],
    }
    points = dict.fromkeys([base, *(point for sweep in sweeps.values() for point in sweep)])
    device = "cpu" if chosen.quick or device_name(setups.preset("recommended")) == "cpu" else "cuda"
    found = {point: measure_point(point, chosen, device) for point in points}
    lines = [
        "# How cost grows",
        "",
        *head,
        f"- {described(base)}; each point varies one of them; windows of {chosen.seconds:g} s",
    ]
    for name, sweep in sweeps.items():
        lines += ["", f"Against {name}:", "", table((name, *HEADER), rows(name, sweep, found))]
    lines += ["", *languages(found[base].tokens_per_second, chosen)]
    numbers = [{**asdict(point), **asdict(one)} for point, one in found.items()]
    finish(lines, chosen.out, {"machine": head, "points": numbers})


def arguments() -> argparse.Namespace:
    """Read the command line."""

    def numbers(text: str) -> list[int]:
        return [int(one) for one in text.split(",")]

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for the made-up ids, which stay there")
    parser.add_argument("--out", type=Path, help="write all numbers into this JSON file")
    parser.add_argument("--seconds", type=float, help="length of a window: 20 by default; 0.3 with --quick")
    parser.add_argument("--ks", type=numbers, help="models side by side: 1,2,4,8 by default")
    parser.add_argument("--vocabularies", type=numbers, help="pieces: 8000,30000,100000 by default")
    parser.add_argument("--widths", type=numbers, help="hidden sizes: 64,256,512 by default")
    parser.add_argument("--languages", type=numbers, default=[5, 10, 22, 50, 100], help="sizes of a bank")
    parser.add_argument("--chars-per-token", type=float, default=1.0, help="of the text; against_trainer.py prints it")
    parser.add_argument("--budget-chars", type=int, default=10_000_000, help="training text of a language")
    parser.add_argument("--quick", action="store_true", help="a tiny model, to try the benchmark out")
    chosen = parser.parse_args()
    tiny = {"seconds": 0.3, "ks": [1, 2], "vocabularies": [400], "widths": [16]}
    usual = {"seconds": 20.0, "ks": [1, 2, 4, 8], "vocabularies": [8_000, 30_000, 100_000], "widths": [64, 256, 512]}
    for name, value in (tiny if chosen.quick else usual).items():
        setattr(chosen, name, getattr(chosen, name) or value)
    return chosen


def measure_point(point: Point, chosen: argparse.Namespace, device: str) -> Measured:
    """Train one gang in a process of its own."""
    shape = {"hidden_size": point.width, "feed_forward_size": 6 * point.width}
    recipe = setups.preset("recommended", quick=chosen.quick, model=shape)
    text = made_up_text(chosen.work, point.vocab, 50_000 if chosen.quick else 1_000_000)
    spec = setups.spec_of(
        "bloodbank", recipe, text, threads=1, device=device, k=point.k, epochs=100, n_warm=2, work=str(chosen.work)
    )
    return measure([spec], worker_environment(1), chosen.seconds)


def described(base: Point) -> str:
    """Name what is fixed."""
    recipe = setups.preset("recommended")
    dtype = setups.meant_dtype(recipe, "cpu")
    return (
        f"{base.k} model, {base.vocab:,} pieces, width {base.width}, feed-forward 6 × width, {dtype}, "
        f"batch {recipe.training.batch_size}, one thread"
    )


def rows(name: str, sweep: list[Point], found: dict[Point, Measured]) -> list[list[str]]:
    """Return the table of a sweep."""
    first = found[sweep[0]]
    lines = []
    for point in sweep:
        one = found[point]
        memory, least = (max(x.peak_bytes[0], x.device_bytes[0]) for x in (one, first))
        varied = {"models side by side": point.k, "pieces": point.vocab, "width": point.width}[name]
        lines.append(
            [
                f"{varied:,}",
                f"{one.tokens_per_second:,.0f}",
                f"{1e6 / one.tokens_per_second:,.1f}",
                f"{first.tokens_per_second / one.tokens_per_second:.2f}",
                f"{memory / GIB:.3f}",
                f"{memory / least:.2f}",
            ]
        )
    return lines


def languages(rate: float, chosen: argparse.Namespace) -> list[str]:
    """Return the table of banks, by arithmetic from the rate of one process."""
    epochs = setups.preset("recommended").training.epochs
    tokens = {n: n**2 * epochs * chosen.budget_chars / chosen.chars_per_token for n in chosen.languages}
    cells = [[str(n), f"{n**2:,}", f"{total:.3g}", f"{total / rate / 3_600:,.1f}"] for n, total in tokens.items()]
    each = " (per character: give --chars-per-token)" if chosen.chars_per_token == 1.0 else ""
    return [
        f"Against the number of languages, by arithmetic: n² models · {epochs} epochs · {chosen.budget_chars:,} "
        f"characters / {chosen.chars_per_token:g} characters a token / {rate:,.0f} tokens a second of one "
        f"process{each}:",
        "",
        table(LANGUAGES, cells),
    ]


if __name__ == "__main__":
    main()

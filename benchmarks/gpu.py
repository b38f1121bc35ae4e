"""Training on a GPU: tokens a second of a column gang, share of the card's peak, and the hours of a whole bank.

    python benchmarks/gpu.py --work /tmp/bench --chars-per-token 4.5

The GPU is chosen by the package itself. Without one this says so; `--cpu` then runs the same code with tiny sizes. It
needs no text: speed is measured on made-up pieces that follow Zipf's law, in full rows.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import setups
import torch
from measuring import Measured, Spec, ask, measure, plain_environment, worker_environment
from reporting import GIB, finish, machine, n_cores, table, verdict
from texts import Text, made_up_text

from bloodbank.execution import n_gpus
from bloodbank.experiment.load import Experiment
from bloodbank.experiment.settings import ModelSettings
from bloodbank.transfer.gang_size import device_name

HEADER = (
    "contender", "pieces", "models side by side", "tokens/s", "times Trainer", "share of peak", "GiB on the GPU",
    "hours a bank",
)  # fmt: skip
N_LANGUAGES = 22  # of the paper's bank
HOURS, TIMES_TRAINER = 1.0, 30.0  # targets


def main() -> None:
    """Measure and print."""
    chosen = arguments()
    take_one_gpu()
    has_gpu = device_name(setups.preset("recommended")) != "cpu"
    if not has_gpu and not chosen.cpu:
        raise SystemExit(
            "PyTorch finds no GPU here, so nothing was measured. On a machine with one:\n"
            "    PYTHONPATH=src python benchmarks/gpu.py --work /tmp/bench --chars-per-token C\n"
            "To try the code out here, with tiny sizes: add --cpu."
        )
    quick = not has_gpu
    head = machine()
    device = "cpu" if quick else "cuda"
    threads = 1 if quick else n_cores()
    sizes = [int(size) for size in chosen.gangs.split(",")] if chosen.gangs else ([1, 2] if quick else [1, 4, 8, 21])
    seconds = chosen.seconds or (0.5 if quick else 20.0)
    matmul = {"contender": "matmul", "size": 256 if quick else 8_192, "seconds": min(6.0, seconds), "device": device}
    peak = float(ask({**matmul, "threads": threads}, plain_environment(threads))["answer"])
    vocabularies = [setups.TINY_VOCABULARY] if quick else [int(size) for size in chosen.vocab.split(",")]
    recipes = contenders(sizes, quick=quick, compiled=chosen.compile)
    rows: list[list[str]] = []
    numbers: list[dict[str, Any]] = []
    for size in vocabularies:
        text = made_up_text(chosen.work, size, 50_000 if quick else 2_000_000)
        specs = [(one, spec_of(one, text, device, threads)) for one in recipes]
        found = [{"pieces": size, **measure_one(one, spec, text, seconds)} for one, spec in specs]
        base = found[0]["tokens_per_second"] if recipes[0].kind == "trainer" else None
        rows += [row(one, base, peak, chosen) for one in found]
        numbers += found
    lines = ["# On a GPU", "", *head, *explained(peak, matmul["size"], chosen, seconds), "", table(HEADER, rows)]
    lines += [] if quick else ["", *verdicts(numbers, chosen)]
    if find_spec("accelerate") is None:
        lines += ["", "Trainer was not measured: the package accelerate is not installed here."]
    finish(lines, chosen.out, {"machine": head, "peak_flops": peak, "measured": numbers})


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for the made-up ids, which stay there")
    parser.add_argument("--out", type=Path, help="write all numbers into this JSON file")
    parser.add_argument("--chars-per-token", type=float, default=1.0, help="of the text; against_trainer.py prints it")
    parser.add_argument("--budget-chars", type=int, default=10_000_000, help="training text of a language")
    parser.add_argument("--epochs", type=int, default=4, help="of each phase")
    parser.add_argument("--gangs", default="", help="models side by side: 1,4,8,21 by default")
    parser.add_argument("--vocab", default="30000", help="pieces; several with commas (paper: 100000)")
    parser.add_argument("--seconds", type=float, help="length of a window: 20 by default")
    parser.add_argument("--compile", action="store_true", help="with training.compile = true too")
    parser.add_argument("--cpu", action="store_true", help="without a GPU: run the same code with tiny sizes")
    return parser.parse_args()


def take_one_gpu() -> None:
    """Leave one of several GPUs in sight: Trainer would share a batch among them, and all is counted for one."""
    if n_gpus() > 1:
        os.environ["CUDA_VISIBLE_DEVICES"] = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]


@dataclass(frozen=True)
class Contender:
    """One line of the table: its name, `trainer` or `bloodbank`, the recipe, and models side by side."""

    name: str
    kind: str
    recipe: Experiment
    k: int = 1


def contenders(sizes: list[int], *, quick: bool, compiled: bool) -> list[Contender]:
    """Return Trainer as released and at its best, where it can run, and gangs of the package."""
    found = []
    if find_spec("accelerate"):
        full_rows = setups.preset("paper", quick=quick, layout="packed", batch_size=32, dtype="auto")
        found = [Contender("Trainer as released", "trainer", setups.preset("paper", quick=quick))]
        found += [] if quick else [Contender("Trainer, full rows", "trainer", full_rows)]
    for name, changes in (("bloodbank", {}), ("bloodbank compiled", {"compile": True})):
        if compiled or not changes:
            recipe = setups.preset("recommended", quick=quick, **changes)
            found += [Contender(name, "bloodbank", recipe, k) for k in sizes]
    return found


def spec_of(one: Contender, text: Text, device: str, threads: int) -> Spec:
    """Say what a contender's process is to do."""
    n_warm = 20 if device == "cuda" else 3
    work = str(Path(text.train).parent)
    return setups.spec_of(
        one.kind, one.recipe, text, threads=threads, device=device, k=one.k, n_warm=n_warm, epochs=1_000, work=work
    )


def measure_one(one: Contender, spec: Spec, text: Text, seconds: float) -> dict[str, Any]:
    """Measure a contender, and print what came out, since a machine may be lent for minutes only."""
    environment = plain_environment if one.kind == "trainer" else worker_environment
    made: Measured = measure([spec], environment(spec["threads"]), seconds)
    training = one.recipe.training
    print(f"{one.name}, K = {one.k}: {made.tokens_per_second:,.0f} tokens/s", file=sys.stderr, flush=True)
    return {
        "name": f"{one.name}, {spec['training']['dtype']}, batch {training.batch_size}",
        "k": one.k,
        "tokens_per_second": made.tokens_per_second,
        "device_bytes": made.device_bytes[0],
        "flops_per_token": flops_per_token(one.recipe.model, text.vocabulary.size, training.mask_share),
    }


def flops_per_token(model: ModelSettings, vocab_size: int, mask_share: float) -> float:
    """Return the floating-point operations of one training step for each token; the head only at masked pieces."""
    width, inner = model.hidden_size, model.feed_forward_size
    layer = 8 * width**2 + 4 * width * inner + 4 * model.n_positions * width
    head = 2 * width**2 + 2 * width * vocab_size
    return 3.0 * (model.n_layers * layer + mask_share * head)


def bank_hours(tokens_per_second: float, budget_chars: int, epochs: int, chars_per_token: float) -> float:
    """Return the hours of a bank: the monolingual models, and the bilingual ones, which go on from those."""
    n_models = N_LANGUAGES + N_LANGUAGES * (N_LANGUAGES - 1)
    return n_models * epochs * budget_chars / chars_per_token / tokens_per_second / 3_600


def verdicts(numbers: list[dict[str, Any]], chosen: argparse.Namespace) -> list[str]:
    """Say whether the targets were met, by the fastest gang with the first number of pieces."""
    first = [one for one in numbers if one["pieces"] == numbers[0]["pieces"]]
    trainers = [one for one in first if one["name"].startswith("Trainer as released")]
    ours = max(one["tokens_per_second"] for one in first if one["name"].startswith("bloodbank"))
    hours = bank_hours(ours, chosen.budget_chars, chosen.epochs, chosen.chars_per_token)
    times = [ours / one["tokens_per_second"] for one in trainers]
    return [
        verdict("hours of a bank on this GPU", hours, HOURS, at_least=False),
        *(verdict("tokens/s, in times Trainer as released", one, TIMES_TRAINER) for one in times),
    ]


def row(one: dict[str, Any], base: float | None, peak: float, chosen: argparse.Namespace) -> list[str]:
    """Return a line of the table."""
    rate = one["tokens_per_second"]
    return [
        one["name"],
        f"{one['pieces']:,}",
        str(one["k"]),
        f"{rate:,.0f}",
        f"{rate / base:.2f}" if base else "–",
        f"{rate * one['flops_per_token'] / peak:.2%}",
        f"{one['device_bytes'] / GIB:.2f}",
        f"{bank_hours(rate, chosen.budget_chars, chosen.epochs, chosen.chars_per_token):,.2f}",
    ]


def explained(peak: float, size: int, chosen: argparse.Namespace, seconds: float) -> list[str]:
    """Say how the numbers came about."""
    quick = not torch.cuda.is_available()
    model = setups.preset("recommended", quick=quick).model
    return [
        f"- model: {model.n_layers} × {model.hidden_size}, feed-forward {model.feed_forward_size}, rows of "
        f"{model.n_positions}; windows of {seconds:g} s after warm-up; the models of a gang read the same, "
        "as in a column",
        f"- peak: {peak / 1e12:.2f} TFLOP/s, a bfloat16 product of {size} × {size} matrices timed in this run "
        f"({torch.cuda.get_device_name() if not quick else 'on the CPU'})",
        "- FLOP a token: 3 · (layers · (8 H² + 4 H·F + 4 L·H) + share of masks · (2 H² + 2 H·V)), for Trainer too, "
        "whose full head does more",
        f"- hours a bank and seed: ({N_LANGUAGES} + {N_LANGUAGES} · {N_LANGUAGES - 1}) models · {chosen.epochs} "
        f"epochs · {chosen.budget_chars:,} characters / {chosen.chars_per_token:g} characters a token / "
        "tokens a second / 3 600"
        + (" (per character: give --chars-per-token)" if chosen.chars_per_token == 1.0 else ""),
    ]


if __name__ == "__main__":
    main()

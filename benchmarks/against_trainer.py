"""Training speed and memory against transformers' Trainer, set up as the paper's released script, on all cores each.

    python benchmarks/against_trainer.py --work runs/bench

Contenders run one after the other, A B C … A B C …, each in processes of its own: Trainer in one process with all
cores, as people run it; the package in one worker a core with one thread each, every worker its own model, tokens
summed. Real tokens are counted: padding is not, [CLS] and [SEP] are.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import setups
from measuring import Measured, Spec, measure, plain_environment, worker_environment
from reporting import GIB, finish, machine, n_cores, ratios, show_ratio, table, verdict
from texts import Text, generated_texts, real_texts

from bloodbank.experiment.load import Experiment

HEADER = (
    "contender", "processes × threads", "tokens/s", "times Trainer (range over rounds)", "peak GiB a process",
    "peak GiB in all", "s until warm",
)  # fmt: skip
KEYS = (
    "trainer", "trainer-each", "same", "recommended", "pieces", "compiled", "exact", "same-one", "recommended-one",
)  # fmt: skip
SAME_BATCHES, RECOMMENDED = 2.5, 5.0  # targets, in times Trainer


@dataclass(frozen=True)
class Contender:
    """One line of the table.

    Attributes:
        name: Its name there.
        key: Its name in `--only`.
        processes, threads: How it uses the cores.
        specs: What each process does.
        environment: Of each process.
    """

    name: str
    key: str
    processes: int
    threads: int
    specs: list[Spec]
    environment: dict[str, str]


def contenders(text: Text, work: Path, *, quick: bool, attention_dropout: float, n_cores: int) -> list[Contender]:
    """Return all contenders on one text."""
    paper = setups.preset("paper", quick=quick, model={"attention_dropout": attention_dropout})
    ours = setups.preset("recommended", quick=quick)
    pieces = setups.preset("recommended", quick=quick, candidates="text")
    compiled = setups.preset("recommended", quick=quick, compile=True)
    exact = setups.preset("recommended", quick=quick, dtype="float32")

    def line(key: str, name: str, recipe: Experiment, processes: int, threads: int) -> Contender:
        contender = key.partition("-")[0] if key.startswith("trainer") else "bloodbank"
        specs = [
            setups.spec_of(contender, recipe, text, threads=threads, seed=seed, work=str(work))
            for seed in range(processes)
        ]
        environment = plain_environment if contender == "trainer" else worker_environment
        return Contender(name, key, processes, threads, specs, environment(threads))

    dtype = setups.meant_dtype(ours, "cpu")
    return [
        line("trainer", "transformers' Trainer, batch 8, full head, float32", paper, 1, n_cores),
        line("trainer-each", "the same, one process a core", paper, n_cores, 1),
        line("same", "bloodbank, the same batches, float32", paper, n_cores, 1),
        line("recommended", f"bloodbank, `recommended`, {dtype}", ours, n_cores, 1),
        line("pieces", f"the same, the text's own pieces, {dtype}", pieces, n_cores, 1),
        line("compiled", f"the same as `recommended`, compiled, {dtype}", compiled, n_cores, 1),
        line("exact", "bloodbank, `recommended`, float32", exact, n_cores, 1),
        line("same-one", "bloodbank, the same batches, float32, one process", paper, 1, n_cores),
        line("recommended-one", f"bloodbank, `recommended`, {dtype}, one process", ours, 1, n_cores),
    ]


def main() -> None:
    """Measure and print."""
    chosen = arguments()
    languages = chosen.languages.split(",")
    head = machine()
    quick, row_length = chosen.quick, setups.preset("paper", quick=chosen.quick).model.n_positions
    make = generated_texts if quick else real_texts
    text = make(chosen.work, languages, setups.TINY_VOCABULARY if quick else chosen.vocab, row_length)
    measured: dict[str, list[Measured]] = {}
    names: dict[str, Contender] = {}
    for number in range(chosen.rounds):
        own = text[languages[number % len(languages)]]
        for one in contenders(
            own, chosen.work, quick=quick, attention_dropout=chosen.attention_dropout, n_cores=n_cores()
        ):
            if one.key in chosen.only.split(",") or not chosen.only:
                names[one.key] = one
                measured.setdefault(one.key, []).append(measure(one.specs, one.environment, chosen.seconds))
                if chosen.progress:
                    print(f"round {number + 1}: {one.name}: {measured[one.key][-1]}", file=sys.stderr, flush=True)
    vocabulary = next(iter(text.values())).vocabulary.size
    model = setups.preset("paper", quick=quick).model
    lines = [
        "# Against transformers' Trainer",
        "",
        *head,
        f"- model: {model.n_layers} × {model.hidden_size}, feed-forward {model.feed_forward_size}, {vocabulary:,} "
        f"pieces, dropout {model.dropout}; attention dropout {chosen.attention_dropout} in Trainer and "
        "in the same batches",
        f"- text: {'generated' if quick else 'the shared text'}, {described(text)}; one language a round, for all",
        f"- {chosen.rounds} rounds, windows of {chosen.seconds:g} s after warm-up; medians over rounds",
        "",
        table(HEADER, [row(names[key], measured) for key in measured]),
        "",
        *verdicts(measured),
    ]
    numbers = {key: [asdict(one) for one in many] for key, many in measured.items()}
    finish(lines, chosen.out, {"machine": head, "arguments": {k: str(v) for k, v in vars(chosen).items()}, **numbers})


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--work", type=Path, required=True, help="folder for the tokenizer and the ids, which stay there"
    )
    parser.add_argument("--out", type=Path, help="write all numbers into this JSON file")
    parser.add_argument("--rounds", type=int, help="3 by default; 1 with --quick")
    parser.add_argument("--seconds", type=float, help="length of a window: 60 by default; 0.5 with --quick")
    parser.add_argument("--languages", default="", help="one a round, in turn: de,fi,ru by default")
    parser.add_argument("--vocab", type=int, default=30_000, help="pieces")
    parser.add_argument("--attention-dropout", type=float, default=0.1, help="of Trainer and of the same batches")
    parser.add_argument("--only", default="", help=f"some of {','.join(KEYS)}; all by default")
    parser.add_argument("--progress", action="store_true", help="print each measurement as it is made")
    parser.add_argument("--quick", action="store_true", help="a tiny model on generated text, to try the benchmark out")
    chosen = parser.parse_args()
    if unknown := [key for key in filter(None, chosen.only.split(",")) if key not in KEYS]:
        parser.error(f"--only {','.join(unknown)}: allowed are {', '.join(KEYS)}")
    chosen.languages = chosen.languages or ("de" if chosen.quick else "de,fi,ru")
    chosen.rounds = chosen.rounds or (1 if chosen.quick else 3)
    chosen.seconds = chosen.seconds or (0.5 if chosen.quick else 60.0)
    if chosen.quick and not chosen.only:
        chosen.only = "trainer,same"
    return chosen


def described(text: dict[str, Text]) -> str:
    """Name the languages with the characters behind a piece."""
    return ", ".join(f"{name} ({one.chars_per_piece:.2f} characters a piece)" for name, one in text.items())


def row(one: Contender, measured: dict[str, list[Measured]]) -> list[str]:
    """Return a contender's line of the table."""
    own = measured[one.key]
    compared = show_ratio(ratios(rates(own), rates(measured["trainer"]))) if "trainer" in measured else "–"
    return [
        one.name,
        f"{one.processes} × {one.threads}",
        f"{median(rates(own)):,.0f}",
        compared,
        f"{median(max(round_.peak_bytes) for round_ in own) / GIB:.3f}",
        f"{median(sum(round_.peak_bytes) for round_ in own) / GIB:.3f}",
        f"{median(round_.warm_seconds for round_ in own):.1f}",
    ]


def rates(measured: list[Measured]) -> list[float]:
    """Return tokens a second of each round."""
    return [one.tokens_per_second for one in measured]


def verdicts(measured: dict[str, list[Measured]]) -> list[str]:
    """Say which targets were met; of those whose contenders ran."""
    if "trainer" not in measured:
        return []
    base = measured["trainer"]
    found = []
    for key, what, target in (
        ("same", "the same batches", SAME_BATCHES),
        ("recommended", "`recommended`", RECOMMENDED),
    ):
        if key in measured:
            speed = ratios(rates(measured[key]), rates(base))[0]
            found.append(verdict(f"tokens/s of {what}, in times Trainer", speed, target))
            peaks = [[float(max(one.peak_bytes)) for one in side] for side in (measured[key], base)]
            found.append(
                verdict(f"peak memory of a process of {what}, in times Trainer", ratios(*peaks)[0], 1.0, at_least=False)
            )
    return found


if __name__ == "__main__":
    main()

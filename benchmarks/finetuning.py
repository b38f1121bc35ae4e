"""Fine-tuning speed against transformers' Trainer: the same model, rows and recipe, one model and a gang of six.

    python benchmarks/finetuning.py --work runs/bench

Contenders run one after the other, A B C … A B C …, each in processes of its own, timed from sentences in memory to a
trained tagger: start-up, tokenization and a short call that warms up are outside. Trainer has all cores in one
process, as people run it. A gang is one process with all cores, or workers with one thread each that share the models
among them, as the package runs. Speed is real tokens of all models together: padding is not counted, [CLS] and [SEP]
are.
"""

from __future__ import annotations

import argparse
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import numpy as np
from measuring import Spec, ask, plain_environment, worker_environment
from reporting import GIB, finish, machine, n_cores, ratios, show_ratio, table, verdict
from taggers import save_rows
from texts import real_texts, shared_folder

from bloodbank.downstream.taggers.alignment import encode
from bloodbank.downstream.tasks.data import IGNORED, Encoded
from bloodbank.downstream.tasks.pos_and_ner import get_task
from bloodbank.experiment.downstream_settings import FinetuneSettings
from bloodbank.experiment.settings import ModelSettings
from bloodbank.randomness import generator
from bloodbank.tokenizer import Vocabulary, load_tokenizer

HEADER = (
    "contender", "models", "processes × threads", "tokens/s", "times Trainer (range over rounds)", "peak GiB in all",
)  # fmt: skip
MODELS = {  # and how many of the sentences are read: an update of the larger one takes a second
    "2x128": ({"n_layers": 2, "n_heads": 2, "hidden_size": 128, "feed_forward_size": 512}, 1_000),
    "4x512": ({"n_layers": 4, "n_heads": 4, "hidden_size": 512, "feed_forward_size": 3_072}, 192),
    "tiny": ({"n_layers": 1, "n_heads": 2, "hidden_size": 16, "feed_forward_size": 32, "n_positions": 32}, 80),
}
GANG = 6
ONE, SIX = 1.0, 3.0  # targets, in times Trainer
Timings = dict[str, list[Spec]]


@dataclass(frozen=True)
class Contender:
    """One line of a table.

    Attributes:
        key, name: In `--only`, in the table.
        processes, threads: How it uses the cores.
        k: Models in each process.
        one_source: Whether they are trained on the same batches.
    """

    key: str
    name: str
    processes: int
    threads: int
    k: int
    one_source: bool = True


def contenders(cores: int, device: str = "cpu") -> list[Contender]:
    """Return all of them; workers share the cores of a CPU, but not a GPU."""
    workers = max(n for n in range(1, min(cores, GANG) + 1) if GANG % n == 0)
    everyone = [
        Contender("trainer", "transformers' Trainer", 1, cores, 1),
        Contender("one", "bloodbank", 1, cores, 1),
        Contender("six", "bloodbank, the same batches", 1, cores, GANG),
        Contender("six-each", "bloodbank, each its own batches", 1, cores, GANG, one_source=False),
        Contender("six-workers", "bloodbank, the same batches, in workers", workers, 1, GANG // workers),
    ]
    return everyone if device == "cpu" else everyone[:-1]


def main() -> None:
    """Measure and print."""
    chosen = arguments()
    head = machine()
    chosen.work.mkdir(parents=True, exist_ok=True)
    vocabulary, data, n_classes, described = made_up_rows() if chosen.quick else treebank(chosen.work, chosen.vocab)
    rows = chosen.work / "finetuning-rows.npz"
    save_rows(data, rows)
    keys = [key for key in chosen.only.split(",") if key]
    recipe = FinetuneSettings(epochs=chosen.epochs, dtype=chosen.dtype)
    lines = [
        "# Fine-tuning against transformers' Trainer",
        "",
        *head,
        f"- {described}; XTREME's recipe, {recipe.dtype}",
    ]
    measured: dict[str, Timings] = {}
    for model in chosen.models.split(","):
        settings, n_rows = MODELS[model]
        spec: Spec = {
            "model": ModelSettings(**settings).model_dump(mode="json"), "vocabulary": asdict(vocabulary), "seed": 0,
            "recipe": recipe.model_dump(mode="json"), "n_classes": n_classes, "rows": str(rows),
            "n_rows": min(n_rows, len(data.ids)), "work": str(chosen.work), "device": chosen.device,
        }  # fmt: skip
        own = [contender for contender in contenders(n_cores(), chosen.device) if not keys or contender.key in keys]
        measured[model] = measure_all(own, spec, chosen.rounds, progress=chosen.progress)
        lines += ["", *report(model, spec, own, measured[model])]
    finish(lines, chosen.out, {"machine": head, "arguments": {k: str(v) for k, v in vars(chosen).items()}, **measured})


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for the tokenizer, which stays there")
    parser.add_argument("--out", type=Path, help="write all numbers into this JSON file")
    parser.add_argument("--rounds", type=int, help="3 by default; 1 with --quick")
    parser.add_argument("--epochs", type=int, default=1, help="passes over the sentences")
    parser.add_argument("--models", default="2x128,4x512", help=f"some of {','.join(MODELS)}")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32", help="of both sides")
    parser.add_argument("--vocab", type=int, default=30_000, help="pieces")
    parser.add_argument("--only", default="", help="some contenders: trainer,one,six,six-each,six-workers")
    parser.add_argument("--progress", action="store_true", help="print each measurement as it is made")
    parser.add_argument("--quick", action="store_true", help="a tiny model on made-up rows, to try the benchmark out")
    chosen = parser.parse_args()
    known = [contender.key for contender in contenders(1)]
    for name, names, allowed in (("models", chosen.models, list(MODELS)), ("only", chosen.only, known)):
        if unknown := [key for key in filter(None, names.split(",")) if key not in allowed]:
            parser.error(f"--{name} {','.join(unknown)}: allowed are {', '.join(allowed)}")
    chosen.rounds = chosen.rounds or (1 if chosen.quick else 3)
    if chosen.quick:
        chosen.models, chosen.only = "tiny", chosen.only or "trainer,one,six"
    return chosen


def treebank(work: Path, vocab_size: int) -> tuple[Vocabulary, Encoded, int, str]:
    """Encode 1,000 sentences of the shared German treebank: its dev text, which has 799, and some of its test text.

    Raises:
        SystemExit: The shared data is absent.
    """
    text = real_texts(work, ["de"], vocab_size, 128)["de"]
    folder = shared_folder()
    if folder is None or not (folder.parent / "ud" / "de").is_dir():
        raise SystemExit("No treebank. Give the folder of the shared data with BLOODBANK_SHARED_DATA, or try --quick.")
    task = get_task("pos")
    both = [task.read(folder.parent / "ud", "de", split).sentences for split in ("train", "test")]
    sentences = [sentence for part in both for sentence in part][:1_000]
    tokenizer, vocabulary = load_tokenizer(Path(text.tokenizer))
    data = encode(sentences, task.labels, tokenizer, vocabulary, FinetuneSettings().length)
    described = f"data: {len(sentences):,} sentences of UD German GSD, {data.lengths.mean():.1f} tokens a row"
    return vocabulary, data, len(task.labels), f"{described}; tags; {vocabulary.size:,} pieces"


def made_up_rows() -> tuple[Vocabulary, Encoded, int, str]:
    """Draw rows at random, to try the benchmark out."""
    random, vocabulary, n, n_classes = generator("made-up rows"), Vocabulary(400, 0, 1, 2, 3, 4), 80, 5
    lengths = random.integers(4, 33, size=n)
    place = np.arange(32)
    ids = np.where(place < lengths[:, None], random.integers(5, vocabulary.size, size=(n, 32)), vocabulary.pad)
    first = (place > 0) & (place < lengths[:, None] - 1)
    gold = np.where(first, ids % n_classes, IGNORED)
    word = np.where(first, place - 1, -1)
    arrays = [array.astype(np.int32) for array in (ids, lengths, gold, np.arange(n), word)]
    return vocabulary, Encoded(*arrays), n_classes, f"data: {n} made-up rows"


def measure_all(own: list[Contender], spec: Spec, rounds: int, *, progress: bool) -> Timings:
    """Let the contenders run in turn, round after round."""
    measured: Timings = {contender.key: [] for contender in own}
    for number in range(rounds):
        for contender in own:
            timing = measure(contender, spec)
            measured[contender.key].append(timing)
            if progress:
                name = f"{contender.name}, {contender.k}"
                print(f"round {number + 1}: {name}: {json.dumps(timing)}", file=sys.stderr, flush=True)
    return measured


def measure(contender: Contender, spec: Spec) -> Spec:
    """Run a contender's processes at the same time; the clock runs from the first that begins to the last that ends."""
    trainer = contender.key == "trainer"
    environment = (plain_environment if trainer else worker_environment)(contender.threads)
    own = spec | {
        "contender": "tagger-trainer" if trainer else "tagger", "threads": contender.threads, "k": contender.k,
        "one_source": contender.one_source,
    }  # fmt: skip
    with ThreadPoolExecutor(contender.processes) as pool:
        answers = list(pool.map(lambda _: ask(own, environment)["answer"], range(contender.processes)))
    seconds = max(answer["end"] for answer in answers) - min(answer["begin"] for answer in answers)
    return {
        "seconds": seconds,
        "tokens_per_second": sum(answer["tokens"] for answer in answers) / seconds,
        "peak_bytes": sum(answer["peak_bytes"] for answer in answers),
    }


def report(model: str, spec: Spec, own: list[Contender], measured: Timings) -> list[str]:
    """Return the lines about one model."""
    sizes = spec["model"]
    return [
        f"## {sizes['n_layers']} × {sizes['hidden_size']}",
        "",
        f"Feed-forward {sizes['feed_forward_size']}, dropout {spec['recipe']['dropout']}, attention dropout "
        f"{sizes['attention_dropout']}; passes over {spec['n_rows']:,} rows: {spec['recipe']['epochs']}; rounds: "
        f"{len(measured[own[0].key])}, medians over them.",
        "",
        table(HEADER, [_row(contender, measured) for contender in own]),
        "",
        *verdicts(model, measured),
    ]


def _rates(timings: list[Spec]) -> list[float]:
    return [timing["tokens_per_second"] for timing in timings]


def _row(contender: Contender, measured: Timings) -> list[str]:
    timings = measured[contender.key]
    rates = _rates(timings)
    return [
        contender.name,
        str(contender.processes * contender.k),
        f"{contender.processes} × {contender.threads}",
        f"{median(rates):,.0f}",
        show_ratio(ratios(rates, _rates(measured["trainer"]))) if "trainer" in measured else "–",
        f"{median(timing['peak_bytes'] for timing in timings) / GIB:.3f}",
    ]


def verdicts(model: str, measured: Timings) -> list[str]:
    """Say which targets were met; of those whose contenders ran."""
    if "trainer" not in measured:
        return []
    base = _rates(measured["trainer"])
    times = {key: ratios(_rates(timings), base)[0] for key, timings in measured.items()}
    lines = []
    if "one" in times:
        lines.append(verdict(f"{model}, one model, in times Trainer", times["one"], ONE))
    if gangs := [times[key] for key in ("six", "six-workers") if key in times]:
        lines.append(verdict(f"{model}, six models, the better way, in times Trainer", max(gangs), SIX))
    return lines


if __name__ == "__main__":
    main()

"""The functions that workers run: each makes one output of the run folder from others, by name.

They get plain values (the experiment as a dict, names of folders) so that a task can be carried out anywhere.
"""

from __future__ import annotations

import json
import platform
import time
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bloodbank.corpus import PARTS, build_corpus, read_part
from bloodbank.experiment import Experiment
from bloodbank.randomness import generator
from bloodbank.store import Output, Store, write_json
from bloodbank.tokenizer import (
    Vocabulary,
    check_known,
    copy_tokenizer,
    load_tokenizer,
    train_tokenizer,
    write_array,
    write_ids,
)

if TYPE_CHECKING:
    from bloodbank.mlm.masking import TestMasks
    from bloodbank.mlm.model import BertStack
    from bloodbank.mlm.sequences import Sequences
    from bloodbank.mlm.training import Report, Training

_MASK_ARRAYS = ("ids", "lengths", "row", "position", "gold", "unit", "n_bytes")


def corpus(store: Store, output: Output, _report: Report, settings: dict[str, Any], language: str) -> None:
    """Cut one language's text."""
    experiment = Experiment.model_validate(settings)
    source = experiment.source_of(language)
    with store.write(output, _provenance(corpus=settings["corpus"], source=str(source))) as folder:
        build_corpus(source, language, experiment.corpus, folder, only_train=language not in experiment.languages)


def tokenizer(store: Store, output: Output, _report: Report, settings: dict[str, Any], corpora: list[str]) -> None:
    """Train the shared tokenizer, or take over the one that was given."""
    chosen = Experiment.model_validate(settings).tokenizer
    with store.write(output, _provenance(tokenizer=settings["tokenizer"], corpora=corpora)) as folder:
        if chosen.path:
            copy_tokenizer(Path(chosen.path), folder)
        else:
            texts = (read_part(store.root / "corpus" / name, "train") for name in corpora)
            train_tokenizer(texts, chosen, folder)
        load_tokenizer(folder)  # fails here, and not in the first model, where a special piece is missing


def encode(store: Store, output: Output, _report: Report, inputs: list[str]) -> None:
    """Write the token ids of one language's three parts."""
    text, tokenizer_name = inputs
    pieces, vocabulary = load_tokenizer(store.root / "tokenizer" / tokenizer_name)
    source = store.root / "corpus" / text
    example = json.loads((source / "corpus.json").read_text(encoding="utf-8"))["example"]
    encoded = pieces.encode(example, add_special_tokens=False)
    summary: dict[str, Any] = {
        "example": {"raw": example, "pieces": encoded.tokens, "decoded": pieces.decode(encoded.ids)},
    }
    with store.write(output, _provenance(corpus=text, tokenizer=tokenizer_name)) as folder:
        for part in PARTS:
            paragraphs = read_part(source, part)
            summary[part] = write_ids(paragraphs, pieces, vocabulary, folder / part)
            check_known(summary[part], source.name, part)
            summary[part]["n_words"] = sum(len(paragraph.split()) for paragraph in paragraphs)
        write_json(folder / "tokens.json", summary)


def masks(
    store: Store, output: Output, _report: Report, settings: dict[str, Any], language: str, inputs: list[str]
) -> None:
    """Make the masks on one language's test text, and the unigram's scores on them."""
    from bloodbank.mlm.masking import make_test_masks
    from bloodbank.mlm.scoring import score_unigram
    from bloodbank.mlm.sequences import read_ids

    experiment = Experiment.model_validate(settings)
    tokens = store.root / "tokens" / inputs[0]
    _, vocabulary = load_tokenizer(store.root / "tokenizer" / inputs[1])
    _, offsets = read_ids(tokens / "test")
    made = make_test_masks(
        _sequences(tokens, "test", vocabulary, experiment),
        offsets,
        np.load(tokens / "test.bytes.npy"),
        mask_share=experiment.scoring.mask_share,
        min_masked=experiment.scoring.min_masked,
        corruption=experiment.scoring.corruption,
        random=generator("test masks", language),
    )
    train, _ = read_ids(tokens / "train")
    counts = np.bincount(train, minlength=vocabulary.size).astype(np.float64)
    counts[list(vocabulary.special)] = 0.0
    unigram = score_unigram(made, counts)
    with store.write(output, _provenance(scoring=settings["scoring"], tokens=inputs[0])) as folder:
        for name in _MASK_ARRAYS:
            write_array(folder / f"{name}.npy", getattr(made, name).astype(np.int32))
        for name in ("reciprocal_rank", "correct", "nll"):
            write_array(folder / f"unigram.{name}.npy", getattr(unigram, name))


def train_model(store: Store, output: Output, report: Report, **cell: Any) -> None:
    """Train one model and keep it."""
    from bloodbank.mlm.files import save_model

    stack, phases = _train(store, report, cell)
    tokenizer_folder = store.root / "tokenizer" / cell["tokenizer"]
    _, vocabulary = load_tokenizer(tokenizer_folder)
    with store.write(output, _provenance(**_cell_of(cell), settings=cell["settings"])) as folder:
        save_model(stack, 0, vocabulary, folder)
        copy_tokenizer(tokenizer_folder, folder)
        write_json(folder / "training.json", phases)


def score(store: Store, output: Output, _report: Report, **cell: Any) -> None:
    """Score a model that is on disk."""
    from bloodbank.mlm.files import load_models

    experiment = Experiment.model_validate(cell["settings"])
    _, vocabulary = load_tokenizer(store.root / "tokenizer" / cell["tokenizer"])
    folder = store.root / "models" / cell["model"]
    phases = json.loads((folder / "training.json").read_text(encoding="utf-8"))
    _write_scores(store, output, load_models([folder], experiment.model, vocabulary), phases, cell)


def train_and_score(store: Store, output: Output, report: Report, **cell: Any) -> None:
    """Train a model and score it, without keeping it."""
    stack, phases = _train(store, report, cell)
    _write_scores(store, output, stack, phases, cell)


def _train(store: Store, report: Report, cell: dict[str, Any]) -> tuple[BertStack, list[dict[str, Any]]]:
    """Train the model of a cell: from the start, or from the donor's model on.

    Returns:
        The model, and what each phase was, the donor's first.
    """
    from bloodbank.mlm.files import load_models
    from bloodbank.mlm.model import new_stack
    from bloodbank.mlm.training import train

    experiment = Experiment.model_validate(cell["settings"])
    _, vocabulary = load_tokenizer(store.root / "tokenizer" / cell["tokenizer"])
    phases: list[dict[str, Any]] = []
    if cell["donor_model"]:
        donor = store.root / "models" / cell["donor_model"]
        stack = load_models([donor], experiment.model, vocabulary)
        phases += json.loads((donor / "training.json").read_text(encoding="utf-8"))
    else:
        stack = new_stack(experiment.model, vocabulary.size, (cell["seed"],), vocabulary.pad)
    device = _device(experiment)
    stack.weights = {name: weight.to(device) for name, weight in stack.weights.items()}
    phase: Training = train(
        stack,
        _sequences(store.root / "tokens" / cell["tokens"], "train", vocabulary, experiment),
        experiment.training,
        epochs=experiment.training.epochs_bilingual if phases else experiment.training.epochs,
        seed=cell["seed"],
        language=cell["recipient"],
        report=report,
    )
    return stack, [*phases, {"language": cell["recipient"], "device": device, **phase.as_dict()}]


def _write_scores(
    store: Store, output: Output, stack: BertStack, phases: list[dict[str, Any]], cell: dict[str, Any]
) -> None:
    """Score a model and write its measurements and its sums per paragraph."""
    import torch

    from bloodbank.mlm.masking import TestMasks
    from bloodbank.mlm.scoring import (
        METRICS,
        NotFiniteError,
        PieceScores,
        health_of,
        ratio_with_error,
        score_model,
    )
    from bloodbank.mlm.scoring import unit_sums as sums_of

    started = time.perf_counter()
    experiment = Experiment.model_validate(cell["settings"])
    folder = store.root / "masks" / cell["masks"]
    test: TestMasks = TestMasks(**{name: np.load(folder / f"{name}.npy").astype(np.int64) for name in _MASK_ARRAYS})
    unigram = PieceScores(*(np.load(folder / f"unigram.{name}.npy") for name in ("reciprocal_rank", "correct", "nll")))
    stack.weights = {name: weight.detach().to(_device(experiment)) for name, weight in stack.weights.items()}
    record: dict[str, Any] = {**_cell_of(cell), "n_masked": len(test.gold), "phases": phases}
    record |= {"device": str(stack.device), "gang_size": stack.n_models, "threads": torch.get_num_threads()}
    units: dict[str, Any] = {"unit": np.unique(test.unit)}
    try:
        if any(phase["diverged"] for phase in phases):
            raise NotFiniteError("a loss was not finite")
        scores = score_model(stack, test)
    except NotFiniteError:
        record |= {
            "health": "failed",
            "health_z": None,
            "values": dict.fromkeys(METRICS),
            "errors": dict.fromkeys(METRICS),
        }
    else:
        health, z = health_of(scores, unigram, test)
        found = {metric: sums_of(scores, test, metric) for metric in METRICS}
        record |= {"health": health, "health_z": z}
        results = {metric: ratio_with_error(*pair) for metric, pair in found.items()}
        record["values"] = {metric: value for metric, (value, _) in results.items()}
        record["errors"] = {metric: error if np.isfinite(error) else None for metric, (_, error) in results.items()}
        for metric, (sums, counts) in found.items():
            units |= {f"{metric}.sum": sums, f"{metric}.count": counts}
    record["unigram"] = {metric: ratio_with_error(*sums_of(unigram, test, metric))[0] for metric in METRICS}
    record["scoring_seconds"] = time.perf_counter() - started
    with store.write(output, _provenance(settings=cell["settings"])) as target:
        write_json(target / "measurement.json", record)
        for name, array in units.items():
            write_array(target / f"{name}.npy", array)


def _sequences(tokens: Path, part: str, vocabulary: Vocabulary, experiment: Experiment) -> Sequences:
    from bloodbank.mlm.sequences import make_sequences, read_ids

    ids, offsets = read_ids(tokens / part)
    return make_sequences(ids, offsets, vocabulary, experiment.training.layout, experiment.model.n_positions)


def _device(experiment: Experiment) -> str:
    import torch

    wanted = experiment.execution.device
    return ("cuda" if torch.cuda.is_available() else "cpu") if wanted == "auto" else wanted


def _cell_of(cell: dict[str, Any]) -> dict[str, Any]:
    return {name: cell[name] for name in ("protocol", "donor", "recipient", "seed")}


def _provenance(**what: Any) -> dict[str, Any]:
    """Say what made an output; stands beside it."""
    packages = ("bloodbank", "torch", "tokenizers", "numpy")
    return {
        **what,
        "versions": {name: metadata.version(name) for name in packages} | {"python": platform.python_version()},
        "host": platform.node(),
        "processor": platform.processor() or platform.machine(),
        "written": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }

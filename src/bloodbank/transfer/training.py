"""The functions with which workers train a gang of models, and score models on stored masks.

A model that is kept is written; one that is not is scored at once and never touches the disk. They get plain values, so
that a task can be carried out anywhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bloodbank.errors import UsageError
from bloodbank.execution import device_of
from bloodbank.experiment.load import Experiment
from bloodbank.randomness import generator
from bloodbank.store import Output, Store, digest, write_json
from bloodbank.tokenizer import Vocabulary, copy_tokenizer, load_tokenizer
from bloodbank.transfer.candidates import candidates_of, respelling_of
from bloodbank.transfer.scoring import score_gang
from bloodbank.transfer.tables import TRAINING, provenance, read_phases
from bloodbank.transfer.tasks import sequences_of

if TYPE_CHECKING:
    from bloodbank.mlm.candidates import Candidates
    from bloodbank.mlm.curves import Curve, DevText
    from bloodbank.mlm.model import BertStack
    from bloodbank.mlm.reading import Reading
    from bloodbank.mlm.sequences import Ints
    from bloodbank.mlm.training import Report

Member = dict[str, Any]
TENSORBOARD = "tensorboard"


def train(
    store: Store, _output: Output, report: Report, *, settings: dict[str, Any], tokenizer: str, members: list[Member]
) -> None:
    """Train the models of a gang, then keep or score each.

    Args:
        store: The run folder.
        report: Called with updates and tokens.
        settings: The experiment.
        tokenizer: Name of its folder.
        members: The models: what each reads, what it goes on from, what is kept, which cells it is scored for.
    """
    from bloodbank.mlm.checkpoints import Checkpoints
    from bloodbank.mlm.files import save_model
    from bloodbank.mlm.training import train as train_gang

    experiment = Experiment.model_validate(settings)
    _, vocabulary = load_tokenizer(store.root / "tokenizer" / tokenizer)
    stack, before = _start(store, experiment, vocabulary, members)
    words = candidates_of(store, experiment, vocabulary, members[0]["texts"])
    readings = _readings(store, experiment, vocabulary, members, words)
    device = device_of(experiment.execution.device)
    key = digest([member["key"] for member in members], device)
    checkpoints = Checkpoints(store, members[0]["label"], key, experiment.execution.checkpoint_seconds)
    # On a GPU there are the candidates alone, until all pieces are scored or written.
    narrow = words.narrow(stack).to(device)
    made = train_gang(
        narrow, readings, experiment.training,
        trained=members[0]["trained"], dev=_dev_texts(store, experiment, vocabulary, members, words),
        report=report, watch=_watcher(store, experiment, members), checkpoints=checkpoints,
    )  # fmt: skip
    stack = words.widen(narrow, stack)
    gang = [member["label"] for member in members]
    phases = [
        [*earlier, {"languages": sorted(reading.texts), "device": str(stack.device), "gang": gang, **phase.as_dict()}]
        for earlier, reading, phase in zip(before, readings, made, strict=True)
    ]
    for index, member in enumerate(members):
        if member["kept"] and not store.has(Output(**member["kept"])):
            described = {name: member[name] for name in ("label", "seed", "texts", "donor_model")}
            with store.write(Output(**member["kept"]), provenance(**described, settings=settings)) as folder:
                save_model(stack, index, vocabulary, folder)
                copy_tokenizer(store.root / "tokenizer" / tokenizer, folder)
                write_json(folder / TRAINING, phases[index])
    score_gang(store, stack, experiment, members, phases)
    checkpoints.clear()


def score(
    store: Store, _output: Output, _report: Report, *, settings: dict[str, Any], tokenizer: str, members: list[Member]
) -> None:
    """Score models that are on disk, side by side."""
    from bloodbank.mlm.files import load_models

    experiment = Experiment.model_validate(settings)
    _, vocabulary = load_tokenizer(store.root / "tokenizer" / tokenizer)
    folders = [store.root / "models" / member["model"] for member in members]
    stack = load_models(folders, experiment.model, vocabulary).to(device_of(experiment.execution.device))
    score_gang(store, stack, experiment, members, [read_phases(folder) for folder in folders])


def _start(
    store: Store, experiment: Experiment, vocabulary: Vocabulary, members: list[Member]
) -> tuple[BertStack, list[list[dict[str, Any]]]]:
    """Return the models as they begin, on the CPU, and the phases that are behind them: none, or the donor's."""
    from bloodbank.mlm.files import load_models
    from bloodbank.mlm.weights import new_stack

    if not members[0]["donor_model"]:
        seeds = tuple(member["seed"] for member in members)
        stack = new_stack(experiment.model, vocabulary.size, seeds, vocabulary.pad)
        return stack, [[] for _ in members]
    donors = [store.root / "models" / member["donor_model"] for member in members]
    stack = load_models(donors, experiment.model, vocabulary)
    return stack, [read_phases(donor) for donor in donors]


def _readings(
    store: Store, experiment: Experiment, vocabulary: Vocabulary, members: list[Member], words: Candidates
) -> list[Reading]:
    """Return what each reads; members that read the same get the same object."""
    from bloodbank.mlm.reading import Reading

    made: dict[str, Reading] = {}
    readings = []
    for member in members:
        name = json.dumps([member["texts"], member["epochs"], member["share"], member["seed"]])
        if name not in made:
            texts = {}
            for text in member["texts"]:
                folder = store.root / "tokens" / text["tokens"]
                change = _change_of(text, folder, vocabulary)
                texts[text["language"]] = words.rows(sequences_of(folder, text["part"], vocabulary, experiment, change))
            made[name] = Reading(texts, experiment.training, member["epochs"], member["seed"], member["share"])
        readings.append(made[name])
    return readings


def _change_of(text: dict[str, Any], folder: Path, vocabulary: Vocabulary) -> Callable[[Ints], Ints]:
    """Return what a control does to the pieces of a donor's text: nothing elsewhere."""
    from bloodbank.mlm.sequences import shuffle_pieces

    if text["shuffled"]:
        return lambda ids: shuffle_pieces(ids, generator("shuffled pieces", text["language"]))
    if text["respelled"]:
        table = respelling_of(folder, text["language"], vocabulary)
        return lambda ids: table[ids]
    return lambda ids: ids


def _dev_texts(
    store: Store, experiment: Experiment, vocabulary: Vocabulary, members: list[Member], words: Candidates
) -> dict[str, DevText]:
    """Return the dev text of every language that is read, no more of it than a curve may cost."""
    from bloodbank.mlm.curves import DevText, n_dev_rows

    training, dev_texts = experiment.training, {}
    for member in members:
        for text in member["texts"]:
            language = text["language"]
            if language in dev_texts or not training.curve_points:
                continue
            rows = sequences_of(store.root / "tokens" / text["dev"], "dev", vocabulary, experiment)
            shortest = min(training.epochs, training.epochs_bilingual)
            # Of M_t's own text, whatever this model reads: all models of a language are followed on the same rows.
            summary = json.loads((store.root / "tokens" / text["dev"] / "tokens.json").read_text(encoding="utf-8"))
            n_train_rows = summary["train"]["n_pieces"] // (experiment.model.n_positions - 2)
            n_rows = n_dev_rows(n_train_rows, shortest, training.curve_points)
            dev_texts[language] = DevText(words.rows(rows), language, training.mask_share, n_rows)
    return dev_texts


def _watcher(store: Store, experiment: Experiment, members: list[Member]) -> Callable[[int, Curve], None]:
    """Return what writes loss curves for TensorBoard while models train; nothing where that was not asked for."""
    if not experiment.execution.tensorboard:
        return lambda _model, _curve: None
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise UsageError(
            "execution.tensorboard = true, but the package `tensorboard` is not installed. Install it (`pip install "
            "tensorboard`, or `bloodbank[tensorboard]`), or leave the setting out: loss_curves.csv has the same."
        ) from None
    folders = [store.root / TENSORBOARD / f"{member['label']}-{member['key']}" for member in members]
    writers: dict[int, Any] = {}

    def watch(model: int, curve: Curve) -> None:
        # A gang that goes on from a checkpoint writes its curve again from the start.
        first = model not in writers
        writer = writers.setdefault(model, SummaryWriter(str(folders[model]), purge_step=0 if first else None))
        for place in range(len(curve.updates)) if first else (-1,):
            for language, losses in curve.loss.items():
                if losses[place] is not None:
                    writer.add_scalar(f"dev_loss/{language}", losses[place], curve.tokens[place])
        writer.flush()

    return watch

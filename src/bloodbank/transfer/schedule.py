"""How the models that are missing are trained and scored: tasks, gangs, workers, threads and device, worked out once.

`bloodbank run` carries a schedule out, and `--dry-run` says what it costs (`estimate`).
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from bloodbank.execution import (
    TORCH_SECONDS,
    Needs,
    Task,
    default_workers,
    device_of,
    free_memory,
    n_gpus,
    needed_tasks,
)
from bloodbank.languages import get_language
from bloodbank.mlm.shapes import shapes
from bloodbank.store import Output, Store
from bloodbank.tokenizer import load_tokenizer
from bloodbank.transfer.candidates import candidates_of
from bloodbank.transfer.gang_size import gang_output, gang_size, gang_task, memory_of_gang
from bloodbank.transfer.gangs import form_gangs
from bloodbank.transfer.models import Model, phase_of
from bloodbank.transfer.plan import Plan, tokens_of
from bloodbank.transfer.task_list import TRAIN, make_tasks

# Characters in a piece where nothing has been encoded yet. Scripts of words: measured 2.2 with 1 000 pieces, 2.2 to
# 2.6 with 2 000, 3.4 to 3.8 with 6 000. Scripts that write a syllable or more with one character: less.
_CHARS_PER_PIECE = {"Hani": 1.3, "Jpan": 1.6, "Kore": 1.7}
_GPU_PROGRAM_BYTES = 4 * 2**30  # PyTorch with CUDA, and the texts of a gang
_MEMORY_SHARE = 0.8  # of what is free, for all workers together
_STAGES = ("models", "scores")


@dataclass(frozen=True)
class Schedule:
    """What the training stage of a plan does.

    Attributes:
        plan: The experiment.
        tasks: What is missing, models in gangs, in order of preference; with the pieces that each trains on.
        gang: Models side by side in one worker, at most.
        workers: Tasks at the same time: as asked for, else as many as cores or GPUs and memory allow.
        needs: Threads and device of each.
        n_parameters: Weights of one model.
        n_candidates: Pieces that a model chooses from, at most.
        memory_bytes: One worker, roughly.
        checkpoint_bytes: A checkpoint of a gang; 0 where none is written.
        pieces: Training pieces of each language, and whether they were counted (else guessed from the budget).
        tokens: Pieces that each model that is left to train reads in its own phase, all passes included.
    """

    plan: Plan
    tasks: tuple[Task, ...]
    gang: int
    workers: int
    needs: Needs
    n_parameters: int
    n_candidates: int
    memory_bytes: int
    checkpoint_bytes: int
    pieces: dict[str, tuple[int, bool]]
    tokens: dict[Model, int]


def make_schedule(plan: Plan, targets: list[Output], store: Store, workers: int = 0) -> Schedule:
    """Work out how the models are trained and scored that some outputs of a plan need.

    Args:
        plan: The experiment.
        targets: Outputs that must be there at the end.
        store: Tells what is there.
        workers: Tasks at the same time; 0: as many as this machine has room for.
    """
    execution, pieces = plan.experiment.execution, count_pieces(plan, store)
    # Models that were removed after their use are trained again where something still needs them.
    missing = [task for task in needed_tasks(make_tasks(plan), targets, store) if task.output.stage in _STAGES]
    keys = {task.arguments["members"][0]["key"] for task in missing if task.function == TRAIN}
    tokens = {model: _tokens_of(plan, model, pieces) for model in plan.models}
    left = {model: n for model, n in tokens.items() if plan.models[model].key in keys}
    n_words = n_candidates(plan, store)
    gang = execution.gang or 1
    if left:
        gang = gang_size(plan, store, n_words, workers or _room(plan, store, len(left), 1))
    n_workers = workers or _room(plan, store, len(left), gang)
    devices = min(n_gpus(), n_workers) if device_of(execution.device) == "cuda" else 1
    by_label = {plan.models[model].label: n for model, n in tokens.items()}
    tasks = [
        replace(task, n_tokens=sum(by_label[member["label"]] for member in task.arguments["members"]))
        if task.function == TRAIN
        else task
        for task in form_gangs(plan, missing, store, gang, devices)
    ]
    n_parameters = _n_parameters(plan, store)
    return Schedule(
        plan=plan,
        tasks=tuple(tasks),
        gang=gang,
        workers=n_workers,
        needs=Needs(execution.threads, execution.device, TORCH_SECONDS),
        n_parameters=n_parameters,
        n_candidates=n_words,
        memory_bytes=memory_of_gang(plan.experiment, n_words, gang),
        checkpoint_bytes=_checkpoint_bytes(plan, n_parameters, gang),
        pieces=pieces,
        tokens=left,
    )


def timing_of_gangs(plan: Plan, store: Store, workers: int = 0) -> Task | None:
    """Return the task that times gangs on a GPU, whose answer `make_schedule` reads; None where there is no need.

    Args:
        plan: The experiment.
        store: Tells whether they were timed before.
        workers: As for `make_schedule`.
    """
    if plan.experiment.execution.gang or device_of(plan.experiment.execution.device) == "cpu":
        return None
    n_words = n_candidates(plan, store)
    if store.has(gang_output(plan, n_words)):
        return None
    return gang_task(plan, n_words, workers or _room(plan, store, len(plan.models), 1))


def _room(plan: Plan, store: Store, n_left: int, gang: int) -> int:
    """Return how many workers cores or GPUs, and memory, have room for; no more than there are models."""
    execution = plan.experiment.execution
    if device_of(execution.device) == "cpu":
        needed = memory_of_gang(plan.experiment, n_candidates(plan, store), gang)
    else:  # training there needs the machine's memory for the program, and for a checkpoint while it is written
        needed = _GPU_PROGRAM_BYTES + 2 * _checkpoint_bytes(plan, _n_parameters(plan, store), gang)
    fitting = max(1, min(default_workers(execution.device), int(_MEMORY_SHARE * free_memory() / needed)))
    return min(execution.workers or fitting, max(1, n_left))


def _n_parameters(plan: Plan, store: Store) -> int:
    return sum(math.prod(shape) for shape in shapes(plan.experiment.model, vocab_size(plan, store)).values())


def _checkpoint_bytes(plan: Plan, n_parameters: int, gang: int) -> int:
    """Return the size of a gang's weights and two moments."""
    return 3 * 4 * n_parameters * gang if plan.experiment.execution.checkpoint_seconds else 0


def _tokens_of(plan: Plan, model: Model, pieces: dict[str, tuple[int, bool]]) -> int:
    """Return the pieces that a model's own phase reads, special pieces and all passes included."""
    phase, n_positions = phase_of(model, plan.experiment), plan.experiment.model.n_positions
    one_pass = sum(pieces[text.language][0] for text in phase.texts)
    return round(one_pass * n_positions / (n_positions - 2) * phase.epochs * phase.share)


def count_pieces(plan: Plan, store: Store) -> dict[str, tuple[int, bool]]:
    """Count the training pieces of each language, or guess them from the budget; True where they were counted."""
    counted = {}
    for language, output in plan.tokens.items():
        if store.has(output):
            summary = json.loads((store.path(output) / "tokens.json").read_text(encoding="utf-8"))
            counted[language] = (int(summary["train"]["n_pieces"]), True)
        else:
            of_words = chars_per_piece(plan.experiment.tokenizer.vocab_size)
            per_piece = min(of_words, _CHARS_PER_PIECE.get(get_language(language).script or "", of_words))
            guessed = round(plan.experiment.corpus.budget_chars / per_piece)
            counted[language] = (min(guessed, plan.experiment.corpus.budget_tokens or guessed), False)
    return counted


def chars_per_piece(n_pieces: int) -> float:
    """Guess the characters in a piece of a script of words: it grows with the logarithm of the vocabulary."""
    return min(4.5, max(1.0, 2.2 + 0.7 * math.log(n_pieces / 1_000)))


def vocab_size(plan: Plan, store: Store) -> int:
    """Return the size of the vocabulary: the real one where there is a tokenizer already."""
    path = plan.experiment.tokenizer.path
    if store.has(plan.tokenizer):
        return load_tokenizer(store.path(plan.tokenizer))[1].size
    return load_tokenizer(Path(path))[1].size if path else plan.experiment.tokenizer.vocab_size


def n_candidates(plan: Plan, store: Store) -> int:
    """Return the pieces that a model chooses from, at most; of what is not encoded yet, all."""
    if plan.experiment.training.candidates == "vocabulary" or not store.has(plan.tokenizer):
        return vocab_size(plan, store)
    _, vocabulary = load_tokenizer(store.path(plan.tokenizer))
    sizes = []
    for texts in {phase_of(model, plan.experiment).texts for model in plan.models}:
        outputs = [(plan.tokens[text.language], tokens_of(plan, text.language, text.part)) for text in texts]
        if not all(store.has(output) for both in outputs for output in both):
            return vocabulary.size
        named = [
            {**asdict(text), "tokens": own.name, "dev": dev.name}
            for text, (dev, own) in zip(texts, outputs, strict=True)
        ]
        sizes.append(len(candidates_of(store, plan.experiment, vocabulary, named).pieces))
    return max(sizes)

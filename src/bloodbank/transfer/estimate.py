"""What an experiment costs, before it is run: models, tokens, disk, memory, time.

The time comes from a few updates of the real model at the real size, timed on this machine just now.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path

from bloodbank.execution import default_workers, free_memory
from bloodbank.experiment.load import Experiment
from bloodbank.languages import get_language
from bloodbank.mlm.weights import shapes
from bloodbank.store import Store
from bloodbank.tokenizer import load_tokenizer
from bloodbank.transfer.candidates import candidates_of
from bloodbank.transfer.gang_size import measure_rate, memory_of_gang
from bloodbank.transfer.gangs import missing_tasks
from bloodbank.transfer.models import Model, model_of, phase_of
from bloodbank.transfer.plan import Plan, is_kept, targets_of, tokens_of
from bloodbank.transfer.task_list import TRAIN
from bloodbank.transfer.training import device_of

# Characters in a piece where nothing has been encoded yet. Scripts of words: measured 2.2 with 1 000 pieces, 2.2 to
# 2.6 with 2 000, 3.4 to 3.8 with 6 000. Scripts that write a syllable or more with one character: less.
_CHARS_PER_PIECE = {"Hani": 1.3, "Jpan": 1.6, "Kore": 1.7}
_GPU_PROGRAM_BYTES = 4 * 2**30  # PyTorch with CUDA, and the texts of a gang
_FORWARD_SHARE = 1 / 3  # of the work of an update, which scoring spares the backward pass of


@dataclass(frozen=True)
class Estimate:
    """The arithmetic of a plan.

    Attributes:
        n_monolingual, n_others: Models, finished ones included; bilingual ones, controls and sets are others.
        n_left: Models still to train.
        n_parameters: Weights of one model.
        tokens: Pieces to train on in all, each pass counted, for the models that are left.
        updates: Optimiser steps for the models that are left.
        model_bytes: One saved model.
        disk_bytes: Models that stay on disk.
        checkpoint_bytes: Checkpoints of models in training, at most, for as long as the run lasts.
        memory_bytes: One worker, roughly.
        gang: Models side by side in one worker.
        workers: Processes at the same time: as set, else as many as cores or GPUs and memory allow.
        tokens_per_second: Measured, one worker.
        seconds: Time for what is left; None where nothing was timed.
        pieces: Training pieces of each language, and whether counted (else guessed from the budget).
    """

    n_monolingual: int
    n_others: int
    n_left: int
    n_parameters: int
    tokens: int
    updates: int
    model_bytes: int
    disk_bytes: int
    checkpoint_bytes: int
    memory_bytes: int
    gang: int
    workers: int
    tokens_per_second: float | None
    seconds: float | None
    pieces: dict[str, tuple[int, bool]] = field(default_factory=dict)


def count_pieces(plan: Plan, store: Store) -> dict[str, tuple[int, bool]]:
    """Count the training pieces of each language, or guess them from the budget; True where they were counted."""
    found = {}
    for language, output in plan.tokens.items():
        if store.has(output):
            summary = json.loads((store.path(output) / "tokens.json").read_text(encoding="utf-8"))
            found[language] = (int(summary["train"]["n_pieces"]), True)
        else:
            of_words = chars_per_piece(plan.experiment.tokenizer.vocab_size)
            per_piece = min(of_words, _CHARS_PER_PIECE.get(get_language(language).script or "", of_words))
            guessed = round(plan.experiment.corpus.budget_chars / per_piece)
            found[language] = (min(guessed, plan.experiment.corpus.budget_tokens or guessed), False)
    return found


def vocab_size(plan: Plan, store: Store) -> int:
    """Return the size of the vocabulary: the real one where there is a tokenizer already."""
    given = plan.experiment.tokenizer.path
    if store.has(plan.tokenizer):
        return load_tokenizer(store.path(plan.tokenizer))[1].size
    return load_tokenizer(Path(given))[1].size if given else plan.experiment.tokenizer.vocab_size


def n_candidates(plan: Plan, store: Store) -> int:
    """Return the pieces that a model chooses from, at most; of what is not encoded yet, all."""
    size = vocab_size(plan, store)
    if plan.experiment.training.candidates == "vocabulary":
        return size
    found = []
    for texts in {phase_of(model, plan.experiment).texts for model in plan.models}:
        outputs = [(plan.tokens[text.language], tokens_of(plan, text.language, text.part)) for text in texts]
        if not all(store.has(output) for both in outputs for output in both):
            return size
        named = [
            {"tokens": own.name, "dev": dev.name, "part": text.part}
            for text, (dev, own) in zip(texts, outputs, strict=True)
        ]
        _, vocabulary = load_tokenizer(store.path(plan.tokenizer))
        found.append(len(candidates_of(store, plan.experiment, vocabulary, named).pieces))
    return max(found)


def chars_per_piece(vocab_size: int) -> float:
    """Guess the characters in a piece of a script of words: it grows with the logarithm of the vocabulary."""
    return min(4.5, max(1.0, 2.2 + 0.7 * math.log(vocab_size / 1_000)))


def tokens_of_models(plan: Plan, store: Store) -> dict[Model, int]:
    """Return the pieces that each model's own phase reads, special pieces and all passes included."""
    room = plan.experiment.model.n_positions - 2
    pieces = count_pieces(plan, store)
    found = {}
    for model in plan.models:
        phase = phase_of(model, plan.experiment)
        one_pass = sum(pieces[text.language][0] for text in phase.texts)
        found[model] = round(one_pass * (room + 2) / room * phase.epochs * phase.share)
    return found


def estimate(plan: Plan, store: Store, *, gang: int = 1, timed: bool = True) -> Estimate:
    """Do the arithmetic of a plan.

    Args:
        plan: What is to be made.
        store: What is there already.
        gang: Models side by side in one worker.
        timed: Whether to time some updates now (about three seconds for a small model).
    """
    experiment, size = plan.experiment, vocab_size(plan, store)
    # Models that were removed after their use are trained again where something still needs them.
    tasks = [task for task in missing_tasks(plan, targets_of(plan), store) if task.function == TRAIN]
    left = {task.arguments["members"][0]["key"] for task in tasks}
    tokens = {model: n for model, n in tokens_of_models(plan, store).items() if plan.models[model].key in left}
    n_monolingual = sum(model.kind == "monolingual" for model in plan.models)
    during = [model for model in plan.models if model.is_donor or is_kept(plan, model)]
    n_parameters = sum(math.prod(shape) for shape in shapes(experiment.model, size).values())
    n_pieces = n_candidates(plan, store)
    memory = memory_of_gang(experiment, n_pieces, gang)
    checkpoint = 3 * 4 * n_parameters * gang if experiment.execution.checkpoint_seconds else 0
    # Training on a GPU needs the machine's memory for the program, and for a checkpoint while it is written.
    needed = memory if device_of(experiment) == "cpu" else _GPU_PROGRAM_BYTES + 2 * checkpoint
    fitting = max(1, min(default_workers(experiment.execution.device), int(0.8 * free_memory() / needed)))
    workers = min(experiment.execution.workers or fitting, max(1, len(tokens)))
    rows_per_model = {model: n / experiment.model.n_positions for model, n in tokens.items()}
    rate = measure_rate(experiment, n_pieces, gang) if timed and tokens else None
    n_scored = sum(plan.models[model_of(cell)].key in left or cell.protocol == "zero_shot" for cell in plan.scores)
    scored = _tokens_scored(experiment) * n_scored * _FORWARD_SHARE if tokens else 0.0
    return Estimate(
        n_monolingual=n_monolingual,
        n_others=len(plan.models) - n_monolingual,
        n_left=len(tokens),
        n_parameters=n_parameters,
        tokens=sum(tokens.values()),
        updates=sum(math.ceil(rows / experiment.training.batch_size) for rows in rows_per_model.values()),
        model_bytes=4 * n_parameters,
        disk_bytes=4 * n_parameters * len(during),
        # Weights and two moments of a gang; a new one is whole before the old one goes.
        checkpoint_bytes=2 * checkpoint * workers,
        memory_bytes=memory,
        gang=gang,
        workers=workers,
        tokens_per_second=rate,
        seconds=None if rate is None else (sum(tokens.values()) + scored) / rate / workers,
        pieces=count_pieces(plan, store),
    )


def _tokens_scored(experiment: Experiment) -> float:
    """Return the pieces that one model reads while it is scored."""
    pieces = experiment.corpus.test_chars / chars_per_piece(experiment.tokenizer.vocab_size)
    rounds = min(
        1.0 / experiment.scoring.mask_share,
        experiment.scoring.min_masked / pieces / experiment.scoring.mask_share,
    )
    return pieces * max(1.0, rounds)

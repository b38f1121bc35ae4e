"""What an experiment costs, before it is run: models, tokens, disk, memory, time.

The time comes from a few updates of the real model at the real size, timed on this machine just now.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bloodbank.execution import default_workers, free_memory, needed_tasks
from bloodbank.experiment import Experiment
from bloodbank.languages import get_language
from bloodbank.mlm.model import BertStack, new_stack, shapes
from bloodbank.mlm.sequences import Sequences
from bloodbank.mlm.training import make_optimiser, n_updates, step
from bloodbank.store import Store
from bloodbank.tokenizer import Vocabulary, load_tokenizer
from bloodbank.transfer.plan import Plan, make_tasks, targets_of

# Characters in a piece where nothing has been encoded yet. Scripts of words: measured 2.2 with 1 000 pieces, 2.2 to
# 2.6 with 2 000, 3.4 to 3.8 with 6 000. Scripts that write a syllable or more with one character: less.
_CHARS_PER_PIECE = {"Hani": 1.3, "Jpan": 1.6, "Kore": 1.7}
_FORWARD_SHARE = 1 / 3  # of the work of an update, which scoring spares the backward pass of
_TIMED_SECONDS = 2.0


@dataclass(frozen=True)
class Estimate:
    """The arithmetic of a plan.

    Attributes:
        n_monolingual, n_bilingual: Models, finished ones included.
        n_left: Models still to train.
        n_parameters: Weights of one model.
        tokens: Pieces to train on in all, each pass counted, for the models that are left.
        updates: Optimiser steps for the models that are left.
        model_bytes: One saved model.
        disk_bytes: Models that stay on disk.
        memory_bytes: One worker, roughly.
        workers: Processes at the same time: as set, else as many as cores or GPUs and memory allow.
        tokens_per_second: Measured, one worker.
        seconds: Time for what is left; None where nothing was timed.
        pieces: Training pieces of each language, and whether counted (else guessed from the budget).
    """

    n_monolingual: int
    n_bilingual: int
    n_left: int
    n_parameters: int
    tokens: int
    updates: int
    model_bytes: int
    disk_bytes: int
    memory_bytes: int
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
            found[language] = (round(plan.experiment.corpus.budget_chars / per_piece), False)
    return found


def vocab_size(plan: Plan, store: Store) -> int:
    """Return the size of the vocabulary: the real one where there is a tokenizer already."""
    given = plan.experiment.tokenizer.path
    if store.has(plan.tokenizer):
        return load_tokenizer(store.path(plan.tokenizer))[1].size
    return load_tokenizer(Path(given))[1].size if given else plan.experiment.tokenizer.vocab_size


def chars_per_piece(vocab_size: int) -> float:
    """Guess the characters in a piece of a script of words: it grows with the logarithm of the vocabulary."""
    return min(4.5, max(1.0, 2.2 + 0.7 * math.log(vocab_size / 1_000)))


def tokens_of_models(plan: Plan, store: Store) -> dict[Any, int]:
    """Return the pieces that each cell's own phase reads, special pieces and all passes included."""
    training, room = plan.experiment.training, plan.experiment.model.n_positions - 2
    pieces = count_pieces(plan, store)
    return {
        cell: round(pieces[cell.recipient][0] * (room + 2) / room)
        * (training.epochs_bilingual if cell.donor else training.epochs)
        for cell in plan.scores
    }


def estimate(plan: Plan, store: Store, *, timed: bool = True) -> Estimate:
    """Do the arithmetic of a plan.

    Args:
        plan: What is to be made.
        store: What is there already.
        timed: Whether to time some updates now (about three seconds for a small model).
    """
    experiment = plan.experiment
    training, size = experiment.training, vocab_size(plan, store)
    # Models that were removed after their use are trained again where something still needs them.
    trained = {
        task.output.label
        for task in needed_tasks(make_tasks(plan), targets_of(plan), store)
        if ":train" in task.function
    }
    tokens = {cell: n for cell, n in tokens_of_models(plan, store).items() if cell.label in trained}
    n_monolingual = sum(not cell.donor for cell in plan.scores)
    kept = {"all": len(plan.scores), "monolingual": n_monolingual, "none": n_monolingual}[experiment.grid.keep_models]
    n_parameters = sum(_product(shape) for shape in shapes(experiment.model, size).values())
    memory = _memory(experiment, n_parameters, size)
    fitting = max(1, min(default_workers(experiment.execution.device), int(0.8 * free_memory() / memory)))
    workers = experiment.execution.workers or fitting
    rows_per_model = {cell: n / experiment.model.n_positions for cell, n in tokens.items()}
    rate = measure_rate(experiment, size) if timed and tokens else None
    scored = _tokens_scored(experiment) * len(tokens) * _FORWARD_SHARE
    return Estimate(
        n_monolingual=n_monolingual,
        n_bilingual=len(plan.scores) - n_monolingual,
        n_left=len(tokens),
        n_parameters=n_parameters,
        tokens=sum(tokens.values()),
        updates=sum(n_updates(round(rows), training.batch_size, 1) for rows in rows_per_model.values()),
        model_bytes=4 * n_parameters,
        disk_bytes=4 * n_parameters * kept,
        memory_bytes=memory,
        workers=workers,
        tokens_per_second=rate,
        seconds=None if rate is None else (sum(tokens.values()) + scored) / rate / min(workers, len(tokens) or 1),
        pieces=count_pieces(plan, store),
    )


def measure_rate(experiment: Experiment, size: int, clock: Callable[[], float] = time.perf_counter) -> float:
    """Time updates of one model on made-up text, in pieces a second, with the threads of a worker."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(experiment.execution.threads)
    try:
        return _timed(experiment, size, clock)
    finally:
        torch.set_num_threads(before)


def _timed(experiment: Experiment, size: int, clock: Callable[[], float]) -> float:
    import numpy as np
    import torch

    from bloodbank.mlm.masking import training_batch
    from bloodbank.randomness import generator, torch_generator

    model, training = experiment.model, experiment.training
    vocabulary = Vocabulary(size, 0, 1, 2, 3, 4)
    device = "cuda" if experiment.execution.device != "cpu" and torch.cuda.is_available() else "cpu"
    stack: BertStack = new_stack(model, vocabulary.size, (0,), vocabulary.pad)
    stack.weights = {name: weight.to(device) for name, weight in stack.weights.items()}
    random = generator("estimate")
    ids = random.integers(5, vocabulary.size, size=(training.batch_size, model.n_positions))
    lengths = np.full(len(ids), model.n_positions)
    rows = Sequences(ids, np.arange(ids.size).reshape(ids.shape), lengths, vocabulary)
    optimiser = make_optimiser(stack, training)

    def update() -> None:
        batch = training_batch(rows, np.arange(len(ids)), training.mask_share, random)
        float(step(stack, batch, optimiser, training, torch_generator(device, "estimate")).sum())

    update()  # the first one allocates
    started, n_done = clock(), 0
    while clock() - started < _TIMED_SECONDS or n_done < 2:
        update()
        n_done += 1
    return n_done * ids.size / (clock() - started)


def _tokens_scored(experiment: Experiment) -> float:
    """Return the pieces that one model reads while it is scored."""
    pieces = experiment.corpus.test_chars / chars_per_piece(experiment.tokenizer.vocab_size)
    rounds = min(
        1.0 / experiment.scoring.mask_share,
        experiment.scoring.min_masked / pieces / experiment.scoring.mask_share,
    )
    return pieces * max(1.0, rounds)


def _memory(experiment: Experiment, n_parameters: int, size: int) -> int:
    """Return the bytes of one worker: weights, gradients and two moments; activations; logits; the program."""
    model, training = experiment.model, experiment.training
    tokens = training.batch_size * model.n_positions
    activations = model.n_layers * tokens * (16 * model.hidden_size + 3 * model.feed_forward_size)
    logits = 3 * int(tokens * training.mask_share) * size
    return 4 * (4 * n_parameters + activations + logits) + 500 * 2**20


def _product(shape: tuple[int, ...]) -> int:
    n = 1
    for size in shape:
        n *= size
    return n

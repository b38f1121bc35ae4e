"""What a schedule costs, before it is carried out: models, tokens, disk, memory, time.

The time comes from a few updates of the real model at the real size, timed on this machine just now.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from bloodbank.experiment.load import Experiment
from bloodbank.transfer.gang_size import measure_rate
from bloodbank.transfer.models import model_of
from bloodbank.transfer.plan import is_kept
from bloodbank.transfer.schedule import Schedule, chars_per_piece

_FORWARD_SHARE = 1 / 3  # of the work of an update, which scoring spares the backward pass of


@dataclass(frozen=True)
class Estimate:
    """The arithmetic of a schedule.

    Attributes:
        n_monolingual, n_others: Models, finished ones included; bilingual ones, controls and sets are others.
        n_left: Models still to train.
        tokens: Pieces to train on in all, each pass counted, for the models that are left.
        updates: Optimiser steps for the models that are left.
        model_bytes: One saved model.
        disk_bytes: Models that stay on disk.
        checkpoint_bytes: Checkpoints of models in training, at most, for as long as the run lasts.
        tokens_per_second: Measured, one worker.
        seconds: Time for what is left; None where nothing was timed.
    """

    n_monolingual: int
    n_others: int
    n_left: int
    tokens: int
    updates: int
    model_bytes: int
    disk_bytes: int
    checkpoint_bytes: int
    tokens_per_second: float | None
    seconds: float | None


def estimate(schedule: Schedule, *, timed: bool = True) -> Estimate:
    """Do the arithmetic of a schedule.

    Args:
        schedule: What is to be done.
        timed: Whether to time some updates now (about three seconds for a small model).
    """
    plan, tokens = schedule.plan, schedule.tokens
    experiment = plan.experiment
    n_monolingual = sum(model.kind == "monolingual" for model in plan.models)
    n_on_disk = sum(model.is_donor or is_kept(plan, model) for model in plan.models)
    n_scored = sum(model_of(cell) in tokens or cell.protocol == "zero_shot" for cell in plan.scores)
    work = sum(tokens.values()) + _tokens_scored(experiment) * n_scored * _FORWARD_SHARE
    rate = measure_rate(experiment, schedule.n_candidates, schedule.gang) if timed and tokens else None
    tokens_per_update = experiment.model.n_positions * experiment.training.batch_size
    return Estimate(
        n_monolingual=n_monolingual,
        n_others=len(plan.models) - n_monolingual,
        n_left=len(tokens),
        tokens=sum(tokens.values()),
        updates=sum(math.ceil(n / tokens_per_update) for n in tokens.values()),
        model_bytes=4 * schedule.n_parameters,
        disk_bytes=4 * schedule.n_parameters * n_on_disk,
        checkpoint_bytes=2 * schedule.checkpoint_bytes * schedule.workers,  # a new one is whole before the old one goes
        tokens_per_second=rate,
        seconds=None if rate is None else work / rate / schedule.workers,
    )


def _tokens_scored(experiment: Experiment) -> float:
    """Return the pieces that one model reads while it is scored."""
    pieces = experiment.corpus.test_chars / chars_per_piece(experiment.tokenizer.vocab_size)
    scoring = experiment.scoring
    rounds = min(1.0, scoring.min_masked / pieces) / scoring.mask_share
    return pieces * max(1.0, rounds)

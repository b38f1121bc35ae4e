"""The training loop: the recipe of one phase for a gang of K models, read aloud.

Reads batches, changes the weights of K models in place. Models that hold the same `Reading` read the same rows with
the same masks and dropout, those of (seed, language, update): M_t and the bilingual models of column t are paired.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from bloodbank.experiment.settings import TrainingSettings
from bloodbank.mlm.checkpoints import Checkpoints, Progress
from bloodbank.mlm.curves import Curve, DevText
from bloodbank.mlm.gang import Draw, Gang, Losses, draw_for_rows, mlm_losses
from bloodbank.mlm.masking import MaskedRows, side_by_side
from bloodbank.mlm.model import BertStack
from bloodbank.mlm.reading import Batches, ahead

Report = Callable[[int, int], None]
_REPORT_EVERY = 10


@dataclass(frozen=True)
class Training:
    """What one phase of training was.

    Attributes:
        updates: Optimiser steps.
        tokens_seen: Pieces read, special ones included, padding not.
        seconds: The model's share, by tokens, of the wall time of its gang.
        loss: Mean training loss over the last tenth of the updates, in nats a piece; None where it diverged.
        diverged: True where a loss was not finite.
        curve: Dev loss while training.
    """

    updates: int
    tokens_seen: int
    seconds: float
    loss: float | None
    diverged: bool
    curve: Curve = field(default_factory=Curve)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def learning_rate(update: int, total: int, peak: float, warmup_share: float) -> float:
    """Return the rate of an update (from 0): a linear rise to the peak, then a linear fall towards 0."""
    n_warmup = round(total * warmup_share)
    if update < n_warmup:
        return peak * (update + 1) / n_warmup
    return peak * (total - update) / max(1, total - n_warmup)


def train(
    stack: BertStack,
    readings: Sequence[Batches],
    settings: TrainingSettings,
    *,
    trained: str = "all",
    losses_of: Losses = mlm_losses,
    draw: Draw = draw_for_rows,
    dev: dict[str, DevText] | None = None,
    report: Report = lambda _updates, _tokens: None,
    watch: Callable[[int, Curve], None] = lambda _model, _curve: None,
    after: Callable[[int, Gang], None] = lambda _done, _gang: None,
    checkpoints: Checkpoints | None = None,
) -> list[Training]:
    """Train the models of a gang, each with a fresh optimiser and schedule.

    A model whose reading is at its end leaves the gang; one that diverges stays, and harms no other.

    Args:
        stack: Models; their weights change in place.
        readings: What each reads. Shape: [K].
        settings: Recipe.
        trained: `all` weights, or `words`: word embeddings and MLM head only.
        losses_of: Head and loss.
        draw: What dropout keeps, in the order in which encoder and head ask for it.
        dev: Held-out text by language, for the loss curves.
        report: Called now and then with the updates and tokens since the last call, of all models together.
        watch: Called with the number of a model and its curve, when the curve has a new point.
        after: Called after every update with the number of updates done and the gang, in which those that have just
            ended still are.
        checkpoints: Where to save now and then, and to go on from.

    Returns:
        What the phase was, for each model. Shape: [K].
    """
    gang = Gang(stack, readings, settings, trained, losses_of, draw=draw)
    progress = checkpoints.load(gang) if checkpoints else None
    progress = progress or Progress(0, 0.0, [Curve() for _ in readings])
    n_points = settings.curve_points if dev else 0
    points = [set(reading.curve_points(n_points).tolist()) for reading in readings]
    updates = range(progress.update, max(reading.n_updates for reading in readings))
    batches = ahead(lambda update: _batch(readings, update), updates, threaded=stack.device.type == "cuda")
    started, done, reported = time.perf_counter() - progress.seconds, progress.update, progress.update
    follow = _Follower(gang, dev or {}, points, progress, watch)
    follow()
    for update, batch in zip(updates, batches, strict=True):
        gang.step(update, batch, [_rate(readings[model], update, settings) for model in gang.learning])
        done = progress.update = update + 1
        after(done, gang)
        measured = follow()
        if measured or done % _REPORT_EVERY == 0 or done == updates.stop:
            report(*_since(readings, reported, done))
            reported = done
            if not bool(gang.finite.any()):
                break
        gang.leave(done)
        if checkpoints and done < updates.stop and checkpoints.due():
            progress.seconds = time.perf_counter() - started
            checkpoints.save(gang, progress)
    gang.gather()
    seconds = (time.perf_counter() - started) / max(1, sum(int(r.tokens[min(done, r.n_updates)]) for r in readings))
    return [_summary(gang, model, done, seconds, progress.curves[model]) for model in range(len(readings))]


def _rate(reading: Batches, update: int, settings: TrainingSettings) -> float:
    return learning_rate(update, reading.n_updates, settings.learning_rate, settings.warmup_share)


def _batch(readings: Sequence[Batches], update: int) -> MaskedRows:
    """Make the batch of an update for those that still learn: one where all read the same."""
    still = [reading for reading in readings if reading.n_updates > update]
    made = {reading: reading.batch(update) for reading in dict.fromkeys(still)}
    if len(made) == 1:
        return made[still[0]]
    return side_by_side([made[reading] for reading in still], still[0].pad)


def _since(readings: Sequence[Batches], begin: int, end: int) -> tuple[int, int]:
    """Count updates and tokens of all models between two updates."""
    spans = [(min(begin, r.n_updates), min(end, r.n_updates), r.tokens) for r in readings]
    return sum(b - a for a, b, _ in spans), sum(int(tokens[b] - tokens[a]) for a, b, tokens in spans)


def _summary(gang: Gang, model: int, done: int, seconds_per_token: float, curve: Curve) -> Training:
    reading = gang.readings[model]
    updates = min(done, reading.n_updates)
    tokens = int(reading.tokens[updates])
    diverged = not bool(gang.finite[model])
    loss = None if diverged else gang.mean_loss(model)
    return Training(updates, tokens, seconds_per_token * tokens, loss, diverged, curve)


class _Follower:
    """Measures dev loss where a curve has a point."""

    def __init__(
        self,
        gang: Gang,
        dev: dict[str, DevText],
        points: list[set[int]],
        progress: Progress,
        watch: Callable[[int, Curve], None],
    ) -> None:
        self.gang, self.dev, self.points, self.progress, self.watch = gang, dev, points, progress, watch

    def __call__(self) -> bool:
        """Add a point to each curve that has one now; tell whether any had."""
        done, gang = self.progress.update, self.gang
        # The curve of a resumed gang has the point at which it was saved already.
        due = [m for m in gang.learning if done in self.points[m] and done not in self.progress.curves[m].updates[-1:]]
        found: dict[int, dict[str, float]] = {model: {} for model in due}
        for language in sorted({language for model in due for language in gang.readings[model].languages}):
            models = [model for model in due if language in gang.readings[model].languages]
            places = [gang.learning.index(model) for model in models]
            low = gang.in_training_type(places)
            for model, loss in zip(models, self.dev[language].losses(low), strict=True):
                found[model][language] = loss
        for model, losses in found.items():
            self.progress.curves[model].add(done, int(gang.readings[model].tokens[done]), losses)
            self.watch(model, self.progress.curves[model])
        return bool(due)

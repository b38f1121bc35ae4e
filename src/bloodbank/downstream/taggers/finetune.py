"""Fine-tuning K encoders as taggers at once, with the engine's gang (section 6).

Reads encoders and encoded sentences, returns taggers. Nothing is written, and the encoders that were given do not
change: a fine-tuning that is interrupted, seconds to minutes of work, leaves nothing behind and is done again.
The same call with encoders fresh from `bloodbank.mlm.weights.new_stack` is the baseline of random weights.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bloodbank.downstream.taggers.batches import TaggingReading, check_labels, check_rows
from bloodbank.downstream.taggers.model import Classes, class_losses, draw_for_tagger, predict, with_classifier
from bloodbank.downstream.tasks.data import Encoded
from bloodbank.errors import UsageError
from bloodbank.experiment.downstream_settings import FinetuneSettings
from bloodbank.mlm.candidates import Candidates
from bloodbank.mlm.gang import Gang
from bloodbank.mlm.model import BertStack, Weights
from bloodbank.mlm.shapes import WORDS
from bloodbank.mlm.training import Report, Training, train


@dataclass(frozen=True, eq=False)
class SourceDev:
    """Dev text of the language that is trained on.

    Attributes:
        data: Its rows.
        score: Main score of predicted classes, see `predict`; higher is better.
    """

    data: Encoded
    score: Callable[[Classes], float]


@dataclass(frozen=True, eq=False)
class Source:
    """What a tagger is trained on; taggers that hold the same object are trained on the same batches.

    Attributes:
        task: Its name.
        language: Code.
        train: Rows of the training sentences.
        seed: Names the classifier's first weights, the order of rows and dropout, whatever the encoder: what differs
            between taggers of one task, language and seed is what their encoders were pretrained on.
        dev: For `select = "best_on_source_dev"`.
    """

    task: str
    language: str
    train: Encoded
    seed: int
    dev: SourceDev | None = None


@dataclass(frozen=True)
class Finetuned:
    """K taggers and how they came about.

    Attributes:
        taggers: Without gradients.
        trainings: Updates, pieces, seconds, training loss and divergence of each. Shape: [K].
        epochs: The epoch, from 1, whose weights each has. Shape: [K].
        dev_scores: Score on the source's dev text after each epoch; None where a logit was not finite; empty with
            `select = "final"`. Shape: [K] of [epochs].
    """

    taggers: BertStack
    trainings: tuple[Training, ...]
    epochs: tuple[int, ...]
    dev_scores: tuple[tuple[float | None, ...], ...]


def finetune(
    encoders: BertStack,
    sources: Sequence[Source],
    settings: FinetuneSettings,
    *,
    n_classes: int,
    report: Report = lambda _updates, _tokens: None,
) -> Finetuned:
    """Fine-tune K encoders, each on its source, side by side; K = 1 is the same code.

    Args:
        encoders: K models of one architecture and tokenizer; their MLM heads, if any, are left out. They do not change.
        sources: What each is trained on. Shape: [K].
        settings: Recipe.
        n_classes: Classes of the task.
        report: Called now and then with the updates and tokens since the last call, of all models together.

    Returns:
        Taggers, in the order of the encoders.

    Raises:
        UsageError: The rows do not fit the models or the task, or dev text is missing that `select` needs.
    """
    _check(encoders, sources, settings, n_classes)
    taggers = with_classifier(encoders, n_classes, [source.seed for source in sources])
    taggers.settings = taggers.settings.model_copy(update={"dropout": settings.dropout})
    distinct = list(dict.fromkeys(sources))
    pieces = _pieces([source.train for source in distinct], encoders, settings.weight_decay)
    readings = {
        source: TaggingReading(_narrow(source.train, pieces), source.task, source.language, settings, source.seed)
        for source in distinct
    }
    narrow, whole = pieces.narrow(taggers), BertStack(taggers.settings, {WORDS: taggers.weights[WORDS]})
    own = [readings[source] for source in sources]
    best = _BestEpochs(sources, own, pieces, whole) if settings.select == "best_on_source_dev" else None
    trainings = train(
        narrow, own, settings.training(),
        losses_of=class_losses, draw=draw_for_tagger, report=report, after=best or (lambda _done, _gang: None),
    )  # fmt: skip
    done = BertStack(narrow.settings, {name: weight.detach() for name, weight in narrow.weights.items()})
    epochs = best.restore(done) if best else [settings.epochs] * len(sources)
    scores = best.scores if best else [[] for _ in sources]
    return Finetuned(pieces.widen(done, whole), tuple(trainings), tuple(epochs), tuple(map(tuple, scores)))


class _BestEpochs:
    """Scores each model on dev text of its own source after every epoch, and keeps the weights of the best."""

    def __init__(
        self, sources: Sequence[Source], readings: Sequence[TaggingReading], pieces: Candidates, whole: BertStack
    ) -> None:
        self.sources, self.readings, self.pieces, self.whole = sources, readings, pieces, whole
        self.scores: list[list[float | None]] = [[] for _ in sources]
        self.kept: dict[int, tuple[float, int, Weights]] = {}

    def __call__(self, done: int, gang: Gang) -> None:
        """Look at the models that have just ended an epoch."""
        due = [model for model in gang.learning if done % self.readings[model].updates_an_epoch == 0]
        for source in dict.fromkeys(self.sources[model] for model in due):
            if source.dev is None:
                continue
            models = [model for model in due if self.sources[model] is source]
            stack = gang.active.select([gang.learning.index(model) for model in models])
            wide = self.pieces.widen(stack, self.whole.select(models))
            for place, (model, classes) in enumerate(zip(models, predict(wide, source.dev.data), strict=True)):
                score = None if classes is None else source.dev.score(classes)
                self.scores[model].append(score)
                # Of equal epochs the earliest.
                if score is not None and (model not in self.kept or score > self.kept[model][0]):
                    weights = {name: weight[place].clone() for name, weight in stack.weights.items()}
                    self.kept[model] = score, len(self.scores[model]), weights

    def restore(self, stack: BertStack) -> list[int]:
        """Give each model the weights of its best epoch, and return which that was; the last where none had a score."""
        epochs = [len(scores) for scores in self.scores]
        for model, (_, epoch, weights) in self.kept.items():
            epochs[model] = epoch
            for name, weight in weights.items():
                stack.weights[name][model] = weight
        return epochs


def _pieces(read: Sequence[Encoded], stack: BertStack, weight_decay: float) -> Candidates:
    """Return the pieces of rows, padding included; all where decay changes those that are not read too.

    A piece that is never read has no gradient, so without weight decay AdamW leaves its embedding as it is. Of 30 000
    pieces 1 000 sentences have a few thousand, and embeddings are most of the weights of a small model.
    """
    n_all = stack.weights[WORDS].shape[1]
    if weight_decay:
        return Candidates(np.arange(n_all), n_all)
    return Candidates(np.unique(np.concatenate([np.unique(data.ids) for data in read])).astype(np.int64), n_all)


def _narrow(data: Encoded, pieces: Candidates) -> Encoded:
    return replace(data, ids=pieces.translate(data.ids).astype(np.int32))


def _check(encoders: BertStack, sources: Sequence[Source], settings: FinetuneSettings, n_classes: int) -> None:
    if len(sources) != encoders.n_models:
        raise UsageError(
            f"{len(sources)} sources for {encoders.n_models} encoders. Give one for each: the same object for those "
            "that are to be trained on the same batches."
        )
    known: dict[tuple[str, str, int], Source] = {}
    for source in dict.fromkeys(sources):
        name = f"{source.task} {source.language}"
        if known.setdefault((source.task, source.language, source.seed), source) is not source:
            raise UsageError(
                f"Two sources are {name}, seed {source.seed}. Give the same object for encoders that are to be trained "
                "on the same batches, and another task, language or seed for another."
            )
        check_rows(source.train, encoders, f"{name}, training text", settings.length)
        check_labels(source.train, n_classes, f"{name}, training text")
        if settings.select == "final":
            continue
        if source.dev is None:
            raise UsageError(
                f'{name}: select = "best_on_source_dev", but the source has no dev text. Give it as `dev`, or leave '
                'select = "final".'
            )
        check_rows(source.dev.data, encoders, f"{name}, dev text")

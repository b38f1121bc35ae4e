"""What a model reads in one phase, batch by batch: one text, or several that are mixed.

Order, mixture and masks are functions of (seed, language, epoch or update) alone, so that all models of a column read
the same batches, in whichever gang, order or process they are trained.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol, TypeVar

import numpy as np

from bloodbank.experiment.settings import TrainingSettings
from bloodbank.mlm.masking import MaskedRows, training_batch
from bloodbank.mlm.sequences import Ints, Text, join
from bloodbank.randomness import generator

_AHEAD = 4  # batches that wait for a GPU
Made = TypeVar("Made")


class Batches(Protocol):
    """What the engine asks of what a model reads, whatever its task; models with the same object read the same."""

    @property
    def name(self) -> str:
        """What is read: it names the bits of dropout."""

    @property
    def seed(self) -> int:
        """Replicate."""

    @property
    def languages(self) -> tuple[str, ...]:
        """Codes, sorted; each has a loss curve where there is dev text of it."""

    @property
    def pad(self) -> int:
        """Piece that fills rows up."""

    @property
    def n_updates(self) -> int:
        """Optimiser steps."""

    @property
    def tokens(self) -> Ints:
        """Pieces read after each number of updates. Shape: [n_updates + 1]."""

    def batch(self, update: int) -> MaskedRows:
        """Return the batch of an update, counted from 0; all of one number of rows."""

    def curve_points(self, n: int) -> Ints:
        """Return the numbers of updates after which dev loss is measured; see `log_spaced`."""


@dataclass(frozen=True, eq=False)
class Reading:
    """The batches of one phase; two models that hold the same object read the same.

    Attributes:
        texts: Training text of each language, by code.
        settings: Batch size and share of masks.
        epochs: Passes over each text.
        seed: Replicate.
        part: Share of the passes that is read, 1 or less (`joint` with `match = "total"`).
    """

    texts: dict[str, Text]
    settings: TrainingSettings
    epochs: int
    seed: int
    part: float = 1.0

    @property
    def name(self) -> str:
        """The languages, in order of their codes: `de+fi`."""
        return "+".join(self.languages)

    @property
    def languages(self) -> tuple[str, ...]:
        """Their codes, sorted."""
        return tuple(sorted(self.texts))

    @property
    def pad(self) -> int:
        """Piece that fills rows up."""
        return next(iter(self.texts.values())).vocabulary.pad

    @cached_property
    def order(self) -> tuple[Ints, Ints]:
        """Text (by place in the sorted codes) and row of everything that is read, in order. Shape: [n_rows] each."""
        own = [self._own_order(language) for language in self.languages]
        which = np.repeat(np.arange(len(own)), [len(rows) for rows in own])
        if len(own) > 1:
            which = generator(self.seed, "mix", self.name).permutation(which)
        rows = np.empty(len(which), dtype=np.int64)
        for number, mine in enumerate(own):
            rows[which == number] = mine
        return which, rows

    def _own_order(self, language: str) -> Ints:
        # A row of nothing but unknown pieces has nothing to predict.
        usable = self.texts[language].usable
        passes = [generator(self.seed, "order", language, epoch).permutation(usable) for epoch in range(self.epochs)]
        order: Ints = np.concatenate(passes)
        return order[: max(1, round(len(order) * self.part))]

    @property
    def n_updates(self) -> int:
        """Optimiser steps: the last batch may be smaller."""
        return -(-len(self.order[0]) // self.settings.batch_size)

    @cached_property
    def tokens(self) -> Ints:
        """Pieces read after each number of updates, special ones included, padding not. Shape: [n_updates + 1]."""
        which, rows = self.order
        lengths = np.zeros(self.n_updates * self.settings.batch_size, dtype=np.int64)
        for number, language in enumerate(self.languages):
            lengths[: len(rows)][which == number] = self.texts[language].lengths[rows[which == number]]
        total: Ints = np.concatenate([[0], lengths.reshape(self.n_updates, -1).sum(1).cumsum()])
        return total

    def batch(self, update: int) -> MaskedRows:
        """Return the batch of an update, counted from 0."""
        size = self.settings.batch_size
        which, rows = (part[update * size : (update + 1) * size] for part in self.order)
        texts = [self.texts[language] for language in self.languages]
        random = generator(self.seed, "masks", self.name, update)
        if len(texts) == 1:
            return training_batch(texts[0].take(rows), self.settings.mask_share, random, size)
        parts = [text.take(rows[which == number]) for number, text in enumerate(texts) if (which == number).any()]
        return training_batch(join(parts), self.settings.mask_share, random, size)

    def curve_points(self, n: int) -> Ints:
        """Return the numbers of updates after which dev loss is measured; see `log_spaced`."""
        return log_spaced(self.tokens, n)


def log_spaced(tokens: Ints, n: int) -> Ints:
    """Choose updates for the points of a curve: 0, and n up to the end, log-spaced in tokens; none where n is 0.

    Args:
        tokens: Pieces read after each number of updates. Shape: [n_updates + 1].
        n: Points.
    """
    if not n:
        return np.zeros(0, dtype=np.int64)
    wanted = np.geomspace(tokens[1], tokens[-1], n) if n > 1 else tokens[-1:]
    found: Ints = np.unique(np.minimum(np.searchsorted(tokens, wanted * (1.0 - 1e-9)), len(tokens) - 1))
    return np.concatenate([[0], found])


def ahead(make: Callable[[int], Made], updates: Sequence[int], *, threaded: bool) -> Iterator[Made]:
    """Make batches, a few ahead of their use in a thread: while a GPU computes, this process has time.

    On a CPU the thread would only take turns with the training itself.
    """
    if not threaded:
        yield from map(make, updates)
        return
    with ThreadPoolExecutor(1) as pool:
        waiting: deque[Any] = deque()
        for update in updates:
            waiting.append(pool.submit(make, update))
            if len(waiting) > _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

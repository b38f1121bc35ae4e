"""Encoded rows as batches for the engine: in training by seed and epoch, in prediction by length."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from bloodbank.downstream.tasks.data import IGNORED, Encoded
from bloodbank.errors import UsageError
from bloodbank.experiment.downstream_settings import FinetuneSettings
from bloodbank.mlm.masking import MaskedRows
from bloodbank.mlm.model import BertStack
from bloodbank.mlm.reading import log_spaced
from bloodbank.mlm.sequences import Ints
from bloodbank.mlm.shapes import WORDS
from bloodbank.randomness import generator


@dataclass(frozen=True, eq=False)
class TaggingReading:
    """The batches of one fine-tuning; models that hold the same object read the same.

    An epoch is a random order of the rows that have a label, cut into batches, of which the last may be smaller. Within
    a batch the longest rows stand first, which is no other batch: models side by side that read different rows then
    have padding in the same places, where nothing is computed.

    Attributes:
        data: Rows of the training sentences.
        task: Its name.
        language: Code of what is trained on.
        settings: Recipe.
        seed: Replicate: with task and language it names order and dropout.
    """

    data: Encoded
    task: str
    language: str
    settings: FinetuneSettings
    seed: int

    @property
    def name(self) -> str:
        """What is read: `pos de`."""
        return f"{self.task} {self.language}"

    @property
    def languages(self) -> tuple[str, ...]:
        """The one language."""
        return (self.language,)

    @property
    def pad(self) -> int:
        """Piece that fills rows up; masked, so that any would do."""
        return 0

    @cached_property
    def usable(self) -> Ints:
        """Rows that have a label; the others teach nothing. Shape: [n_usable]."""
        return np.flatnonzero((self.data.gold != IGNORED).any(axis=1))

    @cached_property
    def orders(self) -> list[Ints]:
        """Rows of every epoch, in order. Shape: [epochs] of [n_usable]."""
        return [
            generator(self.seed, "order", self.name, epoch).permutation(self.usable)
            for epoch in range(self.settings.epochs)
        ]

    @property
    def updates_an_epoch(self) -> int:
        """Batches of an epoch."""
        return -(-len(self.usable) // self.settings.batch_size)

    @property
    def n_updates(self) -> int:
        """Optimiser steps."""
        return self.settings.epochs * self.updates_an_epoch

    @cached_property
    def tokens(self) -> Ints:
        """Pieces read after each number of updates, special ones included, padding not. Shape: [n_updates + 1]."""
        read = [int(self.data.lengths[self.rows(update)].sum()) for update in range(self.n_updates)]
        total: Ints = np.cumsum([0, *read])
        return total

    def rows(self, update: int) -> Ints:
        """Return the rows of an update, the longest first."""
        epoch, place = divmod(update, self.updates_an_epoch)
        size = self.settings.batch_size
        return longest_first(self.data, self.orders[epoch][place * size : (place + 1) * size])

    def batch(self, update: int) -> MaskedRows:
        """Return the batch of an update, counted from 0."""
        return rows_of(self.data, self.rows(update), self.data.gold != IGNORED, self.settings.batch_size)

    def curve_points(self, n: int) -> Ints:
        """Return the numbers of updates after which dev loss is measured; see `log_spaced`."""
        return log_spaced(self.tokens, n)


def longest_first(data: Encoded, rows: Ints) -> Ints:
    """Sort rows by length; those of one length stay in their order."""
    return rows[np.argsort(-data.lengths[rows], kind="stable")]


def present_in(batch: MaskedRows) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Tell where a batch has pieces. Shape: as its ids."""
    return np.ones(batch.ids.shape, dtype=np.bool_) if batch.attention_mask is None else batch.attention_mask


def rows_of(data: Encoded, rows: Ints, wanted: np.ndarray[Any, np.dtype[np.bool_]], n_rows: int = 0) -> MaskedRows:
    """Make a batch of some rows, padded to the longest of them.

    Args:
        data: All rows.
        rows: Which. Shape: [B].
        wanted: True at the pieces to classify, of all rows. Shape: [row, position].
        n_rows: Rows of the batch; what is missing is filled with rows of one piece without a label, so that all batches
            of models side by side have one shape.
    """
    length = int(data.lengths[rows].max())
    n_empty = max(0, n_rows - len(rows))
    present = np.arange(length) < np.concatenate([data.lengths[rows], np.ones(n_empty, dtype=np.int32)])[:, None]
    ids = np.concatenate([data.ids[rows, :length], np.zeros((n_empty, length), dtype=np.int32)])
    positions = np.flatnonzero(wanted[rows, :length])  # the empty rows stand behind all others
    gold = data.gold[rows, :length].reshape(-1)[positions].astype(np.int64)
    return MaskedRows(ids.astype(np.int64), None if present.all() else present, positions, gold)


# Checks are made before a training begins, not in the middle of it.


def check_rows(data: Encoded, stack: BertStack, name: str, length: int | None = None) -> None:
    """Refuse rows that are longer than a model or a setting allows, or have a piece that the model does not know.

    Args:
        data: Rows of pieces.
        stack: Models.
        name: What the rows are, as in `pos de`.
        length: Pieces in a row at most, by a setting.
    """
    positions, n_words = stack.settings.n_positions, stack.weights[WORDS].shape[1]
    longest, allowed = int(data.lengths.max(initial=0)), min(positions, length or positions)
    if longest > allowed:
        why = f"the models have {positions} positions" if allowed == positions else f"length = {length}"
        raise UsageError(
            f"{name}: a row of {longest} pieces, but {why}. Encode the sentences into rows of at most {allowed} pieces."
        )
    unknown = data.ids[(data.ids < 0) | (data.ids >= n_words)]
    if unknown.size:
        raise UsageError(
            f"{name}: piece {int(unknown[0])}, but the models know the pieces 0 to {n_words - 1}. Encode the sentences "
            "with the tokenizer that the models were trained with."
        )


def check_labels(data: Encoded, n_classes: int, name: str) -> None:
    """Refuse rows that have no label at all, or a class that the task lacks."""
    gold = data.gold[data.gold != IGNORED]
    if not gold.size:
        raise UsageError(f"{name}: none of {len(data.ids)} rows has a label. Give sentences with labels to train on.")
    wrong = gold[(gold < 0) | (gold >= n_classes)]
    if wrong.size:
        raise UsageError(
            f"{name}: class {int(wrong[0])}, but the task has {n_classes} classes, 0 to {n_classes - 1}. Encode the "
            "sentences with the labels of this task."
        )

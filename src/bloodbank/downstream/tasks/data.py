"""What a task is made of: sentences with a label a word, splits of them, and rows of pieces for a tagger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from bloodbank.errors import UsageError
from bloodbank.experiment.downstream_settings import BalanceSettings
from bloodbank.randomness import generator
from bloodbank.store import digest

IGNORED = -100  # gold class of what is no first piece


@dataclass(frozen=True)
class Sentence:
    """Words, and one label a word.

    Attributes:
        words: As in the file.
        labels: As long as `words`.
        place: `file:line`, for messages.
    """

    words: tuple[str, ...]
    labels: tuple[str, ...]
    place: str


@dataclass(frozen=True)
class Split:
    """One language and split of a task.

    Attributes:
        task: Its name.
        language: Code.
        split: `train`, `dev` or `test`.
        sentences: In the order of the files.
        notes: What a reader should know, as in "train is absent: dev is used for training".
    """

    task: str
    language: str
    split: str
    sentences: tuple[Sentence, ...]
    notes: tuple[str, ...]

    @property
    def n_words(self) -> int:
        """Number of words."""
        return sum(len(sentence.words) for sentence in self.sentences)

    @property
    def labels(self) -> list[tuple[str, ...]]:
        """Gold labels, sentence by sentence."""
        return [sentence.labels for sentence in self.sentences]

    def digest(self) -> str:
        """Hash words and labels, wherever they were read: a key for what is made of them."""
        return digest([[sentence.words, sentence.labels] for sentence in self.sentences])


@dataclass(frozen=True)
class Encoded:
    """Rows of pieces for a tagger.

    Attributes:
        ids: [CLS] pieces [SEP], padded with the pad id; int32. Shape: [row, position].
        lengths: Pieces of each row with [CLS] and [SEP]; int32. Shape: [row].
        gold: Class at the first piece of a word, −100 elsewhere; int32. Shape: [row, position].
        sentence: Which sentence a row is of; int32. Shape: [row].
        word: Which word of the sentence at its first piece, −1 elsewhere; int32. Shape: [row, position].
    """

    ids: np.ndarray[Any, np.dtype[np.int32]]
    lengths: np.ndarray[Any, np.dtype[np.int32]]
    gold: np.ndarray[Any, np.dtype[np.int32]]
    sentence: np.ndarray[Any, np.dtype[np.int32]]
    word: np.ndarray[Any, np.dtype[np.int32]]


# Training data of the same size in every language (section 6): nothing is cut in the middle of a sentence.


def balance(splits: Sequence[Split], settings: BalanceSettings, n_train: int) -> tuple[tuple[Split, ...], pd.DataFrame]:
    """Truncate the training data of several languages.

    The first sentences are taken by default because that is what the paper's "truncated" says, and so that anyone can
    have the same with `head`. Treebanks are in the order of their documents, and of several that are joined the first
    comes first: where that matters, `choice = "sample"` takes sentences from all over.

    Args:
        splits: Training data, one language each.
        settings: How many, and which.
        n_train: Sentences where the settings do not say.

    Returns:
        The splits, with notes on what was taken, and a table with a row for each language: `language`, `n_available`
        and `n_sentences` (all there are, those that are used), `n_words`, and `n_missing` (sentences short of what was
        asked for).

    Raises:
        UsageError: A language is there twice, or there is none.
    """
    _check(splits)
    wanted = settings.n_sentences or n_train
    most = min(wanted, *(len(split.sentences) for split in splits)) if settings.too_few == "cut_all" else wanted
    cut = tuple(_cut(split, most, settings.choice) for split in splits)
    rows = [
        (
            after.language,
            len(before.sentences),
            len(after.sentences),
            after.n_words,
            max(0, wanted - len(after.sentences)),
        )
        for before, after in zip(splits, cut, strict=True)
    ]
    return cut, pd.DataFrame(rows, columns=["language", "n_available", "n_sentences", "n_words", "n_missing"])


def _cut(split: Split, n: int, choice: str) -> Split:
    there = len(split.sentences)
    if there < n:
        return replace(split, notes=(*split.notes, f"{there:,} training sentences, fewer than the {n:,} asked for"))
    if there == n:
        return split
    if choice == "first":
        rows = np.arange(n)
    else:
        rows = np.sort(generator("training sentences", split.task, split.language).permutation(there)[:n])
    note = f"{'the first ' if choice == 'first' else 'a sample of '}{n:,} of {there:,} training sentences"
    return replace(split, sentences=tuple(split.sentences[row] for row in rows), notes=(*split.notes, note))


def _check(splits: Sequence[Split]) -> None:
    names = [split.language for split in splits]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UsageError(f"Training data of {', '.join(twice)} is there twice. Give one split for each language.")
    if not splits:
        raise UsageError("There is no training data to balance. Give a split for each language.")

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

IGNORED = -100  # gold class of what is no first piece: what PyTorch's cross-entropy ignores


@dataclass(frozen=True)
class Sentence:
    """Words, and one label a word.

    Attributes:
        words: As in the file; `bloodbank.downstream.taggers.alignment.encode` cleans their characters.
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
    """Rows of pieces for a tagger, all int32.

    Attributes:
        ids: [CLS] pieces [SEP], padded with the pad id. Shape: [row, position].
        lengths: Pieces of each row with [CLS] and [SEP]. Shape: [row].
        gold: Class at the first piece of a word, −100 elsewhere. Shape: [row, position].
        sentence: Which sentence a row is of. Shape: [row].
        word: Which word of the sentence at its first piece, −1 elsewhere. Shape: [row, position].
    """

    ids: np.ndarray[Any, np.dtype[np.int32]]
    lengths: np.ndarray[Any, np.dtype[np.int32]]
    gold: np.ndarray[Any, np.dtype[np.int32]]
    sentence: np.ndarray[Any, np.dtype[np.int32]]
    word: np.ndarray[Any, np.dtype[np.int32]]


def balance(splits: Sequence[Split], settings: BalanceSettings, n_train: int) -> tuple[tuple[Split, ...], pd.DataFrame]:
    """Truncate the training data of several languages to the same number of whole sentences (section 6).

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
    if not splits:
        raise UsageError("There is no training data to balance. Give a split for each language.")
    languages = [split.language for split in splits]
    if twice := sorted({language for language in languages if languages.count(language) > 1}):
        raise UsageError(f"Training data of {', '.join(twice)} is there twice. Give one split for each language.")
    n_wanted = settings.n_sentences or n_train
    n_available = [len(split.sentences) for split in splits]
    n_most = min(n_wanted, *n_available) if settings.too_few == "cut_all" else n_wanted
    cut = tuple(_cut(split, n_most, settings.choice) for split in splits)
    n_used = np.array([len(split.sentences) for split in cut])
    return cut, pd.DataFrame({
        "language": languages,
        "n_available": n_available,
        "n_sentences": n_used,
        "n_words": [split.n_words for split in cut],
        "n_missing": np.maximum(0, n_wanted - n_used),
    })  # fmt: skip


def _cut(split: Split, n: int, choice: str) -> Split:
    n_available = len(split.sentences)
    if n_available == n:
        return split
    if n_available < n:
        note = f"{n_available:,} training sentences, fewer than the {n:,} asked for"
        return replace(split, notes=(*split.notes, note))
    rows = np.arange(n)
    if choice == "sample":
        order = generator("training sentences", split.task, split.language).permutation(n_available)
        rows = np.sort(order[:n])
    note = f"{'a sample of' if choice == 'sample' else 'the first'} {n:,} of {n_available:,} training sentences"
    return replace(split, sentences=tuple(split.sentences[row] for row in rows), notes=(*split.notes, note))

"""What a task is made of: sentences with a label a word, splits of them, and rows of pieces for a tagger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

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

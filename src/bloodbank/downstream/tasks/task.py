"""What the stage needs to know of a task, and how any task is read, from a folder or from the hub.

A task has labels, finds and reads its files, and scores labels. To add one, subclass `Task`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from bloodbank.downstream.tasks.data import Sentence, Split
from bloodbank.downstream.tasks.entities import Counts, Labels
from bloodbank.downstream.tasks.files import SPLITS
from bloodbank.downstream.tasks.huggingface import HubData, HubTable
from bloodbank.errors import UsageError
from bloodbank.languages import get_language

Floats = np.ndarray[Any, np.dtype[np.float64]]
Place = Path | HubData
"""Where the sentences of a task lie: a folder, or a dataset of Hugging Face."""


@dataclass(frozen=True)
class Task(ABC):
    """A task: one label a word.

    Attributes:
        keep_blank_words: Keep words that are empty or only white space, as unknown ones; by default they are errors.
        name: In settings and tables.
        labels: All that there are, the same for every language; a label's place is its class.
        no_word: Labels that mark a row of a dataset as no word.
        main_score: Which of its scores is Z(s→t) (Eq. 1).
        n_train: Sentences to which training data is truncated, as in the paper.
        count_names: What `counts` counts.
    """

    keep_blank_words: bool = False
    name: ClassVar[str]
    labels: ClassVar[tuple[str, ...]]
    no_word: ClassVar[tuple[str, ...]] = ()
    main_score: ClassVar[str]
    n_train: ClassVar[int]
    count_names: ClassVar[tuple[str, ...]]

    @abstractmethod
    def find_languages(self, folder: Path) -> tuple[str, ...]:
        """List the languages of which a folder has files."""

    @abstractmethod
    def find_files(self, folder: Path, language: str) -> dict[str, tuple[Path, ...]]:
        """Find the files of a language, by split."""

    @abstractmethod
    def read_file(self, path: Path, language: str, counts: Counter[str]) -> list[Sentence]:
        """Read a file; its labels are some of `labels`; what is left out is counted by its name."""

    @abstractmethod
    def scores(self, gold: Labels, predicted: Labels) -> dict[str, float]:
        """Score the labels of sentences, each 0 to 1, higher is better."""

    @abstractmethod
    def counts(self, gold: Labels, predicted: Labels) -> Counts:
        """Count, sentence by sentence, what the main score is made of. Shape: [sentence, len(count_names)]."""

    @abstractmethod
    def part_and_whole(self, counts: Counts) -> Floats:
        """Turn counts into two numbers that add up over sentences and whose ratio is the main score.

        Shape: from [..., len(count_names)] to [..., 2].
        """

    def mend(self, sentences: Sequence[Sentence]) -> tuple[tuple[Sentence, ...], tuple[str, ...]]:
        """Put labels right where a rule says how; return the sentences and notes on what was done."""
        return tuple(sentences), ()

    def languages(self, place: Place) -> tuple[str, ...]:
        """List the languages of which there is data; of a dataset of the hub, those that are named."""
        return place.languages if isinstance(place, HubData) else self.find_languages(place)

    def read(self, place: Place, language: str, split: str) -> Split:
        """Read a split of a language.

        Where there is no train, dev serves as training data; both splits then have a note that says so. Where there is
        no test, there is nothing to score on: an error.

        Args:
            place: A folder, or a dataset of Hugging Face.
            language: Code.
            split: `train`, `dev` or `test`.

        Returns:
            Its sentences, those of several treebanks one behind the other.

        Raises:
            UsageError: The split is not there, or something in it is wrong; names file and line.
        """
        if split not in SPLITS:
            raise UsageError(f"Unknown split {split!r}. There are {', '.join(SPLITS)}.")
        get_language(language)
        there = place.tables(language) if isinstance(place, HubData) else self.find_files(place, language)
        chosen, notes = _choose(split, tuple(there))
        if chosen not in there:
            without = " Without it nothing can be scored on the language: add it, or leave the language out."
            raise UsageError(
                f"{place}: {language} has no {split} split for {self.name}. There is {' and '.join(there)}."
                + (without if split == "test" else "")
            )
        parts = there[chosen]
        if len(parts) > 1:
            notes.append(f"joined: {', '.join(map(str, parts))}")
        sentences: list[Sentence] = []
        counts: Counter[str] = Counter()
        for part in parts:
            if isinstance(part, HubTable):
                sentences += part.read(self.labels, self.no_word, counts, keep_blank=self.keep_blank_words)
            else:
                sentences += self.read_file(part, language, counts)
        notes += [f"{what}: {n:,}" for what, n in counts.items()]
        mended, more = self.mend(sentences)
        return Split(self.name, language, split, mended, (*notes, *more))


def _choose(split: str, there: Sequence[str]) -> tuple[str, list[str]]:
    """Return the split that is read for a split, and what a reader should know of it."""
    if split == "test" or "train" in there:
        return split, []
    if split == "train":
        return "dev", ["train is absent: dev is used for training"]
    return "dev", ["train is absent: these sentences are used for training too"]

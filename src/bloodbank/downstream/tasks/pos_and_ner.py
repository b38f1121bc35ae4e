"""The tasks of section 6: part-of-speech tagging and named entities, and how their labels are scored.

From a folder to a score:

    task = get_task("pos")
    test = task.read(Path("../shared/data/ud"), "de", "test")
    task.scores(test.labels, predicted)["accuracy"]
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import ClassVar

import numpy as np

from bloodbank.downstream.tasks.bio import BIO_LABELS, bio_languages, find_bio, read_bio, repair
from bloodbank.downstream.tasks.conllu import UPOS, find_treebanks, read_conllu, treebank_languages
from bloodbank.downstream.tasks.data import Sentence
from bloodbank.downstream.tasks.entities import Counts, Labels, entity_counts, precision_recall_f1, xtreme_chunks
from bloodbank.downstream.tasks.task import Floats, Task
from bloodbank.errors import UsageError


@dataclass(frozen=True)
class PosTask(Task):
    """Part-of-speech tagging with the UPOS tags of Universal Dependencies.

    Folders are those of `tasks.conllu`. Of a dataset of Hugging Face, words with the tag `_` are left
    out: they are the ranges of multiword tokens.
    """

    name: ClassVar[str] = "pos"
    labels: ClassVar[tuple[str, ...]] = UPOS
    no_word: ClassVar[tuple[str, ...]] = ("_",)
    main_score: ClassVar[str] = "accuracy"
    n_train: ClassVar[int] = 1_000
    count_names: ClassVar[tuple[str, ...]] = ("correct", "total")

    def find_languages(self, folder: Path) -> tuple[str, ...]:
        """List the languages of which a folder has treebanks."""
        return treebank_languages(folder)

    def find_files(self, folder: Path, language: str) -> dict[str, tuple[Path, ...]]:
        """Find the treebanks of a language, by split."""
        return find_treebanks(folder, language)

    def read_file(self, path: Path, language: str, counts: Counter[str]) -> list[Sentence]:  # noqa: ARG002 - as others
        """Read a CoNLL-U file."""
        return read_conllu(path, keep_blank=self.keep_blank_words, counts=counts)

    def scores(self, gold: Labels, predicted: Labels) -> dict[str, float]:
        """Score tags; each 0 to 1, higher is better.

        Returns:
            `accuracy` over words (the main score); `macro_f1`, see `macro_f1`;
            `xtreme_f1`, XTREME's F1 of chunks, see `xtreme_chunks`, only for comparison with tables made by it.
        """
        return {
            "accuracy": tag_accuracy(self.counts(gold, predicted).sum(axis=0)),
            "macro_f1": macro_f1(gold, predicted),
            "xtreme_f1": _xtreme_f1(gold, predicted),
        }

    def counts(self, gold: Labels, predicted: Labels) -> Counts:
        """Count right tags, and words. Shape: [sentence, 2]."""
        check_same_words(gold, predicted)
        return tag_counts(gold, predicted)

    def part_and_whole(self, counts: Counts) -> Floats:
        """Accuracy is right tags / words. Shape: [..., 2]."""
        return counts.astype(np.float64)


@dataclass(frozen=True)
class NerTask(Task):
    """Named entities with the labels of WikiANN/PAN-X: LOC, ORG and PER in IOB2.

    Folders are those of `tasks.bio`. An I- that begins an entity is read as B-, and a note says how many
    were; of predictions such an I- is no entity.
    """

    name: ClassVar[str] = "ner"
    labels: ClassVar[tuple[str, ...]] = BIO_LABELS
    main_score: ClassVar[str] = "f1"
    n_train: ClassVar[int] = 5_000
    count_names: ClassVar[tuple[str, ...]] = ("tp", "fp", "fn")

    def find_languages(self, folder: Path) -> tuple[str, ...]:
        """List the languages of which a folder has files."""
        return bio_languages(folder)

    def find_files(self, folder: Path, language: str) -> dict[str, tuple[Path, ...]]:
        """Find the files of a language, by split."""
        return find_bio(folder, language)

    def read_file(self, path: Path, language: str, counts: Counter[str]) -> list[Sentence]:  # noqa: ARG002 - as others
        """Read a file in any of the three forms."""
        return read_bio(path, language, keep_blank=self.keep_blank_words)

    def mend(self, sentences: Sequence[Sentence]) -> tuple[tuple[Sentence, ...], tuple[str, ...]]:
        """Let every entity begin with B-."""
        repaired = [repair(sentence.labels) for sentence in sentences]
        n_entities, n_sentences = sum(n for _, n in repaired), sum(n > 0 for _, n in repaired)
        if not n_entities:
            return tuple(sentences), ()
        mended = (replace(sentence, labels=labels) for sentence, (labels, _) in zip(sentences, repaired, strict=True))
        note = f"entities that began with I- and are read with B-: {n_entities:,}; sentences with such: {n_sentences:,}"
        return tuple(mended), (note,)

    def scores(self, gold: Labels, predicted: Labels) -> dict[str, float]:
        """Score entities; each 0 to 1, higher is better.

        Returns:
            `f1` (the main score), `precision` and `recall` of entities in strict IOB2, all types together, as seqeval
            counts with mode="strict" and scheme=IOB2; `xtreme_f1`, where an entity may begin with I-, only for
            comparison with tables made by XTREME; `accuracy` over words, which is high for a tagger that finds nothing.
        """
        precision, recall, f1 = precision_recall_f1(self.counts(gold, predicted).sum(axis=0))
        return {
            "f1": f1,
            "precision": precision,
            "recall": recall,
            "xtreme_f1": _xtreme_f1(gold, predicted),
            "accuracy": tag_accuracy(tag_counts(gold, predicted).sum(axis=0)),
        }

    def counts(self, gold: Labels, predicted: Labels) -> Counts:
        """Count entities found, invented and missed. Shape: [sentence, 3]."""
        check_same_words(gold, predicted)
        return entity_counts(gold, predicted)

    def part_and_whole(self, counts: Counts) -> Floats:
        """F1 is 2 tp / (2 tp + fp + fn). Shape: [..., 2]."""
        twice = 2 * counts[..., 0]
        return np.stack([twice, twice + counts[..., 1] + counts[..., 2]], axis=-1).astype(np.float64)


TASKS: dict[str, type[Task]] = {task.name: task for task in (PosTask, NerTask)}


def get_task(name: str, *, keep_blank_words: bool = False) -> Task:
    """Return a task by its name.

    Args:
        name: `pos` or `ner`.
        keep_blank_words: Keep words that are empty or only white space, as unknown ones.

    Raises:
        UsageError: There is no such task; says which there are.
    """
    if name not in TASKS:
        import difflib

        near = difflib.get_close_matches(name, TASKS, n=1)
        meant = f" Did you mean {near[0]}?" if near else ""
        raise UsageError(f"Unknown task {name!r}.{meant} There are {', '.join(TASKS)}.")
    return TASKS[name](keep_blank_words=keep_blank_words)


def _xtreme_f1(gold: Labels, predicted: Labels) -> float:
    return precision_recall_f1(entity_counts(gold, predicted, xtreme_chunks).sum(axis=0))[2]


def check_same_words(gold: Labels, predicted: Labels) -> None:
    """Refuse predictions that are not one label a word; say in which sentence the numbers differ."""
    if len(gold) != len(predicted):
        raise UsageError(
            f"Labels of {len(predicted):,} sentences were predicted, but there are {len(gold):,}. Give one sequence of "
            "labels for each sentence."
        )
    for number, (tags, guesses) in enumerate(zip(gold, predicted, strict=True)):
        if len(tags) != len(guesses):
            raise UsageError(
                f"Sentence {number}, counted from 0, has {len(tags):,} words, but {len(guesses):,} labels were "
                "predicted. Give one label for each word."
            )


def tag_counts(gold: Labels, predicted: Labels) -> Counts:
    """Count words whose tag is right, and words. Shape: [sentence, 2]; they add up over sentences."""
    counts = np.zeros((len(gold), 2), dtype=np.int64)
    for row, tags, guesses in zip(counts, gold, predicted, strict=True):
        row[:] = sum(map(str.__eq__, tags, guesses)), len(tags)
    return counts


def tag_accuracy(counts: Counts) -> float:
    """Return the share of words whose tag is right, of summed counts; 0 without words."""
    return float(counts[0]) / max(int(counts[1]), 1)


def macro_f1(gold: Labels, predicted: Labels) -> float:
    """Return the mean of the F1 of each tag that occurs in the gold tags, 0 to 1, higher is better.

    A tag that occurs in the gold tags and is never predicted counts as 0. A tag that is only predicted has no F1 of its
    own (treebanks of one language lack some tags, and their number would decide): where it was predicted it is a miss
    of the tag that should stand there. So scikit-learn counts with `average="macro"` and `labels=` those of the gold.
    """
    n_gold, n_predicted = Counter(chain.from_iterable(gold)), Counter(chain.from_iterable(predicted))
    pairs = zip(chain.from_iterable(gold), chain.from_iterable(predicted), strict=True)
    n_right = Counter(tag for tag, guess in pairs if tag == guess)
    # In the order of the alphabet, so that rounding is the same whatever tag comes first.
    each = [2 * n_right[tag] / (n_gold[tag] + n_predicted[tag]) for tag in sorted(n_gold)]
    return sum(each) / max(len(each), 1)

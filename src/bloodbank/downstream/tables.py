"""The tidy tables of a run's taggers: scores, and counts of test sentences, of the taggers that are there.

Reads the outputs of `bloodbank.downstream.taggers.work`; writes nothing.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain, repeat

import numpy as np
import pandas as pd

from bloodbank.downstream.taggers.plan import Tagger
from bloodbank.downstream.taggers.work import SCORES, SENTENCES, TRAINING
from bloodbank.downstream.tasks.data import Split
from bloodbank.downstream.tasks.reading import TaskData
from bloodbank.randomness import generator
from bloodbank.store import Store

MAJORITY = "majority label"


def score_table(taggers: Sequence[Tagger], tasks: Mapping[str, TaskData], store: Store) -> pd.DataFrame:
    """Read the scores of all taggers.

    Returns:
        A row for each tagger, target and score: `task`, `configuration`, `pretraining_set`, `source`, `target`, `seed`,
        `metric`, `score` (0 to 1, higher is better; missing where the tagger failed), `main` (whether it is the task's
        main score), `updates`, `seconds`, `epoch`, `gang`, `device`.
    """
    rows = []
    for one in taggers:
        folder = store.path(one.output)
        if not store.has(one.output):
            continue
        training = json.loads((folder / TRAINING).read_text(encoding="utf-8"))
        scores = pd.read_csv(folder / SCORES, keep_default_na=False, na_values={name: [""] for name in ("score",)})
        main = tasks[one.task].task.main_score
        for row in scores.to_dict("records"):
            target = row.pop("target")
            for metric, score in (row or {main: ""}).items():
                rows.append(
                    {
                        "task": one.task,
                        "configuration": one.configuration,
                        "pretraining_set": one.pretraining_set,
                        "source": one.source,
                        "target": target,
                        "seed": one.seed,
                        "metric": metric,
                        "score": float(score) if score != "" else float("nan"),
                        "main": metric == main,
                        "updates": training["updates"],
                        "seconds": training["seconds"] / len(training["gang"]),
                        "epoch": training["epoch"],
                        "gang": len(training["gang"]),
                        "device": training["device"],
                    }
                )
    return pd.DataFrame(rows)


def sentence_table(taggers: Sequence[Tagger], store: Store) -> pd.DataFrame:
    """Read the counts of test sentences of all taggers, see `bloodbank.downstream.zero_shot.cells`, with `task`."""
    parts = []
    for one in taggers:
        if store.has(one.output):
            counts = pd.read_parquet(store.path(one.output) / SENTENCES)
            parts.append(
                counts.assign(task=one.task, configuration=one.configuration, source=one.source, seed=one.seed)
            )
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def majority_table(tasks: Mapping[str, TaskData]) -> pd.DataFrame:
    """Score the most frequent label of each source on each target: `task`, `source`, `target`, `metric`, `score`."""
    rows = []
    for name, data in tasks.items():
        for source in data.languages:
            for target in data.languages:
                labels = majority_labels(data.train[source], data.test[target])
                scores = data.task.scores(data.test[target].labels, labels)
                rows += [(name, source, target, metric, score) for metric, score in scores.items()]
    return pd.DataFrame(rows, columns=["task", "source", "target", "metric", "score"])


# What a tagger scores that has learnt nothing: a floor, so that nobody mistakes it for transfer.


def majority_labels(train: Split, test: Split) -> list[tuple[str, ...]]:
    """Give every word the label that is most frequent in the training data; of equal ones the first in the alphabet.

    For named entities that is O, and no entity is found.

    Returns:
        Labels of each test sentence.
    """
    counts = _counts(train)
    label = min(counts, key=lambda one: (-counts[one], one))
    return [tuple(repeat(label, len(sentence.words))) for sentence in test.sentences]


def chance_labels(train: Split, test: Split, seed: int) -> list[tuple[str, ...]]:
    """Give every word a label at random, as often as the training data has it, whatever the word.

    Returns:
        Labels of each test sentence; the same for the same seed.
    """
    counts = _counts(train)
    labels = sorted(counts)
    shares = np.array([counts[label] for label in labels]) / counts.total()
    random = generator(seed, "chance labels", test.task, test.language)
    return [
        tuple(labels[place] for place in random.choice(len(labels), size=len(sentence.words), p=shares).tolist())
        for sentence in test.sentences
    ]


def _counts(train: Split) -> Counter[str]:
    return Counter(chain.from_iterable(train.labels))

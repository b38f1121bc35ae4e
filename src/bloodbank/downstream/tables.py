"""The tidy tables of a run's taggers: scores, and counts of test sentences; and what the most frequent label scores.

Reads the outputs of `bloodbank.downstream.taggers.work`; writes nothing.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain

import numpy as np
import pandas as pd

from bloodbank.downstream.taggers.plan import Tagger
from bloodbank.downstream.taggers.work import SCORES, SENTENCES, TRAINING
from bloodbank.downstream.tasks.data import Split
from bloodbank.downstream.tasks.reading import TaskData
from bloodbank.store import Store

MAJORITY = "majority label"


def score_table(taggers: Sequence[Tagger], tasks: Mapping[str, TaskData], store: Store) -> pd.DataFrame:
    """Read the scores of the taggers that are there.

    Returns:
        A row for each tagger, target and score: `task`, `configuration`, `pretraining_set`, `source`, `target`, `seed`,
        `metric`, `score` (0 to 1, higher is better; missing where the tagger failed), `main` (whether it is the task's
        main score), `updates`, `seconds`, `epoch`, `gang`, `device`.
    """
    rows = []
    for tagger in taggers:
        if not store.has(tagger.output):
            continue
        folder = store.path(tagger.output)
        training = json.loads((folder / TRAINING).read_text(encoding="utf-8"))
        n_gang = len(training["gang"])
        main = tasks[tagger.task].task.main_score
        scores = pd.read_csv(folder / SCORES, keep_default_na=False).set_index("target")  # "nan" is a language's code
        if scores.columns.empty:  # a tagger that failed has targets only
            scores[main] = ""
        rows += [
            {
                "task": tagger.task,
                "configuration": tagger.configuration,
                "pretraining_set": tagger.pretraining_set,
                "source": tagger.source,
                "target": target,
                "seed": tagger.seed,
                "metric": metric,
                "score": float(score) if score != "" else np.nan,
                "main": metric == main,
                "updates": training["updates"],
                "seconds": training["seconds"] / n_gang,
                "epoch": training["epoch"],
                "gang": n_gang,
                "device": training["device"],
            }
            for target, row in scores.to_dict("index").items()
            for metric, score in row.items()
        ]
    return pd.DataFrame(rows)


def sentence_table(taggers: Sequence[Tagger], store: Store) -> pd.DataFrame:
    """Read the counts of test sentences of all taggers, see `bloodbank.downstream.zero_shot.cells`, with `task`."""
    parts = [
        pd.read_parquet(store.path(tagger.output) / SENTENCES).assign(
            task=tagger.task, configuration=tagger.configuration, source=tagger.source, seed=tagger.seed
        )
        for tagger in taggers
        if store.has(tagger.output)
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def majority_table(tasks: Mapping[str, TaskData]) -> pd.DataFrame:
    """Score the most frequent label of each source on each target: `task`, `source`, `target`, `metric`, `score`.

    A floor, so that nobody mistakes for transfer what a tagger scores that has learnt nothing.
    """
    rows = [
        (name, source, target, metric, score)
        for name, data in tasks.items()
        for source in data.languages
        for target in data.languages
        for metric, score in data.task.scores(
            data.test[target].labels, majority_labels(data.train[source], data.test[target])
        ).items()
    ]
    return pd.DataFrame(rows, columns=["task", "source", "target", "metric", "score"])


def majority_labels(train: Split, test: Split) -> list[tuple[str, ...]]:
    """Give every test word the label that is most frequent in the training data; of equal ones the first by alphabet.

    For named entities that is O, and no entity is found.
    """
    counts = Counter(chain.from_iterable(train.labels))
    label = min(counts, key=lambda each: (-counts[each], each))
    return [(label,) * len(sentence.words) for sentence in test.sentences]

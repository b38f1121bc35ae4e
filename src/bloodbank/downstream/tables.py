"""The tidy tables of a run's taggers: scores, and counts of test sentences, of the taggers that are there.

Reads the outputs of `bloodbank.downstream.tagging_work`; writes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import pandas as pd

from bloodbank.downstream.baselines import majority_labels
from bloodbank.downstream.taggers import Tagger
from bloodbank.downstream.tagging_work import SCORES, SENTENCES, TRAINING
from bloodbank.downstream.task_data import TaskData
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
    """Read the counts of test sentences of all taggers, see `bloodbank.downstream.zero_shot_cells`, with `task`."""
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

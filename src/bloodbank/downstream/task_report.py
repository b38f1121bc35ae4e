"""Tables 3 and 4 and the answers of one task.

Pure functions of tidy tables; nothing is read or written.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bloodbank.bank import Bank
from bloodbank.downstream.assumption import assumption
from bloodbank.downstream.configurations import Design
from bloodbank.downstream.findings import Finding
from bloodbank.downstream.language_hypotheses import language_findings
from bloodbank.downstream.set_hypotheses import set_findings
from bloodbank.downstream.tables import MAJORITY
from bloodbank.downstream.taggers import BILINGUAL, RANDOM_WEIGHTS
from bloodbank.downstream.task_data import TaskData
from bloodbank.downstream.zero_shot import ZeroShot, zero_shot

GROUPS = {"most recipient": "most_recipient", "least recipient": "least_recipient"}


@dataclass(frozen=True, eq=False)
class TaskReport:
    """What was found on a task.

    Attributes:
        data: Its sentences.
        zero: Z of all configurations by the main score, with intervals.
        table_3: Zero-shot and monolingual scores by configuration, with the floors: `configuration`, `measure`,
            `score`, `low`, `high`, `seed_sd`, `n_pairs`, `n_missing`, `n_seeds`, `covers`.
        table_4: The same within each group of recipients, with `group`.
        metrics: Z(D) and monolingual means of all scores of the task, without intervals.
        findings: Answers, in the order of the paper.
        n_done: Taggers that are there.
        n_wanted: Taggers that the experiment asks for.
        failed: Taggers whose scores are missing, by name.
    """

    data: TaskData
    zero: ZeroShot
    table_3: pd.DataFrame
    table_4: pd.DataFrame
    metrics: pd.DataFrame
    findings: tuple[Finding, ...]
    n_done: int
    n_wanted: int
    failed: tuple[str, ...]

    @property
    def unit(self) -> str:
        """Name of the main score, for people."""
        return unit_of(self.data)


def unit_of(data: TaskData) -> str:
    """Name a task's main score for people."""
    return {"accuracy": "word accuracy", "f1": "entity F1"}[data.task.main_score]


@dataclass(frozen=True, eq=False)
class TaskTables:
    """What is known of the taggers of a task: tidy tables of `bloodbank.downstream.tables`, this task's rows only."""

    scores: pd.DataFrame
    sentences: pd.DataFrame
    majority: pd.DataFrame
    n_wanted: int


def report_task(data: TaskData, tables: TaskTables, design: Design, bank: Bank, level: float) -> TaskReport:
    """Make the tables of a task and answer what is asked of it.

    Args:
        data: Its sentences.
        tables: Scores of its taggers.
        design: The configurations.
        bank: F, and D and R by language.
        level: Probability that an interval holds the true value.
    """
    main = tables.scores[tables.scores["main"]]
    bilingual = main["configuration"].str.startswith(BILINGUAL)
    pairs, main = main[bilingual], main[~bilingual]
    sentences = None
    if main["score"].notna().any():
        sentences = tables.sentences[~tables.sentences["configuration"].str.startswith(BILINGUAL)]
    zero = zero_shot(main, sentences, languages=list(data.languages), level=level)
    parts = []
    for group, name in GROUPS.items():
        codes = [code for code in getattr(design, name) if code in data.languages]
        if len(codes) > 1:
            table = _with_floor(zero.of_sets(codes), tables.majority, data, codes)
            parts.append(table.assign(group=f"{group}: {' '.join(codes)}"))
    findings = (
        *set_findings(zero, design, unit_of(data)),
        *language_findings(zero, design, bank.scores, unit_of(data)),
        assumption(pairs, bank.finetune_scores, level),
    )
    keys = ["configuration", "source", "target", "seed"]
    missing = main[main["score"].isna()]
    failed = tuple(
        f"{row.configuration}, {row.source} to {row.target}, seed {row.seed}" for row in missing.itertuples()
    )
    return TaskReport(
        data=data,
        zero=zero,
        table_3=_with_floor(zero.of_sets(), tables.majority, data, list(data.languages)),
        table_4=pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(),
        metrics=_metrics(tables.scores[~tables.scores["configuration"].str.startswith(BILINGUAL)], tables.majority),
        findings=findings,
        n_done=len(tables.scores.drop_duplicates([*keys[:2], "seed"])),
        n_wanted=tables.n_wanted,
        failed=failed,
    )


def _with_floor(table: pd.DataFrame, majority: pd.DataFrame, data: TaskData, codes: list[str]) -> pd.DataFrame:
    """Add the scores of the majority label, which has no seeds."""
    own = majority[(majority["metric"] == data.task.main_score)]
    own = own[own["source"].isin(codes) & own["target"].isin(codes)]
    same = own["source"] == own["target"]
    rows = [
        {"configuration": MAJORITY, "pretraining_set": "", "measure": measure, "score": own[which]["score"].mean(),
         "low": np.nan, "high": np.nan, "seed_sd": np.nan, "n_pairs": int(which.sum()), "n_missing": 0, "n_seeds": 0,
         "covers": "nothing"}
        for measure, which in (("zero_shot", ~same), ("monolingual", same))
    ]  # fmt: skip
    return pd.concat([table, pd.DataFrame(rows)], ignore_index=True)


def _metrics(scores: pd.DataFrame, majority: pd.DataFrame) -> pd.DataFrame:
    """Average every score of the task over pairs and seeds: `configuration`, `metric`, `zero_shot`, `monolingual`."""
    both = pd.concat([scores, majority.assign(configuration=MAJORITY)], ignore_index=True)
    both["measure"] = np.where(both["source"] == both["target"], "monolingual", "zero_shot")
    order = {name: place for place, name in enumerate(dict.fromkeys(both["configuration"]))}
    means = both.pivot_table(index=["configuration", "metric"], columns="measure", values="score", aggfunc="mean")
    found = means.reset_index().rename_axis(columns=None)
    return found.sort_values("configuration", key=lambda names: names.map(order), kind="stable", ignore_index=True)


def is_floor(configuration: str) -> bool:
    """Tell whether a row of Table 3 is there for comparison only."""
    return configuration in (RANDOM_WEIGHTS, MAJORITY)

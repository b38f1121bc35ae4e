"""The same bank by the other metrics that its models were scored with.

Reads the bank's measurements and, where it is given, the table of sentence scores; writes nothing.

    banks = by_all_metrics(bank, Path("runs/mine/sentence_scores.parquet"))
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from pathlib import Path

import pandas as pd

from bloodbank.bank.bank import Bank, build_bank
from bloodbank.bank.measurements import METRICS
from bloodbank.bank.uncertainty import with_intervals
from bloodbank.errors import UsageError


def by_all_metrics(bank: Bank, sentence_scores: Path | None = None, *, without: Collection[str] = ()) -> list[Bank]:
    """Build a bank for each metric that was measured.

    Args:
        bank: The bank; without its measurements it stays alone.
        sentence_scores: The Parquet file of the run's sentence scores; without it, or where it lacks a metric, the
            intervals of the others cover the choice of seeds only.
        without: Metrics to leave out.

    Returns:
        The bank itself first, then the others by MRR, accuracy, cross-entropy and bits per byte, each with intervals.

    Raises:
        UsageError: The tables cannot be read, or do not belong together.
    """
    if bank.measurements is None:
        return [bank]
    pairs = bank.measurements["protocol"] == bank.protocol
    measured = set(bank.measurements.loc[pairs, "metric"])
    scored = set() if sentence_scores is None else _metrics_of(sentence_scores)
    wanted = [one for one in METRICS if one != bank.metric and one in measured and one not in without]
    tables = {metric: sentence_scores if metric in scored else None for metric in wanted}
    return [bank, *(_by_metric(bank, bank.measurements, metric, table) for metric, table in tables.items())]


def _by_metric(bank: Bank, measurements: pd.DataFrame, metric: str, sentence_scores: Path | None) -> Bank:
    made = build_bank(
        measurements[measurements["metric"] == metric],  # a quarter of the rows, and so of the time
        languages=bank.languages,
        name=bank.name,
        protocol=bank.protocol,
        metric=metric,
        include_unhealthy=bank.include_unhealthy,
        covariates=bank.covariates,
        provenance=bank.provenance,
    )
    level = 0.95 if bank.intervals is None else bank.intervals.level
    found = dataclasses.replace(with_intervals(made, sentence_scores, level=level), measurements=measurements)
    if sentence_scores is None and found.intervals is not None and bank.intervals and bank.intervals.covers_paragraphs:
        label = METRICS[metric].label
        covers = f"{found.intervals.covers} (None of {label} were given when this page was made.)"
        return dataclasses.replace(found, intervals=dataclasses.replace(found.intervals, covers=covers))
    return found


def _metrics_of(sentence_scores: Path) -> set[str]:
    try:
        return set(pd.read_parquet(sentence_scores, columns=["metric"])["metric"].unique())
    except (OSError, ValueError) as error:
        raise UsageError(f"{sentence_scores} cannot be read as a table of sentence scores ({error}).") from error

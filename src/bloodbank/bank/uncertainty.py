"""A bank with its measurement intervals: worked out once, kept in `bank.json`, shown wherever its numbers are.

Reads the bank's measurements and the table of sentence scores; writes nothing.

    bank = with_intervals(bank, Path("runs/mine/sentence_scores.parquet"))
    bank.intervals.scores
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pandas as pd

from bloodbank.bank.bank import Bank
from bloodbank.bank.intervals import Intervals, intervals_from_replicates, measurement_intervals

N_REPLICATES = 1_000


def with_intervals(
    bank: Bank,
    sentence_scores: pd.DataFrame | str | Path | None = None,
    *,
    level: float = 0.95,
    n_replicates: int = N_REPLICATES,
    seed: int = 0,
    training_text_varies: bool = False,
) -> Bank:
    """Give a bank its measurement intervals.

    Args:
        bank: With its measurements, or with F by seed; without either it comes back as it is.
        sentence_scores: The tidy table of sentence scores or its Parquet file; None where there is none: then the
            choice of test paragraphs is not covered.
        level: Probability that an interval holds the true value.
        n_replicates: How often F is drawn again, for ranks and blood types.
        seed: Of the random numbers.
        training_text_varies: Whether each seed had its own training text.

    Returns:
        The bank with `intervals`, replicates of F among them.

    Raises:
        UsageError: The sentence scores do not belong to the measurements, or a setting is out of range.
    """
    intervals: Intervals | None = None
    if bank.measurements is not None:
        intervals = measurement_intervals(
            bank.measurements, sentence_scores, languages=bank.languages, protocol=bank.protocol, metric=bank.metric,
            include_unhealthy=bank.include_unhealthy, level=level, n_replicates=n_replicates, seed=seed,
            training_text_varies=training_text_varies, keep_replicates=True,
        )  # fmt: skip
    elif bank.replicates:
        intervals = intervals_from_replicates(
            bank.replicates, protocol=bank.protocol, metric=bank.metric, level=level, n_replicates=n_replicates,
            seed=seed, training_text_varies=training_text_varies, keep_replicates=True,
        )  # fmt: skip
    return dataclasses.replace(bank, intervals=intervals)

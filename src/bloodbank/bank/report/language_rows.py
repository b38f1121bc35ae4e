"""The report's table of languages, as text. Nothing is read or written.

header, *rows = language_rows(bank)
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from bloodbank.bank.bank import Bank
from bloodbank.bank.intervals import Intervals
from bloodbank.bank.names import MISSING, language_name, signed
from bloodbank.bank.panel import panel_intervals


def language_rows(bank: Bank) -> tuple[tuple[str, ...], ...]:
    """Lay out what is known of each language, in order of donation.

    Args:
        bank: The bank.

    Returns:
        A header, and a row for each language: D and R with both their intervals, blood type, ε(M_l), covariates.
    """
    panel = panel_intervals(bank.finetune_scores).scores
    columns: dict[str, list[str]] = {
        "language": [
            f"{language_name(code)} ({code})" if language_name(code) != code else code for code in bank.ranking
        ]
    }
    for letter, score in (("D", "donation"), ("R", "recipience")):
        columns[letter] = [signed(value, 2) for value in bank.scores.loc[bank.ranking, score]]
        if bank.intervals is not None:
            widths = bank.intervals.half_widths(score).reindex(bank.ranking)
            columns[f"{letter} ±"] = [MISSING if pd.isna(width) else f"{width:.2f}" for width in widths]
            columns[f"place by {letter}"] = _places(bank.intervals, score, bank.ranking)
        others = panel[panel["score"] == score].set_index("language").loc[bank.ranking, ["low", "high"]]
        columns[f"{letter}, another panel"] = [
            MISSING if np.isnan(low) else f"{signed(low, 2)} to {signed(high, 2)}" for low, high in others.to_numpy()
        ]
    more = bank.scores[["blood_type", "monolingual", "updates", "health"]]
    more = more.join(bank.covariates[[name for name in bank.covariates if name not in bank.scores]])
    for name, values in more.loc[bank.ranking].items():
        columns[str(name).replace("_", " ")] = [_cell(value) for value in values]
    return (tuple(columns), *zip(*columns.values(), strict=True))


def _places(intervals: Intervals, score: str, codes: list[str]) -> list[str]:
    of_score = intervals.scores[intervals.scores["score"] == score].set_index("language")
    bounds = of_score.loc[codes, ["rank", "rank_low", "rank_high"]].to_numpy(dtype=float)
    return [MISSING if np.isnan(low) else f"{place:.0f} ({low:.0f} to {high:.0f})" for place, low, high in bounds]


def _cell(value: Any) -> str:
    if pd.isna(value):
        return MISSING
    return f"{value:,.4g}" if isinstance(value, float) else str(value)

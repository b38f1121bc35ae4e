"""What a comparison of two banks shows, in sentences: another number gives another sentence.

for sentence in sentences(comparison):
    print(sentence)
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from bloodbank.bank.cells import listed
from bloodbank.bank.comparing import Comparison
from bloodbank.bank.names import language_name, plural, signed
from bloodbank.bank.rank_agreement import LANGUAGES, SEEDS

_LARGELY, _PARTLY = 0.7, 0.3  # rank correlations from which two orders are called alike
_LETTERS = {"finetune_score": "F", "donation": "D", "recipience": "R"}


def sentences(comparison: Comparison) -> list[str]:
    """Say what a comparison shows.

    Args:
        comparison: What `compare` returned.

    Returns:
        Sentences on what was compared, differences, ranks, the most donating, signs, and ε(M_t).
    """
    return [
        _scope(comparison),
        *comparison.notes,
        *_differences(comparison),
        *_largest(comparison),
        *_ranks(comparison),
        *_top(comparison),
        _signs(comparison),
        *_monolingual(comparison),
    ]


def _scope(comparison: Comparison) -> str:
    a, b = comparison.names
    n = len(comparison.languages)
    alone = [
        f"only {name} has {listed(codes)}"
        for name, codes in zip(comparison.names, comparison.only, strict=True)
        if codes
    ]
    text = (
        f"{b} against {a} on {plural(n, 'common language')}: {comparison.n_cells} of {n * (n - 1)} cells are in both, "
        "and D and R are taken over these."
    )
    return f"{text} Left out: {'; '.join(alone)}." if alone else text


def _differences(comparison: Comparison) -> list[str]:
    cells = _known(comparison.differences)
    if not cells.size:
        return ["No cell is in both, so nothing can be compared."]
    n_above, n_below = int((cells > 0).sum()), int((cells < 0).sum())
    points = signed(100 * float(cells.mean()), 1)
    said = (
        f"F of {comparison.names[1]} is higher in {n_above} and lower in {n_below} of {plural(cells.size, 'cell')}; "
        f"the mean difference is {points} percentage points, the mean size of a difference "
        f"{100 * float(np.abs(cells).mean()):.1f}."
    )
    low, high = _known(comparison.difference_low), _known(comparison.difference_high)
    if not low.size:
        return [said, "No interval of ΔF: it needs two seeds or more in both banks."]
    n_sure = int(((low > 0) | (high < 0)).sum())
    chance = (1 - comparison.level) * low.size
    return [
        said,
        f"{n_sure} of {low.size} cells with an interval over seeds differ by more than it ({comparison.level:.0%}, "
        f"each cell by itself: {chance:.0f} would by chance).",
    ]


def _largest(comparison: Comparison) -> list[str]:
    found = []
    for name in ("donation", "recipience"):
        known = comparison.scores[f"{name}_difference"].dropna()
        if known.empty or not known.abs().max() > 0:
            continue
        code = str(known.abs().idxmax())
        row: dict[Any, Any] = comparison.scores.loc[code].to_dict()
        letter = _LETTERS[name]
        interval = _interval(row[f"{name}_low"], row[f"{name}_high"], comparison.level, SEEDS)
        found.append(
            f"{letter} differs most for {language_name(code)} ({code}): {signed(float(row[f'{name}_a']), 2)} and "
            f"{signed(float(row[f'{name}_b']), 2)}{interval and f', a difference of {signed(float(known[code]), 2)}'}"
            f"{interval}."
        )
    return found


def _ranks(comparison: Comparison) -> list[str]:
    table = comparison.correlations
    found = []
    for score, letter in _LETTERS.items():
        rows = table[(table["score"] == score) & (table["coefficient"] == "spearman")].set_index("resampled")
        by_kind: dict[Any, Any] = rows.to_dict("index")
        row = by_kind[LANGUAGES]
        value = float(row["value"])
        if np.isnan(value):
            found.append(f"Rank correlation of {letter}: {row['note']}.")
            continue
        intervals = [_interval(each["low"], each["high"], comparison.level, kind) for kind, each in by_kind.items()]
        note = f" ({row['note']})" if row["note"] else ""
        found.append(
            f"Rank correlation of {letter} (Spearman, n = {row['n']}): {signed(value, 2)}{''.join(intervals)}{note}: "
            f"{_verdict(value, float(row['low']), float(row['high']))}."
        )
    return found


def _verdict(value: float, low: float, high: float) -> str:
    if value >= _LARGELY:
        said = "the orders are largely alike"
    elif value >= _PARTLY:
        said = "the orders are alike in part"
    elif value > -_PARTLY:
        said = "the orders have little in common"
    else:
        said = "the orders are rather opposite"
    unsure = low <= 0 <= high and abs(value) >= _PARTLY
    return f"{said}, but the interval includes 0" if unsure else said


def _interval(low: float, high: float, level: float, resampled: str) -> str:
    if pd.isna(low) or pd.isna(high):
        return ""
    return f" [{signed(float(low), 2)}, {signed(float(high), 2)}; {level:.0%}, {resampled} resampled]"


def _top(comparison: Comparison) -> list[str]:
    found = []
    for k, shared, donors, expected in comparison.top.to_numpy(dtype=object):
        if k > 1:
            names = f" ({listed(donors, 10)})" if shared else ""
            found.append(
                f"Of the {k} most donating, {shared} {'is' if shared == 1 else 'are'} the same{names}; {expected:.1f} "
                "would be by chance."
            )
        else:
            same = f"the same: {language_name(donors[0])} ({donors[0]})" if shared else "not the same"
            found.append(f"The most donating language is {same}.")
    return found


def _signs(comparison: Comparison) -> str:
    table = comparison.sign_changes
    if table.empty:
        return "No cell changes its sign." if comparison.n_cells else "No sign can be compared."
    donor, recipient, before, after = table.iloc[0]
    return (
        f"{plural(len(table), 'cell')} of {comparison.n_cells} {'changes its' if len(table) == 1 else 'change their'} "
        f"sign, the largest {donor}→{recipient} ({signed(100 * before, 1)}% and {signed(100 * after, 1)}%)."
    )


def _monolingual(comparison: Comparison) -> list[str]:
    note = f"{comparison.monolingual_note}." if comparison.monolingual_note else ""
    if comparison.monolingual is None:
        return [note]
    known = comparison.monolingual["difference"].dropna()
    n_above, n_below = int((known > 0).sum()), int((known < 0).sum())
    said = (
        f"ε(M_t) is higher in {comparison.names[1]} for {n_above} and lower for {n_below} "
        f"of {plural(len(known), 'language')}."
    )
    return [f"{said} {note}".strip()]


def _known(table: pd.DataFrame) -> np.ndarray:
    cells: np.ndarray = table.to_numpy(dtype=float)
    return np.asarray(cells[~np.isnan(cells)])

"""Measurement intervals as values that JSON knows, for `bank.json`; their replicates are in `replicate_files`.

Nothing is read or written here.

    content = intervals_to_json(bank.intervals)
    intervals_from_json(content, estimates, codes)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bloodbank.bank.intervals import Intervals
from bloodbank.bank.paragraph_variance import CELL_SCORES

Array = NDArray[np.float64]
_SINGLE = ("protocol", "metric", "level", "covers", "covers_seeds", "covers_paragraphs", "n_replicates")
_BOUNDS = ("low", "high", "se", "df")
_TYPES: dict[str, dict[str, type | None]] = {  # None: text
    "scores": {
        "language": None, "score": None, "estimate": float, "low": float, "high": float, "se": float, "df": float,
        "complete": bool, "rank": float, "rank_low": float, "rank_high": float,
    },
    "types": {
        "language": None, "blood_type": None, "p_O": float, "p_A": float, "p_AB+": float, "p_none": float,
    },
}  # fmt: skip
_ENDLESS = "inf"  # degrees of freedom that are infinite: JSON has no such number


def intervals_to_json(intervals: Intervals) -> dict[str, Any]:
    """Lay intervals out in values that JSON knows.

    Args:
        intervals: Of a bank; its replicates are left out.

    Returns:
        The plain settings; `cells` by score, each with matrices of low, high, se, df and n_seeds (estimates are the
        bank's own); `scores` and `types` as records. Missing values are None, infinite ones "inf".

    Shape:
        Matrices are lists of rows, `[donor, recipient]`.
    """
    cells: dict[str, Any] = {}
    for score, table in intervals.cells.groupby("score", sort=False):
        names = (*_BOUNDS, "n_seeds")
        cells[str(score)] = {name: _square(table, name, intervals.languages) for name in names}
    return {name: getattr(intervals, name) for name in _SINGLE} | {
        "cells": cells,
        **{name: _records(getattr(intervals, name)) for name in _TYPES},
    }


def intervals_from_json(
    content: Mapping[str, Any], estimates: Mapping[str, pd.DataFrame], languages: Sequence[str]
) -> Intervals:
    """Read what `intervals_to_json` gave.

    Args:
        content: As it stood in the file.
        estimates: The bank's matrices: F, Δε and log ratio by the names of `CELL_SCORES`.
        languages: Codes, in the order of the matrices.

    Returns:
        The intervals, without replicates.
    """
    n = len(languages)
    donors, recipients = (places.ravel() for places in np.meshgrid(range(n), range(n), indexing="ij"))
    apart = donors != recipients
    donors, recipients = donors[apart], recipients[apart]
    names = np.array(languages, dtype=object)
    parts = []
    for score in CELL_SCORES:
        if score not in content["cells"]:
            continue
        of_score = content["cells"][score]
        table = {"donor": names[donors], "recipient": names[recipients], "score": score}
        table |= {"estimate": estimates[score].to_numpy(dtype=float)[donors, recipients]}
        table |= {name: _floats(of_score[name])[donors, recipients] for name in _BOUNDS}
        n_seeds = np.array(of_score["n_seeds"], dtype=np.int64)[donors, recipients]
        parts.append(pd.DataFrame({**table, "n_seeds": n_seeds}))
    single: dict[str, Any] = {name: content[name] for name in _SINGLE}
    tables: dict[str, Any] = {name: _table(content[name], types) for name, types in _TYPES.items()}
    return Intervals(tuple(languages), **single, cells=pd.concat(parts, ignore_index=True), **tables)


def _square(table: pd.DataFrame, name: str, languages: Sequence[str]) -> list[list[Any]]:
    n = len(languages)
    # Rows of the table are the cells row by row, without the diagonal.
    values = np.full((n, n), 0 if name == "n_seeds" else None, dtype=object)
    values[~np.eye(n, dtype=bool)] = [_plain(value) for value in table[name]]
    return [list(row) for row in values]


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    columns = [[_plain(value) for value in table[name]] for name in table]
    return [dict(zip(table.columns, row, strict=True)) for row in zip(*columns, strict=True)]


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return _ENDLESS if value > 0 else None
    return value


def _floats(rows: list[list[Any]]) -> Array:
    return np.array([[_float(value) for value in row] for row in rows], dtype=float)


def _float(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _table(records: list[dict[str, Any]], types: dict[str, type | None]) -> pd.DataFrame:
    columns: dict[str, Any] = {}
    for name, kind in types.items():
        values = [record[name] for record in records]
        columns[name] = np.array([_float(value) for value in values]) if kind is float else values
    return pd.DataFrame(columns)  # text as pandas infers it, here as where it was made

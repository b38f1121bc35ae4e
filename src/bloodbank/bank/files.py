"""The bank on disk: `bank.json`, which has everything, `matrix.csv`, which has F, and `replicates.parquet`, F redrawn.

Equal banks give equal bytes, but for `provenance`. Numbers have all their digits; missing ones are null.

    write_bank(bank, Path("runs/quickstart"))
    read_bank(Path("runs/quickstart"))
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bloodbank.bank.bank import Bank
from bloodbank.bank.controls import COLUMN_TYPES as CONTROL_TYPES
from bloodbank.bank.health import UNCONVERGED_TYPES, UNHEALTHY_TYPES
from bloodbank.bank.measurements import METRICS
from bloodbank.bank.replicates import read_replicates, write_replicates
from bloodbank.bank.scores import by_language, matrix
from bloodbank.bank.uncertainty.intervals import Intervals
from bloodbank.bank.uncertainty.paragraphs import CELL_SCORES
from bloodbank.errors import BloodbankError, UsageError
from bloodbank.experiment.settings import PROTOCOLS
from bloodbank.store import replace_file
from bloodbank.wording import find_language

FORMAT = "bloodbank bank"
SCHEMA_VERSION = 4  # 2 added controls, convergence and unconverged_models; 3 added covariates; 4 added intervals
BANK_FILE = "bank.json"
MATRIX_FILE = "matrix.csv"
_SCORE_TYPES = {
    "donation_complete": bool,
    "recipience_complete": bool,
    "blood_type": object,
    "health": object,
}
_ADDED: dict[int, dict[str, Any]] = {  # by version
    2: {"controls": [], "convergence": {}, "unconverged_models": []},
    3: {"covariates": {}},
    4: {"intervals": None},
}


def write_bank(bank: Bank, folder: Path) -> tuple[Path, ...]:
    """Write `bank.json`, `matrix.csv` and, where there are any, `replicates.parquet`; each is whole or not there.

    Args:
        bank: What is written.
        folder: Where; it is made if missing.

    Returns:
        The paths of the files.

    Raises:
        BloodbankError: The disk is full or cannot be written.

    Shape:
        Matrices are lists of rows in the order of `languages`: donors are rows, recipients columns.
    """
    paths = folder / BANK_FILE, folder / MATRIX_FILE
    for path, text in zip(paths, (to_json(bank), to_csv(bank)), strict=True):
        with replace_file(path) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="\n")
    replicates = write_replicates(bank.intervals, folder)
    return paths if replicates is None else (*paths, replicates)


def read_bank(path: Path) -> Bank:
    """Read a bank that `write_bank` wrote; its `measurements` are None: they live in a table of their own.

    A file of an earlier version says nothing of what came later: it has no controls, no convergence, no intervals.

    Args:
        path: `bank.json`, or the folder that holds it.

    Returns:
        A bank equal to the one written.

    Raises:
        UsageError: There is no such file, or it is not a bank.
        BloodbankError: It was written by a newer version of bloodbank.
    """
    path = path / BANK_FILE if path.is_dir() else path
    if not path.is_file():
        raise UsageError(f"There is no bank at {path}. Give a {BANK_FILE}, or the folder of a finished run.")
    content = _parse(path)
    try:
        check_content(content)
        bank = _from_json(content)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(f"{path} is damaged: {error!r}. Write it again from its measurements.") from error
    if bank.intervals is None:
        return bank
    return dataclasses.replace(bank, intervals=read_replicates(bank.intervals, path.parent))


def _parse(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UsageError(f"{path} is not JSON: {error}. Give a {BANK_FILE} that bloodbank wrote.") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise UsageError(f"{path} is JSON, but not a bank (its format is not {FORMAT!r}).")
    version = content.get("schema_version")
    if not isinstance(version, int) or version < 1:
        raise UsageError(f"{path} has the schema_version {version!r}; a whole number from 1 on was expected.")
    if version > SCHEMA_VERSION:
        raise BloodbankError(
            f"{path} has schema_version {version}, but this bloodbank reads versions up to {SCHEMA_VERSION}. "
            "Install a newer bloodbank."
        )
    for later in range(version + 1, SCHEMA_VERSION + 1):
        content |= _ADDED[later]
    return content


def to_json(bank: Bank) -> str:
    """Write a bank as the text of a `bank.json`."""
    content = {
        "format": FORMAT,
        "schema_version": SCHEMA_VERSION,
        "name": bank.name,
        "protocol": bank.protocol,
        "metric": bank.metric,
        "higher_is_better": METRICS[bank.metric].higher_is_better,
        "include_unhealthy": bank.include_unhealthy,
        "languages": [_describe(code) for code in bank.languages],
        "finetune_scores": _plain(bank.finetune_scores),
        "differences": _plain(bank.differences),
        "log_ratios": _plain(bank.log_ratios),
        "n_seeds": _plain(bank.n_seeds),
        "seed_deviations": _plain(bank.seed_deviations),
        "transfer_levels": _plain(bank.transfer_levels),
        "health": _plain(bank.health),
        "scores": _records(bank.scores.reset_index()),
        "unhealthy_models": _records(bank.unhealthy_models),
        "replicates": {str(seed): _plain(finetune) for seed, finetune in bank.replicates.items()},
        "controls": _records(bank.controls),
        "convergence": dict(bank.convergence),
        "unconverged_models": _records(bank.unconverged_models),
        "covariates": {str(name): _column(values) for name, values in bank.covariates.items()},
        "seed_agreement": _records(bank.seed_agreement()),
        "confounds": _records(bank.confounds()),
        "intervals": None if bank.intervals is None else intervals_to_json(bank.intervals),
        "provenance": dict(bank.provenance),
    }
    return "{\n" + ",\n".join(f"{json.dumps(key)}: {_lines(value)}" for key, value in content.items()) + "\n}\n"


def _lines(value: Any) -> str:
    # One row of a matrix, or one record, on a line: json's own indent would give every number a line.
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(f" {_compact(row)}" for row in value) + "\n]"
    if isinstance(value, dict) and value:
        return "{\n" + ",\n".join(f" {json.dumps(key)}: {_lines(entry)}" for key, entry in value.items()) + "\n}"
    return _compact(value)


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _describe(code: str) -> dict[str, str | None]:
    language = find_language(code)
    if language is None:
        return {"code": code, "name": None, "script": None, "family": None}
    return {"code": code, "name": language.name, "script": language.script, "family": language.family}


def _plain(table: pd.DataFrame) -> list[list[Any]]:
    return [[_plain_cell(cell) for cell in row] for row in table.astype(object).to_numpy()]


def _column(values: pd.Series[Any]) -> dict[str, Any]:
    return {str(code): _plain_cell(cell) for code, cell in values.astype(object).items()}


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [dict(zip(table.columns, row, strict=True)) for row in _plain(table)]


def _plain_cell(cell: Any) -> Any:
    value = cell.item() if isinstance(cell, np.generic) else cell
    return None if isinstance(value, float) and np.isnan(value) else value


def to_csv(bank: Bank) -> str:
    """Write F as the text of a `matrix.csv`: donors are rows, recipients columns, the diagonal is empty."""
    table = bank.finetune_scores.rename_axis(index="donor\\recipient", columns=None)
    return str(table.to_csv(lineterminator="\n"))


def _from_json(content: dict[str, Any]) -> Bank:
    codes = tuple(str(language["code"]) for language in content["languages"])

    def square(key: str, dtype: type = float) -> pd.DataFrame:
        return matrix(content[key], codes, dtype=dtype)

    if content["metric"] not in METRICS:
        raise ValueError(f"unknown metric {content['metric']!r}")
    estimates = dict(zip(CELL_SCORES, map(square, ("finetune_scores", "differences", "log_ratios")), strict=True))
    intervals = content["intervals"]
    records = content["scores"]
    codes_as_index = pd.Index([record.pop("language") for record in records], name="language")
    score_types: dict[str, type] = {name: _SCORE_TYPES.get(name, float) for name in records[0]}
    return Bank(
        name=content["name"],
        protocol=content["protocol"],
        metric=content["metric"],
        languages=codes,
        include_unhealthy=content["include_unhealthy"],
        finetune_scores=estimates["finetune_score"],
        differences=estimates["difference"],
        log_ratios=estimates["log_ratio"],
        n_seeds=square("n_seeds", int),
        seed_deviations=square("seed_deviations"),
        scores=_table(records, score_types, codes_as_index),
        health=square("health", object),
        unhealthy_models=_table(content["unhealthy_models"], UNHEALTHY_TYPES),
        replicates={int(seed): matrix(rows, codes) for seed, rows in content["replicates"].items()},
        controls=_table(content["controls"], CONTROL_TYPES),
        convergence={str(state): int(n) for state, n in content["convergence"].items()},
        unconverged_models=_table(content["unconverged_models"], UNCONVERGED_TYPES),
        covariates=by_language(content["covariates"], codes),
        provenance=content["provenance"],
        intervals=None if intervals is None else intervals_from_json(intervals, estimates, codes),
    )


def _table(records: list[dict[str, Any]], types: dict[str, type], index: pd.Index | None = None) -> pd.DataFrame:
    # Column by column: a string type, as pandas 3 infers it, would turn None into a missing value of its own.
    index = pd.RangeIndex(len(records)) if index is None else index
    columns = {
        name: pd.Series([record[name] for record in records], index=index, dtype=kind) for name, kind in types.items()
    }
    return pd.DataFrame(columns, index=index)


# What must be true of the content of a `bank.json` before a bank is made of it.


_SQUARES = ("finetune_scores", "differences", "log_ratios", "n_seeds", "seed_deviations", "health")
_SCORES_PER_LANGUAGE = 4  # D and R, as sum and as mean


def check_content(content: Mapping[str, Any]) -> None:
    """Check names, sizes and finiteness, so that an edited or damaged file is named as such.

    Args:
        content: Of a file of the present version.

    Raises:
        ValueError: Says what is wrong.
        LookupError, TypeError: A part is missing or of another kind.
    """
    for key, kind in (("name", str), ("protocol", str), ("provenance", dict)):
        if not isinstance(content[key], kind):
            raise TypeError(f"{key} is {content[key]!r}")
    if content["protocol"] not in PROTOCOLS:
        raise ValueError(f"unknown protocol {content['protocol']!r}")
    codes = [language["code"] for language in content["languages"]]
    if len(set(codes)) < len(codes):
        raise ValueError("a language stands twice in languages")
    if [record["language"] for record in content["scores"]] != codes:
        raise ValueError("scores are not those of languages, in their order")
    for key in _SQUARES:
        _check_square(content[key], len(codes), key)
    for seed, rows in content["replicates"].items():
        _check_square(rows, len(codes), f"replicates of seed {seed}")
    if content["intervals"] is not None:
        _check_intervals(content["intervals"], codes)


def _check_square(rows: Any, n: int, name: str) -> None:
    if len(rows) != n or any(len(row) != n for row in rows):
        raise ValueError(f"{name} is no matrix of {n} rows and columns")
    if any(isinstance(value, float) and not np.isfinite(value) for row in rows for value in row):
        raise ValueError(f"{name} holds a number that is not finite")


def _check_intervals(intervals: Mapping[str, Any], codes: list[str]) -> None:
    if not 0 < intervals["level"] < 1:
        raise ValueError(f"the level of intervals is {intervals['level']!r}")
    for score, cells in intervals["cells"].items():
        for name, rows in cells.items():
            _check_square(rows, len(codes), f"{name} of the intervals of {score}")
    if len(intervals["scores"]) != _SCORES_PER_LANGUAGE * len(codes):
        raise ValueError(f"the intervals have {len(intervals['scores'])} scores")
    if [record["language"] for record in intervals["types"]] != codes:
        raise ValueError("the types of the intervals are not those of languages, in their order")


# Measurement intervals as values that JSON knows, for `bank.json`; their replicates are in `replicate_files`.


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
        **{name: _interval_records(getattr(intervals, name)) for name in _TYPES},
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
    tables: dict[str, Any] = {name: _interval_table(content[name], types) for name, types in _TYPES.items()}
    return Intervals(tuple(languages), **single, cells=pd.concat(parts, ignore_index=True), **tables)


def _square(table: pd.DataFrame, name: str, languages: Sequence[str]) -> list[list[Any]]:
    n = len(languages)
    # Rows of the table are the cells row by row, without the diagonal.
    values = np.full((n, n), 0 if name == "n_seeds" else None, dtype=object)
    values[~np.eye(n, dtype=bool)] = [_plain_value(value) for value in table[name]]
    return [list(row) for row in values]


def _interval_records(table: pd.DataFrame) -> list[dict[str, Any]]:
    columns = [[_plain_value(value) for value in table[name]] for name in table]
    return [dict(zip(table.columns, row, strict=True)) for row in zip(*columns, strict=True)]


def _plain_value(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return _ENDLESS if value > 0 else None
    return value


def _floats(rows: list[list[Any]]) -> Array:
    return np.array([[_float(value) for value in row] for row in rows], dtype=float)


def _float(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _interval_table(records: list[dict[str, Any]], types: dict[str, type | None]) -> pd.DataFrame:
    columns: dict[str, Any] = {}
    for name, kind in types.items():
        values = [record[name] for record in records]
        columns[name] = np.array([_float(value) for value in values]) if kind is float else values
    return pd.DataFrame(columns)  # text as pandas infers it, here as where it was made

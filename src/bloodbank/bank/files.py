"""The bank on disk: `bank.json`, which has everything, `matrix.csv`, which has F, and `replicates.parquet`, F redrawn.

Equal banks give equal bytes, but for `provenance`. Numbers have all their digits; missing ones are null.

    write_bank(bank, Path("runs/quickstart"))
    read_bank(Path("runs/quickstart"))
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bloodbank.bank.averages import by_language
from bloodbank.bank.bank import Bank
from bloodbank.bank.controls import COLUMN_TYPES as CONTROL_TYPES
from bloodbank.bank.file_checks import check_content
from bloodbank.bank.interval_files import intervals_from_json, intervals_to_json
from bloodbank.bank.measurements import METRICS
from bloodbank.bank.models import UNCONVERGED_TYPES, UNHEALTHY_TYPES
from bloodbank.bank.names import find_language
from bloodbank.bank.paragraph_variance import CELL_SCORES
from bloodbank.bank.replicate_files import read_replicates, write_replicates
from bloodbank.bank.scores import matrix
from bloodbank.errors import BloodbankError, UsageError
from bloodbank.store import replace_file

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

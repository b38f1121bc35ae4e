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

from bloodbank.bank.bank import Bank
from bloodbank.bank.controls import COLUMN_TYPES as CONTROL_TYPES
from bloodbank.bank.covariates import by_language
from bloodbank.bank.health import UNCONVERGED_TYPES, UNHEALTHY_TYPES
from bloodbank.bank.measurements import METRICS
from bloodbank.bank.reliability import Reliability
from bloodbank.bank.replicates import read_replicates, write_replicates
from bloodbank.bank.scores import matrix
from bloodbank.bank.uncertainty.intervals import Intervals
from bloodbank.bank.uncertainty.paragraphs import CELL_SCORES
from bloodbank.errors import UsageError
from bloodbank.languages import find_language
from bloodbank.wording import not_a_formula

BANK_FILE = "bank.json"
MATRIX_FILE = "matrix.csv"
_BOM = b"\xef\xbb\xbf"
_SCORE_TYPES = {"donation_complete": bool, "recipience_complete": bool, "blood_type": object, "health": object}
_PLAIN = ("protocol", "metric", "level", "covers", "covers_seeds", "covers_paragraphs", "n_replicates")  # of intervals
_BOUNDS = ("low", "high", "se", "df")
_TEXTS = ("language", "score", "blood_type")  # columns of the tables of intervals that hold no numbers


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
    from bloodbank.store import replace_file  # with locks, which reading does not need

    paths = folder / BANK_FILE, folder / MATRIX_FILE
    for path, text in zip(paths, (to_json(bank), to_csv(bank)), strict=True):
        with replace_file(path) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="\n")
    replicates = write_replicates(bank.intervals, folder)
    return paths if replicates is None else (*paths, replicates)


def read_bank(path: Path) -> Bank:
    """Read a bank that `write_bank` wrote; its `measurements` are None: they live in a table of their own.

    Args:
        path: `bank.json`, or the folder that holds it.

    Returns:
        A bank equal to the one written.

    Raises:
        UsageError: There is no such file, it is not a bank, or it contradicts itself; names what is wrong.
        BloodbankError: It was written by a newer version of bloodbank.
    """
    from pydantic_core import from_json

    from bloodbank.bank.agreement import check_agreement, check_shape
    from bloodbank.bank.schema import upgraded, validate

    path = path / BANK_FILE if path.is_dir() else path
    if not path.is_file():
        raise UsageError(f"There is no bank at {path}. Give a {BANK_FILE}, or the folder of a finished run.")
    try:
        found = from_json(path.read_bytes().removeprefix(_BOM))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}. Look at its permissions.") from error
    except ValueError as error:
        raise UsageError(f"{path} is not JSON: {error}. Give a {BANK_FILE} that bloodbank wrote.") from error
    try:
        content = validate(upgraded(path, found))
        check_shape(content)
        bank = _from_content(content)
        check_agreement(content, bank)
    except ValueError as error:
        raise UsageError(f"{path} is damaged: {error}. Write it again from its measurements.") from error
    if bank.intervals is None:
        return bank
    return dataclasses.replace(bank, intervals=read_replicates(bank.intervals, path.parent))


def to_json(bank: Bank) -> str:
    """Write a bank as the text of a `bank.json`.

    Raises:
        UsageError: Something in it cannot stand in such a file.
    """
    from bloodbank.bank.schema import validate

    try:
        content = validate(_content(bank))
    except ValueError as error:
        raise UsageError(f"The bank {bank.name} cannot be written: {error}.") from error
    return "{\n" + ",\n".join(f"{json.dumps(key)}: {_lines(value)}" for key, value in content.items()) + "\n}\n"


def _content(bank: Bank) -> dict[str, Any]:
    from bloodbank.bank.schema import FORMAT, SCHEMA_VERSION

    return {
        "format": FORMAT,
        "schema_version": SCHEMA_VERSION,
        "name": bank.name,
        "protocol": bank.protocol,
        "metric": bank.metric,
        "higher_is_better": METRICS[bank.metric].higher_is_better,
        "include_unhealthy": bank.include_unhealthy,
        "baseline": bank.baseline,
        "tokens_of_recipient": dict(bank.tokens_of_recipient),
        "languages": [_describe(code) for code in bank.languages],
        "finetune_scores": _rows(bank.finetune_scores),
        "differences": _rows(bank.differences),
        "log_ratios": _rows(bank.log_ratios),
        "n_seeds": _rows(bank.n_seeds),
        "seed_deviations": _rows(bank.seed_deviations),
        "transfer_levels": _rows(bank.transfer_levels),
        "health": _rows(bank.health),
        "scores": _records(bank.scores.reset_index()),
        "unhealthy_models": _records(bank.unhealthy_models),
        "replicates": {str(seed): _rows(finetune) for seed, finetune in bank.replicates.items()},
        "controls": _records(bank.controls),
        "convergence": dict(bank.convergence),
        "unconverged_models": _records(bank.unconverged_models),
        "covariates": {
            str(name): dict(zip(bank.languages, map(_plain, values), strict=True))
            for name, values in bank.covariates.items()
        },
        "seed_agreement": _records(bank.seed_agreement()),
        "reliability": _of_reliability(bank.reliability),
        "intervals": None if bank.intervals is None else _of_intervals(bank.intervals),
        "provenance": dict(bank.provenance),
    }


def to_csv(bank: Bank) -> str:
    """Write F as the text of a `matrix.csv`: donors are rows, recipients columns, the diagonal is empty."""
    table = bank.finetune_scores.rename(index=not_a_formula, columns=not_a_formula)
    return str(table.rename_axis(index="donor\\recipient", columns=None).to_csv(lineterminator="\n"))


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
    return {"code": code} | {name: getattr(language, name, None) for name in ("name", "script", "family")}


# Tables as values that JSON knows.


def _plain(cell: Any) -> Any:
    value = cell.item() if isinstance(cell, np.generic) else cell
    if isinstance(value, float) and not np.isfinite(value):
        return "inf" if value > 0 else None
    return value


def _rows(table: pd.DataFrame) -> list[list[Any]]:
    return [[_plain(cell) for cell in row] for row in table.astype(object).to_numpy()]


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [dict(zip(table.columns, row, strict=True)) for row in _rows(table)]


def _of_reliability(found: Reliability) -> dict[str, Any]:
    parts = {name: _plain(part) for name, part in found.parts.items()}
    scores = _records(found.scores.reset_index())
    return {"obstacle": found.obstacle, "n_seeds": found.n_seeds, "parts": parts, "scores": scores}


def _of_intervals(intervals: Intervals) -> dict[str, Any]:
    """Lay intervals out: their estimates are the bank's own, and their replicates have a file of their own."""
    cells = {
        score: {name: _rows(intervals.matrix(name, score)) for name in _BOUNDS}
        | {"n_seeds": _rows(intervals.matrix("n_seeds", score).fillna(0).astype(int))}
        for score in CELL_SCORES
        if (intervals.cells["score"] == score).any()
    }
    plain = {name: getattr(intervals, name) for name in _PLAIN}
    return plain | {"cells": cells, "scores": _records(intervals.scores), "types": _records(intervals.types)}


# And back.


def _from_content(content: dict[str, Any]) -> Bank:
    codes = tuple(language["code"] for language in content["languages"])

    def square(name: str, dtype: type = float) -> pd.DataFrame:
        return matrix(content[name], codes, dtype=dtype)

    scores = content["scores"]
    score_types: dict[str, type] = {name: _SCORE_TYPES.get(name, float) for name in scores[0] if name != "language"}
    estimates = [square(name) for name in ("finetune_scores", "differences", "log_ratios")]
    return Bank(
        name=content["name"],
        protocol=content["protocol"],
        metric=content["metric"],
        languages=codes,
        include_unhealthy=content["include_unhealthy"],
        finetune_scores=estimates[0],
        differences=estimates[1],
        log_ratios=estimates[2],
        n_seeds=square("n_seeds", int),
        seed_deviations=square("seed_deviations"),
        scores=_table(scores, score_types, pd.Index(codes, name="language")),
        health=square("health", object),
        unhealthy_models=_table(content["unhealthy_models"], UNHEALTHY_TYPES),
        replicates={int(seed): matrix(rows, codes) for seed, rows in content["replicates"].items()},
        controls=_table(content["controls"], CONTROL_TYPES),
        convergence=content["convergence"],
        unconverged_models=_table(content["unconverged_models"], UNCONVERGED_TYPES),
        covariates=by_language(content["covariates"], codes),
        provenance=content["provenance"],
        baseline=content["baseline"],
        tokens_of_recipient=content["tokens_of_recipient"],
        intervals=content["intervals"] and _intervals(content["intervals"], estimates, codes),
    )


def _table(records: list[dict[str, Any]], types: Mapping[str, type], index: pd.Index | None = None) -> pd.DataFrame:
    # Column by column: a string type, as pandas 3 infers it, would turn None into a missing value of its own.
    index = pd.RangeIndex(len(records)) if index is None else index
    columns = {
        name: pd.Series([record[name] for record in records], index=index, dtype=kind) for name, kind in types.items()
    }
    return pd.DataFrame(columns, index=index)


def _intervals(content: dict[str, Any], estimates: Sequence[pd.DataFrame], codes: tuple[str, ...]) -> Intervals:
    apart = ~np.eye(len(codes), dtype=bool)
    donors, recipients = (np.array(codes, dtype=object)[places] for places in np.nonzero(apart))
    parts = []
    for score, estimate in zip(CELL_SCORES, estimates, strict=True):
        if score in content["cells"]:
            cells = content["cells"][score]
            table = {"donor": donors, "recipient": recipients, "score": score, "estimate": estimate.to_numpy()[apart]}
            table |= {name: np.array(cells[name], dtype=float)[apart] for name in _BOUNDS}
            parts.append(pd.DataFrame({**table, "n_seeds": np.array(cells["n_seeds"], dtype=np.int64)[apart]}))
    return Intervals(
        codes,
        **{name: content[name] for name in _PLAIN},
        cells=pd.concat(parts, ignore_index=True),
        scores=_interval_table(content["scores"]),
        types=_interval_table(content["types"]),
    )


def _interval_table(records: list[dict[str, Any]]) -> pd.DataFrame:
    columns: dict[str, Any] = {name: [record[name] for record in records] for name in records[0]}
    for name, values in columns.items():
        if name not in _TEXTS and name != "complete":
            columns[name] = np.array(values, dtype=float)  # None is NaN, and "inf" infinite
    return pd.DataFrame(columns)  # text as pandas infers it, here as where it was made

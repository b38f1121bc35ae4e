"""What is known of each language beside a matrix: ε(M_t), and covariates such as updates or fertility.

Reads CSV, Parquet and JSON files with one row or key for each language; writes nothing.

    read_monolingual("monolingual.csv", ("de", "fi"))
    read_covariates("covariates.csv", ("de", "fi"))
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from bloodbank.bank.covariates import by_language
from bloodbank.bank.importing.cells import find_decimal, is_missing, to_number
from bloodbank.bank.importing.codes import check_distinct, read_label, read_labels
from bloodbank.bank.importing.files import decode, read_content, read_table
from bloodbank.errors import UsageError
from bloodbank.languages import find_language
from bloodbank.wording import listed, shown

_LANGUAGE = ("language", "lang", "code", "language_code")
_VALUE = ("monolingual", "value", "score", "epsilon", "ε", "mrr", "accuracy", "cross_entropy", "bits_per_byte")


@dataclass(frozen=True)
class ByLanguage:
    """A table with a row for each language of a bank, in its order."""

    table: pd.DataFrame
    source: dict[str, str]  #: name and hash of the file; "given from Python" otherwise
    notes: tuple[str, ...]


def read_monolingual(
    given: str | Path | Mapping[str, float], languages: Sequence[str], rename: Mapping[str, str] | None = None
) -> ByLanguage:
    """Read ε(M_t) by language.

    Args:
        given: A CSV or Parquet file with a column of languages (the first one, or `language`) and one of scores; a
            JSON file `{"de": 0.31, …}`; or a mapping.
        languages: Codes of the bank.
        rename: Codes by label.

    Returns:
        A table with the column `monolingual`; missing where nothing is given.

    Raises:
        UsageError: It cannot be read, or a score is not positive.
    """
    columns, source, notes = _columns(given, languages, rename, "monolingual")
    name = next((each for each in columns if each.casefold() in _VALUE), None)
    if name is None and len(columns) != 1:
        raise UsageError(
            f"Which column of {_named(given)} holds ε(M_t)? There are: {listed(map(shown, columns)) or 'none'}. "
            "Call it monolingual."
        )
    table = _table({"monolingual": columns[name or next(iter(columns))]}, languages)
    if table["monolingual"].dtype == object:
        raise UsageError(f"ε(M_t) in {_named(given)} must be numbers, but some are text.")
    wrong = table.index[table["monolingual"] <= 0]
    if len(wrong):
        raise UsageError(f"ε(M_t) in {_named(given)} must be above 0, but is not for {listed(wrong)}.")
    if table["monolingual"].isna().all():
        raise UsageError(f"{_named(given)} has ε(M_t) of no language of the matrix ({listed(languages)}).")
    return ByLanguage(table, source, (*notes, *_absent(table, "ε(M_t)")))


def read_covariates(
    given: str | Path | pd.DataFrame, languages: Sequence[str], rename: Mapping[str, str] | None = None
) -> ByLanguage:
    """Read what is known of each language, in any columns.

    Args:
        given: A CSV or Parquet file with a column of languages (the first one, or `language`); a JSON file
            `{"de": {"updates": 1000, …}, …}`; or a DataFrame with codes as its index.
        languages: Codes of the bank.
        rename: Codes by label.

    Returns:
        Columns of numbers where all that is there are numbers, and of text otherwise.

    Raises:
        UsageError: It cannot be read.
    """
    columns, source, notes = _columns(given, languages, rename, "covariates")
    if not columns:
        raise UsageError(f"{_named(given)} has no column beside the languages. Give one for each covariate.")
    table = _table(columns, languages)
    if table.isna().to_numpy().all():
        raise UsageError(f"{_named(given)} says nothing of any language of the matrix ({listed(languages)}).")
    return ByLanguage(table, source, (*notes, *_absent(table, "covariates")))


def _named(given: object) -> str:
    return str(given) if isinstance(given, (str, Path)) else "what was given"


def _columns(
    given: Any, languages: Sequence[str], rename: Mapping[str, str] | None, what: str
) -> tuple[dict[str, dict[str, object]], dict[str, str], list[str]]:
    """Bring every kind of input into columns, each with its cells by code."""
    source = {"file": "given from Python"}
    notes: list[str] = []
    records: dict[Any, Any]
    if isinstance(given, pd.DataFrame):
        check_distinct([str(label) for label in given.index], "Languages")
        records = dict(zip(given.index, given.to_dict("records"), strict=True))
    elif isinstance(given, Mapping):
        records = {label: {what: value} for label, value in given.items()}
    else:
        records, source, notes = _read(Path(given), what)
    known = {read_label(label, _named(given)): record for label, record in records.items()}
    labels = {(rename or {}).get(label, label): label for label in known}
    if len(labels) < len(known):
        raise UsageError(f"Two languages of {_named(given)} have the same code after `rename`. Keep one of each.")
    others = [code for code in labels if code not in set(languages)]
    if others:
        strange = [code for code in others if find_language(code) is None]
        more = f"; {listed(strange)} not in the table of languages" if strange else ""
        whose = Path(given).name if isinstance(given, (str, Path)) else f"What was given as {what}"
        notes.append(f"{whose} has languages that the matrix does not have: {listed(others)}{more}.")
    names = dict.fromkeys(str(name) for record in known.values() for name in record)
    return {name: {code: known[at].get(name) for code, at in labels.items()} for name in names}, source, notes


def _read(path: Path, what: str) -> tuple[dict[str, dict[str, object]], dict[str, str], list[str]]:
    if path.suffix.casefold() == ".json":
        return _read_json(path, what)
    table = read_table(path)
    names = table.header
    check_distinct(names, "Columns")
    language = next((name for name in names if name.casefold() in _LANGUAGE), names[0])
    labels = read_labels(table.cells[language])
    check_distinct(labels, "Languages")
    cells = table.cells.drop(columns=language)
    if find_decimal(cells.to_numpy().ravel(), None) == ",":
        cells = cells.map(lambda cell: cell.replace(",", ".") if _is_number(cell, ",") else cell)
    records: dict[str, Any] = dict(zip(labels, cells.to_dict("records"), strict=True))
    return records, {"file": path.name, "sha256": table.sha256}, list(table.notes)


def _read_json(path: Path, what: str) -> tuple[dict[str, dict[str, object]], dict[str, str], list[str]]:
    content = read_content(path)
    text, notes = decode(path, content)
    try:
        by_label = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not JSON: {error}.") from error
    if not isinstance(by_label, dict):
        raise UsageError(f'{path} is JSON, but not an object by language, such as {{"de": 0.31}}.')
    records = {label: value if isinstance(value, dict) else {what: value} for label, value in by_label.items()}
    return records, {"file": path.name, "sha256": hashlib.sha256(content).hexdigest()}, notes


def _table(columns: Mapping[str, Mapping[str, object]], languages: Sequence[str]) -> pd.DataFrame:
    table: dict[str, dict[str, object]] = {}
    for name, cells in columns.items():
        known = {code: cell for code, cell in cells.items() if code in set(languages) and not is_missing(cell)}
        numeric = all(_is_number(cell) for cell in known.values())
        table[name] = {code: to_number(cell) if numeric else str(cell).strip() for code, cell in known.items()}
    return by_language(table, languages)


def _is_number(cell: object, decimal: str = ".") -> bool:
    try:
        to_number(cell, decimal)
    except ValueError as error:
        if "infinite" in str(error):
            message = f"{shown(cell)} is infinite. Allowed are finite numbers; leave missing ones empty."
            raise UsageError(message) from error
        return False
    return True


def _absent(table: pd.DataFrame, what: str) -> list[str]:
    absent = [str(code) for code in table.index[table.isna().all(axis="columns")]]
    return [f"There are no {what} for {listed(absent)}."] if absent else []

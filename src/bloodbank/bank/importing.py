r"""A bank from a matrix that someone else measured: CSV, Parquet, or a `bank.json`.

Reads one file, and beside it one with ε(M_t) and one with covariates by language; writes nothing.

    bank = read_matrix("mrr_ratio_22x22.csv")
    print(*describe_import(bank), sep="\n")
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from bloodbank.bank.bank import Bank
from bloodbank.bank.cells import listed
from bloodbank.bank.files import BANK_FILE, read_bank
from bloodbank.bank.imported import ImportOptions, attach_covariates, make_bank
from bloodbank.bank.long_files import distinct_values, find_columns, is_long, read_long
from bloodbank.bank.matrix_files import read_wide
from bloodbank.bank.names import plural
from bloodbank.bank.table_files import DELIMITERS, RawTable, read_table
from bloodbank.errors import UsageError


class MatrixWarning(UserWarning):
    """Something in an imported matrix is odd, and was read as the message says."""


def read_matrix(
    path: str | Path,
    *,
    donors: str = "rows",
    values: str = "auto",
    name: str | None = None,
    monolingual: str | Path | Mapping[str, float] | None = None,
    covariates: str | Path | pd.DataFrame | None = None,
    metric: str | None = None,
    protocol: str | None = None,
    rename: Mapping[str, str] | None = None,
    donor: str | None = None,
    recipient: str | None = None,
    value: str | None = None,
    seed: str | None = None,
    where: Mapping[str, Any] | None = None,
    delimiter: str | None = None,
    decimal: str | None = None,
) -> Bank:
    """Make a bank of a matrix that someone else measured.

    A wide file has a line of codes and then a row for each language; a long one has a row for each cell, with columns
    for donor, recipient and value, maybe for a seed (one replicate of the bank each), and maybe for more. Rows are
    donors. Ratios ε(M_{s,t}) / ε(M_t) and F are told apart by the diagonal, which is 1 or 0. What was assumed stands in
    `Bank.notes`; what is odd is a `MatrixWarning` besides.

    Args:
        path: A CSV file (comma, semicolon or tab), a Parquet file, a `bank.json` or a folder that holds one.
        donors: "rows" or "columns": where the donors of a wide file stand.
        values: "ratio", "finetune" (F), "score" (ε(M_{s,t}), with ε(M_t) on the diagonal or in `monolingual`), or
            "auto".
        name: Of the bank; by default that of the file.
        monolingual: ε(M_t) by language, as a file or a mapping. It gives Δε.
        covariates: What is known of each language (updates, tokens_seen, fertility, …), as a file or a DataFrame.
        metric: Of the scores behind the matrix; "mrr" is assumed.
        protocol: Of the pair models; "sequential" is assumed.
        rename: Codes by label, for labels that are no codes of the language table.
        donor: Column of the donor in a long file, where it is not called so.
        recipient: Column of the recipient.
        value: Column of the value.
        seed: Column of the seed.
        where: Values by column of a long file; rows with other values are left out.
        delimiter: What stands between cells, where it is not found.
        decimal: "." or ",", where it is not found.

    Returns:
        The bank. Where the file says nothing of it, Δε, ε(M_t), health and seeds are unknown.

    Raises:
        UsageError: The file cannot be read as asked; the message names the culprit and what to do.

    Shape:
        Matrices are `[donor, recipient]`, in the order of the file's donors.
    """
    options = ImportOptions(
        donors=donors,
        values=values,
        name=name,
        monolingual=monolingual,
        covariates=covariates,
        metric=metric,
        protocol=protocol,
        rename=rename,
        donor=donor,
        recipient=recipient,
        value=value,
        seed=seed,
        where=where,
        delimiter=delimiter,
        decimal=decimal,
    )
    return _warned(import_bank(path, options))


def read_matrices(path: str | Path, *, by: str, **options: Any) -> dict[str, Bank]:
    """Make a bank for each value of a column of a long file, such as each task.

    Args:
        path: A CSV or Parquet file with one row a cell.
        by: The column.
        options: As of `read_matrix`.

    Returns:
        Banks by value, in the order of the file.

    Raises:
        UsageError: As `read_matrix`, or there is no such column.
    """
    asked = ImportOptions(**options)
    table = read_table(Path(path), delimiter=asked.delimiter)
    if by in find_columns(table.header, asked.long).values():
        raise UsageError(f"{by!r} is a column of every matrix itself. Give another one for `by`.")
    found = {}
    for value in distinct_values(table, by, asked.where):
        where = {**(asked.where or {}), by: value}
        name = f"{asked.name or _writable(Path(path).stem)}-{value}"
        found[str(value)] = _warned(_from_table(table, dataclasses.replace(asked, where=where, name=name)))
    return found


def import_bank(path: str | Path, options: ImportOptions) -> Bank:
    """Do what `read_matrix` does, without warnings: for the command line, which prints `describe_import`.

    Raises:
        UsageError: As `read_matrix`.
    """
    path = Path(path)
    if path.suffix.casefold() == ".json" or (path / BANK_FILE).is_file():
        return _from_bank(path, options)
    return _from_table(read_table(path, delimiter=options.delimiter), options)


def describe_import(bank: Bank) -> list[str]:
    """Say how a bank was imported: what was read, how it was understood, what was assumed, and what is odd.

    Args:
        bank: The bank, as imported or as read again from its `bank.json`.

    Returns:
        Sentences, warnings last and marked as such; none for a bank of a run.
    """
    if "import" not in bank.provenance:
        return []
    imported = bank.provenance["import"]
    n_cells = int(bank.finetune_scores.notna().to_numpy().sum())
    n_pairs = len(bank.languages) * (len(bank.languages) - 1)
    seeds = f", {plural(len(bank.replicates), 'seed')}" if bank.replicates else ""
    read = f"{imported['file']}: {len(bank.languages)} languages, {n_cells} of {n_pairs} cells{seeds}."
    n_warnings = len(imported["warnings"])
    return [read, *bank.notes[n_warnings:], *(f"Warning: {warning}" for warning in bank.notes[:n_warnings])]


def _warned(bank: Bank) -> Bank:
    for warning in bank.provenance.get("import", {}).get("warnings", ()):
        warnings.warn(f"{bank.name}: {warning}", MatrixWarning, stacklevel=3)
    return bank


def _from_bank(path: Path, options: ImportOptions) -> Bank:
    given = [name for name in options.given if name not in ("name", "covariates")]
    if given:
        raise UsageError(
            f"{path} is a bank already: {listed(given)} cannot be given with it. Allowed are name and covariates."
        )
    bank = read_bank(path)
    if options.name:
        bank = dataclasses.replace(bank, name=options.name)
    return attach_covariates(bank, options.covariates) if options.covariates is not None else bank


def _from_table(table: RawTable, options: ImportOptions) -> Bank:
    options.check()
    long = is_long(table.header, options.long)
    how: dict[str, Any] = {"file": _writable(table.path.name), "sha256": table.sha256}
    if table.delimiter:
        how["delimiter"] = DELIMITERS.get(table.delimiter, table.delimiter)
    if long:
        if options.donors != "rows":
            raise UsageError(
                "donors='columns' is for a matrix; this file has one row a cell. Name its columns instead."
            )
        columns = find_columns(table.header, options.long)
        cells = read_long(table, columns, where=options.where, rename=options.rename, decimal=options.decimal)
        how |= {"layout": "long", "columns": columns}
        note = f"One row a cell: {', '.join(f'{role} in column {column!r}' for role, column in columns.items())}."
    else:
        cells = read_wide(table, donors=options.donors, rename=options.rename, decimal=options.decimal)
        how |= {"layout": "wide", "donors": options.donors}
        other = "columns" if options.donors == "rows" else "rows"
        note = f"Donors are the file's {options.donors}, recipients its {other}."
    cells = dataclasses.replace(cells, notes=(note, *table.notes, *cells.notes))
    return make_bank(cells, how, options, name=options.name or _writable(table.path.stem))


def _writable(name: str) -> str:
    # A file's name need not be text; a bank's must be
    return name.encode("utf-8", "replace").decode("utf-8")

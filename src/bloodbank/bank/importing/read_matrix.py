r"""A bank from a matrix that someone else measured: CSV, Parquet, or a `bank.json`.

Reads one file, and beside it one with ε(M_t) and one with covariates by language; writes nothing.

    bank = read_matrix("mrr_ratio_22x22.csv")
    print(*describe_import(bank), sep="\n")
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict, Unpack

import numpy as np
import pandas as pd

from bloodbank.bank.bank import Bank, with_intervals
from bloodbank.bank.controls import COLUMN_TYPES as CONTROL_TYPES
from bloodbank.bank.covariates import no_covariates
from bloodbank.bank.files import BANK_FILE, read_bank
from bloodbank.bank.health import UNCONVERGED_TYPES, UNHEALTHY_TYPES, UNKNOWN
from bloodbank.bank.importing.cells import Cells
from bloodbank.bank.importing.covariates import read_covariates, read_monolingual
from bloodbank.bank.importing.files import DELIMITERS, RawTable, read_table
from bloodbank.bank.importing.long import distinct_values, find_columns, is_long, read_long
from bloodbank.bank.importing.ratio_or_f import KINDS, Reading, to_finetune
from bloodbank.bank.importing.wide import read_wide
from bloodbank.bank.measurements import METRICS
from bloodbank.bank.scores import TRAINING, language_scores, matrix, over_seeds
from bloodbank.errors import UsageError
from bloodbank.experiment.protocols import PROTOCOLS
from bloodbank.wording import listed, plural

_ASSUMED = {"metric": "mrr", "protocol": "sequential"}
_ALSO_CALLED = {"tokens": "tokens_seen"}
_SAID = {
    "ratio": "Cells are ratios ε(M_{{s,t}}) / ε(M_t) ({reason}): F is {cell}.",
    "finetune": "Cells are F ({reason}).",
    "score": "Cells are scores ε(M_{{s,t}}) ({reason}): F is the gain over ε(M_t), as a fraction of it.",
}
_BESIDE = ("monolingual", "covariates", "name")  # options that stand elsewhere in the provenance
_ROLES = ("donor", "recipient", "value", "seed")


class MatrixWarning(UserWarning):
    """Something in an imported matrix is odd, and was read as the message says."""


class ImportKeywords(TypedDict, total=False):
    """The keywords of `read_matrix`, which says what each is."""

    donors: str
    values: str
    name: str | None
    monolingual: str | Path | Mapping[str, float] | None
    covariates: str | Path | pd.DataFrame | None
    metric: str | None
    protocol: str | None
    rename: Mapping[str, str] | None
    donor: str | None
    recipient: str | None
    value: str | None
    seed: str | None
    where: Mapping[str, Any] | None
    delimiter: str | None
    decimal: str | None


@dataclass(frozen=True)
class ImportOptions:
    """The same, with their defaults.

    Raises:
        UsageError: One is none of those allowed.
    """

    donors: str = "rows"
    values: str = "auto"
    name: str | None = None
    monolingual: str | Path | Mapping[str, float] | None = None
    covariates: str | Path | pd.DataFrame | None = None
    metric: str | None = None
    protocol: str | None = None
    rename: Mapping[str, str] | None = None
    donor: str | None = None
    recipient: str | None = None
    value: str | None = None
    seed: str | None = None
    where: Mapping[str, Any] | None = None
    delimiter: str | None = None
    decimal: str | None = None

    def __post_init__(self) -> None:
        allowed: dict[str, tuple[str | None, ...]] = {
            "donors": ("rows", "columns"),
            "values": ("auto", *KINDS),
            "metric": (None, *METRICS),
            "protocol": (None, *PROTOCOLS),
        }
        for option, known in allowed.items():
            if getattr(self, option) not in known:
                names = listed(name for name in known if name)
                raise UsageError(f"{option}={getattr(self, option)!r} is not known. Allowed are {names}.")

    @property
    def columns(self) -> dict[str, str]:
        """Columns of a file with one row a cell that were named, by role."""
        return {role: getattr(self, role) for role in _ROLES if getattr(self, role)}

    @property
    def given(self) -> dict[str, Any]:
        """The options that are not as they are by default."""
        values = {field.name: (getattr(self, field.name), field.default) for field in dataclasses.fields(self)}
        return {
            name: value
            for name, (value, default) in values.items()
            if not (value is default or (isinstance(value, str) and value == default))
        }


def read_matrix(path: str | Path, **options: Unpack[ImportKeywords]) -> Bank:
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
    return _warned(import_bank(path, ImportOptions(**options)))


def read_matrices(path: str | Path, *, by: str, **options: Unpack[ImportKeywords]) -> dict[str, Bank]:
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
    if by in find_columns(table.header, asked.columns).values():
        raise UsageError(f"{by!r} is a column of every matrix itself. Give another one for `by`.")
    banks = {}
    for value in distinct_values(table, by, asked.where):
        where = {**(asked.where or {}), by: value}
        name = f"{asked.name or _writable(Path(path).stem)}-{value}"
        banks[value] = _warned(_from_table(table, dataclasses.replace(asked, where=where, name=name)))
    return banks


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
    n_warnings = len(imported.get("warnings", ()))
    return [read, *bank.notes[n_warnings:], *(f"Warning: {warning}" for warning in bank.notes[:n_warnings])]


def _warned(bank: Bank) -> Bank:
    for warning in bank.provenance.get("import", {}).get("warnings", ()):
        warnings.warn(f"{bank.name}: {warning}", MatrixWarning, stacklevel=3)
    return bank


def _from_bank(path: Path, options: ImportOptions) -> Bank:
    refused = [name for name in options.given if name not in ("name", "covariates")]
    if refused:
        raise UsageError(
            f"{path} is a bank already: {listed(refused)} cannot be given with it. Allowed are name and covariates."
        )
    bank = read_bank(path)
    if options.name:
        bank = dataclasses.replace(bank, name=options.name)
    return attach_covariates(bank, options.covariates) if options.covariates is not None else bank


def _from_table(table: RawTable, options: ImportOptions) -> Bank:
    how: dict[str, Any] = {"file": _writable(table.path.name), "sha256": table.sha256}
    if table.delimiter:
        how["delimiter"] = DELIMITERS.get(table.delimiter, table.delimiter)
    if options.columns or options.where or is_long(table.header):
        if options.donors != "rows":
            raise UsageError(
                "donors='columns' is for a matrix; this file has one row a cell. Name its columns instead."
            )
        columns = find_columns(table.header, options.columns)
        cells = read_long(table, columns, where=options.where, rename=options.rename, decimal=options.decimal)
        how |= {"layout": "long", "columns": columns}
        note = f"One row a cell: {', '.join(f'{role} in column {column!r}' for role, column in columns.items())}."
    else:
        cells = read_wide(table, donors=options.donors, rename=options.rename, decimal=options.decimal)
        how |= {"layout": "wide", "donors": options.donors}
        other = "columns" if options.donors == "rows" else "rows"
        note = f"Donors are the file's {options.donors}, recipients its {other}."
    cells = dataclasses.replace(cells, notes=(note, *table.notes, *cells.notes))
    return _make_bank(cells, how, options, name=options.name or _writable(table.path.stem))


def _writable(name: str) -> str:
    # A file's name need not be text; a bank's must be
    return name.encode("utf-8", "replace").decode("utf-8")


def _make_bank(cells: Cells, how: Mapping[str, Any], options: ImportOptions, *, name: str) -> Bank:
    codes = tuple(next(iter(cells.by_seed.values())).index)
    of_scores, notes = _metric_and_protocol(cells, options)
    own = None
    if options.monolingual is not None:
        own = read_monolingual(options.monolingual, codes, options.rename)
    reading = to_finetune(
        cells, values=options.values, metric=of_scores["metric"], monolingual=own.table["monolingual"] if own else None
    )
    notes = [*cells.notes, *_kind_notes(cells, reading, of_scores["metric"]), *notes, *(own.notes if own else ())]
    if own is None and reading.kind != "score":
        notes.append("ε(M_t) is not known, so there is no Δε; give it with monolingual=….")
    imported = {
        **how,
        "values": reading.kind,
        "because": reading.reason,
        "decimal": cells.decimal,
        "options": _plain_options(options),
        **({"constants": dict(cells.constants)} if cells.constants else {}),
        **({"monolingual": own.source} if own else {}),
        "notes": notes,
        "warnings": [*cells.warnings, *reading.warnings],
    }
    bank = with_intervals(_assemble(reading, codes, {**of_scores, "name": name}, {"import": imported}))
    return bank if options.covariates is None else attach_covariates(bank, options.covariates, options.rename)


def attach_covariates(bank: Bank, given: str | Path | pd.DataFrame, rename: Mapping[str, str] | None = None) -> Bank:
    """Add what is known of each language to a bank; what it had under the same name is replaced.

    Columns `updates`, `tokens_seen` and `n_masked` fill those of the bank's own table where it knows none, so that
    `analysis.confounding` uses them.

    Args:
        bank: The bank.
        given: See `covariates.read_covariates`.
        rename: Codes by label.

    Returns:
        A bank with them.

    Raises:
        UsageError: They cannot be read.
    """
    known = read_covariates(given, bank.languages, rename)
    kept = bank.covariates[[name for name in bank.covariates if name not in known.table]]
    covariates = pd.concat([kept, known.table], axis="columns")
    covariates.columns = pd.Index([str(name) for name in covariates])  # of one kind, as a file gives it back
    scores, notes = bank.scores.copy(), list(known.notes)
    for name, values in known.table.items():
        column = _ALSO_CALLED.get(str(name), str(name))
        if column in TRAINING and values.dtype != object and scores[column].isna().all():
            scores[column] = values
            notes += [f"The covariate {name!r} was taken for {column}."] if column != name else []
    source = {**known.source, "columns": [str(each) for each in known.table], "notes": notes}
    sources = [*bank.provenance.get("covariates", ()), source]
    provenance = {**bank.provenance, "covariates": sources}
    return dataclasses.replace(bank, covariates=covariates, scores=scores, provenance=provenance)


def _metric_and_protocol(cells: Cells, options: ImportOptions) -> tuple[dict[str, str], list[str]]:
    allowed: dict[str, tuple[str, ...]] = {"metric": tuple(METRICS), "protocol": PROTOCOLS}
    constants = {name.casefold(): value for name, value in reversed(list(cells.constants.items()))}
    of_scores: dict[str, str] = {}
    assumed = []
    for key, known in allowed.items():
        of_scores[key] = getattr(options, key) or constants.get(key, "")
        if of_scores[key] not in known:
            of_scores[key] = _ASSUMED[key]
            assumed.append(f"{key} {_ASSUMED[key]}")
    if not assumed:
        return of_scores, []
    return of_scores, [
        f"Assumed, because the file does not say it: {listed(assumed)}. Options of these names change it."
    ]


def _kind_notes(cells: Cells, reading: Reading, metric: str) -> list[str]:
    cell = "cell - 1" if METRICS[metric].higher_is_better else "1 - cell, since a loss gains where it falls"
    notes = [_SAID[reading.kind].format(reason=reading.reason, cell=cell)]
    if cells.decimal == ",":
        notes.append("Numbers have a decimal comma.")
    if cells.constants:
        notes.append(f"The same in all rows: {listed(f'{name} = {value}' for name, value in cells.constants.items())}.")
    if list(reading.by_seed) == [None]:
        notes.append("The file has no seeds: nothing can be said about seed-to-seed uncertainty.")
    return notes


def _plain_options(options: ImportOptions) -> dict[str, Any]:
    """Write the options as JSON knows them; files beside the matrix stand under their own names."""
    return {
        name: {str(key): str(entry) for key, entry in value.items()} if isinstance(value, Mapping) else value
        for name, value in options.given.items()
        if name not in _BESIDE
    }


def _assemble(reading: Reading, codes: tuple[str, ...], about: Mapping[str, str], provenance: dict[str, Any]) -> Bank:
    mean, n_seeds, deviations = over_seeds(list(reading.by_seed.values()), codes)
    health = _unknown_health(mean.finetune)
    return Bank(
        name=about["name"],
        protocol=about["protocol"],
        metric=about["metric"],
        languages=codes,
        include_unhealthy=False,
        finetune_scores=mean.finetune,
        differences=mean.difference,
        log_ratios=mean.log_ratio,
        n_seeds=n_seeds,
        seed_deviations=deviations,
        scores=language_scores(
            mean.finetune,
            protocol=about["protocol"],
            monolingual=reading.monolingual,
            training=pd.DataFrame(index=list(codes)),
            health=health,
        ),
        health=health,
        unhealthy_models=_empty(UNHEALTHY_TYPES),
        replicates={seed: cells.finetune for seed, cells in reading.by_seed.items() if seed is not None},
        controls=_empty(CONTROL_TYPES),
        convergence={},
        unconverged_models=_empty(UNCONVERGED_TYPES),
        covariates=no_covariates(codes),
        provenance=provenance,
    )


def _unknown_health(finetune: pd.DataFrame) -> pd.DataFrame:
    # The monolingual model of a recipient that was measured was there, whatever its state
    states = np.where(finetune.notna(), UNKNOWN, "missing").astype(object)
    np.fill_diagonal(states, np.where(finetune.notna().any(axis="index"), UNKNOWN, "missing"))
    return matrix(states, list(finetune.index), dtype=object)


def _empty(types: Mapping[str, type]) -> pd.DataFrame:
    # As a file gives it back: see files.read_bank
    return pd.DataFrame({name: pd.Series([], dtype=kind, index=pd.RangeIndex(0)) for name, kind in types.items()})

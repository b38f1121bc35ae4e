"""A bank without measurements: what follows from an imported F, and what stays unknown.

Pure functions, but for the two files with what is known of languages; nothing is written.

    bank = make_bank(cells, {"file": "matrix.csv"}, ImportOptions(), name="matrix")
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bloodbank.bank.averages import TRAINING, language_scores, no_covariates, over_seeds
from bloodbank.bank.bank import Bank
from bloodbank.bank.cell_values import KINDS, Reading, to_finetune
from bloodbank.bank.cells import listed
from bloodbank.bank.controls import COLUMN_TYPES as CONTROL_TYPES
from bloodbank.bank.language_files import read_covariates, read_monolingual
from bloodbank.bank.long_files import LongOptions
from bloodbank.bank.matrix_files import Cells
from bloodbank.bank.measurements import METRICS
from bloodbank.bank.models import UNCONVERGED_TYPES, UNHEALTHY_TYPES, UNKNOWN
from bloodbank.bank.scores import matrix
from bloodbank.bank.uncertainty import with_intervals
from bloodbank.errors import UsageError

_ASSUMED = {"metric": "mrr", "protocol": "sequential"}
_ALSO_CALLED = {"tokens": "tokens_seen"}
_SAID = {
    "ratio": "Cells are ratios ε(M_{{s,t}}) / ε(M_t) ({reason}): F is {cell}.",
    "finetune": "Cells are F ({reason}).",
    "score": "Cells are scores ε(M_{{s,t}}) ({reason}): F is the gain over ε(M_t), as a fraction of it.",
}


@dataclass(frozen=True)
class ImportOptions:
    """The options of `read_matrix`, which says what each is."""

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

    @property
    def long(self) -> LongOptions:
        """The part that is about files with one row a cell."""
        return LongOptions(self.donor, self.recipient, self.value, self.seed, self.where or {})

    @property
    def given(self) -> list[str]:
        """The options that are not as they are by default."""
        fields = dataclasses.fields(self)
        return [field.name for field in fields if not _is_default(getattr(self, field.name), field.default)]

    def check(self) -> None:
        """Check what does not depend on the file.

        Raises:
            UsageError: An option is none of those allowed.
        """
        from bloodbank.settings import PROTOCOLS

        allowed = {
            "donors": ("rows", "columns"),
            "values": ("auto", *KINDS),
            "metric": (None, *METRICS),
            "protocol": (None, *PROTOCOLS),
        }
        for option, known in allowed.items():
            if getattr(self, option) not in known:
                names = ", ".join(each for each in known if each)
                raise UsageError(f"{option}={getattr(self, option)!r} is not known. Allowed are {names}.")


def make_bank(cells: Cells, how: Mapping[str, Any], options: ImportOptions, *, name: str) -> Bank:
    """Make a bank of the cells of a file.

    Args:
        cells: What the file holds.
        how: What is known of the file, for the provenance.
        options: What the user asked for.
        name: Of the bank.

    Returns:
        The bank.

    Raises:
        UsageError: The cells or the files beside them cannot be used.
    """
    codes = tuple(next(iter(cells.by_seed.values())).index)
    said, notes = _metric_and_protocol(cells, options)
    own = None
    if options.monolingual is not None:
        own = read_monolingual(options.monolingual, codes, options.rename)
    reading = to_finetune(
        cells, values=options.values, metric=said["metric"], monolingual=own.table["monolingual"] if own else None
    )
    notes = [*cells.notes, *_kind_notes(cells, reading, said["metric"]), *notes, *(own.notes if own else ())]
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
    bank = with_intervals(_assemble(reading, codes, {**said, "name": name}, {"import": imported}))
    return bank if options.covariates is None else attach_covariates(bank, options.covariates, options.rename)


def attach_covariates(bank: Bank, given: str | Path | pd.DataFrame, rename: Mapping[str, str] | None = None) -> Bank:
    """Add what is known of each language to a bank; what it had under the same name is replaced.

    Columns `updates`, `tokens_seen` and `n_masked` fill those of the bank's own table where it knows none, so that
    `Bank.confounds` uses them.

    Args:
        bank: The bank.
        given: See `language_files.read_covariates`.
        rename: Codes by label.

    Returns:
        A bank with them.

    Raises:
        UsageError: They cannot be read.
    """
    found = read_covariates(given, bank.languages, rename)
    kept = bank.covariates[[name for name in bank.covariates if name not in found.table]]
    covariates = pd.concat([kept, found.table], axis="columns")
    covariates.columns = pd.Index([str(name) for name in covariates])  # of one kind, as a file gives it back
    scores, notes = bank.scores.copy(), list(found.notes)
    for name, values in found.table.items():
        column = _ALSO_CALLED.get(str(name), str(name))
        if column in TRAINING and values.dtype != object and scores[column].isna().all():
            scores[column] = values
            notes += [f"The covariate {name!r} was taken for {column}."] if column != name else []
    source = {**found.source, "columns": [str(each) for each in found.table], "notes": notes}
    sources = [*bank.provenance.get("covariates", ()), source]
    provenance = {**bank.provenance, "covariates": sources}
    return dataclasses.replace(bank, covariates=covariates, scores=scores, provenance=provenance)


def _metric_and_protocol(cells: Cells, options: ImportOptions) -> tuple[dict[str, str], list[str]]:
    from bloodbank.settings import PROTOCOLS

    allowed: dict[str, tuple[str, ...]] = {"metric": tuple(METRICS), "protocol": PROTOCOLS}
    said: dict[str, str] = {}
    assumed = []
    for key, known in allowed.items():
        in_file = next((value for name, value in cells.constants.items() if name.casefold() == key), None)
        said[key] = getattr(options, key) or (in_file if in_file in known else _ASSUMED[key])
        if not getattr(options, key) and in_file not in known:
            assumed.append(f"{key} {said[key]}")
    if not assumed:
        return said, []
    return said, [f"Assumed, because the file does not say it: {listed(assumed)}. Options of these names change it."]


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
    # As JSON knows them; files beside the matrix stand under their own names
    beside = ("monolingual", "covariates", "name")
    given = {name: getattr(options, name) for name in options.given if name not in beside}
    return {
        name: {str(key): str(entry) for key, entry in value.items()} if isinstance(value, Mapping) else value
        for name, value in given.items()
    }


def _is_default(value: object, default: object) -> bool:
    return value is default or (isinstance(value, str) and value == default)


def _assemble(reading: Reading, codes: tuple[str, ...], said: Mapping[str, str], provenance: dict[str, Any]) -> Bank:
    mean, n_seeds, deviations = over_seeds(list(reading.by_seed.values()), codes)
    health = _unknown_health(mean.finetune)
    return Bank(
        name=said["name"],
        protocol=said["protocol"],
        metric=said["metric"],
        languages=codes,
        include_unhealthy=False,
        finetune_scores=mean.finetune,
        differences=mean.difference,
        log_ratios=mean.log_ratio,
        n_seeds=n_seeds,
        seed_deviations=deviations,
        scores=language_scores(
            mean.finetune,
            protocol=said["protocol"],
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

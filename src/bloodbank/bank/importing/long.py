"""A matrix as a long table: one row a cell, with a column for donor, recipient and value, and maybe more.

Reads a table that `bloodbank.bank.importing.files` read; writes nothing.

    columns = find_columns(table.header, LongOptions(value="mrr"))
    cells = read_long(table, columns, where={"task": "ner"})
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from bloodbank.bank.importing.cells import find_decimal, is_missing, to_numbers
from bloodbank.bank.importing.codes import check_distinct, check_rename, read_labels, resolve_codes
from bloodbank.bank.importing.files import RawTable
from bloodbank.bank.importing.wide import Cells
from bloodbank.bank.scores import matrix
from bloodbank.errors import UsageError
from bloodbank.wording import listed, plural, shown

_NAMES = {  # how the columns are called where the user does not say; the first that is there
    "donor": ("donor", "source", "src", "from", "source_language", "source_lang", "src_lang", "pretrain_lang"),
    "recipient": ("recipient", "target", "tgt", "to", "target_language", "target_lang", "tgt_lang", "finetune_lang"),
    "value": ("finetune_score", "f", "ratio", "value", "score"),
    "seed": ("seed", "replicate"),
}
_KINDS = {"finetune_score": "finetune", "f": "finetune", "ratio": "ratio"}
_MEASUREMENTS = {"protocol", "donor", "recipient", "seed", "metric", "value", "n_masked", "health_z"}


@dataclass(frozen=True)
class LongOptions:
    """Names of columns, where they are not the usual ones; and which rows to take."""

    donor: str | None = None
    recipient: str | None = None
    value: str | None = None
    seed: str | None = None
    where: Mapping[str, Any] = field(default_factory=dict)  #: values by column; rows with others are left out

    @property
    def given(self) -> list[str]:
        """The options that the user gave."""
        return [name for name in ("donor", "recipient", "value", "seed", "where") if getattr(self, name)]


def is_long(header: Sequence[str], options: LongOptions) -> bool:
    """Say whether a table has one row a cell: its columns were named, or donor and recipient have usual names."""
    known = {name.casefold() for name in header}
    return bool(options.given) or all(known & set(_NAMES[role]) for role in ("donor", "recipient"))


def find_columns(header: Sequence[str], options: LongOptions) -> dict[str, str]:
    """Find which column is which.

    Args:
        header: Names of all columns.
        options: Those that the user named.

    Returns:
        Names of the columns `donor`, `recipient`, `value`, and `seed` where there is one.

    Raises:
        UsageError: One cannot be found, or two are the same.
    """
    check_distinct(list(header), "Columns")
    if set(header) >= _MEASUREMENTS:
        raise UsageError(
            "This is a table of measurements: the score of every model, not a matrix. Open its run with "
            "bloodbank.open(FOLDER), or make a bank of the table with bloodbank.bank.build_bank."
        )
    found: dict[str, str] = {}
    for role, usual in _NAMES.items():
        asked = getattr(options, role)
        names = {name.casefold(): name for name in reversed(header)}
        if asked and asked not in header:
            raise UsageError(f"There is no column {shown(asked)} for the {role}. There are: {listed(header, 20)}.")
        name = asked or next((names[each] for each in usual if each in names), None)
        if name:
            found[role] = name
        elif role != "seed":
            raise UsageError(
                f"No column is called like a {role}. There are: {listed(header, 20)}. Say which it is with {role}=…."
            )
    check_distinct(list(found.values()), "Columns")
    return found


def read_long(
    table: RawTable,
    columns: Mapping[str, str],
    *,
    where: Mapping[str, Any] | None = None,
    rename: Mapping[str, str] | None = None,
    decimal: str | None = None,
) -> Cells:
    """Read a matrix that stands in its file with one row a cell.

    A row without a donor belongs to the recipient's own monolingual model: it is read as the diagonal.

    Args:
        table: What `read_table` gave.
        columns: What `find_columns` gave.
        where: Values by column; rows with other values are left out.
        rename: Codes by label, for labels that are no codes.
        decimal: "." or ","; by default as the numbers show.

    Returns:
        The cells, one matrix for each seed, languages in the order of their first row.

    Raises:
        UsageError: A label or a value cannot be used, or a cell has several values.
    """
    place_of = {name: place for place, name in enumerate(table.header)}
    rows, places = _filtered(table, place_of, where or {})

    def column(role: str) -> list[object]:
        return [row[place_of[columns[role]]] for row in rows]

    taking = read_labels(column("recipient"), places)
    donors = [taken if _is_blank(cell) else cell for cell, taken in zip(column("donor"), taking, strict=True)]
    giving = read_labels(donors, places)
    seeds, notes = _read_seeds(column("seed"), places) if "seed" in columns else ([None] * len(rows), [])
    further = [name for name in table.header if name not in columns.values()]
    _check_single(rows, places, list(zip(giving, taking, seeds, strict=True)), {n: place_of[n] for n in further})
    labels = list(dict.fromkeys([*giving, *taking]))
    codes = resolve_codes(labels, rename)
    sign = find_decimal(column("value"), decimal)
    values = to_numbers([[cell] for cell in column("value")], (places, [f"column {columns['value']}"]), sign)[:, 0]
    by_seed = _fill(giving, taking, seeds, values, dict(zip(labels, codes, strict=True)))
    constants, varying = _constants(rows, {name: place_of[name] for name in further})
    if varying:
        notes.append(f"Columns that were not used: {listed(varying)}.")
    kind = _KINDS.get(columns["value"].casefold(), "")
    return Cells(by_seed, sign, kind, (*notes, *check_rename(labels, rename)), (), constants)


def distinct_values(table: RawTable, name: str, where: Mapping[str, Any] | None = None) -> list[object]:
    """List the values of a column in the order in which they come, in the rows that `where` leaves.

    Raises:
        UsageError: There is no such column.
    """
    if name not in table.header:
        raise UsageError(f"There is no column {shown(name)}. There are: {listed(table.header, 20)}.")
    place = table.header.index(name)
    rows = _filtered(table, {name: at for at, name in enumerate(table.header)}, where)[0] if where else table.rows
    return list(dict.fromkeys(_plain(row[place]) for row in rows))


def _filtered(
    table: RawTable, place_of: Mapping[str, int], where: Mapping[str, Any]
) -> tuple[list[list[object]], list[str]]:
    kept = list(zip(table.rows, table.places, strict=True))
    for name, wanted in where.items():
        known = distinct_values(table, name)
        if str(_plain(wanted)) not in {str(value) for value in known}:
            raise UsageError(f"No row has {name} = {shown(wanted)}. There are: {listed(map(shown, known), 20)}.")
        kept = [(row, place) for row, place in kept if str(_plain(row[place_of[name]])) == str(_plain(wanted))]
    if not kept:
        asked = " and ".join(f"{name} = {shown(value)}" for name, value in where.items())
        raise UsageError(f"{table.path} has no row below its first line{f' with {asked}' if asked else ''}.")
    return [row for row, _ in kept], [place for _, place in kept]


def _plain(cell: object) -> object:
    # 1, 1.0, "1" and " 1" are one value of a dimension, whichever kind of file it came from
    value: Any = cell.item() if isinstance(cell, np.generic) else cell
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()


def _fill(
    giving: Sequence[str],
    taking: Sequence[str],
    seeds: Sequence[int | None],
    values: np.ndarray,
    codes: Mapping[str, str],
) -> dict[int | None, pd.DataFrame]:
    number = {label: n for n, label in enumerate(codes)}
    order = sorted(set(seeds), key=lambda seed: -1 if seed is None else seed)
    stack = np.full((len(order), len(codes), len(codes)), np.nan)  # [seed, donor, recipient]
    seed_places = [order.index(seed) for seed in seeds] if len(order) > 1 else [0] * len(seeds)
    stack[seed_places, [number[label] for label in giving], [number[label] for label in taking]] = values
    return {seed: matrix(cells, list(codes.values())) for seed, cells in zip(order, stack, strict=True)}


def _is_blank(cell: object) -> bool:
    return not cell.strip() if isinstance(cell, str) else is_missing(cell)


def _read_seeds(cells: Sequence[object], places: Sequence[str]) -> tuple[list[int | None], list[str]]:
    for cell, place in zip(cells, places, strict=True):
        if _is_blank(cell):
            raise UsageError(f"The seed is missing in {place}. Write it there, or name another column with seed=….")
    texts = [str(_plain(cell)) for cell in cells]
    if all(text.isascii() and text.isdigit() for text in texts):
        return [int(text) for text in texts], []
    number = {text: n for n, text in enumerate(sorted(set(texts)))}
    said = listed(f"{n} is {shown(text)}" for text, n in number.items())
    return [number[text] for text in texts], [f"Seeds are no whole numbers, and were numbered: {said}."]


def _check_single(
    rows: Sequence[list[object]], places: Sequence[str], keys: Sequence[tuple[Any, ...]], further: Mapping[str, int]
) -> None:
    """Refuse a cell with several values, and say in what its rows differ."""
    first: dict[tuple[Any, ...], int] = {}
    doubled: dict[tuple[Any, ...], list[int]] = {}
    for n, key in enumerate(keys):
        if key in first:
            doubled.setdefault(key, [first[key]]).append(n)
        first.setdefault(key, n)
    if not doubled:
        return
    (donor, recipient, seed), same = next(iter(doubled.items()))
    cell = f"{donor}→{recipient}" + (f" of seed {seed}" if seed is not None else "")
    message = (
        f"{plural(len(doubled), 'cell')} with several values; the first is {cell}, "
        f"{listed((places[n] for n in same), 4)}. "
    )
    differing = [
        name
        for name, at in further.items()
        if any(len({_plain(rows[n][at]) for n in ns}) > 1 for ns in doubled.values())
    ]
    if not differing:
        raise UsageError(f"{message}Nothing else tells these rows apart. Keep one row for each donor and recipient.")
    values = {name: list(dict.fromkeys(_plain(row[further[name]]) for row in rows)) for name in differing}
    told = "; ".join(f"{name}: {listed(values[name], 10)}" for name in differing)
    raise UsageError(
        f"{message}They differ in {told}. Choose with where={{{differing[0]!r}: {values[differing[0]][0]!r}}}, or make "
        f"a bank for each value with read_matrices(…, by={differing[0]!r}). If the column tells seeds apart, say "
        f"seed={differing[0]!r}."
    )


def _constants(rows: Sequence[list[object]], further: Mapping[str, int]) -> tuple[dict[str, str], list[str]]:
    constants, varying = {}, []
    for name, place in further.items():
        values = {_plain(row[place]) for row in rows}
        if len(values) > 1:
            varying.append(name)
        elif not is_missing(rows[0][place]):
            constants[name] = str(values.pop())
    return constants, varying

"""A matrix as a long table: one row a cell, with a column for donor, recipient and value, and maybe more.

columns = find_columns(table.header, {"value": "mrr"})
cells = read_long(table, columns, where={"task": "ner"})
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from bloodbank.bank.importing.cells import Cells, find_decimal, is_missing, to_numbers
from bloodbank.bank.importing.codes import check_distinct, check_rename, read_labels, resolve_codes
from bloodbank.bank.importing.files import RawTable
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


def is_long(header: Sequence[str]) -> bool:
    """Say whether a table has one row a cell: donor and recipient have usual names."""
    known = {name.casefold() for name in header}
    return all(known & set(_NAMES[role]) for role in ("donor", "recipient"))


def find_columns(header: Sequence[str], asked: Mapping[str, str]) -> dict[str, str]:
    """Find which column is which.

    Returns:
        Names of the columns `donor`, `recipient`, `value`, and `seed` where there is one.

    Raises:
        UsageError: One cannot be found, or two are the same.
    """
    check_distinct(header, "Columns")
    if set(header) >= _MEASUREMENTS:
        raise UsageError(
            "This is a table of measurements: the score of every model, not a matrix. Open its run with "
            "bloodbank.open(FOLDER), or make a bank of the table with bloodbank.bank.build_bank."
        )
    names = {name.casefold(): name for name in reversed(header)}
    columns: dict[str, str] = {}
    for role, usual in _NAMES.items():
        wanted = asked.get(role)
        if wanted and wanted not in header:
            raise UsageError(f"There is no column {shown(wanted)} for the {role}. There are: {listed(header, 20)}.")
        name = wanted or next((names[each] for each in usual if each in names), None)
        if name:
            columns[role] = name
        elif role != "seed":
            raise UsageError(
                f"No column is called like a {role}. There are: {listed(header, 20)}. Say which it is with {role}=…."
            )
    check_distinct(list(columns.values()), "Columns")
    return columns


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
    rows = _filtered(table, where or {})
    keys = pd.DataFrame({"recipient": read_labels(rows[columns["recipient"]])}, index=rows.index, dtype=object)
    donors = rows[columns["donor"]]
    keys.insert(0, "donor", read_labels(donors.where(~donors.map(_is_blank), keys["recipient"])))
    keys["seed"], notes = _read_seeds(rows[columns["seed"]]) if "seed" in columns else (None, [])
    further = rows.drop(columns=list(columns.values())).map(_plain)
    _check_single(keys, further)
    labels = list(dict.fromkeys([*keys["donor"], *keys["recipient"]]))
    codes = resolve_codes(labels, rename)
    values = rows[[columns["value"]]].rename(columns="column {}".format)
    sign = find_decimal(values.iloc[:, 0], decimal)
    keys["value"] = to_numbers(values, sign)[:, 0]
    varying = [name for name in further if len(set(further[name])) > 1]
    if varying:
        notes.append(f"Columns that were not used: {listed(varying)}.")
    return Cells(
        by_seed=_by_seed(keys, labels, codes),
        decimal=sign,
        kind_hint=_KINDS.get(columns["value"].casefold(), ""),
        notes=(*notes, *check_rename(labels, rename)),
        warnings=(),
        constants={
            str(name): value
            for name, value in further.iloc[0].items()
            if name not in varying and not is_missing(rows[name].iloc[0])
        },
    )


def distinct_values(table: RawTable, name: str, where: Mapping[str, Any] | None = None) -> list[str]:
    """List the values of a column in the order in which they come, in the rows that `where` leaves.

    Raises:
        UsageError: There is no such column.
    """
    if name not in table.header:
        raise UsageError(f"There is no column {shown(name)}. There are: {listed(table.header, 20)}.")
    rows = _filtered(table, where) if where else table.cells
    return list(dict.fromkeys(map(_plain, rows[name])))


def _filtered(table: RawTable, where: Mapping[str, Any]) -> pd.DataFrame:
    rows = table.cells
    for name, wanted in where.items():
        known = distinct_values(table, name)
        if _plain(wanted) not in known:
            raise UsageError(f"No row has {name} = {shown(wanted)}. There are: {listed(map(shown, known), 20)}.")
        rows = rows[rows[name].map(_plain) == _plain(wanted)]
    if rows.empty:
        asked = " and ".join(f"{name} = {shown(value)}" for name, value in where.items())
        raise UsageError(f"{table.path} has no row below its first line{f' with {asked}' if asked else ''}.")
    return rows


def _plain(cell: object) -> str:
    # 1, 1.0, "1" and " 1" are one value of a dimension, whichever kind of file it came from
    value: Any = cell.item() if isinstance(cell, np.generic) else cell
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()


def _is_blank(cell: object) -> bool:
    # "-" and "NA" are no blanks here: they may be codes
    return not cell.strip() if isinstance(cell, str) else is_missing(cell)


def _by_seed(keys: pd.DataFrame, labels: list[str], codes: list[str]) -> dict[int | None, pd.DataFrame]:
    by_seed: dict[int | None, pd.DataFrame] = {}
    for seed, rows in keys.groupby("seed", dropna=False):
        cells = rows.pivot_table(index="donor", columns="recipient", values="value", aggfunc="first")
        by_seed[None if pd.isna(seed) else int(str(seed))] = matrix(cells.reindex(index=labels, columns=labels), codes)
    return by_seed


def _read_seeds(cells: pd.Series[Any]) -> tuple[list[int], list[str]]:
    for place, cell in cells.items():
        if _is_blank(cell):
            raise UsageError(f"The seed is missing in {place}. Write it there, or name another column with seed=….")
    texts = [_plain(cell) for cell in cells]
    if all(text.isascii() and text.isdigit() for text in texts):
        return [int(text) for text in texts], []
    numbers = {text: number for number, text in enumerate(sorted(set(texts)))}
    meanings = listed(f"{number} is {shown(text)}" for text, number in numbers.items())
    return [numbers[text] for text in texts], [f"Seeds are no whole numbers, and were numbered: {meanings}."]


def _check_single(keys: pd.DataFrame, further: pd.DataFrame) -> None:
    """Refuse a cell with several values, and say in what its rows differ."""
    repeated = keys.duplicated(keep=False)
    if not repeated.any():
        return
    cells = keys.loc[repeated].groupby(list(keys), dropna=False, sort=False)
    places = next(iter(cells.groups.values()))
    donor, recipient, seed = keys.loc[places[0]]
    cell = f"{donor}→{recipient}" + ("" if pd.isna(seed) else f" of seed {seed}")
    message = f"{plural(cells.ngroups, 'cell')} with several values; the first is {cell}, {listed(places, 4)}. "
    of_cells = [further.loc[list(places)] for places in cells.groups.values()]
    differing = [str(name) for name in further if any(len(set(rows[name])) > 1 for rows in of_cells)]
    if not differing:
        raise UsageError(f"{message}Nothing else tells these rows apart. Keep one row for each donor and recipient.")
    values = {name: list(further[name].unique()) for name in differing}
    told = "; ".join(f"{name}: {listed(values[name], 10)}" for name in differing)
    raise UsageError(
        f"{message}They differ in {told}. Choose with where={{{differing[0]!r}: {values[differing[0]][0]!r}}}, or make "
        f"a bank for each value with read_matrices(…, by={differing[0]!r}). If the column tells seeds apart, say "
        f"seed={differing[0]!r}."
    )

"""A matrix as a table of its own: a row for each donor, a column for each recipient, or the other way round.

cells = read_wide(read_table(Path("matrix.csv")), donors="rows")
cells.by_seed[None].loc["fi", "de"]
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from bloodbank.bank.importing.cells import Cells, find_decimal, to_numbers
from bloodbank.bank.importing.codes import check_distinct, check_rename, read_labels, resolve_codes
from bloodbank.bank.importing.files import RawTable
from bloodbank.bank.scores import matrix
from bloodbank.errors import UsageError
from bloodbank.wording import listed, plural

OUR_CORNER = "donor\\recipient"  # what `matrix.csv` has in its first cell; its cells are F
_GIVING = ("donor", "donors", "source", "sources", "src")
_TAKING = ("recipient", "recipients", "target", "targets", "tgt")
_LONG_HINT = " If the file has one row a cell, name its columns: donor=…, recipient=…, value=…."


def read_wide(
    table: RawTable, *, donors: str, rename: Mapping[str, str] | None = None, decimal: str | None = None
) -> Cells:
    """Read a matrix that stands in its file as a matrix.

    Returns:
        The cells. Rows and columns are brought into one order, that of the donors; recipients that are no donors come
        after them.

    Raises:
        UsageError: A label or a cell cannot be used; the message names it.
    """
    cells, notes = _without_counter(table.cells)
    n_across = cells.shape[1] - 1
    if cells.empty or n_across < 1:
        raise UsageError(
            f"{table.path} has {plural(len(cells), 'row')} of {plural(max(n_across, 0), 'language')} below its "
            "first line. A matrix has a line of codes, and then a row for each language that begins with its code."
        )
    corner, *names = (str(name) for name in cells.columns)
    across = read_labels(pd.Series(names, index=[f"column {number}" for number in range(2, n_across + 2)]))
    down = read_labels(cells.iloc[:, 0])
    check_distinct(across, "Columns")
    check_distinct(down, "Rows", _LONG_HINT)
    labels = list(dict.fromkeys([*down, *across]))
    codes = dict(zip(labels, resolve_codes(labels, rename, _LONG_HINT), strict=True))
    values = cells.iloc[:, 1:]
    sign = find_decimal(values.to_numpy().ravel(), decimal)
    values = values.set_axis([f"row {label}" for label in down]).set_axis(
        [f"column {label}" for label in across], axis=1
    )
    given = pd.DataFrame(
        to_numbers(values, sign), index=[codes[label] for label in down], columns=[codes[label] for label in across]
    )
    square, shape_notes, warnings = _square(given.T if donors == "columns" else given)
    return Cells(
        by_seed={None: square},
        decimal=sign,
        kind_hint="finetune" if corner == OUR_CORNER and np.isnan(np.diag(square)).all() else "",
        notes=(*notes, *check_rename(labels, rename), *shape_notes),
        warnings=(*_corner_warnings(corner, donors), *warnings),
        constants={},
    )


def _without_counter(cells: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Drop a first column that only counts rows, as a data frame has it that was saved twice."""
    counts, n = [str(cell).strip() for cell in cells.iloc[:, 0]], len(cells)
    counted = counts in ([str(i) for i in range(n)], [str(i) for i in range(1, n + 1)])
    if n and counted and not str(cells.columns[0]).isdigit() and cells.shape[1] > 2:
        return cells.iloc[:, 1:], ["The first column only counts the rows, and was left out."]
    return cells, []


def _square(given: pd.DataFrame) -> tuple[pd.DataFrame, list[str], list[str]]:
    donors, recipients = list(given.index), list(given.columns)
    order = list(dict.fromkeys([*donors, *recipients]))
    notes, warnings = [], []
    if set(donors) != set(recipients):
        only_give = [code for code in donors if code not in set(recipients)]
        only_take = order[len(donors) :]
        sides = [f"{listed(codes)} {verb} only" for verb, codes in (("give", only_give), ("take", only_take)) if codes]
        warnings.append(
            f"The matrix is not square: {len(donors)} donors by {len(recipients)} recipients ({'; '.join(sides)}). "
            f"The bank has all {len(order)} languages, with the other cells missing."
        )
    elif donors != recipients:
        notes.append("Rows and columns stand in different orders: columns were brought into the order of the rows.")
    return matrix(given.reindex(index=order, columns=order), order), notes, warnings


def _corner_warnings(corner: str, donors: str) -> list[str]:
    # "target" over the rows speaks for recipients in rows; "source\target" and other names say nothing more
    word = corner.casefold().replace("\\", " ").replace("/", " ").split(" ")[0]
    if word not in (_TAKING if donors == "rows" else _GIVING):
        return []
    other = "columns" if donors == "rows" else "rows"
    return [
        f"The first cell says {corner!r}, but {donors} were read as donors. If they are not, give donors={other!r}."
    ]

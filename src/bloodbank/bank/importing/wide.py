"""A matrix as a table of its own: a row for each donor, a column for each recipient, or the other way round.

Reads a table that `bloodbank.bank.importing.files` read; writes nothing.

    wide = read_wide(read_table(Path("matrix.csv")), donors="rows")
    wide.cells.loc["fi", "de"]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bloodbank.bank.importing.cells import find_decimal, to_numbers
from bloodbank.bank.importing.codes import check_distinct, check_rename, read_labels, resolve_codes
from bloodbank.bank.importing.files import RawTable
from bloodbank.bank.scores import matrix
from bloodbank.errors import UsageError
from bloodbank.wording import listed, plural

OUR_CORNER = "donor\\recipient"  # what `matrix.csv` has in its first cell; its cells are F
_GIVING = ("donor", "donors", "source", "sources", "src")
_TAKING = ("recipient", "recipients", "target", "targets", "tgt")
_LONG_HINT = " If the file has one row a cell, name its columns: donor=…, recipient=…, value=…."


@dataclass(frozen=True)
class Cells:
    """Cells as a file has them: ratios, F or scores, whichever they are.

    Shape:
        `by_seed`: square matrices `[donor, recipient]` over all languages, the diagonal as the file has it.
    """

    by_seed: Mapping[int | None, pd.DataFrame]  #: one entry under None where seeds are not known
    decimal: str
    kind_hint: str  #: "finetune" or "ratio" where a name in the file says so, else ""
    notes: tuple[str, ...]
    warnings: tuple[str, ...]
    constants: Mapping[str, str]  #: columns of a long file that hold one value


def read_wide(
    table: RawTable, *, donors: str, rename: Mapping[str, str] | None = None, decimal: str | None = None
) -> Cells:
    """Read a matrix that stands in its file as a matrix.

    Args:
        table: What `read_table` gave.
        donors: "rows" or "columns": where the donors stand.
        rename: Codes by label, for labels that are no codes.
        decimal: "." or ","; by default as the numbers show.

    Returns:
        The cells. Rows and columns are brought into one order, that of the donors; recipients that are no donors come
        after them.

    Raises:
        UsageError: A label or a cell cannot be used; the message names it.
    """
    header, rows, notes = _without_counter(table)
    if not rows or len(header) < 2:
        raise UsageError(
            f"{table.path} has {plural(len(rows), 'row')} of {plural(max(len(header) - 1, 0), 'language')} below its "
            "first line. A matrix has a line of codes, and then a row for each language that begins with its code."
        )
    places = [f"column {number}" for number in range(2, len(header) + 1)]
    across = read_labels(header[1:], places)
    down = read_labels([row[0] for row in rows], table.places)
    check_distinct(across, "Columns")
    check_distinct(down, "Rows", _LONG_HINT)
    labels = list(dict.fromkeys([*down, *across]))
    codes = dict(zip(labels, resolve_codes(labels, rename, _LONG_HINT), strict=True))
    values = [row[1:] for row in rows]
    sign = find_decimal((cell for row in values for cell in row), decimal)
    names = [f"row {label}" for label in down], [f"column {label}" for label in across]
    given = pd.DataFrame(
        to_numbers(values, names, sign),
        index=[codes[label] for label in down],
        columns=[codes[label] for label in across],
    )
    given = given.T if donors == "columns" else given
    square, shape_notes, warnings = _square(given)
    return Cells(
        by_seed={None: square},
        decimal=sign,
        kind_hint="finetune" if header[0].strip() == OUR_CORNER and np.isnan(np.diag(square)).all() else "",
        notes=(*notes, *check_rename(labels, rename), *shape_notes),
        warnings=(*_corner_warnings(header[0], donors), *warnings),
        constants={},
    )


def _without_counter(table: RawTable) -> tuple[list[str], list[list[object]], list[str]]:
    """Drop a first column that only counts rows, as a data frame has it that was saved twice."""
    counts = [str(row[0]).strip() for row in table.rows]
    counted = counts in ([str(i) for i in range(len(counts))], [str(i) for i in range(1, len(counts) + 1)])
    if counts and counted and not table.header[0].strip().isdigit() and len(table.header) > 2:
        return (
            list(table.header[1:]),
            [row[1:] for row in table.rows],
            ["The first column only counts the rows, and was left out."],
        )
    return list(table.header), table.rows, []


def _square(given: pd.DataFrame) -> tuple[pd.DataFrame, list[str], list[str]]:
    donors, recipients = list(given.index), list(given.columns)
    order = [*donors, *(code for code in recipients if code not in set(donors))]
    notes, warnings = [], []
    if set(donors) != set(recipients):
        only_give = [code for code in donors if code not in set(recipients)]
        only_take = order[len(donors) :]
        sides = [f"{listed(codes)} {verb} only" for codes, verb in ((only_give, "give"), (only_take, "take")) if codes]
        warnings.append(
            f"The matrix is not square: {len(donors)} donors by {len(recipients)} recipients ({'; '.join(sides)}). "
            f"The bank has all {len(order)} languages, with the other cells missing."
        )
    elif donors != recipients:
        notes.append("Rows and columns stand in different orders: columns were brought into the order of the rows.")
    cells = given.reindex(index=order, columns=order).to_numpy(dtype=float)
    return matrix(np.array(cells), order), notes, warnings


def _corner_warnings(corner: str, donors: str) -> list[str]:
    # "target" over the rows speaks for recipients in rows; "source\target" and other names say nothing more
    word = corner.strip().casefold().replace("\\", " ").replace("/", " ").split(" ")[0]
    if word in (_TAKING if donors == "rows" else _GIVING):
        other = "columns" if donors == "rows" else "rows"
        return [
            f"The first cell says {corner.strip()!r}, but {donors} were read as donors. If they are not, give "
            f"donors={other!r}."
        ]
    return []

"""What all donors give to each recipient, its nearest relatives marked.

relatives_figure(relatives(bank, features), "22 languages; protocol sequential")
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bloodbank.analysis.relatives import CELLS, WORDS, Relatives
from bloodbank.bank.scores import number
from bloodbank.canvas import BLUE, RED, add_legend, long_label, name_rows, settle, sheet, span, style_axes
from bloodbank.typology.relations import FAMILY, TYPOLOGY
from bloodbank.wording import plural

MAX_ROWS = 60  # recipients; beyond, the 60 whose relatives stand highest and lowest
_WIDTH = 6.8  # inches
_LOOKS = {FAMILY: (BLUE, "D", -0.13), TYPOLOGY: (RED, "^", 0.13)}  # colour, marker, rows below the recipient's own


def relatives_figure(result: Relatives, subtitle: str) -> Figure:
    """Draw F of all donors, a row for each recipient.

    Args:
        result: What `relatives` found.
        subtitle: What stands under the title.

    Returns:
        A figure with the axes "relatives": F in percent to the right, recipients from the one whose nearest relative
        by family tree stands highest among its donors down to those without one.
    """
    rows = _rows(result)
    row = 0.23 if len(rows) <= 30 else 0.16  # inches
    notes = [subtitle, *_notes(result, rows)]
    figure = sheet("do relatives give most?", notes, (_WIDTH, row * max(len(rows), 4) + 1.0))
    axes = figure.add_subplot()
    style_axes(axes, "relatives", x="F in percent (> 0: the donor helps)", grid="y")
    name_rows(axes, [long_label(code) for code in rows])
    cells = 100 * result.cells
    axes.set_xlim(*span(cells.to_numpy(), margin=0.04))
    axes.axvline(0, color="0.35", linewidth=0.9, zorder=1)
    look: dict[str, Any] = {"linestyle": "none", "markeredgewidth": 0}
    for place, recipient in enumerate(rows):
        given = cells[recipient].dropna()
        axes.plot(given, np.full(len(given), place), marker="o", markersize=3, color="0.7", zorder=2, **look)
    for kind, (colour, marker, below) in _LOOKS.items():
        own = result.table[(result.table["kind"] == kind) & result.table["recipient"].isin(rows)]
        for recipient, donors in own[["recipient", "relatives"]].itertuples(index=False):
            at = np.full(len(donors), rows.index(recipient) + below)
            size = 6.0 if len(donors) == 1 else 4.0
            axes.plot(cells.loc[list(donors), recipient], at, marker=marker, color=colour, markersize=size, **look)
    add_legend(figure, _legend_entries(result))
    return settle(figure)


def relatives_caption(result: Relatives) -> str:
    """Write the caption of `relatives_figure`.

    Args:
        result: What was drawn.

    Returns:
        A caption that stands alone.
    """
    rows = _rows(result)
    marked = [
        f"{'blue diamonds' if kind == FAMILY else 'orange triangles'}: the donor that is {WORDS[kind]} "
        f"({plural(int(number(result.tests, (kind, CELLS), 'n')), 'recipient')})"
        for kind in _kinds(result)
    ]
    marks = "; ".join(marked) or "no relative is known"
    return (
        f"What every donor gives to each of {plural(len(rows), 'recipient')}: a point is F, to the right, in percent "
        f"of the recipient's monolingual score; right of zero the donor helps. {marks[0].upper()}{marks[1:]}. Small "
        "signs: several donors are equally near. From the top: recipients whose nearest relative by family tree stands "
        "highest among their donors, then those without one."
    )


def _rows(result: Relatives) -> list[str]:
    """Order the recipients with a measured donor, and cut the middle where they are many."""
    own = result.table[result.table["kind"] == FAMILY].set_index("recipient")["place"]
    codes = [str(code) for code in result.cells if result.cells[code].notna().any()]
    codes.sort(key=lambda code: (-float(own.get(code, -1.0)), code))
    return codes if len(codes) <= MAX_ROWS else codes[: MAX_ROWS // 2] + codes[-MAX_ROWS // 2 :]


def _notes(result: Relatives, rows: list[str]) -> list[str]:
    n_left = int(result.cells.notna().any().sum()) - len(rows)
    return [f"{plural(n_left, 'recipient')} in the middle not drawn"] if n_left else []


def _kinds(result: Relatives) -> list[str]:
    return [kind for kind in _LOOKS if (result.table["kind"] == kind).any()]


def _legend_entries(result: Relatives) -> list[tuple[Any, str]]:
    entries: list[tuple[Any, str]] = [(Line2D([], [], linestyle="none", marker="o", color="0.7"), "a donor")]
    for kind in _kinds(result):
        colour, marker, _ = _LOOKS[kind]
        entries.append((Line2D([], [], linestyle="none", marker=marker, color=colour), WORDS[kind]))
    return entries

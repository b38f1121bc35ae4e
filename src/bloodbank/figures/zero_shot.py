"""Zero-shot scores beside F: their matrix, and how far each recipient's donors come in the same order."""

from __future__ import annotations

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from bloodbank.analysis.zero_shot import MIN_DONORS, ZeroShotBeside
from bloodbank.bank.measurements import METRICS
from bloodbank.bank.scripts import NOT_COMPARABLE
from bloodbank.canvas import (
    BLUE,
    LABEL_SIZE,
    MINUS,
    ink,
    name_cells,
    name_rows,
    paint,
    settle,
    sheet,
    style_axes,
    write_cell,
)
from bloodbank.wording import listed, percent

MAX_NUMBERED = 34  # languages; beyond, numbers in cells would be smaller than 5 points
_COLOURS = "viridis"  # a score that only falls needs no middle


def zero_shot_figure(result: ZeroShotBeside, subtitle: str) -> Figure:
    """Draw the matrix of zero-shot scores, and each recipient's rank correlation of donors with F.

    Args:
        result: What is drawn; it has a pair to be compared.
        subtitle: What the bank is, as in the other figures.

    Returns:
        A figure with the axes "zero_shot" and "agreement".
    """
    codes, alone = _comparable(result)
    cells = 100 * result.zero_shot.loc[codes, codes].to_numpy(dtype=float)
    side = float(np.clip(0.42 * len(codes), 2.4, 8.0))
    notes = [subtitle, "left: M_s scored on t, relative to M_t, in percent"]
    if np.isnan(cells[~np.eye(len(codes), dtype=bool)]).any():
        notes.append(f"hatched: {NOT_COMPARABLE}, or not measured")
    if alone:
        notes.append(f"not drawn, for want of a language of their script: {listed(alone)}")
    figure = sheet("zero-shot scores beside F", notes, (side + 4.0, side + 0.9), name=result.bank)
    left, right = figure.subplots(1, 2, width_ratios=(side, 2.6))
    _draw_cells(left, cells, codes, 72 * side / len(codes))
    style_axes(right, "agreement", x="rank correlation of donors with F", grid="both")
    name_rows(right, codes)
    right.axvline(0, color="0.35", linewidth=0.9, zorder=1)
    values = result.recipients.set_index("recipient").loc[codes, "rank_correlation"]
    right.plot(values, range(len(codes)), linestyle="none", marker="o", color=BLUE, zorder=3)
    right.set_xlim(-1.08, 1.08)
    return settle(figure)


def _comparable(result: ZeroShotBeside) -> tuple[list[str], list[str]]:
    """Tell the languages that have a pair to be compared from those that have none."""
    known = result.zero_shot.notna()
    has = known.any(axis="index") | known.any(axis="columns")
    return [str(code) for code in has.index[has]], [str(code) for code in has.index[~has]]


def _draw_cells(axes: Axes, cells: np.ndarray, codes: list[str], cell_points: float) -> None:
    known = cells[~np.isnan(cells)]
    norm = Normalize(*((known.min(), known.max()) if known.size and np.ptp(known) else (-1, 1)))
    colours, size = colormaps[_COLOURS], float(np.clip(0.3 * cell_points, 4.5, 9.0))
    paint(axes, cells, norm, colours, "zero_shot")
    upright = max(map(len, codes)) * 0.65 * size > cell_points
    name_cells(axes, codes, codes, size, upright=upright)
    axes.set_xlabel("recipient t", size=LABEL_SIZE)
    axes.set_ylabel("donor s", size=LABEL_SIZE)
    for row, column in np.ndindex(cells.shape):
        value = float(cells[row, column])
        if row == column:
            axes.add_patch(Rectangle((row, row), 1, 1, facecolor="white", edgecolor="none"))
        elif not np.isnan(value) and len(codes) <= MAX_NUMBERED:
            text, colour = percent(value / 100, minus=MINUS), ink(colours(float(norm(value))))
            write_cell(axes, row, column, text, color=colour, size=size)


def zero_shot_caption(result: ZeroShotBeside) -> str:
    """Write a caption that stands alone.

    Args:
        result: What was drawn.
    """
    return (
        f"Left: zero-shot scores of bank {result.bank}: the donor's own model s (rows) scored on the recipient t "
        f"(columns) by {METRICS[result.metric].label}, relative to the recipient's own model, in percent; higher is "
        "better, 0 would be as good as M_t. Pairs of different scripts are hatched. Right: Spearman's correlation "
        f"between these scores and F ({result.protocol}) over the donors of each recipient, where {MIN_DONORS} or more "
        "are of its script."
    )

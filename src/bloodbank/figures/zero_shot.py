"""Zero-shot scores beside F: their matrix, and how far each recipient's donors come in the same order."""

from __future__ import annotations

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from bloodbank.analysis.zero_shot import MIN_DONORS, ZeroShotBeside
from bloodbank.bank.measurements import METRICS
from bloodbank.bank.scripts import WHY_NOT
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
from bloodbank.wording import percent

MAX_NUMBERED = 34  # languages; beyond, numbers in cells would be smaller than 5 points
_COLOURS = "viridis"  # a score that only falls needs no middle


def zero_shot_figure(result: ZeroShotBeside, subtitle: str) -> Figure:
    """Draw the matrix of zero-shot scores, and each recipient's rank correlation of donors with F.

    Args:
        result: What is drawn.
        subtitle: What the bank is, as in the other figures.

    Returns:
        A figure with the axes "zero_shot" and "agreement".
    """
    codes = list(result.zero_shot.index)
    cells, n = 100 * result.zero_shot.to_numpy(dtype=float), len(codes)
    side = float(np.clip(0.42 * n, 2.4, 8.0))
    notes = [subtitle, "left: M_s scored on t, relative to M_t, in percent", f"hatched: {WHY_NOT}"]
    figure = sheet("zero-shot scores beside F", notes, (side + 4.0, side + 0.9), name=result.bank)
    left, right = figure.subplots(1, 2, width_ratios=(side, 2.6))
    known = cells[~np.isnan(cells)]
    norm = Normalize(*((known.min(), known.max()) if known.size and np.ptp(known) else (-1, 1)))
    paint(left, cells, norm, colormaps[_COLOURS], "zero_shot")
    size = float(np.clip(side / n * 72 * 0.3, 4.5, 9.0))
    name_cells(left, codes, codes, size, upright=max(map(len, codes)) * size > 110 * side / n)
    left.set_xlabel("recipient t", size=LABEL_SIZE)
    left.set_ylabel("donor s", size=LABEL_SIZE)
    for row, column in np.argwhere(~np.isnan(cells)) if n <= MAX_NUMBERED else ():
        value = float(cells[row, column])
        colour = ink(colormaps[_COLOURS](float(norm(value))))
        write_cell(left, row, column, percent(value / 100, minus=MINUS), color=colour, size=size)
    style_axes(right, "agreement", x="rank correlation of donors with F", grid="both")
    name_rows(right, codes)
    right.axvline(0, color="0.35", linewidth=0.9, zorder=1)
    right.plot(result.recipients["rank_correlation"], range(n), linestyle="none", marker="o", color=BLUE, zorder=3)
    right.set_xlim(-1.08, 1.08)
    return settle(figure)


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

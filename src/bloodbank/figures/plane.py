"""Every language in the plane of recipience and donation, whose quadrants are the blood types (figure 3)."""

from __future__ import annotations

from typing import cast

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from bloodbank.bank.bank import Bank
from bloodbank.bank.measurements import ZERO_SHOT
from bloodbank.bank.scores import BLOOD_TYPES, much_foreign
from bloodbank.bank.sentences import subtitle
from bloodbank.canvas import MARGIN, TEXT_SIZE, add_axes, draw_heading, heading_height, heading_lines, new_figure
from bloodbank.experiment.settings import FOREIGN_LIMIT
from bloodbank.figures.labels import MARKER, place_labels
from bloodbank.wording import language_name

MAX_NAMED = 26  # languages; beyond, labels are codes
#: Okabe and Ito's colours, told apart with any common colour blindness, and a shape for each besides, by blood type.
STYLES = {"O": ("#0072B2", "o"), "A": ("#009E73", "s"), "AB+": ("#D55E00", "^"), "none": ("#555555", "D")}
_RING = 10.5  # points across: outside of every marker
_LEGEND = 0.24  # inches below the axes
_CORNERS = {"O": (0, 1), "A": (1, 1), "AB+": (1, 0), "none": (0, 0)}  # of the axes: recipience, donation


def plane_figure(bank: Bank) -> Figure:
    """Build the figure; `bloodbank.figures.run_figures.draw_plane` writes it.

    Args:
        bank: What is drawn.

    Returns:
        A figure with the axes "plane": recipience R to the right, donation D upwards; positive is a gain.

    Source:
        Figure 3.
    """
    known = bank.scores.dropna(subset=["donation", "recipience"])
    n = len(known)
    side = float(np.clip(4.6 + 0.08 * n, 5.0, 9.0))
    width = side + 1.2
    lines = heading_lines(width, subtitle(bank), *_notes(bank, known))
    top = heading_height(lines) + 0.12
    ringed = known[much_foreign(bank.covariates)[known.index]]
    figure = new_figure(width, top + 0.82 * side + 0.65 + (_LEGEND if len(ringed) else 0))
    draw_heading(figure, "who gives and who receives", lines, name=bank.name)
    axes = add_axes(figure, (0.85, top), (width - 0.85 - MARGIN, 0.82 * side))
    axes.set_label("plane")
    _draw_frame(axes, known, _half_widths(bank, known))
    obstacles = [] if bank.protocol == ZERO_SHOT else _draw_quadrants(axes)
    _draw_bars(axes, bank, known)
    _draw_points(axes, known)
    if len(ringed):
        _draw_rings(axes, ringed)
    names = [language_name(str(code)) if n <= MAX_NAMED else str(code) for code in known.index]
    points = list(zip(known["recipience"].astype(float), known["donation"].astype(float), strict=True))
    place_labels(axes, points, names, obstacles, marker=_RING / 2 + 1 if len(ringed) else MARKER)
    return figure


def _notes(bank: Bank, known: pd.DataFrame) -> list[str]:
    notes = []
    absent = [code for code in bank.languages if code not in known.index]
    if absent:
        notes.append(f"not drawn, for want of a measured cell: {', '.join(absent)}")
    if not (known["donation_complete"] & known["recipience_complete"]).all():
        notes.append("hollow: cells missing, the sum is (n - 1) times the mean of those measured")
    if bank.intervals is not None and bank.intervals.half_widths("donation").notna().any():
        notes.append(f"bars: {bank.intervals.level:.0%} intervals of measurement, not of the choice of text")
    if bank.protocol == ZERO_SHOT:
        notes.append("no blood types for zero_shot")
    return notes


def _draw_frame(axes: Axes, known: pd.DataFrame, widths: pd.DataFrame) -> None:
    axes.set_xlim(*_limits(known["recipience"], widths["recipience"]))
    axes.set_ylim(*_limits(known["donation"], widths["donation"]))
    axes.set_autoscale_on(False)
    axes.axhline(0, color="0.45", linewidth=0.9, zorder=1)
    axes.axvline(0, color="0.45", linewidth=0.9, zorder=1)
    axes.grid(visible=True, color="0.92", linewidth=0.6, zorder=0)
    axes.set_axisbelow(True)
    axes.set_xlabel("recipience R: sum of F over donors (no unit; > 0: gains)", size=TEXT_SIZE + 0.5)
    axes.set_ylabel("donation D: sum of F over recipients (no unit; > 0: helps)", size=TEXT_SIZE + 0.5)
    axes.tick_params(labelsize=TEXT_SIZE)
    for name in ("top", "right"):
        axes.spines[name].set_visible(False)


def _half_widths(bank: Bank, known: pd.DataFrame) -> pd.DataFrame:
    """Half widths of the intervals of R and D; zero where nothing is known of the error."""
    table = pd.DataFrame(0.0, index=known.index, columns=["recipience", "donation"])
    if bank.intervals is not None:
        for score in table:
            table[score] = bank.intervals.half_widths(str(score)).reindex(known.index).fillna(0.0)
    return table


def _limits(score: pd.Series[float], widths: pd.Series[float]) -> tuple[float, float]:
    """Span zero, all points and, unless they are far longer, all bars, with room for every quadrant's name."""
    low, high = min(0.0, float(score.min())), max(0.0, float(score.max()))
    if not high > low:  # no language, or all at zero
        return -1.0, 1.0
    span = high - low
    low, high = (max(low - span, min(low, float((score - widths).min()))),
                 min(high + span, max(high, float((score + widths).max()))))  # fmt: skip
    return min(low - 0.14 * span, -0.3 * span), max(high + 0.14 * span, 0.3 * span)


def _draw_quadrants(axes: Axes) -> list[Text]:
    """Name the quadrants in the corners; the names are obstacles to labels."""
    texts: list[Text] = []
    for blood_type in BLOOD_TYPES:
        x, y = _CORNERS[blood_type]
        colour, _ = STYLES[blood_type]
        signs = f"D {'>' if y else '<'} 0, R {'>' if x else '<'} 0"
        name = "None" if blood_type == "none" else blood_type
        text = axes.annotate(
            f"{name}\n{signs}",
            (x, y),
            xycoords="axes fraction",
            xytext=(4 - 8 * x, 4 - 8 * y),
            textcoords="offset points",
            ha="right" if x else "left",
            va="top" if y else "bottom",
            size=TEXT_SIZE,
            style="italic",
            color=colour,
        )
        texts.append(text)
    return texts


def _draw_bars(axes: Axes, bank: Bank, known: pd.DataFrame) -> None:
    """Draw the measurement intervals of R and D; they may leave the axes where they are wider than all points."""
    widths = _half_widths(bank, known)
    axes.errorbar(
        known["recipience"].to_numpy(dtype=float),
        known["donation"].to_numpy(dtype=float),
        xerr=widths["recipience"].to_numpy(dtype=float),
        yerr=widths["donation"].to_numpy(dtype=float),
        fmt="none",
        ecolor="0.6",
        elinewidth=0.9,
        zorder=2,
    )


def _draw_rings(axes: Axes, members: pd.DataFrame) -> None:
    """Ring points whose place may come from foreign text, and say so below the axes."""
    figure = cast(Figure, axes.figure)
    width, height = figure.get_size_inches()
    (rings,) = axes.plot(
        members["recipience"].to_numpy(dtype=float),
        members["donation"].to_numpy(dtype=float),
        linestyle="none",
        marker="o",
        markersize=_RING,
        markeredgecolor="black",
        markerfacecolor="none",
        zorder=3,
    )
    figure.legend(
        [rings],
        [f"ringed: more than {FOREIGN_LIMIT:.0%} of the characters of its training text are in other languages"],
        loc="lower left",
        bbox_to_anchor=(MARGIN / width, MARGIN / height),
        frameon=False,
        fontsize=TEXT_SIZE - 0.5,
        borderpad=0,
        borderaxespad=0,
    )


def _draw_points(axes: Axes, known: pd.DataFrame) -> None:
    types = known["blood_type"].fillna("")  # "" where none is given
    complete = known["donation_complete"] & known["recipience_complete"]
    for blood_type, (colour, marker) in {**STYLES, "": ("0.3", "o")}.items():
        for whole in (True, False):
            members = known[(types == blood_type) & (complete == whole)]
            axes.plot(
                members["recipience"].to_numpy(dtype=float),
                members["donation"].to_numpy(dtype=float),
                linestyle="none",
                marker=marker,
                markersize=6,
                markeredgecolor=colour,
                markerfacecolor=colour if whole else "white",
                zorder=3,
            )

"""Every language in the plane of recipience and donation, whose quadrants are the blood types (figure 3)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.text import Text

from bloodbank.bank.bank import Bank
from bloodbank.bank.covariates import much_foreign
from bloodbank.bank.measurements import ZERO_SHOT
from bloodbank.bank.scores import BLOOD_TYPES
from bloodbank.bank.sentences import n_pairs, subtitle
from bloodbank.canvas import BLUE, DARK, GREEN, RED, TEXT_SIZE, add_legend, settle, sheet, span, style_axes
from bloodbank.experiment.settings import FOREIGN_LIMIT
from bloodbank.figures.labels import MARKER, place_labels
from bloodbank.wording import language_name

MAX_NAMED = 26  # languages; beyond, labels are codes
#: Colour and, besides, a shape for each blood type.
STYLES = {"O": (BLUE, "o"), "A": (GREEN, "s"), "AB+": (RED, "^"), "none": (DARK, "D")}
_RING = 10.5  # points across: outside of every marker
_CORNERS = {"O": (0, 1), "A": (1, 1), "AB+": (1, 0), "none": (0, 0)}  # of the axes: recipience, donation


def plane_figure(bank: Bank) -> Figure:
    """Draw every language with its D and R.

    Args:
        bank: What is drawn.

    Returns:
        A figure with the axes "plane": recipience R to the right, donation D upwards; positive is a gain.

    Source:
        Figure 3.
    """
    known = bank.scores.dropna(subset=["donation", "recipience"])
    n, widths = len(known), _half_widths(bank, known)
    ringed = known[much_foreign(bank.covariates)[known.index]]
    side = float(np.clip(4.6 + 0.08 * n, 5.0, 9.0))
    size = (side + 1.2, 0.82 * side + (0.9 if len(ringed) else 0.6))
    figure = sheet("who gives and who receives", [subtitle(bank), *_notes(bank, known)], size, name=bank.name)
    axes = figure.add_subplot()
    style_axes(
        axes,
        "plane",
        x="recipience R: sum of F over donors (no unit; > 0: gains)",
        y="donation D: sum of F over recipients (no unit; > 0: helps)",
    )
    axes.set(xlim=_limits(known["recipience"], widths["recipience"]))
    axes.set(ylim=_limits(known["donation"], widths["donation"]), autoscale_on=False)
    axes.axhline(0, color="0.45", linewidth=0.9, zorder=1)
    axes.axvline(0, color="0.45", linewidth=0.9, zorder=1)
    obstacles = [] if bank.protocol == ZERO_SHOT else _draw_quadrants(axes)
    at = known["recipience"].to_numpy(dtype=float), known["donation"].to_numpy(dtype=float)
    bars: dict[str, Any] = {"xerr": widths["recipience"], "yerr": widths["donation"]}
    axes.errorbar(*at, fmt="none", ecolor="0.6", elinewidth=0.9, zorder=2, **bars)
    _draw_languages(axes, known)
    if len(ringed):
        look = {"marker": "o", "markersize": _RING, "markeredgecolor": "black", "markerfacecolor": "none"}
        rings = _draw_points(axes, ringed, look)
        text = f"ringed: more than {FOREIGN_LIMIT:.0%} of the characters of its training text are in other languages"
        add_legend(figure, [(rings, text)])
    names = [language_name(str(code)) if n <= MAX_NAMED else str(code) for code in known.index]
    place_labels(axes, list(zip(*at, strict=True)), names, obstacles, marker=_RING / 2 + 1 if len(ringed) else MARKER)
    return settle(figure)


def plane_caption(bank: Bank) -> str:
    """Describe the plane of R and D so that it stands alone.

    Args:
        bank: The bank.

    Source:
        Figure 3.
    """
    n_measured = int(bank.finetune_scores.notna().to_numpy().sum())
    many = f" Ringed: more than {FOREIGN_LIMIT:.0%} of the characters of the training text are in other languages."
    rings = many if much_foreign(bank.covariates).any() else ""
    bars = " Bars are measurement intervals." if bank.intervals is not None and bank.intervals.knows_error else ""
    whole = "all" if n_measured == n_pairs(bank) else f"{n_measured} of"
    return (
        f"Each language of bank {bank.name} by what it takes (recipience R, to the right) and gives (donation D, "
        f"upwards): sums of F over the other {len(bank.languages) - 1} languages, without a unit; positive is a gain. "
        "The quadrants are the blood types: O gives only, AB+ takes only, A does both, none neither."
        f"{bars}{rings} From {whole} {n_pairs(bank)} ordered pairs. As figure 3 of Malkin et al. (2022)."
    )


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


def _half_widths(bank: Bank, known: pd.DataFrame) -> pd.DataFrame:
    """Half widths of the intervals of R and D; zero where nothing is known of the error."""
    table = pd.DataFrame(0.0, index=known.index, columns=["recipience", "donation"])
    if bank.intervals is not None:
        for score in table:
            table[score] = bank.intervals.half_widths(str(score)).reindex(known.index).fillna(0.0)
    return table


def _limits(score: pd.Series[float], widths: pd.Series[float]) -> tuple[float, float]:
    """Span points and bars, with room for every quadrant's name."""
    first, last = span(score, margin=0)
    if not last > first:  # no language, or all at zero
        return -1.0, 1.0
    low, high = span(score, [*(score - widths), *(score + widths)], margin=0)
    room = last - first
    return min(low - 0.14 * room, -0.3 * room), max(high + 0.14 * room, 0.3 * room)


def _draw_quadrants(axes: Axes) -> list[Text]:
    """Name the quadrants in the corners; the names are obstacles to labels."""
    texts: list[Text] = []
    for blood_type in BLOOD_TYPES:
        x, y = _CORNERS[blood_type]
        name = "None" if blood_type == "none" else blood_type
        text = axes.annotate(
            f"{name}\nD {'>' if y else '<'} 0, R {'>' if x else '<'} 0",
            (x, y),
            xycoords="axes fraction",
            xytext=(4 - 8 * x, 4 - 8 * y),
            textcoords="offset points",
            ha="right" if x else "left",
            va="top" if y else "bottom",
            size=TEXT_SIZE,
            style="italic",
            color=STYLES[blood_type][0],
        )
        texts.append(text)
    return texts


def _draw_languages(axes: Axes, known: pd.DataFrame) -> None:
    types = known["blood_type"].fillna("")  # "" where none is given
    complete = known["donation_complete"] & known["recipience_complete"]
    for blood_type, (colour, marker) in {**STYLES, "": ("0.3", "o")}.items():
        for whole in (True, False):
            members = known[(types == blood_type) & (complete == whole)]
            filling = colour if whole else "white"
            look = {"marker": marker, "markersize": 6, "markeredgecolor": colour, "markerfacecolor": filling}
            _draw_points(axes, members, look)


def _draw_points(axes: Axes, members: pd.DataFrame, look: dict[str, Any]) -> Line2D:
    at = (members[score].to_numpy(dtype=float) for score in ("recipience", "donation"))
    return axes.plot(*at, linestyle="none", zorder=3, **look)[0]

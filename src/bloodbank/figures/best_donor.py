"""D of all languages with both of its intervals, the language in question marked.

Reads a `BestDonor`; writes nothing.

    best_donor_figure(best_donor(bank, "en"), "22 languages; protocol sequential")
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bloodbank.analysis.best_donor import BestDonor
from bloodbank.canvas import (
    MARGIN,
    TEXT_SIZE,
    add_axes,
    draw_heading,
    heading_height,
    heading_lines,
    long_label,
    new_figure,
)
from bloodbank.wording import language_name, plural

MAX_ROWS = 60  # languages; beyond, the highest and the lowest 30
_WIDTH = 6.8  # inches
_OTHER, _ASKED = "#0072B2", "#D55E00"  # Okabe and Ito's blue and vermilion


def best_donor_figure(result: BestDonor, subtitle: str) -> Figure:
    """Draw D of all languages, the highest at the top.

    Args:
        result: What `best_donor` found.
        subtitle: What stands under the title.

    Returns:
        A figure with the axes "donation": D to the right, one row a language.

    Source:
        Section 5, equation 5.
    """
    rows, places = _rows(result)
    lines = heading_lines(_WIDTH, subtitle, "; ".join(_notes(result, rows)))
    row = 0.21 if len(rows) <= 30 else 0.15
    top, height = heading_height(lines) + 0.1, row * (places[-1] + 2 if len(rows) else 4)
    figure = new_figure(_WIDTH, top + height + 1.05)
    draw_heading(figure, f"is {_title(result.language)} the best donor?", lines)
    longest = max((len(long_label(code)) for code in rows.index), default=0)
    size = TEXT_SIZE if len(rows) <= 30 else 7.0
    left = 0.3 + longest * 0.62 * size / 72
    axes = add_axes(figure, (left, top), (_WIDTH - left - 0.3, height))
    axes.set_label("donation")
    _draw_frame(axes, rows, places, size)
    _draw_points(axes, rows, places, result.language)
    _draw_legend(figure, result, rows)
    return figure


def best_donor_caption(result: BestDonor) -> str:
    """Write the caption of `best_donor_figure`.

    Args:
        result: What was drawn.

    Returns:
        A caption that stands alone.
    """
    rows, _ = _rows(result)
    if rows.empty:
        return "Donation scores: nothing is drawn, because no cell is measured."
    n = int(result.table["donation"].notna().sum())
    which = plural(n, "language") if len(rows) == n else f"the {len(rows)} highest and lowest of {n} languages"
    asked = (
        f"The orange triangle is {_title(result.language)}."
        if result.language in rows.index
        else f"{_title(result.language)} is not drawn: it has no donation score here."
    )
    bars = [
        f"{kind.lower()} bars: {level:.0%} intervals {what}"
        for kind, column, level, what in _kinds(result)
        if rows[column].notna().any()
    ]
    intervals = f"{'; '.join(bars).capitalize()}." if bars else "No interval is known."
    hollow = "" if rows["complete"].all() else " Hollow: cells are missing, and D is (n - 1) times the mean F measured."
    return (
        f"Donation score D of {which}: the sum of F over the other languages as recipients, without a unit (+1 is a "
        f"gain of 100% in all); right of zero a language helps the others. The highest is at the top. {asked} "
        f"{intervals}{hollow} For the paper's question whether English is the best donor (section 5)."
    )


def _kinds(result: BestDonor) -> list[tuple[str, str, float, str]]:
    return [
        ("Thick", "low", result.measurement.level, "by measurement error (seeds and test text)"),
        ("Thin", "panel_low", result.panel.level, "for another panel of recipients"),
    ]


def _title(code: str) -> str:
    name = language_name(code)
    return code if name == code or not name.isprintable() else f"{name} ({code})"


def _rows(result: BestDonor) -> tuple[pd.DataFrame, np.ndarray]:
    known = result.table.dropna(subset=["donation"])
    n = len(known)
    if n <= MAX_ROWS:
        return known, np.arange(n, dtype=float)
    middle = np.arange(MAX_ROWS // 2, n - MAX_ROWS // 2)
    kept = np.setdiff1d(np.arange(n), middle[known.index[middle] != result.language])
    places = np.arange(len(kept)) + np.cumsum(np.append(0, np.diff(kept) > 1))  # an empty row where some are left out
    return known.iloc[list(kept)], places.astype(float)


def _notes(result: BestDonor, rows: pd.DataFrame) -> list[str]:
    known = result.table["donation"].notna()
    notes = []
    if len(rows) < known.sum():
        notes.append(f"{plural(int(known.sum()) - len(rows), 'language')} in the middle not drawn")
    if not known.all():
        absent = sorted(str(code) for code in result.table.index[~known])
        named = ", ".join(absent[:6]) + (f" and {len(absent) - 6} more" if len(absent) > 6 else "")
        notes.append(f"not drawn, for want of a measured cell: {named}")
    if result.language not in result.table.index:
        notes.append(f"{_title(result.language)} is not in this bank")
    if rows["low"].isna().all():
        notes.append("measurement error not known")
    first, last = _limits(rows)
    if (rows[["low", "panel_low"]] < first).any(axis=None) or (rows[["high", "panel_high"]] > last).any(axis=None):
        notes.append("intervals that end at the edge go on beyond it")
    if not rows["complete"].all():
        notes.append("hollow: cells missing, D is (n - 1) times the mean of those measured")
    return notes


def _draw_frame(axes: Axes, rows: pd.DataFrame, places: np.ndarray, size: float) -> None:
    axes.set_xlim(*_limits(rows))
    axes.set_ylim(places[-1] + 0.9 if len(places) else 1.0, -0.9)
    axes.set_yticks(places, [long_label(str(code)) for code in rows.index], size=size)
    axes.axvline(0, color="0.35", linewidth=0.9, zorder=1)
    axes.grid(visible=True, axis="y", color="0.93", linewidth=0.6, zorder=0)
    axes.set_axisbelow(True)
    axes.set_xlabel("donation D: sum of F over recipients (no unit; > 0: helps)", size=TEXT_SIZE + 0.5)
    axes.tick_params(labelsize=TEXT_SIZE)
    axes.tick_params(axis="y", labelsize=size, left=False)
    for name in ("top", "right", "left"):
        axes.spines[name].set_visible(False)
    for above, below in pairwise(places):
        if below - above > 1:
            axes.axhline((above + below) / 2, color="0.7", linewidth=0.7, dashes=(4, 3))


def _limits(rows: pd.DataFrame) -> tuple[float, float]:
    """Span zero and all points, and intervals as far as they leave the points apart."""
    points = rows["donation"].to_numpy(dtype=float)
    low, high = points.min(initial=0.0), points.max(initial=0.0)
    span = (high - low) or 1.0
    ends = rows[["low", "high", "panel_low", "panel_high"]].to_numpy(dtype=float)
    ends = ends[~np.isnan(ends)]
    first = max(ends.min(initial=low), low - span)
    last = min(ends.max(initial=high), high + span)
    return first - 0.04 * (last - first or 1.0), last + 0.04 * (last - first or 1.0)


def _draw_points(axes: Axes, rows: pd.DataFrame, places: np.ndarray, language: str) -> None:
    for place, (code, row) in zip(places, rows.iterrows(), strict=True):
        colour, marker, size = (
            (_ASKED, "^", 8.0) if code == language else (_OTHER, "o", 5.0 if len(rows) <= 30 else 3.5)
        )
        axes.plot([row["panel_low"], row["panel_high"]], [place, place], color=colour, linewidth=0.9, zorder=2)
        axes.plot([row["low"], row["high"]], [place, place], color=colour, linewidth=3.2, alpha=0.55, zorder=2)
        axes.plot(
            [row["donation"]], [place], linestyle="none", marker=marker, markersize=size, markeredgecolor=colour,
            markerfacecolor=colour if row["complete"] else "white", zorder=3,
        )  # fmt: skip
        if code == language:
            axes.axhspan(place - 0.45, place + 0.45, color=_ASKED, alpha=0.1, linewidth=0, zorder=0)


def _draw_legend(figure: Figure, result: BestDonor, rows: pd.DataFrame) -> None:
    """Explain only what is there."""
    entries = []
    if result.language in rows.index:
        asked = Line2D([], [], linestyle="none", marker="^", color=_ASKED, markersize=7)
        entries.append((asked, _title(result.language)))
    for (kind, column, level, _), width, said in zip(
        _kinds(result), (3.2, 0.9), ("by measurement error", "for another panel of recipients"), strict=True
    ):
        if rows[column].notna().any():
            entries.append((Line2D([], [], color="0.35", linewidth=width), f"{kind.lower()}: {level:.0%} {said}"))
    if not entries:
        return
    width, height = figure.get_size_inches()
    handles, labels = zip(*entries, strict=True)
    figure.legend(
        handles, labels, loc="lower left", bbox_to_anchor=(MARGIN / width, MARGIN / height), ncols=len(labels),
        frameon=False, fontsize=TEXT_SIZE - 0.5, borderpad=0, borderaxespad=0, columnspacing=1.2, handletextpad=0.5,
    )  # fmt: skip

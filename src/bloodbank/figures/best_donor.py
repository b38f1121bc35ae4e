"""D of all languages with both of its intervals, the language in question marked.

best_donor_figure(best_donor(bank, "en"), "22 languages; protocol sequential")
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bloodbank.analysis.best_donor import BestDonor
from bloodbank.canvas import BLUE, RED, add_legend, long_label, name_rows, settle, sheet, span, style_axes
from bloodbank.wording import language_name, plural

MAX_ROWS = 60  # languages; beyond, the highest and the lowest 30
_WIDTH = 6.8  # inches
_OTHER, _ASKED = BLUE, RED
_THICK, _THIN = 3.2, 0.9  # points, of the two intervals


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
    row = 0.21 if len(rows) <= 30 else 0.15  # inches
    size = _WIDTH, row * (places[-1] + 2 if len(rows) else 4) + 1.0
    notes = [subtitle, "; ".join(_notes(result, rows))]
    figure = sheet(f"is {_title(result.language)} the best donor?", notes, size)
    axes = figure.add_subplot()
    style_axes(axes, "donation", x="donation D: sum of F over recipients (no unit; > 0: helps)", grid="y")
    name_rows(axes, [long_label(str(code)) for code in rows.index], places.tolist())
    axes.set_xlim(*_limits(rows))
    axes.axvline(0, color="0.35", linewidth=0.9, zorder=1)
    for above, below in pairwise(places):
        if below - above > 1:
            axes.axhline((above + below) / 2, color="0.7", linewidth=0.7, dashes=(4, 3))
    _draw_points(axes, rows, places, rows.index == result.language)
    add_legend(figure, _legend_entries(result, rows))
    return settle(figure)


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
    bars = []
    if rows["low"].notna().any():
        bars.append(f"thick bars: {result.measurement.level:.0%} intervals by measurement error (seeds and test text)")
    if rows["panel_low"].notna().any():
        bars.append(f"thin bars: {result.panel.level:.0%} intervals for another panel of recipients")
    intervals = f"{'; '.join(bars).capitalize()}." if bars else "No interval is known."
    hollow = "" if rows["complete"].all() else " Hollow: cells are missing, and D is (n - 1) times the mean F measured."
    return (
        f"Donation score D of {which}: the sum of F over the other languages as recipients, without a unit (+1 is a "
        f"gain of 100% in all); right of zero a language helps the others. The highest is at the top. {asked} "
        f"{intervals}{hollow} For the paper's question whether English is the best donor (section 5)."
    )


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


def _limits(rows: pd.DataFrame) -> tuple[float, float]:
    return span(rows["donation"], rows[["low", "high", "panel_low", "panel_high"]], margin=0.04)


def _draw_points(axes: Axes, rows: pd.DataFrame, places: np.ndarray, is_asked: np.ndarray) -> None:
    colours = np.where(is_asked, _ASKED, _OTHER)
    axes.hlines(places, rows["panel_low"], rows["panel_high"], colors=colours.tolist(), linewidth=_THIN, zorder=2)
    axes.hlines(places, rows["low"], rows["high"], colors=colours.tolist(), linewidth=_THICK, alpha=0.55, zorder=2)
    looks = ((~is_asked, _OTHER, "o", 5.0 if len(rows) <= 30 else 3.5), (is_asked, _ASKED, "^", 8.0))
    for chosen, colour, marker, size in looks:
        for complete, filling in ((True, colour), (False, "white")):
            some = chosen & (rows["complete"].to_numpy(dtype=bool) == complete)
            look: dict[str, Any] = {"marker": marker, "markersize": size, "color": colour, "markerfacecolor": filling}
            axes.plot(rows.loc[some, "donation"], places[some], linestyle="none", zorder=3, **look)
    for place in places[is_asked]:
        axes.axhspan(place - 0.45, place + 0.45, color=_ASKED, alpha=0.1, linewidth=0, zorder=0)


def _legend_entries(result: BestDonor, rows: pd.DataFrame) -> list[tuple[Any, str]]:
    """Explain only what is there."""
    entries: list[tuple[Any, str]] = []
    if result.language in rows.index:
        asked = Line2D([], [], linestyle="none", marker="^", color=_ASKED, markersize=7)
        entries.append((asked, _title(result.language)))
    if rows["low"].notna().any():
        thick = Line2D([], [], color="0.35", linewidth=_THICK)
        entries.append((thick, f"thick: {result.measurement.level:.0%} by measurement error"))
    if rows["panel_low"].notna().any():
        thin = Line2D([], [], color="0.35", linewidth=_THIN)
        entries.append((thin, f"thin: {result.panel.level:.0%} for another panel of recipients"))
    return entries

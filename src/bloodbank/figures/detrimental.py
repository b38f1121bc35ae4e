"""The most detrimental and the most beneficial pairs, with their intervals.

Reads a `Detrimental`; writes nothing.

    detrimental_figure(detrimental(bank), "22 languages; protocol sequential")
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bloodbank.analysis.detrimental import NEGATIVE, POSITIVE, UNDECIDED, UNKNOWN, Detrimental
from bloodbank.bank.scores import LEVEL_BORDERS
from bloodbank.canvas import MARGIN, TEXT_SIZE, add_axes, draw_heading, heading_height, heading_lines, new_figure
from bloodbank.wording import percent, plural

_HARM, _HELP = "#D55E00", "#0072B2"  # Okabe and Ito's vermilion and blue
_MARKERS = {NEGATIVE: "o", POSITIVE: "o", UNDECIDED: "s", UNKNOWN: "D"}
_MEANINGS = (
    ("o", True, (NEGATIVE, POSITIVE), "sign decided beyond measurement error"),
    ("s", False, (UNDECIDED,), "sign undecided"),
    ("D", True, (UNKNOWN,), "measurement error unknown"),
)
_ROW, _GAP, _WIDTH = 0.2, 0.8, 6.4  # inches a row, rows between the two groups, inches
_MINUS = "\N{MINUS SIGN}"


def detrimental_figure(result: Detrimental, subtitle: str, *, n_each: int = 12) -> Figure:
    """Draw the pairs with the lowest and the highest F.

    Args:
        result: What `detrimental` found.
        subtitle: What stands under the title.
        n_each: Pairs at either end; all pairs where there are not more than twice as many.

    Returns:
        A figure with the axes "pairs": F in percent to the right, one row a pair, the lowest F at the top.

    Source:
        Section 5.
    """
    rows, places = _rows(result, n_each)
    lines = heading_lines(_WIDTH, subtitle, *_notes(result, rows))
    top, height = heading_height(lines) + 0.1, _ROW * (places[-1] + 1.6 if len(rows) else 3)
    figure = new_figure(_WIDTH, top + height + 0.95)
    draw_heading(figure, "which pairs harm and which help", lines)
    longest = max((len(name) for name in _names(rows)), default=0)
    left = 0.35 + longest * 0.65 * TEXT_SIZE / 72
    axes = add_axes(figure, (left, top), (_WIDTH - left - 0.6, height))
    axes.set_label("pairs")
    _draw_frame(axes, rows, places)
    _draw_points(axes, rows, places)
    _draw_legend(figure, rows)
    return figure


def detrimental_caption(result: Detrimental, *, n_each: int = 12) -> str:
    """Write the caption of `detrimental_figure`.

    Args:
        result: What was drawn.
        n_each: As there.

    Returns:
        A caption that stands alone.
    """
    n = result.n_measured
    if not n:
        return "Which pairs harm: nothing is drawn, because no cell is measured."
    which = (
        f"All {plural(n, 'measured ordered pair')}"
        if n <= 2 * n_each
        else f"The {n_each} ordered pairs with the lowest and the {n_each} with the highest F of {n} measured ones"
    )
    bars = (
        "No interval is drawn, because none is known."
        if result.cells["low"].isna().all()
        else f"Bars are {result.interval_level:.0%} measurement intervals of single cells."
    )
    tested = (
        f"Whether a sign is beyond measurement error: not tested, because {result.reason}."
        if result.reason
        else "Filled circles: the sign is decided beyond measurement error, corrected for the number of cells; hollow "
        "squares: it is not."
    )
    return (
        f"{which} (donor→recipient). Horizontal axis: F(s→t), the gain of recipient t from pretraining on donor s, in "
        "percent of the score of t's monolingual model; left of zero (orange) the donor harms, right of it (blue) it "
        f"helps. Dotted: {percent(LEVEL_BORDERS[0], minus=_MINUS)}%, below which the paper calls a cell negative. "
        f"{bars} {tested} F < 0 in {result.n_negative} of {n} cells. For section 5 of the paper."
    )


def _rows(result: Detrimental, n_each: int) -> tuple[pd.DataFrame, np.ndarray]:
    cells = result.cells
    if len(cells) <= 2 * n_each:
        return cells, np.arange(len(cells), dtype=float)
    places = np.arange(2 * n_each, dtype=float)
    places[n_each:] += _GAP
    return pd.concat([cells.iloc[:n_each], cells.iloc[-n_each:]]), places


def _names(rows: pd.DataFrame) -> list[str]:
    return [f"{donor}→{recipient}" for donor, recipient in zip(rows["donor"], rows["recipient"], strict=True)]


def _notes(result: Detrimental, rows: pd.DataFrame) -> list[str]:
    if rows.empty:
        return ["nothing to draw: no cell is measured"]
    left_out = result.n_measured - len(rows)
    notes = [f"{plural(left_out, 'pair')} between the two groups not drawn"] if left_out else ["all measured pairs"]
    if rows["low"].notna().any():
        low, high = _limits(rows)
        beyond = bool((100 * rows["low"] < low).any() or (100 * rows["high"] > high).any())
        notes.append(
            f"bars: {result.interval_level:.0%} measurement intervals" + (", cut at the edge" if beyond else "")
        )
    else:
        notes.append("no intervals: measurement error unknown")
    if _limits(rows)[0] < 100 * LEVEL_BORDERS[0]:
        notes.append(f"dotted: {percent(LEVEL_BORDERS[0], minus=_MINUS)}%")
    return ["; ".join(notes)]


def _limits(rows: pd.DataFrame) -> tuple[float, float]:
    """Span zero and all points in percent, and intervals as far as they leave the points apart."""
    points = 100 * rows["finetune_score"].to_numpy(dtype=float)
    low, high = min(0.0, points.min(initial=0.0)), max(0.0, points.max(initial=0.0))
    span = (high - low) or 1.0
    ends = 100 * rows[["low", "high"]].to_numpy(dtype=float)
    ends = ends[~np.isnan(ends)]
    furthest = min(low, ends.min(initial=low)), max(high, ends.max(initial=high))
    return max(furthest[0], low - 0.5 * span) - 0.05 * span, min(furthest[1], high + 0.5 * span) + 0.05 * span


def _draw_frame(axes: Axes, rows: pd.DataFrame, places: np.ndarray) -> None:
    axes.set_xlim(*_limits(rows))
    axes.set_ylim(places[-1] + 0.8 if len(places) else 1.0, -0.8)
    axes.set_yticks(places, _names(rows), size=TEXT_SIZE)
    axes.axvline(0, color="0.35", linewidth=0.9, zorder=1)
    axes.axvline(100 * LEVEL_BORDERS[0], color="0.6", linewidth=0.9, linestyle=":", zorder=1)
    axes.grid(visible=True, axis="y", color="0.93", linewidth=0.6, zorder=0)
    axes.set_axisbelow(True)
    axes.set_xlabel("F in % of the recipient's monolingual score (< 0: harms)", size=TEXT_SIZE + 0.5)
    axes.tick_params(labelsize=TEXT_SIZE, left=False)
    for name in ("top", "right", "left"):
        axes.spines[name].set_visible(False)
    if len(places) > 1 and (np.diff(places) > 1).any():
        axes.axhline(float(places[len(places) // 2 - 1]) + (1 + _GAP) / 2, color="0.75", linewidth=0.7, dashes=(4, 3))


def _draw_points(axes: Axes, rows: pd.DataFrame, places: np.ndarray) -> None:
    for place, (_, row) in zip(places, rows.iterrows(), strict=True):
        score, low, high = (100 * float(row[name]) for name in ("finetune_score", "low", "high"))
        colour = _HARM if score < 0 else _HELP if score > 0 else "0.4"
        if not np.isnan(low):
            axes.plot([low, high], [place, place], color=colour, linewidth=1.3, zorder=2)
        axes.plot(
            [score], [place], linestyle="none", marker=_MARKERS[row["verdict"]], markersize=5.5, markeredgecolor=colour,
            markerfacecolor="white" if row["verdict"] == UNDECIDED else colour, zorder=3,
        )  # fmt: skip


def _draw_legend(figure: Figure, rows: pd.DataFrame) -> None:
    """Explain only the shapes that are there."""
    present = set(rows["verdict"])
    entries = [
        (
            Line2D([], [], linestyle="none", marker=marker, color="0.3", markerfacecolor="0.3" if filled else "white"),
            said,
        )
        for marker, filled, verdicts, said in _MEANINGS
        if present & set(verdicts)
    ]
    if not entries:
        return
    width, height = figure.get_size_inches()
    handles, labels = zip(*entries, strict=True)
    figure.legend(
        handles, labels, loc="lower left", bbox_to_anchor=(MARGIN / width, MARGIN / height), ncols=len(labels),
        frameon=False, fontsize=TEXT_SIZE - 0.5, borderpad=0, borderaxespad=0, columnspacing=1.4, handletextpad=0.3,
    )  # fmt: skip

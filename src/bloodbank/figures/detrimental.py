"""The most detrimental and the most beneficial pairs, with their intervals.

detrimental_figure(detrimental(bank), "22 languages; protocol sequential")
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bloodbank.analysis.detrimental import NEGATIVE, POSITIVE, UNDECIDED, UNKNOWN, Detrimental
from bloodbank.bank.scores import LEVEL_BORDERS
from bloodbank.canvas import BLUE, MINUS, RED, add_legend, name_rows, settle, sheet, span, style_axes
from bloodbank.wording import percent, plural

_LOOKS = (  # marker, whether it is filled, verdicts, and what it means
    ("o", True, (NEGATIVE, POSITIVE), "sign decided beyond measurement error"),
    ("s", False, (UNDECIDED,), "sign undecided"),
    ("D", True, (UNKNOWN,), "measurement error unknown"),
)
_ROW, _GAP, _WIDTH = 0.2, 0.8, 6.4  # inches a row, rows between the two groups, inches


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
    size = _WIDTH, _ROW * (places[-1] + 1.6 if len(rows) else 3) + 0.9
    figure = sheet("which pairs harm and which help", [subtitle, *_notes(result, rows)], size)
    axes = figure.add_subplot()
    style_axes(axes, "pairs", x="F in % of the recipient's monolingual score (< 0: harms)", grid="y")
    name_rows(axes, [f"{s}→{t}" for s, t in zip(rows["donor"], rows["recipient"], strict=True)], places.tolist())
    axes.set_xlim(*_limits(rows))
    axes.axvline(0, color="0.35", linewidth=0.9, zorder=1)
    axes.axvline(100 * LEVEL_BORDERS[0], color="0.6", linewidth=0.9, linestyle=":", zorder=1)
    if len(places) > n_each and (np.diff(places) > 1).any():
        axes.axhline(places[n_each - 1] + (1 + _GAP) / 2, color="0.75", linewidth=0.7, dashes=(4, 3))
    _draw_points(axes, rows, places)
    grey: dict[str, Any] = {"linestyle": "none", "color": "0.3"}
    looks: list[tuple[Any, str]] = [
        (Line2D([], [], marker=marker, markerfacecolor="0.3" if filled else "white", **grey), meaning)
        for marker, filled, verdicts, meaning in _LOOKS
        if rows["verdict"].isin(verdicts).any()
    ]
    add_legend(figure, looks)
    return settle(figure)


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
        f"helps. Dotted: {percent(LEVEL_BORDERS[0], minus=MINUS)}%, below which the paper calls a cell negative. "
        f"{bars} {tested} F < 0 in {result.n_negative} of {n} cells. For section 5 of the paper."
    )


def _rows(result: Detrimental, n_each: int) -> tuple[pd.DataFrame, np.ndarray]:
    cells = result.cells
    if len(cells) <= 2 * n_each:
        return cells, np.arange(len(cells), dtype=float)
    places = np.arange(2 * n_each, dtype=float)
    places[n_each:] += _GAP
    return pd.concat([cells.iloc[:n_each], cells.iloc[-n_each:]]), places


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
        notes.append(f"dotted: {percent(LEVEL_BORDERS[0], minus=MINUS)}%")
    return ["; ".join(notes)]


def _limits(rows: pd.DataFrame) -> tuple[float, float]:
    """Span zero and all points in percent, and intervals as far as they leave the points apart."""
    return span(100 * rows["finetune_score"].astype(float), 100 * rows[["low", "high"]].astype(float), reach=0.5)


def _draw_points(axes: Axes, rows: pd.DataFrame, places: np.ndarray) -> None:
    scores, low, high = (100 * rows[name].to_numpy(dtype=float) for name in ("finetune_score", "low", "high"))
    colours = np.select([scores < 0, scores > 0], [RED, BLUE], "0.4")
    axes.hlines(places, low, high, colors=colours.tolist(), linewidth=1.3, zorder=2)
    for marker, filled, verdicts, _ in _LOOKS:
        for colour in dict.fromkeys(colours):
            some = rows["verdict"].isin(verdicts).to_numpy() & (colours == colour)
            look: dict[str, Any] = {"marker": marker, "markersize": 5.5, "color": colour}
            look["markerfacecolor"] = colour if filled else "white"
            axes.plot(scores[some], places[some], linestyle="none", zorder=3, **look)

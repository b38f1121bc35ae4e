"""The score of each language's own model against D and against R (figure 4)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bloodbank.analysis.monolingual import RAW, SPLIT, MonolingualEffect
from bloodbank.bank.measurements import METRICS
from bloodbank.canvas import MARGIN, TEXT_SIZE, add_axes, draw_heading, heading_height, heading_lines, new_figure
from bloodbank.figures.labels import place_labels
from bloodbank.wording import signed

MAX_LABELLED = 24  # languages
_SIDE = 3.9  # inches of a panel
_PANELS = (("donation", "donation D: sum of F (no unit; > 0: helps)", "#0072B2", "o"),
           ("recipience", "recipience R: sum of F (no unit; > 0: gains)", "#D55E00", "^"))  # fmt: skip


def monolingual_figure(result: MonolingualEffect, subtitle: str) -> Figure:
    """Draw ε(M_l) to the right and D, in the second panel R, upwards.

    Args:
        result: What was found; it must be `drawable`.
        subtitle: What the bank is, as in the other figures.

    Returns:
        A figure with the axes "donation" and "recipience".

    Source:
        Figure 4.
    """
    width = 2 * (_SIDE + 0.85) + MARGIN
    n = len(result.table)
    half = MAX_LABELLED // 2
    note = [] if n <= MAX_LABELLED else [f"{n} languages; labelled in each panel: the {half} highest and {half} lowest"]
    halves = "r: raw, and where ε(M_l) and the sum share no error (disjoint halves)"
    lines = heading_lines(width, subtitle, halves, *note)
    top = heading_height(lines) + 0.5
    figure = new_figure(width, top + _SIDE + 0.65)
    draw_heading(figure, "own score against donation and recipience", lines)
    for place, (score, label, colour, marker) in enumerate(_PANELS):
        left = 0.75 + place * (_SIDE + 0.85)
        axes = add_axes(figure, (left, top), (_SIDE, _SIDE))
        axes.set_label(score)
        axes.set_title(_title(result, score), size=TEXT_SIZE + 0.5)
        _draw_panel(axes, result, score, {"color": colour, "marker": marker})
        axes.set_ylabel(label, size=TEXT_SIZE + 0.5)
    return figure


def monolingual_caption(result: MonolingualEffect) -> str:
    """Describe the figure so that it stands alone.

    Args:
        result: What was found.
    """
    metric = METRICS[result.metric]
    better = "higher is better" if metric.higher_is_better else "lower is better"
    return (
        f"The {metric.label} of each language's own model ({metric.unit}, {better}) against donation D (left) and "
        f"recipience R (right), sums of F over the other languages without a unit, for {len(result.table)} languages. "
        "ε(M_t) stands in the denominator of F, so that its error alone makes R fall with it; r on halves is free of "
        "that. As figure 4 of Malkin et al. (2022)."
    )


def _title(result: MonolingualEffect, score: str) -> str:
    of_score = result.correlations[result.correlations["score"] == score]
    rows: dict[Any, Any] = of_score.set_index("estimate")["pearson"].to_dict()
    raw, split = rows[RAW], rows[SPLIT]
    if np.isnan(raw):
        return "r: not possible"
    halves = "not possible" if np.isnan(split) else signed(split, 2)
    turned = "" if METRICS[result.metric].higher_is_better else " (sign turned: better is positive)"
    return f"r = {signed(raw, 2)}; on halves: {halves}{turned}"


def _draw_panel(axes: Axes, result: MonolingualEffect, score: str, style: dict[str, Any]) -> None:
    x, y = result.table["monolingual"], result.table[score]
    axes.set_xlim(*_limits(x))
    axes.set_ylim(*_limits(pd.concat([y, pd.Series([0.0])])))
    axes.axhline(0, color="0.45", linewidth=0.9, zorder=1)
    axes.grid(visible=True, color="0.92", linewidth=0.6, zorder=0)
    axes.set_axisbelow(True)
    axes.plot(x, y, linestyle="none", markersize=5.5, markeredgewidth=0, zorder=3, **style)
    metric = METRICS[result.metric]
    better = "higher is better" if metric.higher_is_better else "lower is better"
    axes.set_xlabel(f"ε(M_l): {metric.label} of the own model ({better})", size=TEXT_SIZE + 0.5)
    axes.tick_params(labelsize=TEXT_SIZE)
    for name in ("top", "right"):
        axes.spines[name].set_visible(False)
    named = y.sort_values()
    if len(named) > MAX_LABELLED:
        named = pd.concat([named.head(MAX_LABELLED // 2), named.tail(MAX_LABELLED // 2)])
    points = [(float(x[code]), float(y[code])) for code in named.index]
    place_labels(axes, points, [str(code) for code in named.index])


def _limits(values: pd.Series[float]) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    margin = 0.08 * (high - low) or 0.1 * abs(high) or 1.0
    return low - margin, high + margin

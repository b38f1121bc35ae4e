"""The score of each language's own model against D and against R (figure 4)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bloodbank.analysis.monolingual import RAW, SPLIT, MonolingualEffect
from bloodbank.bank.measurements import METRICS
from bloodbank.canvas import BLUE, LABEL_SIZE, RED, settle, sheet, span, style_axes
from bloodbank.figures.labels import place_labels
from bloodbank.wording import signed

MAX_LABELLED = 24  # languages
_SIZE = (9.6, 4.6)  # inches
_PANELS = (("donation", "donation D: sum of F (no unit; > 0: helps)", BLUE, "o"),
           ("recipience", "recipience R: sum of F (no unit; > 0: gains)", RED, "^"))  # fmt: skip


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
    n, half = len(result.table), MAX_LABELLED // 2
    note = [] if n <= MAX_LABELLED else [f"{n} languages; labelled in each panel: the {half} highest and {half} lowest"]
    halves = "r: raw, and where ε(M_l) and the sum share no error (disjoint halves)"
    figure = sheet("own score against donation and recipience", [subtitle, halves, *note], _SIZE)
    metric = METRICS[result.metric]
    own = f"ε(M_l): {metric.label} of the own model ({_better(result)})"
    for axes, (score, label, colour, marker) in zip(figure.subplots(1, 2), _PANELS, strict=True):
        style_axes(axes, score, x=own, y=label)
        axes.set_title(_title(result, score), size=LABEL_SIZE)
        x, y = result.table["monolingual"], result.table[score]
        axes.set(xlim=span(x, margin=0.08, zero=False), ylim=span(y, margin=0.08))
        axes.axhline(0, color="0.45", linewidth=0.9, zorder=1)
        axes.plot(x, y, ls="none", marker=marker, color=colour, markersize=5.5, markeredgewidth=0, zorder=3)
    for axes, (score, *_) in zip(figure.axes, _PANELS, strict=True):
        _label_points(axes, result.table["monolingual"], result.table[score])
    return settle(figure)


def monolingual_caption(result: MonolingualEffect) -> str:
    """Describe the figure so that it stands alone.

    Args:
        result: What was found.
    """
    metric = METRICS[result.metric]
    return (
        f"The {metric.label} of each language's own model ({metric.unit}, {_better(result)}) against donation D (left) "
        f"and recipience R (right), sums of F over the other languages without a unit, for {len(result.table)} "
        "languages. ε(M_t) stands in the denominator of F, so that its error alone makes R fall with it; r on halves "
        "is free of that. As figure 4 of Malkin et al. (2022)."
    )


def _better(result: MonolingualEffect) -> str:
    return "higher is better" if METRICS[result.metric].higher_is_better else "lower is better"


def _title(result: MonolingualEffect, score: str) -> str:
    of_score = result.correlations[result.correlations["score"] == score]
    rows: dict[Any, Any] = of_score.set_index("estimate")["pearson"].to_dict()
    raw, split = rows[RAW], rows[SPLIT]
    if np.isnan(raw):
        return "r: not possible"
    halves = "not possible" if np.isnan(split) else signed(split, 2)
    turned = "" if METRICS[result.metric].higher_is_better else " (sign turned: better is positive)"
    return f"r = {signed(raw, 2)}; on halves: {halves}{turned}"


def _label_points(axes: Axes, x: pd.Series[float], y: pd.Series[float]) -> None:
    named = y.sort_values()
    if len(named) > MAX_LABELLED:
        named = pd.concat([named.head(MAX_LABELLED // 2), named.tail(MAX_LABELLED // 2)])
    points = [(float(x[code]), float(y[code])) for code in named.index]
    place_labels(axes, points, [str(code) for code in named.index])

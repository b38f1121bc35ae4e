"""The two directions of every pair against each other: how far transfer is from symmetric."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bloodbank.analysis.asymmetry import CELLS, Asymmetry
from bloodbank.canvas import MARGIN, TEXT_SIZE, add_axes, draw_heading, heading_height, heading_lines, new_figure
from bloodbank.figures.labels import place_labels
from bloodbank.wording import signed

MAX_LABELLED = 12  # pairs
_SIDE = 5.4  # inches
_KEY = 0.45  # inches below the axes for the legend
_KINDS = (  # Okabe and Ito's colours, and a shape for each besides
    ("both directions help", "#0072B2", "o"),
    ("one helps, the other harms", "#D55E00", "^"),
    ("both harm", "#555555", "D"),
)


def asymmetry_figure(result: Asymmetry, subtitle: str) -> Figure:
    """Draw each pair once: F in its better direction to the right, in the other upwards.

    Args:
        result: What was found.
        subtitle: What the bank is, as in the other figures.

    Returns:
        A figure with the axes "asymmetry".

    Source:
        Section 5.
    """
    pairs = result.pairs
    width = _SIDE + 1.2
    lines = heading_lines(width, subtitle, *_notes(result))
    top = heading_height(lines) + 0.12
    figure = new_figure(width, top + 0.86 * _SIDE + 0.6 + _KEY)
    draw_heading(figure, "the two directions of each pair", lines)
    axes = add_axes(figure, (0.8, top), (width - 0.8 - MARGIN, 0.86 * _SIDE))
    axes.set_label("asymmetry")
    _draw_frame(axes, pairs)
    _draw_points(axes, pairs)
    named = pairs.head(MAX_LABELLED)
    points = list(zip(100 * named["higher"], 100 * named["lower"], strict=True))
    labels = [f"{donor}→{recipient}" for donor, recipient in zip(named["donor"], named["recipient"], strict=True)]
    place_labels(axes, points, labels)
    handles = [
        Line2D([], [], linestyle="none", marker=marker, color=colour, markersize=6, label=name)
        for name, colour, marker in _KINDS
    ]
    figure.legend(handles=handles, loc="lower left", ncols=3, fontsize=TEXT_SIZE, frameon=False)
    return figure


def asymmetry_caption(result: Asymmetry) -> str:
    """Describe the figure so that it stands alone.

    Args:
        result: What was found.
    """
    r = float(result.correlations["pearson"].to_dict()[CELLS])
    correlation = "" if np.isnan(r) else f" The correlation over both orders of each pair is {signed(r, 2)}."
    return (
        f"Each of {len(result.pairs)} pairs of languages once: F in the direction that helps more (to the right) and "
        "in the other (upwards), in percent of the score of the recipient's own model; above 0 the donor helps. On the "
        "diagonal both directions are equal; the further below it, the less symmetric."
        f"{correlation} Labels name the better direction, donor→recipient, of the most asymmetric pairs."
    )


def _notes(result: Asymmetry) -> list[str]:
    n = len(result.pairs)
    return [f"labelled: the {min(n, MAX_LABELLED)} most asymmetric of {n} pairs"] if n > MAX_LABELLED else []


def _draw_frame(axes: Axes, pairs: pd.DataFrame) -> None:
    limits = _limits(pairs["higher"]), _limits(pairs["lower"])
    axes.set_xlim(*limits[0])
    axes.set_ylim(*limits[1])
    axes.axhline(0, color="0.45", linewidth=0.9, zorder=1)
    axes.axvline(0, color="0.45", linewidth=0.9, zorder=1)
    low, high = max(limit[0] for limit in limits), min(limit[1] for limit in limits)
    if low < high:
        axes.plot([low, high], [low, high], color="0.3", linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
        near = (low + 0.9 * (high - low),) * 2
        axes.annotate("equal", near, (-4, 0), textcoords="offset points", ha="right", va="center", size=TEXT_SIZE)
    axes.grid(visible=True, color="0.92", linewidth=0.6, zorder=0)
    axes.set_axisbelow(True)
    axes.set_xlabel("F in the better direction, percent (> 0: the donor helps)", size=TEXT_SIZE + 0.5)
    axes.set_ylabel("F in the other direction, percent", size=TEXT_SIZE + 0.5)
    axes.tick_params(labelsize=TEXT_SIZE)
    for name in ("top", "right"):
        axes.spines[name].set_visible(False)


def _limits(scores: pd.Series[float]) -> tuple[float, float]:
    if scores.empty:
        return -10.0, 10.0
    low, high = min(0.0, 100 * float(scores.min())), max(0.0, 100 * float(scores.max()))
    margin = 0.08 * (high - low) or 1.0
    return low - margin, high + margin


def _draw_points(axes: Axes, pairs: pd.DataFrame) -> None:
    helps, harms = pairs["lower"] >= 0, pairs["higher"] <= 0
    size, alpha = (5.5, 0.85) if len(pairs) <= 300 else (2.5, 0.45)
    for chosen, (_, colour, marker) in zip((helps, ~helps & ~harms, harms & ~helps), _KINDS, strict=True):
        some = pairs[chosen]
        axes.plot(
            100 * some["higher"],
            100 * some["lower"],
            linestyle="none",
            marker=marker,
            markersize=size,
            color=colour,
            alpha=alpha,
            markeredgewidth=0,
            zorder=3,
            rasterized=len(pairs) > 2_000,
        )

"""The two directions of every pair against each other: how far transfer is from symmetric."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from bloodbank.analysis.asymmetry import CELLS, Asymmetry
from bloodbank.canvas import BLUE, DARK, RED, TEXT_SIZE, add_legend, settle, sheet, span, style_axes
from bloodbank.figures.labels import place_labels
from bloodbank.wording import signed

MAX_LABELLED = 12  # pairs
_SIZE = (6.6, 5.6)  # inches
_KINDS = (("both directions help", BLUE, "o"), ("one helps, the other harms", RED, "^"), ("both harm", DARK, "D"))


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
    n = len(pairs)
    notes = [f"labelled: the {MAX_LABELLED} most asymmetric of {n} pairs"] if n > MAX_LABELLED else []
    figure = sheet("the two directions of each pair", [subtitle, *notes], _SIZE)
    axes = figure.add_subplot()
    style_axes(
        axes,
        "asymmetry",
        x="F in the better direction, percent (> 0: the donor helps)",
        y="F in the other direction, percent",
    )
    _draw_lines(axes, 100 * pairs["higher"], 100 * pairs["lower"])
    _draw_points(axes, pairs)
    looks = [(Line2D([], [], ls="none", marker=marker, color=colour), name) for name, colour, marker in _KINDS]
    add_legend(figure, looks)
    named = pairs.head(MAX_LABELLED)
    points = list(zip(100 * named["higher"], 100 * named["lower"], strict=True))
    place_labels(axes, points, [f"{s}→{t}" for s, t in zip(named["donor"], named["recipient"], strict=True)])
    return settle(figure)


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


def _draw_lines(axes: Axes, higher: pd.Series[float], lower: pd.Series[float]) -> None:
    """Draw zero in both directions, and the diagonal on which both are equal."""
    right, up = span(higher, margin=0.08), span(lower, margin=0.08)
    axes.set(xlim=right, ylim=up)
    axes.axhline(0, color="0.45", linewidth=0.9, zorder=1)
    axes.axvline(0, color="0.45", linewidth=0.9, zorder=1)
    low, high = max(right[0], up[0]), min(right[1], up[1])
    if low < high:
        axes.plot([low, high], [low, high], color="0.3", linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
        near = (low + 0.9 * (high - low),) * 2
        axes.annotate("equal", near, (-4, 0), textcoords="offset points", ha="right", va="center", size=TEXT_SIZE)


def _draw_points(axes: Axes, pairs: pd.DataFrame) -> None:
    helps, harms = pairs["lower"] >= 0, pairs["higher"] <= 0
    size, alpha = (5.5, 0.85) if len(pairs) <= 300 else (2.5, 0.45)
    for chosen, (_, colour, marker) in zip((helps, ~helps & ~harms, harms & ~helps), _KINDS, strict=True):
        axes.plot(
            100 * pairs.loc[chosen, "higher"], 100 * pairs.loc[chosen, "lower"], linestyle="none", marker=marker,
            markersize=size, color=colour, alpha=alpha, markeredgewidth=0, zorder=3, rasterized=len(pairs) > 2_000,
        )  # fmt: skip

"""The histogram of F with its transfer levels, by the borders used and by those that they are compared with."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from bloodbank.analysis.levels import SETS, Levels, percents
from bloodbank.bank.scores import LEVELS
from bloodbank.canvas import BLUE, LABEL_SIZE, MINUS, RED, SKY, TEXT_SIZE, add_legend, settle, sheet, style_axes
from bloodbank.figures.histogram import histogram_edges
from bloodbank.figures.labels import spread
from bloodbank.wording import plural

Floats = NDArray[np.float64]
_SIZE = (8.0, 5.2)  # inches
_COLOURS = (RED, "#B4B4B4", SKY, BLUE)  # names stand above besides


def levels_figure(result: Levels, subtitle: str) -> Figure:
    """Build the figure.

    Args:
        result: What is drawn.
        subtitle: What stands under the title.

    Returns:
        A figure with the axes "levels": F in percent to the right, cells upwards.

    Source:
        Figure 7.
    """
    values = 100 * _values(result)
    notes: list[str] = []
    edges, clipped = histogram_edges(values, [100 * border for border in result.borders])
    hidden = [
        f"{level} ({int(result.counts[result.source][level])})"
        for level, (low, high) in zip(LEVELS, _ranges(result), strict=True)
        if high <= edges[0] or low >= edges[-1]
    ]
    if hidden:
        notes.append(f"outside the range drawn: {', '.join(hidden)}")
    far = [border for border in result.other_borders or () if not edges[0] <= 100 * border <= edges[-1]]
    if far:
        notes.append(f"beyond the range drawn, of {SETS[result.other_source]}: {_shown(far)}")
    if any(clipped):
        which = "outer bars (hatched) hold" if all(clipped) else "hatched outer bar holds"
        notes.append(f"the {which} all cells beyond, with their number")
    figure = sheet("F of every cell, by transfer level", [subtitle, *notes], _SIZE)
    axes = figure.add_subplot()
    label = "F in percent of the recipient's monolingual score (> 0: the donor helps)"
    style_axes(axes, "levels", x=label, y="cells (ordered pairs)")
    axes.grid(visible=False)
    axes.set_xlim(edges[0], edges[-1])
    axes.yaxis.set_major_locator(MaxNLocator("auto", integer=True))
    axes.axvline(0, color="0.6", linewidth=0.8, linestyle=":", zorder=1)
    if not len(values):
        axes.text(0.5, 0.5, "no cell is measured", transform=axes.transAxes, ha="center", size=LABEL_SIZE)
        return settle(figure)
    _draw_bars(axes, result, values, edges, clipped)
    _draw_borders(axes, result, edges)
    add_legend(figure, _legend_entries(result), ncols=1)
    _draw_names(axes, result, edges)
    return settle(figure)


def levels_caption(result: Levels) -> str:
    """Write a caption that stands alone.

    Args:
        result: What is drawn.

    Returns:
        The caption.
    """
    other = (
        f" Dashed lines: {SETS[result.other_source]} ({percents(result.other_borders)})."
        if result.other_borders
        else ""
    )
    interval = (
        " Bars with a diamond at the top: 95% of the data's borders lie there when languages are drawn again."
        if not result.no_interval and not result.no_data_borders
        else ""
    )
    return (
        f"Histogram of the finetune score F over {plural(len(_values(result)), 'ordered pair')} of "
        f"{plural(len(result.finetune), 'language')}. To the right: F in percent of the recipient's monolingual score, "
        f"positive where the donor helps; upwards: number of cells. Colours, and names with numbers of cells above: "
        f"transfer levels by {SETS[result.source]} ({percents(result.borders)}; solid lines).{other}{interval} "
        "As figure 7 of Malkin et al. (2022)."
    )


def _shown(borders: Sequence[float]) -> str:
    return percents(borders).replace("-", MINUS)


def _values(result: Levels) -> Floats:
    cells = result.finetune.to_numpy(dtype=float)
    return np.sort(cells[~np.isnan(cells)])


def _ranges(result: Levels) -> list[tuple[float, float]]:
    return list(pairwise([-np.inf, *(100 * border for border in result.borders), np.inf]))


def _draw_bars(axes: Axes, result: Levels, values: Floats, edges: Floats, clipped: tuple[bool, bool]) -> None:
    """Stack levels within a bar, so that a border inside it is drawn as it is."""
    inside = np.clip(values, edges[0], np.nextafter(edges[-1], -np.inf))
    place = np.digitize(values, [100 * border for border in result.borders])
    bottom = np.zeros(len(edges) - 1)
    for level, colour in enumerate(_COLOURS):
        counts = np.histogram(inside[place == level], edges)[0]
        bars = axes.bar(
            edges[:-1], counts, np.diff(edges), bottom, align="edge", color=colour, edgecolor="white", lw=0.5
        )
        for end, is_clipped in zip((0, -1), clipped, strict=True):
            if is_clipped:
                bars[end].set_hatch("////")
        bottom += counts
    for end, is_clipped in zip((0, -1), clipped, strict=True):
        if is_clipped:
            middle = (edges[:-1] + edges[1:])[end] / 2
            axes.text(middle, bottom[end], f"{int(bottom[end])}", ha="center", va="bottom", size=TEXT_SIZE - 0.5)
    axes.set_ylim(0, 1.3 * max(bottom.max(), 1.0))
    ticks = [tick for tick in axes.get_xticks() if edges[0] < tick < edges[-1]]
    spacing = (edges[-1] - edges[0]) / 12
    for end, is_clipped in zip((0, -1), clipped, strict=True):
        if is_clipped:
            ticks = [tick for tick in ticks if abs(tick - edges[end]) > spacing]
    labels = [f"{tick:g}".replace("-", MINUS) for tick in ticks]
    for end, sign, inner in ((0, "<", 1), (-1, "\N{GREATER-THAN OR EQUAL TO}", -2)):
        if clipped[end]:
            ticks.append((edges[end] + edges[inner]) / 2)
            labels.append(f"{sign} {edges[inner]:g}".replace("-", MINUS))
    axes.set_xticks(ticks, labels)


def _draw_borders(axes: Axes, result: Levels, edges: Floats) -> None:
    for borders, style in ((result.borders, "-"), (result.other_borders or (), "--")):
        for border in borders:
            if edges[0] <= 100 * border <= edges[-1]:
                axes.axvline(100 * border, color="black", linewidth=1.1, linestyle=style, zorder=3)
    table = result.data_borders.dropna()
    for place, (middle, low, high) in enumerate(100 * table.to_numpy(dtype=float)):
        height = 0.97 - 0.04 * place  # of the axes; apart, since they may overlap
        look: dict[str, Any] = {"transform": axes.get_xaxis_transform(), "color": "0.25", "zorder": 4}
        axes.plot([low, high], [height, height], marker="|", markersize=6, linewidth=1.3, **look)
        axes.plot([middle], [height], marker="D", markersize=4, linestyle="none", **look)


def _draw_names(axes: Axes, result: Levels, edges: Floats) -> None:
    """Name each level above its range; names that would touch are moved apart, with a line to their range."""
    strip = axes.get_xaxis_transform()
    texts: list[Text] = []
    for level, colour, (low, high) in zip(LEVELS, _COLOURS, _ranges(result), strict=True):
        start, end = max(low, float(edges[0])), min(high, float(edges[-1]))
        if start >= end:
            continue
        axes.add_patch(Rectangle((start, 1.005), end - start, 0.03, transform=strip, color=colour, lw=0, clip_on=False))
        name = f"{level}\n{plural(int(result.counts[result.source][level]), 'cell')}"
        middle = (start + end) / 2
        texts.append(axes.text(middle, 1.065, name, transform=strip, ha="center", va="bottom", size=LABEL_SIZE))
    figure = settle(cast(Figure, axes.figure))
    boxes = [text.get_window_extent() for text in texts]
    points, inside = figure.dpi / 72, axes.get_window_extent()
    middles = [(box.x0 + box.x1) / 2 for box in boxes]
    wanted = (inside.x0 - 28 * points, inside.x1 + 7 * points)
    placed = spread(middles, [box.width + 6 * points for box in boxes], wanted)
    for text, x in zip(texts, placed, strict=True):
        middle, moved = text.get_position()[0], float(axes.transData.inverted().transform((x, 0))[0])
        text.set_x(moved)
        axes.plot([middle, moved], [1.035, 1.065], transform=strip, color="0.5", linewidth=0.7, clip_on=False)


def _legend_entries(result: Levels) -> list[tuple[Any, str]]:
    used = f"{SETS[result.source]} ({_shown(result.borders)}), in colour"
    entries: list[tuple[Any, str]] = [(Line2D([], [], color="black", linewidth=1.1), used)]
    if result.other_borders:
        counts = ", ".join(str(int(count)) for count in result.counts[result.other_source])
        others = f"{SETS[result.other_source]} ({_shown(result.other_borders)}): {counts} cells"
        entries.append((Line2D([], [], color="black", linewidth=1.1, linestyle="--"), others))
    if len(result.data_borders.dropna()):
        look = Line2D([], [], color="0.25", marker="D", markersize=4, linewidth=1.3)
        entries.append((look, "the data's borders, and where 95% of them lie when languages are drawn again"))
    return entries

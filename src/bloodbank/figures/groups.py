"""Distributions of F between languages that share a category and languages that do not, side by side."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from bloodbank.analysis.groups import Groups
from bloodbank.analysis.sharing import BORDER
from bloodbank.bank.scores import number
from bloodbank.canvas import BLUE, LABEL_SIZE, MINUS, RED, TEXT_SIZE, add_legend, settle, sheet, style_axes
from bloodbank.errors import UsageError
from bloodbank.figures.histogram import robust_range
from bloodbank.randomness import generator
from bloodbank.wording import plural, signed

Floats = NDArray[np.float64]
MAX_POINTS = 1_500  # of one distribution; more would be a blot
_PANEL, _HEIGHT = 3.75, 5.4  # inches
_STYLES = {"same": (BLUE, "o"), "different": (RED, "^")}
_REACH = 0.32  # of the points to either side, in the distance of two distributions
_FEW = 5  # pairs, from which quartiles are drawn
_BORDER = f"{100 * BORDER:.0f}%".replace("-", MINUS)
_OVER_LINES = {"facecolor": "white", "edgecolor": "none", "pad": 0.5}  # ground of text that lines would cross
_LOOKS: list[tuple[Any, str]] = [
    (Line2D([], [], marker="D", markeredgecolor="black", markerfacecolor="white", linestyle="none"), "mean"),
    (Rectangle((0, 0), 1, 1, fill=False, edgecolor="black"), "quartiles, median"),
    (Line2D([], [], color="0.2", linewidth=1.0), "F = 0"),
    (Line2D([], [], color="0.2", linewidth=1.0, linestyle="--"), f"the paper's border, {_BORDER}"),
]


def groups_figure(results: Sequence[Groups], subtitle: str) -> Figure:
    """Build the figure.

    Args:
        results: What is drawn, a panel each.
        subtitle: What stands under the title.

    Returns:
        A figure with axes named after each category: F in percent upwards, one distribution for languages that share
        the category and one for languages that do not.

    Raises:
        UsageError: There is no result.

    Source:
        Figure 5.
    """
    if not results:
        raise UsageError("There is no comparison to draw. Give one result of `groups` or more.")
    limits = _limits(results)
    size = max(5.4, 0.6 + len(results) * _PANEL), _HEIGHT
    title = f"F by {_listed([result.by for result in results])}"
    figure = sheet(title, [subtitle, *_notes(results, limits)], size)
    for axes, result in zip(figure.subplots(1, len(results), squeeze=False)[0], results, strict=True):
        _draw_frame(axes, result, limits, first=result is results[0])
        for x, side in enumerate(_STYLES):
            _draw_side(axes, result, x, side, limits)
    add_legend(figure, _LOOKS)
    return settle(figure)


def groups_caption(results: Sequence[Groups]) -> str:
    """Write a caption that stands alone.

    Args:
        results: What is drawn.

    Returns:
        The caption.
    """
    parts = [
        f"by {result.by}, {plural(int(number(result.summary, 'same', 'n_pairs')), 'ordered pair')} that share it and "
        f"{int(number(result.summary, 'different', 'n_pairs'))} that do not "
        f"({plural(len(result.categories), 'language')})"
        for result in results
    ]
    return (
        "Finetune score F between languages that share a category, beside F between languages that do not: "
        f"{'; '.join(parts)}. Upwards: F in percent of the recipient's monolingual score, positive where the donor "
        "helps; a point is an ordered pair, spread sideways at random where pairs are many. Box: quartiles and median, "
        f"from {_FEW} pairs; diamond: mean. Solid line: F = 0; dashed line: the paper's border of {_BORDER}. p: by "
        "permutation of the languages, and corrected by Holm's method for the tests of a category. As figure 5 of "
        "Malkin et al. (2022)."
    )


def _listed(names: list[str]) -> str:
    short = [textwrap.shorten(name, 24, placeholder=" ...") for name in names]
    return f"{', '.join(short[:-1])} and {short[-1]}" if len(short) > 1 else short[0]


def _limits(results: Sequence[Groups]) -> tuple[float, float]:
    values = np.concatenate([100 * result.cells["finetune_score"].to_numpy(dtype=float) for result in results])
    low, high = robust_range(np.sort(values)) if len(values) else (-100.0, 100.0)
    low, high = min(low, 150 * BORDER), max(high, 5.0)
    return low - 0.04 * (high - low), high + 0.04 * (high - low)


def _notes(results: Sequence[Groups], limits: tuple[float, float]) -> list[str]:
    notes = []
    values = pd.concat([100 * result.cells["finetune_score"].astype(float) for result in results])
    if ((values < limits[0]) | (values > limits[1])).any():
        notes.append("black points at the edge lie beyond it")
    if any(result.summary["n_pairs"].max() > MAX_POINTS for result in results):
        notes.append(f"of more than {MAX_POINTS:,} pairs, {MAX_POINTS:,} drawn at random are shown")
    without = sorted({code for result in results for code in result.without})
    if without:
        notes.append(f"left out where a category is not known: {plural(len(without), 'language')}")
    return notes


def _draw_frame(axes: Axes, result: Groups, limits: tuple[float, float], *, first: bool) -> None:
    style_axes(axes, result.by, y="F in percent (> 0: the donor helps)" if first else "")
    axes.grid(visible=False)
    axes.set(xlim=(-0.5, 1.62), ylim=limits)
    axes.axhline(0, color="0.2", linewidth=1.0, zorder=1)
    axes.axhline(100 * BORDER, color="0.2", linewidth=1.0, linestyle="--", zorder=1)
    axes.tick_params(axis="y", labelleft=first)
    axes.tick_params(axis="x", length=0)
    name = textwrap.shorten(result.by, 20, placeholder=" ...")
    axes.set_xticks([0, 1], [_label(result, side, f"{side} {name}") for side in _STYLES], size=TEXT_SIZE)
    axes.set_title(f"{name}\n", size=LABEL_SIZE + 1, weight="bold", pad=6)
    row: dict[str, Any] = dict(zip(result.tests.columns, result.tests.loc["mean"], strict=True))
    text = "no test of the means"
    if not row["reason"]:
        text = f"means differ by {signed(100 * float(row['statistic']), 1, minus=MINUS)} points, p = {_p(row['p'])} "
        text += f"(corrected {_p(row['p_holm'])})"
    axes.annotate(text, (0.5, 1), (0, 6), "axes fraction", "offset points", ha="center", size=TEXT_SIZE)


def _p(value: float) -> str:
    return f"{value:.2f}" if value >= 0.0095 else f"{value:.1g}"


def _label(result: Groups, side: str, name: str) -> str:
    row: dict[str, Any] = dict(zip(result.summary.columns, result.summary.loc[side], strict=True))
    pairs = plural(int(row["n_pairs"]), "pair")
    if not row["n_pairs"]:
        return f"{name}\n{pairs}\n\n"
    return (
        f"{name}\n{pairs}\n{100 * row['share_negative']:.1f}% below 0%\n"
        f"{100 * row['share_below_border']:.1f}% below {_BORDER}"
    )


def _draw_side(axes: Axes, result: Groups, x: int, side: str, limits: tuple[float, float]) -> None:
    cells = result.cells[result.cells["same"] == (side == "same")]
    values = 100 * cells["finetune_score"].to_numpy(dtype=float)
    if not len(values):
        where = axes.get_xaxis_transform()
        axes.text(x, 0.5, "no measured\npair", transform=where, ha="center", size=TEXT_SIZE, bbox=_OVER_LINES)
        return
    colour, marker = _STYLES[side]
    order = cells.sort_values(["donor", "recipient"]).index  # so that the order of languages changes no point
    random = generator("groups figure", side, len(values))
    shown = 100 * cells.loc[order, "finetune_score"].to_numpy(dtype=float)
    if len(shown) > MAX_POINTS:
        drawn_first = random.permutation(len(shown))
        is_inside = (shown >= limits[0]) & (shown <= limits[1])  # those beyond the axis are always shown
        shown = shown[drawn_first[np.argsort(is_inside[drawn_first], kind="stable")][:MAX_POINTS]]
    drawn = np.clip(shown, *limits)
    reach = _REACH * min(1.0, np.sqrt((len(drawn) - 1) / 40))
    at = x + reach * _crowding(drawn, limits) * random.uniform(-1, 1, len(drawn))
    size = float(np.clip(60 / np.sqrt(len(shown)), 2.0, 5.0))
    look: dict[str, Any] = {"linestyle": "none", "marker": marker, "markeredgewidth": 0, "zorder": 2}
    axes.plot(at, drawn, markersize=size, color=colour, alpha=0.55, **look)
    beyond = drawn != shown
    axes.plot(at[beyond], drawn[beyond], markersize=size + 1, color="black", clip_on=False, in_layout=False, **look)
    if len(values) >= _FEW:
        low, middle, high = np.clip(np.quantile(values, (0.25, 0.5, 0.75)), *limits)
        axes.add_patch(Rectangle((x - 0.09, low), 0.18, high - low, fill=False, edgecolor="black", lw=1.1, zorder=3))
        axes.plot([x - 0.09, x + 0.09], [middle, middle], color="black", linewidth=2.0, zorder=3)
    mean = float(values.mean())
    at_mean = float(np.clip(mean, *limits))
    edge: dict[str, Any] = {"markeredgecolor": "black", "markerfacecolor": "white", "zorder": 4}
    axes.plot([x], [at_mean], marker="D", markersize=6, **edge)
    look = {"ha": "left", "va": "center", "size": TEXT_SIZE - 0.5, "bbox": _OVER_LINES, "zorder": 4}
    axes.text(x + _REACH + 0.02, at_mean, f"mean\n{signed(mean, 1, minus=MINUS)}%", **look)


def _crowding(values: Floats, limits: tuple[float, float]) -> Floats:
    """Say how dense the values are where each lies, 1 where they are densest: points spread as far as they must."""
    n_bins = int(np.clip(np.sqrt(len(values)), 5, 40))
    counts, edges = np.histogram(values, n_bins, limits)
    smooth = np.convolve(counts, [0.25, 0.5, 0.25], mode="same")
    at = np.interp(values, (edges[:-1] + edges[1:]) / 2, smooth)
    return np.asarray(at / at.max())

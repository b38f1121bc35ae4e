"""The blood bank graph: who helps whom most (figure 1).

Reads a bank; writes nothing.

    graph_figure(bank, "22 languages; protocol sequential")
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch
from matplotlib.path import Path

from bloodbank.analysis.graph import TransferGraph, circle_order, circle_points, drawn_edges, edge_curve, transfer_graph
from bloodbank.bank.bank import Bank
from bloodbank.canvas import MARGIN, TEXT_SIZE, add_axes, draw_heading, heading_height, heading_lines, new_figure
from bloodbank.figures.plane import STYLES
from bloodbank.wording import language_name, percent, plural

_UNTYPED = ("0.3", "o")
_HELPS, _HARMS = "0.25", "#CC79A7"  # Okabe and Ito's reddish purple
_WIDEST, _NARROWEST = 3.2, 0.6  # points, of an edge where there are few
_TOLD_APART = 0.3  # points between two widths of the legend
_PALE, _FULL = 0.4, 0.85  # opacity of edges whose interval holds zero, and of the others
_MINUS = "\N{MINUS SIGN}"
_KEY = 1.9  # inches for the legend at the right


def graph_figure(bank: Bank, subtitle: str, *, n_positive: int | None = None, n_negative: int | None = None) -> Figure:
    """Draw the strongest edges between languages.

    Args:
        bank: What is drawn.
        subtitle: What stands under the title.
        n_positive: Positive edges, at most; see `transfer_graph`.
        n_negative: Negative edges, at most.

    Returns:
        A figure with the axes "graph": languages on a circle, an arrow from donor to recipient for each edge.

    Source:
        Figure 1.
    """
    graph = transfer_graph(bank, n_positive=n_positive, n_negative=n_negative)
    shown = graph.shown
    n = len(shown)
    radius = float(np.clip(1.15 + 0.06 * n, 1.3, 4.3))  # inches
    length = 0.15 + _label_length(graph)
    across, upright = 2 * (radius + length), 2 * (radius + (0.25 if graph.named else length))
    width = max(across + _KEY, 6.0)
    lines = heading_lines(width, subtitle, *_notes(graph))
    top = heading_height(lines) + 0.05
    figure = new_figure(width, top + upright + MARGIN)
    draw_heading(figure, "who helps whom most", lines, name=bank.name)
    axes = add_axes(figure, ((width - _KEY - across) / 2, top), (across, upright))
    axes.set_label("graph")
    axes.set_axis_off()
    axes.set_xlim(-across / 2, across / 2)  # in inches
    axes.set_ylim(-upright / 2, upright / 2)
    order = circle_order(shown, graph.edges)
    points = pd.DataFrame(radius * circle_points(n), index=order, columns=["x", "y"])
    node = float(np.clip(250 / max(n, 1), 5.0, 8.0))  # points
    _draw_edges(axes, graph, points, node)
    _draw_nodes(axes, graph, points, node)
    _draw_labels(axes, graph, points, node)
    _draw_key(figure, graph)
    return figure


def graph_caption(bank: Bank, *, n_positive: int | None = None, n_negative: int | None = None) -> str:
    """Write the caption of `graph_figure`.

    Args:
        bank: What was drawn.
        n_positive: As there.
        n_negative: As there.

    Returns:
        A caption that stands alone.
    """
    graph = transfer_graph(bank, n_positive=n_positive, n_negative=n_negative)
    n = len(graph.nodes)
    if graph.edges.empty:
        reason = (
            "no F above or below zero is measured" if not graph.n_positive + graph.n_negative else "none was asked for"
        )
        return f"The blood bank graph of {plural(n, 'language')}: no edge is drawn, because {reason}."
    edges = "; ".join(
        f"{said} (F from {percent(float(part['finetune_score'].min()), minus=_MINUS)}% to "
        f"{percent(float(part['finetune_score'].max()), minus=_MINUS)}%; {look})"
        for part, said, look in drawn_edges(graph)
    )
    missing = graph.n_pairs - graph.n_measured
    left_out = n - len(graph.shown)
    said = [
        f"The blood bank graph of {plural(n, 'language')}. Arrows run from donor to recipient, and are as wide as the "
        "finetune score F is large: the gain of the recipient from pretraining on the donor, in percent of the score "
        f"of its monolingual model. Of {plural(graph.n_measured, 'measured cell')} the figure shows {edges}.",
        "Colour and shape of a language give its blood type (O: D > 0, R < 0; A: both > 0; AB+: D < 0, R > 0; "
        "None: both < 0)."
        if graph.nodes["blood_type"].notna().any()
        else "Blood types are not given for this bank.",
        "Whether an edge is beyond measurement error is not known."
        if graph.interval_level is None
        else f"Pale edges: the {graph.interval_level:.0%} measurement interval holds zero.",
        f"{plural(missing, 'cell')} of {graph.n_pairs} not measured, and not drawn." if missing else "",
        f"{plural(left_out, 'language')} without a drawn edge left out." if left_out else "",
        "Place on the circle has no meaning but for the grouping by type. After figure 1 of the paper.",
    ]
    return " ".join(sentence for sentence in said if sentence)


def _notes(graph: TransferGraph) -> list[str]:
    drawn = [said for _, said, _ in drawn_edges(graph)]
    notes = [f"drawn: {' and '.join(drawn)}" if drawn else "no edge to draw"]
    if graph.n_measured < graph.n_pairs:
        notes.append("missing cells not drawn")
    left_out = len(graph.nodes) - len(graph.shown)
    if left_out:
        notes.append(f"{plural(left_out, 'language')} without a drawn edge left out")
    return ["; ".join(notes)]


def _labels(graph: TransferGraph) -> dict[str, str]:
    codes = [str(code) for code in graph.shown.index]
    return {code: language_name(code) if graph.named else code for code in codes}


def _label_size(graph: TransferGraph) -> float:
    return TEXT_SIZE if len(graph.shown) <= 80 else 7.0


def _label_length(graph: TransferGraph) -> float:
    longest = max((len(text) for text in _labels(graph).values()), default=0)
    return longest * 0.64 * _label_size(graph) / 72


def _width(score: float, graph: TransferGraph) -> float:
    largest = float(graph.edges["finetune_score"].abs().max())
    widest = _WIDEST * float(np.clip(np.sqrt(30 / len(graph.edges)), 0.5, 1.0))
    return max(widest * abs(score) / largest, _NARROWEST)


def _draw_edges(axes: Axes, graph: TransferGraph, points: pd.DataFrame, node: float) -> None:
    edges = graph.edges.assign(size=graph.edges["finetune_score"].abs())
    for _, edge in edges.sort_values(["size", "donor", "recipient"]).iterrows():
        score = float(edge["finetune_score"])
        width = _width(score, graph)
        start, end = (points.loc[code].to_numpy(dtype=float) for code in (edge["donor"], edge["recipient"]))
        curve = edge_curve(start, end, ((node / 2 + 1) / 72, (node / 2 + 2) / 72))
        patch = FancyArrowPatch(
            path=Path(curve, [Path.MOVETO, Path.CURVE3, Path.CURVE3]),
            arrowstyle=f"-|>,head_length={2.5 + 1.2 * width:.2f},head_width={1.1 + 0.7 * width:.2f}",
            mutation_scale=1.0,
            color=_HELPS if score > 0 else _HARMS,
            linewidth=width,
            linestyle="-" if score > 0 else (0, (3, 1.5)),
            alpha=_PALE if edge["certain"] is False else _FULL,
            zorder=2,
        )
        patch.set_gid(f"{edge['donor']}-{edge['recipient']}")
        axes.add_patch(patch)


def _draw_nodes(axes: Axes, graph: TransferGraph, points: pd.DataFrame, node: float) -> None:
    types = graph.nodes["blood_type"].reindex(points.index)
    types = types.where(types.isin(list(STYLES)), "")
    for kind, (colour, marker) in {**STYLES, "": _UNTYPED}.items():
        members = points[types == kind]
        axes.plot(
            members["x"].to_numpy(), members["y"].to_numpy(), linestyle="none", marker=marker, markersize=node,
            markerfacecolor=colour, markeredgecolor="white", markeredgewidth=0.5, zorder=3,
        )  # fmt: skip


def _draw_labels(axes: Axes, graph: TransferGraph, points: pd.DataFrame, node: float) -> None:
    along_radius = not graph.named
    for code, text in _labels(graph).items():
        x, y = float(points["x"][code]), float(points["y"][code])
        radius = float(np.hypot(x, y))
        reach = 1 + (node / 2 + 4) / 72 / radius
        lift = (
            0 if along_radius else 0.06 * y / radius
        )  # lying labels keep off the nodes that they stand above or below
        right = x >= -1e-9
        angle = float(np.degrees(np.arctan2(y, x))) + (0 if right else 180)
        axes.text(
            x * reach, y * reach + lift, text, size=_label_size(graph), ha="left" if right else "right", va="center",
            rotation=angle if along_radius else 0, rotation_mode="anchor", zorder=4,
        )  # fmt: skip


def _draw_key(figure: Figure, graph: TransferGraph) -> None:
    """Explain only what is there: types, widths, colours."""
    entries: list[tuple[Line2D, str]] = []
    present = set(graph.shown["blood_type"].dropna())
    for kind, (colour, marker) in STYLES.items():
        if kind in present:
            said = f"type {'None' if kind == 'none' else kind}"
            entries.append((Line2D([], [], linestyle="none", marker=marker, color=colour, markersize=6.5), said))
    if graph.shown["blood_type"].isna().any():
        entries.append(
            (Line2D([], [], linestyle="none", marker=_UNTYPED[1], color=_UNTYPED[0], markersize=6.5), "no type")
        )
    width, height = figure.get_size_inches()
    for score in _sample_scores(graph):
        look: dict[str, Any] = (
            {"color": _HELPS, "linestyle": "-"} if score > 0 else {"color": _HARMS, "linestyle": "--"}
        )
        line = Line2D([], [], linewidth=_width(score, graph), **look)
        entries.append((line, f"F = {percent(score, minus=_MINUS)}%"))
    if any(certain is False for certain in graph.edges["certain"]):
        entries.append((Line2D([], [], color=_HELPS, alpha=_PALE, linewidth=2), "interval holds zero"))
    if entries:
        handles, labels = zip(*entries, strict=True)
        figure.legend(
            handles, labels, loc="lower right", bbox_to_anchor=(1 - MARGIN / width, MARGIN / height), frameon=False,
            fontsize=TEXT_SIZE, borderpad=0, borderaxespad=0, handlelength=2.2, title="arrow: donor → recipient",
            title_fontsize=TEXT_SIZE, alignment="left",
        )  # fmt: skip


def _sample_scores(graph: TransferGraph) -> list[float]:
    samples = []
    for part in (graph.positive["finetune_score"], graph.negative["finetune_score"]):
        if len(part):
            ends = sorted({float(part.min()), float(part.max())}, key=abs)
            samples += ends if _width(ends[-1], graph) - _width(ends[0], graph) > _TOLD_APART else ends[-1:]
    return samples

"""The blood bank graph: who helps whom most (figure 1).

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
from bloodbank.canvas import MINUS, PINK, SMALL, TEXT_SIZE, add_legend, settle, sheet
from bloodbank.figures.plane import STYLES
from bloodbank.wording import language_name, percent, plural

_UNTYPED = ("0.3", "o")
_HELPS, _HARMS = "0.25", PINK
_WIDEST, _NARROWEST = 3.2, 0.6  # points, of an edge where there are few
_TOLD_APART = 0.3  # points between two widths of the legend
_PALE, _FULL = 0.4, 0.85  # opacity of edges whose interval holds zero, and of the others
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
    n = len(graph.shown)
    radius = float(np.clip(1.15 + 0.06 * n, 1.3, 4.3))  # inches, as all in the axes
    length = 0.15 + _label_length(graph)
    across, upright = radius + length, radius + (0.25 if graph.named else length)
    size = (max(2 * across + _KEY, 6.0), 2 * upright + 0.15)
    figure = sheet("who helps whom most", [subtitle, *_notes(graph)], size, name=bank.name)
    axes = figure.add_subplot(aspect="equal", xlim=(-across, across), ylim=(-upright, upright), label="graph")
    axes.set_axis_off()
    order = circle_order(graph.shown, graph.edges)
    points = pd.DataFrame(radius * circle_points(n), index=order, columns=["x", "y"])
    node = float(np.clip(250 / max(n, 1), 5.0, 8.0))  # points
    _draw_edges(axes, graph, points, node)
    _draw_nodes(axes, graph, points, node)
    _draw_labels(axes, graph, points, node)
    key = {"loc": "outside right lower", "ncols": 1, "handlelength": 2.2, "fontsize": TEXT_SIZE, "alignment": "left"}
    add_legend(figure, _key(graph), title="arrow: donor → recipient", title_fontsize=TEXT_SIZE, **key)
    return settle(figure)


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
        f"{which} (F from {percent(float(part['finetune_score'].min()), minus=MINUS)}% to "
        f"{percent(float(part['finetune_score'].max()), minus=MINUS)}%; {look})"
        for part, which, look in drawn_edges(graph)
    )
    missing = graph.n_pairs - graph.n_measured
    left_out = n - len(graph.shown)
    sentences = [
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
    return " ".join(sentence for sentence in sentences if sentence)


def _notes(graph: TransferGraph) -> list[str]:
    drawn = [which for _, which, _ in drawn_edges(graph)]
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
    return TEXT_SIZE if len(graph.shown) <= 80 else SMALL - 0.5


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
    """Write names lying beside their nodes, or codes along the radius."""
    for code, text in _labels(graph).items():
        x, y = float(points["x"][code]), float(points["y"][code])
        radius = float(np.hypot(x, y))
        reach = 1 + (node / 2 + 4) / 72 / radius
        right = x >= -1e-9
        look: dict[str, Any] = {"ha": "left" if right else "right", "va": "center", "rotation_mode": "anchor"}
        lift = 0.0
        if graph.named:
            lift = 0.06 * y / radius  # lying labels keep off the nodes that they stand above or below
        else:
            look["rotation"] = float(np.degrees(np.arctan2(y, x))) + (0 if right else 180)
        axes.text(x * reach, y * reach + lift, text, size=_label_size(graph), zorder=4, **look)


def _key(graph: TransferGraph) -> list[tuple[Line2D, str]]:
    """Explain only what is there: types, widths, colours."""
    types = graph.shown["blood_type"]
    looks = [
        (style, f"type {'None' if kind == 'none' else kind}") for kind, style in STYLES.items() if kind in set(types)
    ]
    looks += [(_UNTYPED, "no type")] if types.isna().any() else []
    entries = [
        (Line2D([], [], linestyle="none", marker=marker, color=colour, markersize=6.5), text)
        for (colour, marker), text in looks
    ]
    for score in _sample_scores(graph):
        colour = _HELPS if score > 0 else _HARMS
        line = Line2D([], [], linewidth=_width(score, graph), color=colour, linestyle="-" if score > 0 else "--")
        entries.append((line, f"F = {percent(score, minus=MINUS)}%"))
    if any(certain is False for certain in graph.edges["certain"]):
        entries.append((Line2D([], [], color=_HELPS, alpha=_PALE, linewidth=2), "interval holds zero"))
    return entries


def _sample_scores(graph: TransferGraph) -> list[float]:
    samples = []
    for part in (graph.positive["finetune_score"], graph.negative["finetune_score"]):
        if len(part):
            ends = sorted({float(part.min()), float(part.max())}, key=abs)
            samples += ends if _width(ends[-1], graph) - _width(ends[0], graph) > _TOLD_APART else ends[-1:]
    return samples

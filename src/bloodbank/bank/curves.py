"""Loss on dev text while training: one panel for each recipient, M_t beside its bilingual models.

Tokens are on a scale that all panels share; each has its own scale of loss, so that the ends of its lines can be
told apart. Both are logarithmic: the fall from the untrained model would otherwise take most of a panel.
"""

from __future__ import annotations

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from bloodbank.bank.canvas import (
    MARGIN,
    TEXT_SIZE,
    add_axes,
    draw_heading,
    heading_height,
    heading_lines,
    long_label,
    new_figure,
)
from bloodbank.bank.curve_layout import Grid, TokenScale, loss_ticks, spread
from bloodbank.bank.loss_curves import Panel
from bloodbank.bank.measurements import JOINT
from bloodbank.bank.names import plural

MAX_PANELS = 22
LEAST = 1e-6  # nats; a loss below has no place on a logarithmic axis
MAX_COLOURED = 8  # donors; beyond, colours could not be told apart
# Okabe and Ito's colours without the black of M_t, the faintest last.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#999999", "#F0E442")
_BEST, _WORST, _OTHER = "#0072B2", "#D55E00", "0.75"
_ALONE: dict[str, Any] = {"color": "black", "linewidth": 2.2, "solid_joinstyle": "round"}
_THIN = 1.0
_APART = 8.5  # points between two codes at the ends of lines


def curves_figure(panels: list[Panel], protocol: str) -> Figure:
    """Build the figure; `bloodbank.bank.figures.draw_curves` writes it.

    Args:
        panels: What `read_panels` gives, one or more.
        protocol: Protocol of the bilingual models.

    Returns:
        A figure with one axes for each recipient, labelled with its code: tokens seen to the right
        and loss in nats a masked piece upwards, both logarithmic.
    """
    shown = panels[:MAX_PANELS]
    donors = _donors(shown)
    colours = dict(zip(donors, _COLOURS, strict=False)) if len(donors) <= MAX_COLOURED else {}
    grid = Grid(len(shown), n_letters=0 if colours else max(map(len, donors), default=0))
    lines = heading_lines(grid.width, *_notes(panels, protocol))
    top = heading_height(lines) + 0.08
    legend = _legend_entries(shown, colours, "with" if protocol == JOINT else "after")
    n_columns = max(1, int((grid.width - 2 * MARGIN) / (1.9 if colours else 1.75)))
    legend_height = 0.2 * -(-len(legend) // n_columns) + MARGIN
    figure = new_figure(grid.width, top + grid.height + legend_height)
    draw_heading(figure, "loss on dev text while training, by recipient", lines)
    scale = TokenScale(line for panel in shown for line in panel.lines)
    for place, panel in enumerate(shown):
        left, below = grid.corner(place)
        axes = add_axes(figure, (left, top + below), grid.size)
        _draw_frame(axes, panel, scale, lowest=grid.is_lowest(place))
        _draw_lines(axes, panel, scale, colours)
    zero = ", 0 at the left edge" if scale.has_zero else ""
    seen = "tokens seen, of both languages in a joint model" if protocol == JOINT else "tokens of the recipient seen"
    _draw_labels(figure, top, grid, f"{seen} (logarithmic{zero})")
    _draw_legend(figure, legend, n_columns)
    return figure


def _donors(panels: list[Panel]) -> list[str]:
    """Order the donors as the panels are, and behind them those that have no panel of their own."""
    found = {donor: None for panel in panels for donor in panel.pairs}
    recipients = [panel.recipient for panel in panels if panel.recipient in found]
    return list(dict.fromkeys([*recipients, *found]))


def _notes(panels: list[Panel], protocol: str) -> list[str]:
    counts = {line.n_seeds for panel in panels[:MAX_PANELS] for line in panel.lines}
    low, high = min(counts), max(counts)
    seeds = f"mean over {low if low == high else f'{low} to {high}'} seeds" if high > 1 else "one seed"
    languages = plural(len(panels), "recipient")
    if len(panels) > MAX_PANELS:
        languages = f"the first {MAX_PANELS} of {languages}"
    notes = [languages, f"protocol {protocol}", seeds, "each panel has its own logarithmic scale of loss"]
    if not any(panel.pairs for panel in panels[:MAX_PANELS]):
        notes.append("no curve of a bilingual model")
    return ["; ".join(notes)]


def _draw_frame(axes: Axes, panel: Panel, scale: TokenScale, *, lowest: bool) -> None:
    axes.set_label(panel.recipient)
    axes.set_title(long_label(panel.recipient), size=TEXT_SIZE, loc="left", pad=4)
    axes.set_xscale("log")
    axes.set_xlim(*scale.limits)
    ticks, names = scale.ticks()
    axes.set_xticks(ticks, names if lowest else [""] * len(names))
    losses = [max(loss, LEAST) for line in panel.lines for loss in line.loss.tolist()]
    margin = (max(losses) / min(losses)) ** 0.06 * 1.001
    limits = min(losses) / margin, max(losses) * margin
    axes.set_yscale("log")
    axes.set_ylim(*limits)
    axes.set_yticks(*loss_ticks(*limits))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_locator(NullLocator())
    axes.tick_params(labelsize=TEXT_SIZE - 1.5, length=2.5, pad=2)
    axes.grid(visible=True, color="0.92", linewidth=0.6)
    axes.set_axisbelow(True)
    for name in ("top", "right"):
        axes.spines[name].set_visible(False)


def _draw_lines(axes: Axes, panel: Panel, scale: TokenScale, colours: dict[str, str]) -> None:
    """Draw the thin lines over the bold one, which stays visible below them."""
    if panel.alone:
        axes.plot(scale.place(panel.alone.tokens_seen), panel.alone.loss, **_ALONE, zorder=2)
    order = panel.donors_by_loss
    ends = {order[0]: _BEST, order[-1]: _WORST} if order and not colours else {}
    if len(order) == 1:
        ends = dict.fromkeys(ends, _BEST)
    for donor, line in panel.pairs.items():
        colour = colours.get(donor) or ends.get(donor, _OTHER)
        zorder = 3 if donor in colours or donor in ends else 1
        style: dict[str, Any] = {"color": colour, "linewidth": _THIN if zorder == 3 else 0.7, "zorder": zorder}
        axes.plot(scale.place(line.tokens_seen), line.loss, label=donor, **style)
    if ends:
        _name_ends(axes, panel, ends)


def _name_ends(axes: Axes, panel: Panel, ends: dict[str, str]) -> None:
    """Write codes at the right of the axes, at the height at which their lines end."""
    points = 72 / axes.figure.dpi
    heights = [float(axes.transData.transform((1, panel.pairs[donor].loss[-1]))[1]) * points for donor in ends]
    for donor, before, after in zip(ends, heights, spread(heights, _APART), strict=True):
        axes.annotate(
            donor,
            (1, panel.pairs[donor].loss[-1]),
            xycoords=("axes fraction", "data"),
            xytext=(3, after - before),
            textcoords="offset points",
            size=TEXT_SIZE - 1,
            color=ends[donor],
            va="center",
            annotation_clip=False,
        )


def _draw_labels(figure: Figure, top: float, grid: Grid, tokens: str) -> None:
    width, height = figure.get_size_inches()
    middle = (MARGIN + grid.corner(grid.n_columns - 1)[0] + grid.size[0]) / 2
    under = top + grid.height - 0.3
    figure.text(
        middle / width,
        1 - (under + 0.05) / height,
        tokens,
        ha="center",
        va="top",
        size=TEXT_SIZE,
    )
    figure.text(
        (MARGIN + 0.02) / width,
        1 - (top + (under - top) / 2) / height,
        "dev loss (nats a masked piece)",
        ha="left",
        va="center",
        rotation=90,
        size=TEXT_SIZE,
    )


def _legend_entries(panels: list[Panel], colours: dict[str, str], preposition: str) -> list[tuple[Line2D, str]]:
    """Explain only what is there."""
    entries = [(Line2D([], [], **_ALONE), "M_t alone")] if any(panel.alone for panel in panels) else []

    def thin(colour: str, label: str) -> None:
        entries.append((Line2D([], [], color=colour, linewidth=1.5 * _THIN), label))

    for donor, colour in colours.items():
        thin(colour, f"{preposition} {long_label(donor)}")
    if not colours and any(panel.pairs for panel in panels):
        thin(_BEST, "donor with the lowest loss")
        if any(len(panel.pairs) > 1 for panel in panels):
            thin(_WORST, "with the highest loss")
        if any(len(panel.pairs) > 2 for panel in panels):
            thin(_OTHER, "other donors")
    return entries


def _draw_legend(figure: Figure, entries: list[tuple[Line2D, str]], n_columns: int) -> None:
    handles, labels = zip(*entries, strict=True)
    width, height = figure.get_size_inches()
    figure.legend(
        handles,
        labels,
        loc="lower left",
        bbox_to_anchor=(MARGIN / width, MARGIN / height),
        ncols=min(n_columns, len(entries)),
        frameon=False,
        fontsize=TEXT_SIZE - 0.5,
        borderpad=0,
        borderaxespad=0,
        columnspacing=1.2,
    )

"""Loss on dev text while training: one panel for each recipient, M_t beside its bilingual models.

Tokens are on a scale that all panels share; each has its own scale of loss, so that the ends of its lines can be
told apart. Both are logarithmic: the fall from the untrained model would otherwise take most of a panel.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, NullLocator

from bloodbank.bank.measurements import JOINT, MONOLINGUAL
from bloodbank.canvas import (
    MARGIN,
    TEXT_SIZE,
    add_axes,
    draw_heading,
    heading_height,
    heading_lines,
    long_label,
    new_figure,
)
from bloodbank.errors import UsageError
from bloodbank.wording import plural

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
    """Build the figure; `bloodbank.figures.run_figures.draw_curves` writes it.

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


# Where the panels of the loss curves stand, and the scale of tokens that they share.


# By number of columns: width and height of a panel in inches.
_SIZES = {1: (4.6, 2.9), 2: (3.1, 2.2), 3: (2.5, 1.9), 4: (2.1, 1.6), 5: (1.85, 1.45)}
_TITLE, _LOSSES, _TOKENS = 0.27, 0.42, 0.25  # inches for a panel's title above, numbers at its left, and below
_YLABEL, _XLABEL = 0.22, 0.3  # for the labels that all panels share
_END, _LETTER = 0.1, 0.08  # at the right of a panel, and for a letter of a code there
MAX_TICKS = 3


@dataclass(frozen=True)
class Grid:
    """Places of the panels, in inches from the left and the top."""

    n_panels: int
    n_letters: int  #: of the longest code at the end of a line; 0 where there are no codes

    @property
    def n_columns(self) -> int:
        """Columns: three panels side by side, more nearly in a square."""
        return self.n_panels if self.n_panels <= 3 else min(max(_SIZES), math.ceil(math.sqrt(self.n_panels)))

    @property
    def n_rows(self) -> int:
        """Rows, of which the last may be shorter."""
        return math.ceil(self.n_panels / self.n_columns)

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of a panel."""
        return _SIZES[self.n_columns]

    @property
    def step(self) -> tuple[float, float]:
        """From one panel to the next, to the right and downwards."""
        width, height = self.size
        return _LOSSES + width + _END + _LETTER * self.n_letters, _TITLE + height + _TOKENS

    @property
    def width(self) -> float:
        """Width of the figure; a single panel has room for the title."""
        return max(5.4, _YLABEL + self.n_columns * self.step[0] + 2 * MARGIN)

    @property
    def height(self) -> float:
        """Height of all panels with what stands around them."""
        return self.n_rows * self.step[1] + _XLABEL

    def corner(self, place: int) -> tuple[float, float]:
        """Find the upper left corner of a panel's axes, from the left and from the top of the grid."""
        row, column = divmod(place, self.n_columns)
        return MARGIN + _YLABEL + _LOSSES + column * self.step[0], _TITLE + row * self.step[1]

    def is_lowest(self, place: int) -> bool:
        """Say whether no panel stands below."""
        return place + self.n_columns >= self.n_panels


class TokenScale:
    """Logarithm of tokens seen, with a place for 0 at the left.

    Args:
        lines: All that is drawn.
    """

    def __init__(self, lines: Iterable[Line]) -> None:
        tokens = np.concatenate([line.tokens_seen for line in lines])
        positive = tokens[tokens > 0]
        self.first = float(positive.min()) if positive.size else 1.0
        self.last = max(float(positive.max()) if positive.size else 1.0, 2 * self.first)
        self.has_zero = bool((tokens <= 0).any())
        # A seventh of the axis from 0 to the first point; not so far that it looks like a measured stretch.
        self.zero = self.first / max(1.25, (self.last / self.first) ** (1 / 6)) if self.has_zero else self.first

    @property
    def limits(self) -> tuple[float, float]:
        """Ends of the axis."""
        margin = (self.last / self.zero) ** 0.03
        return self.zero / margin, self.last * margin

    def place(self, tokens_seen: np.ndarray) -> np.ndarray:
        """Move 0 to its place."""
        return np.where(tokens_seen > 0, tokens_seen, self.zero)

    def ticks(self) -> tuple[list[float], list[str]]:
        """Choose round numbers, at most `MAX_TICKS`, and 0 where it is drawn."""
        found = _round_numbers(self.first, self.last)
        zero = [self.zero] if self.has_zero else []
        return zero + found, ["0"] * len(zero) + [short_count(tick) for tick in found]


def loss_ticks(low: float, high: float) -> tuple[list[float], list[str]]:
    """Choose round numbers for a logarithmic axis of losses, whose ends may lie close together."""
    if high > 5 * low:
        found = _round_numbers(low, high)
    else:
        steps = MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
        found = [float(value) for value in steps if low <= value <= high]
    return found, [f"{value:g}" for value in found]


def _round_numbers(low: float, high: float) -> list[float]:
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for numbers in ((1,), (1, 3), (1, 2, 5)):
        values = [number * 10.0**power for power in powers for number in numbers]
        found = [value for value in values if low <= value <= high]
        if len(found) > 1:
            break
    every = max(1, math.ceil(len(found) / MAX_TICKS))
    return found[(len(found) - 1) % every :: every]  # the last one is always there


def short_count(count: float) -> str:
    """Write a round count in few letters: "500", "20k", "1M"."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= size:
            return f"{count / size:g}{letter}"
    return f"{count:g}"


def spread(heights: list[float], apart: float) -> list[float]:
    """Move two or more heights, given in rising order, until they are some distance apart.

    Args:
        heights: In any unit, rising.
        apart: The least distance, in the same unit.

    Returns:
        The heights, moved as little around their middle as needed.
    """
    placed = np.array(heights, dtype=float)
    for _ in range(len(placed)):
        for low, high in zip(range(len(placed) - 1), range(1, len(placed)), strict=True):
            short = apart - (placed[high] - placed[low])
            if short > 0:
                placed[low] -= short / 2
                placed[high] += short / 2
    return cast(list[float], placed.tolist())


# Loss curves as a figure needs them: by recipient, one line for each model, seeds averaged.


_COLUMNS = ("protocol", "donor", "recipient", "seed", "phase", "language", "updates", "tokens_seen", "loss")


@dataclass(frozen=True)
class Line:
    """Loss of one model on dev text, the mean over its seeds.

    Shape:
        `tokens_seen` and `loss` (nats a masked piece) have one entry for each point, tokens rising.
    """

    tokens_seen: np.ndarray
    loss: np.ndarray
    n_seeds: int


@dataclass(frozen=True)
class Panel:
    """What is drawn of one recipient."""

    recipient: str
    alone: Line | None  #: of M_t
    pairs: Mapping[str, Line]  #: of M_{s,t} while it read t, by donor

    @property
    def lines(self) -> list[Line]:
        """All lines of the panel."""
        return [*([self.alone] if self.alone else []), *self.pairs.values()]

    @property
    def donors_by_loss(self) -> list[str]:
        """Donors, that with the lowest loss at the end of its line first."""
        return sorted(self.pairs, key=lambda donor: (float(self.pairs[donor].loss[-1]), donor))


def read_panels(curves: pd.DataFrame, languages: Sequence[str], protocol: str) -> list[Panel]:
    """Gather the lines of each recipient.

    A sequential model is followed in its last phase, in which it read the recipient. A joint model is followed on
    the dev text of both its languages, and belongs to both panels. A loss that is not finite is left out.

    Args:
        curves: The tidy table of loss curves.
        languages: Codes, in the order of panels and donors; others are left out.
        protocol: Protocol of the bilingual models.

    Returns:
        One panel for each language that has a line.

    Raises:
        UsageError: The table lacks columns.
    """
    if curves.empty:
        return []
    missing = [column for column in _COLUMNS if column not in curves.columns]
    if missing:
        raise UsageError(f"The table of loss curves lacks the columns {', '.join(missing)}.")
    table = curves.assign(donor=curves["donor"].fillna("").astype(str), loss=curves["loss"].astype(float))
    table = table[np.isfinite(table["loss"])]
    alone = table[(table["protocol"] == MONOLINGUAL) & (table["language"] == table["recipient"])]
    pairs = _pair_rows(table[table["protocol"] == protocol], joint=protocol == JOINT)
    panels = []
    for code in languages:
        to = pairs[pairs["recipient"] == code]
        found = {donor: _line(to[to["donor"] == donor]) for donor in languages if donor != code}
        lines = {donor: line for donor, line in found.items() if line is not None}
        own = _line(alone[alone["recipient"] == code])
        if own or lines:
            panels.append(Panel(code, own, lines))
    return panels


def _pair_rows(rows: pd.DataFrame, *, joint: bool) -> pd.DataFrame:
    if joint:  # whichever way the pair is written, the recipient is the one whose dev text was read
        other = rows["donor"].where(rows["donor"] != rows["language"], rows["recipient"])
        rows = rows.assign(donor=other, recipient=rows["language"])
        return rows.drop_duplicates(["donor", "recipient", "seed", "phase", "updates"])
    rows = rows[rows["language"] == rows["recipient"]]
    last = rows.groupby(["donor", "recipient", "seed"])["phase"].transform("max")
    return rows[rows["phase"] == last]


def _line(rows: pd.DataFrame) -> Line | None:
    """Average the seeds at the points of the first one, as far as all of them go.

    Points differ between seeds where a run was interrupted, and by a few tokens where text is packed otherwise.
    """
    if rows.empty:
        return None
    parts = [part.sort_values("tokens_seen") for _, part in rows.groupby("seed")]
    seeds = [(part["tokens_seen"].to_numpy(dtype=float), part["loss"].to_numpy(dtype=float)) for part in parts]
    start, end = max(tokens[0] for tokens, _ in seeds), min(tokens[-1] for tokens, _ in seeds)
    points = seeds[0][0]
    points = np.unique([start, *points[(points >= start) & (points <= end)], end])
    return Line(points, np.mean([np.interp(points, *seed) for seed in seeds], axis=0), len(seeds))

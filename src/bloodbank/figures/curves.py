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
from matplotlib.text import Annotation
from matplotlib.ticker import MaxNLocator, NullLocator

from bloodbank.bank.bank import Bank
from bloodbank.bank.measurements import JOINT, MONOLINGUAL
from bloodbank.canvas import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PINK,
    RED,
    SKY,
    SMALL,
    TEXT_SIZE,
    YELLOW,
    add_legend,
    long_label,
    settle,
    sheet,
    style_axes,
)
from bloodbank.errors import UsageError
from bloodbank.figures.labels import spread
from bloodbank.wording import plural

MAX_PANELS = 22
MAX_TICKS = 3
LEAST = 1e-6  # nats; a loss below has no place on a logarithmic axis
MAX_COLOURED = 8  # donors; beyond, colours could not be told apart
_COLOURS = (BLUE, RED, GREEN, PINK, ORANGE, SKY, GREY, YELLOW)  # without the black of M_t, the faintest last
_BEST, _WORST, _OTHER = BLUE, RED, "0.75"
_ALONE: dict[str, Any] = {"color": "black", "linewidth": 2.2, "solid_joinstyle": "round"}
_THIN = 1.0
_APART = 8.5  # points between two codes at the ends of lines
# Inches of a panel with its numbers, by number of columns; a single one has room for the title.
_SIZES = {1: (5.4, 3.3), 2: (3.6, 2.7), 3: (3.0, 2.4), 4: (2.65, 2.1), 5: (2.45, 1.95)}
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
    own = {recipient: _line(rows) for recipient, rows in alone.groupby("recipient")}
    lines = {pair: _line(rows) for pair, rows in pairs.groupby(["donor", "recipient"])}
    panels = [
        Panel(code, own.get(code), {s: lines[s, code] for s in languages if s != code and (s, code) in lines})
        for code in languages
    ]
    return [panel for panel in panels if panel.lines]


def _pair_rows(rows: pd.DataFrame, *, joint: bool) -> pd.DataFrame:
    if joint:  # whichever way the pair is written, the recipient is the one whose dev text was read
        other = rows["donor"].where(rows["donor"] != rows["language"], rows["recipient"])
        rows = rows.assign(donor=other, recipient=rows["language"])
        return rows.drop_duplicates(["donor", "recipient", "seed", "phase", "updates"])
    rows = rows[rows["language"] == rows["recipient"]]
    last = rows.groupby(["donor", "recipient", "seed"])["phase"].transform("max")
    return rows[rows["phase"] == last]


def _line(rows: pd.DataFrame) -> Line:
    """Average the seeds at the points of the first one, as far as all of them go.

    Points differ between seeds where a run was interrupted, and by a few tokens where text is packed otherwise.
    """
    columns = (rows[name].to_numpy(dtype=float) for name in ("seed", "tokens_seen", "loss"))
    seed, tokens, loss = (column[np.lexsort((rows["tokens_seen"], rows["seed"]))] for column in columns)
    seeds = [(tokens[seed == each], loss[seed == each]) for each in np.unique(seed)]
    start, end = max(each[0] for each, _ in seeds), min(each[-1] for each, _ in seeds)
    points = seeds[0][0]
    points = np.unique([start, *points[(points >= start) & (points <= end)], end])
    return Line(points, np.mean([np.interp(points, *each) for each in seeds], axis=0), len(seeds))


def curves_figure(panels: list[Panel], protocol: str) -> Figure:
    """Draw the panels.

    Args:
        panels: What `read_panels` gives, one or more.
        protocol: Protocol of the bilingual models.

    Returns:
        A figure with one axes for each recipient, labelled with its code: tokens seen to the right
        and loss in nats a masked piece upwards, both logarithmic.
    """
    shown = panels[:MAX_PANELS]
    n_columns = len(shown) if len(shown) <= 3 else min(max(_SIZES), math.ceil(math.sqrt(len(shown))))
    n_rows = math.ceil(len(shown) / n_columns)
    donors = _donors(shown)
    colours = dict(zip(donors, _COLOURS, strict=False)) if len(donors) <= MAX_COLOURED else {}
    scale = TokenScale(line for panel in shown for line in panel.lines)
    width, height = _SIZES[n_columns]
    size = (max(width * n_columns, _SIZES[1][0]), height * n_rows + 0.45)
    figure = sheet("loss on dev text while training, by recipient", _notes(panels, protocol, scale), size)
    grid = figure.subplots(n_rows, n_columns, squeeze=False).ravel()
    for spare in grid[len(shown) :]:
        spare.remove()
    names: list[list[Annotation]] = []
    for place, (axes, panel) in enumerate(zip(grid, shown, strict=False)):
        _draw_frame(axes, panel, scale, first=place % n_columns == 0, lowest=place + n_columns >= len(shown))
        names.append(_draw_lines(axes, panel, scale, colours))
    add_legend(figure, _legend_entries(shown, colours, "with" if protocol == JOINT else "after"))
    settle(figure)
    for of_panel in names:
        _move_apart(of_panel)
    return figure


def curves_caption(bank: Bank) -> str:
    """Describe the loss curves so that the figure stands alone.

    Args:
        bank: The bank.
    """
    return (
        f"Loss on dev text while the models of bank {bank.name} trained, a panel for each recipient: cross-entropy in "
        "nats a masked piece (lower is better) against tokens of the recipient read so far, on a logarithmic scale. "
        "Bold: the recipient's own model; thin: models that started from a donor. Compare lines within a panel, not "
        "between panels."
    )


def _donors(panels: list[Panel]) -> list[str]:
    """Order the donors as the panels are, and behind them those that have no panel of their own."""
    drawn = {donor: None for panel in panels for donor in panel.pairs}
    recipients = [panel.recipient for panel in panels if panel.recipient in drawn]
    return list(dict.fromkeys([*recipients, *drawn]))


def _notes(panels: list[Panel], protocol: str, scale: TokenScale) -> list[str]:
    counts = {line.n_seeds for panel in panels[:MAX_PANELS] for line in panel.lines}
    low, high = min(counts), max(counts)
    seeds = f"mean over {low if low == high else f'{low} to {high}'} seeds" if high > 1 else "one seed"
    languages = plural(len(panels), "recipient")
    if len(panels) > MAX_PANELS:
        languages = f"the first {MAX_PANELS} of {languages}"
    notes = [languages, f"protocol {protocol}", seeds, "each panel has its own logarithmic scale of loss"]
    if not any(panel.pairs for panel in panels[:MAX_PANELS]):
        notes.append("no curve of a bilingual model")
    seen = "tokens seen, of both languages in a joint model" if protocol == JOINT else "tokens of the recipient seen"
    zero = ", 0 at the left edge" if scale.has_zero else ""
    drawn = f"to the right: {seen} (logarithmic{zero}); upwards: dev loss (nats a masked piece)"
    return ["; ".join(notes), drawn]


def _draw_frame(axes: Axes, panel: Panel, scale: TokenScale, *, first: bool, lowest: bool) -> None:
    style_axes(axes, panel.recipient, x="tokens seen" if lowest else "", y="loss (nats)" if first else "")
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


def _draw_lines(axes: Axes, panel: Panel, scale: TokenScale, colours: dict[str, str]) -> list[Annotation]:
    """Draw the thin lines over the bold one, which stays visible below them; return names at the ends of lines."""
    if panel.alone:
        axes.plot(scale.place(panel.alone.tokens_seen), panel.alone.loss, **_ALONE, zorder=2)
    order = panel.donors_by_loss
    ends = {order[0]: _BEST, order[-1]: _WORST} if order and not colours else {}
    if len(order) == 1:
        ends = dict.fromkeys(ends, _BEST)
    for donor, line in panel.pairs.items():
        colour = colours.get(donor) or ends.get(donor, _OTHER)
        zorder = 3 if donor in colours or donor in ends else 1
        look: dict[str, Any] = {"color": colour, "linewidth": _THIN if zorder == 3 else 0.7, "zorder": zorder}
        axes.plot(scale.place(line.tokens_seen), line.loss, label=donor, **look)
    where: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
    style: dict[str, Any] = {"size": SMALL, "va": "center", "annotation_clip": False}
    heights = {donor: max(float(panel.pairs[donor].loss[-1]), LEAST) for donor in ends}
    return [axes.annotate(s, (1, heights[s]), (3, 0), color=ends[s], **where, **style) for s in ends]


def _move_apart(names: list[Annotation]) -> None:
    """Move the names at the right of a panel, rising ones first, until none covers another."""
    if not names:
        return
    axes, points = cast(Axes, names[0].axes), 72 / cast(Figure, names[0].figure).dpi
    heights = [float(axes.transData.transform((1, name.xy[1]))[1]) * points for name in names]
    for name, before, after in zip(names, heights, spread(heights, _APART), strict=True):
        name.set_position((3, after - before))


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
        ticks = _round_numbers(self.first, self.last)
        names = [short_count(tick) for tick in ticks]
        return ([self.zero, *ticks], ["0", *names]) if self.has_zero else (ticks, names)


def loss_ticks(low: float, high: float) -> tuple[list[float], list[str]]:
    """Choose round numbers for a logarithmic axis of losses, whose ends may lie close together."""
    if high > 5 * low:
        ticks = _round_numbers(low, high)
    else:
        steps = MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
        ticks = [float(value) for value in steps if low <= value <= high]
    return ticks, [f"{value:g}" for value in ticks]


def _round_numbers(low: float, high: float) -> list[float]:
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for numbers in ((1,), (1, 3), (1, 2, 5)):
        values = [number * 10.0**power for power in powers for number in numbers]
        inside = [value for value in values if low <= value <= high]
        if len(inside) > 1:
            break
    every = max(1, math.ceil(len(inside) / MAX_TICKS))
    return inside[(len(inside) - 1) % every :: every]  # the last one is always there


def short_count(count: float) -> str:
    """Write a round count in few letters: "500", "20k", "1M"."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= size:
            return f"{count / size:g}{letter}"
    return f"{count:g}"

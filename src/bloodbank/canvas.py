"""What the figures share: a canvas measured in inches, its headings, and language names that fit."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bloodbank.store import replace_file
from bloodbank.wording import language_name

MARGIN = 0.15  # inches
TITLE_SIZE = 12.0  # points
TEXT_SIZE = 8.5
_LINE = 0.165  # inches from one subtitle line to the next
_TITLE = 0.28
_CHARS_PER_INCH = 15.0  # of TEXT_SIZE in DejaVu Sans, on the safe side


def new_figure(width: float, height: float) -> Figure:
    """Make a figure of a size in inches, with a canvas of its own and no global state."""
    figure = Figure(figsize=(width, height), facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def add_axes(figure: Figure, corner: tuple[float, float], size: tuple[float, float]) -> Axes:
    """Place axes by the inches of their corner from the left and the top of the figure."""
    (left, top), (width, height) = corner, size
    full_width, full_height = figure.get_size_inches()
    bottom = full_height - top - height
    return figure.add_axes((left / full_width, bottom / full_height, width / full_width, height / full_height))


def heading_lines(width: float, *texts: str) -> list[str]:
    """Wrap what stands under the title to the width of the figure in inches."""
    n_chars = int((width - 2 * MARGIN) * _CHARS_PER_INCH)
    return [line for text in texts for line in _wrapped(text, n_chars)]


def _wrapped(text: str, n_chars: int) -> list[str]:
    """Break at semicolons, and inside a part only where it is longer than a line."""
    lines: list[str] = []
    for part in text.split("; "):
        if lines and len(lines[-1]) + len(part) + 2 <= n_chars:
            lines[-1] = f"{lines[-1]}; {part}"
        else:
            lines += textwrap.wrap(part, n_chars)
    return lines


def heading_height(lines: list[str]) -> float:
    """Inches that title and subtitle take at the top."""
    return MARGIN + _TITLE + _LINE * len(lines)


def draw_heading(figure: Figure, title: str, lines: list[str], *, name: str = "") -> None:
    """Write title and subtitle at the top left; the bank's name only where the font has its letters."""
    width, height = figure.get_size_inches()
    named = f"{name}: {title}" if name and name.isascii() and name.isprintable() else title
    named = textwrap.shorten(named, int((width - 2 * MARGIN) * _CHARS_PER_INCH * 0.66), placeholder=" ...")
    left, y = MARGIN / width, 1 - MARGIN / height
    figure.text(left, y, named, size=TITLE_SIZE, weight="bold", va="top", parse_math=False)
    for place, line in enumerate(lines):
        below = (_TITLE + place * _LINE) / height
        figure.text(left, y - below, line, size=TEXT_SIZE, color="0.3", va="top", parse_math=False)


def long_label(code: str) -> str:
    """Name a language with its code, for an axis with room: "German de"."""
    name = language_name(code)
    return code if name == code or not name.isprintable() else f"{textwrap.shorten(name, 22)}  {code}"


PNG_DPI = 200
# What a user's own matplotlibrc could change, and what makes two runs write the same SVG.
_SETTINGS: Any = {
    "font.family": ["DejaVu Sans"],  # comes with matplotlib, so the figure looks the same everywhere
    "svg.hashsalt": "bloodbank",
    "svg.fonttype": "path",
    "hatch.linewidth": 0.6,
    "text.usetex": False,
    "text.parse_math": False,
    "axes.unicode_minus": True,
    "path.simplify": True,
    "savefig.bbox": None,
    "savefig.facecolor": "white",
}


def save_figure(make: Callable[[], Figure], folder: Path, name: str) -> tuple[Path, Path]:
    """Write a figure as SVG and PNG, each whole or not there at all, whatever the user's own matplotlib settings are.

    Args:
        make: Builds the figure.
        folder: Where the files go; it is made if missing.
        name: Of the files, without an ending.

    Returns:
        The paths of the SVG and the PNG.

    Raises:
        BloodbankError: The disk is full or cannot be written.
    """
    from matplotlib import rc_context

    svg, png = folder / f"{name}.svg", folder / f"{name}.png"
    with rc_context(_SETTINGS):
        figure = make()
        with replace_file(svg) as temporary:
            figure.savefig(temporary, format="svg", metadata={"Date": None})
        with replace_file(png) as temporary:
            figure.savefig(temporary, format="png", dpi=PNG_DPI)
    return svg, png


# What the figures of an audit share: sheets with one row a language, headings, legends, logarithmic axes, colours.


SMALL = 7.5
TICKS = [step * 10.0**power for power in range(-6, 4) for step in (1, 2, 5)]
BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"  # Okabe and Ito: for colour-blind readers, too
SKY, PINK, BLACK, GREY, PALE = "#56B4E9", "#CC79A7", "#000000", "#8C8C8C", "#F2F2F2"
_MARGIN, _ENTRY, _PANEL = 0.15, 0.2, 0.22  # around; of legend, panel titles
_LONGEST_CODE = 14


def sheet(
    title: str,
    notes: str,
    codes: Sequence[str],
    labels: Sequence[str],
    *,
    panels: Iterable[str] = ("",),
    column: Mapping[str, str] | None = None,
) -> tuple[Figure, list[Axes]]:
    """Make a figure with one row a language and one or more panels, with room for its heading and legend.

    Args:
        title: Its title.
        notes: What stands below it, all that a reader needs.
        codes: Languages, from top to bottom.
        labels: What the legend will hold.
        panels: Titles of the panels, from left to right.
        column: What stands at the right end of each language's row.
    """
    names, ends = list(panels), column or {}
    side = _side(codes)
    right = _MARGIN + (0.1 + 0.065 * max(map(len, ends.values())) if ends else 0)
    width = 6.8 if len(names) == 1 else side + 2.6 * len(names) + _MARGIN
    lines = _heading_lines(notes, width)
    top = _heading_height(lines) + _ENTRY * _legend_rows(labels, width) + 0.12 + (_PANEL if any(names) else 0)
    tall = max(0.5, (0.22 if len(codes) <= 24 else 0.18) * len(codes))
    figure = _new_figure(title, lines, width, top + tall + 0.5)
    each = (width - side - _MARGIN - right) / len(names)
    all_axes = []
    for place, name in enumerate(names):
        gap = 0.18 if place else 0.0
        axes = _add_axes(figure, (side + _MARGIN + place * each + gap, top), (each - gap, tall))
        axes.set_title(name, size=TEXT_SIZE, pad=5)
        _prepare_rows(axes, _shown(codes) if place == 0 else [""] * len(codes))
        all_axes.append(axes)
    for row, code in enumerate(codes):
        where = ((width - _MARGIN) / width, 1 - (top + tall * (row + 0.5) / len(codes)) / (top + tall + 0.5))
        figure.text(*where, ends.get(code, ""), size=SMALL, color="0.3", ha="right", va="center_baseline")
    return figure, all_axes


def _shown(codes: Iterable[str]) -> list[str]:
    """Cut long private codes, which would take the room of the figure."""
    return [code if len(code) <= _LONGEST_CODE else f"{code[: _LONGEST_CODE - 1]}…" for code in codes]


def _side(codes: Sequence[str]) -> float:
    """Inches for the codes."""
    return 0.2 + 0.075 * max(map(len, _shown(codes)))


def _prepare_rows(axes: Axes, labels: Sequence[str]) -> None:
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.set_yticks(range(len(labels)), labels, size=TEXT_SIZE if len(labels) <= 24 else SMALL)
    for row in range(0, len(labels), 2):
        axes.axhspan(row - 0.5, row + 0.5, color=PALE, zorder=0, linewidth=0)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize=SMALL)
    axes.grid(axis="x", color="0.85", linewidth=0.6)
    axes.set_axisbelow(True)
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)


def square_sheet(title: str, notes: str, codes: Sequence[str], *, n_wide: int) -> tuple[Figure, Axes, Axes]:
    """Make a figure with a square of cells, codes above and beside it, and axes for a scale.

    Args:
        title: Its title.
        notes: What stands below it, all that a reader needs.
        codes: Languages, of the rows and of the columns.
        n_wide: Languages up to which cells are wide enough for numbers.
    """
    n, side = len(codes), _side(codes)
    is_turned = n > n_wide or max(map(len, codes)) > 3
    cell = 0.36 if n <= 8 else 0.31 if n <= n_wide else 0.19
    square = cell * n
    width = max(5.2, side + square + 0.85 + 2 * _MARGIN)
    lines = _heading_lines(notes, width)
    top = _heading_height(lines) + 0.1 + (side if is_turned else 0.2)
    tall = max(square, 0.9)
    figure = _new_figure(title, lines, width, top + tall + 2 * _MARGIN)
    axes = _add_axes(figure, (side + _MARGIN, top), (square, square))
    axes.set_xlim(0, n)
    axes.set_ylim(n, 0)
    size = TEXT_SIZE if n <= n_wide else SMALL
    axes.set_xticks(np.arange(n) + 0.5, _shown(codes), size=size, rotation=90 if is_turned else 0)
    axes.set_yticks(np.arange(n) + 0.5, _shown(codes), size=size)
    axes.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False, pad=3)
    for spine in axes.spines.values():
        spine.set_visible(False)
    bar = _add_axes(figure, (side + _MARGIN + square + 0.25, top + 0.05), (0.14, min(tall - 0.05, 3.0)))
    return figure, axes, bar


def _new_figure(title: str, lines: Sequence[str], width: float, height: float) -> Figure:
    """Make a figure of a size in inches, with its heading and no global state."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), facecolor="white")
    left, y = _MARGIN / width, 1 - _MARGIN / height
    figure.text(left, y, title, size=TITLE_SIZE, weight="bold", va="top")
    for place, line in enumerate(lines):
        figure.text(left, y - (_TITLE + place * _LINE) / height, line, size=TEXT_SIZE, color="0.3", va="top")
    return figure


def _add_axes(figure: Figure, corner: tuple[float, float], size: tuple[float, float]) -> Axes:
    """Place axes by the inches of their corner from the left and the top of the figure."""
    (left, top), (width, height) = corner, size
    full_width, full_height = figure.get_size_inches()
    bottom = full_height - top - height
    return figure.add_axes((left / full_width, bottom / full_height, width / full_width, height / full_height))


def _heading_lines(notes: str, width: float) -> list[str]:
    return textwrap.wrap(notes, int((width - 2 * _MARGIN) * _CHARS_PER_INCH))


def _heading_height(lines: Sequence[str]) -> float:
    return _MARGIN + _TITLE + _LINE * len(lines)


def _legend_rows(labels: Sequence[str], width: float) -> int:
    inches = sum(0.5 + 0.07 * len(label) for label in labels)
    return math.ceil(inches / (width - 2 * _MARGIN))


def legend(figure: Figure, all_axes: Sequence[Axes], order: Sequence[str]) -> None:
    """Explain each look that there is once, in an order, between heading and axes."""
    looks: dict[str, Any] = {}
    for axes in all_axes:
        handles, labels = axes.get_legend_handles_labels()
        looks |= dict(zip(labels, handles, strict=True))
    found = {label: looks[label] for label in order if label in looks}
    width, height = figure.get_size_inches()
    n_rows = _legend_rows(list(found), width)
    top = all_axes[0].get_position().y1 + ((_PANEL if all_axes[0].get_title() else 0) + _ENTRY * n_rows + 0.08) / height
    figure.legend(
        list(found.values()),
        list(found),
        loc="upper left",
        bbox_to_anchor=(_MARGIN / width, top),
        ncols=math.ceil(len(found) / n_rows),
        frameon=False,
        fontsize=TEXT_SIZE - 0.5,
        borderpad=0,
        borderaxespad=0,
        columnspacing=1.2,
        handletextpad=0.5,
        handlelength=1.2,
        labelspacing=0.35,
    )


def log_axis(axes: Axes, limits: tuple[float, float], wanted: Sequence[float], unit: str) -> None:
    """Put ticks on a logarithmic axis, the most wanted first, as many as stand apart."""
    axes.set_xscale("log")
    axes.set_xlim(limits)
    low, high = (math.log(limit) for limit in limits)
    inches = axes.bbox.width / axes.figure.dpi
    apart = 0.42 / inches * (high - low)
    chosen: list[float] = []
    for tick in wanted:
        place = math.log(tick)
        if low <= place <= high and all(abs(place - math.log(other)) >= apart for other in chosen):
            chosen.append(tick)
    axes.set_xticks(chosen, [f"{tick:.3g}{unit}" for tick in chosen])
    axes.set_xticks([], minor=True)

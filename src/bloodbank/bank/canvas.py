"""What the figures share: a canvas measured in inches, its headings, and language names that fit."""

from __future__ import annotations

import textwrap

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bloodbank.bank.names import language_name

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

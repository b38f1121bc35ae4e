"""What every figure shares: a sheet with heading and legend, axes, matrices of colours, and files of equal bytes."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bloodbank.store import replace_file
from bloodbank.wording import language_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap, Normalize
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

TITLE_SIZE, LABEL_SIZE, TEXT_SIZE, SMALL = 12.0, 9.0, 8.5, 7.5  # points
MINUS = "\N{MINUS SIGN}"
# Okabe and Ito (2008): told apart with any common colour blindness. RED is their vermilion, PINK their purple.
BLACK, ORANGE, SKY, GREEN, YELLOW = "#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442"
BLUE, RED, PINK = "#0072B2", "#D55E00", "#CC79A7"
DARK, GREY, PALE = "#555555", "#999999", "#F2F2F2"
DIVERGING = "RdBu"  # red harms, blue helps; centred on zero by whoever uses it
HATCHED: dict[str, Any] = {"facecolor": "0.93", "edgecolor": "0.65", "hatch": "////"}  # where nothing is known
PNG_DPI = 200  # of PNGs and of the layout: hinted letters are wider or narrower at another resolution

_MARGIN, _TITLE, _LINE = 0.15, 0.3, 0.165  # inches: around, and of title and subtitle lines
_CHARS_PER_INCH = 15.0  # of TEXT_SIZE in DejaVu Sans, on the safe side
_MANY_ROWS = 30  # beyond, their labels are smaller
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
    "figure.autolayout": False,
    "figure.constrained_layout.use": False,
    "savefig.bbox": None,
    "savefig.dpi": "figure",
    "savefig.facecolor": "white",
}


def sheet(title: str, notes: Iterable[str], size: tuple[float, float], *, name: str = "") -> Figure:
    """Make a figure with a heading, under which matplotlib's constrained layout makes room for all that is drawn.

    Args:
        title: Its title.
        notes: What stands below the title, all that a reader needs; broken at semicolons where a line is full.
        size: Inches of the width, and of the height below the heading, with axis labels and legend.
        name: Of the bank, which stands before the title where the font has its letters.

    Returns:
        A figure with a canvas of its own and no global state.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    width, below = size
    n_chars = int((width - 2 * _MARGIN) * _CHARS_PER_INCH)
    lines = [line for note in notes for line in _wrapped(note, n_chars)]
    height = _MARGIN + _TITLE + _LINE * len(lines) + below
    figure = Figure(figsize=(width, height), dpi=PNG_DPI, facecolor="white")  # laid out as it will be seen
    figure.set_layout_engine("constrained", rect=(0, 0, 1, below / height), w_pad=0.08, h_pad=0.06)
    FigureCanvasAgg(figure)
    left, top = _MARGIN / width, 1 - _MARGIN / height
    named = f"{name}: {title}" if name and name.isascii() and name.isprintable() else title
    named = textwrap.shorten(named, int(n_chars * 0.66), placeholder=" ...")
    figure.text(left, top, named, size=TITLE_SIZE, weight="bold", va="top", parse_math=False)
    for place, line in enumerate(lines):
        y = top - (_TITLE + place * _LINE) / height
        figure.text(left, y, line, size=TEXT_SIZE, color="0.3", va="top", parse_math=False)
    return figure


def _wrapped(text: str, n_chars: int) -> list[str]:
    """Break at semicolons, and inside a part only where it is longer than a line."""
    lines: list[str] = []
    for part in text.split("; "):
        if lines and len(lines[-1]) + len(part) + 2 <= n_chars:
            lines[-1] = f"{lines[-1]}; {part}"
        else:
            lines += textwrap.wrap(part, n_chars)
    return lines


def add_legend(figure: Figure, entries: Sequence[tuple[Any, str]], **options: Any) -> None:
    """Explain looks outside of the axes, by default below them, in as many columns as fit.

    Args:
        figure: Where they are.
        entries: Handles and what they mean; without any there is no legend.
        options: Of matplotlib's legend, where they are to be others.
    """
    if not entries:
        return
    handles, labels = zip(*entries, strict=True)
    inches = [0.55 + 0.07 * len(label) for label in labels]
    room = figure.get_size_inches()[0] - 2 * _MARGIN
    fitting = (n for n in range(len(labels), 1, -1) if sum(map(max, np.array_split(inches, n))) <= room)
    look: dict[str, Any] = {
        "loc": "outside lower left",
        "ncols": next(fitting, 1),
        "columnspacing": 1.2,
        "handletextpad": 0.5,
    }
    figure.legend(handles, labels, frameon=False, **(look | {"fontsize": TEXT_SIZE - 0.5} | options))


def settle(figure: Figure) -> Figure:
    """Lay the figure out, once for all of its files; what is placed by its neighbours' size can be placed then."""
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)
        figure.set_layout_engine(None)
    return figure


def style_axes(axes: Axes, name: str, *, x: str = "", y: str = "", grid: Any = "both") -> None:
    """Give axes a name, by which they can be found, labels, a pale grid, and no frame but left and below."""
    axes.set_label(name)
    axes.set_xlabel(x, size=LABEL_SIZE)
    axes.set_ylabel(y, size=LABEL_SIZE)
    axes.tick_params(labelsize=TEXT_SIZE)
    axes.grid(visible=True, axis=grid, color="0.92", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def name_rows(axes: Axes, labels: Sequence[str], places: Sequence[float] | None = None) -> None:
    """Make a row for each label, from top to bottom."""
    at = range(len(labels)) if places is None else places
    axes.set_yticks(at, labels, size=TEXT_SIZE if len(labels) <= _MANY_ROWS else SMALL)
    axes.set_ylim(max(at, default=0) + 0.7, -0.7)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def span(
    points: ArrayLike, ends: ArrayLike = (), *, reach: float = 1.0, margin: float = 0.05, zero: bool = True
) -> tuple[float, float]:
    """Choose limits of an axis: they hold all points, and ends of intervals as far as these leave the points apart.

    Args:
        points: In any unit; missing ones are left out.
        ends: Of intervals.
        reach: How far these may go beyond the points, as a share of the points' range.
        margin: On either side, as a share of all.
        zero: Whether zero is a point.
    """
    known = np.append(np.asarray(points, dtype=float), [0.0] if zero else [])
    known = known[~np.isnan(known)]
    if not known.size:
        return -1.0, 1.0
    first, last = float(known.min()), float(known.max())
    beyond = reach * ((last - first) or 1.0)
    sides = np.asarray(ends, dtype=float)
    sides = sides[~np.isnan(sides)]
    low, high = max(sides.min(initial=first), first - beyond), min(sides.max(initial=last), last + beyond)
    around = margin * ((high - low) or abs(high) or 1.0)
    return low - around, high + around


def long_label(code: str) -> str:
    """Name a language with its code, for an axis with room: "German  de"."""
    name = language_name(code)
    return code if name == code or not name.isprintable() else f"{textwrap.shorten(name, 22)}  {code}"


# Matrices: cells of one unit each, the first row at the top.


def paint(axes: Axes, values: np.ndarray, norm: Normalize, colours: Colormap, name: str = "") -> None:
    """Colour the cells of a matrix over a hatched ground, which shows through where a value is missing.

    Shape:
        values: `[row, column]`.
    """
    n_rows, n_columns = values.shape
    axes.set_label(name)
    axes.patch.set(**HATCHED)
    axes.pcolormesh(np.ma.masked_invalid(values), norm=norm, cmap=colours, edgecolor="white", linewidth=0.5)
    axes.set_xlim(0, n_columns)
    axes.set_ylim(n_rows, 0)
    axes.tick_params(length=0, top=False, labeltop=True, bottom=False, labelbottom=False, pad=3)
    axes.xaxis.set_label_position("top")
    axes.spines[:].set_visible(False)


def name_cells(axes: Axes, rows: Sequence[str], columns: Sequence[str], size: float, *, upright: bool) -> None:
    """Name the rows beside and the columns above a matrix, where these are upright if they have no room to lie."""
    axes.set_xticks(np.arange(len(columns)) + 0.5, columns, size=size, rotation=90 if upright else 0)
    axes.set_yticks(np.arange(len(rows)) + 0.5, rows, size=size)


def write_cell(axes: Axes, row: int, column: int, text: str, **style: Any) -> None:
    """Write into the middle of a cell; the layout need not measure it, since it stays inside."""
    axes.text(column + 0.5, row + 0.52, text, ha="center", va="center", in_layout=False, **style)


def ink(colour: tuple[float, float, float, float]) -> str:
    """Choose black or white, whichever stands out more on a colour (relative luminance of WCAG 2)."""
    parts = np.array(colour[:3])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    luminance = float(linear @ np.array([0.2126, 0.7152, 0.0722]))
    return "black" if (luminance + 0.05) / 0.05 > 1.05 / (luminance + 0.05) else "white"


# Files.


@contextmanager
def drawing() -> Iterator[None]:
    """Draw and write inside of this: figures look the same whatever the user's own matplotlib settings are."""
    from matplotlib import rc_context

    with rc_context(_SETTINGS):
        yield


def write_figure(figure: Figure, folder: Path, name: str, endings: Sequence[str] = ("svg", "png")) -> list[Path]:
    """Write a figure, each file whole or not there at all; inside `drawing`, equal figures give equal bytes.

    Args:
        figure: The figure.
        folder: Where the files go; it is made if missing.
        name: Of the files, without an ending.
        endings: "svg", for print, and "png", for screens.

    Returns:
        The paths of the files.

    Raises:
        BloodbankError: The disk is full or cannot be written.
    """
    settle(figure)
    paths = [folder / f"{name}.{ending}" for ending in endings]
    for path, ending in zip(paths, endings, strict=True):
        with replace_file(path) as temporary:
            figure.savefig(temporary, format=ending, metadata={"Date": None} if ending == "svg" else None)
    return paths

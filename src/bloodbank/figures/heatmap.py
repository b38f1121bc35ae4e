"""F as a matrix of colours and numbers, with D as an extra column and R as an extra row (figure 2).

Rows give, columns receive; both are in order of donation. D and R are sums: their colour is that of their
mean, on the same scale as the cells, and their number is the sum. Beside D stands how much of the language's text is
foreign, where the bank knows it: what a language gives may come from there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from bloodbank.bank.bank import Bank
from bloodbank.bank.health import UNHEALTHY, VOID
from bloodbank.bank.scores import foreign_shares, much_foreign
from bloodbank.bank.sentences import holds_zero, subtitle
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
from bloodbank.experiment.settings import FOREIGN_LIMIT
from bloodbank.wording import percent, signed

COLOURS = colormaps["RdBu"]  # red harms, blue helps: told apart with any common colour blindness
MAX_NUMBERED = 34  # languages; beyond, numbers in cells would be smaller than 5 points
NOTE = "rows give, columns receive; D and R: sums of F (no unit), coloured by their mean; positive is a gain"
_BRACKETS = "in brackets: the interval holds zero"
_FOREIGN = f"foreign: characters of the training text in other languages, !: above {FOREIGN_LIMIT:.0%}"
_GROUNDS = ListedColormap(["#FAFAFA", "#F5D9B0"])  # of foreign shares: up to the limit, above it
CROSS = "\N{MULTIPLICATION SIGN}"
_MINUS = "\N{MINUS SIGN}"
_MISSING: dict[str, Any] = {"facecolor": "0.93", "edgecolor": "0.65", "hatch": "////"}


def heatmap_figure(bank: Bank) -> Figure:
    """Build the figure; `bloodbank.figures.run_figures.draw_heatmap` writes it.

    Args:
        bank: What is drawn.

    Returns:
        A figure with axes labelled "F", "D" and "R", and "foreign" where the bank knows of it, and the colour bar.

    Source:
        Figure 2.
    """
    legend = _legend_entries(bank)
    unsure = holds_zero(bank.intervals, bank.languages).to_numpy().any() and len(bank.languages) <= MAX_NUMBERED
    is_foreign_known = foreign_shares(bank.covariates) is not None
    notes = [NOTE, *([_BRACKETS] if unsure else []), *([_FOREIGN] if is_foreign_known else [])]
    plan = Plan(bank, bank.ranking, "; ".join(notes), has_legend=bool(legend))
    norm, extend = _scale(plan.finetune)
    figure = new_figure(plan.width, plan.height)
    draw_heading(figure, "finetune scores F in percent", plan.lines, name=bank.name)
    beside, below = plan.left + plan.side + GAP, plan.top + plan.side + GAP
    _draw_cells(add_axes(figure, (plan.left, plan.top), (plan.side, plan.side)), plan, norm)
    _draw_donation(add_axes(figure, (beside, plan.top), (SUMS, plan.side)), plan, norm)
    _draw_recipience(add_axes(figure, (plan.left, below), (plan.side, SUMS)), plan, norm)
    if plan.foreign is not None:
        _draw_foreign(add_axes(figure, (beside + SUMS + GAP, plan.top), (FOREIGN, plan.side)), plan, plan.foreign)
    scale = plan.left + plan.side + plan.beside + 0.22
    _draw_scale(add_axes(figure, (scale, plan.top), (0.14, min(plan.side, 3.2))), norm, extend)
    if legend:
        _draw_legend(figure, plan, legend)
    return figure


def _scale(finetune: np.ndarray) -> tuple[Normalize, str]:
    """Choose symmetric limits; a few extreme cells are clipped, and the colour bar's arrows say so."""
    sizes = np.abs(finetune[~np.isnan(finetune)])
    if not sizes.size or sizes.max() == 0:
        return Normalize(-1, 1), "neither"
    robust = float(np.percentile(sizes, 98))
    limit = robust if sizes.max() > 1.25 * robust > 0 else float(sizes.max())
    high, low = bool(np.nanmax(finetune) > limit), bool(np.nanmin(finetune) < -limit)
    extend = {(True, True): "both", (True, False): "max", (False, True): "min"}.get((high, low), "neither")
    return Normalize(-limit, limit), extend


def _draw_cells(axes: Axes, plan: Plan, norm: Normalize) -> None:
    finetune, n, size = plan.finetune, len(plan.order), plan.tick_size
    _paint(axes, finetune, norm, "F")
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.set_xticks(np.arange(n) + 0.5, plan.order, size=size)
    axes.set_yticks(np.arange(n) + 0.5, plan.names, size=size)
    if plan.upright:
        axes.tick_params(axis="x", rotation=90)
    axes.set_xlabel("recipient t", size=TEXT_SIZE + 1, labelpad=7)
    axes.set_ylabel("donor s", size=TEXT_SIZE + 1, labelpad=7)
    reasons = plan.bank.missing_reasons.loc[plan.order, plan.order].to_numpy()
    number = plan.letters(0.31, 4.5, 9.5)
    unsure = holds_zero(plan.bank.intervals, plan.bank.languages).loc[plan.order, plan.order].to_numpy()
    for row, column in np.ndindex(n, n):
        value = float(finetune[row, column])
        if row == column:
            axes.add_patch(Rectangle((row, row), 1, 1, facecolor="white", edgecolor="none"))
        elif reasons[row, column] in (UNHEALTHY, VOID):
            _write(axes, (column, row), CROSS, color="0.25", size=number + 1)
        elif not np.isnan(value) and n <= MAX_NUMBERED:
            text = percent(value / 100, minus=_MINUS)
            text = f"({text})" if unsure[row, column] else text
            _write(axes, (column, row), text, color=_ink(value, norm), size=number)


def _draw_donation(axes: Axes, plan: Plan, norm: Normalize) -> None:
    means = 100 * plan.bank.scores.loc[plan.order, "donation_mean"].to_numpy(dtype=float)
    _paint(axes, means[:, None], norm, "D")
    for place, text in enumerate(_sums(plan, "donation")):
        size = plan.letters(0.45, 5, 8.5)
        _write(axes, (0, place), text, color=_ink(float(means[place]), norm), size=size)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.xaxis.set_label_position("top")
    axes.set_xlabel("D\n(sum)", size=TEXT_SIZE, weight="bold")


def _draw_recipience(axes: Axes, plan: Plan, norm: Normalize) -> None:
    means = 100 * plan.bank.scores.loc[plan.order, "recipience_mean"].to_numpy(dtype=float)
    _paint(axes, means[None, :], norm, "R")
    rotation = 90 if plan.cell < 0.55 else 0  # "+12.34*" must fit the column's width
    for place, text in enumerate(_sums(plan, "recipience")):
        style = {"size": plan.letters(0.45, 5, 8.5), "rotation": rotation}
        _write(axes, (place, 0), text, color=_ink(float(means[place]), norm), **style)
    axes.set_xticks([])
    axes.set_yticks([0.5], ["R (sum)"], size=TEXT_SIZE, weight="bold")


def _draw_foreign(axes: Axes, plan: Plan, shares: pd.Series[float]) -> None:
    over = much_foreign(plan.bank.covariates)[plan.order].to_numpy()
    _paint(axes, np.where(shares.isna(), np.nan, over)[:, None], Normalize(0, 1), "foreign", _GROUNDS)
    for place, share in enumerate(shares):
        if not np.isnan(share):
            text = f"{100 * share:.1f}{'!' if over[place] else ''}"
            _write(axes, (0, place), text, color="black", size=plan.letters(0.45, 5, 8.5))
    axes.set_xticks([])
    axes.set_yticks([])
    axes.xaxis.set_label_position("top")
    axes.set_xlabel("foreign\n(%)", size=TEXT_SIZE)


def _sums(plan: Plan, score: str) -> list[str]:
    table = plan.bank.scores.loc[plan.order]
    totals, whole = table[score].to_numpy(dtype=float), table[f"{score}_complete"]
    return [
        "" if np.isnan(total) else signed(total, 2, minus=_MINUS) + ("" if complete else "*")
        for total, complete in zip(totals, whole, strict=True)
    ]


def _paint(axes: Axes, values: np.ndarray, norm: Normalize, label: str, colours: Colormap = COLOURS) -> None:
    """Colour cells over a hatched ground, which shows through where a value is missing."""
    rows, columns = values.shape
    axes.set_label(label)
    axes.patch.set(**_MISSING)
    edges = np.arange(columns + 1), np.arange(rows + 1)
    look: dict[str, Any] = {"cmap": colours, "edgecolor": "white", "linewidth": 0.5}
    axes.pcolormesh(*edges, np.ma.masked_invalid(values), norm=norm, **look)
    axes.set_xlim(0, columns)
    axes.set_ylim(rows, 0)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _write(axes: Axes, where: tuple[int, int], text: str, **style: Any) -> None:
    column, row = where
    axes.text(column + 0.5, row + 0.52, text, ha="center", va="center", **style)


def _ink(value: float, norm: Normalize) -> str:
    """Choose black or white, whichever stands out more (relative luminance of WCAG 2)."""
    red, green, blue, _ = COLOURS(float(norm(value)))
    parts = np.array([red, green, blue])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    luminance = float(linear @ np.array([0.2126, 0.7152, 0.0722]))
    return "black" if (luminance + 0.05) / 0.05 > 1.05 / (luminance + 0.05) else "white"


def _draw_scale(axes: Axes, norm: Normalize, extend: str) -> None:
    mappable = ScalarMappable(norm, COLOURS)
    bar = axes.figure.colorbar(mappable, cax=axes, extend=extend)
    bar.ax.tick_params(labelsize=TEXT_SIZE - 0.5)
    bar.ax.set_title("%", size=TEXT_SIZE)


def _legend_entries(bank: Bank) -> list[tuple[Any, str]]:
    """Explain only what is there."""
    reasons = set(pd.Series(bank.missing_reasons.to_numpy().ravel()).dropna())
    ground = Patch(**_MISSING)
    cross = Line2D([], [], linestyle="none", marker="x", color="0.25", markersize=5)
    entries: list[tuple[Any, str]] = []
    shares = foreign_shares(bank.covariates)
    if reasons - {UNHEALTHY, VOID} or (shares is not None and shares.isna().any()):
        entries.append((ground, "not measured"))
    if reasons & {UNHEALTHY, VOID}:
        entries.append(((ground, cross), "left out: a model is unhealthy or failed"))
    if reasons:
        entries.append((Line2D([], [], linestyle="none"), "* (n - 1) times the mean of measured cells"))
    return entries


def _draw_legend(figure: Figure, plan: Plan, entries: list[tuple[Any, str]]) -> None:
    handles, labels = zip(*entries, strict=True)
    figure.legend(
        handles,
        labels,
        loc="lower left",
        bbox_to_anchor=(MARGIN / plan.width, MARGIN / plan.height),
        ncols=len(labels),
        frameon=False,
        fontsize=TEXT_SIZE - 0.5,
        borderpad=0,
        borderaxespad=0,
        columnspacing=1.2,
        handler_map={tuple: HandlerTuple(ndivide=1)},
    )


# How large everything in the heatmap is, from the number of languages and the length of their names.


GAP = 0.14  # inches between the cells and the sums
SUMS = 0.62  # inches: width of the column of D, height of the row of R
FOREIGN = 0.58  # width of the column of foreign text
_TICKS, _SCALE = 0.62, 1.15  # inches for the recipients' codes above, and for the colour bar beside


@dataclass(frozen=True)
class Plan:
    """What is drawn and how large: lengths in inches, letters in points."""

    bank: Bank
    order: list[str]
    note: str
    has_legend: bool

    @property
    def finetune(self) -> np.ndarray:
        """F in percent, `[donor, recipient]`, in order of donation."""
        return 100 * self.bank.finetune_scores.loc[self.order, self.order].to_numpy()

    @property
    def foreign(self) -> pd.Series[float] | None:
        """Share of foreign text of each language, in order of donation; None where the bank knows nothing of it."""
        shares = foreign_shares(self.bank.covariates)
        return None if shares is None else shares[self.order]

    @property
    def cell(self) -> float:
        """Side of one cell."""
        n = len(self.order)
        return 0.62 if n <= 12 else float(np.clip(9.0 / n, 0.2, 0.62))

    @property
    def names(self) -> list[str]:
        """Donors' labels."""
        return [long_label(code) for code in self.order]

    @property
    def left(self) -> float:
        """From the left to the cells."""
        longest = max(len(name) for name in self.names)
        return 0.65 + longest * 0.6 * self.tick_size / 72  # a letter is 0.6 of its size wide, or less

    @property
    def tick_size(self) -> float:
        """Size of the languages' labels, in points."""
        return self.letters(0.42, 5.5, 10)

    @property
    def code_length(self) -> float:
        """Length of the longest code above the columns."""
        return max(len(code) for code in self.order) * 0.65 * self.tick_size / 72

    @property
    def upright(self) -> bool:
        """Whether codes are too long to stand side by side, and are turned."""
        return self.code_length > self.cell

    @property
    def side(self) -> float:
        """Side of the matrix."""
        return len(self.order) * self.cell

    @property
    def width(self) -> float:
        """Width of the figure."""
        return max(6.4, self.left + self.side + self.beside + _SCALE)

    @property
    def beside(self) -> float:
        """Width of what stands between the cells and the colour bar: the sums, and foreign text where it is known."""
        return GAP + SUMS + (0 if self.foreign is None else GAP + FOREIGN)

    @property
    def lines(self) -> list[str]:
        """Lines under the title."""
        return heading_lines(self.width, subtitle(self.bank), self.note)

    @property
    def top(self) -> float:
        """From the top to the cells."""
        return heading_height(self.lines) + _TICKS + (self.code_length if self.upright else 0)

    @property
    def height(self) -> float:
        """Height of the figure."""
        return self.top + self.side + GAP + SUMS + (0.5 if self.has_legend else MARGIN)

    def letters(self, share: float, smallest: float, largest: float) -> float:
        """Give a letter size as a share of the cell's height."""
        return float(np.clip(self.cell * 72 * share, smallest, largest))

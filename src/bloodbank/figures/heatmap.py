"""F as a matrix of colours and numbers, with D as an extra column and R as an extra row (figure 2).

Rows give, columns receive; both are in order of donation. D and R are sums: their colour is that of their
mean, on the same scale as the cells, and their number is the sum. Beside D stands how much of the language's text is
foreign, where the bank knows it: what a language gives may come from there.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.legend_handler import HandlerTuple
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

from bloodbank.bank.bank import Bank
from bloodbank.bank.covariates import foreign_shares, much_foreign
from bloodbank.bank.health import UNHEALTHY, VOID
from bloodbank.bank.measurements import METRICS
from bloodbank.bank.scripts import NOT_COMPARABLE, OTHER_SCRIPT
from bloodbank.bank.sentences import holds_zero, subtitle
from bloodbank.canvas import (
    DIVERGING,
    HATCHED,
    LABEL_SIZE,
    MINUS,
    TEXT_SIZE,
    add_legend,
    ink,
    long_label,
    name_cells,
    paint,
    settle,
    sheet,
    write_cell,
)
from bloodbank.experiment.settings import FOREIGN_LIMIT
from bloodbank.wording import percent, signed

MAX_NUMBERED = 34  # languages; beyond, numbers in cells would be smaller than 5 points
CROSS = "\N{MULTIPLICATION SIGN}"
NOTE = "rows give, columns receive; D and R: sums of F (no unit), coloured by their mean; positive is a gain"
_BRACKETS = "in brackets: the interval holds zero"
_FOREIGN = f"foreign: characters of the training text in other languages, !: above {FOREIGN_LIMIT:.0%}"
_GROUNDS = ListedColormap(["#FAFAFA", "#F5D9B0"])  # of foreign shares: up to the limit, above it
_MOST, _WIDEST, _NARROWEST = 9.0, 0.62, 0.2  # inches: side of the matrix, and of its cells
_GAP, _SUMS, _SCALE = 0.14, 0.62, 0.14  # inches: between matrix and sums, of the sums and of the colour bar


def heatmap_figure(bank: Bank) -> Figure:
    """Draw F, D and R.

    Args:
        bank: What is drawn.

    Returns:
        A figure with one board, in which the axes "F", "D" and "R", "foreign" where the bank knows of it, and the
        colour bar are inset.

    Source:
        Figure 2.
    """
    order, shares = bank.ranking, foreign_shares(bank.covariates)
    finetune = 100 * bank.finetune_scores.loc[order, order].to_numpy()
    unsure = holds_zero(bank.intervals, bank.languages).loc[order, order].to_numpy()
    reasons = bank.missing_reasons.loc[order, order].to_numpy()
    n, names, legend = len(order), [long_label(code) for code in order], _legend_entries(bank)
    cell = float(np.clip(_MOST / n, _NARROWEST, _WIDEST))
    tick, sums = _letters(cell, 0.42, 5.5, 10), _letters(cell, 0.45, 5, 8.5)
    codes_wide = max(map(len, order)) * 0.65 * tick / 72
    upright = codes_wide > cell
    columns = 1 if shares is None else 2  # of sums and foreign text
    width = 0.65 + max(map(len, names)) * 0.6 * tick / 72 + n * cell + columns * (_GAP + _SUMS) + 0.95
    height = 0.6 + n * cell + _GAP + _SUMS + (codes_wide if upright else 0.1) + (0.35 if legend else 0)
    notes = [
        NOTE,
        *([_BRACKETS] if unsure.any() and n <= MAX_NUMBERED else []),
        *([_FOREIGN] if shares is not None else []),
    ]
    size = (max(6.4, width), height)
    figure = sheet("finetune scores F in percent", [subtitle(bank), "; ".join(notes)], size, name=bank.name)
    norm, extend = _scale(finetune)
    gap, wide, thin = _GAP / cell, _SUMS / cell, _SCALE / cell  # in cells, as all that stands on the board
    left = n + columns * (gap + wide) + 1.5 * gap  # of the colour bar
    board = _board(figure, left + thin, n + gap + wide)
    axes = _inset(board, (0, 0, n, n))
    _draw_cells(axes, finetune, norm, _letters(cell, 0.31, 4.5, 9.5), unsure=unsure, reasons=reasons)
    name_cells(axes, names, order, tick, upright=upright)
    scores = bank.scores.loc[order]
    beside = _inset(board, (n + gap, 0, wide, n))
    _draw_sums(beside, scores, "donation", norm, size=sums)
    beside.set_xlabel("D\n(sum)", size=TEXT_SIZE, weight="bold")
    below = _inset(board, (0, n + gap, n, wide))
    _draw_sums(below, scores, "recipience", norm, size=sums, rotation=90 if cell < 0.55 else 0)  # "+12.34*" must fit
    below.set_yticks([0.5], ["R (sum)"], size=TEXT_SIZE, weight="bold")
    if shares is not None:
        foreign = _inset(board, (n + 2 * gap + wide, 0, wide, n))
        _draw_foreign(foreign, shares[order], much_foreign(bank.covariates)[order].to_numpy(), sums)
    scale = _inset(board, (left, 0, thin, min(n, 3.2 / cell)))
    bar = figure.colorbar(ScalarMappable(norm, colormaps[DIVERGING]), cax=scale, extend=extend)
    bar.ax.tick_params(labelsize=TEXT_SIZE - 0.5)
    bar.ax.set_title("%", size=TEXT_SIZE)
    add_legend(figure, legend, ncols=len(legend), handler_map={tuple: HandlerTuple(ndivide=1)})
    return settle(figure)


def heatmap_caption(bank: Bank) -> str:
    """Describe the matrix of F so that it stands alone.

    Args:
        bank: The bank.

    Source:
        Figure 2.
    """
    is_known = foreign_shares(bank.covariates) is not None
    foreign = " Beside D: percent of the characters of the training text in other languages." if is_known else ""
    return (
        f"Finetune scores F(s→t) of bank {bank.name} in percent of the {METRICS[bank.metric].label} of the recipient's "
        "own model: donors s are rows, recipients t columns, both in order of donation; blue helps, red harms. The "
        "column D and the row R are sums over the other languages, without a unit, coloured by their mean "
        f"({subtitle(bank)}).{foreign} As figure 2 of Malkin et al. (2022)."
    )


def _letters(cell: float, share: float, smallest: float, largest: float) -> float:
    """Give a letter size in points, as a share of the height of a cell in inches."""
    return float(np.clip(cell * 72 * share, smallest, largest))


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


def _board(figure: Figure, width: float, height: float) -> Axes:
    """Make invisible axes with square units, in which all parts of the matrix stand in line."""
    axes = figure.add_subplot(aspect="equal", anchor="NW", xlim=(0, width), ylim=(0, height))
    axes.set_axis_off()
    return axes


def _inset(board: Axes, place: tuple[float, float, float, float]) -> Axes:
    """Put axes on the board: left, top, width and height in its units."""
    left, top, width, height = place
    return board.inset_axes((left, board.get_ylim()[1] - top - height, width, height), transform=board.transData)


def _draw_cells(
    axes: Axes, finetune: np.ndarray, norm: Normalize, size: float, *, unsure: np.ndarray, reasons: np.ndarray
) -> None:
    colours, n = colormaps[DIVERGING], len(finetune)
    paint(axes, finetune, norm, colours, "F")
    axes.set_xlabel("recipient t", size=LABEL_SIZE + 0.5, labelpad=7)
    axes.set_ylabel("donor s", size=LABEL_SIZE + 0.5, labelpad=7)
    for row, column in np.ndindex(n, n):
        value = float(finetune[row, column])
        if row == column:
            axes.add_patch(Rectangle((row, row), 1, 1, facecolor="white", edgecolor="none"))
        elif reasons[row, column] in (UNHEALTHY, VOID):
            write_cell(axes, row, column, CROSS, color="0.25", size=size + 1)
        elif not np.isnan(value) and n <= MAX_NUMBERED:
            text = percent(value / 100, minus=MINUS)
            text = f"({text})" if unsure[row, column] else text
            write_cell(axes, row, column, text, color=ink(colours(float(norm(value)))), size=size)


def _draw_sums(axes: Axes, scores: pd.DataFrame, score: str, norm: Normalize, **style: Any) -> None:
    """Draw D as a column or R as a row."""
    colours, is_column = colormaps[DIVERGING], score == "donation"
    means = 100 * scores[f"{score}_mean"].to_numpy(dtype=float)
    paint(axes, means[:, None] if is_column else means[None, :], norm, colours, "D" if is_column else "R")
    for place, (total, complete) in enumerate(zip(scores[score], scores[f"{score}_complete"], strict=True)):
        text = "" if np.isnan(total) else signed(total, 2, minus=MINUS) + ("" if complete else "*")
        row, column = (place, 0) if is_column else (0, place)
        write_cell(axes, row, column, text, color=ink(colours(float(norm(means[place])))), **style)
    axes.set_xticks([])
    axes.set_yticks([])


def _draw_foreign(axes: Axes, shares: pd.Series[float], over: np.ndarray, size: float) -> None:
    paint(axes, np.where(shares.isna(), np.nan, over)[:, None], Normalize(0, 1), _GROUNDS, "foreign")
    for place, share in enumerate(shares):
        if not np.isnan(share):
            write_cell(axes, place, 0, f"{100 * share:.1f}{'!' if over[place] else ''}", color="black", size=size)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlabel("foreign\n(%)", size=TEXT_SIZE)


def _legend_entries(bank: Bank) -> list[tuple[Any, str]]:
    """Explain only what is there."""
    reasons = set(pd.Series(bank.missing_reasons.to_numpy().ravel()).dropna())
    ground = Patch(**HATCHED)
    cross = Line2D([], [], linestyle="none", marker="x", color="0.25", markersize=5)
    entries: list[tuple[Any, str]] = []
    shares = foreign_shares(bank.covariates)
    if reasons - {UNHEALTHY, VOID, OTHER_SCRIPT} or (shares is not None and shares.isna().any()):
        entries.append((ground, "not measured"))
    if OTHER_SCRIPT in reasons:
        entries.append((ground, NOT_COMPARABLE))
    if reasons & {UNHEALTHY, VOID}:
        entries.append(((ground, cross), "left out: a model is unhealthy or failed"))
    if reasons:
        entries.append((Line2D([], [], linestyle="none"), "* (n - 1) times the mean of measured cells"))
    return entries

"""The figures of an audit, each as SVG (for print) and PNG (for screens).

Reads an audit; writes `audit_sizes`, `audit_lengths`, `audit_foreign` and `audit_overlap`, `.svg` and `.png` each, as
far as there are numbers for them.

    draw_audit(audit, Path("runs/quickstart/figures"))
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from bloodbank.canvas import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PALE,
    PINK,
    RED,
    SKY,
    SMALL,
    TEXT_SIZE,
    add_legend,
    drawing,
    ink,
    name_cells,
    name_rows,
    paint,
    settle,
    sheet,
    style_axes,
    write_cell,
    write_figure,
)
from bloodbank.corpus.audit.columns import DISTANCES
from bloodbank.corpus.audit.distances import Distance
from bloodbank.corpus.audit.record import Audit, Foreign, known
from bloodbank.corpus.audit.sentences import subtitle
from bloodbank.experiment.settings import FOREIGN_LIMIT
from bloodbank.languages import NO_SPACES
from bloodbank.wording import percentage

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Numbers = np.ndarray[Any, np.dtype[np.float64]]

MOST_NUMBERED = 24  # languages up to which numbers stand in the cells of the heatmap
LEAST_COLOURED, LEAST_NUMBERED = 1e-4, 5e-4  # shares from which a cell has a colour, and a number
LEAST_DRAWN = 5e-4  # share from which a foreign language is seen in a bar
OTHER = "other"
NEAR, FAR = "sample: no further off than running text", "sample: further off"
UNKNOWN = "sample: running text not known"
_PALETTE = [BLUE, ORANGE, GREEN, PINK, SKY, RED]  # of the foreign languages named; the others share GREY
_LONGEST_CODE = 14  # characters; longer private codes would take the room of the figure
_TICKS = [step * 10.0**power for power in range(-6, 4) for step in (1, 2, 5)]
_FINE_TICKS = [0.3, 0.7, 0.8, 0.9, 0.95, 1.05, 1.1, 1.2, 1.5, 3]


def draw_audit(audit: Audit, folder: Path) -> list[Path]:
    """Draw what an audit knows.

    Args:
        audit: The audit.
        folder: Where the files go; it is made if missing.

    Returns:
        The files written: sizes beside each other, distances of lengths with their ranges, foreign text, and overlap
        of test with training text. A figure without numbers is left out.

    Raises:
        BloodbankError: The disk is full or cannot be written.
    """
    makers = {"sizes": sizes_figure, "lengths": lengths_figure, "foreign": foreign_figure, "overlap": overlap_figure}
    written: list[Path] = []
    with drawing():
        for name, make in makers.items():
            figure = make(audit)
            if figure is not None:
                written += write_figure(figure, folder, f"audit_{name}")
    return written


def _row_sheet(
    title: str, notes: str, codes: Sequence[str], panels: Sequence[str] = ("",)
) -> tuple[Figure, Sequence[Axes]]:
    """Make a figure with one row a language and one or more panels, named from left to right."""
    height = max(0.5, (0.22 if len(codes) <= MOST_NUMBERED else 0.18) * len(codes)) + (1.3 if any(panels) else 1.0)
    figure = sheet(title, [notes], (6.8 if len(panels) == 1 else 1.0 + 2.6 * len(panels), height))
    all_axes = figure.subplots(1, len(panels), squeeze=False)[0]
    for axes, name in zip(all_axes, panels, strict=True):
        style_axes(axes, name, grid="x")
        axes.set_title(name, size=TEXT_SIZE, pad=5)
        name_rows(axes, _shown(codes) if axes is all_axes[0] else [""] * len(codes))
        axes.tick_params(axis="x", labelsize=SMALL)
        axes.set_ylim(len(codes) - 0.5, -0.5)
        for row in range(0, len(codes), 2):
            axes.axhspan(row - 0.5, row + 0.5, color=PALE, zorder=0, linewidth=0)
    return figure, all_axes


def _shown(codes: Sequence[str]) -> list[str]:
    return [code if len(code) <= _LONGEST_CODE else f"{code[: _LONGEST_CODE - 1]}…" for code in codes]


def _explain(figure: Figure, all_axes: Sequence[Axes], order: Sequence[str]) -> None:
    """Explain each look that there is once, in an order."""
    looks: dict[str, Any] = {}
    for axes in all_axes:
        handles, labels = axes.get_legend_handles_labels()
        looks |= dict(zip(labels, handles, strict=True))
    add_legend(figure, [(looks[label], label) for label in order if label in looks])


def _log_axis(axes: Axes, limits: tuple[float, float], wanted: Sequence[float], unit: str, n_most: int) -> None:
    """Put ticks on a logarithmic axis, the most wanted first, as many as stand apart."""
    axes.set_xscale("log")
    axes.set_xlim(limits)
    low, high = (math.log(limit) for limit in limits)
    chosen: list[float] = []
    for tick in wanted:
        place = math.log(tick)
        if low <= place <= high and all(abs(place - math.log(other)) >= (high - low) / n_most for other in chosen):
            chosen.append(tick)
    axes.set_xticks(chosen, [f"{tick:.3g}{unit}" for tick in chosen])
    axes.set_xticks([], minor=True)


def foreign_figure(audit: Audit) -> Figure | None:
    """Draw the share of foreign text of each language, by the languages that it is in."""
    groups = {one.code: one.foreign for one in audit.languages if isinstance(one.foreign, Foreign)}
    by_char = {code: group.by_char for code, group in groups.items() if known(group.by_char)}
    if not by_char:
        return None
    parts = _foreign_parts({code: groups[code] for code in by_char}, by_char)
    codes = sorted((one.code for one in audit.languages), key=lambda code: -by_char.get(code, -1))
    lines = {codes.index(code): 100 * group.by_line for code, group in groups.items() if known(group.by_line)}
    notes = f"{subtitle(audit)}; share of the characters in another language, by that language; ticks: share of lines"
    figure, (axes,) = _row_sheet("Foreign text in the training text", notes, codes)
    rows, left = [codes.index(code) for code in by_char], np.zeros(len(by_char))
    for label, shares in parts.items():
        colour = GREY if label == OTHER else _PALETTE[list(parts).index(label)]
        axes.barh(rows, 100 * shares, left=left, height=0.66, color=colour, label=label, zorder=2)
        left += 100 * shares
    style: dict[str, Any] = {"color": BLACK, "markersize": 9, "markeredgewidth": 1.4, "clip_on": False, "zorder": 4}
    axes.plot(list(lines.values()), list(lines), "|", label="share of lines", **style)
    axes.axvline(100 * FOREIGN_LIMIT, color=BLACK, linewidth=0.8, linestyle=(0, (4, 3)), zorder=3)
    axes.set_xlim(0, min(100, 1.05 * max(110 * FOREIGN_LIMIT, *left, *lines.values())))
    axes.set_xlabel(f"% of the characters (dashed: {100 * FOREIGN_LIMIT:g}%)", size=TEXT_SIZE)
    end: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
    for row, code in enumerate(codes):
        text = percentage(by_char[code]) if code in by_char else "not measured"
        axes.annotate(text, (1, row), (6, 0), va="center_baseline", size=SMALL, color="0.3", **end)
    _explain(figure, [axes], [*parts, "share of lines"])
    return settle(figure)


def _foreign_parts(groups: Mapping[str, Foreign], by_char: Mapping[str, float]) -> dict[str, Numbers]:
    """Split the foreign share of each language into the most frequent foreign languages, and "other"."""
    shares = {
        language: np.array([group.languages.get(language, 0.0) for group in groups.values()])
        for language in dict.fromkeys(code for group in groups.values() for code in group.languages)
    }
    seen = [language for language, each in shares.items() if each.max() >= LEAST_DRAWN]
    named = sorted(seen, key=lambda language: (-shares[language].sum(), language))[: len(_PALETTE)]
    parts = {language: shares[language] for language in named}
    rest = np.maximum(np.array(list(by_char.values())) - sum(parts.values(), np.zeros(len(by_char))), 0)
    return parts | ({OTHER: rest} if rest.max() >= LEAST_DRAWN else {})


def overlap_figure(audit: Audit) -> Figure | None:
    """Draw which share of each language's test text stands in the training text of each other one, and of its own."""
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LogNorm
    from matplotlib.patches import Rectangle

    if isinstance(audit.overlap, str) or not any(audit.overlap.values()):
        return None
    codes, n = [one.code for one in audit.languages], len(audit.languages)
    shares = np.array([[audit.overlap.get(test, {}).get(train, np.nan) for train in codes] for test in codes])
    notes = (
        f"{subtitle(audit)}; rows: test text, columns: training text, outlined: of the same language; share of the "
        f"test {audit.overlap_unit} that stand in the training text, too; white: none, or below "
        f"{100 * LEAST_COLOURED:g}%"
    )
    notes += "; hatched: not measured" if np.isnan(shares).any() else ""
    square = n * (0.36 if n <= 8 else 0.31 if n <= MOST_NUMBERED else 0.19)  # inches
    labels = 0.3 + 0.075 * max(map(len, _shown(codes)))
    size = (max(5.2, labels + square + 1.0), labels + max(square, 0.9))
    figure = sheet("Overlap of test with training text", [notes], size)
    axes = figure.add_subplot(aspect="equal", anchor="NW")
    highest = max(0.01, float(np.nanmax(shares)))
    norm = LogNorm(LEAST_COLOURED, highest)
    colours = colormaps["Blues"].with_extremes(under="white")
    paint(axes, np.maximum(shares, LEAST_COLOURED / 2), norm, colours, "overlap")  # none has no logarithm
    is_wide = n <= MOST_NUMBERED
    upright = not is_wide or max(map(len, codes)) > 3
    name_cells(axes, _shown(codes), _shown(codes), TEXT_SIZE if is_wide else SMALL, upright=upright)
    for place in range(n):
        box = Rectangle((place, place), 1, 1, fill=False, edgecolor=BLACK, linewidth=0.9, zorder=3, clip_on=False)
        axes.add_patch(box)
    for (row, column), share in np.ndenumerate(shares) if is_wide else ():
        if share >= LEAST_NUMBERED:
            text = f"{100 * share:.1f}" if share < 0.0995 else f"{100 * share:.0f}"
            write_cell(axes, row, column, text, size=SMALL - 0.5, color=ink(colours(float(norm(share)))))
    tall = min(square, 3.0)
    scale = axes.inset_axes((1 + 0.25 / square, 1 - tall / square, 0.14 / square, tall / square))
    bar = figure.colorbar(ScalarMappable(norm, colours), cax=scale)
    ticks = [tick for tick in (1e-4, 1e-3, 1e-2, 1e-1, 1.0) if tick <= highest]
    bar.set_ticks(ticks, labels=[f"{100 * tick:g}" for tick in ticks], size=SMALL)
    bar.ax.minorticks_off()
    bar.ax.set_title("%", size=TEXT_SIZE)
    return settle(figure)


def sizes_figure(audit: Audit) -> Figure | None:
    """Draw characters, bytes, words and tokens of each language relative to their medians."""
    series, left_out = _relative_sizes(audit)
    if not series:
        return None
    last = list(series.values())[-1]
    codes = sorted((one.code for one in audit.languages), key=lambda code: -last.get(code, 0))
    notes = f"{subtitle(audit)}; each quantity divided by its median over languages, on a log scale"
    notes += f"; no words of {', '.join(left_out)}: written without spaces" if left_out and "words" in series else ""
    figure, (axes,) = _row_sheet("Training text: sizes relative to the median language", notes, codes)
    looks = {"characters": ("|", BLACK), "bytes": ("o", BLUE), "words": ("^", ORANGE), "tokens": ("D", GREEN)}
    for place, (name, ratios) in enumerate(series.items()):
        rows = [codes.index(code) + (place - (len(series) - 1) / 2) * 0.18 for code in ratios]
        marker, colour = looks[name]
        style: dict[str, Any] = {"markersize": 4.5, "markeredgewidth": 1.2, "clip_on": False}
        axes.plot(list(ratios.values()), rows, marker, color=colour, label=name, **style)
    ends = [1.1, 1 / 1.1, *(ratio for ratios in series.values() for ratio in ratios.values())]
    ticks = sorted([*_TICKS, *_FINE_TICKS], key=lambda tick: abs(math.log(tick)))
    _log_axis(axes, (min(ends) / 1.05, max(ends) * 1.05), ticks, "×", 12)
    axes.axvline(1, color=GREY, linewidth=0.8, zorder=1)
    axes.set_xlabel("relative to the median", size=TEXT_SIZE)
    _explain(figure, [axes], list(series))
    return settle(figure)


def _relative_sizes(audit: Audit) -> tuple[dict[str, dict[str, float]], list[str]]:
    """Divide each quantity by its median; return that, and the languages whose words cannot be compared."""
    groups = {"characters": ("sample", "n_chars"), "bytes": ("sample", "n_bytes"), "words": ("sample", "n_words")}
    groups |= {"tokens": ("tokens", "n_tokens")}
    left_out = [one.code for one in audit.languages if one.script in NO_SPACES]
    series = {}
    for name, group in groups.items():
        counts = {one.code: one.value(*group) for one in audit.languages if name != "words" or one.code not in left_out}
        there = {code: count for code, count in counts.items() if known(count) and count > 0}
        if there:
            middle = median(there.values())
            series[name] = {code: count / middle for code, count in there.items()}
    return series, left_out


def lengths_figure(audit: Audit) -> Figure | None:
    """Draw the earth mover's distances of each language beside the ranges of random samples and of running text."""
    panels = {
        name: {one.code: each for one in audit.languages if isinstance(each := getattr(one, field), Distance)}
        for field, name in DISTANCES.items()
    }
    panels = {name: distances for name, distances in panels.items() if distances}
    if not panels:
        return None
    codes = [one.code for one in audit.languages]
    notes = (
        f"{subtitle(audit)}; earth mover's distance of the training text from its source, or from a second sample of "
        "it, in % of the mean length, on a log scale; bars: middle 95% of random samples of the same size, and of "
        "stretches of running text"
    )
    is_zero = any(one.value == 0 for distances in panels.values() for one in distances.values())
    notes += "; at the left edge: 0" if is_zero else ""
    title = "Lengths: how far the sample lies from its source"
    figure, all_axes = _row_sheet(title, notes, codes, list(panels))
    for axes, distances in zip(all_axes, panels.values(), strict=True):
        _draw_distances(axes, distances, codes)
        axes.set_xlabel("distance, % of the mean", size=TEXT_SIZE)
    _explain(figure, all_axes, ["random samples", "running text", NEAR, FAR, UNKNOWN])
    return settle(figure)


def _draw_distances(axes: Axes, distances: Mapping[str, Distance], codes: Sequence[str]) -> None:
    scales = {code: 100 / one.mean if one.mean else 0.0 for code, one in distances.items()}
    ends = [end * scales[code] for code, one in distances.items() for end in (one.value, *_ends(one))]
    left = min((end for end in ends if end > 0), default=0.1) / 1.5
    for code, one in distances.items():
        row, scale = codes.index(code), scales[code]
        both = [(one.random, -0.2, GREY, "random samples")]
        if not isinstance(one.stretches, str):
            both.append((one.stretches, 0.2, SKY, "running text"))
        for each, shift, colour, label in both:
            low, high = (max(left, scale * end) for end in (each.low, each.high))
            axes.barh(row + shift, high - low, left=low, height=0.34, color=colour, label=label, zorder=2)
        marker, colour, label = _look(one)
        style: dict[str, Any] = {"markersize": 4.5, "markeredgecolor": BLACK, "zorder": 4, "clip_on": False}
        axes.plot(max(left, scale * one.value), row, marker, color=colour, label=label, **style)
    ticks = sorted(_TICKS, key=lambda tick: math.log10(tick) % 1 > 1e-9)  # powers of ten first
    _log_axis(axes, (left, max([*ends, 2 * left]) * 1.5), ticks, "", 6)


def _look(one: Distance) -> tuple[str, str, str]:
    """Choose marker, colour and label of a sample."""
    if isinstance(one.stretches, str):
        return "o", "white", UNKNOWN
    return ("D", RED, FAR) if one.value > one.stretches.high else ("o", BLACK, NEAR)


def _ends(one: Distance) -> list[float]:
    ranges = [one.random] if isinstance(one.stretches, str) else [one.random, one.stretches]
    return [end for each in ranges for end in (each.low, each.high)]

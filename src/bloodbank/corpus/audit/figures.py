"""The figures of an audit, each as SVG (for print) and PNG (for screens).

Reads an audit; writes `audit_sizes`, `audit_lengths`, `audit_foreign` and `audit_overlap`, `.svg` and `.png` each, as
far as there are numbers for them. Equal numbers give equal bytes.

    draw_audit(audit, Path("runs/quickstart/figures"))
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
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
    PINK,
    RED,
    SKY,
    SMALL,
    TEXT_SIZE,
    TICKS,
    legend,
    log_axis,
    sheet,
    square_sheet,
)
from bloodbank.corpus.audit.columns import DISTANCES
from bloodbank.corpus.audit.distances import Distance
from bloodbank.corpus.audit.record import Audit, Foreign, known
from bloodbank.corpus.audit.sentences import subtitle
from bloodbank.corpus.scripts import NO_SPACES
from bloodbank.experiment.settings import FOREIGN_LIMIT
from bloodbank.store import replace_file
from bloodbank.wording import percentage

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


PNG_DPI = 200
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
    from matplotlib import rc_context

    figures: dict[str, Callable[[Audit], Figure | None]] = {
        "audit_sizes": sizes_figure,
        "audit_lengths": lengths_figure,
        "audit_foreign": foreign_figure,
        "audit_overlap": overlap_figure,
    }
    written = []
    with rc_context(_SETTINGS):
        for name, make in figures.items():
            figure = make(audit)
            if figure is None:
                continue
            kinds: dict[str, dict[str, Any]] = {"svg": {"metadata": {"Date": None}}, "png": {"dpi": PNG_DPI}}
            for ending, options in kinds.items():
                path = folder / f"{name}.{ending}"
                with replace_file(path) as temporary:
                    figure.savefig(temporary, format=ending, **options)
                written.append(path)
    return written


# Figures of an audit on what does not belong in a text: foreign text, and test text that stands in training text.


Numbers = np.ndarray[Any, np.dtype[np.float64]]

MOST_NUMBERED = 24  # languages up to which numbers stand in the cells of the heatmap
LEAST_COLOURED, LEAST_NUMBERED = 1e-4, 5e-4  # shares from which a cell has a colour, and a number
LEAST_DRAWN = 5e-4  # share from which a foreign language is seen in a bar
OTHER = "other"
_PALETTE = [BLUE, ORANGE, GREEN, PINK, SKY, RED]  # of the foreign languages named; the others share GREY


def foreign_figure(audit: Audit) -> Figure | None:
    """Draw the share of foreign text of each language, by the languages that it is in."""
    found = {one.code: one.foreign for one in audit.languages if isinstance(one.foreign, Foreign)}
    by_char = {code: group.by_char for code, group in found.items() if known(group.by_char)}
    if not by_char:
        return None
    parts = _foreign_parts({code: found[code] for code in by_char}, by_char)
    codes = sorted((one.code for one in audit.languages), key=lambda code: -by_char.get(code, -1))
    lines = {codes.index(code): 100 * group.by_line for code, group in found.items() if known(group.by_line)}
    notes = f"{subtitle(audit)}; share of the characters in another language, by that language; ticks: share of lines"
    labels, column = [*parts, "share of lines"], {code: percentage(share) for code, share in by_char.items()}
    column |= {code: "not measured" for code in codes if code not in by_char}
    figure, (axes,) = sheet("Foreign text in the training text", notes, codes, labels, column=column)
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
    legend(figure, [axes], labels)
    return figure


def _foreign_parts(found: Mapping[str, Foreign], by_char: Mapping[str, float]) -> dict[str, Numbers]:
    """Split the foreign share of each language into the most frequent foreign languages, and "other"."""
    shares = {
        language: np.array([group.languages.get(language, 0.0) for group in found.values()])
        for language in dict.fromkeys(code for group in found.values() for code in group.languages)
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
    codes = [one.code for one in audit.languages]
    shares = np.array([[audit.overlap.get(test, {}).get(train, np.nan) for train in codes] for test in codes])
    notes = (
        f"{subtitle(audit)}; rows: test text, columns: training text, outlined: of the same language; share of the "
        f"test {audit.overlap_unit} that stand in the training text, too; white: none, or below "
        f"{100 * LEAST_COLOURED:g}%"
    )
    notes += "; hatched: not measured" if np.isnan(shares).any() else ""
    figure, axes, bar = square_sheet("Overlap of test with training text", notes, codes, n_wide=MOST_NUMBERED)
    highest = max(0.01, float(np.nanmax(shares)))
    norm, colours = LogNorm(LEAST_COLOURED, highest), colormaps["Blues"]
    look: dict[str, Any] = {"edgecolor": "0.88", "linewidth": 0.4}
    axes.patch.set(facecolor="white", hatch="////", edgecolor="0.7")
    axes.pcolormesh(np.where(np.isnan(shares), np.nan, 0), cmap="Greys", vmin=0, vmax=1, **look)
    axes.pcolormesh(np.ma.masked_where(~(shares >= LEAST_COLOURED), shares), norm=norm, cmap=colours, **look)
    for place in range(len(codes)):
        box = Rectangle((place, place), 1, 1, fill=False, edgecolor=BLACK, linewidth=0.9, zorder=3, clip_on=False)
        axes.add_patch(box)
    if len(codes) <= MOST_NUMBERED:
        for (row, column), share in np.ndenumerate(shares):
            if share >= LEAST_NUMBERED:
                ink = "white" if norm(share) > 0.6 else "black"
                text = f"{100 * share:.1f}" if share < 0.0995 else f"{100 * share:.0f}"
                axes.text(column + 0.5, row + 0.52, text, ha="center", va="center", size=SMALL - 0.5, color=ink)
    scale = figure.colorbar(ScalarMappable(norm, colours), cax=bar)
    ticks = [tick for tick in (1e-4, 1e-3, 1e-2, 1e-1, 1.0) if tick <= highest]
    scale.set_ticks(ticks, labels=[f"{100 * tick:g}" for tick in ticks], size=SMALL)
    bar.minorticks_off()
    bar.set_title("%", size=TEXT_SIZE)
    return figure


# Figures of an audit on sizes: of the training texts beside each other, and of their sentences and words.


NEAR, FAR = "sample: no further off than running text", "sample: further off"
UNKNOWN = "sample: running text not known"
_FINE_TICKS = [0.3, 0.7, 0.8, 0.9, 0.95, 1.05, 1.1, 1.2, 1.5, 3]


def sizes_figure(audit: Audit) -> Figure | None:
    """Draw characters, bytes, words and tokens of each language relative to their medians."""
    series, left_out = _relative_sizes(audit)
    if not series:
        return None
    last = list(series.values())[-1]
    codes = sorted((one.code for one in audit.languages), key=lambda code: -last.get(code, 0))
    notes = f"{subtitle(audit)}; each quantity divided by its median over languages, on a log scale"
    notes += f"; no words of {', '.join(left_out)}: written without spaces" if left_out and "words" in series else ""
    figure, (axes,) = sheet("Training text: sizes relative to the median language", notes, codes, list(series))
    looks = {"characters": ("|", BLACK), "bytes": ("o", BLUE), "words": ("^", ORANGE), "tokens": ("D", GREEN)}
    for place, (name, ratios) in enumerate(series.items()):
        rows = [codes.index(code) + (place - (len(series) - 1) / 2) * 0.18 for code in ratios]
        marker, colour = looks[name]
        style: dict[str, Any] = {"markersize": 4.5, "markeredgewidth": 1.2, "clip_on": False}
        axes.plot(list(ratios.values()), rows, marker, color=colour, label=name, **style)
    ends = [1.1, 1 / 1.1, *(ratio for ratios in series.values() for ratio in ratios.values())]
    ticks = sorted([*TICKS, *_FINE_TICKS], key=lambda tick: abs(math.log(tick)))
    log_axis(axes, (min(ends) / 1.05, max(ends) * 1.05), ticks, "×")
    axes.axvline(1, color=GREY, linewidth=0.8, zorder=1)
    axes.set_xlabel("relative to the median", size=TEXT_SIZE)
    legend(figure, [axes], list(series))
    return figure


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
        name: {one.code: found for one in audit.languages if isinstance(found := getattr(one, field), Distance)}
        for field, name in DISTANCES.items()
    }
    panels = {name: found for name, found in panels.items() if found}
    if not panels:
        return None
    codes = [one.code for one in audit.languages]
    notes = (
        f"{subtitle(audit)}; earth mover's distance of the training text from its source, or from a second sample of "
        "it, in % of the mean length, on a log scale; bars: middle 95% of random samples of the same size, and of "
        "stretches of running text"
    )
    everything = [one for found in panels.values() for one in found.values()]
    notes += "; at the left edge: 0" if any(one.value == 0 for one in everything) else ""
    used = {_look(one)[2] for one in everything}
    labels = ["random samples", *(["running text"] if used - {UNKNOWN} else [])]
    labels += [label for label in (NEAR, FAR, UNKNOWN) if label in used]
    title = "Lengths: how far the sample lies from its source"
    figure, all_axes = sheet(title, notes, codes, labels, panels=panels)
    for axes, found in zip(all_axes, panels.values(), strict=True):
        _draw_distances(axes, found, codes)
        axes.set_xlabel("distance, % of the mean", size=TEXT_SIZE)
    legend(figure, all_axes, labels)
    return figure


def _draw_distances(axes: Axes, found: Mapping[str, Distance], codes: Sequence[str]) -> None:
    scales = {code: 100 / one.mean if one.mean else 0.0 for code, one in found.items()}
    ends = [end * scales[code] for code, one in found.items() for end in (one.value, *_ends(one))]
    left = min((end for end in ends if end > 0), default=0.1) / 1.5
    for code, one in found.items():
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
    ticks = sorted(TICKS, key=lambda tick: math.log10(tick) % 1 > 1e-9)  # powers of ten first
    log_axis(axes, (left, max([*ends, 2 * left]) * 1.5), ticks, "")


def _look(one: Distance) -> tuple[str, str, str]:
    """Choose marker, colour and label of a sample."""
    if isinstance(one.stretches, str):
        return "o", "white", UNKNOWN
    return ("D", RED, FAR) if one.value > one.stretches.high else ("o", BLACK, NEAR)


def _ends(one: Distance) -> list[float]:
    ranges = [one.random] if isinstance(one.stretches, str) else [one.random, one.stretches]
    return [end for each in ranges for end in (each.low, each.high)]

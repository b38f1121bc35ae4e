"""Figures of an audit on sizes: of the training texts beside each other, and of their sentences and words.

Reads an audit; writes nothing, `audit_figures` does.

    sizes_figure(audit), lengths_figure(audit)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING, Any

from bloodbank.corpus.audit_canvas import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    RED,
    SKY,
    TEXT_SIZE,
    TICKS,
    legend,
    log_axis,
    sheet,
)
from bloodbank.corpus.audit_record import Audit, known
from bloodbank.corpus.audit_wording import DISTANCES, subtitle
from bloodbank.corpus.distances import Distance
from bloodbank.corpus.scripts import NO_SPACES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

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

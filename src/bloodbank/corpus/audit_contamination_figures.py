"""Figures of an audit on what does not belong in a text: foreign text, and test text that stands in training text.

Reads an audit; writes nothing, `audit_figures` does.

    foreign_figure(audit), overlap_figure(audit)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bloodbank.corpus.audit_canvas import (
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
    legend,
    sheet,
    square_sheet,
)
from bloodbank.corpus.audit_record import FOREIGN_LIMIT, Audit, Foreign, known
from bloodbank.corpus.audit_wording import percent, subtitle

if TYPE_CHECKING:
    from matplotlib.figure import Figure

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
    labels, column = [*parts, "share of lines"], {code: percent(share) for code, share in by_char.items()}
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

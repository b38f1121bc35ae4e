"""What the transfer levels of a bank say, in sentences: other numbers give other sentences. Nothing is read.

level_sentences(levels(bank))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from bloodbank.bank.names import plural, signed
from bloodbank.bank.scores import LEVELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bloodbank.bank.analysis.levels import Levels

SETS = {"paper": "the paper's borders", "given": "the given borders", "data": "the data's borders"}
_NEUTRAL = LEVELS[1]


def level_sentences(found: Levels) -> list[str]:
    """Say how the cells of a bank fall into levels.

    Args:
        found: What was found.

    Returns:
        Sentences: counts by either set of borders, the data's borders and how sure they are, where zero lies, how many
        cells change level, and how many are sure not to be zero.
    """
    if not int(found.counts[found.source].sum()):
        return ["Transfer levels: not possible, because no cell is measured."]
    return [
        *(_counted(found, name) for name in found.counts.columns),
        _data(found),
        *_inside(found),
        *_zero(found),
        *_moved(found),
        *_noise(found),
    ]


def percents(borders: Sequence[float]) -> str:
    """Write borders in percent, as whole numbers where they are: "-10, 10 and 55%"."""
    texts = [f"{100 * border:.1f}".removesuffix(".0") for border in borders]
    texts = ["0" if text == "-0" else text for text in texts]
    return f"{', '.join(texts[:-1])} and {texts[-1]}%" if len(texts) > 1 else f"{texts[0]}%"


def _counted(found: Levels, name: str) -> str:
    counts = found.counts[name]
    parts = [f"{int(counts[level])} {level}" for level in LEVELS]
    borders = found.borders if name == found.source else found.other_borders or ()
    share = float(found.fit[name])
    fit = "" if np.isnan(share) else f"; the levels hold {100 * share:.0f}% of the variance of F"
    return (
        f"By {SETS[name]} ({percents(borders)}), {plural(int(counts.sum()), 'cell')}: {', '.join(parts[:-1])} "
        f"and {parts[-1]}{fit}."
    )


def _data(found: Levels) -> str:
    if found.no_data_borders:
        return f"Borders drawn by the data: not possible, because {found.no_data_borders}."
    if found.no_interval:
        sure = f"how sure they are: not possible, because {found.no_interval}"
    else:
        parts = [
            f"{level} from {signed(100 * border, 1)} ({signed(100 * low, 1)} to {signed(100 * high, 1)})"
            for level, (border, low, high) in zip(LEVELS[1:], found.data_borders.to_numpy(dtype=float), strict=True)
        ]
        sure = (
            f"in percent, and in brackets where 95% of them lie when the languages are drawn again "
            f"({found.n_resamples} times): {', '.join(parts)}"
        )
    return f"The data's borders are natural breaks, which leave the least variance within four levels; {sure}."


def _inside(found: Levels) -> list[str]:
    if found.no_data_borders or found.no_interval:
        return []
    name, borders = (found.source, found.borders) if found.source != "data" else ("paper", found.other_borders or ())
    table = found.data_borders
    outside = [
        border
        for border, low, high in zip(borders, table["low"], table["high"], strict=True)
        if not low <= border <= high
    ]
    if not outside:
        return [f"All three of {SETS[name]} lie within these ranges: the data do not speak against them."]
    if len(outside) == 3:
        return [f"None of {SETS[name]} lies within these ranges."]
    return [f"Of {SETS[name]}, {percents(outside)} {'lies' if len(outside) == 1 else 'lie'} outside these ranges."]


def _zero(found: Levels) -> list[str]:
    if found.no_data_borders:
        return []
    first, second = (float(border) for border in found.data_borders["border"].iloc[:2])
    span = f"{signed(100 * first, 1)} to {signed(100 * second, 1)}%"
    often = ""
    if not np.isnan(found.zero_in_neutral):
        often = f"; so it does in {100 * found.zero_in_neutral:.0f}% of the resamples"
    if found.zero_level == _NEUTRAL:
        return [f"Zero lies in the data's second level, {span}, which may be called neutral{often}."]
    often = often.replace("so it does", "it lies in the second")
    return [
        f"Zero lies in the data's {_ordinal(found.zero_level)} level, not in the second, {span}: what stands there as "
        f"neutral is no absence of transfer, and level names tell only positions{often}."
    ]


def _ordinal(level: str) -> str:
    return ("first", "second", "third", "fourth")[LEVELS.index(level)]


def _moved(found: Levels) -> list[str]:
    if found.moves.empty:
        return []
    total, stayed = int(found.moves.to_numpy().sum()), int(np.trace(found.moves.to_numpy()))
    sets = f"from {SETS[found.source]} to {SETS[found.other_source]}"
    if total == stayed:
        return [f"No cell changes its level {sets}."]
    stacked = [
        (int(cast(Any, found.moves.loc[old, new])), f"{old} to {new}") for old in LEVELS for new in LEVELS if old != new
    ]
    moves = sorted((move for move in stacked if move[0]), key=lambda move: -move[0])
    n = total - stayed
    verb = "changes its" if n == 1 else "change their"
    return [
        f"{n} of {plural(total, 'cell')} ({100 * n / total:.0f}%) {verb} level {sets}: "
        f"{', '.join(f'{count} {text}' for count, text in moves)}."
    ]


def _noise(found: Levels) -> list[str]:
    noise = found.noise
    if noise.reason:
        return [f"Cells that are sure not to be zero: not possible, because {noise.reason}."]
    sure = noise.table["n_below"] + noise.table["n_above"]
    total = {str(name): int(n) for name, n in noise.table.sum().items()}
    n_sure, n_known = total["n_below"] + total["n_above"], total["n_known"]
    parts = [f"{int(sure[level])} of {int(noise.table['n_known'][level])} {level}" for level in LEVELS]
    unknown = total["n_cells"] - n_known
    without = f"; {plural(unknown, 'cell')} without an interval" if unknown else ""
    chance = (1 - noise.level) * n_known
    beyond = "more than" if n_sure > chance else "no more than"
    said = [
        f"The {noise.level:.0%} interval excludes zero for {n_sure} of {plural(n_known, 'cell')} "
        f"({total['n_below']} below, {total['n_above']} above), {beyond} the {chance:.0f} expected were all "
        f"of F zero: {', '.join(parts)}{without}. Intervals are by the choice of {noise.covers}, each for one cell."
    ]
    half, neutral = 100 * noise.half_width, 100 * noise.neutral_half_width
    wide = "wider than" if neutral > half else "narrower than" if neutral < half else "as wide as"
    said.append(
        f"A cell whose interval contains zero counts as neutral by its noise: {plural(total['n_neutral'], 'cell')}. "
        f"The middlemost interval reaches {half:.1f} points to either side, and the neutral level, {neutral:.1f} to "
        f"either side of its middle, is {wide} that."
    )
    return said

"""Where the panels of the loss curves stand, and the scale of tokens that they share.

Nothing is drawn here; `bloodbank.bank.curves` does that.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import numpy as np
from matplotlib.ticker import MaxNLocator

from bloodbank.bank.canvas import MARGIN
from bloodbank.bank.loss_curves import Line

# By number of columns: width and height of a panel in inches.
_SIZES = {1: (4.6, 2.9), 2: (3.1, 2.2), 3: (2.5, 1.9), 4: (2.1, 1.6), 5: (1.85, 1.45)}
_TITLE, _LOSSES, _TOKENS = 0.27, 0.42, 0.25  # inches for a panel's title above, numbers at its left, and below
_YLABEL, _XLABEL = 0.22, 0.3  # for the labels that all panels share
_END, _LETTER = 0.1, 0.08  # at the right of a panel, and for a letter of a code there
MAX_TICKS = 3


@dataclass(frozen=True)
class Grid:
    """Places of the panels, in inches from the left and the top."""

    n_panels: int
    n_letters: int  #: of the longest code at the end of a line; 0 where there are no codes

    @property
    def n_columns(self) -> int:
        """Columns: three panels side by side, more nearly in a square."""
        return self.n_panels if self.n_panels <= 3 else min(max(_SIZES), math.ceil(math.sqrt(self.n_panels)))

    @property
    def n_rows(self) -> int:
        """Rows, of which the last may be shorter."""
        return math.ceil(self.n_panels / self.n_columns)

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of a panel."""
        return _SIZES[self.n_columns]

    @property
    def step(self) -> tuple[float, float]:
        """From one panel to the next, to the right and downwards."""
        width, height = self.size
        return _LOSSES + width + _END + _LETTER * self.n_letters, _TITLE + height + _TOKENS

    @property
    def width(self) -> float:
        """Width of the figure; a single panel has room for the title."""
        return max(5.4, _YLABEL + self.n_columns * self.step[0] + 2 * MARGIN)

    @property
    def height(self) -> float:
        """Height of all panels with what stands around them."""
        return self.n_rows * self.step[1] + _XLABEL

    def corner(self, place: int) -> tuple[float, float]:
        """Find the upper left corner of a panel's axes, from the left and from the top of the grid."""
        row, column = divmod(place, self.n_columns)
        return MARGIN + _YLABEL + _LOSSES + column * self.step[0], _TITLE + row * self.step[1]

    def is_lowest(self, place: int) -> bool:
        """Say whether no panel stands below."""
        return place + self.n_columns >= self.n_panels


class TokenScale:
    """Logarithm of tokens seen, with a place for 0 at the left.

    Args:
        lines: All that is drawn.
    """

    def __init__(self, lines: Iterable[Line]) -> None:
        tokens = np.concatenate([line.tokens_seen for line in lines])
        positive = tokens[tokens > 0]
        self.first = float(positive.min()) if positive.size else 1.0
        self.last = max(float(positive.max()) if positive.size else 1.0, 2 * self.first)
        self.has_zero = bool((tokens <= 0).any())
        # A seventh of the axis from 0 to the first point; not so far that it looks like a measured stretch.
        self.zero = self.first / max(1.25, (self.last / self.first) ** (1 / 6)) if self.has_zero else self.first

    @property
    def limits(self) -> tuple[float, float]:
        """Ends of the axis."""
        margin = (self.last / self.zero) ** 0.03
        return self.zero / margin, self.last * margin

    def place(self, tokens_seen: np.ndarray) -> np.ndarray:
        """Move 0 to its place."""
        return np.where(tokens_seen > 0, tokens_seen, self.zero)

    def ticks(self) -> tuple[list[float], list[str]]:
        """Choose round numbers, at most `MAX_TICKS`, and 0 where it is drawn."""
        found = _round_numbers(self.first, self.last)
        zero = [self.zero] if self.has_zero else []
        return zero + found, ["0"] * len(zero) + [short_count(tick) for tick in found]


def loss_ticks(low: float, high: float) -> tuple[list[float], list[str]]:
    """Choose round numbers for a logarithmic axis of losses, whose ends may lie close together."""
    if high > 5 * low:
        found = _round_numbers(low, high)
    else:
        steps = MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
        found = [float(value) for value in steps if low <= value <= high]
    return found, [f"{value:g}" for value in found]


def _round_numbers(low: float, high: float) -> list[float]:
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for numbers in ((1,), (1, 3), (1, 2, 5)):
        values = [number * 10.0**power for power in powers for number in numbers]
        found = [value for value in values if low <= value <= high]
        if len(found) > 1:
            break
    every = max(1, math.ceil(len(found) / MAX_TICKS))
    return found[(len(found) - 1) % every :: every]  # the last one is always there


def short_count(count: float) -> str:
    """Write a round count in few letters: "500", "20k", "1M"."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= size:
            return f"{count / size:g}{letter}"
    return f"{count:g}"


def spread(heights: list[float], apart: float) -> list[float]:
    """Move two or more heights, given in rising order, until they are some distance apart.

    Args:
        heights: In any unit, rising.
        apart: The least distance, in the same unit.

    Returns:
        The heights, moved as little around their middle as needed.
    """
    placed = np.array(heights, dtype=float)
    for _ in range(len(placed)):
        for low, high in zip(range(len(placed) - 1), range(1, len(placed)), strict=True):
            short = apart - (placed[high] - placed[low])
            if short > 0:
                placed[low] -= short / 2
                placed[high] += short / 2
    return cast(list[float], placed.tolist())

"""How large everything in the heatmap is, from the number of languages and the length of their names.

Nothing is drawn here; `bloodbank.bank.heatmap` does that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bloodbank.bank.bank import Bank
from bloodbank.bank.canvas import MARGIN, heading_height, heading_lines, long_label
from bloodbank.bank.foreign_text import foreign_shares
from bloodbank.bank.sentences import subtitle

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

"""How languages and numbers are written, the same in tables, figures and files.

A `Finding` is a number with what is known of its error, and chooses what may be said of it:

    gain = Finding(0.12, 0.03, 0.21)
    f"F {gain.choose(above='helps', below='harms', undecided='may help or harm')}: {gain}."
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from bloodbank.languages import find_language

MISSING = "·"
ALPHA = 0.05  #: p up to which a finding counts as beyond chance


def language_name(code: str) -> str:
    """Return the English name of a language, or its code where the table has none."""
    language = find_language(code)
    return language.name if language else code


def percent(fraction: float, *, minus: str = "-") -> str:
    """Write a fraction as a signed whole percentage without its unit; a rounded zero has no sign."""
    return signed(100 * fraction, 0, minus=minus)


def signed(value: float, decimals: int, *, minus: str = "-") -> str:
    """Write a number with its sign; `MISSING` for a missing one."""
    if math.isnan(value):
        return MISSING
    text = f"{value:+.{decimals}f}"
    if float(text) == 0:
        return text[1:]
    return text.replace("-", minus)


def plural(n: int, noun: str) -> str:
    """Write a count with its noun: "1 cell", "2 cells"."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def not_a_formula(text: str) -> str:
    """Put a quote before a text that a spreadsheet would run as a formula, as `explorer/web/exporting.js` does."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


_MAX_SHOWN = 40


def shown(cell: object) -> str:
    """Write a cell for a message, cut where it is long."""
    text = repr(cell)
    return text if len(text) <= _MAX_SHOWN else f"{text[: _MAX_SHOWN - 1]}…"


def listed(items: Iterable[object], n_most: int = 8, separator: str = ", ") -> str:
    """Write items for a message, cut where they are many."""
    texts = [str(item) for item in items]
    more = f"{separator}and {len(texts) - n_most:,} more" if len(texts) > n_most else ""
    return separator.join(texts[:n_most]) + more


def duration(seconds: float) -> str:
    """Write a time for people: `8 s`, `3 min 05 s`, `2 h 10 min`, `3 d 4 h`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3_600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 48 * 3_600:
        return f"{whole // 3_600} h {whole % 3_600 // 60:02d} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3_600} h"


def size(n_bytes: float) -> str:
    """Write a size for people, in powers of 1 000."""
    for unit in ("B", "kB", "MB", "GB"):
        if n_bytes < 1_000:
            return f"{n_bytes:.0f} {unit}" if unit == "B" else f"{n_bytes:.1f} {unit}"
        n_bytes /= 1_000
    return f"{n_bytes:,.1f} TB"


@dataclass(frozen=True)
class Finding:
    """A number with what is known of its error: whether it differs from zero, and how it is written.

    A p value decides where there is one, else the interval; where neither is known, nothing is decided.
    """

    value: float
    low: float = math.nan
    high: float = math.nan
    p: float = math.nan
    name: str = ""  #: what is written before the number, such as "D = "
    unit: str = ""  #: what is written after every number, such as "%"
    decimals: int = 2
    level: float = 0.95  #: of the interval
    alpha: float = ALPHA  #: p up to which the number counts as beyond chance
    n_drawn: int = 0  #: random draws that p was counted from; 0 where it is exact

    @property
    def verdict(self) -> Literal["above", "below", "undecided", "unknown"]:
        """Where the true value lies, as seen from zero; "unknown" where nothing is known of the error."""
        if not math.isnan(self.p):
            decided = self.p <= self.alpha and self.value != 0 and not self.near
        elif math.isnan(self.low) or math.isnan(self.high):
            return "unknown"
        else:
            decided = self.low > 0 or self.high < 0
        if not decided:
            return "undecided"
        return "above" if self.value > 0 else "below"

    @property
    def near(self) -> bool:
        """Whether other random draws could turn the verdict: p lies within its own error of the border.

        Four standard errors of a share, which are three of a tail that is doubled.
        """
        if not self.n_drawn or math.isnan(self.p):
            return False
        return abs(self.p - self.alpha) < 4 * math.sqrt(self.p * (1 - self.p) / self.n_drawn)

    def choose(self, *, above: str, below: str, undecided: str, unknown: str | None = None) -> str:
        """Take the words that follow from the number.

        Args:
            above: What is said where the true value is above zero.
            below: What is said where it is below.
            undecided: What is said where it may be either.
            unknown: What is said where nothing is known of the error; by default as where it may be either.

        Returns:
            One of the four.
        """
        if self.verdict == "unknown" and unknown is not None:
            return unknown
        return {"above": above, "below": below}.get(self.verdict, undecided)

    def __str__(self) -> str:
        """Write the number with its interval and its p value, as far as they are known."""
        text = f"{self.name}{signed(self.value, self.decimals)}{self.unit}"
        known = []
        if not (math.isnan(self.low) or math.isnan(self.high)):
            known.append(f"{self.level:.0%} interval {self.span}")
        if not math.isnan(self.p):
            known.append(self.chance)
        return f"{text} ({', '.join(known)})" if known else text

    @property
    def chance(self) -> str:
        """The p value in words: "p = 0.012", or "p = 0.049, about 0.05" where other draws could turn the verdict."""
        return f"p = {p_text(self.p)}{f', about {self.alpha:g}' if self.near else ''}"

    @property
    def span(self) -> str:
        """The interval in words: "+0.03 to +0.21"."""
        return f"{signed(self.low, self.decimals)}{self.unit} to {signed(self.high, self.decimals)}{self.unit}"


def p_text(value: float) -> str:
    """Write a p value with three decimals, or with two digits where it is small."""
    return f"{value:.3f}" if value >= 0.0995 else f"{value:.2g}"


def percentage(share: float) -> str:
    """Write a share as a percentage, so that a small one is not written as none and a large one not as all."""
    value = 100 * share
    if 0 < value < 0.1:
        return f"{value:.2g}%" if value >= 0.001 else "<0.001%"
    if 99.9 < value < 100:
        return ">99.9%"
    return f"{value:.0f}%" if value in (0, 100) else f"{value:.1f}%"


def compact(value: float) -> str:
    """Write a number with three significant digits: 980, 12.3k, 4.56M, 7.89G."""
    if value < 1_000:
        return f"{value:.0f}"
    for unit in "kMG":
        value /= 1_000
        if float(f"{value:.3g}") < 1_000 or unit == "G":
            break
    return f"{value:,.0f}{unit}" if value >= 999.5 else f"{value:#.3g}".rstrip(".") + unit

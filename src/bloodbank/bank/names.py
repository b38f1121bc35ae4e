"""How languages and numbers are written, the same in tables, figures and files."""

from __future__ import annotations

import math

from bloodbank.errors import UsageError
from bloodbank.languages import Language, get_language

MISSING = "·"


def find_language(code: str) -> Language | None:
    """Look a code up in the table of languages; a bank read from elsewhere may know others."""
    try:
        return get_language(code)
    except UsageError:
        return None


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

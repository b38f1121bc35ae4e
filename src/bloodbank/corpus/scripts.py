"""Which scripts a text is written in, and how much of it is in others than those of its language.

    characters = Counter()
    for line in text:
        characters.update(line)
    script_mix(characters, "ja")

Letters are what Unicode gives a script of its own: letters and the marks that belong to one script, such as the vowel
signs of Hindi. Digits, punctuation, and what many scripts share (Common and Inherited: ー, combining accents) are
letters of no script.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping
from functools import lru_cache

from pydantic import BaseModel, ConfigDict

from bloodbank.languages import get_language

NO_SCRIPT = frozenset({"Zyyy", "Zinh", "Zzzz"})
"""Common, Inherited, and not assigned."""

# Codes of the language table that stand for several scripts of Unicode.
_PARTS = {"Jpan": ("Hani", "Hira", "Kana"), "Kore": ("Hang", "Hani")}


class ScriptMix(BaseModel):
    """The scripts of one text.

    Attributes:
        n_letters: Letters that belong to a script.
        shares: Share of them in each script, by ISO 15924 code, the largest first; they add up to 1.
        expected: Scripts that the language is written in; empty where the language table does not know.
        outside: Share of the letters in other scripts; a string that says why where it is not known.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    n_letters: int
    shares: dict[str, float]
    expected: tuple[str, ...]
    outside: float | str


@lru_cache(maxsize=65_536)
def script_of(character: str) -> str:
    """Return the ISO 15924 code of a character's script; `Zyyy`, `Zinh` or `Zzzz` where it has none of its own."""
    from fontTools import unicodedata as scripts

    return str(scripts.script(character))


class KindTable(dict[int, str]):
    """Kinds of characters by code point, for `str.translate`; looked up once each."""

    def __init__(self, kind: Callable[[str], str]) -> None:
        super().__init__()
        self._kind = kind

    def __missing__(self, code: int) -> str:
        kind = self[code] = self._kind(chr(code))
        return kind


def expected_scripts(language: str) -> tuple[str, ...]:
    """Return the scripts of Unicode that a language is written in: kana and Han for Japanese.

    Raises:
        UsageError: The code is not in the table of languages.
    """
    script = get_language(language).script
    return () if script is None else _PARTS.get(script, (script,))


def count_scripts(characters: Mapping[str, int]) -> Counter[str]:
    """Count the letters of each script, by ISO 15924 code, from how often each character occurs."""
    counts: Counter[str] = Counter()
    for character, count in characters.items():
        script = _letter_script(character)
        if script is not None and count > 0:
            counts[script] += count
    return counts


def script_mix(characters: Mapping[str, int], language: str) -> ScriptMix:
    """Measure the scripts of a text against those of its language.

    Args:
        characters: How often each character occurs in the text.
        language: Code of the language.

    Returns:
        The mix; of a text without a letter the shares are empty.

    Raises:
        UsageError: The code is not in the table of languages.
    """
    counts, expected = count_scripts(characters), expected_scripts(language)
    n_letters = counts.total()
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    outside: float | str
    if not n_letters:
        outside = "not computed, because the text holds no letter"
    elif not expected:
        outside = "not computed, because the script of the language is not known"
    else:
        outside = sum(count for script, count in ordered if script not in expected) / n_letters
    shares = {script: count / n_letters for script, count in ordered}
    return ScriptMix(n_letters=n_letters, shares=shares, expected=expected, outside=outside)


@lru_cache(maxsize=65_536)
def _letter_script(character: str) -> str | None:
    """Return the script of a letter or mark; None for any other character."""
    category = unicodedata.category(character)
    if category[0] not in "LM" and category != "Cn":  # Cn: a letter newer than Python's own table
        return None
    script = script_of(character)
    return None if script in NO_SCRIPT else script

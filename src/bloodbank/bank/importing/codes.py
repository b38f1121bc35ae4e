"""Names of languages in somebody's table, and the codes that they stand for.

resolve_codes(["swe", "fi"], {"swe": "sv"})  # ["sv", "fi"]
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bloodbank.errors import UsageError
from bloodbank.languages import all_languages, find_language
from bloodbank.wording import listed, shown

if TYPE_CHECKING:
    import pandas as pd

_MAX_SUGGESTED = 400
_INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"  # what comes along when a table is copied from a page


def read_label(cell: object, place: object) -> str:
    """Read the name of a language; `nan` is one (Min Nan), and so is `no`.

    Raises:
        UsageError: There is none.
    """
    missing = cell is None or (isinstance(cell, float) and math.isnan(cell))
    label = "" if missing else str(cell).strip().strip(_INVISIBLE).strip()
    if not label:
        hint = " If it was Min Nan (nan), what wrote the file took the code for a missing value." if missing else ""
        raise UsageError(f"A language is missing in {place}. Write its code there.{hint}")
    return label


def read_labels(cells: pd.Series[Any]) -> list[str]:
    """Read the names of languages in a column, whose index says where they stand."""
    return [read_label(cell, place) for place, cell in cells.items()]


def resolve_codes(labels: Sequence[str], rename: Mapping[str, str] | None, hint: str = "") -> list[str]:
    """Turn labels into codes of the language table.

    Args:
        labels: As the file has them; each once.
        rename: Codes by label, for those labels that are none.
        hint: A further sentence for the message about labels that are no codes.

    Returns:
        Codes, in the order of the labels.

    Raises:
        UsageError: A label is no code, or two have the same code. The message shows what to write.
    """
    codes = [(rename or {}).get(label, label) for label in labels]
    unknown = [code for code in dict.fromkeys(codes) if find_language(code) is None]
    if unknown:
        raise UsageError(_unknown(unknown, hint))
    check_distinct(codes, "Languages")
    return codes


def check_rename(labels: Sequence[str], rename: Mapping[str, str] | None) -> list[str]:
    """Say which names of `rename` are not in the file."""
    absent = sorted(set(rename or {}) - set(labels))
    return [f"`rename` names {listed(map(shown, absent))}, which the file does not have."] if absent else []


def check_distinct(labels: Sequence[str], what: str, hint: str = "") -> None:
    """Check that no label comes twice.

    Raises:
        UsageError: Names those that do.
    """
    repeated = [f"{label} ({n} times)" for label, n in Counter(labels).items() if n > 1]
    if repeated:
        raise UsageError(f"{what} are named more than once: {listed(repeated)}. Keep one of each.{hint}")


def _unknown(labels: Sequence[str], hint: str) -> str:
    suggested: dict[str, str] = {}
    for label in labels:
        suggested[label] = _suggestion(label, taken=set(suggested.values()))
    names = ", ".join(f'"{label}": "{code}"' for label, code in suggested.items())
    if len(names) > _MAX_SUGGESTED:
        names = names[:_MAX_SUGGESTED].rpartition(", ")[0] + ", …"
    return (
        f"Not in the table of languages: {listed(map(shown, labels))}. Allowed are codes of Wikipedia or ISO 639-1, "
        f"and private-use codes such as x-toki1 for a language that has none. Give codes for them, for example "
        f"rename={{{names}}}.{hint}"
    )


def _suggestion(label: str, *, taken: set[str]) -> str:
    """Find the code that a label most likely means; a private-use one where nothing fits."""
    plain = label.strip().casefold().replace("_", "-")
    keys = {language.name.casefold(): language.code for language in all_languages()}
    keys |= {language.iso639_3: language.code for language in reversed(all_languages()) if language.iso639_3}
    keys |= {language.code: language.code for language in all_languages()}
    for key in (plain, plain.partition("-")[0]):
        if key in keys and keys[key] not in taken:
            return keys[key]
    parts = re.findall(r"[a-z0-9]{1,8}", plain) or ["lang"]
    code = "x-" + "-".join(parts[:4])
    return code if code not in taken else f"{code}-{len(taken)}"

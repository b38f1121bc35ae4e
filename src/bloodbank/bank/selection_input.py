"""What a user asks of a selection of sets: names, sizes, and languages kept in or out. Nothing is read or written.

split_choice(["zh,cy,ko", "most_recipient:ne"], every="all")
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from bloodbank.errors import UsageError

# Name -> score it goes by (None: drawn), whether the highest come first, and the paper's size.
SETS: Mapping[str, tuple[str | None, bool, int]] = {
    "most_donating": ("donation", True, 4),
    "least_donating": ("donation", False, 4),
    "most_recipient": ("recipience", True, 3),
    "least_recipient": ("recipience", False, 3),
    "random": (None, True, 4),
}
FIRST, ALL = "first", "all"  # what a list without the name of a set is for
Choice = Sequence[str] | Mapping[str, Sequence[str]]


def words(name: str) -> str:
    """Write the name of a set for a reader."""
    return name.replace("_", " ")


def split_choice(texts: Sequence[str], *, every: str) -> dict[str, list[str]]:
    """Read languages kept in or out as a command line gives them: "zh,cy", or "most_recipient:ne" for one set.

    Args:
        texts: What was given, once or several times.
        every: What a text without the name of a set is for: "all" or "first".

    Returns:
        Codes by the name of the set, for `select_sets`.
    """
    found: dict[str, list[str]] = {}
    for text in texts:
        name, colon, codes = text.rpartition(":")
        key = name.strip().replace("-", "_").replace(" ", "_") if colon else every
        found.setdefault(key, []).extend(code.strip() for code in codes.split(",") if code.strip())
    return found


def check_sizes(sizes: int | Mapping[str, int] | None, order: Sequence[str] | None) -> tuple[list[str], dict[str, int]]:
    """Work out which sets are formed, in which order, and how large.

    Raises:
        UsageError: A name is unknown or given twice, a size is below 1, or a set has a size and no place.
    """
    given = dict(sizes) if isinstance(sizes, Mapping) else {}
    names = list(order) if order is not None else [name for name in SETS if name in given or not given]
    unknown = [name for name in [*names, *given] if name not in SETS]
    if unknown or not names or len(set(names)) < len(names):
        culprit = f"Unknown set {unknown[0]!r}" if unknown else "A set is named twice, or none is"
        raise UsageError(f"{culprit}. Known: {', '.join(SETS)}.")
    lost = [name for name in given if name not in names]
    if lost:
        raise UsageError(f"{lost[0]} has a size and no place in the picking order ({', '.join(names)}).")
    same = sizes if isinstance(sizes, int) else None
    wanted = {name: given.get(name, SETS[name][2] if same is None else same) for name in names}
    for name, size in wanted.items():
        if size < 1:
            raise UsageError(f"{words(name)} is to have {size} languages; a set has at least 1.")
    return names, wanted


def check_choice(
    choice: Choice, names: Sequence[str], *, every: str, table: pd.DataFrame, what: str
) -> dict[str, tuple[str, ...]]:
    """Work out which languages are kept in or out of which set; the name `every` may stand beside the sets.

    Raises:
        UsageError: A set is not formed, or a language is not measured.
    """
    if isinstance(choice, str):
        raise UsageError(f"{what} is a list of codes, not one text: {choice!r}.")
    given = choice if isinstance(choice, Mapping) else {every: choice}
    found: dict[str, tuple[str, ...]] = {}
    for name, codes in given.items():
        if name not in (*names, every):
            formed = ", ".join([*names, every])
            raise UsageError(f"{what} names the set {name!r}, which is not formed. Formed: {formed}.")
        unknown = [code for code in codes if code not in table.index]
        if unknown:
            raise UsageError(f"{what}: {unknown[0]!r} is not measured here. Measured: {', '.join(table.index)}.")
        home = names[0] if name == FIRST else name
        found[home] = tuple(dict.fromkeys([*found.get(home, ()), *codes]))
    return found


def check_kept(
    names: Sequence[str],
    wanted: Mapping[str, int],
    kept: Mapping[str, tuple[str, ...]],
    out: Mapping[str, tuple[str, ...]],
) -> None:
    """Refuse languages kept in that do not fit: too many, in two sets, or kept out as well.

    Raises:
        UsageError: Names the first of them.
    """
    home: dict[str, str] = {}
    for name in names:
        members = kept.get(name, ())
        if len(members) > wanted[name]:
            raise UsageError(f"{len(members)} languages are kept in {words(name)}, which has only {wanted[name]}.")
        for code in members:
            if code in home:
                raise UsageError(f"{code} is kept in {words(home[code])} and in {words(name)}; the sets are disjoint.")
            if code in (*out.get(ALL, ()), *out.get(name, ())):
                raise UsageError(f"{code} is both kept in and kept out of {words(name)}.")
            home[code] = name

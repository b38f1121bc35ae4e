r"""Sets of languages to compare in pretraining: most and least donating, most and least recipient, random.

sets = select_sets(bank.finetune_scores, exclude=["zh", "cy", "ko"])
print(*selection_lines(sets), sep="\n")
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from bloodbank.bank.scores import donation, recipience
from bloodbank.choosing.diversity import Diversity, Rules
from bloodbank.errors import UsageError
from bloodbank.randomness import generator
from bloodbank.wording import signed


class Kind(NamedTuple):
    """How the languages of a set are chosen."""

    column: str  #: score that it goes by; empty for a set that is drawn
    letter: str  #: of this score
    highest_first: bool
    size: int  #: the paper's


SETS: Mapping[str, Kind] = {
    "most_donating": Kind("donation", "D", True, 4),
    "least_donating": Kind("donation", "D", False, 4),
    "most_recipient": Kind("recipience", "R", True, 3),
    "least_recipient": Kind("recipience", "R", False, 3),
    "random": Kind("", "", True, 4),
}
_COLUMNS = ["set", "place", "language", "decision", "score", "rank", "reason"]
FIRST, ALL = "first", "all"  # what a list without the name of a set is for
Choice = Sequence[str] | Mapping[str, Sequence[str]]


@dataclass(frozen=True, eq=False)
class LanguageSet:
    """One set, and how it came about."""

    name: str
    languages: tuple[str, ...]  #: in the order of picking
    donation: float  #: sum of D over the set: a score, dimensionless, no gain of any metric
    recipience: float  #: sum of R over the set
    decisions: pd.DataFrame  #: one row for each pick and each skip, in order; see `select_sets`


def select_sets(
    scores: pd.DataFrame,
    *,
    sizes: int | Mapping[str, int] | None = None,
    order: Sequence[str] | None = None,
    diversity: Diversity | None = None,
    include: Choice = (),
    exclude: Choice = (),
    seed: int = 0,
) -> list[LanguageSet]:
    """Pick disjoint sets by D, by R, and at random.

    The sets pick one after another; each takes the best languages by its score that are still free and keep to the
    constraints. No rule decides for diversity unless it is asked for.

    Args:
        scores: F, or a table with `donation` and `recipience` by language (`bank.scores`).
        sizes: Languages in each set, by name or the same for all; by default the paper's (4, 4, 3, 3, 4). Sets that
            are not named are not formed.
        order: Names of the sets, the first to pick first; by default as in `SETS`.
        diversity: Constraints within each set.
        include: Languages kept in: by the name of the set, or a list for the first set ("first" is a name too). They
            count towards its size and are not free for others.
        exclude: Languages kept out: by the name of the set, or a list for all sets ("all" is a name too).
        seed: Of the random set.

    Returns:
        The sets, in picking order. `decisions` holds `set`, `place` (1 for the first; missing for a skip),
        `language`, `decision` ("picked", "kept in", "skipped"), `score`, `rank` (of that score among all
        languages, 1 for the highest) and `reason`.

    Raises:
        UsageError: A name or a code is unknown or given twice, what is kept in does not fit, or too few languages
            are left for a set.

    Source:
        Section 6.1.
    """
    table = _scores(scores)
    sizes = _sizes(sizes, order)
    kept = _by_set(include, list(sizes), every=FIRST, table=table, what="include")
    out = _by_set(exclude, list(sizes), every=ALL, table=table, what="exclude")
    _check_kept(sizes, kept, out)
    rules = (diversity or Diversity()).rules(sorted(table.index))
    taken: dict[str, str] = {}
    sets = []
    for name, size in sizes.items():
        barred = {code: f"kept for {words(other)}" for other in kept if other != name for code in kept[other]}
        barred |= {code: f"already in {words(other)}" for code, other in taken.items()}
        barred |= dict.fromkeys(out.get(ALL, ()), "excluded as asked")
        barred |= dict.fromkeys(out.get(name, ()), f"excluded from {words(name)} as asked")
        picked = _pick(name, size, table, rules, kept=kept.get(name, ()), barred=barred, seed=seed)
        taken |= dict.fromkeys(picked.languages, name)
        sets.append(picked)
    return sets


def _scores(scores: pd.DataFrame) -> pd.DataFrame:
    if {"donation", "recipience"} <= set(scores.columns):
        table = scores[["donation", "recipience"]].astype(float)
    elif list(scores.index) == list(scores.columns):
        table = pd.DataFrame({"donation": donation(scores)["sum"], "recipience": recipience(scores)["sum"]})
    else:
        raise UsageError("Give F (the same languages in rows and columns) or a table with donation and recipience.")
    if table.index.has_duplicates:
        raise UsageError(f"Languages given twice: {', '.join(sorted(set(table.index[table.index.duplicated()])))}.")
    return table


def _sizes(sizes: int | Mapping[str, int] | None, order: Sequence[str] | None) -> dict[str, int]:
    """Work out how large each set is, in picking order."""
    by_name = dict(sizes) if isinstance(sizes, Mapping) else {}
    names = list(order) if order is not None else [name for name in SETS if name in by_name or not by_name]
    unknown = [name for name in [*names, *by_name] if name not in SETS]
    if unknown or not names or len(set(names)) < len(names):
        culprit = f"Unknown set {unknown[0]!r}" if unknown else "A set is named twice, or none is"
        raise UsageError(f"{culprit}. Known: {', '.join(SETS)}.")
    lost = [name for name in by_name if name not in names]
    if lost:
        raise UsageError(f"{lost[0]} has a size and no place in the picking order ({', '.join(names)}).")
    wanted = {name: sizes if isinstance(sizes, int) else by_name.get(name, SETS[name].size) for name in names}
    for name, size in wanted.items():
        if size < 1:
            raise UsageError(f"{words(name)} is to have {size} languages; a set has at least 1.")
    return wanted


def _by_set(
    choice: Choice, names: Sequence[str], *, every: str, table: pd.DataFrame, what: str
) -> dict[str, tuple[str, ...]]:
    """Work out which languages are kept in or out of which set; the name `every` may stand beside the sets."""
    if isinstance(choice, str):
        raise UsageError(f"{what} is a list of codes, not one text: {choice!r}.")
    by_set: dict[str, tuple[str, ...]] = {}
    for name, codes in (choice if isinstance(choice, Mapping) else {every: choice}).items():
        if name not in (*names, every):
            formed = ", ".join([*names, every])
            raise UsageError(f"{what} names the set {name!r}, which is not formed. Formed: {formed}.")
        unknown = [code for code in codes if code not in table.index]
        if unknown:
            raise UsageError(f"{what}: {unknown[0]!r} is not measured here. Measured: {', '.join(table.index)}.")
        home = names[0] if name == FIRST else name
        by_set[home] = tuple(dict.fromkeys([*by_set.get(home, ()), *codes]))
    return by_set


def _check_kept(
    sizes: Mapping[str, int], kept: Mapping[str, tuple[str, ...]], out: Mapping[str, tuple[str, ...]]
) -> None:
    """Refuse languages kept in that do not fit: too many, in two sets, or kept out as well."""
    home: dict[str, str] = {}
    for name, size in sizes.items():
        members = kept.get(name, ())
        if len(members) > size:
            raise UsageError(f"{len(members)} languages are kept in {words(name)}, which has only {size}.")
        for code in members:
            if code in home:
                raise UsageError(f"{code} is kept in {words(home[code])} and in {words(name)}; the sets are disjoint.")
            if code in (*out.get(ALL, ()), *out.get(name, ())):
                raise UsageError(f"{code} is both kept in and kept out of {words(name)}.")
            home[code] = name


def _pick(
    name: str,
    size: int,
    table: pd.DataFrame,
    rules: Rules,
    *,
    kept: Sequence[str],
    barred: Mapping[str, str],
    seed: int,
) -> LanguageSet:
    kind, place = SETS[name], {code: number for number, code in enumerate(rules.codes)}
    rules.check([place[code] for code in kept])
    scores = table[kind.column] if kind.column else pd.Series(np.nan, index=table.index)
    ranks = scores.rank(ascending=False, method="min")
    chosen: list[str] = []
    rows: list[tuple[object, ...]] = []
    for code in [*kept, *(code for code in _line(name, scores, rules.codes, seed) if code not in kept)]:
        if len(chosen) == size:
            break
        decision, reason = "picked", f"drawn at random, seed {seed}"
        if kind.column and np.isnan(scores[code]):
            reason = f"no {kind.letter}"
        elif kind.column:
            reason = f"{kind.letter} = {signed(float(scores[code]), 2)}, rank {int(ranks[code])} of {len(table)}"
        if code in kept:
            decision, reason = "kept in", f"kept in as asked; {reason}" if kind.column else "kept in as asked"
        elif obstacle := (
            barred.get(code)
            or _unscored(kind, code, table)
            or rules.obstacle(place[code], [place[other] for other in chosen])
        ):
            rows.append((name, None, code, "skipped", scores[code], ranks[code], obstacle))
            continue
        chosen.append(code)
        rows.append((name, len(chosen), code, decision, scores[code], ranks[code], reason))
    decisions = pd.DataFrame(rows, columns=_COLUMNS).astype({"place": "Int64", "rank": "Int64", "score": float})
    if len(chosen) < size:
        skipped = decisions[decisions["decision"] == "skipped"]
        last = "; ".join(
            f"{code}: {reason}" for code, reason in zip(skipped["language"], skipped["reason"], strict=True)
        )
        raise UsageError(
            f"Only {len(chosen)} of {size} languages are left for {words(name)} ({last or 'none are free'}). Ask for a "
            "smaller set, another picking order, or looser constraints."
        )
    return LanguageSet(
        name=name,
        languages=tuple(chosen),
        donation=float(table.loc[chosen, "donation"].sum()),
        recipience=float(table.loc[chosen, "recipience"].sum()),
        decisions=decisions,
    )


def _line(name: str, scores: pd.Series[float], codes: Sequence[str], seed: int) -> list[str]:
    """The order in which languages are tried; of equals, the first by code."""
    kind = SETS[name]
    if not kind.column:
        return [str(code) for code in generator("select", name, seed).permutation(np.array(codes, dtype=object))]
    ordered = scores.reindex(list(codes)).sort_values(
        ascending=not kind.highest_first, kind="stable", na_position="last"
    )
    return [str(code) for code in ordered.index]


def _unscored(kind: Kind, code: str, table: pd.DataFrame) -> str:
    if kind.column:
        return f"no {kind.letter}: nothing was measured" if np.isnan(table[kind.column][code]) else ""
    return "nothing was measured of it" if table.loc[[code]].isna().to_numpy().all() else ""


def selection_table(sets: Sequence[LanguageSet]) -> pd.DataFrame:
    """Put all picks and skips into one tidy table; see `select_sets` for its columns."""
    return pd.concat([language_set.decisions for language_set in sets], ignore_index=True)


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
    choice: dict[str, list[str]] = {}
    for text in texts:
        name, colon, codes = text.rpartition(":")
        key = name.strip().replace("-", "_").replace(" ", "_") if colon else every
        choice.setdefault(key, []).extend(code.strip() for code in codes.split(",") if code.strip())
    return choice


def selection_lines(sets: Sequence[LanguageSet]) -> list[str]:
    """Say which languages each set holds, and why.

    Args:
        sets: What `select_sets` returned.

    Returns:
        Two or three lines a set, and what the sums mean.
    """
    lines = []
    for chosen in sets:
        skipped = chosen.decisions["decision"] == "skipped"
        lines.append(
            f"{words(chosen.name).capitalize()}: {' '.join(chosen.languages)} (sum of D {signed(chosen.donation, 2)}, "
            f"sum of R {signed(chosen.recipience, 2)})."
        )
        lines.append(f"  Picked: {_because(chosen.decisions[~skipped])}.")
        if skipped.any():
            lines.append(f"  Skipped: {_because(chosen.decisions[skipped])}.")
    return [*lines, "Sums of D and R are scores of the bank over all its languages, not gains in any metric."]


def _because(rows: pd.DataFrame) -> str:
    return "; ".join(f"{code} ({reason})" for code, reason in zip(rows["language"], rows["reason"], strict=True))

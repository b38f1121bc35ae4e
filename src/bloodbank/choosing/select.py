r"""Sets of languages to compare in pretraining: most and least donating, most and least recipient, random.

Pure functions of F, or of D and R; nothing is written.

    sets = select_sets(bank.finetune_scores, exclude=["zh", "cy", "ko"])
    print(*selection_lines(sets), sep="\n")  # of bloodbank.bank.selection_sentences
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bloodbank.bank.scores import donation, recipience
from bloodbank.choosing.diversity import Diversity, Rules
from bloodbank.errors import UsageError
from bloodbank.randomness import generator
from bloodbank.wording import signed

_COLUMNS = ["set", "place", "language", "decision", "score", "rank", "reason"]
_LETTERS = {"donation": "D", "recipience": "R"}


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
    names, wanted = check_sizes(sizes, order)
    kept = check_choice(include, names, every=FIRST, table=table, what="include")
    out = check_choice(exclude, names, every=ALL, table=table, what="exclude")
    check_kept(names, wanted, kept, out)
    codes = sorted(table.index)  # no draw depends on the order in which languages were given
    rules = (diversity or Diversity()).rules(codes)
    taken: dict[str, str] = {}
    found = []
    for name in names:
        reserved = {code: other for other, members in kept.items() if other != name for code in members}
        barred = {code: f"kept for {words(other)}" for code, other in reserved.items()}
        barred |= {code: f"already in {words(other)}" for code, other in taken.items()}
        barred |= dict.fromkeys(out.get(ALL, ()), "excluded as asked")
        barred |= dict.fromkeys(out.get(name, ()), f"excluded from {words(name)} as asked")
        one = _pick(name, wanted[name], table, rules, kept=kept.get(name, ()), barred=barred, seed=seed)
        taken |= dict.fromkeys(one.languages, name)
        found.append(one)
    return found


def _scores(given: pd.DataFrame) -> pd.DataFrame:
    if {"donation", "recipience"} <= set(given.columns):
        table = given[["donation", "recipience"]].astype(float)
    elif list(given.index) == list(given.columns):
        table = pd.DataFrame({"donation": donation(given)["sum"], "recipience": recipience(given)["sum"]})
    else:
        raise UsageError("Give F (the same languages in rows and columns) or a table with donation and recipience.")
    if table.index.has_duplicates:
        raise UsageError(f"Languages given twice: {', '.join(sorted(set(table.index[table.index.duplicated()])))}.")
    return table


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
    column, highest_first, _ = SETS[name]
    place = {code: number for number, code in enumerate(rules.codes)}
    score = table[column] if column else pd.Series(np.nan, index=table.index)
    ranks = score.rank(ascending=False, method="min")
    line = _line(name, table, column=column, highest_first=highest_first, codes=rules.codes, seed=seed)
    rules.check([place[code] for code in kept])
    chosen: list[str] = []
    rows: list[tuple[object, ...]] = []
    for code in [*kept, *(code for code in line if code not in kept)]:
        if len(chosen) == size:
            break
        standing = _standing(column, float(score[code]), float(ranks[code]), n_languages=len(table), seed=seed)
        why_not = "" if code in kept else barred.get(code, "") or _unscored(code, column, table)
        why_not = why_not or ("" if code in kept else rules.obstacle(place[code], [place[other] for other in chosen]))
        if why_not:
            rows.append((name, None, code, "skipped", score[code], ranks[code], why_not))
            continue
        chosen.append(code)
        decision, reason = "picked", standing
        if code in kept:
            decision, reason = "kept in", f"kept in as asked; {standing}" if column else "kept in as asked"
        rows.append((name, len(chosen), code, decision, score[code], ranks[code], reason))
    if len(chosen) < size:
        last = "; ".join(f"{row[2]}: {row[6]}" for row in rows if row[3] == "skipped")
        raise UsageError(
            f"Only {len(chosen)} of {size} languages are left for {words(name)} ({last or 'none are free'}). Ask for a "
            "smaller set, another picking order, or looser constraints."
        )
    decisions = pd.DataFrame(rows, columns=_COLUMNS).astype({"place": "Int64", "rank": "Int64", "score": float})
    return LanguageSet(
        name=name,
        languages=tuple(chosen),
        donation=float(table.loc[chosen, "donation"].sum()),
        recipience=float(table.loc[chosen, "recipience"].sum()),
        decisions=decisions,
    )


def _line(
    name: str, table: pd.DataFrame, *, column: str | None, highest_first: bool, codes: Sequence[str], seed: int
) -> list[str]:
    # The order in which languages are tried; of equals, the first by code.
    if column is None:
        return [str(code) for code in generator("select", name, seed).permutation(np.array(codes, dtype=object))]
    keys = table[column].reindex(list(codes))
    return [
        str(code) for code in keys.sort_values(ascending=not highest_first, kind="stable", na_position="last").index
    ]


def _unscored(code: str, column: str | None, table: pd.DataFrame) -> str:
    known = table.loc[code].notna()
    if column is None:
        return "" if known.any() else "nothing was measured of it"
    return "" if known[column] else f"no {_LETTERS[column]}: nothing was measured"


def _standing(column: str | None, score: float, rank: float, *, n_languages: int, seed: int) -> str:
    if column is None:
        return f"drawn at random, seed {seed}"
    if np.isnan(score):
        return f"no {_LETTERS[column]}"
    return f"{_LETTERS[column]} = {signed(score, 2)}, rank {int(rank)} of {n_languages}"


def selection_table(sets: Sequence[LanguageSet]) -> pd.DataFrame:
    """Put all picks and skips into one tidy table; see `select_sets` for its columns."""
    return pd.concat([one.decisions for one in sets], ignore_index=True)


# What a user asks of a selection of sets: names, sizes, and languages kept in or out.


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


# What a selection of sets says, in sentences: another choice gives other sentences.


def selection_lines(sets: Sequence[LanguageSet]) -> list[str]:
    """Say which languages each set holds, and why.

    Args:
        sets: What `select_sets` returned.

    Returns:
        Two or three lines a set, and what the sums mean.
    """
    found = []
    for one in sets:
        skipped = one.decisions["decision"] == "skipped"
        found.append(
            f"{words(one.name).capitalize()}: {' '.join(one.languages)} (sum of D {signed(one.donation, 2)}, "
            f"sum of R {signed(one.recipience, 2)})."
        )
        found.append(f"  Picked: {_because(one.decisions[~skipped])}.")
        if skipped.any():
            found.append(f"  Skipped: {_because(one.decisions[skipped])}.")
    return [*found, "Sums of D and R are scores of the bank over all its languages, not gains in any metric."]


def _because(rows: pd.DataFrame) -> str:
    return "; ".join(f"{code} ({reason})" for code, reason in zip(rows["language"], rows["reason"], strict=True))

r"""F between languages that share a script, a family or any other category, against F between those that do not.

Reads a bank; writes nothing.

    found = groups(bank, by="script")
    print(*found.sentences(), sep="\n")

Cells of F share donors and recipients, so they are never tested as if they were independent: languages are relabelled,
whole, and each statistic is taken again (a permutation test for dyads, also known as QAP).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bloodbank.analysis.sharing import BORDER, sharing_tests, smallest_p, summarise
from bloodbank.bank.bank import Bank
from bloodbank.bank.scores import number
from bloodbank.errors import UsageError
from bloodbank.statistics.permutations import draw_orders
from bloodbank.wording import find_language, p_text, plural, signed

KINDS = ("script", "family")
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Groups:
    """What sharing a category goes with. F is a fraction of ε(M_t); differences are same less different.

    Attributes:
        by: "script", "family", or the name of the given categories.
        categories: By language, of those that have one.
        without: Languages of the bank that have none: they drop out.
        n_missing: Ordered pairs of languages with a category that were not measured.
        cells: donor, recipient, same (bool), finetune_score: every measured cell between two languages that have one.
        summary: By "same" and "different": n_pairs (ordered), mean, median, variance (of a sample), n_negative,
            share_negative (F < 0), n_below_border and share_below_border (F < -10%); missing where there is no pair.
        tests: By name (see `sharing_tests.TESTS`): statistic, null_low and null_high (95% of the relabelled ones lie
            between), p (two-sided: the share of relabellings at least as far from chance as what was measured), p_holm
            (corrected for the tests of this table), reason (why there is no p, or "").
        n_permutations: Relabellings.
        exact: Every relabelling was taken, not a sample.
        smallest_p: No p can be lower.
        measured: Where measurement error leaves the difference of means: low and high, missing where not known.
        measured_how: What that interval covers and its level, or why there is none.
    """

    by: str
    categories: pd.Series[str]
    without: tuple[str, ...]
    n_missing: int
    cells: pd.DataFrame
    summary: pd.DataFrame
    tests: pd.DataFrame
    n_permutations: int
    exact: bool
    smallest_p: float
    measured: tuple[float, float]
    measured_how: str

    def sentences(self) -> list[str]:
        """Say what was found; another finding gives another sentence."""
        return group_sentences(self)


def groups(
    bank: Bank, *, by: str | pd.Series[Any] = "script", n_permutations: int | None = None, seed: int = 0
) -> Groups:
    """Compare F between languages that share a category with F between those that do not.

    Both directions of a pair count.

    Args:
        bank: The bank.
        by: "script" or "family" of the table of languages, or categories by language. Languages without one drop out.
        n_permutations: Relabellings of the languages; by default 10,000 up to 60 languages, 2,000 beyond. Up to 7
            languages every relabelling is taken instead.
        seed: Of the relabellings.

    Returns:
        Distributions, summaries and tests; where a test is not possible, why.

    Raises:
        UsageError: There is no such category, or a setting is out of range.

    Source:
        Section 5.2 and figure 5.
    """
    if n_permutations is not None and n_permutations < 1:
        raise UsageError(f"{n_permutations} relabellings were asked for; at least 1 is needed, and 1,000 for a fair p.")
    known = _categories(bank, by)
    codes = sorted(known.index)  # so that the order of languages changes no random number
    cells = bank.finetune_scores.loc[codes, codes].to_numpy(dtype=float, copy=True)
    np.fill_diagonal(cells, np.nan)
    numbers = pd.factorize(known.loc[codes].to_numpy(dtype=object))[0]
    same = np.asarray(numbers[:, None] == numbers[None, :])
    orders, exact = draw_orders(len(codes), n_permutations, seed)
    measured, how = _measurement_interval(bank, codes, cells, same)
    return Groups(
        by=by if isinstance(by, str) else "category" if by.name is None else str(by.name),
        categories=known,
        without=tuple(code for code in bank.languages if code not in known.index),
        n_missing=len(codes) * (len(codes) - 1) - int((~np.isnan(cells)).sum()),
        cells=_long(cells, same, codes),
        summary=pd.DataFrame([summarise(cells[same]), summarise(cells[~same])], index=["same", "different"]),
        tests=sharing_tests(cells, numbers, orders),
        n_permutations=len(orders) - (not exact),
        exact=exact,
        smallest_p=smallest_p(numbers, len(orders) - (not exact), exact=exact),
        measured=measured,
        measured_how=how,
    )


def _categories(bank: Bank, by: str | pd.Series[Any]) -> pd.Series[str]:
    if isinstance(by, str):
        if by not in KINDS:
            raise UsageError(f"Unknown category {by!r}. Known: {', '.join(KINDS)}; or give a Series by language.")
        found = {code: find_language(code) for code in bank.languages}
        given: Mapping[str, Any] = {code: getattr(language, by) for code, language in found.items() if language}
    else:
        if by.index.has_duplicates:
            raise UsageError("The categories name a language twice. Give one category for each language.")
        given = {str(code): value for code, value in by.items()}
    kept = {code: str(given[code]) for code in bank.languages if code in given and not pd.isna(given[code])}
    return pd.Series(kept, dtype=object, name="category").rename_axis("language")


def _long(cells: Floats, same: NDArray[np.bool_], codes: list[str]) -> pd.DataFrame:
    donors, recipients = np.nonzero(~np.isnan(cells))
    names = np.array(codes, dtype=object)
    return pd.DataFrame(
        {
            "donor": names[donors],
            "recipient": names[recipients],
            "same": same[donors, recipients],
            "finetune_score": cells[donors, recipients],
        }
    )


def _measurement_interval(
    bank: Bank, codes: list[str], cells: Floats, same: NDArray[np.bool_]
) -> tuple[tuple[float, float], str]:
    """Say where measurement error leaves the difference of means, and what that covers, or why it is not known."""
    unknown, known = (np.nan, np.nan), ~np.isnan(cells)
    if bank.intervals is None:
        return unknown, "the bank has no measurement intervals"
    if bank.intervals.replicates is None:
        return unknown, "the bank's measurement intervals come without their replicates"
    if not (known & same).any() or not (known & ~same).any():
        return unknown, "there is no pair of languages on one side"
    place = [bank.intervals.languages.index(code) for code in codes]
    drawn = []
    for side in (known & same, known & ~same):
        donors, recipients = np.nonzero(side)
        chosen = bank.intervals.replicates[:, np.array(place)[donors], np.array(place)[recipients]]
        drawn.append(chosen.mean(axis=1, dtype=float))
    differences = drawn[0] - drawn[1]
    if np.isnan(differences).any():
        return unknown, "nothing is known of the error of some cells"
    beyond = (1 - bank.intervals.level) / 2
    low, high = np.quantile(differences, (beyond, 1 - beyond))
    sources = [("seeds", bank.intervals.covers_seeds), ("test paragraphs", bank.intervals.covers_paragraphs)]
    covered = " and ".join(name for name, is_covered in sources if is_covered)
    return (float(low), float(high)), f"{bank.intervals.level:.0%}, by the choice of {covered}"


# What comparing groups of language pairs says, in sentences: another finding gives another sentence.


LEVEL = 0.05  # corrected p up to which a difference counts as beyond chance
_PLURALS = {"script": "scripts", "family": "families"}
_TITLES = {
    "mean": "mean F",
    "adjusted_mean": "mean F after donor and recipient effects",
    "log_variance_ratio": "the variances",
    "share_negative": "the shares below 0%",
    "share_below_border": f"the shares below {100 * BORDER:.0f}%",
}


def group_sentences(found: Groups) -> list[str]:
    """Say how F differs between languages that share a category and languages that do not.

    Args:
        found: What was found.

    Returns:
        Sentences: what was compared, means, means after main effects, spread, shares of negative cells at both borders,
        what the p values mean, and what measurement error leaves of the difference.
    """
    n_same, n_other = (int(number(found.summary, side, "n_pairs")) for side in ("same", "different"))
    if not n_same or not n_other:
        which = sides(found.by)[0 if not n_same else 1]
        return [
            *_compared(found),
            f"Comparing F by {found.by}: not possible, because no measured pair is of languages {which}.",
        ]
    return [
        *_compared(found),
        _means(found),
        _adjusted(found),
        _spread(found),
        _negative(found),
        *_chance(found),
        _measured(found),
    ]


def sides(by: str) -> tuple[str, str]:
    """Say which languages are on either side: "of the same script" and "of different scripts"."""
    if by in _PLURALS:
        return f"of the same {by}", f"of different {_PLURALS[by]}"
    return f"with the same {by}", f"with a different {by}"


def _compared(found: Groups) -> list[str]:
    same, different = sides(found.by)
    n_same, n_other = (int(number(found.summary, side, "n_pairs")) for side in ("same", "different"))
    missing = f"; {plural(found.n_missing, 'pair')} not measured" if found.n_missing else ""
    said = [
        f"By {found.by}: {plural(n_same, 'ordered pair')} of languages {same}, {n_other} {different} "
        f"({plural(len(found.categories), 'language')}{missing})."
    ]
    if found.without:
        names = ", ".join(found.without[:10]) + (" and others" if len(found.without) > 10 else "")
        said.append(f"Left out, because no {found.by} is known: {names} ({plural(len(found.without), 'language')}).")
    return said


def _means(found: Groups) -> str:
    same, different = sides(found.by)
    (one, other), (median, other_median) = (
        [_percent(number(found.summary, side, column)) for side in ("same", "different")]
        for column in ("mean", "median")
    )
    points = 100 * number(found.tests, "mean", "statistic")
    return (
        f"Mean F is {one} between languages {same} and {other} between languages "
        f"{different}: {_apart(points, found.by)} (medians {median} and {other_median}); "
        f"{_doubt(found, 'mean')}."
    )


def _adjusted(found: Groups) -> str:
    points = 100 * number(found.tests, "adjusted_mean", "statistic")
    return (
        f"After donor and recipient effects are taken out, mean F is {_apart(points, found.by)}; "
        f"{_doubt(found, 'adjusted_mean')}."
    )


def _apart(points: float, by: str) -> str:
    if abs(points) < 0.05:
        return f"the same to a tenth of a percentage point, whether the {by} is shared or not"
    return f"{abs(points):.1f} percentage points {'higher' if points > 0 else 'lower'} where the {by} is shared"


def _spread(found: Groups) -> str:
    same, different = sides(found.by)
    spreads = [float(np.sqrt(number(found.summary, side, "variance"))) for side in ("same", "different")]
    if np.isnan(spreads).any():
        return f"How F varies on the two sides: not possible, because {_reason(found, 'log_variance_ratio')}."
    shown = [f"{100 * spread:.1f}" for spread in spreads]
    way = "as much" if shown[0] == shown[1] else "more" if spreads[0] > spreads[1] else "less"
    ratio = number(found.tests, "log_variance_ratio", "statistic")
    times = "" if np.isnan(ratio) else f", a ratio of variances of {np.exp(ratio):.2f}"
    return (
        f"F varies {way} between languages {same} {'as' if way == 'as much' else 'than'} between languages {different} "
        f"(standard deviation {shown[0]} and {shown[1]} points{times}); {_doubt(found, 'log_variance_ratio')}."
    )


def _negative(found: Groups) -> str:
    same, different = sides(found.by)
    claim = f"That more cells are negative between languages {different} than between languages {same}"
    paper = ", as the paper says of its matrix," if found.by == "script" else ""
    shares = []
    for border, name in (("0%", "share_negative"), (f"{100 * BORDER:.0f}%", "share_below_border")):
        one, other = (100 * number(found.summary, side, name) for side in ("same", "different"))
        doubt = _doubt(found, name)
        shares.append(f"at {border}, {other:.1f}% against {one:.1f}% ({doubt})")
    return f"{claim}{paper} {_verdict(found)}: F lies below the border {'; '.join(shares)}."


def _verdict(found: Groups) -> str:
    # The sign of different less same; at either border the shares are counts over counts, so that 0 is 0.
    at_zero, at_border = (
        int(np.sign(number(found.summary, "different", name) - number(found.summary, "same", name)))
        for name in ("share_negative", "share_below_border")
    )
    border = f"{100 * BORDER:.0f}%"
    others = {-1: "it is the other way round", 0: "the shares are equal"}
    if at_zero > 0 and at_border > 0:
        return f"holds at both borders, 0% and {border}, which agree in direction"
    if at_border > 0:
        return f"holds only at the {border} border; at 0% {others[at_zero]}, so the borders do not agree in direction"
    if at_zero > 0:
        return f"holds only at the 0% border; at {border} {others[at_border]}, so the borders do not agree in direction"
    if at_zero == at_border:
        return f"holds at neither border: at 0% and at {border} {others[at_zero]}, so the borders agree in direction"
    return (
        f"holds at neither border: at 0% {others[at_zero]}, at {border} {others[at_border]}, so the borders do not "
        "agree in direction"
    )


def _doubt(found: Groups, test: str) -> str:
    if _reason(found, test):
        return f"a test is not possible, because {_reason(found, test)}"
    p, corrected = (number(found.tests, test, column) for column in ("p", "p_holm"))
    numbers = f"p = {p_text(p)}, corrected {p_text(corrected)}"
    if corrected <= LEVEL:
        return f"beyond chance, {numbers}"
    if p <= LEVEL:
        return f"not settled: beyond chance only before correction, {numbers}"
    return f"not beyond chance, {numbers}"


def _chance(found: Groups) -> list[str]:
    n_tests = int(found.tests["p"].notna().sum())
    if not n_tests:
        return []
    how = "all" if found.exact else f"{found.n_permutations:,}"
    said = [
        f"Each p is the share of {how} relabellings of the languages in which the difference is at least as far from "
        f"chance, in either direction; corrected is by Holm's method for the {plural(n_tests, 'test')} by {found.by}, "
        f"and {LEVEL:.0%} of it is called beyond chance. They say nothing of measurement error."
    ]
    beyond = [_TITLES[str(name)] for name in found.tests.index[found.tests["p_holm"] <= LEVEL]]
    if found.smallest_p * n_tests > LEVEL:
        said.append(
            f"So few languages or relabellings settle little: no p can be below {p_text(found.smallest_p)} uncorrected."
        )
    if beyond:
        said.append(f"Beyond chance by {found.by}, after correction: {', '.join(beyond)}.")
    else:
        said.append(f"No difference by {found.by} is beyond chance after correction.")
    return said


def _measured(found: Groups) -> str:
    low, high = found.measured
    if np.isnan(low):
        return f"How far measurement error moves the difference of means: not possible, because {found.measured_how}."
    settled = "its sign is open" if low <= 0 <= high else "its sign is settled"
    return (
        f"Measurement error leaves the difference of means between {signed(100 * low, 1)} and {signed(100 * high, 1)} "
        f"points ({found.measured_how}): {settled} for these languages."
    )


def _reason(found: Groups, test: str) -> str:
    return str(found.tests["reason"].to_dict()[test])


def _percent(fraction: float) -> str:
    return f"{signed(100 * float(fraction), 1)}%"

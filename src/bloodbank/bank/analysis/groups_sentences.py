"""What comparing groups of language pairs says, in sentences: another finding gives another sentence. Nothing is read.

group_sentences(groups(bank, by="script"))
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bloodbank.bank.analysis.sharing_tests import BORDER
from bloodbank.bank.names import plural, signed
from bloodbank.bank.p_values import p_text
from bloodbank.bank.tables import number

if TYPE_CHECKING:
    from bloodbank.bank.analysis.groups import Groups

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

r"""F between languages that share a script, a family or any other category, against F between those that do not.

    result = groups(bank, by="script")
    print(*result.sentences(), sep="\n")

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
from bloodbank.languages import find_language
from bloodbank.statistics.permutations import draw_orders
from bloodbank.wording import ALPHA, Finding, listed, p_text, plural, signed

KINDS = ("script", "family")
_PLURALS = {"script": "scripts", "family": "families"}
_TITLES = {
    "mean": "mean F",
    "adjusted_mean": "mean F after donor and recipient effects",
    "log_variance_ratio": "the variance of F",
    "share_negative": "the share below 0%",
    "share_below_border": f"the share below {100 * BORDER:.0f}%",
}
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
        """Say how F differs between the two sides, at which border more cells are negative, and what chance allows."""
        return _sentences(self)


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
        languages = {code: find_language(code) for code in bank.languages}
        categories: Mapping[str, Any] = {code: getattr(known, by) for code, known in languages.items() if known}
    else:
        if by.index.has_duplicates:
            raise UsageError("The categories name a language twice. Give one category for each language.")
        categories = {str(code): value for code, value in by.items()}
    kept = {code: str(categories[code]) for code in bank.languages if not pd.isna(categories.get(code))}
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
    covered = " and ".join(bank.intervals.sources)
    return (float(low), float(high)), f"{bank.intervals.level:.0%}, by the choice of {covered}"


def _sentences(result: Groups) -> list[str]:
    n_same, n_other = (int(number(result.summary, side, "n_pairs")) for side in ("same", "different"))
    same, different = sides(result.by)
    if not n_same or not n_other:
        which = same if not n_same else different
        sentences = [f"Comparing F by {result.by}: not possible, because no measured pair is of languages {which}."]
    else:
        sentences = [_means(result), _negative(result), *_chance(result)]
    left_out = []
    if result.n_missing:
        left_out.append(f"{plural(result.n_missing, 'pair')} not measured")
    if result.without:
        left_out.append(f"languages of which no {result.by} is known: {listed(result.without, 10)}")
    return [*sentences, f"Left out by {result.by}: {'; '.join(left_out)}."] if left_out else sentences


def sides(by: str) -> tuple[str, str]:
    """Say which languages are on either side: "of the same script" and "of different scripts"."""
    if by in _PLURALS:
        return f"of the same {by}", f"of different {_PLURALS[by]}"
    return f"with the same {by}", f"with a different {by}"


def _means(result: Groups) -> str:
    same, different = (
        f"{signed(100 * number(result.summary, side, 'mean'), 1)}% over "
        f"{plural(int(number(result.summary, side, 'n_pairs')), 'ordered pair')} of languages {which}"
        for side, which in zip(("same", "different"), sides(result.by), strict=True)
    )
    error = "measurement error is not in it"
    low, high = result.measured
    if not np.isnan(low):
        settled = "leaves its sign open" if low <= 0 <= high else "does not change its sign"
        span = Finding(np.nan, 100 * low, 100 * high, decimals=1).span
        error = f"measurement error {settled}, {span} points ({result.measured_how})"
    return (
        f"Mean F is {same}, and {different}: {_apart(result, 'mean')}; {error}. After donor and recipient effects are "
        f"taken out it is {_apart(result, 'adjusted_mean')}."
    )


def _apart(result: Groups, test: str) -> str:
    points = 100 * number(result.tests, test, "statistic")
    if abs(points) < 0.05:
        size = f"the same to a tenth of a percentage point, whether the {result.by} is shared or not"
    else:
        way = "higher" if points > 0 else "lower"
        size = f"{abs(points):.1f} percentage points {way} where the {result.by} is shared"
    return f"{size} ({_doubt(result, test)})"


def _negative(result: Groups) -> str:
    same, different = sides(result.by)
    paper = ", as the paper says of its matrix," if result.by == "script" else ""
    shares = []
    for border, name in (("0%", "share_negative"), (f"{100 * BORDER:.0f}%", "share_below_border")):
        of_same, of_other = (100 * number(result.summary, side, name) for side in ("same", "different"))
        shares.append(f"{of_other:.1f}% against {of_same:.1f}% below {border} ({_doubt(result, name)})")
    return (
        f"That more cells are negative between languages {different} than {same}{paper} {_verdict(result)}: "
        f"{'; '.join(shares)}."
    )


def _verdict(result: Groups) -> str:
    """Say at which borders it holds; the shares are counts over counts, so that equal ones are equal."""
    at_zero, at_border = (
        number(result.summary, "different", name) > number(result.summary, "same", name)
        for name in ("share_negative", "share_below_border")
    )
    if at_zero and at_border:
        return "holds at both borders"
    if at_zero or at_border:
        return f"depends on the border: it holds only at {'0' if at_zero else f'{100 * BORDER:.0f}'}%"
    return "holds at neither border"


def _doubt(result: Groups, test: str) -> str:
    reason = str(result.tests["reason"].to_dict()[test])
    if reason:
        return f"a test is not possible, because {reason}"
    p, corrected = (number(result.tests, test, column) for column in ("p", "p_holm"))
    numbers = f"p = {p_text(p)}, corrected {p_text(corrected)}"
    if corrected <= ALPHA:
        return f"beyond chance, {numbers}"
    return f"not settled, {numbers}" if p <= ALPHA else f"not beyond chance, {numbers}"


def _chance(result: Groups) -> list[str]:
    n_tests = int(result.tests["p"].notna().sum())
    if not n_tests:
        return []
    decided = result.tests.loc[result.tests["p_holm"] <= ALPHA, "statistic"]
    beyond = [f"{_TITLES[str(name)]} {'higher' if value > 0 else 'lower'}" for name, value in decided.items()]
    few = ""
    if result.smallest_p * n_tests > ALPHA:
        few = f"; so few languages or relabellings settle little, since no p can be below {p_text(result.smallest_p)}"
    how = "all" if result.exact else f"{result.n_permutations:,}"
    return [
        f"Beyond chance where the {result.by} is shared, after Holm's correction for {plural(n_tests, 'test')} by "
        f"{how} relabellings of the languages: {', '.join(beyond) or 'nothing'}{few}."
    ]

"""What the paper asks of pretraining sets: Eq. 10, monolingual gains, Eq. 3, English, configurations against seeds.

Pure functions of `bloodbank.downstream.zero_shot.ZeroShot`; nothing is read or written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
import pandas as pd
from scipy.stats import f as f_distribution
from scipy.stats import t

from bloodbank.downstream.configurations import CONTROL, LEAST, MOST, RANDOM, Configuration, Design
from bloodbank.downstream.taggers.plan import RANDOM_WEIGHTS
from bloodbank.downstream.zero_shot.cells import Floats
from bloodbank.downstream.zero_shot.zero_shot import (
    NOT_EVALUATED,
    NOT_SUPPORTED,
    SUPPORTED,
    UNDECIDED,
    Difference,
    Measure,
    ZeroShot,
    verdict,
)
from bloodbank.statistics.means import known_mean
from bloodbank.statistics.tests import over_languages, rank_correlation, two_groups

_Said = tuple[str, str, str]  # key, claim and unit of a finding


def set_findings(zero: ZeroShot, design: Design, unit: str) -> list[Finding]:
    """Answer what is asked of sets.

    Args:
        zero: Scores of a task.
        design: The configurations.
        unit: Name of the score.
    """
    return [
        *_above_floor(zero, design, unit),
        *_ordered(zero, unit),
        *_monolingual(zero, unit),
        *_nested(zero, design, unit),
        *_english(zero, design, unit),
        _configurations_or_seeds(zero, design),
    ]


def _compare(zero: ZeroShot, sides: tuple[str | list[str], str | list[str]], measure: Measure, said: _Said) -> Finding:
    names = [name for side in sides for name in ([side] if isinstance(side, str) else side)]
    missing = [name for name in names if name not in zero.cells.configurations]
    if missing or not all(sides):
        return not_evaluated(*said, f"no scores of {', '.join(missing) or 'any configuration'}")
    return of_difference(*said, zero.difference(sides[0], sides[1], measure))


def _above_floor(zero: ZeroShot, design: Design, unit: str) -> list[Finding]:
    """Whether there is transfer at all: what pretraining adds to the same network with random weights."""
    names = [one.name for one in design.configurations if one.name in zero.cells.configurations]
    measures: tuple[tuple[Measure, str], ...] = (("zero_shot", "zero-shot"), ("monolingual", "monolingual"))
    found = []
    for measure, words in measures:
        claim = f"Pretraining gives better {words} scores than random weights, on average over configurations."
        said = (f"floor: pretrained > random weights, {words}", claim, f"difference of {words} {unit}")
        found.append(_compare(zero, (names, RANDOM_WEIGHTS), measure, said))
    return found


def _ordered(zero: ZeroShot, unit: str) -> list[Finding]:
    """Eq. 10: zero-shot scores fall from the most donating set over the random one to the least donating one."""
    names = {MOST: "most", RANDOM: "random", LEAST: "least"}
    found = []
    for first, second in ((MOST, RANDOM), (RANDOM, LEAST), (MOST, LEAST)):
        claim = f"Pretraining on {first} gives better zero-shot scores than on {second}."
        said = (f"Eq. 10: {names[first]} > {names[second]}", claim, f"difference of zero-shot {unit}")
        found.append(_compare(zero, (first, second), "zero_shot", said))
    return found


def _monolingual(zero: ZeroShot, unit: str) -> list[Finding]:
    """Multilingual pretraining improves monolingual scores: most donating − control, least donating − others."""
    what = f"difference of monolingual {unit}"
    most = f"Pretraining on {MOST} gives better monolingual scores than {CONTROL}, which is C alone."
    least = f"Pretraining on {LEAST} gives better monolingual scores than {MOST} and {RANDOM}."
    return [
        _compare(zero, (MOST, CONTROL), "monolingual", ("monolingual: most − control", most, what)),
        _compare(zero, (LEAST, [MOST, RANDOM]), "monolingual", ("monolingual: least − others", least, what)),
    ]


def nested_pairs(design: Design) -> list[tuple[Configuration, Configuration]]:
    """List pairs of configurations of which the first has all languages of the second, and more."""
    return [
        (large, small)
        for large, small in permutations(design.configurations, 2)
        if set(small.languages) < set(large.languages)
    ]


def _nested(zero: ZeroShot, design: Design, unit: str) -> list[Finding]:
    """Eq. 3: more pretraining languages never make Z fall."""
    key, claim = "Eq. 3: monotonicity", "Z does not fall when languages are added to the pretraining set."
    what = f"mean change of zero-shot {unit}"
    there = zero.cells.configurations
    pairs = [(a, b) for a, b in nested_pairs(design) if a.name in there and b.name in there]
    if not pairs:
        return [not_evaluated(key, claim, what, "no two sets of which one holds the other")]
    found = [zero.difference(large.name, small.name, "zero_shot") for large, small in pairs]
    falls = [one for one in found if one.value < 0]
    sure = [one for one in found if one.verdict == NOT_SUPPORTED]
    # One set that surely falls is enough against "never"; for it all must surely not fall.
    verdict = NOT_SUPPORTED if sure else SUPPORTED if all(one.verdict == SUPPORTED for one in found) else UNDECIDED
    worst = min(found, key=lambda one: one.value)
    # Sets share what they are compared with; one mean of all pairs has the interval of its replicates.
    weights = np.zeros_like(zero.cells.means)
    for large, small in pairs:
        used = zero.pairs_of([large.name, small.name], "zero_shot")
        for name, sign in ((large.name, 1.0), (small.name, -1.0)):
            weights[there.index(name)][used] += sign / used.sum() / len(pairs)
    value, low, high = zero.interval(weights)
    note = (
        f"{len(pairs)} nested pairs: Z falls in {len(falls)}, surely in {len(sure)}; most from {worst.second[0]} to "
        f"{worst.first[0]} ({worst.value:+.4f}, {worst.low:+.4f} to {worst.high:+.4f}). The value is their mean"
    )
    return [Finding(key, claim, what, value, low, high, verdict, worst.covers, note)]


def _english(zero: ZeroShot, design: Design, unit: str) -> list[Finding]:
    """Sets that differ only in English."""
    what, there = f"difference of zero-shot {unit}", zero.cells.configurations
    pairs = [
        (large, small)
        for large, small in nested_pairs(design)
        if set(large.languages) - set(small.languages) == {"en"} and {large.name, small.name} <= set(there)
    ]
    if not pairs:
        why = "no two sets differ only in English; `downstream.more_sets` can name them"
        return [not_evaluated("English", "Adding English to a set makes zero-shot scores better.", what, why)]
    return [
        of_difference(
            f"English: {large.name}", f"Adding English to {small.name} makes zero-shot scores better.", what,
            zero.difference(large.name, small.name, "zero_shot"),
        )
        for large, small in pairs
    ]  # fmt: skip


def _configurations_or_seeds(zero: ZeroShot, design: Design) -> Finding:
    """Compare the variance between configurations with that between seeds, by the F of a two-way layout."""
    key, claim = "configurations against seeds", "Z(D) differs more between configurations than between seeds."
    what = "F: variance between configurations / between seeds"
    names = [one.name for one in design.configurations if one.name in zero.cells.configurations]
    table = zero.by_seed(names)
    if table.shape[0] < 2 or table.shape[1] < 2:
        return not_evaluated(key, claim, what, "needs two configurations with two seeds or more")
    n, k = table.shape
    centred = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0) + table.mean()
    between = k * ((table.mean(axis=1) - table.mean()) ** 2).sum() / (n - 1)
    rest = (centred**2).sum() / ((n - 1) * (k - 1))
    if rest == 0:
        return not_evaluated(key, claim, what, "seeds do not differ at all")
    ratio, freedom = float(between / rest), (n - 1, (n - 1) * (k - 1))
    p = float(f_distribution.sf(ratio, *freedom))
    share = (1 - zero.level) / 2
    low, high = ratio / f_distribution.ppf(1 - share, *freedom), ratio / f_distribution.ppf(share, *freedom)
    # Of equal variances the ratio is 1.
    verdict = SUPPORTED if low > 1 else NOT_SUPPORTED if high < 1 else UNDECIDED
    note = f"{n} configurations, {k} seeds, p = {p:.3g}; a seed's effect on all configurations is taken out"
    return Finding(key, claim, what, ratio, float(low), float(high), verdict, "seeds", note)


# The method's central assumption: donors that help a recipient's masked language model help its zero-shot scores
# too.


_KEY = "assumption: Z(s→t) and F(s→t)"
_CLAIM = "Of the donors of a recipient, those with higher F give better zero-shot scores, both of bilingual models."
_UNIT = "mean rank correlation within recipient"
_LEAST = 3  # donors of a recipient


def assumption(scores: pd.DataFrame, finetune: pd.DataFrame, level: float) -> Finding:
    """Correlate zero-shot scores of bilingual models with F within each recipient.

    Within a recipient F and ε(M_{s,t}, t) have the same ranks, so one correlation answers for both.

    Args:
        scores: Main scores of taggers whose encoder is M_{s,t}, fine-tuned on s: `pretraining_set`, `source`,
            `target`, `seed`, `score`.
        finetune: F. Shape: `[donor, recipient]`.
        level: Probability that an interval holds the true mean over recipients.

    Returns:
        The mean over recipients of Spearman's correlation over donors, with its t interval over recipients.
    """
    table = within_recipient(scores, finetune)
    known = table["correlation"].dropna()
    if len(known) < 2:
        why = (
            f"{len(known)} recipients have {_LEAST} donors or more whose bilingual models were fine-tuned; "
            '`downstream.bilingual` does it, for the models of this run that `grid.keep_models = "all"` has kept'
        )
        return not_evaluated(_KEY, _CLAIM, _UNIT, why)
    value, low, high = over_languages(known.to_numpy(dtype=float), level)
    each = ", ".join(f"{code} {r:+.2f}" for code, r in known.items())
    note = f"{len(known)} recipients, {int(table['n_donors'].min())} donors or more each: {each}"
    return Finding(_KEY, _CLAIM, _UNIT, value, low, high, said(low, high), "languages", note)


def within_recipient(scores: pd.DataFrame, finetune: pd.DataFrame) -> pd.DataFrame:
    """Give the rank correlation of each recipient: `correlation` (missing with too few donors) and `n_donors`."""
    found = {}
    for code in finetune.columns:
        # M_{s,t} fine-tuned on s and tested on t: its own pair only.
        with_code = np.array([code in text.split("+") for text in scores["pretraining_set"]], dtype=bool)
        own = scores[with_code & (scores["target"] == code) & (scores["source"] != code)]
        means = own.groupby("source")["score"].mean().dropna()
        gains = finetune[code].reindex(means.index).to_numpy(dtype=float)
        n_donors = int((~np.isnan(gains)).sum())
        if n_donors:
            r = rank_correlation(means.to_numpy(dtype=float), gains, 0.95)[0] if n_donors >= _LEAST else np.nan
            found[code] = (r, n_donors)
    return pd.DataFrame.from_dict(found, orient="index", columns=["correlation", "n_donors"])


# One answer to one question of section 6, and the two kinds of intervals that decide it.


@dataclass(frozen=True)
class Finding:
    """What the numbers say of a claim.

    Attributes:
        key: Short name, the same for every task: `eq10 most > least`.
        claim: A sentence that is true or false.
        unit: What the value is: "difference of accuracy", "rank correlation".
        value: Missing where it was not evaluated.
        low, high: Ends of its interval; missing where there is none.
        verdict: "supported", "not supported", "undecided" or "not evaluated", from the interval alone.
        covers: What the interval covers.
        note: What limits it, or why it was not evaluated.
    """

    key: str
    claim: str
    unit: str
    value: float
    low: float
    high: float
    verdict: str
    covers: str
    note: str = ""


def of_difference(key: str, claim: str, unit: str, found: Difference, note: str = "") -> Finding:
    """Make a finding of a difference between configurations."""
    return Finding(
        key, claim, unit, found.value, found.low, found.high, found.verdict, found.covers,
        note or f"{found.n_pairs} pairs of source and target",
    )  # fmt: skip


def not_evaluated(key: str, claim: str, unit: str, why: str) -> Finding:
    """Make a finding of what could not be looked at."""
    return Finding(key, claim, unit, np.nan, np.nan, np.nan, NOT_EVALUATED, "nothing", why)


def said(low: float, high: float) -> str:
    """Say what an interval over languages says of "it is above 0"."""
    return UNDECIDED if np.isnan(low) else verdict(low, high, covers_seeds=True)


# What the paper asks of languages: Eq.


_LANGUAGES = "languages"


def language_findings(zero: ZeroShot, design: Design, scores: pd.DataFrame, unit: str) -> list[Finding]:
    """Answer what is asked of languages.

    Args:
        zero: Scores of a task.
        design: The configurations and groups.
        scores: D and R by language.
        unit: Name of the score.
    """
    return [*_groups(zero, design, unit), *_margins(zero, design, scores), *_regression(zero, design, scores)]


def _groups(zero: ZeroShot, design: Design, unit: str) -> list[Finding]:
    """Eq. 9: languages that take most have better zero-shot scores than those that take least.

    The raw difference compares other languages on other treebanks. What a configuration has more than Control, or than
    random weights, is of the same language on the same sentences.
    """
    claim = "The most recipient languages have better zero-shot scores than the least recipient ones{}."
    groups = [
        [code for code in group if code in zero.cells.languages]
        for group in (design.most_recipient, design.least_recipient)
    ]
    found = []
    for against, words in (
        (None, ""),
        (CONTROL, ", relative to C alone"),
        (RANDOM_WEIGHTS, ", relative to random weights"),
    ):
        key, what = f"Eq. 9: most > least recipient{words}", f"difference of zero-shot {unit}"
        if min(map(len, groups)) < 2:
            why = f"a group has fewer than two languages with data: {' '.join(groups[0])} and {' '.join(groups[1])}"
            found.append(not_evaluated(key, claim.format(words), what, why))
            continue
        names = [one.name for one in design.configurations if one.name != against]
        names = [name for name in names if name in zero.cells.configurations]
        if not names or (against is not None and against not in zero.cells.configurations):
            why = f"no scores of {against if names else 'other configurations'}"
            found.append(not_evaluated(key, claim.format(words), what, why))
            continue
        sides = [_targets(zero, names, group) for group in groups]
        if against is not None:
            sides = [side - _targets(zero, [against], group) for side, group in zip(sides, groups, strict=True)]
        value, low, high = two_groups(sides[0], sides[1], zero.level)
        note = f"mean over {len(names)} configurations; {len(groups[0])} and {len(groups[1])} languages"
        if against is None:
            note += "; the groups are tested on different treebanks, which alone makes a difference"
        found.append(Finding(key, claim.format(words), what, value, low, high, said(low, high), _LANGUAGES, note))
    return found


def _targets(zero: ZeroShot, names: Sequence[str], group: Sequence[str]) -> Floats:
    """Return the mean score of each language of a group as a target, sources being the others. Shape: [group]."""
    places = [zero.cells.languages.index(code) for code in group]
    values = np.stack([zero.cells.means[zero.cells.configurations.index(name)] for name in names]).mean(axis=0)
    inside = values[np.ix_(places, places)].copy()
    np.fill_diagonal(inside, np.nan)
    return known_mean(inside, axis=0)


def _margins(zero: ZeroShot, design: Design, scores: pd.DataFrame) -> list[Finding]:
    """Eq. 7 and 8: both margins of Z against D and R, over languages."""
    names = [one.name for one in design.configurations if one.name in zero.cells.configurations]
    values = np.stack([zero.cells.means[zero.cells.configurations.index(name)] for name in names]).mean(axis=0)
    off = np.where(np.eye(len(values), dtype=bool), np.nan, values)
    margins = {"source": known_mean(off, axis=1), "target": known_mean(off, axis=0)}
    found = []
    for margin, words in (("source", "as a source"), ("target", "as a target")):
        for score, equation in (("donation", "Eq. 7"), ("recipience", "Eq. 8")):
            by_language = scores[score].reindex(list(zero.cells.languages)).to_numpy(dtype=float)
            value, low, high = rank_correlation(margins[margin], by_language, zero.level)
            key = f"{equation}: {margin} margin and {score}"
            claim = f"The higher the {score} of a language, the better its zero-shot scores {words}."
            n = int((~np.isnan(by_language)).sum())
            if np.isnan(value):
                found.append(not_evaluated(key, claim, "rank correlation", f"{n} languages, too few or all alike"))
                continue
            note = f"{n} languages; mean over {len(names)} configurations; other languages mean other treebanks"
            found.append(Finding(key, claim, "rank correlation", value, low, high, said(low, high), _LANGUAGES, note))
    return found


def _regression(zero: ZeroShot, design: Design, scores: pd.DataFrame) -> list[Finding]:
    """Regress Z(D) of sets on the sums of D and R of what was added to C."""
    sets = [
        one for one in design.configurations
        if one.added and one.kind != "given" and one.name in zero.cells.configurations
    ]  # fmt: skip
    keys = {"donation": "sum of D", "recipience": "sum of R"}
    claims = {name: f"The higher the {words} of the added languages, the better Z." for name, words in keys.items()}
    if len(sets) < 6:
        why = f"{len(sets)} sets are too few for a regression; `downstream.random_sets` adds some"
        return [not_evaluated(f"regression: {words}", claims[name], "slope of Z", why) for name, words in keys.items()]
    totals = zero.of_sets().query("measure == 'zero_shot'").set_index("configuration")["score"]
    y = np.array([totals[one.name] for one in sets])
    columns = [np.array([scores[name].reindex(list(one.added)).sum() for one in sets]) for name in keys]
    design_matrix = np.column_stack([np.ones(len(sets)), *columns])
    coefficients, _, rank, _ = np.linalg.lstsq(design_matrix, y, rcond=None)
    freedom = len(sets) - design_matrix.shape[1]
    if rank < design_matrix.shape[1]:
        why = "the sums of D and R of the sets go together: one cannot be told from the other"
        return [not_evaluated(f"regression: {words}", claims[name], "slope of Z", why) for name, words in keys.items()]
    residual = y - design_matrix @ coefficients
    variance = residual @ residual / freedom * np.linalg.inv(design_matrix.T @ design_matrix).diagonal()
    reach = t.ppf(0.5 + zero.level / 2, freedom) * np.sqrt(variance)
    explained = 1 - residual @ residual / ((y - y.mean()) ** 2).sum()
    found = []
    for place, (name, words) in enumerate(keys.items(), start=1):
        value = float(coefficients[place])
        low, high = value - float(reach[place]), value + float(reach[place])
        note = f"{len(sets)} sets of the same size with C; D and R together explain {explained:.0%} of the variance"
        found.append(
            Finding(f"regression: {words}", claims[name], "slope of Z", value, low, high, said(low, high), "sets", note)
        )
    return found

"""What the paper asks of pretraining sets: Eq. 10, monolingual gains, Eq. 3, English, configurations against seeds.

Pure functions of `bloodbank.downstream.zero_shot.ZeroShot`; nothing is read or written.
"""

from __future__ import annotations

from itertools import permutations

import numpy as np
from scipy.stats import f as f_distribution

from bloodbank.downstream.configurations import CONTROL, LEAST, MOST, RANDOM, Configuration, Design
from bloodbank.downstream.differences import NOT_SUPPORTED, SUPPORTED, UNDECIDED, Measure
from bloodbank.downstream.findings import Finding, not_evaluated, of_difference
from bloodbank.downstream.taggers import RANDOM_WEIGHTS
from bloodbank.downstream.zero_shot import ZeroShot

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

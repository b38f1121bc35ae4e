"""What the paper asks of pretraining sets and languages, answered from zero-shot scores (section 6).

Of sets: Eq. 10, monolingual gains, Eq. 3, English, configurations against seeds. Of languages: Eq. 7, 8 and 9, and a
regression on D and R. Of pairs: whether zero-shot scores go with F.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
import pandas as pd

from bloodbank.downstream.configurations import CONTROL, LEAST, MOST, RANDOM, Configuration, Design
from bloodbank.downstream.taggers.plan import RANDOM_WEIGHTS
from bloodbank.downstream.zero_shot.cells import Floats
from bloodbank.downstream.zero_shot.zero_shot import (
    MEASURES,
    NOT_EVALUATED,
    NOT_SUPPORTED,
    SUPPORTED,
    UNDECIDED,
    Measure,
    ZeroShot,
    verdict,
)
from bloodbank.statistics.means import known_mean
from bloodbank.statistics.tests import over_languages, rank_correlation, two_groups

_LANGUAGES = "languages"  # what an interval covers
_LEAST_DONORS = 3  # of a recipient: with two, a rank correlation is always +1 or −1
_LEAST_SETS = 6  # of a regression with three coefficients: leaves three degrees of freedom


@dataclass(frozen=True)
class Finding:
    """What the numbers say of a claim.

    Attributes:
        key: Short name, the same for every task: `Eq. 10: most > least`.
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


@dataclass(frozen=True)
class _Question:
    """A claim that is not yet judged; attributes as of `Finding`."""

    key: str
    claim: str
    unit: str

    def judged(self, interval: tuple[float, float, float], verdict: str, covers: str, note: str) -> Finding:
        """Answer with a value and the ends of its interval."""
        return Finding(self.key, self.claim, self.unit, *interval, verdict, covers, note)

    def above_zero(self, interval: tuple[float, float, float], covers: str, note: str) -> Finding:
        """Judge by an interval that covers more than test sentences whether the value is above 0."""
        return self.judged(interval, verdict(*interval[1:], covers_seeds=True), covers, note)

    def leave_open(self, why: str) -> Finding:
        """Say why it could not be looked at."""
        return self.judged((np.nan, np.nan, np.nan), NOT_EVALUATED, "nothing", why)

    def compare(self, zero: ZeroShot, first: Sequence[str], second: Sequence[str], measure: Measure) -> Finding:
        """Judge whether some configurations are better than others, on average."""
        missing = [name for name in (*first, *second) if name not in zero.cells.configurations]
        if missing or not first or not second:
            return self.leave_open(f"no scores of {', '.join(missing) or 'any configuration'}")
        change = zero.difference(first, second, measure)
        interval = change.value, change.low, change.high
        return self.judged(interval, change.verdict, change.covers, f"{change.n_pairs} pairs of source and target")


# Questions about sets of languages


def set_findings(zero: ZeroShot, design: Design, unit: str) -> list[Finding]:
    """Answer what is asked of sets.

    Args:
        zero: Scores of a task.
        design: The configurations.
        unit: Name of the score.
    """
    return [
        *_comparisons(zero, design, unit),
        _nested(zero, design, unit),
        *_english(zero, design, unit),
        _configurations_or_seeds(zero, design),
    ]


def nested_pairs(design: Design) -> list[tuple[Configuration, Configuration]]:
    """List pairs of configurations of which the first has all languages of the second, and more."""
    return [
        (large, small)
        for large, small in permutations(design.configurations, 2)
        if set(small.languages) < set(large.languages)
    ]


def _scored(zero: ZeroShot, design: Design) -> list[Configuration]:
    return [each for each in design.configurations if each.name in zero.cells.configurations]


def _comparisons(zero: ZeroShot, design: Design, unit: str) -> list[Finding]:
    """Compare configurations: with the floor, in the order of Eq. 10, and what they add to monolingual scores."""
    scored = [each.name for each in _scored(zero, design)]
    words: dict[Measure, str] = {"zero_shot": "zero-shot", "monolingual": "monolingual"}
    # Whether there is transfer at all: what pretraining adds to the same network with random weights.
    asked: list[tuple[str, str, list[str], list[str], Measure]] = [
        (f"floor: pretrained > random weights, {words[measure]}",
         f"Pretraining gives better {words[measure]} scores than random weights, on average over configurations.",
         scored, [RANDOM_WEIGHTS], measure)
        for measure in MEASURES
    ]  # fmt: skip
    short = {MOST: "most", RANDOM: "random", LEAST: "least"}
    asked += [
        (f"Eq. 10: {short[first]} > {short[second]}",
         f"Pretraining on {first} gives better zero-shot scores than on {second}.", [first], [second], "zero_shot")
        for first, second in ((MOST, RANDOM), (RANDOM, LEAST), (MOST, LEAST))
    ]  # fmt: skip
    asked += [
        ("monolingual: most − control",
         f"Pretraining on {MOST} gives better monolingual scores than {CONTROL}, which is C alone.",
         [MOST], [CONTROL], "monolingual"),
        ("monolingual: least − others",
         f"Pretraining on {LEAST} gives better monolingual scores than {MOST} and {RANDOM}.",
         [LEAST], [MOST, RANDOM], "monolingual"),
    ]  # fmt: skip
    return [
        _Question(key, claim, f"difference of {words[measure]} {unit}").compare(zero, first, second, measure)
        for key, claim, first, second, measure in asked
    ]


def _nested(zero: ZeroShot, design: Design, unit: str) -> Finding:
    """Eq. 3: more pretraining languages never make Z fall."""
    claim = "Z does not fall when languages are added to the pretraining set."
    question = _Question("Eq. 3: monotonicity", claim, f"mean change of zero-shot {unit}")
    there = zero.cells.configurations
    pairs = [(a.name, b.name) for a, b in nested_pairs(design) if a.name in there and b.name in there]
    if not pairs:
        return question.leave_open("no two sets of which one holds the other")
    changes = [zero.difference(large, small, "zero_shot") for large, small in pairs]
    n_falls = sum(change.value < 0 for change in changes)
    n_sure = sum(change.verdict == NOT_SUPPORTED for change in changes)
    worst = min(changes, key=lambda change: change.value)
    # Sets share what they are compared with; one mean of all pairs has the interval of its replicates.
    weights = np.zeros_like(zero.cells.means)
    for large, small in pairs:
        used = zero.pairs_of([large, small], "zero_shot")
        weights[there.index(large)][used] += 1 / used.sum() / len(pairs)
        weights[there.index(small)][used] -= 1 / used.sum() / len(pairs)
    # One set that surely falls is enough against "never"; for it all must surely not fall.
    never = all(change.verdict == SUPPORTED for change in changes)
    judged = NOT_SUPPORTED if n_sure else SUPPORTED if never else UNDECIDED
    note = (
        f"{len(pairs)} nested pairs: Z falls in {n_falls}, surely in {n_sure}; most from {worst.second[0]} to "
        f"{worst.first[0]} ({worst.value:+.4f}, {worst.low:+.4f} to {worst.high:+.4f}). The value is their mean"
    )
    return question.judged(zero.interval(weights), judged, worst.covers, note)


def _english(zero: ZeroShot, design: Design, unit: str) -> list[Finding]:
    """Sets that differ only in English."""
    what, there = f"difference of zero-shot {unit}", set(zero.cells.configurations)
    pairs = [
        (large.name, small.name)
        for large, small in nested_pairs(design)
        if set(large.languages) - set(small.languages) == {"en"} and {large.name, small.name} <= there
    ]
    if not pairs:
        question = _Question("English", "Adding English to a set makes zero-shot scores better.", what)
        return [question.leave_open("no two sets differ only in English; `downstream.more_sets` can name them")]
    return [
        _Question(f"English: {large}", f"Adding English to {small} makes zero-shot scores better.", what).compare(
            zero, [large], [small], "zero_shot"
        )
        for large, small in pairs
    ]


def _configurations_or_seeds(zero: ZeroShot, design: Design) -> Finding:
    """Compare the variance between configurations with that between seeds, by the F of a two-way layout."""
    from scipy.stats import f as f_distribution

    question = _Question(
        "configurations against seeds",
        "Z(D) differs more between configurations than between seeds.",
        "F: variance between configurations / between seeds",
    )
    table = zero.by_seed([each.name for each in _scored(zero, design)])
    n, k = table.shape
    if min(n, k) < 2:
        return question.leave_open("needs two configurations with two seeds or more")
    rest = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0) + table.mean()
    freedom = n - 1, (n - 1) * (k - 1)
    within = (rest**2).sum() / freedom[1]
    if within == 0:
        return question.leave_open("seeds do not differ at all")
    ratio = float(k * table.mean(axis=1).var(ddof=1) / within)
    high, low = ratio / f_distribution.ppf([(1 - zero.level) / 2, (1 + zero.level) / 2], *freedom)
    judged = SUPPORTED if low > 1 else NOT_SUPPORTED if high < 1 else UNDECIDED  # of equal variances the ratio is 1
    p = float(f_distribution.sf(ratio, *freedom))
    note = f"{n} configurations, {k} seeds, p = {p:.3g}; a seed's effect on all configurations is taken out"
    return question.judged((ratio, float(low), float(high)), judged, "seeds", note)


# Questions about languages


def language_findings(zero: ZeroShot, design: Design, scores: pd.DataFrame, unit: str) -> list[Finding]:
    """Answer what is asked of languages.

    Args:
        zero: Scores of a task.
        design: The configurations and groups.
        scores: D and R by language.
        unit: Name of the score.
    """
    return [*_groups(zero, design, unit), *_margins(zero, design, scores), *_regression(zero, design, scores)]


def _mean_matrix(zero: ZeroShot, names: Sequence[str]) -> Floats:
    """Return the mean of Z(s→t) over configurations, the diagonal missing. Shape: [source, target]."""
    places = [zero.cells.configurations.index(name) for name in names]
    means: Floats = zero.cells.means[places].mean(axis=0)
    np.fill_diagonal(means, np.nan)
    return means


def _groups(zero: ZeroShot, design: Design, unit: str) -> list[Finding]:
    """Eq. 9: languages that take most have better zero-shot scores than those that take least.

    The raw difference compares other languages on other treebanks. What a configuration has more than Control, or than
    random weights, is of the same language on the same sentences.
    """
    codes = zero.cells.languages
    groups = [
        [code for code in group if code in codes] for group in (design.most_recipient, design.least_recipient)
    ]  # fmt: skip
    findings = []
    relative = {CONTROL: ", relative to C alone", RANDOM_WEIGHTS: ", relative to random weights"}
    for against, words in ((None, ""), *relative.items()):
        question = _Question(
            f"Eq. 9: most > least recipient{words}",
            f"The most recipient languages have better zero-shot scores than the least recipient ones{words}.",
            f"difference of zero-shot {unit}",
        )
        names = [each.name for each in _scored(zero, design) if each.name != against]
        if min(map(len, groups)) < 2:
            why = f"a group has fewer than two languages with data: {' '.join(groups[0])} and {' '.join(groups[1])}"
            findings.append(question.leave_open(why))
            continue
        if not names or (against is not None and against not in zero.cells.configurations):
            findings.append(question.leave_open(f"no scores of {against if names else 'other configurations'}"))
            continue
        most, least = (_of_targets(zero, names, group) for group in groups)
        note = f"mean over {len(names)} configurations; {len(groups[0])} and {len(groups[1])} languages"
        if against is None:
            note += "; the groups are tested on different treebanks, which alone makes a difference"
        else:
            most, least = (
                most - _of_targets(zero, [against], groups[0]),
                least - _of_targets(zero, [against], groups[1]),
            )
        findings.append(question.above_zero(two_groups(most, least, zero.level), _LANGUAGES, note))
    return findings


def _of_targets(zero: ZeroShot, names: Sequence[str], group: Sequence[str]) -> Floats:
    """Return the mean score of each language of a group as a target, sources being the others. Shape: [group]."""
    places = [zero.cells.languages.index(code) for code in group]
    return known_mean(_mean_matrix(zero, names)[np.ix_(places, places)], axis=0)


def _margins(zero: ZeroShot, design: Design, scores: pd.DataFrame) -> list[Finding]:
    """Eq. 7 and 8: both margins of Z against D and R, over languages."""
    names = [each.name for each in _scored(zero, design)]
    means = _mean_matrix(zero, names)
    findings = []
    for margin, axis in (("source", 1), ("target", 0)):
        for score, equation in (("donation", "Eq. 7"), ("recipience", "Eq. 8")):
            question = _Question(
                f"{equation}: {margin} margin and {score}",
                f"The higher the {score} of a language, the better its zero-shot scores as a {margin}.",
                "rank correlation",
            )
            by_language = scores[score].reindex(list(zero.cells.languages)).to_numpy(dtype=float)
            n = int((~np.isnan(by_language)).sum())
            interval = rank_correlation(known_mean(means, axis=axis), by_language, zero.level)
            note = f"{n} languages; mean over {len(names)} configurations; other languages mean other treebanks"
            findings.append(
                question.leave_open(f"{n} languages, too few or all alike")
                if np.isnan(interval[0])
                else question.above_zero(interval, _LANGUAGES, note)
            )
    return findings


def _regression(zero: ZeroShot, design: Design, scores: pd.DataFrame) -> list[Finding]:
    """Regress Z(D) of sets on the sums of D and R of what was added to C."""
    from scipy.stats import t

    sums = {"donation": "sum of D", "recipience": "sum of R"}
    questions = [
        _Question(f"regression: {words}", f"The higher the {words} of the added languages, the better Z.", "slope of Z")
        for words in sums.values()
    ]
    sets = [each for each in _scored(zero, design) if each.added and each.kind != "given"]
    if len(sets) < _LEAST_SETS:
        why = f"{len(sets)} sets are too few for a regression; `downstream.random_sets` adds some"
        return [question.leave_open(why) for question in questions]
    table = zero.of_sets()
    totals = table[table["measure"] == "zero_shot"].set_index("configuration")["score"]
    y = totals[[each.name for each in sets]].to_numpy()
    x = np.array([[1.0, *(scores[name].reindex(list(each.added)).sum() for name in sums)] for each in sets])
    coefficients, _, rank, _ = np.linalg.lstsq(x, y, rcond=None)
    if rank < x.shape[1]:
        why = "the sums of D and R of the sets go together: one cannot be told from the other"
        return [question.leave_open(why) for question in questions]
    residual, freedom = y - x @ coefficients, len(x) - x.shape[1]
    errors = np.sqrt(residual @ residual / freedom * np.linalg.inv(x.T @ x).diagonal())
    reach = t.ppf(0.5 + zero.level / 2, freedom) * errors
    explained = 1 - residual @ residual / ((y - y.mean()) ** 2).sum()
    note = f"{len(sets)} sets of the same size with C; D and R together explain {explained:.0%} of the variance"
    slopes = zip(questions, coefficients[1:].tolist(), reach[1:].tolist(), strict=True)
    return [question.above_zero((b, b - half, b + half), "sets", note) for question, b, half in slopes]


# The method's central assumption: donors that help a recipient's masked language model help its zero-shot scores too


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
    question = _Question(
        "assumption: Z(s→t) and F(s→t)",
        "Of the donors of a recipient, those with higher F give better zero-shot scores, both of bilingual models.",
        "mean rank correlation within recipient",
    )
    table = within_recipient(scores, finetune)
    known = table["correlation"].dropna()
    if len(known) < 2:
        return question.leave_open(
            f"{len(known)} recipients have {_LEAST_DONORS} donors or more whose bilingual models were fine-tuned; "
            '`downstream.bilingual` does it, for the models of this run that `grid.keep_models = "all"` has kept'
        )
    each = ", ".join(f"{code} {r:+.2f}" for code, r in known.items())
    note = f"{len(known)} recipients, {int(table['n_donors'].min())} donors or more each: {each}"
    return question.above_zero(over_languages(known.to_numpy(dtype=float), level), _LANGUAGES, note)


def within_recipient(scores: pd.DataFrame, finetune: pd.DataFrame) -> pd.DataFrame:
    """Give the rank correlation of each recipient: `correlation` (missing with too few donors) and `n_donors`."""
    rows = {}
    for code in finetune.columns:
        # M_{s,t} fine-tuned on s and tested on t: its own pair only.
        with_code = np.array([code in text.split("+") for text in scores["pretraining_set"]], dtype=bool)
        own = scores[with_code & (scores["target"] == code) & (scores["source"] != code)]
        means = own.groupby("source")["score"].mean().dropna()
        gains = finetune[code].reindex(means.index).to_numpy(dtype=float)
        n_donors = int((~np.isnan(gains)).sum())
        if n_donors:
            enough = n_donors >= _LEAST_DONORS
            r = rank_correlation(means.to_numpy(dtype=float), gains, level=0.95)[0] if enough else np.nan
            rows[code] = (r, n_donors)
    return pd.DataFrame.from_dict(rows, orient="index", columns=["correlation", "n_donors"])

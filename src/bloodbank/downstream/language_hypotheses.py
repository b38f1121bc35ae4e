"""What the paper asks of languages: Eq. 7 and 8, Eq. 9, and the regression of Z on D and R over random sets.

Pure functions of `bloodbank.downstream.zero_shot.ZeroShot` and of D and R; nothing is read or written.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import t

from bloodbank.downstream.configurations import CONTROL, Design
from bloodbank.downstream.findings import Finding, known_mean, not_evaluated, rank_correlation, said, two_groups
from bloodbank.downstream.taggers import RANDOM_WEIGHTS
from bloodbank.downstream.zero_shot import ZeroShot
from bloodbank.downstream.zero_shot_cells import Floats

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

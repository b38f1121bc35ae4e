"""What a test of features says, in sentences: another finding gives another sentence. Nothing is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from bloodbank.bank.names import percent, plural, signed
from bloodbank.bank.p_values import p_text
from bloodbank.bank.relabelling import SAME

if TYPE_CHECKING:
    from bloodbank.bank.typology_effects import FeatureEffects


def effect_lines(effects: FeatureEffects, *, level: float, max_named: int) -> list[str]:
    """Say which features go with high F between languages that share them, and which with low F.

    Args:
        effects: What was found.
        level: Corrected p up to which a feature counts as found.
        max_named: Features described one by one.

    Returns:
        Sentences: what was tested, what was found, the strongest features, and the test over all features together.
    """
    return [
        *_tested(effects, level),
        *_found(effects, level),
        *(_described(effects, feature, level) for feature in effects.table.index[:max_named]),
        _agreement(effects, level),
    ]


def _tested(effects: FeatureEffects, level: float) -> list[str]:
    n_tested, n_left = len(effects.table), len(effects.untested)
    how = "all" if effects.exact else f"{effects.n_permutations:,}"
    relabelled = f"{how} relabellings of the languages"
    left = f"; {n_left} cannot be tested (too few languages with different values)" if n_left else ""
    found = [f"{plural(n_tested, 'feature')} tested with {relabelled}{left}."]
    if n_tested:
        found.append(
            "Donor and recipient effects are taken out first: a feature counts only for what sharing it adds."
            if effects.control == "additive"
            else "Donor and recipient effects are left in: what good donors happen to have can look good to share."
        )
    smallest = 1 / (1 + effects.n_permutations)
    if n_tested and not effects.exact and smallest * n_tested > level:
        found.append(
            f"With {effects.n_permutations:,} relabellings no single p is below {smallest:.2g}, so Holm's correction "
            f"for {n_tested} tests cannot reach {level:g}; the maximum statistic can."
        )
    return found


def _found(effects: FeatureEffects, level: float) -> list[str]:
    table = effects.table
    if table.empty:
        return ["No feature can be tested: too few languages have known and different values."]
    certain = table[table["p_max"] <= level]
    suspected = table[(table["p_bh"] <= level) & (table["p_max"] > level)]
    ways = [
        f"{_count(group, 'feature')} with {word} F between languages that share {'it' if len(group) == 1 else 'them'}: "
        f"{_names(group)}"
        for word, group in (("higher", certain[certain["effect"] > 0]), ("lower", certain[certain["effect"] < 0]))
        if len(group)
    ]
    correction = f"corrected for {plural(len(table), 'test')} by the maximum statistic, {level:.0%}"
    first = (
        f"{'; '.join(ways)} ({correction})."
        if ways
        else f"No feature goes with higher or lower F between languages that share it ({correction})."
    )
    if suspected.empty:
        return [first]
    return [
        first,
        f"By Benjamini-Hochberg at {level:.0%}, {plural(len(suspected), 'more feature')}: {_names(suspected)}.",
    ]


def _count(group: pd.DataFrame, noun: str) -> str:
    return f"{plural(len(group), noun)} {'goes' if len(group) == 1 else 'go'}"


def _names(group: pd.DataFrame, most: int = 5) -> str:
    named = [_title(group, feature) for feature in group.index[:most]]
    return ", ".join(named) + (f", and {len(group) - most} more" if len(group) > most else "")


def _title(table: pd.DataFrame, feature: Any) -> str:
    name = str(table.loc[feature, "name"])
    return name if name == str(feature) else f"{name} ({feature})"


def _described(effects: FeatureEffects, feature: Any, level: float) -> str:
    row = effects.table.loc[feature]
    doubt = "" if min(row["p_max"], row["p_bh"]) <= level else "Not beyond chance: "
    points = 100 * float(row["difference"])
    side = "as high" if abs(points) < 0.05 else "higher" if points > 0 else "lower"
    size = "" if abs(points) < 0.05 else f"{abs(points):.1f} percentage points "
    after = (
        f"; {signed(100 * float(row['effect']), 1)} points after donor and recipient effects"
        if effects.control == "additive"
        else ""
    )
    return (
        f"{doubt}{_title(effects.table, feature)}: between languages that share it F is {size}{side}"
        f"{' as' if side == 'as high' else ' than'} between the others ({percent(float(row['mean_shared']))}% over "
        f"{int(row['n_shared'])} pairs against {percent(float(row['mean_other']))}% over {int(row['n_other'])}){after} "
        f"(p = {p_text(row['p'])}, corrected {p_text(row['p_max'])}; {int(row['n_languages'])} languages)."
    )


def _agreement(effects: FeatureEffects, level: float) -> str:
    found = effects.agreement
    if found is None:
        return (
            "Whether F rises with the share of features that two languages agree on: not possible, because too few "
            "pairs of languages have enough features in common."
        )
    numbers = (
        f"(Spearman's ρ = {signed(found.correlation, 2)}, p = {p_text(found.p)}; by chance between "
        f"{signed(found.null_low, 2)} and {signed(found.null_high, 2)}; {found.n_pairs} ordered pairs of "
        f"{found.n_languages} languages)"
    )
    if found.null_high - found.null_low < SAME:
        return (
            "Whether F rises with the share of features that two languages agree on: not possible, because every "
            "relabelling of these languages gives the same."
        )
    if found.p > level:
        return (
            f"F does not rise or fall with the share of features that two languages agree on, beyond chance {numbers}."
        )
    way = "rises" if found.correlation > 0 else "falls"
    return f"F {way} with the share of features that two languages agree on {numbers}."

r"""Which features of languages go with high F between languages that share them.

    effects = feature_effects(bank.finetune_scores, load_features(bank.languages))
    print(*effects.lines(), sep="\n")

Cells of F share donors and recipients, so they are never tested as if they were independent: languages are
relabelled, whole, and the same statistic is taken again (a permutation test for dyads, also known as QAP).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import factorial
from typing import Any

import numpy as np
import pandas as pd

from bloodbank.errors import UsageError
from bloodbank.statistics.permutations import MAX_EXACT, SAME, draw_orders, sharing_statistics, tail
from bloodbank.statistics.tests import holm
from bloodbank.statistics.two_way import departures
from bloodbank.typology import Features
from bloodbank.typology.features import MIN_SHARED, agreements
from bloodbank.wording import Finding, listed, p_text, percent, plural, signed

MIN_LANGUAGES = 3  # with a value, for two values at least, before a feature is tested
CONTROLS = ("additive", "none")
_COUNTS = ["n_languages", "n_values", "n_shared", "n_other", "mean_shared", "mean_other", "difference"]
_MAX_ORDERS = 2_000  # the one test of agreement needs no correction, so no finer p
_MAX_EXACT = factorial(MAX_EXACT)


@dataclass(frozen=True, eq=False)
class AgreementEffect:
    """Whether F rises with the share of features that two languages agree on."""

    correlation: float  #: Spearman's, over ordered pairs
    null_low: float  #: 2.5% of the relabelled correlations lie below
    null_high: float  #: 2.5% lie above
    p: float  #: two-sided
    n_pairs: int  #: ordered pairs with F and enough features in common
    n_languages: int


@dataclass(frozen=True, eq=False)
class FeatureEffects:
    """What sharing a feature goes with, feature by feature.

    Units of F throughout (a fraction of ε(M_t)); positive: more help between languages that share the feature.
    """

    table: pd.DataFrame  #: one row for each tested feature, see `feature_effects`
    untested: pd.Series[str]  #: feature -> why it cannot be tested
    agreement: AgreementEffect | None  #: None where too few pairs have enough features in common
    control: str
    n_permutations: int
    exact: bool  #: every relabelling was taken, not a sample

    def lines(self, *, level: float = 0.05, max_named: int = 3) -> list[str]:
        """Say which features go with high F between languages that share them, and which with low F.

        Args:
            level: Corrected p up to which a feature counts as found.
            max_named: Features described one by one, the strongest first.

        Returns:
            Sentences: what was found of how many tested features, the strongest ones, and all features together.
        """
        described = [_described(self, feature, level) for feature in self.table.index[:max_named]]
        return [_found(self, level), *described, _agreement(self, level)]


def feature_effects(
    finetune: pd.DataFrame,
    features: Features | pd.DataFrame,
    *,
    names: Mapping[str, str] | None = None,
    control: str = "additive",
    n_permutations: int | None = None,
    min_languages: int = MIN_LANGUAGES,
    seed: int = 0,
) -> FeatureEffects:
    """Compare F between languages that share a feature's value with F between the others.

    Both directions of a pair count. A pair drops out of a feature that is not known for both. Values are relabelled
    among the languages for which the feature is known, by one random order of all languages for all features, so that
    features that go together stay together.

    Args:
        finetune: F.
        features: Features, or any table of categories by language: a column "script" is tested like any other.
        names: Feature -> its name; the features' own by default.
        control: "additive" takes out what each donor gives to all and each recipient takes from all before the
            comparison, among the languages for which the feature is known. Otherwise ("none") a value that good donors
            happen to have looks like one that is good to share.
        n_permutations: Relabellings; by default 10,000 up to 60 languages, 2,000 beyond. Up to 7 languages every
            relabelling is taken instead.
        min_languages: Languages that two values at least must have each, for the feature to be tested.
        seed: Of the relabellings.

    Returns:
        The table, by feature: `name`, `n_languages`, `n_values`, `n_shared` and `n_other` (ordered pairs),
        `mean_shared`, `mean_other` and their `difference` (F as measured), `effect` (the same difference after
        `control`; this is what is tested), `null_low` and `null_high` (95% of the relabelled effects lie between), `p`
        (two-sided), `p_holm`, `p_bh` and `p_max` (corrected for the number of features: Holm and the maximum
        statistic for the chance of any false finding, Benjamini-Hochberg for the share of false ones). `p_max` is
        exact where all features are known for the same languages.

    Raises:
        UsageError: The matrix and the features have no language in common, or a setting is out of range.

    Shape:
        F is `[donor, recipient]`; one row for each tested feature, strongest first.
    """
    table = features.categories if isinstance(features, Features) else features
    _check(finetune, table, control=control, n_permutations=n_permutations, min_languages=min_languages)
    titles = names if names is not None else features.names if isinstance(features, Features) else {}
    codes = sorted(set(map(str, finetune.index)) & set(map(str, table.index)))
    if len(codes) < 2:
        raise UsageError(
            "The features and the matrix have fewer than two languages in common. Load them for its languages."
        )
    cells = finetune.loc[codes, codes].to_numpy(dtype=float, copy=True)
    np.fill_diagonal(cells, np.nan)
    orders, exact = draw_orders(len(codes), n_permutations, seed)
    residuals = _Residuals(cells, control)
    rows: list[dict[str, Any]] = []
    nulls, untested = [], {}
    for feature in table.columns:
        categories, labels = pd.factorize(table.loc[codes, feature], sort=False)
        counts = np.bincount(categories[categories >= 0], minlength=len(labels))
        reason = _obstacle(cells, categories, counts, min_languages)
        if reason:
            untested[feature] = reason
            continue
        known = categories >= 0
        effects = sharing_statistics(residuals.among(known), categories, orders)
        rows.append(
            {"feature": feature, "name": str(titles.get(feature, feature)), **_means(cells, categories, counts)}
        )
        nulls.append(effects)
    return FeatureEffects(
        table=_with_tests(rows, nulls),
        untested=pd.Series(untested, dtype=object, name="reason").rename_axis("feature"),
        agreement=agreement_effect(cells, table.loc[codes], orders, control),
        control=control,
        n_permutations=len(orders) - (not exact),
        exact=exact,
    )


def _check(
    finetune: pd.DataFrame, table: pd.DataFrame, *, control: str, n_permutations: int | None, min_languages: int
) -> None:
    if list(finetune.index) != list(finetune.columns) or finetune.index.has_duplicates:
        raise UsageError("F must have the same languages in rows and columns, in the same order, each once.")
    if table.index.has_duplicates or table.columns.has_duplicates:
        raise UsageError("The table of features names a language or a feature twice.")
    if control not in CONTROLS:
        raise UsageError(f"Unknown control {control!r}. Known: {', '.join(CONTROLS)}.")
    if n_permutations is not None and n_permutations < 1:
        raise UsageError(f"{n_permutations} relabellings were asked for; at least 1 is needed, and 1,000 for a fair p.")
    if min_languages < 1:
        raise UsageError(f"min_languages is {min_languages}; it must be at least 1.")


class _Residuals:
    """F without donor and recipient effects, among those languages that a feature is known for."""

    def __init__(self, cells: np.ndarray, control: str) -> None:
        self._cells, self._control = cells, control
        self._done: dict[bytes, np.ndarray] = {}

    def among(self, known: np.ndarray) -> np.ndarray:
        key = known.tobytes()
        if key not in self._done:
            part = self._cells[np.ix_(known, known)]
            self._done[key] = departures(part) if self._control == "additive" else part
        return self._done[key]


def _obstacle(cells: np.ndarray, categories: np.ndarray, counts: np.ndarray, min_languages: int) -> str:
    if not len(counts):
        return "known for none of the languages"
    if len(counts) == 1:
        return "the same for all languages for which it is known"
    if (counts >= min_languages).sum() < 2:
        return f"fewer than two values with at least {min_languages} languages each"
    alike = _alike(categories)
    measured = ~np.isnan(cells)
    both = (categories >= 0)[:, None] & (categories >= 0)[None, :] & measured
    if not (both & alike).any() or not (both & ~alike).any():
        return "no measured pair of languages that share it, or none of languages that do not"
    return ""


def _alike(categories: np.ndarray) -> np.ndarray:
    return np.asarray(categories[:, None] == categories[None, :])


def _means(cells: np.ndarray, categories: np.ndarray, counts: np.ndarray) -> dict[str, float | int]:
    known = categories >= 0
    both = known[:, None] & known[None, :] & ~np.isnan(cells)
    shared, other = cells[both & _alike(categories)], cells[both & ~_alike(categories)]
    return {
        "n_languages": int(known.sum()),
        "n_values": len(counts),
        "n_shared": len(shared),
        "n_other": len(other),
        "mean_shared": float(shared.mean()),
        "mean_other": float(other.mean()),
        "difference": float(shared.mean() - other.mean()),
    }


def _with_tests(rows: list[dict[str, Any]], nulls: list[np.ndarray]) -> pd.DataFrame:
    # Each null is [relabelling]; the first is the order as it stands, so every p counts what was observed.
    from scipy.stats import false_discovery_control

    tests: dict[str, list[float]] = {name: [] for name in ("effect", "null_low", "null_high", "p")}
    largest: np.ndarray | float = 0.0
    scaled = []
    for effects in nulls:
        finite = effects[np.isfinite(effects)]
        spread = float(finite.std())
        size = np.abs(effects) / spread if spread > SAME * np.abs(finite).max() else np.zeros_like(effects)
        largest = np.maximum(largest, size)
        scaled.append(size[0])
        low, high = np.quantile(effects, (0.025, 0.975))
        for name, value in zip(tests, (effects[0], low, high, tail(size)), strict=True):
            tests[name].append(float(value))
    p = np.array(tests["p"])
    table = pd.DataFrame(rows, columns=["feature", "name", *_COUNTS])
    for name, values in tests.items():
        table[name] = np.array(values, dtype=float)
    table["p_holm"] = holm(p)
    table["p_bh"] = false_discovery_control(p, method="bh") if len(p) else p
    table["p_max"] = [float(np.mean(largest >= size * (1 - SAME))) for size in scaled]
    table["size"] = -np.array(scaled, dtype=float)
    ordered = table.sort_values(["p", "size", "feature"], kind="stable")
    return ordered.drop(columns="size").set_index("feature")


def agreement_effect(
    cells: np.ndarray, table: pd.DataFrame, orders: np.ndarray, control: str
) -> AgreementEffect | None:
    """Test whether F rises with the share of features that two languages agree on, by relabelling languages.

    Args:
        cells: F; the diagonal is missing.
        table: Categories of the same languages.
        orders: What `permutations.draw_orders` gave; 2,000 of them are taken.
        control: "additive" takes donor and recipient effects out of F first.

    Returns:
        The effect; None where too few pairs have at least ten features in common, or nothing varies.

    Shape:
        `cells` is `[donor, recipient]`, `table` `[language, feature]`, `orders` `[relabelling, language]`.
    """
    n_common, n_alike = agreements(table)
    with np.errstate(invalid="ignore"):
        share = np.where(n_common >= MIN_SHARED, n_alike / n_common, np.nan)
    np.fill_diagonal(share, np.nan)
    there = np.isfinite(share).sum(axis=0) > 0
    if there.sum() < 4:
        return None
    share, block = share[np.ix_(there, there)], cells[np.ix_(there, there)]
    block = departures(block) if control == "additive" else block
    both = ~np.isnan(share) & ~np.isnan(block)
    if both.sum() < 6 or np.ptp(share[both]) == 0 or np.ptp(block[both]) == 0:
        return None
    from scipy.stats import rankdata

    # Ranks are taken once; relabelling moves them about, and with them the pairs that are missing.
    left, right = (np.zeros_like(block), np.zeros_like(block))
    left[both], right[~np.isnan(block)] = rankdata(share[both]), rankdata(block[~np.isnan(block)])
    weight_left, weight_right = both.astype(float), (~np.isnan(block)).astype(float)
    orders = orders if len(orders) <= _MAX_EXACT else orders[: _MAX_ORDERS + 1]
    induced = orders[there[orders]].reshape(len(orders), -1)
    place = np.cumsum(there) - 1  # language -> its row in the block
    rho = np.array([_correlation(left, right, weight_left, weight_right, place[order]) for order in induced])
    low, high = np.nanquantile(rho, (0.025, 0.975))
    sizes = np.where(np.isnan(rho), np.inf, np.abs(rho))
    return AgreementEffect(float(rho[0]), float(low), float(high), tail(sizes), int(both.sum()), int(there.sum()))


def _correlation(
    left: np.ndarray, right: np.ndarray, weight_left: np.ndarray, weight_right: np.ndarray, order: np.ndarray
) -> float:
    moved = np.ix_(order, order)
    x, weight = left[moved], weight_left[moved] * weight_right
    n = weight.sum()
    mean_x, mean_y = (x * weight).sum() / n, (right * weight).sum() / n
    dx, dy = (x - mean_x) * weight, (right - mean_y) * weight
    scale = np.sqrt((dx * dx).sum() * (dy * dy).sum())
    return float((dx * dy).sum() / scale) if scale > 0 else float("nan")


def _found(effects: FeatureEffects, level: float) -> str:
    table, n_left = effects.table, len(effects.untested)
    left = f"; {n_left} cannot be tested, because too few languages have different values" if n_left else ""
    if table.empty:
        return "No feature can be tested: too few languages have known and different values."
    how = "all" if effects.exact else f"{effects.n_permutations:,}"
    effects_are = "taken out first" if effects.control == "additive" else "left in, so that good donors alone count too"
    tested = (
        f"of {plural(len(table), 'feature')} tested by {how} relabellings of the languages, donor and recipient "
        f"effects {effects_are}, corrected by the maximum statistic, {level:.0%}{left}"
    )
    certain = table[table["p_max"] <= level]
    groups = (("higher", certain[certain["effect"] > 0]), ("lower", certain[certain["effect"] < 0]))
    ways = [
        f"{plural(len(group), 'feature')} {'goes' if len(group) == 1 else 'go'} with {word} F between languages that "
        f"share {'it' if len(group) == 1 else 'them'}: {_names(group)}"
        for word, group in groups
        if len(group)
    ]
    suspected = table[(table["p_bh"] <= level) & (table["p_max"] > level)]
    if len(suspected):
        ways.append(f"by Benjamini-Hochberg {plural(len(suspected), 'more feature')}: {_names(suspected)}")
    return f"{'; '.join(ways) or 'No feature goes with higher or lower F between languages that share it'} ({tested})."


def _names(group: pd.DataFrame) -> str:
    return listed((_title(group, feature) for feature in group.index), 5)


def _title(table: pd.DataFrame, feature: Any) -> str:
    name = str(table.loc[feature, "name"])
    return name if name == str(feature) else f"{name} ({feature})"


def _described(effects: FeatureEffects, feature: Any, level: float) -> str:
    row = effects.table.loc[feature]
    doubt = "" if min(row["p_max"], row["p_bh"]) <= level else "Not beyond chance: "
    points = 100 * float(row["difference"])
    side = "higher than" if points > 0 else "lower than"
    size = "as high as" if abs(points) < 0.05 else f"{abs(points):.1f} percentage points {side}"
    after = ""
    if effects.control == "additive":
        after = f"; {signed(100 * float(row['effect']), 1)} points after donor and recipient effects"
    return (
        f"{doubt}{_title(effects.table, feature)}: between languages that share it F is {size} between the others "
        f"({percent(float(row['mean_shared']))}% over {int(row['n_shared'])} pairs against "
        f"{percent(float(row['mean_other']))}% over {int(row['n_other'])}){after} (p = {p_text(row['p'])}, corrected "
        f"{p_text(row['p_max'])}; {int(row['n_languages'])} languages)."
    )


def _agreement(effects: FeatureEffects, level: float) -> str:
    agreement, what = effects.agreement, "the share of features that two languages agree on"
    why = ""
    if agreement is None:
        why = "too few pairs of languages have enough features in common"
    elif agreement.null_high - agreement.null_low < SAME:
        why = "every relabelling of these languages gives the same"
    if agreement is None or why:
        return f"Whether F rises with {what}: not possible, because {why}."
    n_drawn = 0 if effects.exact else min(effects.n_permutations, _MAX_ORDERS)
    rho = Finding(agreement.correlation, p=agreement.p, name="Spearman's ρ = ", n_drawn=n_drawn, alpha=level)
    null = Finding(np.nan, agreement.null_low, agreement.null_high)
    words = rho.choose(above="F rises with", below="F falls with", undecided="F does not surely rise or fall with")
    return (
        f"{words} {what}: {rho}, by chance {null.span}; {agreement.n_pairs} ordered pairs of "
        f"{agreement.n_languages} languages."
    )

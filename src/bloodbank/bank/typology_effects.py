r"""Which features of languages go with high F between languages that share them.

Pure functions of F and a table of categories; nothing is written.

    effects = feature_effects(bank.finetune_scores, load_features(bank.languages))
    print(*effects.lines(), sep="\n")

Cells of F share donors and recipients, so they are never tested as if they were independent: languages are
relabelled, whole, and the same statistic is taken again (a permutation test for dyads, also known as QAP).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bloodbank.bank.additive import departures
from bloodbank.bank.p_values import holm
from bloodbank.bank.relabelling import SAME, draw_orders, sharing_statistics, tail
from bloodbank.bank.typology_agreement import AgreementEffect, agreement_effect
from bloodbank.errors import UsageError
from bloodbank.typology import Features

MIN_LANGUAGES = 3  # with a value, for two values at least, before a feature is tested
CONTROLS = ("additive", "none")


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

    def lines(self, *, level: float = 0.05, max_named: int = 5) -> list[str]:
        """Say what was found; another finding gives another sentence."""
        from bloodbank.bank.typology_sentences import effect_lines

        return effect_lines(self, level=level, max_named=max_named)


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


_COUNTS = ["n_languages", "n_values", "n_shared", "n_other", "mean_shared", "mean_other", "difference"]

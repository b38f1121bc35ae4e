"""Do the numbers hold from seed to seed? Spread, agreement of ranks, of the top languages, and of the cells.

Tables 5 and 6 of the paper, for every seed of a bank. Pure functions of F by seed; nothing is written.

    language_spread(bank.replicates)
    rank_agreement(bank.replicates)
    top_overlap(bank.replicates)
    variance_split(bank.replicates)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from bloodbank.bank.bank import Bank
from bloodbank.bank.health import seed_agreement
from bloodbank.bank.scores import donation, matrix, recipience
from bloodbank.errors import UsageError
from bloodbank.wording import plural, signed

Array = NDArray[np.float64]
Replicates = Mapping[int, pd.DataFrame]
SCORES = ("donation", "recipience")
_ROUNDING = 1e-24  # of the square of the values: a variance below it is an error of rounding


_LETTERS = {"finetune_score": "F", "donation": "D", "recipience": "R"}


def language_spread(replicates: Replicates) -> pd.DataFrame:
    """Show how D and R of each language differ between seeds.

    Args:
        replicates: F by seed.

    Returns:
        language, score ("donation" or "recipience"), mean, deviation (of a sample; missing for one seed), low and high
        (over seeds), n_seeds, rank_low and rank_high (best and worst place over seeds, 1 is the highest). D and R are
        those of the cells that all seeds have, so that seeds are compared on equal terms; missing where a language has
        none.

    Raises:
        UsageError: There is no seed, or the seeds have different languages.

    Shape:
        One row for each score and language; F is `[donor, recipient]`.
    """
    parts = []
    for score, values in _common_sums(replicates).items():  # [seed, language]
        known = ~np.isnan(values).any(0)
        ranks = np.full(values.shape, np.nan)
        if known.any():
            ranks[:, known] = stats.rankdata(-values[:, known], axis=1)
        columns = {
            "mean": values.mean(0),
            "deviation": values.std(0, ddof=1) if len(values) > 1 else np.full(values.shape[1], np.nan),
            "low": values.min(0),
            "high": values.max(0),
            "n_seeds": np.where(known, len(values), 0),
            "rank_low": ranks.min(0),
            "rank_high": ranks.max(0),
        }
        parts.append(pd.DataFrame({"language": _languages(replicates), "score": score, **columns}))
    return pd.concat(parts, ignore_index=True)


def rank_agreement(replicates: Replicates) -> pd.DataFrame:
    """Say how far seeds agree in the order of cells and of languages.

    Args:
        replicates: F by seed.

    Returns:
        score ("finetune_score", "donation" or "recipience"), n_seeds, n_pairs (of seeds that could be compared), mean,
        low and high (Spearman's rank correlation over pairs of seeds), concordance (Kendall's W over all seeds, on what
        all of them have: 1 is the same order, 0 none) and n (cells or languages it is about). Missing where there is
        one seed, or fewer than three values.

    Raises:
        UsageError: There is no seed, or the seeds have different languages.

    Shape:
        One row for each score.
    """
    sums = _common_sums(replicates)
    stack = _stack(replicates)
    common = ~np.isnan(stack).any(0)
    values = {"finetune_score": stack[:, common], **{key: one[:, ~np.isnan(one).any(0)] for key, one in sums.items()}}
    pairs = seed_agreement(dict(enumerate(_tables(replicates))))
    rows = []
    for score, table in values.items():
        found = pairs.loc[pairs["score"] == score, "rank_correlation"].dropna()
        three = (found.mean(), found.min(), found.max()) if len(found) else (np.nan,) * 3
        rows.append((score, len(stack), len(found), *three, concordance(table), table.shape[1]))
    return pd.DataFrame(rows, columns=["score", "n_seeds", "n_pairs", "mean", "low", "high", "concordance", "n"])


def concordance(values: Array) -> float:
    """Return Kendall's W, corrected for ties: 1 where all rows have the same order, 0 where they share none.

    Args:
        values: Shape: [rater, item].

    Returns:
        W; missing for fewer than two raters or three items, or where no rater tells items apart.
    """
    n_raters, n_items = values.shape
    if n_raters < 2 or n_items < 3:
        return float("nan")
    ranks = stats.rankdata(values, axis=1)
    ties = 0.0
    for row in ranks:
        _, counts = np.unique(row, return_counts=True)
        ties += float((counts**3 - counts).sum())
    most = n_raters**2 * (n_items**3 - n_items) - n_raters * ties
    scatter = float(((ranks.sum(0) - n_raters * (n_items + 1) / 2) ** 2).sum())
    return 12 * scatter / most if most > 0 else float("nan")


def top_overlap(replicates: Replicates, sizes: Sequence[int] = (1, 3, 5)) -> pd.DataFrame:
    """Say how many of the top languages by D and by R two seeds share.

    Args:
        replicates: F by seed.
        sizes: How many languages are the top; sizes above the number of languages are left out.

    Returns:
        score, k, overlap (mean over pairs of seeds of the share of the top k that both have), low and high (over
        pairs), by_chance (what two random orders share on average: k / languages), n_pairs and n (languages). Where
        languages tie for the last place, each counts with its part of the place.

    Raises:
        UsageError: A size is below 1, there is no seed, or the seeds have different languages.

    Shape:
        One row for each score and size.
    """
    if any(size < 1 for size in sizes):
        raise UsageError(f"The top of an order has one language or more, but a size of {min(sizes)} was asked for.")
    rows = []
    for score, values in _common_sums(replicates).items():
        known = values[:, ~np.isnan(values).any(0)]
        n = known.shape[1]
        for k in (size for size in sizes if size <= n):
            tops = [_membership(row, k) for row in known]
            shared = [float(np.minimum(one, other).sum()) / k for one, other in combinations(tops, 2)]
            three = (np.mean(shared), min(shared), max(shared)) if shared else (np.nan,) * 3
            rows.append((score, k, *three, k / n, len(shared), n))
    return pd.DataFrame(rows, columns=["score", "k", "overlap", "low", "high", "by_chance", "n_pairs", "n"])


def variance_split(replicates: Replicates) -> pd.DataFrame:
    """Split the variance of F, of D and of R into what lies between cells (or languages) and what between seeds.

    Args:
        replicates: F by seed.

    Returns:
        score, n (cells or languages), n_seeds (of a cell; a mean where they differ), between (variance of the
        true values; may come out below zero), within (variance of one seed around them), reliability (share of the
        variance of one seed's values that is between: ICC) and reliability_of_mean (the same for means over the seeds).
        Both are between 0 and 1, and missing where no value has two seeds.

    Raises:
        UsageError: There is no seed, or the seeds have different languages.

    Shape:
        One row for each score.

    Source:
        One-way analysis of variance with random effects.
    """
    stack = _stack(replicates)
    values = {"finetune_score": stack.reshape(len(stack), -1), **_common_sums(replicates)}
    rows = [(score, *_components(table)) for score, table in values.items()]
    columns = ["score", "n", "n_seeds", "between", "within", "reliability", "reliability_of_mean"]
    return pd.DataFrame(rows, columns=columns)


def _components(values: Array) -> tuple[int, float, float, float, float, float]:
    # values: [seed, cell]
    counts = (~np.isnan(values)).sum(0)
    values, counts = values[:, counts > 0], counts[counts > 0]
    n, total = len(counts), int(counts.sum())
    if n < 2 or total <= n:
        return n, float(counts.mean()) if n else 0.0, *(np.nan,) * 4
    means = np.nansum(values, axis=0) / counts
    within = float(np.nansum((values - means) ** 2) / (total - n))
    mean = float(np.nansum(values) / total)
    typical = (total - float((counts**2).sum()) / total) / (n - 1)  # seeds of a cell, as this estimator weighs them
    between = (float((counts * (means - mean) ** 2).sum()) / (n - 1) - within) / typical
    true = max(between, 0.0)
    if true + within <= _ROUNDING * mean**2:
        return n, typical, between, within, np.nan, np.nan
    return n, typical, between, within, true / (true + within), true / (true + within / typical)


def _membership(values: Array, k: int) -> Array:
    """Say how far each language is among the top k: 1, 0, or a part where some tie for the last places."""
    border = np.sort(values)[-k]
    above, tied = values > border, values == border
    member: Array = above + tied * (k - above.sum()) / tied.sum()
    return member


def _common_sums(replicates: Replicates) -> dict[str, Array]:
    """Return D and R by seed over the cells that all seeds have. Shape: [seed, language] each."""
    tables = _tables(replicates)
    rare = matrix(np.isnan(_stack(replicates)).any(0), _languages(replicates), dtype=bool).to_numpy()
    kept = [table.mask(rare) for table in tables]
    return {
        name: np.stack([score(table)["sum"].to_numpy(dtype=float) for table in kept])
        for name, score in zip(SCORES, (donation, recipience), strict=True)
    }


def _tables(replicates: Replicates) -> list[pd.DataFrame]:
    tables = [replicates[seed] for seed in sorted(replicates)]
    if not tables:
        raise UsageError("There is no seed to compare. A bank that was imported without seeds has none.")
    if any(not (table.index.equals(tables[0].index) and table.columns.equals(tables[0].columns)) for table in tables):
        raise UsageError("The seeds have different languages, or another order. Give matrices of the same languages.")
    diagonal = np.eye(len(tables[0]), dtype=bool)
    return [table.mask(diagonal) for table in tables]


def _stack(replicates: Replicates) -> Array:
    return np.stack([table.to_numpy(dtype=float) for table in _tables(replicates)])


def _languages(replicates: Replicates) -> list[str]:
    return [str(code) for code in _tables(replicates)[0].index]


def stability_sentences(bank: Bank) -> list[str]:
    """Say how far the seeds of a bank agree: ranks, top languages, reliability, and the least settled language.

    Args:
        bank: The bank.

    Returns:
        Sentences, or why it is not possible.

    Source:
        Tables 5 and 6.
    """
    if len(bank.replicates) < 2:
        n_known = len(bank.replicates)
        known = plural(n_known, "seed") if n_known else "no seed"
        return [f"Whether seeds agree: not possible, because {known} is known; two or more are needed."]
    said = [_agreement(row) for row in rank_agreement(bank.replicates).to_dict("records")]
    said += [_overlap(row) for row in top_overlap(bank.replicates).to_dict("records") if row["k"] == 3]
    said += [_reliability(row) for row in variance_split(bank.replicates).to_dict("records")]
    return [text for text in [*said, _least_settled(language_spread(bank.replicates))] if text]


def _agreement(row: dict[Any, Any]) -> str:
    if np.isnan(row["mean"]):
        return ""
    return (
        f"{_LETTERS[row['score']]}: the rank correlation between seeds is {signed(row['mean'], 2)} on average "
        f"({signed(row['low'], 2)} to {signed(row['high'], 2)} over {plural(row['n_pairs'], 'pair')} of seeds, "
        f"Kendall's W = {row['concordance']:.2f}, n = {row['n']})."
    )


def _overlap(row: dict[Any, Any]) -> str:
    if np.isnan(row["overlap"]):
        return ""
    return (
        f"Of the {row['k']} languages with the highest {_LETTERS[row['score']]}, two seeds share {row['overlap']:.0%} "
        f"on average; two random orders would share {row['by_chance']:.0%}."
    )


def _reliability(row: dict[Any, Any]) -> str:
    if np.isnan(row["reliability"]):
        return ""
    return (
        f"{row['reliability']:.0%} of the variance of {_LETTERS[row['score']]} in one seed is the same in every seed; "
        f"of means over {row['n_seeds']:.3g} seeds, {row['reliability_of_mean']:.0%}."
    )


def _least_settled(spread: pd.DataFrame) -> str:
    known = spread[(spread["score"] == "donation") & spread["deviation"].notna()].set_index("language")
    if known.empty:
        return ""
    code = str(known["deviation"].idxmax())
    row: dict[Any, Any] = known.loc[code].to_dict()
    return (
        f"D differs most between seeds for {code}: from {signed(row['low'], 2)} to {signed(row['high'], 2)}, place "
        f"{row['rank_low']:.0f} to {row['rank_high']:.0f} of {len(known)}."
    )

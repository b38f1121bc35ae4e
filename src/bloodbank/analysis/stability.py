r"""Do the numbers hold from seed to seed? Tables 5 and 6 of the paper, for every seed of a bank.

language_spread(bank.replicates)
rank_agreement(bank.replicates)
top_overlap(bank.replicates)
variance_split(bank.replicates)
print(*stability_sentences(bank), sep="\n")
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bloodbank.bank.bank import Bank
from bloodbank.bank.health import seed_agreement
from bloodbank.bank.scores import donation, matrix, number, recipience
from bloodbank.errors import UsageError
from bloodbank.statistics.means import known_mean
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
    from scipy.stats import rankdata

    parts = []
    for score, values in _common_sums(replicates).items():  # [seed, language]
        known = ~np.isnan(values).any(0)
        ranks = np.full(values.shape, np.nan)
        if known.any():
            ranks[:, known] = rankdata(-values[:, known], axis=1)
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
    values = {"finetune_score": stack[:, common]}
    values |= {score: table[:, ~np.isnan(table).any(0)] for score, table in sums.items()}
    pairs = seed_agreement(dict(enumerate(_tables(replicates))))
    rows = []
    for score, table in values.items():
        of_pairs = pairs.loc[pairs["score"] == score, "rank_correlation"].dropna()
        three = (of_pairs.mean(), of_pairs.min(), of_pairs.max()) if len(of_pairs) else (np.nan,) * 3
        rows.append((score, len(stack), len(of_pairs), *three, concordance(table), table.shape[1]))
    return pd.DataFrame(rows, columns=["score", "n_seeds", "n_pairs", "mean", "low", "high", "concordance", "n"])


def concordance(values: Array) -> float:
    """Return Kendall's W, corrected for ties: 1 where all rows have the same order, 0 where they share none.

    Args:
        values: Shape: [rater, item].

    Returns:
        W; missing for fewer than two raters or three items, or where no rater tells items apart.
    """
    from scipy.stats import rankdata

    n_raters, n_items = values.shape
    if n_raters < 2 or n_items < 3:
        return float("nan")
    ranks = rankdata(values, axis=1)
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
            shared = [float(np.minimum(first, second).sum()) / k for first, second in combinations(tops, 2)]
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
    means = known_mean(values, axis=0)
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
    """Say of F, D and R how far their order repeats from seed to seed, and how much of their variance.

    Args:
        bank: The bank.

    Returns:
        Sentences, or why it is not possible.

    Source:
        Tables 5 and 6.
    """
    n_seeds = len(bank.replicates)
    if n_seeds < 2:
        known = plural(n_seeds, "seed") if n_seeds else "no seed"
        return [f"Whether seeds agree: not possible, because {known} is known; two or more are needed."]
    agreement = rank_agreement(bank.replicates).set_index("score")
    split = variance_split(bank.replicates).set_index("score")
    sentences = []
    for score, letter in _LETTERS.items():
        parts = []
        mean, low, high = (number(agreement, score, name) for name in ("mean", "low", "high"))
        if not np.isnan(mean):
            n_pairs = plural(int(number(agreement, score, "n_pairs")), "pair")
            parts.append(
                f"the rank correlation between seeds is {signed(mean, 2)} on average ({signed(low, 2)} to "
                f"{signed(high, 2)} over {n_pairs} of seeds)"
            )
        of_one, of_mean = (number(split, score, name) for name in ("reliability", "reliability_of_mean"))
        if not np.isnan(of_one):
            parts.append(
                f"{of_one:.0%} of the variance in one seed is the same in every seed, and {of_mean:.0%} of that of the "
                f"mean over {n_seeds}"
            )
        if parts:
            sentences.append(f"{letter}: {'; '.join(parts)}.")
    return sentences

"""What a reader must know of a bank: whether seeds agree, confounds, and why cells are missing.

Pure functions of the bank's matrices; nothing is written.

    seed_agreement(bank.replicates)
    confounds(bank.scores)
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pandas as pd

from bloodbank.bank.scores import donation, matrix, recipience

MIN_LANGUAGES = 4  # a correlation over three points is ±1 more often than not
UNHEALTHY = "unhealthy"
VOID = "void"
NOT_MEASURED = "not measured"


def seed_agreement(replicates: Mapping[int, pd.DataFrame]) -> pd.DataFrame:
    """Correlate the ranks of F, D and R between every two seeds.

    Only cells measured in both seeds enter, into D and R too: so ragged seeds are compared on equal terms.

    Args:
        replicates: F by seed.

    Returns:
        `seed_a`, `seed_b`, `score` ("finetune_score", "donation" or "recipience"), `rank_correlation`
        (Spearman's; missing for fewer than three values, or where one seed's values are all the same) and `n`
        (values compared).

    Shape:
        Three rows for every pair of seeds; no row for a single seed. F is `[donor, recipient]`.
    """
    rows = []
    for (seed_a, first), (seed_b, second) in combinations(sorted(replicates.items()), 2):
        both = first.notna() & second.notna()
        a, b = first.where(both), second.where(both)
        compared = {
            "finetune_score": (_cells(a), _cells(b)),
            "donation": (donation(a)["sum"], donation(b)["sum"]),
            "recipience": (recipience(a)["sum"], recipience(b)["sum"]),
        }
        for score, (left, right) in compared.items():
            rows.append((seed_a, seed_b, score, _rank_correlation(left, right), int(left.notna().sum())))
    return pd.DataFrame(rows, columns=["seed_a", "seed_b", "score", "rank_correlation", "n"])


def confounds(scores: pd.DataFrame, covariates: pd.DataFrame) -> pd.DataFrame:
    """Correlate D and R with how long each language's own model was trained, and with what else is known of it.

    Where data is balanced in characters, languages differ in updates, and giving may just follow training, or text in
    the recipient's language inside the donor's.

    Args:
        scores: The bank's table of languages, with donation, recipience, updates and tokens_seen.
        covariates: What else is known of each language; columns that are no numbers are left out.

    Returns:
        `score`, `quantity`, `correlation` (Pearson's, over languages), `n` (languages) and `note`, which is
        empty or says why a correlation is not possible.

    Shape:
        Two rows for each quantity: updates, tokens_seen, and those of `covariates`.
    """
    further = covariates.select_dtypes("number")
    further = further[[name for name in further if name not in scores]]
    table = scores.join(further)
    rows = []
    for score in ("donation", "recipience"):
        for quantity in ("updates", "tokens_seen", *map(str, further)):
            known = table[[score, quantity]].dropna()
            note = _obstacle(known, score, quantity)
            value = float("nan") if note else float(known[score].corr(known[quantity]))
            rows.append((score, quantity, value, len(known), note))
    return pd.DataFrame(rows, columns=["score", "quantity", "correlation", "n", "note"])


def missing_reasons(finetune: pd.DataFrame, health: pd.DataFrame) -> pd.DataFrame:
    """Say why each missing cell is missing.

    Args:
        finetune: F.
        health: Health of the models, with the monolingual ones on the diagonal.

    Returns:
        "unhealthy" (the pair's own model is unhealthy or failed), "void" (the recipient's monolingual
        model is) or "not measured"; None for measured cells and the diagonal.

    Shape:
        `[donor, recipient]`, as F.
    """
    codes = list(finetune.index)
    sick = health.isin(["unhealthy", "failed", "partly healthy"]).to_numpy(dtype=bool)
    sick_alone = np.broadcast_to(np.diag(sick)[None, :], sick.shape)  # [1, recipient], the same for every donor
    reasons = np.where(sick, UNHEALTHY, np.where(sick_alone, VOID, NOT_MEASURED)).astype(object)
    reasons[finetune.notna().to_numpy() | np.eye(len(codes), dtype=bool)] = None
    return matrix(reasons, codes, dtype=object)


def _cells(finetune: pd.DataFrame) -> pd.Series[float]:
    return pd.Series(finetune.to_numpy(dtype=float).ravel())


def _rank_correlation(left: pd.Series[float], right: pd.Series[float]) -> float:
    known = pd.DataFrame({"left": left, "right": right}).dropna()
    if len(known) < 3 or (known.nunique() < 2).any():
        return float("nan")
    ranks = known.rank()  # ties share their mean rank: Pearson's of these is Spearman's
    return float(ranks["left"].corr(ranks["right"]))


def _obstacle(known: pd.DataFrame, score: str, quantity: str) -> str:
    if len(known) < MIN_LANGUAGES:
        return f"not possible, because {len(known)} languages are fewer than {MIN_LANGUAGES}"
    for column in (quantity, score):
        if known[column].nunique() < 2:
            return f"not possible, because {column.replace('_', ' ')} is the same for all {len(known)} languages"
    return ""

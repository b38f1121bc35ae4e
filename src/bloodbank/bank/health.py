"""The state of the models behind a bank: health, convergence, whether seeds agree, and why cells are missing.

Pure functions of the rows that `select_rows` and `select_controls` give.

    health = health_matrix(rows, ("de", "fi", "hu"))
    states = model_states(rows)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from bloodbank.bank.measurements import CONTROLS, JOINT, NOT_CHECKED, ZERO_SHOT
from bloodbank.bank.scores import donation, matrix, recipience
from bloodbank.bank.scripts import OTHER_SCRIPT, between_scripts
from bloodbank.errors import UsageError

CONVERGED, FALLING, RISING, UNKNOWN = "converged", "falling", "rising", "unknown"
_STATES = (FALLING, RISING, UNKNOWN, CONVERGED)  # of a joint model with two states, the first of these counts
_SOUND = {"healthy", NOT_CHECKED}
UNHEALTHY, VOID, NOT_MEASURED = "unhealthy", "void", "not measured"  #: why a cell is missing
MIN_LANGUAGES = 4  #: a correlation over three points is ±1 more often than not
UNHEALTHY_TYPES = {"donor": object, "recipient": object, "seed": int, "health": object, "health_z": float}
UNCONVERGED_TYPES = {"protocol": object, "donor": object, "recipient": object, "seed": int, "convergence": object}


def health_matrix(rows: pd.DataFrame, languages: Sequence[str]) -> pd.DataFrame:
    """Say how healthy the models of each cell are, over all seeds.

    Returns:
        "healthy", "partly healthy" (not in all seeds), "unhealthy", "failed" or "missing"; "not checked" for a
        zero-shot score that did not fail.

    Shape:
        `[donor, recipient]`, with the monolingual models on the diagonal.
    """
    cells = matrix(np.full((len(languages),) * 2, "missing"), languages, dtype=object)
    for (donor, recipient), states in rows.groupby(["donor", "recipient"])["health"]:
        kinds = set(states)
        state = "partly healthy" if kinds & _SOUND and len(kinds) > 1 else max(kinds)
        cells.loc[donor or recipient, recipient] = state  # "unhealthy" sorts behind "failed", and so wins
    return cells


def unhealthy_models(rows: pd.DataFrame) -> pd.DataFrame:
    """List the models that are unhealthy or failed; `donor` is "" for a monolingual one.

    `health_z` is by how many standard errors MRR is above the unigram's.
    """
    columns = list(UNHEALTHY_TYPES)
    sick = rows.loc[~rows["health"].isin(_SOUND), columns].sort_values(columns[:3]).reset_index(drop=True)
    return sick.astype(UNHEALTHY_TYPES)


def model_states(rows: pd.DataFrame) -> pd.DataFrame:
    """Say of every model whether its loss on dev text had levelled off when training ended.

    Zero-shot rows are left out: they score the monolingual models. The two rows of a joint model, which is scored
    on both of its languages, are one; where they differ, "falling" counts before "rising", and both before the rest.

    Returns:
        `protocol`, `donor`, `recipient`, `seed` and `convergence`: "converged", "falling" (it was still falling),
        "rising" (it had been clearly lower earlier) or "unknown".

    Raises:
        UsageError: The table says something else of a model.

    Shape:
        One row for each model.
    """
    columns = list(UNCONVERGED_TYPES)
    if "convergence" not in rows.columns:
        rows = rows.assign(convergence="")
    known = rows["convergence"].astype(object).where(rows["convergence"].notna(), "").replace("", UNKNOWN)
    wrong = known[~known.isin(_STATES)]
    if not wrong.empty:
        allowed = f"{CONVERGED}, {FALLING}, {RISING}, or nothing where it is not known"
        raise UsageError(f"Unknown convergence {wrong.iloc[0]!r}. Allowed are {allowed}.")
    states = rows.assign(convergence=known, place=known.map(_STATES.index))[rows["protocol"] != ZERO_SHOT]
    donor, recipient = (states[side].to_numpy(dtype=object) for side in ("donor", "recipient"))
    turned = (states["protocol"] == JOINT).to_numpy() & (donor > recipient)
    states["one"], states["other"] = np.where(turned, recipient, donor), np.where(turned, donor, recipient)
    key = ["protocol", "one", "other", "seed"]
    states = states.sort_values([*key, "place", "donor"]).drop_duplicates(key)
    states["control"] = states["protocol"].isin(CONTROLS)  # the bank's own models first, of these M_t with donor ""
    states = states.sort_values(["control", "donor", "recipient", "protocol", "seed"])
    return states[columns].reset_index(drop=True).astype(UNCONVERGED_TYPES)


def count_states(states: pd.DataFrame) -> dict[str, int]:
    """Count the models by what `model_states` says of them."""
    counts = states["convergence"].value_counts()
    return {state: int(counts.get(state, 0)) for state in (CONVERGED, FALLING, RISING, UNKNOWN)}


def unconverged_models(states: pd.DataFrame) -> pd.DataFrame:
    """Keep the models whose loss was still falling, or rising, when training ended."""
    return states[states["convergence"].isin([FALLING, RISING])].reset_index(drop=True)


def seed_agreement(replicates: Mapping[int, pd.DataFrame]) -> pd.DataFrame:
    """Correlate the ranks of F, D and R between every two seeds.

    Only cells measured in both seeds enter, into D and R too: so ragged seeds are compared on equal terms.

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


def missing_reasons(finetune: pd.DataFrame, health: pd.DataFrame) -> pd.DataFrame:
    """Say why each missing cell is missing.

    Returns:
        "unhealthy" (the pair's own model is unhealthy or failed), "void" (the recipient's monolingual
        model is), "other script" (of a zero-shot score) or "not measured"; None for measured cells and the diagonal.

    Shape:
        `[donor, recipient]`, as F.
    """
    codes = list(finetune.index)
    sick = health.isin(["unhealthy", "failed", "partly healthy"]).to_numpy(dtype=bool)
    sick_alone = np.broadcast_to(np.diag(sick)[None, :], sick.shape)  # [1, recipient], the same for every donor
    apart = between_scripts(codes) & (health == NOT_CHECKED).to_numpy(dtype=bool)  # as only zero-shot scores are
    rest = np.where(apart, OTHER_SCRIPT, NOT_MEASURED)
    reasons = np.where(sick, UNHEALTHY, np.where(sick_alone, VOID, rest)).astype(object)
    reasons[finetune.notna().to_numpy() | np.eye(len(codes), dtype=bool)] = None
    return matrix(reasons, codes, dtype=object)


def _cells(finetune: pd.DataFrame) -> pd.Series[float]:
    return pd.Series(finetune.to_numpy(dtype=float).ravel())


def _rank_correlation(left: pd.Series[float], right: pd.Series[float]) -> float:
    known = (left.notna() & right.notna()).to_numpy()
    values = [side[known] for side in (left.to_numpy(dtype=float), right.to_numpy(dtype=float))]
    if known.sum() < 3 or any((side == side[0]).all() for side in values):
        return float("nan")
    ranks = [pd.Series(side).rank() for side in values]  # ties share their mean rank: Pearson's of these is Spearman's
    return float(ranks[0].corr(ranks[1]))

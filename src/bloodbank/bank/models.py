"""The state of the models behind a bank: health, and whether training had converged.

Pure functions of the rows that `select_rows` and `select_controls` give; nothing is written.

    health = health_matrix(rows, ("de", "fi", "hu"))
    states = model_states(rows)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bloodbank.bank.measurements import CONTROLS, JOINT, NOT_CHECKED, ZERO_SHOT
from bloodbank.bank.scores import matrix
from bloodbank.errors import UsageError

CONVERGED, FALLING, RISING, UNKNOWN = "converged", "falling", "rising", "unknown"
_STATES = (FALLING, RISING, UNKNOWN, CONVERGED)  # of a joint model with two states, the first of these counts
_SOUND = {"healthy", NOT_CHECKED}
UNHEALTHY_TYPES = {"donor": object, "recipient": object, "seed": int, "health": object, "health_z": float}
UNCONVERGED_TYPES = {"protocol": object, "donor": object, "recipient": object, "seed": int, "convergence": object}


def health_matrix(rows: pd.DataFrame, languages: Sequence[str]) -> pd.DataFrame:
    """Say how healthy the models of each cell are, over all seeds.

    Args:
        rows: Monolingual rows and those of one protocol.
        languages: Codes, in the order of the matrix.

    Returns:
        "healthy", "partly healthy" (not in all seeds), "unhealthy", "failed" or "missing"; "not checked" for a
        zero-shot score that did not fail.

    Shape:
        `[donor, recipient]`, with the monolingual models on the diagonal.
    """
    cells = matrix(np.full((len(languages),) * 2, "missing"), languages, dtype=object)
    for (donor, recipient), states in rows.groupby(["donor", "recipient"])["health"]:
        found = set(states)
        state = "partly healthy" if found & _SOUND and len(found) > 1 else max(found)
        cells.loc[donor or recipient, recipient] = state  # "unhealthy" sorts behind "failed", and so wins
    return cells


def unhealthy_models(rows: pd.DataFrame) -> pd.DataFrame:
    """List the models that are unhealthy or failed.

    Args:
        rows: Monolingual rows and those of one protocol.

    Returns:
        `donor` ("" for a monolingual model), `recipient`, `seed`, `health` and `health_z` (standard errors by
        which MRR is above the unigram's).

    Shape:
        One row for each such model.
    """
    columns = list(UNHEALTHY_TYPES)
    sick = rows.loc[~rows["health"].isin(_SOUND), columns].sort_values(columns[:3]).reset_index(drop=True)
    return sick.astype(UNHEALTHY_TYPES)


def model_states(rows: pd.DataFrame) -> pd.DataFrame:
    """Say of every model whether its loss on dev text had levelled off when training ended.

    Zero-shot rows are left out: they score the monolingual models. The two rows of a joint model, which is scored
    on both of its languages, are one; where they differ, "falling" counts before "rising", and both before the rest.

    Args:
        rows: Rows of monolingual and pair models and of controls. A table that was written before there was
            a column `convergence` may lack it.

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

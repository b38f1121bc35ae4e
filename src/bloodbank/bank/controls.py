"""The controls beside F: what a recipient gains without any knowledge of another language.

M_{s,t} has had more updates than M_t, and may have read t for fewer passes: part of every F is that.

    scores = control_scores(measurements, languages=("de", "fi"), protocol="sequential", metric="mrr")
    compare_recipients(bank.finetune_scores, scores)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bloodbank.bank.measurements import (
    ALONE,
    CONTROLS,
    METRICS,
    MONOLINGUAL,
    OWN_CONTROLS,
    SHUFFLED,
    counted,
    select_controls,
    select_rows,
)

COLUMN_TYPES = {"control": object, "donor": object, "recipient": object, "finetune_score": float, "n_seeds": int}


def control_scores(
    measurements: pd.DataFrame,
    *,
    languages: Sequence[str],
    protocol: str,
    metric: str,
    include_unhealthy: bool = False,
    baseline: str = ALONE,
) -> pd.DataFrame:
    """Compare every control with the recipient's monolingual model of the same seed, as F does.

    A control that is the baseline stands in place of M_t, and is none any more.

    Unhealthy models are left out unless asked for, failed ones always; such an M_t voids the controls of t.

    Returns:
        `control` (one of `measurements.CONTROLS`), `donor` (the recipient itself but for "shuffled"), `recipient`,
        `finetune_score` (a fraction of ε(M_t), the mean over seeds; positive is a gain) and `n_seeds`.

    Raises:
        UsageError: The table cannot be used as asked; the message names the culprit.

    Shape:
        One row for each control that counts as measured in at least one seed; no row where there is none.

    Source:
        Equation 4, with the control in place of M_{s,t}.
    """
    rows, own = (
        select(measurements, languages=languages, protocol=protocol, metric=metric, baseline=baseline)
        for select in (select_controls, select_rows)
    )
    own = own[(own["protocol"] == MONOLINGUAL) & counted(own, include_unhealthy=include_unhealthy)]
    rows = rows[counted(rows, include_unhealthy=include_unhealthy)]
    both = rows.merge(own[["recipient", "seed", "value"]], on=["recipient", "seed"], suffixes=("", "_alone"))
    both = both[both["value_alone"] > 0]  # F is not defined otherwise
    alone = both["value_alone"].astype(float)
    gains = METRICS[metric].sign * (both["value"].astype(float) - alone) / alone + 0.0  # + 0.0 turns -0 into 0
    groups = both.assign(gain=gains).groupby(["protocol", "donor", "recipient"])["gain"]
    table = groups.agg(finetune_score="mean", n_seeds="count").reset_index().rename(columns={"protocol": "control"})
    order = [
        table["control"].map(CONTROLS.index),
        *(table[side].map(list(languages).index) for side in ("donor", "recipient")),
    ]
    places = np.lexsort([keys.to_numpy(dtype=int) for keys in reversed(order)])
    return table.iloc[places].reset_index(drop=True).astype(COLUMN_TYPES)


def compare_recipients(finetune: pd.DataFrame, controls: pd.DataFrame) -> pd.DataFrame:
    """Put each recipient's mean F beside its controls.

    Returns:
        `mean_finetune_score` (over donors), then the controls that were measured: `OWN_CONTROLS`, and `shuffled`
        (mean over its donors) with `same_donors`, whether these are the donors of the mean F. Fractions of ε(M_t);
        positive is a gain.

    Shape:
        One row for each recipient; F is `[donor, recipient]`.
    """
    table = pd.DataFrame({"mean_finetune_score": finetune.mean(axis="index")})
    for control in OWN_CONTROLS:
        of_kind = controls[controls["control"] == control]
        if not of_kind.empty:
            table[control] = of_kind.set_index("recipient")["finetune_score"].reindex(table.index)
    shuffled = controls[controls["control"] == SHUFFLED]
    if not shuffled.empty:
        by_recipient = shuffled.groupby("recipient")
        table[SHUFFLED] = by_recipient["finetune_score"].mean().reindex(table.index)
        donors = {str(code): set(group) for code, group in by_recipient["donor"]}
        table["same_donors"] = [
            donors.get(str(code), set()) == set(finetune.index[finetune[code].notna()]) for code in table.index
        ]
    return table


def compare_pairs(finetune: pd.DataFrame, controls: pd.DataFrame) -> pd.DataFrame:
    """Put F beside `shuffled` for every pair in which both were measured.

    Returns:
        `donor`, `recipient`, `finetune_score` and `shuffled`, fractions of ε(M_t); positive is a gain.

    Shape:
        One row for each pair; F is `[donor, recipient]`.
    """
    shuffled = controls.loc[controls["control"] == SHUFFLED, ["donor", "recipient", "finetune_score"]]
    pairs = shuffled.rename(columns={"finetune_score": SHUFFLED}).reset_index(drop=True)
    cells = [float(finetune.loc[s, t]) for s, t in zip(pairs["donor"], pairs["recipient"], strict=True)]
    pairs.insert(2, "finetune_score", pd.Series(cells, index=pairs.index, dtype=float))
    return pairs.dropna().reset_index(drop=True)

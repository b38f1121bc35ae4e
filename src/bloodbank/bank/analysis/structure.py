r"""How much of F is what a donor gives to all plus what a recipient takes from all, and does it hold between seeds?

Reads a bank; writes nothing.

    print(*additive_sentences(bank), sep="\n")
    print(*stability_sentences(bank), sep="\n")
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from bloodbank.bank.additive import additive_fit
from bloodbank.bank.bank import Bank
from bloodbank.bank.names import plural, signed
from bloodbank.bank.stability import language_spread, rank_agreement, top_overlap, variance_split

_LETTERS = {"finetune_score": "F", "donation": "D", "recipience": "R"}


def additive_sentences(bank: Bank) -> list[str]:
    """Say what share of the variance of F the additive model explains, beside what noise alone would give it.

    Args:
        bank: The bank.

    Returns:
        Sentences, or why it is not possible.
    """
    fit = additive_fit(bank.finetune_scores)
    if np.isnan(fit.r_squared):
        return ["The additive model of F: not possible, because fewer than two different cells are measured."]
    if fit.n_cells <= fit.n_parameters:
        return [
            f"The additive model of F: not possible, because it has {fit.n_parameters} parameters for "
            f"{plural(fit.n_cells, 'cell')} and fits them whatever they are."
        ]
    # Of cells that were nothing but independent noise, each free parameter but the mean would explain its part.
    chance = (fit.n_parameters - 1) / (fit.n_cells - 1)
    residual = np.sqrt(float((fit.residuals.to_numpy(dtype=float) ** 2)[fit.residuals.notna().to_numpy()].mean()))
    said = [
        f"Donor plus recipient effects explain {fit.r_squared:.0%} of the variance of F over "
        f"{plural(fit.n_cells, 'cell')}; of independent noise they would explain {chance:.0%}. What is left over has a "
        f"standard deviation of {100 * residual:.1f} percentage points."
    ]
    if fit.n_groups > 1:
        return said
    donors, recipients = fit.donors.dropna().var(ddof=0), fit.recipients.dropna().var(ddof=0)
    larger, smaller = ("recipient", "donor") if recipients >= donors else ("donor", "recipient")
    return [
        *said,
        f"Who the {larger} is matters more than who the {smaller} is: the effects have standard deviations of "
        f"{100 * np.sqrt(max(donors, recipients)):.1f} and {100 * np.sqrt(min(donors, recipients)):.1f} points.",
    ]


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

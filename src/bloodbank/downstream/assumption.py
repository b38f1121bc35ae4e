"""The method's central assumption: donors that help a recipient's masked language model help its zero-shot scores too.

Pure functions; nothing is read or written.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from bloodbank.downstream.findings import Finding, not_evaluated, over_languages, rank_correlation, said

_KEY = "assumption: Z(s→t) and F(s→t)"
_CLAIM = "Of the donors of a recipient, those with higher F give better zero-shot scores, both of bilingual models."
_UNIT = "mean rank correlation within recipient"
_LEAST = 3  # donors of a recipient


def assumption(scores: pd.DataFrame, finetune: pd.DataFrame, level: float) -> Finding:
    """Correlate zero-shot scores of bilingual models with F within each recipient.

    Within a recipient F and ε(M_{s,t}, t) have the same ranks, so one correlation answers for both.

    Args:
        scores: Main scores of taggers whose encoder is M_{s,t}, fine-tuned on s: `pretraining_set`, `source`,
            `target`, `seed`, `score`.
        finetune: F. Shape: `[donor, recipient]`.
        level: Probability that an interval holds the true mean over recipients.

    Returns:
        The mean over recipients of Spearman's correlation over donors, with its t interval over recipients.
    """
    table = within_recipient(scores, finetune)
    known = table["correlation"].dropna()
    if len(known) < 2:
        why = (
            f"{len(known)} recipients have {_LEAST} donors or more whose bilingual models were fine-tuned; "
            '`downstream.bilingual` does it, for the models of this run that `grid.keep_models = "all"` has kept'
        )
        return not_evaluated(_KEY, _CLAIM, _UNIT, why)
    value, low, high = over_languages(known.to_numpy(dtype=float), level)
    each = ", ".join(f"{code} {r:+.2f}" for code, r in known.items())
    note = f"{len(known)} recipients, {int(table['n_donors'].min())} donors or more each: {each}"
    return Finding(_KEY, _CLAIM, _UNIT, value, low, high, said(low, high), "languages", note)


def within_recipient(scores: pd.DataFrame, finetune: pd.DataFrame) -> pd.DataFrame:
    """Give the rank correlation of each recipient: `correlation` (missing with too few donors) and `n_donors`."""
    found = {}
    for code in finetune.columns:
        # M_{s,t} fine-tuned on s and tested on t: its own pair only.
        with_code = np.array([code in text.split("+") for text in scores["pretraining_set"]], dtype=bool)
        own = scores[with_code & (scores["target"] == code) & (scores["source"] != code)]
        means = own.groupby("source")["score"].mean().dropna()
        gains = finetune[code].reindex(means.index).to_numpy(dtype=float)
        n_donors = int((~np.isnan(gains)).sum())
        if n_donors:
            r = rank_correlation(means.to_numpy(dtype=float), gains, 0.95)[0] if n_donors >= _LEAST else np.nan
            found[code] = (r, n_donors)
    return pd.DataFrame.from_dict(found, orient="index", columns=["correlation", "n_donors"])

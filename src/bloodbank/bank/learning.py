"""How far each language's own model got beyond the unigram distribution of its training text, in every seed.

A model that stays there knows frequencies and nothing else: what it gives or takes then tells of how well it learned.

    gains = gains_over_unigram(bank)
"""

from __future__ import annotations

import pandas as pd

from bloodbank.bank.bank import Bank
from bloodbank.bank.measurements import METRICS, MONOLINGUAL, counted, select_rows

UNIGRAM = "unigram"  #: column of the measurements: the score of the unigram distribution on the same masked pieces


def gains_over_unigram(bank: Bank) -> pd.DataFrame | None:
    """Compare ε(M_l) with the score of the unigram distribution.

    Args:
        bank: With its measurements.

    Returns:
        The ratio of the two for MRR and accuracy (1: no better); for losses the unigram's less the model's, in the
        metric's unit (0: no better). Missing where M_l does not count. None where the bank has no measurements, or
        they do not tell the unigram's score.

    Shape:
        `[language, seed]`, languages in the order of the bank.
    """
    table = bank.measurements
    if table is None or UNIGRAM not in table:
        return None
    rows = select_rows(table, languages=bank.languages, protocol=bank.protocol, metric=bank.metric)
    own = rows[(rows["protocol"] == MONOLINGUAL) & counted(rows, include_unhealthy=bank.include_unhealthy)]
    value, floor = own["value"].astype(float), pd.to_numeric(own[UNIGRAM], errors="coerce").astype(float)
    if floor.isna().all():
        return None
    gain = value / floor.where(floor > 0) if METRICS[bank.metric].higher_is_better else floor - value
    by_seed = own.assign(gain=gain).pivot_table(index="recipient", columns="seed", values="gain")
    return by_seed.reindex(list(bank.languages)).rename_axis(index="language")

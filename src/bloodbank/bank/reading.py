"""How much of a recipient's text its bilingual models read, beside what M_t read of it.

Where the two differ, F holds what more, or less, reading of t gives, whoever the donor is.

    tokens_of_recipient(rows, "sequential")  # {"de": 0.42, ...}: M_{s,de} read 42% of what M_de read of de
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from bloodbank.bank.measurements import JOINT, MONOLINGUAL, ZERO_SHOT


def tokens_of_recipient(rows: pd.DataFrame, protocol: str) -> dict[str, float]:
    """Say what M_{s,t} reads of t, as a multiple of what M_t reads: 1 where passes are equal.

    Tables tell the tokens of all phases of a model together: what M_s read is taken off, and a joint model is taken to
    read its two languages in the proportion of their own models.

    Args:
        rows: From `select_rows`, with the baseline "alone".
        protocol: Of the bilingual models.

    Returns:
        The mean over donors and seeds, by recipient in the order of codes; without recipients of which the table does
        not tell, and empty for "zero_shot", whose models read nothing of t.
    """
    if protocol == ZERO_SHOT:
        return {}
    key, tokens = ["recipient", "seed"], "tokens_seen"
    own = rows.loc[rows["protocol"] == MONOLINGUAL, [*key, tokens]]
    pairs = rows.loc[rows["protocol"] == protocol, ["donor", *key, tokens]]
    of_donor = own.rename(columns={"recipient": "donor", tokens: "of_donor"})
    both = pairs.merge(of_donor, on=["donor", "seed"]).merge(own.rename(columns={tokens: "alone"}), on=key)
    counts = both[[tokens, "of_donor", "alone"]].astype(float)
    if protocol == JOINT:
        share = counts[tokens] / (counts["of_donor"] + counts["alone"])
    else:
        share = (counts[tokens] - counts["of_donor"]) / counts["alone"]
    known = share.where((share > 0) & np.isfinite(share)).groupby(both["recipient"]).mean().dropna()
    return {str(code): float(value) for code, value in known.items()}

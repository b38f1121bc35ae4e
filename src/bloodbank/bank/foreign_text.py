"""How much of each language's training text is in other languages, and where that is more than an audit flags.

Pure functions of a bank's covariates; nothing is read or written.

    foreign_shares(bank.covariates), much_foreign(bank.covariates)
"""

from __future__ import annotations

import pandas as pd

from bloodbank.bank.averages import FOREIGN_SHARE
from bloodbank.corpus.audit_record import FOREIGN_LIMIT


def foreign_shares(covariates: pd.DataFrame) -> pd.Series[float] | None:
    """Return the share of each language's training text that is in other languages.

    Args:
        covariates: Of a bank.

    Returns:
        Shares of the characters, 0 to 1, missing where not measured or no number; None where the bank has no such
        column.
    """
    if FOREIGN_SHARE not in covariates:
        return None
    return pd.to_numeric(covariates[FOREIGN_SHARE], errors="coerce").astype(float)


def much_foreign(covariates: pd.DataFrame) -> pd.Series[bool]:
    """Tell of which languages the share is above the limit of an audit; of none where it is not known.

    Args:
        covariates: Of a bank.
    """
    shares = foreign_shares(covariates)
    return pd.Series(data=False, index=covariates.index) if shares is None else shares > FOREIGN_LIMIT

"""What is known of the languages of a bank beside its scores: foreign text, translated text, fertility, and more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

FOREIGN_SHARE, FERTILITY = "foreign_share", "fertility"  #: covariates of a run: of characters, 0 to 1; pieces a word
TRANSLATED_SHARE = "translated_share"  #: covariate of a run: of test paragraphs, most in one other text, 0 to 1


def no_covariates(languages: Sequence[str]) -> pd.DataFrame:
    """Make the table of a bank of whose languages nothing further is known: a row for each, and no column."""
    return by_language({}, languages)


def by_language(columns: Mapping[str, Mapping[str, object]], languages: Sequence[str]) -> pd.DataFrame:
    """Make a table of covariates: numbers where a column holds nothing else, text or None otherwise."""
    index = pd.Index(list(languages), name="language")
    table = {}
    for name, values in columns.items():
        cells = [values.get(code) for code in languages]
        kind = object if any(isinstance(cell, str) for cell in cells) else float
        table[name] = pd.Series(cells, index=index, dtype=kind)
    return pd.DataFrame(table, index=index, columns=pd.Index(list(table)))


def foreign_shares(covariates: pd.DataFrame) -> pd.Series[float] | None:
    """Return the share of each language's training text that is in other languages, of characters, 0 to 1.

    Missing where it was not measured or is no number; None where the covariates have no such column.
    """
    if FOREIGN_SHARE not in covariates:
        return None
    return pd.to_numeric(covariates[FOREIGN_SHARE], errors="coerce").astype(float)


def much_foreign(covariates: pd.DataFrame) -> pd.Series[bool]:
    """Tell of which languages the share is above the limit of an audit; of none where it is not known."""
    from bloodbank.experiment.settings import FOREIGN_LIMIT

    shares = foreign_shares(covariates)
    return pd.Series(data=False, index=covariates.index) if shares is None else shares > FOREIGN_LIMIT

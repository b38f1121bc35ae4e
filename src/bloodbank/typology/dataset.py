"""What a reader of typological data hands over, the same for every format."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True, eq=False)
class Dataset:
    """A typological dataset as it stands, before its languages are matched with the table of languages."""

    entries: pd.DataFrame  #: one row for each of its languages, by its own id: name, glottocode, iso639_3 ("" if none)
    known: pd.DataFrame  #: entry, feature, value: one row for each *known* value, a category in words
    names: pd.Series[str]  #: feature -> its name
    source: str
    licence: str
    citation: str
    notes: tuple[str, ...] = ()  #: sentences on what was read as missing, and why

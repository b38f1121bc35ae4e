"""Typological features for the page: what is known of at least one language, as places in a list of words.

Nothing is read or written.

    typology_of(load_features(codes, Path("wals/cldf")), codes)
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from bloodbank.explorer.schema import Feature, Typology
from bloodbank.typology import Features


def typology_of(features: Features, codes: Sequence[str]) -> Typology:
    """Lay features out for the page.

    Args:
        features: The features; languages that are not in them are known for none.
        codes: Of the languages of the page.

    Returns:
        The features that are known of at least one of the languages, in the order of the source.
    """
    table = features.categories.reindex(list(codes))
    found = []
    for feature in table.columns:
        words = [None if pd.isna(cell) else str(cell) for cell in table[feature]]
        values = sorted({word for word in words if word is not None})
        if not values:
            continue
        where = {word: place for place, word in enumerate(values)}
        found.append(
            Feature(
                id=str(feature),
                name=str(features.names.get(feature, feature)),
                values=values,
                of=[None if word is None else where[word] for word in words],
            )
        )
    return Typology(
        source=features.source,
        licence=features.licence,
        citation=features.citation,
        notes=list(features.notes),
        features=found,
    )


def entries_of(features: Features | None, codes: Sequence[str]) -> dict[str, tuple[str | None, str]]:
    """Say of each language where it stands in the source of the features: its id there, and how it was found."""
    if features is None:
        return dict.fromkeys(codes, (None, ""))
    matches = features.matches.reindex(list(codes))
    found = {}
    for code, entry, how in zip(codes, matches["entry"], matches["how"], strict=True):
        found[code] = (None if pd.isna(entry) else str(entry), "not asked for" if pd.isna(how) else str(how))
    return found

"""How near languages are to each other by what is known without any training: family, script, typology, the map.

near = relations(["de", "sv", "fi"], load_features(["de", "sv", "fi"]))
near.nearness["family"].loc["de", "sv"]     # groups of the family tree that both belong to
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bloodbank.errors import UsageError
from bloodbank.languages import find_language
from bloodbank.typology.features import Features, distances
from bloodbank.typology.matching import match_languages
from bloodbank.typology.uriel import read_clades

FAMILY, SCRIPT, TYPOLOGY, MAP = KINDS = ("family", "script", "typology", "map")
NO_DESCENT = ("Artificial Language", "Pidgin")  # families of the table of languages that are none
_EARTH_KM = 6371.0  # mean radius


@dataclass(frozen=True, eq=False)
class Relations:
    """How near any two languages are.

    Attributes:
        nearness: By kind; larger is nearer, missing where it is not known. "family": groups of the tree that both
            belong to, 0 for none; "script": 1 for the same, else 0; "typology": minus the share of features in which
            they differ; "map": minus the distance in km along a great circle.
        sources: By kind, where it comes from, or why nothing is known.

    Shape:
        `[language, language]`, symmetric, with a missing diagonal.
    """

    nearness: dict[str, pd.DataFrame]
    sources: dict[str, str]


def relations(languages: Sequence[str], features: Features | str) -> Relations:
    """Say how near languages are to each other.

    Args:
        languages: Codes. Those that the table of languages lacks are near to nobody that is known.
        features: Typological features of these languages, or why there are none.

    Returns:
        All kinds; of one that is not known every cell is missing.
    """
    codes = list(languages)
    known = {code: find_language(code) for code in codes}
    family, of_family = _shared_groups(codes)
    scripts = [None if language is None else language.script for language in known.values()]
    same = np.array([[np.nan if None in (a, b) else float(a == b) for b in scripts] for a in scripts])
    typology, of_typology = np.full((len(codes),) * 2, np.nan), features
    if isinstance(features, Features):
        typology, of_typology = -distances(features).reindex(index=codes, columns=codes).to_numpy(), features.source
    cells = {FAMILY: family, SCRIPT: same, TYPOLOGY: typology, MAP: -_kilometres(codes)}
    for nearness in cells.values():
        np.fill_diagonal(nearness, np.nan)
    index = pd.Index(codes, name="language")
    return Relations(
        {kind: pd.DataFrame(nearness, index, index.rename("other")) for kind, nearness in cells.items()},
        {FAMILY: of_family, SCRIPT: "table of languages", TYPOLOGY: str(of_typology), MAP: "table of languages"},
    )


def _shared_groups(codes: Sequence[str]) -> tuple[np.ndarray, str]:
    """Count the groups of the family tree that two languages share; of a language without a family nothing is known."""
    families = {code: language.family for code in codes if (language := find_language(code)) and language.family}
    groups = {code: {family} for code, family in families.items() if family not in NO_DESCENT}
    source = "topmost groups of Glottolog; finer ones need the package urielplus"
    try:
        tree = read_clades()
    except UsageError:
        tree = None
    if tree is not None:
        source = tree.source
        matches = match_languages(list(groups), tree)
        wanted = {match.entry for match in matches.values()}
        members = tree.known[tree.known["entry"].isin(wanted)].groupby("entry")["feature"].agg(set).to_dict()
        for code, match in matches.items():
            groups[code] |= {tree.names[feature] for feature in members.get(match.entry, ())}
    return np.array(
        [[float(len(groups[a] & groups[b])) if a in groups and b in groups else np.nan for b in codes] for a in codes]
    ), source


def _kilometres(codes: Sequence[str]) -> np.ndarray:
    places = [find_language(code) for code in codes]
    points = [(np.nan,) * 2 if place is None else (place.latitude, place.longitude) for place in places]
    north, east = np.radians(np.array(points, dtype=float)).T
    half = np.sin((north[:, None] - north) / 2) ** 2
    half = half + np.cos(north[:, None]) * np.cos(north) * np.sin((east[:, None] - east) / 2) ** 2
    return np.asarray(2 * _EARTH_KM * np.arcsin(np.sqrt(np.clip(half, 0, 1))))

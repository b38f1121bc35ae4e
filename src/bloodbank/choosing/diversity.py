"""Linguistic diversity as a constraint on a set of languages: so many per family or script, or a least distance.

Diversity(max_per_family=1, min_distance=0.3, distances=distances(load_features(bank.languages)))
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from bloodbank.errors import UsageError
from bloodbank.languages import find_language


@dataclass(frozen=True, eq=False)
class Diversity:
    """What a set of languages must keep to. A constraint that cannot be checked is not kept.

    So a language of unknown family cannot join a set with a limit per family, and one of unknown distance cannot join
    a set with a least distance: missing is missing, not different.
    """

    max_per_family: int | None = None  #: languages of one family (Glottolog's topmost group)
    max_per_script: int | None = None  #: languages of one script
    min_distance: float | None = None  #: between every two of the set, 0 to 1: share of features that differ
    distances: pd.DataFrame | None = None  #: [language, language]; see `bloodbank.typology.distances`
    families: Mapping[str, str] | None = None  #: code -> family, before the table of languages
    scripts: Mapping[str, str] | None = None  #: code -> script, before the table of languages

    def __post_init__(self) -> None:
        for name in ("max_per_family", "max_per_script"):
            limit = getattr(self, name)
            if limit is not None and limit < 1:
                raise UsageError(f"{name} is {limit}; it must be at least 1, or left out.")
        if self.min_distance is None:
            return
        if not 0 <= self.min_distance <= 1:  # also refuses a NaN
            raise UsageError(f"min_distance is {self.min_distance}; distances go from 0 (all alike) to 1 (none alike).")
        if self.distances is None:
            raise UsageError("min_distance needs distances between languages: give features to take them from.")

    def rules(self, languages: Sequence[str]) -> Rules:
        """Work the constraints out for these languages."""
        codes = list(languages)
        caps = [
            Cap(kind, limit, tuple(_label(code, kind, known) for code in codes))
            for kind, limit, known in (
                ("family", self.max_per_family, self.families),
                ("script", self.max_per_script, self.scripts),
            )
            if limit is not None
        ]
        apart = None
        if self.min_distance is not None and self.distances is not None:
            apart = self.distances.reindex(index=codes, columns=codes).to_numpy(dtype=float, copy=True)
            np.fill_diagonal(apart, np.inf)
        return Rules(tuple(codes), tuple(caps), apart, self.min_distance or 0.0)

    def words(self) -> str:
        """Say what is asked for; empty where nothing is."""
        parts = [
            f"at most {limit} per {kind}"
            for kind, limit in (("family", self.max_per_family), ("script", self.max_per_script))
            if limit is not None
        ]
        if self.min_distance is not None:
            parts.append(f"at least {self.min_distance:g} apart in features")
        return ", ".join(parts)


@dataclass(frozen=True)
class Cap:
    """At most so many languages with the same label."""

    kind: str
    limit: int
    labels: tuple[str | None, ...]  #: one for each language; None where it is not known


@dataclass(frozen=True, eq=False)
class Rules:
    """The constraints for one list of languages, which are meant by their places in it."""

    codes: tuple[str, ...]
    caps: tuple[Cap, ...]
    apart: np.ndarray | None  #: distances [language, language], missing where unknown
    min_distance: float

    @property
    def near(self) -> np.ndarray:
        """Which two languages may not be in one set, `[language, language]`; an unknown distance counts as near."""
        n_languages = len(self.codes)
        return np.zeros((n_languages, n_languages), bool) if self.apart is None else ~(self.apart >= self.min_distance)

    def obstacle(self, candidate: int, chosen: Sequence[int]) -> str:
        """Say why a language cannot join those that are chosen; empty where it can."""
        for cap in self.caps:
            label = cap.labels[candidate]
            if label is None:
                return f"its {cap.kind} is not known, so {cap.limit} per {cap.kind} cannot be checked"
            same = [self.codes[place] for place in chosen if cap.labels[place] == label]
            if len(same) >= cap.limit:
                return f"{cap.kind} {label} already has {cap.limit} ({', '.join(same)})"
        if self.apart is not None:
            for place in chosen:
                distance = float(self.apart[candidate, place])
                if math.isnan(distance):
                    return f"its distance to {self.codes[place]} is not known"
                if distance < self.min_distance:
                    return f"too close to {self.codes[place]} ({distance:.3f}, less than {self.min_distance:g})"
        return ""

    def check(self, chosen: Sequence[int]) -> None:
        """Refuse languages that are kept in and break the constraints among themselves."""
        for n_before, place in enumerate(chosen):
            reason = self.obstacle(place, chosen[:n_before])
            if reason:
                raise UsageError(
                    f"{self.codes[place]} is to be kept in, but {reason}. Loosen the limit or keep it out."
                )

    def allowed(self, sets: np.ndarray) -> np.ndarray:
        """Say which of many sets keep to the constraints.

        Args:
            sets: Places of languages, each row one set.

        Returns:
            True for each set that does.

        Shape:
            `sets` is `[set, member]`; one value for each set.
        """
        fine = np.ones(len(sets), dtype=bool)
        for cap in self.caps:
            numbers, names = pd.factorize(np.array(cap.labels, dtype=object))  # -1 where not known
            labels = numbers[sets]
            fine &= (labels >= 0).all(axis=1)
            for group in range(len(names)):
                fine &= (labels == group).sum(axis=1) <= cap.limit
        if self.apart is not None:
            near = self.near
            for first, second in combinations(sets.T, 2):
                fine &= ~near[first, second]
        return fine


def _label(code: str, kind: str, known: Mapping[str, str] | None) -> str | None:
    if known is not None and code in known:
        return str(known[code])
    language = find_language(code)
    if language is None:
        return None
    return language.family if kind == "family" else language.script

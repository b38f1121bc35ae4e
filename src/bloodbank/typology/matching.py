"""Find the languages of the one table in a dataset that has ids of its own.

match_languages(["ne", "zh"], dataset)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd

from bloodbank.errors import UsageError
from bloodbank.languages import Language, get_language
from bloodbank.typology.dataset import Dataset

# The member of a macrolanguage that stands for it, by ISO 639-3: the one whose glottocode the table of languages
# gives. Needed where a dataset has no glottocodes.
MEMBERS = {
    "ar": "arb", "ay": "ayr", "az": "azj", "et": "ekk", "fa": "pes", "gn": "gug", "iu": "ike", "kg": "kng",
    "kr": "knc", "kv": "kpv", "lv": "lvs", "mg": "plt", "mn": "khk", "ms": "zsm", "ne": "npi", "no": "nob",
    "oj": "ojb", "om": "gaz", "or": "ory", "ps": "pbt", "qu": "quz", "sc": "src", "sq": "als", "sw": "swh",
    "uz": "uzn", "yi": "ydd", "za": "zyb", "zh": "cmn",
}  # fmt: skip
# The macrolanguage of a member, by ISO 639-3 and by the code that was retired for it.
MACROLANGUAGES = {
    "bs": ("hbs", "scr"), "hr": ("hbs", "scr"), "sr": ("hbs", "scr", "scc"), "nb": ("nor",), "nn": ("nor",),
}  # fmt: skip
# A macrolanguage's own entry is used beside its member's only if they agree on all of at least so many features:
# URIEL's `ara` and `zho` mix their members (Arabic with SVO and VSO), its `nep` is Nepali.
MIN_COMMON = 10


class Match(NamedTuple):
    """Where a language stands in a dataset."""

    entry: str | None  #: id in the dataset; None where the language is not there
    filled_from: str | None  #: a second entry, for what the first leaves open
    how: str  #: in words


def match_languages(languages: Sequence[str], dataset: Dataset) -> dict[str, Match]:
    """Find each language in a dataset: by glottocode, ISO 639-3, a member of the macrolanguage, or its macrolanguage.

    Of several entries with the same code, dialects for example, the one with the most known values is taken. A
    language without a known value is absent: no relative stands in for it.

    Args:
        languages: Codes of the table of languages; others are absent.
        dataset: The dataset.

    Returns:
        One match for each language.
    """
    finder = _Finder(dataset)
    return {code: finder.match(code) for code in languages}


class _Finder:
    def __init__(self, dataset: Dataset) -> None:
        values = dataset.known
        self._values = values.set_index("entry").sort_index()[["feature", "value"]]
        n_known = values.groupby("entry").size()
        known = dataset.entries[dataset.entries.index.isin(n_known.index)]
        # The first of a group is the entry with the most values; among equals the first by id.
        order = known.assign(n_known=n_known.reindex(known.index)).reset_index(names="id")
        order = order.sort_values(["n_known", "id"], ascending=[False, True])
        self._by = {
            column: dict(order[order[column] != ""].drop_duplicates(column).set_index(column)["id"])
            for column in ("glottocode", "iso639_3")
        }

    def match(self, code: str) -> Match:
        try:
            language = get_language(code)
        except UsageError:
            return Match(None, None, "absent: the code is not in the table of languages")
        for kind, column, wanted in _keys(language):
            entry = self._by[column].get(wanted) if wanted else None
            if entry is None:
                continue
            own = self._by["iso639_3"].get(language.iso639_3) if code in MEMBERS and language.iso639_3 else None
            if own in (None, entry):
                return Match(entry, None, f"{kind} {wanted}")
            n_common, n_agreeing = self._agreement(entry, str(own))
            if n_common >= MIN_COMMON and n_agreeing == n_common:
                return Match(entry, own, f"{kind} {wanted}, filled from {own}: they agree on all {n_common} in common")
            return Match(entry, None, f"{kind} {wanted}; not {own}, which agrees on {n_agreeing} of {n_common}")
        return Match(None, None, "absent")

    def _agreement(self, first: str, second: str) -> tuple[int, int]:
        both = self._values.loc[[first]].merge(self._values.loc[[second]], on="feature")
        return len(both), int((both["value_x"] == both["value_y"]).sum())


def _keys(language: Language) -> tuple[tuple[str, str, str | None], ...]:
    return (
        ("glottocode", "glottocode", language.glottocode),
        ("ISO 639-3", "iso639_3", language.iso639_3),
        ("member", "iso639_3", MEMBERS.get(language.code)),
        *(("macrolanguage", "iso639_3", code) for code in MACROLANGUAGES.get(language.code, ())),
    )


def values_of(match: Match, dataset_values: dict[str, pd.Series[str]]) -> pd.Series[str]:
    """Take a language's values from its entry, and what that leaves open from the second one."""
    empty: pd.Series[str] = pd.Series(dtype=object)
    own = dataset_values.get(match.entry, empty) if match.entry else empty
    other = dataset_values.get(match.filled_from, empty) if match.filled_from else empty
    return own.combine_first(other)

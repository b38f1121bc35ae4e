r"""Features of languages: categories in words, one table for every source.

Reads a CLDF folder, or the files of the installed `urielplus` package.

    python -c "import bloodbank.typology as t; print(*t.load_features(['fi', 'hu', 'pms']).lines(), sep='\n')"
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bloodbank.errors import UsageError
from bloodbank.typology.cldf import read_cldf
from bloodbank.typology.matching import match_languages, values_of
from bloodbank.typology.uriel import read_uriel

MIN_SHARED = 10  # features that two languages must both be known for, before a distance is given


@dataclass(frozen=True, eq=False)
class Features:
    """What is known of each language, in the order asked for.

    Shape:
        `categories` is `[language, feature]`, in words, None where it is not known.
    """

    categories: pd.DataFrame
    names: pd.Series[str]  #: feature -> its name in words
    matches: pd.DataFrame  #: language -> entry (id in the source, None if absent), filled_from, how
    source: str
    licence: str
    citation: str
    notes: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Say where the features come from, and how much is known of whom."""
        known = coverage(self)
        present, n_features = known[known["n_known"] > 0], self.categories.shape[1]
        absent = [str(code) for code in known.index[known["n_known"] == 0]]
        lines = [f"Features: {self.source}, {n_features} features. Licence of the data: {self.licence}."]
        if present.empty:
            lines.append(f"None of the {len(known)} languages is in it.")
        else:
            low, high = present["share"].min(), present["share"].max()
            spread = f"{low:.0%}" if round(low, 2) == round(high, 2) else f"{low:.0%} to {high:.0%}"
            lines.append(
                f"{len(present)} of {len(known)} languages are in it, each with {spread} of the features "
                f"(least: {present['share'].idxmin()}, most: {present['share'].idxmax()})."
                + (f" Nothing is known of {', '.join(absent)}." if absent else "")
            )
        return [*lines, *self.notes]

    def coverage_lines(self) -> list[str]:
        """Say for each language how many features are known of it, and how it was found."""
        known, n_features = coverage(self), self.categories.shape[1]
        return [
            f"{code}: {n_known} of {n_features} features ({share:.0%}); {f'{entry}, ' if entry else ''}{how}"
            for code, n_known, share, entry, how in known.itertuples()
        ]


def load_features(
    languages: Sequence[str], folder: str | Path | None = None, *, areas: Sequence[str] = ("syntax",)
) -> Features:
    """Load the features of languages from a CLDF folder, or URIEL's where none is given.

    Languages are found by glottocode, else by ISO 639-3, else by the member that stands for a macrolanguage (see
    `matching`). One that is absent is missing: nothing is guessed from relatives.

    Args:
        languages: Codes, in the order wanted.
        folder: Folder of a CLDF StructureDataset such as WALS or Grambank; None for URIEL.
        areas: For URIEL, which features: "syntax", "phonology", "inventory".

    Returns:
        The features. Those that are known of none of the languages are there too, all missing.

    Raises:
        UsageError: The folder or the package cannot be read, or a language is given twice.
    """
    codes = list(languages)
    twice = sorted({code for code in codes if codes.count(code) > 1})
    if twice:
        raise UsageError(f"Languages given twice: {', '.join(twice)}.")
    dataset = read_uriel(areas) if folder is None else read_cldf(folder)
    matches = match_languages(codes, dataset)
    wanted = {entry for match in matches.values() for entry in (match.entry, match.filled_from) if entry}
    chosen = dataset.known[dataset.known["entry"].isin(wanted)]
    by_entry = {str(entry): rows.set_index("feature")["value"] for entry, rows in chosen.groupby("entry")}
    table = {code: values_of(match, by_entry).reindex(dataset.names.index) for code, match in matches.items()}
    values = pd.DataFrame(table, index=dataset.names.index, dtype=object).T.reindex(codes)
    return Features(
        categories=values.where(values.notna(), None).rename_axis(index="language", columns="feature"),
        names=dataset.names,
        matches=pd.DataFrame(matches.values(), index=pd.Index(codes, name="language"), dtype=object),
        source=dataset.source,
        licence=dataset.licence,
        citation=dataset.citation,
        notes=dataset.notes,
    )


def features_or_reason(languages: Sequence[str], folder: str | Path | None = None) -> Features | str:
    """Load the features of languages, or say why there are none where no folder was given and URIEL is not installed.

    Args:
        languages: Codes, in the order wanted.
        folder: As `load_features` takes it.

    Raises:
        UsageError: The folder cannot be read, or a language is given twice.
    """
    try:
        return load_features(languages, folder)
    except UsageError:
        if folder is not None:
            raise
        return "no folder of features was given, and the package urielplus (URIEL) is not installed"


def coverage(features: Features, languages: Sequence[str] | None = None) -> pd.DataFrame:
    """Count the known features of each language.

    Args:
        features: The features.
        languages: Which languages; all by default. One without features counts as known for none.

    Returns:
        `n_known`, `share` (of all features, 0 to 1), `entry` (id in the source, None if absent) and `how` it was
        found.

    Shape:
        One row for each language.
    """
    order = list(features.categories.index if languages is None else languages)
    n_known = features.categories.notna().sum(axis="columns").reindex(order, fill_value=0).astype(int)
    matches = features.matches.reindex(order)
    return pd.DataFrame(
        {
            "n_known": n_known,
            "share": n_known / max(features.categories.shape[1], 1),
            "entry": matches["entry"].astype(object).where(matches["entry"].notna(), None),
            "how": matches["how"].fillna("not asked for"),
        }
    ).rename_axis(index="language")


def distances(features: Features, *, min_shared: int = MIN_SHARED) -> pd.DataFrame:
    """Give the share of features in which two languages differ, of those known for both.

    Args:
        features: The features.
        min_shared: Fewer features in common than this, and the distance is missing.

    Returns:
        Distances from 0 (all alike) to 1 (none alike).

    Shape:
        `[language, language]`, symmetric; the diagonal is 0.
    """
    n_common, n_alike = agreements(features.categories)
    with np.errstate(invalid="ignore"):
        apart = np.where(n_common >= max(min_shared, 1), 1 - n_alike / n_common, np.nan)
    np.fill_diagonal(apart, 0.0)
    codes = pd.Index(list(features.categories.index), name="language")
    return pd.DataFrame(apart, index=codes, columns=codes)


def agreements(values: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Count for every two languages the features known for both, and those in which they agree.

    Shape:
        Both `[language, language]`; values are `[language, feature]`.
    """
    known = values.notna().to_numpy()
    n_common = known.astype(float) @ known.T.astype(float)
    n_alike = np.zeros_like(n_common)
    for column in values:
        codes, categories = pd.factorize(values[column])  # -1 where missing
        shared = (codes[:, None] == np.arange(len(categories))[None, :]).astype(float)
        n_alike += shared @ shared.T
    return n_common, n_alike

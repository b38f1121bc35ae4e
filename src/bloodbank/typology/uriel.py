"""Read URIEL's features from the files of the installed `urielplus` package.

Reads `urielplus/database/original_uriel/features.npz` and the package's map of ISO 639-3 codes to glottocodes. The
package's own class is never made: it writes into its folder and sets up logging.

    read_uriel(["syntax"]).entries
    read_clades().known                # which groups of Glottolog's tree each language belongs to

The file holds what URIEL's sources say (WALS, Ethnologue, SSWL, six inventories of PHOIBLE) as yes, no or unknown, for
each source on its own. Nothing in it is predicted from other languages; those of URIEL's vectors that are
(`*_knn`, and what urielplus imputes) are not in this file.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from bloodbank.errors import UsageError
from bloodbank.typology.dataset import Dataset

PREFIXES = {"syntax": "S_", "phonology": "P_", "inventory": "INV_"}
_UNKNOWN, _NO, _YES = -1, 0, 1
_CITATION = (
    "Littell, Patrick, David R. Mortensen, Ke Lin, Katherine Kairis, Carlisle Turner and Lori Levin. 2017. URIEL and "
    "lang2vec: Representing languages as typological, geographical, and phylogenetic vectors. EACL 2017. As released "
    "with Khan, Aditya, et al. 2025. URIEL+: Enhancing Linguistic Inclusion and Usability in a Typological and "
    "Multilingual Knowledge Base. COLING 2025."
)


def read_uriel(areas: Sequence[str] = ("syntax",), *, folder: Path | None = None) -> Dataset:
    """Read URIEL's yes/no features.

    Args:
        areas: Which features: "syntax" (103: word order, affixes, marking), "phonology" (28) and "inventory"
            (158: which sounds there are).
        folder: The folder of the package `urielplus`; by default that of the installed one.

    Returns:
        The dataset, with "yes" and "no" as values. A feature that one source affirms and another denies for the
        same language is missing, for no reading of the two is safe.

    Raises:
        UsageError: The package is not installed, its files cannot be read, or an area is unknown.
    """
    unknown = sorted(set(areas) - set(PREFIXES))
    if unknown or not areas:
        culprit = f"Unknown area of features: {', '.join(unknown)}" if unknown else "No area of features is given"
        raise UsageError(f"{culprit}. Known: {', '.join(PREFIXES)}.")
    package = folder or _package()
    array, features, entries, n_contradicted = _read_array(package, tuple(PREFIXES[area] for area in areas))
    place, column = np.nonzero(array != _UNKNOWN)
    words = np.array(["no", "yes"], dtype=object)
    known = pd.DataFrame(
        {
            "entry": entries[place],
            "feature": features[column],
            "value": words[array[place, column].astype(int)],
        }
    )
    return Dataset(
        entries=_entries(package, entries),
        known=known,
        names=pd.Series([_name(str(feature)) for feature in features], index=features),
        source=f"URIEL ({', '.join(areas)}; files of urielplus {_version()})",
        licence="CC BY-SA 4.0",
        citation=_CITATION,
        notes=(
            f"What URIEL's sources contradict each other on is missing ({n_contradicted:,} of "
            f"{n_contradicted + len(known):,} values over all languages); nothing in it is predicted.",
        ),
    )


def read_clades(*, folder: Path | None = None) -> Dataset:
    """Read which groups of Glottolog's family tree each language belongs to, from the topmost down.

    Args:
        folder: The folder of the package `urielplus`; by default that of the installed one.

    Returns:
        The dataset: a feature for each group, and "yes" as its only value; a language is in no other group.

    Raises:
        UsageError: The package is not installed, or its files cannot be read.
    """
    package = folder or _package()
    names, by_source, entries = _load(package, "family_features.npz")
    place, column = np.nonzero((by_source == _YES).any(axis=2))
    features = names.astype(object)
    return Dataset(
        entries=_entries(package, entries.astype(object)),
        known=pd.DataFrame(
            {"entry": entries[place].astype(object), "feature": features[column], "value": "yes"}, dtype=object
        ),
        names=pd.Series([str(name).removeprefix("F_") for name in features], index=features),
        source=f"Glottolog's family tree in URIEL (files of urielplus {_version()})",
        licence="CC BY-SA 4.0",
        citation=_CITATION,
    )


def _package() -> Path:
    package = importlib.util.find_spec("urielplus")
    if package is None or not package.submodule_search_locations:
        raise UsageError(
            "URIEL's features come with the package urielplus, which is not installed: pip install urielplus "
            "(9 MB; needs numpy and pandas). Or give the folder of a CLDF dataset such as WALS or Grambank."
        )
    return Path(next(iter(package.submodule_search_locations)))


def _version() -> str:
    try:
        return version("urielplus")
    except PackageNotFoundError:  # a folder of its files, not an installed package
        return "of unknown version"


def _read_array(package: Path, prefixes: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    names, by_source, codes = _load(package, "features.npz")
    chosen = np.any([np.char.startswith(names, prefix) for prefix in prefixes], axis=0)
    cells = by_source[:, chosen, :]  # [language, feature, source]
    says_yes, says_no = (cells == _YES).any(axis=2), (cells == _NO).any(axis=2)
    array = np.where(says_yes, _YES, np.where(says_no, _NO, _UNKNOWN))
    contradicted = says_yes & says_no
    array[contradicted] = _UNKNOWN
    return array, names[chosen].astype(object), codes.astype(object), int(contradicted.sum())


def _load(package: Path, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Load names of features, values `[language, feature, source]`, and codes of languages."""
    path = package / "database" / "original_uriel" / name
    try:
        with np.load(path, allow_pickle=False) as file:
            return file["feats"], file["data"], file["langs"]
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise UsageError(
            f"{path} cannot be read as URIEL's features ({error}). Known to work: urielplus 1.3.2; install it again."
        ) from error


def _entries(package: Path, codes: np.ndarray) -> pd.DataFrame:
    path = package / "database" / "urielplus_csvs" / "uriel_glottocode_map.csv"
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)  # Min Nan is "nan"
        glottocodes = dict(zip(table["iso_code"], table["glottocode"], strict=True))
    except (OSError, ValueError, KeyError) as error:
        raise UsageError(f"{path} cannot be read as a map of codes ({error}).") from error
    return pd.DataFrame(
        {
            "name": "",
            "glottocode": [glottocodes.get(code, "") for code in codes],
            "iso639_3": codes,
        },
        index=pd.Index(codes, name="id"),
    )


def _name(feature: str) -> str:
    # "S_SUBJECT_BEFORE_VERB" -> "subject before verb"; orders such as "S_SOV" stay in capitals
    words = feature.partition("_")[2].split("_")
    return " ".join(word if set(word) <= set("SVOX") else word.lower() for word in words)

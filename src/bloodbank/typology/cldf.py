"""Read a folder in the Cross-Linguistic Data Format: WALS, Grambank, any StructureDataset.

Reads the metadata file (JSON) and the tables that it names (CSV). Tables and columns are found by
what the metadata say they are, never by their names, which differ from dataset to dataset:

    read_cldf(Path("wals/cldf")).entries

The format is CSV with a description, so the standard library and pandas read it. `pycldf`, the reader of the
format's own makers, would do more (validation, bibliographies) and brings some thirty packages along.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from bloodbank.errors import UsageError
from bloodbank.typology.dataset import Dataset

# "?" is what Grambank and WALS write for "not known", also where the metadata forget to say so.
_UNKNOWN = {"", "?"}
_TERMS = "cldf.clld.org/"
# The columns that are used of each table; one that begins with "*" must be there.
_TABLES = {
    "LanguageTable": ("*id", "name", "glottocode", "iso639P3code"),
    "ValueTable": ("*languageReference", "*parameterReference", "*value", "codeReference"),
    "ParameterTable": ("*id", "name"),
    "CodeTable": ("*id", "name", "description"),
}
_REQUIRED_TABLES = ("LanguageTable", "ValueTable")


def read_cldf(folder: str | Path) -> Dataset:
    """Read a StructureDataset.

    Args:
        folder: The folder with the metadata file, or the metadata file itself.

    Returns:
        The dataset. A value is named by its code where the dataset has a table of codes, else as it is written.
        Where a language has several values of one feature, they are one category: "SOV / SVO".

    Raises:
        UsageError: There is no such folder or metadata file, more than one, or no StructureDataset in it; a table
            or a column is missing or cannot be read. The message names the file.
    """
    path = _metadata_file(Path(folder))
    metadata = _read_json(path)
    module = _term(metadata.get("dc:conformsTo"))
    if module != "StructureDataset":
        raise UsageError(f"{path} describes {module or 'no CLDF dataset'}; features are read from a StructureDataset.")
    tables = {_term(table.get("dc:conformsTo")): table for table in _objects(metadata.get("tables"))}
    entries, values, parameters, codes = (
        _read_table(path, term, tables.get(term), dialect=metadata.get("dialect")) for term in _TABLES
    )
    entries = entries.drop_duplicates("id").set_index("id")
    named = parameters.drop_duplicates("id").set_index("id")["name"]
    ids = pd.Index(sorted(set(named.index) | set(values["parameterReference"])), name="feature")
    names = pd.Series([named.get(feature, "") or feature for feature in ids], index=ids, dtype=object)
    return Dataset(
        entries=entries.rename(columns={"iso639P3code": "iso639_3"}),
        known=_join(values, codes),
        names=names,
        source=str(metadata.get("dc:title") or metadata.get("rdf:ID") or path.parent.name),
        licence=str(metadata.get("dc:license") or "not stated"),
        citation=str(metadata.get("dc:bibliographicCitation") or "not stated"),
    )


def _metadata_file(folder: Path) -> Path:
    if folder.is_file():
        return folder
    if not folder.is_dir():
        raise UsageError(f"No folder {folder}. Give the folder of a CLDF dataset, the one with its *-metadata.json.")
    files = sorted(folder.glob("*-metadata.json"))
    if not files:
        inner = sorted(folder.glob("*/*-metadata.json"))
        hint = f" There is one in {inner[0].parent}." if inner else ""
        raise UsageError(f"{folder} holds no *-metadata.json, so it is no CLDF dataset.{hint}")
    structure = [file for file in files if file.name.startswith("StructureDataset")] or files
    if len(structure) > 1:
        raise UsageError(f"{folder} holds {', '.join(file.name for file in structure)}: give the path of one of them.")
    return structure[0]


def _read_json(path: Path) -> dict[str, Any]:
    try:
        metadata = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(metadata, dict):
        raise UsageError(f"{path} is no CLDF metadata: it holds a {type(metadata).__name__}, not an object.")
    return metadata


def _objects(content: object) -> list[dict[str, Any]]:
    # Of what should be a list of objects: those that are.
    return [item for item in content if isinstance(item, dict)] if isinstance(content, list) else []


def _term(url: object) -> str:
    # "http://cldf.clld.org/v1.0/terms.rdf#ValueTable" -> "ValueTable"
    return url.rpartition("#")[2] if isinstance(url, str) and _TERMS in url else ""


def _read_table(path: Path, term: str, table: dict[str, Any] | None, *, dialect: object) -> pd.DataFrame:
    columns = {name.lstrip("*"): name.startswith("*") for name in _TABLES[term]}
    if table is None:
        if term in _REQUIRED_TABLES:
            raise UsageError(f"{path} names no {term}; it is needed to read features.")
        return pd.DataFrame(columns=list(columns), dtype=str)
    schema = table.get("tableSchema")
    described = _objects(schema.get("columns")) if isinstance(schema, dict) else []
    written = {_term(column.get("propertyUrl")): column for column in reversed(described)}  # the first of each stays
    lacking = [name for name, needed in columns.items() if needed and name not in written]
    if lacking:
        raise UsageError(f"{path}: {term} has no column for {', '.join(lacking)}.")
    form = {key: value for each in _objects([dialect, table.get("dialect")]) for key, value in each.items()}
    encoding = str(form.get("encoding") or "utf-8")
    file = path.parent / str(table.get("url", ""))
    if not file.is_file():
        file = file.with_name(f"{file.name}.zip")  # large tables may be zipped
    try:
        content = pd.read_csv(
            file,
            dtype=str,
            keep_default_na=False,  # the code of Min Nan is "nan"
            sep=str(form.get("delimiter") or ","),
            quotechar=str(form.get("quoteChar") or '"'),
            encoding="utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding,
        )
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise UsageError(f"{path.parent / str(table.get('url', ''))} cannot be read as a table: {error}") from error
    result = {}
    for name, needed in columns.items():
        column = written.get(name, {})
        header = str(column.get("name", ""))
        if column and header not in content and needed:
            raise UsageError(f"{file} has no column {header!r}, which {path.name} promises.")
        cells = content[header] if header in content else pd.Series("", index=content.index)
        null = column.get("null", "")
        result[name] = cells.where(~cells.isin(null if isinstance(null, list) else [null]), "")
    return pd.DataFrame(result)


def _join(values: pd.DataFrame, codes: pd.DataFrame) -> pd.DataFrame:
    # A code of Grambank is named "1" and described "present"; one of WALS is named "SOV".
    bare = codes["name"].str.fullmatch(r"\d*") & (codes["description"] != "")
    labels = dict(zip(codes["id"], codes["description"].where(bare, codes["name"]), strict=True))
    label = pd.Series([labels.get(code, "") for code in values["codeReference"]], index=values.index, dtype=object)
    known = pd.DataFrame(
        {
            "entry": values["languageReference"],
            "feature": values["parameterReference"],
            "value": label.where(label != "", values["value"]),
        }
    )
    known = known[~known["value"].isin(_UNKNOWN)].drop_duplicates()
    several = known.duplicated(["entry", "feature"], keep=False)
    if several.any():
        joined = known[several].groupby(["entry", "feature"])["value"].agg(lambda values: " / ".join(sorted(values)))
        known = pd.concat([known[~several], joined.reset_index()])
    return known.reset_index(drop=True)

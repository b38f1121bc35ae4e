"""Features of languages: made-up CLDF folders and URIEL files, the real ones where they are there."""

import importlib.util
import json
import logging
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bloodbank.errors import UsageError
from bloodbank.languages import PAPER_LANGUAGES, get_language
from bloodbank.typology import Features, coverage, distances, load_features
from bloodbank.typology.cldf import read_cldf
from bloodbank.typology.dataset import Dataset
from bloodbank.typology.matching import MEMBERS, match_languages
from bloodbank.typology.uriel import read_uriel
from shared_data import shared_data

TERMS = "http://cldf.clld.org/v1.0/terms.rdf#"


def column(name, term=None, **more):
    return {"name": name, **({"propertyUrl": TERMS + term} if term else {}), **more}


def table(kind, url, *columns, **more):
    return {"dc:conformsTo": TERMS + kind, "url": url, "tableSchema": {"columns": list(columns)}, **more}


# As Grambank is built: other names for files and columns than WALS, codes that are named by a number and described,
# "?" for what is not known, and a table that is no part of the standard.
TABLES = [
    table(
        "ValueTable",
        "coded.csv",
        column("Nr", "id"),
        column("Variety", "languageReference"),
        column("Question", "parameterReference"),
        column("Answer", "value", null=["?"]),
        column("Code", "codeReference"),
    ),
    table(
        "LanguageTable",
        "varieties.csv",
        column("ID", "id"),
        column("Label", "name"),
        column("Glotto", "glottocode"),
        column("ISO", "iso639P3code"),
        column("Parent", "languageReference"),
    ),
    table("ParameterTable", "questions.csv", column("ID", "id"), column("Text", "name")),
    table(
        "CodeTable",
        "codes.csv",
        column("ID", "id"),
        column("Question", "parameterReference"),
        column("Number", "name"),
        column("Meaning", "description"),
    ),
    {"url": "people.csv", "tableSchema": {"columns": [{"name": "ID"}]}},
]
FILES = {
    "coded.csv": """Nr,Variety,Question,Answer,Code
1,a,Q1,1,Q1-1
2,b,Q1,0,Q1-0
3,c,Q1,?,
4,a,Q2,2,Q2-2
5,b,Q2,1,Q2-1
6,b,Q2,2,Q2-2
7,c,Q2,free text,
8,m,Q1,1,Q1-1
9,d,Q1,0,Q1-0
""",
    "varieties.csv": """ID,Label,Glotto,ISO,Parent
a,Suomi,finn1318,fin,
b,Magyar,hung1274,hun,
c,No glottocode,,deu,
d,A dialect of Suomi,finn1318,fin,a
m,Standard Arabic,,arb,
""",
    "questions.csv": "ID,Text\nQ1,Is there case?\nQ2,\n",
    "codes.csv": "ID,Question,Number,Meaning\nQ1-0,Q1,0,absent\nQ1-1,Q1,1,present\nQ2-1,Q2,SV,\nQ2-2,Q2,VS,\n",
}


@pytest.fixture
def dataset(tmp_path):
    """Write a small StructureDataset, with something changed."""

    def write(*, tables=TABLES, files=None, metadata=None, name="StructureDataset-metadata.json"):
        described = {
            "dc:conformsTo": TERMS + "StructureDataset",
            "dc:title": "A made-up bank",
            "dc:license": "CC0",
            "dc:bibliographicCitation": "Nobody. 2000.",
            "tables": tables,
            **(metadata or {}),
        }
        (tmp_path / name).write_text(json.dumps(described), encoding="utf-8")
        for file, text in {**FILES, **(files or {})}.items():
            (tmp_path / file).write_text(text, encoding="utf-8")
        return tmp_path

    return write


def test_a_dataset_is_read_by_what_its_metadata_say(dataset):
    found = load_features(["hu", "fi", "de", "ar", "sv"], dataset())
    assert found.categories.to_dict("index") == {
        "hu": {"Q1": "absent", "Q2": "SV / VS"},  # two values are one category
        "fi": {"Q1": "present", "Q2": "VS"},  # of two entries of Finnish, the one with more values
        "de": {"Q1": None, "Q2": "free text"},  # no code: the value as it is written; "?" is missing
        "ar": {"Q1": "present", "Q2": None},  # by the member of the macrolanguage
        "sv": {"Q1": None, "Q2": None},
    }
    assert found.names.to_dict() == {"Q1": "Is there case?", "Q2": "Q2"}
    assert (found.source, found.licence, found.citation) == ("A made-up bank", "CC0", "Nobody. 2000.")
    assert found.matches["entry"].to_list() == ["b", "a", "c", "m", None]
    assert found.matches["how"].to_list() == [
        "glottocode hung1274", "glottocode finn1318", "ISO 639-3 deu", "member arb", "absent",
    ]  # fmt: skip


def test_coverage_counts_what_is_known(dataset):
    found = load_features(["fi", "de", "sv"], dataset())
    known = coverage(found)
    assert known[["n_known", "share", "entry"]].to_numpy(dtype=object).tolist() == [
        [2, 1.0, "a"], [1, 0.5, "c"], [0, 0.0, None],
    ]  # fmt: skip
    assert coverage(found, ["sv", "el"])["how"].to_list() == ["absent", "not asked for"]
    assert found.coverage_lines() == [
        "fi: 2 of 2 features (100%); a, glottocode finn1318", "de: 1 of 2 features (50%); c, ISO 639-3 deu",
        "sv: 0 of 2 features (0%); absent",
    ]  # fmt: skip
    lines = " ".join(found.lines())
    assert "2 of 3 languages are in it, each with 50% to 100% of the features (least: de, most: fi)" in lines
    assert "Nothing is known of sv." in lines
    assert "None of the 1 languages is in it." in " ".join(load_features(["sv"], dataset()).lines())


def test_languages_are_not_guessed(dataset):
    found = load_features(["x-toki1", "no-such-code", "nds"], dataset())
    assert found.categories.isna().to_numpy().all()
    assert found.matches["how"].to_list() == ["absent", "absent: the code is not in the table of languages", "absent"]


def test_other_dialects_of_csv_and_zipped_tables_are_read(dataset, tmp_path):
    tables = [{**TABLES[0], "dialect": {"delimiter": "\t"}}, *TABLES[1:]]
    folder = dataset(tables=tables, files={"coded.csv": FILES["coded.csv"].replace(",", "\t")})
    (folder / "varieties.csv").unlink()
    with zipfile.ZipFile(folder / "varieties.csv.zip", "w") as archive:
        archive.writestr("varieties.csv", "\ufeff" + FILES["varieties.csv"])  # and a byte-order mark
    found = load_features(["fi", "hu"], folder)
    assert found.categories["Q1"].to_list() == ["present", "absent"]


def test_min_nan_is_a_language(dataset):
    files = {
        "varieties.csv": "ID,Label,Glotto,ISO,Parent\nnan,Hokkien,,nan,\n",
        "coded.csv": "Nr,Variety,Question,Answer,Code\n1,nan,Q1,1,Q1-1\n",
    }
    assert load_features(["nan"], dataset(files=files)).categories.loc["nan", "Q1"] == "present"


def test_a_dataset_without_codes_and_names_is_read(dataset):
    found = load_features(["fi", "hu"], dataset(tables=TABLES[:2]))
    assert found.categories.loc["fi"].to_dict() == {"Q1": "1", "Q2": "2"}
    assert found.names.to_dict() == {"Q1": "Q1", "Q2": "Q2"}


def test_the_metadata_file_itself_may_be_given(dataset):
    path = dataset(name="made-up-metadata.json") / "made-up-metadata.json"
    assert load_features(["fi"], path).categories.loc["fi", "Q1"] == "present"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"metadata": {"dc:conformsTo": TERMS + "Wordlist"}}, "describes Wordlist; features are read from a Structure"),
        ({"metadata": {"dc:conformsTo": None}}, "describes no CLDF dataset"),
        ({"tables": TABLES[1:]}, "names no ValueTable"),
        ({"tables": TABLES[:1]}, "names no LanguageTable"),
        (
            {"tables": [table("ValueTable", "coded.csv", column("Variety", "languageReference")), *TABLES[1:]]},
            "ValueTable has no column for parameterReference, value",
        ),
        ({"files": {"coded.csv": "Nr,Variety\n1,a\n"}}, r"coded.csv has no column 'Question', which Structure"),
        ({"tables": "values.csv"}, r"names no LanguageTable"),
        ({"tables": [None, 3, {"dc:conformsTo": 3}]}, r"names no LanguageTable"),
        ({"tables": [{**TABLES[0], "tableSchema": None}, *TABLES[1:]]}, r"ValueTable has no column for languageRefer"),
        ({"tables": [{**TABLES[0], "dialect": {"quoteChar": "ab"}}, *TABLES[1:]]}, r"coded.csv cannot be read as a"),
        ({"tables": [{**TABLES[0], "dialect": {"encoding": "none"}}, *TABLES[1:]]}, r"coded.csv cannot be read as a"),
        ({"files": {"coded.csv": ""}}, "coded.csv cannot be read as a table"),
        ({"files": {"coded.csv": 'Nr,Variety\n1,"a\n'}}, "coded.csv cannot be read as a table"),
    ],
)
def test_broken_datasets_are_refused(dataset, change, message):
    with pytest.raises(UsageError, match=message):
        read_cldf(dataset(**change))


def test_broken_folders_are_refused(dataset, tmp_path):
    with pytest.raises(UsageError, match=r"No folder .*nowhere\. Give the folder of a CLDF dataset"):
        read_cldf(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"holds no \*-metadata.json, so it is no CLDF dataset"):
        read_cldf(tmp_path / "empty")
    dataset(name="one-metadata.json")
    folder = dataset(name="two-metadata.json")
    with pytest.raises(UsageError, match=r"holds one-metadata.json, two-metadata.json: give the path of one"):
        read_cldf(folder)
    (folder / "one-metadata.json").write_bytes(b'{"tables": [')
    with pytest.raises(UsageError, match=r"one-metadata.json cannot be read as JSON"):
        read_cldf(folder / "one-metadata.json")
    (folder / "one-metadata.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match=r"one-metadata.json cannot be read as JSON"):
        read_cldf(folder / "one-metadata.json")
    (folder / "one-metadata.json").write_bytes(b"[]")
    with pytest.raises(UsageError, match=r"it holds a list, not an object"):
        read_cldf(folder / "one-metadata.json")
    (folder / "coded.csv").write_bytes(b"Nr,Variety,Question,Answer,Code\n1,\xff\xfe,Q1,1,Q1-1\n")
    with pytest.raises(UsageError, match=r"coded.csv cannot be read as a table"):
        read_cldf(folder / "two-metadata.json")
    (folder / "coded.csv").unlink()
    with pytest.raises(UsageError, match=r"coded.csv cannot be read as a table"):
        read_cldf(folder / "two-metadata.json")


def test_languages_given_twice_are_refused(dataset):
    with pytest.raises(UsageError, match=r"Languages given twice: fi\."):
        load_features(["fi", "hu", "fi"], dataset())


def test_wals():
    found = load_features(PAPER_LANGUAGES, shared_data("wals", "cldf"))
    assert found.categories.shape == (22, 192)
    order = found.categories["81A"]  # order of subject, object and verb
    assert order[["ja", "fi", "ga", "de", "zh"]].to_list() == ["SOV", "SVO", "VSO", "No dominant order", "SVO"]
    assert found.names["81A"] == "Order of Subject, Object and Verb"
    assert found.licence == "https://creativecommons.org/licenses/by/4.0/"
    known = coverage(found)
    assert known.loc[["en", "ne", "zh", "ar", "pms"], "n_known"].to_list() == [159, 65, 153, 30, 1]
    assert known.loc[["ne", "zh", "ar"], "entry"].to_list() == ["nep", "mnd", "ams"]


def test_wals_is_read_as_its_own_reader_reads_it():
    pycldf = pytest.importorskip("pycldf")
    folder = shared_data("wals", "cldf")
    ours = read_cldf(folder)
    theirs = pycldf.Dataset.from_metadata(folder / "StructureDataset-metadata.json")
    codes = {row["id"]: row for row in theirs.iter_rows("CodeTable", "id", "name", "description")}
    expected = {}
    for row in theirs.iter_rows("ValueTable", "languageReference", "parameterReference", "codeReference"):
        code = codes[row["codeReference"]]
        label = code["description"] if code["name"].isdigit() else code["name"]
        expected[row["languageReference"], row["parameterReference"]] = label
    assert len(expected) == 76_475
    assert {(entry, feature): value for entry, feature, value in ours.known.to_numpy(dtype=object)} == expected


# URIEL as a package of three languages: features in S_ and P_, two sources; ara mixes its members, nep is Nepali.
def package(folder, languages, sources=("WALS", "ETHNO")):
    """Write the files of a made-up urielplus: languages maps a code to a row of values for each source."""
    features = np.array([f"S_F{number}" for number in range(12)] + ["P_TONE"])
    data = np.full((len(languages), len(features), len(sources)), -1, dtype=np.float32)
    for place, rows in enumerate(languages.values()):
        for source, row in enumerate(rows):
            data[place, : len(row), source] = row
    (folder / "database" / "original_uriel").mkdir(parents=True)
    (folder / "database" / "urielplus_csvs").mkdir()
    np.savez(
        folder / "database" / "original_uriel" / "features.npz",
        feats=features, data=data, sources=np.array(sources), langs=np.array(list(languages)),
    )  # fmt: skip
    glottocodes = {"fin": "finn1318", "arb": "stan1318", "npi": "nepa1254", "nep": "east1436"}
    rows = [f"{code},{glottocodes.get(code, '')}" for code in languages]
    text = "\n".join(["iso_code,glottocode", *rows]) + "\n"
    (folder / "database" / "urielplus_csvs" / "uriel_glottocode_map.csv").write_text(text)
    return folder


YES, NO, OPEN = 1, 0, -1


def test_uriel_keeps_to_what_its_sources_say(tmp_path):
    folder = package(tmp_path, {"fin": [[YES, NO, OPEN, YES, OPEN], [YES, OPEN, OPEN, NO, NO]]})
    read = read_uriel(folder=folder)
    assert dict(zip(read.known["feature"], read.known["value"], strict=True)) == {
        "S_F0": "yes", "S_F1": "no", "S_F4": "no",
    }  # fmt: skip
    assert "contradict each other on is missing (1 of 4 values" in read.notes[0]
    assert list(read.names.index) == [f"S_F{number}" for number in range(12)]
    assert list(read_uriel(["phonology"], folder=folder).names.index) == ["P_TONE"]
    assert len(read_uriel(["syntax", "phonology"], folder=folder).names) == 13


def test_a_macrolanguage_fills_its_member_only_where_they_agree(tmp_path):
    ten, member = [YES] * 10, [YES] * 10 + [OPEN]
    languages = {
        "npi": [member], "nep": [[*ten, NO, YES]],  # agree on ten: filled
        "arb": [member], "ara": [[NO, *ten[1:], NO]],  # disagree on one: not filled
        "cmn": [[YES]], "zho": [[YES, NO]],  # agree, but on one feature only: not filled
    }  # fmt: skip
    read = read_uriel(folder=package(tmp_path, languages, sources=["WALS"]))
    entries = read.entries.assign(glottocode=lambda rows: rows["glottocode"].where(rows.index != "cmn", "mand1415"))
    read = Dataset(entries, read.known, read.names, "made up", "CC0", "none")
    found = match_languages(["ne", "ar", "zh"], read)
    assert found["ne"][:2] == ("npi", "nep")
    assert "filled from nep: they agree on all 10 in common" in found["ne"].how
    assert found["ar"][:2] == ("arb", None)
    assert "not ara, which agrees on 9 of 10" in found["ar"].how
    assert found["zh"][:2] == ("cmn", None)


def test_broken_uriel_files_are_refused(tmp_path):
    with pytest.raises(UsageError, match=r"features\.npz cannot be read as URIEL's features"):
        read_uriel(folder=tmp_path / "nowhere")
    folder = package(tmp_path, {"fin": [[YES]]}, sources=["WALS"])
    with pytest.raises(UsageError, match=r"Unknown area of features: semantics. Known: syntax, phonology, inventory"):
        read_uriel(["semantics"], folder=folder)
    with pytest.raises(UsageError, match=r"No area of features is given"):
        read_uriel([], folder=folder)
    (folder / "database" / "urielplus_csvs" / "uriel_glottocode_map.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UsageError, match=r"cannot be read as a map of codes"):
        read_uriel(folder=folder)
    (folder / "database" / "original_uriel" / "features.npz").write_bytes(b"PK\x03\x04 cut off")
    with pytest.raises(UsageError, match=r"cannot be read as URIEL's features"):
        read_uriel(folder=folder)


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"urielplus, which is not installed: pip install urielplus .* Or give the"):
        load_features(["fi"])


def test_uriel_as_installed():
    pytest.importorskip("urielplus")
    found = load_features(PAPER_LANGUAGES)
    assert found.categories.shape == (22, 103)
    assert found.names[["S_SOV", "S_SUBJECT_BEFORE_VERB"]].to_list() == ["SOV", "subject before verb"]
    assert found.categories.loc[["ja", "ko", "fi"], "S_SOV"].to_list() == ["yes", "yes", "no"]
    known = coverage(found)
    assert known.index[known["n_known"] == 0].to_list() == ["pms"]
    assert found.matches.loc["ne", "filled_from"] == "nep"
    assert found.matches.loc[["ar", "zh"], "entry"].to_list() == ["arb", "cmn"]
    assert found.matches.loc[["ar", "zh"], "filled_from"].isna().all()  # they mix their members
    assert found.categories.loc["ar", "S_SVO"] == "no"  # Arabic of the newspapers is VSO; `ara` says both
    assert [len(read_uriel([area]).names) for area in ("syntax", "phonology", "inventory")] == [103, 28, 158]


def test_uriel_is_read_without_its_code():
    pytest.importorskip("urielplus")
    code = (
        "import logging, sys; import bloodbank.typology as t; t.load_features(['fi']); "
        "print([name for name in sys.modules if name.startswith('urielplus.')], logging.getLogger().handlers)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[] []"


def test_members_are_those_of_the_table_of_languages():
    spec = importlib.util.find_spec("urielplus")
    if spec is None:
        pytest.skip("urielplus is not installed; its map of codes is what the members are checked against")
    path = Path(spec.submodule_search_locations[0]) / "database" / "urielplus_csvs" / "uriel_glottocode_map.csv"
    rows = pd.read_csv(path, dtype=str, keep_default_na=False)
    glottocodes = dict(zip(rows["iso_code"], rows["glottocode"], strict=True))
    for code, member in MEMBERS.items():
        assert glottocodes[member] == get_language(code).glottocode, code


def features(rows, names=None):
    """Features of some languages from rows of categories."""
    table = pd.DataFrame(rows).T.astype(object)
    table = table.where(table.notna(), None)
    return Features(
        categories=table, names=pd.Series({name: str(name) for name in table}), matches=pd.DataFrame(index=table.index),
        source="made up", licence="CC0", citation="none",
    )  # fmt: skip


def test_distance_is_the_share_that_differs_of_what_both_are_known_for():
    found = distances(
        features({"a": ["x", "x", "x", None], "b": ["x", "y", None, "z"], "c": [None, None, "x", "w"]}), min_shared=2
    )
    assert found.loc["a", "b"] == 0.5  # of the first two features they share one
    assert np.isnan(found.loc["a", "c"])  # one feature in common is too few
    assert np.isnan(found.loc["b", "c"])
    assert found.loc["a", "a"] == 0
    assert np.isnan(distances(features({"a": ["x"] * 9, "b": ["x"] * 9})).loc["a", "b"])
    assert distances(features({"a": ["x"] * 10, "b": ["x"] * 9 + ["y"]})).loc["a", "b"] == pytest.approx(0.1)


cells = st.lists(st.lists(st.sampled_from(["x", "y", "z", None]), min_size=6, max_size=6), min_size=2, max_size=6)


@given(cells)
def test_distances_are_those_counted_by_hand(rows):
    found = distances(features({f"x-l{place}": row for place, row in enumerate(rows)}), min_shared=1)
    for i, first in enumerate(rows):
        for j, second in enumerate(rows):
            both = [(a, b) for a, b in zip(first, second, strict=True) if a is not None and b is not None]
            if i == j:
                assert found.iloc[i, j] == 0
            elif not both:
                assert np.isnan(found.iloc[i, j])
            else:
                assert found.iloc[i, j] == pytest.approx(sum(a != b for a, b in both) / len(both))


def test_reading_leaves_logging_alone(dataset):
    before = list(logging.getLogger().handlers)
    load_features(["fi"], dataset())
    assert logging.getLogger().handlers == before

"""The table of languages, against facts that do not come from it."""

import csv
import dataclasses
import os
import subprocess
import sys
from math import asin, cos, radians, sin, sqrt
from pathlib import Path

import pytest

from bloodbank.errors import UsageError
from bloodbank.languages import PAPER_LANGUAGES, PAPER_TOKENIZER_LANGUAGES, all_languages, get_language

SHARED_DATA = Path(os.environ.get("BLOODBANK_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))
WALS = SHARED_DATA / "wals" / "cldf" / "languages.csv"

# Each of the paper's languages by hand: name, ISO 639-3, script, family, and a place where it is spoken.
PAPER_FACTS = {
    "ja": ("Japanese", "jpn", "Jpan", "Japonic", 36, 138),
    "ko": ("Korean", "kor", "Kore", "Koreanic", 37, 127),
    "ta": ("Tamil", "tam", "Taml", "Dravidian", 11, 78),
    "te": ("Telugu", "tel", "Telu", "Dravidian", 17, 79),
    "hu": ("Hungarian", "hun", "Latn", "Uralic", 47, 19),
    "fi": ("Finnish", "fin", "Latn", "Uralic", 62, 25),
    "zh": ("Chinese", "zho", "Hani", "Sino-Tibetan", 40, 116),
    "my": ("Burmese", "mya", "Mymr", "Sino-Tibetan", 21, 96),
    "ar": ("Arabic", "ara", "Arab", "Afro-Asiatic", 25, 45),
    "he": ("Hebrew", "heb", "Hebr", "Afro-Asiatic", 31, 35),
    "cy": ("Welsh", "cym", "Latn", "Indo-European", 52, -4),
    "ga": ("Irish", "gle", "Latn", "Indo-European", 53, -8),
    "hi": ("Hindi", "hin", "Deva", "Indo-European", 25, 77),
    "ne": ("Nepali", "nep", "Deva", "Indo-European", 28, 84),
    "en": ("English", "eng", "Latn", "Indo-European", 53, -1),
    "de": ("German", "deu", "Latn", "Indo-European", 51, 10),
    "hy": ("Armenian", "hye", "Armn", "Indo-European", 40, 45),
    "el": ("Greek", "ell", "Grek", "Indo-European", 38, 23),
    "fr": ("French", "fra", "Latn", "Indo-European", 48, 2),
    "pms": ("Piedmontese", "pms", "Latn", "Indo-European", 45, 8),
    "ru": ("Russian", "rus", "Cyrl", "Indo-European", 57, 45),
    "sv": ("Swedish", "swe", "Latn", "Indo-European", 60, 17),
}


def distance_km(latitude: float, longitude: float, other_latitude: float, other_longitude: float) -> float:
    a, b = radians(latitude), radians(other_latitude)
    half = sin((b - a) / 2) ** 2 + cos(a) * cos(b) * sin(radians(other_longitude - longitude) / 2) ** 2
    return 2 * 6371 * asin(sqrt(half))


@pytest.mark.parametrize("code", PAPER_LANGUAGES)
def test_the_papers_languages_are_themselves(code):
    name, iso639_3, script, family, latitude, longitude = PAPER_FACTS[code]
    language = get_language(code)
    assert (language.name, language.iso639_3, language.script, language.family) == (
        name,
        iso639_3,
        script,
        family,
    )
    assert distance_km(language.latitude, language.longitude, latitude, longitude) < 600
    assert language.glottocode


def test_the_papers_lists_are_disjoint_and_complete():
    assert len(PAPER_LANGUAGES) == 22
    assert len(PAPER_TOKENIZER_LANGUAGES) == 19
    assert len({*PAPER_LANGUAGES, *PAPER_TOKENIZER_LANGUAGES}) == 41
    assert all(get_language(code).family for code in PAPER_TOKENIZER_LANGUAGES)


def test_codes_and_names_are_unique_and_sorted():
    codes = [language.code for language in all_languages()]
    assert codes == sorted(set(codes))
    assert len({language.name for language in all_languages()}) == len(codes)
    assert len(codes) > 300
    assert "simple" not in codes
    assert {"pms", "zh", "no", "nb", "nds-nl", "yue"} <= set(codes)


@pytest.mark.parametrize("language", all_languages(), ids=lambda language: language.code)
def test_every_field_has_its_form_or_is_missing(language):
    assert language.name
    assert language.name == language.name.strip()
    assert language.iso639_3 is None or (len(language.iso639_3) == 3 and language.iso639_3.isalpha())
    assert language.script is None or (len(language.script) == 4 and language.script == language.script.title())
    assert (language.script is None) == (language.script_name is None)
    assert language.family not in ("", "Bookkeeping", "Unclassifiable", "Unattested")
    assert (language.latitude is None) == (language.longitude is None)
    if language.latitude is not None:
        assert -90 <= language.latitude <= 90
        assert -180 <= language.longitude <= 180
    assert language.glottocode is None or len(language.glottocode) == 8


@pytest.mark.parametrize(
    ("code", "script_name"),
    [
        ("zh", "Han"),
        ("yue", "Han"),
        ("ja", "Japanese"),
        ("sr", "Cyrillic"),
        ("iu", "Canadian Syllabics"),
        ("oj", None),
    ],
)
def test_scripts_have_readable_names(code, script_name):
    assert get_language(code).script_name == script_name


def test_languages_of_the_west_lie_in_the_west():
    assert distance_km(get_language("ht").latitude, get_language("ht").longitude, 19, -72) < 200
    assert distance_km(get_language("nv").latitude, get_language("nv").longitude, 36, -109) < 300


def test_invented_languages_and_isolates_and_the_unplaced():
    assert get_language("eo").family == "Artificial Language"
    assert get_language("eu").family == "Basque"
    assert get_language("jbo").latitude is None
    assert get_language("roa-tara").family is None
    assert get_language("nrm").name == "Norman"  # Wikipedia's code, not ISO's Narom of Borneo
    assert get_language("nrm").latitude > 45


def test_a_language_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        get_language("de").name = "Dutch"


def test_private_use_codes_are_always_accepted():
    language = get_language("x-toki1")
    assert (language.code, language.name) == ("x-toki1", "toki1")
    assert {
        language.iso639_3,
        language.script,
        language.script_name,
        language.family,
        language.glottocode,
    } == {None}
    assert (language.latitude, language.longitude) == (None, None)
    assert get_language("x-my-creole").name == "my-creole"
    assert language not in all_languages()


@pytest.mark.parametrize(
    "code", ["x-", "x-Toki", "x-toki_1", "x-toki--1", "X-toki", "x-toolongname", "x-../up", "x-a\n"]
)
def test_malformed_private_use_codes_say_the_form(code):
    with pytest.raises(UsageError, match="parts of 1 to 8 small letters or digits"):
        get_language(code)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("german", "'de' (German)"),
        ("Swedisch", "'sv' (Swedish)"),
        ("ger", "'de' (German)"),
        ("deu", "'de' (German)"),
        ("bel", "'be' (Belarusian)"),
        ("jp", "'ja' (Japanese)"),
        ("DE", "'de' (German)"),
        ("de_AT", "'de' (German)"),
        ("zh-Hans", "'zh' (Chinese)"),
        ("cmn", "'zh' (Chinese)"),
        ("zh-yue", "'yue' (Cantonese)"),
        ("als", "'gsw' (Alemannic) or 'sq' (Albanian)"),
    ],
)
def test_an_unknown_code_is_answered_with_what_was_meant(given, meant):
    with pytest.raises(UsageError) as error:
        get_language(given)
    assert str(error.value).startswith(f"unknown language {given!r}. Did you mean {meant}?")
    assert error.value.exit_code == 2


@pytest.mark.parametrize("given", ["", "qqq", "xx", "../de", "de\n" * 50])
def test_an_unknown_code_without_a_near_one_says_what_is_allowed(given):
    with pytest.raises(UsageError, match="a private-use code such as 'x-toki1'"):
        get_language(given)


def test_reading_the_table_needs_no_heavy_library():
    code = (
        "import sys, bloodbank.languages as l; l.get_language('de'); "
        "print(sorted({'pandas', 'numpy', 'torch', 'langcodes'} & set(sys.modules)))"
    )
    source = str(Path(__file__).parents[1] / "src")
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": source},
    )
    assert run.stdout.strip() == "[]"


@pytest.mark.skipif(not WALS.exists(), reason=f"no WALS at {WALS}: set BLOODBANK_SHARED_DATA to the shared data")
@pytest.mark.parametrize("code", PAPER_LANGUAGES)
def test_wals_agrees_on_family_and_place(code):
    language = get_language(code)
    with WALS.open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["Glottocode"] == language.glottocode]
    assert rows, f"WALS has nothing under {language.glottocode}"
    same_family = {"Japonic": "Japanese", "Koreanic": "Korean"}  # WALS names these two after one language
    assert {row["Family"] for row in rows} == {same_family.get(language.family, language.family)}
    # Each gives one point for a whole language: German is in Berlin and in Bavaria, Russian 790 km apart.
    distances = [
        distance_km(language.latitude, language.longitude, float(row["Latitude"]), float(row["Longitude"]))
        for row in rows
    ]
    assert min(distances) < 900

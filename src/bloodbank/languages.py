"""The one table of languages: every code that bloodbank accepts, and what is known about each.

Reads `languages.csv` beside this file (written by tools/make_languages.py, whose docstring names the sources
and their licences):

    python -c "import bloodbank.languages as l; print(l.get_language('pms'))"

- Codes are those of Wikipedia's editions and of ISO 639-1. A language that is not among them, generated text
  or a test's toy language takes a private-use code of BCP 47: `x-` and one or more parts of 1 to 8 small
  letters or digits (`x-toki1`, `x-my-creole`). It is named after what follows `x-`; all else is missing.
- Scripts are ISO 15924 codes as CLDR gives them, so Japanese is `Jpan` (kanji and kana) and Korean `Kore`
  (Hangul and Han). CLDR's `Hans` and `Hant` are one script here, `Hani`: Wikipedia's Chinese mixes them.
- Families are Glottolog's topmost groups. Two are no descent: "Artificial Language" and "Pidgin".
- A macrolanguage (zh, ar, ne, …) keeps its own code and ISO 639-3 code, and takes family, coordinates and
  glottocode from one member (Mandarin, Standard Arabic, Nepali proper, …), listed in tools/make_languages.py.
- Missing is None, never a guess.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib import resources
from types import MappingProxyType

from bloodbank.errors import UsageError

_PRIVATE_USE = re.compile(r"x((?:-[a-z0-9]{1,8})+)")


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _pairs(text: str) -> dict[str, str]:
    return {left: right for left, _, right in (entry.partition("=") for entry in text.split())}


PAPER_LANGUAGES = _words("ja ko ta te hu fi zh my ar he cy ga hi ne en de hy el fr pms ru sv")
"""The 22 languages of the bank. Source: Malkin et al. 2022."""

PAPER_TOKENIZER_LANGUAGES = _words("af am ca cs da es id is it mg nl pl sk sw th tr ur vi yi")
"""The 19 that only the paper's shared tokenizer saw. Source: Malkin et al. 2022."""

# Names of ISO 15924 codes: CLDR's, but Bengali, Burmese and Canadian syllabics by their common names.
_SCRIPT_NAMES = _pairs("""
Arab=Arabic Armn=Armenian Avst=Avestan Beng=Bengali Cans=Canadian_Syllabics Cher=Cherokee Cyrl=Cyrillic
Deva=Devanagari Ethi=Ethiopic Geor=Georgian Goth=Gothic Grek=Greek Gujr=Gujarati Guru=Gurmukhi Hani=Han
Hebr=Hebrew Jpan=Japanese Khmr=Khmer Knda=Kannada Kore=Korean Laoo=Lao Latn=Latin Mlym=Malayalam
Mtei=Meitei_Mayek Mymr=Burmese Nkoo=N'Ko Olck=Ol_Chiki Orya=Odia Sinh=Sinhala Sylo=Syloti_Nagri Syrc=Syriac
Tale=Tai_Le Taml=Tamil Telu=Telugu Tfng=Tifinagh Thaa=Thaana Thai=Thai Tibt=Tibetan Yiii=Yi
""")

IDEOGRAMS = ("Hani", "Yiii", "Tang", "Nshu")
"""Scripts in which one character is about a word."""

CLUSTERS = ("Thai", "Laoo", "Khmr", "Mymr", "Tale", "Talu", "Lana", "Tavt", "Ahom")
"""Scripts without spaces whose words only a dictionary finds (Unicode: line breaking class SA)."""

NO_SPACES = frozenset([*IDEOGRAMS, *CLUSTERS, "Hira", "Kana", "Jpan", "Tibt"])
"""Scripts, of Unicode and of the language table, that are written without spaces between words."""

# What people write for a code of the table: ISO 639-2/B, country codes, members of macrolanguages, and
# Wikipedia's domains that are not ISO's. `als` is Alemannic to Wikipedia and Tosk to ISO: both are named.
_OTHER_CODES = _pairs("""
alb=sq arm=hy baq=eu bur=my chi=zh cze=cs dut=nl fre=fr geo=ka ger=de gre=el ice=is mac=mk mao=mi may=ms
per=fa rum=ro slo=sk tib=bo wel=cy cn=zh cz=cs dk=da gr=el jp=ja ua=uk arb=ar azj=az cmn=zh ekk=et
fil=tl khk=mn kmr=ku lvs=lv npi=ne ory=or pes=fa plt=mg swh=sw uzn=uz ydd=yi zsm=ms als=gsw,sq
in=id iw=he ji=yi jw=jv mo=ro scc=sr scr=hr
bat-smg=sgs be-x-old=be-tarask fiu-vro=vro roa-rup=rup zh-classical=lzh zh-min-nan=nan zh-yue=yue simple=en
""")


@dataclass(frozen=True, slots=True)
class Language:
    """One language of the table.

    Attributes:
        code: Wikipedia's or ISO 639-1's code, else ISO 639-3's, or a private-use code.
        iso639_3: ISO 639-3 code; for a macrolanguage its own (`zho`), not a member's.
        name: English name.
        script: ISO 15924 code of the script that it is mostly written in.
        family: Topmost group of Glottolog.
        latitude: Degrees north, of the point that Glottolog gives.
        longitude: Degrees east, from -180 to 180.
        glottocode: Glottolog's identifier of the language that family and coordinates are those of.
    """

    code: str
    iso639_3: str | None
    name: str
    script: str | None
    family: str | None
    latitude: float | None
    longitude: float | None
    glottocode: str | None

    @property
    def script_name(self) -> str | None:
        """English name of the script, e.g. "Han" for `Hani`."""
        return _SCRIPT_NAMES[self.script].replace("_", " ") if self.script else None


def get_language(code: str) -> Language:
    """Look a code up in the table, or make up the language of a private-use code.

    Args:
        code: A code of the table exactly as it stands there (`de`, not `DE`), or `x-` and a name.

    Returns:
        The language.

    Raises:
        UsageError: The code is not in the table; the message suggests the nearest that are.
    """
    language = _table().get(code)
    if language is not None:
        return language
    private = _PRIVATE_USE.fullmatch(code)
    if private:
        return Language(code, None, private[1][1:], None, None, None, None, None)
    raise UsageError(_unknown(code))


def all_languages() -> tuple[Language, ...]:
    """Give every language of the table, by code."""
    return tuple(_table().values())


@cache
def _table() -> Mapping[str, Language]:
    text = resources.files("bloodbank").joinpath("languages.csv").read_text(encoding="utf-8")
    languages = (
        Language(
            code=row["code"],
            iso639_3=row["iso639_3"] or None,
            name=row["name"],
            script=row["script"] or None,
            family=row["family"] or None,
            latitude=float(row["latitude"]) if row["latitude"] else None,
            longitude=float(row["longitude"]) if row["longitude"] else None,
            glottocode=row["glottocode"] or None,
        )
        for row in csv.DictReader(text.splitlines())
    )
    return MappingProxyType({language.code: language for language in languages})


def _unknown(code: str) -> str:
    """Say that a code is unknown, what may have been meant, and what is allowed."""
    if code.lower().startswith("x-"):
        return (
            f"{code!r} is no private-use code: after 'x-' come parts of 1 to 8 small letters or digits, "
            "joined by '-', such as 'x-toki1' or 'x-my-creole'"
        )
    meant = " or ".join(f"{language.code!r} ({language.name})" for language in _suggestions(code))
    return (
        f"unknown language {code!r}. "
        + (f"Did you mean {meant}? " if meant else "")
        + "Use a code of Wikipedia or ISO 639-1, such as 'de' or 'pms'; "
        + "for a language that has none, a private-use code such as 'x-toki1'"
    )


def _suggestions(code: str) -> tuple[Language, ...]:
    """Find up to three languages that may have been meant; no near ones where there is an exact one."""
    wanted = code.strip().lower().replace("_", "-")
    table = _table()
    # Reversed, so that of two with one ISO 639-3 code (be, be-tarask) the first one stays.
    keys: dict[str, tuple[Language, ...]]
    keys = {key: (language,) for language in reversed(all_languages()) for key in _keys(language)}
    keys |= {other: tuple(table[each] for each in meant.split(",")) for other, meant in _OTHER_CODES.items()}
    keys |= {language.code: (language,) for language in all_languages()}
    for exact in (wanted, wanted.split("-", maxsplit=1)[0]):
        if exact in keys:
            return keys[exact]
    near = get_close_matches(wanted, keys, n=3, cutoff=0.7)
    return tuple(dict.fromkeys(language for key in near for language in keys[key]))


def _keys(language: Language) -> tuple[str, ...]:
    """Give what else than its code a language may be asked for by."""
    return (language.name.lower(), language.iso639_3 or language.code)


def find_language(code: str) -> Language | None:
    """Look a code up in the table of languages; a bank read from elsewhere may know others."""
    try:
        return get_language(code)
    except UsageError:
        return None

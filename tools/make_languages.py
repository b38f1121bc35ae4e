"""Write src/bloodbank/languages.csv, the one table of languages.

Reads the installed `langcodes[data]` and a wheel of `urielplus` (as a file, never imported):

    pip install "langcodes[data]==3.5.1" && pip download --no-deps urielplus==1.3.2
    python tools/make_languages.py urielplus-1.3.2-py3-none-any.whl

The same packages always give the same bytes. Sources:

- Codes: the language editions of Wikipedia (Wikimedia's site matrix, open and closed ones, `simple` left out)
  and what remains of ISO 639-1. Editions whose domain is not the language's ISO code stand under the ISO code
  (`yue`, not `zh-yue`; `bloodbank.languages` suggests it), because `als` is Alemannic to Wikipedia and Tosk
  to ISO. An edition that has no ISO code of its own keeps Wikipedia's (`nds-nl`, `roa-tara`, `nrm`).
- ISO 639-3 codes, names and scripts: the IANA registry and CLDR (Unicode licence) through langcodes and
  language_data (both MIT).
- Family (the topmost), coordinates and glottocode: Glottolog (Hammarström, Forkel, Haspelmath, Bank;
  CC BY 4.0), from the snapshot in urielplus, which its makers release as CC BY-SA 4.0 without naming
  Glottolog's release. A group of languages has the mean of its members there.

What no source knows stays empty. Where a source knows the wrong thing, the tables below say what is taken
instead, and why.
"""

import argparse
import csv
import io
import re
import sys
import zipfile
from pathlib import Path

TABLE = Path(__file__).parents[1] / "src" / "bloodbank" / "languages.csv"
COLUMNS = ("code", "iso639_3", "name", "script", "family", "latitude", "longitude", "glottocode")

CODES = """
aa ab ace ady ae af ak alt am ami an ang ann anp ar arc ary arz as ast atj av avk awa ay az azb ba ban bar
bbc bcl bdr be be-tarask bew bg bh bi bjn blk bm bn bo bpy br bs btm bug bxr ca cbk-zam cdo ce ceb ch cho
chr chy ckb co cr crh cs csb cu cv cy da dag de dga din diq dsb dtp dty dv dz ee el eml en eo es et eu ext
fa fat ff fi fj fo fon fr frp frr fur fy ga gag gan gcr gd gl glk gn gom gor got gpe gsw gu guc gur guw gv
ha hak haw he hi hif ho hr hsb ht hu hy hyw hz ia iba id ie ig igl ii ik ilo inh io is it iu ja jam jbo jv
ka kaa kab kbd kbp kcg kg kge ki kj kk kl km kn knc ko koi kr krc ks ksh ku kus kv kw ky la lad lb lbe lez
lfn lg li lij lld lmo ln lo lrc lt ltg lu lv lzh mad mai map-bms mdf mg mh mhr mi min mk ml mn mni mnw mos
mr mrj ms mt mus mwl my myv mzn na nah nan nap nb nd nds nds-nl ne new ng nia nl nn no nov nqo nr nrm nso
nup nv ny oc oj olo om or os pa pag pam pap pcd pcm pdc pfl pi pih pl pms pnb pnt ps pt pwn qu rki rm rmy rn
ro roa-tara rsk ru rue rup rw sa sah sat sc scn sco sd se sg sgs sh shi shn si sk skr sl sm smn sn so sq sr
srn ss st stq su sv sw syl szl szy ta tay tcy tdd te tet tg th ti tig tk tl tly tn to tpi tr trv ts tt tum
tw ty tyv udm ug uk ur uz ve vec vep vi vls vo vro wa war wo wuu xal xh xmf yi yo yue za zea zgh zh zu
"""

# Where langcodes has no ISO 639-3 code, or another one. Empty: the edition's language has none.
ISO639_3 = {
    "bh": "bho",  # the edition is written in Bhojpuri; `bh` was Bihari, a group
    "eml": "",  # retired in 2009 and split into egl and rgn
    "map-bms": "",  # Banyumasan counts as Javanese
    "nah": "",  # a group; the editors write several Nahuatls
    "nrm": "nrf",  # `nrm` is Narom to ISO, Norman to Wikipedia
    "roa-tara": "",  # Tarantino counts as Neapolitan or as Sicilian
    "sh": "hbs",
    "tl": "tgl",
}

# Names that langcodes lacks, or gives to a group or a neighbour.
NAMES = {
    "be-tarask": "Belarusian (Taraškievica)",
    "bh": "Bhojpuri",
    "diq": "Zazaki",
    "eml": "Emilian-Romagnol",
    "gsw": "Alemannic",
    "map-bms": "Banyumasan",
    "nah": "Nahuatl",
    "nds-nl": "Low Saxon (Netherlands)",
    "nrm": "Norman",
    "nup": "Nupe",
    "roa-tara": "Tarantino",
    "rsk": "Pannonian Rusyn",
    "sh": "Serbo-Croatian",
    "tl": "Tagalog",
}

# The member of a macrolanguage that lends it family and coordinates: the one that its standard rests on, or,
# without a standard, one of the largest. A macrolanguage that is not here has a row of its own in Glottolog.
REPRESENTATIVES = {
    "ar": "arb", "ay": "ayr", "az": "azj", "et": "ekk", "fa": "pes", "gn": "gug", "iu": "ike", "kg": "kng",
    "kr": "knc", "kv": "kpv", "lv": "lvs", "mg": "plt", "mn": "khk", "ms": "zsm", "nah": "nhe", "nds-nl": "gos",
    "ne": "npi", "no": "nob", "oj": "ojb", "om": "gaz", "or": "ory", "ps": "pbt", "qu": "quz", "sc": "src",
    "sq": "als", "sw": "swh", "uz": "uzn", "yi": "ydd", "za": "zyb", "zh": "cmn",
}  # fmt: skip

# Languages that Glottolog has and urielplus's map of ISO codes has not.
GLOTTOCODES = {
    "eml": "emil1243", "hyw": "homs1234", "map-bms": "bany1247", "nrm": "norm1245", "rsk": "pann1240",
    "szy": "saki1247",
}  # fmt: skip

# The script that the edition is written in, where CLDR does not know the language or names another one.
_LATIN = """
ami ang avk bcl bdr btm cbk-zam cdo chy crh din diq eml fat gpe hak ie igl kaa knc lad lfn lld map-bms mwl nah
nan nia nov nrm olo pih pwn rmy roa-tara rup sh shi szy tay tw
"""
SCRIPTS = {
    **dict.fromkeys(("ary", "azb", "pnb"), "Arab"),
    **dict.fromkeys(("anp", "bh", "pi"), "Deva"),
    **dict.fromkeys(("bxr", "mhr", "rsk", "xal"), "Cyrl"),
    **dict.fromkeys(("blk", "rki"), "Mymr"),
    **dict.fromkeys(_LATIN.split(), "Latn"),
    "arc": "Syrc",
    "hyw": "Armn",
    "mni": "Mtei",
    "syl": "Sylo",
}

# CLDR tells simplified from traditional characters; Wikipedia's Chinese is both, so the table says Han.
MERGED_SCRIPTS = {"Hans": "Hani", "Hant": "Hani"}

# Glottolog gives an isolate no family; as in WALS it is a family of its own.
ISOLATES = {"eu": "Basque"}

# What Glottolog files languages under that belong, or are known to belong, nowhere.
NO_FAMILY = ("", "Bookkeeping", "Unattested", "Unclassifiable")

FOLDER = "urielplus/database/urielplus_csvs/"


def read_glottolog(wheel: Path) -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    """Read the rows by glottocode, and the glottocodes by ISO 639-3 code."""
    with zipfile.ZipFile(wheel) as archive:

        def table(name: str) -> list[dict[str, str]]:
            return list(csv.DictReader(io.StringIO(archive.read(FOLDER + name).decode("utf-8"))))

        rows = {row["language_id"]: row for row in table("lang_fam_geo.csv")}
        glottocodes = {row["iso_code"]: row["glottocode"] for row in table("uriel_glottocode_map.csv")}
    return rows, glottocodes


def likely_script(code: str) -> str:
    """Give the script that CLDR or the IANA registry names, or nothing.

    `Language.maximize` is no use here: it calls every language that it does not know Latin.
    """
    import langcodes
    from langcodes.data_dicts import DEFAULT_SCRIPTS, LIKELY_SUBTAGS

    base = code.split("-", maxsplit=1)[0]
    likely = LIKELY_SUBTAGS.get(base)
    script = langcodes.get(likely).script if likely else DEFAULT_SCRIPTS.get(base)
    return MERGED_SCRIPTS.get(script or "", script or "")


def coordinates(row: dict[str, str]) -> tuple[str, str]:
    """Give latitude and longitude in degrees, the longitude between -180 and 180, or nothing twice."""
    if not row["latitude"] or not row["longitude"]:
        return "", ""
    longitude = (float(row["longitude"]) + 180) % 360 - 180  # Glottolog's western half runs from 180 to 360 here
    return f"{float(row['latitude']):.4f}", f"{longitude:.4f}"


def make_row(code: str, glottolog: dict[str, dict[str, str]], glottocodes: dict[str, str]) -> dict[str, str]:
    """Gather what the sources know about one language."""
    import langcodes

    language = langcodes.get(code.split("-", maxsplit=1)[0])
    iso = ISO639_3[code] if code in ISO639_3 else language.to_alpha3()
    glottocode = GLOTTOCODES.get(code) or glottocodes.get(REPRESENTATIVES.get(code, iso), "")
    place = glottolog.get(glottocode)
    family = place["lineage"].split(",")[0].strip() if place else ""
    latitude, longitude = coordinates(place) if place else ("", "")
    return {
        "code": code,
        "iso639_3": iso,
        "name": NAMES.get(code) or language.display_name(),
        "script": SCRIPTS.get(code) or likely_script(code),
        "family": ISOLATES.get(code, "") if family in NO_FAMILY else family,
        "latitude": latitude,
        "longitude": longitude,
        "glottocode": glottocode if place else "",
    }


def check(rows: list[dict[str, str]]) -> None:
    """Stop at what must never reach the table: a doubled code or name, or a name that is no name."""
    for column in ("code", "name"):
        values = [row[column] for row in rows]
        doubled = sorted({value for value in values if values.count(value) > 1})
        if doubled:
            sys.exit(f"Error: more than one language has the {column} {', '.join(doubled)}")
    nameless = [row["code"] for row in rows if re.search(r"unknown|languages\b|\[", row["name"], re.IGNORECASE)]
    if nameless:
        sys.exit(f"Error: langcodes has no name for {', '.join(nameless)}; add it to NAMES")


def main() -> None:
    """Write the table and say what is missing from it."""
    parser = argparse.ArgumentParser(description="Write the table of languages.")
    parser.add_argument("wheel", type=Path, help="a wheel of urielplus, e.g. urielplus-1.3.2-py3-none-any.whl")
    parser.add_argument("--out", type=Path, default=TABLE, help="the CSV file to write")
    arguments = parser.parse_args()
    glottolog, glottocodes = read_glottolog(arguments.wheel)
    rows = [make_row(code, glottolog, glottocodes) for code in sorted(CODES.split())]
    check(rows)
    with arguments.out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    print(f"{arguments.out}: {len(rows)} languages")
    for column in COLUMNS[1:]:
        missing = [row["code"] for row in rows if not row[column]]
        print(f"  without {column}: {len(missing)} {' '.join(missing)}")


if __name__ == "__main__":
    main()

# ruff: noqa: RUF001, RUF002 -- marks and words of all scripts are what this module is about, look-alikes too
"""Sentences of a paragraph, in every language of the table and in any other.

    split_sentences("Dr. Müller kam am 3. Oktober. Dann ging er.", "de")

What ends a sentence is one rule for all scripts, because lengths of sentences are compared between languages:

- Marks that mean nothing else (。！？ । ॥ ။ ። ։ ؟ ۔ ។ and their kind, as Unicode lists them) end it anywhere.
- `.` `!` `?` `…`, and `;` in Greek and `:` in Armenian, need white space behind them, and no small letter after it
  (in a paragraph that begins with a capital). Three dots need a capital after it, so they end nothing where a script
  has none.
- Whether a full stop belongs to an abbreviation is asked of sentencex, one word at a time, beside a few rules and words
  of our own. Its way with whole texts is not used: a quotation mark keeps every end up to the next one, a number never
  begins a sentence, Burmese ends at a genitive and at a comma, decimals in other digits than ours are cut, and white
  space that is not ASCII can make it panic. For languages without a list it takes the English one, whose words (`no`,
  `me`, `nem`, `det`) are ends elsewhere; those are not believed.
- Sentences within quotation marks are sentences. Brackets within a sentence end none.
- Thai and Lao have no marks: there a space ends a "sentence" of 40 characters or more.
- Tibetan has one mark for clauses and sentences, so its clauses count as sentences.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from bloodbank.languages import get_language


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Unicode's Sentence_Break=STerm beyond ASCII, without the Burmese comma (U+104A); with it ｡, Khmer and Thai marks, and
# the Ethiopic full stop written as two word spaces.
_SURE = (
    "\u0589\u061d-\u061f\u06d4\u0700-\u0702\u07f9\u0837\u0839\u083d\u083e\u0964\u0965\u0e5a\u0e5b\u104b\u1362"
    "\u1367\u1368\u166e\u1735\u1736\u17d4\u17d5\u17da\u1803\u1809\u1944\u1945\u1aa8-\u1aab\u1b5a\u1b5b\u1b5e"
    "\u1b5f\u1b7d\u1b7e\u1c3b\u1c3c\u1c7e\u1c7f\u203c\u203d\u2047-\u2049\u2e2e\u2e3c\u2e53\u2e54\u3002\ua4ff"
    "\ua60e\ua60f\ua6f3\ua6f7\ua876\ua877\ua8ce\ua8cf\ua92f\ua9c8\ua9c9\uaa5d-\uaa5f\uaaf0\uaaf1\uabeb\ufe52"
    "\ufe56\ufe57\uff01\uff0e\uff1f\uff61\U00010a56\U00010a57\U00010f55-\U00010f59\U00010f86-\U00010f89\U00011047"
    "\U00011048\U000110be-\U000110c1\U00011141-\U00011143\U000111c5\U000111c6\U000111cd\U000111de\U000111df"
    "\U00011238\U00011239\U0001123b\U0001123c\U000112a9\U0001144b\U0001144c\U000115c2\U000115c3"
    "\U000115c9-\U000115d7\U00011641\U00011642\U0001173c-\U0001173e\U00011944\U00011946\U00011a42\U00011a43"
    "\U00011a9b\U00011a9c\U00011c41\U00011c42\U00011ef7\U00011ef8\U00011f43\U00011f44\U00016a6e\U00016a6f"
    "\U00016af5\U00016b37\U00016b38\U00016b44\U00016e98\U0001bc9f\U0001da88"
)
_TIBETAN = "\u0f0d-\u0f12\u0f14"
_CLOSERS = r"\)\]\}）］｝〉》」』】〕〗〙〛”’»›"
_THAI_LAO = "\u0e01-\u0e2e\u0e40-\u0e44\u0e81-\u0eae\u0ec0-\u0ec4"  # what may begin a word


_CLOSINGS = "'\"’”»›“‘„«)]）」』】》〉 \t\u200b"
_END = re.compile(f"(?:[{_SURE}.!?…{_TIBETAN}\u055c\u055e]|\u1361\u1361|\u104a\u104a)$")
_FAR = 12  # characters before a mark that show the script it belongs to
_MARK_OF_SCRIPT = re.compile(r"[\u0531-\u0587][^\W\d_]*[\"»)]*:$|[\u0370-\u03ff\u1f00-\u1fff][\"»)]*;$")
_LONGER_THAN_A_NAME = 20
_THAI_OR_LAO = re.compile("[\u0e01-\u0eff]")


def _marks(more: str = "") -> re.Pattern[str]:
    """Match a run of marks and what closes behind it. It begins with one set of characters, which makes it fast."""
    one = rf"[{_SURE}.!?…\u1361\u104a{_TIBETAN}{more}]"
    return re.compile(rf"{one}{one}*(?:[{_CLOSERS}]|[\"'“‘«‹](?!\w)|\s[»”](?!\S))*")  # French: a space before »


_MARKS = _marks()
_MARKS_OF = {"hy": _marks(":"), "hyw": _marks(":"), "el": _marks(";"), "pnt": _marks(";")}
_SPACES = re.compile(  # between letters of Thai or Lao
    rf"(?<=[{_THAI_LAO}\u0e30-\u0e3a\u0e47-\u0e4e\u0eb0-\u0ebd\u0ec8-\u0ecd])\s+(?=[{_THAI_LAO}])"
)
_COLON_STOP = _words("hy hyw")  # where a full stop is a colon
_ORDINAL_STOP = _words("bs cs da de dsb et fi fo hr hsb hu is lb lt lv nb nds nn no pl sh sk sl sr tr")  # Karl V. siegt
_FEWEST_CHARS = 40  # of what a space ends: Thai sets spaces between clauses, and around numbers and names

_THAI = re.compile("[\u0e01-\u0eff]")
_WORD, _LETTER = re.compile(r"\w"), re.compile(r"[^\W\d_]")
_INDIC, _HIRAGANA = re.compile("[\u0900-\u0dff]"), re.compile("[\u3041-\u309f]")
_NEXT = re.compile(r"\W{0,30}(\w{0,20})")  # bounded, so that time is linear
_IS_SURE = re.compile(f"[{_SURE}]|\u1361\u1361|\u104a\u104a")
_BRACKET, _OPEN_BRACKET = re.compile(r"[)\]}）］｝】〕〗]"), re.compile(r"\s{0,9}[(\[{（［｛【〔〖]")
_DOTS, _ONE_STOP = re.compile(r"[.!?…]*(?:\.\.|…)(?![.!?…])"), re.compile(r"\.(?![.!?…])")
_OPENERS = "([{（«»‹›\"'“”„‚‘’¿¡*-–—/"
# One letter where scripts have capitals, and in Hebrew and Arabic; one with or without a sign in Tamil to Malayalam.
_INITIAL = re.compile(
    "[A-Za-zª-\u058f\u10a0-\u10ff\u1e00-\u1fff\u2c00-\u2dff\ua640-\ua7ff\u0590-\u07ff]|[\u0b80-\u0d7f]{1,2}"
)
_INNER_STOPS = re.compile(r"[^\W\d_][^.\d]{0,4}(?:\.[^\W\d_][^.\d]{0,4})+")  # t.ex, U.S, कि.मी
_ROMAN = re.compile("[IVXLC]+")
_SECTION = re.compile(r"\d+(?:\.\d+)+")
_VOWEL = re.compile("[aeiouyáéíóúäöüåæøαεηιουωάέήίόύώаеёиоуыэюяіїє]")

_BEFORE_NAMES = _words(
    "dr dra drs prof mr mrs ms mme mlle mgr msgr st ste sr sra jr ing fr frk hr rev gen col capt lt sgt ifj id özv vs "
    "cf им проф акад ул καθ αγ डॉ डा प्रो प्रा श्री श्रीमती स्व पं रु नं శ్రీ శ్రీమతి ప్రొ డా திரு"
)
_BEFORE_NUMBERS = _words(
    "no nos nr nrs nro num art abb abs apr aug bd ca cap ch chap dec fig figs feb gl jan jul jun kap kb klo kor "
    "lch mar max min nov oct okt pag par pos sec sect sep sept sid sor tab tel tom uimh vol рис табл стр гл илл "
    "прим αρ σελ κεφ"
)
# Forms of companies, which stand before their names.
_COMPANIES = {
    **dict.fromkeys(("id", "ms", "jv", "su", "min"), _words("PT CV UD PD KH KUD PN RM")),
    "vi": _words("TP TT"),
}
# The library's English list knows states and ranks by these; in small letters they are words.
_ENGLISH_WORDS = _words("art ark ave cal con fed id ill kan ken la mar may me miss mo no ore pa re ref rep reps")


class _Text(NamedTuple):
    """A paragraph, and what is asked of it more than once."""

    text: str
    language: str
    has_capitals: bool  # beginnings of sentences are marked by them
    has_danda: bool  # so that a full stop ends nothing


def split_sentences(paragraph: str, language: str) -> list[str]:
    """Split a paragraph into its sentences, in time linear in its length.

    Args:
        paragraph: Text of one paragraph, in Unicode normal form C.
        language: Its code.

    Returns:
        The sentences, without white space at their ends; what stands between them in the paragraph is white space or
        nothing. Empty for a paragraph of white space.

    Raises:
        UsageError: The code is not in the table of languages.
    """
    _check(language)
    first = _LETTER.search(paragraph)
    has_capitals = first is None or not _is_small(first[0])  # else the writer sets none, or it is cut out of a sentence
    text = _Text(paragraph, language, has_capitals, "\u0964" in paragraph or "\u0965" in paragraph)
    starts, checked = [0], 0
    for match in _matches(text):
        word = _WORD.search(paragraph, checked, match.end())  # a lone dash, bracket or emoji is no sentence
        checked = word.start() if word else match.end()
        if word and _ends(text, starts[-1], match):
            starts.append(match.end())
            checked = match.end()
    if len(starts) > 1 and not _WORD.search(paragraph, starts[-1]):
        starts.pop()
    sentences = [paragraph[start:end].strip() for start, end in pairwise([*starts, len(paragraph)])]
    return [sentence for sentence in sentences if sentence]


def ends_sentence(text: str) -> bool:
    """Tell whether a text ends as a sentence does, in whatever script, its language not being known.

    Thai and Lao set no marks: there a text ends one if it is longer than a name.
    """
    bare = text.rstrip(_CLOSINGS)
    if bare.endswith("\u1361") and not bare.endswith("\u1361\u1361"):
        return False
    if _END.search(bare[-2:]) or _MARK_OF_SCRIPT.search(bare[-_FAR:]):
        return True
    return len(bare) >= _LONGER_THAN_A_NAME and _THAI_OR_LAO.fullmatch(bare[-1:]) is not None


@lru_cache(maxsize=1_000)
def _check(language: str) -> None:
    get_language(language)


def _matches(text: _Text) -> Iterable[re.Match[str]]:
    """Find the places that may end a sentence."""
    marks = _MARKS_OF.get(text.language, _MARKS).finditer(text.text)
    if text.text.isascii() or not _THAI.search(text.text):
        return marks
    return sorted([*marks, *_SPACES.finditer(text.text)], key=re.Match.start)


def _ends(text: _Text, start: int, match: re.Match[str]) -> bool:
    """Tell whether a sentence that began at `start` ends with these marks."""
    marks, end = match[0], match.end()
    if marks.isspace():
        return match.start() - start >= _FEWEST_CHARS
    if marks[0] in "\u1361\u104a" and marks[0] != marks[1:2]:
        return False  # one is a word space, or the Burmese comma; two are a full stop
    if _BRACKET.search(marks) and not _OPEN_BRACKET.match(text.text, start):
        return False
    spaced = text.text[end : end + 1].isspace()
    if _IS_SURE.search(marks):
        return spaced or not _goes_on(text.text, match)
    if not spaced or "\u0f0d" <= marks[0] <= "\u0f14":
        return spaced
    return _ends_before_space(text, start, match)


def _goes_on(text: str, match: re.Match[str]) -> bool:
    """Tell whether a sentence goes on right behind sure marks: 「はい。」と言った, ３．５."""
    before, after = text[max(0, match.start() - 1) : match.start()], text[match.end() : match.end() + 1]
    if match[0] == "．":
        return before.isdecimal() and after.isdecimal()
    return match[0][-1] in _CLOSERS and _HIRAGANA.match(after) is not None


def _ends_before_space(text: _Text, start: int, match: re.Match[str]) -> bool:
    """Tell whether a sentence ends with marks that may mean something else, too."""
    found = _NEXT.match(text.text, match.end())
    following = found[1] if found else ""
    if text.has_capitals and _is_small(following):
        return False
    if _DOTS.match(match[0]):
        return following[:1].isupper()
    return not _ONE_STOP.match(match[0]) or not _is_abbreviated(text, start, match.start(), following)


def _is_small(word: str) -> bool:
    """Tell whether a word begins small. Georgian has no capitals in use, and eBay may begin a sentence."""
    first = word[:1]
    return first.islower() and first.title() != first and not word[1:2].isupper()


def _is_abbreviated(text: _Text, start: int, stop: int, following: str) -> bool:
    """Tell whether a full stop belongs to the word before it and ends nothing."""
    before = text.text[max(start, stop - 30) : stop]
    word = "" if not before or before[-1].isspace() else before.split()[-1].lstrip(_OPENERS)
    if not word:
        return False
    if text.language in _COLON_STOP or (text.has_danda and _INDIC.match(word[-1:])):
        return True
    alone = before.strip().lstrip(_OPENERS) == word  # a number of a list
    if _SECTION.fullmatch(word) and following and not _has_case(following[0]):
        return True  # a number of a section, where no capital tells whether it ends a sentence
    if word.isdecimal():
        return alone or (len(word) < 3 and following[:1].isdecimal()) or _is_known("1", following, text.language)
    if alone and _ROMAN.fullmatch(word):
        return True
    return _is_abbreviation(word, text.language, before_number=following[:1].isdecimal())


def _has_case(letter: str) -> bool:
    return letter.lower() != letter.upper()


@lru_cache(maxsize=65_536)
def _is_abbreviation(word: str, language: str, *, before_number: bool) -> bool:
    """Tell whether a word is one that is written with a full stop, before a capital or in a script without."""
    if _INITIAL.fullmatch(word) or _INNER_STOPS.fullmatch(word):
        return True
    if word.casefold() in (_BEFORE_NUMBERS if before_number else _BEFORE_NAMES):
        return True
    if before_number and len(word) < 5 and word.islower() and not _VOWEL.search(word):
        return True  # kl. 8, str. 5
    if word.isupper():
        if language in _COMPANIES and word in _COMPANIES[language]:
            return True
        return language in _ORDINAL_STOP and _ROMAN.fullmatch(word) is not None
    return not (language == "en" and word in _ENGLISH_WORDS) and _is_known(word, "X", language)


@lru_cache(maxsize=65_536)
def _is_known(word: str, following: str, language: str) -> bool:
    """Ask sentencex whether a full stop between two words ends nothing."""
    if not (word + following).isprintable():  # lone surrogates, and white space that makes it panic
        return False
    return _joins(word, following, language) and not (_borrows(language) and _joins(word, following, "en"))


@lru_cache(maxsize=1_000)
def _borrows(language: str) -> bool:
    """Tell whether sentencex takes the English list for another language: it knows the states of America."""
    return language != "en" and all(_joins(state, "X", language) for state in ("Ariz", "Nebr", "Penna", "Wyo"))


def _joins(word: str, following: str, language: str) -> bool:
    import sentencex

    return len(sentencex.segment(language, f"{word}. {following} x")) == 1

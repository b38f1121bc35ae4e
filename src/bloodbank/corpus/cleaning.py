# ruff: noqa: RUF001, RUF003 -- marks and words of many scripts are what this module is about, look-alikes too
"""Paragraphs without what is no text: odd characters, white space, lines without letters, boilerplate.

    counts = Counter()
    clean_paragraph("  Ein\u00adfach  so ", counts)

Inside a paragraph only this changes (`normalize`):

- Unpaired surrogates, noncharacters, private use and U+FFFD become a space: nobody can say which letter was meant,
  and without the space two words would become one. Control characters become a space as well.
- Soft hyphens, byte order marks, word joiners, bidirectional controls and Hangul's blank go: they say how a line is
  set, and a tokenizer would take one word for two. Zero-width spaces go, too, but for those between letters of Thai,
  Lao, Burmese, Khmer or Tibetan, where they mark words. Zero-width joiners and non-joiners and variation selectors
  stay: spelling needs them.
- Unicode normal form C; each run of white space, no-break and ideographic spaces included, becomes one space.
- HTML entities (`&amp;`) stay, and are counted: a text about HTML means them, and decoding twice is wrong. A source
  that is HTML decodes its own.

Then whole paragraphs are left out by rules that know no language (but for the words of a cookie notice), and rather
keep too much: messages of a user interface, captions, names and formulas within a text stay.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_LAST_TWO = "".join(f"{chr(plane << 16 | 0xFFFE)}{chr(plane << 16 | 0xFFFF)}" for plane in range(1, 15))
_NO_TEXT = f"\ud800-\udfff\ue000-\uf8ff\ufdd0-\ufdef\ufffd-\uffff{_LAST_TWO}\U000f0000-\U0010ffff"
_CONTROL = "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f"  # the others are white space
_INVISIBLE = "\u00ad\u061c\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\U000e0001"
# Letters of scripts in which zero-width spaces stand between words: Thai to Burmese, Khmer, and the smaller ones.
_SPACED = "\u0e01-\u0eff\u0f00-\u109f\u1780-\u17ff\u1950-\u19ff\u1a20-\u1aaf\ua9e0-\ua9ff\uaa60-\uaadf"
_ODD = re.compile(f"[{_NO_TEXT}{_CONTROL}{_INVISIBLE}\u200b]")
_STEPS = {
    "no_text": (re.compile(f"[{_NO_TEXT}]"), " "),
    "control": (re.compile(f"[{_CONTROL}]"), " "),
    "invisible": (re.compile(rf"[{_INVISIBLE}]|(?<![{_SPACED}])\u200b|\u200b(?![{_SPACED}])"), ""),
}
_ENTITY = re.compile(r"&(?:[a-zA-Z]{2,8}|#\d{2,6}|#x[0-9a-fA-F]{2,5});")
_LETTER = re.compile(r"[^\W\d_]")

_HEAD_CHARS = 2_000  # rules that ask for shares look at so much: time is linear, and short lines are seen whole
_ADDRESS = re.compile(r"(?:https?|ftp)://\S+|www\.\S+|(?<!\S)[^\s@]{1,99}@[^\s@]{1,99}\.[^\s@.]{1,99}")
_TAG = re.compile(r"</?[a-zA-Z][a-zA-Z0-9]{0,15}(?:\s+[\w:-]{1,40}\s?=[^<>]{0,500})?\s?/?>")
_TABLE = re.compile(r"\{\||\|[-}+]")  # rows of tables in wikitext; no prose begins so
_MARKS = re.compile(r"(?<!\S)[|¦•∙·›»](?!\S)")
_QUOTED = re.compile("[«‹]")  # then › and » close quotations
_SENTENCE = re.compile(r"[.!?…:;()（）。！？।॥။։؟۔።]")
_LONGEST_PIECE = 30  # characters between two marks of a navigation line
_SCRIPT = re.compile(r"\bfunction\s?\w{0,40}\s?\([^()]{0,200}\)\s?\{|\b(?:document|window)\.\w{1,40}\s?[=.(\[]")
_STYLE = re.compile(r"[.#@]?[\w-]{1,60}\s?\{\s?[a-z-]{2,40}\s?:[^{}]{1,500}\}")
_RIGHTS = re.compile(r"[\W_]*(?:©|\([cC]\)|[cC]opyright\b|COPYRIGHT\b)[^.!?。।]{0,60}\b(?:19|20)\d\d\b")
_LONGEST_NOTICE = 300  # characters
# A cookie notice is short, and has a word for cookies, one for using or agreeing, and one for us or this site.
_COOKIES = _words("cookie куки クッキー 쿠키 कुकी குக்கீ కుకీ كوكي עוגיות קוקי süti eväste briwsion fianán թխուկ ကွတ်ကီး")
_USES = re.compile(
    r"\b(?:uses?\b|using\b|accept|agree|consent|policy|verwend|nutz|akzept|zustimm|utili[sz]|usamos|acept|accett|použív|"
    r"używa|gebruik|brug|använd|godkän|käyt|hyväk|használ|kullan|χρησιμ|использ|соглаш|приним|defnydd|úsáid|օգտագործ)|"
    r"使用|同意|利用|사용|동의|ستخدم|توافق|משתמש|उपयोग|प्रयोग|பயன்|ఉపయోగ|အသုံးပြု"
)
_OURS = re.compile(
    r"\b(?:we|our|this (?:web)?site|wir|unsere\w*|diese (?:web)?s(?:e)?ite|nous|ce site|notre|este sitio|nuestr[oa]s?|"
    r"utilizamos|usamos|questo sito|nostr[oaie]|utilizziamo|мы|этот сайт|наш\w*|vi|vår\w*|denna webbplats|oldalunk\w*|"
    r"ez a weboldal|sivusto\w*|ιστοσελίδα|μας|ta strona|nasz\w*|tato stránka|bu (?:web )?site\w*|y wefan hon|մեր)\b|"
    r"本网站|本網站|我们|我們|当サイト|このサイト|이 사이트|저희|هذا الموقع|موقعنا|אתר זה|באתר|"
    r"यह साइट|हमारी|हाम्रो|எங்கள்|మా |ဤဝဘ်ဆိုက်|suíomh seo"
)


def normalize(text: str, counts: Counter[str] | None = None) -> str:
    """Bring a paragraph into Unicode normal form C, without characters that are no text, in single spaces.

    Args:
        text: The paragraph.
        counts: Grows by the paragraphs that a step changed, `STEP_in`, and by the characters that it took out or made
            spaces, `STEP_chars`. Steps: `no_text`, `control`, `invisible`, `composed` (characters saved, which may be
            below 0), `white_space` (at the ends, and beyond the first of each run). `entities_in`: nothing changes.

    Returns:
        The paragraph; nothing else in it is changed.
    """
    counts = Counter() if counts is None else counts
    spaced = " ".join(text.split())
    n_spaces = len(text) - len(spaced)
    # Python prints neither controls nor formats, surrogates, private use; these it does.
    if not spaced.isprintable() or "\ufffd" in spaced or "\u3164" in spaced or "\uffa0" in spaced:
        kept = _without_odd(spaced, counts)
        spaced = " ".join(kept.split())
        n_spaces += len(kept) - len(spaced)
    composed = unicodedata.normalize("NFC", spaced)
    if composed != spaced:
        counts["composed_in"] += 1
        counts["composed_chars"] += len(spaced) - len(composed)
    if n_spaces:
        counts["white_space_in"] += 1
        counts["white_space_chars"] += n_spaces
    if "&" in composed and _ENTITY.search(composed):
        counts["entities_in"] += 1
    return composed


def clean_paragraph(text: str, counts: Counter[str], *, min_letters: int = 1) -> str:
    """Normalize a paragraph, and leave it out where it is no text.

    Args:
        text: The paragraph.
        counts: Grows by what `normalize` counts, and where the paragraph is left out by 1 under the name of the first
            rule that says so, and by its characters under `RULE_chars`: `few_letters`, or one of `RULES`. A paragraph
            of white space is none: it is not counted.
        min_letters: Fewest letters that are kept. The default drops only what has none, since two characters are a
            word in Chinese, and "OK" is a message.

    Returns:
        The paragraph as `normalize` gives it, or "" for what is left out. Cleaning it again changes nothing.
    """
    cleaned = normalize(text, counts)
    reason = _reason(cleaned, min_letters) if cleaned else None
    if reason is None:
        return cleaned
    counts[reason] += 1
    counts[f"{reason}_chars"] += len(cleaned)
    return ""


def _without_odd(text: str, counts: Counter[str]) -> str:
    if _ODD.search(text):
        for step, (pattern, replacement) in _STEPS.items():
            text, n_chars = pattern.subn(replacement, text)
            if n_chars:
                counts[f"{step}_in"] += 1
                counts[f"{step}_chars"] += n_chars
    return text


def _reason(text: str, min_letters: int) -> str | None:
    """Name the rule by which a normalized paragraph is left out; None: it stays."""
    if not _LETTER.search(text) or (min_letters > 1 and sum(map(str.isalpha, text)) < min_letters):
        return "few_letters"
    return next((name for name, rule in _RULES.items() if rule(text)), None)


def _is_addresses(text: str) -> bool:
    """Nothing but addresses of pages and of people."""
    if "://" not in text and "www." not in text and "@" not in text:
        return False
    return not _LETTER.search(_ADDRESS.sub("", text))


def _is_retrieved(text: str) -> bool:
    """The line "Retrieved from …" below a printed page of a wiki, in any language."""
    if "://" not in text or len(text) > _LONGEST_NOTICE:
        return False
    last = text.rsplit(maxsplit=1)[-1]
    return "://" in last and ("oldid=" in last or "index.php?title=" in last)


def _is_markup(text: str) -> bool:
    """A row of a table in wikitext; tags of HTML with more characters in them than outside."""
    if _TABLE.match(text):
        return True
    head = text[:_HEAD_CHARS]
    return "<" in head and 2 * len(_TAG.sub("", head)) < len(head)


def _is_program(text: str) -> bool:
    """JavaScript or style sheets of a page."""
    head = text[:_HEAD_CHARS]
    if "{" in head and _STYLE.match(head):
        return True
    return ";" in head and _SCRIPT.search(head) is not None


def _is_navigation(text: str) -> bool:
    """Five short pieces or more between marks such as | and •, and nothing that a sentence has."""
    if not any(mark in text for mark in "|¦•∙·›»"):
        return False
    pieces = _MARKS.split(text[:_HEAD_CHARS])
    if len(pieces) < 5 or _SENTENCE.search(text) or (_QUOTED.search(text) and "|" not in text):
        return False
    return all(len(piece) <= _LONGEST_PIECE + 2 for piece in pieces)  # 2: the spaces around it


def _is_symbols(text: str) -> bool:
    """Twenty visible characters or more, of which fewer than a tenth are letters."""
    head = text[:_HEAD_CHARS].replace(" ", "")
    n_letters = sum(map(str.isalpha, head))
    if len(head) < 20 or 10 * n_letters >= len(head):
        return False
    n_wide = sum(unicodedata.east_asian_width(character) == "W" for character in head if character.isalpha())
    return 10 * (n_letters + 2 * n_wide) < len(head)  # a word of Chinese is two letters, not six


def _is_repetition(text: str) -> bool:
    """The same few words, or the same one to three characters, again and again."""
    if len(text) < 20:
        return False
    words = text[:_HEAD_CHARS].split()[:100]
    if len(words) >= 10 and 5 * len(set(words)) <= len(words):
        return True
    head = text[:200]
    return len(head) >= 30 and len(set(head)) <= 3


def _is_notice(text: str) -> bool:
    """A short line about cookies on "our" site, or on who holds the rights since when."""
    if len(text) > _LONGEST_NOTICE:
        return False
    if _RIGHTS.match(text):
        return True
    small = text.casefold()
    if not any(stem in small for stem in _COOKIES) or not _USES.search(small):
        return False
    return _OURS.search(small) is not None


_RULES: dict[str, Callable[[str], bool]] = {
    "addresses": _is_addresses,
    "retrieved_from": _is_retrieved,
    "markup": _is_markup,
    "program": _is_program,
    "navigation": _is_navigation,
    "symbols": _is_symbols,
    "repetition": _is_repetition,
    "notice": _is_notice,
}
RULES = tuple(_RULES)
"""Names of the rules that leave a paragraph out as boilerplate, in the order in which they are asked."""

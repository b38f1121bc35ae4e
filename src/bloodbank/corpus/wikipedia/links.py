"""Links of wikitext: which are shown, and with what text. Private to `wikitext`.

Names of namespaces are the dump's own. A dump does not list their older names (`[[Bild:…]]` in German): files are known
by the ending of what is named in any wiki, and common ones of categories stand here.
"""

# ruff: noqa: RUF001 - brackets of East Asian scripts

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from bloodbank.corpus.wikipedia.markup import SOMETHING
from bloodbank.languages import all_languages

MEDIA, FILE, CATEGORY = -2, 6, 14  # numbers of namespaces, the same in every wiki

# Prefixes of Wikipedias that are no codes of the language table.
_OTHER_PREFIXES = "als bat-smg be-x-old fiu-vro mo no nrm roa-rup simple zh-classical zh-min-nan zh-yue zh-cn zh-tw"
_OLD_CATEGORY_NAMES = ("分类", "分類", "カテゴリ", "카테고리")
_MOST_NESTED = 10  # links within captions within captions

# Innermost links: a single pair of brackets is text, as in [sic]. The quantifiers never give back what they took.
_LINK = re.compile(r"\[\[([^\[\]|\n]*+)(\|(?:[^\[\]]++|\[(?!\[)[^\[\]\n]*+\])*+)?\]\]")
_ADDRESS = re.compile(
    r"\[(?:(?:(?:https?|ftps?|sftp|ssh|ircs?|git|svn|telnet|gopher|nntp|worldwind|mms|xmpp):)?//"
    r"|(?:mailto|news|tel|sms|urn|geo):(?=\S))[^\s\[\]]*+[^\S\n]*+([^\[\]\n]*+)\]",
    re.IGNORECASE,
)
_BARE_ADDRESS = re.compile(r"\b(?:https?|ftp)://[^\s\[\]<>\"|]*", re.IGNORECASE)
_AFTER_ADDRESS = ".,;:!?'»”"  # ends the sentence, not the address; so does a parenthesis that opened before it
_FILE_ENDINGS = (
    ".jpg", ".jpeg", ".png", ".svg", ".gif", ".tif", ".tiff", ".webp", ".xcf", ".djvu", ".pdf", ".ogg", ".oga", ".ogv",
    ".webm", ".mp3", ".mp4", ".mid", ".midi", ".wav", ".flac", ".opus", ".stl",
)  # fmt: skip
_LONGEST_TITLE_CHARS = 300  # of a name that is looked at more closely; MediaWiki allows 255 bytes
_IN_PARENTHESES = re.compile(r"\s*[(（][^()（）]*[)）]\s*$")

_VARIANT = re.compile(r"-\{([^{}]*+)\}-")
_VARIANT_WITHOUT_LINKS = re.compile(r"-\{([^{}\[\]]*+)\}-")
_RULES = re.compile(r";(?=\s*(?:$|[a-z]{2,}[a-z-]*\s*:|[^;:]*=>))", re.IGNORECASE)
_VARIANTS_FIRST = ("zh-hans", "zh-cn", "zh", "sr-ec")  # what a reader sees who has chosen none


@dataclass(frozen=True)
class Namespaces:
    """How a wiki names files and categories in links, in lower case: its own names and the English ones.

    Attributes:
        files: Names of the namespace of files.
        categories: Names of that of categories.
        media: Names of that of links to files themselves.
    """

    files: frozenset[str]
    categories: frozenset[str]
    media: frozenset[str]

    @classmethod
    def of(cls, names: Mapping[int, str]) -> Namespaces:
        """Take the names from those of a dump: `{6: "Datei", 14: "Kategorie", …}`; English ones are always known."""

        def all_names(number: int, *known: str) -> frozenset[str]:
            return frozenset(_comparable(name) for name in (names.get(number, ""), *known) if name)

        return cls(
            all_names(FILE, "File", "Image"),
            all_names(CATEGORY, "Category", *_OLD_CATEGORY_NAMES),
            all_names(MEDIA, "Media"),
        )


def resolve_links(text: str, namespaces: Namespaces, removed: Counter[str]) -> str:
    """Put their text in place of links, from the innermost on, and take out what no reader sees as text."""

    def of_link(match: re.Match[str]) -> str:
        return _text_of_link(match[1], match[2], namespaces, removed)

    for _ in range(_MOST_NESTED):
        if "-{" in text:  # before links, whose text they may be: [[-{zh-hans:…;zh-hant:…}-]]
            text = _VARIANT_WITHOUT_LINKS.sub(lambda match: choose_variant(match[1]), text)
        text, n_links = _LINK.subn(of_link, text)
        text, n_addresses = _ADDRESS.subn(lambda match: _label(match, removed), text)
        n_variants = 0
        if "-{" in text:
            text, n_variants = _VARIANT.subn(lambda match: choose_variant(match[1]), text)
        if not n_links + n_addresses + n_variants:
            break
    if "[[" in text:
        text = _unclosed(namespaces).sub("", text)
    return _BARE_ADDRESS.sub(lambda match: _end_of_address(match[0], removed), text) if "://" in text else text


def _text_of_link(target: str, label: str | None, namespaces: Namespaces, removed: Counter[str]) -> str:
    if ":" in target and len(target) <= _LONGEST_TITLE_CHARS:
        prefix, _, name = target.partition(":")
        kind = _kind_of_prefix(_comparable(prefix), target, namespaces)
        if kind:
            removed[kind] += 1
            return SOMETHING
        if not prefix.strip():  # [[:Category:X]] and [[:fr:X]] are shown
            target = name
    if label == "|" and len(target) <= _LONGEST_TITLE_CHARS:  # what stands in parentheses and before a colon goes
        return _IN_PARENTHESES.sub("", target.rpartition(":")[2])
    return target if label is None else label[1:]


def _kind_of_prefix(prefix: str, target: str, namespaces: Namespaces) -> str:
    """Tell what a link is that shows no text; empty for one that does."""
    if not prefix or prefix in namespaces.media:
        return ""
    if prefix in namespaces.files or target.rstrip().lower().endswith(_FILE_ENDINGS):
        return "files"
    if prefix in namespaces.categories:
        return "categories"
    return "interlanguage" if prefix in _wikipedias() else ""


def choose_variant(inside: str) -> str:
    """Choose from `-{zh-hans:…; zh-hant:…}-` what a reader sees who has chosen no variant; hidden rules are nothing.

    Args:
        inside: What stands between the braces, without markup inside it.
    """
    flags, bar, rules = inside.partition("|")
    kinds = {flag.strip() for flag in flags.split(";")}
    if not bar:
        kinds, rules = set(), inside
    if kinds & {"H", "T", "-", "D", "N"} and not kinds & {"A", "S"}:
        return ""
    if kinds & {"R"}:
        return rules
    choices: dict[str, str] = {}
    for rule in filter(str.strip, _RULES.split(rules)):
        variant, colon, shown = rule.rpartition("=>")[2].partition(":")
        if not colon or not re.fullmatch(r"\s*[a-z]{2,}[a-z-]*\s*", variant, re.IGNORECASE):
            return rules
        choices.setdefault(variant.strip().lower(), shown.strip())
    return next((choices[name] for name in _VARIANTS_FIRST if name in choices), next(iter(choices.values()), rules))


def _label(match: re.Match[str], removed: Counter[str]) -> str:
    removed["addresses"] += 1
    return str(match[1])


def _end_of_address(address: str, removed: Counter[str]) -> str:
    removed["addresses"] += 1
    after = _AFTER_ADDRESS if "(" in address else _AFTER_ADDRESS + ")"
    return address[len(address.rstrip(after)) :]


def _comparable(name: str) -> str:
    return name.replace("_", " ").strip().lower()


@cache
def _wikipedias() -> frozenset[str]:
    """Prefixes of links to the same article in another language."""
    return frozenset(language.code for language in all_languages()) | frozenset(_OTHER_PREFIXES.split())


@cache
def _unclosed(namespaces: Namespaces) -> re.Pattern[str]:
    """Match what is never closed: files and categories to the end of the line, of other links the target."""
    names = "|".join(re.escape(name).replace(r"\ ", "[ _]") for name in namespaces.files | namespaces.categories)
    return re.compile(rf"\[\[\s*(?:{names})\s*:.*|\[\[[^\[\]|\n]*+\|", re.IGNORECASE)

"""From wikitext to plain paragraphs.

    clean_wikitext("'''Oulu''' is a [[city]].", Namespaces.of({6: "Tiedosto", 14: "Luokka"}))   # ["Oulu is a city."]

What is taken out: comments, templates, tables, references, galleries, formulas and code, files with their captions,
categories, links to other languages, headings, behaviour switches, addresses, tags. What stays: the text of links, of
nowiki, of inline tags, of quotations and poems, and paragraphs set in with colons.

Of a list the items stay that read as sentences, where at least half of its items do: they end as a sentence does, in
any script (in Thai and Lao, which have no marks, they are longer than a name), and name no ISBN. Names, links, titles
and enumerations, which most lists consist of, do not.

A paragraph is what the wiki shows as one: lines up to a blank one, a heading or a list are joined. The time is linear
in the text, also where nothing is balanced.
"""

# ruff: noqa: RUF001 - punctuation of all scripts

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from html.entities import html5
from itertools import groupby
from operator import itemgetter

from bloodbank.corpus.sentences import ends_sentence
from bloodbank.corpus.wikipedia.links import Namespaces, resolve_links
from bloodbank.corpus.wikipedia.markup import (
    HIDDEN_TAGS,
    HOLE,
    SOMETHING,
    drop_hidden,
    drop_tables,
    drop_templates,
    restore_protected,
)

__all__ = ["Namespaces", "clean_wikitext", "is_redirect"]

_BLOCKS = "p div blockquote center poem hr table caption tr td th thead tbody tfoot ul ol dl"
_INLINE = (
    "b i u s em strong small big sub sup span font tt kbd samp var cite abbr acronym dfn q del ins strike ruby rb rbc "
    "rtc bdi bdo mark time data wbr nowiki noinclude onlyinclude translate tvar languages img nobr a "
    "section main header footer"  # marks of a section that is transcluded, or no tags at all
)
_TAG = re.compile(
    rf"</?(?:(?P<block>{'|'.join(_BLOCKS.split())})|(?P<item>li|dd|dt)|(?P<line>br)"
    rf"|{'|'.join((*_INLINE.split(), *HIDDEN_TAGS))})(?=[\s/>])[^<>]*>",
    re.IGNORECASE,
)
_REDIRECT = re.compile(r"\s*#[ \t]*[^\s\[\]{}|:=*#]{2,40}[ \t]*:?\s*\[\[[^\[\]\n]+\]\]")
_LONGEST_REDIRECT = 500
_SWITCH = re.compile(r"__\w+?__")
_HEADING = re.compile(r"=.*=$")
_WORD = re.compile(r"\w")
_APOSTROPHES = re.compile(r"'{2,}")
# What goes on behind it, and ended no sentence before it, had words there; notes and requests stand elsewhere.
_HOLE = re.compile(rf"[\w,(–—-][ ]?{HOLE}[ ]?[\w,.;:)]")
_BLANK = f" \t\r\f\v\xa0\u3000{SOMETHING}{HOLE}"
_KEPT_IF_SENTENCES = ("list_items", "preformatted")
_BOOK_NUMBER = re.compile(r"\b(?:ISBN|ISSN|OCLC|DOI)\b", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#(\d{1,7});|#x([0-9a-f]{1,6});|([a-z][a-z0-9]{1,30};))", re.IGNORECASE)
_HAN_OR_KANA = r"[\u3000-\u30ff\u3400-\u9fff\uff00-\uff9f]"
_NO_SPACE = re.compile(rf"(?<={_HAN_OR_KANA})\n(?={_HAN_OR_KANA})")


def _without_doubled(brackets: str) -> str:
    """Take out doubled brackets, and those that double when others between them are out: `{[[{` leaves nothing."""
    left: list[str] = []
    for bracket in brackets:
        if left and left[-1] == bracket:
            left.pop()
        else:
            left.append(bracket)
    return "".join(left)


# What is left where something was taken out, and what betrays that a page has it: looking for that is much quicker.
_HOLES = tuple(
    (needles, re.compile(pattern, re.MULTILINE), instead)
    for needles, pattern, instead in (
        (("( ", "(,", "(;", "()", "(،", "[ ", "[]"), r"[(\[](?<![A-Za-z0-9_].)[ ,;:،؛·/–—-]*+[)\]]", ""),  # not main()
        (("（",), r"（[ 、，；：,;:·/–—-]*+）", ""),
        (('""',), r'(?<!\w)""(?!\w)', ""),
        (("“”", "„“", "«»", "« »", "「」", "『』", "《》"), r"“”|„“|« ?»|「」|『』|《》", ""),
        (("{{", "}}", "[[", "]]"), r"[{}\[\]]{2,}", lambda match: _without_doubled(match[0])),
        (("''",), r"'{2,}", "'"),  # left of a run longer than six, or met where something between them was taken out
        (("( ", "(,", "(;", "(،", "（ ", "（、", "（，", "（；"), r"(?<=[(（])[ ,;،؛、，；]++", ""),
        ((" )", ",)", ";)", "،)", " ）", "、）", "，）", "；）"), r"(?<![ ,;،؛、，；])[ ,;،؛、，；]++(?=[)）])", ""),
        (("  ",), r"  +", " "),
        ((" ,", " ."), r" (?=[,.](?:\s|$))", ""),
        ((",,",), r",{2,}(?=\s|$)", ","),
        (("、、", "，，"), r"([、，])\1+", r"\1"),
    )
)


def is_redirect(text: str) -> bool:
    """Tell whether a page only leads to another: `#REDIRECT [[…]]`, or the wiki's own word for it.

    Every wiki has words of its own (`#OHJAUS`, `#YÖNLENDİRME`, `#転送`). An article never begins with one item of a
    numbered list that is one word and a link, so the words need not be known.
    """
    return _REDIRECT.match(text[:_LONGEST_REDIRECT]) is not None


def clean_wikitext(text: str, namespaces: Namespaces, removed: Counter[str] | None = None) -> list[str]:
    """Return the paragraphs of a page, without markup.

    Args:
        text: Wikitext of one page.
        namespaces: How the wiki names files and categories.
        removed: Counts what was taken out, by kind.
    """
    removed = Counter() if removed is None else removed
    text = drop_hidden(text, removed)
    text = drop_templates(text, removed)
    text = drop_tables(text, removed)
    text = resolve_links(text, namespaces, removed)
    text = _TAG.sub(_instead_of_tag, text) if "<" in text else text
    text = _SWITCH.sub(_instead_of_switch, text) if "__" in text else text
    return _mend("\n".join(_paragraphs(text, removed)))


def _instead_of_tag(match: re.Match[str]) -> str:
    kind = match.lastgroup
    return {"block": "\n\n" + SOMETHING, "item": "\n* ", "line": SOMETHING + " "}.get(kind, "") if kind else SOMETHING


def _instead_of_switch(match: re.Match[str]) -> str:
    """Take out `__NOTOC__` in any language; `__init__` is no switch."""
    return SOMETHING if match[0] == match[0].upper() else match[0]


def _paragraphs(text: str, removed: Counter[str]) -> Iterator[str]:
    """Yield paragraphs, each without line ends."""
    for kind, group in groupby(map(_kind_of_line, text.split("\n")), key=itemgetter(0)):
        lines = [content for _, content in group]
        if kind == "text":
            paragraph = _joined([_without_quotes(line) for line in lines])
            if HOLE in paragraph:
                removed["paragraphs_with_holes"] += _HOLE.search(paragraph) is not None
                paragraph = paragraph.replace(HOLE, "")
            yield paragraph
            continue
        kept = lines if kind == "indented" else []
        if kind in _KEPT_IF_SENTENCES:
            sentences = [line for line in lines if _is_sentence(line)]
            kept = sentences if 2 * len(sentences) >= len(lines) else []
        yield from (_without_quotes(line).replace(HOLE, "") for line in kept)
        if kind and len(kept) < len(lines):
            removed[kind] += len(lines) - len(kept)
            if kind in _KEPT_IF_SENTENCES:
                removed[f"{kind}_chars"] += sum(map(len, lines)) - sum(map(len, kept))


def _joined(lines: Sequence[str]) -> str:
    """Join lines with spaces, but where both sides are of a script that has none."""
    return _NO_SPACE.sub("", "\n".join(lines)).replace("\n", " ") if len(lines) > 1 else lines[0]


def _kind_of_line(line: str) -> tuple[str, str]:
    """Tell what a line is, and its text; no kind for one that only separates."""
    if SOMETHING in line:  # only where the line begins it tells anything
        rest = line.replace(SOMETHING, "")
        line = SOMETHING + rest if line.startswith(SOMETHING) else rest
    content = line.strip(_BLANK)
    if not content or content.startswith("----"):
        return "", ""
    if line[0] in "*#;:":
        content = line.lstrip("*#;: \t")
        marks = line[: len(line) - len(content)]
        return "list_items" if marks.strip(": \t") else "indented", content
    if line[0] == "=" and _HEADING.fullmatch(content):
        return "headings", content
    if content[0] == "|" or content.startswith(("{|", "{{")):
        return "rows", content
    return "preformatted" if line[0] == " " else "text", content.replace(SOMETHING, "")


def _is_sentence(item: str) -> bool:
    """Tell whether an item of a list reads as a sentence, and is no entry of a bibliography."""
    return ends_sentence(item) and not _BOOK_NUMBER.search(item)


def _without_quotes(line: str) -> str:
    """Take out the marks of bold and italic print; an apostrophe before them stays, as in L'''Aurore''."""
    if "''" not in line:
        return line
    runs = [len(match[0]) for match in _APOSTROPHES.finditer(line)]
    kept = {n: n - 5 if n > 5 else 1 if n == 4 else 0 for n in set(runs)}
    spare = -1
    n_bold = sum(n >= 3 for n in runs)
    n_italic = sum(n == 2 or n >= 5 for n in runs)
    if n_bold % 2 and n_italic % 2:
        spare = _apostrophe_of_three(line)
    return _APOSTROPHES.sub(lambda match: "'" if match.start() == spare else "'" * kept[len(match[0])], line)


def _apostrophe_of_three(line: str) -> int:
    """Find which run of three is an apostrophe and italics: after a word of one letter, else after a longer one."""
    places = [match.start() for match in _APOSTROPHES.finditer(line) if len(match[0]) in (3, 4)]

    def rank(at: int) -> int:
        if at == 0 or line[at - 1] == " ":
            return 2
        return 0 if at == 1 or line[at - 2] == " " else 1

    return min(places, key=rank, default=-1)


def _mend(text: str) -> list[str]:
    """Read entities, and close the holes that templates and references leave."""
    if "&" in text:
        text = _ENTITY.sub(_character, text)
    text = text.replace("\xa0", " ").replace("\t", " ")
    for needles, pattern, instead in _HOLES:
        if any(needle in text for needle in needles):
            text = pattern.sub(instead, text)
    return [line for part in restore_protected(text).split("\n") if _WORD.search(line := part.strip())]


def _character(match: re.Match[str]) -> str:
    """Return the character of an entity, and an unknown entity as it is."""
    decimal, hexadecimal, name = match.groups()
    if name:
        character = html5.get(name, match[0])
    else:
        code = int(decimal) if decimal else int(hexadecimal, 16)
        character = chr(code) if code < 0xD800 or 0xDFFF < code < 0x110000 else ""
    return " " if character.isspace() else character

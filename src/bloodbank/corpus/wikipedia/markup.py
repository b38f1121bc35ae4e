"""The parts of wikitext that nest: comments, tags with hidden content, templates, tables. Private to `wikitext`.

Each is taken out in one pass that goes forward only, so the time is linear in the text, whatever is unbalanced in it.
The order is MediaWiki's own: what stands in a comment or in `<nowiki>` is no markup; templates are matched before
tables; what is opened and never closed is text.
"""

from __future__ import annotations

import re
from collections import Counter

from bloodbank.corpus.wikipedia.inline_templates import LONGEST_CHARS, shown_words

# Tags whose content is no running text, and under what they are counted.
_HIDDEN = {
    **dict.fromkeys(("ref", "references"), "references"),
    **dict.fromkeys(("gallery", "imagemap"), "galleries"),
    **dict.fromkeys(("math", "chem", "ce"), "formulas"),
    **dict.fromkeys(("code", "pre", "source", "syntaxhighlight"), "code"),
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), "headings"),
    **dict.fromkeys(
        (
            "score", "timeline", "graph", "hiero", "mapframe", "maplink", "templatestyles", "templatedata", "inputbox",
            "categorytree", "includeonly", "indicator", "phonos", "charinsert", "dynamicpagelist", "rt", "rp", "style",
            "script",
        ),
        "other_tags",
    ),
}  # fmt: skip
HIDDEN_TAGS = tuple(_HIDDEN)
_OPENS_HIDDEN = re.compile(rf"<!--|<(nowiki|{'|'.join(_HIDDEN)})(?=[\s/>])[^<>]*>", re.IGNORECASE)
_CLOSES = {name: re.compile(rf"</{name}\s*>", re.IGNORECASE) for name in ("nowiki", *_HIDDEN)}
_OPENS_REFERENCE = re.compile(r"<ref(?=[\s>])[^<>]*(?<!/)>", re.IGNORECASE)

# Characters of markup inside <nowiki> stand for themselves: they become noncharacters until all markup is gone.
_MARKUP_CHARS = "[]{}|'=*#:;_<>-&~!\n"
# Stands where something was taken out, as far as a line begins there: a space behind it makes no preformatted text.
SOMETHING = "\ufdef"
HOLE = "\ufdee"  # likewise, where a template may have shown words
_PROTECT = {ord(char): 0xFDD0 + i for i, char in enumerate(_MARKUP_CHARS)}
_RESTORE = {chr(code): chr(char) if char != ord("\n") else " " for char, code in _PROTECT.items()}
_PROTECTED = re.compile("[\ufdd0-\ufded]")

_BRACES = re.compile(r"\{\{+|\}\}+")
# Templates that stand for a character. They have these names, the English ones, in most wikis.
_APOSTROPHE = chr(_PROTECT[ord("'")])  # not one of those that make print bold
_CHARACTERS = {
    "nbsp": " ", "spaces": " ", "space": " ", "thinsp": " ", "snd": " – ", "spnd": " – ", "spaced ndash": " – ",
    "ndash": "–", "–": "–", "mdash": "—", "—": "—", "'": _APOSTROPHE, "'s": f"{_APOSTROPHE}s", "=": "=", "!": "|",
    "·": " · ", "•": " • ",
}  # fmt: skip
_NUMBER = "formatnum:"
# Templates that show no words of their sentence: references, notes, requests, coordinates, flags, sounds.
_SILENT = re.compile(
    r"sfnp?$|sfnm|efn|refn?|r$|rp$|harv|cite|citation needed|cn$|fact$|clarify|who$|when$|which$|"
    r"by whom|where$|why$|how$|"
    r"dubious|disputed|verify|page needed|better source|according to whom|vague|update|coord|flagicon|anchor|ipa|audio|"
    r"respell|pronunciation|lang-?ipa|note|main|see also|further|about|redirect|for$|short description|use |"
    r"defaultsort|infobox|taxobox|navbox|commons|webarchive|isbn|doi|oclc|issn|réf|référence|quelle|einzelnachweis|"
    r"citar|cita web|cita libro|cita news|cytuj|odn$|przypis|출처|참고|本家|要出典|脚注|fn$|ref-|источник|нет аи|sfn"
)
_SHOWS_WORDS = re.compile(r"[^|={}]*\w")

# They begin a line; what begins with the line's end is found much sooner than what stands behind it.
_TABLES = re.compile(
    r"\n(?:(?P<wiki>[ \t:*#;]*+\{\|)|(?P<wiki_end>[ \t]*+\|\}[ \t]*+))"
    r"|(?P<html><table(?=[\s>])[^<>]*>)|(?P<html_end></table\s*>)",
    re.IGNORECASE,
)
_ROW = re.compile(r"^[ \t:*#;]*(?:\{\||[|!]).*\n?", re.MULTILINE)


def drop_hidden(text: str, removed: Counter[str]) -> str:
    """Take out comments and tags with their content; keep what stands in `<nowiki>` safe from all that follows."""
    kept: list[str] = []
    at = 0
    closings: dict[str, tuple[int, int]] = {}  # of each tag the next one, so that no stretch is searched twice
    while match := _OPENS_HIDDEN.search(text, at):
        kept.append(text[at : match.start()])
        if match[1] is None:
            at = _end_of_comment(text, match.start(), match.end())
            removed["comments"] += 1
            continue
        name, inside = match[1].lower(), match.end()
        at = inside
        begin, end = (inside, inside) if match[0].endswith("/>") else _closing(text, name, inside, closings)
        if name == "ref" and begin > inside and _OPENS_REFERENCE.search(text, inside, begin):
            begin = end = -1  # the next one opens before this one is closed: this one never was
        if name == "nowiki":
            kept.append(text[inside:begin].translate(_PROTECT) if begin > inside else SOMETHING)
        else:
            removed[_HIDDEN[name]] += 1
            kept.append(SOMETHING)
        at = max(inside, end)
    kept.append(text[at:])
    return "".join(kept)


def restore_protected(text: str) -> str:
    """Give back what stood in `<nowiki>`."""
    return _PROTECTED.sub(lambda match: _RESTORE[match[0]], text)


def _end_of_comment(text: str, begin: int, inside: int) -> int:
    """Find where a comment ends. One that fills a line takes its end along; an open one all text, as on a wiki."""
    end = text.find("-->", inside)
    if end < 0:
        return len(text)
    end += len("-->")
    fills_line = (begin == 0 or text[begin - 1] == "\n") and text[end : end + 1] == "\n"
    return end + 1 if fills_line else end


def _closing(text: str, name: str, at: int, closings: dict[str, tuple[int, int]]) -> tuple[int, int]:
    """Find where the content of a tag ends, and its closing tag; (-1, -1) where there is none."""
    known = closings.get(name)
    if known is None or 0 <= known[0] < at:
        found = _CLOSES[name].search(text, at)
        known = closings[name] = found.span() if found else (-1, -1)
    return known


def drop_templates(text: str, removed: Counter[str]) -> str:
    """Take out `{{…}}` and `{{{…}}}`, but for characters, numbers and words that a template shows in a sentence."""
    if "{{" not in text:
        return text
    out: list[str] = []
    opened: list[list[int]] = []  # number of braces, place in `out`
    at = 0
    for match in _BRACES.finditer(text):
        out.append(text[at : match.start()])
        at, n_braces = match.end(), match.end() - match.start()
        if match[0][0] == "{":
            opened.append([n_braces, len(out)])
            out.append(match[0])
            continue
        while n_braces >= 2 and opened:
            n_open, place = opened[-1]
            n_matched = min(n_open, n_braces, 3)
            instead, hole = _template(out, place + 1) if n_matched == 2 and n_open == 2 else ("", SOMETHING)
            removed["templates"] += 1
            if not instead and text.startswith("'", at) and place and out[place - 1].endswith("'"):
                instead = " "  # ''{{lang|fr|mot}}'' would become an apostrophe
            n_braces -= n_matched
            opened[-1][0] = n_open = n_open - n_matched
            if n_open < 2:
                opened.pop()
                out[place:] = ["{" * n_open + (instead or hole)]
            else:
                out[place:] = ["{" * n_open]
        out.append("}" * n_braces)
    out.append(text[at:])
    return "".join(out)


def _template(out: list[str], first: int) -> tuple[str, str]:
    """Return what a template stands for, where that is known, and what stands where it was if it is not."""
    n_chars, last = 0, first
    while last < len(out) and n_chars <= LONGEST_CHARS:
        n_chars, last = n_chars + len(out[last]), last + 1
    if n_chars > LONGEST_CHARS:
        return "", SOMETHING
    content = "".join(out[first:])
    for mark in (SOMETHING, HOLE):
        content = content.replace(mark, "") if mark in content else content
    name, bar, arguments = content.partition("|")
    name = name.strip().lower()
    if name.startswith(_NUMBER):
        return name[len(_NUMBER) :].strip(), SOMETHING
    if name in _CHARACTERS:
        return _CHARACTERS[name], SOMETHING
    words = shown_words(content)
    if words:
        return words, SOMETHING
    silent = words is not None or not bar or _SILENT.match(name) or not _SHOWS_WORDS.match(arguments)
    return "", SOMETHING if silent else HOLE


def drop_tables(text: str, removed: Counter[str]) -> str:
    """Take out `{|…|}` and `<table>…</table>`; of one that is never closed, the rows."""
    if "{|" not in text and "<table" not in text.lower():
        return text
    text = "\n" + text
    out: list[str] = []
    opened: list[tuple[str, int]] = []
    n_open = Counter[str]()
    at = 0
    for match in _TABLES.finditer(text):
        out.append(text[at : match.start()])
        at = match.end()
        kind, _, closes = str(match.lastgroup).partition("_")
        if not closes:
            opened.append((kind, len(out)))
            n_open[kind] += 1
            out.append(match[0])
            continue
        while n_open[kind]:
            last, place = opened.pop()
            n_open[last] -= 1
            if last == kind:
                del out[place:]
                removed["tables"] += 1
                break
        out.append("\n")
    out.append(text[at:])
    if not opened:
        return "".join(out)
    first = opened[0][1]
    removed["tables"] += 1
    return "".join(out[:first]) + "\n\n" + _ROW.sub("", "".join(out[first:]))

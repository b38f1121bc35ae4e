"""Templates that show words inside a sentence, and which of their arguments these are. Private to `wikitext`.

Reads `inline_templates.csv`: the name of a template in lower case (a `*` at its end stands for any), what it shows, and
the wikis that have it (`*`: many). In what it shows, `{2}` is the second argument without a name, `{-1}` the last one,
`{lt|1}` the argument `lt` or else the first, `{ u}` the argument `u` with a space before it, if there is one. The table
was written by hand from how these templates are documented; a sentence keeps its words, not their layout.

    shown_words("lang|fr|mot")    # "mot"
"""

from __future__ import annotations

import csv
import re
from functools import cache, lru_cache
from importlib import resources

LONGEST_CHARS = 2_000  # of a template whose words are shown; infoboxes are longer
_PLACE = re.compile(r"\{( ?)([^{}]+)\}")
_PARTS = re.compile(r"\[\[|\]\]|\|")
_NAMED = re.compile(r"\s*([^\s=\[\]<>|{}][^=\[\]<>|{}\n]{0,30})=(.*)", re.DOTALL)


def shown_words(content: str) -> str | None:
    """Return the words that a template shows; None where the table does not know it.

    Args:
        content: What stands between its braces, without templates in it.
    """
    shows = _rule(content.partition("|")[0])
    if shows is None:
        return None
    _, *arguments = _split(content)
    by_name: dict[str, str] = {}
    positional: list[str] = []
    for argument in arguments:
        named = _NAMED.fullmatch(argument)
        if named:
            by_name[named[1].strip().lower()] = named[2].strip()
        else:
            positional.append(argument.strip())
    by_name |= {str(number): value for number, value in enumerate(positional, start=1) if value}
    by_name |= {"-1": positional[-1]} if positional else {}
    return _filled(shows, by_name)


def _filled(shows: str, values: dict[str, str]) -> str:
    """Put values in their places; nothing where no place has one."""
    is_filled = False

    def value(match: re.Match[str]) -> str:
        nonlocal is_filled
        found = next((values[key] for key in match[2].split("|") if values.get(key)), "")
        is_filled |= bool(found)
        return f"{match[1]}{found}" if found else ""

    text = _PLACE.sub(value, shows).strip()
    return text if is_filled or not _PLACE.search(shows) else ""


def _split(content: str) -> list[str]:
    """Split at the bars that are not within links."""
    parts, begin, depth = [], 0, 0
    for match in _PARTS.finditer(content):
        if match[0] == "|" and not depth:
            parts.append(content[begin : match.start()])
            begin = match.end()
        depth = max(0, depth + {"[[": 1, "]]": -1}.get(match[0], 0))
    return [*parts, content[begin:]]


@lru_cache(maxsize=10_000)
def _rule(title: str) -> str | None:
    rules, prefixes = _rules()
    name = " ".join(title.replace("_", " ").split()).lower()
    if name in rules:
        return rules[name]
    return next((shows for prefix, shows in prefixes.items() if name.startswith(prefix)), None)


@cache
def _rules() -> tuple[dict[str, str], dict[str, str]]:
    """Read the table: by name, and by how names begin."""
    text = resources.files("bloodbank.corpus.wikipedia").joinpath("inline_templates.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    rules = {row["name"]: row["shows"] for row in rows if not row["name"].endswith("*")}
    return rules, {row["name"][:-1]: row["shows"] for row in rows if row["name"].endswith("*")}

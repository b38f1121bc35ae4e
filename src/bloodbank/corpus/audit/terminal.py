"""An audit in the terminal, in tables that fit 80 columns with sentences below.

Console().print(render_audit(audit))
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bloodbank.corpus.audit.distances import Distance
from bloodbank.corpus.audit.record import OVERLAP_LIMIT, UNKNOWN_LIMIT, Audit, Foreign, LanguageAudit, above, known
from bloodbank.corpus.audit.sentences import LEAST_NAMED, findings, subtitle
from bloodbank.experiment.settings import FOREIGN_LIMIT
from bloodbank.wording import compact, percentage

MISSING = "·"
MARK = "!"  # behind a number above its limit
Value = float | str | None


@dataclass(frozen=True)
class _Column:
    head: str
    cells: Sequence[str]
    is_number: bool = True
    max_width: int | None = None


def render_audit(audit: Audit) -> Group:
    """Lay an audit out for the terminal.

    Args:
        audit: The audit.

    Returns:
        Tables of the text, its balance, lengths, tokens and contamination, no wider than 80 columns, and sentences.
        A table of which nothing is known is left out; the sentences say why.
    """
    parts: list[RenderableType] = [Text(f"Corpus {audit.name}", style="bold"), Text(subtitle(audit), style="dim")]
    for title, columns, note in _tables(audit):
        if any(cell.strip() != MISSING for column in columns for cell in column.cells):
            parts += [Text(), Text(title, style="bold"), _table(audit.languages, columns), Text(note, style="dim")]
    parts += [Text(), *(Text(f"• {sentence}") for sentence in findings(audit))]
    return Group(*parts)


def _tables(audit: Audit) -> Iterator[tuple[str, list[_Column], str]]:
    everyone = audit.languages
    yield "Text", _text(everyone), f"~ estimated from the part that was read; {MARK} short of its budget"
    yield "Balance of the training text", _balance(everyone), "updates: optimiser steps for one epoch"
    yield (
        "Lengths: earth mover's distance of the sample from its source",
        _lengths(everyone),
        "in the unit of the head, and as % of the mean length; rand, run: 97.5% of random samples, and of "
        "stretches of running text, of that size lie nearer",
    )
    yield (
        "Tokens of the training text",
        _tokens(everyone),
        "uniq: different pieces, and as % of all; vocab: pieces of the vocabulary used, and used by no other "
        f"language; {MARK} above {100 * UNKNOWN_LIMIT:g}%",
    )
    yield (
        "Contamination of the training text, in percent",
        _contamination(audit),
        f"overlap: test {audit.overlap_unit} that stand in training text, of the same and of another language; "
        f"near: near-duplicates; {MARK} above {100 * FOREIGN_LIMIT:g}% (foreign), {100 * OVERLAP_LIMIT:g}% (overlap)",
    )


def _table(everyone: Iterable[LanguageAudit], columns: Sequence[_Column]) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    table.add_column("code", no_wrap=True, overflow="ellipsis", max_width=9, style="bold")
    for column in columns:
        justify: Literal["right", "left"] = "right" if column.is_number else "left"
        table.add_column(column.head, justify=justify, no_wrap=True, overflow="ellipsis", max_width=column.max_width)
    for one, *cells in zip(everyone, *(column.cells for column in columns), strict=True):
        table.add_row(*map(Text, (one.code, *cells)))
    return table


def _text(everyone: Sequence[LanguageAudit]) -> list[_Column]:
    source = [
        f"{'~' if one.value('source_size', 'exact') is False else ''}{_count(one, 'source_size', 'n_chars')}"
        for one in everyone
    ]
    sample = [_mark(_count(one, "sample", "n_chars"), is_over=bool(one.short_parts)) for one in everyone]
    return [
        _Column("name", [one.name for one in everyone], is_number=False, max_width=19),
        _Column("family", [one.family or MISSING for one in everyone], is_number=False, max_width=17),
        _Column("script", [one.script or MISSING for one in everyone], is_number=False),
        _Column("source\nchars", source),
        _Column("read\n%", [_percent(one.value("source_size", "share_read")) for one in everyone]),
        _Column("sample\nchars ", sample),
        _Column("test\nchars", [_count(one, "test", "n_chars") for one in everyone]),
    ]


def _balance(everyone: Sequence[LanguageAudit]) -> list[_Column]:
    names = {"chars": "n_chars", "bytes": "n_bytes", "words": "n_words", "sentences": "n_sentences"}
    names |= {"paragraphs": "n_paragraphs"}
    sizes = [_Column(head, [_count(one, "sample", name) for one in everyone]) for head, name in names.items()]
    per_char = [_ratio(one.value("sample", "n_bytes"), one.value("sample", "n_chars")) for one in everyone]
    sizes.insert(2, _Column("bytes/\nchar", per_char))
    return [*sizes, _Column("updates", [_count(one, "tokens", "updates_per_epoch") for one in everyone])]


def _lengths(everyone: Sequence[LanguageAudit]) -> list[_Column]:
    heads = {"sentence_words": "sent.\nwords", "sentence_tokens": "sent.\ntokens", "word_chars": "word\nchars"}
    columns = []
    for field, head in heads.items():
        found = [getattr(one, field) for one in everyone]
        cells = [_distance(one) for one in found]
        subheads = (head, "\n%", "\nrand", "\nrun")
        columns += [_Column(subhead, [cell[place] for cell in cells]) for place, subhead in enumerate(subheads)]
    return columns


def _distance(found: Distance | str) -> tuple[str, str, str, str]:
    if isinstance(found, str):
        return (MISSING,) * 4
    running = MISSING if isinstance(found.stretches, str) else _small(found.stretches.high)
    return _small(found.value), _percent(found.relative, short=True), _small(found.random.high), running


def _tokens(everyone: Sequence[LanguageAudit]) -> list[_Column]:
    unknown = [one.value("tokens", "unknown_rate") for one in everyone]
    return [
        _Column("tokens", [_count(one, "tokens", "n_tokens") for one in everyone]),
        _Column("uniq", [_count(one, "tokens", "n_unique") for one in everyone]),
        _Column("uniq\n%", [_percent(one.value("tokens", "unique_ratio")) for one in everyone]),
        _Column("tokens/\nword", [_small(one.fertility) for one in everyone]),
        _Column("unknown\n% ", [_marked(rate, UNKNOWN_LIMIT) for rate in unknown]),
        _Column("vocab\n%", [_percent(one.value("tokens", "vocabulary_share")) for one in everyone]),
        _Column("alone\n%", [_percent(one.value("tokens", "exclusive_share")) for one in everyone]),
    ]


def _contamination(audit: Audit) -> list[_Column]:
    everyone = audit.languages
    foreign = [one.value("foreign", "by_char") for one in everyone]
    own = [audit.own_overlap(one.code) for one in everyone]
    others = [audit.largest_overlap(one.code) or (MISSING, None) for one in everyone]
    return [
        _Column("foreign\nlines", [_percent(one.value("foreign", "by_line")) for one in everyone]),
        _Column("foreign\nchars ", [_marked(share, FOREIGN_LIMIT) for share in foreign]),
        _Column("of which", [_top(one.foreign) for one in everyone], is_number=False, max_width=17),
        _Column("other\nscript", [_percent(one.value("scripts", "outside")) for one in everyone]),
        _Column("overlap\nsame ", [_marked(share, OVERLAP_LIMIT) for share in own]),
        _Column("overlap\nother ", [_marked(share, OVERLAP_LIMIT) for _, share in others]),
        _Column("\nwith", [other if share else MISSING for other, share in others], is_number=False, max_width=9),
        _Column("near", [_percent(one.value("near_duplicates", "share")) for one in everyone]),
    ]


def _top(foreign: Foreign | str) -> str:
    if isinstance(foreign, str):
        return MISSING
    named = [f"{code} {_percent(share)}" for code, share in _largest(foreign.languages)[:2] if share >= LEAST_NAMED]
    return ", ".join(named)


def _largest(shares: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted(shares.items(), key=lambda item: (-item[1], item[0]))


def _count(one: LanguageAudit, group: str, name: str) -> str:
    value = one.value(group, name)
    return compact(value) if known(value) else MISSING


def _ratio(part: Value, whole: Value) -> str:
    return _small(part / whole) if known(part) and known(whole) and whole else MISSING


def _marked(share: Value, limit: float) -> str:
    return _mark(_percent(share), is_over=above(share, limit))


def _mark(text: str, *, is_over: bool) -> str:
    return f"{text}{MARK if is_over else ' '}"


def _percent(share: Value, *, short: bool = False) -> str:
    """Write a share in percent, without the sign."""
    if not known(share):
        return MISSING
    if short:
        return _small(100 * share)
    return percentage(share).removesuffix("%")


def _small(value: Value) -> str:
    """Write a number in at most five characters, with two or three significant digits."""
    if not known(value):
        return MISSING
    if value == 0:
        return "0"
    if value < 0.0005:
        return "<.001"
    decimals = 3 if value < 0.0995 else 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:.{decimals}f}"

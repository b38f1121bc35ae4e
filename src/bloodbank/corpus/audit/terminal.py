"""An audit in the terminal, in tables that fit 80 columns with sentences below.

Console().print(render_audit(audit))
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bloodbank.corpus.audit.columns import COLUMNS, DISTANCES, Column, is_missing
from bloodbank.corpus.audit.record import OVERLAP_LIMIT, UNKNOWN_LIMIT, Audit, LanguageAudit
from bloodbank.corpus.audit.sentences import findings, subtitle
from bloodbank.experiment.settings import FOREIGN_LIMIT
from bloodbank.wording import MISSING

if TYPE_CHECKING:
    from rich.console import Group, RenderableType
    from rich.table import Table

MARK = "!"  # behind a number above its limit
_DISTANCE_PARTS = ("emd", "emd_relative", "random_high", "running_high")
# Title, names of columns, and the note below; the code stands before all.
_TABLES = (
    (
        "Text",
        ("name", "family", "script", "source", "source_share_read", "train_chars", "test_chars"),
        f"~ estimated from the part that was read; {MARK} short of its budget",
    ),
    (
        "Balance of the training text",
        (
            *("characters", "train_bytes", "bytes_per_char", "train_words", "train_sentences", "train_paragraphs"),
            "updates_per_epoch",
        ),
        "updates: optimiser steps for one epoch",
    ),
    (
        "Lengths: earth mover's distance of the sample from its source",
        tuple(f"{field}_{part}" for field in DISTANCES for part in _DISTANCE_PARTS),
        "in the unit of the head, and as % of the mean length; rand, run: 97.5% of random samples, and of "
        "stretches of running text, of that size lie nearer",
    ),
    (
        "Tokens of the training text",
        ("tokens", "unique", "unique_ratio", "fertility", "unknown_rate", "vocabulary_share", "exclusive_share"),
        "uniq: different pieces, and as % of all; vocab: pieces of the vocabulary used, and used by no other "
        f"language; {MARK} above {100 * UNKNOWN_LIMIT:g}%",
    ),
    (
        "Contamination of the training text, in percent",
        (
            *("foreign_by_line", "foreign_by_char", "foreign_languages", "script_outside"),
            *("overlap_own", "overlap_other", "overlap_most", "translated_share", "near_duplicate_share"),
        ),
        "overlap: test {unit} that stand in training text, of the same and of another language; translated: most of "
        "the test paragraphs that stand, translated, in another's; "
        f"near: near-duplicates; {MARK} above {100 * FOREIGN_LIMIT:g}% (foreign), {100 * OVERLAP_LIMIT:g}% (overlap)",
    ),
)


def render_audit(audit: Audit) -> Group:
    """Lay an audit out for the terminal.

    Args:
        audit: The audit.

    Returns:
        Tables of the text, its balance, lengths, tokens and contamination, no wider than 80 columns, and sentences.
        A table of which nothing is known is left out; the sentences say why.
    """
    from rich.console import Group
    from rich.text import Text

    parts: list[RenderableType] = [Text(f"Corpus {audit.name}", style="bold"), Text(subtitle(audit), style="dim")]
    for title, names, note in _TABLES:
        columns = [COLUMNS[name] for name in names]
        rows = [[_cell(column, audit, language) for column in columns] for language in audit.languages]
        if any(cell.strip() != MISSING for row in rows for cell in row):
            parts += [Text(), Text(title, style="bold"), _table(audit, columns, rows)]
            parts += [Text(note.format(unit=audit.overlap_unit), style="dim")]
    return Group(*parts, Text(), *(Text(f"• {sentence}") for sentence in findings(audit)))


def _cell(column: Column, audit: Audit, language: LanguageAudit) -> str:
    value = column.value(audit, language)
    text = MISSING if is_missing(value) else column.form.terminal(value)
    if column.warns is None:
        return text
    return f"{text}{MARK if column.warns(value, language) else ' '}"


def _table(audit: Audit, columns: list[Column], rows: list[list[str]]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    table.add_column("code", no_wrap=True, overflow="ellipsis", max_width=9, style="bold")
    for column in columns:
        table.add_column(
            column.head,
            justify="right" if column.form.is_number else "left",
            no_wrap=True,
            overflow="ellipsis",
            max_width=column.form.max_width,
        )
    for language, row in zip(audit.languages, rows, strict=True):
        table.add_row(*map(Text, (language.code, *row)))
    return table

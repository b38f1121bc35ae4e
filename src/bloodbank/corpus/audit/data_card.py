"""The data card of a corpus: what a reader of a paper, or the next user of the text, must know, in Markdown.

card = data_card(audit, settings.corpus.model_dump(), provenance)
(folder / "DATA_CARD.md").write_text(card, encoding="utf-8")
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bloodbank.corpus.audit.columns import COLUMNS, DISTANCES, Column, is_missing
from bloodbank.corpus.audit.distances import Distance
from bloodbank.corpus.audit.record import Audit, LanguageAudit, is_reason
from bloodbank.corpus.audit.sentences import findings, subtitle

MISSING = "–"
Row = Mapping[str, object]
_ESCAPES = str.maketrans(
    {mark: f"\\{mark}" for mark in "\\`*_[]|~#"} | {"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&#36;"}
)
_ADDRESS = re.compile(r"https?://[^\s<>|\\`]+")
_HASH = re.compile(r"[0-9a-f]{16,128}")
_NUMBER = re.compile(r"[<>]?[\d.,]+%?")
# Names of the columns of each table; the code stands before all.
_LANGUAGES = (
    *("name", "family", "script", "source", "source_share_read", "train_chars", "dev_chars", "test_chars"),
    *("short", "origin", "licence"),
)
_SIZES = ("characters", "train_bytes", "train_words", "train_sentences", "train_paragraphs", "script_shares")
_TOKENS = (
    *("tokens", "unique", "unique_ratio", "fertility", "unknown_rate", "vocabulary_share", "exclusive_share"),
    "updates_per_epoch",
)
_DISTANCE_PARTS = ("mean", "emd", "emd_relative", "random", "running", "against")
_CONTAMINATION = (
    *("foreign_by_line", "foreign_by_char", "foreign_languages", "foreign_undecided", "script_outside"),
    *("overlap_own", "overlap_most", "near_duplicate_share", "flags"),
)
_LENGTHS_NOTE = (
    "Earth mover's distance between the lengths in the training text and in the whole source, or in a second, "
    "independent sample of it where the source was not read whole. The ranges hold the middle 95% of what random "
    "samples, and stretches of running text, of the same size give."
)
_LIMITS = (
    "Words are what stands between white space; in scripts without spaces they are characters or runs of them. "
    "Numbers of words, words a sentence and tokens a word are not comparable between scripts with and without spaces.",
    "Sentences are found by rules for each language, and by general ones where a language has none.",
    "Foreign text is found by language identification, which errs between close relatives and on short lines, names "
    "and code; a share of a percent or less may be error.",
    "Overlap and near-duplicates are found on the surface: a translation or a paraphrase of a test text in training "
    "text is not seen.",
    "The earth mover's distance looks at lengths only; a sample may have its source's lengths and other topics.",
    "Licences are those that the sources declare; nothing was checked against the authors of the texts.",
)


def data_card(audit: Audit, settings: Mapping[str, Any], provenance: Mapping[str, Any]) -> str:
    """Write the data card of a corpus.

    Args:
        audit: What was found out about it.
        settings: Settings that it was made with, as a mapping of plain values, mappings and lists.
        provenance: By language code what its source says of itself, a mapping of plain values, with `files` a list of
            names or of mappings (name, bytes, hash, date, …). All other keys (`written`, `versions`, …) are facts about
            the making of the whole.

    Returns:
        Markdown, as GitHub renders it. Every number is the audit's.
    """
    codes = {language.code for language in audit.languages}
    # Languages that are in the tokenizer alone have sources, too.
    codes |= {key for key, value in provenance.items() if isinstance(value, Mapping) and "files" in value}
    sources: dict[str, Row] = {key: value for key, value in provenance.items() if key in codes}
    rest = {key: value for key, value in provenance.items() if key not in codes}
    sections = {
        "What the numbers say": _bullets(findings(audit)),
        "Languages": _columns(audit, _LANGUAGES),
        "Training text": _columns(audit, _SIZES),
        "Under the tokenizer": _columns(audit, _TOKENS),
        "Lengths against the source": _lengths(audit),
        "Contamination": _columns(audit, _CONTAMINATION),
        "Cleaning": _cleaning(audit),
        "Provenance": _provenance(sources, rest),
        "Settings": _table({"setting": key, "value": value} for key, value in _flat(settings)),
        "Known limits": _bullets(_LIMITS),
    }
    parts = [f"# Data card: {_text(audit.name)}", f"Text for pretraining. {_text(_sentence(subtitle(audit)))}"]
    for title, content in sections.items():
        if content:
            parts += [f"## {title}", content]
    return "\n\n".join(parts) + "\n"


def _columns(audit: Audit, names: Iterable[str], languages: Iterable[LanguageAudit] | None = None) -> str:
    """Write columns of the audit, a row a language."""
    columns = [COLUMNS[name] for name in ("code", *names)]
    titles = [column.title.format(unit=audit.overlap_unit) for column in columns]
    return _table(
        {title: _written(column, audit, language) for title, column in zip(titles, columns, strict=True)}
        for language in (audit.languages if languages is None else languages)
    )


def _written(column: Column, audit: Audit, language: LanguageAudit) -> object:
    value = column.value(audit, language)
    written = None if is_missing(value) else column.form.card(value)
    return None if written == "" else written


def _lengths(audit: Audit) -> str:
    tables = []
    for field, name in DISTANCES.items():
        measured = [language for language in audit.languages if isinstance(getattr(language, field), Distance)]
        if measured:
            names = [f"{field}_{part}" for part in _DISTANCE_PARTS]
            tables.append(f"{name}:\n\n{_columns(audit, names, measured)}")
    return "\n\n".join([_LENGTHS_NOTE, *tables]) if tables else ""


def _cleaning(audit: Audit) -> str:
    steps = list(dict.fromkeys(step for language in audit.languages for step in language.removed))
    rows = [
        {"code": language.code} | {step: language.removed.get(step, 0) for step in steps}
        for language in audit.languages
    ]
    return f"What each step left out:\n\n{_table(rows)}" if steps else ""


def _provenance(sources: Mapping[str, Row], rest: Mapping[str, object]) -> str:
    described, files = [], []
    for code, source in sources.items():
        described.append({"code": code, **{key: value for key, value in source.items() if key != "files"}})
        named = source.get("files", ())
        named = named if isinstance(named, Sequence) and not isinstance(named, str) else (named,)
        files += [{"code": code, **(file if isinstance(file, Mapping) else {"name": file})} for file in named]
    facts = _table({"fact": key, "value": value} for key, value in _flat(rest))
    titled = {"Made:": facts, "Sources:": _table(described), "Files:": _table(files)}
    return "\n\n".join(f"{title}\n\n{table}" for title, table in titled.items() if table)


def _flat(content: Mapping[str, Any], prefix: str = "") -> list[tuple[str, object]]:
    """Write nested mappings as dotted keys."""
    pairs: list[tuple[str, object]] = []
    for key, value in content.items():
        if isinstance(value, Mapping) and value:
            pairs += _flat(value, f"{prefix}{key}.")
        else:
            pairs.append((f"{prefix}{key}", value))
    return pairs


def _table(rows: Iterable[Row]) -> str:
    """Write rows as a table of GitHub's Markdown; numbers stand right."""
    rows = list(rows)
    if not rows:
        return ""
    heads = list(dict.fromkeys(head for row in rows for head in row))
    rules = ["---:" if all(_is_number(row.get(head)) for row in rows) else "---" for head in heads]
    lines = [[_text(head) for head in heads], rules]
    lines += [[_cell(row.get(head)) for head in heads] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _is_number(value: object) -> bool:
    if isinstance(value, str):
        return is_reason(value) or _NUMBER.fullmatch(value) is not None
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _cell(value: object) -> str:
    if is_missing(value) or (isinstance(value, str) and not value.strip()):
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:,}" if isinstance(value, int) else f"{value:,.6g}"
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(_cell(item) for item in value) or MISSING
    if isinstance(value, Mapping):
        return ", ".join(f"{_text(str(key))}: {_cell(item)}" for key, item in value.items()) or MISSING
    return _text(str(value))


def _text(text: str) -> str:
    """Escape what Markdown, HTML or GitHub would take for something else; addresses and hashes stay readable."""
    line = " ".join(text.split())
    if _ADDRESS.fullmatch(line):
        return f"<{line}>"
    if _HASH.fullmatch(line):
        return f"`{line}`"
    return line.translate(_ESCAPES)


def _bullets(sentences: Iterable[str]) -> str:
    return "\n".join(f"- {_text(sentence)}" for sentence in sentences)


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."

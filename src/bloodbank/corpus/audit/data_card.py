"""The data card of a corpus: what a reader of a paper, or the next user of the text, must know, in Markdown.

card = data_card(audit, settings.corpus.model_dump(), provenance)
(folder / "DATA_CARD.md").write_text(card, encoding="utf-8")
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bloodbank.corpus.audit.distances import Distance
from bloodbank.corpus.audit.record import NOT_COMPUTED, Audit, Foreign, LanguageAudit, known
from bloodbank.corpus.audit.sentences import DISTANCES, LEAST_NAMED, findings, subtitle
from bloodbank.wording import percentage

MISSING = "–"
Row = Mapping[str, object]
_ESCAPES = str.maketrans(
    {mark: f"\\{mark}" for mark in "\\`*_[]|~#"} | {"&": "&amp;", "<": "&lt;", ">": "&gt;", "$": "&#36;"}
)
_ADDRESS = re.compile(r"https?://[^\s<>|\\`]+")
_HASH = re.compile(r"[0-9a-f]{16,128}")
_NUMBER = re.compile(r"[<>]?[\d.,]+%?")
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
    codes = {one.code for one in audit.languages}
    # Languages that are in the tokenizer alone have sources, too.
    codes |= {key for key, value in provenance.items() if isinstance(value, Mapping) and "files" in value}
    sources: dict[str, Row] = {key: value for key, value in provenance.items() if key in codes}
    rest = {key: value for key, value in provenance.items() if key not in codes}
    sections = {
        "What the numbers say": _bullets(findings(audit)),
        "Languages": _table(_language(one) for one in audit.languages),
        "Training text": _table(_sizes(one) for one in audit.languages),
        "Under the tokenizer": _table(_tokens(one) for one in audit.languages),
        "Lengths against the source": _lengths(audit),
        "Contamination": _table(_contamination(audit, one) for one in audit.languages),
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


def _language(one: LanguageAudit) -> Row:
    source, size = one.source_size, one.value("source_size", "n_chars")
    estimated = not isinstance(source, str) and not source.exact
    return {
        "code": one.code,
        "name": one.name,
        "family": one.family,
        "script": one.script,
        "source, characters": f"about {float(f'{size:.3g}'):,.0f}" if estimated and known(size) else size,
        "read": _share(one.value("source_size", "share_read")),
        "train, characters": one.value("sample", "n_chars"),
        "dev": one.value("dev", "n_chars"),
        "test": one.value("test", "n_chars"),
        "short of its budget": ", ".join(one.short_parts) or "no",
        "source": one.origin,
        "licence": one.licence,
    }


def _sizes(one: LanguageAudit) -> Row:
    names = ("characters", "bytes", "words", "sentences", "paragraphs")
    fields = ("n_chars", "n_bytes", "n_words", "n_sentences", "n_paragraphs")
    sizes = {name: one.value("sample", field) for name, field in zip(names, fields, strict=True)}
    scripts = {} if isinstance(one.scripts, str) else one.scripts.shares
    mix = ", ".join(
        f"{script} {percentage(share)}" for script, share in list(scripts.items())[:3] if share >= LEAST_NAMED
    )
    return {"code": one.code, **sizes, "scripts of its letters": mix or None}


def _tokens(one: LanguageAudit) -> Row:
    return {
        "code": one.code,
        "tokens": one.value("tokens", "n_tokens"),
        "unique tokens": one.value("tokens", "n_unique"),
        "unique / all": _share(one.value("tokens", "unique_ratio")),
        "tokens a word": _decimals(one.fertility, 2),
        "unknown": _share(one.value("tokens", "unknown_rate")),
        "share of the vocabulary used": _share(one.value("tokens", "vocabulary_share")),
        "by no other language": _share(one.value("tokens", "exclusive_share")),
        "updates per epoch": one.value("tokens", "updates_per_epoch"),
    }


def _lengths(audit: Audit) -> str:
    note = (
        "Earth mover's distance between the lengths in the training text and in the whole source, or in a second, "
        "independent sample of it where the source was not read whole. The ranges hold the middle 95% of what random "
        "samples, and stretches of running text, of the same size give."
    )
    tables = []
    for field, name in DISTANCES.items():
        found = [(one.code, getattr(one, field)) for one in audit.languages]
        rows = [_distance(code, one) for code, one in found if isinstance(one, Distance)]
        if rows:
            tables.append(f"{name}:\n\n{_table(rows)}")
    return "\n\n".join([note, *tables]) if tables else ""


def _distance(code: str, one: Distance) -> Row:
    running = None if isinstance(one.stretches, str) else f"{one.stretches.low:.3g} to {one.stretches.high:.3g}"
    return {
        "code": code,
        "mean length": f"{one.mean:.2f}",
        "distance": f"{one.value:.3g}",
        "of the mean": percentage(one.relative),
        "random samples": f"{one.random.low:.3g} to {one.random.high:.3g}",
        "running text": running,
        "against": {"source": "whole source", "sample": "second sample"}[one.against],
    }


def _contamination(audit: Audit, one: LanguageAudit) -> Row:
    foreign = one.foreign.languages if isinstance(one.foreign, Foreign) else {}
    named = [f"{code} {percentage(share)}" for code, share in foreign.items() if share >= LEAST_NAMED][:4]
    largest = audit.largest_overlap(one.code)
    most = _share(largest and largest[1])
    return {
        "code": one.code,
        "foreign, by line": _share(one.value("foreign", "by_line")),
        "by character": _share(one.value("foreign", "by_char")),
        "languages": ", ".join(named) or None,
        "undecided": _share(one.value("foreign", "undecided")),
        "letters of other scripts": _share(one.value("scripts", "outside")),
        f"test {audit.overlap_unit} in its training text": _share(audit.own_overlap(one.code)),
        "most in that of another": f"{most} ({largest[0]})" if largest and largest[1] else most,
        "near-duplicates": _share(one.value("near_duplicates", "share")),
        "flags": ", ".join(audit.flags.get(one.code, [])) or None,
    }


def _cleaning(audit: Audit) -> str:
    if not any(one.removed for one in audit.languages):
        return ""
    steps = list(dict.fromkeys(step for one in audit.languages for step in one.removed))
    rows = [{"code": one.code, **{step: one.removed.get(step, 0) for step in steps}} for one in audit.languages]
    return f"What each step left out:\n\n{_table(rows)}"


def _provenance(sources: Mapping[str, Row], rest: Mapping[str, object]) -> str:
    described, files = [], []
    for code, source in sources.items():
        described.append({"code": code, **{key: value for key, value in source.items() if key != "files"}})
        listed = source.get("files", ())
        each = listed if isinstance(listed, Sequence) and not isinstance(listed, str) else (listed,)
        files += [{"code": code, **(file if isinstance(file, Mapping) else {"name": file})} for file in each]
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
    found = list(rows)
    if not found:
        return ""
    heads = list(dict.fromkeys(head for row in found for head in row))
    right = [all(_is_number(row.get(head)) for row in found) for head in heads]
    lines = [[_text(head) for head in heads], ["---:" if is_right else "---" for is_right in right]]
    lines += [[_cell(row.get(head)) for head in heads] for row in found]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _is_number(value: object) -> bool:
    if isinstance(value, str):
        return value.startswith(NOT_COMPUTED) or _NUMBER.fullmatch(value) is not None
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _cell(value: object) -> str:
    if value is None or (isinstance(value, str) and (not value.strip() or value.startswith(NOT_COMPUTED))):
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


def _share(value: float | str | None) -> str | None:
    return percentage(value) if known(value) else None


def _decimals(value: float | str | None, n: int) -> str | None:
    return f"{value:.{n}f}" if known(value) else None


# An audit as rows for CSV, one a language; numbers are not rounded.


Value = float | str | None


def csv_rows(audit: Audit) -> list[dict[str, str | float]]:
    """Flatten an audit to one row a language, with the same columns whatever is missing; that is an empty string.

    Args:
        audit: The audit.

    Returns:
        Rows, in the order of the languages. Counts are whole numbers, shares lie between 0 and 1.
    """
    return [{name: _plain(value) for name, value in _row(audit, one).items()} for one in audit.languages]


def _row(audit: Audit, one: LanguageAudit) -> dict[str, Value]:
    row: dict[str, Value] = {"code": one.code, "name": one.name, "family": one.family, "script": one.script}
    row |= {"source_chars": one.value("source_size", "n_chars"), "source_exact": one.value("source_size", "exact")}
    row |= {"source_share_read": one.value("source_size", "share_read")}
    for part, group in (("train", "sample"), ("dev", "dev"), ("test", "test")):
        for unit in ("chars", "bytes", "words", "sentences", "paragraphs"):
            row[f"{part}_{unit}"] = one.value(group, f"n_{unit}")
    for name in ("n_tokens", "n_unique", "unique_ratio", "n_unknown", "unknown_rate", "updates_per_epoch"):
        row[name.replace("n_u", "u", 1).replace("n_t", "t", 1)] = one.value("tokens", name)
    row |= {name: one.value("tokens", name) for name in ("vocabulary_share", "exclusive_share")}
    row["fertility"] = one.fertility
    for field in DISTANCES:
        row |= _distance_cells(field, getattr(one, field))
    row |= {f"foreign_{name}": one.value("foreign", name) for name in ("by_line", "by_char", "undecided")}
    row["foreign_languages"] = _pairs(one.foreign.languages) if isinstance(one.foreign, Foreign) else None
    row["script_shares"] = None if isinstance(one.scripts, str) else _pairs(one.scripts.shares)
    row["script_outside"] = one.value("scripts", "outside")
    largest = audit.largest_overlap(one.code) or (None, None)
    row |= {"overlap_own": audit.own_overlap(one.code), "overlap_other": largest[1], "overlap_with": largest[0]}
    row |= {"near_duplicates": one.value("near_duplicates", "n")}
    row |= {"near_duplicate_share": one.value("near_duplicates", "share"), "licence": one.licence, "origin": one.origin}
    return row | {"removed": _pairs(one.removed), "flags": " ".join(audit.flags.get(one.code, []))}


def _distance_cells(field: str, found: Distance | str) -> dict[str, Value]:
    names = ("emd", "emd_relative", "mean", "random_low", "random_high", "running_low", "running_high", "against")
    values: tuple[Value, ...] = (None,) * len(names)
    if isinstance(found, Distance):
        running = (None, None) if isinstance(found.stretches, str) else (found.stretches.low, found.stretches.high)
        random = (found.random.low, found.random.high)
        values = (found.value, found.relative, found.mean, *random, *running, found.against)
    return {f"{field}_{name}": value for name, value in zip(names, values, strict=True)}


def _pairs(numbers: Mapping[str, float]) -> str:
    return " ".join(f"{name}:{value:.6g}" for name, value in numbers.items())


def _plain(value: Value) -> str | float:
    return value if known(value) or (isinstance(value, str) and not value.startswith(NOT_COMPUTED)) else ""

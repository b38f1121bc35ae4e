"""Facts of the corpora that the page shows beside the scores, with their units in their names.

facts_of_audit(Audit.model_validate_json(path.read_text()))
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from bloodbank.explorer.numbers import plain

if TYPE_CHECKING:
    from bloodbank.corpus.audit.record import Audit, LanguageAudit

Fact = float | str | None
FOREIGN = "foreign text (share of characters)"
FERTILITY = "fertility (tokens a word)"
_SIZES = {
    "n_chars": "training text (characters)",
    "n_words": "training text (words)",
    "n_sentences": "training text (sentences)",
}
_TOKENS = {
    "n_tokens": "training text (tokens)",
    "n_unique": "different tokens",
    "unknown_rate": "unknown tokens (share)",
    "vocabulary_share": "vocabulary used (share)",
}


@dataclass(frozen=True)
class CorpusFacts:
    """What is known of each language's text."""

    facts: Mapping[str, Mapping[str, Fact]] = field(default_factory=dict)  #: by language and name, with its unit
    flags: Mapping[str, list[str]] = field(default_factory=dict)  #: by language, what to beware of, in sentences


def facts_of_audit(audit: Audit) -> CorpusFacts:
    """Take from an audit what belongs on the card of a language.

    Args:
        audit: Of a run's corpora.

    Returns:
        Sizes of the training text, tokens, foreign text, near duplicates, licence and source; a sentence for each flag.
    """
    return CorpusFacts(
        facts={language.code: _facts(language) for language in audit.languages},
        flags={language.code: _flags(language, audit) for language in audit.languages},
    )


def facts_of_table(table: pd.DataFrame) -> CorpusFacts:
    """Take facts from a table with a row for each language.

    Args:
        table: Any columns; their names are shown.
    """
    rows = {
        str(code): {str(name): plain_fact(cell) for name, cell in row.items()}
        for code, row in table.astype(object).to_dict("index").items()
    }
    return CorpusFacts(facts=rows)


def plain_fact(value: object) -> Fact:
    """Make a value of a table one that the page can show: a number, text, or None."""
    if isinstance(value, str):
        return value
    number = plain(value)
    if number is not None or value is None or isinstance(value, float):
        return number
    return None if pd.isna(value) else str(value)  # type: ignore[call-overload]  # of one cell


def _facts(language: LanguageAudit) -> dict[str, Fact]:
    numbers = {label: language.value("sample", name) for name, label in _SIZES.items()}
    numbers |= {label: language.value("tokens", name) for name, label in _TOKENS.items()}
    numbers |= {
        FERTILITY: language.fertility,
        FOREIGN: language.value("foreign", "by_char"),
        "near duplicates (share of paragraphs)": language.value("near_duplicates", "share"),
    }
    return {
        **{label: plain(number) for label, number in numbers.items()},  # words say why there is no number
        "licence of the text": language.licence,
        "source of the text": language.origin,
    }


def _flags(language: LanguageAudit, audit: Audit) -> list[str]:
    from bloodbank.corpus.audit.record import OVERLAP_LIMIT, UNKNOWN_LIMIT, above
    from bloodbank.experiment.settings import FOREIGN_LIMIT

    flags = []
    if language.short_parts:
        flags.append(f"Its text is shorter than was asked for: {', '.join(language.short_parts)}.")
    if above(share := language.value("foreign", "by_char"), FOREIGN_LIMIT):
        flags.append(foreign_flag(float(share)))
    if above(share := language.value("tokens", "unknown_rate"), UNKNOWN_LIMIT):
        flags.append(f"{float(share):.1%} of its tokens are unknown to the tokenizer.")
    own, largest = audit.own_overlap(language.code), audit.largest_overlap(language.code)
    if own is not None and own > OVERLAP_LIMIT:
        flags.append(f"{own:.1%} of the {audit.overlap_unit} of its test text stand in its own training text, too.")
    if largest is not None and largest[1] > OVERLAP_LIMIT:
        other, share = largest
        flags.append(f"{share:.1%} of the {audit.overlap_unit} of its test text stand in the training text of {other}.")
    return flags


def foreign_flag(share: float) -> str:
    """Say that a text is partly in other languages.

    Args:
        share: Of its characters, 0 to 1.
    """
    return (
        f"{share:.1%} of the characters of its text are in other languages, so that part of what it gives may come "
        "from these."
    )

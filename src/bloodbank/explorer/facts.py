"""Facts of the corpora that the page shows beside the scores, with their units in their names.

Reads nothing; a run's audit comes from `bloodbank.corpus.audit.record`.

    facts_of_audit(Audit.model_validate_json(path.read_text()))
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from bloodbank.corpus.audit.record import OVERLAP_LIMIT, UNKNOWN_LIMIT, Audit, LanguageAudit, above, known
from bloodbank.experiment.settings import FOREIGN_LIMIT
from bloodbank.explorer.numbers import plain

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
    """What is known of each language's text.

    Attributes:
        facts: Values by language and name; the unit is in the name. A missing one is None.
        flags: What to beware of, in sentences, by language.
    """

    facts: Mapping[str, Mapping[str, Fact]] = field(default_factory=dict)
    flags: Mapping[str, list[str]] = field(default_factory=dict)


def facts_of_audit(audit: Audit) -> CorpusFacts:
    """Take from an audit what belongs on the card of a language.

    Args:
        audit: Of a run's corpora.

    Returns:
        Sizes of the training text, tokens, foreign text, near duplicates, licence and source; a sentence for each flag.
    """
    return CorpusFacts(
        facts={one.code: _facts(one) for one in audit.languages},
        flags={one.code: _flags(one, audit) for one in audit.languages},
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


def _facts(one: LanguageAudit) -> dict[str, Fact]:
    found: dict[str, object] = {label: one.value("sample", name) for name, label in _SIZES.items()}
    found |= {label: one.value("tokens", name) for name, label in _TOKENS.items()}
    found |= {
        FERTILITY: one.fertility,
        FOREIGN: one.value("foreign", "by_char"),
        "near duplicates (share of paragraphs)": one.value("near_duplicates", "share"),
    }
    numbers = {name: plain(value) if known(value) else None for name, value in found.items()}  # type: ignore[arg-type]
    return {**numbers, "licence of the text": one.licence, "source of the text": one.origin}


def _flags(one: LanguageAudit, audit: Audit) -> list[str]:
    found = []
    if one.short_parts:
        found.append(f"Its text is shorter than was asked for: {', '.join(one.short_parts)}.")
    if above(share := one.value("foreign", "by_char"), FOREIGN_LIMIT):
        found.append(foreign_flag(float(share)))
    if above(share := one.value("tokens", "unknown_rate"), UNKNOWN_LIMIT):
        found.append(f"{float(share):.1%} of its tokens are unknown to the tokenizer.")
    own, largest = audit.own_overlap(one.code), audit.largest_overlap(one.code)
    unit = audit.overlap_unit
    if own is not None and own > OVERLAP_LIMIT:
        found.append(f"{own:.1%} of the {unit} of its test text stand in its own training text, too.")
    if largest is not None and largest[1] > OVERLAP_LIMIT:
        found.append(f"{largest[1]:.1%} of the {unit} of its test text stand in the training text of {largest[0]}.")
    return found


def foreign_flag(share: float) -> str:
    """Say that a text is partly in other languages.

    Args:
        share: Of its characters, 0 to 1.
    """
    return (
        f"{share:.1%} of the characters of its text are in other languages, so that part of what it gives may come "
        "from these."
    )

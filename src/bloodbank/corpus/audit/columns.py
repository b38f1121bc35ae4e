"""The columns of an audit, each once: what it holds, how it is written, its headings, and when it warns.

From this list are made the tables in the terminal, those of the data card, and `audit.csv`:

    pd.DataFrame(csv_rows(audit)).to_csv("audit.csv", index=False)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bloodbank.corpus.audit.record import (
    OVERLAP_LIMIT,
    TRANSLATIONS_LIMIT,
    UNKNOWN_LIMIT,
    Audit,
    LanguageAudit,
    SourceSize,
    above,
    is_reason,
    known,
)
from bloodbank.experiment.settings import FOREIGN_LIMIT
from bloodbank.wording import MISSING, compact, percentage

LEAST_NAMED = 0.0005  # share of the characters from which a foreign language or a script is named
DISTANCES = {
    "sentence_words": "Sentence length in words",
    "sentence_tokens": "Sentence length in tokens",
    "word_chars": "Word length in characters",
}
"""Titles of the distances, by their names in the record."""


@dataclass(frozen=True)
class Form:
    """How a value that is known is written: in the terminal, where room is scarce, and in the data card."""

    terminal: Callable[[Any], str]
    card: Callable[[Any], object]
    is_number: bool = True
    max_width: int | None = None  # in the terminal


@dataclass(frozen=True)
class Column:
    """One column of the audit's tables.

    Attributes:
        name: In the CSV.
        source: Where the value is: in the part on a language, as `group.field`, or what takes it out of the audit.
        form: How it is written.
        head: Heading in the terminal.
        title: Heading in the data card; `{unit}` stands for what the overlap was counted in.
        warns: Tells which values the terminal marks; None where it never does.
        in_csv: False for what the CSV has in other columns.
    """

    name: str
    source: str | Callable[[Audit, LanguageAudit], Any]
    form: Form
    head: str = ""
    title: str = ""
    warns: Callable[[Any, LanguageAudit], bool] | None = None
    in_csv: bool = True

    def value(self, audit: Audit, language: LanguageAudit) -> Any:
        """Return the value; None, or a string "not computed …", where there is none."""
        if not isinstance(self.source, str):
            return self.source(audit, language)
        value: Any = language
        for name in self.source.split("."):
            if isinstance(value, str):  # a group of which nothing is known, and why
                break
            value = getattr(value, name)
        return value


def csv_rows(audit: Audit) -> list[dict[str, str | float]]:
    """Flatten an audit to one row a language, with the same columns whatever is missing; that is an empty string.

    Args:
        audit: The audit.

    Returns:
        Rows, in the order of the languages. Counts are whole numbers, shares lie between 0 and 1; nothing is rounded.
    """
    columns = [column for column in COLUMNS.values() if column.in_csv]
    return [{column.name: _in_csv(column.value(audit, language)) for column in columns} for language in audit.languages]


def is_missing(value: object) -> bool:
    """Tell a value that an audit does not know."""
    return value is None or is_reason(value)


def _in_csv(value: Any) -> str | float:
    if is_missing(value):
        return ""
    if isinstance(value, Mapping):
        return " ".join(f"{name}:{number:.6g}" for name, number in value.items())
    return " ".join(value) if isinstance(value, list) else value


def _short_percent(share: float) -> str:
    return percentage(share).removesuffix("%")


def _small(value: float) -> str:
    """Write a number in at most five characters, with two or three significant digits."""
    if value == 0:
        return "0"
    if value < 0.0005:
        return "<.001"
    decimals = 3 if value < 0.0995 else 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:.{decimals}f}"


def _largest(shares: Mapping[str, float], n_most: int, write: Callable[[float], str]) -> str:
    largest = list(shares.items())[:n_most]  # the record has the largest first
    return ", ".join(f"{name} {write(share)}" for name, share in largest if share >= LEAST_NAMED)


def _source_in_terminal(source: SourceSize) -> str:
    size = compact(source.n_chars) if known(source.n_chars) else MISSING
    return size if source.exact else f"~{size}"


def _source_in_card(source: SourceSize) -> object:
    if source.exact or not known(source.n_chars):
        return source.n_chars
    return f"about {float(f'{source.n_chars:.3g}'):,.0f}"


def _most_overlap_in_terminal(most: tuple[str, float]) -> str:
    other, share = most
    return other if share else MISSING


def _most_overlap_in_card(most: tuple[str, float]) -> str:
    other, share = most
    return f"{percentage(share)} ({other})" if share else percentage(share)


def _overlap_with_another(place: int) -> Callable[[Audit, LanguageAudit], Any]:
    return lambda audit, language: (audit.largest_overlap(language.code) or (None, None))[place]


def _translated(place: int) -> Callable[[Audit, LanguageAudit], Any]:
    """Return the training text that translates most of a language's test text, or how much it does."""

    def value(audit: Audit, language: LanguageAudit) -> Any:
        if isinstance(audit.translations, str):
            return audit.translations
        row = audit.translations.get(language.code, {})
        return max(row.items(), key=lambda item: item[1], default=(None, None))[place]

    return value


def _above(limit: float) -> Callable[[Any, LanguageAudit], bool]:
    return lambda value, _: above(value, limit)


def _is_short(_: object, language: LanguageAudit) -> bool:
    return bool(language.short_parts)


_TEXT, _NAME, _FAMILY = (Form(str, str, is_number=False, max_width=width) for width in (None, 19, 17))
_COUNT = Form(compact, lambda count: count)
_SHARE = Form(_short_percent, percentage)
_RATIO = Form(_small, "{:.2f}".format)
_DISTANCE = Form(_small, "{:.3g}".format)
_SHARE_OF_MEAN = Form(lambda share: _small(100 * share), percentage)
_RANGE = Form(str, lambda ends: f"{ends.low:.3g} to {ends.high:.3g}")
_AGAINST = Form(str, {"source": "whole source", "sample": "second sample"}.__getitem__)
_SOURCE = Form(_source_in_terminal, _source_in_card)
_LANGUAGES = Form(
    lambda shares: _largest(shares, 2, _short_percent),
    lambda shares: _largest(shares, 4, percentage),
    is_number=False,
    max_width=17,
)
_SCRIPTS = Form(str, lambda shares: _largest(shares, 3, percentage))
_NAMES = Form(", ".join, ", ".join)
_NAMES_OR_NO = Form(", ".join, lambda names: ", ".join(names) or "no")
_MOST_OVERLAP = Form(_most_overlap_in_terminal, _most_overlap_in_card, is_number=False, max_width=9)


def _held_out(part: str) -> list[Column]:
    units = ("bytes", "words", "sentences", "paragraphs")
    chars = Column(f"{part}_chars", f"{part}.n_chars", _COUNT, f"{part}\nchars", part)
    return [chars, *(Column(f"{part}_{unit}", f"{part}.n_{unit}", _COUNT) for unit in units)]


def _distance(field: str, head: str) -> list[Column]:
    return [
        Column(f"{field}_emd", f"{field}.value", _DISTANCE, head, "distance"),
        Column(f"{field}_emd_relative", f"{field}.relative", _SHARE_OF_MEAN, "\n%", "of the mean"),
        Column(f"{field}_mean", f"{field}.mean", _RATIO, title="mean length"),
        Column(f"{field}_random", f"{field}.random", _RANGE, title="random samples", in_csv=False),
        Column(f"{field}_random_low", f"{field}.random.low", _DISTANCE),
        Column(f"{field}_random_high", f"{field}.random.high", _DISTANCE, "\nrand"),
        Column(f"{field}_running", f"{field}.stretches", _RANGE, title="running text", in_csv=False),
        Column(f"{field}_running_low", f"{field}.stretches.low", _DISTANCE),
        Column(f"{field}_running_high", f"{field}.stretches.high", _DISTANCE, "\nrun"),
        Column(f"{field}_against", f"{field}.against", _AGAINST, title="against"),
    ]


_COLUMNS = (
    Column("code", "code", _TEXT, title="code"),
    Column("name", "name", _NAME, "name", "name"),
    Column("family", "family", _FAMILY, "family", "family"),
    Column("script", "script", _TEXT, "script", "script"),
    Column("source", "source_size", _SOURCE, "source\nchars", "source, characters", in_csv=False),
    Column("source_chars", "source_size.n_chars", _COUNT),
    Column("source_exact", "source_size.exact", _TEXT),
    Column("source_share_read", "source_size.share_read", _SHARE, "read\n%", "read"),
    Column("short", "short_parts", _NAMES_OR_NO, title="short of its budget", in_csv=False),
    Column("train_chars", "sample.n_chars", _COUNT, "sample\nchars ", "train, characters", _is_short),
    Column("characters", "sample.n_chars", _COUNT, "chars", "characters", in_csv=False),
    Column("train_bytes", "sample.n_bytes", _COUNT, "bytes", "bytes"),
    Column("bytes_per_char", "sample.bytes_per_char", _RATIO, "bytes/\nchar", in_csv=False),
    Column("train_words", "sample.n_words", _COUNT, "words", "words"),
    Column("train_sentences", "sample.n_sentences", _COUNT, "sentences", "sentences"),
    Column("train_paragraphs", "sample.n_paragraphs", _COUNT, "paragraphs", "paragraphs"),
    *_held_out("dev"),
    *_held_out("test"),
    Column("tokens", "tokens.n_tokens", _COUNT, "tokens", "tokens"),
    Column("unique", "tokens.n_unique", _COUNT, "uniq", "unique tokens"),
    Column("unique_ratio", "tokens.unique_ratio", _SHARE, "uniq\n%", "unique / all"),
    Column("unknown", "tokens.n_unknown", _COUNT),
    Column("unknown_rate", "tokens.unknown_rate", _SHARE, "unknown\n% ", "unknown", _above(UNKNOWN_LIMIT)),
    Column("updates_per_epoch", "tokens.updates_per_epoch", _COUNT, "updates", "updates per epoch"),
    Column("vocabulary_share", "tokens.vocabulary_share", _SHARE, "vocab\n%", "share of the vocabulary used"),
    Column("exclusive_share", "tokens.exclusive_share", _SHARE, "alone\n%", "by no other language"),
    Column("fertility", "fertility", _RATIO, "tokens/\nword", "tokens a word"),
    *_distance("sentence_words", "sent.\nwords"),
    *_distance("sentence_tokens", "sent.\ntokens"),
    *_distance("word_chars", "word\nchars"),
    Column("foreign_by_line", "foreign.by_line", _SHARE, "foreign\nlines", "foreign, by line"),
    Column("foreign_by_char", "foreign.by_char", _SHARE, "foreign\nchars ", "by character", _above(FOREIGN_LIMIT)),
    Column("foreign_undecided", "foreign.undecided", _SHARE, title="undecided"),
    Column("foreign_languages", "foreign.languages", _LANGUAGES, "of which", "languages"),
    Column("script_shares", "scripts.shares", _SCRIPTS, title="scripts of its letters"),
    Column("script_outside", "scripts.outside", _SHARE, "other\nscript", "letters of other scripts"),
    Column(
        "overlap_own",
        lambda audit, language: audit.own_overlap(language.code),
        _SHARE,
        "overlap\nsame ",
        "test {unit} in its training text",
        _above(OVERLAP_LIMIT),
    ),
    Column("overlap_other", _overlap_with_another(1), _SHARE, "overlap\nother ", warns=_above(OVERLAP_LIMIT)),
    Column("overlap_with", _overlap_with_another(0), _TEXT),
    Column(
        "overlap_most",
        lambda audit, language: audit.largest_overlap(language.code),
        _MOST_OVERLAP,
        "\nwith",
        "most in that of another",
        in_csv=False,
    ),
    Column(
        "translated_share",
        _translated(1),
        _SHARE,
        "trans-\nlated",
        "test text translated in",
        _above(TRANSLATIONS_LIMIT),
    ),
    Column("translated_in", _translated(0), _TEXT, title="training text of"),
    Column("dropped_share", "dropped", _SHARE, title="lists and boilerplate left out"),
    Column("holes_share", "holes", _SHARE, title="paragraphs with words lost"),
    Column("near_duplicates", "near_duplicates.n", _COUNT),
    Column("near_duplicate_share", "near_duplicates.share", _SHARE, "near", "near-duplicates"),
    Column("licence", "licence", _TEXT, title="licence"),
    Column("origin", "origin", _TEXT, title="source"),
    Column("removed", "removed", _TEXT),
    Column("flags", lambda audit, language: audit.flags.get(language.code, []), _NAMES, title="flags"),
)
COLUMNS: Mapping[str, Column] = {column.name: column for column in _COLUMNS}
"""By their names, in the order of the CSV."""

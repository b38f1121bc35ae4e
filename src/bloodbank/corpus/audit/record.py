"""What the audit of a corpus says, as data; its table, figures and card are made from it.

    path.write_text(audit.model_dump_json(indent=2))
    audit = Audit.model_validate_json(path.read_text())

What is not known is a string that begins with "not computed" and says why; so the token part before encoding. Shares
lie between 0 and 1. What follows from other numbers (ratios, flags, the correlation) is written to JSON, too, and
worked out again when it is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, Self, TypeGuard

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, computed_field, model_validator

from bloodbank.corpus.audit.distances import Distance
from bloodbank.corpus.scripts import ScriptMix
from bloodbank.experiment.settings import FOREIGN_LIMIT

UNKNOWN_LIMIT, OVERLAP_LIMIT, TRANSLATIONS_LIMIT = 0.005, 0.01, 0.01  # shares above which a language is flagged
NOT_COMPUTED = "not computed"
NOT_ENCODED = "not computed, because the text is not encoded yet"

# What a value may be: a number within its limits, or the string that says why there is none.
Missing = Annotated[str, StringConstraints(pattern=r"^not computed")]
Count = Annotated[int, Field(ge=0)] | Missing
Share = Annotated[float, Field(ge=0, le=1)]
MaybeShare = Share | Missing
Booleans = np.ndarray[Any, np.dtype[np.bool_]]


def known(value: float | str | None) -> TypeGuard[float]:
    """Tell a number from what is missing."""
    return value is not None and not isinstance(value, str)


def is_reason(value: object) -> TypeGuard[str]:
    """Tell a string that says why a number is missing."""
    return isinstance(value, str) and value.startswith(NOT_COMPUTED)


def above(value: float | str | None, limit: float) -> bool:
    """Tell whether a number is known and larger than a limit."""
    return known(value) and value > limit


def ratio(part: float | str, whole: float | str) -> float | str:
    """Divide two values; where one is missing, or there is nothing to divide by, say why there is no quotient."""
    if isinstance(part, str) or isinstance(whole, str):
        return part if isinstance(part, str) else str(whole)
    return part / whole if whole else "not computed, because there is nothing to divide by"


class Record(BaseModel):
    """A part of an audit: nothing unknown in it, no infinite numbers; what follows from it is worked out again."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _work_out_again(cls, content: object) -> object:
        if not isinstance(content, dict):
            return content
        return {key: value for key, value in content.items() if key not in cls.model_computed_fields}


class SourceSize(Record):
    """Size of the full source of a language.

    Attributes:
        n_chars: Characters; where not all was read, estimated from the share that was.
        exact: All of it was read.
        share_read: Share of the source that was read.
    """

    n_chars: Count = NOT_COMPUTED
    exact: bool
    share_read: MaybeShare = NOT_COMPUTED


class Sizes(Record):
    """Size of one part of a language's text. Words are those of `bloodbank.corpus.audit.lengths`."""

    n_chars: Count = NOT_COMPUTED
    n_bytes: Count = NOT_COMPUTED
    n_words: Count = NOT_COMPUTED
    n_sentences: Count = NOT_COMPUTED
    n_paragraphs: Count = NOT_COMPUTED

    @property
    def bytes_per_char(self) -> float | str:
        """Bytes of UTF-8 for each character."""
        return ratio(self.n_bytes, self.n_chars)


class Tokens(Record):
    """The training text under the shared tokenizer.

    Attributes:
        n_tokens: Pieces.
        n_unique: Different pieces.
        n_unknown: Pieces that stand for what the vocabulary does not know.
        updates_per_epoch: Optimiser steps that see all of it once.
        vocabulary_share: Share of the vocabulary's pieces that the language uses.
        exclusive_share: Share of the vocabulary's pieces that no other language uses.
    """

    n_tokens: Count = NOT_COMPUTED
    n_unique: Count = NOT_COMPUTED
    n_unknown: Count = NOT_COMPUTED
    updates_per_epoch: Count = NOT_COMPUTED
    vocabulary_share: MaybeShare = NOT_COMPUTED
    exclusive_share: MaybeShare = NOT_COMPUTED

    @computed_field  # type: ignore[prop-decorator] # mypy knows no decorators above @property
    @property
    def unique_ratio(self) -> float | str:
        """Different pieces for each piece of the text."""
        return ratio(self.n_unique, self.n_tokens)

    @computed_field  # type: ignore[prop-decorator] # mypy knows no decorators above @property
    @property
    def unknown_rate(self) -> float | str:
        """Share of the pieces that are unknown."""
        return ratio(self.n_unknown, self.n_tokens)


class Foreign(Record):
    """Text in other languages.

    Attributes:
        by_line: Share of the lines that are foreign.
        by_char: Share of the characters that are.
        languages: Share of the characters in each foreign language, by code, the largest first.
        undecided: Share of the characters that no language was found for.
    """

    by_line: MaybeShare = NOT_COMPUTED
    by_char: MaybeShare = NOT_COMPUTED
    languages: dict[str, Share] = Field(default_factory=dict)
    undecided: MaybeShare = NOT_COMPUTED


class NearDuplicates(Record):
    """Paragraphs that are nearly the same as an earlier one: how many, and which share of all."""

    n: Count = NOT_COMPUTED
    share: MaybeShare = NOT_COMPUTED


class LanguageAudit(Record):
    """What the audit says of one language.

    Attributes:
        code, name: As in the table of languages.
        family, script: Likewise; None where the table has none.
        source_size: Size of the full source.
        sample, dev, test: Sizes of the training text and of what is held out.
        short_parts: Parts that did not reach their budget.
        sentence_words, sentence_tokens, word_chars: Distance of the lengths of the training text from the source's.
        tokens: The training text under the shared tokenizer.
        foreign: Text in other languages, in the training text.
        near_duplicates: Paragraphs of the training text.
        scripts: Scripts of the training text.
        licence, origin: Licence and source of the text; None where it is not known.
        removed: What cleaning left out, by step, with the unit in its name.
        dropped: Characters left out as lists, preformatted text or boilerplate, as a share of those and the rest.
        holes: Share of the paragraphs of a dump that lost words which a template shows; None elsewhere.
    """

    code: str
    name: str
    family: str | None = None
    script: str | None = None
    source_size: SourceSize | Missing = NOT_COMPUTED
    sample: Sizes | Missing = NOT_COMPUTED
    dev: Sizes | Missing = NOT_COMPUTED
    test: Sizes | Missing = NOT_COMPUTED
    short_parts: tuple[str, ...] = ()
    sentence_words: Distance | Missing = NOT_COMPUTED
    sentence_tokens: Distance | Missing = NOT_ENCODED
    word_chars: Distance | Missing = NOT_COMPUTED
    tokens: Tokens | Missing = NOT_ENCODED
    foreign: Foreign | Missing = NOT_COMPUTED
    near_duplicates: NearDuplicates | Missing = NOT_COMPUTED
    scripts: ScriptMix | Missing = NOT_COMPUTED
    licence: str | None = None
    origin: str | None = None
    removed: dict[str, int] = Field(default_factory=dict)
    dropped: Share | None = None
    holes: Share | None = None

    @computed_field  # type: ignore[prop-decorator] # mypy knows no decorators above @property
    @property
    def fertility(self) -> float | str:
        """Pieces of the tokenizer for each word."""
        return ratio(self.value("tokens", "n_tokens"), self.value("sample", "n_words"))

    def value(self, group: str, name: str) -> Any:
        """Return a number of a group (`sample`, `tokens`, …), or the string that says why there is none."""
        content = getattr(self, group)
        return content if isinstance(content, str) else getattr(content, name)


class Correlation(Record):
    """Pearson's correlation over languages, with its 95% interval by Fisher's z.

    The interval takes the languages for independent draws of a normal distribution; relatives are not, so it is rather
    too narrow.
    """

    r: float
    low: float
    high: float
    n: int


class Audit(Record):
    """What the audit says of a corpus.

    Attributes:
        name: Of the corpus, or of the experiment.
        budget: Training text per language, in `budget_unit`.
        sampling: `consecutive` or `streams`.
        seed: Where in the sources the texts start.
        vocab_size: Pieces of the shared tokenizer.
        languages: In the order of tables and figures.
        overlap: `[test language][training language]`: share of the test text's units that stand in the training
            text, too; a language with itself as well. Cells that were not computed are absent.
        overlap_unit: What was compared, in the plural ("paragraphs").
        translations: `[test language][training language]`: share of the paragraphs of test text that seem to stand,
            translated, in the training text.
    """

    schema_version: Literal[1] = 1
    name: str
    budget: Count
    budget_unit: Literal["characters", "bytes", "tokens"]
    sampling: str
    seed: int
    vocab_size: Count = NOT_ENCODED
    languages: tuple[LanguageAudit, ...]
    overlap: dict[str, dict[str, Share]] | Missing = NOT_COMPUTED
    overlap_unit: str = "paragraphs"
    translations: dict[str, dict[str, Share]] | Missing = NOT_COMPUTED

    @model_validator(mode="after")
    def _has_each_language_once(self) -> Self:
        codes = [language.code for language in self.languages]
        if not codes or len(set(codes)) < len(codes):
            raise ValueError("an audit is of at least one language, and names each once")
        return self

    @computed_field  # type: ignore[prop-decorator] # mypy knows no decorators above @property
    @property
    def token_correlation(self) -> Correlation | str:
        """How the number of tokens goes with that of unique tokens over languages; the paper gives r = 0.73."""
        pairs = [
            (language.value("tokens", "n_tokens"), language.value("tokens", "n_unique")) for language in self.languages
        ]
        both = [(total, unique) for total, unique in pairs if known(total) and known(unique)]
        return correlate([total for total, _ in both], [unique for _, unique in both])

    @computed_field  # type: ignore[prop-decorator] # mypy knows no decorators above @property
    @property
    def flags(self) -> dict[str, list[str]]:
        """What a reader must know of a language: `short`, `foreign`, `unknown`, `overlap`, `translated`."""
        return {language.code: flags for language in self.languages if (flags := self._flags(language))}

    def _flags(self, language: LanguageAudit) -> list[str]:
        largest = self.largest_overlap(language.code)
        own = self.own_overlap(language.code)
        leaks = self.leaks_of(language.code)
        checks = {
            "short": bool(language.short_parts),
            "foreign": above(language.value("foreign", "by_char"), FOREIGN_LIMIT),
            "unknown": above(language.value("tokens", "unknown_rate"), UNKNOWN_LIMIT),
            "overlap": above(own, OVERLAP_LIMIT) or (largest is not None and largest[1] > OVERLAP_LIMIT),
            "translated": bool(leaks),
        }
        return [name for name, is_so in checks.items() if is_so]

    def leaks_of(self, code: str) -> dict[str, float]:
        """Return which training texts translate more of a language's test text than the limit, the most first."""
        row = {} if isinstance(self.translations, str) else self.translations.get(code, {})
        over = {other: share for other, share in row.items() if share > TRANSLATIONS_LIMIT}
        return dict(sorted(over.items(), key=lambda item: -item[1]))

    def own_overlap(self, code: str) -> float | None:
        """Return the share of a language's test text that stands in its own training text; None if not computed."""
        return None if isinstance(self.overlap, str) else self.overlap.get(code, {}).get(code)

    def largest_overlap(self, code: str) -> tuple[str, float] | None:
        """Return which other language's training text shares most with the test text of this one, and how much."""
        row = {} if isinstance(self.overlap, str) else self.overlap.get(code, {})
        others = {other: share for other, share in row.items() if other != code}
        return max(others.items(), key=lambda item: item[1]) if others else None


def correlate(first: Sequence[float], second: Sequence[float]) -> Correlation | str:
    """Correlate two quantities over languages, a number a language each; where that cannot be, say why."""
    n = len(first)
    if n < 4:
        return f"not computed, because {n} languages are too few; at least 4 are needed"
    if len(set(first)) == 1 or len(set(second)) == 1:
        return "not computed, because one of the two is the same in every language"
    from scipy.stats import pearsonr

    found = pearsonr(first, second)
    low, high = found.confidence_interval(0.95)
    return Correlation(r=float(found.statistic), low=float(low), high=float(high), n=n)


def vocabulary_shares(used: Mapping[str, Booleans]) -> dict[str, tuple[float, float]]:
    """Measure which share of the vocabulary each language uses.

    Args:
        used: For each language, which of the vocabulary's pieces occur in its text. Shape: [n_pieces] each; leave the
            special pieces out.

    Returns:
        For each language the share of the pieces that it uses, and the share that it alone uses.
    """
    n_users = np.sum(list(used.values()), axis=0, dtype=np.int64)
    return {code: (float(own.mean()), float((own & (n_users == 1)).mean())) for code, own in used.items()}

"""The audit of one language's text: what is in the corpus, and how it lies to its source.

Reads an output of the corpus stage and its source; the token part comes from the caller, who has the tokenizer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from bloodbank.corpus.audit.distances import Distance, compare_samples, compare_with_source
from bloodbank.corpus.audit.lengths import Blocks, word_lengths
from bloodbank.corpus.audit.record import (
    NOT_ENCODED,
    Foreign,
    LanguageAudit,
    NearDuplicates,
    Sizes,
    SourceSize,
    Tokens,
)
from bloodbank.corpus.build import Preparer, read_part, read_summary
from bloodbank.corpus.cleaning import RULES
from bloodbank.corpus.foreign.foreign_share import foreign_share
from bloodbank.corpus.sampling import sample, starts_of
from bloodbank.corpus.scripts import script_mix
from bloodbank.corpus.sentences import split_sentences
from bloodbank.corpus.sources.source import Source
from bloodbank.corpus.splitting import Parts
from bloodbank.errors import UsageError
from bloodbank.experiment.settings import CorpusSettings
from bloodbank.languages import get_language
from bloodbank.randomness import generator

CountPieces = Callable[[Sequence[str]], list[int]]  # pieces of each sentence under the shared tokenizer
READ_WHOLE_BYTES = 64 * 2**20  # files up to this size are read whole without being asked to
_CHUNK = 1_000


@dataclass
class Measured:
    """What was counted.

    Attributes:
        sentence_words, sentence_tokens, word_chars: Lengths, in blocks of sentences that follow each other.
        n_paragraphs, n_sentences, n_words, n_chars: Sizes; line ends are no characters.
        characters: How often each character occurs.
        share_read: Share of the source that was read; 1.0 for all of it.
        chars_read: Characters in that share, repeated and cut paragraphs too, where it is not all.
    """

    sentence_words: Blocks = field(default_factory=Blocks)
    sentence_tokens: Blocks = field(default_factory=Blocks)
    word_chars: Blocks = field(default_factory=Blocks)
    n_paragraphs: int = 0
    n_sentences: int = 0
    n_words: int = 0
    n_chars: int = 0
    characters: Counter[str] = field(default_factory=Counter)
    share_read: float = 1.0
    chars_read: int = 0


def audit_language(
    folder: Path,
    source: Source,
    settings: CorpusSettings,
    language: str,
    *,
    tokens: Tokens | None = None,
    count_pieces: CountPieces | None = None,
    train: list[str] | None = None,
    full: bool = False,
) -> LanguageAudit:
    """Audit the text of one language.

    Args:
        folder: Output of the corpus stage.
        source: What it was made from.
        settings: Of the corpus.
        language: Code.
        tokens: The training text under the shared tokenizer, where it is encoded.
        count_pieces: Counts the pieces of sentences; likewise.
        train: Training text as far as it is encoded; all of it by default.
        full: Compare with the whole source, however large.

    Returns:
        What was found out; what only all languages together can say is still missing.

    Raises:
        UsageError: The source has changed, or cannot be read.
    """
    summary, known = read_summary(folder), get_language(language)
    train = list(read_part(folder, "train")) if train is None else train
    own = measure(train, language, count_pieces)
    whole = measure_source(source, settings, language, count_pieces, full=full)
    described = summary["source"]
    return LanguageAudit(
        code=language,
        name=known.name,
        family=known.family,
        script=known.script,
        source_size=_source_size(whole),
        sample=_sizes(own, sum(len(line.encode()) for line in train)),
        dev=_held_out(folder, "dev", language, summary["n_bytes"]["dev"]),
        test=_held_out(folder, "test", language, summary["n_bytes"]["test"]),
        short_parts=_short(summary, settings, tokens),
        sentence_words=_distance(own, whole, "sentence_words", settings, language),
        sentence_tokens=NOT_ENCODED if tokens is None else _distance(own, whole, "sentence_tokens", settings, language),
        word_chars=_distance(own, whole, "word_chars", settings, language),
        tokens=NOT_ENCODED if tokens is None else tokens,
        foreign=_foreign(train, language),
        near_duplicates=_near_duplicates(train),
        scripts=script_mix(own.characters, language),
        licence=described.get("licence"),
        # Names alone in text that earlier versions made.
        origin=", ".join(file if isinstance(file, str) else file["name"] for file in described["files"][:3])
        or described.get("name"),
        removed=summary["removed"],
        dropped=_dropped(summary),
        holes=_share(summary["met"], "removed_paragraphs_with_holes", "paragraphs"),
    )


def _dropped(summary: dict[str, Any]) -> float:
    """Return the share of the characters that were read which cleaning left out as no running text."""
    left_out = sum(summary["removed"].get(f"{rule}_chars", 0) for rule in (*RULES, "few_letters"))
    left_out += sum(summary["met"].get(f"removed_{kind}_chars", 0) for kind in ("list_items", "preformatted"))
    total = left_out + summary["chars_read"]
    return float(left_out / total) if total else 0.0


def _share(counts: dict[str, int], part: str, whole: str) -> float | None:
    return counts.get(part, 0) / counts[whole] if counts.get(whole) else None


def _short(summary: dict[str, Any], settings: CorpusSettings, tokens: Tokens | None) -> tuple[str, ...]:
    """Name the parts that are short of their budget: in pieces that is known only once text is encoded."""
    short = dict.fromkeys(summary["short"])
    if tokens and settings.budget_tokens is not None and int(tokens.n_tokens) < settings.budget_tokens:
        short |= {"train": None}
    return tuple(short)


def _source_size(whole: Measured) -> SourceSize:
    if whole.share_read >= 1.0:
        return SourceSize(n_chars=whole.n_chars, exact=True, share_read=1.0)
    if not whole.share_read:
        return SourceSize(n_chars="not computed, because too little of it was read to tell", exact=False)
    return SourceSize(n_chars=round(whole.chars_read / whole.share_read), exact=False, share_read=whole.share_read)


def _sizes(text: Measured, n_bytes: int) -> Sizes:
    return Sizes(
        n_chars=text.n_chars,
        n_bytes=n_bytes,
        n_words=text.n_words,
        n_sentences=text.n_sentences,
        n_paragraphs=text.n_paragraphs,
    )


def _held_out(folder: Path, part: str, language: str, n_bytes: int) -> Sizes:
    return _sizes(measure(read_part(folder, part), language, None), n_bytes)


def _distance(own: Measured, whole: Measured, name: str, settings: CorpusSettings, language: str) -> Distance | str:
    sample: Blocks = getattr(own, name)
    other: Blocks = getattr(whole, name)
    random = generator(settings.seed, "audit", language, name)
    if not sample.lengths or not other.lengths:
        return "not computed, because there is no text to compare"
    if whole.share_read < 1.0:
        return compare_samples(sample, other, random)
    n_places = settings.n_streams if settings.sampling == "streams" else 1
    try:
        return compare_with_source(sample, other, random, n_places=n_places)
    except UsageError as error:  # a source that has changed since, or that was cleaned another way
        return f"not computed, because {error}"


def _foreign(train: list[str], language: str) -> Foreign | str:
    share = foreign_share(train, language)
    if share.foreign_lines is None or share.foreign_chars is None:
        return (share.impossible or "not possible, because nothing could be judged").replace("possible", "computed", 1)
    return Foreign(
        by_line=share.foreign_lines,
        by_char=share.foreign_chars,
        languages=share.languages_by_char,
        undecided=share.unjudged_chars,
    )


def _near_duplicates(train: list[str]) -> NearDuplicates:
    from bloodbank.corpus.near_duplicates import NearDuplicates as Finder

    finder = Finder()
    n = sum(finder.add(line) for line in train)
    return NearDuplicates(n=n, share=n / max(1, len(train)))


def measure(lines: Iterable[str], language: str, count_pieces: CountPieces | None) -> Measured:
    """Measure paragraphs or sentences, empty ones passed over; pieces only where there is a tokenizer to count them."""
    measured = Measured()
    stream = (line for line in lines if line)
    while chunk := list(islice(stream, _CHUNK)):
        measured.n_paragraphs += len(chunk)
        sentences = [sentence for line in chunk for sentence in split_sentences(line, language)]
        for sentence in sentences:
            words = word_lengths(sentence)
            measured.n_words += len(words)
            measured.sentence_words.add([len(words)])
            measured.word_chars.add(words)
        for line in chunk:
            measured.n_chars += len(line)
            measured.characters.update(line)
        measured.n_sentences += len(sentences)
        for n_pieces in count_pieces(sentences) if count_pieces else ():
            measured.sentence_tokens.add([n_pieces])
    return measured


def measure_source(
    source: Source, settings: CorpusSettings, language: str, count_pieces: CountPieces | None, *, full: bool
) -> Measured:
    """Measure the source that a sample is compared with: all of it, or an independent sample of the same size.

    Foreign text stays in it, and duplicates: it is the source as it is, but for what cleaning takes out of every line.
    """
    plain = settings.model_copy(update={"contamination": "report", "unit": "paragraph", "parallel": "no"})
    prepare = Preparer(plain, language)
    if full or reads_whole(source):
        lines = (line for document in source.read() for line in prepare(document))
        return measure(lines, language, count_pieces)
    # Other places than those of the corpus, which the seed of the settings gave.
    another = plain.model_copy(update={"seed": plain.seed + 1_000_003, "test_chars": 1, "dev_chars": 1})
    parts = Parts(another, ("train",))
    split = sample(source, starts_of(another, language), parts, prepare)
    measured = measure(split.parts["train"], language, count_pieces)
    measured.share_read, measured.chars_read = split.share_read, split.chars_read
    return measured


def reads_whole(source: Source) -> bool:
    """Tell whether a source is small enough to be read whole without being asked to."""
    files = source.files()
    return bool(files) and sum(path.stat().st_size for path in files) <= READ_WHOLE_BYTES

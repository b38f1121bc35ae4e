"""The lengths and characters of a text, gathered while it streams by: the sample's, and those of its source.

Reads lines of a corpus output, or a source through the same cleaning; writes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice

from bloodbank.corpus.lengths import Blocks, word_lengths
from bloodbank.corpus.preparing import Preparer
from bloodbank.corpus.sampling import sample, starts_of
from bloodbank.corpus.sentences import split_sentences
from bloodbank.corpus.source import Source
from bloodbank.corpus.splitting import Parts
from bloodbank.settings import CorpusSettings

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


def measure(lines: Iterable[str], language: str, count_pieces: CountPieces | None) -> Measured:
    """Measure a text.

    Args:
        lines: Paragraphs or sentences, without line ends; empty ones are passed over.
        language: Code, for the ends of sentences.
        count_pieces: Counts the pieces of sentences; None: there is no tokenizer yet.
    """
    found = Measured()
    stream = (line for line in lines if line)
    while chunk := list(islice(stream, _CHUNK)):
        found.n_paragraphs += len(chunk)
        sentences = [sentence for line in chunk for sentence in split_sentences(line, language)]
        for sentence in sentences:
            words = word_lengths(sentence)
            found.n_words += len(words)
            found.sentence_words.add([len(words)])
            found.word_chars.add(words)
        for line in chunk:
            found.n_chars += len(line)
            found.characters.update(line)
        found.n_sentences += len(sentences)
        for n_pieces in count_pieces(sentences) if count_pieces else ():
            found.sentence_tokens.add([n_pieces])
    return found


def measure_source(
    source: Source, settings: CorpusSettings, language: str, count_pieces: CountPieces | None, *, full: bool
) -> Measured:
    """Measure the source that a sample is compared with: all of it, or an independent sample of the same size.

    Foreign text stays in it, and duplicates: it is the source as it is, but for what cleaning takes out of every line.

    Args:
        source: The source.
        settings: Of the corpus.
        language: Code.
        count_pieces: See `measure`.
        full: Read all of it, however large.
    """
    plain = settings.model_copy(update={"contamination": "report", "unit": "paragraph", "parallel": "no"})
    prepare = Preparer(plain, language)
    if full or reads_whole(source):
        lines = (line for document in source.read() for line in prepare(document))
        return measure(lines, language, count_pieces)
    # Other places than those of the corpus, which the seed of the settings gave.
    another = plain.model_copy(update={"seed": plain.seed + 1_000_003, "test_chars": 1, "dev_chars": 1})
    parts = Parts(another, ("train",))
    found = sample(source, starts_of(another, language), parts, prepare)
    measured = measure(found.parts["train"], language, count_pieces)
    measured.share_read, measured.chars_read = found.share_read, found.chars_read
    return measured


def reads_whole(source: Source) -> bool:
    """Tell whether a source is small enough to be read whole without being asked to."""
    files = source.files()
    return bool(files) and sum(path.stat().st_size for path in files) <= READ_WHOLE_BYTES

"""Training of the shared WordPiece vocabulary; the same text gives the same vocabulary, to the last id."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from bloodbank.corpus.scripts import script_of
from bloodbank.errors import UsageError
from bloodbank.experiment.settings import TokenizerSettings
from bloodbank.store import write_json
from bloodbank.tokenizer.encoding import CHUNK, batched
from bloodbank.tokenizer.vocabulary import SPECIAL

if TYPE_CHECKING:
    from tokenizers import Tokenizer

TOKENIZER_VERSION = 3
# Scripts without spaces make long runs, which the library turns into one [UNK] beyond a number of characters. So runs
# are cut before: with 100, a sentence of Thai or Burmese is a word or two, and time stays linear in the text.
_LONGEST_WORD = 100


def train_tokenizer(read: Callable[[], Iterable[str]], settings: TokenizerSettings, folder: Path) -> None:
    """Train a WordPiece vocabulary; the same text gives the same vocabulary, to the last id.

    Args:
        read: Gives the paragraphs of all languages, always in the same order; called twice, and never held whole.
        settings: Size, frequency, normalisation.
        folder: Where `tokenizer.json` and `tokenizer_config.json` are written.

    Raises:
        UsageError: The vocabulary cannot even hold the alphabet and a few pieces.
    """
    from tokenizers import Tokenizer, models, trainers

    first, later = _count_characters(_pipeline(Tokenizer(models.WordPiece()), settings), read())
    alphabet, inner = _alphabet(first, later, settings)
    if settings.vocab_size < len(SPECIAL) + len(alphabet) + len(inner):
        raise UsageError(
            f"tokenizer.vocab_size = {settings.vocab_size:,} is too small: the special pieces and the alphabet alone "
            f"take {len(SPECIAL) + len(alphabet) + len(inner):,}. Raise it, or lower tokenizer.alphabet_share."
        )
    learner = _pipeline(
        Tokenizer(models.WordPiece(unk_token=SPECIAL["unk"], max_input_chars_per_word=_LONGEST_WORD)),
        settings,
    )
    # The library numbers the inner characters (##x) in the order of a hash map, which differs between runs and
    # decides ties between merges. Naming them beforehand, sorted, takes that order away.
    trainer = trainers.WordPieceTrainer(
        vocab_size=settings.vocab_size,
        min_frequency=settings.min_frequency,
        special_tokens=[*SPECIAL.values(), *inner],
        initial_alphabet=alphabet,
        limit_alphabet=len(alphabet),
        show_progress=False,
    )
    learner.train_from_iterator(batched(read(), CHUNK), trainer)
    vocabulary = learner.get_vocab()
    model = models.WordPiece(vocabulary, unk_token=SPECIAL["unk"], max_input_chars_per_word=_LONGEST_WORD)
    _save(_pipeline(Tokenizer(model), settings), folder)


def _pipeline(tokenizer: Tokenizer, settings: TokenizerSettings) -> Tokenizer:
    """Add normaliser, pre-tokenizer and decoder: words, punctuation and single Han characters."""
    from tokenizers import Regex, decoders, normalizers, pre_tokenizers

    if settings.normalization == "bert":
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True, strip_accents=True)
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    else:
        tokenizer.normalizer = normalizers.NFC()
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.BertPreTokenizer(),
                pre_tokenizers.Split(Regex(r"\p{Han}"), "isolated"),
                pre_tokenizers.Split(Regex(rf"[\s\S]{{{_LONGEST_WORD}}}"), "isolated"),
            ]
        )
    tokenizer.decoder = decoders.WordPiece(prefix="##", cleanup=False)
    return tokenizer


def _count_characters(tokenizer: Tokenizer, paragraphs: Iterable[str]) -> tuple[Counter[str], Counter[str]]:
    """Count the characters that begin a word, and those inside words."""
    words: Counter[str] = Counter()
    for paragraph in paragraphs:
        normal = tokenizer.normalizer.normalize_str(paragraph)
        words.update(word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(normal))
    first: Counter[str] = Counter()
    later: Counter[str] = Counter()
    for word, count in words.items():
        first[word[0]] += count
        for character in word[1:]:
            later[character] += count
    return first, later


def _alphabet(first: Counter[str], later: Counter[str], settings: TokenizerSettings) -> tuple[list[str], list[str]]:
    """Choose the characters that get a piece, the most frequent first, and those that get one inside words.

    A letter that was only seen at the start of words gets both, since it may stand inside one that comes later; but a
    Han character is always a word of its own.
    """
    total = first + later
    room = int(settings.vocab_size * settings.alphabet_share)
    kept: list[str] = []
    inner: list[str] = []
    for character in sorted(total, key=lambda c: (-total[c], c)):
        inside = character in later or (character.isalpha() and script_of(character) != "Hani")
        room -= 1 + inside
        if room < 0:
            break
        kept.append(character)
        inner.extend([f"##{character}"] * inside)
    return sorted(kept), sorted(inner)


def _save(tokenizer: Tokenizer, folder: Path) -> None:
    from tokenizers import AddedToken, processors

    tokenizer.add_special_tokens([AddedToken(piece, special=True, normalized=False) for piece in SPECIAL.values()])
    vocabulary = tokenizer.get_vocab(with_added_tokens=True)
    ids = {name: vocabulary[piece] for name, piece in SPECIAL.items()}
    tokenizer.post_processor = processors.BertProcessing((SPECIAL["sep"], ids["sep"]), (SPECIAL["cls"], ids["cls"]))
    (folder / "tokenizer.json").write_text(tokenizer.to_str(pretty=True) + "\n", encoding="utf-8")
    names = {f"{name}_token": piece for name, piece in SPECIAL.items()}
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", **names})

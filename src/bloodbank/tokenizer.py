"""Section 4.1: one shared WordPiece tokenizer, and token ids on disk.

Reads the training text of all languages, writes a folder that `AutoTokenizer.from_pretrained` loads; then
reads one language's text and writes its ids. Command: `bloodbank run experiment.toml`.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bloodbank.errors import UsageError
from bloodbank.settings import TokenizerSettings
from bloodbank.store import digest, file_digest, write_json

if TYPE_CHECKING:
    from tokenizers import Tokenizer

TOKENIZER_VERSION = 1
SPECIAL = {"pad": "[PAD]", "unk": "[UNK]", "cls": "[CLS]", "sep": "[SEP]", "mask": "[MASK]"}
_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")
# Scripts without spaces make long runs; the library's 100 would turn whole Thai or Burmese sentences into [UNK].
_LONGEST_WORD = 1_000
_CHUNK = 2_000


@dataclass(frozen=True)
class Vocabulary:
    """What the models need to know of a tokenizer.

    Attributes:
        size: Number of ids.
        pad, unk, cls, sep, mask: Ids of the special pieces.
    """

    size: int
    pad: int
    unk: int
    cls: int
    sep: int
    mask: int

    @property
    def special(self) -> tuple[int, ...]:
        """Ids that are never masked and never predicted; [UNK] too, since it stands for no text."""
        return (self.pad, self.unk, self.cls, self.sep, self.mask)

    @cached_property
    def ordinary(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Ids of the pieces that stand for text. Shape: [size − 5]."""
        return np.setdiff1d(np.arange(self.size), self.special)


def train_tokenizer(texts: Iterable[list[str]], settings: TokenizerSettings, folder: Path) -> None:
    """Train a WordPiece vocabulary; the same text gives the same vocabulary, to the last id.

    Args:
        texts: Paragraphs of each language, always in the same order.
        settings: Size, frequency, normalisation.
        folder: Where `tokenizer.json` and `tokenizer_config.json` are written.

    Raises:
        UsageError: The vocabulary cannot even hold the alphabet and a few pieces.
    """
    from tokenizers import Tokenizer, models, trainers

    paragraphs = [paragraph for text in texts for paragraph in text]
    first, later = _count_characters(_pipeline(Tokenizer(models.WordPiece()), settings), paragraphs)
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
    learner.train_from_iterator(paragraphs, trainer)
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
            [pre_tokenizers.BertPreTokenizer(), pre_tokenizers.Split(Regex(r"\p{Han}"), "isolated")]
        )
    tokenizer.decoder = decoders.WordPiece(prefix="##", cleanup=False)
    return tokenizer


def _count_characters(tokenizer: Tokenizer, paragraphs: list[str]) -> tuple[Counter[str], Counter[str]]:
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
    """Choose the characters that get a piece, the most frequent first, and those of them seen inside words."""
    total = first + later
    room = int(settings.vocab_size * settings.alphabet_share)
    kept: list[str] = []
    for character in sorted(total, key=lambda c: (-total[c], c)):
        room -= 1 + (character in later)
        if room < 0:
            break
        kept.append(character)
    return sorted(kept), [f"##{character}" for character in sorted(set(kept) & set(later))]


def _save(tokenizer: Tokenizer, folder: Path) -> None:
    from tokenizers import AddedToken, processors

    tokenizer.add_special_tokens([AddedToken(piece, special=True, normalized=False) for piece in SPECIAL.values()])
    vocabulary = tokenizer.get_vocab(with_added_tokens=True)
    ids = {name: vocabulary[piece] for name, piece in SPECIAL.items()}
    tokenizer.post_processor = processors.BertProcessing((SPECIAL["sep"], ids["sep"]), (SPECIAL["cls"], ids["cls"]))
    (folder / "tokenizer.json").write_text(tokenizer.to_str(pretty=True) + "\n", encoding="utf-8")
    names = {f"{name}_token": piece for name, piece in SPECIAL.items()}
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", **names})


def copy_tokenizer(source: Path, folder: Path) -> None:
    """Copy the files of a tokenizer, so that a folder loads with `AutoTokenizer.from_pretrained`."""
    for name in _FILES:
        if (source / name).exists():
            (folder / name).write_bytes((source / name).read_bytes())


def tokenizer_digest(folder: Path) -> str:
    """Hash a tokenizer that was given by path.

    Raises:
        UsageError: There is none.
    """
    if not (folder / "tokenizer.json").is_file():
        raise UsageError(
            f"tokenizer.path = {folder}: no tokenizer.json there. Give the folder of a fast tokenizer of "
            "Hugging Face (save_pretrained), or the tokenizer folder of a finished run."
        )
    return digest({name: file_digest(folder / name) for name in _FILES if (folder / name).exists()})


def load_tokenizer(folder: Path) -> tuple[Tokenizer, Vocabulary]:
    """Load a tokenizer and the ids of its special pieces.

    Raises:
        UsageError: It cannot be loaded or lacks a piece that masked language modelling needs.
    """
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_str((folder / "tokenizer.json").read_text(encoding="utf-8"))
    except Exception as error:  # noqa: BLE001 - the library raises bare Exception for any malformed file
        raise UsageError(f"{folder}/tokenizer.json: not a tokenizer: {error}.") from None
    names = _special_names(folder)
    ids = {}
    for role, piece in names.items():
        number = None if piece is None else tokenizer.token_to_id(piece)
        if number is None:
            raise UsageError(
                f"{folder}: the tokenizer has no {role} piece ({piece}). Masked language modelling needs "
                "pad, unk, cls, sep and mask pieces."
            )
        ids[role] = number
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.encode_special_tokens = True  # "[MASK]" in a text is text
    return tokenizer, Vocabulary(size=max(tokenizer.get_vocab(with_added_tokens=True).values()) + 1, **ids)


def _special_names(folder: Path) -> dict[str, str | None]:
    """Find what a tokenizer calls its special pieces."""
    declared: dict[str, Any] = {}
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        if (folder / name).exists():
            declared |= json.loads((folder / name).read_text(encoding="utf-8"))
    names: dict[str, str | None] = {}
    for role, fallback in SPECIAL.items():
        value = declared.get(f"{role}_token")
        if value is None and role in ("cls", "sep"):
            value = declared.get({"cls": "bos_token", "sep": "eos_token"}[role])
        names[role] = value["content"] if isinstance(value, dict) else value or fallback
    return names


def encode_text(paragraphs: list[str], tokenizer: Tokenizer) -> Iterator[tuple[list[int], list[int]]]:
    """Encode paragraphs, in chunks.

    Yields:
        For each paragraph the ids of its pieces, and the UTF-8 bytes of the text behind each piece.
    """
    for start in range(0, len(paragraphs), _CHUNK):
        chunk = paragraphs[start : start + _CHUNK]
        for paragraph, encoding in zip(chunk, tokenizer.encode_batch(chunk, add_special_tokens=False), strict=True):
            yield encoding.ids, _bytes_behind(paragraph, encoding.offsets)


def check_known(summary: dict[str, int], name: str, part: str) -> None:
    """Refuse a text that the vocabulary mostly does not know.

    Raises:
        UsageError: More than half of its pieces are unknown, or there is none.
    """
    n_pieces, n_unknown = summary["n_pieces"], summary["n_unknown"]
    if n_pieces == 0 or n_unknown > n_pieces / 2:
        raise UsageError(
            f"{name}: {n_unknown:,} of the {n_pieces:,} pieces of its {part} text are unknown to the tokenizer. It was "
            "made without this language or its script; give another with tokenizer.path, or train one."
        )


def _bytes_behind(text: str, offsets: list[tuple[int, int]]) -> list[int]:
    """Count the UTF-8 bytes behind each piece; where pieces share a character, the first of them has it."""
    n_bytes, reached = [], 0
    for begin, end in offsets:
        n_bytes.append(len(text[max(begin, reached) : end].encode()))
        reached = max(reached, end)
    return n_bytes


def write_ids(paragraphs: list[str], tokenizer: Tokenizer, vocabulary: Vocabulary, stem: Path) -> dict[str, int]:
    """Write `STEM.ids.npy`, `STEM.bytes.npy` (one number a piece) and `STEM.offsets.npy` (paragraph ends).

    Shape: ids and bytes [n_pieces]; offsets [n_paragraphs + 1].

    Returns:
        Numbers of pieces, of unknown pieces, and of bytes.
    """
    dtype = np.uint16 if vocabulary.size <= 2**16 else np.uint32
    encoded = list(encode_text(paragraphs, tokenizer))
    ids = np.concatenate([np.asarray(pieces, dtype=dtype) for pieces, _ in encoded])
    n_bytes = np.concatenate([np.asarray(sizes, dtype=np.uint32) for _, sizes in encoded])
    offsets = np.cumsum([0, *(len(pieces) for pieces, _ in encoded)], dtype=np.int64)
    for name, array in (("ids", ids), ("bytes", n_bytes), ("offsets", offsets)):
        write_array(stem.with_name(f"{stem.name}.{name}.npy"), array)
    unknown = int((ids == vocabulary.unk).sum())
    return {
        "n_pieces": len(ids),
        "n_unknown": unknown,
        "n_unique": len(np.unique(ids)),
        "n_bytes": int(n_bytes.sum()),
    }


def write_array(path: Path, array: np.ndarray[Any, Any]) -> None:
    """Write an array as .npy through Python's own file, whose errors name a full disk."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    path.write_bytes(buffer.getvalue())

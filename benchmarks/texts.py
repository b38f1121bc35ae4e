"""The text that the contenders read: the shared text, or generated text for a trial, or made-up ids.

Everything lies in the folder `--work` as the package's own files (`STEM.ids.npy`, `STEM.offsets.npy`), made once.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from bloodbank.corpus import open_source
from bloodbank.experiment.settings import SourceSettings, TokenizerSettings
from bloodbank.randomness import generator
from bloodbank.store import digest, write_json
from bloodbank.tokenizer import Vocabulary, encode_text, load_tokenizer, train_tokenizer, write_array

_TOKENIZER_CHARS = 400_000  # of each language
_TEST_CHARS = 200_000
_MADE_UP = Vocabulary(0, 0, 1, 2, 3, 4)
_ZIPF = 1.0


@dataclass(frozen=True)
class Text:
    """Ids of one language's text.

    Attributes:
        train, test: Stems of the files. Test text is disjoint from training text.
        tokenizer: Folder; empty for made-up ids.
        vocabulary: Ids of the special pieces.
        chars_per_piece: Characters of the text behind a piece; None for made-up ids.
    """

    train: str
    test: str
    tokenizer: str
    vocabulary: Vocabulary
    chars_per_piece: float | None

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for a contender's process."""
        return asdict(self)


def shared_folder() -> Path | None:
    """Return the folder of the shared text; None where it is absent."""
    root = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("BLOODBANK_SHARED_DATA", root)) / "text"
    return folder if folder.is_dir() else None


def real_texts(work: Path, languages: list[str], vocab_size: int, row_length: int) -> dict[str, Text]:
    """Encode the shared text with a tokenizer trained on all its languages; paragraphs are cut at a row's length.

    Raises:
        SystemExit: The shared text, or one of the languages, is absent.
    """
    folder = shared_folder()
    present = sorted(path.name.removesuffix(".txt.xz") for path in folder.glob("*.txt.xz")) if folder else []
    missing = [language for language in languages if language not in present]
    if folder is None or missing:
        raise SystemExit(
            f"No text for {', '.join(missing)}. Give the folder of the shared data with BLOODBANK_SHARED_DATA "
            f"(found: {', '.join(present) or 'nothing'}), or try the benchmark out with --quick."
        )
    paths = {language: folder / f"{language}.txt.xz" for language in present}
    tokenizer = work / f"tokenizer-{digest(present, vocab_size, _TOKENIZER_CHARS)[:8]}"
    if not (tokenizer / "tokenizer_config.json").exists():
        beginnings = [_first(_lines(path), _TOKENIZER_CHARS) for path in paths.values()]
        _train(beginnings, TokenizerSettings(vocab_size=vocab_size), tokenizer)
    return {code: _encode(_lines(paths[code]), tokenizer, work / code, row_length) for code in languages}


def generated_texts(work: Path, languages: list[str], vocab_size: int, row_length: int) -> dict[str, Text]:
    """Write text of random words, to try a benchmark out."""
    lines = {code: _random_lines(code) for code in languages}
    tokenizer = work / "tokenizer-generated"
    _train(list(lines.values()), TokenizerSettings(vocab_size=vocab_size), tokenizer)
    return {code: _encode(lines[code], tokenizer, work / code, row_length) for code in languages}


def made_up_text(work: Path, vocab_size: int, n_pieces: int) -> Text:
    """Draw ids by Zipf's law, in paragraphs of 30 pieces: for speed alone, where no text is at hand."""
    vocabulary = Vocabulary(**(asdict(_MADE_UP) | {"size": vocab_size}))
    stem = work / f"made-up-{vocab_size}-{n_pieces}"
    if not _exists(stem):
        work.mkdir(parents=True, exist_ok=True)
        ranks = np.arange(1, vocab_size - len(vocabulary.special) + 1)
        share = ranks**-_ZIPF / (ranks**-_ZIPF).sum()
        ids = generator("made-up text", vocab_size).choice(vocabulary.ordinary, size=n_pieces, p=share)
        _write(stem, ids, np.unique([*range(0, n_pieces, 30), n_pieces]))
    return Text(str(stem), str(stem), "", vocabulary, None)


def _train(texts: list[list[str]], settings: TokenizerSettings, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    train_tokenizer(lambda: chain.from_iterable(texts), settings, folder)


def _encode(lines: list[str], folder: Path, stem: Path, row_length: int) -> Text:
    tokenizer, vocabulary = load_tokenizer(folder)
    test = _first(lines, min(_TEST_CHARS, sum(map(len, lines)) // 10))
    key = digest(folder.name, row_length, len(lines), sum(map(len, lines)))[:8]
    stems = {part: stem.with_name(f"{stem.name}-{part}-{key}") for part in ("train", "test")}
    for part, own in (("train", lines[len(test) :]), ("test", test)):
        if not _exists(stems[part]):
            encoded = [ids for _, ids, _ in encode_text(own, tokenizer)]
            write_json(_with(stems[part], "json"), {"chars_per_piece": sum(map(len, own)) / sum(map(len, encoded))})
            cut = [ids[: row_length - 2] for ids in encoded]
            _write(stems[part], np.concatenate([np.asarray(ids) for ids in cut]), np.cumsum([0, *map(len, cut)]))
    measured = json.loads(_with(stems["train"], "json").read_text(encoding="utf-8"))["chars_per_piece"]
    return Text(str(stems["train"]), str(stems["test"]), str(folder), vocabulary, measured)


def _lines(path: Path) -> list[str]:
    source = open_source(SourceSettings(path=str(path)), path.name.partition(".")[0])
    return [line.strip() for document in source.read() for line in document.paragraphs]


def _random_lines(language: str) -> list[str]:
    random = generator("benchmark text", language)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    words = ["".join(random.choice(letters, size=random.integers(2, 7))) for _ in range(200)]
    return [" ".join(random.choice(words, size=random.integers(4, 16))) for _ in range(2_000)]


def _first(lines: list[str], n_chars: int) -> list[str]:
    ends = np.cumsum([len(line) for line in lines])
    return lines[: int(np.searchsorted(ends, n_chars)) + 1]


def _with(stem: Path, what: str) -> Path:
    return stem.with_name(f"{stem.name}.{what}")


def _exists(stem: Path) -> bool:
    return _with(stem, "offsets.npy").exists()


def _write(stem: Path, ids: np.ndarray[Any, Any], offsets: np.ndarray[Any, Any]) -> None:
    """Write ids as the package does; the ends of paragraphs last, so that what is there is whole."""
    write_array(_with(stem, "ids.npy"), ids.astype(np.uint32))
    write_array(_with(stem, "offsets.npy"), offsets.astype(np.int64))

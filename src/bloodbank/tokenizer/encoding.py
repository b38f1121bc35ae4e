"""Text to token ids, streamed to disk.

Writes `PART.ids.npy`, `PART.bytes.npy` (one number a piece) and `PART.offsets.npy` (where paragraphs end).
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from bloodbank.errors import UsageError
from bloodbank.tokenizer.vocabulary import Vocabulary

if TYPE_CHECKING:
    from tokenizers import Tokenizer

CHUNK = 2_000  # paragraphs that the library works on at once
_HEADER_BYTES = 128


def batched(paragraphs: Iterable[str], size: int) -> Iterator[list[str]]:
    """Cut a stream of paragraphs into lists, so that the library works on many at once."""
    stream = iter(paragraphs)
    while chunk := list(islice(stream, size)):
        yield chunk


def encode_text(paragraphs: Iterable[str], tokenizer: Tokenizer) -> Iterator[tuple[int, list[int], list[int]]]:
    """Encode paragraphs, in chunks.

    Yields:
        For each paragraph its words (separated by white space), the ids of its pieces, and the UTF-8 bytes of the text
        behind each piece.
    """
    for chunk in batched(paragraphs, CHUNK):
        for paragraph, encoding in zip(chunk, tokenizer.encode_batch(chunk, add_special_tokens=False), strict=True):
            yield len(paragraph.split()), encoding.ids, _bytes_behind(paragraph, encoding.offsets)


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


def check_budget(summary: dict[str, int], name: str, part: str, limit: int) -> None:
    """Refuse a text that has fewer pieces than the budget.

    Raises:
        UsageError: Says how many there are.
    """
    if summary["n_pieces"] < limit:
        raise UsageError(
            f"{name}: {summary['n_pieces']:,} pieces of {part} text, but corpus.budget_tokens = {limit:,}. Raise "
            "corpus.budget_chars, so that more text is encoded, lower corpus.budget_tokens to what every language has, "
            'or set corpus.too_little = "keep".'
        )


class ArrayFile:
    """A .npy file of one axis that grows, so that no array is held whole; its length is written when it is closed."""

    def __init__(self, path: Path, dtype: str) -> None:
        self._file, self._dtype, self._n = path.open("wb"), np.dtype(dtype), 0
        self._file.write(bytes(_HEADER_BYTES))

    def add(self, values: Iterable[int]) -> None:
        """Append values."""
        block = np.fromiter(values, dtype=self._dtype)
        self._n += len(block)
        self._file.write(block.tobytes())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        description = f"{{'descr': {self._dtype.str!r}, 'fortran_order': False, 'shape': ({self._n},), }}"
        start = np.lib.format.magic(1, 0)
        room = _HEADER_BYTES - len(start) - 2
        self._file.seek(0)
        self._file.write(start + room.to_bytes(2, "little") + description.ljust(room - 1).encode() + b"\n")
        self._file.close()


def write_ids(
    paragraphs: Iterable[str], tokenizer: Tokenizer, vocabulary: Vocabulary, stem: Path, *, limit: int | None = None
) -> dict[str, int]:
    """Write the pieces of a text, the UTF-8 bytes behind each, and where paragraphs end.

    Shape: ids and bytes [n_pieces]; offsets [n_paragraphs + 1].

    Args:
        paragraphs: The text; it is read once and never held whole.
        tokenizer: The tokenizer.
        vocabulary: Its special pieces.
        stem: Beginning of the paths.
        limit: Largest number of pieces; the rest of the text is not encoded.

    Returns:
        Numbers of pieces, unknown pieces, different pieces, bytes, and words separated by white space.
    """
    n = dict.fromkeys(("n_pieces", "n_unknown", "n_unique", "n_bytes", "n_words"), 0)
    counts = np.zeros(vocabulary.size, dtype=np.int64)
    with ExitStack() as files:
        ids, n_bytes, offsets = (
            files.enter_context(ArrayFile(stem.with_name(f"{stem.name}.{name}.npy"), dtype))
            for name, dtype in (
                ("ids", "<u2" if vocabulary.size <= 2**16 else "<u4"),
                ("bytes", "<u4"),
                ("offsets", "<i8"),
            )
        )
        offsets.add([0])
        for n_words, pieces, sizes in encode_text(paragraphs, tokenizer):
            room = len(pieces) if limit is None else min(len(pieces), limit - n["n_pieces"])
            ids.add(pieces[:room])
            n_bytes.add(sizes[:room])
            n["n_pieces"] += room
            n["n_bytes"] += sum(sizes[:room])
            n["n_words"] += n_words if room == len(pieces) else round(n_words * room / len(pieces))
            offsets.add([n["n_pieces"]])
            np.add.at(counts, pieces[:room], 1)
            if n["n_pieces"] == limit:
                break
    return n | {"n_unknown": int(counts[vocabulary.unk]), "n_unique": int(np.count_nonzero(counts))}


def _bytes_behind(text: str, offsets: list[tuple[int, int]]) -> list[int]:
    """Count the UTF-8 bytes behind each piece; where pieces share a character, the first of them has it."""
    n_bytes, reached = [], 0
    for begin, end in offsets:
        n_bytes.append(len(text[max(begin, reached) : end].encode()))
        reached = max(reached, end)
    return n_bytes


def write_array(path: Path, array: np.ndarray[Any, Any]) -> None:
    """Write an array as .npy through Python's own file, whose errors name a full disk."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    path.write_bytes(buffer.getvalue())

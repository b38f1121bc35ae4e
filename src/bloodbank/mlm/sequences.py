"""Rows of pieces that a model reads, made from token ids on disk.

`packed`: the paragraphs stand one after the other, [SEP] between them, cut into full rows. `rows`: one paragraph a row
(a longer one goes on in the next row), padded. Every row is [CLS] … [SEP].
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from bloodbank.tokenizer import Vocabulary

Ints = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Sequences:
    """Rows of pieces.

    Attributes:
        ids: Pieces, padded. Shape: [n_rows, L].
        source: Index of each piece in the text, −1 for special pieces. Shape: [n_rows, L].
        lengths: Pieces in each row without padding. Shape: [n_rows].
        vocabulary: Ids of the special pieces.
    """

    ids: Ints
    source: Ints
    lengths: Ints
    vocabulary: Vocabulary

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.ids)

    @property
    def n_tokens(self) -> int:
        """Number of pieces in one pass, special ones included, padding not."""
        return int(self.lengths.sum())

    @cached_property
    def maskable(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """True where a piece may be masked: text that the vocabulary knows. Shape: [n_rows, L]."""
        return (self.source >= 0) & ~np.isin(self.ids, self.vocabulary.special)


def join(parts: Sequence[tuple[Sequences, Ints]]) -> Sequences:
    """Take rows of several texts of one vocabulary, in this order, padded to the longest."""
    width = max(int(text.lengths[rows].max(initial=2)) for text, rows in parts)

    def wide(array: Ints, fill: int) -> Ints:
        return np.pad(array[:, :width], ((0, 0), (0, max(0, width - array.shape[1]))), constant_values=fill)

    vocabulary = parts[0][0].vocabulary
    return Sequences(
        np.concatenate([wide(text.ids[rows], vocabulary.pad) for text, rows in parts]),
        np.concatenate([wide(text.source[rows], -1) for text, rows in parts]),
        np.concatenate([text.lengths[rows] for text, rows in parts]),
        vocabulary,
    )


def shuffle_pieces(ids: Ints, random: np.random.Generator) -> Ints:
    """Put the pieces of a text in random order: their frequencies stay, all syntax goes (control `shuffled`)."""
    return random.permutation(np.asarray(ids))


def read_ids(stem: Path) -> tuple[Ints, Ints]:
    """Open the ids and paragraph ends that the encode stage wrote; ids are mapped, not read."""
    ids = np.load(stem.with_name(f"{stem.name}.ids.npy"), mmap_mode="r")
    return ids, np.load(stem.with_name(f"{stem.name}.offsets.npy"))


def make_sequences(
    ids: Ints, offsets: Ints, vocabulary: Vocabulary, layout: Literal["packed", "rows"], n_positions: int
) -> Sequences:
    """Lay token ids out in rows.

    Args:
        ids: Pieces of all paragraphs. Shape: [n_pieces].
        offsets: Where paragraphs begin and end. Shape: [n_paragraphs + 1].
        vocabulary: Ids of the special pieces.
        layout: How paragraphs become rows.
        n_positions: Longest row, [CLS] and [SEP] included.
    """
    source = np.arange(len(ids), dtype=np.int64)
    room = n_positions - 2
    if layout == "packed":
        # −1 stands for the [SEP] between two paragraphs.
        stream = np.insert(source, offsets[1:-1], -1)
        pieces = [stream[i : i + room] for i in range(0, len(stream), room)]
    else:
        pieces = [
            source[i : min(i + room, end)]
            for begin, end in itertools.pairwise(offsets)
            for i in range(begin, end, room)
        ]
    lengths = np.array([len(piece) + 2 for piece in pieces], dtype=np.int64)
    rows = np.full((len(pieces), int(lengths.max(initial=2))), -2, dtype=np.int64)  # −2: padding
    for row, piece in zip(rows, pieces, strict=True):
        row[1 : len(piece) + 1] = piece
    out = np.asarray(ids)[np.maximum(rows, 0)].astype(np.int64)
    out[rows == -1] = vocabulary.sep
    out[rows == -2] = vocabulary.pad
    out[:, 0] = vocabulary.cls
    out[np.arange(len(out)), lengths - 1] = vocabulary.sep
    return Sequences(out, np.where(rows >= 0, rows, -1), lengths, vocabulary)

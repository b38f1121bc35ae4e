"""Rows of pieces that a model reads, made from token ids on disk.

`packed`: the paragraphs stand one after the other, [SEP] between them, cut into full rows. `rows`: one paragraph a row
(a longer one goes on in the next row), padded. Every row is [CLS] … [SEP]. Rows are made when they are asked for, so
that a text of any size stays on disk.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from bloodbank.tokenizer import Vocabulary

Ints = np.ndarray[Any, np.dtype[np.int64]]
_ROWS_AT_A_TIME = 4_096


@dataclass(frozen=True, eq=False)
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

    @cached_property
    def maskable(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """True where a piece may be masked: text that the vocabulary knows. Shape: [n_rows, L]."""
        return (self.source >= 0) & ~np.isin(self.ids, self.vocabulary.special)


@dataclass(frozen=True, eq=False)
class Text:
    """A text laid out in rows.

    Attributes:
        pieces: Ids of all paragraphs, mapped from a file. Shape: [n_pieces].
        starts: Where each row begins: a place among the pieces and the [SEP] between paragraphs. Shape: [n_rows].
        lengths: Pieces in each row, [CLS] and [SEP] included, padding not. Shape: [n_rows].
        breaks: Places of the [SEP] between paragraphs; none where rows end with them. Shape: [n_breaks].
        vocabulary: Ids of the special pieces.
        numbers: Other numbers of the pieces, by id; None: their own. Shape: [V].
    """

    pieces: Ints
    starts: Ints
    lengths: Ints
    breaks: Ints
    vocabulary: Vocabulary
    numbers: Ints | None = None

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.starts)

    @property
    def n_tokens(self) -> int:
        """Number of pieces in one pass, special ones included, padding not."""
        return int(self.lengths.sum())

    @property
    def width(self) -> int:
        """Length of the longest row."""
        return int(self.lengths.max(initial=2))

    def take(self, rows: Ints, width: int | None = None) -> Sequences:
        """Make some rows.

        Args:
            rows: Which. Shape: [B].
            width: Length to which they are padded; that of the longest by default.
        """
        lengths = self.lengths[rows]
        column = np.arange(width or int(lengths.max(initial=2)))
        place = self.starts[rows][:, None] + column - 1
        n_before = np.searchsorted(self.breaks, place)
        inside = (column > 0) & (column < lengths[:, None] - 1)
        if len(self.breaks):
            inside &= self.breaks[np.minimum(n_before, len(self.breaks) - 1)] != place
        source = np.where(inside, place - n_before, -1)
        ids = np.zeros(source.shape, dtype=np.int64)
        ids[inside] = self.pieces[source[inside]]
        if self.numbers is not None:
            ids = self.numbers[ids]
        ids[source < 0] = self.vocabulary.sep
        ids[:, 0] = self.vocabulary.cls
        ids[column >= lengths[:, None]] = self.vocabulary.pad
        return Sequences(ids, source, lengths, self.vocabulary)

    def all_rows(self) -> Sequences:
        """Make all rows: of a short text."""
        return self.take(np.arange(self.n_rows), self.width)

    @cached_property
    def usable(self) -> Ints:
        """Rows that hold a piece that may be masked, ascending. Shape: [n]."""
        blocks = np.array_split(np.arange(self.n_rows), max(1, self.n_rows // _ROWS_AT_A_TIME))
        found: Ints = np.concatenate([block[self.take(block).maskable.any(axis=1)] for block in blocks])
        return found


def join(parts: Sequence[Sequences]) -> Sequences:
    """Put rows of several texts of one vocabulary one after the other, padded to the longest."""
    width = max(part.ids.shape[1] for part in parts)

    def wide(array: Ints, fill: int) -> Ints:
        return np.pad(array, ((0, 0), (0, width - array.shape[1])), constant_values=fill)

    vocabulary = parts[0].vocabulary
    return Sequences(
        np.concatenate([wide(part.ids, vocabulary.pad) for part in parts]),
        np.concatenate([wide(part.source, -1) for part in parts]),
        np.concatenate([part.lengths for part in parts]),
        vocabulary,
    )


def shuffle_pieces(ids: Ints, random: np.random.Generator) -> Ints:
    """Put the pieces of a text in random order: their frequencies stay, all syntax goes (control `shuffled`)."""
    return random.permutation(np.asarray(ids))


def respelling(counts: Ints, vocabulary: Vocabulary, random: np.random.Generator) -> Ints:
    """Give every piece another one's place: the most frequent that of the rarest, so that hardly any symbol is shared.

    A text written so has the frequencies and the syntax of the text, and none of its symbols where half of the
    vocabulary or more does not stand in it (control `clone`).

    Args:
        counts: How often each piece stands in the text. Shape: [V].
        vocabulary: All pieces; the special ones stay.
        random: Source of the order of pieces that are equally frequent.

    Returns:
        The new id of each piece; applied twice, it gives the old one. Shape: [V].
    """
    ordinary = vocabulary.ordinary
    by_count = ordinary[np.lexsort((random.random(len(ordinary)), counts[ordinary]))]
    table: Ints = np.arange(vocabulary.size)
    table[by_count] = by_count[::-1]
    return table


def read_ids(stem: Path) -> tuple[Ints, Ints]:
    """Open the ids and paragraph ends that the encode stage wrote; ids are mapped, not read."""
    ids = np.load(stem.with_name(f"{stem.name}.ids.npy"), mmap_mode="r")
    return ids, np.load(stem.with_name(f"{stem.name}.offsets.npy"))


def make_sequences(
    ids: Ints, offsets: Ints, vocabulary: Vocabulary, layout: Literal["packed", "rows"], n_positions: int
) -> Text:
    """Lay token ids out in rows.

    Args:
        ids: Pieces of all paragraphs. Shape: [n_pieces].
        offsets: Where paragraphs begin and end. Shape: [n_paragraphs + 1].
        vocabulary: Ids of the special pieces.
        layout: How paragraphs become rows.
        n_positions: Longest row, [CLS] and [SEP] included.
    """
    room = n_positions - 2
    if layout == "packed":
        # The j-th [SEP] stands behind the pieces of j paragraphs and the j − 1 before it.
        breaks = np.asarray(offsets[1:-1], dtype=np.int64) + np.arange(max(0, len(offsets) - 2))
        total = len(ids) + len(breaks)
        starts = np.arange(0, total, room)
        ends = np.minimum(starts + room, total)
    else:
        breaks = np.zeros(0, dtype=np.int64)
        begins, sizes = np.asarray(offsets[:-1], dtype=np.int64), np.diff(offsets)
        n_rows = -(-sizes // room)  # of each paragraph
        number = np.arange(n_rows.sum()) - np.repeat(np.cumsum(n_rows) - n_rows, n_rows)
        starts = np.repeat(begins, n_rows) + number * room
        ends = np.minimum(starts + room, np.repeat(begins + sizes, n_rows))
    return Text(ids, starts, ends - starts + 2, breaks, vocabulary)

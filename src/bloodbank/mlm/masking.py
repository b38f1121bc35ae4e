"""Masks: which pieces a model has to predict, and what it sees in their place.

Training masks are drawn anew for every update from (seed, language, update). Test masks belong to the test text,
tokenizer and layout: they are made once, stored, and the same for every model that is scored on that text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from bloodbank.mlm.sequences import Ints, Sequences
from bloodbank.tokenizer import Vocabulary

_SHOWN_MASK, _SHOWN_RANDOM = 0.8, 0.1  # the rest shows itself (BERT, and section 4.1 by reference)


@dataclass(frozen=True)
class MaskedRows:
    """A batch for the models: one that all of them read, or one for each.

    Attributes:
        ids: What the models see. Shape: [B, L] or [K, B, L].
        attention_mask: False where there is padding; None where there is none. Shape: as ids.
        positions: Indices into B·L of the pieces to predict. Shape: [M] or [K, M].
        gold: What stood there. Shape: as positions.
        weight: 1 for a piece to predict, 0 for a place that only fills the shape; None: all are 1. Shape: as positions.
    """

    ids: Ints
    attention_mask: np.ndarray[Any, np.dtype[np.bool_]] | None
    positions: Ints
    gold: Ints
    weight: np.ndarray[Any, np.dtype[np.float32]] | None = None


def training_batch(
    sequences: Sequences, mask_share: float, random: np.random.Generator, n_rows: int | None = None
) -> MaskedRows:
    """Mask a share of each row, the number rounded, at least one; 80% [MASK], 10% random piece, 10% unchanged.

    Every row has as many places to predict as a full one, so that all batches have one shape; places that a row does
    not use, for want of pieces that may be masked, have no weight.

    Args:
        sequences: The rows. [B].
        mask_share: Share of maskable pieces.
        random: Source of this update's masks.
        n_rows: Rows of the batch; what is missing is filled with a row without weight.
    """
    n_real = sequences.n_rows
    rows = np.concatenate([np.arange(n_real), np.zeros(max(0, (n_rows or 0) - n_real), dtype=np.int64)])
    length = sequences.ids.shape[1]
    ids, maskable = sequences.ids[rows], sequences.maskable[rows]
    n_slots = max(1, round(mask_share * (length - 2)))
    wanted = np.minimum(n_slots, np.maximum(1, np.rint(maskable.sum(1) * mask_share).astype(np.int64)))
    draws = np.where(maskable, random.random(ids.shape), 2.0)
    used = np.arange(n_slots) < np.minimum(wanted, maskable.sum(1))[:, None]  # [B, slots]
    # The wanted places in the order of the text, unused ones behind them.
    places = np.sort(np.where(used, draws.argsort(1, kind="stable")[:, :n_slots], length), 1) % length
    masked = np.zeros(ids.shape, dtype=bool)
    np.put_along_axis(masked, places, used, axis=1)
    masked &= maskable
    seen = corrupt(ids, masked, sequences.vocabulary, random)
    used[n_real:] = False
    present = np.arange(length)[None] < sequences.lengths[rows][:, None]
    positions = (places + np.arange(len(rows))[:, None] * length).reshape(-1)
    weight = used.reshape(-1).astype(np.float32)
    gold = np.where(weight > 0, ids.reshape(-1)[positions], 0)
    return MaskedRows(seen, None if present.all() else present, positions, gold, weight)


def side_by_side(batches: list[MaskedRows], pad: int) -> MaskedRows:
    """Put one batch for each model into one, padded to the longest. Shapes: [K, ...]."""
    if len(batches) == 1:
        return batches[0]
    length = max(batch.ids.shape[1] for batch in batches)
    n_masked = max(len(batch.positions) for batch in batches)

    def wide(array: np.ndarray[Any, Any], fill: Any) -> np.ndarray[Any, Any]:
        return np.pad(array, ((0, 0), (0, length - array.shape[1])), constant_values=fill)

    def long(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return np.pad(array, (0, n_masked - len(array)))

    masks = [np.ones(b.ids.shape, dtype=bool) if b.attention_mask is None else b.attention_mask for b in batches]
    present = np.stack([wide(mask, fill=False) for mask in masks])
    weights = [np.ones(b.positions.shape, dtype=np.float32) if b.weight is None else b.weight for b in batches]
    moved = [batch.positions // batch.ids.shape[1] * length + batch.positions % batch.ids.shape[1] for batch in batches]
    return MaskedRows(
        ids=np.stack([wide(batch.ids, pad) for batch in batches]),
        attention_mask=None if present.all() else present,
        positions=np.stack([long(positions) for positions in moved]),
        gold=np.stack([long(batch.gold) for batch in batches]),
        weight=np.stack([long(weight) for weight in weights]),
    )


def corrupt(
    ids: Ints,
    masked: np.ndarray[Any, np.dtype[np.bool_]],
    vocabulary: Vocabulary,
    random: np.random.Generator,
) -> Ints:
    """Replace masked pieces by what BERT shows: [MASK], a random piece that is not special, or themselves."""
    kind = random.random(ids.shape)
    others = vocabulary.ordinary[random.integers(len(vocabulary.ordinary), size=ids.shape)]
    seen = np.where(masked & (kind < _SHOWN_MASK), vocabulary.mask, ids)
    return np.where(masked & (kind >= _SHOWN_MASK) & (kind < _SHOWN_MASK + _SHOWN_RANDOM), others, seen)


@dataclass(frozen=True)
class TestMasks:
    """Stored masks of one test text: rows as shown to the model, in one or more disjoint rounds.

    Attributes:
        ids: What the model sees, all rounds one after the other. Shape: [n_rounds · n_rows, L].
        lengths: Pieces of each row without padding. Shape: [n_rounds · n_rows].
        row: Row of each masked piece, ascending. Shape: [n_masked].
        position: Place in its row. Shape: [n_masked].
        gold: The piece that was masked. Shape: [n_masked].
        unit: Paragraph of the test text. Shape: [n_masked].
        n_bytes: UTF-8 bytes of the text behind the piece. Shape: [n_masked].
    """

    __test__ = False  # pytest: not a test

    ids: Ints
    lengths: Ints
    row: Ints
    position: Ints
    gold: Ints
    unit: Ints
    n_bytes: Ints

    def batches(self, n_rows: int) -> Iterator[tuple[slice, MaskedRows]]:
        """Cut into batches of so many rows; each with the places of its masked pieces among all."""
        for start in range(0, len(self.ids), n_rows):
            begin, end = (int(x) for x in np.searchsorted(self.row, [start, start + n_rows]))
            if begin == end:
                continue
            rows, masked = slice(start, start + n_rows), slice(begin, end)
            length = int(self.lengths[rows].max())
            present = np.arange(length)[None] < self.lengths[rows, None]
            positions = (self.row[masked] - start) * length + self.position[masked]
            mask = None if present.all() else present
            yield masked, MaskedRows(self.ids[rows, :length], mask, positions, self.gold[masked])


def make_test_masks(
    sequences: Sequences,
    offsets: Ints,
    n_bytes: Ints,
    *,
    mask_share: float,
    min_masked: int,
    corruption: Literal["mask", "bert"],
    random: np.random.Generator,
) -> TestMasks:
    """Mask a test text in disjoint rounds, until enough pieces were masked or every piece once.

    A piece has one draw u, uniform in [0, 1): it is masked in round ⌊u / mask_share⌋. So in every round each
    piece is masked with probability mask_share, and never twice.

    Args:
        sequences: Test text in rows.
        offsets: Where its paragraphs begin and end. Shape: [n_paragraphs + 1].
        n_bytes: Bytes behind every piece of the text. Shape: [n_pieces].
        mask_share: Probability of a mask in a round.
        min_masked: Pieces to mask before rounds stop.
        corruption: `mask` shows [MASK] always, `bert` shows 80/10/10.
        random: Source of the draws, from the language, not from a seed of training.
    """
    maskable = sequences.maskable
    n_rounds = int(np.ceil(1.0 / mask_share - 1e-9))
    draw = np.where(maskable, random.random(sequences.ids.shape) / mask_share, -1.0).astype(np.int64)
    ids, rows, places = [], [], []
    for n_done in range(n_rounds):
        masked = draw == n_done
        if corruption == "mask":
            ids.append(np.where(masked, sequences.vocabulary.mask, sequences.ids))
        else:
            ids.append(corrupt(sequences.ids, masked, sequences.vocabulary, random))
        row, place = np.nonzero(masked)
        rows.append(row + n_done * sequences.n_rows)
        places.append(place)
        if sum(map(len, rows)) >= min_masked:
            break
    row, position = np.concatenate(rows), np.concatenate(places)
    source = sequences.source[row % sequences.n_rows, position]
    return TestMasks(
        ids=np.concatenate(ids),
        lengths=np.tile(sequences.lengths, len(ids)),
        row=row,
        position=position,
        gold=sequences.ids[row % sequences.n_rows, position],
        unit=np.searchsorted(offsets, source, side="right") - 1,
        n_bytes=np.asarray(n_bytes)[source].astype(np.int64),
    )

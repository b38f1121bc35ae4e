"""Masks: which pieces a model has to predict, and what it sees in their place.

Training masks are drawn anew for every update from (seed, language, update). Test masks belong to the test text,
tokenizer and layout: they are made once, stored, and the same for every model that is scored on that text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from bloodbank.mlm.sequences import Ints, Sequences
from bloodbank.tokenizer import Vocabulary

_SHOWN_MASK, _SHOWN_RANDOM = 0.8, 0.1  # the rest shows itself (BERT, and section 4.1 by reference)


@dataclass(frozen=True)
class MaskedRows:
    """A batch for the model.

    Attributes:
        ids: What the model sees. Shape: [B, L].
        attention_mask: False where there is padding; None where there is none. Shape: [B, L].
        positions: Indices into B·L of the pieces to predict. Shape: [M].
        gold: What stood there. Shape: [M].
    """

    ids: Ints
    attention_mask: np.ndarray[Any, np.dtype[np.bool_]] | None
    positions: Ints
    gold: Ints


def training_batch(sequences: Sequences, rows: Ints, mask_share: float, random: np.random.Generator) -> MaskedRows:
    """Mask a share of each row, the number rounded, at least one; 80% [MASK], 10% random piece, 10% unchanged.

    Args:
        sequences: Text in rows.
        rows: Which rows. Shape: [B].
        mask_share: Share of maskable pieces.
        random: Source of this update's masks.
    """
    length = int(sequences.lengths[rows].max())
    ids = sequences.ids[rows, :length]
    maskable = sequences.maskable[rows, :length]
    wanted = np.maximum(1, np.rint(maskable.sum(1) * mask_share))
    draws = np.where(maskable, random.random(ids.shape), 2.0)
    rank = draws.argsort(1, kind="stable").argsort(1, kind="stable")
    masked = (rank < wanted[:, None]) & maskable
    seen = corrupt(ids, masked, sequences.vocabulary, random)
    return _batch(seen, ids, masked, sequences.lengths[rows])


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


def _batch(seen: Ints, ids: Ints, masked: np.ndarray[Any, np.dtype[np.bool_]], lengths: Ints) -> MaskedRows:
    present = np.arange(ids.shape[1])[None] < lengths[:, None]
    positions = np.flatnonzero(masked)
    return MaskedRows(seen, None if present.all() else present, positions, ids.reshape(-1)[positions])


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

"""Bits of dropout for the pieces of a batch alone: of sentences in rows, three fifths are padding.

The engine's own bits are for rows of any length, which suits rows that are full.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from bloodbank.downstream.tagging_batches import present_in
from bloodbank.mlm.masking import MaskedRows
from bloodbank.mlm.sequences import Ints
from bloodbank.settings import ModelSettings


def draw_for_tagger(
    settings: ModelSettings, batch: MaskedRows, generators: Sequence[torch.Generator], dtype: torch.dtype
) -> Iterator[Tensor] | None:
    """Draw what dropout keeps in one update of taggers.

    Every model's bits are drawn for the pieces and words of its own rows, so that they do not depend on the others.

    Args:
        settings: Probabilities.
        batch: One batch for all, or one for each.
        generators: One, or one for each.
        dtype: Number type of the hidden states.

    Returns:
        Ones and zeros in the order in which encoder and classifier use them; None where nothing is dropped. Shape:
        [K or 1, T, H] for the places of the batch where any model has a piece; [K or 1, M, H] for its labelled words,
        behind the attention of the last layer; [K or 1, B, heads, L, L] on attention weights.
    """
    if not (settings.dropout or settings.attention_dropout):
        return None
    return _draw(settings, batch, generators, dtype)


def _draw(
    settings: ModelSettings, batch: MaskedRows, generators: Sequence[torch.Generator], dtype: torch.dtype
) -> Iterator[Tensor]:
    pieces, words = _own_pieces(batch), _own_words(batch)

    def states(own: Sequence[Ints]) -> Iterator[Tensor]:
        if settings.dropout:
            shapes = [(len(index), settings.hidden_size) for index in own]
            yield _placed(_bernoulli(shapes, settings.dropout, generators, dtype), own)

    def attention() -> Iterator[Tensor]:
        if settings.attention_dropout:
            (n_rows, length), longest = batch.ids.shape[-2:], settings.n_positions
            shapes = [(n_rows, settings.n_heads, longest, longest)] * len(generators)
            drawn = _bernoulli(shapes, settings.attention_dropout, generators, dtype)
            yield torch.stack(drawn)[..., :length, :length]

    yield from states(pieces)
    for layer in range(settings.n_layers):
        yield from attention()
        last = layer == settings.n_layers - 1
        for _ in range(2):
            yield from states(words if last else pieces)
    yield from states(words)


def _own_pieces(batch: MaskedRows) -> list[Ints]:
    """Return which of the places where any model has a piece are each model's own. Shape: [K or 1] of [T_k]."""
    present = present_in(batch).reshape(-1, batch.ids.shape[-2] * batch.ids.shape[-1])
    of_any = present.any(axis=0)
    return [np.flatnonzero(own[of_any]) for own in present]


def _own_words(batch: MaskedRows) -> list[Ints]:
    """Return which of the places to classify are each model's own: the first ones. Shape: [K or 1] of [M_k]."""
    if batch.weight is None:
        return [np.arange(batch.positions.shape[-1])]
    return [np.flatnonzero(own) for own in batch.weight.reshape(-1, batch.positions.shape[-1])]


def _bernoulli(
    shapes: Sequence[tuple[int, ...]], p: float, generators: Sequence[torch.Generator], dtype: torch.dtype
) -> list[Tensor]:
    empty = [torch.empty(shape, dtype=dtype, device=one.device) for shape, one in zip(shapes, generators, strict=True)]
    return [bits.bernoulli_(1.0 - p, generator=one) for bits, one in zip(empty, generators, strict=True)]


def _placed(drawn: Sequence[Tensor], own: Sequence[Ints]) -> Tensor:
    """Put each model's bits at its own places among those of all. [K or 1] of [T_k, H] -> [K or 1, T, H]."""
    if len(drawn) == 1:
        return drawn[0][None]
    n_places = 1 + max(int(index[-1]) for index in own)  # the last place is some model's
    found = drawn[0].new_zeros(len(drawn), n_places, drawn[0].shape[-1])
    for bits, into, index in zip(drawn, found, own, strict=True):
        into.index_copy_(0, torch.from_numpy(index).to(bits.device), bits)
    return found

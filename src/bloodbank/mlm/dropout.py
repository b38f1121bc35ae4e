"""Dropout with given bits: functions of names, the same in every gang, order and process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from bloodbank.experiment.settings import ModelSettings
from bloodbank.mlm.padding import Grid


def drop(x: Tensor, p: float, kept: Iterator[Tensor] | None, grid: Grid | None = None) -> Tensor:
    """Drop what is not kept and scale the rest. [K, ...] -> [K, ...].

    Args:
        x: What is dropped from.
        p: Probability.
        kept: The next bits are for all places of the rows, [K or 1, B, L, H], or for those of the grid, [K or 1, T, H].
        grid: Places of `x`; None: it has the shape of the bits.
    """
    if kept is None or p == 0.0:
        return x
    bits = next(kept)
    return x * (bits if grid is None or bits.dim() == 3 else grid.pick(bits)) * (1.0 / (1.0 - p))


def draw_dropout(
    settings: ModelSettings, rows: tuple[int, ...], generators: Sequence[torch.Generator], dtype: torch.dtype
) -> Iterator[Tensor] | None:
    """Draw what dropout keeps in one update.

    Args:
        settings: Probabilities.
        rows: Number of rows and their length, B and L.
        generators: One for each model, or one for all, whose bits they then share.
        dtype: Number type of the hidden states.

    Returns:
        Ones and zeros in the order in which the encoder uses them; None where nothing is dropped.
        Shape: [K or 1, B, L, H] each, [K or 1, B, heads, L, L] on attention weights.
    """
    # Drawn for the longest row that there can be: the bits of a model do not depend on how long a batch is, which in a
    # gang depends on the others.
    (n_rows, length), longest = rows, settings.n_positions
    states = (settings.dropout, (n_rows, longest, settings.hidden_size))
    attention = (settings.attention_dropout, (n_rows, settings.n_heads, longest, longest))
    sites = [states, *[attention, states, states] * settings.n_layers]
    if not any(p for p, _ in sites):
        return None

    def draw(p: float, shape: tuple[int, ...]) -> Tensor:
        empty = [torch.empty(shape, dtype=dtype, device=one.device) for one in generators]
        drawn = [bits.bernoulli_(1.0 - p, generator=one) for bits, one in zip(empty, generators, strict=True)]
        stacked = torch.stack(drawn) if len(drawn) > 1 else drawn[0][None]
        return stacked[:, :, :length] if len(shape) == 3 else stacked[..., :length, :length]

    return (draw(p, shape) for p, shape in sites if p)

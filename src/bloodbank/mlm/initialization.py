"""The numbers that weights start from: BERT's, scaled to the width, or with heads that look at near neighbours.

Why it matters: a masked model of little text learns unigram frequencies at once and then stays there, since a head that
looks everywhere alike sees a mean in which the neighbours of a gap drown, and tied embeddings that start small move
together, by frequency, before they differ by meaning. `local` starts behind both obstacles; see docs/engine.md.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from bloodbank.experiment.settings import ModelSettings

_BERT_STD = 0.02  # suits widths of 768 and more; at width 64 attention starts, and stays, nearly uniform
_SCALED_POSITION_STD = 0.1

_LOCAL_STD = 0.1  # of words and positions
_POSITION_WIDTH = 64  # dimensions of the embeddings that belong to positions, at most a head's width
_WORDS_THERE = 0.1  # what words keep of their size in these dimensions
_CONTENT = 0.3  # what query and key keep of their random part
_SHARPNESS = 10.0  # logit of the place a head looks at, before softmax; places further on have less
_FASTEST = 0.75 * math.pi  # radians a place: neighbours differ clearly


def initial_weight(name: str, shape: tuple[int, ...], settings: ModelSettings, bits: torch.Generator) -> Tensor:
    """Draw a weight of one model.

    Args:
        name: Its name in transformers' `BertForMaskedLM`.
        shape: Its shape there.
        settings: Widths, and `initialization`.
        bits: Source of random numbers; each matrix takes as many as it has weights.

    Returns:
        Shape: as `shape`.
    """
    if name.endswith("bias"):
        return torch.zeros(shape)
    if "LayerNorm" in name:
        return torch.ones(shape)
    drawn = torch.randn(shape, generator=bits) * _std(name, shape, settings)
    return _made_local(drawn, name, settings) if settings.initialization == "local" else drawn


def _std(name: str, shape: tuple[int, ...], settings: ModelSettings) -> float:
    """Return the standard deviation with which a matrix starts."""
    if settings.initialization == "bert" or "token_type" in name:
        return _BERT_STD
    if "word_embeddings" in name:
        return _LOCAL_STD if settings.initialization == "local" else _BERT_STD
    if "position_embeddings" in name:
        return _SCALED_POSITION_STD
    return float(shape[-1] ** -0.5)


def _made_local(drawn: Tensor, name: str, settings: ModelSettings) -> Tensor:
    """Give positions dimensions of their own, and let queries and keys read them."""
    if "position_embeddings" in name:
        return _waves(settings)
    if "word_embeddings" in name:
        drawn[:, : 2 * len(_speeds(settings))] *= _WORDS_THERE
    if name.endswith("self.query.weight"):
        return drawn * _CONTENT + _looks(settings, [head_offset(head) for head in range(settings.n_heads)])
    if name.endswith("self.key.weight"):
        return drawn * _CONTENT + _looks(settings, [0] * settings.n_heads)
    return drawn


def head_offset(head: int) -> int:
    """Return how many places on a head looks at first: −1, 1, −2, 2, −3 and so on."""
    return (head // 2 + 1) * (1 if head % 2 else -1)


def _speeds(settings: ModelSettings) -> Tensor:
    """Return the angles by which the waves of positions turn from place to place, in radians, from slow to fast."""
    n = min(settings.hidden_size // settings.n_heads, _POSITION_WIDTH) // 2
    return torch.exp(torch.linspace(math.log(math.pi / settings.n_positions), math.log(_FASTEST), n))


def _waves(settings: ModelSettings) -> Tensor:
    """Make position embeddings: sines, cosines, and nothing where words are. Shape: [n_positions, H]."""
    angles = torch.arange(settings.n_positions)[:, None] * _speeds(settings)
    waves = torch.cat([angles.sin(), angles.cos()], 1) * (math.sqrt(2.0) * _LOCAL_STD)
    return torch.nn.functional.pad(waves, (0, settings.hidden_size - waves.shape[1]))


def _looks(settings: ModelSettings, offsets: list[int]) -> Tensor:
    """Make the part of a query or key matrix that turns the waves of each place by so many places.

    Turned by o, the waves of place i are those of place i + o: their product with a key is largest there.

    Returns:
        Shape: [H, H].
    """
    width, speeds = settings.hidden_size // settings.n_heads, _speeds(settings)
    n = len(speeds)
    size = math.sqrt(_SHARPNESS * math.sqrt(width) / (2 * n))
    found = torch.zeros(settings.n_heads, width, settings.hidden_size)
    for head, offset in zip(found, offsets, strict=True):
        turn, wave = speeds * offset, torch.arange(n)
        head[wave, wave] = head[n + wave, n + wave] = turn.cos() * size
        head[wave, n + wave] = turn.sin() * size
        head[n + wave, wave] = -turn.sin() * size
    return found.reshape(settings.hidden_size, settings.hidden_size)

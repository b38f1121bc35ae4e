"""Token classification on the stacked encoder: a linear layer on the state of a word's first piece.

Names and numbers of the weights are those of transformers' `BertForTokenClassification`, with a leading model axis.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name that everybody knows
from torch import Tensor

from bloodbank.downstream.taggers.batches import check_rows, longest_first, present_in, rows_of
from bloodbank.downstream.tasks.data import IGNORED, Encoded
from bloodbank.experiment.settings import ModelSettings
from bloodbank.mlm.dropout import drop
from bloodbank.mlm.gang import for_each, gold_of
from bloodbank.mlm.linear import linear
from bloodbank.mlm.masking import MaskedRows
from bloodbank.mlm.model import BertStack
from bloodbank.mlm.padding import grid_in_parts
from bloodbank.mlm.sequences import Ints
from bloodbank.randomness import torch_generator

_WEIGHT, _BIAS, _MLM_HEAD = "classifier.weight", "classifier.bias", "cls."
_STD = 0.02  # BERT's initializer_range
Classes = np.ndarray[Any, np.dtype[np.int32]]
_ROWS_TOGETHER = 8  # of a batch in attention: fewer have less padding, but are more work to start


def with_classifier(encoders: BertStack, n_classes: int, seeds: Sequence[int]) -> BertStack:
    """Put a new classifier in the place of the MLM head; the encoders are copied.

    Args:
        encoders: K models.
        n_classes: Classes of the task.
        seeds: Names the initial weights: the same for the same seed, whatever the encoder. Shape: [K].

    Returns:
        K taggers; classifiers are normal with standard deviation 0.02, biases 0.
    """
    width, device = encoders.settings.hidden_size, encoders.device
    weights = {name: w.detach().clone() for name, w in encoders.weights.items() if not name.startswith(_MLM_HEAD)}
    like = next(iter(weights.values())).dtype
    drawn = [
        torch.randn(n_classes, width, generator=torch_generator("cpu", seed, "classifier", n_classes)) for seed in seeds
    ]
    weights[_WEIGHT] = (torch.stack(drawn) * _STD).to(device, like)
    weights[_BIAS] = torch.zeros(len(seeds), n_classes, dtype=like, device=device)
    return BertStack(encoders.settings, weights)


def class_logits(taggers: BertStack, batch: MaskedRows, kept: Iterator[Tensor] | None = None) -> Tensor:
    """Return logits at the places of a batch.

    Args:
        taggers: Models.
        batch: One batch for all, or one for each, the longest rows first.
        kept: What dropout keeps, see `draw_for_tagger`; None for no dropout.

    Returns:
        Shape: [K, M, n_classes].
    """
    grid = grid_in_parts(present_in(batch), taggers.n_models, _ROWS_TOGETHER, taggers.device)
    ids = for_each(taggers, batch, batch.ids)
    mask = None if batch.attention_mask is None else for_each(taggers, batch, batch.attention_mask)
    places = torch.from_numpy(batch.positions).to(taggers.device)
    hidden = taggers.encode_on(grid, ids, mask, kept, places)
    # The classifier drops what it reads, as in transformers.
    hidden = drop(hidden, taggers.settings.dropout, kept, replace(grid, places=places))
    return linear(hidden, taggers.weights[_WEIGHT], taggers.weights[_BIAS])


def class_losses(taggers: BertStack, batch: MaskedRows, kept: Iterator[Tensor] | None = None) -> Tensor:
    """Return each model's mean cross-entropy over the labelled words of a batch.

    Args:
        taggers: Models.
        batch: As `class_logits` takes it; `gold` are classes.
        kept: What dropout keeps, see `draw_for_tagger`; None for no dropout.

    Returns:
        Nats a word, in float32 or wider. Shape: [K].
    """
    gold, weight = gold_of(taggers, batch)
    logits = class_logits(taggers, batch, kept)
    exact = torch.promote_types(logits.dtype, torch.float32)
    each = F.cross_entropy(logits.to(exact).flatten(0, 1), gold.reshape(-1), reduction="none").view(gold.shape)
    return (each * weight).sum(1) / weight.sum(1)


@torch.no_grad()
def predict(taggers: BertStack, data: Encoded, n_rows: int = 32) -> list[Classes | None]:
    """Classify the words of rows with all models at once, without dropout; gold classes are not looked at.

    Args:
        taggers: Models, see `with_classifier`.
        data: Rows of pieces.
        n_rows: Rows in a batch; changes nothing but memory and rounding.

    Returns:
        Of each model the class with the highest logit at the first piece of a word, −100 elsewhere; None where a logit
        was not finite. Shape: [K] of [row, position].

    Raises:
        UsageError: The models cannot read the rows.
    """
    check_rows(data, taggers, "rows to classify")
    predicted = np.full((taggers.n_models, *data.word.shape), IGNORED, dtype=np.int32)
    finite = torch.ones(taggers.n_models, dtype=torch.bool, device=taggers.device)
    first = data.word >= 0
    order = longest_first(data, np.flatnonzero(first.any(axis=1)))
    for start in range(0, len(order), n_rows):
        rows = order[start : start + n_rows]
        batch = rows_of(data, rows, first)
        logits = class_logits(taggers, batch)
        finite &= torch.isfinite(logits).flatten(1).all(1)
        row, position = np.divmod(batch.positions, batch.ids.shape[1])
        predicted[:, rows[row], position] = logits.argmax(-1).cpu().numpy()
    return [predicted[model] if ok else None for model, ok in enumerate(finite.tolist())]


def draw_for_tagger(
    settings: ModelSettings, batch: MaskedRows, generators: Sequence[torch.Generator], dtype: torch.dtype
) -> Iterator[Tensor] | None:
    """Draw what dropout keeps in one update of taggers.

    Every model's bits are drawn for the pieces and words of its own rows, so that they do not depend on the others; and
    for pieces alone, since of sentences in rows three fifths are padding.

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
    pieces, words = _own_pieces(batch), _own_words(batch)
    (n_rows, length), longest = batch.ids.shape[-2:], settings.n_positions

    def draw(own: list[Ints] | None) -> Tensor:
        if own is not None:
            shapes = [(len(index), settings.hidden_size) for index in own]
            return _placed(_bernoulli(shapes, settings.dropout, generators, dtype), own)
        square = (
            n_rows,
            settings.n_heads,
            longest,
            longest,
        )  # as in pretraining: for the longest row that there can be
        drawn = _bernoulli([square] * len(generators), settings.attention_dropout, generators, dtype)
        return torch.stack(drawn)[..., :length, :length]

    inner: list[list[Ints] | None] = [None, pieces, pieces] * (settings.n_layers - 1)  # None: attention weights
    sites = [pieces, *inner, None, words, words, words]
    return (draw(own) for own in sites if (settings.attention_dropout if own is None else settings.dropout))


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
    empty = [torch.empty(shape, dtype=dtype, device=g.device) for shape, g in zip(shapes, generators, strict=True)]
    return [bits.bernoulli_(1.0 - p, generator=g) for bits, g in zip(empty, generators, strict=True)]


def _placed(drawn: Sequence[Tensor], own: Sequence[Ints]) -> Tensor:
    """Put each model's bits at its own places among those of all. [K or 1] of [T_k, H] -> [K or 1, T, H]."""
    if len(drawn) == 1:
        return drawn[0][None]
    n_places = 1 + max(int(index[-1]) for index in own)  # the last place is some model's
    placed = drawn[0].new_zeros(len(drawn), n_places, drawn[0].shape[-1])
    for bits, into, index in zip(drawn, placed, own, strict=True):
        into.index_copy_(0, torch.from_numpy(index).to(bits.device), bits)
    return placed

"""Token classification on the stacked encoder: a linear layer on the state of a word's first piece.

Names and numbers of the weights are those of transformers' `BertForTokenClassification`, with a leading model axis.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F  # noqa: N812 - the name that everybody knows
from torch import Tensor

from bloodbank.downstream.tagging_batches import present_in
from bloodbank.mlm.dropout import drop
from bloodbank.mlm.gang import for_each, gold_of
from bloodbank.mlm.linear import linear
from bloodbank.mlm.masking import MaskedRows
from bloodbank.mlm.model import BertStack
from bloodbank.mlm.padding import grid_in_parts
from bloodbank.randomness import torch_generator

_WEIGHT, _BIAS, _MLM_HEAD = "classifier.weight", "classifier.bias", "cls."
_STD = 0.02  # BERT's initializer_range
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
        kept: What dropout keeps; None for no dropout.

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
        kept: What dropout keeps, see `bloodbank.downstream.tagger_dropout`; None for no dropout.

    Returns:
        Nats a word, in float32 or wider. Shape: [K].
    """
    gold, weight = gold_of(taggers, batch)
    logits = class_logits(taggers, batch, kept)
    exact = torch.promote_types(logits.dtype, torch.float32)
    each = F.cross_entropy(logits.to(exact).flatten(0, 1), gold.reshape(-1), reduction="none").view(gold.shape)
    return (each * weight).sum(1) / weight.sum(1)

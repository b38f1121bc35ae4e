"""The training loop: the recipe of one phase, read aloud.

Reads rows of pieces, changes the weights of K models in place. All K read the same rows with the same masks and
dropout, those of (seed, language, update): the monolingual and the bilingual models of a column are paired.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name that everybody knows
from torch import Tensor

from bloodbank.mlm.masking import MaskedRows, training_batch
from bloodbank.mlm.model import BertStack
from bloodbank.mlm.sequences import Ints, Sequences
from bloodbank.randomness import generator, torch_generator
from bloodbank.settings import TrainingSettings

Report = Callable[[int, int], None]
_REPORT_EVERY = 10


@dataclass(frozen=True)
class Training:
    """What one phase of training was.

    Attributes:
        updates: Optimiser steps.
        tokens_seen: Pieces read, special ones included, padding not.
        seconds: Wall time.
        loss: Mean training loss over the last tenth of the updates, in nats a piece.
        diverged: True where a loss was not finite; training stopped there.
    """

    updates: int
    tokens_seen: int
    seconds: float
    loss: float | None
    diverged: bool

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def n_updates(n_rows: int, batch_size: int, epochs: int) -> int:
    """Return the optimiser steps of a phase: a last, smaller batch counts."""
    return epochs * -(-n_rows // batch_size)


def learning_rate(update: int, total: int, peak: float, warmup_share: float) -> float:
    """Return the rate of an update (from 0): a linear rise to the peak, then a linear fall towards 0."""
    n_warmup = round(total * warmup_share)
    if update < n_warmup:
        return peak * (update + 1) / n_warmup
    return peak * (total - update) / max(1, total - n_warmup)


def train(
    stack: BertStack,
    sequences: Sequences,
    settings: TrainingSettings,
    *,
    epochs: int,
    seed: int,
    language: str,
    report: Report = lambda _updates, _tokens: None,
) -> Training:
    """Train all models of a stack on one text, with a fresh optimiser and schedule.

    Args:
        stack: Models; their weights change in place.
        sequences: Training text.
        settings: Recipe.
        epochs: Passes over the text.
        seed: Replicate; with language and update it decides order, masks and dropout.
        language: Code of the text.
        report: Called now and then with the updates and tokens since the last call.
    """
    started = time.perf_counter()
    # A row of nothing but unknown pieces has nothing to predict.
    usable = np.flatnonzero(sequences.maskable.any(axis=1))
    total = n_updates(len(usable), settings.batch_size, epochs)
    optimiser = make_optimiser(stack, settings)
    finite = torch.tensor(True, device=stack.device)
    update, tokens, reported, losses = 0, 0, (0, 0), list[Tensor]()
    for epoch in range(epochs):
        order = generator(seed, "order", language, epoch).permutation(usable)
        for start in range(0, len(order), settings.batch_size):
            rows = order[start : start + settings.batch_size]
            batch = training_batch(sequences, rows, settings.mask_share, generator(seed, "masks", language, update))
            bits = torch_generator(str(stack.device), seed, "dropout", language, update)
            for group in optimiser.param_groups:
                group["lr"] = learning_rate(update, total, settings.learning_rate, settings.warmup_share)
            loss = step(stack, batch, optimiser, settings, bits)
            finite = torch.isfinite(loss).all() & finite
            update += 1
            tokens += int(sequences.lengths[rows].sum())
            if update > 0.9 * total:
                losses.append(loss)
            if update % _REPORT_EVERY == 0 or update == total:
                report(update - reported[0], tokens - reported[1])
                reported = (update, tokens)
                if not bool(finite):
                    return Training(update, tokens, time.perf_counter() - started, None, diverged=True)
    return Training(update, tokens, time.perf_counter() - started, float(torch.stack(losses).mean()), diverged=False)


def make_optimiser(stack: BertStack, settings: TrainingSettings) -> torch.optim.Optimizer:
    """Make one AdamW for all weights of all models; biases and norms are not decayed."""
    matrices: list[Tensor] = []
    vectors: list[Tensor] = []
    for name, weight in stack.weights.items():
        weight.requires_grad_()
        (vectors if name.endswith("bias") or "LayerNorm" in name else matrices).append(weight)
    groups = [
        {"params": matrices, "weight_decay": settings.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=settings.learning_rate, betas=(0.9, settings.beta2), eps=1e-8, fused=True)


def step(
    stack: BertStack,
    batch: MaskedRows,
    optimiser: torch.optim.Optimizer,
    settings: TrainingSettings,
    bits: torch.Generator,
) -> Tensor:
    """Do one update of all models.

    Returns:
        Loss of each model before the update, in nats a masked piece. Shape: [K].
    """
    optimiser.zero_grad(set_to_none=True)
    with _matrix_products_in(settings.dtype, stack.device):
        losses = batch_losses(stack, batch, bits)
    torch.autograd.backward(losses.sum())
    clip_gradients(list(stack.weights.values()), settings.clip_norm)
    optimiser.step()
    return losses.detach()


def batch_losses(stack: BertStack, batch: MaskedRows, bits: torch.Generator | None) -> Tensor:
    """Return each model's mean cross-entropy over the masked pieces of a batch. Shape: [K]."""
    n_models = stack.n_models

    def shared(array: Ints | Any) -> Tensor:
        return torch.from_numpy(array).to(stack.device).expand(n_models, *array.shape)

    mask = None if batch.attention_mask is None else shared(batch.attention_mask)
    logits = stack.logits_at(shared(batch.ids), shared(batch.positions), mask, bits)  # [K, M, V]
    gold = shared(batch.gold).reshape(-1)
    exact = logits.float() if logits.dtype == torch.bfloat16 else logits
    return F.cross_entropy(exact.flatten(0, 1), gold, reduction="none").reshape(n_models, -1).mean(1)


def clip_gradients(weights: list[Tensor], largest: float) -> None:
    """Scale each model's gradient down to a norm of at most `largest`; models do not see each other's norm."""
    gradients = [weight.grad for weight in weights if weight.grad is not None]
    norms = torch.stack([torch.linalg.vector_norm(g.flatten(1), dim=1) for g in gradients])  # [n_weights, K]
    scale = (largest / (torch.linalg.vector_norm(norms, dim=0) + 1e-6)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(scale.view(-1, *([1] * (gradient.dim() - 1))))


def _matrix_products_in(dtype: str, device: torch.device) -> AbstractContextManager[Any]:
    """Compute matrix products in bfloat16 where that is the setting; weights and losses stay float32."""
    if dtype == "float32":
        return nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)

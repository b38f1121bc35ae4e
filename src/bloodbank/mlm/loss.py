"""Cross-entropy over the vocabulary, a few masked pieces at a time, with the gradient taken while the logits are there.

The logits of 600 masked pieces over 30 000 pieces are 74 MB in float32 for every model, and a plain cross-entropy holds
four such arrays. Here one is kept, the gradient, in the number type of the products; the rest stays in the cache.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

# Logits at a time, over all models: few enough for the cache of a CPU, enough to fill a GPU.
_LOGITS_CPU, _LOGITS_GPU = 2**20, 2**28


def masked_losses(
    hidden: Tensor,
    embeddings: Tensor,
    bias: Tensor,
    gold: Tensor,
    weight: Tensor,
    *,
    output_gradients: list[Tensor] | None = None,
) -> Tensor:
    """Return each model's mean cross-entropy over masked pieces.

    Args:
        hidden: Output of the head's transform. Shape: [K, M, H].
        embeddings: Output embeddings. Shape: [K, V, H].
        bias: Output bias. Shape: [K, V].
        gold: The masked pieces. Shape: [K, M].
        weight: 1 for a masked piece, 0 for a place that only fills the shape. Shape: [K, M].
        output_gradients: Where the backward pass leaves the gradient of the embeddings instead of returning it; see
            `look_up`.

    Returns:
        Nats a masked piece, in float32 or wider. Shape: [K].
    """
    needed = torch.is_grad_enabled() and any(x.requires_grad for x in (hidden, embeddings, bias))
    exact = torch.promote_types(hidden.dtype, torch.float32)
    share = weight.to(exact) / weight.sum(1, keepdim=True, dtype=exact)
    losses: Tensor = _ChunkedLoss.apply(  # type: ignore[no-untyped-call]  # PyTorch's own has no types
        hidden, embeddings, bias, gold, share, needed, output_gradients
    )
    return losses


def chunk_size(n_models: int, vocab_size: int, device: torch.device) -> int:
    """Return how many masked pieces of each model are predicted at a time."""
    room = _LOGITS_GPU if device.type == "cuda" else _LOGITS_CPU
    return max(16, room // (n_models * vocab_size))


class _ChunkedLoss(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Tensor:
        hidden, embeddings, bias, gold, share, needed, ctx.output_gradients = inputs
        n_models, n_masked, _ = hidden.shape
        n_words = embeddings.shape[1]
        losses = torch.zeros(n_models, dtype=share.dtype, device=hidden.device)
        slopes = hidden.new_empty(n_models, n_masked if needed else 0, n_words)
        size = chunk_size(n_models, n_words, hidden.device)
        in_place = needed and slopes.dtype == share.dtype
        for start in range(0, n_masked, size):
            part = slice(start, start + size)
            wanted, weight = gold[:, part, None], share[:, part, None]
            room = slopes[:, part] if in_place else None
            logits = torch.bmm(hidden[:, part], embeddings.transpose(1, 2), out=room).to(share.dtype)
            # In place from here on: fresh memory for every step would cost as much as the arithmetic.
            logits += bias[:, None]
            logits -= logits.amax(-1, keepdim=True)
            own = logits.gather(2, wanted)
            total = logits.exp_().sum(-1, keepdim=True)
            losses += ((total.log() - own) * weight).sum((1, 2))
            if needed:  # d loss / d logits = share · (p − onehot(gold))
                logits *= weight / total
                logits.scatter_add_(2, wanted, -weight)
                if not in_place:
                    slopes[:, part] = logits
        if needed:
            # Held by nobody else, so that the backward pass can hand them on without a copy.
            ctx.gradients = [torch.bmm(slopes, embeddings), torch.bmm(slopes.transpose(1, 2), hidden), slopes.sum(1)]
        return losses

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        scale = grad_outputs[0]  # [K]
        gradients = ctx.gradients
        if ctx.output_gradients is not None:  # in training, where there is one backward pass
            ctx.gradients = None
        # In training it is all ones; asking a GPU would mean to wait for it.
        if scale.is_cuda or not bool((scale == 1.0).all()):
            gradients = [one * scale.to(one.dtype).view(-1, *([1] * (one.dim() - 1))) for one in gradients]
        hidden, embeddings, bias = gradients
        if ctx.output_gradients is not None:
            ctx.output_gradients.append(embeddings)
            embeddings = None
        return hidden, embeddings, bias, None, None, None, None

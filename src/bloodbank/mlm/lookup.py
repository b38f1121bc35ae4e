"""The input embeddings, whose gradient is added to that of the output embeddings: they are the same weights.

Autograd would fill an array of the size of the vocabulary with zeros, add the few rows that were read, and add that to
the output's gradient: 180 MB of traffic for the paper's model, a quarter of an update on a batch of eight sentences.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def look_up(table: Tensor, ids: Tensor, output_gradients: list[Tensor]) -> Tensor:
    """Look up rows.

    Args:
        table: Embeddings. Shape: [N, H].
        ids: Rows. Shape: any.
        output_gradients: Where the loss, whose backward pass comes first, leaves the gradient of the same table,
            of as many elements; emptied.

    Returns:
        Embeddings. Shape: [*ids, H].
    """
    found: Tensor = _LookUp.apply(table, ids, output_gradients)  # type: ignore[no-untyped-call]  # PyTorch's own
    return found


class _LookUp(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Tensor:
        table, ids, ctx.output_gradients = inputs
        ctx.save_for_backward(ids)
        ctx.shape = table.shape
        return torch.nn.functional.embedding(ids, table)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        (ids,), gradient = ctx.saved_tensors, grad_outputs[0]
        if ctx.output_gradients and not gradient.is_cuda:
            total = ctx.output_gradients.pop().view(ctx.shape)
            return total.index_add_(0, ids.reshape(-1), gradient.reshape(-1, ctx.shape[1])), None, None
        # On a GPU sums in a random order would differ from run to run; this one sorts.
        own = torch.ops.aten.embedding_dense_backward(gradient, ids, ctx.shape[0], -1, False)
        return (own.add_(ctx.output_gradients.pop().view(ctx.shape)) if ctx.output_gradients else own), None, None

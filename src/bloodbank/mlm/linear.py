"""K linear layers, with gradients in the layout of the weights.

Autograd makes the gradient of a transposed weight and then copies it into the weight's own layout: one more pass over
all weights in every update.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def linear(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Apply K linear layers.

    Args:
        x: Shape: [K, N, I].
        weight: Shape: [K, O, I].
        bias: Shape: [K, O].

    Returns:
        Shape: [K, N, O].
    """
    found: Tensor = _Linear.apply(x, weight, bias)  # type: ignore[no-untyped-call]  # PyTorch's own
    return found


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Tensor:
        x, weight, bias = inputs
        ctx.save_for_backward(x, weight)
        return torch.baddbmm(bias[:, None], x, weight.transpose(1, 2))

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Tensor) -> tuple[Tensor | None, ...]:
        (x, weight), gradient = ctx.saved_tensors, grad_outputs[0]
        need_x, need_weight, need_bias = ctx.needs_input_grad
        return (
            torch.bmm(gradient, weight) if need_x else None,
            torch.bmm(gradient.transpose(1, 2), x) if need_weight else None,
            gradient.sum(1) if need_bias else None,
        )

"""Muon for K models at once: a matrix moves along its momentum with all singular values brought near 1.

Matrices of one shape, of all layers and models, are one batch of products. AdamW does the rest: embeddings, biases,
norms and the MLM head.

Source: Jordan et al. (2024), "Muon: an optimizer for hidden layers in neural networks"; `torch.optim.Muon` is the same
for one model, in bfloat16.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the Newton–Schulz iteration, Jordan et al.
# Five in the paper, which bring singular values to between 0.7 and 1.2. After three those below a hundredth of the norm
# are still small, and models learn as much.
N_STEPS = 3
_MOMENTUM = 0.95
_EPSILON = 1e-7


def is_hidden_matrix(name: str) -> bool:
    """Tell whether a weight is a matrix of the encoder's layers: those that Muon is made for."""
    return name.startswith("bert.encoder.layer") and name.endswith("weight") and "LayerNorm" not in name


@torch.no_grad()
def muon(
    weights: Sequence[Tensor], gradients: Sequence[Tensor], momenta: Sequence[Tensor], rate: float, weight_decay: float
) -> None:
    """Do one step.

    Args:
        weights: Matrices of K models; they change in place. Shape: [K, O, I] each.
        gradients: Theirs. Shape: as weights.
        momenta: Sums of earlier gradients; they change in place. Shape: as weights.
        rate: Learning rate; a step has a root mean square of rate / √I or so.
        weight_decay: Share of a weight, times the rate, that is taken away.
    """
    by_shape: dict[torch.Size, list[int]] = {}
    for place, gradient in enumerate(gradients):
        momenta[place].mul_(_MOMENTUM).add_(gradient)
        by_shape.setdefault(gradient.shape, []).append(place)
    for (n_models, n_out, n_in), places in by_shape.items():
        # Nesterov's momentum: where the next gradient, if like this one, would bring it.
        ahead = torch.cat([gradients[place].add(momenta[place], alpha=_MOMENTUM) for place in places])
        steps = torch.split(orthogonalise(ahead), n_models)
        size = rate * max(1.0, n_out / n_in) ** 0.5
        for place, step in zip(places, steps, strict=True):
            weights[place].mul_(1.0 - rate * weight_decay).sub_(step, alpha=size)


def orthogonalise(matrices: Tensor, n_steps: int = N_STEPS) -> Tensor:
    """Bring all singular values of each matrix near 1, its singular vectors unchanged.

    Args:
        matrices: Shape: [N, O, I].
        n_steps: Newton–Schulz iterations.

    Returns:
        Shape: [N, O, I].
    """
    first, second, third = _COEFFICIENTS
    is_tall = matrices.shape[1] > matrices.shape[2]
    found = matrices.transpose(1, 2) if is_tall else matrices
    found = found / (torch.linalg.vector_norm(found, dim=(1, 2), keepdim=True) + _EPSILON)
    for _ in range(n_steps):
        square = found @ found.transpose(1, 2)
        found = torch.baddbmm(found, torch.baddbmm(square, square, square, beta=second, alpha=third), found, beta=first)
    return found.transpose(1, 2) if is_tall else found

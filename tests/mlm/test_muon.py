"""Muon against PyTorch's own, for one model, and models side by side against each alone."""

import pytest
import torch

from bloodbank.experiment.settings import ModelSettings, TrainingSettings
from bloodbank.mlm.model import BertStack
from bloodbank.mlm.muon import is_hidden_matrix, muon, orthogonalise
from bloodbank.mlm.optimiser import StackedOptimiser
from bloodbank.mlm.weights import new_stack

MODEL = ModelSettings(n_layers=1, n_heads=2, hidden_size=16, feed_forward_size=64, n_positions=16)
SETTINGS = TrainingSettings(optimiser="muon", learning_rate=5e-3, matrix_learning_rate=0.02, weight_decay=0.1)


@pytest.mark.parametrize("shape", [(16, 16), (64, 16), (16, 64)])
def test_steps_are_those_of_pytorch(shape: tuple[int, int]) -> None:
    bits = torch.Generator().manual_seed(0)
    start = torch.randn(shape, generator=bits)
    theirs = torch.nn.Parameter(start.clone())
    optimiser = torch.optim.Muon([theirs], lr=0.02, weight_decay=0.1, momentum=0.95, ns_steps=3)
    ours, momentum = start[None].clone(), torch.zeros(1, *shape)
    for _ in range(4):
        gradient = torch.randn(shape, generator=bits)
        theirs.grad = gradient.clone()
        optimiser.step()
        muon([ours], [gradient[None]], [momentum], 0.02, 0.1)
    moved = (theirs.detach() - start).norm()
    assert (ours[0] - theirs.detach()).norm() < 0.03 * moved  # PyTorch's products are in bfloat16


def test_singular_values_come_near_one_and_vectors_stay() -> None:
    bits = torch.Generator().manual_seed(1)
    left, _ = torch.linalg.qr(torch.randn(3, 32, 8, generator=bits))
    right, _ = torch.linalg.qr(torch.randn(3, 8, 8, generator=bits))
    matrices = left * torch.linspace(1.0, 2.0, 8) @ right
    inner = left.transpose(1, 2) @ orthogonalise(matrices, n_steps=5) @ right.transpose(1, 2)
    values = inner.diagonal(dim1=1, dim2=2)
    assert values.min() > 0.6
    assert values.max() < 1.3
    assert (inner - torch.diag_embed(values)).abs().max() < 1e-4


def test_only_the_matrices_of_layers_are_moved_by_it() -> None:
    names = set(new_stack(MODEL, 30, (0,), 0).weights)
    assert {name for name in names if is_hidden_matrix(name)} == {
        f"bert.encoder.layer.0.{part}.weight"
        for part in (
            "attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense",
            "intermediate.dense", "output.dense",
        )
    }  # fmt: skip


def _learn(stack: BertStack, optimiser: StackedOptimiser, seed: int, rates: list[float]) -> None:
    for model, weights in enumerate(zip(*stack.weights.values(), strict=True)):
        bits = torch.Generator().manual_seed(seed + model)
        for name, weight in zip(stack.weights, weights, strict=True):
            whole = stack.weights[name]
            whole.grad = torch.zeros_like(whole) if whole.grad is None else whole.grad
            whole.grad[model] = torch.randn(weight.shape, generator=bits)
    optimiser.step(rates)


def test_models_side_by_side_do_not_see_each_other() -> None:
    together = new_stack(MODEL, 30, (0, 1), 0)
    alone = together.select([1])
    both, one = StackedOptimiser(together, SETTINGS), StackedOptimiser(alone, SETTINGS)
    for update in range(3):
        _learn(together, both, 10 * update, [5e-3, 2e-3])
        _learn(alone, one, 10 * update + 1, [2e-3])
    for name, weight in alone.weights.items():
        torch.testing.assert_close(together.weights[name][1:], weight, rtol=1e-4, atol=1e-6)


def test_a_checkpoint_goes_on_as_if_nothing_had_been() -> None:
    stack, again = new_stack(MODEL, 30, (0, 1), 0), new_stack(MODEL, 30, (0, 1), 0)
    optimiser, resumed = StackedOptimiser(stack, SETTINGS), StackedOptimiser(again, SETTINGS)
    _learn(stack, optimiser, 0, [5e-3])
    for name, weight in stack.weights.items():
        again.weights[name].data.copy_(weight.detach())
    resumed.load_state({name: value.clone() for name, value in optimiser.state().items()})
    _learn(stack, optimiser, 5, [5e-3])
    _learn(again, resumed, 5, [5e-3])
    for name, weight in stack.weights.items():
        assert torch.equal(weight, again.weights[name]), name
    few = stack.select([1])
    fewer = StackedOptimiser(few, SETTINGS)
    fewer.take_over(optimiser.state(), [1])
    _learn(stack, optimiser, 7, [5e-3])
    _learn(few, fewer, 8, [5e-3])
    for name, weight in few.weights.items():
        torch.testing.assert_close(stack.weights[name][1:], weight, rtol=1e-4, atol=1e-6)

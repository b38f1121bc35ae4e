"""The loss that never holds all logits, against PyTorch's own cross-entropy and its gradients."""

import pytest
import torch
from torch.nn import functional

from bloodbank.mlm import loss
from bloodbank.mlm.loss import chunk_size, masked_losses

K, M, H, V = 3, 37, 6, 23


def inputs(dtype=torch.float64, *, zeros=True, n_masked=M, scale=1.0):
    random = torch.Generator().manual_seed(0)
    hidden, embeddings, bias = (
        (scale * torch.randn(shape, generator=random, dtype=torch.float64)).to(dtype).requires_grad_()
        for shape in ((K, n_masked, H), (K, V, H), (K, V))
    )
    gold = torch.randint(V, (K, n_masked), generator=random)
    weight = torch.ones(K, n_masked)
    if zeros:
        weight = (torch.rand(K, n_masked, generator=random) < 0.6).float()
        weight[1, 5:] = 0.0  # of the second model few are left
        weight[:, 0] = 1.0
    return hidden, embeddings, bias, gold, weight


def plain(hidden, embeddings, bias, gold, weight):
    """Cross-entropy model by model, of the places that count alone."""
    found = []
    for model in range(len(hidden)):
        counted = weight[model] > 0
        logits = hidden[model, counted] @ embeddings[model].T + bias[model]
        found.append(functional.cross_entropy(logits, gold[model, counted]))
    return torch.stack(found)


def gradients(of, arguments, scale):
    losses = of(*arguments)
    return losses.detach(), torch.autograd.grad((losses * scale).sum(), arguments[:3])


@pytest.mark.parametrize("size", [1, 7, 16, 36, 37, 100])
@pytest.mark.parametrize("zeros", [True, False])
def test_values_and_gradients_equal_those_of_cross_entropy(monkeypatch, size, zeros):
    monkeypatch.setattr(loss, "chunk_size", lambda *_: size)
    arguments = inputs(zeros=zeros)
    scale = torch.tensor([1.0, -2.0, 0.25], dtype=torch.float64)
    (ours, of_ours), (theirs, of_theirs) = (gradients(of, arguments, scale) for of in (masked_losses, plain))
    torch.testing.assert_close(ours, theirs, rtol=1e-13, atol=1e-13)
    for mine, yours in zip(of_ours, of_theirs, strict=True):
        torch.testing.assert_close(mine, yours, rtol=1e-12, atol=1e-13)


def test_gradients_pass_gradcheck(monkeypatch):
    monkeypatch.setattr(loss, "chunk_size", lambda *_: 4)
    hidden, embeddings, bias, gold, weight = inputs(n_masked=9)
    assert torch.autograd.gradcheck(lambda *x: masked_losses(*x, gold, weight), (hidden, embeddings, bias))


def test_gradients_pass_gradcheck_where_hidden_states_and_embeddings_share_weights():
    """As in a BERT, whose embeddings are input and output."""
    _, embeddings, bias, gold, weight = inputs(n_masked=9)
    mixing = torch.randn(K, 9, V, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda words, b: masked_losses(mixing @ words, words, b, gold, weight), (embeddings, bias)
    )


@pytest.mark.parametrize("left_out", [0, 1, 2])
def test_gradients_of_what_learns_are_right_where_the_rest_is_frozen(left_out):
    arguments = inputs()
    arguments[left_out].requires_grad_(False)
    learning = [one for number, one in enumerate(arguments[:3]) if number != left_out]
    for mine, yours in zip(
        torch.autograd.grad(masked_losses(*arguments).sum(), learning),
        torch.autograd.grad(plain(*arguments).sum(), learning),
        strict=True,
    ):
        torch.testing.assert_close(mine, yours, rtol=1e-12, atol=1e-13)


def test_without_gradients_the_values_are_the_same():
    arguments = inputs()
    with torch.no_grad():
        quiet = masked_losses(*arguments)
    assert torch.equal(quiet, masked_losses(*arguments).detach())
    assert not quiet.requires_grad


def test_large_logits_neither_overflow_nor_lose_the_loss():
    arguments = inputs(scale=40.0)  # logits of thousands, whose exponential is infinite
    (ours, of_ours), (theirs, of_theirs) = (gradients(of, arguments, torch.ones(K)) for of in (masked_losses, plain))
    torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
    assert torch.isfinite(ours).all()
    for mine, yours in zip(of_ours, of_theirs, strict=True):
        torch.testing.assert_close(mine, yours, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 2e-2)])
def test_lower_precision_is_close_and_its_losses_are_float32(dtype, tolerance):
    arguments = inputs(dtype)
    exact = [one.detach().double().requires_grad_() for one in arguments[:3]] + list(arguments[3:])
    ours, of_ours = gradients(masked_losses, arguments, torch.ones(K))
    theirs, of_theirs = gradients(plain, exact, torch.ones(K))
    assert ours.dtype == torch.float32
    torch.testing.assert_close(ours.double(), theirs, rtol=tolerance, atol=tolerance)
    for mine, yours in zip(of_ours, of_theirs, strict=True):
        assert mine.dtype == dtype
        assert (mine.double() - yours).norm() < tolerance * yours.norm()


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_model_that_is_not_finite_spoils_no_other(bad):
    arguments = inputs()
    before, of_before = gradients(masked_losses, arguments, torch.ones(K))
    with torch.no_grad():
        for one in arguments[:3]:
            one[1] = bad
    after, of_after = gradients(masked_losses, arguments, torch.ones(K))
    assert not torch.isfinite(after[1])
    assert torch.equal(before[[0, 2]], after[[0, 2]])
    for old, new in zip(of_before, of_after, strict=True):
        assert torch.equal(old[[0, 2]], new[[0, 2]])


def test_logits_at_a_time_are_few_whatever_the_gang():
    for n_models, n_words in ((1, 30_000), (20, 30_000), (8, 250)):
        held = chunk_size(n_models, n_words, torch.device("cpu")) * n_models * n_words
        assert held <= max(2**20, 16 * n_models * n_words)
    assert chunk_size(1, 30_000, torch.device("cuda")) > chunk_size(1, 30_000, torch.device("cpu"))

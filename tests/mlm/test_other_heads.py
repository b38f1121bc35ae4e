"""The encoder with a head and a loss of another task: each piece is put in one of three classes."""

import pytest
import torch
from torch.nn import functional

from bloodbank.mlm.checkpoints import Checkpoints
from bloodbank.mlm.model import BertStack
from bloodbank.mlm.training import train
from bloodbank.randomness import torch_generator
from bloodbank.store import Store
from made_up import DROPPING, MODEL, RECIPE, V, largest_difference, reading, stack

N_CLASSES = 3
CLASSIFIER = "classifier.weight"


def with_classifier(seeds, settings, *, keep_mlm_head):
    """BERTs with a linear layer on top; the MLM's head may stay among the weights, unused."""
    models = stack(seeds, settings)
    drawn = [
        torch.randn(
            N_CLASSES, settings.hidden_size, generator=torch_generator("cpu", seed, "head"), dtype=torch.float64
        )
        for seed in seeds
    ]
    kept = {name: w for name, w in models.weights.items() if keep_mlm_head or not name.startswith("cls.")}
    head = {CLASSIFIER: torch.stack(drawn), "classifier.bias": torch.zeros(len(seeds), N_CLASSES, dtype=torch.float64)}
    return BertStack(settings, {**kept, **head})


def classes(models, batch, kept=None):
    """Mean cross-entropy of each model over all pieces that are there; the class is the piece modulo 3."""
    ids = torch.from_numpy(batch.ids)
    ids = ids.expand(models.n_models, *ids.shape) if ids.dim() == 2 else ids
    mask = None
    present = torch.ones(ids.shape, dtype=torch.bool)
    if batch.attention_mask is not None:
        mask = present = torch.from_numpy(batch.attention_mask).expand(ids.shape)
    hidden = models.encode(ids, mask, kept)
    logits = torch.einsum("kblh,kch->kblc", hidden, models.weights[CLASSIFIER])
    logits = logits + models.weights["classifier.bias"][:, None, None]
    each = functional.cross_entropy(logits.flatten(0, 2), (ids % N_CLASSES).flatten(), reduction="none").view(ids.shape)
    return (each * present).sum((1, 2)) / present.sum((1, 2))


HEADS = pytest.mark.parametrize("keep_mlm_head", [False, True])


@HEADS
def test_loss_of_another_head_falls(keep_mlm_head):
    recipe = RECIPE.model_copy(update={"learning_rate": 2e-2})
    models = with_classifier([0, 1], MODEL, keep_mlm_head=keep_mlm_head)
    one = reading("x-a", n_pieces=400, epochs=3, recipe=recipe)
    before = classes(models, one.batch(0)).detach()
    phases = train(models, [one, one], recipe, losses_of=classes)
    for model, phase in enumerate(phases):
        assert phase.loss < 0.3 * float(before[model])
        assert not phase.diverged
    assert V.size > 2 * N_CLASSES


@HEADS
@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("settings", [MODEL, DROPPING], ids=["no dropout", "dropout"])
def test_two_models_with_another_head_equal_two_runs(shared, keep_mlm_head, settings):
    """Not shared: the first one leaves the gang early."""
    first, second = reading("x-a", n_pieces=100), reading("x-b", n_pieces=200, seed=1)
    readings = [first, first] if shared else [first, second]
    together = with_classifier([0, 1], settings, keep_mlm_head=keep_mlm_head)
    phases = train(together, readings, RECIPE, losses_of=classes)
    for model in range(2):
        alone = with_classifier([model], settings, keep_mlm_head=keep_mlm_head)
        (phase,) = train(alone, [readings[model]], RECIPE, losses_of=classes)
        assert phases[model].loss == pytest.approx(phase.loss, rel=1e-6)
        assert largest_difference(together.weights, alone.weights, model) < 1e-9


@HEADS
def test_a_gang_with_another_head_is_saved_and_goes_on(tmp_path, keep_mlm_head):
    def run(store, seconds, stop_at=None):
        models = with_classifier([0, 1], MODEL, keep_mlm_head=keep_mlm_head)
        told = []

        def report(*_):
            told.append(None)
            if len(told) == stop_at:
                raise InterruptedError

        what = reading("x-a", n_pieces=800, epochs=1)
        made = train(
            models,
            [what] * 2,
            RECIPE,
            losses_of=classes,
            report=report,
            checkpoints=Checkpoints(store, "l", "k", seconds),
        )  # fmt: skip
        return models, made

    expected, told = run(Store(tmp_path / "whole"), 0.0)
    with pytest.raises(InterruptedError):
        run(Store(tmp_path), 1e-9, stop_at=2)
    models, made = run(Store(tmp_path), 0.0)
    assert [one.loss for one in made] == [one.loss for one in told]
    for model in range(2):
        assert largest_difference(models.weights, expected.weights, model, model) == 0.0

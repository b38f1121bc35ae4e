"""AdamW over the model axis against one torch.optim.AdamW a model."""

import pytest
import torch

from bloodbank.mlm.gang import mlm_losses
from bloodbank.mlm.optimiser import StackedOptimiser, is_matrix, is_word_or_head
from bloodbank.mlm.shapes import WORDS
from bloodbank.mlm.training import train
from made_up import RECIPE, largest_difference, reading, stack

SETTINGS = RECIPE.model_copy(update={"weight_decay": 0.1, "clip_norm": 0.7, "learning_rate": 1e-2})
SCHEDULES = [[1e-2] * 12, [0.0] * 12, [1e-3 * n for n in range(12)], [1e-2, 0.0] * 6]


def noise(models, step, seed):
    """A gradient of each weight of one model, some of them large enough to be clipped."""
    random = torch.Generator().manual_seed(1_000 * step + seed)
    size = 10.0 ** (step % 4 - 2)
    return {name: size * torch.randn(w[0].shape, generator=random, dtype=w.dtype) for name, w in models.weights.items()}


def give_gradients(models, step, seeds):
    drawn = [noise(models, step, seed) for seed in seeds]
    for name, weight in models.weights.items():
        if weight.requires_grad:
            weight.grad = torch.stack([one[name] for one in drawn])


@pytest.mark.parametrize("trained", ["all", "words"])
def test_each_model_goes_as_with_an_adamw_of_its_own(trained):
    models = stack((0, 1, 2, 3))
    ours = StackedOptimiser(models, SETTINGS, trained)
    alone = [stack([seed]) for seed in range(4)]
    theirs = []
    for one in alone:
        learning = {name: w for name, w in one.weights.items() if trained == "all" or is_word_or_head(name)}
        for weight in learning.values():
            weight.requires_grad_(True)
        groups = [
            {"params": [w for n, w in learning.items() if is_matrix(n)], "weight_decay": 0.1},
            {"params": [w for n, w in learning.items() if not is_matrix(n)], "weight_decay": 0.0},
        ]
        theirs.append(torch.optim.AdamW(groups, lr=1.0, betas=(0.9, SETTINGS.beta2), eps=1e-8))
    for step in range(12):
        give_gradients(models, step, range(4))
        ours.step([schedule[step] for schedule in SCHEDULES])
        for seed, (one, adam) in enumerate(zip(alone, theirs, strict=True)):
            give_gradients(one, step, [seed])
            learning = [weight for group in adam.param_groups for weight in group["params"]]
            torch.nn.utils.clip_grad_norm_(learning, SETTINGS.clip_norm)
            for group in adam.param_groups:
                group["lr"] = SCHEDULES[seed][step]
            adam.step()
    for model, one in enumerate(alone):
        assert largest_difference(models.weights, one.weights, model) < 1e-12
    still = largest_difference(models.weights, stack([1]).weights, 1)
    assert still == 0.0  # its rate was 0 all the time
    assert largest_difference(models.weights, stack([0]).weights, 0) > 1e-2


def test_a_model_without_a_rate_stays_equal_to_the_last_bit_in_float32():
    models = stack((0, 1), dtype=torch.float32)
    ours = StackedOptimiser(models, SETTINGS)
    for step in range(5):
        give_gradients(models, step, range(2))
        ours.step([1e-2, 0.0])
    assert largest_difference(models.weights, stack([1], dtype=torch.float32).weights, 1) == 0.0
    give_gradients(models, 5, range(2))
    ours.step([0.0, 0.0])
    assert all(torch.isfinite(weight).all() for weight in models.weights.values())


def test_state_goes_round_to_the_last_bit():
    first = stack((0, 1, 2))
    ours = StackedOptimiser(first, SETTINGS)
    for step in range(4):
        give_gradients(first, step, range(3))
        ours.step([1e-2, 5e-3, 1e-3])
    kept = {name: value.clone() for name, value in ours.state().items()}
    again = first.select([0, 1, 2])
    resumed = StackedOptimiser(again, SETTINGS)
    resumed.load_state(kept)
    some = first.select([2, 0])
    fewer = StackedOptimiser(some, SETTINGS)
    fewer.take_over(dict(kept), [2, 0])
    for step in range(4, 8):
        for models, optimiser, seeds in ((first, ours, (0, 1, 2)), (again, resumed, (0, 1, 2)), (some, fewer, (2, 0))):
            give_gradients(models, step, seeds)
            optimiser.step([1e-2 / (1 + seed) for seed in seeds])
    for name, value in ours.state().items():
        assert torch.equal(resumed.state()[name], value), name
    assert float(ours.state()["step"]) == 8
    for model in range(3):
        assert largest_difference(first.weights, again.weights, model, model) == 0.0
    assert largest_difference(some.weights, first.weights, 0, 2) < 1e-15
    assert largest_difference(some.weights, first.weights, 1, 0) < 1e-15


def test_loading_a_state_leaves_the_one_it_came_from_alone():
    first = stack((0, 1))
    ours = StackedOptimiser(first, SETTINGS)
    give_gradients(first, 0, range(2))
    ours.step([1e-2])
    again = first.select([1, 0])
    other = StackedOptimiser(again, SETTINGS)
    other.take_over(ours.state(), [1, 0])
    before = {name: value.clone() for name, value in ours.state().items()}
    give_gradients(again, 1, (1, 0))
    other.step([1e-2])
    for name, value in ours.state().items():
        assert torch.equal(value, before[name]), name


def test_moments_that_are_taken_over_are_let_go_one_by_one():
    first = stack((0, 1))
    ours = StackedOptimiser(first, SETTINGS)
    give_gradients(first, 0, range(2))
    ours.step([1e-2])
    moments = ours.state()
    StackedOptimiser(first.select([1]), SETTINGS).take_over(moments, [1])
    assert set(moments) == {"step"}  # else the old ones would stand beside the new ones in a GPU's memory


def test_frozen_changes_and_derives_word_embeddings_and_head_alone():
    models, before = stack((0, 1)), stack((0, 1))
    asked = []

    def losses_of(low, batch, kept):
        asked.append({name for name, weight in low.weights.items() if weight.requires_grad})
        return mlm_losses(low, batch, kept)

    train(
        models,
        [reading("x-a", n_pieces=60), reading("x-b", n_pieces=100)],
        RECIPE,
        trained="words",
        losses_of=losses_of,
    )
    learning = {name for name in models.weights if name == WORDS or name.startswith("cls.predictions")}
    assert all(names == learning for names in asked)
    for name, weight in models.weights.items():
        for model in range(2):
            assert torch.equal(weight[model], before.weights[name][model]) == (name not in learning), name
        assert (weight.grad is None) or name in learning

"""The encoder on rows that attend in parts, and on wanted places only, against the whole encoder."""

import numpy as np
import pytest
import torch

from bloodbank.mlm.dropout import draw_dropout
from bloodbank.mlm.masking import MaskedRows, side_by_side
from bloodbank.mlm.padding import Grid, grid_in_parts
from bloodbank.mlm.training import train
from bloodbank.randomness import generator, torch_generator
from made_up import DROPPING, MODEL, RECIPE, V, reading, stack

DEEP = {name: settings.model_copy(update={"n_layers": 2}) for name, settings in (("no", MODEL), ("some", DROPPING))}


def sorted_rows(shape):
    """Ids and where there are pieces, the longest rows first; the lengths of each model are its own."""
    random = generator("sorted rows")
    lengths = -np.sort(-random.integers(1, shape[-1] + 1, size=shape[:-1]), axis=-1)
    return random.integers(5, V.size, size=shape), np.arange(shape[-1]) < lengths[..., None]


def at(states, places):
    """States at some places of the rows. [K, B, L, H], [M] or [K, M] -> [K, M, H]."""
    index = places.expand(len(states), -1)[:, :, None].expand(-1, -1, states.shape[-1])
    return states.flatten(1, 2).gather(1, index)


def gradients(models, states):
    """Gradients of the sum of squares."""
    weights = {name: weight for name, weight in models.weights.items() if name.startswith("bert.")}
    return torch.autograd.grad(states.square().sum(), list(weights.values()))


@pytest.mark.parametrize("dropout", DEEP)
@pytest.mark.parametrize("n_rows", [1, 3, 7, 100])
@pytest.mark.parametrize("shape", [(7, 11), (2, 7, 11)], ids=["one batch", "one each"])
def test_parts_and_wanted_places_change_neither_states_nor_gradients(shape, n_rows, dropout):
    models = stack((0, 1), DEEP[dropout])
    for weight in models.weights.values():
        weight.requires_grad_(True)
    ids, present = sorted_rows(shape)
    grid = grid_in_parts(present, 2, n_rows, models.device)
    assert sum(part.n_places for part in grid.parts) == grid.n_places < 7 * 11
    assert [part.n_rows for part in grid.parts] == [
        len(range(7)[start : start + n_rows]) for start in range(0, 7, n_rows)
    ]
    drawn = [generator("wanted", k).choice(np.flatnonzero(one), 5) for k, one in enumerate(present.reshape(-1, 77))]
    wanted = torch.from_numpy(drawn[0] if len(drawn) == 1 else np.stack(drawn))
    ids, mask = (torch.from_numpy(array).expand(2, 7, 11) for array in (ids, present))

    def kept():
        return draw_dropout(DEEP[dropout], (7, 11), [torch_generator("cpu", "x")], torch.float64)

    expected = at(models.encode(ids, mask, kept()), wanted)
    all_places = at(grid.spread(models.encode_on(grid, ids, mask, kept())), wanted)
    chosen = models.encode_on(grid, ids, mask, kept(), wanted)
    slopes = gradients(models, expected)
    for found in (all_places, chosen):
        assert (found - expected).abs().max() < 1e-12
        for ours, theirs in zip(gradients(models, found), slopes, strict=True):
            assert (ours - theirs).abs().max() < 1e-9


@pytest.mark.parametrize("dropout", DEEP)
@pytest.mark.parametrize("n_own", [1, 2], ids=["one batch", "one each"])
@pytest.mark.parametrize("n_models", [1, 2])
def test_as_many_wanted_places_of_every_row_change_neither_states_nor_gradients(n_models, n_own, dropout):
    models = stack(range(n_models), DEEP[dropout])
    for weight in models.weights.values():
        weight.requires_grad_(True)
    random = generator("by row")
    ids = torch.from_numpy(random.integers(5, V.size, size=(n_models, 3, 9)))
    own = np.sort(random.permuted(np.tile(np.arange(9), (min(n_own, n_models), 3, 1)), axis=-1)[..., :4])
    wanted = torch.from_numpy(own + 9 * np.arange(3)[:, None])

    def kept():
        return draw_dropout(DEEP[dropout], (3, 9), [torch_generator("cpu", "x")], torch.float64)

    expected = at(models.encode(ids, None, kept()), wanted.flatten(1))
    found = models.encode_on(Grid(n_models, 3, 9, None), ids, None, kept(), wanted)
    assert (found - expected).abs().max() < 1e-12
    for ours, theirs in zip(gradients(models, found), gradients(models, expected), strict=True):
        assert (ours - theirs).abs().max() < 1e-9


def test_batches_that_weigh_all_their_places_keep_them_beside_a_longer_one():
    """A batch without weights has a weight of 1 at its own places, and none where another's are more."""
    ids = np.full((2, 3), 7)
    batches = [MaskedRows(ids, None, np.arange(n), np.arange(n)) for n in (1, 4)]
    both = side_by_side(batches, V.pad)
    assert both.weight.tolist() == [[1, 0, 0, 0], [1, 1, 1, 1]]
    assert both.positions.tolist() == [[0, 0, 0, 0], [0, 1, 2, 3]]


def test_after_every_update_the_gang_is_shown_with_those_that_have_just_ended():
    readings = [reading("x-a", epochs=1, n_pieces=60), reading("x-b", epochs=2, n_pieces=60)]
    seen, weights = [], []

    def after(done, gang):
        seen.append((done, list(gang.learning)))
        weights.append(gang.active.weights["bert.embeddings.LayerNorm.bias"].detach().clone())

    models = stack((0, 1))
    train(models, readings, RECIPE, after=after)
    ends = [one.n_updates for one in readings]
    assert ends[0] < ends[1]
    assert seen == [(done, [0, 1] if done <= ends[0] else [1]) for done in range(1, ends[1] + 1)]
    final = models.weights["bert.embeddings.LayerNorm.bias"]
    assert torch.equal(weights[ends[0] - 1][0], final[0])
    assert torch.equal(weights[-1][0], final[1])
    assert not torch.equal(weights[0][1], final[1])

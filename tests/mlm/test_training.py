"""The recipe's parts, and that it is a function of its names."""

import numpy as np
import pytest
import torch

from bloodbank.experiment.load import ModelSettings, TrainingSettings
from bloodbank.mlm.optimiser import clip_gradients
from bloodbank.mlm.reading import Reading
from bloodbank.mlm.sequences import make_sequences
from bloodbank.mlm.training import learning_rate, train
from bloodbank.mlm.weights import new_stack
from bloodbank.randomness import generator
from bloodbank.tokenizer import Vocabulary

V = Vocabulary(40, pad=0, unk=1, cls=2, sep=3, mask=4)
SETTINGS = ModelSettings(n_layers=1, n_heads=2, hidden_size=16, feed_forward_size=16, n_positions=12, dropout=0.1)
RECIPE = TrainingSettings(batch_size=4, learning_rate=1e-2, dtype="float32")


def text(n=300):
    return make_sequences(generator("text").integers(5, 40, size=n), np.array([0, n // 2, n]), V, "packed", 12)


def trained(seed=0, language="fi", recipe=RECIPE, epochs=2):
    stack = new_stack(SETTINGS, 40, (0,), 0)
    return stack, train(stack, [Reading({language: text()}, recipe, epochs, seed)], recipe)[0]


def test_schedule_by_hand():
    rates = [learning_rate(update, 10, 1.0, 0.2) for update in range(10)]
    assert rates == pytest.approx([0.5, 1.0, 1.0, 7 / 8, 6 / 8, 5 / 8, 4 / 8, 3 / 8, 2 / 8, 1 / 8])
    assert learning_rate(0, 10, 1.0, 0.0) == 1.0  # the paper's: no warm-up


def test_counts_are_those_of_the_text():
    _, phase = trained()
    assert phase.updates == -(-2 * text().n_rows // 4)
    assert phase.tokens_seen == 2 * text().n_tokens
    assert phase.loss is not None
    assert not phase.diverged


def test_same_names_same_weights_and_other_names_others():
    first, again, seed, language = (trained(**n)[0] for n in ({}, {}, {"seed": 1}, {"language": "de"}))
    for name, weight in first.weights.items():
        assert torch.equal(weight, again.weights[name])
    name = "cls.predictions.bias"
    assert not torch.equal(first.weights[name], seed.weights[name])
    assert not torch.equal(first.weights[name], language.weights[name])


def test_divergence_is_reported_and_stops():
    _, phase = trained(recipe=RECIPE.model_copy(update={"learning_rate": 1e30}))
    assert phase.diverged
    assert phase.loss is None


def test_progress_adds_up_to_all_tokens():
    told = []
    stack = new_stack(SETTINGS, 40, (0,), 0)
    reading = Reading({"fi": text()}, RECIPE, 2, 0)
    (phase,) = train(stack, [reading], RECIPE, report=lambda n, tokens: told.append((n, tokens)))
    assert sum(n for n, _ in told) == phase.updates
    assert sum(tokens for _, tokens in told) == phase.tokens_seen


def test_bfloat16_stays_close_to_float32():
    exact, rough = trained(epochs=1)[1], trained(recipe=RECIPE.model_copy(update={"dtype": "bfloat16"}), epochs=1)[1]
    assert rough.loss == pytest.approx(exact.loss, abs=0.05)
    assert rough.loss != exact.loss


def test_each_model_is_clipped_by_its_own_norm():
    weights = [torch.zeros(2, 3, requires_grad=True), torch.zeros(2, 1, requires_grad=True)]
    weights[0].grad = torch.tensor([[3.0, 0.0, 0.0], [0.1, 0.0, 0.0]])
    weights[1].grad = torch.tensor([[4.0], [0.0]])
    clip_gradients(weights, 1.0)
    assert weights[0].grad[0, 0].item() == pytest.approx(0.6, rel=1e-5)  # norm 5 becomes 1
    assert weights[1].grad[0, 0].item() == pytest.approx(0.8, rel=1e-5)
    assert weights[0].grad[1, 0].item() == pytest.approx(0.1)  # below the limit: untouched


def test_rows_without_anything_to_predict_are_left_out():
    ids = np.concatenate([generator("text").integers(5, 40, size=80), np.full(10, V.unk)])
    rows = make_sequences(ids, np.arange(0, 91, 10), V, "rows", 12)
    stack = new_stack(SETTINGS, 40, (0,), 0)
    (phase,) = train(stack, [Reading({"fi": rows}, RECIPE, 5, 0)], RECIPE)
    assert not phase.diverged
    assert phase.updates == 8 * 5 // 4

"""Texts, models and recipes that the tests of the engine share: tiny, random, in float64."""

import numpy as np
import torch

from bloodbank.experiment.load import ModelSettings, TrainingSettings
from bloodbank.mlm.reading import Reading
from bloodbank.mlm.sequences import make_sequences
from bloodbank.mlm.weights import new_stack
from bloodbank.randomness import generator
from bloodbank.tokenizer import Vocabulary

V = Vocabulary(40, pad=0, unk=1, cls=2, sep=3, mask=4)
MODEL = ModelSettings(n_layers=1, n_heads=2, hidden_size=8, feed_forward_size=12, n_positions=12, dropout=0.0)
DROPPING = MODEL.model_copy(update={"dropout": 0.2, "attention_dropout": 0.1})
RECIPE = TrainingSettings(batch_size=4, learning_rate=3e-3, dtype="float32", curve_points=5)


def text(name, n_pieces=300, layout="packed", n_positions=12, longest=9):
    """A text of random pieces, paragraphs of 3 to `longest` pieces; other names, other texts."""
    random = generator("made up", str(name))
    ids = random.integers(5, V.size, size=n_pieces)
    ends = np.cumsum(random.integers(3, longest + 1, size=n_pieces))
    offsets = np.concatenate([[0], ends[ends < n_pieces], [n_pieces]])
    return make_sequences(ids, offsets, V, layout, n_positions)


def reading(language, epochs=2, seed=0, recipe=RECIPE, **of_text):
    """One language's reading."""
    return Reading({language: text(language, **of_text)}, recipe, epochs, seed)


def stack(seeds=(0,), settings=MODEL, dtype=torch.float64):
    """Models with the weights of these seeds."""
    return new_stack(settings, V.size, tuple(seeds), V.pad).to(dtype)


def largest_difference(weights, others, model=0, other=0):
    """The largest difference between the weights of two models."""
    return max((weights[name][model] - others[name][other]).abs().max().item() for name in weights)


def assert_same(weights, others):
    """Two stacks are equal to the last bit."""
    assert weights.keys() == others.keys()
    for name, weight in weights.items():
        assert torch.equal(weight, others[name]), name

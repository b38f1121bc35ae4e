"""The weights of K models before training: names and shapes of transformers' BERT, numbers from seeds."""

from __future__ import annotations

import torch

from bloodbank.experiment.settings import ModelSettings
from bloodbank.mlm.initialization import initial_weight
from bloodbank.mlm.model import BertStack, Weights
from bloodbank.mlm.shapes import WORDS, shapes
from bloodbank.randomness import torch_generator


def new_stack(settings: ModelSettings, vocab_size: int, seeds: tuple[int, ...], pad: int) -> BertStack:
    """Make K models with initial weights from their seeds, on the CPU.

    All models of one seed start alike, so that what differs between them is the text; see `initial_weight`.
    """
    bits = [torch_generator("cpu", seed, "weights") for seed in seeds]
    weights: Weights = {
        name: torch.stack([initial_weight(name, shape, settings, one) for one in bits])
        for name, shape in shapes(settings, vocab_size).items()
    }
    weights[WORDS][:, pad] = 0.0
    return BertStack(settings, weights)

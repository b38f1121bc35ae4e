"""The weights of K models before training: names and shapes of transformers' BERT, numbers from seeds."""

from __future__ import annotations

import torch

from bloodbank.experiment.settings import ModelSettings
from bloodbank.mlm.initialization import initial_weight
from bloodbank.mlm.model import WORDS, BertStack, Weights
from bloodbank.randomness import torch_generator


def shapes(settings: ModelSettings, vocab_size: int) -> dict[str, tuple[int, ...]]:
    """Return the shape of every weight under its name in transformers' `BertForMaskedLM`."""
    width, inner = settings.hidden_size, settings.feed_forward_size
    found: dict[str, tuple[int, ...]] = {
        WORDS: (vocab_size, width),
        "bert.embeddings.position_embeddings.weight": (settings.n_positions, width),
        "bert.embeddings.token_type_embeddings.weight": (2, width),
        "bert.embeddings.LayerNorm.weight": (width,),
        "bert.embeddings.LayerNorm.bias": (width,),
    }
    for layer in range(settings.n_layers):
        name = f"bert.encoder.layer.{layer}"
        for part in (
            "attention.self.query",
            "attention.self.key",
            "attention.self.value",
            "attention.output.dense",
        ):
            found |= {f"{name}.{part}.weight": (width, width), f"{name}.{part}.bias": (width,)}
        found |= {
            f"{name}.intermediate.dense.weight": (inner, width),
            f"{name}.intermediate.dense.bias": (inner,),
        }
        found |= {f"{name}.output.dense.weight": (width, inner), f"{name}.output.dense.bias": (width,)}
        for part in ("attention.output.LayerNorm", "output.LayerNorm"):
            found |= {f"{name}.{part}.weight": (width,), f"{name}.{part}.bias": (width,)}
    head = "cls.predictions"
    return found | {
        f"{head}.transform.dense.weight": (width, width),
        f"{head}.transform.dense.bias": (width,),
        f"{head}.transform.LayerNorm.weight": (width,),
        f"{head}.transform.LayerNorm.bias": (width,),
        f"{head}.bias": (vocab_size,),
    }


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

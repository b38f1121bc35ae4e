"""Models on disk, as transformers reads and writes them: `config.json` and `model.safetensors`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save

from bloodbank.experiment.settings import ModelSettings
from bloodbank.mlm.model import BertStack
from bloodbank.mlm.shapes import shapes
from bloodbank.store import write_json
from bloodbank.tokenizer import Vocabulary


def bert_config(settings: ModelSettings, vocabulary: Vocabulary) -> dict[str, Any]:
    """Return the configuration with which transformers builds the same model."""
    return {
        "architectures": ["BertForMaskedLM"],
        "model_type": "bert",
        "vocab_size": vocabulary.size,
        "hidden_size": settings.hidden_size,
        "num_hidden_layers": settings.n_layers,
        "num_attention_heads": settings.n_heads,
        "intermediate_size": settings.feed_forward_size,
        "hidden_act": "gelu",
        "hidden_dropout_prob": settings.dropout,
        "attention_probs_dropout_prob": settings.attention_dropout,
        "max_position_embeddings": settings.n_positions,
        "type_vocab_size": 2,
        "layer_norm_eps": 1e-12,
        "initializer_range": 0.02,
        "pad_token_id": vocabulary.pad,
        "tie_word_embeddings": True,
        "dtype": "float32",
    }


def save_model(stack: BertStack, index: int, vocabulary: Vocabulary, folder: Path) -> None:
    """Write one model of a stack into a folder."""
    weights = {name: weight[index].detach().cpu().contiguous() for name, weight in stack.weights.items()}
    write_json(folder / "config.json", bert_config(stack.settings, vocabulary))
    # Through Python's own file, whose errors name a full disk.
    (folder / "model.safetensors").write_bytes(save(weights, metadata={"format": "pt"}))


def load_models(folders: list[Path], settings: ModelSettings, vocabulary: Vocabulary) -> BertStack:
    """Load models that `save_model` wrote, side by side, on the CPU."""
    loaded = [load_file(folder / "model.safetensors") for folder in folders]
    return BertStack(
        settings,
        {name: torch.stack([one[name] for one in loaded]) for name in shapes(settings, vocabulary.size)},
    )

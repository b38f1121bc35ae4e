"""The settings that the benchmarks share: presets of the package, smaller for a trial, and specifications from them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from measuring import Spec
from texts import Text

from bloodbank.execution import computes_in_bfloat16
from bloodbank.experiment.load import Experiment, make_experiment

TINY_MODEL = {"n_layers": 1, "n_heads": 2, "hidden_size": 16, "feed_forward_size": 32, "n_positions": 32}
TINY_VOCABULARY = 400


def preset(name: str, *, quick: bool = False, model: dict[str, Any] | None = None, **training: Any) -> Experiment:
    """Return a preset of the package, a tiny model instead of its own for a trial.

    Args:
        name: `recommended` or `paper`.
        quick: Whether it is a trial.
        model: Keys of `[model]` that differ.
        training: Keys of `[training]` that differ.
    """
    content = {
        "preset": name,
        "languages": ["de", "fi"],
        "corpus": {"path": "{language}.txt"},
        "model": (TINY_MODEL if quick else {}) | (model or {}),
        "training": training,
    }
    return make_experiment(content, where="benchmark", base=Path())


def spec_of(
    contender: str, experiment: Experiment, text: Text, *, threads: int, device: str = "cpu", **more: Any
) -> Spec:
    """Say what a contender's process is to do; `auto` means here what it means in a run.

    Args:
        contender: `bloodbank` or `trainer`.
        experiment: Model and recipe.
        text: What it reads.
        threads: Threads of the process.
        device: `cpu` or `cuda`.
        more: `k` models (1), `seed` (0), `epochs` (the recipe's), `n_warm` updates (3), `work`.
    """
    training = experiment.training.model_dump(mode="json") | {"dtype": meant_dtype(experiment, device)}
    usual = {"k": 1, "seed": 0, "epochs": experiment.training.epochs, "n_warm": 3, "work": "."}
    return {
        "contender": contender, "model": experiment.model.model_dump(mode="json"), "training": training,
        "text": text.as_dict(), "threads": threads, "device": device, **usual, **more,
    }  # fmt: skip


def meant_dtype(experiment: Experiment, device: str) -> str:
    """Return the number type of a recipe, `auto` resolved as in a run."""
    if experiment.training.dtype != "auto":
        return experiment.training.dtype
    return "bfloat16" if computes_in_bfloat16(device) else "float32"

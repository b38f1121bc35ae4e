"""Generators that are derived from names, never from global state.

Every random choice (where a text starts, initial weights, order of sequences, masks, dropout) draws from a
generator that is a pure function of what the choice is for: `(seed, stage, language, step)`. So a choice does
not depend on how many workers ran, in which order, or what was drawn before.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def derive(*names: str | int) -> int:
    """Turn names into a seed of 63 bits.

    Args:
        names: What the generator is for, for example `(seed, "order", "fi", 3)`.

    Returns:
        The same number for the same names, on every machine and in every process.
    """
    text = "\x1f".join(f"{type(name).__name__}:{name}" for name in names)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(*names: str | int) -> np.random.Generator:
    """Make a NumPy generator for these names; see `derive`."""
    return np.random.Generator(np.random.Philox(derive(*names)))


def torch_generator(device: str, *names: str | int) -> torch.Generator:
    """Make a PyTorch generator on a device for these names; see `derive`."""
    import torch

    return torch.Generator(device).manual_seed(derive(*names))

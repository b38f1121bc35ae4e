"""Where in the rows of a batch there are pieces: all but attention is computed there only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Grid:
    """The rows of a batch, and where in them there are pieces."""

    n_models: int
    n_rows: int
    length: int
    places: Tensor | None

    def pick(self, x: Tensor) -> Tensor:
        """Keep the places. [K, B, L, H] -> [K, T, H]; all of it where there is no padding."""
        return x if self.places is None else x.flatten(1, 2).index_select(1, self.places)

    def spread(self, x: Tensor) -> Tensor:
        """Put places back, with 0 between them. [K, T, H] -> [K, B, L, H]."""
        if self.places is None:
            return x
        empty = x.new_zeros(x.shape[0], self.n_rows * self.length, x.shape[-1])
        return empty.index_copy(1, self.places, x).reshape(x.shape[0], self.n_rows, self.length, x.shape[-1])


def places_of(attention_mask: np.ndarray[Any, np.dtype[np.bool_]], device: torch.device) -> Tensor:
    """Return the indices into B·L where any model has a piece, found on the host. [(K,) B, L] -> [T]."""
    present = attention_mask.any(axis=0) if attention_mask.ndim == 3 else attention_mask
    return torch.from_numpy(np.flatnonzero(present)).to(device, non_blocking=True)

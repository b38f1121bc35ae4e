"""The encoder through `torch.compile`, which joins the element-wise work between products into few passes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import torch
from torch import Tensor

from bloodbank.experiment.settings import ModelSettings
from bloodbank.mlm.model import BertStack, Weights

_Encode = Callable[[Weights, Tensor, Tensor, Tensor | None, list[Tensor] | None], Tensor]


class CompiledStack(BertStack):
    """The same models with a compiled encoder; loss and scores are not compiled."""

    def hidden_at(
        self,
        ids: Tensor,
        positions: Tensor,
        attention_mask: Tensor | None = None,
        kept: Iterator[Tensor] | None = None,
        places: Tensor | None = None,  # noqa: ARG002 - padding is computed too: shapes that change are compiled anew
    ) -> Tensor:
        """Encode, and keep some positions only; see `BertStack.hidden_at`."""
        bits = None if kept is None else list(kept)
        return _compile(self.settings)(self.weights, ids, positions, attention_mask, bits)


@cache
def _compile(settings: ModelSettings) -> _Encode:
    def encode(
        weights: Weights, ids: Tensor, positions: Tensor, mask: Tensor | None, kept: list[Tensor] | None
    ) -> Tensor:
        bits = None if kept is None else iter(kept)
        return BertStack(settings, weights).hidden_at(ids, positions, mask, bits)

    compiled: _Encode = torch.compile(encode)
    return compiled

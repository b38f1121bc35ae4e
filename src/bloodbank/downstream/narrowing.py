"""Word embeddings of the pieces that training text has: the others do not change while a tagger is trained on it.

A piece that is never read has no gradient, so without weight decay AdamW leaves its embedding as it is. Of 30 000
pieces 1 000 sentences have a few thousand, and embeddings are most of the weights of a small model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from bloodbank.downstream.data import Encoded
from bloodbank.mlm.model import WORDS, BertStack
from bloodbank.mlm.sequences import Ints


@dataclass(frozen=True)
class Narrowing:
    """The pieces that some rows have, in the order of their ids.

    Attributes:
        pieces: Ids in the whole vocabulary. Shape: [n_pieces].
    """

    pieces: Ints

    @classmethod
    def of(cls, read: Sequence[Encoded], stack: BertStack, weight_decay: float) -> Narrowing:
        """Find the pieces of rows, padding included; all pieces where decay changes those that are not read too."""
        if weight_decay:
            return cls(np.arange(stack.weights[WORDS].shape[1]))
        return cls(np.unique(np.concatenate([np.unique(data.ids) for data in read])).astype(np.int64))

    def narrow_rows(self, data: Encoded) -> Encoded:
        """Number the pieces of rows anew."""
        return replace(data, ids=np.searchsorted(self.pieces, data.ids).astype(np.int32))

    def narrow(self, stack: BertStack) -> BertStack:
        """Return models that know these pieces only; all other weights are the same objects."""
        words = stack.weights[WORDS].index_select(1, self._index(stack))
        return BertStack(stack.settings, {**stack.weights, WORDS: words})

    def widen(self, narrow: BertStack, whole: torch.Tensor) -> BertStack:
        """Put the embeddings of these pieces among those of the whole vocabulary.

        Args:
            narrow: Models that know these pieces only.
            whole: Embeddings of the same models, which are copied. Shape: [K, V, H].
        """
        words = whole.index_copy(1, self._index(narrow), narrow.weights[WORDS].detach())
        return BertStack(narrow.settings, {**narrow.weights, WORDS: words})

    def _index(self, stack: BertStack) -> torch.Tensor:
        return torch.from_numpy(self.pieces).to(stack.device)

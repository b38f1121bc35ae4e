"""Candidates: the pieces that models choose from while they train and are scored, all of a vocabulary or some.

A model of text in one language needs no embedding of a piece that its text does not have. Left out, it takes part
neither in the softmax nor in the optimiser's work; what is saved has all pieces, those left out as they began.

    words = Candidates.of_counts(counts, vocabulary)
    train(words.narrow(stack), [Reading({"fi": words.rows(text)}, settings, 4, seed=0)], settings)
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from bloodbank.mlm.masking import TestMasks
from bloodbank.mlm.sequences import Ints, Text
from bloodbank.mlm.shapes import WORDS
from bloodbank.tokenizer import Vocabulary

if TYPE_CHECKING:
    import torch

    from bloodbank.mlm.model import BertStack, Weights


@dataclass(frozen=True, eq=False)
class Candidates:
    """Some pieces of a vocabulary, or all.

    Attributes:
        pieces: Their ids, ascending; the special ones are among them. Shape: [n].
        n_all: Pieces of the vocabulary.
    """

    pieces: Ints
    n_all: int

    @classmethod
    def of_counts(cls, counts: Ints, vocabulary: Vocabulary) -> Candidates:
        """Take the pieces that occur, and the special ones. Shape of `counts`: [V]."""
        return cls(np.union1d(np.flatnonzero(counts), vocabulary.special), vocabulary.size)

    @property
    def are_all(self) -> bool:
        """Whether no piece is left out."""
        return len(self.pieces) == self.n_all

    @cached_property
    def _places(self) -> Ints:
        """Place of each piece among the candidates, −1 for the others. Shape: [V]."""
        places = np.full(self.n_all, -1, dtype=np.int64)
        places[self.pieces] = np.arange(len(self.pieces))
        return places

    def translate(self, ids: np.ndarray[Any, Any]) -> Ints:
        """Number pieces by their place among the candidates.

        Raises:
            ValueError: One is not among them.
        """
        found: Ints = self._places[ids]
        if found.size and found.min() < 0:
            raise ValueError(f"piece {ids[found < 0][0]} of the text is not among the {len(self.pieces)} candidates")
        return found

    def rows(self, text: Text) -> Text:
        """Number the pieces of a text, and of its vocabulary, anew."""
        if self.are_all:
            return text
        self.translate(np.unique(text.pieces))
        special = self.translate(np.array(text.vocabulary.special)).tolist()
        return replace(text, numbers=self._places, vocabulary=Vocabulary(len(self.pieces), *special))

    def masks(self, masks: TestMasks) -> TestMasks:
        """Number the pieces of stored masks anew."""
        if self.are_all:
            return masks
        return replace(masks, ids=self.translate(masks.ids), gold=self.translate(masks.gold))

    def narrow(self, stack: BertStack) -> BertStack:
        """Return models that know the candidates only; all other weights are the same objects."""
        if self.are_all:
            return stack
        own = {name: weight.detach().index_select(1, self._index(stack)) for name, weight in _by_piece(stack).items()}
        return replace(stack, weights=stack.weights | own, output_gradients=None)

    def widen(self, narrow: BertStack, whole: BertStack) -> BertStack:
        """Return models that know all pieces: the candidates as narrow models know them, the others as they were.

        Args:
            narrow: Models that know the candidates only.
            whole: What is by piece of the same models, before.
        """
        if self.are_all:
            return narrow
        before = _by_piece(whole)
        own = {
            name: before[name].detach().to(weight.device).index_copy(1, self._index(narrow), weight.detach())
            for name, weight in _by_piece(narrow).items()
        }
        return replace(narrow, weights=narrow.weights | own, output_gradients=None)

    def _index(self, stack: BertStack) -> torch.Tensor:
        import torch  # a plan counts candidates without it

        return torch.from_numpy(self.pieces).to(stack.device)


def _by_piece(stack: BertStack) -> Weights:
    return {name: stack.weights[name] for name in (WORDS, "cls.predictions.bias") if name in stack.weights}

"""Loss curves: each model's dev loss while it trains, and whether it had converged."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch

from bloodbank.mlm.gang import mlm_losses
from bloodbank.mlm.masking import make_test_masks
from bloodbank.mlm.model import BertStack
from bloodbank.mlm.sequences import Text
from bloodbank.randomness import generator

_ROWS_AT_A_TIME = 32
_COST = 0.03  # of the training: what the curve of a model may take
_FORWARD_SHARE = 1 / 3  # of an update's work
_LAST_QUARTER, _FALLING, _RISING = 0.75, 0.05, 0.05


@dataclass
class Curve:
    """Dev loss of one model in one phase.

    Attributes:
        updates, tokens: How far it was: optimiser steps, pieces read.
        loss: Nats a masked piece of dev text, by language. As long as `updates`.
    """

    updates: list[int] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    loss: dict[str, list[float | None]] = field(default_factory=dict)

    def add(self, update: int, tokens: int, losses: dict[str, float]) -> None:
        """Add a point; a loss that is not finite is None."""
        self.updates.append(update)
        self.tokens.append(tokens)
        for language, loss in losses.items():
            self.loss.setdefault(language, []).append(loss if np.isfinite(loss) else None)


class DevText:
    """One language's dev text with the masks that every model of every run is followed on.

    Args:
        text: Dev text in rows.
        language: Its code; the masks belong to it, not to a seed.
        mask_share: Share of masked pieces.
        n_rows: Rows to use at most, the first ones that hold a piece that the vocabulary knows.
    """

    def __init__(self, text: Text, language: str, mask_share: float, n_rows: int) -> None:
        few = text.take(text.usable[:n_rows], text.width)
        n_pieces = int(few.source.max(initial=0)) + 1
        masks = make_test_masks(
            few, np.array([0, n_pieces]), np.ones(n_pieces, dtype=np.int64), mask_share=mask_share, min_masked=1,
            corruption="mask", random=generator("dev masks", language),
        )  # fmt: skip
        self.n_masked = len(masks.gold)
        self.batches = [batch for _, batch in masks.batches(_ROWS_AT_A_TIME)]

    @torch.no_grad()
    def losses(self, stack: BertStack) -> list[float]:
        """Return the loss of each model, without dropout, in nats a masked piece; NaN where no piece is known. [K]."""
        if not self.batches:
            return [float("nan")] * stack.n_models
        sums = [mlm_losses(stack, batch).double() * len(batch.gold) for batch in self.batches]
        found: list[float] = (torch.stack(sums).sum(0) / self.n_masked).tolist()
        return found


def n_dev_rows(n_train_rows: int, epochs: int, n_points: int) -> int:
    """Return how many rows of dev text a curve may use, so that it takes some 3% of the training's time.

    Args:
        n_train_rows: Rows of the language's training text.
        epochs: Passes of its shortest phase: all phases of a language are followed on the same rows.
        n_points: Points of the curve.
    """
    return max(1, int(_COST * n_train_rows * epochs / (_FORWARD_SHARE * max(1, n_points + 1))))


def convergence(curve: Curve, language: str) -> str:
    """Say whether a model was done when its training ended.

    Returns:
        `falling`: more than 5% of the fall of its dev loss came in the last quarter of the tokens. `rising`: at the
        end the loss had come up from its lowest point by more than 5% of the fall. `converged`: neither. Empty: not
        measured, or a loss was not finite. A rate that falls to 0 flattens every curve: converged under its schedule.
    """
    values = curve.loss.get(language, [])
    if len(values) < 3 or any(value is None for value in values):
        return ""
    loss = np.array(values, dtype=np.float64)
    fall = loss.max() - loss.min()
    if fall <= 0.0:
        return "converged"
    tokens = np.array(curve.tokens, dtype=np.float64)
    then = np.interp(_LAST_QUARTER * tokens[-1], tokens, loss)
    if loss[-1] - loss.min() > _RISING * fall:
        return "rising"
    return "falling" if then - loss[-1] > _FALLING * fall else "converged"

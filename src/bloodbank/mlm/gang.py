"""A gang: K models that learn side by side, their optimiser, and one update of all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bloodbank.experiment.settings import ModelSettings, TrainingSettings
from bloodbank.mlm.compiled import CompiledStack
from bloodbank.mlm.dropout import draw_dropout
from bloodbank.mlm.loss import masked_losses
from bloodbank.mlm.masking import MaskedRows
from bloodbank.mlm.model import BertStack, Weights
from bloodbank.mlm.optimiser import StackedOptimiser
from bloodbank.mlm.padding import places_of
from bloodbank.mlm.reading import Batches
from bloodbank.mlm.sequences import Ints
from bloodbank.mlm.shapes import WORDS
from bloodbank.randomness import torch_generator

#: `(stack, batch, kept) -> losses` of each model, [K]: the MLM's here; another head brings another.
Losses = Callable[[BertStack, Any, "Iterator[Tensor] | None"], Tensor]
#: `(settings, batch, generators, dtype) -> kept`: what dropout keeps in an update, see `draw_dropout`.
Draw = Callable[[ModelSettings, Any, Sequence[torch.Generator], torch.dtype], "Iterator[Tensor] | None"]
_LATE = 0.9  # training loss is the mean over the last tenth of the updates


def for_each(stack: BertStack, batch: MaskedRows, array: np.ndarray[Any, Any]) -> Tensor:
    """Bring an array of a batch to the models: one for all of them, or one for each. Shape: [K, ...]."""
    tensor = _bring(array, stack.device)
    return tensor.expand(stack.n_models, *array.shape) if batch.ids.ndim == 2 else tensor


def _bring(array: np.ndarray[Any, Any], device: torch.device) -> Tensor:
    tensor = torch.from_numpy(array)
    if device.type == "cuda":  # the copy does not wait for the device, nor the device for the copy
        tensor = tensor.pin_memory().to(device, non_blocking=True)
    return tensor


def hidden_of(stack: BertStack, batch: MaskedRows, kept: Iterator[Tensor] | None = None) -> Tensor:
    """Encode a batch and keep its masked places. Shape: [K, M, H]."""
    mask, places = None, None
    if batch.attention_mask is not None:
        mask = for_each(stack, batch, batch.attention_mask)
        places = places_of(batch.attention_mask, stack.device)
    ids, positions = for_each(stack, batch, batch.ids), _bring(_by_row(batch), stack.device)
    return stack.hidden_at(ids, positions, mask, kept, places)


def _by_row(batch: MaskedRows) -> Ints:
    """Lay the places to predict out by row, [1 or K, B, M / B], where each has as many: full rows, in training."""
    n_rows, length = batch.ids.shape[-2:]
    if batch.attention_mask is not None or batch.positions.shape[-1] % n_rows:
        return batch.positions
    rows = batch.positions.reshape(-1, n_rows, batch.positions.shape[-1] // n_rows)
    return rows if (rows // length == np.arange(n_rows)[:, None]).all() else batch.positions


def gold_of(stack: BertStack, batch: MaskedRows) -> tuple[Tensor, Tensor]:
    """Bring what is to be predicted to the models, and its weights. Shape: [K, M] each."""
    gold = for_each(stack, batch, batch.gold)
    if batch.weight is None:
        return gold, torch.ones_like(gold, dtype=torch.float32)
    return gold, for_each(stack, batch, batch.weight)


def mlm_losses(stack: BertStack, batch: MaskedRows, kept: Iterator[Tensor] | None = None) -> Tensor:
    """Return each model's mean cross-entropy over the masked pieces of a batch.

    Args:
        stack: Models.
        batch: One batch for all, or one for each.
        kept: What dropout keeps; None for no dropout.

    Returns:
        Nats a masked piece. Shape: [K].
    """
    gold, weight = gold_of(stack, batch)
    hidden = stack.transform(hidden_of(stack, batch, kept))
    words, bias = stack.weights[WORDS], stack.weights["cls.predictions.bias"]
    return masked_losses(hidden, words, bias, gold, weight, output_gradients=stack.output_gradients)


def draw_for_rows(
    settings: ModelSettings, batch: MaskedRows, generators: Sequence[torch.Generator], dtype: torch.dtype
) -> Iterator[Tensor] | None:
    """Draw what dropout keeps of a batch, for rows of any length."""
    return draw_dropout(settings, batch.ids.shape[-2:], generators, dtype)


def step(
    stack: BertStack,
    batch: Any,
    optimiser: StackedOptimiser,
    settings: TrainingSettings,
    bits: Sequence[torch.Generator],
    *,
    rates: Sequence[float] | None = None,
    losses_of: Losses = mlm_losses,
    draw: Draw = draw_for_rows,
) -> Tensor:
    """Do one update of all models.

    Args:
        stack: Models; the weights are float32, what is computed with them is of `settings.dtype`.
        batch: What `losses_of` takes.
        optimiser: Theirs.
        settings: Recipe.
        bits: Source of dropout for each model, or one for all.
        rates: Learning rate of each model, or one for all; the peak by default.
        losses_of: Head and loss.
        draw: What dropout keeps.

    Returns:
        Loss of each model before the update. Shape: [K].
    """
    optimiser.zero_grad()
    low = in_type(stack, settings.dtype)
    low = (CompiledStack if settings.compile else BertStack)(low.settings, low.weights)
    # The gradients of the tied embeddings meet in `look_up`, which `torch.compile` cannot follow.
    low.output_gradients = None if settings.compile or not low.weights[WORDS].requires_grad else []
    kept = draw(stack.settings, batch, bits, low.weights[WORDS].dtype)
    losses = losses_of(low, batch, kept)
    torch.autograd.backward(losses.sum())
    optimiser.step(rates or [settings.learning_rate])
    return losses.detach()


def in_type(stack: BertStack, dtype: str) -> BertStack:
    """Return what is computed with: the weights themselves, of whatever type, or rounded to bfloat16."""
    return stack.to(torch.bfloat16) if dtype == "bfloat16" else stack


class Gang:
    """Models that learn side by side, each until its reading is at its end.

    Args:
        stack: All of them; their weights change in place.
        readings: What each reads. Shape: [K].
        settings: Recipe.
        trained: `all` weights, or `words`.
        losses_of: Head and loss.
        draw: What dropout keeps.
    """

    def __init__(
        self,
        stack: BertStack,
        readings: Sequence[Batches],
        settings: TrainingSettings,
        trained: str = "all",
        losses_of: Losses = mlm_losses,
        *,
        draw: Draw = draw_for_rows,
    ) -> None:
        self.stack, self.readings, self.settings = stack, list(readings), settings
        self.trained, self.losses_of, self.draw = trained, losses_of, draw
        self.learning = list(range(stack.n_models))
        self.active = stack
        self.optimiser = StackedOptimiser(stack, settings, trained)
        self.loss_sum = torch.zeros(stack.n_models, device=stack.device)
        self.finite = torch.ones(stack.n_models, dtype=torch.bool, device=stack.device)
        self._copied: dict[tuple[tuple[int, ...], torch.dtype], Tensor] = {}

    def step(self, update: int, batch: Any, rates: Sequence[float]) -> None:
        """Do one update, counted from 0, of the models that still learn."""
        readings = [self.readings[model] for model in self.learning]
        names = [(one.seed, "dropout", one.name, update) for one in readings]
        if len(set(names)) == 1:  # a column: the bits are drawn once
            names = names[:1]
        bits = [torch_generator(str(self.stack.device), *name) for name in names]
        losses = step(
            self.active, batch, self.optimiser, self.settings, bits,
            rates=rates, losses_of=self.losses_of, draw=self.draw,
        )  # fmt: skip
        index = self._on_device(tuple(self.learning), torch.int64)
        late = self._on_device(tuple(update >= int(_LATE * one.n_updates) for one in readings), torch.bool)
        self.loss_sum.index_add_(0, index, torch.where(late, losses, 0.0).to(self.loss_sum.dtype))
        self.finite.index_copy_(0, index, self.finite[index] & torch.isfinite(losses))

    def _on_device(self, values: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """Bring plain values to the device once: every copy from the host waits for what the device is doing."""
        if (values, dtype) not in self._copied:
            self._copied[values, dtype] = torch.tensor(values, dtype=dtype, device=self.stack.device)
        return self._copied[values, dtype]

    def leave(self, update: int) -> None:
        """Let models go whose reading is at its end after so many updates."""
        still = [model for model in self.learning if self.readings[model].n_updates > update]
        if still == self.learning or not still:
            return
        places = [self.learning.index(model) for model in still]
        # Gradients first, and moments one after the other: at no time is there more than in an update of all.
        self.optimiser.zero_grad()
        moments = self.optimiser.state()
        self.gather()
        self.active = self.active.select(places)
        self.optimiser = StackedOptimiser(self.active, self.settings, self.trained)
        self.optimiser.take_over(moments, places)
        self.learning = still

    def gather(self) -> None:
        """Bring the weights of those that still learn back among all."""
        if self.active is self.stack:
            return
        index = torch.tensor(self.learning, device=self.stack.device)
        for name, weight in self.stack.weights.items():
            weight.data.index_copy_(0, index, self.active.weights[name].detach())

    def in_training_type(self, places: Sequence[int]) -> BertStack:
        """Return those that still learn at these places, as they are computed with, without gradients."""
        chosen = self.active if len(places) == len(self.learning) else self.active.select(places)
        detached = BertStack(chosen.settings, {name: weight.detach() for name, weight in chosen.weights.items()})
        return in_type(detached, self.settings.dtype)

    def mean_loss(self, model: int) -> float:
        """Return a model's mean training loss over the last tenth of its updates."""
        total = self.readings[model].n_updates
        return float(self.loss_sum[model]) / (total - int(_LATE * total))

    def state(self) -> Weights:
        """Return all tensors that a checkpoint needs."""
        self.gather()
        weights = {f"weight.{name}": weight.detach() for name, weight in self.stack.weights.items()}
        return weights | self.optimiser.state() | {"loss_sum": self.loss_sum, "finite": self.finite}

    def load(self, state: Weights, update: int) -> None:
        """Go on from a checkpoint that was written after so many updates."""
        for name, weight in self.stack.weights.items():
            weight.data.copy_(state[f"weight.{name}"])
        self.loss_sum, self.finite = state["loss_sum"].to(self.loss_sum.device), state["finite"].to(self.finite.device)
        still = [model for model in self.learning if self.readings[model].n_updates > update]
        if still != self.learning:
            self.active = self.stack.select(still)
            self.optimiser = StackedOptimiser(self.active, self.settings, self.trained)
            self.learning = still
        self.optimiser.load_state(state)

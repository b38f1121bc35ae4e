"""AdamW, or Muon and AdamW, for K models at once, with each model's own clipping and learning rate."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from bloodbank.experiment.settings import TrainingSettings
from bloodbank.mlm.model import BertStack, Weights
from bloodbank.mlm.muon import is_hidden_matrix, muon
from bloodbank.mlm.shapes import WORDS

_HEAD = "cls.predictions"
_MOMENTS = ("exp_avg", "exp_avg_sq")  # of AdamW
_MOMENTUM = "momentum"  # of Muon


class StackedOptimiser:
    """AdamW over the leading model axis, or Muon for the encoder's matrices; biases and norms are not decayed.

    Args:
        stack: Models whose weights it changes in place.
        settings: Optimiser, decay, second moment, clipping.
        trained: `all`, or `words`: word embeddings and MLM head only (protocol `frozen`).
    """

    def __init__(self, stack: BertStack, settings: TrainingSettings, trained: str = "all") -> None:
        self.settings = settings
        self.weights: Weights = {
            name: weight for name, weight in stack.weights.items() if trained == "all" or is_word_or_head(name)
        }
        for name, weight in stack.weights.items():
            weight.requires_grad_(name in self.weights)
        self.moments: dict[str, Weights] = {}  # by the name of the weight
        self.n_steps = torch.zeros((), dtype=torch.float32, device=stack.device)

    def step(self, rates: Sequence[float]) -> None:
        """Clip, and change the weights.

        Args:
            rates: Learning rate of each model, or one for all. Shape: [K] or [1].
        """
        peak = max(rates)
        weights = list(self.weights.values())
        clip_gradients(weights, self.settings.clip_norm)
        if min(rates) == peak:
            self._step(peak)
            return
        # A step is proportional to its rate: a model at half the peak goes half of the way.
        before = [weight.detach().clone() for weight in weights]
        self._step(peak)
        share = torch.tensor([rate / peak for rate in rates], dtype=weights[0].dtype)
        if weights[0].is_cuda:  # without waiting for what the device is doing
            share = share.pin_memory().to(weights[0].device, non_blocking=True)
        for weight, old in zip(weights, before, strict=True):
            along = share.view(-1, *([1] * (weight.dim() - 1)))
            weight.data.copy_(torch.where(along == 1.0, weight.data, torch.lerp(old, weight.data, along)))

    @torch.no_grad()
    def _step(self, rate: float) -> None:
        # PyTorch's kernel, and not the function and the class around it: these look at every weight anew, which takes
        # half as long as the kernel itself for a model of 2 layers and width 64, and the class imports its compiler.
        gradients = {name: weight.grad for name, weight in self.weights.items() if weight.grad is not None}
        for name in gradients:
            if name not in self.moments:
                self.moments[name] = {moment: torch.zeros_like(self.weights[name]) for moment in self._moments_of(name)}
        self.n_steps += 1
        if hidden := [name for name in gradients if self._moments_of(name) == (_MOMENTUM,)]:
            muon(
                [self.weights[name] for name in hidden],
                [gradients.pop(name) for name in hidden],
                [self.moments[name][_MOMENTUM] for name in hidden],
                rate * self.settings.matrix_learning_rate / self.settings.learning_rate,
                self.settings.weight_decay,
            )
        for decay, names in (
            (self.settings.weight_decay, [name for name in gradients if is_matrix(name)]),
            (0.0, [name for name in gradients if not is_matrix(name)]),
        ):
            torch._fused_adamw_(
                [self.weights[name] for name in names],
                [gradients[name] for name in names],
                [self.moments[name]["exp_avg"] for name in names],
                [self.moments[name]["exp_avg_sq"] for name in names],
                [],
                [self.n_steps] * len(names),
                amsgrad=False, maximize=False,
                lr=rate, beta1=0.9, beta2=self.settings.beta2, eps=1e-8, weight_decay=decay,
            )  # fmt: skip

    def _moments_of(self, name: str) -> tuple[str, ...]:
        return (_MOMENTUM,) if self.settings.optimiser == "muon" and is_hidden_matrix(name) else _MOMENTS

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for weight in self.weights.values():
            weight.grad = None

    def state(self) -> Weights:
        """Return the moments and the number of steps under names, to be written to disk."""
        state: Weights = {"step": self.n_steps}
        for name in self.weights:
            if name in self.moments:  # else it has had no gradient: the weight of a head that is not in use
                state |= {f"{moment}.{name}": self.moments[name][moment] for moment in self._moments_of(name)}
        return state

    def load_state(self, state: Weights) -> None:
        """Take over moments."""
        self.n_steps = state["step"].clone().to(self.n_steps.device)
        for name, weight in self.weights.items():
            names = {moment: f"{moment}.{name}" for moment in self._moments_of(name)}
            if next(iter(names.values())) in state:
                self.moments[name] = {moment: state[key].to(weight.device) for moment, key in names.items()}

    def take_over(self, state: Weights, models: Sequence[int]) -> None:
        """Take over the moments of some models from those of all, which are taken out of `state` one by one."""
        self.n_steps = state["step"].clone()
        for name, weight in self.weights.items():
            names = {moment: f"{moment}.{name}" for moment in self._moments_of(name)}
            if next(iter(names.values())) in state:
                index = torch.tensor(models, device=weight.device)
                self.moments[name] = {moment: state.pop(key).index_select(0, index) for moment, key in names.items()}


def is_matrix(name: str) -> bool:
    """Tell whether a weight is decayed."""
    return not (name.endswith("bias") or "LayerNorm" in name)


def is_word_or_head(name: str) -> bool:
    """Tell whether a weight is trained under `frozen`: word embeddings, which are the output's too, and MLM head."""
    return name == WORDS or name.startswith(_HEAD)


@torch.no_grad()
def clip_gradients(weights: list[Tensor], largest: float) -> None:
    """Scale each model's gradient down to a norm of at most `largest`; models do not see each other's norm."""
    gradients = [weight.grad for weight in weights if weight.grad is not None]
    # One call for all norms and one for all products: small models have as many weights as large ones.
    norms = torch._foreach_norm([part for gradient in gradients for part in gradient.unbind(0)])
    total = torch.linalg.vector_norm(torch.stack(norms).view(len(gradients), -1), dim=0)  # [K]
    scale = (largest / (total + 1e-6)).clamp(max=1.0)
    torch._foreach_mul_(gradients, [scale.view(-1, *([1] * (gradient.dim() - 1))) for gradient in gradients])

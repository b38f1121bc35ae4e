"""BERT as K models side by side: every weight has a leading model axis.

The models share shapes, not numbers; linear layers are batched matrix products and attention folds the models into
the batch, so K = 1 and K = 20 are the same code. Names and numbers of the weights are those of transformers'
`BertForMaskedLM`; dropout draws one set of bits for all K models.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - the name that everybody knows
from torch import Tensor

from bloodbank.randomness import torch_generator
from bloodbank.settings import ModelSettings

_NORM_EPSILON = 1e-12
_BERT_STD = 0.02  # suits widths of 768 and more; at width 64 attention starts, and stays, nearly uniform
_SCALED_POSITION_STD = 0.1
Weights = dict[str, Tensor]


@dataclass
class BertStack:
    """K BERT models with an MLM head.

    Attributes:
        settings: Layers, heads, widths.
        weights: Name in transformers -> weights. Shape: [K, *shape in transformers].
    """

    settings: ModelSettings
    weights: Weights

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.weights["bert.embeddings.word_embeddings.weight"].device

    @property
    def n_models(self) -> int:
        """K."""
        return len(self.weights["cls.predictions.bias"])

    @property
    def n_parameters(self) -> int:
        """Number of weights of one model."""
        return sum(weight[0].numel() for weight in self.weights.values())

    def encode(self, ids: Tensor, attention_mask: Tensor | None = None, bits: torch.Generator | None = None) -> Tensor:
        """Run the encoder.

        Args:
            ids: Pieces. Shape: [K, B, L].
            attention_mask: True where there is a piece and not padding; None: no padding. Shape: [K, B, L].
            bits: Source of dropout; None for no dropout (scoring).

        Returns:
            Last hidden states. Shape: [K, B, L, H].
        """
        hidden = self._embed(ids)
        hidden = _dropout(self._norm(hidden, "bert.embeddings.LayerNorm"), self.settings.dropout, bits)
        for layer in range(self.settings.n_layers):
            hidden = self._layer(hidden, attention_mask, f"bert.encoder.layer.{layer}", bits)
        return hidden

    def predict(self, hidden: Tensor) -> Tensor:
        """Run the MLM head on chosen positions.

        Args:
            hidden: Hidden states of the masked positions. Shape: [K, M, H].

        Returns:
            Logits over the vocabulary. Shape: [K, M, V].
        """
        hidden = F.gelu(self._linear(hidden, "cls.predictions.transform.dense"))
        hidden = self._norm(hidden, "cls.predictions.transform.LayerNorm")
        embeddings = self.weights["bert.embeddings.word_embeddings.weight"]
        return torch.baddbmm(self.weights["cls.predictions.bias"][:, None], hidden, embeddings.transpose(1, 2))

    def logits_at(
        self,
        ids: Tensor,
        positions: Tensor,
        attention_mask: Tensor | None = None,
        bits: torch.Generator | None = None,
    ) -> Tensor:
        """Encode, and predict at some positions only: the head is most of the work of a small model.

        Args:
            ids: Shape: [K, B, L].
            positions: Indices into B·L, the same number for every model. Shape: [K, M].
            attention_mask: Shape: [K, B, L].
            bits: Source of dropout.

        Returns:
            Logits. Shape: [K, M, V].
        """
        hidden = self.encode(ids, attention_mask, bits).flatten(1, 2)  # [K, B·L, H]
        index = positions[:, :, None].expand(-1, -1, hidden.shape[-1])
        return self.predict(hidden.gather(1, index))

    def _embed(self, ids: Tensor) -> Tensor:
        """Look up words, positions and the one segment. [K, B, L] -> [K, B, L, H]."""
        words = self.weights["bert.embeddings.word_embeddings.weight"]
        n_models, n_words, width = words.shape
        # One table of K·V rows: model k's piece i is row k·V + i.
        first = torch.arange(n_models, device=ids.device)[:, None, None] * n_words
        looked_up = F.embedding(ids + first, words.reshape(n_models * n_words, width))
        positions = self.weights["bert.embeddings.position_embeddings.weight"][:, None, : ids.shape[-1]]
        segment = self.weights["bert.embeddings.token_type_embeddings.weight"][:, None, :1]
        return looked_up + positions + segment

    def _layer(self, hidden: Tensor, mask: Tensor | None, name: str, bits: torch.Generator | None) -> Tensor:
        p = self.settings.dropout
        attended = self._linear(
            self._attend(hidden, mask, f"{name}.attention.self", bits), f"{name}.attention.output.dense"
        )
        hidden = self._norm(hidden + _dropout(attended, p, bits), f"{name}.attention.output.LayerNorm")
        inner = F.gelu(self._linear(hidden, f"{name}.intermediate.dense"))
        outer = _dropout(self._linear(inner, f"{name}.output.dense"), p, bits)
        return self._norm(hidden + outer, f"{name}.output.LayerNorm")

    def _attend(self, hidden: Tensor, mask: Tensor | None, name: str, bits: torch.Generator | None) -> Tensor:
        """Multi-head attention; models and sentences are one batch. [K, B, L, H] -> [K, B, L, H]."""
        n_models, n_rows, length, width = hidden.shape
        n_heads = self.settings.n_heads

        def split(what: str) -> Tensor:
            projected = self._linear(hidden, f"{name}.{what}")
            return projected.reshape(n_models * n_rows, length, n_heads, width // n_heads).transpose(1, 2)

        query, key, value = split("query"), split("key"), split("value")  # [K·B, heads, L, H / heads]
        seen = None if mask is None else mask.reshape(n_models * n_rows, 1, 1, length)
        p = self.settings.attention_dropout
        if bits is None or p == 0.0:
            mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=seen)
        else:
            scores = query @ key.transpose(2, 3) * (width // n_heads) ** -0.5
            if seen is not None:
                scores = scores.masked_fill(~seen, float("-inf"))
            shape = (n_models, n_rows, n_heads, length, length)
            weights = _dropout(scores.softmax(-1).reshape(shape), p, bits)
            mixed = weights.reshape(n_models * n_rows, n_heads, length, length) @ value
        return mixed.transpose(1, 2).reshape(n_models, n_rows, length, width)

    def _linear(self, x: Tensor, name: str) -> Tensor:
        """Apply K linear layers. [K, ..., I] -> [K, ..., O]."""
        weight, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        flat = x.reshape(x.shape[0], -1, x.shape[-1])
        out = torch.baddbmm(bias[:, None], flat, weight.transpose(1, 2))
        return out.reshape(*x.shape[:-1], weight.shape[1])

    def _norm(self, x: Tensor, name: str) -> Tensor:
        """Apply K layer norms. [K, ..., H] -> [K, ..., H]."""
        shape = (x.shape[0], *([1] * (x.dim() - 2)), x.shape[-1])
        normal = F.layer_norm(x, x.shape[-1:], eps=_NORM_EPSILON)
        return normal * self.weights[f"{name}.weight"].view(shape) + self.weights[f"{name}.bias"].view(shape)


def _dropout(x: Tensor, p: float, bits: torch.Generator | None) -> Tensor:
    """Drop out with given bits, the same for all K models. [K, ...] -> [K, ...]."""
    if bits is None or p == 0.0:
        return x
    kept = torch.empty(x.shape[1:], device=x.device, dtype=x.dtype).bernoulli_(1.0 - p, generator=bits)
    return x * (kept / (1.0 - p))


def shapes(settings: ModelSettings, vocab_size: int) -> dict[str, tuple[int, ...]]:
    """Return the shape of every weight under its name in transformers' `BertForMaskedLM`."""
    width, inner = settings.hidden_size, settings.feed_forward_size
    found: dict[str, tuple[int, ...]] = {
        "bert.embeddings.word_embeddings.weight": (vocab_size, width),
        "bert.embeddings.position_embeddings.weight": (settings.n_positions, width),
        "bert.embeddings.token_type_embeddings.weight": (2, width),
        "bert.embeddings.LayerNorm.weight": (width,),
        "bert.embeddings.LayerNorm.bias": (width,),
    }
    for layer in range(settings.n_layers):
        name = f"bert.encoder.layer.{layer}"
        for part in (
            "attention.self.query",
            "attention.self.key",
            "attention.self.value",
            "attention.output.dense",
        ):
            found |= {f"{name}.{part}.weight": (width, width), f"{name}.{part}.bias": (width,)}
        found |= {
            f"{name}.intermediate.dense.weight": (inner, width),
            f"{name}.intermediate.dense.bias": (inner,),
        }
        found |= {f"{name}.output.dense.weight": (width, inner), f"{name}.output.dense.bias": (width,)}
        for part in ("attention.output.LayerNorm", "output.LayerNorm"):
            found |= {f"{name}.{part}.weight": (width,), f"{name}.{part}.bias": (width,)}
    head = "cls.predictions"
    return found | {
        f"{head}.transform.dense.weight": (width, width),
        f"{head}.transform.dense.bias": (width,),
        f"{head}.transform.LayerNorm.weight": (width,),
        f"{head}.transform.LayerNorm.bias": (width,),
        f"{head}.bias": (vocab_size,),
    }


def new_stack(settings: ModelSettings, vocab_size: int, seeds: tuple[int, ...], pad: int) -> BertStack:
    """Make K models with initial weights from their seeds, on the CPU.

    Matrices are normal, see `ModelSettings.initialization`; all models of one seed start alike, so that
    what differs between them is the text.
    """
    weights: Weights = {}
    bits = [torch_generator("cpu", seed, "weights") for seed in seeds]
    for name, shape in shapes(settings, vocab_size).items():
        if name.endswith("bias"):
            weights[name] = torch.zeros(len(seeds), *shape)
        elif "LayerNorm" in name:
            weights[name] = torch.ones(len(seeds), *shape)
        else:
            weights[name] = torch.stack(
                [torch.randn(shape, generator=one) * _initial_std(name, shape, settings) for one in bits]
            )
    weights["bert.embeddings.word_embeddings.weight"][:, pad] = 0.0
    return BertStack(settings, weights)


def _initial_std(name: str, shape: tuple[int, ...], settings: ModelSettings) -> float:
    """Return the standard deviation with which a matrix starts."""
    if settings.initialization == "bert" or "word_embeddings" in name or "token_type" in name:
        return _BERT_STD
    if "position_embeddings" in name:
        return _SCALED_POSITION_STD
    return float(shape[-1] ** -0.5)

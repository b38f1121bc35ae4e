"""BERT as K models side by side: every weight has a leading model axis.

The models share shapes, not numbers; linear layers are batched matrix products and attention folds the models into
the batch, so K = 1 and K = 20 are the same code, with the same number of kernels. Names and numbers of the weights are
those of transformers' `BertForMaskedLM`. `encode` takes any head: the MLM head here, others elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F  # noqa: N812 - the name that everybody knows
from torch import Tensor

from bloodbank.experiment.settings import ModelSettings
from bloodbank.mlm.dropout import drop
from bloodbank.mlm.linear import linear
from bloodbank.mlm.lookup import look_up
from bloodbank.mlm.padding import Grid, take
from bloodbank.mlm.shapes import WORDS

_NORM_EPSILON = 1e-12
Weights = dict[str, Tensor]


@dataclass
class BertStack:
    """K BERT models with an MLM head.

    Attributes:
        settings: Layers, heads, widths.
        weights: Name in transformers -> weights. Shape: [K, *shape in transformers].
        output_gradients: Where input and output embeddings, which are one, add up their gradients; None: in autograd.
    """

    settings: ModelSettings
    weights: Weights
    output_gradients: list[Tensor] | None = None

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.weights[WORDS].device

    @property
    def n_models(self) -> int:
        """K."""
        return len(self.weights[WORDS])

    @property
    def n_parameters(self) -> int:
        """Number of weights of one model."""
        return sum(weight[0].numel() for weight in self.weights.values())

    def to(self, where: torch.device | str | torch.dtype) -> BertStack:
        """Return the same models on another device, or in another number type; gradients flow back."""
        return BertStack(self.settings, {name: weight.to(where) for name, weight in self.weights.items()})

    def select(self, models: Sequence[int]) -> BertStack:
        """Return a copy of some of the models, without gradients."""
        index = torch.tensor(models, device=self.device)
        return BertStack(self.settings, {name: w.detach().index_select(0, index) for name, w in self.weights.items()})

    def encode(
        self,
        ids: Tensor,
        attention_mask: Tensor | None = None,
        kept: Iterator[Tensor] | None = None,
        places: Tensor | None = None,
    ) -> Tensor:
        """Run the encoder.

        Args:
            ids: Pieces. Shape: [K, B, L].
            attention_mask: True where there is a piece and not padding; None: no padding. Shape: [K, B, L].
            kept: What dropout keeps, see `bloodbank.mlm.dropout`; None for no dropout (scoring).
            places: Indices into B·L where any model has a piece; all but attention is computed there only, which
                saves the work on padding. None: everywhere. Shape: [T].

        Returns:
            Last hidden states, 0 outside of `places`. Shape: [K, B, L, H].
        """
        grid = Grid(ids.shape[0], ids.shape[1], ids.shape[2], places)
        return grid.spread(self.encode_on(grid, ids, attention_mask, kept))

    def encode_on(
        self,
        grid: Grid,
        ids: Tensor,
        attention_mask: Tensor | None = None,
        kept: Iterator[Tensor] | None = None,
        wanted: Tensor | None = None,
    ) -> Tensor:
        """Run the encoder where a grid says; see `encode`.

        Args:
            grid: Where there are pieces, and which rows attend together.
            ids: Shape: [K, B, L].
            attention_mask: Shape: [K, B, L].
            kept: What dropout keeps.
            wanted: Indices into B·L of the only places whose last states are wanted: behind the attention of the last
                layer nothing else is computed. None: all. Shape: [M], or [K, M] where each model has its own; or
                [1 or K, B, M / B] where the grid is everywhere and each row has as many, in order, so that no other
                place asks in the last layer's attention.

        Returns:
            Last hidden states. Shape: [K, T, H] or [K, M, H]; [K, B, L, H] where the grid is everywhere.
        """
        hidden = self._norm(grid.pick(self._embed(ids)), "bert.embeddings.LayerNorm")
        hidden = drop(hidden, self.settings.dropout, kept, grid)
        for layer in range(self.settings.n_layers):
            name, last = f"bert.encoder.layer.{layer}", layer == self.settings.n_layers - 1
            hidden = self._layer(hidden, attention_mask, name, kept, grid=grid, wanted=wanted if last else None)
        return hidden

    def transform(self, hidden: Tensor) -> Tensor:
        """Run the MLM head up to the embeddings that it shares with the input. [K, M, H] -> [K, M, H]."""
        hidden = F.gelu(self._linear(hidden, "cls.predictions.transform.dense"))
        return self._norm(hidden, "cls.predictions.transform.LayerNorm")

    def predict(self, hidden: Tensor) -> Tensor:
        """Run the MLM head on chosen positions.

        Args:
            hidden: Hidden states of the masked positions. Shape: [K, M, H].

        Returns:
            Logits over the vocabulary. Shape: [K, M, V].
        """
        bias = self.weights["cls.predictions.bias"][:, None]
        return torch.baddbmm(bias, self.transform(hidden), self.weights[WORDS].transpose(1, 2))

    def hidden_at(
        self,
        ids: Tensor,
        positions: Tensor,
        attention_mask: Tensor | None = None,
        kept: Iterator[Tensor] | None = None,
        places: Tensor | None = None,
    ) -> Tensor:
        """Encode, and keep some positions only: head and last layer are most of the work of a small model.

        Args:
            ids: Shape: [K, B, L].
            positions: Indices into B·L. Shape: as `encode_on` takes them.
            attention_mask: Shape: [K, B, L].
            kept: What dropout keeps.
            places: Where there are pieces. Shape: [T].

        Returns:
            Hidden states. Shape: [K, M, H].
        """
        grid = Grid(ids.shape[0], ids.shape[1], ids.shape[2], places)
        return self.encode_on(grid, ids, attention_mask, kept, positions)

    def logits_at(self, ids: Tensor, positions: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """Predict at some positions, without dropout; see `hidden_at`. Returns logits. Shape: [K, M, V]."""
        return self.predict(self.hidden_at(ids, positions, attention_mask))

    def _embed(self, ids: Tensor) -> Tensor:
        """Look up words, positions and the one segment. [K, B, L] -> [K, B, L, H]."""
        words = self.weights[WORDS]
        n_models, n_words, width = words.shape
        # One table of K·V rows: model k's piece i is row k·V + i.
        first = torch.arange(n_models, device=ids.device)[:, None, None] * n_words
        table = words.reshape(n_models * n_words, width)
        if self.output_gradients is None:
            looked_up = F.embedding(ids + first, table)
        else:
            looked_up = look_up(table, ids + first, self.output_gradients)
        positions = self.weights["bert.embeddings.position_embeddings.weight"][:, None, : ids.shape[-1]]
        segment = self.weights["bert.embeddings.token_type_embeddings.weight"][:, None, :1]
        return looked_up + (positions + segment)

    def _layer(
        self,
        hidden: Tensor,
        mask: Tensor | None,
        name: str,
        kept: Iterator[Tensor] | None,
        *,
        grid: Grid,
        wanted: Tensor | None,
    ) -> Tensor:
        p = self.settings.dropout
        asking = wanted if wanted is not None and wanted.dim() == 3 and kept is None else None
        mixed = self._attend(hidden, mask, f"{name}.attention.self", kept, grid=grid, asking=asking)
        if wanted is not None:
            if wanted.dim() == 3:
                wanted = wanted.flatten(1) if len(wanted) > 1 else wanted.flatten()
            index = grid.index(wanted)
            hidden, mixed = (x.reshape(len(x), -1, x.shape[-1]) for x in (hidden, mixed))
            hidden, mixed = take(hidden, index), mixed if asking is not None else take(mixed, index)
            grid = replace(grid, places=wanted)
        attended = drop(self._linear(mixed, f"{name}.attention.output.dense"), p, kept, grid)
        hidden = self._norm(hidden + attended, f"{name}.attention.output.LayerNorm")
        inner = F.gelu(self._linear(hidden, f"{name}.intermediate.dense"))
        outer = drop(self._linear(inner, f"{name}.output.dense"), p, kept, grid)
        return self._norm(hidden + outer, f"{name}.output.LayerNorm")

    def _attend(
        self,
        hidden: Tensor,
        mask: Tensor | None,
        name: str,
        kept: Iterator[Tensor] | None,
        *,
        grid: Grid,
        asking: Tensor | None,
    ) -> Tensor:
        """Multi-head attention, part by part. [K, T, H] -> [K, T, H]; [K, B, L, H] where the grid is everywhere.

        Where only some places of every row ask, indices into B·L of shape [K or 1, B, S], it is [K, B, S, H].
        """
        # Query, key and value in one product: three matrices of one input.
        joined = self._linear(hidden, *(f"{name}.{what}" for what in ("query", "key", "value")))
        bits = next(kept) if kept is not None and self.settings.attention_dropout else None
        if asking is not None:
            return self._mix(joined, mask, None, asking)
        if not grid.parts:
            return grid.pick(self._mix(grid.spread(joined), mask, bits))
        mixed, row = [], 0
        sizes = [part.n_places for part in grid.parts]
        for part, own in zip(grid.parts, torch.split(joined, sizes, 1), strict=True):
            rows, span = slice(row, row + part.n_rows), slice(part.length)
            own_mask = None if mask is None else mask[:, rows, span]
            own_bits = None if bits is None else bits[:, rows, :, span, span]
            mixed.append(part.pick(self._mix(part.spread(own), own_mask, own_bits)))
            row += part.n_rows
        return torch.cat(mixed, 1)

    def _mix(self, joined: Tensor, mask: Tensor | None, bits: Tensor | None, asking: Tensor | None = None) -> Tensor:
        """Attend; models and sentences are one batch. Query, key and value [K, B, L, 3·H] -> [K, B, L or S, H]."""
        (n_models, n_rows, length, _), width = joined.shape, self.settings.hidden_size
        n_heads = self.settings.n_heads
        heads = joined.reshape(n_models * n_rows, length, 3, n_heads, width // n_heads)
        query, key, value = heads.permute(2, 0, 3, 1, 4).unbind(0)  # [K·B, heads, L, H / heads]
        if asking is not None:
            index = (asking % length).expand(n_models, -1, -1).reshape(n_models * n_rows, 1, -1, 1)
            query = query.gather(2, index.expand(-1, n_heads, -1, query.shape[-1]))
        seen = None if mask is None else mask.reshape(n_models * n_rows, 1, 1, length)
        if bits is None:
            mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=seen)
        else:  # the fused kernels draw bits of their own, which would depend on K
            scores = query @ key.transpose(2, 3) * (width // n_heads) ** -0.5
            if seen is not None:
                scores = scores.masked_fill(~seen, float("-inf"))
            shape = (n_models, n_rows, n_heads, length, length)
            weights = drop(scores.softmax(-1).reshape(shape), self.settings.attention_dropout, iter([bits]))
            mixed = weights.reshape(n_models * n_rows, n_heads, length, length) @ value
        return mixed.transpose(1, 2).reshape(n_models, n_rows, -1, width)

    def _linear(self, x: Tensor, *names: str) -> Tensor:
        """Apply K linear layers, several of one input side by side. [K, ..., I] -> [K, ..., O]."""
        weight = _side_by_side([self.weights[f"{name}.weight"] for name in names])
        bias = _side_by_side([self.weights[f"{name}.bias"] for name in names])
        flat = x.reshape(x.shape[0], -1, x.shape[-1])
        return linear(flat, weight, bias).reshape(*x.shape[:-1], weight.shape[1])

    def _norm(self, x: Tensor, name: str) -> Tensor:
        """Apply K layer norms. [K, ..., H] -> [K, ..., H]."""
        weight, bias = self.weights[f"{name}.weight"], self.weights[f"{name}.bias"]
        if len(weight) == 1:  # one kernel instead of two forward and six backward
            return F.layer_norm(x, x.shape[-1:], weight.view(-1), bias.view(-1), _NORM_EPSILON)
        shape = (x.shape[0], *([1] * (x.dim() - 2)), x.shape[-1])
        weight, bias = weight.view(shape), bias.view(shape)
        return torch.addcmul(bias, F.layer_norm(x, x.shape[-1:], eps=_NORM_EPSILON), weight)


def _side_by_side(tensors: list[Tensor]) -> Tensor:
    return tensors[0] if len(tensors) == 1 else torch.cat(tensors, 1)

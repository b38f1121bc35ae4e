"""Scores of a model on stored masks: MRR, accuracy, cross-entropy and bits per byte (section 4.2, Eq. 3).

Reads `TestMasks` and a model, writes sums per paragraph, from which every score and its standard error follow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bloodbank.mlm.gang import for_each, hidden_of
from bloodbank.mlm.loss import chunk_size
from bloodbank.mlm.masking import TestMasks
from bloodbank.mlm.model import BertStack
from bloodbank.mlm.shapes import WORDS

METRICS = ("mrr", "accuracy", "cross_entropy", "bits_per_byte")
HEALTHY_Z = 3.0
_IN_CACHE = 2**18  # logits at a time whose copy stays in a CPU's cache
Floats = np.ndarray[Any, np.dtype[np.float64]]


class NotFiniteError(ArithmeticError):
    """A logit is not a finite number: the model diverged and has no score."""


@dataclass(frozen=True)
class PieceScores:
    """What one model makes of every masked piece.

    Attributes:
        reciprocal_rank: 1 / rank of the gold piece. Shape: [n_masked].
        correct: 1 where the gold piece alone has the highest logit. Shape: [n_masked].
        nll: −ln p(gold). Shape: [n_masked].
    """

    reciprocal_rank: Floats
    correct: Floats
    nll: Floats


def rank_of_gold(logits: Tensor, gold: Tensor) -> Tensor:
    """Rank the gold piece: 1 + pieces above it + half of the others tied with it. Needs no sorting.

    Args:
        logits: float32, finite. Shape: [..., V].
        gold: Shape: [...].

    Returns:
        Ranks from 1 to V. Shape: [...], float64.

    Raises:
        NotFiniteError: A logit is NaN or infinite.
    """
    if not bool(_finite(logits).all()):
        raise NotFiniteError("a logit is not finite")
    return _count_rank(logits, gold)


def _finite(logits: Tensor) -> Tensor:
    """Tell of each row whether all its logits are finite. [..., V] -> [...]."""
    # A sum is finite only where all its terms are; where it is not, it may have overflowed.
    finite = torch.isfinite(logits.sum(-1))
    return finite if bool(finite.all()) else torch.isfinite(logits).all(-1)


def _count_rank(logits: Tensor, gold: Tensor) -> Tensor:
    n_words = logits.shape[-1]
    rows, own = logits.reshape(-1, n_words), logits.gather(-1, gold[..., None]).reshape(-1, 1)
    # Of V pieces A stand above gold, T are tied with it (itself among them) and V − A − T below, so the signs of the
    # differences sum to 2A + T − V, and 1 + A + (T − 1) / 2 is half of V + 1 more than that. One pass, in the cache.
    size = len(rows) if logits.is_cuda else max(1, _IN_CACHE // n_words)
    signs = [(rows[i : i + size] - own[i : i + size]).sign_().sum(-1) for i in range(0, len(rows), size)]
    total = torch.cat(signs) if signs else own.new_zeros(0)
    return 0.5 * (n_words + 1 + total.double().reshape(gold.shape))


def score_pieces(logits: Tensor, gold: Tensor) -> PieceScores:
    """Score logits against the gold pieces; see `rank_of_gold`."""
    if not bool(_finite(logits).all()):
        raise NotFiniteError("a logit is not finite")
    return PieceScores(*(x.cpu().numpy() for x in _score(logits, gold)))


def _score(logits: Tensor, gold: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the fields of `PieceScores`. Logits: [..., V], gold: [...] -> [...], float64."""
    rank = _count_rank(logits, gold)
    own = logits.gather(-1, gold[..., None])[..., 0]
    nll = torch.logsumexp(logits, -1).double() - own.double()
    return 1.0 / rank, (rank == 1.0).double(), nll


@torch.no_grad()
def score_models(stack: BertStack, masks: TestMasks, n_rows: int = 32) -> list[PieceScores | None]:
    """Score the models of a stack on the same stored masks: no dropout, no gradients, all of the text.

    The logits of all pieces that the models know stand for a few hundred masked pieces at a time.

    Args:
        stack: Models, in float32.
        masks: Masks of the recipient's test text.
        n_rows: Rows in a batch; changes nothing but memory.

    Returns:
        Scores of each model; None where a logit was NaN or infinite. Shape: [K].
    """
    n_models, n_masked = stack.n_models, len(masks.gold)
    found = torch.zeros(3, n_models, n_masked, dtype=torch.float64, device=stack.device)
    finite = torch.ones(n_models, dtype=torch.bool, device=stack.device)
    size = chunk_size(n_models, stack.weights[WORDS].shape[1], stack.device)
    for masked, batch in masks.batches(n_rows):
        hidden, gold = hidden_of(stack, batch), for_each(stack, batch, batch.gold)
        for first in range(0, len(batch.gold), size):
            part = slice(first, first + size)
            logits = stack.predict(hidden[:, part])
            finite &= _finite(logits).all(-1)
            found[:, :, masked][:, :, part] = torch.stack(_score(logits, gold[:, part]))
    scores = found.cpu().numpy()
    return [PieceScores(*scores[:, model]) if ok else None for model, ok in enumerate(finite.tolist())]


def score_unigram(masks: TestMasks, counts: Floats) -> PieceScores:
    """Score the unigram distribution of a training text: the same guess for every mask, the pieces by frequency.

    Args:
        masks: Masks of the test text.
        counts: How often each piece stands in the training text. Shape: [V].
    """
    smoothed = torch.from_numpy((counts + 1.0) / (counts + 1.0).sum())
    distinct, where = np.unique(masks.gold, return_inverse=True)
    logits = smoothed.log()[None].expand(len(distinct), -1)
    scores = score_pieces(logits, torch.from_numpy(distinct))
    return PieceScores(scores.reciprocal_rank[where], scores.correct[where], scores.nll[where])


def unit_sums(scores: PieceScores, masks: TestMasks, metric: str) -> tuple[Floats, Floats]:
    """Sum a metric over each paragraph.

    Returns:
        Sum and count of each paragraph that has a mask; their totals' quotient is the score. The count of
        bits per byte is bytes. Shape: [n_units] each, in the order of `np.unique(masks.unit)`.
    """
    values = {
        "mrr": scores.reciprocal_rank,
        "accuracy": scores.correct,
        "cross_entropy": scores.nll,
        "bits_per_byte": scores.nll / np.log(2.0),
    }[metric]
    weights = masks.n_bytes.astype(np.float64) if metric == "bits_per_byte" else np.ones(len(values))
    _, unit = np.unique(masks.unit, return_inverse=True)
    sums: Floats = np.bincount(unit, values).astype(np.float64)
    counts: Floats = np.bincount(unit, weights).astype(np.float64)
    return sums, counts


def ratio_with_error(sums: Floats, counts: Floats) -> tuple[float, float]:
    """Return Σ sums / Σ counts and its standard error, paragraphs being the independent units.

    The error is that of a ratio estimator with clusters of unequal size, by linearisation; NaN for one unit.
    """
    total = counts.sum()
    value = float(sums.sum() / total)
    n_units = len(sums)
    if n_units < 2:
        return value, float("nan")
    residual = sums - value * counts
    return value, float(np.sqrt(n_units / (n_units - 1) * (residual**2).sum()) / total)


def health_of(model: PieceScores, unigram: PieceScores, masks: TestMasks) -> tuple[str, float]:
    """Compare a model's MRR with that of the unigram distribution on the same masks.

    Returns:
        `healthy` where it is better by three standard errors of the paired difference, else `unhealthy`; and
        the difference in standard errors.
    """
    better = PieceScores(model.reciprocal_rank - unigram.reciprocal_rank, model.correct, model.nll)
    value, error = ratio_with_error(*unit_sums(better, masks, "mrr"))
    if not error > 0.0:  # one paragraph, or a model that is the unigram distribution
        return ("unhealthy", 0.0)
    z = value / error
    return ("healthy" if z >= HEALTHY_Z else "unhealthy"), z

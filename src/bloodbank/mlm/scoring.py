"""Scores of a model on stored masks: MRR, accuracy, cross-entropy and bits per byte (section 4.2, Eq. 3).

Reads `TestMasks` and a model, writes sums per paragraph, from which every score and its standard error follow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bloodbank.mlm.masking import TestMasks
from bloodbank.mlm.model import BertStack

METRICS = ("mrr", "accuracy", "cross_entropy", "bits_per_byte")
HEALTHY_Z = 3.0
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
        logits: float32. Shape: [M, V].
        gold: Shape: [M].

    Returns:
        Ranks from 1 to V. Shape: [M], float64.

    Raises:
        NotFiniteError: A logit is NaN or infinite.
    """
    if not bool(torch.isfinite(logits).all()):
        raise NotFiniteError("a logit is not finite")
    own = logits.gather(1, gold[:, None])
    above = (logits > own).sum(1)
    tied = (logits == own).sum(1) - 1
    return 1.0 + above.double() + 0.5 * tied.double()


def score_pieces(logits: Tensor, gold: Tensor) -> PieceScores:
    """Score logits against the gold pieces; see `rank_of_gold`."""
    logits = logits.float()
    rank = rank_of_gold(logits, gold)
    nll = torch.nn.functional.cross_entropy(logits.double(), gold, reduction="none")
    return PieceScores(*(x.double().cpu().numpy() for x in (1.0 / rank, (rank == 1.0), nll)))


@torch.no_grad()
def score_model(stack: BertStack, masks: TestMasks, n_rows: int = 32) -> PieceScores:
    """Score the first model of a stack on stored masks: no dropout, no gradients, all of the text.

    Args:
        stack: Model.
        masks: Masks of the recipient's test text.
        n_rows: Rows in a batch; changes nothing but memory.

    Raises:
        NotFiniteError: A logit is NaN or infinite.
    """
    parts = []
    for start in range(0, len(masks.ids), n_rows):
        begin, end = np.searchsorted(masks.row, [start, start + n_rows])
        if begin == end:
            continue
        lengths = masks.lengths[start : start + n_rows]
        length = int(lengths.max())
        ids = torch.from_numpy(masks.ids[start : start + n_rows, :length]).to(stack.device)[None]
        present = torch.arange(length)[None] < torch.from_numpy(lengths)[:, None]
        mask = None if bool(present.all()) else present.to(stack.device)[None]
        flat = torch.from_numpy((masks.row[begin:end] - start) * length + masks.position[begin:end])
        logits = stack.logits_at(ids, flat.to(stack.device)[None], mask)[0]
        parts.append(score_pieces(logits, torch.from_numpy(masks.gold[begin:end]).to(stack.device)))
    return PieceScores(
        *(np.concatenate([getattr(part, name) for part in parts]) for name in ("reciprocal_rank", "correct", "nll"))
    )


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

"""Classes that taggers give to words: no dropout, no gradients, all K models at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from bloodbank.downstream.checks import check_rows
from bloodbank.downstream.data import IGNORED, Encoded
from bloodbank.downstream.tagger import class_logits
from bloodbank.downstream.tagging_batches import longest_first, rows_of
from bloodbank.mlm.model import BertStack

Classes = np.ndarray[Any, np.dtype[np.int32]]


@torch.no_grad()
def predict(taggers: BertStack, data: Encoded, n_rows: int = 32) -> list[Classes | None]:
    """Classify the words of rows; gold classes are not looked at.

    Args:
        taggers: Models, see `bloodbank.downstream.tagger.with_classifier`.
        data: Rows of pieces.
        n_rows: Rows in a batch; changes nothing but memory and rounding.

    Returns:
        Of each model the class with the highest logit at the first piece of a word, −100 elsewhere; None where a logit
        was not finite. Shape: [K] of [row, position].

    Raises:
        UsageError: The models cannot read the rows.
    """
    check_rows(data, taggers, "rows to classify")
    n_models = taggers.n_models
    found = np.full((n_models, *data.word.shape), IGNORED, dtype=np.int32)
    finite = torch.ones(n_models, dtype=torch.bool, device=taggers.device)
    first = data.word >= 0
    order = longest_first(data, np.flatnonzero(first.any(axis=1)))
    for start in range(0, len(order), n_rows):
        rows = order[start : start + n_rows]
        batch = rows_of(data, rows, first)
        logits = class_logits(taggers, batch)
        finite &= torch.isfinite(logits).flatten(1).all(1)
        row, position = np.divmod(batch.positions, batch.ids.shape[1])
        found[:, rows[row], position] = logits.argmax(-1).cpu().numpy()
    return [found[model] if ok else None for model, ok in enumerate(finite.tolist())]

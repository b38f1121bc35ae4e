"""Entities in labels, and how many were found: strict IOB2, and XTREME's chunks.

Counts of sentences add up, so that sentences can be drawn again:

    counts = entity_counts(gold, predicted)      # [sentence, (tp, fp, fn)]
    precision_recall_f1(counts.sum(axis=0))
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

Counts = np.ndarray[Any, np.dtype[np.int64]]
Labels = Sequence[Sequence[str]]
Span = tuple[str, int, int]  # type, first word, last word


def strict_entities(labels: Sequence[str]) -> set[Span]:
    """Find the entities of a sentence, B- and the I- of its type that follow, as seqeval does with mode="strict".

    What no B- begins is no entity: an I- behind O or behind another type is passed over, so that a tagger which does
    not learn to begin entities is not paid for it.
    """
    spans = set()
    kind, start = "", 0
    for place, label in enumerate((*labels, "O")):
        if kind and label == f"I-{kind}":
            continue
        if kind:
            spans.add((kind, start, place - 1))
        kind, start = (label[2:], place) if label.startswith("B-") else ("", 0)
    return spans


def xtreme_chunks(labels: Sequence[str]) -> set[Span]:
    """Find chunks as XTREME's scorer does, seqeval 0.0.12, whatever the labels are.

    It reads the first letter of a label as its place in a chunk and what stands behind the hyphen, or the whole label
    where it has none, as its type. So neighbouring words with the same UPOS tag are one chunk, which is right only as a
    whole; but SCONJ and SYM begin with S, which it takes for "single", and are chunks of one word. An entity may begin
    with I-. Later versions of seqeval take the first letter off a label without a hyphen, so that CCONJ and SCONJ are
    the same to them; XTREME is of March 2020 and names no version.

    Source: Hu et al. 2020, `evaluate.py` of google-research/xtreme.
    """
    spans = set()
    before, kind, start = "O", "", 0
    for place, label in enumerate((*labels, "O")):
        letter, now = label[:1], label.rsplit("-", 1)[-1]
        if _ends(before, letter, same=now == kind):
            spans.add((kind, start, place - 1))
        if _starts(before, letter, same=now == kind):
            start = place
        before, kind = letter, now
    return spans


def _ends(before: str, letter: str, *, same: bool) -> bool:
    return before in ("E", "S") or (before in ("B", "I") and letter in ("B", "S", "O")) or (before != "O" and not same)


def _starts(before: str, letter: str, *, same: bool) -> bool:
    return letter in ("B", "S") or (before in ("E", "S", "O") and letter in ("E", "I")) or (letter != "O" and not same)


def entity_counts(
    gold: Labels, predicted: Labels, find: Callable[[Sequence[str]], set[Span]] = strict_entities
) -> Counts:
    """Count the entities that were found (same type, first and last word), invented and missed.

    Shape: [sentence, 3]; counts add up over sentences.
    """
    counts = np.zeros((len(gold), 3), dtype=np.int64)
    for row, labels, guesses in zip(counts, gold, predicted, strict=True):
        wanted, guessed = find(labels), find(guesses)
        n_right = len(wanted & guessed)
        row[:] = n_right, len(guessed) - n_right, len(wanted) - n_right
    return counts


def precision_recall_f1(counts: Counts) -> tuple[float, float, float]:
    """Score summed counts: precision, recall and F1, 0 to 1, higher is better; 0 of nothing, as seqeval has it."""
    n_right, n_invented, n_missed = (int(n) for n in counts)
    return (
        n_right / max(n_right + n_invented, 1),
        n_right / max(n_right + n_missed, 1),
        2 * n_right / max(2 * n_right + n_invented + n_missed, 1),
    )

"""Which characters of each paragraph are judged to be in which language.

Reads paragraphs and the languages that may be in them; writes nothing:

    n_chars = judge_all(paragraphs, candidates, habits, Care(least=1.0, veto=0.9))
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bloodbank.corpus.evidence import Candidates, Reading, evidence
from bloodbank.corpus.identify import subwords
from bloodbank.corpus.switching import Habits, Sheet

Array = np.ndarray[Any, Any]

_CUT_CHARS = 10_000  # longer paragraphs are read in parts
_BATCH_CHARS = 400_000


@dataclass(frozen=True, slots=True)
class Care:
    """How sure one must be.

    Attributes:
        least: Natural logarithm of the likelihood ratio, for a stretch to be judged at all.
        veto: From so much on fastText's word for the own language leaves a foreign stretch unjudged.
    """

    least: float
    veto: float


def judge_all(paragraphs: Sequence[str], candidates: Candidates, habits: Habits, care: Care) -> Array:
    """Count the characters of each paragraph that are judged to be in each language.

    Args:
        paragraphs: What is judged.
        candidates: Languages that may be in it.
        habits: How often the text changes its language.
        care: How sure one must be.

    Returns:
        Characters in the own language, then in each foreign one. Shape: [n_paragraphs, 1 + n_foreign].
    """
    found = np.zeros((len(paragraphs), len(candidates.languages) - candidates.n_own + 1))
    for batch in _batches(list(cut_long(paragraphs))):
        judged = _judge(Reading([text_of(paragraphs, part) for part in batch]), candidates, habits, care, n=len(batch))
        np.add.at(found, [number for number, _, _ in batch], judged)
    return found


def cut_long(paragraphs: Sequence[str]) -> Iterator[tuple[int, int, int]]:
    """Cut paragraphs where they are very long.

    Args:
        paragraphs: Any.

    Returns:
        Of each part the number of its paragraph, its start and its end.
    """
    for number, paragraph in enumerate(paragraphs):
        for start in range(0, len(paragraph), _CUT_CHARS):
            yield number, start, min(start + _CUT_CHARS, len(paragraph))


def text_of(paragraphs: Sequence[str], part: tuple[int, int, int]) -> str:
    """Return the text of a part.

    Args:
        paragraphs: The paragraphs that were cut.
        part: Number of the paragraph, start, end.

    Returns:
        That stretch of the paragraph.
    """
    number, start, end = part
    return paragraphs[number][start:end]


def _batches(parts: list[tuple[int, int, int]]) -> Iterator[list[tuple[int, int, int]]]:
    batch: list[tuple[int, int, int]] = []
    n_chars = 0
    for part in parts:
        batch.append(part)
        n_chars += part[2] - part[1]
        if n_chars >= _BATCH_CHARS:
            yield batch
            batch, n_chars = [], 0
    if batch:
        yield batch


def _judge(reading: Reading, candidates: Candidates, habits: Habits, care: Care, *, n: int) -> Array:
    """Judge stretches of words of one language: whether there is evidence enough, and no veto."""
    passages, n_own = reading.passages, candidates.n_own
    result = np.zeros((n, 1 + len(candidates.languages) - n_own))
    if not passages.words:
        return result
    weighed = evidence(reading, candidates)
    state = _states(Sheet(weighed, passages.ends).posteriors(habits)[0], n_own)
    begins = np.diff(state, prepend=-1) != 0
    begins[passages.ends[:-1]] = True
    starts = np.flatnonzero(begins)
    held = state[starts]
    judged = _margins(np.add.reduceat(weighed, starts, axis=0), held, n_own) >= care.least
    ends = np.append(starts[1:], len(state))
    for place in np.flatnonzero(judged & (held > 0)).tolist():
        probabilities = subwords().probabilities(passages.text(int(starts[place]), int(ends[place])), 0.05)
        judged[place] = sum(probabilities.get(label, 0.0) for label in candidates.own.labels) < care.veto
    n_chars = np.add.reduceat(passages.n_chars, starts)
    text = np.repeat(passages.source, np.diff(passages.ends, prepend=0))[starts]
    np.add.at(result, (text[judged], held[judged]), n_chars[judged])
    return result


def _states(posterior: Array, n_own: int) -> Array:
    """Return for each word 0 for the own language, or 1 + the number of the likeliest foreign one. Shape: [n_words]."""
    own = posterior[:, :n_own].sum(1)
    if posterior.shape[1] == n_own:
        return np.zeros(len(own), np.int64)
    return np.asarray(np.where(own >= 0.5, 0, posterior[:, n_own:].argmax(1) + 1))


def _margins(total: Array, held: Array, n_own: int) -> Array:
    """Return by how much the evidence for what a stretch is held to be exceeds the evidence against it."""
    mine, others = total[:, :n_own].max(1), total[:, n_own:]
    if not others.shape[1]:
        return np.full(len(held), np.inf)
    foreign = others[np.arange(len(held)), np.maximum(held - 1, 0)]
    return np.asarray(np.where(held == 0, mine - others.max(1), foreign - mine))

"""Which words of a text are in which language, where it may change its language at any word; a hidden Markov model.

n_chars = judge_all(paragraphs, candidates, switching, Thresholds(least=1.0, veto=0.9))
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bloodbank.corpus.foreign.evidence import Candidates, Reading, evidence
from bloodbank.corpus.foreign.identifiers import subwords

Array = np.ndarray[Any, Any]

_CUT_CHARS = 10_000  # longer paragraphs are read in parts
_BATCH_CHARS = 400_000
_N_ROUNDS = 12  # of expectation maximisation; shares change by less than a thousandth after eight
_SWITCH_START, _SWITCH_RANGE = 0.02, (0.001, 0.3)
_FOREIGN_START = 0.1
_PRIOR_COUNT = 0.01  # so that no share becomes zero


@dataclass(frozen=True, slots=True)
class Thresholds:
    """How sure one must be.

    Attributes:
        least: Natural logarithm of the likelihood ratio, for a stretch to be judged at all.
        veto: From so much on fastText's word for the own language leaves a foreign stretch unjudged.
    """

    least: float
    veto: float


@dataclass(frozen=True)
class SwitchModel:
    """How a text uses its languages.

    Attributes:
        shares: Probability that a passage, or what follows a change, is in each language. Shape: [n_languages].
        switch: Probability that a language is drawn anew before a word.
    """

    shares: Array
    switch: float


def start_model(n_languages: int, n_own: int, foreign: float) -> SwitchModel:
    """Return a model with a given share of foreign text, all foreign languages alike.

    Args:
        n_languages: Number of languages.
        n_own: So many of them, the first, are the text's own.
        foreign: Share of the others together.
    """
    n_foreign = n_languages - n_own
    own = np.full(n_own, (1 - foreign if n_foreign else 1.0) / n_own)
    return SwitchModel(np.concatenate([own, np.full(n_foreign, foreign / max(n_foreign, 1))]), _SWITCH_START)


def judge_all(
    paragraphs: Sequence[str], candidates: Candidates, switching: SwitchModel, thresholds: Thresholds
) -> Array:
    """Count the characters of each paragraph that are judged to be in each language.

    Args:
        paragraphs: What is judged.
        candidates: Languages that may be in it.
        switching: How often the text changes its language.
        thresholds: How sure one must be.

    Returns:
        Characters in the own language, then in each foreign one. Shape: [n_paragraphs, 1 + n_foreign].
    """
    n_chars = np.zeros((len(paragraphs), len(candidates.languages) - candidates.n_own + 1))
    for batch in _batches(list(cut_long(paragraphs))):
        judged = _judge(
            Reading([text_of(paragraphs, part) for part in batch]), candidates, switching, thresholds, n=len(batch)
        )
        np.add.at(n_chars, [number for number, _, _ in batch], judged)
    return n_chars


def cut_long(paragraphs: Sequence[str]) -> Iterator[tuple[int, int, int]]:
    """Cut paragraphs where they are very long; yield the number of the paragraph, start and end of each part."""
    for number, paragraph in enumerate(paragraphs):
        for start in range(0, len(paragraph), _CUT_CHARS):
            yield number, start, min(start + _CUT_CHARS, len(paragraph))


def text_of(paragraphs: Sequence[str], part: tuple[int, int, int]) -> str:
    """Return the text of a part, as `cut_long` gave it."""
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


def _judge(
    reading: Reading, candidates: Candidates, switching: SwitchModel, thresholds: Thresholds, *, n: int
) -> Array:
    """Judge stretches of words of one language: whether there is evidence enough, and no veto."""
    passages, n_own = reading.passages, candidates.n_own
    result = np.zeros((n, 1 + len(candidates.languages) - n_own))
    if not passages.words:
        return result
    weighed = evidence(reading, candidates)
    state = _states(Lattice(weighed, passages.ends).posteriors(switching)[0], n_own)
    begins = np.diff(state, prepend=-1) != 0
    begins[passages.ends[:-1]] = True
    starts = np.flatnonzero(begins)
    held = state[starts]
    judged = _margins(np.add.reduceat(weighed, starts, axis=0), held, n_own) >= thresholds.least
    ends = np.append(starts[1:], len(state))
    for place in np.flatnonzero(judged & (held > 0)).tolist():
        probabilities = subwords().probabilities(passages.text(int(starts[place]), int(ends[place])), 0.05)
        judged[place] = sum(probabilities.get(label, 0.0) for label in candidates.own.labels) < thresholds.veto
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


class Lattice:
    """The evidence of many passages, laid out for the recursions: by place in the passage, longest passages first.

    Attributes:
        likelihood: Relative likelihood of each word in each language. Shape: [n_steps, n_passages, n_languages].
        alive: Number of passages that have a word at each step. Shape: [n_steps].
    """

    def __init__(self, evidence: Array, ends: Array) -> None:
        starts = np.concatenate([[0], ends[:-1]])
        lengths = ends - starts
        order = np.argsort(-lengths, kind="stable")
        steps = np.arange(int(lengths.max(initial=0)))
        self.alive = np.searchsorted(-lengths[order], -steps, side="left").tolist()
        self._at = [starts[order[:n]] + step for step, n in zip(steps.tolist(), self.alive, strict=True)]
        self._n_words = len(evidence)
        relative = np.exp(evidence - evidence.max(1, keepdims=True, initial=-np.inf)).astype(np.float32)
        self.likelihood = [relative[at] for at in self._at]

    def posteriors(self, switching: SwitchModel) -> tuple[Array, Array]:
        """Work out the probability of each language at each word, by the forward and backward recursions.

        Returns:
            The probabilities, and how often each language is expected to have been drawn.
            Shape: [n_words, n_languages], [n_languages].
        """
        shares, stay = switching.shares.astype(np.float32), np.float32(1 - switching.switch)
        drawn = np.float32(switching.switch) * shares
        forward: list[Array] = []
        scales: list[Array] = []
        for step, likelihood in enumerate(self.likelihood):
            prior = stay * forward[-1][: len(likelihood)] + drawn if step else shares
            joint = likelihood * prior
            scales.append(joint.sum(1, keepdims=True))
            forward.append(joint / scales[-1])
        posterior = np.zeros((self._n_words, len(shares)), np.float32)
        n_drawn = np.zeros(len(shares))
        backward = np.ones((0, len(shares)), np.float32)
        for step in range(len(forward) - 1, -1, -1):
            current = np.ones_like(forward[step])
            if len(backward):
                ahead = self.likelihood[step + 1] * backward / scales[step + 1]
                anew = ahead * drawn
                n_drawn += anew.sum(0, dtype=np.float64)
                current[: len(ahead)] = stay * ahead + anew.sum(1, keepdims=True)
            here = forward[step] * current
            posterior[self._at[step]] = here
            backward = current
        if forward:
            n_drawn += here.sum(0, dtype=np.float64)
        return posterior, n_drawn

    def learn(self, n_own: int) -> SwitchModel:
        """Find the model that makes the evidence likeliest, from mostly own text.

        Args:
            n_own: So many languages, the first, are the text's own.
        """
        n_languages = self.likelihood[0].shape[1] if self.likelihood else n_own
        switching = start_model(n_languages, n_own, _FOREIGN_START)
        n_changes = max(self._n_words - (self.alive[0] if self.alive else 0), 1)
        for _ in range(_N_ROUNDS if self.likelihood else 0):
            n_drawn = self.posteriors(switching)[1]
            switch = np.clip((n_drawn.sum() - self.alive[0]) / n_changes, *_SWITCH_RANGE)
            switching = SwitchModel((n_drawn + _PRIOR_COUNT) / (n_drawn + _PRIOR_COUNT).sum(), float(switch))
        return switching

"""Which words of a text are in which language, where a text may change its language at any word.

Pure functions of numbers: a hidden Markov model whose states are languages. At each word the text either goes on in its
language or, with a small probability, draws a language anew; how often it does, and how often each language is drawn,
is what the text itself makes likeliest (expectation maximisation). So a text without foreign words asks for much
evidence before a word counts as foreign, and one that is half foreign asks for as much on either side: the share is not
pulled towards what was expected.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

_N_ROUNDS = 12  # of expectation maximisation; shares change by less than a thousandth after eight
_SWITCH_START, _SWITCH_RANGE = 0.02, (0.001, 0.3)
_FOREIGN_START = 0.1
_PRIOR_COUNT = 0.01  # so that no share becomes zero


@dataclass(frozen=True)
class Habits:
    """How a text uses its languages.

    Attributes:
        shares: Probability that a passage, or what follows a change, is in each language. Shape: [n_languages].
        switch: Probability that a language is drawn anew before a word.
    """

    shares: Array
    switch: float


class Sheet:
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

    def posteriors(self, habits: Habits) -> tuple[Array, Array]:
        """Work out the probability of each language at each word, by the forward and backward recursions.

        Returns:
            The probabilities, and how often each language is expected to have been drawn.
            Shape: [n_words, n_languages], [n_languages].
        """
        shares, stay = habits.shares.astype(np.float32), np.float32(1 - habits.switch)
        drawn = np.float32(habits.switch) * shares
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

    def learn(self, n_own: int) -> Habits:
        """Find the habits that make the evidence likeliest, from mostly own text.

        Args:
            n_own: So many languages, the first, are the text's own.
        """
        n_languages = self.likelihood[0].shape[1] if self.likelihood else n_own
        habits = start_habits(n_languages, n_own, _FOREIGN_START)
        n_changes = max(self._n_words - (self.alive[0] if self.alive else 0), 1)
        for _ in range(_N_ROUNDS if self.likelihood else 0):
            n_drawn = self.posteriors(habits)[1]
            switch = np.clip((n_drawn.sum() - self.alive[0]) / n_changes, *_SWITCH_RANGE)
            habits = Habits((n_drawn + _PRIOR_COUNT) / (n_drawn + _PRIOR_COUNT).sum(), float(switch))
        return habits


def start_habits(n_languages: int, n_own: int, foreign: float) -> Habits:
    """Return habits with a given share of foreign text, all foreign languages alike.

    Args:
        n_languages: Number of languages.
        n_own: So many of them, the first, are the text's own.
        foreign: Share of the others together.
    """
    n_foreign = n_languages - n_own
    own = np.full(n_own, (1 - foreign if n_foreign else 1.0) / n_own)
    return Habits(np.concatenate([own, np.full(n_foreign, foreign / max(n_foreign, 1))]), _SWITCH_START)

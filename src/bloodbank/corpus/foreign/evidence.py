"""What each word says about the languages that a text may be in, and which languages those are.

Reads the words of some text (`words`) and the two identifiers (`identifiers`); all evidence is in natural logarithms of
likelihood ratios against the text's own language.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from bloodbank.corpus.foreign.identifiers import BAYES, bayes, knowing, own_labels, scripts_of, subwords
from bloodbank.corpus.foreign.words import read_passages
from bloodbank.corpus.scripts import NO_SCRIPT
from bloodbank.languages import all_languages

Array = np.ndarray[Any, Any]

UNDETERMINED = "und-"
"""With a script, the code of text in that script of which no more is known."""

# Chosen on translations of user interfaces in 60 languages (Home Assistant, Django, Plone), no help books among them.
# Places in a word overlap, so their sum says too much: 0.3 is what a logistic regression gives, for one word as for
# six, in each of nine pairs. The limits keep one name or loan word from outweighing the words around it. The weak one
# was looked at on treebanks in twelve languages, which are full of names: at 6 at most 0.2% of their characters are
# called foreign, without it 0.6%; at 3 short foreign pieces within lines are missed more often.
_WEIGHT = 0.3
_LIMIT, _LIMIT_WEAK = 12.0, 6.0  # before weighting
_UNDETERMINED_LOSS = 3.0  # per word, against the best of the languages in that script

_WINDOW = 8  # words
_LEAST_MARGIN = 3.0
_LEAST_PROBABILITY = 0.5
_AT_ONCE = 100_000  # features


@dataclass(frozen=True)
class Own:
    """What is known about the language that a text should be in.

    Attributes:
        language: Its code.
        labels: Labels that count as it.
        scripts: Scripts that it is written in.
        identifiers: Names of the identifiers that know it.
        has_own_script: No other language of the table is written in its script.
    """

    language: str
    labels: tuple[str, ...]
    scripts: frozenset[str]
    identifiers: tuple[str, ...]
    has_own_script: bool

    @classmethod
    def of(cls, language: str) -> Own:
        """Look up what is known about a language."""
        scripts = scripts_of(language)
        alone = bool(scripts) and not any(
            scripts & scripts_of(other.code) for other in all_languages() if other.code != language
        )
        known = knowing(language) if scripts else ()
        return cls(language, own_labels(language), scripts, known, alone)


class Candidates:
    """The languages that a text is compared in: its own first, then those that may be foreign to it.

    Attributes:
        languages: Codes; the text's own may stand there several times, once for each class of py3langid.
        n_own: So many are the text's own.
        scripts: Scripts of each.
        columns: Class of py3langid; -1 for none.
        weights: Of these classes. Shape: [n_features, n_languages].
    """

    def __init__(self, own: Own, foreign: Sequence[str]) -> None:
        classes = bayes().languages
        mine = [place for place, code in enumerate(classes) if code in own.labels] if BAYES in own.identifiers else [-1]
        others = [(code, place) for code in foreign for place in _places(classes, code)]
        self.own = own
        self.languages = (*[own.language] * len(mine), *(code for code, _ in others))
        self.n_own = len(mine)
        self.scripts = [own.scripts] * len(mine) + [_scripts(code) for code, _ in others]
        self.columns = np.array([*mine, *(place for _, place in others)])

    @cached_property
    def weights(self) -> Array:
        """Weights of py3langid's features for each of the languages. Shape: [n_features, n_languages]."""
        weights = bayes().weights[:, self.columns].astype(np.float32)
        weights[:, self.columns < 0] = 0.0
        return weights


class Reading:
    """The words of some text, with the features that py3langid finds in them.

    Attributes:
        passages: The words.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self.passages = read_passages(texts)
        words = self.passages.words
        places, self._features = bayes().find(self.passages.texts())
        is_last = np.zeros(len(words), np.int64)
        is_last[self.passages.ends - 1] = 1
        before_space = np.array([word.startswith(b" ") for word in words[1:]] + [False], np.int64)[: len(words)]
        # How a word ends is seen at the space behind it, which is stored with the next word, or ends the passage. Given
        # to the next word, this evidence moved every change of language one word on.
        ends = np.cumsum([len(word) for word in words]) + np.cumsum(is_last) + before_space * (1 - is_last)
        self._word = np.searchsorted(ends, places, side="right")

    @cached_property
    def number(self) -> Array:
        """Number of each word in its passage. Shape: [n_words]."""
        ends = self.passages.ends
        starts = np.concatenate([[0], ends[:-1]])
        return np.asarray(np.arange(len(self.passages.words)) - np.repeat(starts, ends - starts))

    def groups(self, n_words: int) -> tuple[Array, Array]:
        """Group words by so many in a row, passage by passage.

        Returns:
            Group of each word, and first word of each group, with the number of words at the end.
        """
        firsts = np.flatnonzero(self.number % n_words == 0)
        group = np.cumsum(self.number % n_words == 0) - 1
        return group, np.append(firsts, len(self.passages.words))

    def sums(self, weights: Array, group: Array | None = None, n_groups: int = 0) -> Array:
        """Sum the weights of features over groups of words, or over words. Shape: [n_groups, n_classes]."""
        owners = self._word if group is None else group[self._word]
        result = np.zeros((len(self.passages.words) if group is None else n_groups, weights.shape[1]), np.float32)
        for at in range(0, len(owners), _AT_ONCE):
            some = owners[at : at + _AT_ONCE]
            starts = np.flatnonzero(np.diff(some, prepend=-1))
            those = weights[self._features[at : at + _AT_ONCE]]
            result[some[starts]] += np.add.reduceat(those, starts, dtype=np.float32)
        return result


def evidence(reading: Reading, candidates: Candidates) -> Array:
    """Weigh every word for and against every candidate; zero for the text's own language.

    Text in a script of its own needs no identifier: a word in another script than the language's is as much evidence
    as any word can be, and a word in the language's script as much against languages of other scripts.

    Returns:
        Shape: [n_words, n_candidates].
    """
    passages, n_own = reading.passages, candidates.n_own
    scores = _WEIGHT * reading.sums(candidates.weights)
    strong = _WEIGHT * np.where(passages.is_weak, _LIMIT_WEAK, _LIMIT).astype(np.float32)[:, None]
    result = np.clip(scores - scores[:, :n_own].max(1, keepdims=True), -strong, strong)
    for place, script in enumerate(passages.scripts):
        if script in NO_SCRIPT:
            continue
        rows = np.flatnonzero(passages.script == place)
        fits = np.array([script in scripts for scripts in candidates.scripts])
        if fits[:n_own].any():
            result[np.ix_(rows, ~fits)] = -strong[rows]
        else:
            result[rows] = _foreign_script(scores[rows], strong[rows], fits, candidates.columns)
    return np.asarray(result)


def _foreign_script(scores: Array, strong: Array, fits: Array, columns: Array) -> Array:
    """Weigh words in a foreign script: all evidence for the best language in that script, less for the others."""
    result = np.zeros_like(scores)
    known = fits & (columns >= 0)
    if known.any():
        best = scores[:, known].max(1, keepdims=True)
        result[:, known] = strong + np.maximum(scores[:, known] - best, -strong)
    loss = _WEIGHT * _UNDETERMINED_LOSS if known.any() else 0.0
    result[:, fits & (columns < 0)] = np.maximum(strong - loss, 0.0)
    return result


def suggestions(reading: Reading, own: Own) -> Iterator[tuple[int, str]]:
    """Find stretches of eight words that both identifiers call the same foreign language.

    A stretch in another script than the language's, of which they say different things, is in `und-` and that script.

    Yields:
        Number of the text, and code of the language.
    """
    model, passages = bayes(), reading.passages
    group, firsts = reading.groups(_WINDOW)
    n_groups = len(firsts) - 1
    scores = _WEIGHT * reading.sums(model.weights, group, n_groups)
    mine = [place for place, code in enumerate(model.languages) if code in own.labels]
    scores[:, [place for place, code in enumerate(model.languages) if not code]] = -np.inf
    likeliest = scores.argmax(1)
    margin = scores.max(1) - scores[:, mine].max(1) if mine else np.full(n_groups, np.inf)
    foreign_script = np.array([not own.scripts & {script} and script not in NO_SCRIPT for script in passages.scripts])
    n_foreign_script = np.bincount(group, foreign_script[passages.script] if len(group) else None, n_groups)
    elsewhere = 2 * n_foreign_script > np.diff(firsts)
    suspect = (margin > _LEAST_MARGIN) & ~np.isin(likeliest, mine) & (bool(own.identifiers) | elsewhere) | elsewhere
    text_of = np.repeat(passages.source, np.diff(passages.ends, prepend=0))
    for place in np.flatnonzero(suspect).tolist():
        start, end = int(firsts[place]), int(firsts[place + 1])
        language = model.languages[likeliest[place]]
        other, probability = subwords().likeliest(passages.text(start, end))
        if other in own_labels(language) and language not in own.labels and probability >= _LEAST_PROBABILITY:
            yield int(text_of[start]), language
        elif elsewhere[place]:
            scripts = passages.script[start:end][foreign_script[passages.script[start:end]]]
            yield int(text_of[start]), UNDETERMINED + passages.scripts[np.bincount(scripts).argmax()]


def _places(classes: Sequence[str], code: str) -> list[int]:
    return [place for place, other in enumerate(classes) if other == code] or [-1]


def _scripts(code: str) -> frozenset[str]:
    return frozenset({code.removeprefix(UNDETERMINED)}) if code.startswith(UNDETERMINED) else scripts_of(code)

"""Does the training text of one language hold translations of another's test text?

Reads lines of two texts, or the sketches of them that an audit keeps; writes sketches. Whatever `parallel` says, this
is measured for every ordered pair: a donor that was trained on a translation of what its recipient is scored on helps
for that reason.

    leak = find_translations(sketch(finnish_test), sketch(english_train))
    leak.share, leak.score, leak.chance

A paragraph and its translation are about equally long, end alike (as a sentence, a heading, a list's beginning) and
share what nobody translates (`anchors`); and translations follow each other in one order. So the two texts are aligned
as sequences are in biology: every pair of paragraphs has a score, the logarithm of how much likelier it is under
translation than by chance; a run collects scores, pays for paragraphs that only one text has, and ends where it no
longer pays. What the same text gives when it is read backwards, where no run can be a translation, says how high a
score chance reaches; a run counts where it is well above that.

Source:
    Lengths: Gale and Church (1993). Runs: Smith and Waterman (1981).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bloodbank.corpus.anchors import Anchors, Numbers, anchors_of
from bloodbank.corpus.build import PARTS, build_corpus, read_part
from bloodbank.corpus.parallel import Pivot
from bloodbank.corpus.sources.source import Source
from bloodbank.corpus.splitting import comparable
from bloodbank.experiment.settings import CorpusSettings

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float32]]
Bytes = np.ndarray[tuple[int, ...], np.dtype[np.int8]]

# Chosen on the help books of 12 languages held out by share of length: of 127 pairs of texts without translations none
# had a run above 1.6 times what backwards gives, the five with translations had 3.3 times and more.
LEAST_SCORE, TIMES_CHANCE = 30.0, 2.0  # nats
_GAP = 2.5  # nats that a paragraph without a partner costs; with 1.5, runs by chance reach twice the length
_LEAST, _MOST = -4.0, 2.5  # bounds of what two lengths can say: an odd paragraph may not end a run of a hundred
_VARIANCE, _VARIANCE_A_CHAR = 0.03, 5.0  # of the logarithm of two lengths that translate each other
_ALIKE = 0.9  # translations that end as their original does
_RARE, _WEIGHT, _MOST_ANCHORS = 1 / 200, 0.7, 8.0  # of the lines; texts on one subject share names without translation
_MOST_CELLS, _WINDOW = 20_000_000, 128  # of two texts compared; beyond, windows of test text are looked at
_MOST_RUNS, _MOST_ROUNDS = 20, 10
_SENTENCE, _COLON, _OTHER = range(3)
_SENTENCE_ENDS = tuple(".!?;\u2026\u3002\uff0e\uff01\uff1f\u0964\u061f\u06d4")  # of Chinese, Hindi, Arabic, Urdu, too
_COLON_ENDS, _CLOSING = (":", "\uff1a"), " \"'\u201d\u2019\u00bb)\uff09\u300d\u300f]"


@dataclass(frozen=True, eq=False)
class Sketch:
    """What is compared of a text.

    Attributes:
        lengths: Logarithm of the characters of each line. Shape: [n_lines].
        ends: How each line ends. Shape: [n_lines].
        anchors: What marks places in it.
    """

    lengths: Floats
    ends: Bytes
    anchors: Anchors

    def __len__(self) -> int:
        """Count the lines."""
        return len(self.lengths)

    def write(self, folder: Path, name: str) -> None:
        """Write its arrays, `NAME.*.npy`."""
        self.anchors.write(folder, name)
        np.save(folder / f"{name}.lengths.npy", self.lengths)
        np.save(folder / f"{name}.ends.npy", self.ends)

    @classmethod
    def read(cls, folder: Path, name: str) -> Sketch:
        """Read what `write` wrote."""
        lengths, ends = (np.load(folder / f"{name}.{what}.npy", allow_pickle=False) for what in ("lengths", "ends"))
        return cls(lengths, ends, Anchors.read(folder, name))


@dataclass(frozen=True, eq=False)
class Leak:
    """Translations of one text in another.

    Attributes:
        share: Of the paragraphs looked at, those within runs that are translations, from 0 to 1.
        score: Of the best run, in nats.
        chance: What the best run of the text read backwards reaches.
        n_paragraphs: How many were looked at.
        train_lines: First and last line of each run in the training text, both included.
    """

    share: float
    score: float
    chance: float
    n_paragraphs: int
    train_lines: list[tuple[int, int]] = field(default_factory=list)


def sketch(lines: Iterable[str]) -> Sketch:
    """Note of a text what is compared."""
    kept = list(lines)
    lengths = np.log([max(1, len(line)) for line in kept]).astype(np.float32)
    return Sketch(lengths, np.array([_end(line) for line in kept], dtype=np.int8), anchors_of(kept))


def _end(line: str) -> int:
    bare = line.rstrip(_CLOSING)
    return _SENTENCE if bare.endswith(_SENTENCE_ENDS) else _COLON if bare.endswith(_COLON_ENDS) else _OTHER


def find_translations(test: Sketch, train: Sketch) -> Leak:
    """Find the runs of test text that stand, translated and in order, in a training text.

    Args:
        test: Test text of one language.
        train: Training text of another.
    """
    if not len(test) or not len(train):
        return Leak(0.0, 0.0, 0.0, len(test))
    windows = _windows(len(test), len(train))
    n_looked_at = sum(map(len, windows))
    pairs = [_Pairs(test, train, window) for window in windows]
    ratio = _length_ratio(pairs, float(train.lengths.mean() - test.lengths.mean()))
    chance = max(_best_run(one.scores(ratio)[::-1])[0] for one in pairs)
    limit = max(LEAST_SCORE, TIMES_CHANCE * chance)
    n_found, best, lines = 0, 0.0, []
    for one in pairs:
        scores, left = one.scores(ratio), np.ones(len(one), dtype=bool)
        for _ in range(_MOST_RUNS):
            score, run = _best_run(scores)
            best = max(best, score)
            if score < limit:
                break
            rows = slice(int(run[0, 0]), int(run[-1, 0]) + 1)
            left[rows], scores[rows] = False, -np.inf
            lines.append((int(run[0, 1]), int(run[-1, 1])))
        n_found += int((~left).sum())
    return Leak(n_found / n_looked_at, best, chance, n_looked_at, lines)


def _windows(n_test: int, n_train: int) -> list[Numbers]:
    """Return the test lines that are looked at: all, or evenly spread windows where the texts are large."""
    if n_test * n_train <= _MOST_CELLS or n_test <= _WINDOW:
        return [np.arange(n_test)]
    n_windows = max(1, _MOST_CELLS // (n_train * _WINDOW))
    return [np.arange(first, first + _WINDOW) for first in np.linspace(0, n_test - _WINDOW, n_windows).astype(int)]


class _Pairs:
    """The scores of all pairs of some test lines with the training lines. Shape of scores: [test line, train line]."""

    def __init__(self, test: Sketch, train: Sketch, rows: Numbers) -> None:
        self._test, self._train = test.lengths[rows], train.lengths
        self._fixed = _of_ends(test.ends[rows], train.ends) + _of_anchors(test.anchors, train.anchors, rows)

    def __len__(self) -> int:
        return len(self._test)

    def scores(self, ratio: float) -> Floats:
        """Score all pairs, where translations are longer by a factor, given as its logarithm."""
        scores: Floats = self._fixed + _of_lengths(self._test, self._train, ratio)
        return scores

    def ratio_along(self, run: Numbers) -> float:
        """Return the median of how much longer training lines are along a run."""
        return float(np.median(self._train[run[:, 1]] - self._test[run[:, 0]]))


def _of_lengths(test: Floats, train: Floats, ratio: float) -> Floats:
    away = train[None, :] - test[:, None] - np.float32(ratio)
    shorter = np.minimum(test[:, None], train[None, :] - np.float32(ratio))
    variance = _VARIANCE + _VARIANCE_A_CHAR * np.exp(-shorter)
    mean, spread = float(train.mean()), max(float(train.std()), 0.1)
    as_translation = -0.5 * away**2 / variance - 0.5 * np.log(variance)
    by_chance = -0.5 * ((train - mean) / spread) ** 2 - np.log(spread)
    scores: Floats = np.clip(as_translation - by_chance[None, :], _LEAST, _MOST).astype(np.float32)
    return scores


def _of_ends(test: Bytes, train: Bytes) -> Floats:
    shares = np.array([(train == kind).mean() for kind in (_SENTENCE, _COLON, _OTHER)]).clip(1e-3, 1 - 1e-3)
    alike, unlike = np.minimum(np.log(_ALIKE / shares), 2.0), np.log((1 - _ALIKE) / (1 - shares))
    scores: Floats = np.where(test[:, None] == train[None, :], alike[train][None, :], unlike[test][:, None])
    return scores.astype(np.float32)


def _of_anchors(test: Anchors, train: Anchors, rows: Numbers) -> Floats:
    """Add, for each word that two lines share, how rare it is in the training text."""
    scores = np.zeros((len(rows), train.n_lines), dtype=np.float32)
    words, counts = np.unique(train.words, return_counts=True)
    rare = words[counts <= max(2, _RARE * train.n_lines)]
    places: dict[int, list[int]] = {}
    known = train.only(rare)
    for word, line in zip(known.words.tolist(), known.lines.tolist(), strict=True):
        places.setdefault(word, []).append(line)
    first, last = np.searchsorted(test.lines, (rows[0], rows[-1] + 1)).tolist()
    for word, line in zip(test.words[first:last].tolist(), test.lines[first:last].tolist(), strict=True):
        if word in places:
            scores[line - rows[0], places[word]] += _WEIGHT * np.log(train.n_lines / len(places[word]))
    return np.minimum(scores, _MOST_ANCHORS)


def _length_ratio(pairs: list[_Pairs], ratio: float) -> float:
    """Learn from the best run how much longer translations are: the two texts as wholes may be of unlike kinds."""
    best = max(((*_best_run(one.scores(ratio)), one) for one in pairs), key=lambda found: found[0])
    _, run, one = best
    return one.ratio_along(run) if len(run) > 5 else ratio


def _best_run(scores: Floats) -> tuple[float, Numbers]:
    """Return the score of the best run, and the pairs of lines that belong together in it. Shape: [n_pairs, 2].

    Source:
        Smith and Waterman (1981), with a gap that costs the same for each line.
    """
    n_rows, n_columns = scores.shape
    best = np.zeros((n_rows + 1, n_columns + 1), dtype=np.float32)
    slope = _GAP * np.arange(n_columns + 1, dtype=np.float32)
    for row in range(n_rows):
        here = np.maximum(best[row] - _GAP, 0)
        here[1:] = np.maximum(here[1:], best[row, :-1] + scores[row])
        # A gap along the row: the highest score to the left, less what the way costs.
        best[row + 1] = np.maximum(np.maximum.accumulate(here + slope) - slope, 0)
    row, column = (int(place) for place in np.unravel_index(best.argmax(), best.shape))
    top, run = float(best[row, column]), []
    while row and column and best[row, column] > 0:
        way = (best[row - 1, column - 1] + scores[row - 1, column - 1], best[row - 1, column] - _GAP)
        if way[0] >= best[row, column] - 1e-3:
            run.append((row - 1, column - 1))
            row, column = row - 1, column - 1
        elif way[1] >= best[row, column] - 1e-3:
            row -= 1
        else:
            column -= 1
    return top, np.array(run[::-1], dtype=np.int64).reshape(-1, 2)


def build_apart(
    open_text: Callable[[], Source],
    language: str,
    settings: CorpusSettings,
    drafts: dict[str, Path],
    folder: Path,
    *,
    pivot: Pivot | None = None,
) -> None:
    """Write a language's text without translations of other languages' test text.

    Other text of the source takes their place, and is looked at in turn.

    Args:
        open_text: Opens the source of the text.
        language: Its code.
        settings: As for `build_corpus`.
        drafts: Texts of all languages as they were built, by code.
        folder: Where to write.
        pivot: As for `build_corpus`.

    Raises:
        UsageError: What is left is too short for a budget.
    """
    tests = [sketch(read_part(draft, "test")) for code, draft in drafts.items() if code != language]
    text, barred = drafts[language], set[str]()
    for _ in range(_MOST_ROUNDS):
        train = list(read_part(text, "train"))
        noted = sketch(train)
        runs = [run for test in tests for run in find_translations(test, noted).train_lines]
        found = {comparable(line) for first, last in runs for line in train[first : last + 1]}
        if not found - barred:
            break
        barred |= found
        build_corpus(open_text(), language, settings, folder, pivot=pivot, barred=frozenset(barred))
        text = folder
    if text != folder:
        for name in (*(f"{part}.txt" for part in PARTS), "corpus.json"):
            shutil.copyfile(text / name, folder / name)

"""Disjoint train, dev and test text from the paragraphs of one source.

All are stretches of consecutive paragraphs: first what is held out, from a seeded start, then the training
text, going on at the beginning where the source ends. For parallel sources the place of what is held out
depends on the seed only, never on the language or on which other languages there are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bloodbank.randomness import generator
from bloodbank.settings import CorpusSettings

Places = np.ndarray[Any, np.dtype[np.float64]]
LONGEST_CUT = 50  # characters given up for a cut between words; scripts without spaces are cut anywhere
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True)
class Split:
    """Paragraphs of the parts, and what was left out on the way.

    Attributes:
        parts: Paragraphs of `train`, `dev`, `test` and `other`.
        available_chars: Characters that each part could have had.
        n_repeated: Paragraphs left out because another part has the same text.
    """

    parts: dict[str, list[str]]
    available_chars: dict[str, int] = field(default_factory=dict)
    n_repeated: int = 0


def comparable(paragraph: str) -> str:
    """Return what two paragraphs share when only case and spaces differ."""
    return _SPACES.sub(" ", paragraph).strip().casefold()


def split(lines: list[str], settings: CorpusSettings, language: str) -> Split:
    """Split a source into its parts, each up to its budget of characters.

    Besides train, dev and test there is `other`: text that follows the training text and shares no paragraph with it,
    up to the same budget, for the control `self`.

    Args:
        lines: Paragraphs; empty ones count as places in a source that is aligned by line.
        settings: Budgets, kind of parallelism, seed.
        language: Code; it moves the start of sources that are not parallel.

    Returns:
        The parts; they may be shorter than their budgets, see `Split.available_chars`.
    """
    if settings.parallel == "no":
        return _split_alone(lines, settings, language)
    places = _places_of_lines(lines) if settings.parallel == "lines" else _places_in_stretch(lines)
    guard = settings.guard_share if settings.parallel == "stretch" else 0.0
    return _split_parallel(lines, places, settings, guard)


def _split_alone(lines: list[str], settings: CorpusSettings, language: str) -> Split:
    """Take test, dev and train one after the other; training text repeats nothing that is held out."""
    paragraphs = [line for line in lines if line]
    start = int(generator(settings.seed, "corpus", language).integers(len(paragraphs)))
    rest = paragraphs[start:] + paragraphs[:start]
    parts: dict[str, list[str]] = {}
    seen: set[str] = set()
    available, n_repeated = {}, 0
    for part, budget in (
        ("test", settings.test_chars),
        ("dev", settings.dev_chars),
        ("train", settings.budget_chars),
        ("other", settings.budget_chars),
    ):
        fresh = [line for line in rest if comparable(line) not in seen]
        n_repeated += (len(rest) - len(fresh)) * (part != "other")
        parts[part], n_taken = _take_apart(fresh, budget, seen)
        available[part] = sum(map(len, fresh))
        rest = fresh[n_taken:]
        # The whole of a paragraph that was cut too: a second copy of it holds what was taken.
        seen.update(map(comparable, [*parts[part], *fresh[:n_taken]]))
    return Split(parts, available, n_repeated)


def _split_parallel(
    lines: list[str],
    places: Places,
    settings: CorpusSettings,
    guard: float,
) -> Split:
    """Hold out the paragraphs at the same places in every language.

    A text that stands both in what is held out and elsewhere in the source is dropped from both: it translates
    held-out messages as well as training ones of other languages. So no language trains on a translation of
    another's test text, whichever languages the experiment names.
    """
    start = generator(settings.seed, "corpus", "parallel").random()
    test_share = settings.heldout_share * settings.test_chars / (settings.test_chars + settings.dev_chars)
    # Places from the start on, in a source that goes on at its beginning.
    distance = (places - start) % 1.0
    in_test = distance < test_share
    in_dev = ~in_test & (distance < settings.heldout_share)
    in_train = (distance >= settings.heldout_share + guard) & (distance < 1.0 - guard)
    order = np.argsort(distance, kind="stable")
    inside = {comparable(lines[i]) for i in np.flatnonzero(in_test | in_dev)}
    outside = {comparable(lines[i]) for i in np.flatnonzero(~in_test & ~in_dev)}
    train, repeated_train = _without(inside, [lines[i] for i in order if in_train[i] and lines[i]])
    test, repeated_test = _without(outside, [lines[i] for i in order if in_test[i] and lines[i]])
    tested = set(map(comparable, test))
    taken, n_taken = _take_apart(train, settings.budget_chars, inside)
    trained = {comparable(line) for line in [*taken, *train[:n_taken]]}
    other, _ = _without(trained, train[n_taken:])
    dev, repeated_dev = _without(outside | tested, [lines[i] for i in order if in_dev[i] and lines[i]])
    parts = {
        "train": taken,
        "other": _take_apart(other, settings.budget_chars, inside | trained)[0],
        "dev": _take_apart(dev, settings.dev_chars, outside | tested)[0],
        "test": _take_apart(test, settings.test_chars, outside | set(map(comparable, dev)))[0],
    }
    texts = {"train": train, "other": other, "dev": dev, "test": test}
    available = {part: sum(map(len, text)) for part, text in texts.items()}
    return Split(parts, available, repeated_train + repeated_test + repeated_dev)


def take(paragraphs: Iterable[str], budget_chars: int) -> tuple[list[str], int]:
    """Take consecutive paragraphs up to a budget; the last one is cut at a space so that the budget is met.

    Args:
        paragraphs: Text in order.
        budget_chars: Largest number of characters, line ends not counted.

    Returns:
        The paragraphs, and how many of the source's were used up.
    """
    taken: list[str] = []
    left = budget_chars
    for n_taken, paragraph in enumerate(paragraphs):
        if len(paragraph) > left:
            cut = paragraph[: left + 1].rfind(" ", max(0, left - LONGEST_CUT))
            piece = paragraph[: cut if cut > 0 else left].strip()
            return ([*taken, piece] if piece else taken), n_taken + 1
        taken.append(paragraph)
        left -= len(paragraph)
        if not left:
            return taken, n_taken + 1
    return taken, len(taken)


def _take_apart(paragraphs: list[str], budget_chars: int, others: set[str]) -> tuple[list[str], int]:
    """Take up to a budget; a last one that only the cut made equal to a text of another part is left out."""
    taken, n_taken = take(paragraphs, budget_chars)
    if taken and comparable(taken[-1]) in others:
        taken.pop()
    return taken, n_taken


def _without(others: set[str], paragraphs: list[str]) -> tuple[list[str], int]:
    kept = [paragraph for paragraph in paragraphs if comparable(paragraph) not in others]
    return kept, len(paragraphs) - len(kept)


def _places_of_lines(lines: list[str]) -> Places:
    """Line i of n stands at i / n: the same for the same message in every language."""
    return np.arange(len(lines)) / len(lines)


def _places_in_stretch(lines: list[str]) -> Places:
    """A paragraph stands where its middle is, as a share of the characters of the book."""
    lengths = np.array([len(line) for line in lines], dtype=np.float64)
    middles: Places = (np.cumsum(lengths) - lengths / 2) / lengths.sum()
    return middles

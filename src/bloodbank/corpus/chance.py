"""What chance gives: distances of samples that are drawn from counted lengths, and the range of the middle 95%.

Reads histograms of lengths; writes nothing:

    axis = Axis.of(sample, source)
    Chance(distances, generator, n_draws=1_000).random(axis.counts(source), sample.n)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from bloodbank.corpus.lengths import Lengths
from bloodbank.errors import UsageError

FEWEST_BLOCKS = 20  # fewer places to begin at say nothing of a range of 95%
_NUMPY_LIMIT = 10**9  # numpy draws without replacement from less than this
_AT_ONCE = 1_000_000  # numbers drawn at a time

Integers = np.ndarray[Any, np.dtype[np.int64]]
Numbers = np.ndarray[Any, np.dtype[np.float64]]


class Range(BaseModel):
    """The middle 95% of the distances that chance gives, in the unit of the lengths.

    Attributes:
        low, median, high: 2.5%, 50% and 97.5% of them lie below.
        n_draws: How many were drawn.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    low: float = Field(ge=0)
    median: float = Field(ge=0)
    high: float = Field(ge=0)
    n_draws: int = Field(gt=0)


@dataclass(frozen=True)
class Axis:
    """The lengths that occur, rising. Shape: [n_values]."""

    values: Integers

    @classmethod
    def of(cls, first: Lengths, second: Lengths) -> Axis:
        """Take the lengths that occur on either side; a UsageError where one is empty."""
        if not first.n or not second.n:
            raise UsageError("no sentence or word on one side; a distance needs a text on both.")
        return cls(np.array(sorted(first.counts.keys() | second.counts.keys()), dtype=np.int64))

    def counts(self, lengths: Lengths) -> Integers:
        """Count how often each length occurs. Shape: [n_values]."""
        return np.array([lengths.counts[value] for value in self.values.tolist()], dtype=np.int64)

    def distance(self, first: Integers, second: Integers) -> Numbers:
        """Earth mover's distance between counts. Shape: [..., n_values] to [...]."""
        below = [counts.cumsum(axis=-1) / counts.sum(axis=-1, keepdims=True) for counts in (first, second)]
        apart: Numbers = np.abs(below[0] - below[1])[..., :-1] @ np.diff(self.values).astype(np.float64)
        return apart


@dataclass(frozen=True)
class Laid:
    """Blocks laid out one behind the other, so that a stretch of them is one slice.

    Shape: places and counts [n_entries], of each block the lengths (places on the axis) and how often they occur;
    starts [n_blocks + 1] among the entries; reached [n_blocks + 1], lengths before each block.
    """

    places: Integers
    counts: Integers
    starts: Integers
    reached: Integers
    n_values: int

    @classmethod
    def of(cls, blocks: list[Lengths], axis: Axis) -> Laid:
        """Lay blocks out in their order."""
        found = [sorted(block.counts.items()) for block in blocks]
        entries = np.array([pair for block in found for pair in block], dtype=np.int64)
        starts = np.cumsum([0, *map(len, found)], dtype=np.int64)
        reached = np.concatenate([[0], entries[:, 1].cumsum()])[starts]
        places = np.searchsorted(axis.values, entries[:, 0])
        return cls(places, entries[:, 1], starts, reached, len(axis.values))

    @property
    def n_blocks(self) -> int:
        """Number of blocks."""
        return len(self.starts) - 1

    def reordered(self, order: Integers) -> Laid:
        """Lay the blocks out in another order; one may come twice."""
        sizes = np.diff(self.starts)[order]
        starts = np.concatenate([[0], sizes.cumsum()])
        entries = np.repeat(self.starts[order] - starts[:-1], sizes) + np.arange(starts[-1])
        reached = np.concatenate([[0], np.diff(self.reached)[order].cumsum()])
        return Laid(self.places[entries], self.counts[entries], starts, reached, self.n_values)

    def stretch(self, block: int, n: int, generator: np.random.Generator) -> Integers:
        """Count the n lengths from a block on; of the last block a random part. Shape: [n_values]."""
        target = self.reached[block] + n
        last = int(np.searchsorted(self.reached, target, side="right")) - 1
        found = self._count(block, last)
        rest = int(target - self.reached[last])
        return found + _draw(self._count(last, last + 1), rest, generator) if rest else found

    def _count(self, begin: int, end: int) -> Integers:
        entries = slice(self.starts[begin], self.starts[end])
        weighted = np.bincount(self.places[entries], self.counts[entries], minlength=self.n_values)
        return weighted.astype(np.int64)


@dataclass(frozen=True)
class Chance:
    """Samples that chance gives, and the range of their distances."""

    distances: Callable[[Integers], Numbers]  # of drawn counts. Shape: [..., n_values] to [...]
    generator: np.random.Generator
    n_draws: int

    def random(self, counts: Integers, n: int) -> Range:
        """Draw simple random samples of n lengths."""
        step = max(1, _AT_ONCE // len(counts))
        sizes = [min(step, self.n_draws - done) for done in range(0, self.n_draws, step)]
        return _range(np.concatenate([self.distances(_draw(counts, n, self.generator, size)) for size in sizes]))

    def stretches(self, source: Laid, n: int, n_places: int) -> Range | str:
        """Take stretches from the source's other places, going on at its beginning where it ends."""
        n_blocks, parts = source.n_blocks, np.diff(np.linspace(0, n, n_places + 1).astype(np.int64)).tolist()
        reason = _too_few(n_blocks, "source") or _too_short(min(parts), source)
        if reason:
            return reason
        if n_places == 1:
            chosen = self.generator.permutation(n_blocks)[: self.n_draws, None]
        else:
            chosen = self.generator.integers(n_blocks, size=(self.n_draws, n_places))
        round_trip = source.reordered(np.arange(2 * n_blocks) % n_blocks)
        return _range(np.array([self.distances(self._gather(round_trip, row, parts)) for row in chosen.tolist()]))

    def _gather(self, source: Laid, blocks: list[int], sizes: list[int]) -> Integers:
        found = [source.stretch(block, size, self.generator) for block, size in zip(blocks, sizes, strict=True)]
        gathered: Integers = np.sum(found, axis=0, dtype=np.int64)
        return gathered

    def exchanges(self, first: list[Lengths], second: list[Lengths], axis: Axis) -> Range | str:
        """Let the blocks of two samples change places."""
        reason = _too_few(min(len(first), len(second)), "smaller sample")
        if reason:
            return reason
        both, n = Laid.of(first + second, axis), sum(block.n for block in first)
        orders = (self.generator.permutation(both.n_blocks) for _ in range(self.n_draws))
        drawn = [both.reordered(order).stretch(0, n, self.generator) for order in orders]
        return _range(np.array([self.distances(counts) for counts in drawn]))


def _draw(counts: Integers, n: int, generator: np.random.Generator, size: int | None = None) -> Integers:
    """Draw n without replacement; with it from more than numpy can, where it makes next to no difference."""
    total = int(counts.sum())
    drawn: Integers
    if total < _NUMPY_LIMIT:
        drawn = generator.multivariate_hypergeometric(counts, n, size=size, method="marginals")
    else:
        drawn = generator.multinomial(n, counts / total, size=size)
    return drawn


def _range(distances: Numbers) -> Range:
    low, median, high = (float(value) for value in np.quantile(distances, (0.025, 0.5, 0.975)))
    return Range(low=low, median=median, high=high, n_draws=len(distances))


def _too_few(n_blocks: int, where: str) -> str | None:
    if n_blocks >= FEWEST_BLOCKS:
        return None
    return f"not computed, because the {where} has fewer than {FEWEST_BLOCKS} blocks of sentences"


def _too_short(n: int, source: Laid) -> str | None:
    if n * source.n_blocks >= source.reached[-1]:
        return None
    return "not computed, because a stretch of the sample is shorter than a block of sentences of its source"

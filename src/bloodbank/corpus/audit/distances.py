"""How far the lengths of a sample lie from those of its source, beside what chance gives.

    compare_with_source(sample, source, generator(seed, "audit", "fi", "sentence_words"))

The distance is the earth mover's (Wasserstein-1), in the unit of the lengths: so many words must be added to or taken
from a sentence, on average, to make one distribution the other. It is hardly ever 0 between a sample and its source,
and what is to be expected depends on the size of the sample, so it stands beside two ranges, each of the middle 95%:

- `random`: what simple random samples of that size give, drawn sentence by sentence (or word by word) without
  replacement. Most running text lies above it, since sentences that stand together are alike.
- `stretches`: what running text gives. With the whole source read, the sample is compared with the stretches of its
  size that begin at the source's other places, which is exact for a place drawn at random. With two independent
  samples, blocks of sentences change places between them, which keeps the likeness inside a block only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from bloodbank.corpus.audit.lengths import Blocks, Lengths, mean_length, pairwise
from bloodbank.errors import UsageError

N_DRAWS = 1_000
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


class Distance(BaseModel):
    """How far the lengths of a sample lie from those of its source, beside what chance gives.

    Attributes:
        value: Earth mover's distance, in the unit of the lengths (words, tokens, characters); 0 is best.
        relative: The same as a share of the mean; 0 where that is 0.
        mean: Mean length in the source, or in the second sample where there is one.
        against: `source`: all of it was read. `sample`: a second, independent sample stands for it.
        n_sample, n_against: Lengths on either side.
        random: What simple random samples give.
        stretches: What running text gives; a string that says why where it is not known.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    value: float = Field(ge=0)
    relative: float = Field(ge=0)
    mean: float = Field(ge=0)
    against: Literal["source", "sample"]
    n_sample: int
    n_against: int
    random: Range
    stretches: Range | str


def compare_with_source(
    sample: Blocks, source: Blocks, generator: np.random.Generator, *, n_places: int = 1, n_draws: int = N_DRAWS
) -> Distance:
    """Compare a sample with the whole source that it is part of.

    Args:
        sample: Lengths of the sample.
        source: Lengths of all of the source, the sample included.
        generator: Draws the samples of the ranges.
        n_places: Places of the source that the sample was read from, each a stretch of the same size.
        n_draws: Samples drawn for a range.

    Returns:
        The distance, with its ranges.

    Raises:
        UsageError: One side is empty, or the sample is larger than its source.
    """
    part, whole = sample.lengths, source.lengths
    if part.total() > whole.total():
        raise UsageError(
            f"the sample holds {part.total():,} lengths and its source {whole.total():,}; give the whole source, "
            "or compare two samples (compare_samples)."
        )
    axis = Axis.of(part, whole)
    all_counts = axis.counts(whole)
    chance = Chance(lambda drawn: axis.distance(drawn, all_counts), generator, n_draws)
    return Distance(
        **_values(axis.distance(axis.counts(part), all_counts), mean_length(whole)),
        against="source",
        n_sample=part.total(),
        n_against=whole.total(),
        random=chance.random(all_counts, part.total()),
        stretches=chance.stretches(BlockIndex.of(source.blocks(), axis), part.total(), n_places),
    )


def compare_samples(
    sample: Blocks, other: Blocks, generator: np.random.Generator, *, n_draws: int = N_DRAWS
) -> Distance:
    """Compare a sample with an independent one of the same source, of any size, where that was only partly read.

    The ranges are those of two samples that differ by chance alone. Raises a UsageError where one side is empty.
    """
    first, second = sample.lengths, other.lengths
    axis = Axis.of(first, second)
    pooled = axis.counts(first) + axis.counts(second)
    chance = Chance(lambda drawn: axis.distance(drawn, pooled - drawn), generator, n_draws)
    return Distance(
        **_values(axis.distance(axis.counts(first), axis.counts(second)), mean_length(second)),
        against="sample",
        n_sample=first.total(),
        n_against=second.total(),
        random=chance.random(pooled, first.total()),
        stretches=chance.exchanges(*_alike(sample, other), axis),
    )


def _values(distance: Numbers, mean: float) -> dict[str, float]:
    value = float(distance)
    return {"value": value, "relative": value / mean if mean else 0.0, "mean": mean}


def _alike(first: Blocks, second: Blocks) -> tuple[list[Lengths], list[Lengths]]:
    """Return blocks of about the same size, since one side may have merged its neighbours more often."""
    blocks, others = first.blocks(), second.blocks()
    for _ in range(round(np.log2(second.n_sentences / first.n_sentences))):
        blocks = pairwise(blocks)
    for _ in range(round(np.log2(first.n_sentences / second.n_sentences))):
        others = pairwise(others)
    return blocks, others


@dataclass(frozen=True)
class Axis:
    """The lengths that occur, rising. Shape: [n_values]."""

    values: Integers

    @classmethod
    def of(cls, first: Lengths, second: Lengths) -> Axis:
        """Take the lengths that occur on either side; raises a UsageError where one is empty."""
        if not first or not second:
            raise UsageError("no sentence or word on one side; a distance needs a text on both.")
        return cls(np.array(sorted(first.keys() | second.keys()), dtype=np.int64))

    def counts(self, lengths: Lengths) -> Integers:
        """Count how often each length occurs. Shape: [n_values]."""
        return np.array([lengths[value] for value in self.values.tolist()], dtype=np.int64)

    def distance(self, first: Integers, second: Integers) -> Numbers:
        """Earth mover's distance between counts. Shape: [..., n_values] to [...]."""
        below = [counts.cumsum(axis=-1) / counts.sum(axis=-1, keepdims=True) for counts in (first, second)]
        apart: Numbers = np.abs(below[0] - below[1])[..., :-1] @ np.diff(self.values).astype(np.float64)
        return apart


@dataclass(frozen=True)
class BlockIndex:
    """Where the lengths of blocks stand, one block behind the other, so that a stretch of them is one slice.

    Shape: places and counts [n_entries], of each block the lengths (places on the axis) and how often they occur;
    starts [n_blocks + 1] among the entries; reached [n_blocks + 1], lengths before each block.
    """

    places: Integers
    counts: Integers
    starts: Integers
    reached: Integers
    n_values: int

    @classmethod
    def of(cls, blocks: list[Lengths], axis: Axis) -> BlockIndex:
        """Lay blocks out in their order."""
        entries = np.array([pair for block in blocks for pair in sorted(block.items())], dtype=np.int64)
        starts = np.cumsum([0, *map(len, blocks)], dtype=np.int64)
        reached = np.concatenate([[0], entries[:, 1].cumsum()])[starts]
        places = np.searchsorted(axis.values, entries[:, 0])
        return cls(places, entries[:, 1], starts, reached, len(axis.values))

    @property
    def n_blocks(self) -> int:
        """Number of blocks."""
        return len(self.starts) - 1

    def reordered(self, order: Integers) -> BlockIndex:
        """Lay the blocks out in another order; one may come twice."""
        sizes = np.diff(self.starts)[order]
        starts = np.concatenate([[0], sizes.cumsum()])
        entries = np.repeat(self.starts[order] - starts[:-1], sizes) + np.arange(starts[-1])
        reached = np.concatenate([[0], np.diff(self.reached)[order].cumsum()])
        return BlockIndex(self.places[entries], self.counts[entries], starts, reached, self.n_values)

    def stretch(self, block: int, n: int, generator: np.random.Generator) -> Integers:
        """Count the n lengths from a block on; of the last block a random part. Shape: [n_values]."""
        target = self.reached[block] + n
        last = int(np.searchsorted(self.reached, target, side="right")) - 1
        whole, rest = self._count(block, last), int(target - self.reached[last])
        return whole + _draw(self._count(last, last + 1), rest, generator) if rest else whole

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

    def stretches(self, source: BlockIndex, n: int, n_places: int) -> Range | str:
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

    def _gather(self, source: BlockIndex, blocks: list[int], sizes: list[int]) -> Integers:
        counts = [source.stretch(block, size, self.generator) for block, size in zip(blocks, sizes, strict=True)]
        return np.asarray(np.sum(counts, axis=0, dtype=np.int64))

    def exchanges(self, first: list[Lengths], second: list[Lengths], axis: Axis) -> Range | str:
        """Let the blocks of two samples change places."""
        reason = _too_few(min(len(first), len(second)), "smaller sample")
        if reason:
            return reason
        both, n = BlockIndex.of(first + second, axis), sum(block.total() for block in first)
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


def _too_short(n: int, source: BlockIndex) -> str | None:
    if n * source.n_blocks >= source.reached[-1]:
        return None
    return "not computed, because a stretch of the sample is shorter than a block of sentences of its source"

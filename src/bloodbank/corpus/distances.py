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

from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from bloodbank.corpus.chance import Axis, Chance, Laid, Numbers, Range
from bloodbank.corpus.lengths import Blocks, Lengths, pairwise
from bloodbank.errors import UsageError

N_DRAWS = 1_000


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


def earth_movers_distance(first: Lengths, second: Lengths) -> float:
    """Measure how far two distributions of lengths lie apart (Wasserstein-1), in the unit of the lengths.

    Raises:
        UsageError: One of them is empty.
    """
    axis = Axis.of(first, second)
    return float(axis.distance(axis.counts(first), axis.counts(second)))


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
    if part.n > whole.n:
        raise UsageError(
            f"the sample holds {part.n:,} lengths and its source {whole.n:,}; give the whole source, "
            "or compare two samples (compare_samples)."
        )
    axis = Axis.of(part, whole)
    all_counts = axis.counts(whole)
    chance = Chance(lambda drawn: axis.distance(drawn, all_counts), generator, n_draws)
    return Distance(
        **_values(axis.distance(axis.counts(part), all_counts), whole.mean),
        against="source",
        n_sample=part.n,
        n_against=whole.n,
        random=chance.random(all_counts, part.n),
        stretches=chance.stretches(Laid.of(source.blocks(), axis), part.n, n_places),
    )


def compare_samples(
    sample: Blocks, other: Blocks, generator: np.random.Generator, *, n_draws: int = N_DRAWS
) -> Distance:
    """Compare a sample with an independent one of the same source, which was only partly read.

    Args:
        sample: Lengths of the sample.
        other: Lengths of the second sample; it may have another size.
        generator: Draws the samples of the ranges.
        n_draws: Pairs of samples drawn for a range.

    Returns:
        The distance, with its ranges: those of two samples that differ by chance alone.

    Raises:
        UsageError: One side is empty.
    """
    first, second = sample.lengths, other.lengths
    axis = Axis.of(first, second)
    pooled = axis.counts(first) + axis.counts(second)
    chance = Chance(lambda drawn: axis.distance(drawn, pooled - drawn), generator, n_draws)
    return Distance(
        **_values(axis.distance(axis.counts(first), axis.counts(second)), second.mean),
        against="sample",
        n_sample=first.n,
        n_against=second.n,
        random=chance.random(pooled, first.n),
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

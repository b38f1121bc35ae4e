"""Replicates of a bank: whole seeds and paragraphs of test text drawn again together, paired within a column.

One draw of paragraph weights for each recipient weighs M_t and all M_{s,t} of all seeds. What a seed adds is drawn as
it is shared: once for M_t's column, once for the donor's row, once for each cell, with the variances that
`bloodbank.bank.seed_noise` estimated. Streams of random numbers belong to languages, not to their order. Nothing is
read or written.

    deviations = resample_paragraphs(column, share, random)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bloodbank.bank.paragraphs import Column
from bloodbank.bank.seed_noise import SeedNoise
from bloodbank.randomness import generator

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
_MANY = 250  # half the degrees of freedom from which Student's t is the normal distribution


def resample_paragraphs(column: Column, share: Array, sign: int, random: np.random.Generator, n: int) -> Floats:
    """Draw F of a column again on other paragraphs.

    A paragraph is not drawn a whole number of times, but with a random weight (the Bayesian bootstrap), because then
    a short text never loses most of its paragraphs at once.

    Args:
        column: Sentence scores.
        share: What each seed counts in the mean of a cell: 1 / its seeds, or 0. Shape: [seed, donor].
        sign: 1 where a higher score is better, else −1.
        random: Draws the weights.
        n: Replicates.

    Returns:
        What F differs by from F on all paragraphs alike. Shape: [replicate, donor].
    """
    n_units, n_seeds, n_models = column.sums.shape
    weights = random.standard_exponential((n, n_units), dtype=np.float32)
    sums = np.nan_to_num(column.sums).astype(np.float32).reshape(n_units, -1)
    drawn = (weights @ sums).reshape(n, n_seeds, n_models)
    deviations = np.zeros((n, n_models - 1), dtype=np.float32)
    for seed in range(n_seeds):
        measured = share[seed] > 0
        if measured.any():
            total = column.sums[:, seed].sum(0)
            ratio = (total[1:][measured] / total[0]).astype(np.float32)
            again = drawn[:, seed, 1:][:, measured] / drawn[:, seed, :1]
            deviations[:, measured] += (sign * share[seed][measured]).astype(np.float32) * (again - ratio)
    # Random weights that sum to a constant vary a little less than their mean squares say.
    scale = np.sqrt((n_units + 1) / (n_units - 1)) if n_units > 1 else np.nan
    return deviations * np.float32(scale)


@dataclass(frozen=True)
class SeedDraws:
    """What seeds add to the cells, drawn again.

    Attributes:
        noise: What is drawn from.
        rows: Effects of donors. Shape: [language, replicate, seed].
        columns: Effects of recipients, in units of their standard deviation. Shape: [language, replicate, seed].
        seed, codes: What the random streams are called after.
    """

    noise: SeedNoise
    rows: Floats
    columns: Floats
    seed: int
    codes: tuple[str, ...]

    def column(self, place: int, share: Array, weights: Array, known: tuple[float, Array]) -> Floats:
        """Return what seeds add to the means of one column's cells.

        Args:
            place: Of the recipient among the languages.
            share: What each seed counts in the mean of a cell. Shape: [seed, donor].
            weights: As in `estimate_noise`. Shape: [donor].
            known: What paragraphs account for already, as variances of one seed: of what the column shares, and of
                each cell (shape: [donor]).

        Returns:
            Shape: [replicate, donor].
        """
        share = share.astype(np.float32)
        net_column = float(self.noise.net()[1][place])
        size = np.float32(np.sqrt(max(net_column - known[0], 0.0)))
        added: Floats = size * self.columns[place] @ share + np.einsum("sbr,rs->bs", self.rows, share)
        random = generator(self.seed, "noise of cells", self.codes[place])
        own = random.standard_normal(added.shape, dtype=np.float32)
        if self.noise.mirrored:
            own = self._mirrored(place, own)
        single = (share**2).sum(0) * np.maximum(self.noise.cells[:, place] - known[1], 0.0)
        added += own * np.sqrt(single).astype(np.float32) * _inflation(self.noise.cells_df[:, place], own.shape, random)
        return added * weights.astype(np.float32)

    def _mirrored(self, place: int, own: Floats) -> Floats:
        """Let cells share part of their noise with those across the diagonal."""
        correlation = self.noise.mirrored
        both = np.empty_like(own)
        for other, code in enumerate(self.codes):  # the same numbers for the two cells of a pair
            names = sorted((self.codes[place], code))
            both[:, other] = generator(self.seed, "noise of pairs", *names).standard_normal(len(own), dtype=np.float32)
            if correlation < 0 and other > place:
                both[:, other] *= -1
        mixed: Floats = np.float32(np.sqrt(1 - abs(correlation))) * own + np.float32(np.sqrt(abs(correlation))) * both
        return mixed


def draw_seed_noise(noise: SeedNoise, codes: Sequence[str], *, seed: int, shape: tuple[int, int]) -> SeedDraws:
    """Draw what seeds add to rows and columns.

    Args:
        noise: From `estimate_noise`.
        codes: Of the languages.
        seed: Names the random streams.
        shape: Replicates and seeds.

    Returns:
        Draws whose sizes are uncertain too, as few degrees of freedom leave them.
    """
    sizes = np.sqrt(np.maximum(noise.net()[0], 0.0)).astype(np.float32)
    rows = np.empty((len(codes), *shape), dtype=np.float32)
    columns = np.empty_like(rows)
    for place, code in enumerate(codes):
        random = generator(seed, "noise of languages", code)
        given, taken = random.standard_normal((2, *shape), dtype=np.float32)
        given = noise.give_and_take * taken + np.sqrt(1 - noise.give_and_take**2) * given
        rows[place] = sizes[place] * given * _inflation(noise.rows.df[place], (shape[0], 1), random)
        columns[place] = taken * _inflation(noise.columns.df[place], (shape[0], 1), random)
    return SeedDraws(noise, rows, columns, seed, tuple(codes))


def _inflation(df: Array, shape: tuple[int, int], random: np.random.Generator) -> Floats:
    """Return how much larger a standard deviation may be than its estimate: a normal times this is Student's t."""
    half = np.maximum(np.asarray(df, dtype=np.float32), 1.0) / 2
    if (half > _MANY).all():
        return np.ones((1, 1), dtype=np.float32)
    drawn = random.standard_gamma(np.broadcast_to(half, shape), dtype=np.float32)
    inflation: Floats = np.sqrt(half / np.maximum(drawn, np.float32(1e-6)))
    return inflation


class Drawn:
    """F drawn again, added up as columns come in, so that all of it need not stand in memory.

    Args:
        n_replicates: How often F is drawn.
        n_seeds: Seeds of each cell, 0 where it was not measured. Shape: [donor, recipient].
        keep: Whether to keep all of F too.

    Attributes:
        rows, columns: Sums over the measured cells; missing where there are none. Shape: [replicate, language].
        replicates: All of F, where kept; missing where not measured. Shape: [replicate, donor, recipient].
    """

    def __init__(self, n_replicates: int, n_seeds: NDArray[np.int64], *, keep: bool) -> None:
        n = len(n_seeds)
        self.measured = n_seeds > 0
        self.rows: Array = np.zeros((n_replicates, n))
        self.columns: Array = np.full((n_replicates, n), np.nan)
        self.replicates = np.full((n, n_replicates, n), np.nan, np.float32).transpose(1, 2, 0) if keep else None
        self.rows[:, ~self.measured.any(1)] = np.nan

    def add(self, place: int, cells: Floats) -> None:
        """Take the cells of one column. Shape: [replicate, donor]."""
        measured = self.measured[:, place]
        known = np.where(measured, cells, np.float32(0))
        self.rows += known
        if measured.any():
            self.columns[:, place] = known.sum(1, dtype=np.float64)
        if self.replicates is not None:
            self.replicates[:, :, place] = np.where(measured, cells, np.float32(np.nan))

"""The error of every cell and sum of a bank by the choice of seeds and paragraphs, and F drawn again.

The variance by paragraphs and the variance between seeds are added. The spread between seeds holds how differently
seeds score single paragraphs, and so does the variance by paragraphs of a mean over few seeds: that part is counted
once. F is drawn again by whole seeds and paragraphs together, paired within a column.

    noise = measure_noise(stacks, columns, codes, protocol="sequential", sign=1, n_replicates=1000, seed=0)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bloodbank.bank.measurements import JOINT
from bloodbank.bank.uncertainty.paragraphs import FINETUNE, Column, ParagraphVariances
from bloodbank.bank.uncertainty.seeds import SeedNoise, cell_variance, estimate_noise, sum_variance
from bloodbank.randomness import generator
from bloodbank.statistics.means import known_mean

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
_MANY = 250  # half the degrees of freedom from which Student's t is the normal distribution
_LEAST_RATIO = 0.1  # a ratio of scores below it says nothing of the size of noise


@dataclass(frozen=True)
class Errors:
    """Standard errors with their degrees of freedom; missing where nothing is known."""

    se: Array
    df: Array


@dataclass(frozen=True)
class MeasuredNoise:
    """What is known of the error of a bank.

    Attributes:
        means: Each score's mean over seeds. Shape: [donor, recipient].
        n_seeds: Seeds of each cell, of F. Shape: [donor, recipient].
        cells: Errors of `means`, by score. Shape: [donor, recipient].
        rows, columns: Errors of the sums of F over the measured cells of a row, and of a column. Shape: [language].
        drawn_rows, drawn_columns: These sums, drawn again; missing where nothing was measured, or nothing is known of
            the error. Shape: [replicate, language].
        replicates: F drawn again, where asked for; missing as these. Shape: [replicate, donor, recipient].
        covers_seeds, covers_paragraphs: What the errors hold.
    """

    means: dict[str, Array]
    n_seeds: NDArray[np.int64]
    cells: dict[str, Errors]
    rows: Errors
    columns: Errors
    drawn_rows: Array
    drawn_columns: Array
    replicates: Floats | None
    covers_seeds: bool
    covers_paragraphs: bool


def measure_noise(
    stacks: dict[str, Array],
    columns: Iterator[Column] | None,
    codes: tuple[str, ...],
    *,
    protocol: str,
    sign: int,
    n_replicates: int,
    seed: int,
    keep_replicates: bool = False,
) -> MeasuredNoise:
    """Work out all errors, and draw F again.

    Args:
        stacks: Scores by seed, at least F; missing where not measured. Shape: [seed, donor, recipient].
        columns: Sentence scores of each recipient; None where there are none.
        codes: Of the languages, sorted: they name the streams of random numbers.
        protocol: Of the bank.
        sign: 1 where a higher score is better, else −1.
        n_replicates: How often F is drawn.
        seed: Of the random numbers.
        keep_replicates: Keep all of F, not only its sums.

    Raises:
        UsageError: The sentence scores do not belong to the measurements.
    """
    measured = ~np.isnan(stacks[FINETUNE])
    n_seeds = measured.sum(0)
    share = measured / np.maximum(n_seeds, 1)
    means = {name: known_mean(stack, 0) for name, stack in stacks.items()}
    weights = {name: np.ones_like(mean) for name, mean in means.items()}
    # M_t's noise is multiplied by the ratio of the two scores, and so is that of M_{s,t} where noise is relative.
    weights[FINETUNE] = np.where(n_seeds > 0, np.maximum(1.0 + sign * means[FINETUNE], _LEAST_RATIO), 1.0)
    noises = {name: estimate_noise(stack, weights[name], joint=protocol == JOINT) for name, stack in stacks.items()}
    noise, draws = noises[FINETUNE], None
    if noise is not None:
        draws = draw_seed_noise(noise, codes, seed=seed, shape=(n_replicates, len(measured)))
    paragraphs = None if columns is None else ParagraphVariances(len(codes))
    drawn = Drawn(n_replicates, n_seeds, keep=keep_replicates)
    for place, column in _by_place(columns, codes):
        deviations, known = np.zeros((n_replicates, len(codes)), dtype=np.float32), (0.0, np.zeros(len(codes)))
        if paragraphs is not None and column is not None:
            paragraphs.add(place, column, stacks[FINETUNE][:, :, place], share[:, :, place], sign)
            known = paragraphs.of_one_seed(place, n_seeds[:, place], weights[FINETUNE][:, place])
            random = generator(seed, "paragraphs", column.recipient)
            deviations = resample_paragraphs(column, share[:, :, place], sign, random, n_replicates)
        if draws is not None:
            deviations += draws.column(place, share[:, :, place], weights[FINETUNE][:, place], known)
        nothing = paragraphs is None and draws is None
        drawn.add(place, deviations + np.float32(np.nan if nothing else means[FINETUNE][:, place]))
    if paragraphs is not None:
        paragraphs.check_complete(n_seeds, codes)
    rows, sums = _sum_errors(noise, paragraphs, weights[FINETUNE], measured)
    return MeasuredNoise(
        means, n_seeds, _cell_errors(noises, paragraphs, weights, stacks), rows, sums, drawn.rows, drawn.columns,
        drawn.replicates, draws is not None, paragraphs is not None and bool((paragraphs.df > 0).any()),
    )  # fmt: skip


def _by_place(columns: Iterator[Column] | None, codes: tuple[str, ...]) -> Iterator[tuple[int, Column | None]]:
    if columns is None:
        yield from ((place, None) for place in range(len(codes)))
        return
    yield from ((codes.index(column.recipient), column) for column in columns)


def _cell_errors(
    noises: dict[str, SeedNoise | None],
    paragraphs: ParagraphVariances | None,
    weights: dict[str, Array],
    stacks: dict[str, Array],
) -> dict[str, Errors]:
    errors = {}
    for name, noise in noises.items():
        n_seeds = (~np.isnan(stacks[name])).sum(0)
        between = None if noise is None else cell_variance(noise, weights[name], n_seeds)
        within = None
        if paragraphs is not None:
            variance = np.where(n_seeds > 0, paragraphs.cells[name], np.nan)
            within = variance, variance**2 / paragraphs.df, paragraphs.of_seeds[name]
        errors[name] = _add(between, within, n_seeds.shape)
    return errors


def _sum_errors(
    noise: SeedNoise | None, paragraphs: ParagraphVariances | None, weights: Array, measured: NDArray[np.bool_]
) -> tuple[Errors, Errors]:
    by_row = by_column = rows = columns = None
    if noise is not None:
        by_row = sum_variance(noise.transposed, weights.T, measured.transpose(0, 2, 1))
        by_column = sum_variance(noise, weights, measured)
    if paragraphs is not None:
        cells, of_seeds = (np.nan_to_num(part[FINETUNE]) for part in (paragraphs.cells, paragraphs.of_seeds))
        df = np.where(paragraphs.df > 0, paragraphs.df, 1.0)
        rows = cells.sum(1), (cells**2 / df).sum(1), of_seeds.sum(1)
        columns = paragraphs.column, paragraphs.column**2 / df, paragraphs.column_of_seeds
    n_seeds = measured.sum(0)
    return _known(_add(by_row, rows, len(weights)), n_seeds.sum(1)), _known(
        _add(by_column, columns, len(weights)), n_seeds.sum(0)
    )


def _known(errors: Errors, n_measured: NDArray[np.int64]) -> Errors:
    return Errors(np.where(n_measured > 0, errors.se, np.nan), np.where(n_measured > 0, errors.df, np.nan))


def _add(
    between: tuple[Array, Array] | None, within: tuple[Array, Array, Array] | None, shape: int | tuple[int, ...]
) -> Errors:
    """Add the variances between seeds and within them, with Satterthwaite's degrees of freedom."""
    if between is None and within is None:
        return Errors(np.full(shape, np.nan), np.full(shape, np.nan))
    variance, spread = np.zeros(shape), np.zeros(shape)
    if within is not None:
        variance, spread = variance + within[0], spread + within[1]
    if between is not None:
        counted = 0.0 if within is None else within[2]  # both hold it: see the top of this module
        variance, spread = variance + np.maximum(between[0] - counted, 0.0), spread + between[1]
    with np.errstate(invalid="ignore", divide="ignore"):
        df = np.where(variance > 0, variance**2 / spread, np.where(variance == 0, np.inf, np.nan))
        return Errors(np.sqrt(variance), df)


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
    """Draw what seeds add to rows and columns, with sizes as uncertain as few degrees of freedom leave them.

    Args:
        noise: From `estimate_noise`.
        codes: Of the languages.
        seed: Names the random streams.
        shape: Replicates and seeds.
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

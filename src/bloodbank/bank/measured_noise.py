"""The error of every cell and sum of a bank by the choice of seeds and paragraphs, and F drawn again.

The variance by paragraphs and the variance between seeds are added. The spread between seeds holds how differently
seeds score single paragraphs, and so does the variance by paragraphs of a mean over few seeds: that part is counted
once. Nothing is read or written.

    noise = measure_noise(stacks, columns, codes, protocol="sequential", sign=1, n_replicates=1000, seed=0)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bloodbank.bank.measurements import JOINT
from bloodbank.bank.paragraph_variance import FINETUNE, ParagraphVariances
from bloodbank.bank.paragraphs import Column
from bloodbank.bank.resampling import Drawn, draw_seed_noise, resample_paragraphs
from bloodbank.bank.seed_noise import SeedNoise, cell_variance, estimate_noise, sum_variance
from bloodbank.randomness import generator

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
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

    Returns:
        Means, errors and replicates.

    Raises:
        UsageError: The sentence scores do not belong to the measurements.
    """
    measured = ~np.isnan(stacks[FINETUNE])
    n_seeds = measured.sum(0)
    share = measured / np.maximum(n_seeds, 1)
    means = {name: _mean(stack) for name, stack in stacks.items()}
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


def _mean(stack: Array) -> Array:
    n = (~np.isnan(stack)).sum(0)
    return np.where(n > 0, np.nansum(stack, axis=0) / np.maximum(n, 1), np.nan)


def _cell_errors(
    noises: dict[str, SeedNoise | None],
    paragraphs: ParagraphVariances | None,
    weights: dict[str, Array],
    stacks: dict[str, Array],
) -> dict[str, Errors]:
    found = {}
    for name, noise in noises.items():
        n_seeds = (~np.isnan(stacks[name])).sum(0)
        between = None if noise is None else cell_variance(noise, weights[name], n_seeds)
        within = None
        if paragraphs is not None:
            variance = np.where(n_seeds > 0, paragraphs.cells[name], np.nan)
            within = variance, variance**2 / paragraphs.df, paragraphs.of_seeds[name]
        found[name] = _add(between, within, n_seeds.shape)
    return found


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

"""ε(M_l) from one half of the data, D and R from the other, so that no error stands in both.

split_halves(bank, Path("runs/mine/sentence_scores.parquet"), n_splits=200, seed=0)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bloodbank.bank.bank import Bank
from bloodbank.bank.measurements import METRICS, MONOLINGUAL, select_rows
from bloodbank.bank.uncertainty.paragraphs import Column, read_columns
from bloodbank.errors import UsageError
from bloodbank.randomness import generator
from bloodbank.statistics.means import known_mean

Array = NDArray[np.float64]
_SAME = 1e-6  # relative difference that rounding may make


@dataclass(frozen=True, eq=False)
class Halves:
    """What many random splits give; every split counts in both directions.

    Shape:
        `[split, language]`, languages in the order of `codes`; missing where a half has no value.
    """

    codes: tuple[str, ...]
    own: Array  #: ε(M_l) from one half
    donation: Array  #: D from the other half
    recipience: Array  #: R from the other half
    by_seeds: bool  #: seeds were split
    by_paragraphs: bool  #: test paragraphs were split


def split_halves(
    bank: Bank, sentence_scores: pd.DataFrame | str | Path | None, *, n_splits: int, seed: int
) -> Halves | str:
    """Split the seeds, the test paragraphs, or both at once, many times at random.

    Args:
        bank: With its measurements, where it has several seeds.
        sentence_scores: The tidy table or its Parquet file; None where there is none.
        n_splits: How many splits to draw; each gives two rows.
        seed: Of the drawing.

    Returns:
        The halves, or why there are none.

    Raises:
        UsageError: The sentence scores do not belong to the bank.
    """
    codes = tuple(sorted(bank.languages))
    seeds = sorted(bank.replicates)
    if not seeds:
        return "the bank has neither seeds nor sentence scores"
    if sentence_scores is None and bank.measurements is None:
        return "the scores of M_l by seed are not known"
    if sentence_scores is None and len(seeds) < 2:
        return "there is one seed, and there are no sentence scores"
    measured = np.stack([bank.replicates[number].loc[list(codes), list(codes)].notna().to_numpy() for number in seeds])
    chosen = _seed_halves(len(seeds), n_splits, seed)
    columns: Iterator[Column]
    if sentence_scores is None:
        columns = _whole_columns(bank, codes, seeds)
    else:
        columns = read_columns(
            sentence_scores,
            languages=codes,
            seeds=seeds,
            protocol=bank.protocol,
            metric=bank.metric,
            baseline=bank.baseline,
        )
    n = len(codes)
    own, takes = np.full((2, 2, n_splits, n), np.nan)
    gives, n_given = np.zeros((2, 2, n_splits, n))  # sums over the columns so far, and how many cells are in them
    by_paragraphs = False
    for column in columns:
        place = codes.index(column.recipient)
        _check_same(bank, column, codes, seeds)
        halves = _paragraph_halves(column, n_splits, seed)
        by_paragraphs |= len(column.counts) > 1
        values = [_values(column, half) for half in halves]  # [split, seed, 1 + donor] each
        for side in (0, 1):
            first, second = (chosen, ~chosen) if side == 0 else (~chosen, chosen)
            if len(seeds) == 1:
                first = second = np.ones_like(chosen)
            # An M_t that the bank does not count leaves its column without a cell in that seed.
            own[side, :, place] = _mean(values[side][:, :, 0], first & measured[:, :, place].any(axis=1))
            finetune = _finetune(values[1 - side], METRICS[bank.metric].sign)
            known = second[:, :, None] & measured[None, :, :, place]
            cells = _mean(finetune, known)  # [split, donor]
            takes[side, :, place] = (n - 1) * known_mean(cells, axis=1)
            gives[side] += np.nan_to_num(cells)
            n_given[side] += ~np.isnan(cells)
    gives = np.where(n_given > 0, (n - 1) * gives / np.maximum(n_given, 1), np.nan)
    return Halves(codes, _flat(own), _flat(gives), _flat(takes), len(seeds) > 1, by_paragraphs)


def _flat(values: Array) -> Array:
    return np.concatenate(list(values))  # [side, split, language] -> [2 * split, language]


def _seed_halves(n_seeds: int, n_splits: int, seed: int) -> NDArray[np.bool_]:
    """Choose half of the seeds, rounded down. Shape: [split, seed]."""
    keys = generator("halves of seeds", seed).random((n_splits, n_seeds))
    ranks = np.argsort(np.argsort(keys, axis=1), axis=1)
    chosen: NDArray[np.bool_] = ranks < n_seeds // 2
    return chosen


def _paragraph_halves(column: Column, n_splits: int, seed: int) -> tuple[Array, Array]:
    """Choose half of the paragraphs and the others; all of them twice where there is one. Shape: [split, paragraph]."""
    n = len(column.counts)
    if n < 2:
        whole = np.ones((n_splits, n))
        return whole, whole
    keys = generator("halves of paragraphs", column.recipient, seed).random((n_splits, n))
    first = (np.argsort(np.argsort(keys, axis=1), axis=1) < n // 2).astype(float)
    return first, 1 - first


def _values(column: Column, half: Array) -> Array:
    """Score all models on part of the paragraphs. Shape: [split, seed, 1 + donor]."""
    n_units, n_seeds, n_models = column.sums.shape
    scored = ~np.isnan(column.sums).all(axis=0)
    sums = (half @ np.nan_to_num(column.sums).reshape(n_units, -1)).reshape(-1, n_seeds, n_models)
    values: Array = np.where(scored, sums, np.nan) / (half @ column.counts)[:, None, None]
    return values


def _finetune(values: Array, sign: int) -> Array:
    """Compare each bilingual model with M_t; missing where ε(M_t) is not above 0. Shape: [split, seed, donor]."""
    alone = np.where(values[:, :, :1] > 0, values[:, :, :1], np.nan)
    finetune: Array = sign * (values[:, :, 1:] / alone - 1)
    return finetune


def _check_same(bank: Bank, column: Column, codes: tuple[str, ...], seeds: list[int]) -> None:
    """Refuse sentence scores that give another F than the bank has."""
    whole = _finetune(_values(column, np.ones((1, len(column.counts)))), METRICS[bank.metric].sign)[0]
    own = [bank.replicates[number].loc[list(codes), column.recipient] for number in seeds]
    known = np.stack([scores.to_numpy(dtype=float) for scores in own])
    wrong = ~np.isnan(known) & ~(np.abs(whole - known) <= _SAME * (1 + np.abs(known)))
    if wrong.any():
        seed, donor = np.argwhere(wrong)[0]
        raise UsageError(
            f"The sentence scores do not belong to the bank: F({codes[donor]}→{column.recipient}) of seed "
            f"{seeds[seed]} is {known[seed, donor]:.4f} in it and {whole[seed, donor]:.4f} by them. Give those of the "
            "same run."
        )


def _mean(values: Array, chosen: NDArray[np.bool_]) -> Array:
    """Average over the chosen seeds, which is axis 1; missing where none has a value."""
    return known_mean(np.where(chosen, values, np.nan), axis=1)


def _whole_columns(bank: Bank, codes: tuple[str, ...], seeds: list[int]) -> Iterator[Column]:
    """Take each model's score for a single paragraph, where only seeds can be split."""
    if bank.measurements is None:
        return
    rows = select_rows(
        bank.measurements, languages=codes, protocol=bank.protocol, metric=bank.metric, baseline=bank.baseline
    )
    for recipient, own in rows.groupby("recipient"):
        sums = np.full((1, len(seeds), 1 + len(codes)), np.nan)
        for protocol, donor, seed, value in own[["protocol", "donor", "seed", "value"]].itertuples(index=False):
            model = 0 if protocol == MONOLINGUAL else 1 + codes.index(donor)
            if seed in seeds:
                sums[0, seeds.index(seed), model] = value
        yield Column(str(recipient), sums, np.ones(1))

r"""F in transfer levels, with the paper's borders and with borders that the data draw (the histogram of appendix A).

Reads a bank; writes nothing.

    found = levels(bank)
    print(*found.sentences(), sep="\n")

Borders of the data are natural breaks: those three that leave the least squared error within four levels. They need no
setting, are exact, and look for groups of alike values, as an eye does that draws borders into a histogram. Nothing in
them knows of zero: whether it lies in the level called neutral is checked and said. How sure they are is asked by
drawing languages again, not cells, because cells share donors and recipients.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bloodbank.bank.analysis.breaks import bin_values, natural_breaks, resampled_breaks
from bloodbank.bank.analysis.level_noise import LevelNoise, level_noise
from bloodbank.bank.bank import Bank
from bloodbank.bank.scores import LEVEL_BORDERS, LEVELS, matrix
from bloodbank.errors import UsageError
from bloodbank.randomness import generator

DATA = "data"
N_RESAMPLES = 400
MIN_LANGUAGES = 6  # fewer, drawn again, leave too few different ones
_CONFIDENCE = 0.95
_CHUNK = 50  # resamples at once

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Levels:
    """Transfer levels by two sets of borders. F and borders are fractions of ε(M_t).

    Attributes:
        finetune: F. Shape: [donor, recipient].
        source: The set that is used: "paper", "given" or "data".
        borders: Its borders, rising; a border belongs to the level above it.
        other_source: The set it is compared with: "data", or the paper's where the data's are used.
        other_borders: Its borders; None where there are none.
        levels: Level of every measured cell by the borders used, None for the others. Shape: [donor, recipient].
        counts: Cells by level and set. Shape: [level, set].
        moves: Cells by level in the set used (rows) and in the other (columns); empty where there is no other.
        data_borders: By level that begins there: border, low and high (95% of the borders after drawing languages again
            lie between; missing where that is not possible). Empty where there are none.
        no_data_borders: Why there are none, or "".
        n_resamples: Resamples of the languages that gave borders.
        no_interval: Why there is no interval, or "".
        zero_level: The level of the data's borders in which zero lies, or "".
        zero_in_neutral: Share of resamples in which zero lies in the neutral level; missing as the interval.
        fit: Share of the variance of F between levels, by set; missing where F does not vary.
        noise: What measurement intervals say of the levels used, see `level_noise`.
    """

    finetune: pd.DataFrame
    source: str
    borders: tuple[float, ...]
    other_source: str
    other_borders: tuple[float, ...] | None
    levels: pd.DataFrame
    counts: pd.DataFrame
    moves: pd.DataFrame
    data_borders: pd.DataFrame
    no_data_borders: str
    n_resamples: int
    no_interval: str
    zero_level: str
    zero_in_neutral: float
    fit: pd.Series[float]
    noise: LevelNoise

    def sentences(self) -> list[str]:
        """Say what was found; other numbers give other sentences."""
        from bloodbank.bank.analysis.levels_sentences import level_sentences

        return level_sentences(self)


def levels(bank: Bank, *, borders: Sequence[float] | str | None = None, seed: int = 0) -> Levels:
    """Sort the cells of a bank into transfer levels.

    Args:
        bank: The bank.
        borders: Three rising borders as fractions, "data" for natural breaks, or None for the paper's -10, 10 and 55
            percent.
        seed: Of the drawing of languages.

    Returns:
        The levels, beside those of another set of borders. Where "data" gives no borders, the paper's are used.

    Raises:
        UsageError: The borders are not three rising numbers.

    Source:
        Appendix A and figure 7.
    """
    source, given = _given(borders)
    codes = sorted(bank.languages)  # so that the order of languages changes no random number
    cells = bank.finetune_scores.loc[codes, codes].to_numpy(dtype=float, copy=True)
    np.fill_diagonal(cells, np.nan)
    finetune = matrix(cells, codes).loc[list(bank.languages), list(bank.languages)]
    values = np.sort(cells[~np.isnan(cells)])
    found = natural_breaks(values, len(LEVELS)) if len(values) else None
    n_distinct = len(np.unique(values))
    why = (
        ""
        if found is not None
        else f"{len(LEVELS)} levels need as many different values of F, and there are {n_distinct}"
    )
    data = None if found is None else tuple(float(border) for border in found)
    used, other, other_source = given, data, DATA
    if source == DATA:
        source, used, other, other_source = (
            (DATA, data, LEVEL_BORDERS, "paper") if data else ("paper", LEVEL_BORDERS, None, DATA)
        )
    drawn, no_interval = _resampled(cells, seed) if data else (np.full((0, 3), np.nan), why)
    placed = data_levels(finetune, used)
    moves = pd.crosstab(_flat(placed), _flat(data_levels(finetune, other))) if other else pd.DataFrame()
    return Levels(
        finetune=finetune,
        source=source,
        borders=used,
        other_source=other_source,
        other_borders=other,
        levels=placed,
        counts=_counts(finetune, {source: used, other_source: other}),
        moves=moves.reindex(index=LEVELS, columns=LEVELS, fill_value=0) if other else moves,
        data_borders=_border_table(data, drawn),
        no_data_borders=why,
        n_resamples=len(drawn),
        no_interval=no_interval,
        zero_level=LEVELS[int(np.digitize(0.0, data))] if data else "",
        zero_in_neutral=float(((drawn[:, 0] <= 0) & (drawn[:, 1] > 0)).mean()) if len(drawn) else np.nan,
        fit=_fit(values, {source: used, other_source: other}),
        noise=level_noise(bank, placed, used),
    )


def data_levels(finetune: pd.DataFrame, borders: Sequence[float]) -> pd.DataFrame:
    """Sort cells into levels by any borders; with the paper's it is `scores.transfer_levels`.

    Args:
        finetune: F, as a fraction.
        borders: Three rising numbers; a border belongs to the level above it.

    Returns:
        One of `scores.LEVELS` for each measured cell, named by position, None for the others.

    Raises:
        UsageError: The borders are not three rising numbers.

    Shape:
        `[donor, recipient]`, as F.
    """
    edges = _checked(borders)
    cells = finetune.to_numpy(dtype=float)
    names = np.array(LEVELS, dtype=object)[np.digitize(cells, edges)]
    return matrix(np.where(np.isnan(cells), None, names), list(finetune.index), dtype=object)


def _given(borders: Sequence[float] | str | None) -> tuple[str, tuple[float, ...]]:
    if borders is None:
        return "paper", LEVEL_BORDERS
    if isinstance(borders, str):
        if borders != DATA:
            raise UsageError(
                f"Unknown borders {borders!r}. Known: {DATA!r}; or give three numbers, such as -0.1, 0.1, 0.55."
            )
        return DATA, LEVEL_BORDERS
    return "given", _checked(borders)


def _checked(borders: Sequence[float]) -> tuple[float, ...]:
    edges = tuple(float(border) for border in borders)
    if len(edges) != len(LEVELS) - 1 or not all(np.isfinite(edges)) or any(np.diff(edges) <= 0):
        given = ", ".join(f"{edge:g}" for edge in edges) or "none"
        raise UsageError(
            f"Borders of levels are {len(LEVELS) - 1} rising fractions of F, such as -0.1, 0.1, 0.55, but were given "
            f"as {given}."
        )
    return edges


def _flat(placed: pd.DataFrame) -> pd.Series[str]:
    return pd.Series(placed.to_numpy(dtype=object).ravel(), dtype=object)


def _counts(finetune: pd.DataFrame, sets: dict[str, tuple[float, ...] | None]) -> pd.DataFrame:
    counted = {
        name: _flat(data_levels(finetune, borders)).value_counts().reindex(LEVELS, fill_value=0).astype(int)
        for name, borders in sets.items()
        if borders
    }
    return pd.DataFrame(counted, index=pd.Index(LEVELS, name="level"))


def _fit(values: Floats, sets: dict[str, tuple[float, ...] | None]) -> pd.Series[float]:
    shares = {}
    total = float(((values - values.mean()) ** 2).sum()) if len(values) and np.ptp(values) > 0 else 0.0
    for name, borders in sets.items():
        if borders:
            place = np.digitize(values, borders)
            parts = [values[place == level] for level in range(len(LEVELS))]
            within = sum(float(((part - part.mean()) ** 2).sum()) for part in parts if len(part))
            shares[name] = 1 - within / total if total > 0 else np.nan
    return pd.Series(shares, dtype=float, name="fit")


def _resampled(cells: Floats, seed: int) -> tuple[Floats, str]:
    """Draw languages again, with replacement: a cell counts as often as its donor times its recipient was drawn."""
    n = len(cells)
    if n < MIN_LANGUAGES:
        return np.full((0, 3), np.nan), f"{n} languages are too few to be drawn again (at least {MIN_LANGUAGES})"
    chosen = generator("levels", n, seed).integers(0, n, (N_RESAMPLES, n))
    times = np.stack([np.bincount(row, minlength=n) for row in chosen]).astype(float)  # [resample, language]
    donors, recipients = np.nonzero(~np.isnan(cells))
    order = np.argsort(cells[donors, recipients], kind="stable")  # sorted values are fetched in one go
    donors, recipients = donors[order], recipients[order]
    values = cells[donors, recipients]
    items = bin_values(values)
    parts = [
        resampled_breaks(values, part[:, donors] * part[:, recipients], items, len(LEVELS))
        for part in np.array_split(times, N_RESAMPLES // _CHUNK)  # bounds the memory
    ]
    found = np.concatenate(parts)
    found = found[~np.isnan(found).any(axis=1)]
    if len(found) < 0.9 * N_RESAMPLES:
        return np.full((0, 3), np.nan), "too few of the resamples of the languages hold four different values of F"
    return found, ""


def _border_table(borders: tuple[float, ...] | None, drawn: Floats) -> pd.DataFrame:
    index = pd.Index(LEVELS[1:] if borders else (), name="level", dtype=object)
    table = pd.DataFrame(index=index, columns=["border", "low", "high"], dtype=float)
    if borders:
        table["border"] = borders
    if borders and len(drawn):
        beyond = (1 - _CONFIDENCE) / 2
        table["low"], table["high"] = np.quantile(drawn, (beyond, 1 - beyond), axis=0)
    return table

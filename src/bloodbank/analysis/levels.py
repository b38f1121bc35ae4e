r"""F in transfer levels, with the paper's borders and with borders that the data draw (the histogram of appendix A).

    result = levels(bank)
    print(*result.sentences(), sep="\n")

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

from bloodbank.bank.bank import Bank
from bloodbank.bank.scores import LEVEL_BORDERS, LEVELS, matrix
from bloodbank.errors import UsageError
from bloodbank.randomness import generator
from bloodbank.statistics.natural_breaks import bin_values, natural_breaks, resampled_breaks
from bloodbank.wording import Finding, plural

DATA = "data"
SETS = {"paper": "the paper's borders", "given": "the given borders", "data": "the data's borders"}
N_RESAMPLES = 400
MIN_LANGUAGES = 6  # fewer, drawn again, leave too few different ones
_CONFIDENCE = 0.95
_CHUNK = 50  # resamples at once; bounds the memory
_MIN_DRAWN = 0.9  # share of resamples that must give borders

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LevelNoise:
    """What measurement intervals say of levels: a cell is neutral to them when its interval contains zero.

    Attributes:
        table: By level: n_cells, n_known (cells with an interval), n_below (all of the interval below zero), n_neutral
            (the interval contains zero) and n_above. Empty where no interval is known.
        neutral: True where the interval contains zero, False where it does not, None where none is known; empty as
            the table. Shape: [donor, recipient].
        half_width: Half the length of the middlemost interval, a fraction as F: smaller F is seldom told from zero.
        neutral_half_width: Half the length of the neutral level, to compare it with.
        level: Probability that an interval holds the true value.
        covers: What intervals cover: "seeds", "test paragraphs", or both.
        reason: Why there is none, or "".
    """

    table: pd.DataFrame
    neutral: pd.DataFrame
    half_width: float
    neutral_half_width: float
    level: float
    covers: str
    reason: str


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
        """Say how many cells are in each level, what borders the data draw, and how many cells are sure not zero."""
        if not int(self.counts[self.source].sum()):
            return ["Transfer levels: not possible, because no cell is measured."]
        return [_counted(self), *_data(self), _noise(self)]


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
    source, used = _used_borders(borders)
    codes = sorted(bank.languages)  # so that the order of languages changes no random number
    cells = bank.finetune_scores.loc[codes, codes].to_numpy(dtype=float, copy=True)
    np.fill_diagonal(cells, np.nan)
    finetune = matrix(cells, codes).loc[list(bank.languages), list(bank.languages)]
    values = np.sort(cells[~np.isnan(cells)])
    breaks = natural_breaks(values, len(LEVELS)) if len(values) else None
    data, why = None, ""
    if breaks is None:
        n_distinct = len(np.unique(values))
        why = f"{len(LEVELS)} levels need as many different values of F, and there are {n_distinct}"
    else:
        data = tuple(float(border) for border in breaks)
    other, other_source = data, DATA
    if source == DATA and data:
        used, other, other_source = data, LEVEL_BORDERS, "paper"
    elif source == DATA:
        source = "paper"
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


def _used_borders(borders: Sequence[float] | str | None) -> tuple[str, tuple[float, ...]]:
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
        shown = ", ".join(f"{edge:g}" for edge in edges) or "none"
        raise UsageError(
            f"Borders of levels are {len(LEVELS) - 1} rising fractions of F, such as -0.1, 0.1, 0.55, but were given "
            f"as {shown}."
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
    drawn = np.concatenate(parts)
    drawn = drawn[~np.isnan(drawn).any(axis=1)]
    if len(drawn) < _MIN_DRAWN * N_RESAMPLES:
        return np.full((0, 3), np.nan), "too few of the resamples of the languages hold four different values of F"
    return drawn, ""


def _border_table(borders: tuple[float, ...] | None, drawn: Floats) -> pd.DataFrame:
    index = pd.Index(LEVELS[1:] if borders else (), name="level", dtype=object)
    table = pd.DataFrame(index=index, columns=["border", "low", "high"], dtype=float)
    if borders:
        table["border"] = borders
    if borders and len(drawn):
        beyond = (1 - _CONFIDENCE) / 2
        table["low"], table["high"] = np.quantile(drawn, (beyond, 1 - beyond), axis=0)
    return table


def level_noise(bank: Bank, levels: pd.DataFrame, borders: Sequence[float]) -> LevelNoise:
    """Count the cells of each level whose measurement interval excludes zero.

    Args:
        bank: The bank, with its intervals.
        levels: Level of each measured cell, None for the others.
        borders: Of these levels.

    Returns:
        The counts, or why there are none.

    Shape:
        `levels` is `[donor, recipient]`.
    """
    neutral_half_width = (borders[1] - borders[0]) / 2
    if bank.intervals is None:
        return _no_noise("the bank has no measurement intervals", neutral_half_width)
    codes = list(levels.index)
    low, high = (bank.intervals.matrix(bound).loc[codes, codes].to_numpy() for bound in ("low", "high"))
    placed = levels.to_numpy(dtype=object)
    measured = levels.notna().to_numpy()
    known = measured & ~np.isnan(low) & ~np.isnan(high)
    if not known.any():
        return _no_noise("nothing is known of the error of any cell", neutral_half_width)
    below, above = known & (high < 0), known & (low > 0)
    neutral = known & ~below & ~above
    counts = {"n_cells": measured, "n_known": known, "n_below": below, "n_neutral": neutral, "n_above": above}
    table = {name: [int((where & (placed == level)).sum()) for level in LEVELS] for name, where in counts.items()}
    return LevelNoise(
        table=pd.DataFrame(table, index=pd.Index(LEVELS, name="level")),
        neutral=matrix(np.where(known, neutral, None), codes, dtype=object),
        half_width=float(np.median((high - low)[known])) / 2,
        neutral_half_width=neutral_half_width,
        level=bank.intervals.level,
        covers=" and ".join(bank.intervals.sources),
        reason="",
    )


def _no_noise(reason: str, neutral_half_width: float) -> LevelNoise:
    return LevelNoise(pd.DataFrame(), pd.DataFrame(), np.nan, neutral_half_width, np.nan, "", reason)


def percents(borders: Sequence[float]) -> str:
    """Write borders in percent, as whole numbers where they are: "-10, 10 and 55%"."""
    texts = [f"{100 * border:.1f}".removesuffix(".0") for border in borders]
    texts = ["0" if text == "-0" else text for text in texts]
    return f"{', '.join(texts[:-1])} and {texts[-1]}%" if len(texts) > 1 else f"{texts[0]}%"


def _counted(result: Levels) -> str:
    counts = result.counts[result.source]
    parts = [f"{int(counts[level])} {level}" for level in LEVELS]
    share = float(result.fit[result.source])
    fit = "" if np.isnan(share) else f"; the levels hold {100 * share:.0f}% of the variance of F"
    return (
        f"By {SETS[result.source]} ({percents(result.borders)}), {plural(int(counts.sum()), 'cell')}: "
        f"{', '.join(parts[:-1])} and {parts[-1]}{fit}."
    )


def _data(result: Levels) -> list[str]:
    if result.no_data_borders:
        return [f"Borders drawn by the data: not possible, because {result.no_data_borders}."]
    table = result.data_borders
    if result.no_interval:
        borders = f"{percents(list(table['border']))}; how sure they are: not possible, because {result.no_interval}"
    else:
        ranges = [
            Finding(100 * border, 100 * low, 100 * high, unit="%", decimals=1, level=_CONFIDENCE)
            for border, low, high in table.to_numpy(dtype=float)
        ]
        borders = f"{', '.join(map(str, ranges))}, by drawing the languages again"
    return [
        f"Borders that the data draw, as natural breaks: {borders}; {_inside(result)}they move {_moved(result)}.",
        _zero(result),
    ]


def _inside(result: Levels) -> str:
    if result.no_interval:
        return ""
    name, borders = result.source, result.borders
    if name == DATA:
        name, borders = result.other_source, result.other_borders or ()
    low, high = (result.data_borders[bound].to_numpy(dtype=float) for bound in ("low", "high"))
    outside = [border for border, least, most in zip(borders, low, high, strict=True) if not least <= border <= most]
    if not outside:
        return f"all of {SETS[name]} lie within these intervals; "
    return f"of {SETS[name]}, {percents(outside)} {'lies' if len(outside) == 1 else 'lie'} outside these intervals; "


def _moved(result: Levels) -> str:
    moves = result.moves.to_numpy()
    total, stayed = int(moves.sum()), int(np.trace(moves))
    n_moved = f"{total - stayed} of {plural(total, 'cell')}" if total > stayed else "no cell"
    other = result.source if result.source != DATA else result.other_source
    return f"{n_moved} to another level than {SETS[other]}"


def _zero(result: Levels) -> str:
    places = dict(zip(LEVELS, ("first", "second", "third", "fourth"), strict=True))
    often = ""
    if not np.isnan(result.zero_in_neutral):
        often = f" (in the second in {100 * result.zero_in_neutral:.0f}% of the resamples)"
    start = f"Zero lies in the {places[result.zero_level]} of the data's levels{often}"
    if result.zero_level == LEVELS[1]:
        return f"{start}, which may be called neutral."
    return f"{start}: what stands second, as neutral, is no absence of transfer."


def _noise(result: Levels) -> str:
    noise = result.noise
    if noise.reason:
        return f"Cells that are sure not to be zero: not possible, because {noise.reason}."
    total = {str(name): int(n) for name, n in noise.table.sum().items()}
    n_sure, n_known = total["n_below"] + total["n_above"], total["n_known"]
    unknown = total["n_cells"] - n_known
    without = f"; {plural(unknown, 'cell')} without an interval" if unknown else ""
    return (
        f"The {noise.level:.0%} interval by the choice of {noise.covers} excludes zero for {n_sure} of "
        f"{plural(n_known, 'cell')} ({total['n_below']} below, {total['n_above']} above), where "
        f"{(1 - noise.level) * n_known:.0f} would were all of F zero; the middlemost reaches "
        f"{100 * noise.half_width:.1f} points to either side, the neutral level {100 * noise.neutral_half_width:.1f}"
        f"{without}."
    )

"""Sentence scores, column by column, and how far the choice of test paragraphs moves the scores of a column.

All models of a column are scored on the same paragraphs. Reads the tidy table of sentence scores, whole or from its
file, of which only one column stands in memory at once.

    for column in read_columns(Path("runs/mine/sentence_scores.parquet"), languages=("de", "fi"), seeds=(0, 1), ...):
        print(column.recipient, len(column.counts))
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bloodbank.bank.measurements import ALONE, MONOLINGUAL
from bloodbank.errors import UsageError

Array = NDArray[np.float64]
CELL_SCORES = ("finetune_score", "difference", "log_ratio")
FINETUNE = CELL_SCORES[0]
_COLUMNS = ("protocol", "donor", "recipient", "seed", "metric", "unit", "sum", "count")
_AT_ONCE = 25  # recipients read in one pass over a file, which is long where there are many; bounds the memory
_SAME = 1e-6  # relative difference of counts that rounding may make
_SAME_F = 1e-4  # of F in the two tables


@dataclass(frozen=True)
class Column:
    """The sentence scores of all models that were scored on one language.

    Attributes:
        recipient: Its code.
        sums: Of each paragraph, model by model: M_t first, then M_{s,t} by donor; missing where a model was not
            scored. Shape: [paragraph, seed, 1 + donor].
        counts: What the totals are divided by, the same for all models. Shape: [paragraph].
    """

    recipient: str
    sums: NDArray[np.float64]
    counts: NDArray[np.float64]


def read_columns(
    sentence_scores: pd.DataFrame | str | Path,
    *,
    languages: Sequence[str],
    seeds: Sequence[int],
    protocol: str,
    metric: str,
    baseline: str = ALONE,
) -> Iterator[Column]:
    """Read the sentence scores of a bank, one recipient after the other.

    Args:
        sentence_scores: The tidy table, or its Parquet file. `donor` is "", or missing, for monolingual models.
        languages: Codes, in the order of recipients and donors; others are left out.
        seeds: In the order of the arrays; others are left out.
        protocol: Protocol of the bilingual models.
        metric: Which scores.
        baseline: Which model stands for M_t: "alone" (itself), or the control "equal" or "longer".

    Yields:
        A column for each language that has scores of M_t.

    Raises:
        UsageError: The table cannot be read, lacks columns, holds a paragraph twice, or its models were not scored on
            the same paragraphs.
    """
    own = MONOLINGUAL if baseline == ALONE else baseline
    for recipient, rows in _tables(sentence_scores, languages, (own, protocol), metric):
        donors = rows["donor"].astype(object).where(rows["donor"].notna(), "").astype(str)
        alone = (rows["protocol"] == own).to_numpy()
        model = np.where(alone, 0, 1 + _places(donors, languages))
        seed = _places(rows["seed"], seeds)
        wanted = (seed >= 0) & (alone | ((model > 0) & (donors != recipient).to_numpy()))
        if (wanted & (model == 0)).any():
            yield _column(recipient, rows[wanted], seed[wanted], model[wanted], (len(seeds), 1 + len(languages)))


def _tables(
    source: pd.DataFrame | str | Path, languages: Sequence[str], protocols: tuple[str, str], metric: str
) -> Iterator[tuple[str, pd.DataFrame]]:
    if isinstance(source, pd.DataFrame):
        _check_columns(list(source.columns), "The table of sentence scores")
        chosen = source[(source["metric"] == metric) & source["protocol"].isin(list(protocols))]
        tables = {str(code): rows for code, rows in chosen.groupby("recipient", observed=True)}
        yield from ((code, tables[code]) for code in languages if code in tables)
        return
    import pyarrow as pa
    import pyarrow.dataset as ds

    path = Path(source)
    try:
        file = ds.dataset(path, format="parquet")
        _check_columns(file.schema.names, str(path))
        chosen = (ds.field("metric") == metric) & ds.field("protocol").isin(list(protocols))
        for start in range(0, len(languages), _AT_ONCE):
            some = list(languages[start : start + _AT_ONCE])
            rows = file.to_table(list(_COLUMNS), filter=ds.field("recipient").isin(some) & chosen).to_pandas()
            tables = dict(list(rows.groupby("recipient", sort=False, observed=True)))
            yield from ((code, tables[code]) for code in some if code in tables)
    except (OSError, pa.ArrowException) as error:
        message = f"{path} cannot be read as Parquet: {error}. Give the sentence_scores.parquet of a run."
        raise UsageError(message) from error


def _check_columns(names: Sequence[str], what: str) -> None:
    missing = [column for column in _COLUMNS if column not in names]
    if missing:
        raise UsageError(f"{what} lacks the columns {', '.join(missing)}. It needs {', '.join(_COLUMNS)}.")


def _places(values: pd.Series, known: Sequence[object]) -> NDArray[np.int64]:
    # Where each value stands among those known, -1 where it does not.
    return np.asarray(pd.Index(list(known)).get_indexer(pd.Index(values)), dtype=np.int64)


def _column(
    recipient: str, rows: pd.DataFrame, seed: NDArray[np.int64], model: NDArray[np.int64], shape: tuple[int, int]
) -> Column:
    units, unit = np.unique(rows["unit"].to_numpy(), return_inverse=True)
    n_units, (n_seeds, n_models) = len(units), shape
    place = (unit * n_seeds + seed) * n_models + model
    n_rows = np.bincount(place, minlength=n_units * n_seeds * n_models)
    if n_rows.max() > 1:
        raise UsageError(
            f"The sentence scores of recipient {recipient} hold a paragraph of one model twice. "
            "Keep one row for each protocol, donor, recipient, seed, metric and unit."
        )
    sums, counts = np.full((2, len(n_rows)), np.nan)
    sums[place], counts[place] = rows["sum"].to_numpy(dtype=float), rows["count"].to_numpy(dtype=float)
    scored = (n_rows > 0).reshape(n_units, -1)
    counts = counts.reshape(n_units, -1)[:, scored.any(axis=0)]
    first = counts[:, :1]
    if not (np.abs(counts - first) <= _SAME * np.abs(first)).all():  # a missing count differs too
        raise UsageError(
            f"The models of recipient {recipient} were not scored on the same masked pieces of the same paragraphs, "
            "so their differences cannot be resampled. Score them on the same masks, or leave the sentence scores out."
        )
    return Column(recipient, sums.reshape(n_units, n_seeds, n_models), first[:, 0])


@dataclass(frozen=True)
class ParagraphVariance:
    """Variances by the choice of paragraphs.

    Attributes:
        cells: Of each cell's mean over seeds, by score. Shape: [donor].
        of_seeds: The part of `cells` that belongs to these seeds, by score. Shape: [donor].
        column: Of the sum of F over the column, and the part of it that belongs to these seeds.
        df: Degrees of freedom: paragraphs less one.
        finetune: F as the sentence scores have it, to check the tables against each other. Shape: [seed, donor].
    """

    cells: dict[str, Array]
    of_seeds: dict[str, Array]
    column: tuple[float, float]
    df: int
    finetune: Array


def paragraph_variance(column: Column, share: Array, sign: int) -> ParagraphVariance:
    """Work out the variances of one column.

    Args:
        column: Sentence scores.
        share: What each seed counts in the mean of a cell: 1 / its seeds, or 0. Shape: [seed, donor].
        sign: 1 where a higher score is better, else −1.

    Returns:
        The variances; missing where a cell was not measured, and all of them with a single paragraph.
    """
    n_units, n_seeds, _ = column.sums.shape
    totals = column.sums.sum(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = totals[:, 1:] / totals[:, :1]  # [seed, donor]
    measured = share > 0
    influence = np.zeros((n_seeds, n_units, share.shape[1]))
    for seed in np.flatnonzero(measured.any(1)):
        own, alone = column.sums[:, seed, 1:], column.sums[:, seed, :1]
        influence[seed] = np.where(measured[seed], sign * (own - ratios[seed] * alone) / totals[seed, 0], 0.0)
    cells, of_seeds = {}, {}
    cells["finetune_score"], of_seeds["finetune_score"], mean = _variances(influence, share)
    total = _sum_variance(influence, mean, share)
    known = np.where(measured, ratios, 1.0)
    cells["log_ratio"], of_seeds["log_ratio"], _ = _variances(influence / known[:, None, :], share)
    # Δε = (ratio − 1) ε(M_t) is F × ε(M_t): its influences are those of F, and of ε(M_t), whose own paragraphs count.
    value = totals[:, 0] / column.counts.sum()
    of_value = (column.sums[:, :, 0] - value * column.counts[:, None]) / column.counts.sum()  # [paragraph, seed]
    gain = np.where(measured, sign * (ratios - 1.0), 0.0)
    for seed in np.flatnonzero(measured.any(1)):
        influence[seed] *= value[seed]
        influence[seed] += of_value[:, seed, None] * gain[seed]
    cells["difference"], of_seeds["difference"], _ = _variances(influence, share)
    small = n_units / (n_units - 1) if n_units > 1 else np.nan
    any_seed = measured.any(0)
    return ParagraphVariance(
        {score: np.where(any_seed, small * variance, np.nan) for score, variance in cells.items()},
        {score: np.where(any_seed, small * variance, np.nan) for score, variance in of_seeds.items()},
        (small * total[0], small * total[1]),
        n_units - 1,
        np.where(measured, sign * (ratios - 1.0), np.nan),
    )


def _variances(influence: Array, share: Array) -> tuple[Array, Array, Array]:
    """Return the variance of the mean over seeds, its part that belongs to the seeds, and the mean influence."""
    mean = np.einsum("rud,rd->ud", influence, share)
    variance = np.einsum("ud,ud->d", mean, mean)
    n_seeds = (share > 0).sum(0)
    squares = np.einsum("rud,rud->d", influence, influence)
    of_seeds = (squares - n_seeds * variance) / np.maximum(n_seeds * (n_seeds - 1), 1)
    return variance, np.where(n_seeds > 1, np.maximum(of_seeds, 0.0), 0.0), mean


def _sum_variance(influence: Array, mean: Array, share: Array) -> tuple[float, float]:
    """Return the same two variances for the sum over the column."""
    n_seeds = (share > 0).sum(0)
    # Deviations from the mean of a cell's own seeds are too small by what the mean took.
    blown_up = share * np.sqrt(np.where(n_seeds > 1, n_seeds / np.maximum(n_seeds - 1, 1), 0.0))
    of_seeds = sum(
        float(((of_seed @ part - mean @ part) ** 2).sum()) for of_seed, part in zip(influence, blown_up, strict=True)
    )
    return float((mean.sum(1) ** 2).sum()), of_seeds


class ParagraphVariances:
    """Variances by the choice of paragraphs of a whole bank, gathered column by column.

    Args:
        n: Languages.

    Attributes:
        cells, of_seeds: As in `ParagraphVariance`. Shape: [donor, recipient].
        column, column_of_seeds: The same of the sums of columns. Shape: [recipient].
        df: Degrees of freedom; missing where there were no sentence scores. Shape: [recipient].
    """

    def __init__(self, n: int) -> None:
        self.cells = {name: np.full((n, n), np.nan) for name in CELL_SCORES}
        self.of_seeds = {name: np.full((n, n), np.nan) for name in CELL_SCORES}
        self.column, self.column_of_seeds, self.df = np.full((3, n), np.nan)

    def add(self, place: int, column: Column, stack: Array, share: Array, sign: int) -> None:
        """Take the column of one recipient, and check it against `stack`, F by the measurements [seed, donor].

        Raises:
            UsageError: The sentence scores do not belong to the measurements.
        """
        variance = paragraph_variance(column, share, sign)
        _check_same(column.recipient, variance, stack)
        for name in CELL_SCORES:
            self.cells[name][:, place] = variance.cells[name]
            self.of_seeds[name][:, place] = variance.of_seeds[name]
        self.column[place], self.column_of_seeds[place] = variance.column
        self.df[place] = variance.df

    def of_one_seed(self, place: int, n_seeds: NDArray[np.int64], weights: Array) -> tuple[float, Array]:
        """Return what paragraphs account for in one seed's noise: of M_t, shared by the column, and of each cell."""
        single = np.nan_to_num(self.of_seeds[FINETUNE][:, place])
        n_cells = int((n_seeds > 0).sum())
        if not n_cells:
            return 0.0, single
        shared = max(float(self.column_of_seeds[place] - single.sum()) / max(n_cells * (n_cells - 1), 1), 0.0)
        mean_seeds, mean_weight = float(n_seeds.sum()) / n_cells, float(weights[n_seeds > 0].mean())
        return shared * mean_seeds / mean_weight**2, np.maximum(single - shared, 0.0) * n_seeds / weights**2

    def check_complete(self, n_seeds: NDArray[np.int64], codes: tuple[str, ...]) -> None:
        """Raise an error where measured cells have no sentence scores."""
        lacking = np.flatnonzero((n_seeds > 0).any(0) & np.isnan(self.df))
        if len(lacking):
            raise UsageError(
                f"There are no sentence scores of the monolingual model of {codes[lacking[0]]}, which has measured "
                "cells. Give the sentence scores of the same run, or leave them out."
            )


def _check_same(recipient: str, variance: ParagraphVariance, stack: Array) -> None:
    wrong = ~np.isnan(stack) & ~(np.abs(variance.finetune - stack) <= _SAME_F * (1.0 + np.abs(stack)))
    if wrong.any():
        seed, donor = np.argwhere(wrong)[0]
        if np.isnan(variance.finetune[seed, donor]):
            raise UsageError(
                f"A measured model of recipient {recipient} has no sentence scores. Give the sentence scores of the "
                "same run, or leave them out."
            )
        raise UsageError(
            f"The sentence scores do not belong to the measurements: F to {recipient} is {stack[seed, donor]:.4f} by "
            f"these and {variance.finetune[seed, donor]:.4f} by those. Give both tables of the same run."
        )

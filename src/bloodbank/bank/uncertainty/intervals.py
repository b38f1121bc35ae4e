"""How sure the numbers of a bank are: intervals for F, Δε, log ratio, D, R, their ranks and the blood types.

They answer: had other seeds been drawn, and other paragraphs of test text, how far would these numbers have moved? They
never cover what did not vary, and `covers` says what that is. They are made of the tables of measurements and sentence
scores, or of F by seed.

    intervals = measurement_intervals(
        measurements, Path("runs/mine/sentence_scores.parquet"), languages=("de", "fi", "hu"), protocol="sequential",
        metric="mrr",
    )
    print(intervals.covers)
    intervals.scores
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bloodbank.bank.measurements import ALONE, METRICS, MONOLINGUAL, select_rows
from bloodbank.bank.scores import finetune_scores, matrix, same
from bloodbank.bank.uncertainty.paragraphs import CELL_SCORES, Column, read_columns
from bloodbank.errors import UsageError

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class IntervalOptions:
    """How intervals are worked out.

    Raises:
        UsageError: One is out of range.
    """

    level: float = 0.95  #: probability that an interval holds the true value
    n_replicates: int = 1_000  #: how often F is drawn again, for ranks and blood types
    seed: int = 0  #: of the random numbers
    training_text_varies: bool = False  #: whether each seed had its own training text
    keep_replicates: bool = False  #: keep F of each replicate: 4 bytes × replicates × languages²

    def __post_init__(self) -> None:
        if not 0.0 < self.level < 1.0:
            raise UsageError(
                f"The level of an interval is between 0 and 1, such as 0.95, but was given as {self.level:g}."
            )
        if self.n_replicates < 1:
            raise UsageError(
                f"One replicate or more is needed, but {self.n_replicates} were asked for. Usual are 1000."
            )


DEFAULT = IntervalOptions()


@dataclass(frozen=True, eq=False)
class Intervals:
    """Measurement intervals of a bank.

    Attributes:
        languages: Codes, in the order of all tables.
        protocol, metric: Of the bank.
        level: Probability that an interval holds the true value.
        covers: What the intervals cover and what they do not, in sentences.
        covers_seeds, covers_paragraphs: The same for programs.
        cells: donor, recipient, score ("finetune_score", "difference" or "log_ratio"), estimate, low, high, se, df,
            n_seeds: one row for each ordered pair and score. Bounds are missing where nothing is known of the error.
        scores: language, score ("donation", "donation_mean", "recipience" or "recipience_mean"), estimate, low, high,
            se, df, complete, rank (1 is the highest), rank_low, rank_high: one row for each language and score.
        types: language, blood_type (of the estimates), and p_O, p_A, p_AB+ and p_none: the share of replicates in which
            the language is of that type.
        n_replicates: Replicates behind ranks and types.
        replicates: F drawn again, where asked for. Shape: [replicate, donor, recipient].
    """

    languages: tuple[str, ...]
    protocol: str
    metric: str
    level: float
    covers: str
    covers_seeds: bool
    covers_paragraphs: bool
    cells: pd.DataFrame
    scores: pd.DataFrame
    types: pd.DataFrame
    n_replicates: int
    replicates: Floats | None = field(default=None, repr=False)

    @property
    def knows_error(self) -> bool:
        """Whether there are any bounds: with one seed and no sentence scores nothing is known of the error."""
        return self.covers_seeds or self.covers_paragraphs

    @property
    def sources(self) -> tuple[str, ...]:
        """What differs between replicates: "seeds", "test paragraphs", both or nothing."""
        known = {"seeds": self.covers_seeds, "test paragraphs": self.covers_paragraphs}
        return tuple(source for source, is_covered in known.items() if is_covered)

    def matrix(self, name: str, score: str = CELL_SCORES[0]) -> pd.DataFrame:
        """Lay the column `name` of the cells of a score out as a matrix `[donor, recipient]`."""
        values = np.full((len(self.languages), len(self.languages)), np.nan)
        rows = self.cells["score"] == score  # cell by cell, row by row
        values[~np.eye(len(values), dtype=bool)] = self.cells.loc[rows, name].to_numpy(dtype=float)
        return matrix(values, self.languages)

    def half_widths(self, score: str) -> pd.Series[float]:
        """Return half the width of the intervals of D or R, by language; missing where nothing is known of the error.

        Args:
            score: "donation", "donation_mean", "recipience" or "recipience_mean".
        """
        of_score = self.scores[self.scores["score"] == score].set_index("language")
        widths: pd.Series[float] = (of_score["high"] - of_score["low"]) / 2
        return widths

    def __eq__(self, other: object) -> bool:
        """Compare all but the replicates, which a `bank.json` alone does not have."""
        if not isinstance(other, Intervals):
            return NotImplemented
        names = [entry.name for entry in fields(self) if entry.name != "replicates"]
        return all(same(getattr(self, name), getattr(other, name)) for name in names)

    __hash__ = None  # type: ignore[assignment]  # tables can be changed


def measurement_intervals(
    measurements: pd.DataFrame,
    sentence_scores: pd.DataFrame | str | Path | None,
    *,
    languages: Sequence[str],
    protocol: str,
    metric: str,
    include_unhealthy: bool = False,
    baseline: str = ALONE,
    options: IntervalOptions = DEFAULT,
) -> Intervals:
    """Work out the intervals of a bank from the tables of its run.

    Args:
        measurements: The tidy table of measurements.
        sentence_scores: The tidy table of sentence scores or its Parquet file; None where there is none: then the
            choice of paragraphs is not covered.
        languages: Codes, in the order of the tables.
        protocol: Protocol of the bilingual models.
        metric: One of "mrr", "accuracy", "cross_entropy" and "bits_per_byte".
        include_unhealthy: Count unhealthy models, as in `build_bank`.
        baseline: What F is relative to, as in `build_bank`.
        options: Level, replicates and seed.

    Returns:
        The intervals.

    Raises:
        UsageError: A table cannot be used as asked, or the two do not belong together.

    Shape:
        See `Intervals`.
    """
    codes = tuple(sorted(languages))  # so that the order of `languages` changes no number
    rows = select_rows(measurements, languages=codes, protocol=protocol, metric=metric, baseline=baseline)
    seeds = sorted(int(seed) for seed in rows.loc[rows["protocol"] != MONOLINGUAL, "seed"].unique())
    by_seed = [
        finetune_scores(
            rows, protocol=protocol, metric=metric, seed=seed, languages=codes, include_unhealthy=include_unhealthy
        )
        for seed in seeds
    ]
    stacks = {name: np.stack([cells[part].to_numpy() for cells in by_seed]) for part, name in enumerate(CELL_SCORES)}
    columns = None
    if sentence_scores is not None:
        columns = read_columns(
            sentence_scores, languages=codes, seeds=seeds, protocol=protocol, metric=metric, baseline=baseline
        )
    return _intervals(stacks, columns, tuple(languages), protocol=protocol, metric=metric, options=options)


def intervals_from_replicates(
    replicates: Mapping[int, pd.DataFrame], *, protocol: str, metric: str, options: IntervalOptions = DEFAULT
) -> Intervals:
    """Work out intervals from F by seed alone, as a bank keeps it: they cover the choice of seeds only.

    Args:
        replicates: F by seed, all with the same languages.
        protocol: Protocol of the bilingual models.
        metric: One of "mrr", "accuracy", "cross_entropy" and "bits_per_byte".
        options: Level, replicates and seed.

    Returns:
        The intervals; of the cells those of F only.

    Raises:
        UsageError: There is no seed, or the seeds have different languages.

    Shape:
        F is `[donor, recipient]`.
    """
    tables = [replicates[seed] for seed in sorted(replicates)]
    if not tables:
        raise UsageError("There is no seed to work out intervals from. Give F of one seed or more.")
    languages = tuple(str(code) for code in tables[0].index)
    codes = sorted(languages)
    if any(set(table.index) != set(codes) or set(table.columns) != set(codes) for table in tables):
        raise UsageError("The seeds have different languages. Give matrices of the same languages.")
    stack = np.stack([table.loc[codes, codes].to_numpy(dtype=float) for table in tables])
    stack[:, np.eye(len(codes), dtype=bool)] = np.nan
    return _intervals({CELL_SCORES[0]: stack}, None, languages, protocol=protocol, metric=metric, options=options)


def _intervals(
    stacks: dict[str, NDArray[np.float64]],
    columns: Iterator[Column] | None,
    languages: tuple[str, ...],
    *,
    protocol: str,
    metric: str,
    options: IntervalOptions,
) -> Intervals:
    from bloodbank.bank.uncertainty.errors_and_draws import measure_noise
    from bloodbank.bank.uncertainty.tables import cell_table, score_table, type_table

    if metric not in METRICS:
        raise UsageError(f"Unknown metric {metric!r}. Known are {', '.join(METRICS)}.")
    codes = tuple(sorted(languages))
    noise = measure_noise(
        stacks, columns, codes, protocol=protocol, sign=METRICS[metric].sign, n_replicates=options.n_replicates,
        seed=options.seed, keep_replicates=options.keep_replicates,
    )  # fmt: skip
    order = np.array([codes.index(code) for code in languages])
    covers = what_is_covered(
        noise.n_seeds, with_paragraphs=noise.covers_paragraphs, training_text_varies=options.training_text_varies
    )
    return Intervals(
        languages, protocol, metric, options.level, covers, noise.covers_seeds, noise.covers_paragraphs,
        cells=cell_table(noise, order, codes, options.level),
        scores=score_table(noise, order, codes, options.level),
        types=type_table(noise, order, codes, protocol),
        n_replicates=options.n_replicates,
        replicates=None if noise.replicates is None else _ordered(noise.replicates, order),
    )  # fmt: skip


def _ordered(replicates: Floats, order: NDArray[np.int64]) -> Floats:
    ordered: Floats = np.ascontiguousarray(replicates[:, order[:, None], order[None, :]])
    return ordered


def what_is_covered(n_seeds: NDArray[np.int64], *, with_paragraphs: bool, training_text_varies: bool) -> str:
    """Say in two sentences or three what intervals cover and what they do not.

    Args:
        n_seeds: Seeds of each measured cell; 0 where it was not measured. Shape: [donor, recipient].
        with_paragraphs: Whether there were sentence scores to resample.
        training_text_varies: Whether each seed had its own training text.
    """
    measured = n_seeds[n_seeds > 0]
    if not measured.size:
        return "These intervals cover nothing: no cell is measured."
    low, high = int(measured.min()), int(measured.max())
    said = [_seeds_and_paragraphs(low, high, with_paragraphs=with_paragraphs)]
    if low == 1 < high:
        said.append("Cells with one seed are taken to vary as the others do.")
    if high == 1:
        said.append("The choice of training text is not covered either.")
    elif training_text_varies:
        said.append("Each seed had its own training text, so that its choice is covered too.")
    else:
        said.append("The choice of training text is not covered: it was the same in every seed.")
    return " ".join(said)


def _seeds_and_paragraphs(low: int, high: int, *, with_paragraphs: bool) -> str:
    seeds = f"{low}" if low == high else f"{low} to {high}"
    if high > 1 and with_paragraphs:
        return f"These intervals cover the choice of seeds ({seeds} a cell) and of test paragraphs."
    if high > 1:
        return (
            f"These intervals cover the choice of seeds ({seeds} a cell) only: there are no sentence scores of several "
            "paragraphs, so how far other test paragraphs would move the numbers is not known."
        )
    if with_paragraphs:
        return (
            "These intervals cover the choice of test paragraphs only: no cell has more than one seed, so how far "
            "another seed would move the numbers cannot be known."
        )
    return (
        "There are no intervals: no cell has more than one seed, and there are no sentence scores, so how far another "
        "seed or other test paragraphs would move the numbers cannot be known."
    )

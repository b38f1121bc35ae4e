"""The scores of the bank: F for every ordered pair, D and R for every language, blood types and levels.

Pure functions of the table of measurements. Matrices are `[donor, recipient]`: rows give,
columns receive, and the diagonal is missing.

    cells = finetune_scores(measurements, protocol="sequential", metric="mrr", seed=0, languages=("de", "fi"))
    donation(cells.finetune)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from bloodbank.bank.measurements import ALONE, METRICS, MONOLINGUAL, ZERO_SHOT, counted, select_rows
from bloodbank.bank.scripts import between_scripts
from bloodbank.errors import UsageError
from bloodbank.statistics.means import known_mean, known_variance

BLOOD_TYPES = ("O", "A", "AB+", "none")
LEVELS = ("negative", "neutral", "positive", "very positive")
# The paper's -10, 10 and 55 percent; a border belongs to the level above it.
LEVEL_BORDERS = (-0.10, 0.10, 0.55)
TRAINING = ("n_masked", "updates", "tokens_seen")  # columns of the table of languages that tell of M_l


class CellScores(NamedTuple):
    """What one seed says about every ordered pair; positive is always a gain.

    Shape:
        Three matrices `[donor, recipient]`, missing on the diagonal and where nothing was measured.
    """

    finetune: pd.DataFrame  #: F, a fraction of ε(M_t)
    difference: pd.DataFrame  #: Δε, in the metric's own unit
    log_ratio: pd.DataFrame  #: ln(ε(M_{s,t}) / ε(M_t)), with the sign turned for losses


def finetune_scores(
    measurements: pd.DataFrame,
    *,
    protocol: str,
    metric: str,
    seed: int,
    languages: Sequence[str],
    include_unhealthy: bool = False,
    baseline: str = ALONE,
) -> CellScores:
    """Compare every bilingual model of one seed with the recipient's monolingual model of the same seed.

    Zero-shot scores between languages of different scripts are left out; see `bloodbank.bank.scripts`.

    Args:
        measurements: The tidy table of measurements.
        protocol: Protocol of the bilingual models.
        metric: One of "mrr", "accuracy", "cross_entropy" and "bits_per_byte".
        seed: The replicate.
        languages: Codes of all languages, in the order of the matrices.
        include_unhealthy: Count unhealthy models. Otherwise their cells are missing, and an unhealthy M_t
            voids its whole column. A failed model is missing in either case.
        baseline: The monolingual model: one of `measurements.BASELINE_WORDS`. The order of donors within a
            recipient is the same by all.

    Returns:
        F, Δε and the log ratio of each cell; for losses the signs are turned, so that positive is a gain.
        F and the log ratio are missing where ε(M_t) is zero.

    Raises:
        UsageError: The table has no such metric, protocol, seed or baseline, or measures a cell twice.

    Shape:
        `[donor, recipient]`, as many rows and columns as languages.

    Source:
        Equation 4.
    """
    rows = select_rows(measurements, languages=languages, protocol=protocol, metric=metric, baseline=baseline)
    of_seed = rows[rows["seed"] == seed]
    if of_seed.empty:
        known = ", ".join(str(known) for known in sorted(rows["seed"].unique()))
        raise UsageError(f"No measurement of seed {seed}. Measured here: {known}.")
    usable = of_seed[counted(of_seed, include_unhealthy=include_unhealthy)]
    alone = usable[usable["protocol"] == MONOLINGUAL].set_index("recipient")["value"].astype(float)
    together = usable[usable["protocol"] == protocol].pivot_table(
        index="donor", columns="recipient", values="value", aggfunc="first"
    )
    cells = _compare(alone, together, languages, METRICS[metric].sign)
    if protocol == ZERO_SHOT:
        apart = between_scripts(languages)
        return CellScores(*(table.mask(apart) for table in cells))
    return cells


def _compare(alone: pd.Series[float], together: pd.DataFrame, languages: Sequence[str], sign: int) -> CellScores:
    order = list(languages)
    mono = alone.reindex(order).to_numpy(dtype=float)[None, :]  # [1, recipient]
    pair = together.reindex(index=order, columns=order).to_numpy(dtype=float, copy=True)  # [donor, recipient]
    np.fill_diagonal(pair, np.nan)
    base = np.where(mono > 0, mono, np.nan)
    difference = sign * (pair - mono) + 0.0  # + 0.0 makes a turned zero a plain one
    log_ratio = sign * (np.log(np.where(pair > 0, pair, np.nan)) - np.log(base)) + 0.0
    return CellScores(*(matrix(cells, order) for cells in (difference / base, difference, log_ratio)))


def matrix(cells: object, languages: Sequence[str], dtype: type = float) -> pd.DataFrame:
    """Label a square of cells, `[donor, recipient]`, with codes."""
    codes = list(languages)
    donors, recipients = pd.Index(codes, name="donor"), pd.Index(codes, name="recipient")
    return pd.DataFrame(np.asarray(cells, dtype=dtype), index=donors, columns=recipients, dtype=dtype)


def donation(finetune: pd.DataFrame) -> pd.DataFrame:
    """Sum what each language gives to the others.

    With cells missing, the sum is (n - 1) times the mean of those measured, and is marked incomplete.

    Args:
        finetune: F.

    Returns:
        `sum` (D, dimensionless, positive is a gain), `mean` (of F), `n_measured` and `complete`; a language
        without any measured cell has neither sum nor mean.

    Shape:
        One row for each language; F is `[donor, recipient]`.

    Source:
        Equation 5.
    """
    others = finetune.mask(np.eye(len(finetune), dtype=bool))
    n_measured = others.notna().sum(axis="columns")
    mean = others.mean(axis="columns")
    n_others = len(finetune) - 1
    complete = n_measured == n_others
    # A complete row is summed as it stands, so that no rounding of the mean enters.
    total = others.sum(axis="columns").where(complete, n_others * mean)
    table = {"sum": total, "mean": mean, "n_measured": n_measured, "complete": complete}
    return pd.DataFrame(table).rename_axis(index="language")


def recipience(finetune: pd.DataFrame) -> pd.DataFrame:
    """Sum what each language receives from the others; as `donation`, over columns instead of rows.

    Args:
        finetune: F.

    Returns:
        `sum` (R, dimensionless, positive is a gain), `mean` (of F), `n_measured` and `complete`.

    Shape:
        One row for each language; F is `[donor, recipient]`.

    Source:
        Equation 6.
    """
    return donation(finetune.T)


def blood_types(
    donations: pd.Series[float], recipiences: pd.Series[float], *, protocol: str = "sequential"
) -> pd.Series[str]:
    """Name the quadrant of the donor-recipient plane in which each language lies.

    The paper's type "None" is written "none": readers of CSV files take the word "None" for a missing value.

    Args:
        donations: D.
        recipiences: R.
        protocol: For "zero_shot" no types are given: nothing is received there.

    Returns:
        "O" (D > 0, R < 0), "AB+" (D < 0, R > 0), "A" (both > 0) or "none" (both < 0); missing (None) where a
        sum is zero or missing.

    Shape:
        One entry for each language.

    Source:
        Section 5.1 and figure 3.
    """
    types = pd.Series([None] * len(donations), index=donations.index, dtype=object, name="blood_type")
    if protocol == ZERO_SHOT:
        return types
    gives, takes = donations > 0, recipiences > 0
    harms, loses = donations < 0, recipiences < 0
    for name, members in zip(BLOOD_TYPES, (gives & loses, gives & takes, harms & takes, harms & loses), strict=True):
        types[members] = name
    return types


def transfer_levels(finetune: pd.DataFrame) -> pd.DataFrame:
    """Sort the cells into levels: negative < -10 % ≤ neutral < 10 % ≤ positive < 55 % ≤ very positive.

    Args:
        finetune: F, as a fraction.

    Returns:
        One of `LEVELS` for each measured cell, None for the others.

    Shape:
        `[donor, recipient]`, as F.

    Source:
        Appendix A and figure 7.
    """
    cells = finetune.to_numpy(dtype=float)
    names = np.array(LEVELS, dtype=object)[np.digitize(cells, LEVEL_BORDERS)]
    return matrix(np.where(np.isnan(cells), None, names), list(finetune.index), dtype=object)


def over_seeds(seeds: Sequence[CellScores], languages: Sequence[str]) -> tuple[CellScores, pd.DataFrame, pd.DataFrame]:
    """Average the cells over the seeds in which each was measured.

    Returns:
        The means, the number of these seeds, and the standard deviation of F over them (of a sample; missing for fewer
        than two).
    """
    stacks = [np.stack([cells[part].to_numpy() for cells in seeds]) for part in range(3)]
    mean = CellScores(*(matrix(known_mean(stack, 0), languages) for stack in stacks))
    n_seeds = (~np.isnan(stacks[0])).sum(axis=0)
    return mean, matrix(n_seeds, languages, dtype=int), matrix(np.sqrt(known_variance(stacks[0], 0)), languages)


def language_scores(
    finetune: pd.DataFrame,
    *,
    protocol: str,
    monolingual: pd.Series[float],
    training: pd.DataFrame,
    health: pd.DataFrame,
) -> pd.DataFrame:
    """Make the bank's table of languages: D, R, their means and whether complete, blood type, and what is known of M_t.

    Args:
        finetune: F.
        protocol: Of the bank; no blood types are given for "zero_shot".
        monolingual: ε(M_t), for the languages of which it is known.
        training: The columns of `TRAINING` that are known, for the languages of which they are.
        health: Health of the models, with the monolingual ones on the diagonal.
    """
    gives, takes = donation(finetune), recipience(finetune)
    codes = list(finetune.index)
    known = training.reindex(index=codes, columns=list(TRAINING)).astype(float)
    return pd.DataFrame(
        {
            "donation": gives["sum"],
            "donation_mean": gives["mean"],
            "recipience": takes["sum"],
            "recipience_mean": takes["mean"],
            "donation_complete": gives["complete"],
            "recipience_complete": takes["complete"],
            "blood_type": blood_types(gives["sum"], takes["sum"], protocol=protocol),
            "monolingual": monolingual.reindex(codes).astype(float),
            **{name: known[name] for name in TRAINING},
            "health": pd.Series(np.diag(health), index=codes, dtype=object),
        },
        index=pd.Index(codes, name="language"),
    )


def same(left: object, right: object) -> bool:
    """Tell whether two tables, mappings (whose order counts) or plain values are equal, missing cells included."""
    if isinstance(left, pd.DataFrame) or isinstance(right, pd.DataFrame):
        return isinstance(left, pd.DataFrame) and isinstance(right, pd.DataFrame) and left.equals(right)
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    return bool(left == right)


def number(table: pd.DataFrame, row: object, column: str) -> float:
    """Take a number out of a table with one row of that name; NaN for a missing one."""
    values: dict[object, float] = table[column].to_dict()
    return float(values[row])

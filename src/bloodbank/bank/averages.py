"""What a bank says over all its seeds: the mean of each cell, its spread, and the table of languages.

Pure functions of the matrices of single seeds; nothing is written.

    mean, n_seeds, deviations = over_seeds([seed_0, seed_1], ("de", "fi"))
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from bloodbank.bank.scores import CellScores, blood_types, donation, matrix, recipience

TRAINING = ("n_masked", "updates", "tokens_seen")  # columns of the table of languages that tell of M_l


def over_seeds(seeds: Sequence[CellScores], languages: Sequence[str]) -> tuple[CellScores, pd.DataFrame, pd.DataFrame]:
    """Average the cells over seeds.

    Args:
        seeds: The cells of each seed, at least one.
        languages: Codes, in the order of the matrices.

    Returns:
        The means over the seeds in which a cell was measured, the number of these seeds, and the standard deviation
        of F over them (of a sample; missing for fewer than two).

    Shape:
        Matrices `[donor, recipient]`.
    """
    stacks = [np.stack([cells[part].to_numpy() for cells in seeds]) for part in range(3)]
    mean = CellScores(*(matrix(_mean(stack), languages) for stack in stacks))
    n_seeds = (~np.isnan(stacks[0])).sum(axis=0)
    return mean, matrix(n_seeds, languages, dtype=int), matrix(_deviation(stacks[0]), languages)


def language_scores(
    finetune: pd.DataFrame,
    *,
    protocol: str,
    monolingual: pd.Series[float],
    training: pd.DataFrame,
    health: pd.DataFrame,
) -> pd.DataFrame:
    """Make the bank's table of languages.

    Args:
        finetune: F.
        protocol: Of the bank; no blood types are given for "zero_shot".
        monolingual: ε(M_t), for the languages of which it is known.
        training: The columns of `TRAINING` that are known, for the languages of which they are.
        health: Health of the models, with the monolingual ones on the diagonal.

    Returns:
        `donation`, `recipience`, with `_mean` and `_complete`, `blood_type`, `monolingual`, `n_masked`, `updates`,
        `tokens_seen` and `health`.

    Shape:
        One row for each language.
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


FOREIGN_SHARE, FERTILITY = "foreign_share", "fertility"  #: covariates of a run: of characters, 0 to 1; pieces a word


def no_covariates(languages: Sequence[str]) -> pd.DataFrame:
    """Make the table of a bank of whose languages nothing further is known: a row for each, and no column."""
    return by_language({}, languages)


def by_language(columns: Mapping[str, Mapping[str, object]], languages: Sequence[str]) -> pd.DataFrame:
    """Make a table of covariates: numbers where a column holds nothing else, text or None otherwise.

    Args:
        columns: Each with its values by language; a missing value is None.
        languages: Codes, in the order of the rows.

    Returns:
        The table.

    Shape:
        One row for each language.
    """
    index = pd.Index(list(languages), name="language")
    table = {}
    for name, values in columns.items():
        cells = [values.get(code) for code in languages]
        kind = object if any(isinstance(cell, str) for cell in cells) else float
        table[name] = pd.Series(cells, index=index, dtype=kind)
    return pd.DataFrame(table, index=index, columns=pd.Index(list(table)))


def _mean(stack: np.ndarray) -> np.ndarray:
    # [seed, donor, recipient] -> [donor, recipient]; a cell without any seed stays missing
    n = (~np.isnan(stack)).sum(axis=0)
    return np.where(n > 0, np.nansum(stack, axis=0) / np.maximum(n, 1), np.nan)


def _deviation(stack: np.ndarray) -> np.ndarray:
    # [seed, donor, recipient] -> [donor, recipient]; of a sample, hence n - 1
    n = (~np.isnan(stack)).sum(axis=0)
    squares = np.nansum((stack - _mean(stack)) ** 2, axis=0)
    return np.where(n > 1, np.sqrt(squares / np.maximum(n - 1, 1)), np.nan)

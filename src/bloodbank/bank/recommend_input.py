"""What a user asks of a recommendation, checked. Nothing is read or written."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bloodbank.errors import UsageError

DIMINISHING, SUM = "diminishing", "sum"


def in_order(finetune: pd.DataFrame, replicates: np.ndarray | None) -> tuple[pd.DataFrame, np.ndarray | None]:
    """Put F and its replicates into the order of codes, so that no result depends on the order that they came in.

    Raises:
        UsageError: F is not square, holds an infinite cell, or the replicates have another shape.
    """
    if list(finetune.index) != list(finetune.columns) or finetune.index.has_duplicates:
        raise UsageError("F must have the same languages in rows and columns, in the same order, each once.")
    n_languages = len(finetune)
    order = np.argsort(np.array([str(code) for code in finetune.index], dtype=object))
    table = finetune.iloc[order, order].astype(float)
    table = table.mask(np.eye(n_languages, dtype=bool))
    if np.isinf(table.to_numpy()).any():
        raise UsageError("F holds an infinite cell. Leave it missing, or look for the zero that it was divided by.")
    if replicates is None or not len(replicates):
        return table, None
    draws = np.asarray(replicates, dtype=float)
    if draws.shape[1:] != (n_languages, n_languages):
        raise UsageError(f"Replicates have the shape {draws.shape}; F has {n_languages} languages in rows and columns.")
    draws = draws[:, order][:, :, order].copy()
    draws[:, np.arange(n_languages), np.arange(n_languages)] = np.nan
    return table, draws


def known_codes(codes: Sequence[str], table: pd.DataFrame, what: str) -> list[str]:
    """Check a list of codes against the languages of F.

    Raises:
        UsageError: A code is unknown or given twice.
    """
    if isinstance(codes, str):
        raise UsageError(f"{what} are a list of codes, not one text: {codes!r}.")
    given = [str(code) for code in codes]
    unknown = [code for code in given if code not in table.index]
    if unknown:
        raise UsageError(f"{what}: {unknown[0]!r} is not measured here. Measured: {', '.join(map(str, table.index))}.")
    twice = sorted({code for code in given if given.count(code) > 1})
    if twice:
        raise UsageError(f"{what}: {', '.join(twice)} given twice.")
    return given


def check_settings(goals: list[str], budget: int, objective: str, rho: float, draws: np.ndarray | None) -> None:
    """Refuse settings out of range.

    Raises:
        UsageError: Names the setting and what is allowed.
    """
    if not goals:
        raise UsageError("No recipient is given. Name at least one language that is to gain.")
    if budget < 1:
        raise UsageError(f"The budget is {budget} donors; it must be at least 1.")
    if objective not in (DIMINISHING, SUM):
        raise UsageError(f"Unknown objective {objective!r}. Known: {DIMINISHING}, {SUM}.")
    if not 0 <= rho <= 1:  # also refuses a NaN
        raise UsageError(f"ρ is {rho}; it goes from 0 (only the best donor counts) to 1 (all count in full).")
    if draws is not None and np.isinf(draws).any():
        raise UsageError("A replicate of F holds an infinite cell. Leave it missing.")


def check_measured(measured: pd.DataFrame) -> None:
    """Refuse a recipient to which nothing was measured.

    Raises:
        UsageError: Names it.
    """
    empty = [str(code) for code in measured if measured[code].isna().all()]
    if empty:
        raise UsageError(
            f"Nothing was measured for {', '.join(empty)} as a recipient, so no donor can be chosen for it."
        )


def candidate_pool(
    measured: pd.DataFrame,
    candidates: Sequence[str] | None,
    include: Sequence[str],
    exclude: Sequence[str],
    *,
    recipients_donate: bool,
) -> tuple[list[str], dict[str, str]]:
    """Work out which languages may be in the set, in the order of codes, and why others may not.

    Raises:
        UsageError: A code is unknown or given twice, or a language to keep in cannot be picked.
    """
    named = known_codes(list(measured.index) if candidates is None else candidates, measured, "candidates")
    kept, out = (known_codes(*one) for one in ((include, measured, "include"), (exclude, measured, "exclude")))
    pool: list[str] = []
    left_out: dict[str, str] = {}
    for code in sorted(set(named) | set(kept)):
        if code in out:
            left_out[code] = "excluded as asked"
        elif not recipients_donate and code in measured.columns:
            left_out[code] = "a recipient, and recipients are not to donate"
        elif measured.loc[code].isna().all():
            itself = list(measured.columns) == [code]
            left_out[code] = "the one recipient" if itself else "no F to any of the recipients was measured"
        else:
            pool.append(code)
            continue
        if code in kept:
            raise UsageError(f"{code} is to be kept in, but it cannot be picked: {left_out[code]}.")
    lost = [code for code in kept if code not in named]
    if lost:
        raise UsageError(f"{lost[0]} is to be kept in, and it is not among the candidates.")
    return pool, left_out

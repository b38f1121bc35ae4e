"""The additive model of F: what a donor gives to all, plus what a recipient takes from all.

Pure functions of one matrix; nothing is written.

    fitted = fit_additive(finetune.to_numpy())
    residual = finetune.to_numpy() - fitted
    additive_fit(finetune).r_squared
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bloodbank.bank.bank import Bank
from bloodbank.bank.scores import matrix
from bloodbank.wording import plural

_MAX_ROUNDS = 2_000
_ROUNDING = 1e-9  # of the largest cell
_ENOUGH = 1e-12  # change of a round, in units of the largest cell


def fit_additive(cells: np.ndarray) -> np.ndarray:
    """Fit mean + donor effect + recipient effect to the measured cells, by least squares.

    Rows and columns are centred in turn, which ends at the least-squares fit whatever cells are missing. The
    diagonal never counts.

    Args:
        cells: F, missing where nothing was measured.

    Returns:
        The fitted values of the measured cells; missing elsewhere, because a donor or recipient without a link to the
        others has no effect that could be told.

    Shape:
        Both `[donor, recipient]`.
    """
    measured = ~np.isnan(cells) & ~np.eye(len(cells), dtype=bool)
    residual = np.where(measured, cells, 0.0)
    n_row, n_column = (np.maximum(measured.sum(axis=axis), 1) for axis in (1, 0))
    enough = _ENOUGH * max(float(np.abs(residual).max(initial=0.0)), np.finfo(float).tiny)
    for _ in range(_MAX_ROUNDS):
        rows = residual.sum(axis=1) / n_row
        residual = np.where(measured, residual - rows[:, None], 0.0)
        columns = residual.sum(axis=0) / n_column
        residual = np.where(measured, residual - columns[None, :], 0.0)
        if max(np.abs(rows).max(initial=0.0), np.abs(columns).max(initial=0.0)) <= enough:
            break
    return np.where(measured, cells - residual, np.nan)


def departures(cells: np.ndarray) -> np.ndarray:
    """Return what the additive model leaves of the measured cells.

    Args:
        cells: F, missing where nothing was measured.

    Returns:
        F less its fit. What rounding leaves of an additive F is exactly 0, so that it is not tested as something.

    Shape:
        Both `[donor, recipient]`.
    """
    left = cells - fit_additive(cells)
    return np.where(np.abs(left) < _ROUNDING * np.nanmax(np.abs(cells), initial=0.0), 0.0, left)


@dataclass(frozen=True, eq=False)
class AdditiveFit:
    """F as what a donor gives to all, plus what a recipient takes from all.

    Shape:
        Matrices are `[donor, recipient]`.
    """

    mean: float  #: of the fitted F over all donors and recipients that have an effect
    donors: pd.Series[float]  #: effect of each donor; their mean is 0. Missing for a language without a cell as donor
    recipients: pd.Series[float]  #: effect of each recipient, in the same way
    fitted: pd.DataFrame  #: mean + donor + recipient, for cells that were not measured too, where effects are linked
    residuals: pd.DataFrame  #: F less the fitted F; missing where F is
    r_squared: float  #: share of the variance of F over the measured cells; missing where all are the same
    n_cells: int
    n_parameters: int  #: as many cells as parameters are fitted whatever they are
    n_groups: int  #: donors and recipients that no cell links have effects that cannot be compared; 1 where all are


def additive_fit(finetune: pd.DataFrame) -> AdditiveFit:
    """Fit mean + donor effect + recipient effect to the measured cells of F, by least squares.

    Args:
        finetune: F, missing where nothing was measured; the diagonal never counts.

    Returns:
        The fit. With more than one linked group of languages, the effects of each group have the mean 0 and `mean` is
        missing, because groups have means of their own.

    Shape:
        F is `[donor, recipient]`.

    Source:
        Equation 4 for F; the model is the two-way table of main effects without interaction.
    """
    codes = list(finetune.index)
    cells = finetune.to_numpy(dtype=float, copy=True)
    np.fill_diagonal(cells, np.nan)
    measured = ~np.isnan(cells)
    on_measured = fit_additive(cells)
    donor_groups, recipient_groups = _groups(measured)
    n_groups = len(set(donor_groups[donor_groups >= 0]))
    effects, means = np.full((2, len(codes)), np.nan), []
    for group in range(n_groups):
        give, take = np.flatnonzero(donor_groups == group), np.flatnonzero(recipient_groups == group)
        mean, *parts = _effects(on_measured[np.ix_(give, take)])
        effects[0, give], effects[1, take] = parts
        means.append(mean)
    linked = (donor_groups[:, None] == recipient_groups[None, :]) & (donor_groups[:, None] >= 0)
    base = np.array(means)[np.maximum(donor_groups, 0)][:, None] if means else np.nan
    fitted = np.where(measured, on_measured, np.where(linked, base + effects[0][:, None] + effects[1][None, :], np.nan))
    np.fill_diagonal(fitted, np.nan)
    known = cells[measured]
    total = float(((known - known.mean()) ** 2).sum()) if known.size else 0.0
    left = float(((cells - on_measured)[measured] ** 2).sum())
    rounding = known.size * (_ENOUGH * float(np.abs(known).max(initial=0.0))) ** 2
    return AdditiveFit(
        mean=means[0] if n_groups == 1 else float("nan"),
        donors=pd.Series(effects[0], index=finetune.index),
        recipients=pd.Series(effects[1], index=finetune.columns),
        fitted=matrix(fitted, codes),
        residuals=matrix(cells - on_measured, codes),
        r_squared=1 - left / total if total > rounding else float("nan"),
        n_cells=int(measured.sum()),
        n_parameters=n_parameters(cells),
        n_groups=n_groups,
    )


def _effects(fitted: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Take fitted cells of one linked group apart into mean, donor and recipient effects.

    Every donor is reached from the first one over cells, so that its effect is a sum of differences between them.
    """
    known = ~np.isnan(fitted)
    give, take = np.full(len(fitted), np.nan), np.full(fitted.shape[1], np.nan)
    give[0] = 0.0
    while np.isnan(give).any() or np.isnan(take).any():
        reached = known & ~np.isnan(give)[:, None] & np.isnan(take)[None, :]
        for column in np.flatnonzero(reached.any(axis=0)):
            nearest = int(np.argmax(reached[:, column]))
            take[column] = fitted[nearest, column] - give[nearest]
        reached = known & np.isnan(give)[:, None] & ~np.isnan(take)[None, :]
        for row in np.flatnonzero(reached.any(axis=1)):
            nearest = int(np.argmax(reached[row]))
            give[row] = fitted[row, nearest] - take[nearest]
    return float(give.mean() + take.mean()), give - give.mean(), take - take.mean()


def _groups(measured: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number the linked groups: of each donor and of each recipient, -1 for those without a cell."""
    give, take = (np.full(len(measured), -1) for _ in range(2))
    n_groups = 0
    for donor in np.flatnonzero(measured.any(axis=1)):
        if give[donor] >= 0:
            continue
        rows = np.zeros(len(measured), dtype=bool)
        rows[donor] = True
        while True:  # donors that share a recipient with one of the group join it
            columns = measured[rows].any(axis=0)
            joined = measured[:, columns].any(axis=1)
            if (joined == rows).all():
                break
            rows = np.asarray(joined)
        give[rows], take[columns] = n_groups, n_groups
        n_groups += 1
    return give, take


def n_parameters(cells: np.ndarray) -> int:
    """Count the free parameters of the additive model: donors and recipients, less one for each linked group.

    Shape:
        `[donor, recipient]`.
    """
    measured = ~np.isnan(cells) & ~np.eye(len(cells), dtype=bool)
    donors, recipients = measured.any(axis=1), measured.any(axis=0)
    return int(donors.sum() + recipients.sum()) - _n_groups(measured)


def _n_groups(measured: np.ndarray) -> int:
    # Donors and recipients that no measured cell links have means of their own.
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    rows, columns = measured.any(axis=1), measured.any(axis=0)
    if not rows.any():
        return 0
    block = measured[np.ix_(rows, columns)]
    n_rows, n_columns = block.shape
    links = np.zeros((n_rows + n_columns, n_rows + n_columns), dtype=bool)
    links[:n_rows, n_rows:] = block
    return int(connected_components(csr_array(links), directed=False)[0])


# How much of F is what a donor gives to all plus what a recipient takes from all, and does it hold between seeds?


_LETTERS = {"finetune_score": "F", "donation": "D", "recipience": "R"}


def additive_sentences(bank: Bank) -> list[str]:
    """Say what share of the variance of F the additive model explains, beside what noise alone would give it.

    Args:
        bank: The bank.

    Returns:
        Sentences, or why it is not possible.
    """
    fit = additive_fit(bank.finetune_scores)
    if np.isnan(fit.r_squared):
        return ["The additive model of F: not possible, because fewer than two different cells are measured."]
    if fit.n_cells <= fit.n_parameters:
        return [
            f"The additive model of F: not possible, because it has {fit.n_parameters} parameters for "
            f"{plural(fit.n_cells, 'cell')} and fits them whatever they are."
        ]
    # Of cells that were nothing but independent noise, each free parameter but the mean would explain its part.
    chance = (fit.n_parameters - 1) / (fit.n_cells - 1)
    residual = np.sqrt(float((fit.residuals.to_numpy(dtype=float) ** 2)[fit.residuals.notna().to_numpy()].mean()))
    said = [
        f"Donor plus recipient effects explain {fit.r_squared:.0%} of the variance of F over "
        f"{plural(fit.n_cells, 'cell')}; of independent noise they would explain {chance:.0%}. What is left over has a "
        f"standard deviation of {100 * residual:.1f} percentage points."
    ]
    if fit.n_groups > 1:
        return said
    donors, recipients = fit.donors.dropna().var(ddof=0), fit.recipients.dropna().var(ddof=0)
    larger, smaller = ("recipient", "donor") if recipients >= donors else ("donor", "recipient")
    return [
        *said,
        f"Who the {larger} is matters more than who the {smaller} is: the effects have standard deviations of "
        f"{100 * np.sqrt(max(donors, recipients)):.1f} and {100 * np.sqrt(min(donors, recipients)):.1f} points.",
    ]

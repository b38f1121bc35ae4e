r"""How much of F is what a donor gives to all plus what a recipient takes from all?

additive_fit(bank.finetune_scores).r_squared
print(*additive_sentences(bank), sep="\n")
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bloodbank.bank.bank import Bank
from bloodbank.bank.scores import matrix
from bloodbank.statistics.two_way import ROUNDING, fit_two_way, n_parameters, two_way_effects
from bloodbank.wording import plural


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
    on_measured = fit_two_way(cells)
    effects = two_way_effects(on_measured)
    groups, n_groups = effects.row_groups, len(effects.means)
    linked = (groups[:, None] == effects.column_groups[None, :]) & (groups[:, None] >= 0)
    base = effects.means[np.maximum(groups, 0)] if n_groups else np.full(len(codes), np.nan)
    filled = (base + effects.rows)[:, None] + effects.columns[None, :]
    fitted = np.where(measured, on_measured, np.where(linked, filled, np.nan))
    np.fill_diagonal(fitted, np.nan)
    known = cells[measured]
    total = float(((known - known.mean()) ** 2).sum()) if known.size else 0.0
    left = float(((cells - on_measured)[measured] ** 2).sum())
    rounding = known.size * (ROUNDING * float(np.abs(known).max(initial=0.0))) ** 2
    return AdditiveFit(
        mean=float(effects.means[0]) if n_groups == 1 else float("nan"),
        donors=pd.Series(effects.rows, index=finetune.index),
        recipients=pd.Series(effects.columns, index=finetune.columns),
        fitted=matrix(fitted, codes),
        residuals=matrix(cells - on_measured, codes),
        r_squared=1 - left / total if total > rounding else float("nan"),
        n_cells=int(measured.sum()),
        n_parameters=n_parameters(cells),
        n_groups=n_groups,
    )


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
    residual = np.sqrt(np.nanmean(fit.residuals.to_numpy(dtype=float) ** 2))
    sentences = [
        f"Donor plus recipient effects explain {fit.r_squared:.0%} of the variance of F over "
        f"{plural(fit.n_cells, 'cell')}; of independent noise they would explain {chance:.0%}. What is left over has a "
        f"standard deviation of {100 * residual:.1f} percentage points."
    ]
    if fit.n_groups == 1:
        spreads = {"donor": 100 * fit.donors.std(ddof=0), "recipient": 100 * fit.recipients.std(ddof=0)}
        smaller, larger = sorted(spreads, key=spreads.__getitem__)
        sentences.append(
            f"Who the {larger} is matters more than who the {smaller} is: the effects have standard deviations of "
            f"{spreads[larger]:.1f} and {spreads[smaller]:.1f} points."
        )
    return sentences

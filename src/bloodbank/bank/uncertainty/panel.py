"""D and R for another panel of languages: how far they rest on which other languages are in the bank.

D(l) sums over the languages that happen to be there. With others drawn from the same population, it would be another
sum. This is not an error of measurement: it stays however many seeds and paragraphs there are, and it is the only
interval that a matrix without seeds and sentence scores can have.

    panel = panel_intervals(bank.finetune_scores)
    print(panel.covers)
    panel.scores
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bloodbank.bank.scores import donation, recipience
from bloodbank.errors import UsageError
from bloodbank.statistics.means import known_variance
from bloodbank.wording import plural

_SUMS = {"donation": (donation, 1), "recipience": (recipience, 0)}


@dataclass(frozen=True, eq=False)
class PanelIntervals:
    """Intervals of D and R "for another panel of languages".

    Attributes:
        level: Probability that an interval holds what it says.
        covers: What the intervals cover and what they do not, in sentences.
        scores: language, score ("donation", "donation_mean", "recipience" or "recipience_mean"), estimate, low and high
            (of the value expected over panels of as many languages), other_low and other_high (of the value on one
            other such panel), se, df, n_others: one row for each language and score. Bounds are missing where fewer
            than two cells were measured.
    """

    level: float
    covers: str
    scores: pd.DataFrame


def panel_intervals(finetune: pd.DataFrame, *, level: float = 0.95) -> PanelIntervals:
    """Work out how D and R depend on the other languages.

    The cells of a language's row (for D) or column (for R) are taken as a sample of what it gives to (or takes from)
    languages of the same population, and their mean has an interval by Student's t. With the language itself fixed,
    its cells are independent, whatever donors and recipients add: so nothing need be said of rows and columns. What one
    model adds to all of them, M_l as donor or as recipient, is not in their scatter.

    Args:
        finetune: F. The diagonal never counts.
        level: Probability that an interval holds what it says.

    Returns:
        The intervals.

    Raises:
        UsageError: The level is not between 0 and 1.

    Shape:
        F is `[donor, recipient]`.
    """
    if not 0.0 < level < 1.0:
        raise UsageError(f"The level of an interval is between 0 and 1, such as 0.95, but was given as {level:g}.")
    from scipy import stats

    n = len(finetune)
    cells = finetune.mask(np.eye(n, dtype=bool)).to_numpy(dtype=float)
    parts = []
    for name, (score, axis) in _SUMS.items():
        table = score(finetune)
        n_others = table["n_measured"].to_numpy()
        deviation = np.sqrt(known_variance(cells, axis))
        se = deviation / np.sqrt(np.maximum(n_others, 1))
        df = np.where(n_others > 1, n_others - 1.0, np.nan)
        reach = stats.t.ppf((1 + level) / 2, df)
        # The mean of n_others measured cells foretells that of the n − 1 cells of another panel.
        other = deviation * np.sqrt(1 / np.maximum(n_others, 1) + 1 / max(n - 1, 1)) * reach
        for of, factor in (("sum", n - 1), ("mean", 1)):
            estimate = table[of].to_numpy()
            columns = {"low": -reach * se, "high": reach * se, "other_low": -other, "other_high": other}
            bounds = {key: estimate + factor * value for key, value in columns.items()}
            rows = {"language": list(finetune.index), "score": name if of == "sum" else f"{name}_mean"}
            more = {"se": np.where(n_others > 1, factor * se, np.nan), "df": df, "n_others": n_others}
            parts.append(pd.DataFrame({**rows, "estimate": estimate, **bounds, **more}))
    scores = pd.concat(parts, ignore_index=True)
    return PanelIntervals(level, _covers(scores), scores)


def _covers(scores: pd.DataFrame) -> str:
    known = scores["low"].notna()
    if not known.any():
        return "There are no intervals for another panel of languages: no language has two measured cells in a row."
    said = (
        "These intervals are for another panel of languages: they cover which other languages are in the bank, as far "
        "as these are a random sample of those one could have taken. "
        "They do not cover how exactly the cells were measured: what another seed of a language's own model would add "
        "to all its cells at once is not in them."
    )
    few = int(scores.loc[known, "n_others"].min())
    if few < 5:
        said += f" Some rest on {plural(few, 'cell')} only."
    lacking = scores.loc[~known, "language"].nunique()
    if lacking:
        said += (
            f" Where a row or column has fewer than two measured cells ({plural(lacking, 'language')}) there is none."
        )
    return said

"""The tables of `bloodbank.bank.uncertainty.intervals`: cells, scores of languages, and blood types.

score_table(noise, order, codes, level=0.95)
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bloodbank.bank.measurements import ZERO_SHOT
from bloodbank.bank.scores import BLOOD_TYPES, blood_types, donation, matrix, recipience
from bloodbank.bank.uncertainty.errors_and_draws import Errors, MeasuredNoise
from bloodbank.bank.uncertainty.paragraphs import FINETUNE
from bloodbank.statistics.ranks import rank_intervals

Array = NDArray[np.float64]
Order = NDArray[np.int64]
_SUMS = {"donation": (donation, 1), "recipience": (recipience, 0)}  # and over which axis of F


def cell_table(noise: MeasuredNoise, order: Order, codes: tuple[str, ...], level: float) -> pd.DataFrame:
    """List the intervals of cells, see `Intervals.cells`; `order` are places in `codes`, which are those of `noise`."""
    donors, recipients = (places.ravel() for places in np.meshgrid(order, order, indexing="ij"))
    apart = donors != recipients
    donors, recipients = donors[apart], recipients[apart]
    names = np.array(codes, dtype=object)
    parts = []
    for score, means in noise.means.items():
        low, high = bounds(means, noise.cells[score], level)
        errors = noise.cells[score]
        columns = {"estimate": means, "low": low, "high": high, "se": errors.se, "df": errors.df}
        table = {"donor": names[donors], "recipient": names[recipients], "score": score}
        table |= {name: cells[donors, recipients] for name, cells in columns.items()}
        parts.append(pd.DataFrame({**table, "n_seeds": noise.n_seeds[donors, recipients]}))
    return pd.concat(parts, ignore_index=True)


def bounds(estimates: Array, errors: Errors, level: float) -> tuple[Array, Array]:
    """Return the two ends of intervals by Student's t; both are the estimate where the error is zero."""
    from scipy.special import stdtrit  # scipy.stats.t.ppf, which takes ten times as long to load

    reach = stdtrit(errors.df, (1 + level) / 2) * errors.se
    return estimates - reach, estimates + reach


def score_table(noise: MeasuredNoise, order: Order, codes: tuple[str, ...], level: float) -> pd.DataFrame:
    """List the intervals of D and R; see `Intervals.scores`."""
    finetune = matrix(noise.means[FINETUNE], codes)
    measured = noise.n_seeds > 0
    parts = []
    for name, (score, axis) in _SUMS.items():
        table = score(finetune)
        errors = noise.rows if axis == 1 else noise.columns
        n_measured = np.maximum(measured.sum(axis), 1)
        drawn = (noise.drawn_rows if axis == 1 else noise.drawn_columns) / n_measured
        ranks = rank_intervals(table["mean"].to_numpy(), drawn, level)
        for of, factor in (("sum", (len(codes) - 1) / n_measured), ("mean", 1 / n_measured)):
            estimates, own = table[of].to_numpy(), Errors(factor * errors.se, errors.df)
            low, high = bounds(estimates, own, level)
            columns = {"estimate": estimates, "low": low, "high": high, "se": own.se, "df": own.df}
            columns |= {"complete": table["complete"].to_numpy()}
            columns |= dict(zip(("rank", "rank_low", "rank_high"), ranks, strict=True))
            rows = {"language": np.array(codes, dtype=object)[order], "score": name if of == "sum" else f"{name}_mean"}
            parts.append(pd.DataFrame({**rows, **{key: values[order] for key, values in columns.items()}}))
    return pd.concat(parts, ignore_index=True)


def type_table(noise: MeasuredNoise, order: Order, codes: tuple[str, ...], protocol: str) -> pd.DataFrame:
    """List how often each language is of each blood type; see `Intervals.types`."""
    finetune = matrix(noise.means[FINETUNE], codes)
    gives, takes = donation(finetune)["sum"], recipience(finetune)["sum"]
    donations, recipiences = noise.drawn_rows, noise.drawn_columns
    known = ~(np.isnan(donations) | np.isnan(recipiences)).any(0) & (gives.notna() & takes.notna()).to_numpy()
    shares = {}
    for name in BLOOD_TYPES:
        donates, receives = name in ("O", "A"), name in ("AB+", "A")
        share = (((donations > 0) == donates) & ((recipiences > 0) == receives)).mean(0)
        shares[f"p_{name}"] = np.where(known & (protocol != ZERO_SHOT), share, np.nan)[order]
    types = blood_types(gives, takes, protocol=protocol)
    own = types.to_numpy(dtype=object)[order]
    return pd.DataFrame({"language": np.array(codes, dtype=object)[order], "blood_type": own, **shares})

r"""Would the order of donors repeat with other seeds? The first number of a bank.

Log ratios, because F explodes where ε(M_t) is small; the order of donors within a recipient is the same by both.

    bank.reliability.scores
    print(*bank.reliability.sentences(), sep="\n")
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bloodbank.bank.measurements import METRICS
from bloodbank.bank.scores import number
from bloodbank.statistics.variance_parts import (
    EFFECTS,
    MIN_LANGUAGES,
    VarianceParts,
    repeatable,
    seeds_needed,
    variance_parts,
)
from bloodbank.wording import plural

GOOD = 0.8  #: reliability from which an order is taken for that of the languages, and not of these seeds
HALF = 0.5  #: below it more of an order is the seeds' than the languages'
LEVEL = 0.95
PARTS = ("recipient", "recipient_seed", "donor", "donor_seed", "pair", "cell")
COLUMNS = ("of_one_seed", "of_mean", "low", "high", "seeds_needed")
_TWO = "every pair with two seeds or more, as with `seeds = [0, 1, 2]`"
_NAMES = {
    "donor_order": "of the order of donors for a recipient",
    "donation": "of D",
    "recipience": "of R",
    "cell": "of single cells",
}


@dataclass(frozen=True, eq=False)
class Reliability:
    """The share of the variance of log ratios that would repeat with other seeds, and where the rest comes from.

    It covers the choice of seeds. Text and test paragraphs were the same in every seed: what hangs on them repeats.

    Attributes:
        scores: By effect ("donor_order": donors within recipients; "donation": their mean, D; "recipience": R; "cell":
            all of a cell), shares from 0 to 1: of_one_seed, of_mean (over the seeds that there are), its interval low
            and high, and seeds_needed for a reliability of 0.8 (infinite where nothing repeats). All missing where
            nothing is known.
        parts: Variances of one seed's log ratios: recipient, recipient_seed, donor, donor_seed, pair, cell.
        n_seeds: Seeds of a cell, the harmonic mean.
        obstacle: Why nothing is known; empty otherwise.
        lacking: What has to be measured for it to be known; empty where it is.
    """

    scores: pd.DataFrame
    parts: Mapping[str, float]
    n_seeds: float
    obstacle: str = ""
    lacking: str = ""

    @property
    def known(self) -> bool:
        """Whether anything is known of it: with one seed there is not."""
        return not self.obstacle

    @property
    def order_repeats(self) -> bool:
        """Whether the order of donors within recipients would repeat: at least half of it, and surely some."""
        low, of_mean = (number(self.scores, "donor_order", name) for name in ("low", "of_mean"))
        return self.known and of_mean >= HALF and low > 0

    def text(self, effect: str) -> str:
        """Write a reliability with its interval, such as "0.42 (95% interval 0.10 to 0.63)"."""
        of_mean, low, high = (number(self.scores, effect, name) for name in ("of_mean", "low", "high"))
        return f"{of_mean:.2f} ({LEVEL:.0%} interval {low:.2f} to {high:.2f})"

    def sentences(self) -> list[str]:
        """Say what repeats, where variance comes from, and how many seeds are needed."""
        if not self.known:
            return [f"Reliability: not known; {self.obstacle}."]
        shares = {name: part / sum(self.parts.values()) for name, part in self.parts.items()}
        named = "; ".join(f"{name} {self.text(effect)}" for effect, name in _NAMES.items())
        return [
            f"Reliability (share of the variance of log ratios, means over {seeds_text(self.n_seeds)}, that would "
            f"repeat with other seeds): {named}.",
            f"Of the variance of one seed's log ratios {shares['recipient']:.0%} is the recipient's, "
            f"{shares['donor']:.0%} the donor's and {shares['pair']:.0%} the pair's in every seed; "
            f"{shares['recipient_seed']:.0%} is that of the recipient's seed, {shares['donor_seed']:.0%} of the "
            f"donor's and {shares['cell']:.0%} of the cell's.",
            self.remedy(),
        ]

    def remedy(self) -> str:
        """Say how many seeds would make the order of donors reliable."""
        if not self.known:
            return f"What to measure: {self.lacking}."
        needed, now = (number(self.scores, "donor_order", name) for name in ("seeds_needed", "of_mean"))
        if math.isinf(needed):
            return (
                "No number of seeds makes the order of donors reliable: nothing of it repeats. Longer training or more "
                "text may."
            )
        if now >= GOOD:
            return f"{seeds_text(self.n_seeds).capitalize()} suffice for a reliability of {GOOD:g}."
        return f"{seeds_text(self.n_seeds).capitalize()} give {now:.2f}; {needed:.0f} are needed for {GOOD:g}."


def seeds_text(n_seeds: float) -> str:
    """Write a mean number of seeds: "3 seeds", "2.7 seeds"."""
    return plural(round(n_seeds), "seed") if abs(n_seeds - round(n_seeds)) < 0.05 else f"{n_seeds:.1f} seeds"


def log_ratios(finetune: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Turn F into ln(ε(M_st) / ε(M_t)), with the sign turned for losses; missing where F leaves nothing of the score.

    Shape:
        `[donor, recipient]`.
    """
    sign = METRICS[metric].sign
    ratios = 1.0 + sign * finetune.astype(float)
    return sign * ratios.where(ratios > 0).map(np.log) + 0.0


def reliability(replicates: Mapping[int, pd.DataFrame], metric: str) -> Reliability:
    """Work out the reliability of a bank.

    Args:
        replicates: F by seed, all with the same languages; empty where seeds are not known.
        metric: Of the bank.

    Returns:
        The reliability; with an obstacle where it is not known.

    Shape:
        F is `[donor, recipient]`.
    """
    if not replicates:
        return _unknown("with how many seeds the cells were measured is not known", "two are needed", _TWO, 0)
    if len(replicates) < 2:
        return _unknown("there is one seed", "two are needed", _TWO, 1)
    tables = [replicates[seed] for seed in sorted(replicates)]
    if len(tables[0]) < MIN_LANGUAGES:
        few, needed = f"there are {len(tables[0])} languages", f"{MIN_LANGUAGES} are needed"
        return _unknown(few, needed, f"{MIN_LANGUAGES} languages or more", len(tables))
    codes = sorted(tables[0].index)  # so that the order of languages changes no number
    parts = variance_parts(np.stack([log_ratios(table.loc[codes, codes], metric).to_numpy() for table in tables]))
    if parts is None:
        return _unknown("too few different cells have two seeds", "every cell needs two", _TWO, len(tables))
    return Reliability(_scores(parts), {name: getattr(parts, name) for name in PARTS}, parts.n_seeds)


def _scores(parts: VarianceParts) -> pd.DataFrame:
    rows = []
    for effect in EFFECTS:
        found = repeatable(parts, effect, level=LEVEL)
        rows.append((*found, seeds_needed(found.of_one, GOOD)))
    return _table(rows)


def _table(rows: Sequence[tuple[float, ...]]) -> pd.DataFrame:
    return pd.DataFrame(rows, index=pd.Index(EFFECTS, name="effect"), columns=list(COLUMNS), dtype=float)


def _unknown(why: str, needed: str, lacking: str, n_seeds: int) -> Reliability:
    nothing = _table([(np.nan,) * len(COLUMNS)] * len(EFFECTS))
    return Reliability(nothing, dict.fromkeys(PARTS, np.nan), float(n_seeds), f"{why}, and {needed}", lacking)

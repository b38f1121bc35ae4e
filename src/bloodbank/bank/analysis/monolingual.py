r"""Does the score of a language's own model foretell D and R?

ε(M_t) stands in F's own denominator: where it comes out low by chance, every F of the column comes out high. So the
correlation is also taken between halves of the data that share no seed and no test paragraph. Reads a bank and, where
there are any, its sentence scores; writes nothing.

    found = monolingual(bank, Path("runs/mine/sentence_scores.parquet"))
    print(*found.sentences(), sep="\n")
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from bloodbank.bank.analysis.halves import Halves, split_halves
from bloodbank.bank.bank import Bank
from bloodbank.bank.diagnostics import MIN_LANGUAGES
from bloodbank.bank.measurements import METRICS
from bloodbank.bank.relabelling import SAME, draw_orders, tail

Array = NDArray[np.float64]
RAW, SPLIT = "raw", "halves"
SCORES = ("donation", "recipience")
N_SPLITS, FEWER_SPLITS, _MANY_LANGUAGES = 100, 30, 60


@dataclass(frozen=True, eq=False)
class MonolingualEffect:
    """How D and R go with ε(M_l), over languages."""

    table: pd.DataFrame  #: `monolingual` (ε), `donation` and `recipience`, one row for each language that has them
    metric: str
    correlations: pd.DataFrame  #: one row for each estimate and score, see `monolingual`
    by_seeds: bool  #: halves share no seed
    by_paragraphs: bool  #: halves share no test paragraph
    n_splits: int
    n_permutations: int
    exact: bool  #: every relabelling was taken, not a sample

    @property
    def drawable(self) -> bool:
        """Whether there is anything to draw: two languages with ε(M_l), D and R."""
        return len(self.table) >= 2

    def sentences(self) -> list[str]:
        """Say what goes with ε(M_l), raw and on halves; see `monolingual_sentences`."""
        from bloodbank.bank.analysis.monolingual_sentences import monolingual_sentences

        return monolingual_sentences(self)


def monolingual(
    bank: Bank,
    sentence_scores: pd.DataFrame | str | Path | None = None,
    *,
    n_splits: int | None = None,
    n_permutations: int | None = None,
    seed: int = 0,
) -> MonolingualEffect:
    """Correlate ε(M_l) with D(l) and R(l) over languages, raw and between disjoint halves of the data.

    Args:
        bank: The bank, with its measurements where it has several seeds.
        sentence_scores: The tidy table or its Parquet file, to split test paragraphs too; None where there is none.
        n_splits: Random splits, each of which counts in both directions; by default 100, and 30 for more than 60
            languages.
        n_permutations: Relabellings; by default 10,000, and 2,000 for more than 60 languages; all up to 7 languages.
        seed: Of splits and relabellings.

    Returns:
        Correlations: `estimate` ("raw" or "halves"), `score` ("donation" or "recipience"), `pearson` and `spearman`
        (means over splits for halves; positive where languages with the better own model have more, also for a metric
        where lower is better), `p` (two-sided, of Pearson's: by relabelling for the raw one, by the jackknife over
        languages for halves), `n` and `note`, why it is not possible. Halves hold half of the data: their noise pulls
        the correlation towards 0.

    Raises:
        UsageError: The sentence scores cannot be used.

    Source:
        Section 5 and figure 4.
    """
    codes = sorted(bank.languages)
    n_splits = n_splits or (FEWER_SPLITS if len(codes) > _MANY_LANGUAGES else N_SPLITS)
    sign = METRICS[bank.metric].sign
    table = bank.scores.loc[codes, ["monolingual", *SCORES]].astype(float)
    rows = []
    orders_taken = 0
    exact = True
    halves = split_halves(bank, sentence_scores, n_splits=n_splits, seed=seed)
    for estimate in (RAW, SPLIT):
        for score in SCORES:
            own, other, note = _samples(table, halves, estimate, score)
            row = {"estimate": estimate, "score": score, "pearson": np.nan, "spearman": np.nan, "p": np.nan}
            row |= {"n": own.shape[1], "note": note or _obstacle(own, other)}
            if not row["note"]:
                orders, exact = draw_orders(own.shape[1], n_permutations, seed)
                orders_taken = max(orders_taken, len(orders) - (not exact))
                row |= _correlate(sign * own, other, orders)
                if estimate == SPLIT:
                    row["p"] = _jackknife_p(sign * own, other)
            rows.append(row)
    is_split = isinstance(halves, Halves)
    return MonolingualEffect(
        table=table.dropna(),
        metric=bank.metric,
        correlations=pd.DataFrame(rows),
        by_seeds=is_split and halves.by_seeds,  # type: ignore[union-attr]  # is_split says what it is
        by_paragraphs=is_split and halves.by_paragraphs,  # type: ignore[union-attr]
        n_splits=n_splits,
        n_permutations=orders_taken,
        exact=exact,
    )


def _samples(table: pd.DataFrame, halves: Halves | str, estimate: str, score: str) -> tuple[Array, Array, str]:
    """Take ε and a score over the languages that have both. Shape: [split, language] each; one split for the raw."""
    if estimate == RAW:
        known = table[["monolingual", score]].dropna().to_numpy()
        return known[None, :, 0], known[None, :, 1], ""
    if isinstance(halves, str):
        return np.empty((1, 0)), np.empty((1, 0)), f"not possible, because {halves}"
    own, other = halves.own, getattr(halves, score)
    both = (~np.isnan(own) & ~np.isnan(other)).all(axis=0)
    return own[:, both], other[:, both], ""


def _obstacle(own: Array, other: Array) -> str:
    n = own.shape[1]
    if n < MIN_LANGUAGES:
        return f"not possible, because {n} languages with scores of M_l are fewer than {MIN_LANGUAGES}"
    for values, what in ((own, "the score of M_l"), (other, "the sum of F")):
        if (np.ptp(values, axis=1) <= SAME * np.abs(values).max(axis=1)).any():
            return f"not possible, because {what} is the same for all {n} languages"
    return ""


def _correlate(own: Array, other: Array, orders: np.ndarray) -> dict[str, float]:
    # The mean over splits of a correlation is one sum over pairs of languages, whatever the relabelling.
    together = _standard(own).T @ _standard(other) / len(own)  # [language of ε, language of the score]
    found = together[orders, np.arange(orders.shape[1])].sum(axis=1)
    ranks = [stats.rankdata(values, axis=1) for values in (own, other)]
    spearman = (_standard(ranks[0]) * _standard(ranks[1])).sum(axis=1).mean()
    return {"pearson": float(found[0]), "spearman": float(spearman), "p": tail(np.abs(found))}


def _jackknife_p(own: Array, other: Array) -> float:
    """Test the mean correlation of halves against 0, leaving out one language after the other.

    Relabelling is no null for it: in the data as they are, what one half lacks the other half has, which spreads the
    mean over splits further than in relabelled data.
    """
    n = own.shape[1]
    kept = ~np.eye(n, dtype=bool)
    without = np.array([(_standard(own[:, one]) * _standard(other[:, one])).sum(axis=1).mean() for one in kept])
    se = np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum())
    value = (_standard(own) * _standard(other)).sum(axis=1).mean()
    return float(2 * stats.t.sf(abs(value) / se, n - 1)) if se > 0 else float("nan")


def _standard(values: Array) -> Array:
    centred = values - values.mean(axis=1, keepdims=True)
    standard: Array = centred / np.sqrt((centred**2).sum(axis=1, keepdims=True))
    return standard

r"""Does the score of a language's own model foretell D and R?

ε(M_t) stands in F's own denominator: where it comes out low by chance, every F of the column comes out high. So the
correlation is also taken between halves of the data that share no seed and no test paragraph.

    result = monolingual(bank, Path("runs/mine/sentence_scores.parquet"))
    print(*result.sentences(), sep="\n")
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bloodbank.analysis.halves import Halves, split_halves
from bloodbank.bank.bank import Bank
from bloodbank.bank.health import MIN_LANGUAGES
from bloodbank.bank.measurements import METRICS
from bloodbank.statistics.permutations import SAME, draw_orders, tail
from bloodbank.wording import ALPHA, Finding, plural, signed

Array = NDArray[np.float64]
RAW, SPLIT = "raw", "halves"
SCORES = ("donation", "recipience")
N_SPLITS, FEWER_SPLITS, _MANY_LANGUAGES = 100, 30, 60
_LETTERS = {"donation": "D(l)", "recipience": "R(l)"}
_VERBS = {"donation": "give", "recipience": "receive"}


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
        """Say whether languages with a better monolingual model give or receive more, with and without shared noise."""
        return _sentences(self)


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
        where lower is better), `p` (two-sided, of Pearson's, by relabelling; for halves the larger of that and of the
        jackknife over languages), `n` and `note`, why it is not possible. Halves hold half of the data: their noise
        pulls the correlation towards 0.

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
            row: dict[str, Any] = {
                "estimate": estimate,
                "score": score,
                "pearson": np.nan,
                "spearman": np.nan,
                "p": np.nan,
            }
            row |= {"n": own.shape[1], "note": note or _obstacle(own, other)}
            if not row["note"]:
                orders, exact = draw_orders(own.shape[1], n_permutations, seed)
                orders_taken = max(orders_taken, len(orders) - (not exact))
                row |= correlate(sign * own, other, orders)
                if estimate == SPLIT:
                    # What one half lacks the other has, which spreads their correlations further than relabelling
                    # shows; the jackknife knows that, but with few languages claims more than they can show.
                    row["p"] = float(np.fmax(row["p"], jackknife_p(sign * own, other)))
            rows.append(row)
    split_by = (halves.by_seeds, halves.by_paragraphs) if isinstance(halves, Halves) else (False, False)
    return MonolingualEffect(
        table=table.dropna(),
        metric=bank.metric,
        correlations=pd.DataFrame(rows),
        by_seeds=split_by[0],
        by_paragraphs=split_by[1],
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


def correlate(own: Array, other: Array, orders: np.ndarray) -> dict[str, float]:
    """Correlate over languages, on average over splits: `pearson`, `spearman` and `p` by relabelling.

    Shape:
        `own` and `other` are `[split, language]`, `orders` `[relabelling, language]`.
    """
    from scipy.stats import rankdata

    # The mean over splits of a correlation is one sum over pairs of languages, whatever the relabelling.
    together = _standard(own).T @ _standard(other) / len(own)  # [language of ε, language of the score]
    correlations = together[orders, np.arange(orders.shape[1])].sum(axis=1)
    ranks = [rankdata(values, axis=1) for values in (own, other)]
    spearman = (_standard(ranks[0]) * _standard(ranks[1])).sum(axis=1).mean()
    return {"pearson": float(correlations[0]), "spearman": float(spearman), "p": tail(np.abs(correlations))}


def jackknife_p(own: Array, other: Array) -> float:
    """Test the mean correlation of halves against 0, leaving out one language after the other."""
    from scipy.stats import t

    n = own.shape[1]
    kept = ~np.eye(n, dtype=bool)
    without = np.array([(_standard(own[:, rest]) * _standard(other[:, rest])).sum(axis=1).mean() for rest in kept])
    se = np.sqrt((n - 1) / n * ((without - without.mean()) ** 2).sum())
    value = (_standard(own) * _standard(other)).sum(axis=1).mean()
    return float(2 * t.sf(abs(value) / se, n - 1)) if se > 0 else float("nan")


def _standard(values: Array) -> Array:
    centred = values - values.mean(axis=1, keepdims=True)
    standard: Array = centred / np.sqrt((centred**2).sum(axis=1, keepdims=True))
    return standard


def _sentences(result: MonolingualEffect) -> list[str]:
    rows = {(row["estimate"], row["score"]): row for row in result.correlations.to_dict("records")}
    if not any(rows[RAW, score]["n"] for score in SCORES):
        why = "the score of M_l is not known for any language with D and R"
        return [f"Whether D and R go with the score of a language's own model: not possible, because {why}."]
    sentences = [_of_score(result, score, rows[RAW, score], rows[SPLIT, score]) for score in SCORES]
    if all(row["note"] for row in rows.values()):
        return sentences
    return [*sentences, _caveat(result, rows)]


def _of_score(result: MonolingualEffect, score: str, raw: dict[Any, Any], halves: dict[Any, Any]) -> str:
    metric = METRICS[result.metric]
    better = "higher" if metric.higher_is_better else "lower"
    what = f"ε(M_l) ({metric.label}; {better} is better) and {_LETTERS[score]}"
    if raw["note"]:
        return f"Correlation of {what}: {raw['note']}."
    n_drawn = 0 if result.exact else result.n_permutations
    r = _finding(raw, n_drawn)
    start = r.choose(
        above=f"Languages with the better monolingual model {_VERBS[score]} more",
        below=f"Languages with the better monolingual model {_VERBS[score]} less",
        undecided=f"Whether languages with the better monolingual model {_VERBS[score]} more or less is undecided",
    )
    return f"{start}: {what}, as they stand, {_numbers(r, raw)}; {_on_halves(result, r, halves)}."


def _on_halves(result: MonolingualEffect, raw: Finding, row: dict[Any, Any]) -> str:
    if row["note"]:
        return f"on disjoint halves: {row['note']}"
    r = _finding(row, 0 if result.exact else result.n_permutations)
    shared = "neither seed nor test paragraph"
    if not (result.by_seeds and result.by_paragraphs):
        shared = "no seed" if result.by_seeds else "no test paragraph"
    if r.verdict == "undecided":
        holds = "it is undecided"
        if raw.verdict != "undecided":
            holds = "it is undecided, so that the noise which they share may be all there is to it"
    elif raw.verdict == "undecided":
        holds = r.choose(above="it is more", below="it is less", undecided="")
    else:
        holds = "it holds" if raw.verdict == r.verdict else "it is the other way round"
    return f"on halves of the data that share {shared}, {holds}, {_numbers(r, row)}"


def _caveat(result: MonolingualEffect, rows: dict[tuple[str, str], dict[Any, Any]]) -> str:
    """Name what may stand in the correlations besides transfer: noise, what both halves share, and F's denominator."""
    parts = ["Noise alone lowers R where ε(M_l) came out better than it is, because every F(s→l) is a gain over it"]
    if any(not rows[SPLIT, score]["note"] for score in SCORES):
        if not result.by_paragraphs:
            parts.append("both halves are scored on the same test paragraphs, so what these favour is still in both")
        if not result.by_seeds:
            parts.append("both halves are of the same models, so the noise of their one seed is still in both")
        parts.append("halves have less data, which pulls a correlation towards 0")
    sign = METRICS[result.metric].sign  # correlations are positive where better goes with more
    takes = [rows[kind, "recipience"] for kind in (RAW, SPLIT) if not rows[kind, "recipience"]["note"]]
    if any(row["p"] <= ALPHA and sign * row["pearson"] < 0 for row in takes):
        parts.append(
            f"and, which is no noise, the same gain in {METRICS[result.metric].label} is a larger F where ε(M_l) is "
            "smaller"
        )
    return f"{'; '.join(parts)}."


def _finding(row: dict[Any, Any], n_drawn: int) -> Finding:
    return Finding(row["pearson"], p=row["p"], name="r = ", n_drawn=n_drawn)


def _numbers(r: Finding, row: dict[Any, Any]) -> str:
    return f"{r}, Spearman's ρ = {signed(row['spearman'], 2)}, {plural(int(row['n']), 'language')}"

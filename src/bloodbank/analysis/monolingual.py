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
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from bloodbank.analysis.halves import Halves, split_halves
from bloodbank.bank.bank import Bank
from bloodbank.bank.health import MIN_LANGUAGES
from bloodbank.bank.measurements import METRICS
from bloodbank.statistics.permutations import SAME, draw_orders, tail
from bloodbank.wording import p_text, plural, signed

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


# What ε(M_l) has to do with D and R, in sentences: another finding gives another sentence.


LEVEL = 0.05
FEW_LANGUAGES = 12  # with 6, the jackknife called 9 to 12% of made-up banks without any relation significant at 5%
_LETTERS = {"donation": "D(l)", "recipience": "R(l)"}
_VERBS = {"donation": "give", "recipience": "receive"}
_SAME_PARAGRAPHS = (
    "Both halves are scored on the same test paragraphs, so what these happen to favour is still in both."
)
_SAME_MODELS = (
    "Both halves are of the same models, so the noise of their one seed is still in both: it lowers R where ε(M_l) "
    "came out too good. More seeds would take it out."
)


def monolingual_sentences(found: MonolingualEffect) -> list[str]:
    """Say whether languages with a better monolingual model give or receive more, with and without shared noise.

    Args:
        found: What was found.

    Returns:
        Sentences: for D and for R, the raw correlation and the one on disjoint halves; what noise does to either, and
        how p was found.
    """
    rows = {(row["estimate"], row["score"]): row for row in found.correlations.to_dict("records")}
    if all(row["note"] and not row["n"] for (estimate, _), row in rows.items() if estimate == RAW):
        why = "the score of M_l is not known for any language with D and R"
        return [f"Whether D and R go with the score of a language's own model: not possible, because {why}."]
    said = []
    for score in SCORES:
        raw, split = rows[RAW, score], rows[SPLIT, score]
        said += [_raw(found, score, raw), *([] if raw["note"] else [_halves(found, score, raw, split)])]
    if all(row["note"] for row in rows.values()):
        return said
    return [*said, *_noise(found, rows), *_how(found, rows)]


def _raw(found: MonolingualEffect, score: str, row: dict[Any, Any]) -> str:
    metric = METRICS[found.metric]
    better = "higher" if metric.higher_is_better else "lower"
    what = f"ε(M_l) ({metric.label}; {better} is better) and {_LETTERS[score]}"
    if row["note"]:
        return f"Correlation of {what}: {row['note']}."
    if not _sure(row):
        return (
            f"Whether languages with the better monolingual model {_VERBS[score]} more or less is undecided: {what} do "
            f"not go together beyond chance {_numbers(row)}."
        )
    text = _direction(score, row)
    return f"{text[0].upper()}{text[1:]}: {what} go together as they stand {_numbers(row)}."


def _halves(found: MonolingualEffect, score: str, raw: dict[Any, Any], row: dict[Any, Any]) -> str:
    if row["note"]:
        return f"The same for {_LETTERS[score]} on disjoint halves: {row['note']}."
    share = "neither seed nor test paragraph"
    if not (found.by_seeds and found.by_paragraphs):
        share = "no seed" if found.by_seeds else "no test paragraph"
    start = f"On disjoint halves, where ε(M_l) and {_LETTERS[score]} share {share},"
    if not _sure(row):
        if _sure(raw):
            return (
                f"{start} this is undecided {_numbers(row)}: the noise that they share as they stand may be all there "
                "is to it."
            )
        return f"{start} it is undecided too {_numbers(row)}."
    if not _sure(raw):
        return f"{start} {_direction(score, row)} {_numbers(row)}."
    if (row["pearson"] > 0) == (raw["pearson"] > 0):
        return f"{start} it holds {_numbers(row)}."
    return f"{start} it is the other way round: {_direction(score, row)} {_numbers(row)}."


def _noise(found: MonolingualEffect, rows: dict[tuple[str, str], dict[Any, Any]]) -> list[str]:
    said = []
    if not rows[RAW, "recipience"]["note"]:
        said.append(
            "Noise alone lowers R where ε(M_l) came out better than it is, because every F(s→l) is a gain over it: the "
            "raw correlation with R holds this noise."
        )
    if any(not rows[SPLIT, score]["note"] for score in SCORES):
        if not (found.by_seeds and found.by_paragraphs):
            said.append(_SAME_PARAGRAPHS if found.by_seeds else _SAME_MODELS)
        said.append(
            f"Halves: mean over {plural(found.n_splits, 'split')} and both directions of each; they have less data, "
            "and noise that is not shared pulls a correlation towards 0."
        )
    sign = METRICS[found.metric].sign  # the table's correlations are positive where better goes with more
    if any(_sure(rows[kind, "recipience"]) and sign * rows[kind, "recipience"]["pearson"] < 0 for kind in _KINDS):
        said.append(
            f"F is a fraction of ε(M_l): the same gain in {METRICS[found.metric].label} is a larger F where ε(M_l) is "
            "smaller. That is no noise, and disjoint halves do not take it out."
        )
    return said


def _how(found: MonolingualEffect, rows: dict[tuple[str, str], dict[Any, Any]]) -> list[str]:
    how = "all" if found.exact else f"{found.n_permutations:,}"
    said = (
        f"r is positive where the better model goes with more. p: two-sided, from {how} relabellings of the languages"
    )
    if any(not rows[SPLIT, score]["note"] for score in SCORES):
        said += "; on halves from leaving out one language after the other (jackknife)"
        if min(row["n"] for row in rows.values() if not row["note"]) < FEW_LANGUAGES:
            said += f", which with fewer than {FEW_LANGUAGES} languages finds too much"
    return [f"{said}."]


_KINDS = (RAW, SPLIT)


def _direction(score: str, row: dict[Any, Any]) -> str:
    return f"languages with the better monolingual model {_VERBS[score]} {'more' if row['pearson'] > 0 else 'less'}"


def _numbers(row: dict[Any, Any]) -> str:
    return (
        f"(r = {signed(row['pearson'], 2)}, Spearman's ρ = {signed(row['spearman'], 2)}, p = {p_text(row['p'])}, "
        f"n = {plural(int(row['n']), 'language')})"
    )


def _sure(row: dict[Any, Any]) -> bool:
    return not row["note"] and row["p"] <= LEVEL

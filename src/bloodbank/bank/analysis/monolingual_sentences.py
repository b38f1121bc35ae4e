"""What ε(M_l) has to do with D and R, in sentences: another finding gives another sentence. Nothing is read or written.

monolingual_sentences(monolingual(bank))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bloodbank.bank.analysis import monolingual as m
from bloodbank.bank.measurements import METRICS
from bloodbank.bank.names import plural, signed
from bloodbank.bank.p_values import p_text

if TYPE_CHECKING:
    from bloodbank.bank.analysis.monolingual import MonolingualEffect

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
    if all(row["note"] and not row["n"] for (estimate, _), row in rows.items() if estimate == m.RAW):
        why = "the score of M_l is not known for any language with D and R"
        return [f"Whether D and R go with the score of a language's own model: not possible, because {why}."]
    said = []
    for score in m.SCORES:
        raw, split = rows[m.RAW, score], rows[m.SPLIT, score]
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
    if not rows[m.RAW, "recipience"]["note"]:
        said.append(
            "Noise alone lowers R where ε(M_l) came out better than it is, because every F(s→l) is a gain over it: the "
            "raw correlation with R holds this noise."
        )
    if any(not rows[m.SPLIT, score]["note"] for score in m.SCORES):
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
    if any(not rows[m.SPLIT, score]["note"] for score in m.SCORES):
        said += "; on halves from leaving out one language after the other (jackknife)"
        if min(row["n"] for row in rows.values() if not row["note"]) < FEW_LANGUAGES:
            said += f", which with fewer than {FEW_LANGUAGES} languages finds too much"
    return [f"{said}."]


_KINDS = (m.RAW, m.SPLIT)


def _direction(score: str, row: dict[Any, Any]) -> str:
    return f"languages with the better monolingual model {_VERBS[score]} {'more' if row['pearson'] > 0 else 'less'}"


def _numbers(row: dict[Any, Any]) -> str:
    return (
        f"(r = {signed(row['pearson'], 2)}, Spearman's ρ = {signed(row['spearman'], 2)}, p = {p_text(row['p'])}, "
        f"n = {plural(int(row['n']), 'language')})"
    )


def _sure(row: dict[Any, Any]) -> bool:
    return not row["note"] and row["p"] <= LEVEL

r"""What could stand behind D and R instead of language: how well models learned, training, tokenizer, text, script.

    result = confounding(bank)
    print(*result.sentences(), sep="\n")

Languages are few and not independent draws, so a correlation is compared with what relabelling the languages gives;
within languages, with what rearranging their seeds gives. This is the one place where D and R are said to go with
something: `show`, the report and the page all take its sentences.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bloodbank.bank.bank import Bank
from bloodbank.bank.covariates import FERTILITY, FOREIGN_SHARE
from bloodbank.bank.health import MIN_LANGUAGES
from bloodbank.bank.learning import gains_over_unigram
from bloodbank.bank.scores import donation
from bloodbank.languages import NO_SPACES, find_language
from bloodbank.statistics.permutations import SAME, draw_orders, draw_within, tail
from bloodbank.wording import Finding, listed, plural, signed

CORRELATION, WITHIN, SHARE = "correlation", "correlation within languages", "share of variance"
LEARNED = "gain_over_unigram"
CATEGORIES = ("script", "family")
_LETTERS = {"donation": "D", "recipience": "R"}
_NAMES = {
    LEARNED: "gain of M_l over the unigram",
    "updates": "updates of M_l",
    "tokens_seen": "tokens that M_l has seen",
    FOREIGN_SHARE: "share of foreign text in the training text",
    FERTILITY: "fertility, pieces a word",
    "script": "scripts",
    "family": "families",
}


@dataclass(frozen=True, eq=False)
class Confounding:
    """How D and R go with what is no matter of transfer."""

    table: pd.DataFrame  #: one row for each quantity and score, see `confounding`
    n_permutations: int
    exact: bool  #: every relabelling was taken, not a sample
    left_out: tuple[str, ...]  #: languages whose fertility counts other pieces: no spaces between words

    def sentences(self) -> list[str]:
        """Say what goes with D and R beyond chance, what is undecided, and what could not be looked at."""
        return _sentences(self)


def confounding(bank: Bank, *, n_permutations: int | None = None, seed: int = 0) -> Confounding:
    """Compare D and R with how well M_l learned, its training, the bank's covariates, script and family.

    How well M_l learned is compared over languages, and D also within languages: does l give more in the seed in which
    its model learned more? Fertility, pieces a word, is compared between languages that are written with spaces.

    Args:
        bank: The bank.
        n_permutations: Relabellings; by default 10,000, and 2,000 for more than 60 languages; all up to 7 languages.
        seed: Of the relabellings.

    Returns:
        Table: `quantity`; `score` ("donation" or "recipience"); `statistic` ("correlation", Pearson's over languages;
        "correlation within languages", of deviations from each language's mean over seeds; or "share of variance",
        between the categories, for script and family); `value`; `expected` (its mean over the relabellings: not 0 for a
        share of variance); `p` (two-sided for a correlation); `n` (languages); `n_drawn` (relabellings, 0 where all
        were taken); `note`, empty or why it is not possible.

    Shape:
        Two rows for each quantity: gain_over_unigram, updates, tokens_seen, numeric covariates, script, family; a third
        for the first, within languages, where it is known.

    Source:
        Section 4.2 for D and R; the paper has no such check.
    """
    codes = sorted(bank.languages)
    gains = gains_over_unigram(bank)
    scores = bank.scores.loc[codes]
    numbers, left_out = _numbers(bank, codes, gains)
    categories = pd.DataFrame({name: [_category(code, name) for code in codes] for name in CATEGORIES}, index=codes)
    rows: list[dict[str, Any]] = []
    exact, n_drawn = False, 0
    for table, statistic in ((numbers, CORRELATION), (categories, SHARE)):
        for quantity in table:
            for score in _LETTERS:
                known = pd.DataFrame({"score": scores[score], "quantity": table[quantity]}).dropna()
                note = _obstacle(known, str(quantity), statistic)
                if quantity == LEARNED and gains is None:
                    note = "not known, because the bank has no measurements that tell the unigram's score"
                row = _row(str(quantity), score, statistic, len(known), note)
                if not note:
                    orders, exact = draw_orders(len(known), n_permutations, seed)
                    row["n_drawn"] = len(orders) - 1 if not exact else 0
                    n_drawn = max(n_drawn, len(orders) - (not exact))
                    row |= _test(known, statistic, orders)
                rows.append(row)
            if quantity == LEARNED and gains is not None:
                rows.append(_within(bank, gains.loc[codes], n_permutations, seed))
    return Confounding(pd.DataFrame(rows), n_drawn, exact, left_out)


def _numbers(bank: Bank, codes: list[str], gains: pd.DataFrame | None) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Gather what is a number of each language, and whose fertility is not compared."""
    scores = bank.scores.loc[codes]
    table = scores[["updates", "tokens_seen"]].astype(float)
    table.insert(0, LEARNED, np.nan if gains is None else gains.loc[codes].mean(axis="columns"))
    further = bank.covariates.loc[codes].select_dtypes("number")
    table = table.join(further[[name for name in further if name not in scores]])
    unspaced = [code for code in codes if _category(code, "script") in NO_SPACES]
    if FERTILITY not in table:
        return table, ()
    left_out = tuple(code for code in unspaced if pd.notna(table[FERTILITY][code]))
    table[FERTILITY] = table[FERTILITY].drop(unspaced).reindex(codes)  # a "word" of theirs is a character, or a run
    return table, left_out


def _row(quantity: str, score: str, statistic: str, n: int, note: str) -> dict[str, Any]:
    row: dict[str, Any] = {"quantity": quantity, "score": score, "statistic": statistic}
    return row | {"value": np.nan, "expected": np.nan, "p": np.nan, "n": n, "n_drawn": 0, "note": note}


def _within(bank: Bank, gains: pd.DataFrame, n_permutations: int | None, seed: int) -> dict[str, Any]:
    """Correlate D(l, seed) with how well that seed's M_l learned, as deviations from each language's means.

    A seed's effect on all languages is left in: D leaves the own language out, so that taking the mean of a seed away
    would make D rise with the own model's score by itself.
    """
    given = pd.DataFrame({number: donation(cells)["sum"] for number, cells in bank.replicates.items()})
    given = given.reindex(index=gains.index, columns=gains.columns)
    both = gains.notna() & given.notna()
    both = both[both.sum(axis="columns") > 1]
    row = _row(LEARNED, "donation", WITHIN, len(both), "")
    if both.empty:
        return row | {"note": "not possible within languages, because none has D and a score of M_l in two seeds"}
    first = np.argsort(~both.to_numpy(), axis=1, kind="stable")  # known seeds first: they alone are rearranged
    learned, gives = (_deviations(table.loc[both.index].where(both), first) for table in (gains, given))
    size = np.sqrt((learned**2).sum() * (gives**2).sum())
    if size <= SAME:
        return row | {"note": "not possible within languages, because D or the score of M_l is the same in all seeds"}
    orders, exact = draw_within(both.sum(axis="columns").tolist(), n_permutations, seed)
    moved = np.take_along_axis(np.broadcast_to(learned, orders.shape), orders, axis=2)
    correlations = np.einsum("pls,ls->p", moved, gives) / size
    tested = {"value": float(correlations[0]), "expected": 0.0, "p": tail(np.abs(correlations))}
    return row | tested | {"n_drawn": 0 if exact else len(orders) - 1}


def _deviations(table: pd.DataFrame, order: np.ndarray) -> np.ndarray:
    left = table.sub(table.mean(axis="columns"), axis="index").to_numpy(dtype=float)
    return np.asarray(np.nan_to_num(np.take_along_axis(left, order, axis=1)))


def _category(code: str, name: str) -> str | None:
    language = find_language(code)
    category: str | None = getattr(language, name) if language else None
    return category


def _obstacle(known: pd.DataFrame, quantity: str, statistic: str) -> str:
    if len(known) < MIN_LANGUAGES:
        n = plural(len(known), "language")
        return f"not possible, because it and the score are known of {n}, fewer than {MIN_LANGUAGES}"
    n_values = known["quantity"].nunique()
    if n_values < 2:
        return f"not possible, because {quantity.replace('_', ' ')} is the same for all {len(known)} languages"
    if known["score"].nunique() < 2:
        return f"not possible, because all {len(known)} languages have the same score"
    if statistic == SHARE and n_values == len(known):
        return f"not possible, because no two of the {len(known)} languages share one"
    return ""


def _test(known: pd.DataFrame, statistic: str, orders: np.ndarray) -> dict[str, float]:
    score = known["score"].to_numpy(dtype=float)
    centred = score - score.mean()
    centred /= np.sqrt((centred**2).sum())
    if statistic == CORRELATION:
        quantity = known["quantity"].to_numpy(dtype=float)
        other = quantity - quantity.mean()
        correlations = (other / np.sqrt((other**2).sum()))[orders] @ centred
        return {"value": float(correlations[0]), "expected": 0.0, "p": tail(np.abs(correlations))}
    labels, _ = pd.factorize(known["quantity"])
    members = np.eye(labels.max() + 1)[labels]  # [language, category]
    moved = centred[orders] @ (members / np.sqrt(members.sum(axis=0)))  # [relabelling, category]
    shares = (moved**2).sum(axis=1)  # the score's own sum of squares is 1
    p = float(np.mean(shares >= shares[0] - SAME))
    return {"value": float(shares[0]), "expected": float(shares.mean()), "p": p}


def _sentences(result: Confounding) -> list[str]:
    learned: list[str] = []
    beyond: list[str] = []
    undecided: list[str] = []
    missing: dict[str, dict[str, list[str]]] = {}  # note -> letter -> quantities
    for row in result.table.to_dict("records"):
        letter, name = _LETTERS[row["score"]], _name(row["quantity"])
        if row["note"]:
            missing.setdefault(row["note"], {}).setdefault(name, []).append(letter)
            continue
        association = Finding(row["value"], p=row["p"], n_drawn=row["n_drawn"])
        decided = learned if row["quantity"] == LEARNED else beyond
        (undecided if association.verdict == "undecided" else decided).append(_association(row, association))
    sentences = []
    if learned:
        sentences.append(f"Part of D or R may be how well M_l itself learned: {'; '.join(learned)}.")
    if beyond:
        sentences.append(f"Part of D or R may be something else than language: {'; '.join(beyond)}.")
    if undecided:
        sentences.append(f"Undecided, which with few languages rules nothing out: {'; '.join(undecided)}.")
    for note, quantities in missing.items():
        named = [f"{' and '.join(letters)} with {name}" for name, letters in quantities.items()]
        sentences.append(f"{', '.join(named)}: {note}.")
    if result.left_out:
        sentences.append(
            "Fertility is compared between languages that are written with spaces between words; left out: "
            f"{listed(result.left_out)}."
        )
    if result.table["p"].notna().any():
        how = "all" if result.exact else f"{result.n_permutations:,}"
        seeds = " (within languages: of their seeds)" if (result.table["statistic"] == WITHIN).any() else ""
        sentences.append(
            f"p: share of {how} relabellings of the languages{seeds} that go at least as far together; not corrected "
            "for the number of quantities."
        )
    return sentences


def _association(row: dict[Any, Any], association: Finding) -> str:
    letter, name = _LETTERS[row["score"]], _name(row["quantity"])
    tested = f"{association.chance}, {row['n']} languages"
    if row["statistic"] == SHARE:
        return (
            f"{row['value']:.0%} of the variance of {letter} lies between {name}, where chance alone gives "
            f"{row['expected']:.0%} ({tested})"
        )
    verb = association.choose(above=" rises", below=" falls", undecided="")
    r = f"(r = {signed(association.value, 2)}, {tested})"
    if row["statistic"] == WITHIN:
        return f"within languages, {letter} of a seed{verb} with the {name} in that seed {r}"
    return f"{letter}{verb} with the {name} {r}"


def _name(quantity: str) -> str:
    return _NAMES.get(quantity, quantity.replace("_", " "))

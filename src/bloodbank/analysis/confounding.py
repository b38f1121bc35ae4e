r"""What could stand behind D and R instead of language: training, tokenizer, foreign text, script, family.

    result = confounding(bank)
    print(*result.sentences(), sep="\n")

Languages are few and not independent draws, so a correlation is compared with what relabelling the languages gives.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bloodbank.bank.bank import Bank
from bloodbank.bank.covariates import FERTILITY, FOREIGN_SHARE
from bloodbank.bank.health import MIN_LANGUAGES
from bloodbank.languages import find_language
from bloodbank.statistics.permutations import SAME, draw_orders, tail
from bloodbank.wording import Finding, plural, signed

CORRELATION, SHARE = "correlation", "share of variance"
CATEGORIES = ("script", "family")
_LETTERS = {"donation": "D", "recipience": "R"}
_NAMES = {
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

    def sentences(self) -> list[str]:
        """Say what goes with D and R beyond chance, what is undecided, and what could not be looked at."""
        return _sentences(self)


def confounding(bank: Bank, *, n_permutations: int | None = None, seed: int = 0) -> Confounding:
    """Compare D and R with the training of M_l, the bank's covariates, script and family, over languages.

    Args:
        bank: The bank.
        n_permutations: Relabellings; by default 10,000, and 2,000 for more than 60 languages; all up to 7 languages.
        seed: Of the relabellings.

    Returns:
        Table: `quantity`; `score` ("donation" or "recipience"); `statistic` ("correlation", Pearson's, for numbers, or
        "share of variance", between the categories, for script and family); `value`; `expected` (its mean over the
        relabellings: not 0 for a share of variance); `p` (two-sided for a correlation); `n` (languages); `note`, empty
        or why it is not possible.

    Shape:
        Two rows for each quantity: updates, tokens_seen, numeric covariates, script, family.

    Source:
        Section 4.2 for D and R; the paper has no such check.
    """
    codes = sorted(bank.languages)
    scores = bank.scores.loc[codes]
    further = bank.covariates.loc[codes].select_dtypes("number")
    numbers = scores[["updates", "tokens_seen"]].join(further[[name for name in further if name not in scores]])
    categories = pd.DataFrame({name: [_category(code, name) for code in codes] for name in CATEGORIES}, index=codes)
    rows: list[dict[str, Any]] = []
    exact, n_drawn = False, 0
    for table, statistic in ((numbers, CORRELATION), (categories, SHARE)):
        for quantity in table:
            for score in _LETTERS:
                known = pd.DataFrame({"score": scores[score], "quantity": table[quantity]}).dropna()
                note = _obstacle(known, str(quantity), statistic)
                row: dict[str, Any] = {"quantity": str(quantity), "score": score, "statistic": statistic}
                row |= {"value": np.nan, "expected": np.nan, "p": np.nan, "n": len(known), "note": note}
                if not note:
                    orders, exact = draw_orders(len(known), n_permutations, seed)
                    n_drawn = max(n_drawn, len(orders) - (not exact))
                    row |= _test(known, statistic, orders)
                rows.append(row)
    return Confounding(pd.DataFrame(rows), n_drawn, exact)


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
    drawn = 0 if result.exact else result.n_permutations
    beyond: list[str] = []
    undecided: list[str] = []
    missing: dict[str, dict[str, list[str]]] = {}  # note -> letter -> quantities
    for row in result.table.to_dict("records"):
        letter, name = _LETTERS[row["score"]], _name(row["quantity"])
        if row["note"]:
            missing.setdefault(row["note"], {}).setdefault(name, []).append(letter)
            continue
        association = Finding(row["value"], p=row["p"], n_drawn=drawn)
        (undecided if association.verdict == "undecided" else beyond).append(_association(row, association))
    sentences = []
    if beyond:
        sentences.append(f"Part of D or R may be something else than language: {'; '.join(beyond)}.")
    if undecided:
        sentences.append(f"Undecided, which with few languages rules nothing out: {'; '.join(undecided)}.")
    for note, quantities in missing.items():
        named = [f"{' and '.join(letters)} with {name}" for name, letters in quantities.items()]
        sentences.append(f"{', '.join(named)}: {note}.")
    if result.n_permutations:
        how = "all" if result.exact else f"{result.n_permutations:,}"
        sentences.append(
            f"p: share of {how} relabellings of the languages that go at least as far together; not corrected for the "
            "number of quantities."
        )
    return sentences


def _association(row: dict[Any, Any], association: Finding) -> str:
    letter, name = _LETTERS[row["score"]], _name(row["quantity"])
    tested = f"{association.chance}, {row['n']} languages"
    if row["statistic"] == CORRELATION:
        verb = association.choose(above=" rises", below=" falls", undecided="")
        return f"{letter}{verb} with the {name} (r = {signed(association.value, 2)}, {tested})"
    return (
        f"{row['value']:.0%} of the variance of {letter} lies between {name}, where chance alone gives "
        f"{row['expected']:.0%} ({tested})"
    )


def _name(quantity: str) -> str:
    return _NAMES.get(quantity, quantity.replace("_", " "))

"""What a bank says of each language: D, R, their places, the blood type, facts and flags. Nothing is read or written.

language_scores(bank, ["de", "fi"], CorpusFacts())
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, cast

import numpy as np
import pandas as pd

from bloodbank.bank.averages import FERTILITY, FOREIGN_SHARE
from bloodbank.bank.bank import Bank
from bloodbank.bank.scores import BLOOD_TYPES
from bloodbank.explorer import facts as corpus
from bloodbank.explorer.facts import CorpusFacts, Fact
from bloodbank.explorer.flags import language_flags
from bloodbank.explorer.numbers import plain
from bloodbank.explorer.schema import LanguageScores, Score

_TRAINING = {
    "n_masked": "masked pieces scored",
    "updates": "updates of its own model",
    "tokens_seen": "tokens seen by its own model",
}
_LABELS = {FOREIGN_SHARE: corpus.FOREIGN, FERTILITY: corpus.FERTILITY}
_EMPTY = Score(
    value=None, mean=None, low=None, high=None, rank=None, rank_low=None, rank_high=None, complete=False
)  # fmt: skip


def language_scores(bank: Bank, codes: Sequence[str], facts: CorpusFacts) -> list[LanguageScores]:
    """Gather what a bank says of each language.

    Args:
        bank: The bank.
        codes: Of all languages of the page; one that the bank lacks has no scores, and a flag that says so.
        facts: Of the corpora.

    Shape:
        One entry for each of `codes`.
    """
    donation, recipience = (_scores(bank, name) for name in ("donation", "recipience"))
    flags, shares, own = language_flags(bank), _type_shares(bank), _facts(bank)
    found = []
    for code in codes:
        if code not in donation:
            found.append(_absent(facts, code))
            continue
        # A share of foreign text that stands in the bank and in the audit is said once.
        said = list(dict.fromkeys([*flags[code], *facts.flags.get(code, ())]))
        found.append(
            LanguageScores(
                donation=donation[code],
                recipience=recipience[code],
                blood_type=_type(bank.scores.loc[code, "blood_type"]),
                type_shares=shares.get(code, {}),
                monolingual=plain(bank.scores.loc[code, "monolingual"]),
                health=str(bank.health.loc[code, code]),
                facts={**own[code], **facts.facts.get(code, {})},
                flags=said,
            )
        )
    return found


def _absent(facts: CorpusFacts, code: str) -> LanguageScores:
    return LanguageScores(
        donation=_EMPTY, recipience=_EMPTY, blood_type=None, type_shares={}, monolingual=None,
        health="not in this bank", facts=dict(facts.facts.get(code, {})), flags=["It is not in this bank."],
    )  # fmt: skip


def _scores(bank: Bank, name: str) -> dict[str, Score]:
    """D or R of each language, with the interval of the sum and its place."""
    table = pd.DataFrame(
        {
            "value": bank.scores[name],
            "mean": bank.scores[f"{name}_mean"],
            **dict.fromkeys(("low", "high", "rank_low", "rank_high"), np.nan),
            # Places by the mean, as in the intervals: a sum over fewer cells would compare unlike things.
            "rank": bank.scores[f"{name}_mean"].rank(ascending=False, method="average"),
        }
    )
    if bank.intervals is not None:
        known = bank.intervals.scores[bank.intervals.scores["score"] == name].set_index("language")
        for column in ("low", "high", "rank", "rank_low", "rank_high"):
            table[column] = known[column].reindex(table.index)
    complete = bank.scores[f"{name}_complete"].astype(bool).to_dict()
    rows: dict[Any, dict[Any, Any]] = table.to_dict("index")
    return {
        str(code): Score(**{column: plain(cell) for column, cell in row.items()}, complete=complete[code])
        for code, row in rows.items()
    }


def _type(value: object) -> Literal["O", "A", "AB+", "none"] | None:
    return cast(Literal["O", "A", "AB+", "none"], value) if value in BLOOD_TYPES else None


def _type_shares(bank: Bank) -> dict[str, dict[str, float]]:
    if bank.intervals is None:
        return {}
    found = {}
    for code, row in bank.intervals.types.set_index("language").to_dict("index").items():
        shares = {name: plain(row[f"p_{name}"]) for name in BLOOD_TYPES}
        found[str(code)] = {name: share for name, share in shares.items() if share is not None}
    return found


def _facts(bank: Bank) -> dict[str, dict[str, Fact]]:
    """What stands in the bank's own tables: the training of each language's model, and its covariates."""
    known = {label: bank.scores[name] for name, label in _TRAINING.items() if bank.scores[name].notna().any()}
    known |= {
        _LABELS.get(str(name), str(name).replace("_", " ")): values
        for name, values in bank.covariates.items()
        if name not in bank.scores
    }
    return {
        code: {label: corpus.plain_fact(values[code]) for label, values in known.items()} for code in bank.languages
    }

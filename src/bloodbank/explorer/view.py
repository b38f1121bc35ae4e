"""One bank as a view of the page: F with all that belongs to it, for the languages of the page.

Nothing is read or written.

    view = bank_view(bank, codes, key="mine.sequential.mrr")
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, cast

import numpy as np
import pandas as pd

from bloodbank.analysis.graph import circle_order, transfer_graph
from bloodbank.bank.bank import Bank
from bloodbank.bank.health import NOT_MEASURED, UNHEALTHY, VOID
from bloodbank.bank.measurements import METRICS
from bloodbank.bank.scores import BLOOD_TYPES, FERTILITY, FOREIGN_SHARE
from bloodbank.bank.sentences import caveats, control_sentences, knows_seeds, missing_cells, units
from bloodbank.explorer import facts as corpus
from bloodbank.explorer.facts import CorpusFacts, Fact
from bloodbank.explorer.flags import language_flags
from bloodbank.explorer.layouts import cluster_orders, similarity_maps
from bloodbank.explorer.numbers import plain, plain_matrix, spread
from bloodbank.explorer.schema import LanguageScores, Maps, Score, View

NOT_IN_BANK = "not in this bank"
_REASONS = {
    UNHEALTHY: "the bilingual model is unhealthy or failed",
    VOID: "the recipient's own model is unhealthy or failed",
    NOT_MEASURED: "not measured",
}
_NO_INTERVALS = (
    "There are no intervals: neither seeds nor sentence scores are known, so how far another seed or other test "
    "paragraphs would move the numbers cannot be known."
)


def bank_view(bank: Bank, codes: Sequence[str], *, key: str, facts: CorpusFacts | None = None) -> View:
    """Lay a bank out for the page.

    Args:
        bank: The bank.
        codes: Of all languages of the page; those that the bank lacks have missing cells.
        key: Unique among the views.
        facts: Of the corpora.

    Returns:
        The view.
    """
    own = {code: place for place, code in enumerate(bank.languages)}
    places = [own.get(code) for code in codes]
    metric = METRICS[bank.metric]
    intervals = bank.intervals if bank.intervals is not None and bank.intervals.knows_error else None
    states, health = _pointers(bank.health, places)
    missing, reasons = _missing(bank, places)
    layout = _Layout(bank, codes)
    return View(
        key=key,
        bank=bank.name,
        protocol=bank.protocol,
        metric=bank.metric,
        metric_label=metric.label,
        metric_unit=metric.unit,
        higher_is_better=metric.higher_is_better,
        finetune=plain_matrix(bank.finetune_scores, places),
        low=None if intervals is None else plain_matrix(intervals.matrix("low"), places),
        high=None if intervals is None else plain_matrix(intervals.matrix("high"), places),
        level=None if intervals is None else plain(intervals.level),
        covers=_NO_INTERVALS if bank.intervals is None else bank.intervals.covers,
        difference=plain_matrix(bank.differences, places),
        n_seeds=_n_seeds(bank, places),
        seeds={str(seed): plain_matrix(bank.replicates[seed], places) for seed in sorted(bank.replicates)},
        states=states,
        health=health,
        missing=missing,
        reasons=reasons,
        scores=language_scores(bank, codes, facts or CorpusFacts()),
        maps=layout.maps(),
        clusters=layout.clusters(),
        circle=layout.circle(),
        sentences=[units(bank), missing_cells(bank), *control_sentences(bank), *caveats(bank), *bank.notes],
    )


class _Layout:
    """Where the languages of a bank stand, in places of the page; those that it lacks come last, or nowhere."""

    def __init__(self, bank: Bank, codes: Sequence[str]) -> None:
        self._bank = bank
        self._places = {code: place for place, code in enumerate(codes)}
        self._absent = [place for code, place in self._places.items() if code not in bank.languages]
        self._finetune = bank.finetune_scores.to_numpy(dtype=float)

    def circle(self) -> list[int]:
        graph = transfer_graph(self._bank)
        order = circle_order(graph.nodes, graph.edges)
        return [*(self._places[code] for code in order), *self._absent]

    def clusters(self) -> dict[str, list[int]]:
        page = [self._places[code] for code in self._bank.languages]
        orders = cluster_orders(self._finetune, self._bank.languages)
        return {kind: [*(page[own] for own in order), *self._absent] for kind, order in orders.items()}

    def maps(self) -> Maps:
        own = similarity_maps(self._finetune, self._bank.languages)
        if not self._absent and tuple(self._places) == self._bank.languages:
            return own
        of = {}
        for kind, points in (("rows", own.rows), ("columns", own.columns), ("both", own.both)):
            by_code = dict(zip(self._bank.languages, points, strict=True))
            of[kind] = [by_code.get(code) for code in self._places]
        return Maps(rows=of["rows"], columns=of["columns"], both=of["both"], kept=own.kept)


def _n_seeds(bank: Bank, places: Sequence[int | None]) -> list[list[int | None]]:
    counts = spread(bank.n_seeds.to_numpy(dtype=int), places, 0)
    if knows_seeds(bank):
        return [[int(n) for n in row] for row in counts]
    return [[None if n else 0 for n in row] for row in counts]


def _pointers(table: pd.DataFrame, places: Sequence[int | None]) -> tuple[list[str], list[list[int]]]:
    """List the words that occur in a matrix, and point to them."""
    cells = spread(table.to_numpy(dtype=object), places, NOT_IN_BANK)
    words = list(dict.fromkeys(str(word) for word in cells.ravel()))
    where = {word: place for place, word in enumerate(words)}
    return words, [[where[str(word)] for word in row] for row in cells]


def _missing(bank: Bank, places: Sequence[int | None]) -> tuple[list[str], list[list[int | None]]]:
    cells = spread(bank.missing_reasons.to_numpy(dtype=object), places, NOT_IN_BANK)
    np.fill_diagonal(cells, None)
    words = [word for word in (*_REASONS, NOT_IN_BANK) if (cells == word).any()]
    where: dict[object, int] = {word: place for place, word in enumerate(words)}
    return [_REASONS.get(word, word) for word in words], [[where.get(word) for word in row] for row in cells]


# What a bank says of each language: D, R, their places, the blood type, facts and flags.


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

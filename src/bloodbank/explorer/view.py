"""One bank as a view of the page: F with all that belongs to it, for the languages of the page.

view = bank_view(bank, codes, key="mine.sequential.mrr")
"""

from __future__ import annotations

from typing import Any, Literal, cast

import numpy as np
import pandas as pd

from bloodbank.analysis.confounding import confounding
from bloodbank.analysis.graph import circle_order, transfer_graph
from bloodbank.analysis.verdict import verdict
from bloodbank.analysis.zero_shot import zero_shot_beside
from bloodbank.bank.bank import Bank
from bloodbank.bank.covariates import FERTILITY, FOREIGN_SHARE
from bloodbank.bank.health import NOT_MEASURED, UNHEALTHY, VOID
from bloodbank.bank.measurements import METRICS
from bloodbank.bank.scores import BLOOD_TYPES
from bloodbank.bank.scripts import OTHER_SCRIPT, WHY_NOT
from bloodbank.bank.sentences import (
    caveats,
    control_sentences,
    knows_seeds,
    missing_cells,
    unequal_reading,
    units,
    zero_shot_meaning,
)
from bloodbank.explorer import facts as corpus
from bloodbank.explorer.facts import CorpusFacts, Fact
from bloodbank.explorer.flags import language_flags
from bloodbank.explorer.layouts import cluster_orders, similarity_maps
from bloodbank.explorer.numbers import plain, plain_matrix
from bloodbank.explorer.schema import LanguageScores, Maps, Score, View

NOT_IN_BANK = "not in this bank"
_REASONS = {
    UNHEALTHY: "the bilingual model is unhealthy or failed",
    VOID: "the recipient's own model is unhealthy or failed",
    OTHER_SCRIPT: f"the two are written in different scripts, and {WHY_NOT}",
    NOT_MEASURED: "not measured",
}
_NO_INTERVALS = (
    "There are no intervals: neither seeds nor sentence scores are known, so how far another seed or other test "
    "paragraphs would move the numbers cannot be known."
)
_TRAINING = {
    "n_masked": "masked pieces scored",
    "updates": "updates of its own model",
    "tokens_seen": "tokens seen by its own model",
}
_LABELS = {FOREIGN_SHARE: corpus.FOREIGN, FERTILITY: corpus.FERTILITY}
_EMPTY = Score(
    value=None, mean=None, low=None, high=None, rank=None, rank_low=None, rank_high=None, complete=False
)  # fmt: skip


def bank_view(bank: Bank, codes: list[str], *, key: str, facts: CorpusFacts | None = None) -> View:
    """Lay a bank out for the page.

    Args:
        bank: The bank.
        codes: Of all languages of the page; those that the bank lacks have missing cells.
        key: Unique among the views.
        facts: Of the corpora.

    Returns:
        The view.
    """
    metric = METRICS[bank.metric]
    intervals = bank.intervals if bank.intervals is not None and bank.intervals.knows_error else None
    states, health = _health(bank, codes)
    missing, reasons = _missing(bank, codes)
    return View(
        key=key,
        bank=bank.name,
        protocol=bank.protocol,
        metric=bank.metric,
        metric_label=metric.label,
        metric_unit=metric.unit,
        higher_is_better=metric.higher_is_better,
        finetune=plain_matrix(bank.finetune_scores, codes),
        low=None if intervals is None else plain_matrix(intervals.matrix("low"), codes),
        high=None if intervals is None else plain_matrix(intervals.matrix("high"), codes),
        level=None if intervals is None else plain(intervals.level),
        covers=_NO_INTERVALS if bank.intervals is None else bank.intervals.covers,
        difference=plain_matrix(bank.differences, codes),
        n_seeds=_n_seeds(bank, codes),
        seeds={str(seed): plain_matrix(bank.replicates[seed], codes) for seed in sorted(bank.replicates)},
        states=states,
        health=health,
        missing=missing,
        reasons=reasons,
        scores=_language_scores(bank, codes, facts or CorpusFacts()),
        **_layouts(bank, codes),
        sentences=[
            *verdict(bank).sentences(),
            *unequal_reading(bank),
            units(bank),
            *zero_shot_meaning(bank),
            missing_cells(bank),
            *_beside(bank),
            *control_sentences(bank),
            *caveats(bank),
            *confounding(bank).sentences(),
            *bank.notes,
        ],
    )


def _beside(bank: Bank) -> list[str]:
    """Say how zero-shot scores order donors, where they were measured beside; they have a view of their own."""
    beside = zero_shot_beside(bank, [bank.metric])
    return [] if beside is None else beside.sentences()


def _layouts(bank: Bank, codes: list[str]) -> dict[str, Any]:
    """Where the languages of a bank stand, in places of the page; those that it lacks come last, or nowhere."""
    finetune = bank.finetune_scores.to_numpy(dtype=float)
    place = {code: number for number, code in enumerate(codes)}
    absent = [number for code, number in place.items() if code not in bank.languages]
    graph = transfer_graph(bank)
    maps = similarity_maps(finetune, bank.languages)
    of_page = {}
    for kind in ("rows", "columns", "both"):
        points = dict(zip(bank.languages, getattr(maps, kind), strict=True))
        of_page[kind] = [points.get(code) for code in codes]
    return {
        "maps": Maps(**of_page, kept=maps.kept),
        "clusters": {
            kind: [*(place[bank.languages[own]] for own in order), *absent]
            for kind, order in cluster_orders(finetune, bank.languages).items()
        },
        "circle": [*(place[code] for code in circle_order(graph.nodes, graph.edges)), *absent],
    }


def _n_seeds(bank: Bank, codes: list[str]) -> list[list[int | None]]:
    counts = bank.n_seeds.reindex(index=codes, columns=codes, fill_value=0).to_numpy(dtype=int).tolist()
    return counts if knows_seeds(bank) else [[None if n else 0 for n in row] for row in counts]


def _health(bank: Bank, codes: list[str]) -> tuple[list[str], list[list[int]]]:
    """The states that occur in the matrix of health, and for each cell which of them it is."""
    cells = bank.health.reindex(index=codes, columns=codes, fill_value=NOT_IN_BANK).to_numpy(dtype=object)
    numbers, states = pd.factorize(cells.ravel())
    return [str(state) for state in states], [[int(n) for n in row] for row in numbers.reshape(cells.shape)]


def _missing(bank: Bank, codes: list[str]) -> tuple[list[str], list[list[int | None]]]:
    """The reasons for missing cells, in a fixed order, and for each cell which of them it is."""
    reasons = bank.missing_reasons.reindex(index=codes, columns=codes, fill_value=NOT_IN_BANK)
    cells = reasons.to_numpy(dtype=object, copy=True)
    np.fill_diagonal(cells, None)
    words = [word for word in (*_REASONS, NOT_IN_BANK) if (cells == word).any()]
    where: dict[object, int] = {word: place for place, word in enumerate(words)}
    return [_REASONS.get(word, word) for word in words], [[where.get(word) for word in row] for row in cells]


def _language_scores(bank: Bank, codes: list[str], facts: CorpusFacts) -> list[LanguageScores]:
    """What a bank says of each language of the page; of one that it lacks, a flag that says so."""
    donation, recipience = _scores(bank, "donation"), _scores(bank, "recipience")
    flags, shares, own = language_flags(bank), _type_shares(bank), _facts(bank)
    health = dict(zip(bank.languages, np.diag(bank.health), strict=True))
    types, monolingual = bank.scores["blood_type"], bank.scores["monolingual"]
    absent = ["It is not in this bank."]
    return [
        LanguageScores(
            donation=donation.get(code, _EMPTY),
            recipience=recipience.get(code, _EMPTY),
            blood_type=_type(types.get(code)),
            type_shares=shares.get(code, {}),
            monolingual=plain(monolingual.get(code)),
            health=str(health.get(code, NOT_IN_BANK)),
            facts={**own.get(code, {}), **facts.facts.get(code, {})},
            # A share of foreign text that stands in the bank and in the audit is said once.
            flags=list(dict.fromkeys([*flags[code], *facts.flags.get(code, ())])) if code in flags else absent,
        )
        for code in codes
    ]


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
    rows: dict[Any, dict[Any, Any]] = bank.intervals.types.set_index("language").to_dict("index")
    return {
        str(code): {name: share for name in BLOOD_TYPES if (share := plain(row[f"p_{name}"])) is not None}
        for code, row in rows.items()
    }


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

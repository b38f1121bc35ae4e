"""Everything that the page shows, as one JSON: see `bloodbank.explorer.schema`.

page_data([bank], features=load_features(bank.languages, Path("wals/cldf"))).model_dump_json()
"""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from bloodbank.analysis.graph import EDGES_PER_LANGUAGE, MAX_POSITIVE
from bloodbank.analysis.verdict import verdict
from bloodbank.bank.bank import Bank, rebuild, with_intervals
from bloodbank.bank.importing.read_matrix import describe_import
from bloodbank.bank.measurements import METRICS
from bloodbank.bank.scores import LEVEL_BORDERS
from bloodbank.bank.sentences import subtitle
from bloodbank.bank.uncertainty.intervals import IntervalOptions
from bloodbank.errors import UsageError
from bloodbank.explorer.facts import CorpusFacts, facts_of_table
from bloodbank.explorer.numbers import plain, plain_matrix
from bloodbank.explorer.schema import Comparison, Feature, PageData, PageLanguage, Provenance, ScoreDifference, Typology
from bloodbank.explorer.view import bank_view
from bloodbank.explorer.world import place_on_map, read_world
from bloodbank.languages import find_language
from bloodbank.typology import Features
from bloodbank.wording import language_name, listed, plural

NO_FEATURES = "No typological features were given."
_CITATION = [
    "Dan Malkin, Tomasz Limisiewicz and Gabriel Stanovsky. 2022. A Balanced Data Approach for Evaluating Cross-Lingual "
    "Transfer: Mapping the Linguistic Blood Bank. In Proceedings of NAACL 2022, pages 4903–4915.",
]

Facts = pd.DataFrame | CorpusFacts | Mapping[str, CorpusFacts]


def page_data(
    banks: Bank | Sequence[Bank],
    *,
    compare_with: Bank | None = None,
    features: Features | str | None = None,
    facts: Facts | None = None,
    title: str | None = None,
) -> PageData:
    """Gather what the page shows.

    Args:
        banks: One bank or several: protocols, metrics and budgets of a run, or runs. Each is a view; the first is shown
            first. A bank that has its measurements gets a view for each further metric of them, unless it is given.
        compare_with: A bank that the first one is compared with.
        features: Typological features, or a sentence that says why there are none.
        facts: What is known of each language's text: a table with a row for each language, or `CorpusFacts` for all
            banks or by the name of the bank.
        title: Of the page; by default the name of the first bank.

    Returns:
        The content. Languages are those of all banks, in the order of the first.

    Raises:
        UsageError: No bank is given, or fewer than two languages are common to the two that are compared.
    """
    from importlib.metadata import version

    banks = [banks] if isinstance(banks, Bank) else list(banks)
    if not banks:
        raise UsageError("There is no bank to show. Give one or more.")
    shown = _with_metrics(banks)
    codes = languages_of(shown)
    known = features if isinstance(features, Features) else None
    sources = [_provenance(bank) for bank in shown + ([] if compare_with is None else [compare_with])]
    return PageData(
        title=title or f"Bank {shown[0].name}",
        subtitle=f"{_subtitle(shown, codes)}. {_verdict(shown)}",
        version=version("bloodbank"),
        languages=_languages(codes, known),
        views=[
            bank_view(bank, codes, key=key, facts=_facts_of(bank, facts))
            for bank, key in zip(shown, _keys(shown), strict=True)
        ],
        typology=None if known is None else _typology(known, codes),
        typology_missing="" if known is not None else features if isinstance(features, str) else NO_FEATURES,
        comparison=None if compare_with is None else _comparison(shown[0], compare_with, codes),
        world=read_world(),
        citation=_CITATION,
        provenance=[source for place, source in enumerate(sources) if source not in sources[:place]],
        level_borders=list(LEVEL_BORDERS),
        default_edges=min(round(EDGES_PER_LANGUAGE * len(codes)), MAX_POSITIVE),
    )


def languages_of(banks: Sequence[Bank]) -> list[str]:
    """List the languages of several banks, in the order of the first."""
    return list(dict.fromkeys(code for bank in banks for code in bank.languages))


def by_all_metrics(bank: Bank, sentence_scores: Path | None = None, *, without: Collection[str] = ()) -> list[Bank]:
    """Build a bank for each metric that its models were scored with.

    Args:
        bank: The bank; without its measurements it stays alone.
        sentence_scores: The Parquet file of the run's sentence scores; without it, or where it lacks a metric, the
            intervals of the others cover the choice of seeds only.
        without: Metrics to leave out.

    Returns:
        The bank itself first, then the others by MRR, accuracy, cross-entropy and bits per byte, each with intervals.

    Raises:
        UsageError: The tables cannot be read, or do not belong together.
    """
    if bank.measurements is None:
        return [bank]
    measured = set(bank.measurements.loc[bank.measurements["protocol"] == bank.protocol, "metric"])
    scored = set() if sentence_scores is None else _metrics_of(sentence_scores)
    wanted = [metric for metric in METRICS if metric in measured and metric not in (bank.metric, *without)]
    return [bank, *(_by_metric(bank, metric, sentence_scores if metric in scored else None) for metric in wanted)]


def _by_metric(bank: Bank, metric: str, sentence_scores: Path | None) -> Bank:
    measurements = cast(pd.DataFrame, bank.measurements)
    rows = measurements[measurements["metric"] == metric]  # a quarter of them, and so of the time
    made = rebuild(dataclasses.replace(bank, measurements=rows), metric=metric)
    options = IntervalOptions(level=0.95 if bank.intervals is None else bank.intervals.level)
    made = dataclasses.replace(with_intervals(made, sentence_scores, options), measurements=measurements)
    if sentence_scores is None and made.intervals is not None and bank.intervals and bank.intervals.covers_paragraphs:
        covers = f"{made.intervals.covers} (None of {METRICS[metric].label} were given when this page was made.)"
        return dataclasses.replace(made, intervals=dataclasses.replace(made.intervals, covers=covers))
    return made


def _metrics_of(sentence_scores: Path) -> set[str]:
    try:
        return set(pd.read_parquet(sentence_scores, columns=["metric"])["metric"].unique())
    except (OSError, ValueError) as error:
        raise UsageError(f"{sentence_scores} cannot be read as a table of sentence scores ({error}).") from error


def _with_metrics(banks: Sequence[Bank]) -> list[Bank]:
    """Put the further metrics of a bank's measurements behind it, but for those that are given themselves."""
    shown, done = [], set()
    for bank in banks:
        shown.append(bank)
        table = (id(bank.measurements), bank.protocol)
        if table not in done:
            own = [other.metric for other in banks if (id(other.measurements), other.protocol) == table]
            shown += by_all_metrics(bank, without=own)[1:]
        done.add(table)
    return shown


def _keys(shown: Sequence[Bank]) -> list[str]:
    """Name the views for the address of the page; two banks of one name get numbers."""
    keys: list[str] = []
    for bank in shown:
        base = f"{bank.name}.{bank.protocol}.{bank.metric}"
        numbered = (base if number == 1 else f"{base}.{number}" for number in itertools.count(1))
        keys.append(next(key for key in numbered if key not in keys))
    return keys


def _subtitle(shown: Sequence[Bank], codes: list[str]) -> str:
    if len(shown) == 1:
        return subtitle(shown[0])
    parts = [plural(len(codes), "language")]
    for noun, words in (
        ("bank", [bank.name for bank in shown]),
        ("protocol", [bank.protocol for bank in shown]),
        ("metric", [METRICS[bank.metric].label for bank in shown]),
    ):
        different = list(dict.fromkeys(words))
        if len(different) > 1:
            parts.append(f"{noun}s {', '.join(different)}")
        elif noun != "bank":  # whose one name is the title
            parts.append(f"{noun} {different[0]}")
    return "; ".join(parts)


def _verdict(shown: Sequence[Bank]) -> str:
    """Say whether anything may be concluded about donors from what is shown first."""
    first = shown[0]
    by = f"By {METRICS[first.metric].label} ({first.protocol}): " if len(shown) > 1 else ""
    return by + verdict(first).sentences()[0]


def _languages(codes: list[str], features: Features | None) -> list[PageLanguage]:
    entries = _entries(features, codes)
    languages = []
    for code in codes:
        language, (entry, how) = find_language(code), entries[code]
        point = None
        if language is not None and language.latitude is not None and language.longitude is not None:
            point = (language.latitude, language.longitude)
        languages.append(
            PageLanguage(
                code=code,
                name=language_name(code),
                script=language.script_name if language else None,
                family=language.family if language else None,
                point=place_on_map(*point) if point else None,
                coordinates=point,
                entry=entry,
                entry_how=how,
            )
        )
    return languages


def _entries(features: Features | None, codes: list[str]) -> dict[str, tuple[str | None, str]]:
    """Where each language stands in the source of the features: its id there, and how it was found."""
    if features is None:
        return dict.fromkeys(codes, (None, ""))
    matches = features.matches.reindex(list(codes))
    return {
        code: (None if pd.isna(entry) else str(entry), "not asked for" if pd.isna(how) else str(how))
        for code, entry, how in zip(codes, matches["entry"], matches["how"], strict=True)
    }


def _facts_of(bank: Bank, facts: Facts | None) -> CorpusFacts:
    if facts is None:
        return CorpusFacts()
    if isinstance(facts, pd.DataFrame):
        return facts_of_table(facts)
    return facts if isinstance(facts, CorpusFacts) else facts.get(bank.name, CorpusFacts())


def _typology(features: Features, codes: list[str]) -> Typology:
    """The features that are known of at least one of the languages, in the order of the source."""
    table = features.categories.reindex(list(codes))
    shown = []
    for feature in table.columns:
        words = [None if pd.isna(cell) else str(cell) for cell in table[feature]]
        values = sorted({word for word in words if word is not None})
        if values:
            name = str(features.names.get(feature, feature))
            of = [None if word is None else values.index(word) for word in words]
            shown.append(Feature(id=str(feature), name=name, values=values, of=of))
    return Typology(
        source=features.source,
        licence=features.licence,
        citation=features.citation,
        notes=list(features.notes),
        features=shown,
    )


def _comparison(a: Bank, b: Bank, codes: list[str]) -> Comparison:
    """Compare two banks as `bb.compare` does; F of both only where both have it, as in the differences."""
    from bloodbank.analysis.comparison import compare

    compared = compare(a, b)
    common = list(compared.languages)
    first, second = (bank.finetune_scores.loc[common, common] for bank in (a, b))
    both = first.notna() & second.notna() & ~np.eye(len(common), dtype=bool)
    return Comparison(
        a=compared.names[0],
        b=compared.names[1],
        languages=[codes.index(code) for code in common],
        difference=plain_matrix(compared.differences, common),
        low=plain_matrix(compared.difference_low, common),
        high=plain_matrix(compared.difference_high, common),
        finetune_a=plain_matrix(first.where(both), common),
        finetune_b=plain_matrix(second.where(both), common),
        level=compared.level,
        donation=_differences(compared.scores.loc[common], "donation"),
        recipience=_differences(compared.scores.loc[common], "recipience"),
        sentences=compared.sentences(),
    )


def _differences(scores: pd.DataFrame, score: str) -> list[ScoreDifference]:
    names = ("a", "b", "difference", "low", "high")
    rows = scores[[f"{score}_{name}" for name in names]].to_numpy(dtype=float).tolist()
    return [ScoreDifference(**dict(zip(names, map(plain, row), strict=True))) for row in rows]


def _provenance(bank: Bank) -> Provenance:
    """Say where a bank comes from: models, machines, versions, tokenizer and text, or the file that was imported."""
    known = dict(bank.provenance)
    lines = [*_models(known), *_inputs(known), *describe_import(bank)]
    settings = known.get("settings") or known.get("import")
    return Provenance(
        bank=bank.name,
        lines=lines or ["Nothing is known of where this bank comes from."],
        settings=json.dumps(settings, indent=2, ensure_ascii=False) if settings else "",
    )


def _models(known: Mapping[str, Any]) -> list[str]:
    lines = []
    if "n_models" in known:
        devices = listed(known.get("devices", ()))
        threads = listed(known.get("threads", ()))
        where = f", trained and scored on {devices}" if devices else ""
        lines.append(f"{plural(int(known['n_models']), 'model')}{where}{f' ({threads} threads)' if threads else ''}.")
    if known.get("versions"):
        lines.append(f"Made with {', '.join(f'{name} {version}' for name, version in known['versions'].items())}.")
    return lines


def _inputs(known: Mapping[str, Any]) -> list[str]:
    lines = []
    if known.get("tokenizer"):
        lines.append(f"Tokenizer: {known['tokenizer']} (the hash of what it was made from).")
    if known.get("corpora"):
        keys = ", ".join(f"{code} {key}" for code, key in known["corpora"].items())
        lines.append(f"Texts, by the hash of what they were made from: {keys}.")
    return lines

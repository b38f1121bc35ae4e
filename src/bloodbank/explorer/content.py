"""Everything that the page shows, as one JSON: see `bloodbank.explorer.schema`.

Reads banks, features and facts that are there already; writes nothing.

    page_data([bank], features=load_features(bank.languages, Path("wals/cldf"))).model_dump_json()
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bloodbank.analysis.comparison import compare
from bloodbank.analysis.graph import EDGES_PER_LANGUAGE, MAX_POSITIVE
from bloodbank.bank.bank import Bank, build_bank, with_intervals
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
from bloodbank.typology import Features
from bloodbank.wording import find_language, language_name, listed, plural

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
    given = [banks] if isinstance(banks, Bank) else list(banks)
    if not given:
        raise UsageError("There is no bank to show. Give one or more.")
    shown = _with_metrics(given)
    codes = languages_of(shown)
    known = features if isinstance(features, Features) else None
    return PageData(
        title=title or f"Bank {shown[0].name}",
        subtitle=_subtitle(shown, codes),
        version=version("bloodbank"),
        languages=_languages(codes, known),
        views=[
            bank_view(bank, codes, key=key, facts=_facts_of(bank, facts))
            for bank, key in zip(shown, _keys(shown), strict=True)
        ],
        typology=None if known is None else typology_of(known, codes),
        typology_missing="" if known is not None else features if isinstance(features, str) else NO_FEATURES,
        comparison=None if compare_with is None else comparison_of(shown[0], compare_with, codes),
        world=read_world(),
        citation=_CITATION,
        provenance=_provenance([*shown, *([] if compare_with is None else [compare_with])]),
        level_borders=list(LEVEL_BORDERS),
        default_edges=min(round(EDGES_PER_LANGUAGE * len(codes)), MAX_POSITIVE),
    )


def languages_of(banks: Sequence[Bank]) -> list[str]:
    """List the languages of several banks, in the order of the first."""
    return list(dict.fromkeys(code for bank in banks for code in bank.languages))


def _with_metrics(given: Sequence[Bank]) -> list[Bank]:
    """Put the further metrics of a bank's measurements behind it, but for those that are given themselves."""
    found, done = [], set()
    for bank in given:
        found.append(bank)
        table = (id(bank.measurements), bank.protocol)
        if table not in done:
            taken = [other.metric for other in given if (id(other.measurements), other.protocol) == table]
            found += by_all_metrics(bank, without=taken)[1:]
        done.add(table)
    return found


def _provenance(banks: Sequence[Bank]) -> list[Provenance]:
    found: list[Provenance] = []
    for bank in banks:
        one = provenance_of(bank)
        found += [] if one in found else [one]  # the metrics of one bank have one
    return found


def _keys(shown: Sequence[Bank]) -> list[str]:
    """Name the views for the address of the page; two banks of one name get numbers."""
    found: list[str] = []
    for bank in shown:
        key = base = f"{bank.name}.{bank.protocol}.{bank.metric}"
        number = 2
        while key in found:
            key, number = f"{base}.{number}", number + 1
        found.append(key)
    return found


def _subtitle(shown: Sequence[Bank], codes: Sequence[str]) -> str:
    if len(shown) == 1:
        return subtitle(shown[0])
    parts = [plural(len(codes), "language")]
    for noun, words in (
        ("bank", [bank.name for bank in shown]),
        ("protocol", [bank.protocol for bank in shown]),
        ("metric", [METRICS[bank.metric].label for bank in shown]),
    ):
        different = list(dict.fromkeys(words))
        if len(different) > 1 or noun != "bank":
            parts.append(f"{noun}{'s' if len(different) > 1 else ''} {', '.join(different)}")
    return "; ".join(parts)


def _languages(codes: Sequence[str], features: Features | None) -> list[PageLanguage]:
    entries = entries_of(features, codes)
    found = []
    for code in codes:
        language = find_language(code)
        point = None
        if language is not None and language.latitude is not None and language.longitude is not None:
            point = (language.latitude, language.longitude)
        entry, how = entries[code]
        found.append(
            PageLanguage(
                code=code,
                name=language_name(code),
                script=language.script_name if language else None,
                family=language.family if language else None,
                point=None if point is None else place_on_map(*point),
                coordinates=point,
                entry=entry,
                entry_how=how,
            )
        )
    return found


def _facts_of(bank: Bank, facts: Facts | None) -> CorpusFacts:
    if facts is None:
        return CorpusFacts()
    if isinstance(facts, pd.DataFrame):
        return facts_of_table(facts)
    return facts if isinstance(facts, CorpusFacts) else facts.get(bank.name, CorpusFacts())


# Two banks side by side, for the page.


def comparison_of(a: Bank, b: Bank, codes: Sequence[str]) -> Comparison:
    """Compare two banks as `bb.compare` does.

    Args:
        a: The bank of the first view.
        b: The other one; differences are b - a.
        codes: Of the languages of the page.

    Returns:
        The comparison, over the languages that both have; F of both only where both have it, as in the differences.

    Raises:
        UsageError: Fewer than two languages are common.
    """
    found = compare(a, b)
    common = list(found.languages)
    places: list[int | None] = list(range(len(common)))
    first, second = (bank.finetune_scores.loc[common, common] for bank in (a, b))
    both = first.notna() & second.notna() & ~np.eye(len(common), dtype=bool)
    where = {code: place for place, code in enumerate(codes)}
    return Comparison(
        a=found.names[0],
        b=found.names[1],
        languages=[where[code] for code in common],
        difference=plain_matrix(found.differences, places),
        low=plain_matrix(found.difference_low, places),
        high=plain_matrix(found.difference_high, places),
        finetune_a=plain_matrix(first.where(both), places),
        finetune_b=plain_matrix(second.where(both), places),
        level=found.level,
        donation=_differences(found.scores.to_dict("index"), common, "donation"),
        recipience=_differences(found.scores.to_dict("index"), common, "recipience"),
        sentences=found.sentences(),
    )


def _differences(rows: dict, codes: Sequence[str], score: str) -> list[ScoreDifference]:  # type: ignore[type-arg]
    return [
        ScoreDifference(
            **{name: plain(rows[code][f"{score}_{name}"]) for name in ("a", "b", "difference", "low", "high")}
        )
        for code in codes
    ]


# The same bank by the other metrics that its models were scored with.


def by_all_metrics(bank: Bank, sentence_scores: Path | None = None, *, without: Collection[str] = ()) -> list[Bank]:
    """Build a bank for each metric that was measured.

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
    pairs = bank.measurements["protocol"] == bank.protocol
    measured = set(bank.measurements.loc[pairs, "metric"])
    scored = set() if sentence_scores is None else _metrics_of(sentence_scores)
    wanted = [one for one in METRICS if one != bank.metric and one in measured and one not in without]
    tables = {metric: sentence_scores if metric in scored else None for metric in wanted}
    return [bank, *(_by_metric(bank, bank.measurements, metric, table) for metric, table in tables.items())]


def _by_metric(bank: Bank, measurements: pd.DataFrame, metric: str, sentence_scores: Path | None) -> Bank:
    made = build_bank(
        measurements[measurements["metric"] == metric],  # a quarter of the rows, and so of the time
        languages=bank.languages,
        name=bank.name,
        protocol=bank.protocol,
        metric=metric,
        include_unhealthy=bank.include_unhealthy,
        covariates=bank.covariates,
        provenance=bank.provenance,
    )
    options = IntervalOptions(level=0.95 if bank.intervals is None else bank.intervals.level)
    found = dataclasses.replace(with_intervals(made, sentence_scores, options), measurements=measurements)
    if sentence_scores is None and found.intervals is not None and bank.intervals and bank.intervals.covers_paragraphs:
        label = METRICS[metric].label
        covers = f"{found.intervals.covers} (None of {label} were given when this page was made.)"
        return dataclasses.replace(found, intervals=dataclasses.replace(found.intervals, covers=covers))
    return found


def _metrics_of(sentence_scores: Path) -> set[str]:
    try:
        return set(pd.read_parquet(sentence_scores, columns=["metric"])["metric"].unique())
    except (OSError, ValueError) as error:
        raise UsageError(f"{sentence_scores} cannot be read as a table of sentence scores ({error}).") from error


# Where a bank comes from, in words, for the page.


def provenance_of(bank: Bank) -> Provenance:
    """Say where a bank comes from.

    Args:
        bank: The bank.

    Returns:
        Lines on models, machines, versions, tokenizer and text, or on the file that was imported; and the settings.
    """
    known = dict(bank.provenance)
    lines = [*_models(known), *_inputs(known), *describe_import(bank)]
    settings = known.get("settings") or known.get("import")
    return Provenance(
        bank=bank.name,
        lines=lines or ["Nothing is known of where this bank comes from."],
        settings=json.dumps(settings, indent=2, ensure_ascii=False) if settings else "",
    )


def _models(known: Mapping[str, Any]) -> list[str]:
    found = []
    if "n_models" in known:
        devices = listed(known.get("devices", ()))
        threads = listed(known.get("threads", ()))
        where = f", trained and scored on {devices}" if devices else ""
        found.append(f"{plural(int(known['n_models']), 'model')}{where}{f' ({threads} threads)' if threads else ''}.")
    if known.get("versions"):
        found.append(f"Made with {', '.join(f'{name} {version}' for name, version in known['versions'].items())}.")
    return found


def _inputs(known: Mapping[str, Any]) -> list[str]:
    found = []
    if known.get("tokenizer"):
        found.append(f"Tokenizer: {known['tokenizer']} (the hash of what it was made from).")
    if known.get("corpora"):
        keys = ", ".join(f"{code} {key}" for code, key in known["corpora"].items())
        found.append(f"Texts, by the hash of what they were made from: {keys}.")
    return found


# Typological features for the page: what is known of at least one language, as places in a list of words.


def typology_of(features: Features, codes: Sequence[str]) -> Typology:
    """Lay features out for the page.

    Args:
        features: The features; languages that are not in them are known for none.
        codes: Of the languages of the page.

    Returns:
        The features that are known of at least one of the languages, in the order of the source.
    """
    table = features.categories.reindex(list(codes))
    found = []
    for feature in table.columns:
        words = [None if pd.isna(cell) else str(cell) for cell in table[feature]]
        values = sorted({word for word in words if word is not None})
        if not values:
            continue
        where = {word: place for place, word in enumerate(values)}
        found.append(
            Feature(
                id=str(feature),
                name=str(features.names.get(feature, feature)),
                values=values,
                of=[None if word is None else where[word] for word in words],
            )
        )
    return Typology(
        source=features.source,
        licence=features.licence,
        citation=features.citation,
        notes=list(features.notes),
        features=found,
    )


def entries_of(features: Features | None, codes: Sequence[str]) -> dict[str, tuple[str | None, str]]:
    """Say of each language where it stands in the source of the features: its id there, and how it was found."""
    if features is None:
        return dict.fromkeys(codes, (None, ""))
    matches = features.matches.reindex(list(codes))
    found = {}
    for code, entry, how in zip(codes, matches["entry"], matches["how"], strict=True):
        found[code] = (None if pd.isna(entry) else str(entry), "not asked for" if pd.isna(how) else str(how))
    return found

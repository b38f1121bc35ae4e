"""Everything that the page shows, as one JSON: see `bloodbank.explorer.schema`.

Reads banks, features and facts that are there already; writes nothing.

    page_data([bank], features=load_features(bank.languages, Path("wals/cldf"))).model_dump_json()
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version

import pandas as pd

from bloodbank.bank.analysis.graph import EDGES_PER_LANGUAGE, MAX_POSITIVE
from bloodbank.bank.bank import Bank
from bloodbank.bank.measurements import METRICS
from bloodbank.bank.names import find_language, language_name, plural
from bloodbank.bank.scores import LEVEL_BORDERS
from bloodbank.bank.sentences import subtitle
from bloodbank.errors import UsageError
from bloodbank.explorer.comparison_part import comparison_of
from bloodbank.explorer.facts import CorpusFacts, facts_of_table
from bloodbank.explorer.metrics import by_all_metrics
from bloodbank.explorer.provenance_part import provenance_of
from bloodbank.explorer.schema import PageData, PageLanguage, Provenance
from bloodbank.explorer.typology_part import entries_of, typology_of
from bloodbank.explorer.view import bank_view
from bloodbank.explorer.world import place_on_map, read_world
from bloodbank.typology import Features

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

"""The parts of the report, in the order in which a reader needs them: first what could mislead, then what was found.

Each function takes what there is and gives a `Part`: sentences, and figures that are drawn only when they are written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from bloodbank.bank.analysis.asymmetry import asymmetry
from bloodbank.bank.analysis.best_donor import best_donor
from bloodbank.bank.analysis.confounding import confounding
from bloodbank.bank.analysis.detrimental import detrimental
from bloodbank.bank.analysis.groups import groups
from bloodbank.bank.analysis.levels import levels
from bloodbank.bank.analysis.monolingual import monolingual
from bloodbank.bank.analysis.structure import additive_sentences, stability_sentences
from bloodbank.bank.bank import Bank
from bloodbank.bank.caveats import caveats
from bloodbank.bank.interval_sentences import interval_sentences
from bloodbank.bank.measurements import JOINT, ZERO_SHOT
from bloodbank.bank.names import MISSING, language_name
from bloodbank.bank.panel import panel_intervals
from bloodbank.bank.report import captions
from bloodbank.bank.report.language_rows import language_rows
from bloodbank.bank.sentences import control_sentences, extremes, missing_cells, subtitle, units
from bloodbank.bank.typology_effects import feature_effects
from bloodbank.typology import Features, coverage

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Sketch:
    """A figure that can be drawn: the name of its files, its caption, and what draws it."""

    name: str
    caption: str
    draw: Callable[[], Figure]


@dataclass(frozen=True)
class Part:
    """A part of the report, before its figures are drawn."""

    key: str
    title: str
    sentences: list[str]
    sketches: tuple[Sketch, ...] = ()
    table: tuple[tuple[str, ...], ...] = ()
    text: str = ""


def report_parts(bank: Bank, folder: Path | None, *, language: str, features: Features | str) -> Iterator[Part]:
    """Make the parts of a report one after another.

    Args:
        bank: The bank.
        folder: Where its tables of sentence scores and loss curves are, if anywhere.
        language: Of which it is asked whether it is the best donor.
        features: Typological features of its languages, or why there are none.
    """
    yield Part("numbers", "What the numbers are", [units(bank), *_of_protocol(bank), *bank.notes, missing_cells(bank)])
    yield Part("sure", "How sure they are", _sure(bank))
    yield _mislead(bank, folder)
    yield _matrix(bank)
    yield _graph(bank)
    yield _plane(bank)
    yield _asymmetry(bank)
    yield _detrimental(bank)
    yield _monolingual(bank, folder)
    yield _groups(bank)
    yield _levels(bank)
    yield _best_donor(bank, language)
    yield Part("additive", "Donor effect plus recipient effect", additive_sentences(bank))
    yield Part("seeds", "From seed to seed", stability_sentences(bank))
    yield _typology(bank, features)
    explained = (
        "±: half the measurement interval; place: 1 is the highest, with its interval; another panel: the interval of "
        "the sum over other languages."
    )
    yield Part("languages", "All languages", [explained], table=language_rows(bank))
    yield Part("provenance", "Where the numbers come from", _cited(), text=_provenance(bank))


def _of_protocol(bank: Bank) -> list[str]:
    if bank.protocol == ZERO_SHOT:
        return [
            "Protocol zero_shot: F compares the donor's own model, which never saw t, with M_t, so that it is mostly "
            "negative by design. Helps, harms, gives and receives below are the sign of F and nothing more."
        ]
    if bank.protocol == JOINT:
        return [
            "Protocol joint: F(s→t) and F(t→s) are scores of one model, so that they are not two independent "
            "measurements; symmetry below is partly that."
        ]
    return []


def _sure(bank: Bank) -> list[str]:
    measured = interval_sentences(bank.intervals)
    if not measured:
        measured = ["There are no measurement intervals: the bank has neither seeds nor sentence scores."]
    return [*measured, panel_intervals(bank.finetune_scores).covers]


def _mislead(bank: Bank, folder: Path | None) -> Part:
    said = [*caveats(bank, with_confounds=False), *control_sentences(bank), *confounding(bank).sentences()]
    sketches = _curves(bank, folder)
    return Part("mislead", "What could stand behind them", said, sketches)


def _curves(bank: Bank, folder: Path | None) -> tuple[Sketch, ...]:
    path = None if folder is None else folder / "loss_curves.csv"
    if path is None or not path.is_file():
        return ()
    from bloodbank.bank.curves import curves_figure
    from bloodbank.bank.loss_curves import read_panels

    table = pd.read_csv(path, keep_default_na=False, na_values={"loss": [""]})
    panels = read_panels(table, bank.languages, bank.protocol)
    if not panels:
        return ()
    return (Sketch("curves", captions.curves_caption(bank), lambda: curves_figure(panels, bank.protocol)),)


def _matrix(bank: Bank) -> Part:
    from bloodbank.bank.heatmap import heatmap_figure

    sketch = Sketch("heatmap", captions.heatmap_caption(bank), lambda: heatmap_figure(bank))
    return Part("matrix", "Who helps whom", extremes(bank), (sketch,))


def _graph(bank: Bank) -> Part:
    from bloodbank.bank.analysis.graph_figure import graph_caption, graph_figure

    sketch = Sketch("graph", graph_caption(bank), lambda: graph_figure(bank, subtitle(bank)))
    return Part("graph", "The strongest transfers", [], (sketch,))


def _plane(bank: Bank) -> Part:
    from bloodbank.bank.plane import plane_figure

    counts = bank.blood_types.dropna().value_counts()
    said = [
        "Blood types: " + ", ".join(f"{n} {name}" for name, n in counts.items()) + "."
        if len(counts)
        else "No blood types can be given."
    ]
    sketch = Sketch("plane", captions.plane_caption(bank), lambda: plane_figure(bank))
    return Part("plane", "Who gives and who receives", said, (sketch,))


def _asymmetry(bank: Bank) -> Part:
    from bloodbank.bank.analysis.asymmetry_figure import asymmetry_caption, asymmetry_figure

    found = asymmetry(bank)
    sketch = Sketch("asymmetry", asymmetry_caption(found), lambda: asymmetry_figure(found, subtitle(bank)))
    return Part("asymmetry", "Is transfer symmetric?", found.sentences(), (sketch,))


def _detrimental(bank: Bank) -> Part:
    from bloodbank.bank.analysis.detrimental_figure import detrimental_caption, detrimental_figure

    found = detrimental(bank)
    sketch = Sketch("detrimental", detrimental_caption(found), lambda: detrimental_figure(found, subtitle(bank)))
    return Part("detrimental", "Which pairs harm?", found.sentences(), (sketch,))


def _monolingual(bank: Bank, folder: Path | None) -> Part:
    from bloodbank.bank.analysis.monolingual_figure import monolingual_caption, monolingual_figure

    path = None if folder is None else folder / "sentence_scores.parquet"
    found = monolingual(bank, path if path is not None and path.is_file() else None)
    sketches: tuple[Sketch, ...] = ()
    if found.drawable:
        caption = monolingual_caption(found)
        sketches = (Sketch("monolingual", caption, lambda: monolingual_figure(found, subtitle(bank))),)
    return Part(
        "monolingual", "Does the score of a language's own model foretell D and R?", found.sentences(), sketches
    )


def _groups(bank: Bank) -> Part:
    from bloodbank.bank.analysis.groups_figure import groups_caption, groups_figure

    found = [groups(bank, by="script"), groups(bank, by="family")]
    sketch = Sketch("groups", groups_caption(found), lambda: groups_figure(found, subtitle(bank)))
    return Part("groups", "Script and family", [text for one in found for text in one.sentences()], (sketch,))


def _levels(bank: Bank) -> Part:
    from bloodbank.bank.analysis.levels_figure import levels_caption, levels_figure

    found = levels(bank)
    sketch = Sketch("levels", levels_caption(found), lambda: levels_figure(found, subtitle(bank)))
    return Part("levels", "How large is transfer?", found.sentences(), (sketch,))


def _best_donor(bank: Bank, language: str) -> Part:
    from bloodbank.bank.analysis.best_donor_figure import best_donor_caption, best_donor_figure

    found = best_donor(bank, language)
    sketch = Sketch("best_donor", best_donor_caption(found), lambda: best_donor_figure(found, subtitle(bank)))
    return Part("best", f"Is {language_name(language)} the best donor?", found.sentences(), (sketch,))


def _typology(bank: Bank, features: Features | str) -> Part:
    if isinstance(features, str):
        return Part("typology", "Typological features", [f"Typological features: not possible, because {features}."])
    effects = feature_effects(bank.finetune_scores, features)
    known = coverage(features, bank.ranking)
    rows = [
        (str(code), str(n_known), f"{share:.0%}", MISSING if entry is None else str(entry), str(how))
        for code, n_known, share, entry, how in known.itertuples()
    ]
    header = ("language", "features known", "share", "entry", "found by")
    return Part("typology", "Typological features", [*features.lines(), *effects.lines()], table=(header, *rows))


def _cited() -> list[str]:
    return [
        "The method: Malkin, Limisiewicz and Stanovsky (2022), A Balanced Data Approach for Evaluating Cross-Lingual "
        "Transfer: Mapping the Linguistic Blood Bank, NAACL."
    ]


def _provenance(bank: Bank) -> str:
    return json.dumps(dict(bank.provenance), indent=1, ensure_ascii=False)

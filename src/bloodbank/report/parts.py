"""The parts of the report, in the order in which a reader needs them: first what could mislead, then what was found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bloodbank.analysis.additive import additive_sentences
from bloodbank.analysis.asymmetry import asymmetry
from bloodbank.analysis.best_donor import best_donor
from bloodbank.analysis.confounding import confounding
from bloodbank.analysis.detrimental import detrimental
from bloodbank.analysis.groups import groups
from bloodbank.analysis.levels import levels
from bloodbank.analysis.monolingual import monolingual
from bloodbank.analysis.relatives import relatives
from bloodbank.analysis.second_baseline import second_baseline, second_baseline_rows
from bloodbank.analysis.stability import stability_sentences
from bloodbank.analysis.typology import feature_effects
from bloodbank.analysis.verdict import verdict
from bloodbank.analysis.yardstick import yardstick, yardstick_rows
from bloodbank.analysis.zero_shot import zero_shot_beside, zero_shot_rows
from bloodbank.bank.bank import Bank
from bloodbank.bank.measurements import ALONE, JOINT, ZERO_SHOT
from bloodbank.bank.sentences import (
    caveats,
    control_sentences,
    extremes,
    interval_sentences,
    missing_cells,
    subtitle,
    unequal_reading,
    units,
    zero_shot_meaning,
)
from bloodbank.bank.uncertainty.intervals import Intervals
from bloodbank.bank.uncertainty.panel import PanelIntervals, panel_intervals
from bloodbank.figures.asymmetry import asymmetry_caption, asymmetry_figure
from bloodbank.figures.best_donor import best_donor_caption, best_donor_figure
from bloodbank.figures.curves import curves_caption, curves_figure, read_panels
from bloodbank.figures.detrimental import detrimental_caption, detrimental_figure
from bloodbank.figures.graph import graph_caption, graph_figure
from bloodbank.figures.groups import groups_caption, groups_figure
from bloodbank.figures.heatmap import heatmap_caption, heatmap_figure
from bloodbank.figures.levels import levels_caption, levels_figure
from bloodbank.figures.monolingual import monolingual_caption, monolingual_figure
from bloodbank.figures.plane import plane_caption, plane_figure
from bloodbank.figures.relatives import relatives_caption, relatives_figure
from bloodbank.figures.zero_shot import zero_shot_caption, zero_shot_figure
from bloodbank.report.page import Section, Sketch
from bloodbank.typology import Features, coverage
from bloodbank.wording import MISSING, language_name, signed

_COLUMNS = (
    "±: half the measurement interval; place: 1 is the highest, with its interval; another panel: the interval of "
    "the sum over other languages."
)
_CITED = (
    "The method: Malkin, Limisiewicz and Stanovsky (2022), A Balanced Data Approach for Evaluating Cross-Lingual "
    "Transfer: Mapping the Linguistic Blood Bank, NAACL."
)


def report_parts(bank: Bank, folder: Path | None, *, language: str, features: Features | str) -> Iterator[Section]:
    """Make the parts of a report one after another, with figures that are still to be drawn.

    Args:
        bank: The bank.
        folder: Where its tables of sentence scores and loss curves are, if anywhere.
        language: Of which it is asked whether it is the best donor.
        features: Typological features of its languages, or why there are none.
    """
    yield Section("verdict", "What may be concluded", tuple(verdict(bank).sentences()))
    numbers = (
        *unequal_reading(bank),
        units(bank),
        *_of_protocol(bank),
        *bank.notes,
        missing_cells(bank),
    )
    yield Section("numbers", "What the numbers are", numbers)
    panel = panel_intervals(bank.finetune_scores)
    yield Section("sure", "How sure they are", (*bank.reliability.sentences()[:2], *_sure(bank), panel.covers))
    behind = (*caveats(bank), *control_sentences(bank), *confounding(bank).sentences())
    yield Section("mislead", "What could stand behind them", behind, sketches=_curves(bank, folder))
    yield from _matrix_parts(bank)
    yield from _beside_parts(bank)
    yield from _analysis_parts(bank, folder, language, features)
    yield Section("additive", "Donor effect plus recipient effect", tuple(additive_sentences(bank)))
    yield Section("seeds", "From seed to seed", tuple(stability_sentences(bank)))
    yield _typology(bank, features)
    yield Section("languages", "All languages", (_COLUMNS,), table=language_rows(bank, panel))
    provenance = json.dumps(dict(bank.provenance), indent=1, ensure_ascii=False)
    yield Section("provenance", "Where the numbers come from", (_CITED,), text=provenance)


def _of_protocol(bank: Bank) -> list[str]:
    if bank.protocol == ZERO_SHOT:
        return [
            *zero_shot_meaning(bank),
            "Helps, harms, gives and receives below are the sign of F and nothing more.",
        ]
    if bank.protocol == JOINT:
        return [
            "Protocol joint: F(s→t) and F(t→s) are scores of one model, so that they are not two independent "
            "measurements; symmetry below is partly that."
        ]
    return []


def _sure(bank: Bank) -> list[str]:
    unknown = "There are no measurement intervals: the bank has neither seeds nor sentence scores."
    return interval_sentences(bank.intervals) or [unknown]


def _curves(bank: Bank, folder: Path | None) -> tuple[Sketch, ...]:
    path = None if folder is None else folder / "loss_curves.csv"
    if path is None or not path.is_file():
        return ()
    table = pd.read_csv(path, keep_default_na=False, na_values={"loss": [""]})
    panels = read_panels(table, bank.languages, bank.protocol)
    sketch = Sketch("curves", curves_caption(bank), lambda: curves_figure(panels, bank.protocol))
    return (sketch,) if panels else ()


def _matrix_parts(bank: Bank) -> Iterator[Section]:
    """Give what the bank itself is: matrix, graph and plane."""
    heatmap = Sketch("heatmap", heatmap_caption(bank), lambda: heatmap_figure(bank))
    yield Section("matrix", "Who helps whom", tuple(extremes(bank)), sketches=(heatmap,))
    graph = Sketch("graph", graph_caption(bank), lambda: graph_figure(bank, subtitle(bank)))
    yield Section("graph", "The strongest transfers", (), sketches=(graph,))
    counts = bank.blood_types.dropna().value_counts()
    types = "No blood types can be given."
    if len(counts):
        types = "Blood types: " + ", ".join(f"{n} {name}" for name, n in counts.items()) + "."
    plane = Sketch("plane", plane_caption(bank), lambda: plane_figure(bank))
    yield Section("plane", "Who gives and who receives", (types,), sketches=(plane,))


def _beside_parts(bank: Bank) -> Iterator[Section]:
    """Give what stands beside F where it was measured: known answers, the second baseline, and zero-shot scores."""
    known = yardstick(bank)
    if known is not None:
        found, table = tuple(known.sentences()), yardstick_rows(known)
        yield Section("yardstick", "Donors with known answers", found, table=table)
    both = second_baseline(bank)
    if both is not None:
        other = both.second
        sketch = Sketch("heatmap_baseline", heatmap_caption(other), lambda: heatmap_figure(other))
        title = f"Against {'M_t' if other.baseline == ALONE else f'`{other.baseline}`'}, the other baseline"
        found, table = tuple(both.sentences()), second_baseline_rows(both)
        yield Section("baseline", title, found, sketches=(sketch,), table=table)
    beside = zero_shot_beside(bank)
    if beside is not None:
        under = subtitle(bank)
        sketch = Sketch("zero_shot", zero_shot_caption(beside), lambda: zero_shot_figure(beside, under))
        sketches = (sketch,) if beside.zero_shot.notna().to_numpy().any() else ()
        found, table = tuple(beside.sentences()), zero_shot_rows(beside)
        yield Section("zero_shot", "Zero-shot scores beside F", found, sketches=sketches, table=table)


def _analysis_parts(bank: Bank, folder: Path | None, language: str, features: Features | str) -> Iterator[Section]:
    """Give what the analyses found, each with its figure."""
    under = subtitle(bank)

    both_ways = asymmetry(bank)
    sketch = Sketch("asymmetry", asymmetry_caption(both_ways), lambda: asymmetry_figure(both_ways, under))
    yield Section("asymmetry", "Is transfer symmetric?", tuple(both_ways.sentences()), sketches=(sketch,))

    harm = detrimental(bank)
    sketch = Sketch("detrimental", detrimental_caption(harm), lambda: detrimental_figure(harm, under))
    yield Section("detrimental", "Which pairs harm?", tuple(harm.sentences()), sketches=(sketch,))

    path = None if folder is None else folder / "sentence_scores.parquet"
    own = monolingual(bank, path if path is not None and path.is_file() else None)
    sketches: tuple[Sketch, ...] = ()
    if own.drawable:
        sketches = (Sketch("monolingual", monolingual_caption(own), lambda: monolingual_figure(own, under)),)
    title = "Does the score of a language's own model foretell D and R?"
    yield Section("monolingual", title, tuple(own.sentences()), sketches=sketches)

    kinds = [groups(bank, by="script"), groups(bank, by="family")]
    sketch = Sketch("groups", groups_caption(kinds), lambda: groups_figure(kinds, under))
    sentences = tuple(sentence for kind in kinds for sentence in kind.sentences())
    yield Section("groups", "Script and family", sentences, sketches=(sketch,))

    kin = relatives(bank, features)
    sketch = Sketch("relatives", relatives_caption(kin), lambda: relatives_figure(kin, under))
    yield Section("relatives", "Do relatives give most?", tuple(kin.sentences()), sketches=(sketch,))

    sizes = levels(bank)
    sketch = Sketch("levels", levels_caption(sizes), lambda: levels_figure(sizes, under))
    yield Section("levels", "How large is transfer?", tuple(sizes.sentences()), sketches=(sketch,))

    best = best_donor(bank, language)
    sketch = Sketch("best_donor", best_donor_caption(best), lambda: best_donor_figure(best, under))
    yield Section("best", f"Is {language_name(language)} the best donor?", tuple(best.sentences()), sketches=(sketch,))


def _typology(bank: Bank, features: Features | str) -> Section:
    if isinstance(features, str):
        return Section(
            "typology", "Typological features", (f"Typological features: not possible, because {features}.",)
        )
    effects = feature_effects(bank.finetune_scores, features)
    known = coverage(features, bank.ranking)
    rows = [
        (str(code), str(n_known), f"{share:.0%}", MISSING if entry is None else str(entry), str(how))
        for code, n_known, share, entry, how in known.itertuples()
    ]
    header = ("language", "features known", "share", "entry", "found by")
    return Section("typology", "Typological features", (*features.lines(), *effects.lines()), table=(header, *rows))


def language_rows(bank: Bank, panel: PanelIntervals) -> tuple[tuple[str, ...], ...]:
    """Lay out what is known of each language, in order of donation.

    Args:
        bank: The bank.
        panel: Intervals of its D and R for other languages.

    Returns:
        A header, and a row for each language: D and R with both their intervals, blood type, ε(M_l), covariates.
    """
    columns: dict[str, list[str]] = {
        "language": [
            f"{language_name(code)} ({code})" if language_name(code) != code else code for code in bank.ranking
        ]
    }
    for letter, score in (("D", "donation"), ("R", "recipience")):
        columns[letter] = [signed(value, 2) for value in bank.scores.loc[bank.ranking, score]]
        if bank.intervals is not None:
            widths = bank.intervals.half_widths(score).reindex(bank.ranking)
            columns[f"{letter} ±"] = [MISSING if pd.isna(width) else f"{width:.2f}" for width in widths]
            columns[f"place by {letter}"] = _places(bank.intervals, score, bank.ranking)
        others = panel.scores[panel.scores["score"] == score].set_index("language").loc[bank.ranking, ["low", "high"]]
        columns[f"{letter}, another panel"] = [
            MISSING if np.isnan(low) else f"{signed(low, 2)} to {signed(high, 2)}" for low, high in others.to_numpy()
        ]
    more = bank.scores[["blood_type", "monolingual", "updates", "health"]]
    more = more.join(bank.covariates[[name for name in bank.covariates if name not in bank.scores]])
    for name, values in more.loc[bank.ranking].items():
        columns[str(name).replace("_", " ")] = [_cell(value) for value in values]
    return (tuple(columns), *zip(*columns.values(), strict=True))


def _places(intervals: Intervals, score: str, codes: list[str]) -> list[str]:
    of_score = intervals.scores[intervals.scores["score"] == score].set_index("language")
    bounds = of_score.loc[codes, ["rank", "rank_low", "rank_high"]].to_numpy(dtype=float)
    return [MISSING if np.isnan(low) else f"{place:.0f} ({low:.0f} to {high:.0f})" for place, low, high in bounds]


def _cell(value: Any) -> str:
    if pd.isna(value):
        return MISSING
    return f"{value:,.4g}" if isinstance(value, float) else str(value)

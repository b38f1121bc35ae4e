"""The parts of the report, in the order in which a reader needs them: first what could mislead, then what was found.

Each function takes what there is and gives a `Part`: sentences, and figures that are drawn only when they are written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
from bloodbank.analysis.stability import stability_sentences
from bloodbank.analysis.typology import feature_effects
from bloodbank.bank.bank import Bank
from bloodbank.bank.measurements import JOINT, METRICS, ZERO_SHOT
from bloodbank.bank.scores import foreign_shares, much_foreign
from bloodbank.bank.sentences import (
    caveats,
    control_sentences,
    extremes,
    interval_sentences,
    missing_cells,
    n_pairs,
    subtitle,
    units,
)
from bloodbank.bank.uncertainty.intervals import Intervals
from bloodbank.bank.uncertainty.panel import panel_intervals
from bloodbank.experiment.settings import FOREIGN_LIMIT
from bloodbank.typology import Features, coverage
from bloodbank.wording import MISSING, language_name, signed

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
    from bloodbank.figures.curves import curves_figure, read_panels

    table = pd.read_csv(path, keep_default_na=False, na_values={"loss": [""]})
    panels = read_panels(table, bank.languages, bank.protocol)
    if not panels:
        return ()
    return (Sketch("curves", curves_caption(bank), lambda: curves_figure(panels, bank.protocol)),)


def _matrix(bank: Bank) -> Part:
    from bloodbank.figures.heatmap import heatmap_figure

    sketch = Sketch("heatmap", heatmap_caption(bank), lambda: heatmap_figure(bank))
    return Part("matrix", "Who helps whom", extremes(bank), (sketch,))


def _graph(bank: Bank) -> Part:
    from bloodbank.figures.graph import graph_caption, graph_figure

    sketch = Sketch("graph", graph_caption(bank), lambda: graph_figure(bank, subtitle(bank)))
    return Part("graph", "The strongest transfers", [], (sketch,))


def _plane(bank: Bank) -> Part:
    from bloodbank.figures.plane import plane_figure

    counts = bank.blood_types.dropna().value_counts()
    said = [
        "Blood types: " + ", ".join(f"{n} {name}" for name, n in counts.items()) + "."
        if len(counts)
        else "No blood types can be given."
    ]
    sketch = Sketch("plane", plane_caption(bank), lambda: plane_figure(bank))
    return Part("plane", "Who gives and who receives", said, (sketch,))


def _asymmetry(bank: Bank) -> Part:
    from bloodbank.figures.asymmetry import asymmetry_caption, asymmetry_figure

    found = asymmetry(bank)
    sketch = Sketch("asymmetry", asymmetry_caption(found), lambda: asymmetry_figure(found, subtitle(bank)))
    return Part("asymmetry", "Is transfer symmetric?", found.sentences(), (sketch,))


def _detrimental(bank: Bank) -> Part:
    from bloodbank.figures.detrimental import detrimental_caption, detrimental_figure

    found = detrimental(bank)
    sketch = Sketch("detrimental", detrimental_caption(found), lambda: detrimental_figure(found, subtitle(bank)))
    return Part("detrimental", "Which pairs harm?", found.sentences(), (sketch,))


def _monolingual(bank: Bank, folder: Path | None) -> Part:
    from bloodbank.figures.monolingual import monolingual_caption, monolingual_figure

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
    from bloodbank.figures.groups import groups_caption, groups_figure

    found = [groups(bank, by="script"), groups(bank, by="family")]
    sketch = Sketch("groups", groups_caption(found), lambda: groups_figure(found, subtitle(bank)))
    return Part("groups", "Script and family", [text for one in found for text in one.sentences()], (sketch,))


def _levels(bank: Bank) -> Part:
    from bloodbank.figures.levels import levels_caption, levels_figure

    found = levels(bank)
    sketch = Sketch("levels", levels_caption(found), lambda: levels_figure(found, subtitle(bank)))
    return Part("levels", "How large is transfer?", found.sentences(), (sketch,))


def _best_donor(bank: Bank, language: str) -> Part:
    from bloodbank.figures.best_donor import best_donor_caption, best_donor_figure

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


# Captions of the figures that every run draws: each stands alone.


def heatmap_caption(bank: Bank) -> str:
    """Describe the matrix of F.

    Args:
        bank: The bank.

    Source:
        Figure 2.
    """
    is_known = foreign_shares(bank.covariates) is not None
    foreign = " Beside D: percent of the characters of the training text in other languages." if is_known else ""
    return (
        f"Finetune scores F(s→t) of bank {bank.name} in percent of the {METRICS[bank.metric].label} of the recipient's "
        "own model: donors s are rows, recipients t columns, both in order of donation; blue helps, red harms. The "
        "column D and the row R are sums over the other languages, without a unit, coloured by their mean "
        f"({subtitle(bank)}).{foreign} As figure 2 of Malkin et al. (2022)."
    )


def plane_caption(bank: Bank) -> str:
    """Describe the plane of R and D.

    Args:
        bank: The bank.

    Source:
        Figure 3.
    """
    n_measured = int(bank.finetune_scores.notna().to_numpy().sum())
    many = f" Ringed: more than {FOREIGN_LIMIT:.0%} of the characters of the training text are in other languages."
    rings = many if much_foreign(bank.covariates).any() else ""
    bars = " Bars are measurement intervals." if bank.intervals is not None and bank.intervals.knows_error else ""
    return (
        f"Each language of bank {bank.name} by what it takes (recipience R, to the right) and gives (donation D, "
        f"upwards): sums of F over the other {len(bank.languages) - 1} languages, without a unit; positive is a gain. "
        "The quadrants are the blood types: O gives only, AB+ takes only, A does both, none neither."
        f"{bars}{rings} From {n_measured} of {n_pairs(bank)} ordered pairs. As figure 3 of Malkin et al. (2022)."
    )


def curves_caption(bank: Bank) -> str:
    """Describe the loss curves.

    Args:
        bank: The bank.
    """
    return (
        f"Loss on dev text while the models of bank {bank.name} trained, a panel for each recipient: cross-entropy in "
        "nats a masked piece (lower is better) against tokens of the recipient read so far, on a logarithmic scale. "
        "Bold: the recipient's own model; thin: models that started from a donor. Compare lines within a panel, not "
        "between panels."
    )


# The report's table of languages, as text.


def language_rows(bank: Bank) -> tuple[tuple[str, ...], ...]:
    """Lay out what is known of each language, in order of donation.

    Args:
        bank: The bank.

    Returns:
        A header, and a row for each language: D and R with both their intervals, blood type, ε(M_l), covariates.
    """
    panel = panel_intervals(bank.finetune_scores).scores
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
        others = panel[panel["score"] == score].set_index("language").loc[bank.ranking, ["low", "high"]]
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

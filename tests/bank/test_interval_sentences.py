import dataclasses
import io

import numpy as np
import pytest
from rich.console import Console

from bloodbank.bank import build_bank
from bloodbank.bank.bank import with_intervals
from bloodbank.bank.scores import matrix
from bloodbank.bank.sentences import holds_zero, interval_sentences, is_unsure, sentences
from bloodbank.bank.uncertainty.intervals import intervals_from_replicates
from bloodbank.explorer.flags import language_flags
from bloodbank.figures.heatmap import heatmap_figure
from bloodbank.figures.plane import plane_figure
from bloodbank.report.terminal import render_bank
from made_up_banks import CODES, measurements_of, sentence_scores

ONE = "Which language has the highest D, and of which blood type each one is: not known; two seeds are needed."
KEYS = {"protocol": "sequential", "metric": "mrr"}


def intervals_of(finetune, spread, n_seeds=4, codes=("de", "fi", "hu")):
    """Intervals of F by seed around given cells."""
    rng = np.random.default_rng(0)
    seeds = {seed: matrix(np.array(finetune) + spread * rng.normal(size=(3, 3)), codes) for seed in range(n_seeds)}
    return intervals_from_replicates(seeds, **KEYS)


GIVES = [[np.nan, 0.6, 0.7], [0.1, np.nan, 0.2], [-0.5, -0.4, np.nan]]


def test_cells_above_and_below_zero_are_counted():
    found = intervals_of(GIVES, 0.001)
    assert "F lies above zero in 4 of 6 measured cells, below zero in 2, and holds zero in 0." in " ".join(
        interval_sentences(found)
    )
    turned = intervals_of(-np.array(GIVES), 0.001)
    assert "above zero in 2 of 6 measured cells, below zero in 4" in " ".join(interval_sentences(turned))
    open_ = " ".join(interval_sentences(intervals_of(0 * np.array(GIVES), 0.1)))
    low, high = (intervals_of(0 * np.array(GIVES), 0.1).matrix(name).to_numpy() for name in ("low", "high"))
    assert f"holds zero in {((low <= 0) & (high >= 0)).sum()}." in open_


def test_the_first_place_is_certain_or_open():
    sure = " ".join(interval_sentences(intervals_of(GIVES, 0.001)))
    assert "German (de) has the highest D beyond measurement error: D = +1.3" in sure
    turned = " ".join(interval_sentences(intervals_of(-np.array(GIVES), 0.001)))
    assert "Hungarian (hu) has the highest D beyond measurement error: D = +0.9" in turned
    close = [[np.nan, 0.5, 0.5], [0.5, np.nan, 0.49], [-0.5, -0.4, np.nan]]
    unsure = " ".join(interval_sentences(intervals_of(close, 0.05)))
    assert "Which language has the highest D is open" in unsure
    assert "beyond measurement error" not in unsure


def test_types_are_settled_or_unsure():
    sure = intervals_of(GIVES, 0.001)
    assert "The blood type of 3 of 3 languages stays the same" in " ".join(interval_sentences(sure))
    assert not is_unsure(sure, "hu")
    near = [[np.nan, 0.01, 0.0], [0.6, np.nan, 0.2], [-0.5, -0.4, np.nan]]
    unsure = intervals_of(near, 0.1)
    assert is_unsure(unsure, "de")
    assert "unsure: de (" in " ".join(interval_sentences(unsure))
    shares = unsure.types.set_index("language").loc["de", ["p_O", "p_A", "p_AB+", "p_none"]].astype(float)
    assert f"{shares.max():.0%}" in " ".join(interval_sentences(unsure))


def test_nothing_known_says_only_that():
    one = {0: matrix(GIVES, ("de", "fi", "hu"))}
    found = intervals_from_replicates(one, **KEYS)
    assert interval_sentences(found) == [found.covers, ONE]
    assert interval_sentences(None) == []
    assert not holds_zero(found, ("de", "fi", "hu")).to_numpy().any()
    assert is_unsure(None, "de")
    assert is_unsure(found, "de")


def test_with_one_seed_no_winner_and_no_type_is_stated(bank):
    scores = sentence_scores(seeds=(0,))
    one = with_intervals(build_bank(measurements_of(scores), languages=CODES, name="made-up"), scores)
    assert one.intervals.covers_paragraphs
    said = " ".join(sentences(one))
    assert ONE in said
    assert "beyond measurement error" not in said
    assert "stays the same in" not in said
    assert "least (D = " in said
    assert "another seed may turn this" in said
    marked = [line for line in shown(one, 100).splitlines() if line.split()[:1] and line.split()[0] in CODES]
    assert sum("?" in line for line in marked) == len(CODES)
    assert "?: type not known; two seeds are needed" in " ".join(shown(one, 100).split())
    assert all("Its blood type is not known; two seeds are needed." in flags for flags in language_flags(one).values())
    several = " ".join(sentences(bank))
    assert ONE not in several
    assert "another seed may turn this" not in several


def test_a_cell_holds_zero_where_its_interval_does():
    cells = [[np.nan, 0.0, 0.7], [0.1, np.nan, 0.2], [-0.5, -0.4, np.nan]]
    found = holds_zero(intervals_of(cells, 0.005), ("de", "fi", "hu"))
    assert found.to_numpy().tolist() == [[False, True, False], [False, False, False], [False, False, False]]


@pytest.fixture(scope="module")
def bank():
    scores = sentence_scores()
    return with_intervals(build_bank(measurements_of(scores), languages=CODES, name="made-up"), scores)


def shown(bank, width):
    console = Console(file=io.StringIO(), width=width)
    console.print(render_bank(bank, width))
    return console.file.getvalue()


def test_the_terminal_shows_half_widths(bank):
    wide = shown(bank, 90)
    widths = bank.intervals.half_widths("donation")
    top = bank.ranking[0]
    line = next(line for line in wide.splitlines() if line.split()[:1] == [top])
    assert f"{widths[top]:.2f}" in line.split()
    assert "± half their 95% interval" in " ".join(wide.split())
    assert "±" not in shown(dataclasses.replace(bank, intervals=None), 90)
    assert bank.intervals.covers in sentences(bank)


@pytest.mark.parametrize("width", [45, 50, 76, 80, 200])
def test_no_number_is_cut_to_make_room(bank, width):
    assert "…" not in shown(bank, width).split("F in percent")[0].replace("Hungar…", "").replace("Russia…", "")


def test_figures_tell_what_is_unsure(bank):
    unsure = holds_zero(bank.intervals, CODES)
    assert unsure.to_numpy().any()
    figure = heatmap_figure(bank)
    (board,) = figure.axes
    cells = next(axes for axes in board.child_axes if axes.get_label() == "F")
    bracketed = [text.get_text() for text in cells.texts if text.get_text().startswith("(")]
    assert len(bracketed) == unsure.to_numpy().sum()
    assert any("in brackets: the interval holds zero" in text.get_text() for text in figure.texts)
    without = heatmap_figure(dataclasses.replace(bank, intervals=None))
    assert not any("brackets" in text.get_text() for text in without.texts)
    plane = plane_figure(bank)
    assert any("bars: 95% intervals" in text.get_text() for text in plane.texts)
    bars = [bar for bar in plane.axes[0].collections if len(bar.get_segments()) == len(CODES)]
    lengths = {round(float(np.ptp(segment, axis=0).max()), 9) for bar in bars for segment in bar.get_segments()}
    expected = bank.intervals.half_widths("donation").round(9) * 2
    assert {round(value, 6) for value in expected} <= {round(value, 6) for value in lengths}

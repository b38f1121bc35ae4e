"""Pairs that harm: counted by hand, tested one by one, and said in sentences that the opposite matrix turns."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bloodbank.analysis.detrimental import detrimental, measured_cells
from bloodbank.bank import build_bank
from bloodbank.bank.bank import with_intervals
from bloodbank.bank.importing.read_matrix import read_matrix
from bloodbank.errors import UsageError
from bloodbank.figures.detrimental import detrimental_caption, detrimental_figure
from shared_data import shared_data

CODES = ("de", "fi", "hu")


@pytest.fixture
def bank_of(make):
    """A bank from F by pair, one matrix a seed."""

    def build(*seeds, languages=None):
        codes = sorted({code for pairs in seeds for pair in pairs for code in pair}) or CODES
        rows = [
            make(dict.fromkeys(codes, 1.0), {pair: 1 + score for pair, score in pairs.items()}, seed=seed)
            for seed, pairs in enumerate(seeds)
        ]
        bank = build_bank(pd.concat(rows), languages=tuple(languages or codes), name="test")
        return with_intervals(bank) if len(seeds) > 1 else bank

    return build


def pairs(n, function):
    codes = [f"x-l{place:03d}" for place in range(n)]
    return {(codes[i], codes[j]): float(function(i, j)) for i in range(n) for j in range(n) if i != j}


def negated(scores):
    return {pair: -score for pair, score in scores.items()}


def test_the_hand_worked_example(paper_example):
    found = detrimental(build_bank(paper_example, languages=CODES, name="test"))
    # F: de→fi +0.20, de→hu -0.25, fi→de +0.60, fi→hu -0.05, hu→de -0.05, hu→fi -0.40
    assert (found.n_measured, found.n_negative, found.n_below) == (6, 4, 2)
    assert found.languages.loc["hu"].to_dict() == {
        "n_given": 2, "n_given_negative": 2, "n_given_below": 1,
        "n_taken": 2, "n_taken_negative": 2, "n_taken_below": 1,
    }  # fmt: skip
    assert found.languages["n_given_negative"].to_dict() == {"de": 1, "fi": 1, "hu": 2}
    assert found.languages["n_taken_negative"].to_dict() == {"de": 1, "fi": 1, "hu": 2}
    assert found.sentences() == [
        "F < 0, so that the donor harms, in 4 of 6 measured cells (67%), and F < -10% in 2 (33%); which cells are "
        "negative beyond measurement error: not possible, because the bank has no measurement intervals.",
        "The most detrimental pair is hu→fi: F = -40%; the most beneficial fi→de: F = +60%.",
        "Most often negative as donor: Hungarian (hu, 2 of 2 cells); as recipient: Hungarian (hu, 2 of 2 cells).",
    ]


def test_the_opposite_matrix_gives_the_opposite_sentences(bank_of):
    scores = {("de", "fi"): 0.2, ("de", "hu"): 0.3, ("fi", "de"): -0.15, ("fi", "hu"): 0.1, ("hu", "de"): 0.4}
    plain, turned = (detrimental(bank_of(one)).sentences() for one in (scores, negated(scores)))
    assert plain[0].startswith(
        "F < 0, so that the donor harms, in 1 of 5 measured cells (20%), and F < -10% in 1 (20%); 1 cell of 6 not "
        "measured; "
    )
    assert turned[0].startswith("F < 0, so that the donor harms, in 4 of 5 measured cells (80%)")
    assert plain[1] == "The most detrimental pair is fi→de: F = -15%; the most beneficial hu→de: F = +40%."
    assert turned[1] == "The most detrimental pair is hu→de: F = -40%; the most beneficial fi→de: F = +15%."
    assert plain[2].startswith("Most often negative as donor: Finnish (fi, 1 of 2 cells); as recipient: German (de, 1")
    assert "German (de, 2 of 2 cells)" in turned[2]
    assert "Finnish" not in turned[2].partition("; as recipient")[0]


@pytest.mark.parametrize(
    ("score", "first", "worst", "best"),
    [
        (0.2, "in 0 of 6 measured cells (0%)", "No pair harms: lowest is", "the most beneficial"),
        (-0.2, "in 6 of 6 measured cells (100%)", "The most detrimental pair is", "no pair helps: highest is"),
        (0.0, "in 0 of 6 measured cells (0%)", "No pair harms: lowest is", "no pair helps: highest is"),
    ],
)
def test_all_cells_alike(bank_of, score, first, worst, best):
    sentences = detrimental(bank_of({(s, t): score for s in CODES for t in CODES if s != t})).sentences()
    assert first in sentences[0]
    assert sentences[1].startswith(worst)
    assert f"; {best} " in sentences[1]
    assert len(sentences) == 2, "nobody harms more often than another"


def test_borders_belong_to_the_level_above(bank_of):
    found = detrimental(bank_of({("de", "fi"): -0.125, ("fi", "de"): 0.0}))
    assert (found.n_negative, found.n_below) == (1, 1)
    assert found.cells["finetune_score"].to_list() == [-0.125, 0.0]


def test_decisions_are_those_of_a_test_worked_out_here(bank_of):
    rng = np.random.default_rng(3)
    n = 6
    true = pairs(n, lambda i, j: 0.02 * (i - j))
    seeds = [{pair: score + 0.02 * rng.normal() for pair, score in true.items()} for _ in range(4)]
    bank = bank_of(*seeds)
    found = detrimental(bank, correction="none", level=0.01)
    known = bank.intervals.cells.query("score == 'finetune_score'").set_index(["donor", "recipient"])
    for _, row in found.cells.iterrows():
        cell = known.loc[(row["donor"], row["recipient"])]
        statistic = cell["estimate"] / cell["se"]
        below, above = stats.t.cdf(statistic, cell["df"]) <= 0.01, stats.t.sf(statistic, cell["df"]) <= 0.01
        assert row["verdict"] == ("negative" if below else "positive" if above else "undecided")
        assert (row["low"], row["high"]) == (cell["low"], cell["high"])
    negative, positive, undecided = (found.count(name) for name in ("negative", "positive", "undecided"))
    assert min(negative, positive, undecided) > 0
    assert negative + positive + undecided == 30
    holm = detrimental(bank, correction="holm", level=0.01)
    assert 0 < holm.count("negative") < negative
    assert found.sentences()[0].endswith(
        f"beyond measurement error {negative} cells are negative, {positive} positive and {undecided} undecided (no "
        "correction for 30 tests each way, 1%)."
    )
    turned = detrimental(bank_of(*map(negated, seeds)), correction="none", level=0.01)
    worst = found.cells.loc[0, ["donor", "recipient", "verdict"]].to_list()
    best = turned.cells.iloc[-1][["donor", "recipient", "verdict"]].to_list()
    assert (worst[:2], worst[2], best[2]) == (best[:2], "negative", "positive")
    assert "interval" in found.sentences()[1]


def test_all_negative_and_none_negative_are_said(bank_of):
    seeds = [{(s, t): -0.5 + 0.001 * seed for s in CODES for t in CODES if s != t} for seed in range(3)]
    assert "error 6 cells are negative, none positive and none undecided (Holm's correction" in _decided(
        bank_of(*seeds)
    )
    turned = _decided(bank_of(*map(negated, seeds)))
    assert "beyond measurement error no cell is negative, 6 positive and none undecided" in turned
    rng = np.random.default_rng(0)
    noise = [{(s, t): 0.1 * rng.normal() for s in CODES for t in CODES if s != t} for _ in range(3)]
    assert "no cell is negative, none positive and 6 undecided" in _decided(bank_of(*noise))


def _decided(bank):
    return detrimental(bank).sentences()[0]


def test_seeds_that_agree_exactly_leave_no_test(bank_of):
    scores = {("de", "fi"): 0.25, ("fi", "de"): -0.25}
    found = detrimental(bank_of(scores, scores))
    assert found.sentences()[0].endswith("not possible, because no cell has a standard error above zero.")


def test_the_order_of_languages_changes_no_number(bank_of):
    rng = np.random.default_rng(1)
    seeds = [pairs(5, lambda i, j: 0.1 * (i - j) + 0.02 * rng.normal()) for _ in range(3)]
    codes = sorted({code for pair in seeds[0] for code in pair})
    plain, moved = (detrimental(bank_of(*seeds, languages=order)) for order in (codes, codes[::-1]))
    pd.testing.assert_frame_equal(plain.cells, moved.cells)
    pd.testing.assert_frame_equal(plain.languages, moved.languages.loc[codes])
    assert plain.sentences() == moved.sentences()


def test_odd_banks_are_not_possible_and_never_crash(bank_of, example_with):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nothing = build_bank(example_with(health=dict.fromkeys(CODES, "failed")), languages=CODES, name="test")
        found = detrimental(nothing)
        assert found.sentences() == ["Which pairs harm: not possible, because no cell is measured."]
        assert "no cell is measured" in detrimental_caption(found)
        detrimental_figure(found, "nothing")
        one = detrimental(bank_of({("de", "fi"): -0.2}, languages=CODES))
        assert "harms, in 1 of 1 measured cell (100%)" in one.sentences()[0]
        other = detrimental(bank_of({("de", "fi"): 0.2}, languages=CODES))
        assert "harms, in 0 of 1 measured cell (0%)" in other.sentences()[0]
        neither = detrimental(bank_of({("de", "fi"): 0.0}, languages=CODES))
        assert neither.sentences()[1].startswith("No pair harms: lowest is de→fi: F = 0%; no pair helps: highest is")
        for result in (one, other, neither):
            detrimental_figure(result, "one").canvas.draw()


def test_settings_out_of_range(paper_example):
    bank = build_bank(paper_example, languages=CODES, name="test")
    with pytest.raises(UsageError, match=r"Unknown correction 'bonferroni'. Known are holm"):
        detrimental(bank, correction="bonferroni")
    with pytest.raises(UsageError, match="between 0 and 1"):
        detrimental(bank, level=5)


def axes_of(figure):
    return next(axes for axes in figure.axes if axes.get_label() == "pairs")


def test_the_figure_shows_the_ends_and_its_shapes_follow_the_tests(bank_of):
    rng = np.random.default_rng(2)
    true = pairs(7, lambda i, j: 0.03 * (i - j))
    bank = bank_of(*({pair: score + 0.02 * rng.normal() for pair, score in true.items()} for _ in range(3)))
    found = detrimental(bank)
    figure = detrimental_figure(found, "seven", n_each=5)
    labels = [text.get_text() for text in axes_of(figure).get_yticklabels()]
    assert len(labels) == 10
    assert labels[0] == "→".join(found.cells.loc[0, ["donor", "recipient"]])
    assert labels[-1] == "→".join(found.cells.iloc[-1][["donor", "recipient"]])
    said = [text.get_text() for text in figure.legends[0].get_texts()]
    assert said == ["sign decided beyond measurement error"]
    heading = "\n".join(text.get_text() for text in figure.texts)
    assert "32 pairs between the two groups not drawn" in heading
    assert "95% measurement intervals" in heading
    everything = detrimental_figure(found, "seven", n_each=21)
    assert len(axes_of(everything).get_yticklabels()) == 42
    both = [text.get_text() for text in everything.legends[0].get_texts()]
    assert both == ["sign decided beyond measurement error", "sign undecided"]
    assert "The 5 ordered pairs with the lowest" in detrimental_caption(found, n_each=5)


def test_the_released_matrix():
    bank = read_matrix(shared_data("published", "mrr_ratio_22x22.csv"))
    found = detrimental(bank)
    assert (found.n_measured, found.n_below) == (462, 50)  # the level "negative" of the paper
    finetune = bank.finetune_scores
    assert found.n_negative == int((finetune < 0).to_numpy().sum())
    assert found.languages["n_given_negative"].to_dict() == (finetune < 0).sum(axis=1).to_dict()
    assert found.languages["n_taken_negative"].to_dict() == (finetune < 0).sum(axis=0).to_dict()
    scores = measured_cells(bank).set_index(["donor", "recipient"])["finetune_score"]
    assert round(scores["fi", "de"], 3) == 0.512
    assert round(scores["de", "fi"], 3) == -0.246
    figure = detrimental_figure(found, "22 languages")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["measurement error unknown"]
    assert "none is known" in detrimental_caption(found)

"""Is a language the best donor? Against shares counted one by one, planted answers, and the opposite matrix."""

import dataclasses
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bloodbank.analysis.best_donor import best_donor
from bloodbank.bank import build_bank
from bloodbank.bank.bank import with_intervals
from bloodbank.bank.importing.read_matrix import read_matrix
from bloodbank.bank.scores import matrix
from bloodbank.bank.uncertainty.intervals import IntervalOptions
from bloodbank.errors import UsageError
from bloodbank.figures.best_donor import MAX_ROWS, best_donor_caption, best_donor_figure
from bloodbank.randomness import generator
from shared_data import shared_data

CODES = ("de", "en", "fi", "hu", "ja", "ru", "sv", "zh")


@pytest.fixture
def bank_of(make):
    """A bank from F as arrays, one a seed; missing cells are not measured."""

    def build(*seeds, codes=CODES, order=None):
        rows = []
        for seed, cells in enumerate(seeds):
            known = {
                (codes[i], codes[j]): 1 + cells[i, j]
                for i in range(len(codes))
                for j in range(len(codes))
                if i != j and not np.isnan(cells[i, j])
            }
            rows.append(make(dict.fromkeys(codes, 1.0), known, seed=seed))
        bank = build_bank(pd.concat(rows), languages=tuple(order or codes), name="test")
        return with_intervals(bank, None, IntervalOptions(n_replicates=300)) if len(seeds) > 1 else bank

    return build


def giving(gifts, *, noise=0.05, random=0, n_seeds=1, own=0.01):
    """F of donors that give so much, with noise by cell, and by cell and seed."""
    rng = np.random.default_rng(random)
    cells = np.array(gifts)[:, None] + noise * rng.normal(size=(len(gifts), len(gifts)))
    return [cells + own * rng.normal(size=cells.shape) for _ in range(n_seeds)]


ENGLISH_BEST = [0, 0.5, 0, 0, 0.1, 0, 0, 0]
ENGLISH_WORST = [0, -0.5, 0, 0, 0.1, 0, 0, 0]


def test_d_and_places_are_the_banks(bank_of):
    cells = giving([0.3, 0.1, 0.2, 0, 0, 0, 0, 0])[0]
    cells[1, 2] = cells[3, 5] = np.nan
    bank = bank_of(cells)
    found = best_donor(bank, "en")
    for code in CODES:
        assert found.table.loc[code, "donation"] == pytest.approx(bank.donation[code])
    assert list(found.table.index) == bank.ranking
    assert found.table["rank"].to_list() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert found.rival == "de"
    assert found.difference == pytest.approx(bank.donation["de"] - bank.donation["en"])
    assert not found.table.loc["en", "complete"]


def test_shares_are_those_counted_one_by_one(bank_of):
    seeds = giving([0.02, 0.03, 0, 0, 0.03, 0, 0, 0], n_seeds=3, own=0.05)
    for cells in seeds:
        cells[1, 2] = np.nan
    bank = bank_of(*seeds)
    found = best_donor(bank, "en")
    replicates = bank.intervals.replicates.astype(float)
    wins, differences = dict.fromkeys(CODES, 0), []
    for drawn in replicates:
        donations = {code: 7 * np.nanmean(drawn[place]) for place, code in enumerate(CODES)}
        wins[max(donations, key=donations.__getitem__)] += 1
        differences.append(donations[found.rival] - donations["en"])
    assert found.table["p_best"].to_dict() == pytest.approx({code: n / 300 for code, n in wins.items()})
    assert (found.measurement.low, found.measurement.high) == pytest.approx(
        tuple(np.quantile(differences, [0.025, 0.975]))
    )
    known = bank.intervals.scores.query("score == 'donation'").set_index("language")
    for name in ("low", "high", "rank_low", "rank_high"):
        assert found.table[name].to_dict() == known[name].to_dict()


def test_resampled_panels_are_those_counted_one_by_one(bank_of):
    cells = giving([0.02, 0.03, 0, 0, 0.03, 0, 0, 0], noise=0.1)[0]
    cells[1, 2] = np.nan
    found = best_donor(bank_of(cells), "en", n_panels=200)
    weights = generator("panels", 8, 0).multinomial(8, np.full(8, 1 / 8), size=200)
    wins, differences = dict.fromkeys(CODES, 0), []
    for counts in weights:
        panel = [place for place in range(8) for _ in range(counts[place])]
        scores = {}
        for donor, code in enumerate(CODES):
            received = [cells[donor, other] for other in panel if other != donor and not np.isnan(cells[donor, other])]
            scores[code] = 7 * np.mean(received)
        wins[max(scores, key=scores.__getitem__)] += 1
        differences.append(scores[found.rival] - scores["en"])
    assert found.panel.n_draws == 200
    widening = np.sqrt(6 / 5) * stats.t.ppf(0.975, 5) / stats.norm.ppf(0.975)  # English has 6 measured recipients
    assert found.table["panel_p_best"].to_dict() == pytest.approx({code: n / 200 for code, n in wins.items()})
    assert (found.panel.low, found.panel.high) == pytest.approx(
        tuple(found.difference + widening * (np.quantile(differences, [0.025, 0.975]) - found.difference))
    )


def test_a_planted_best_donor_is_found_and_its_opposite_ruled_out(bank_of):
    best = best_donor(bank_of(*giving(ENGLISH_BEST, n_seeds=3)))
    worst = best_donor(bank_of(*giving(ENGLISH_WORST, n_seeds=3)))
    assert (best.measurement.verdict, best.panel.verdict) == ("best", "best")
    assert (worst.measurement.verdict, worst.panel.verdict) == ("ruled out", "ruled out")
    assert best.difference < 0 < worst.difference
    assert best.measurement.high < 0 < worst.measurement.low
    said, unsaid = best.sentences(), worst.sentences()
    assert said[0].startswith("English (en) has the highest D of 8 donors (D = +3.2")
    assert unsaid[0].startswith("English (en) does not have the highest D: it is at place 8 of 8 donors (D = -3.")
    assert said[1] == (
        "By measurement error (other seeds), English (en) is the best donor "
        "(place 1 of 8 at 95%; highest in 100% of 300 draws)."
    )
    assert unsaid[1].startswith(
        "By measurement error (other seeds), it is ruled out that English (en) is the best donor "
        "(place 8 of 8 at 95%; highest in 0% of 300 draws, Japanese (ja) in"
    )
    assert said[2].startswith(
        "By the choice of recipients (another panel of languages), English (en) is the best donor (place 1 of 8"
    )
    assert "it is ruled out that English (en) is the best donor (place 8 of 8 at 95%" in unsaid[2]
    assert "before Japanese (ja)" in said[0]
    assert "a difference of -" in said[0]
    assert "a difference of +" in unsaid[0]
    assert unsaid[0].endswith("which looks large because ja was chosen as the highest.")
    assert "looks large" not in said[0]


def test_what_noise_hides_is_undecided(bank_of):
    found = best_donor(bank_of(*giving([0, 0.05, 0, 0, 0.05, 0, 0, 0], n_seeds=3, own=0.3, noise=0.1)))
    assert (found.measurement.verdict, found.panel.verdict) == ("undecided", "undecided")
    for sentence in found.sentences()[1:3]:
        assert "it is undecided whether English (en) is the best donor (places " in sentence


def test_equal_donors_are_rarely_ruled_out_by_another_panel(bank_of):
    # All donors are alike: whoever is ruled out is so by chance, and that at most once in twenty.
    rng = np.random.default_rng(0)
    n_out = 0
    bank = bank_of(np.zeros((8, 8)))
    for _ in range(200):
        finetune = matrix(0.1 * rng.normal(size=(8, 8)), CODES)
        found = best_donor(dataclasses.replace(bank, finetune_scores=finetune), n_panels=300)
        n_out += found.panel.verdict == "ruled out"
    assert n_out <= 20  # 10 of 200 are expected, and more than 20 come once in a thousand


def test_a_language_that_is_not_there(bank_of):
    gifts = [0.1, 0.2, 0.3]
    found = best_donor(bank_of(*giving(gifts), codes=("de", "fi", "hu")))
    assert not found.known
    assert found.sentences() == [
        "Whether English (en) is the best donor: not possible, because it is not among the bank's 3 languages. "
        f"The highest D is that of Hungarian (hu) (D = +{found.table.loc['hu', 'donation']:.2f})."
    ]
    turned = best_donor(bank_of(*(-cells for cells in giving(gifts)), codes=("de", "fi", "hu")))
    assert "The highest D is that of German (de)" in turned.sentences()[0]
    assert "English (en) is not in this bank" in heading(best_donor_figure(found, "three"))
    cells = giving([0.1] * 8)[0]
    cells[1] = np.nan
    silent = best_donor(bank_of(cells))
    assert silent.sentences()[0].startswith(
        "Whether English (en) is the best donor: not possible, because no cell with it as donor is measured. "
    )


def test_few_recipients_say_nothing_of_another_panel(bank_of):
    found = best_donor(bank_of(*giving([0.1, 0.5, 0.3]), codes=("de", "en", "hu")))
    assert f"a difference of {found.difference:+.2f} (no interval is known)" in found.sentences()[0]
    assert found.sentences()[1:] == [
        "By measurement error: whether English (en) is the best donor is not possible "
        "to say, because the bank has no measurement intervals.",
        "By the choice of recipients (another panel of languages): whether English (en) is the best donor is not "
        "possible to say, because resampling says nothing of donors with fewer than 6 measured recipients.",
    ]


def test_ties_are_said_and_share_a_draw(bank_of):
    found = best_donor(bank_of(np.full((8, 8), 0.25)))
    assert found.sentences()[0] == "English (en) has the highest D of 8 donors together with German (de) (D = +1.75)."
    assert found.table["panel_p_best"].to_list() == pytest.approx([1 / 8] * 8)
    assert found.panel.verdict == "undecided"
    assert found.table["rank"].to_list() == [4.5] * 8
    cells = np.full((8, 8), 0.25)
    cells[0] = 0.5
    assert "it is at place 5, tied, of 8 donors" in best_donor(bank_of(cells)).sentences()[0]


def test_the_order_of_languages_changes_no_number(bank_of):
    seeds = giving([0.02, 0.03, 0, 0, 0.03, 0, 0, 0], n_seeds=3, own=0.05)
    plain, moved = (best_donor(bank_of(*seeds, order=order)) for order in (CODES, CODES[::-1]))
    pd.testing.assert_frame_equal(plain.table, moved.table)
    assert plain.sentences() == moved.sentences()
    assert plain.measurement == moved.measurement
    assert plain.panel == moved.panel


def test_odd_banks_never_crash(bank_of):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one = np.full((2, 2), np.nan)
        one[1, 0] = 0.2
        for codes, cells in (
            (("de", "en"), one),
            (("de", "en"), np.array([[np.nan, 0.1], [0.3, np.nan]])),
            (CODES, np.zeros((8, 8))),
        ):
            found = best_donor(bank_of(cells, codes=codes))
            assert found.sentences()
            best_donor_figure(found, "odd").canvas.draw()
            assert best_donor_caption(found)
        alone = best_donor(bank_of(one, codes=("de", "en")))
        assert alone.sentences() == [
            "Whether English (en) is the best donor: not possible, because no other language has a donation score."
        ]


def test_a_bank_without_any_cell(example_with):
    codes = ("de", "fi", "hu")
    bank = build_bank(example_with(health=dict.fromkeys(codes, "failed")), languages=codes, name="test")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = best_donor(bank, "de")
        assert found.sentences() == [
            "Whether German (de) is the best donor: not possible, because no cell with it as donor is measured. "
            "No language has a donation score."
        ]
        best_donor_figure(found, "nothing").canvas.draw()
        assert "no cell is measured" in best_donor_caption(found)


def test_intervals_without_an_error_say_nothing(bank_of):
    cells = giving(ENGLISH_BEST)[0]
    bank = bank_of(cells)
    known = with_intervals(bank)  # one seed, no sentence scores
    found = best_donor(known)
    assert found.measurement.verdict == "not possible"
    assert "with one seed the order of donors is not known; two are needed" in found.sentences()[1]
    assert found.table["p_best"].isna().all()


def test_without_replicates_the_verdict_stays(bank_of):
    bank = bank_of(*giving(ENGLISH_BEST, n_seeds=3))
    without = dataclasses.replace(bank, intervals=dataclasses.replace(bank.intervals, replicates=None))
    found = best_donor(without)
    assert found.measurement.verdict == "best"
    assert np.isnan(found.measurement.low)
    assert "draws" not in found.sentences()[1]


def test_settings_out_of_range(bank_of):
    bank = bank_of(*giving(ENGLISH_BEST))
    with pytest.raises(UsageError, match="between 0 and 1"):
        best_donor(bank, level=95)
    with pytest.raises(UsageError, match="at least 100 are needed"):
        best_donor(bank, n_panels=10)


def heading(figure):
    return "\n".join(text.get_text() for text in figure.texts)


def axes_of(figure):
    return next(axes for axes in figure.axes if axes.get_label() == "donation")


def test_the_figure_marks_the_language(bank_of):
    found = best_donor(bank_of(*giving(ENGLISH_WORST, n_seeds=3)))
    figure = best_donor_figure(found, "eight languages")
    assert [text.get_text() for text in axes_of(figure).get_yticklabels()][-1] == "English  en"
    said = [text.get_text() for text in figure.legends[0].get_texts()]
    assert said == [
        "English (en)",
        "thick: 95% by measurement error",
        "thin: 95% for another panel of recipients",
    ]
    assert "orange triangle is English (en)" in best_donor_caption(found)
    plain = best_donor_figure(best_donor(bank_of(*giving(ENGLISH_WORST))), "eight languages")
    assert len(plain.legends[0].get_texts()) == 2
    assert "measurement error not known" in heading(plain)


def test_many_languages_leave_out_the_middle_but_for_the_one_in_question(bank_of):
    codes = tuple(f"x-l{place:03d}" for place in range(90))
    found = best_donor(bank_of(*giving(np.linspace(0.2, -0.2, 90), noise=0.001), codes=codes), "x-l044", n_panels=100)
    figure = best_donor_figure(found, "ninety")
    labels = [text.get_text() for text in axes_of(figure).get_yticklabels()]
    assert len(labels) == MAX_ROWS + 1
    assert any("x-l044" in label for label in labels)
    assert "29 languages in the middle not drawn" in heading(figure)


def test_english_is_not_the_best_donor_of_the_released_matrix():
    found = best_donor(read_matrix(shared_data("published", "mrr_ratio_22x22.csv")))
    donations = found.table["donation"].round(3)
    assert donations.head(4).to_dict() == {"ja": 5.545, "zh": 4.209, "cy": 4.167, "te": 3.309}
    assert donations.tail(2).to_dict() == {"hi": -0.858, "de": -1.0}
    assert found.rival == "ja"
    assert found.measurement.verdict == "not possible"
    assert found.panel.verdict == "ruled out"
    assert found.table.loc["en", "panel_p_best"] == 0
    assert found.panel.low > 0

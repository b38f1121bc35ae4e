import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bloodbank import read_matrix
from bloodbank.analysis.asymmetry import asymmetry
from bloodbank.bank import build_bank
from bloodbank.bank.bank import with_intervals
from bloodbank.bank.scores import donation, matrix, recipience
from bloodbank.figures.asymmetry import asymmetry_caption, asymmetry_figure
from made_up_banks import measurements_of, sentence_scores
from shared_data import shared_data

CODES = ("de", "el", "en", "fi", "fr", "hu", "ja", "ru")


@pytest.fixture(scope="module")
def base():
    scores = sentence_scores(CODES[:3], n_paragraphs=5)
    return build_bank(measurements_of(scores), languages=CODES[:3], name="made-up")


@pytest.fixture
def bank_of(base):
    def make(cells, codes=CODES):
        table = matrix(cells, codes[: len(cells)])
        np.fill_diagonal(values := table.to_numpy(copy=True), np.nan)
        table = matrix(values, list(table.index))
        scores = pd.DataFrame({"donation": donation(table)["sum"], "recipience": recipience(table)["sum"]})
        return dataclasses.replace(base, languages=tuple(table.index), finetune_scores=table, scores=scores)

    return make


def random_cells(n=8, seed=0):
    return np.random.default_rng(seed).normal(size=(n, n)) / 10


@pytest.mark.parametrize(("sign", "words"), [(1, "go together"), (-1, "are opposed")])
def test_symmetric_and_opposed_matrices_are_told_apart(bank_of, sign, words):
    upper = np.triu(random_cells(), 1)
    text = " ".join(asymmetry(bank_of(upper + sign * upper.T + random_cells(seed=1) / 100)).sentences())
    assert f"F(a→b) and F(b→a) {words}" in text
    assert f"their departures from donor and recipient effects {words}" in text


def test_noise_is_neither(bank_of):
    found = asymmetry(bank_of(random_cells(seed=4)))
    assert (found.correlations["p"] > 0.05).all()
    text = " ".join(found.sentences())
    assert "Whether F(a→b) and F(b→a) go together or are opposed is undecided: r = " in text
    assert "Whether D and R go together or are opposed is undecided" in text


def test_opposed_sums_alone_are_not_opposed_pairs(bank_of):
    # F(a→b) = D_a + R_b with R = -D: opposed in the raw cells, and nothing is left after the effects.
    effect = np.linspace(-0.4, 0.4, 8)
    found = asymmetry(bank_of(effect[:, None] - effect[None, :] + random_cells(seed=2) / 20))
    assert found.correlations.loc["cells", "pearson"] < -0.9
    assert found.correlations.loc["departures", "p"] > 0.05
    text = " ".join(found.sentences())
    assert "D and R are opposed, who gives much takes little" in text
    turned = asymmetry(bank_of(effect[:, None] + effect[None, :] + random_cells(seed=2) / 20))
    assert "D and R go together, who gives much takes much" in " ".join(turned.sentences())


def test_pairs_are_listed_by_their_difference(bank_of):
    cells = np.array([[0, 0.5, -0.1], [-0.2, 0, 0.3], [0.1, 0.25, 0]])
    found = asymmetry(bank_of(cells))
    assert found.pairs[["donor", "recipient"]].to_numpy().tolist() == [["de", "el"], ["en", "de"], ["el", "en"]]
    np.testing.assert_allclose(found.pairs["difference"], [0.7, 0.2, 0.05])
    first, second, *_ = found.sentences()
    assert first.startswith("The two directions of a pair differ by 31.7 percentage points on average (3 pairs)")
    assert "(3 pairs), most for de→el +50% against el→de -20%;" in first
    assert second.startswith(
        "In 2 (67%) one direction helps and the other harms; which differ beyond measurement error"
    )
    assert asymmetry(bank_of(np.abs(cells))).sentences()[1].startswith("In 0 (0%) one direction helps")


def test_one_extreme_cell_decides_nothing(bank_of):
    claims = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        cells = rng.normal(0, 0.2, (8, 1)) + rng.normal(0, 0.2, (1, 8)) + rng.normal(0, 0.1, (8, 8))
        cells[1, 2] = 50.0
        text = " ".join(asymmetry(bank_of(cells)).sentences())
        claims += any(
            f"; their departures from donor and recipient effects {word}" in text
            for word in ("are opposed", "go together")
        )
    assert claims <= 3


def test_the_null_is_calibrated(bank_of):
    p = [asymmetry(bank_of(random_cells(seed=seed)), n_permutations=199).correlations["p"] for seed in range(200)]
    share = (pd.DataFrame(p) <= 0.05).mean()
    assert (share < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)).all()
    assert (share > 0).all()


def test_the_order_of_languages_changes_nothing(bank_of):
    bank = bank_of(random_cells())
    order = list(np.random.default_rng(1).permutation(CODES))
    other = dataclasses.replace(
        bank, languages=tuple(order), finetune_scores=bank.finetune_scores.loc[order, order],
        scores=bank.scores.loc[order],
    )  # fmt: skip
    pd.testing.assert_frame_equal(asymmetry(bank).pairs, asymmetry(other).pairs)
    pd.testing.assert_frame_equal(asymmetry(bank).correlations, asymmetry(other).correlations)


def test_intervals_come_from_replicates():
    scores = sentence_scores(CODES[:5], own=0.01, noise=0.05)
    bank = with_intervals(build_bank(measurements_of(scores), languages=CODES[:5], name="made-up"), scores)
    found = asymmetry(bank)
    drawn = bank.intervals.replicates.astype(float)
    by_hand = [np.corrcoef(x[off := ~np.eye(5, dtype=bool)], x.T[off])[0, 1] for x in drawn]
    low, high = np.quantile(by_hand, (0.025, 0.975))
    assert found.correlations.loc["cells", ["low", "high"]].tolist() == pytest.approx([low, high])
    top = found.pairs.iloc[0]
    places = [bank.languages.index(top[name]) for name in ("donor", "recipient")]
    gaps = drawn[:, places[0], places[1]] - drawn[:, places[1], places[0]]
    assert [top["low"], top["high"]] == pytest.approx(np.quantile(gaps, (0.025, 0.975)).tolist())
    text = " ".join(found.sentences())
    n_sure = (found.pairs["low"] > 0).sum()
    assert f"in {n_sure} of 10 the 95% measurement interval of the difference excludes zero" in text
    assert "is not known, because the bank has no measurement intervals" in " ".join(
        asymmetry(dataclasses.replace(bank, intervals=None)).sentences()
    )


def test_what_is_not_possible_says_why(bank_of):
    one_way = np.triu(np.ones((4, 4)), 1)
    one_way[one_way == 0] = np.nan
    text = " ".join(asymmetry(bank_of(one_way)).sentences())
    assert "no pair was measured in both directions" in text
    two = asymmetry(bank_of([[0, 0.1], [0.2, 0]]))
    assert "fewer than 3 pairs have both directions" in " ".join(two.sentences())
    assert "2 languages with D and R are fewer than 4" in " ".join(two.sentences())
    same = " ".join(asymmetry(bank_of(np.full((5, 5), 0.1))).sentences())
    assert "they are all the same" in same
    assert "D or R is the same for all languages" in same
    for cells in (one_way, [[0, 0.1], [0.2, 0]], np.full((5, 5), 0.1)):
        found = asymmetry(bank_of(cells))
        asymmetry_figure(found, "made-up").canvas.draw()
        assert asymmetry_caption(found)


def test_the_released_matrix():
    bank = read_matrix(shared_data("published", "mrr_ratio_22x22.csv"))
    found = asymmetry(bank)
    assert found.correlations.loc["cells", "pearson"] == pytest.approx(-0.258, abs=5e-4)
    assert found.correlations.loc["sums", "pearson"] == pytest.approx(-0.573, abs=5e-4)
    cells = bank.finetune_scores.to_numpy()
    off = ~np.eye(22, dtype=bool)
    assert found.correlations.loc["cells", "spearman"] == pytest.approx(stats.spearmanr(cells[off], cells.T[off])[0])
    # p lies between .042 and .053 by the seed of the drawing: no verdict may hang on that.
    assert "go together or are opposed is undecided: r = -0.258 (p = 0.049, about 0.05)" in " ".join(found.sentences())


def test_the_figure_draws_each_pair_once(bank_of):
    found = asymmetry(bank_of(random_cells()))
    figure = asymmetry_figure(found, "made-up")
    axes = next(one for one in figure.axes if one.get_label() == "asymmetry")
    drawn = [line for line in axes.lines if line.get_linestyle() == "None"]
    assert sum(len(line.get_xdata()) for line in drawn) == 28
    assert all((line.get_xdata() >= line.get_ydata()).all() for line in drawn)
    assert "28 pairs of languages once" in asymmetry_caption(found)

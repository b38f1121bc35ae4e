"""Whether two matrices order donors alike, against SciPy and by hand, and beside what is known without training."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import pearsonr, rankdata, spearmanr

from bloodbank.analysis.additive import additive_fit
from bloodbank.analysis.order_agreement import order_agreement
from bloodbank.bank.scores import matrix
from bloodbank.errors import UsageError
from bloodbank.statistics.rank_agreement import centred_ranks
from bloodbank.typology import relations

NONE = "no features were given"
CODES = ["de", "en", "et", "fi", "fr", "hi", "ru", "ta", "te"]  # by code


@pytest.fixture(autouse=True)
def only_topmost_groups(monkeypatch):
    """Families of the table of languages, whether urielplus is installed or not."""

    def absent():
        raise relations.UsageError("not installed")

    monkeypatch.setattr(relations, "read_clades", absent)


def noise(n=9, random=0):
    return np.random.default_rng(random).normal(size=(n, n)) / 10


def value(found, of, measure, column="correlation"):
    return found.table.set_index(["of", "measure"])[column][of, measure]


def off(cells):
    cells = np.array(cells, dtype=float)
    np.fill_diagonal(cells, np.nan)
    return cells


def test_correlations_are_scipys(bank_of):
    first, second = off(noise()), off(noise() + noise(random=1))
    found = order_agreement(bank_of(first, CODES), bank_of(second, CODES), NONE)
    inside = ~np.eye(9, dtype=bool)
    of_columns = [
        spearmanr(first[inside[:, column], column], second[inside[:, column], column]).statistic for column in range(9)
    ]
    assert value(found, "bank", "within recipients") == pytest.approx(np.mean(of_columns))
    left = [additive_fit(matrix(cells, CODES)).residuals.to_numpy()[inside] for cells in (first, second)]
    assert value(found, "bank", "pairs") == pytest.approx(spearmanr(*left).statistic)
    assert (found.table["n"][:2] == 72).all()


def test_only_cells_of_both_are_ranked(bank_of):
    first, second = off(noise()), off(noise(random=1))
    first[0, 1] = second[3, 1] = np.nan
    both = ~np.isnan(first) & ~np.isnan(second)
    rows = []
    for column in range(9):
        ranks = [rankdata(side[both[:, column], column]) for side in (first, second)]
        rows += [[side - side.mean() for side in ranks]]
    expected = pearsonr(*(np.concatenate(side) for side in zip(*rows, strict=True))).statistic
    ranks = [centred_ranks(np.where(both, side, np.nan))["within recipients"] for side in (first, second)]
    assert pearsonr(*(side[both] for side in ranks)).statistic == pytest.approx(expected)
    banks = []
    for cells in (first, second):
        bank = bank_of(np.nan_to_num(cells), CODES)
        banks.append(type(bank)(**{**bank.__dict__, "finetune_scores": matrix(cells, CODES)}))
    found = order_agreement(*banks, NONE)
    assert value(found, "bank", "within recipients", "n") == 70
    assert value(found, "bank", "within recipients") == pytest.approx(expected)


@pytest.mark.parametrize(
    ("sign", "words"),
    [
        (1, "orders {} as made (b) does, beyond chance"),
        (-1, "orders {} the other way round than made (b), beyond chance"),
    ],
)
def test_orders_that_agree_or_oppose_are_said_to(bank_of, sign, words):
    first = noise()
    found = order_agreement(bank_of(first, CODES), bank_of(5 + 100 * sign * first, CODES), NONE)
    said = found.sentences()
    for place, what in enumerate(("donors within recipients", "pairs after donor and recipient effects")):
        assert f"made (a) {words.format(what)}: r = {sign:+.2f} (p = " in said[place]
    other = order_agreement(bank_of(first, CODES), bank_of(noise(random=5), CODES), NONE)
    assert other.sentences()[0].startswith("Whether made (a) orders donors within recipients as made (b) does is undec")


def test_the_scale_of_a_donor_or_recipient_does_not_count_for_pairs(bank_of):
    effects = np.random.default_rng(3).normal(size=(9, 1)) + np.random.default_rng(4).normal(size=(1, 9))
    found = order_agreement(bank_of(noise(), CODES), bank_of(noise() + effects, CODES), NONE)
    assert value(found, "bank", "pairs") == pytest.approx(1)
    assert value(found, "bank", "within recipients") < 0.9


def test_what_is_known_without_training_is_put_beside_it(bank_of):
    family = np.nan_to_num(relations.relations(CODES, NONE).nearness["family"].to_numpy())
    by_family = family + 0.01 * noise()
    poor, good = bank_of(noise(random=7), CODES), bank_of(by_family + 0.01 * noise(random=8), CODES)
    kin = bank_of(by_family, CODES)
    worse, better = order_agreement(poor, kin, NONE), order_agreement(good, kin, NONE)
    assert value(worse, "family", "pairs", "p") < 0.01
    (line,) = [line for line in worse.sentences() if "by donors within recipients: " in line]
    assert line.rpartition("; ")[2].startswith("family tree reaches more than the +0.")
    (line,) = [line for line in better.sentences() if "by donors within recipients: " in line]
    assert "; none reaches more than the +0.8" in line
    unknown = (
        "Likeness in typology: not compared, because it is known of 0 of 9 common languages (no features were given)."
    )
    assert unknown in better.sentences()


def test_chance_is_called_beyond_chance_as_rarely_as_claimed(bank_of):
    ps = []
    for random in range(40):
        # donors and recipients that differ, and nothing else
        pair = [noise(random=2 * random + side) + noise(random=99 + side)[:, :1] for side in (0, 1)]
        found = order_agreement(*(bank_of(cells, CODES) for cells in pair), NONE, n_permutations=199)
        ps.append(value(found, "bank", "pairs", "p"))
    assert np.mean(np.array(ps) <= 0.05) <= 0.15


def test_languages_of_which_something_is_not_known_are_left_out_of_all(bank_of):
    codes = [*CODES[:8], "x-toy"]
    found = order_agreement(bank_of(noise(), codes), bank_of(noise(random=1), codes), NONE)
    assert found.left_out == ("x-toy",)
    assert set(found.table.loc[found.table["note"] == "", "n"]) == {56}
    assert "Over 8 languages, without those of which something is not known (x-toy); " in found.sentences()[-1]
    private = [f"x-{letter}" for letter in "abcde"]
    alone = order_agreement(bank_of(noise(5), private), bank_of(noise(5), private), NONE)
    assert alone.languages == tuple(private)
    assert value(alone, "bank", "pairs") == pytest.approx(1)
    assert "What is known without training cannot be compared" in " ".join(alone.sentences())


def test_what_is_not_possible_says_why(bank_of):
    one, other = bank_of(noise(3), CODES[:3]), bank_of(noise(3), CODES[6:])
    with pytest.raises(UsageError, match="have 0 languages in common; a comparison needs two or more"):
        order_agreement(one, other, NONE)
    few = order_agreement(one, one, NONE)
    assert few.sentences() == [
        f"Whether made (a) orders {what} as made (b) does: not possible, because 3 common languages are fewer than 4."
        for what in ("donors within recipients", "pairs after donor and recipient effects")
    ]
    gives = bank_of(np.repeat(np.arange(9.0)[:, None], 9, axis=1), CODES)
    found = order_agreement(gives, bank_of(noise(), CODES), NONE)
    assert (
        "pairs after donor and recipient effects as made (b) does: not possible, because in one of the two"
        in (found.sentences()[1])
    )
    assert value(found, "bank", "within recipients", "note") == ""


def test_the_order_of_languages_changes_nothing(bank_of):
    order = np.random.default_rng(1).permutation(9)
    moved = [CODES[place] for place in order]
    one = order_agreement(bank_of(noise(), CODES), bank_of(noise(random=1), CODES), NONE)
    other = order_agreement(bank_of(noise()[np.ix_(order, order)], moved), bank_of(noise(random=1), CODES), NONE)
    pd.testing.assert_frame_equal(one.table, other.table)

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bloodbank.analysis.stability import concordance, language_spread, rank_agreement, top_overlap, variance_split
from bloodbank.bank.scores import matrix
from bloodbank.errors import UsageError

NAN = np.nan
CODES = ("de", "fi", "hu")
# D of the first seed: de 0.3, fi 0.1, hu -0.2; of the second: de 0.1, fi 0.5, hu -0.4.
# R of the first seed: de 0.0, fi 0.0, hu 0.2; of the second: de 0.3, fi -0.2, hu 0.1.
FIRST = [[NAN, 0.1, 0.2], [0.1, NAN, 0.0], [-0.1, -0.1, NAN]]
SECOND = [[NAN, 0.1, 0.0], [0.4, NAN, 0.1], [-0.1, -0.3, NAN]]
FUNCTIONS = (language_spread, rank_agreement, top_overlap, variance_split)


def replicates(*seeds, codes=CODES):
    return {number: matrix(rows, codes) for number, rows in enumerate(seeds)}


def random_seeds(n, n_seeds, *, noise, random=0):
    rng = np.random.default_rng(random)
    truth = rng.normal(size=(n, n))
    off = np.where(np.eye(n, dtype=bool), NAN, 0.0)
    codes = [f"x-{i:02}" for i in range(n)]
    return {seed: matrix(off + truth + noise * rng.normal(size=(n, n)), codes) for seed in range(n_seeds)}


def test_the_spread_of_languages_on_paper():
    table = language_spread(replicates(FIRST, SECOND))
    found = table[table["score"] == "donation"].set_index("language")
    assert found["mean"].to_dict() == pytest.approx({"de": 0.2, "fi": 0.3, "hu": -0.3})
    assert found["deviation"].to_dict() == pytest.approx(
        {"de": 0.2 / np.sqrt(2), "fi": 0.4 / np.sqrt(2), "hu": 0.2 / np.sqrt(2)}
    )
    assert found.loc["fi", ["low", "high"]].tolist() == pytest.approx([0.1, 0.5])
    assert found["rank_low"].to_dict() == {"de": 1, "fi": 1, "hu": 3}
    assert found["rank_high"].to_dict() == {"de": 2, "fi": 2, "hu": 3}
    takes = table[table["score"] == "recipience"].set_index("language")
    assert takes["mean"].to_dict() == pytest.approx({"de": 0.15, "fi": -0.1, "hu": 0.15})
    assert (table["n_seeds"] == 2).all()


def test_seeds_are_compared_on_the_cells_that_all_have():
    ragged = [row.copy() for row in SECOND]
    ragged[0][2] = NAN
    table = language_spread(replicates(FIRST, ragged))
    found = table[table["score"] == "donation"].set_index("language")
    # de keeps its cell to fi alone: 2 × 0.1 in both seeds.
    assert found.loc["de", ["low", "high", "deviation"]].tolist() == pytest.approx([0.2, 0.2, 0])
    empty = [[NAN] * 3, SECOND[1], SECOND[2]]
    lost = language_spread(replicates(FIRST, empty)).set_index(["score", "language"])
    assert lost.loc[("donation", "de")].drop("n_seeds").isna().all()
    assert lost.loc[("donation", "de"), "n_seeds"] == 0
    assert lost.loc[("donation", "fi"), "rank_high"] == 1


def test_concordance_is_what_friedmans_test_is_made_of():
    random = np.random.default_rng(0)
    for ties in (False, True):
        values = random.normal(size=(4, 9))
        values = np.round(values) if ties else values
        expected = stats.friedmanchisquare(*values.T).statistic / (4 * 8)
        assert concordance(values) == pytest.approx(expected)
    assert concordance(np.array([[1.0, 2, 3], [10, 20, 30]])) == pytest.approx(1)
    assert concordance(np.array([[1.0, 2, 3], [3, 2, 1]])) == pytest.approx(0)
    for few in (np.ones((1, 5)), np.ones((3, 2)), np.ones((3, 4))):
        assert np.isnan(concordance(few))


def test_agreement_of_ranks():
    found = rank_agreement(replicates(FIRST, SECOND)).set_index("score")
    # D: order de fi hu, and fi de hu: Spearman's 1 - 6 × 2 / 24.
    assert found.loc["donation", ["mean", "low", "high"]].tolist() == pytest.approx([0.5] * 3)
    assert found.loc["donation", "concordance"] == pytest.approx((1 + 0.5) / 2)  # of two raters: (1 + rho) / 2
    assert found.loc["donation", "n_pairs"] == 1
    assert found["n"].to_dict() == {"finetune_score": 6, "donation": 3, "recipience": 3}
    steady, noisy = (rank_agreement(random_seeds(10, 4, noise=noise)).set_index("score") for noise in (0.01, 100.0))
    assert (steady["mean"] > 0.98).all()
    assert (steady["n_pairs"] == 6).all()
    assert (noisy["mean"] < 0.6).all()
    assert (steady["concordance"] > noisy["concordance"]).all()


def test_one_seed_agrees_with_nothing():
    one = replicates(FIRST)
    assert rank_agreement(one)[["mean", "low", "high", "concordance"]].isna().all().all()
    assert (rank_agreement(one)["n_pairs"] == 0).all()
    assert language_spread(one)["deviation"].isna().all()
    assert language_spread(one)["mean"].notna().all()
    assert top_overlap(one)["overlap"].isna().all()
    assert variance_split(one)[["between", "within", "reliability"]].isna().all().all()


def test_overlap_of_the_top_on_paper():
    found = top_overlap(replicates(FIRST, SECOND), sizes=(1, 2, 3, 5)).set_index(["score", "k"])
    assert found.loc[("donation", 1), "overlap"] == 0
    assert found.loc[("donation", 2), "overlap"] == 1
    assert found.loc[("donation", 3), "overlap"] == 1
    assert found.loc[("donation", 2), "by_chance"] == pytest.approx(2 / 3)
    assert ("donation", 5) not in found.index
    # R of the first seed: hu, and de and fi tied; of the second de, hu, fi: of the two top places hu's is shared, and
    # half of de's.
    assert found.loc[("recipience", 2), "overlap"] == pytest.approx((1 + 0.5) / 2)


def test_overlap_of_random_orders_is_that_of_chance():
    found = top_overlap(random_seeds(20, 60, noise=1e6)).set_index(["score", "k"])
    for k in (3, 5):
        assert found.loc[("donation", k), "overlap"] == pytest.approx(k / 20, abs=0.03)
        assert found.loc[("donation", k), "by_chance"] == k / 20
    with pytest.raises(UsageError, match="one language or more, but a size of 0 was asked for"):
        top_overlap(replicates(FIRST, SECOND), sizes=(3, 0))


def test_the_split_of_variance_of_a_known_example():
    # The ratings of Shrout and Fleiss (1979): six targets, four judges; ICC(1, 1) = 0.17 and ICC(1, 4) = 0.44.
    ratings = np.array(
        [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=float
    )
    seeds = []
    for judge in ratings.T:
        cells = np.full((3, 3), NAN)
        cells[~np.eye(3, dtype=bool)] = judge
        seeds.append(cells)
    found = variance_split(replicates(*seeds)).set_index("score").loc["finetune_score"]
    assert found["reliability"] == pytest.approx(0.166, abs=5e-4)
    assert found["reliability_of_mean"] == pytest.approx(0.443, abs=5e-4)
    assert found["within"] == pytest.approx(6.264, abs=1e-3)
    assert found["n"] == 6
    assert found["n_seeds"] == 4


def test_the_split_finds_the_variances_it_was_made_of():
    found = variance_split(random_seeds(30, 5, noise=0.5)).set_index("score").loc["finetune_score"]
    assert found["between"] == pytest.approx(1, rel=0.15)
    assert found["within"] == pytest.approx(0.25, rel=0.1)
    assert found["reliability"] == pytest.approx(0.8, abs=0.04)


def test_the_split_with_ragged_seeds():
    seeds = random_seeds(30, 4, noise=0.5)
    for seed in (1, 2, 3):
        seeds[seed].iloc[:10] = NAN
    found = variance_split(seeds).set_index("score").loc["finetune_score"]
    assert found["between"] == pytest.approx(1, rel=0.2)
    assert found["within"] == pytest.approx(0.25, rel=0.1)
    assert 2 < found["n_seeds"] < 4


def test_seeds_that_say_nothing_have_no_reliability():
    found = variance_split(random_seeds(12, 3, noise=1e6)).set_index("score").loc["finetune_score"]
    assert found["reliability"] < 0.2
    base = np.where(np.eye(3, dtype=bool), NAN, 0.1)
    assert np.isnan(variance_split(replicates(base, base))["reliability"]).all()
    opposite = [[NAN, 0.1, -0.1], [0.2, NAN, -0.2], [0.3, -0.3, NAN]]
    negative = variance_split(replicates(opposite, -np.array(opposite))).set_index("score").loc["finetune_score"]
    assert negative["between"] < 0
    assert negative["reliability"] == 0


@settings(max_examples=10, deadline=None)
@given(st.permutations(range(5)))
def test_permutations_of_languages_change_nothing(order):
    seeds = random_seeds(5, 3, noise=0.5)
    codes = [seeds[0].index[place] for place in order]
    permuted = {seed: table.loc[codes, codes] for seed, table in seeds.items()}
    for function in (rank_agreement, top_overlap, variance_split):
        left, right = (function(one).drop(columns="score") for one in (seeds, permuted))
        np.testing.assert_allclose(left.astype(float), right.astype(float), equal_nan=True)
    left, right = (language_spread(one).set_index(["score", "language"]) for one in (seeds, permuted))
    assert list(right.loc["donation"].index) == codes
    np.testing.assert_allclose(left, right.loc[left.index])


def test_the_diagonal_never_counts():
    full = [np.where(np.eye(3, dtype=bool), 7.0, rows) for rows in (FIRST, SECOND)]
    for function in FUNCTIONS:
        left, right = (function(one) for one in (replicates(FIRST, SECOND), replicates(*full)))
        assert left.equals(right)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_seeds_of_different_banks_are_refused(function):
    with pytest.raises(UsageError, match="There is no seed to compare"):
        function({})
    with pytest.raises(UsageError, match="The seeds have different languages"):
        function({0: matrix(FIRST, CODES), 1: matrix(SECOND, ("de", "fi", "sv"))})

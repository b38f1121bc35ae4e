import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bloodbank.bank.scores import matrix
from bloodbank.bank.uncertainty.cell_tests import CORRECTIONS, adjust, decide_cells, p_values
from bloodbank.bank.uncertainty.intervals import IntervalOptions, intervals_from_replicates, measurement_intervals
from bloodbank.errors import UsageError
from made_up_banks import CODES, measurements_of, sentence_scores


def bank_of(truth, *, noise=0.05, n_seeds=3, random=0):
    rng, n = np.random.default_rng(random), len(truth)
    seeds = {
        seed: matrix(truth + noise * rng.normal(size=(n, n)), [f"x-{i}" for i in range(n)]) for seed in range(n_seeds)
    }
    return intervals_from_replicates(
        seeds, protocol="sequential", metric="mrr", options=IntervalOptions(n_replicates=1)
    )


def flat(value, n=6):
    return np.where(np.eye(n, dtype=bool), np.nan, value)


def test_holm_of_a_worked_example():
    # Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1: 0.02, 0.03, 0.06, 0.04, and none below the one before it.
    found = adjust(np.array([0.01, 0.04, 0.03, 0.005]), "holm")
    assert found == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert adjust(np.array([0.5, 0.9]), "holm") == pytest.approx([1.0, 1.0])


def test_benjamini_and_hochberg_of_a_worked_example():
    # p × 4 / rank from the largest down, none above the one after it: 0.04, 0.04, 0.04 and 0.02.
    found = adjust(np.array([0.01, 0.04, 0.03, 0.005]), "bh")
    assert found == pytest.approx([0.02, 0.04, 0.04, 0.02])
    harmonic = 1 + 1 / 2 + 1 / 3 + 1 / 4
    assert adjust(np.array([0.01, 0.04, 0.03, 0.005]), "by") == pytest.approx(harmonic * found)


def test_missing_p_values_do_not_count():
    found = adjust(np.array([np.nan, 0.01, np.nan, 0.2]), "holm")
    np.testing.assert_allclose(found, [np.nan, 0.02, np.nan, 0.2])
    assert np.isnan(adjust(np.array([np.nan]), "bh")).all()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.randoms())
def test_corrections_keep_order_and_bound_each_other(p, random):
    p = np.array(p)
    plain, holm, bh, by = (adjust(p, correction) for correction in ("none", "holm", "bh", "by"))
    np.testing.assert_array_equal(plain, p)
    for adjusted in (holm, bh, by):
        assert (adjusted >= p - 1e-12).all()
        assert (adjusted <= 1).all()
        assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= -1e-12).all()
    assert (bh <= holm + 1e-12).all()
    assert (bh <= by + 1e-12).all()
    order = np.arange(len(p))
    random.shuffle(order)
    for correction in CORRECTIONS:
        np.testing.assert_allclose(adjust(p[order], correction), adjust(p, correction)[order])


def test_p_values_are_those_of_student():
    estimate, se, df = (
        np.array([2.0, -2.0, 1.0, 0.1]),
        np.array([1.0, 1.0, 0.0, np.nan]),
        np.array([5.0, 5.0, 5.0, np.nan]),
    )
    statistic, p = p_values(estimate, se, df)
    np.testing.assert_allclose(statistic, [2, -2, np.nan, np.nan])
    np.testing.assert_allclose(p, [stats.t.sf(2, 5), stats.t.cdf(2, 5), np.nan, np.nan])
    _, less = p_values(estimate, se, df, alternative="less")
    np.testing.assert_allclose(less, 1 - p)
    _, both = p_values(estimate, se, df, alternative="two-sided")
    np.testing.assert_allclose(both, [2 * stats.t.sf(2, 5)] * 2 + [np.nan] * 2)


def test_a_p_value_and_an_interval_say_the_same():
    found = bank_of(flat(0.06), noise=0.1)
    tests = decide_cells(found, alternative="two-sided", correction="none")
    cells = found.cells[found.cells["score"] == "finetune_score"]
    outside = (cells["low"] > 0) | (cells["high"] < 0)
    assert 0 < outside.sum() < len(outside)
    np.testing.assert_array_equal(tests["decision"], outside)


def test_true_cells_are_found_and_empty_ones_are_not():
    truth = flat(0.0)
    truth[0, 1:] = 0.8
    truth[1, 2:] = -0.8
    found = bank_of(truth, noise=0.02, n_seeds=4)
    better = decide_cells(found).query("decision")
    assert set(zip(better["donor"], better["recipient"], strict=True)) == {("x-0", f"x-{i}") for i in range(1, 6)}
    worse = decide_cells(found, alternative="less").query("decision")
    assert set(zip(worse["donor"], worse["recipient"], strict=True)) == {("x-1", f"x-{i}") for i in range(2, 6)}
    assert decide_cells(found, alternative="two-sided")["decision"].sum() == 9


def test_more_cells_are_decided_the_less_is_corrected():
    found = bank_of(flat(0.05), noise=0.05)
    n = {correction: int(decide_cells(found, correction=correction)["decision"].sum()) for correction in CORRECTIONS}
    assert n["holm"] <= n["bh"] <= n["none"]
    assert n["by"] <= n["bh"]
    assert n["holm"] < n["none"]


@pytest.mark.proof
def test_empty_cells_are_called_positive_as_rarely_as_claimed():
    single, any_holm = [], []
    for random in range(100):
        p = decide_cells(bank_of(flat(0.0), random=random), correction="none")["p"].to_numpy()
        single.append((p <= 0.05).mean())
        any_holm.append((adjust(p, "holm") <= 0.05).any())
    assert np.mean(single) == pytest.approx(0.05, abs=0.015)
    assert np.mean(any_holm) <= 0.11


def test_cells_without_an_error_have_no_decision():
    scores = sentence_scores()
    table = measurements_of(scores)
    keys = {"languages": CODES, "protocol": "sequential", "metric": "mrr", "options": IntervalOptions(n_replicates=1)}
    gone = scores[~((scores["donor"] == "de") & (scores["recipient"] == "hu"))]
    tests = decide_cells(measurement_intervals(measurements_of(gone), gone, **keys)).set_index(["donor", "recipient"])
    assert tests.loc[("de", "hu"), ["p", "adjusted_p"]].isna().all()
    assert not tests.loc[("de", "hu"), "decision"]
    assert tests["p"].notna().sum() == 11
    one_seed = table[table["seed"] == 0]
    nothing = decide_cells(measurement_intervals(one_seed, None, **keys))
    assert nothing["p"].isna().all()
    assert not nothing["decision"].any()


def test_other_scores_can_be_tested():
    scores = sentence_scores()
    found = measurement_intervals(
        measurements_of(scores),
        scores,
        languages=CODES,
        protocol="sequential",
        metric="mrr",
        options=IntervalOptions(n_replicates=1),
    )
    differences = decide_cells(found, score="difference")
    assert not np.allclose(differences["statistic"], decide_cells(found)["statistic"])
    assert (np.sign(differences["estimate"]) == np.sign(decide_cells(found)["estimate"])).all()
    with pytest.raises(UsageError, match="The intervals have no log_ratio: they were worked out from F by seed alone"):
        decide_cells(bank_of(flat(0.1)), score="log_ratio")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"correction": "bonferroni"}, "Unknown correction 'bonferroni'. Known are holm, bh, by, none"),
        ({"alternative": "more"}, "Unknown alternative 'more'. Known are greater, less, two-sided"),
        ({"score": "F"}, "Unknown score 'F'. Known are finetune_score, difference, log_ratio"),
        ({"level": 0}, "between 0 and 1, such as 0.05"),
    ],
)
def test_wrong_settings_are_named(settings, message):
    with pytest.raises(UsageError, match=message):
        decide_cells(bank_of(flat(0.1)), **settings)


def test_the_table_is_one_row_a_pair():
    tests = decide_cells(bank_of(flat(0.1)))
    assert list(tests.columns) == ["donor", "recipient", "estimate", "statistic", "df", "p", "adjusted_p", "decision"]
    assert len(tests) == 30
    assert tests["decision"].dtype == bool
    assert isinstance(tests.index, pd.RangeIndex)

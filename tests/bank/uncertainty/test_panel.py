import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bloodbank.bank.scores import donation, matrix, recipience
from bloodbank.bank.uncertainty.panel import panel_intervals
from bloodbank.errors import UsageError
from shared_data import shared_data

NAN = np.nan
CODES = ("de", "fi", "hu", "ru")
EXAMPLE = [[NAN, 0.1, 0.2, 0.6], [0.0, NAN, 0.0, 0.0], [-0.1, 0.5, NAN, 0.2], [0.3, NAN, 0.1, NAN]]


def rows(finetune, score, **settings):
    table = panel_intervals(finetune, **settings).scores
    return table[table["score"] == score].set_index("language")


def test_the_interval_of_one_language_on_paper():
    # D(de) = 0.9 over cells 0.1, 0.2 and 0.6: mean 0.3, variance (0.04 + 0.01 + 0.09) / 2 = 0.07, standard error of the
    # mean √(0.07 / 3); Student's t with 2 degrees of freedom has its 97.5% point at 4.303.
    found = rows(matrix(EXAMPLE, CODES), "donation_mean").loc["de"]
    se = np.sqrt(0.07 / 3)
    assert found["estimate"] == pytest.approx(0.3)
    assert found["se"] == pytest.approx(se)
    assert found["df"] == 2
    assert (found["low"], found["high"]) == pytest.approx((0.3 - 4.303 * se, 0.3 + 4.303 * se), abs=1e-3)
    # Another panel of 3 has an error of its own.
    reach = 4.303 * np.sqrt(0.07 * (1 / 3 + 1 / 3))
    assert (found["other_low"], found["other_high"]) == pytest.approx((0.3 - reach, 0.3 + reach), abs=1e-3)
    of_sum = rows(matrix(EXAMPLE, CODES), "donation").loc["de"]
    for name in ("estimate", "low", "high", "se", "other_low", "other_high"):
        assert of_sum[name] == pytest.approx(3 * found[name])


def test_missing_cells_leave_fewer_to_go_by():
    found = rows(matrix(EXAMPLE, CODES), "donation").loc["ru"]
    # 3 × the mean of 0.3 and 0.1, variance 0.02; another panel has 3 cells again.
    assert found["estimate"] == pytest.approx(0.6)
    assert found["n_others"] == 2
    t = stats.t.ppf(0.975, 1)
    assert found["high"] == pytest.approx(0.6 + 3 * t * np.sqrt(0.02 / 2))
    assert found["other_high"] == pytest.approx(0.6 + 3 * t * np.sqrt(0.02 / 2 + 0.02 / 3))


def test_recipience_is_donation_of_the_other_side():
    finetune = matrix(EXAMPLE, CODES)
    for name, other in (("donation", "recipience"), ("donation_mean", "recipience_mean")):
        left, right = rows(finetune, name), rows(finetune.T, other)
        np.testing.assert_allclose(left.drop(columns="score"), right.drop(columns="score"))


def test_the_diagonal_never_counts():
    finetune = matrix(EXAMPLE, CODES)
    full = finetune.copy()
    for code in CODES:
        full.loc[code, code] = 9.0
    found = panel_intervals(full).scores
    np.testing.assert_array_equal(found["low"], panel_intervals(finetune).scores["low"])


@settings(max_examples=20, deadline=None)
@given(st.permutations(CODES), st.floats(-3, 3))
def test_permutations_and_shifts(order, shift):
    finetune = matrix(EXAMPLE, CODES)
    plain, permuted = (rows(table, "donation") for table in (finetune, finetune.loc[order, order]))
    assert list(permuted.index) == list(order)
    numbers = [column for column in plain.columns if column != "score"]
    np.testing.assert_allclose(plain[numbers], permuted.loc[plain.index, numbers])
    # Adding to all cells of a row moves its D and no width.
    moved = finetune.copy()
    moved.loc["hu"] += shift
    shifted = rows(moved, "donation")
    assert shifted.loc["hu", "low"] == pytest.approx(plain.loc["hu", "low"] + 3 * shift)
    assert shifted.loc["hu", "se"] == pytest.approx(plain.loc["hu", "se"])
    assert shifted.loc["fi", "high"] == pytest.approx(plain.loc["fi", "high"])


def test_a_higher_level_is_wider():
    narrow, wide = (rows(matrix(EXAMPLE, CODES), "donation", level=level) for level in (0.5, 0.99))
    assert (wide.loc["de", "high"] - wide.loc["de", "low"]) > 5 * (narrow.loc["de", "high"] - narrow.loc["de", "low"])
    for level in (0.0, 1.0, 95):
        with pytest.raises(UsageError, match=r"between 0 and 1, such as 0\.95"):
            panel_intervals(matrix(EXAMPLE, CODES), level=level)


def test_what_is_covered_follows_from_the_matrix():
    few = panel_intervals(matrix(EXAMPLE, CODES)).covers
    assert few.startswith("These intervals are for another panel of languages")
    assert "do not cover how exactly the cells were measured" in few
    assert few.endswith("Some rest on 2 cells only.")
    codes = [f"x-{i}" for i in range(7)]
    many = panel_intervals(matrix(np.arange(49.0).reshape(7, 7), codes)).covers
    assert "Some rest on" not in many
    lone = matrix(np.full((3, 3), NAN), ["de", "fi", "hu"])
    lone.loc["de", "fi"] = 0.1
    nothing = panel_intervals(lone)
    assert nothing.covers.startswith("There are no intervals for another panel of languages")
    assert nothing.scores[["low", "high", "se", "df", "other_low"]].isna().all().all()
    lone.loc["de", "hu"] = 0.2
    part = panel_intervals(lone)
    assert part.covers.endswith("Where a row or column has fewer than two measured cells (3 languages) there is none.")
    assert part.scores["low"].notna().sum() == 2


def test_a_bank_of_two_languages_has_none():
    found = panel_intervals(matrix([[NAN, 0.1], [0.2, NAN]], ["de", "fi"]))
    assert found.scores["low"].isna().all()
    assert found.scores["estimate"].notna().all()
    assert found.covers.startswith("There are no intervals")


def test_intervals_hold_the_expected_score_of_a_population():
    random, held, other_held = np.random.default_rng(0), [], []
    for _ in range(70):
        own, others = random.normal(size=(12, 1)), random.normal(size=(2, 12, 12))
        found = rows(matrix(own + others[0], [f"x-{i}" for i in range(12)]), "donation")
        other = donation(matrix(own + others[1], found.index))["sum"].to_numpy()
        held.append((found["low"] <= 11 * own[:, 0]) & (11 * own[:, 0] <= found["high"]))
        other_held.append((found["other_low"] <= other) & (other <= found["other_high"]))
    assert np.mean(held) == pytest.approx(0.95, abs=0.025)
    assert np.mean(other_held) == pytest.approx(0.95, abs=0.025)


def test_the_released_matrix_has_panel_intervals():
    path = shared_data("published", "mrr_ratio_22x22.csv")
    ratios = pd.read_csv(path, index_col=0, keep_default_na=False).astype(float)
    finetune = matrix(ratios.to_numpy() - 1, list(ratios.columns))
    found = panel_intervals(finetune)
    assert found.scores["low"].notna().all()
    for name, score in (("donation", donation), ("recipience", recipience)):
        of_score = found.scores[found.scores["score"] == name].set_index("language")
        np.testing.assert_allclose(of_score["estimate"], score(finetune.mask(np.eye(22, dtype=bool)))["sum"])
    # The most donating language gives to most others, the one in the middle of the field may as well give nothing.
    of_d = found.scores[found.scores["score"] == "donation"].set_index("language")
    assert of_d.loc["ja", "low"] > 0
    assert of_d.loc["en", "low"] < 0 < of_d.loc["en", "high"]

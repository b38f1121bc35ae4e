import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bloodbank.bank import blood_types, donation, finetune_scores, recipience, transfer_levels
from bloodbank.bank.scores import matrix
from bloodbank.errors import UsageError

CODES = ("de", "fi", "hu")


def score(measurements, *, seed=0, metric="mrr", languages=CODES, **settings):
    settings = {"protocol": "sequential", **settings}
    return finetune_scores(measurements, metric=metric, seed=seed, languages=languages, **settings)


def test_finetune_scores_of_the_example_on_paper(paper_example):
    cells = score(paper_example)
    expected = {
        ("de", "fi"): (0.20, 0.05, math.log(1.2)),
        ("de", "hu"): (-0.25, -0.10, math.log(0.75)),
        ("fi", "de"): (0.60, 0.12, math.log(1.6)),
        ("fi", "hu"): (-0.05, -0.02, math.log(0.95)),
        ("hu", "de"): (-0.05, -0.01, math.log(0.95)),
        ("hu", "fi"): (-0.40, -0.10, math.log(0.6)),
    }
    for (donor, recipient), values in expected.items():
        found = [part.loc[donor, recipient] for part in cells]
        assert found == pytest.approx(values, abs=1e-12), (donor, recipient)
    for part in cells:
        assert np.isnan(np.diag(part)).all()
        assert (part.index.name, part.columns.name) == ("donor", "recipient")


def test_donation_and_recipience_of_the_example_on_paper(paper_example):
    finetune = score(paper_example).finetune
    gives, takes = donation(finetune), recipience(finetune)
    assert gives["sum"].to_dict() == pytest.approx({"de": -0.05, "fi": 0.55, "hu": -0.45})
    assert takes["sum"].to_dict() == pytest.approx({"de": 0.55, "fi": -0.20, "hu": -0.30})
    assert gives["mean"].to_dict() == pytest.approx({"de": -0.025, "fi": 0.275, "hu": -0.225})
    assert (gives["n_measured"] == 2).all()
    assert takes["complete"].all()
    assert blood_types(gives["sum"], takes["sum"]).to_dict() == {"de": "AB+", "fi": "O", "hu": "none"}


def test_levels_of_the_example_on_paper(paper_example):
    levels = transfer_levels(score(paper_example).finetune)
    expected = [
        [None, "positive", "negative"],
        ["very positive", None, "neutral"],
        ["neutral", "negative", None],
    ]
    assert levels.to_numpy(dtype=object).tolist() == expected


def test_a_border_belongs_to_the_level_above_it():
    below = [math.nextafter(border, -1) for border in (-0.10, 0.10, 0.55)]
    finetune = matrix([[math.nan, -0.10, 0.10], [0.55, math.nan, below[0]], [below[1], below[2], math.nan]], CODES)
    expected = [
        [None, "neutral", "positive"],
        ["very positive", None, "negative"],
        ["neutral", "positive", None],
    ]
    assert transfer_levels(finetune).to_numpy(dtype=object).tolist() == expected


@pytest.mark.parametrize("metric", ["cross_entropy", "bits_per_byte"])
def test_losses_turn_the_sign(example_with, metric):
    # ε(M_fi) = 4 and ε(M_{de,fi}) = 3: a gain of 25%. ε(M_{hu,fi}) = 5: -25%.
    rows = example_with(metric=metric, alone={"fi": 4.0}, together={("de", "fi"): 3.0, ("hu", "fi"): 5.0})
    cells = score(rows, metric=metric)
    found = [part.loc["de", "fi"] for part in cells]
    assert found == pytest.approx([0.25, 1.0, math.log(4 / 3)])
    assert cells.finetune.loc["hu", "fi"] == pytest.approx(-0.25)


def test_a_loss_that_does_not_change_is_plain_zero(example_with):
    cells = score(example_with(metric="cross_entropy", together={("de", "fi"): 0.25}), metric="cross_entropy")
    assert [math.copysign(1, part.loc["de", "fi"]) for part in cells] == [1, 1, 1]


def test_missing_cells_scale_the_mean_up(example_with):
    finetune = score(example_with(drop=[("fi", "hu")])).finetune
    gives, takes = donation(finetune), recipience(finetune)
    # D(fi) = 2 * (+0.60); R(hu) = 2 * (-0.25). The others are whole.
    assert gives.loc["fi"].to_list() == [pytest.approx(1.2), pytest.approx(0.6), 1, False]
    assert takes.loc["hu"].to_list() == [pytest.approx(-0.5), pytest.approx(-0.25), 1, False]
    assert gives.loc["de", "complete"]
    assert takes.loc["de", "complete"]


def test_a_language_without_cells_has_no_sum(example_with):
    finetune = score(example_with(drop=[("de", "fi"), ("de", "hu")])).finetune
    gives = donation(finetune)
    assert np.isnan(gives.loc["de", "sum"])
    assert np.isnan(gives.loc["de", "mean"])
    assert gives.loc["de", "n_measured"] == 0
    assert blood_types(gives["sum"], recipience(finetune)["sum"])["de"] is None


def test_unhealthy_pair_is_missing_unless_asked_for(example_with):
    rows = example_with(health={("fi", "de"): "unhealthy"})
    assert np.isnan(score(rows).finetune.loc["fi", "de"])
    assert score(rows).finetune.notna().to_numpy().sum() == 5
    assert score(rows, include_unhealthy=True).finetune.loc["fi", "de"] == pytest.approx(0.60)


def test_unhealthy_monolingual_model_voids_its_column_and_not_its_row(example_with):
    rows = example_with(health={"fi": "unhealthy"})
    finetune = score(rows).finetune
    assert finetune["fi"].isna().all()
    assert finetune.loc["fi", ["de", "hu"]].notna().all()
    assert score(rows, include_unhealthy=True).finetune["fi"].notna().sum() == 2


def test_failed_models_never_count(example_with):
    rows = example_with(health={("fi", "de"): "failed", "hu": "failed"})
    finetune = score(rows, include_unhealthy=True).finetune
    assert np.isnan(finetune.loc["fi", "de"])
    assert finetune["hu"].isna().all()


def test_zero_shot_scores_know_no_health_check(example_with):
    rows = example_with(protocol="zero_shot", health={("fi", "de"): "unhealthy"})
    assert score(rows, protocol="zero_shot").finetune.loc["fi", "de"] == pytest.approx(0.60)


def test_zero_score_of_the_monolingual_model_leaves_only_the_difference(example_with):
    cells = score(example_with(metric="accuracy", alone={"fi": 0.0}), metric="accuracy")
    assert np.isnan(cells.finetune.loc["de", "fi"])
    assert np.isnan(cells.log_ratio.loc["de", "fi"])
    assert cells.difference.loc["de", "fi"] == pytest.approx(0.30)


def test_blood_types_are_not_given_on_a_border_nor_for_zero_shot():
    gives = pd.Series([1.0, 0.0, -1.0, np.nan], index=list("abcd"))
    takes = pd.Series([1.0, 1.0, 0.0, 1.0], index=list("abcd"))
    assert blood_types(gives, takes).to_list() == ["A", None, None, None]
    assert blood_types(gives, takes, protocol="zero_shot").isna().all()


def test_blood_types_survive_a_csv_file(tmp_path):
    types = blood_types(pd.Series([-1.0, 0.0], index=["a", "b"]), pd.Series([-1.0, 1.0], index=["a", "b"]))
    types.to_csv(tmp_path / "types.csv")
    back = pd.read_csv(tmp_path / "types.csv", index_col=0)["blood_type"]
    assert back["a"] == "none"
    assert pd.isna(back["b"])


def test_unknown_seed_is_refused(paper_example):
    with pytest.raises(UsageError, match=r"No measurement of seed 7\. Measured here: 0\."):
        score(paper_example, seed=7)


def test_the_released_matrix(released):
    codes = tuple(released.loc[released["protocol"] == "monolingual", "recipient"])
    finetune = score(released, languages=codes).finetune
    cells = {("fi", "de"): 0.512, ("de", "fi"): -0.246, ("ko", "ar"): -0.293, ("ar", "ko"): 0.113}
    assert {pair: finetune.loc[pair] for pair in cells} == pytest.approx(cells, abs=5e-4)

    gives, takes = donation(finetune)["sum"], recipience(finetune)["sum"]
    expected = {"ja": 5.545, "zh": 4.209, "cy": 4.167, "te": 3.309, "hi": -0.858, "de": -1.000}
    ordered = gives.sort_values(ascending=False)
    assert list(ordered.index[:4]) + list(ordered.index[-2:]) == list(expected)
    assert gives[list(expected)].to_dict() == pytest.approx(expected, abs=5e-4)
    expected = {"ne": 8.162, "hi": 6.787, "de": 5.659, "el": -2.956, "ar": -3.806}
    ordered = takes.sort_values(ascending=False)
    assert list(ordered.index[:3]) + list(ordered.index[-2:]) == list(expected)
    assert takes[list(expected)].to_dict() == pytest.approx(expected, abs=5e-4)
    assert gives.corr(takes) == pytest.approx(-0.573, abs=5e-4)
    mirrored = pd.DataFrame({"to": finetune.to_numpy().ravel(), "from": finetune.T.to_numpy().ravel()}).dropna()
    assert mirrored["to"].corr(mirrored["from"]) == pytest.approx(-0.258, abs=5e-4)

    types = blood_types(gives, takes)
    members = {name: set(types[types == name].index) for name in ("O", "AB+", "A", "none")}
    assert members["O"] == {"ar", "el", "fi", "ru", "ta"}
    assert members["AB+"] == {"de", "en", "hi", "hy"}
    assert (len(members["A"]), len(members["none"])) == (13, 0)
    levels = pd.Series(transfer_levels(finetune).to_numpy().ravel()).dropna().value_counts()
    assert levels.to_dict() == {"negative": 50, "neutral": 255, "positive": 141, "very positive": 16}


squares = st.integers(2, 6).flatmap(
    lambda n: st.lists(st.lists(st.floats(-3, 3, width=32), min_size=n, max_size=n), min_size=n, max_size=n).map(
        lambda rows: matrix(np.where(np.eye(n, dtype=bool), np.nan, rows), list("abcdef"[:n]))
    )
)


@given(squares, st.randoms(use_true_random=False))
def test_permuting_languages_permutes_results(finetune, random):
    order = random.sample(list(finetune.index), len(finetune))
    permuted = finetune.loc[order, order]
    for function in (donation, recipience):
        pd.testing.assert_frame_equal(function(finetune).loc[order], function(permuted))
    assert transfer_levels(permuted).equals(transfer_levels(finetune).loc[order, order])


@given(squares)
def test_all_that_is_given_is_received(finetune):
    assert donation(finetune)["sum"].sum() == pytest.approx(recipience(finetune)["sum"].sum(), abs=1e-9)


@given(squares, st.floats(-2, 2), st.data())
def test_adding_to_a_row_moves_its_donation_by_n_minus_one(finetune, amount, data):
    donor = data.draw(st.sampled_from(list(finetune.index)))
    raised = finetune.copy()
    raised.loc[donor] += amount
    given_more = donation(raised)["sum"] - donation(finetune)["sum"]
    received_more = recipience(raised)["sum"] - recipience(finetune)["sum"]
    for code in finetune.index:
        assert given_more[code] == pytest.approx((len(finetune) - 1) * amount if code == donor else 0, abs=1e-9)
        assert received_more[code] == pytest.approx(0 if code == donor else amount, abs=1e-9)


@given(squares, st.data())
def test_a_missing_cell_that_equals_the_mean_changes_nothing(finetune, data):
    donor = data.draw(st.sampled_from(list(finetune.index)))
    others = [code for code in finetune.index if code != donor]
    recipient = data.draw(st.sampled_from(others))
    holed = finetune.copy()
    holed.loc[donor, recipient] = np.nan
    if len(others) == 1:
        assert np.isnan(donation(holed).loc[donor, "sum"])
        return
    filled = holed.copy()
    filled.loc[donor, recipient] = holed.loc[donor].mean()
    assert donation(holed).loc[donor, "sum"] == pytest.approx(donation(filled).loc[donor, "sum"], abs=1e-9)
    assert not donation(holed).loc[donor, "complete"]


def test_test_text_that_stands_translated_elsewhere_is_said_first(paper_example):
    from bloodbank.bank import build_bank
    from bloodbank.bank.covariates import TRANSLATED_SHARE, by_language
    from bloodbank.bank.sentences import caveats

    def first(shares):
        table = by_language({TRANSLATED_SHARE: shares}, list(shares))
        bank = build_bank(paper_example, languages=list(shares), name="x", covariates=table)
        return caveats(bank)[0]

    assert first({"de": 0.1, "fi": 0.77, "hu": 0.0}).startswith(
        "Test text stands, translated, in other languages' training text: of fi (77%), de (10%). What donors give there"
    )
    assert "translated" not in first({"de": 0.0, "fi": 0.0, "hu": 0.0})

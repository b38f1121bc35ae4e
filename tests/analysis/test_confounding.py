import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bloodbank import read_matrix
from bloodbank.analysis.confounding import confounding
from bloodbank.bank.importing.read_matrix import MatrixWarning, attach_covariates
from bloodbank.bank.scores import matrix
from bloodbank.languages import get_language
from shared_data import shared_data

CODES = ("de", "el", "en", "fi", "fr", "hu", "ja", "ko", "ru", "sv", "tr", "zh")


def bank_of(cells, codes, tmp_path, covariates=None):
    path = tmp_path / "m.csv"
    table = matrix(cells, codes)
    np.fill_diagonal(values := table.to_numpy(copy=True), 0.0)
    pd.DataFrame(values, index=list(codes), columns=list(codes)).to_csv(path)
    bank = read_matrix(path)
    return bank if covariates is None else attach_covariates(bank, covariates)


def gives(effects):
    """F that depends on the donor alone."""
    return np.repeat(np.asarray(effects, dtype=float)[:, None], len(effects), axis=1)


@pytest.fixture
def noisy():
    return 0.01 * np.random.default_rng(0).normal(size=(12, 12))


@pytest.mark.parametrize(("sign", "word"), [(1, "D rises"), (-1, "D falls")])
def test_d_that_follows_updates_is_said_to(tmp_path, noisy, sign, word):
    updates = pd.DataFrame({"updates": np.arange(12.0) * 100}, index=pd.Index(CODES, name="language"))
    bank = bank_of(noisy + gives(sign * np.arange(12) / 10), CODES, tmp_path, updates)
    found = confounding(bank)
    row = found.table.query("quantity == 'updates' and score == 'donation'").iloc[0]
    expected = stats.pearsonr(updates["updates"], bank.donation.loc[list(CODES)])
    assert row["value"] == pytest.approx(expected.statistic)
    assert row["p"] < 0.001
    text = " ".join(found.sentences())
    assert f"Part of D or R may be something else than language: {word} with the updates of M_l (r = " in text


def test_p_is_that_of_all_relabellings(tmp_path):
    codes = CODES[:5]
    updates = pd.DataFrame({"updates": [3.0, 1.0, 4.0, 1.5, 9.0]}, index=pd.Index(codes, name="language"))
    bank = bank_of(np.random.default_rng(1).normal(size=(5, 5)) / 10, codes, tmp_path, updates)
    found = confounding(bank)
    assert found.exact
    row = found.table.query("quantity == 'updates' and score == 'recipience'").iloc[0]

    def statistic(x):
        return stats.pearsonr(x, bank.recipience.loc[list(codes)]).statistic

    expected = stats.permutation_test(
        (updates["updates"].to_numpy(),), statistic, permutation_type="pairings", n_resamples=np.inf
    )
    assert row["p"] == pytest.approx(np.mean(np.abs(expected.null_distribution) >= abs(row["value"]) - 1e-9))
    assert "all relabellings" in found.sentences()[-1]


def test_d_that_follows_script_is_said_to_and_otherwise_not(tmp_path, noisy):
    latin = {"de", "en", "fi", "fr", "hu", "sv", "tr"}
    effects = [1.0 if code in latin else -1.0 for code in CODES]
    found = confounding(bank_of(noisy + gives(effects), CODES, tmp_path))
    row = found.table.query("quantity == 'script' and score == 'donation'").iloc[0]
    assert row["value"] > 0.95
    # k − 1 of n − 1 degrees of freedom: Latin, Greek, Cyrillic, Japanese, Korean, Han
    assert row["expected"] == pytest.approx(5 / 11, abs=0.02)
    assert "lies between scripts" in " ".join(found.sentences())
    assert found.sentences()[0].startswith("Part of D or R may be something else than language: ")
    other = confounding(bank_of(np.random.default_rng(3).normal(size=(12, 12)) / 10, CODES, tmp_path))
    p = other.table.query("quantity == 'script' and score == 'donation'").iloc[0]["p"]
    assert p > 0.05
    assert other.sentences()[0].startswith("Undecided, which with few languages rules nothing out: ")


def test_undecided_is_called_so(tmp_path):
    rng = np.random.default_rng(5)
    updates = pd.DataFrame({"updates": rng.normal(size=12)}, index=pd.Index(CODES, name="language"))
    found = confounding(bank_of(rng.normal(size=(12, 12)) / 10, CODES, tmp_path, updates))
    assert (found.table.query("quantity == 'updates'")["p"] > 0.05).all()
    assert "rules nothing out: D with the updates of M_l (r = " in " ".join(found.sentences())


def test_the_order_of_languages_changes_nothing(tmp_path, noisy):
    bank = bank_of(noisy + gives(np.arange(12) / 10), CODES, tmp_path)
    order = list(np.random.default_rng(2).permutation(CODES))
    table = bank.finetune_scores.loc[order, order]
    other = bank_of(table.to_numpy(), tuple(order), tmp_path)
    pd.testing.assert_frame_equal(confounding(bank).table, confounding(other).table)


def test_what_is_not_possible_says_why(tmp_path):
    two = confounding(bank_of([[0, 0.1], [0.2, 0]], ("de", "fi"), tmp_path))
    assert two.table["value"].isna().all()
    assert "known of 2 languages, fewer than 4" in " ".join(two.sentences())
    assert "relabellings" not in " ".join(two.sentences())
    codes = ("x-a", "x-b", "x-c", "x-d", "x-e")
    private = confounding(bank_of(np.random.default_rng(0).normal(size=(5, 5)) / 10, codes, tmp_path))
    assert "D and R with scripts, D and R with families: not possible" in " ".join(private.sentences())
    with pytest.warns(MatrixWarning, match="All 20 cells are the same"):
        same = confounding(bank_of(np.full((5, 5), 0.1), ("de", "fi", "fr", "ru", "hu"), tmp_path))
    assert "have the same score" in " ".join(same.sentences())


def test_the_released_matrix_has_scripts_but_no_updates():
    bank = read_matrix(shared_data("published", "mrr_ratio_22x22.csv"))
    found = confounding(bank)
    row = found.table.query("quantity == 'script' and score == 'donation'").iloc[0]
    scripts = pd.Series({code: get_language(code).script for code in bank.languages})
    means = bank.donation.groupby(scripts).transform("mean")
    between = ((means - bank.donation.mean()) ** 2).sum() / ((bank.donation - bank.donation.mean()) ** 2).sum()
    assert row["value"] == pytest.approx(between)
    assert (
        "D and R with updates of M_l, D and R with tokens that M_l has seen: not possible, because it and the "
        "score are known of 0 languages, fewer than 4." in found.sentences()
    )

import dataclasses
import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bloodbank import read_matrix
from bloodbank.analysis.confounding import confounding
from bloodbank.bank.bank import build_bank
from bloodbank.bank.importing.read_matrix import MatrixWarning, attach_covariates
from bloodbank.bank.learning import gains_over_unigram
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


def learned_bank(slope, *, n_seeds=3, metric="mrr", codes=CODES[:6], over_languages=0.0, unigram=0.1):
    """Made-up models: in a seed in which M_l learned more, l gives more (slope 1) or less (slope -1)."""
    rng = np.random.default_rng(7)
    base = 0.3 + over_languages * np.arange(len(codes))
    rows = []
    for seed in range(n_seeds):
        own = base + 0.02 * rng.normal(size=len(codes))
        gives = 0.05 + slope * 5 * (own - base) + 0.001 * rng.normal(size=len(codes))
        for place, recipient in enumerate(codes):
            more = {"seed": seed, "metric": metric, "n_masked": 100, "updates": 10, "tokens_seen": 10}
            more |= {"health": "healthy", "health_z": 9.0, "unigram": unigram, "recipient": recipient}
            rows.append({"protocol": "monolingual", "donor": "", "value": own[place], **more})
            for other, donor in enumerate(codes):
                if donor != recipient:
                    value = own[place] * (1 + gives[other])
                    rows.append({"protocol": "sequential", "donor": donor, "value": value, **more})
    return build_bank(pd.DataFrame(rows), languages=codes, name="learned", metric=metric)


def test_gains_over_the_unigram_by_hand():
    bank = learned_bank(1)
    own = bank.measurements.query("protocol == 'monolingual' and recipient == 'el'").set_index("seed")["value"]
    assert gains_over_unigram(bank).loc["el"].to_dict() == pytest.approx((own / 0.1).to_dict())
    loss = learned_bank(1, metric="cross_entropy", unigram=0.9)
    own = loss.measurements.query("protocol == 'monolingual' and recipient == 'el'").set_index("seed")["value"]
    assert gains_over_unigram(loss).loc["el"].to_dict() == pytest.approx((0.9 - own).to_dict())
    assert gains_over_unigram(dataclasses.replace(bank, measurements=None)) is None
    assert gains_over_unigram(dataclasses.replace(bank, measurements=bank.measurements.drop(columns="unigram"))) is None


@pytest.mark.parametrize(("slope", "word"), [(1, "rises"), (-1, "falls")])
def test_a_language_that_gives_more_where_its_model_learned_more_is_said_to(slope, word):
    bank = learned_bank(slope)
    found = confounding(bank)
    row = found.table.query("statistic == 'correlation within languages'").iloc[0]
    gains = gains_over_unigram(bank)
    given = pd.DataFrame({seed: cells.sum(axis="columns") for seed, cells in bank.replicates.items()})
    left = [table.sub(table.mean(axis="columns"), axis="index").to_numpy().ravel() for table in (gains, given)]
    assert row["value"] == pytest.approx(stats.pearsonr(*left).statistic)
    assert row["p"] < 0.001
    assert row["n"] == 6
    assert found.sentences()[0].startswith("Part of D or R may be how well M_l itself learned: ")
    assert (
        f"within languages, D of a seed {word} with the gain of M_l over the unigram in that seed (r = "
        in (found.sentences()[0])
    )


def test_seeds_are_rearranged_within_languages_only():
    """The p of two seeds of four languages is that of all 16 ways to swap them, taken one by one."""
    bank = learned_bank(0.02, n_seeds=2, codes=CODES[:4])
    row = confounding(bank).table.query("statistic == 'correlation within languages'").iloc[0]
    gains = gains_over_unigram(bank)
    given = np.array([cells.sum(axis="columns") for cells in bank.replicates.values()]).T
    ways = []
    for swaps in itertools.product((1, -1), repeat=4):
        left = gains.sub(gains.mean(axis="columns"), axis="index").to_numpy() * np.array(swaps)[:, None]
        ways.append(abs((left * (given - given.mean(axis=1, keepdims=True))).sum()))
    assert row["p"] == pytest.approx(np.mean(np.array(ways) >= ways[0] - 1e-12))
    assert row["n_drawn"] == 0


def test_how_well_models_learned_comes_first_and_is_not_known_of_an_imported_matrix(tmp_path, noisy):
    table = confounding(learned_bank(1)).table
    assert list(table["quantity"][:3]) == ["gain_over_unigram"] * 3
    one = confounding(learned_bank(1, n_seeds=1))
    assert "because none has D and a score of M_l in two seeds" in " ".join(one.sentences())
    imported = confounding(bank_of(noisy, CODES, tmp_path))
    assert "correlation within languages" not in set(imported.table["statistic"])
    assert (
        "D and R with gain of M_l over the unigram: not known, because the bank has no measurements that tell the "
        "unigram's score." in imported.sentences()
    )


def test_fertility_is_compared_only_where_pieces_a_word_means_the_same(tmp_path, noisy):
    fertility = pd.DataFrame({"fertility": np.arange(12.0)}, index=pd.Index(CODES, name="language"))
    bank = bank_of(noisy + gives(np.arange(12) / 10), CODES, tmp_path, fertility)
    found = confounding(bank)
    row = found.table.query("quantity == 'fertility' and score == 'donation'").iloc[0]
    spaced = [code for code in CODES if code not in ("ja", "zh")]
    assert row["n"] == 10
    expected = stats.pearsonr(fertility.loc[spaced, "fertility"], bank.donation[spaced]).statistic
    assert row["value"] == pytest.approx(expected)
    assert "written with spaces between words; left out: ja, zh." in " ".join(found.sentences())
    without = bank_of(noisy[:6, :6], CODES[:6], tmp_path, fertility.iloc[:6])
    assert "left out" not in " ".join(confounding(without).sentences())

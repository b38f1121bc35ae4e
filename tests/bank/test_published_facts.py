"""What the matrix that the paper's authors released must give, read with no options; skipped where it is absent."""

import numpy as np
import pytest
from scipy.stats import pearsonr

from bloodbank.analysis.additive import additive_fit
from bloodbank.bank.importing.read_matrix import describe_import, read_matrix
from bloodbank.languages import PAPER_LANGUAGES
from shared_data import shared_data


@pytest.fixture(scope="module")
def bank():
    return read_matrix(shared_data("published", "mrr_ratio_22x22.csv"))


def test_it_is_read_as_it_is_meant(bank, recwarn):
    assert bank.languages == PAPER_LANGUAGES
    assert bank.finetune_scores.notna().to_numpy().sum() == 462
    assert bank.provenance["import"]["values"] == "ratio"
    assert bank.provenance["import"]["donors"] == "rows"
    assert bank.provenance["import"]["file"] == "mrr_ratio_22x22.csv"
    assert len(bank.provenance["import"]["sha256"]) == 64
    assert bank.provenance["import"]["warnings"] == []
    assert not recwarn.list
    said = describe_import(bank)
    assert said[0] == "mrr_ratio_22x22.csv: 22 languages, 462 of 462 cells."
    assert "Donors are the file's rows, recipients its columns." in said
    assert "Cells are ratios ε(M_{s,t}) / ε(M_t) (the diagonal is 1): F is cell - 1." in said


@pytest.mark.parametrize(
    ("donor", "recipient", "expected"),
    [("fi", "de", 0.512), ("de", "fi", -0.246), ("ko", "ar", -0.293), ("ar", "ko", 0.113)],
)
def test_cells(bank, donor, recipient, expected):
    assert round(bank.finetune_scores.loc[donor, recipient], 3) == expected


def test_blood_types(bank):
    types = bank.blood_types
    of = {name: set(types.index[types == name]) for name in ("O", "AB+", "A", "none")}
    assert of["O"] == {"ar", "el", "fi", "ru", "ta"}
    assert of["AB+"] == {"de", "en", "hi", "hy"}
    assert len(of["A"]) == 13
    assert of["none"] == set()


def test_levels(bank):
    levels = bank.transfer_levels.to_numpy().ravel().tolist()
    counts = [levels.count(level) for level in ("negative", "neutral", "positive", "very positive")]
    assert counts == [50, 255, 141, 16]


def test_correlations(bank):
    finetune = bank.finetune_scores.to_numpy()
    inside = ~np.eye(22, dtype=bool)
    assert round(pearsonr(finetune[inside], finetune.T[inside])[0], 3) == -0.258
    assert round(pearsonr(bank.donation, bank.recipience)[0], 3) == -0.573


@pytest.mark.parametrize(
    ("score", "order", "expected"),
    [
        ("donation", "highest", {"ja": 5.545, "zh": 4.209, "cy": 4.167, "te": 3.309}),
        ("donation", "lowest", {"de": -1.000, "hi": -0.858}),
        ("recipience", "highest", {"ne": 8.162, "hi": 6.787, "de": 5.659}),
        ("recipience", "lowest", {"ar": -3.806, "el": -2.956}),
    ],
)
def test_extremes(bank, score, order, expected):
    values = bank.scores[score].sort_values(ascending=order == "lowest").head(len(expected))
    assert values.round(3).to_dict() == expected
    assert list(values.index) == list(expected)


@pytest.mark.parametrize(
    ("members", "expected"), [("ja te fi ru", 14.28), ("he ga fr sv", 6.18), ("ne my hy en", 0.39)]
)
def test_sums_of_the_papers_sets(bank, members, expected):
    assert round(bank.donation[members.split()].sum(), 2) == expected


def test_the_papers_recipient_sets_are_the_extremes_of_what_its_other_sets_leave(bank):
    # fi is in the most donating set, and ne in the least donating one, so that they cannot be in these
    taken = ["ja", "te", "fi", "ru", "he", "ga", "fr", "sv", "ne", "my", "hy", "en"]
    left = bank.recipience.drop(taken).sort_values()
    assert set(left.index[:3]) == {"ar", "el", "ta"}
    assert set(left.index[-3:]) == {"hi", "de", "hu"}


def test_the_most_donating_set_is_not_the_plain_top_four(bank):
    assert bank.ranking[:4] == ["ja", "zh", "cy", "te"]


def test_main_effects_explain_three_fifths(bank):
    fit = additive_fit(bank.finetune_scores)
    assert round(fit.r_squared, 2) == 0.60
    assert fit.n_cells == 462
    assert fit.n_parameters == 43
    # the same by a regression on indicators of donor and recipient
    finetune = bank.finetune_scores.to_numpy()
    donors, recipients = np.nonzero(~np.isnan(finetune))
    indicators = np.hstack([np.eye(22)[donors], np.eye(22)[recipients]])
    cells = finetune[donors, recipients]
    effects = np.linalg.lstsq(indicators, cells, rcond=None)[0]
    left = cells - indicators @ effects
    assert fit.r_squared == pytest.approx(1 - left.var() / cells.var())

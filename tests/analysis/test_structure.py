import dataclasses

import numpy as np
import pytest

from bloodbank import read_matrix
from bloodbank.analysis.additive import additive_fit, additive_sentences
from bloodbank.analysis.stability import stability_sentences
from bloodbank.bank import build_bank
from bloodbank.bank.scores import matrix
from made_up_banks import measurements_of, sentence_scores
from shared_data import shared_data

CODES = ("de", "el", "en", "fi", "fr", "hu")


@pytest.fixture(scope="module")
def base():
    scores = sentence_scores(CODES)
    return build_bank(measurements_of(scores), languages=CODES, name="made-up")


def with_cells(bank, cells, seeds=()):
    cells = np.array(cells, dtype=float)
    np.fill_diagonal(cells, np.nan)
    replicates = {number: matrix(one, bank.languages) for number, one in enumerate(seeds)}
    return dataclasses.replace(bank, finetune_scores=matrix(cells, bank.languages), replicates=replicates)


def test_recipients_or_donors_matter_more(base):
    effects = np.arange(6) / 10
    noise = 0.01 * np.random.default_rng(0).normal(size=(6, 6))
    by_recipient = " ".join(additive_sentences(with_cells(base, noise + np.tile(effects, (6, 1)))))
    assert "Who the recipient is matters more than who the donor is" in by_recipient
    by_donor = " ".join(additive_sentences(with_cells(base, noise + np.tile(effects, (6, 1)).T)))
    assert "Who the donor is matters more than who the recipient is" in by_donor
    explained = additive_fit(with_cells(base, noise + np.tile(effects, (6, 1))).finetune_scores).r_squared
    assert f"explain {explained:.0%} of the variance of F over 30 cells" in by_recipient


def test_noise_is_said_to_explain_what_its_parameters_do():
    # 6 languages: 11 parameters, of which 10 beside the mean, over 30 cells: 10/29 of the variance of noise.
    shares = []
    for seed in range(200):
        cells = np.random.default_rng(seed).normal(size=(6, 6))
        np.fill_diagonal(cells, np.nan)
        shares.append(additive_fit(matrix(cells, CODES)).r_squared)
    assert np.mean(shares) == pytest.approx(10 / 29, abs=3 * np.std(shares) / np.sqrt(200))


def test_the_chance_is_in_the_sentence(base):
    cells = np.random.default_rng(0).normal(size=(6, 6))
    assert "of independent noise they would explain 34%" in additive_sentences(with_cells(base, cells))[0]


def test_a_fit_that_cannot_fail_is_not_reported(base):
    cells = np.full((6, 6), np.nan)
    cells[0, 1], cells[1, 0], cells[2, 3] = 0.1, 0.2, 0.3
    assert "fits them whatever they are" in additive_sentences(with_cells(base, cells))[0]
    assert "fewer than two different cells" in additive_sentences(with_cells(base, np.full((6, 6), 0.1)))[0]


def test_the_released_matrix_is_explained_to_60_percent():
    bank = read_matrix(shared_data("published", "mrr_ratio_22x22.csv"))
    text = additive_sentences(bank)
    assert "explain 60% of the variance of F over 462 cells" in text[0]
    assert stability_sentences(bank) == [
        "Whether seeds agree: not possible, because no seed is known; two or more are needed."
    ]


def test_seeds_that_agree_and_seeds_that_do_not(base):
    rng = np.random.default_rng(0)
    true = rng.normal(size=(6, 6))
    same = " ".join(stability_sentences(with_cells(base, true, [true, true + 1e-6 * rng.normal(size=(6, 6))])))
    assert "F: the rank correlation between seeds is +1.00" in same
    assert "; 100% of the variance in one seed is the same in every seed" in same
    turned = " ".join(stability_sentences(with_cells(base, true, [true, -true])))
    assert "F: the rank correlation between seeds is -1.00" in turned
    assert "; 0% of the variance in one seed is the same in every seed" in turned


def test_one_seed_says_that_two_are_needed(base):
    cells = np.random.default_rng(0).normal(size=(6, 6))
    assert stability_sentences(with_cells(base, cells, [cells])) == [
        "Whether seeds agree: not possible, because 1 seed is known; two or more are needed."
    ]

"""Zero-shot scores between scripts are left out, and why is said."""

import numpy as np
import pandas as pd
import pytest

from bloodbank.bank import build_bank, read_bank, write_bank
from bloodbank.bank.scripts import between_scripts
from bloodbank.bank.sentences import sentences

CODES = ("de", "fi", "ru", "uk")
ALONE = dict.fromkeys(CODES, 0.5)
TOGETHER = {(s, t): 0.1 for s in CODES for t in CODES if s != t}


def bank_of(make, protocol, **settings):
    rows = make(ALONE, TOGETHER, protocol=protocol, **settings)
    return build_bank(rows, languages=CODES, name="test", protocol=protocol)


def test_two_scripts_are_apart_and_an_unknown_one_is_not():
    apart = between_scripts(("de", "ru", "x-toki", "ja", "zh"))
    expected = np.zeros((5, 5), dtype=bool)
    for one, other in ((0, 1), (0, 3), (0, 4), (1, 3), (1, 4), (3, 4)):
        expected[one, other] = expected[other, one] = True
    assert (apart == expected).all()


def test_zero_shot_cells_between_scripts_are_missing(make, tmp_path):
    bank = bank_of(make, "zero_shot")
    known = {(s, t) for s in CODES for t in CODES if pd.notna(bank.finetune_scores.loc[s, t])}
    assert known == {("de", "fi"), ("fi", "de"), ("ru", "uk"), ("uk", "ru")}
    assert bank.missing_reasons.loc["ru", "de"] == "other script"
    assert bank.donation["de"] == pytest.approx(3 * -0.8)  # (n - 1) times the mean over those that can be compared
    assert not bank.scores.loc["de", "donation_complete"]
    write_bank(bank, tmp_path)
    assert read_bank(tmp_path) == bank
    said = " ".join(sentences(bank))
    assert "8 between languages of different scripts, which zero-shot scores cannot compare" in said
    assert "not of help in training" in said


def test_other_protocols_train_on_the_recipient_and_keep_all_cells(make):
    bank = bank_of(make, "sequential")
    assert bank.missing_reasons.isna().all(axis=None)
    said = " ".join(sentences(bank))
    assert "scripts" not in said
    assert "not of help in training" not in said


def test_a_failed_model_is_the_reason_before_the_script_is(make):
    bank = bank_of(make, "zero_shot", health={("ru", "de"): "failed", "uk": "unhealthy"})
    assert bank.missing_reasons.loc["ru", "de"] == "unhealthy"
    assert bank.missing_reasons.loc["de", "uk"] == "void"

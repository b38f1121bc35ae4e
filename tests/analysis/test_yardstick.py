"""The yardstick, worked by hand: three languages, controls of one of them."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from bloodbank.analysis.yardstick import yardstick, yardstick_rows
from bloodbank.bank import build_bank

COLUMNS = ["protocol", "donor", "recipient", "value"]


@pytest.fixture
def bank():
    """F of de from fi and hu: +50% and +20%; self +100%, clone +60%, shuffled +10% and +10%."""
    rows = [("monolingual", "", code, 0.10) for code in ("de", "fi", "hu")]
    rows += [("sequential", "fi", "de", 0.15), ("sequential", "hu", "de", 0.12)]
    rows += [("self", "de", "de", 0.20), ("clone", "de", "de", 0.16)]
    rows += [("shuffled", donor, "de", 0.11) for donor in ("fi", "hu")]
    table = pd.DataFrame(rows, columns=COLUMNS).assign(
        seed=0, metric="mrr", n_masked=1, standard_error=0.001, updates=1, tokens_seen=1, seconds=1.0, device="cpu",
        health="healthy", health_z=9.0, convergence="converged",
    )  # fmt: skip
    return build_bank(table, languages=("de", "fi", "hu"), name="made-up")


def test_places_are_shares_of_the_way_from_shuffled_to_self_in_log_ratios(bank):
    found = yardstick(bank)
    way = np.log(0.20 / 0.11)
    assert found.known.loc["de"].tolist() == pytest.approx(np.log([2.0, 1.6, 1.1]))
    expected = {"fi": np.log(0.15 / 0.11) / way, "hu": np.log(0.12 / 0.11) / way, "clone": np.log(0.16 / 0.11) / way}
    assert found.places["de"].dropna().to_dict() == pytest.approx(expected)
    assert yardstick_rows(found)[1] == ("German (de)", "0.63", "fi 0.52, hu 0.15")


def test_sentences_follow_from_the_order(bank):
    said = " ".join(yardstick(bank).sentences())
    assert "come in their order (self > clone > shuffled) for all of 1 recipient" in said
    assert "the highest at 0.52 (fi→de)" in said
    assert "the best real donor is above it for 0 of 1 recipient" in said
    turned = bank.controls.assign(
        finetune_score=bank.controls["finetune_score"].where(bank.controls["control"] != "clone", 1.5)
    )
    said = " ".join(yardstick(dataclasses.replace(bank, controls=turned)).sentences())
    assert "do not come in this order for de of 1 recipient" in said
    lower = turned.assign(finetune_score=turned["finetune_score"].where(turned["control"] != "clone", 0.2))
    said = " ".join(yardstick(dataclasses.replace(bank, controls=lower)).sentences())
    assert "the best real donor is above it for 1 of 1 recipient" in said


def test_without_two_known_answers_there_is_none_and_without_self_no_place(bank):
    def without(*controls):
        kept = bank.controls[~bank.controls["control"].isin(controls)]
        return yardstick(dataclasses.replace(bank, controls=kept))

    assert without("self", "shuffled") is None
    found = without("self")
    assert found.places.isna().to_numpy().all()
    assert len(found.sentences()) == 1

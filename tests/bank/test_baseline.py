"""F against `longer` in place of M_t: worked by hand, and what depends on the baseline and what does not."""

import json

import numpy as np
import pandas as pd
import pytest

from bloodbank.bank import build_bank, read_bank, write_bank
from bloodbank.bank.bank import rebuild, with_intervals
from bloodbank.bank.sentences import sentences, subtitle
from bloodbank.errors import UsageError
from made_up_banks import measurements_of, sentence_scores

CODES = ("de", "fi", "hu")
# `longer` of the example on paper: de 0.24, fi 0.26, hu 0.36. Against these
#
#   F(de→fi) = 0.30 / 0.26 - 1 = +0.1538      F(de→hu) = 0.30 / 0.36 - 1 = -0.1667
#   F(fi→de) = 0.32 / 0.24 - 1 = +0.3333      F(fi→hu) = 0.38 / 0.36 - 1 = +0.0556
#   F(hu→de) = 0.19 / 0.24 - 1 = -0.2083      F(hu→fi) = 0.15 / 0.26 - 1 = -0.4231
#
#   D(de) = -0.0128   R(de) = +0.1250   AB+
#   D(fi) = +0.3889   R(fi) = -0.2692   O
#   D(hu) = -0.6314   R(hu) = -0.1111   none; with longer of hu at 0.20 R(hu) = 0.5 + 0.9, and it is AB+
LONGER = {"de": 0.24, "fi": 0.26, "hu": 0.36}


def build(rows, **settings):
    return build_bank(rows, **{"languages": CODES, "name": "test", "baseline": "longer", **settings})


@pytest.fixture
def with_longer(make, paper_example):
    def add(longer=LONGER, table=paper_example, **settings):
        cells = {(code, code): value for code, value in longer.items()}
        return pd.concat([table, make({}, cells, protocol="longer", **settings)], ignore_index=True)

    return add


def test_the_example_on_paper_against_longer(with_longer):
    bank = build(with_longer())
    assert bank.finetune_scores.loc["fi", "de"] == pytest.approx(1 / 3)
    assert bank.finetune_scores.loc["de", "fi"] == pytest.approx(0.1538, abs=1e-4)
    assert bank.finetune_scores.loc["hu", "fi"] == pytest.approx(-0.4231, abs=1e-4)
    assert bank.differences.loc["fi", "hu"] == pytest.approx(0.02)
    assert bank.donation.tolist() == pytest.approx([-0.0128, 0.3889, -0.6314], abs=1e-4)
    assert bank.recipience.tolist() == pytest.approx([0.1250, -0.2692, -0.1111], abs=1e-4)
    assert bank.blood_types.tolist() == ["AB+", "O", "none"]
    assert bank.monolingual.tolist() == pytest.approx([0.24, 0.26, 0.36])
    assert bank.controls.empty  # what F is relative to is no control beside it


def test_signs_types_and_recipience_depend_on_it_and_the_order_of_donors_does_not(with_longer, example_with):
    second = example_with(seed=1, alone={"de": 0.3}, together={("hu", "de"): 0.4})
    rows = pd.concat([with_longer({**LONGER, "hu": 0.20}), with_longer({**LONGER, "hu": 0.25}, second, seed=1)])
    alone, longer = build(rows, baseline="alone"), build(rows)
    assert alone.blood_types["hu"] == "none"
    assert longer.blood_types["hu"] == "AB+"
    assert alone.recipience["hu"] < 0 < longer.recipience["hu"]
    assert alone.finetune_scores.loc["fi", "hu"] < 0 < longer.finetune_scores.loc["fi", "hu"]
    for seed in (0, 1):
        ranks = [bank.replicates[seed].rank() for bank in (alone, longer)]
        assert ranks[0].equals(ranks[1])
    for name in ("updates", "tokens_seen"):  # of the donor's own model
        assert alone.scores[name].equals(longer.scores[name])


def test_other_controls_are_relative_to_it_too(with_longer, make):
    rows = pd.concat([with_longer(), make({}, {("de", "de"): 0.30}, protocol="self")])
    controls = build(rows).controls
    assert controls["control"].tolist() == ["self"]
    assert controls["finetune_score"].tolist() == pytest.approx([0.25])


def test_a_sick_longer_voids_its_column_and_a_sick_m_t_does_not(with_longer):
    bank = build(with_longer(health={("de", "de"): "unhealthy"}))
    assert bank.finetune_scores["de"].isna().all()
    assert bank.missing_reasons.loc["fi", "de"] == "void"
    assert "longer de (seed 0)" in " ".join(sentences(bank))
    rows = with_longer()
    sick = (rows["protocol"] == "monolingual") & (rows["recipient"] == "de")
    bank = build(rows.assign(health=rows["health"].mask(sick, "unhealthy")))
    assert bank.finetune_scores["de"].notna().sum() == 2
    assert "de alone (seed 0)" in " ".join(sentences(bank))


def test_a_control_that_lacks_is_named(with_longer, paper_example):
    with pytest.raises(UsageError, match=r"needs the control `longer`.*was not measured of de, fi, hu\. Add it"):
        build(paper_example)
    bank = build(with_longer({"de": 0.24, "hu": 0.36}))
    assert bank.finetune_scores["fi"].isna().all()
    assert "The control `longer` was not measured of fi." in " ".join(sentences(bank))
    assert "`longer` was not measured" not in " ".join(sentences(build(with_longer())))
    with pytest.raises(UsageError, match=r"Unknown baseline 'unigram'\. Known are alone, equal, longer"):
        build(with_longer(), baseline="unigram")


def test_zero_shot_scores_have_the_one_baseline(with_longer, example_with):
    rows = pd.concat([with_longer(), example_with(protocol="zero_shot").query("donor != ''")])
    with pytest.raises(UsageError, match="zero_shot score is compared with M_t itself"):
        build(rows, protocol="zero_shot")


def test_it_stands_in_the_file_and_under_the_title(with_longer, tmp_path):
    rows = with_longer()
    bank = build(rows)
    write_bank(bank, tmp_path)
    assert read_bank(tmp_path) == bank
    assert read_bank(tmp_path).baseline == "longer"
    assert "F against `longer`" in subtitle(bank)
    assert "over the control `longer`" in " ".join(sentences(bank))
    alone = build(rows, baseline="alone")
    assert alone != bank
    assert "longer" not in subtitle(alone)
    assert "over its monolingual model" in " ".join(sentences(alone))


def test_a_file_from_before_there_was_a_choice_is_against_m_t(paper_example, tmp_path):
    bank = build(paper_example, baseline="alone")
    write_bank(bank, tmp_path)
    content = json.loads((tmp_path / "bank.json").read_text(encoding="utf-8"))
    assert content.pop("baseline") == "alone"
    content |= {"schema_version": 1, "confounds": []}
    for later in ("tokens_of_recipient", "reliability"):
        content.pop(later)
    (tmp_path / "bank.json").write_text(json.dumps(content), encoding="utf-8")
    assert read_bank(tmp_path) == bank


@pytest.mark.parametrize(("name", "value"), [("baseline", "unigram"), ("tokens_of_recipient", {"sv": 0.5})])
def test_a_file_with_something_else_is_refused(paper_example, tmp_path, name, value):
    write_bank(build(paper_example, baseline="alone"), tmp_path)
    content = json.loads((tmp_path / "bank.json").read_text(encoding="utf-8"))
    (tmp_path / "bank.json").write_text(json.dumps(content | {name: value}), encoding="utf-8")
    with pytest.raises(UsageError, match=f"is damaged: {name}"):
        read_bank(tmp_path)


def test_intervals_are_those_of_f_against_longer():
    scores = sentence_scores()
    longer = scores[scores["protocol"] == "monolingual"].assign(protocol="longer", sum=lambda rows: 1.25 * rows["sum"])
    longer["donor"] = longer["recipient"]
    scores = pd.concat([scores, longer], ignore_index=True)
    bank = build_bank(measurements_of(scores), languages=("de", "fi", "hu", "ru"), name="test", baseline="longer")
    intervals = with_intervals(bank, scores).intervals
    assert intervals.covers_paragraphs
    assert np.allclose(intervals.matrix("estimate"), bank.finetune_scores, equal_nan=True)
    # Every M_t is a fifth lower than its `longer`: all of F + 1, and of its errors, is 1 / 1.25 of that against M_t.
    alone = with_intervals(rebuild(bank, baseline="alone"), scores).intervals
    assert np.allclose(intervals.matrix("estimate") + 1, (alone.matrix("estimate") + 1) / 1.25, equal_nan=True)
    assert np.allclose(intervals.matrix("se"), alone.matrix("se") / 1.25, equal_nan=True)


def test_a_bank_without_its_measurements_cannot_be_built_again(with_longer, tmp_path):
    write_bank(build(with_longer()), tmp_path)
    with pytest.raises(UsageError, match="without its table of measurements"):
        rebuild(read_bank(tmp_path), baseline="alone")

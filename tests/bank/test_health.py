"""Health and convergence of the models behind a bank, and what is said of them."""

import numpy as np
import pandas as pd
import pytest

from bloodbank.bank import build_bank, read_bank, write_bank
from bloodbank.bank.sentences import sentences
from bloodbank.errors import UsageError

CODES = ("de", "fi", "hu")
ALL_CONVERGED = "Loss on dev text had levelled off in all 9 models."


def build(rows, **settings):
    return build_bank(rows, **{"languages": CODES, "name": "test", **settings})


def said(bank):
    return " ".join(sentences(bank))


def with_convergence(rows, states=None, default="converged"):
    """Add the column; `states` maps (protocol, donor, recipient) to something else than `default`."""
    keys = zip(rows["protocol"], rows["donor"], rows["recipient"], strict=True)
    return rows.assign(convergence=[(states or {}).get(key, default) for key in keys])


def test_all_converged(paper_example):
    bank = build(with_convergence(paper_example))
    assert bank.convergence == {"converged": 9, "falling": 0, "rising": 0, "unknown": 0}
    assert bank.unconverged_models.empty
    assert ALL_CONVERGED in said(bank)


def test_what_is_said_follows_the_states(paper_example):
    states = {
        ("monolingual", "", "hu"): "falling",
        ("sequential", "de", "fi"): "falling",
        ("sequential", "hu", "de"): "rising",
        ("sequential", "hu", "fi"): "",
    }
    bank = build(with_convergence(paper_example, states))
    assert bank.convergence == {"converged": 5, "falling": 2, "rising": 1, "unknown": 1}
    assert bank.unconverged_models.to_numpy().tolist() == [
        ["monolingual", "", "hu", 0, "falling"],
        ["sequential", "de", "fi", 0, "falling"],
        ["sequential", "hu", "de", 0, "rising"],
    ]
    text = said(bank)
    assert (
        "Loss on dev text was still falling when training ended in 2 of 8 models: hu alone (seed 0), de→fi (seed 0)."
    ) in text
    assert (
        "Loss on dev text had been clearly lower earlier than when training ended in 1 of 8 models: hu→de (seed 0)."
    ) in text
    assert "Whether it had levelled off is not known of 1 model more." in text
    assert "levelled off in all" not in text


def test_many_models_are_counted_rather_than_named(paper_example):
    text = said(build(with_convergence(paper_example, default="falling")))
    start = "in 9 of 9 models: de alone (seed 0), fi alone (seed 0), hu alone (seed 0), de→fi (seed 0), "
    assert f"{start}de→hu (seed 0), fi→de (seed 0), and 3 more." in text


def test_a_table_without_the_column_can_be_read(paper_example):
    bank = build(paper_example)
    assert bank.convergence == {"converged": 0, "falling": 0, "rising": 0, "unknown": 9}
    assert "Loss on dev text" not in said(bank)
    assert build(with_convergence(paper_example, default="")) == bank
    assert build(with_convergence(paper_example, default=np.nan)) == bank


def test_an_unknown_state_is_named(paper_example):
    with pytest.raises(UsageError, match=r"Unknown convergence 'flat'\. Allowed are converged, falling, rising, or"):
        build(with_convergence(paper_example, {("sequential", "de", "fi"): "flat"}))


def test_a_joint_model_is_one_model(example_with):
    rows = example_with(protocol="joint")
    states = {
        ("joint", "de", "fi"): "rising",
        ("joint", "fi", "de"): "falling",
        ("joint", "hu", "de"): "rising",
    }
    bank = build(with_convergence(rows, states), protocol="joint")
    assert bank.convergence == {"converged": 4, "falling": 1, "rising": 1, "unknown": 0}
    text = said(bank)
    assert "still falling when training ended in 1 of 6 models: fi+de (seed 0)." in text
    assert "ended in 1 of 6 models: hu+de (seed 0)." in text


def test_controls_are_models_too(paper_example, make):
    controls = [
        make({}, {("de", "de"): 0.3}, protocol="longer"),
        make({}, {("de", "de"): 0.3}, protocol="self"),
        make({}, {("fi", "de"): 0.3}, protocol="shuffled"),
    ]
    rows = with_convergence(pd.concat([paper_example, *controls]))
    rows["convergence"] = rows["convergence"].mask(rows["protocol"].isin(["longer", "shuffled"]), "falling")
    text = said(build(rows))
    assert "falling when training ended in 2 of 12 models: longer de (seed 0), shuffled fi→de (seed 0)." in text


def test_zero_shot_scores_no_models_of_their_own(example_with):
    rows = with_convergence(example_with(protocol="zero_shot"), {("monolingual", "", "fi"): "falling"})
    rows["convergence"] = rows["convergence"].mask(rows["donor"] == "fi", "falling")  # as its M_s
    bank = build(rows, protocol="zero_shot")
    assert bank.convergence == {"converged": 2, "falling": 1, "rising": 0, "unknown": 0}
    assert "in 1 of 3 models: fi alone (seed 0)." in said(bank)


def test_zero_shot_health_is_not_checked(example_with):
    # A zero-shot score counts however low it is; only an unhealthy M_t and a failed score leave cells missing.
    health = {("fi", "de"): "unhealthy", ("hu", "de"): "failed", "hu": "unhealthy", ("de", "hu"): "unhealthy"}
    rows = example_with(protocol="zero_shot", health=health)
    bank = build(rows, protocol="zero_shot")
    assert bank.finetune_scores.loc["fi", "de"] == pytest.approx(0.60)
    assert bank.health.to_numpy().tolist() == [
        ["healthy", "not checked", "not checked"],
        ["not checked", "healthy", "not checked"],
        ["failed", "not checked", "unhealthy"],
    ]
    assert bank.missing_reasons.to_numpy().tolist() == [
        [None, None, "void"],
        [None, None, "void"],
        ["unhealthy", None, None],
    ]
    assert bank.unhealthy_models[["donor", "recipient"]].to_numpy().tolist() == [["", "hu"], ["hu", "de"]]
    for written in ("", None, "not checked"):
        other = rows["health"].mask((rows["protocol"] == "zero_shot") & (rows["health"] != "failed"), written)
        assert build(rows.assign(health=other), protocol="zero_shot") == bank


def test_files_keep_what_is_said(paper_example, tmp_path):
    states = {("monolingual", "", "hu"): "falling", ("sequential", "hu", "de"): "rising"}
    bank = build(with_convergence(paper_example, states))
    write_bank(bank, tmp_path)
    back = read_bank(tmp_path)
    assert back == bank
    assert back != build(with_convergence(paper_example))
    assert said(back) == said(bank)
    assert "hu alone (seed 0)" in said(back)

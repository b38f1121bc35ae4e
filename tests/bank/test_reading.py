"""What M_{s,t} reads of t beside M_t, and what is said of it."""

import pandas as pd
import pytest

from bloodbank.bank import build_bank
from bloodbank.bank.sentences import sentences

CODES = ("de", "fi", "hu")
OWN = {"de": 1_000, "fi": 2_000, "hu": 4_000}  # tokens that M_t reads


def bank_of(rows, **settings):
    return build_bank(rows, **{"languages": CODES, "name": "test", **settings})


def with_tokens(rows, share):
    """The table with tokens: a pair reads what its donor's model read, and then a share of what M_t read."""
    tokens = [
        OWN[t] if not s else OWN[s] + share.get(t, 1.0) * OWN[t]
        for s, t in zip(rows["donor"], rows["recipient"], strict=True)
    ]
    return rows.assign(tokens_seen=tokens)


def test_shares_are_those_of_the_second_phase(paper_example):
    bank = bank_of(with_tokens(paper_example, {"fi": 0.5, "hu": 1.5}))
    assert bank.tokens_of_recipient == pytest.approx({"de": 1.0, "fi": 0.5, "hu": 1.5})


def test_a_joint_model_reads_its_two_languages_in_proportion(example_with):
    rows = with_tokens(example_with(protocol="joint"), {})
    pairs = rows["donor"] != ""
    assert bank_of(rows, protocol="joint").tokens_of_recipient == pytest.approx(dict.fromkeys(CODES, 1.0))
    halved = rows.assign(tokens_seen=rows["tokens_seen"].where(~pairs, rows["tokens_seen"] / 2))
    assert bank_of(halved, protocol="joint").tokens_of_recipient == pytest.approx(dict.fromkeys(CODES, 0.5))


def test_zero_shot_models_read_nothing_and_a_table_may_not_tell(example_with, paper_example):
    assert bank_of(with_tokens(example_with(protocol="zero_shot"), {}), protocol="zero_shot").tokens_of_recipient == {}
    assert bank_of(paper_example).tokens_of_recipient == {}  # all models have the same count there


def test_the_first_sentence_names_those_whose_f_is_too_low(paper_example):
    said = sentences(bank_of(with_tokens(paper_example, {"fi": 0.4, "hu": 0.5})))[0]
    assert said == (
        "M_{s,t} reads less of t than M_t does (40% to 50% of its tokens), so that F is too low for fi, hu, whoever "
        "the donor is; the mean F of fi, hu is below zero, perhaps for that alone. Signs, types and R are biased, the "
        "order of a recipient's donors is not."
    )
    all_of_them = sentences(bank_of(with_tokens(paper_example, dict.fromkeys(CODES, 0.4))))[0]
    assert "(40% of its tokens), so that F is too low for all 3 recipients" in all_of_them
    assert "the mean F of fi, hu is below" in all_of_them  # R(de) is above zero


def test_the_opposite_is_said_of_the_opposite(paper_example):
    said = sentences(bank_of(with_tokens(paper_example, {"de": 2.0})))[0]
    assert "reads more of t than M_t does (200% of its tokens), so that F is too high for de" in said
    assert "the mean F of de is above zero, perhaps for that alone" in said


def test_equal_passes_and_the_baseline_longer_are_silent(paper_example, make):
    assert sentences(bank_of(with_tokens(paper_example, {"fi": 1.01})))[0].startswith("F is the gain")
    longer = make({}, {(code, code): 0.3 for code in CODES}, protocol="longer")
    rows = pd.concat([with_tokens(paper_example, {"fi": 0.4}), longer])
    assert bank_of(rows, baseline="longer").tokens_of_recipient["fi"] == pytest.approx(0.4)
    assert sentences(bank_of(rows, baseline="longer"))[0].startswith("F is the gain")

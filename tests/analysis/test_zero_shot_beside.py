"""Zero-shot scores beside F: the order of donors by hand, and what is said of the opposite."""

import math

import pandas as pd
import pytest

from bloodbank.analysis.zero_shot import has_zero_shot, zero_shot_beside, zero_shot_rows, zero_shot_scores
from bloodbank.bank import build_bank

CODES = ("de", "fi", "hu", "sv", "ru")
ALONE = dict.fromkeys(CODES, 0.5)
# By recipient, its three donors of the Latin script. Ranks of F: the first is the best.
#   de: F sv > fi > hu, zero-shot sv > fi > hu   +1
#   fi: F sv > hu > de, zero-shot sv > de > hu   +1/2
#   hu: F fi > de > sv, zero-shot sv > de > fi   -1
#   sv: F de > fi > hu, zero-shot de > fi > hu   +1          mean +3/8
F = {"de": ("sv", "fi", "hu"), "fi": ("sv", "hu", "de"), "hu": ("fi", "de", "sv"), "sv": ("de", "fi", "hu")}
ZERO_SHOT = {"de": ("sv", "fi", "hu"), "fi": ("sv", "de", "hu"), "hu": ("sv", "de", "fi"), "sv": ("de", "fi", "hu")}


def scores(orders, best):
    """Scores of pairs in these orders; those with Russian are the best, which must not matter for zero-shot scores."""
    pairs = {(s, t): best - 0.01 * place for t, donors in orders.items() for place, s in enumerate(donors)}
    return pairs | {(s, t): best + 0.1 for s in CODES for t in CODES if "ru" in (s, t) and s != t}


def reversed_orders(orders):
    return {recipient: donors[::-1] for recipient, donors in orders.items()}


@pytest.fixture
def bank_of(make):
    def build(zero_shot=ZERO_SHOT, unigram=0.25, languages=CODES, **more):
        tables = [make(ALONE, scores(F, 0.6))]
        if zero_shot:
            tables.append(make({}, scores(zero_shot, 0.3), protocol="zero_shot"))
        rows = pd.concat(tables, ignore_index=True).assign(unigram=unigram)
        return build_bank(pd.concat([rows, *more.values()]), languages=languages, name="test")

    return build


def test_agreement_is_the_mean_over_recipients_of_one_script(bank_of):
    beside = zero_shot_beside(bank_of())
    assert beside.agreement == pytest.approx(3 / 8)
    table = beside.recipients.set_index("recipient")
    assert table["rank_correlation"].tolist()[:4] == pytest.approx([1, 0.5, -1, 1])
    assert math.isnan(table.loc["ru", "rank_correlation"])
    assert table["n"].tolist() == [3, 3, 3, 3, 0]
    assert table.loc["hu", ["first_by_finetune", "first_by_zero_shot"]].tolist() == ["fi", "sv"]
    assert beside.n_between_scripts == 8
    assert beside.zero_shot.loc["sv", "de"] == pytest.approx(0.3 / 0.5 - 1)
    assert beside.over_unigram.loc["sv", "de"] == pytest.approx(0.3 / 0.25 - 1)
    assert beside.over_unigram["ru"].isna().all()
    assert beside.metrics.loc["mrr"].tolist() == pytest.approx([3 / 8, 4, 12, 12])


def test_losses_turn_the_sign(bank_of, make):
    table = make(ALONE, {(s, t): 0.75 for s in CODES for t in CODES if s != t}, metric="cross_entropy")
    more = [table, table[table["donor"] != ""].assign(protocol="zero_shot")]
    bank = bank_of(losses=pd.concat(more).assign(unigram=1.0))
    finetune, over = zero_shot_scores(bank, "cross_entropy")
    assert finetune.loc["sv", "de"] == pytest.approx(-0.5)
    assert over.loc["sv", "de"] == pytest.approx(0.25)
    assert zero_shot_beside(bank).metrics.loc["cross_entropy", "n_recipients"] == 0  # all donors tie there


@pytest.mark.parametrize(
    ("zero_shot", "words"),
    [
        (F, "is largely that of F: rank correlation within recipients +1.00"),
        (ZERO_SHOT, "is partly that of F: rank correlation within recipients +0.38, the mean over 4 recipients"),
        (reversed_orders(ZERO_SHOT), "is rather the reverse of that of F: rank correlation within recipients -0.38"),
    ],
)
def test_what_is_said_follows_the_orders(bank_of, zero_shot, words):
    said = zero_shot_beside(bank_of(zero_shot)).sentences()
    assert words in said[0]
    assert "not of help in training" in said[0]
    assert any(sentence.startswith("8 pairs left out, other script: a model that never saw") for sentence in said)


def test_below_the_unigram_is_said(bank_of):
    assert "above the unigram distribution of t's text in 12 of 12" in " ".join(zero_shot_beside(bank_of()).sentences())
    low = zero_shot_beside(bank_of(unigram=0.4))
    assert "above the unigram distribution of t's text in 0 of 12" in " ".join(low.sentences())


def test_too_few_donors_of_one_script_are_not_ranked(bank_of):
    beside = zero_shot_beside(bank_of(languages=("de", "fi", "hu")))
    assert math.isnan(beside.agreement)
    assert "no recipient has 3 donors of its script" in beside.sentence()
    assert "left out" not in " ".join(beside.sentences())


def test_nothing_stands_beside_where_nothing_was_measured(bank_of):
    bank = bank_of(zero_shot=None)
    assert not has_zero_shot(bank)
    assert zero_shot_beside(bank) is None
    own = build_bank(bank_of().measurements, languages=CODES, name="test", protocol="zero_shot")
    assert not has_zero_shot(own)  # it is what the bank is made of


def test_rows_name_both_firsts(bank_of):
    header, *rows = zero_shot_rows(zero_shot_beside(bank_of()))
    assert len(rows) == 4
    assert all(len(row) == len(header) for row in rows)
    assert rows[2] == ("Hungarian (hu)", "3", "-1.00", "fi", "sv (-40%, +20%)")

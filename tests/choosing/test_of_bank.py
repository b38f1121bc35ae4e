"""Donors from a bank: by F with what zero-shot scores would choose beside, or by zero-shot scores alone."""

import numpy as np
import pandas as pd
import pytest

from bloodbank.bank import build_bank
from bloodbank.choosing.of_bank import recommend_from, share_of_own
from bloodbank.choosing.recommend import recommend
from bloodbank.errors import UsageError

CODES = ("de", "nl", "sv", "ru", "uk", "el")
ALONE = dict.fromkeys(CODES, 0.5)
# F to de: ru +0.4 is the best. Zero-shot MRR on de: nl 0.40, sv 0.35 (ru and el 0.45, which is no likeness).
TOGETHER = {("ru", "de"): 0.7, ("nl", "de"): 0.6, ("sv", "de"): 0.4}
ZERO_SHOT = {("nl", "de"): 0.40, ("sv", "de"): 0.35, ("ru", "de"): 0.45, ("el", "de"): 0.45, ("uk", "ru"): 0.30}


@pytest.fixture
def bank_of(make):
    def build(protocol="sequential", zero_shot=ZERO_SHOT, **settings):
        own = make(ALONE, TOGETHER if protocol == "sequential" else {})
        rows = [own, make({}, zero_shot, protocol="zero_shot")] if zero_shot else [own]
        return build_bank(pd.concat(rows), languages=CODES, name="test", protocol=protocol, **settings)

    return build


def text(bank, *recipients, budget=1, **options):
    return "\n".join(recommend_from(bank, recipients, budget, **{"anyway": True} | options))


def test_a_score_is_a_share_of_that_of_m_t():
    assert share_of_own(np.array([-0.2, 0.1]), 1) == pytest.approx([0.8, 1.1])
    # Cross-entropy 4 where M_t has 3: F = (3 - 4) / 3, and the share 3 / 4.
    assert share_of_own(-1 / 3, -1) == pytest.approx(0.75)


def test_zero_shot_scores_rank_donors_of_one_script(bank_of):
    said = text(bank_of("zero_shot"), "de")
    assert "For German (de): Dutch (nl) (1 donor)." in said
    assert "Zero-shot score on de, as a share of its own model's: nl 80%." in said
    assert "Not among the candidates, not comparable: other script: el, ru, uk (a model that never saw" in said
    assert said.startswith("Zero-shot scores (the donor's own model")
    assert "not of help in training" in said
    assert "paper's assumption" not in said
    assert "F to " not in said
    assert "For German (de): Dutch (nl), Swedish (sv) (2 donors)." in text(bank_of("zero_shot"), "de", budget=2)


def test_with_one_seed_nothing_is_recommended_by_zero_shot_scores_either(bank_of):
    said = text(bank_of("zero_shot"), "de", anyway=False)
    assert "For German (de): no donor is recommended" in said
    assert "one seed" in said


def test_the_opposite_order_gives_the_opposite_answer(bank_of):
    turned = ZERO_SHOT | {("nl", "de"): 0.20}
    assert "For German (de): Swedish (sv) (1 donor)." in text(bank_of("zero_shot", turned), "de")


def test_losses_are_ranked_by_what_is_least(make):
    losses = {("nl", "de"): 4.0, ("sv", "de"): 8.0}
    own = make(dict.fromkeys(CODES, 2.0), {}, metric="cross_entropy")
    rows = pd.concat([own, make({}, losses, protocol="zero_shot", metric="cross_entropy")])
    bank = build_bank(rows, languages=CODES, name="test", protocol="zero_shot", metric="cross_entropy")
    assert "as a share of its own model's: nl 50%, sv 25%." in text(bank, "de", budget=2)


def test_a_recipient_alone_in_its_script_is_refused(bank_of):
    rows = ZERO_SHOT | {("de", "el"): 0.4}
    with pytest.raises(UsageError, match="No zero-shot score on el can be compared: no other language here is written"):
        recommend_from(bank_of("zero_shot", rows), ["el"], 1)
    with pytest.raises(UsageError, match="Nothing was measured for nl"):
        recommend_from(bank_of("zero_shot"), ["nl"], 1)


def test_a_bank_of_f_says_what_zero_shot_scores_would_choose(bank_of):
    said = text(bank_of(), "de")
    assert "For German (de): Russian (ru) (1 donor)." in said
    assert said.splitlines()[-1].startswith("By zero-shot scores it would be Dutch (nl). Zero-shot scores")
    same = text(bank_of(), "de", candidates=["nl", "sv"])
    assert "By zero-shot scores it would be the same: Dutch (nl)." in same
    assert "By zero-shot" not in text(bank_of(zero_shot=None), "de")


def test_recipients_that_zero_shot_scores_cannot_compare_are_named(bank_of, make):
    rows = pd.concat([make(ALONE, TOGETHER | {("de", "el"): 0.6}), make({}, ZERO_SHOT, protocol="zero_shot")])
    bank = build_bank(rows, languages=CODES, name="test")
    assert "would be Dutch (nl) (el: not comparable: other script)." in text(bank, "de", "el")
    assert "By zero-shot scores: not possible (el: not comparable: other script)." in text(bank, "el")


def test_lines_of_f_are_those_of_the_recommendation(bank_of):
    bank = bank_of(zero_shot=None)
    said = recommend_from(bank, ["de"], 2, anyway=True)
    assert said == recommend(bank, ["de"], 2, anyway=True).lines()
    assert set(recommend(bank.finetune_scores, ["de"], 2).lines()) <= set(said)


def test_python_says_of_zero_shot_scores_what_the_command_says(bank_of):
    bank = bank_of("zero_shot")
    advice = recommend(bank, ["de"], 1, anyway=True)
    assert advice.zero_shot
    assert advice.donors == ("nl",)
    assert advice.lines() == recommend_from(bank, ["de"], 1, anyway=True)[1:]
    assert recommend(bank, ["de"], 1).donors == ()

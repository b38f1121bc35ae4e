"""Shares, counts and the subtitle of an audit, as they are written everywhere."""

import pytest

from bloodbank.corpus.audit.sentences import subtitle
from bloodbank.wording import compact, percentage
from made_audits import audit

REASON = "not computed, because it was not asked for"


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0%"), (1, "100%"), (0.5, "50.0%"), (0.581, "58.1%"), (0.0004, "0.04%"), (0.000_123, "0.012%"),
        (0.000_001, "<0.001%"), (0.9999, ">99.9%"), (0.99, "99.0%"), (0.001, "0.1%"),
    ],
)  # fmt: skip
def test_shares_are_never_rounded_to_none_or_all(share, text):
    assert percentage(share) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (7, "7"), (999, "999"), (1_000, "1.00k"), (12_345, "12.3k"), (999_499, "999k"), (999_999, "1.00M"),
        (10_000_000, "10.0M"), (123_456_789, "123M"), (20_500_000_000, "20.5G"), (1_234_000_000_000, "1,234G"),
    ],
)  # fmt: skip
def test_numbers_have_three_digits(value, text):
    assert compact(value) == text


def test_the_subtitle_says_what_the_corpus_is():
    assert subtitle(audit("fi", "de")) == "2 languages; 10,000,000 characters each; consecutive sampling, seed 0"
    made = audit("fi", budget=5_000, budget_unit="tokens", sampling="streams", seed=3)
    assert subtitle(made) == "1 language; 5,000 tokens each; streams sampling, seed 3"
    assert subtitle(audit("fi", budget=REASON)).startswith("1 language; budget not known;")

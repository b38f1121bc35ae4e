"""F against the other baseline: worked by hand, as in tests/bank/test_baseline.py."""

import pandas as pd
import pytest

from bloodbank.analysis.second_baseline import second_baseline, second_baseline_rows
from bloodbank.bank import build_bank

CODES = ("de", "fi", "hu")


@pytest.fixture
def both_of(make, paper_example):
    def build(longer, **settings):
        cells = {(code, code): value for code, value in longer.items()}
        rows = pd.concat([paper_example, make({}, cells, protocol="longer")])
        return second_baseline(build_bank(rows, languages=CODES, name="test", **settings))

    return build


def test_the_example_on_paper(both_of):
    # F: +20 -25 +60 -5 -5 -40, mean +0.8; against longer: +15.4 -16.7 +33.3 +5.6 -20.8 -42.3, mean -4.3; fi→hu turns.
    both = both_of({"de": 0.24, "fi": 0.26, "hu": 0.36})
    first, second = both.sentences()
    assert "the mean F is -4.3% (against M_t +0.8%), and 1 cell of 6 changes sign" in first
    assert "D is above zero for 1 and R is above zero for 1 of 3 languages" in first
    assert second == "All blood types are the same against `longer`."
    assert second_baseline_rows(both)[1] == ("Finnish (fi)", "+0.55", "+0.39", "-0.20", "-0.27", "O", "O")


def test_types_that_change_are_named(both_of):
    both = both_of({"de": 0.24, "fi": 0.26, "hu": 0.20})
    assert "others against `longer`: de AB+ → A, hu none → AB+." in both.sentences()[1]


def test_of_a_bank_against_longer_m_t_is_the_other(both_of):
    both = both_of({"de": 0.24, "fi": 0.26, "hu": 0.36}, baseline="longer")
    assert both.second.baseline == "alone"
    assert both.sentences()[0].startswith("Against M_t, the mean F is +0.8% (against `longer` -4.3%)")


def test_without_the_control_there_is_none(paper_example, example_with, make):
    assert second_baseline(build_bank(paper_example, languages=CODES, name="test")) is None
    longer = make({}, {("de", "de"): 0.3}, protocol="longer")
    rows = pd.concat([example_with(protocol="zero_shot"), longer])
    assert second_baseline(build_bank(rows, languages=CODES, name="test", protocol="zero_shot")) is None

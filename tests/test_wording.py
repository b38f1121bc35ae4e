"""What a number with its error lets one say: the opposite number must say the opposite."""

from __future__ import annotations

import math

import pytest

from bloodbank.wording import Finding


def _said(finding: Finding) -> str:
    return finding.choose(above="helps", below="harms", undecided="may do either", unknown="is not known")


@pytest.mark.parametrize(
    ("finding", "said"),
    [
        (Finding(0.12, 0.03, 0.21), "helps"),
        (Finding(-0.12, -0.21, -0.03), "harms"),
        (Finding(0.12, -0.03, 0.27), "may do either"),
        (Finding(0.12, 0.0, 0.24), "may do either"),
        (Finding(0.12), "is not known"),
        (Finding(0.12, 0.03, math.nan), "is not known"),
        (Finding(0.12, p=0.05), "helps"),
        (Finding(-0.12, p=0.01), "harms"),
        (Finding(0.12, 0.03, 0.21, p=0.2), "may do either"),
        (Finding(0.0, p=0.01), "may do either"),
    ],
)
def test_what_is_said_follows_from_the_number_and_its_error(finding: Finding, said: str) -> None:
    assert _said(finding) == said


def test_without_words_for_it_nothing_known_is_as_undecided() -> None:
    assert Finding(0.12).choose(above="helps", below="harms", undecided="may do either") == "may do either"


@pytest.mark.parametrize(
    ("finding", "text"),
    [
        (Finding(0.123, 0.034, 0.214, name="D = "), "D = +0.12 (95% interval +0.03 to +0.21)"),
        (Finding(12.3, -3, 21, unit="%", decimals=0, level=0.9), "+12% (90% interval -3% to +21%)"),
        (Finding(-0.5, p=0.0123), "-0.50 (p = 0.012)"),
        (Finding(0.5, 0.1, 0.9, p=0.2), "+0.50 (95% interval +0.10 to +0.90, p = 0.200)"),
        (Finding(0.001), "0.00"),
    ],
)
def test_it_is_written_with_what_is_known(finding: Finding, text: str) -> None:
    assert str(finding) == text


@pytest.mark.parametrize(
    ("p", "n_drawn", "verdict"),
    [(0.049, 10_000, "undecided"), (0.049, 0, "above"), (0.02, 10_000, "above"), (0.049, 1_000_000, "above")],
)
def test_a_p_that_other_draws_could_turn_decides_nothing(p, n_drawn, verdict):
    finding = Finding(0.3, p=p, n_drawn=n_drawn)
    assert finding.verdict == verdict
    assert ("about 0.05" in str(finding)) == (verdict == "undecided")

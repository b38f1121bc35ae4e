"""What the difference between two pretraining configurations says, from its interval alone.

Pure functions; nothing is read or written.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Measure = Literal["zero_shot", "monolingual"]
MEASURES: tuple[Measure, ...] = ("zero_shot", "monolingual")
SUPPORTED, NOT_SUPPORTED, UNDECIDED = "supported", "not supported", "undecided"
NOT_EVALUATED = "not evaluated"  # what it is about is not there


@dataclass(frozen=True)
class Difference:
    """What one configuration, or the mean of several, has more than another.

    Attributes:
        first: Configurations that are said to be better.
        second: Those that they are compared with.
        measure: `zero_shot` (Eq. 2) or `monolingual` (Eq. 11).
        value: Score of the first − score of the second, over the pairs that all of them have; positive where the first
            is better.
        low, high: Ends of its interval.
        verdict: On "the first is better", see `verdict`.
        n_pairs: Pairs of source and target that count.
        covers: What the interval covers.
    """

    first: tuple[str, ...]
    second: tuple[str, ...]
    measure: Measure
    value: float
    low: float
    high: float
    verdict: str
    n_pairs: int
    covers: str


def verdict(low: float, high: float, *, covers_seeds: bool) -> str:
    """Say what an interval says of "it is above 0".

    Args:
        low: Its lower end.
        high: Its upper end.
        covers_seeds: Whether it covers other seeds. An interval of test sentences alone decides nothing: it is several
            times too short.

    Returns:
        "supported" where the whole interval is above 0, "not supported" where it is below, else "undecided".
    """
    if low > 0 and covers_seeds:
        return SUPPORTED
    return NOT_SUPPORTED if high < 0 and covers_seeds else UNDECIDED

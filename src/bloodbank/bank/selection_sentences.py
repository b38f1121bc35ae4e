"""What a selection of sets says, in sentences: another choice gives other sentences. Nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from bloodbank.bank.names import signed
from bloodbank.bank.selection_input import words

if TYPE_CHECKING:
    from bloodbank.bank.selection import LanguageSet


def selection_lines(sets: Sequence[LanguageSet]) -> list[str]:
    """Say which languages each set holds, and why.

    Args:
        sets: What `select_sets` returned.

    Returns:
        Two or three lines a set, and what the sums mean.
    """
    found = []
    for one in sets:
        skipped = one.decisions["decision"] == "skipped"
        found.append(
            f"{words(one.name).capitalize()}: {' '.join(one.languages)} (sum of D {signed(one.donation, 2)}, "
            f"sum of R {signed(one.recipience, 2)})."
        )
        found.append(f"  Picked: {_because(one.decisions[~skipped])}.")
        if skipped.any():
            found.append(f"  Skipped: {_because(one.decisions[skipped])}.")
    return [*found, "Sums of D and R are scores of the bank over all its languages, not gains in any metric."]


def _because(rows: pd.DataFrame) -> str:
    return "; ".join(f"{code} ({reason})" for code, reason in zip(rows["language"], rows["reason"], strict=True))

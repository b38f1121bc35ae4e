"""Donors from a bank as it is: by F, and by zero-shot scores where these were measured beside, or alone.

for line in recommend_from(bank, ["hi", "ne"], 4):
    print(line)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bloodbank.analysis.zero_shot import has_zero_shot, zero_shot_scores
from bloodbank.bank.bank import Bank
from bloodbank.bank.measurements import METRICS
from bloodbank.bank.scripts import NOT_COMPARABLE, WHAT_THEY_SAY
from bloodbank.choosing.recommend import Recommendation, recommend, share_of_own
from bloodbank.errors import UsageError
from bloodbank.wording import language_name


def recommend_from(bank: Bank, recipients: Sequence[str], budget: int, **options: Any) -> list[str]:
    """Recommend donors from a bank, and say it.

    Args:
        bank: Of any protocol.
        recipients: Codes of the languages that are to gain.
        budget: Donors at most.
        options: Of `bloodbank.choosing.recommend.recommend`.

    Returns:
        Sentences. Of a bank of F, one says what zero-shot scores would choose, where they were measured beside.

    Raises:
        UsageError: As `recommend`.
    """
    advice = recommend(bank, recipients, budget, **options)
    if advice.zero_shot:
        return [f"{WHAT_THEY_SAY}.", *advice.lines()]
    return [*advice.lines(), *zero_shot_choice(bank, advice, **options)]


def zero_shot_choice(bank: Bank, advice: Recommendation, **options: Any) -> list[str]:
    """Say which donors zero-shot scores would choose for the same recipients, with the same options.

    Args:
        bank: Of F, with its measurements.
        advice: What was recommended by F.
        options: As it was.

    Returns:
        One sentence; none where no zero-shot scores were measured.
    """
    if not has_zero_shot(bank):
        return []
    try:
        finetune, _ = zero_shot_scores(bank, bank.metric)
    except UsageError:  # none is about two of this bank's languages
        return []
    shares = share_of_own(finetune, METRICS[bank.metric].sign)
    known = [code for code in advice.recipients if shares[code].notna().any()]
    others = [code for code in advice.recipients if code not in known]
    unable = f" ({', '.join(others)}: {NOT_COMPARABLE})" if others else ""
    if not known:
        return [f"By zero-shot scores: not possible{unable}."]
    wanted = options.get("candidates") or list(shares.index)
    n_donors = int(shares.loc[wanted, known].notna().any(axis="columns").sum())
    try:
        other = recommend(shares, known, min(advice.budget, n_donors), zero_shot=True, **options)
    except UsageError as error:
        return [f"By zero-shot scores: not possible ({error})"]
    named = ", ".join(f"{language_name(code)} ({code})" for code in other.donors)
    same = set(other.donors) == set(advice.donors)
    return [f"By zero-shot scores it would be {'the same: ' if same else ''}{named}{unable}. {WHAT_THEY_SAY}."]

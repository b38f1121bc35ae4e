"""Donors from a bank as it is: by F, and by zero-shot scores where these were measured beside, or alone.

    for line in recommend_from(bank, ["hi", "ne"], 4):
        print(line)

F of a zero-shot score is below zero nearly everywhere, since M_s never saw t: it ranks donors, but it is no gain. So
sets are compared by the score itself, as a share of what M_t reaches (for a loss, what M_t's is of that of M_s).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bloodbank.analysis.verdict import verdict
from bloodbank.analysis.zero_shot import has_zero_shot, zero_shot_scores
from bloodbank.bank.bank import Bank
from bloodbank.bank.measurements import METRICS, ZERO_SHOT
from bloodbank.bank.scripts import NOT_COMPARABLE, WHAT_THEY_SAY
from bloodbank.choosing.recommend import Recommendation, recommend
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
    if bank.protocol == ZERO_SHOT:
        known = bank.intervals if bank.intervals and bank.intervals.knows_error else None
        finetune, sign = bank.finetune_scores, METRICS[bank.metric].sign
        replicates = None if known is None else known.replicates
        variance = None if known is None else known.matrix("se") ** 2
        shares = share_of_own(finetune, sign)
        drawn = None if replicates is None else share_of_own(replicates, sign)
        # Of a loss the share is 1 / (1 - F), whose slope is its square.
        spread = None if variance is None else variance * (1 if sign > 0 else shares**4)
        options = options | {"replicates": drawn, "cell_variance": spread, "zero_shot": True}
        # The verdict is the bank's: its order of donors must repeat too.
        advice = replace(recommend(shares, recipients, budget, **options), verdict=verdict(bank))
        return [f"{WHAT_THEY_SAY}.", *advice.lines()]
    advice = recommend(bank, recipients, budget, **options)
    return [*advice.lines(), *zero_shot_choice(bank, advice, **options)]


def share_of_own(finetune: Any, sign: int) -> Any:
    """Turn F into the score of M_s as a share of that of M_t: 1 + F, or for a loss what M_t's loss is of that of M_s.

    Args:
        finetune: F, a table or an array; missing stays missing.
        sign: 1 where a higher score is better, else -1.
    """
    return 1.0 + finetune if sign > 0 else 1.0 / (1.0 - finetune)


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

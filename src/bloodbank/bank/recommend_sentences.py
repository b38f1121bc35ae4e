"""What a recommendation says, in sentences: other numbers give other sentences. Nothing is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from bloodbank.bank.names import language_name, percent, plural, signed
from bloodbank.bank.odds import ALONE, RANDOM, RUNNER_UP, WITH

if TYPE_CHECKING:
    from bloodbank.bank.recommending import Recommendation

_MAX_NAMED = 8
_FIRM = 0.95  # share of replicates from which a choice is called firm


def recommendation_lines(found: Recommendation) -> list[str]:
    """Say what is recommended, why, and how sure it is.

    Args:
        found: The recommendation.

    Returns:
        Sentences, the answer first.
    """
    return [
        _answer(found),
        _score(found),
        *_parts(found),
        *_harm(found),
        *_gaps(found),
        _other(found),
        *_rivals(found),
        _picks(found),
        _shrunk(found),
    ]


def _codes(codes: tuple[str, ...]) -> str:
    return " ".join(codes) if codes else "none"


def _answer(found: Recommendation) -> str:
    goals = ", ".join(f"{language_name(code)} ({code})" for code in found.recipients)
    if len(found.recipients) > _MAX_NAMED:
        goals = f"{len(found.recipients)} languages ({' '.join(found.recipients)})"
    limits = f"; {found.constraints}" if found.constraints else ""
    if not found.donors:
        return f"For {goals}: no donor. No allowed set of at most {found.budget} scores above zero{limits}."
    named = ", ".join(f"{language_name(code)} ({code})" for code in found.donors)
    n_donors = len(found.donors)
    no_more = "no other allowed one raises" if found.constraints else "no other one raises"
    fewer = f"{n_donors} of at most {found.budget}, as {no_more} the score"
    size = fewer if n_donors < found.budget else plural(n_donors, "donor")
    return f"For {goals}: {named} ({size}{limits})."


def _rule(objective: str, rho: float) -> str:
    if objective == "sum":
        return "the sum of F, the paper's assumption"
    return f"diminishing returns, ρ = {rho:g}"


def _score(found: Recommendation) -> str:
    how = (
        f"It is the best there is ({found.method})"
        if found.exact
        else f"It need not be the best there is ({found.method}); no set scores above {signed(found.bound, 2)}"
    )
    return (
        f"Score {signed(found.best.score, 2)} by {_rule(found.objective, found.rho)}: a score to compare sets by, not "
        f"a gain in any metric. {how}."
    )


def _parts(found: Recommendation) -> list[str]:
    lines = []
    for recipient in found.recipients[:_MAX_NAMED]:
        rows = found.contributions[found.contributions["recipient"] == recipient]
        if rows.empty:
            if found.donors:
                lines.append(f"To {recipient} none of them was measured.")
            continue
        given = ", ".join(
            f"{donor} {percent(float(value))}%"
            for donor, value in zip(rows["donor"], rows["finetune_score"], strict=True)
        )
        lines.append(f"F to {recipient}: {given}.")
    if len(found.recipients) > _MAX_NAMED:
        lines.append(f"And {len(found.recipients) - _MAX_NAMED} more recipients.")
    own = [code for code in found.recipients if code in found.donors]
    if own:
        lines.append(f"{', '.join(own)}: both recipient and donor; what a language's own text gives it is not counted.")
    return lines


def _harm(found: Recommendation) -> list[str]:
    harmful = found.contributions[found.contributions["finetune_score"] <= -0.005].sort_values("finetune_score")
    if harmful.empty:
        return []
    named = ", ".join(
        f"{donor}→{recipient} ({percent(float(value))}%)"
        for donor, recipient, value in harmful[["donor", "recipient", "finetune_score"]]
        .head(_MAX_NAMED)
        .to_numpy(object)
    )
    more = f", and {len(harmful) - _MAX_NAMED} more" if len(harmful) > _MAX_NAMED else ""
    return [f"Harmful pairs in the set: {named}{more}."]


def _gaps(found: Recommendation) -> list[str]:
    lines = []
    if not found.unmeasured.empty:
        pairs = [f"{donor}→{recipient}" for donor, recipient in found.unmeasured.head(_MAX_NAMED).to_numpy(object)]
        more = f", and {len(found.unmeasured) - _MAX_NAMED} more" if len(found.unmeasured) > _MAX_NAMED else ""
        lines.append(f"Not measured, and counted as nothing: {', '.join(pairs)}{more}.")
    unknown = [str(code) for code, reason in found.left_out.items() if str(reason).startswith("no F")]
    if unknown:
        lines.append(f"Not among the candidates, because no F to these recipients was measured: {', '.join(unknown)}.")
    return lines


def _other(found: Recommendation) -> str:
    rule = "the sum of F, the paper's assumption," if found.other_objective == "sum" else "diminishing returns"
    if set(found.other.donors) == set(found.donors):
        return f"By {rule} it is the best set too."
    return f"By {rule} the best set is another one: {_codes(found.other.donors)}."


_RIVALS = {
    RUNNER_UP: "the runner-up ({donors})",
    ALONE: "English alone",
    WITH: "the best set of this size with English ({donors})",
    RANDOM: "the mean of all allowed sets of this size",
}


def _rivals(found: Recommendation) -> list[str]:
    lines = []
    for rival, name in _RIVALS.items():
        if rival not in found.doubt.rivals.index:
            continue
        row: dict[Any, Any] = found.doubt.rivals.loc[rival].to_dict()
        lead, odds = row["lead"], row["odds"]
        ahead = "level with" if abs(lead) < 0.005 else f"{abs(lead):.2f} {'ahead of' if lead > 0 else 'behind'}"
        chance = (
            ""
            if pd.isna(odds)
            else f"; ahead in {odds:.0%} of {found.doubt.n_replicates:,} replicates{_firmness(odds)}"
        )
        lines.append(f"Its score is {ahead} {name.format(donors=row['donors'])}{chance}.")
    if found.runner_up is None and not found.exact:
        lines.append("Against the runner-up: not possible, because too many sets were left to look for it.")
    if found.doubt.no_english:
        lines.append(f"Against English alone: not possible, because {found.doubt.no_english}.")
    return lines


def _firmness(odds: float) -> str:
    if odds >= _FIRM:
        return ""
    return ", so the two cannot be told apart" if odds > 1 - _FIRM else ", where the other does better"


def _picks(found: Recommendation) -> str:
    doubt = found.doubt
    if not doubt.n_replicates:
        return (
            "How often each language is picked when F is measured again, and the odds against other sets: not "
            "possible, because there are no replicates of F (one seed, a matrix without, or no replicates.parquet)."
        )
    often = ", ".join(f"{code} {share:.0%}" for code, share in doubt.picked[doubt.picked > 0].head(_MAX_NAMED).items())
    how = "" if doubt.picked_exactly else ", searched for in each and not proven"
    return (
        f"Picked over {doubt.n_replicates:,} replicates of F: {often or 'no language'}; exactly this set in "
        f"{doubt.same_set:.0%} of them{how}. The set was chosen on the same measurements, so these shares flatter it."
    )


def _shrunk(found: Recommendation) -> str:
    doubt, own = found.doubt, set(found.donors)
    if doubt.shrunk_donors is not None:
        same = (
            "it is still the best set"
            if set(doubt.shrunk_donors) == own
            else f"the best set is {_codes(doubt.shrunk_donors)}"
        )
        return (
            f"With F shrunk towards donor + recipient effects ({doubt.shrunk_kept:.0%} of the departures kept, by "
            f"their noise) {same}."
        )
    if set(doubt.additive_donors) == own:
        return "With donor + recipient effects alone in place of F it is still the best set."
    lasts = (
        f"it stays the best while at least {doubt.least_kept:.0%} of each cell's departure from them is real"
        if doubt.least_kept < 1
        else "it is no longer the best once a tenth of each cell's departure from them is noise"
    )
    return (
        f"With donor + recipient effects alone in place of F the best set is {_codes(doubt.additive_donors)}; {lasts}. "
        "How much of it is noise cannot be known without replicates."
    )

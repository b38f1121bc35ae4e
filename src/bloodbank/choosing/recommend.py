r"""Which languages to pretrain on for given recipients: the donor set with the best score, and how sure it is.

Pure functions of F and its replicates; nothing is written.

    found = recommend(bank.finetune_scores, ["hi", "ne"], budget=4)
    print(*found.lines(), sep="\n")

The score of a set adds up F over recipients and donors: in full (the paper's assumption) or with diminishing returns,
where the i-th best donor of a recipient counts ρ^(i-1). It is a score by which sets are compared. It is no gain in any
metric: F was measured with one donor at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bloodbank.choosing.best_set import Answer, Problem, search
from bloodbank.choosing.diversity import Diversity
from bloodbank.choosing.doubt import ALONE, RANDOM, RUNNER_UP, WITH, Case, Doubt, examine
from bloodbank.errors import UsageError
from bloodbank.wording import language_name, percent, plural, signed

# What a user asks of a recommendation, checked.


DIMINISHING, SUM = "diminishing", "sum"


def in_order(finetune: pd.DataFrame, replicates: np.ndarray | None) -> tuple[pd.DataFrame, np.ndarray | None]:
    """Put F and its replicates into the order of codes, so that no result depends on the order that they came in.

    Raises:
        UsageError: F is not square, holds an infinite cell, or the replicates have another shape.
    """
    if list(finetune.index) != list(finetune.columns) or finetune.index.has_duplicates:
        raise UsageError("F must have the same languages in rows and columns, in the same order, each once.")
    n_languages = len(finetune)
    order = np.argsort(np.array([str(code) for code in finetune.index], dtype=object))
    table = finetune.iloc[order, order].astype(float)
    table = table.mask(np.eye(n_languages, dtype=bool))
    if np.isinf(table.to_numpy()).any():
        raise UsageError("F holds an infinite cell. Leave it missing, or look for the zero that it was divided by.")
    if replicates is None or not len(replicates):
        return table, None
    draws = np.asarray(replicates, dtype=float)
    if draws.shape[1:] != (n_languages, n_languages):
        raise UsageError(f"Replicates have the shape {draws.shape}; F has {n_languages} languages in rows and columns.")
    draws = draws[:, order][:, :, order].copy()
    draws[:, np.arange(n_languages), np.arange(n_languages)] = np.nan
    return table, draws


def known_codes(codes: Sequence[str], table: pd.DataFrame, what: str) -> list[str]:
    """Check a list of codes against the languages of F.

    Raises:
        UsageError: A code is unknown or given twice.
    """
    if isinstance(codes, str):
        raise UsageError(f"{what} are a list of codes, not one text: {codes!r}.")
    given = [str(code) for code in codes]
    unknown = [code for code in given if code not in table.index]
    if unknown:
        raise UsageError(f"{what}: {unknown[0]!r} is not measured here. Measured: {', '.join(map(str, table.index))}.")
    twice = sorted({code for code in given if given.count(code) > 1})
    if twice:
        raise UsageError(f"{what}: {', '.join(twice)} given twice.")
    return given


def check_settings(goals: list[str], budget: int, objective: str, rho: float, draws: np.ndarray | None) -> None:
    """Refuse settings out of range.

    Raises:
        UsageError: Names the setting and what is allowed.
    """
    if not goals:
        raise UsageError("No recipient is given. Name at least one language that is to gain.")
    if budget < 1:
        raise UsageError(f"The budget is {budget} donors; it must be at least 1.")
    if objective not in (DIMINISHING, SUM):
        raise UsageError(f"Unknown objective {objective!r}. Known: {DIMINISHING}, {SUM}.")
    if not 0 <= rho <= 1:  # also refuses a NaN
        raise UsageError(f"ρ is {rho}; it goes from 0 (only the best donor counts) to 1 (all count in full).")
    if draws is not None and np.isinf(draws).any():
        raise UsageError("A replicate of F holds an infinite cell. Leave it missing.")


def check_measured(measured: pd.DataFrame) -> None:
    """Refuse a recipient to which nothing was measured.

    Raises:
        UsageError: Names it.
    """
    empty = [str(code) for code in measured if measured[code].isna().all()]
    if empty:
        raise UsageError(
            f"Nothing was measured for {', '.join(empty)} as a recipient, so no donor can be chosen for it."
        )


def candidate_pool(
    measured: pd.DataFrame,
    candidates: Sequence[str] | None,
    include: Sequence[str],
    exclude: Sequence[str],
    *,
    recipients_donate: bool,
) -> tuple[list[str], dict[str, str]]:
    """Work out which languages may be in the set, in the order of codes, and why others may not.

    Raises:
        UsageError: A code is unknown or given twice, or a language to keep in cannot be picked.
    """
    named = known_codes(list(measured.index) if candidates is None else candidates, measured, "candidates")
    kept, out = (known_codes(*one) for one in ((include, measured, "include"), (exclude, measured, "exclude")))
    pool: list[str] = []
    left_out: dict[str, str] = {}
    for code in sorted(set(named) | set(kept)):
        if code in out:
            left_out[code] = "excluded as asked"
        elif not recipients_donate and code in measured.columns:
            left_out[code] = "a recipient, and recipients are not to donate"
        elif measured.loc[code].isna().all():
            itself = list(measured.columns) == [code]
            left_out[code] = "the one recipient" if itself else "no F to any of the recipients was measured"
        else:
            pool.append(code)
            continue
        if code in kept:
            raise UsageError(f"{code} is to be kept in, but it cannot be picked: {left_out[code]}.")
    lost = [code for code in kept if code not in named]
    if lost:
        raise UsageError(f"{lost[0]} is to be kept in, and it is not among the candidates.")
    return pool, left_out


EXACT_LIMIT = 1_000_000


@dataclass(frozen=True, eq=False)
class DonorSet:
    """A set of donors with its score."""

    donors: tuple[str, ...]  #: in the order of what each adds to all recipients alone
    score: float  #: dimensionless; positive is good; no gain of any metric


@dataclass(frozen=True, eq=False)
class Recommendation:
    """The donor set with the best score for some recipients.

    Scores can be compared only with each other, for the same recipients, objective and ρ.
    """

    recipients: tuple[str, ...]
    best: DonorSet
    budget: int
    objective: str
    rho: float
    runner_up: DonorSet | None  #: the second best set; None where there is only one, or it was not looked for
    exact: bool  #: the set is proven to be the best there is
    method: str  #: how it was found, in words
    bound: float  #: no set scores higher; the score itself where `exact`
    other: DonorSet  #: the best set by the other objective, with the score of that objective
    other_objective: str
    contributions: pd.DataFrame  #: donor, recipient, finetune_score, weight, part: what makes up the score
    left_out: pd.Series[str]  #: candidate -> why it cannot be picked
    unmeasured: pd.DataFrame  #: donor, recipient of the set's missing cells, which count as nothing
    constraints: str  #: in words
    doubt: Doubt  #: how the choice fares on replicates and on F shrunk towards the additive model

    @property
    def donors(self) -> tuple[str, ...]:
        """The recommended donors."""
        return self.best.donors

    def lines(self) -> list[str]:
        """Say what is recommended, why, and how sure it is; other numbers give other sentences."""
        return recommendation_lines(self)


def recommend(
    finetune: pd.DataFrame,
    recipients: Sequence[str],
    budget: int,
    *,
    candidates: Sequence[str] | None = None,
    objective: str = DIMINISHING,
    rho: float = 0.5,
    exact_size: bool = False,
    recipients_donate: bool = True,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    diversity: Diversity | None = None,
    replicates: np.ndarray | None = None,
    cell_variance: pd.DataFrame | None = None,
    exact_limit: int = EXACT_LIMIT,
    seed: int = 0,
) -> Recommendation:
    """Find the set of at most `budget` donors with the best score for some recipients.

    The score is Σ_t Σ_i ρ^(i-1) F_(i): for each recipient t, F of the set's donors in falling order. A harmful donor
    stands last and costs ρ^(i-1) |F|. A cell that was not measured adds nothing and takes no place. The set may be
    smaller than the budget, or empty, where another donor would only cost.

    Args:
        finetune: F.
        recipients: Codes of the languages that are to gain; all count the same.
        budget: Donors at most.
        candidates: Donors to choose from; all languages by default.
        objective: "diminishing" (returns fall by ρ with each donor), or "sum" (the paper's assumption, ρ = 1).
        rho: What the next donor of a recipient counts, from 0 (only the best counts) to 1.
        exact_size: Take exactly `budget` donors, even where fewer score higher.
        recipients_donate: Let recipients be in the set, as donors for each other (never for themselves).
        include: Donors to keep in.
        exclude: Donors to keep out.
        diversity: Constraints on the set.
        replicates: F drawn anew, each draw as uncertain as F itself (the bootstrap's, for example), in its order.
        cell_variance: Variance of each cell of F, for the shrinking; by default that over the replicates.
        exact_limit: Sets that are listed one by one; beyond that an integer programme is solved.
        seed: Of the random sets to compare with, where not all are listed.

    Returns:
        The recommendation.

    Raises:
        UsageError: A code is unknown or given twice, the budget does not fit, nothing was measured for a recipient, the
            constraints leave no set, or a setting is out of range.

    Shape:
        F is `[donor, recipient]`, `replicates` `[replicate, donor, recipient]`.
    """
    table, draws = in_order(finetune, replicates)
    goals = known_codes(recipients, table, "recipients")
    check_settings(goals, budget, objective, rho, draws)
    measured = table[sorted(goals)]
    check_measured(measured)
    pool, left_out = candidate_pool(measured, candidates, include, exclude, recipients_donate=recipients_donate)
    if budget > len(pool):
        raise UsageError(f"A budget of {budget} donors, but only {len(pool)} candidates: {', '.join(pool) or 'none'}.")
    if len(include) > budget:
        raise UsageError(f"{len(include)} donors are to be kept in, and the budget is {budget}.")
    limits = diversity or Diversity()
    rules = limits.rules(pool)
    forced = tuple(sorted(pool.index(code) for code in include))
    rules.check(forced)
    rhos = {DIMINISHING: rho, SUM: 1.0}
    problems = {
        name: Problem(measured.loc[pool].to_numpy(dtype=float), own, budget if exact_size else 0, budget, forced, rules)
        for name, own in rhos.items()
    }
    leading = problems[objective]
    answer = search(leading, exact_limit)
    second = SUM if objective == DIMINISHING else DIMINISHING
    return Recommendation(
        recipients=tuple(goals),
        best=_donor_set(answer.best, answer.score, leading, pool),
        budget=budget,
        objective=objective,
        rho=leading.rho,
        runner_up=None if answer.runner_up is None else _donor_set(*answer.runner_up, leading, pool),
        exact=answer.exact,
        method=answer.method,
        bound=answer.bound,
        other=_best_set(search(problems[second], exact_limit, runner_up=False), problems[second], pool),
        other_objective=second,
        contributions=_contributions(measured.loc[[pool[place] for place in answer.best]], leading.rho),
        left_out=pd.Series(left_out, dtype=object, name="reason").rename_axis("language"),
        unmeasured=_unmeasured(measured.loc[[pool[place] for place in answer.best]]),
        constraints=limits.words(),
        doubt=examine(
            Case(table, draws, list(measured.columns), pool, leading, answer),
            cell_variance,
            exact_limit=exact_limit,
            seed=seed,
        ),
    )


def _donor_set(places: tuple[int, ...], score: float, problem: Problem, pool: list[str]) -> DonorSet:
    alone = np.nansum(problem.gains, axis=1)
    ordered = sorted(places, key=lambda place: (-alone[place], pool[place]))
    return DonorSet(tuple(pool[place] for place in ordered), score)


def _best_set(answer: Answer, problem: Problem, pool: list[str]) -> DonorSet:
    return _donor_set(answer.best, answer.score, problem, pool)


def _contributions(chosen: pd.DataFrame, rho: float) -> pd.DataFrame:
    rows = []
    for recipient in chosen:
        ordered = chosen[recipient].dropna().sort_values(ascending=False, kind="stable")
        for place, (donor, value) in enumerate(ordered.items()):
            rows.append((donor, recipient, float(value), rho**place, float(value) * rho**place))
    return pd.DataFrame(rows, columns=["donor", "recipient", "finetune_score", "weight", "part"])


def _unmeasured(chosen: pd.DataFrame) -> pd.DataFrame:
    rows = [
        (donor, recipient)
        for donor in chosen.index
        for recipient in chosen.columns
        if donor != recipient and np.isnan(chosen.loc[donor, recipient])
    ]
    return pd.DataFrame(rows, columns=["donor", "recipient"])


# What a recommendation says, in sentences: other numbers give other sentences.


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

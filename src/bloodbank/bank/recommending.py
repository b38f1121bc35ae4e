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

import numpy as np
import pandas as pd

from bloodbank.bank.diversity import Diversity
from bloodbank.bank.odds import Case, Doubt, examine
from bloodbank.bank.optimum import Problem
from bloodbank.bank.recommend_input import (
    DIMINISHING,
    SUM,
    candidate_pool,
    check_measured,
    check_settings,
    in_order,
    known_codes,
)
from bloodbank.bank.searching import Answer, search
from bloodbank.errors import UsageError

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
        from bloodbank.bank.recommend_sentences import recommendation_lines

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

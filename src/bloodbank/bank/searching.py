"""Choose how to find the best donor set: list all, solve an integer programme, or search. Nothing is written."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bloodbank.bank import programming
from bloodbank.bank.optimum import Problem, all_sets, best_of, local_search, score_sets, upper_bound
from bloodbank.errors import UsageError


@dataclass(frozen=True, eq=False)
class Answer:
    """The best set that was found, by places of candidates."""

    best: tuple[int, ...]
    score: float
    runner_up: tuple[tuple[int, ...], float] | None
    exact: bool
    method: str
    bound: float  #: no set scores higher
    sets: list[np.ndarray] | None  #: all allowed sets, one array a size; None where they were not listed


def search(problem: Problem, exact_limit: int, *, runner_up: bool = True) -> Answer:
    """Find the best set, and the second best.

    Args:
        problem: What is to be found.
        exact_limit: Sets that are listed at most.
        runner_up: Look for the second best where that takes another solution.

    Returns:
        The answer; proven to be the best wherever all sets were listed or the programme was solved.

    Raises:
        UsageError: No set keeps to the constraints.
    """
    if problem.n_sets <= exact_limit:
        return _listed(problem)
    if programming.n_variables(problem) <= programming.MAX_VARIABLES:
        return _programmed(problem, runner_up=runner_up)
    return _searched(problem, upper_bound(problem), proven=False)


def _listed(problem: Problem) -> Answer:
    sets = all_sets(problem)
    n_sets = sum(len(of_size) for of_size in sets)
    if not n_sets:
        raise _no_set(problem)
    (best, score), *others = best_of(sets, problem.gains, problem.rho)
    method = f"all {n_sets:,} possible sets compared"
    return Answer(best, score, others[0] if others else None, True, method, score, sets)


def _programmed(problem: Problem, *, runner_up: bool) -> Answer:
    solved = programming.solve(problem)
    if solved.members is None and solved.proven:
        raise _no_set(problem)
    if solved.members is None or not solved.proven:
        return _searched(problem, min(solved.bound, upper_bound(problem)), proven=False, start=solved.members)
    score = _score(problem, solved.members)
    second = None
    if runner_up:
        next_best = programming.solve(problem, barred=solved.members)
        if next_best.members is not None and next_best.proven:
            second = (next_best.members, _score(problem, next_best.members))
    return Answer(solved.members, score, second, True, "proven by an integer programme", score, None)


def _searched(problem: Problem, bound: float, *, proven: bool, start: tuple[int, ...] | None = None) -> Answer:
    found = local_search(problem, [start] if start is not None else [])
    if found is None:
        raise _no_set(problem)
    return Answer(*found, None, proven, "greedy choice, then adding, dropping and swapping", bound, None)


def _score(problem: Problem, members: tuple[int, ...]) -> float:
    return float(score_sets(np.array([members], dtype=np.int16).reshape(1, -1), problem.gains, problem.rho)[0])


def _no_set(problem: Problem) -> UsageError:
    return UsageError(
        f"No set of {problem.sizes.start} to {problem.max_size} of the {len(problem.gains)} candidates keeps to the "
        "constraints. Loosen them, or lower the budget."
    )

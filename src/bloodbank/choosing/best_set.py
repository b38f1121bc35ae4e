"""Find the donor set with the best score for given recipients: all sets listed, or an integer programme solved.

The score of a set is the sum over recipients t of Σ_i ρ^(i-1) F_(i), with F_(i) the i-th highest F(s→t) of the donors s
in the set that were measured for t. ρ = 1 is the plain sum, ρ = 0 counts only the best donor. A harmful donor stands
among the last of the set and costs ρ^(i-1) |F|; a cell that was not measured adds nothing and takes no place.

`bloodbank.choosing.recommend` is what to call.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, combinations
from math import comb
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bloodbank.choosing.diversity import Rules
from bloodbank.errors import BloodbankError, UsageError

if TYPE_CHECKING:
    from scipy.sparse import csr_array

# Two sets whose scores differ by less are equal; the smaller one counts, then the first by code.
SAME = 1e-12
# Of one programme: the best 8 of 200 candidates for 200 recipients take some 10, banks of today below 1.
MAX_SECONDS = 60.0
_CHUNK_CELLS = 4_000_000  # sorted at a time: 32 MB
_NOBODY = -1  # the member of a set that is smaller than others of its list


@dataclass(frozen=True, eq=False)
class Problem:
    """Which candidates there are, what they give, and what a set must keep to.

    Shape:
        `gains` is `[candidate, recipient]`, missing where nothing was measured.
    """

    gains: np.ndarray
    rho: float
    min_size: int
    max_size: int
    forced: tuple[int, ...]
    rules: Rules

    @property
    def free(self) -> list[int]:
        """Candidates that may join those kept in."""
        return [place for place in range(len(self.gains)) if place not in self.forced]

    @property
    def sizes(self) -> range:
        """Sizes that a set may have, those kept in counted."""
        return range(max(self.min_size, len(self.forced)), self.max_size + 1)

    @property
    def n_sets(self) -> int:
        """How many sets there are, before the constraints."""
        return sum(comb(len(self.free), size - len(self.forced)) for size in self.sizes)

    def no_set(self) -> UsageError:
        """Say that the constraints leave none."""
        return UsageError(
            f"No set of {self.sizes.start} to {self.max_size} of the {len(self.gains)} candidates keeps to the "
            "constraints. Loosen them, or lower the budget."
        )


@dataclass(frozen=True, eq=False)
class Answer:
    """The best set, by places of candidates."""

    best: tuple[int, ...]
    score: float
    runner_up: tuple[tuple[int, ...], float] | None
    exact: bool  #: proven to be the best
    method: str
    bound: float  #: no set scores higher
    sets: np.ndarray | None  #: all allowed sets, see `all_sets`; None where they were not listed


def search(problem: Problem, exact_limit: int, *, runner_up: bool = True) -> Answer:
    """Find the best set, and the second best.

    Args:
        problem: What is to be found.
        exact_limit: Sets that are listed at most.
        runner_up: Look for the second best where that takes another solution.

    Returns:
        The answer: the best there is, unless an integer programme ran out of time.

    Raises:
        UsageError: No set keeps to the constraints.
        BloodbankError: No set was found in time.
    """
    return _listed(problem) if problem.n_sets <= exact_limit else _programmed(problem, runner_up=runner_up)


def _listed(problem: Problem) -> Answer:
    sets = all_sets(problem)
    if not len(sets):
        raise problem.no_set()
    scores = score_sets(sets, problem.gains, problem.rho)
    best = int(first_best(scores))
    score, runner_up = float(scores[best]), None
    if len(sets) > 1:
        scores[best] = -np.inf
        second = int(first_best(scores))
        runner_up = (places_in(sets[second]), float(scores[second]))
    method = f"all {len(sets):,} possible sets compared"
    return Answer(places_in(sets[best]), score, runner_up, exact=True, method=method, bound=score, sets=sets)


def _programmed(problem: Problem, *, runner_up: bool) -> Answer:
    solved = solve(problem)
    if solved.members is None and solved.proven:
        raise problem.no_set()
    if solved.members is None:
        raise BloodbankError(
            f"No set was found in {MAX_SECONDS:g} seconds. Name fewer candidates or recipients, or lower the budget."
        )
    score = _score(problem, solved.members)
    if not solved.proven:
        method = f"the best that an integer programme found in {MAX_SECONDS:g} seconds"
        return Answer(solved.members, score, None, exact=False, method=method, bound=solved.bound, sets=None)
    second = solve(problem, barred=solved.members) if runner_up else Solved(None, score, proven=False)
    rival = (second.members, _score(problem, second.members)) if second.members is not None and second.proven else None
    method = "proven by an integer programme"
    return Answer(solved.members, score, rival, exact=True, method=method, bound=score, sets=None)


def _score(problem: Problem, members: tuple[int, ...]) -> float:
    return float(score_sets(np.array([members], dtype=int), problem.gains, problem.rho)[0])


def all_sets(problem: Problem) -> np.ndarray:
    """List every set that keeps to the constraints: the smaller first, those of one size in the order of places.

    Shape:
        `[set, member]`, places of candidates; a set that is smaller than others ends with -1.
    """
    forced, free, listed = list(problem.forced), problem.free, []
    for size in problem.sizes:
        n_free = size - len(forced)
        n_sets = comb(len(free), n_free)
        drawn = chain.from_iterable(combinations(free, n_free))
        sets = np.full((n_sets, problem.max_size), _NOBODY, dtype=np.int16)
        sets[:, : len(forced)] = forced
        sets[:, len(forced) : size] = np.fromiter(drawn, np.int16, n_sets * n_free).reshape(n_sets, n_free)
        listed.append(sets[problem.rules.allowed(sets[:, :size])])
    return np.concatenate(listed)


def places_in(row: np.ndarray) -> tuple[int, ...]:
    """Read one of the sets of `all_sets`."""
    return tuple(sorted(int(place) for place in row if place != _NOBODY))


def score_sets(sets: np.ndarray, gains: np.ndarray, rho: float) -> np.ndarray:
    """Score many sets.

    Args:
        sets: Places of candidates, each row one set; -1 for no candidate.
        gains: F of each candidate for each recipient; of several replicates at once, if wanted.
        rho: What the next donor of a recipient counts, relative to the one before.

    Returns:
        A score for each set, of each replicate.

    Shape:
        `sets` is `[set, member]`, `gains` `[..., candidate, recipient]`; returned `[..., set]`.
    """
    nobody = np.full((*gains.shape[:-2], 1, gains.shape[-1]), np.nan)
    losses = -np.concatenate([gains, nobody], axis=-2).swapaxes(-1, -2)  # [..., recipient, candidate], nobody at -1
    weights = rho ** np.arange(sets.shape[1])
    step = max(1, _CHUNK_CELLS // max(1, gains[..., 0, :].size * sets.shape[1]))
    scores = []
    for start in range(0, len(sets), step):
        ordered = losses[..., sets[start : start + step]]  # [..., recipient, set, member]
        if rho < 1:
            ordered.sort(axis=-1)  # the best donor first; what is missing last, where it takes no place
        ordered[np.isnan(ordered)] = 0
        scores.append(0.0 - (ordered @ weights).sum(axis=-2))
    return np.concatenate(scores, axis=-1)


def first_best(scores: np.ndarray) -> np.ndarray:
    """Find the first of the best scores along the last axis; those that differ by rounding are equal."""
    return np.asarray(np.argmax(scores >= scores.max(axis=-1, keepdims=True) - SAME, axis=-1))


class Solved(NamedTuple):
    """What the solver says."""

    members: tuple[int, ...] | None  #: None where no set was found
    bound: float  #: no set scores higher
    proven: bool  #: the set is the best there is, or there is none


def n_variables(problem: Problem) -> int:
    """Count the variables of the programme."""
    n_candidates, n_recipients = problem.gains.shape
    return int(n_candidates + (n_candidates + 1) * problem.max_size * n_recipients)


class _Ranking(NamedTuple):
    """The part of the programme in which the donors of one recipient are put into places."""

    costs: np.ndarray
    whole: np.ndarray  #: 1 for variables that are whole numbers
    of_members: csr_array  #: [row, candidate]
    of_places: csr_array  #: [row, own variable]
    most: np.ndarray  #: that each row may add up to; all are at least 0


def _ranking(gains: np.ndarray, weights: np.ndarray) -> _Ranking:
    from scipy import sparse

    measured, n_places = ~np.isnan(gains), len(weights)
    n_measured = int(measured.sum())
    place = sparse.eye_array(n_places)
    takes = sparse.kron(sparse.eye_array(n_measured), np.ones((1, n_places)))
    holds = sparse.kron(np.ones((1, n_measured)), place)
    candidates = sparse.eye_array(len(gains), format="csr")[measured]
    return _Ranking(
        costs=np.append(-np.outer(gains[measured], weights), np.zeros(n_places)),
        whole=np.repeat([0, 1], [n_measured * n_places, n_places]),
        # A member takes one place, a place that is taken holds one member, and none before it is left free.
        of_members=sparse.vstack([-candidates, sparse.csr_array((2 * n_places, len(gains)))]),
        of_places=sparse.block_array([[takes, None], [holds, -place], [None, place - sparse.eye_array(n_places, k=1)]]),
        most=np.repeat([0, np.inf], [n_measured + n_places, n_places]),
    )


def _limits(problem: Problem, barred: tuple[int, ...] | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows over candidates, and the least and the most that each may add up to."""
    rows, least, most = [np.ones(len(problem.gains))], [problem.sizes.start], [problem.max_size]
    for cap in problem.rules.caps:
        labels = np.array(["" if label is None else label for label in cap.labels])
        for label in np.unique(labels):
            rows.append(labels == label)
            most.append(cap.limit if label else 0)
    candidates = np.eye(len(problem.gains))
    for first, second in zip(*np.nonzero(np.triu(problem.rules.near, 1)), strict=True):
        rows.append(candidates[first] + candidates[second])
        most.append(1)
    if barred is not None:
        rows.append(2 * candidates[list(barred)].sum(axis=0) - 1)
        most.append(len(barred) - 1)
    return np.array(rows), np.array(least + [-np.inf] * (len(rows) - 1)), np.array(most)


def solve(problem: Problem, *, barred: tuple[int, ...] | None = None) -> Solved:
    """Find the best set with the solver HiGHS.

    The programme has a variable for each candidate, 1 for those in the set; and for each recipient one for each donor
    and place, 1 where this donor is its i-th best, and one for each place, 1 where it is taken. Weights fall from place
    to place, so better donors come first by themselves. For the plain sum places do not matter.

    Args:
        problem: What is to be found.
        barred: A set that must not be the answer, to find the runner-up.

    Returns:
        The set, the bound, and whether the set is proven to be the best; after `MAX_SECONDS` the best set so far.
    """
    from scipy import sparse
    from scipy.optimize import Bounds, LinearConstraint, milp

    is_sum, n_candidates = problem.rho == 1, len(problem.gains)
    weights = problem.rho ** np.arange(problem.max_size)
    rankings = [_ranking(gains, weights) for gains in problem.gains.T if not is_sum and not np.isnan(gains).all()]
    worth = np.nansum(problem.gains, axis=1) if is_sum else np.zeros(n_candidates)
    costs = np.concatenate([-worth, *(ranking.costs for ranking in rankings)])
    limits, least, most = _limits(problem, barred)
    matrix = sparse.csr_array(limits)
    if rankings:
        of_members = sparse.vstack([ranking.of_members for ranking in rankings])
        of_places = sparse.block_diag([ranking.of_places for ranking in rankings])
        matrix = sparse.block_array([[matrix, None], [of_members, of_places]], format="csr")
        least = np.append(least, np.zeros(of_places.shape[0]))
        most = np.concatenate([most, *(ranking.most for ranking in rankings)])
    lowest = np.zeros(len(costs))
    lowest[list(problem.forced)] = 1
    result = milp(
        costs,
        integrality=np.concatenate([np.ones(n_candidates), *(ranking.whole for ranking in rankings)]),
        bounds=Bounds(lowest, 1),
        constraints=LinearConstraint(matrix, least, most),
        options={"time_limit": MAX_SECONDS, "mip_rel_gap": 1e-9},
    )
    members = None if result.x is None else tuple(int(s) for s in np.flatnonzero(result.x[:n_candidates] > 0.5))
    bound = np.inf if result.mip_dual_bound is None else -float(result.mip_dual_bound)
    return Solved(members, bound, proven=result.status in (0, 2))  # solved, or no set keeps to the constraints

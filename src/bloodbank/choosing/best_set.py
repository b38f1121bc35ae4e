"""Find the donor set with the best score for given recipients: exactly where that can be done, else by search.

Pure functions of arrays; nothing is written. `bloodbank.choosing.recommend` is what to call.

The score of a set is the sum over recipients t of Σ_i ρ^(i-1) F_(i), with F_(i) the i-th highest F(s→t) of the donors s
in the set that were measured for t. ρ = 1 is the plain sum, ρ = 0 counts only the best donor. A harmful donor stands
among the last of the set and costs ρ^(i-1) |F|; a cell that was not measured adds nothing and takes no place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from math import comb
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bloodbank.choosing.diversity import Rules
from bloodbank.errors import UsageError

if TYPE_CHECKING:
    from scipy.optimize import LinearConstraint


# Two sets whose scores differ by less are equal; the smaller one counts, then the first by code.
SAME = 1e-12
_CHUNK_SETS = 100_000
_FEW_SETS = 1_000  # up to here one sort over all recipients is quicker


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


def score_sets(sets: np.ndarray, gains: np.ndarray, rho: float) -> np.ndarray:
    """Score many sets of one size.

    Args:
        sets: Places of candidates, each row one set.
        gains: F of each candidate for each recipient.
        rho: What the next donor of a recipient counts, relative to the one before.

    Returns:
        A score for each set.

    Shape:
        `sets` is `[set, member]`, `gains` `[candidate, recipient]`.
    """
    total = np.zeros(len(sets))
    n_members = sets.shape[1]
    if n_members == 0:
        return total
    if rho == 1:
        worth = np.nansum(gains, axis=1)
        for member in range(n_members):
            total += worth[sets[:, member]]
        return total
    if len(sets) < _FEW_SETS:
        ordered = -np.sort(np.where(np.isnan(gains), np.inf, -gains)[sets], axis=1)  # [set, member, recipient]
        np.copyto(ordered, 0.0, where=np.isinf(ordered))
        return np.asarray((rho ** np.arange(n_members) @ ordered).sum(axis=1))
    places = np.ascontiguousarray(sets.T)  # [member, set]
    for recipient in range(gains.shape[1]):
        missing = np.isnan(gains[:, recipient])
        column = np.where(missing, -np.inf, gains[:, recipient])
        rows = column[places]
        ordered = rows.max(axis=0, keepdims=True) if rho == 0 else _descending(rows)
        n_sure = n_members - int(missing.sum())  # what is missing stands last
        for place, row in enumerate(ordered):
            total += rho**place * (row if place < n_sure else np.where(np.isinf(row), 0.0, row))
    return total


def _descending(rows: np.ndarray) -> np.ndarray:
    # [member, set], each column sorted. A few compare-and-swap sweeps over long rows beat a sort of many short columns.
    n_members = len(rows)
    if n_members > 8:
        return -np.sort(-rows, axis=0)
    for last in range(n_members - 1, 0, -1):
        for place in range(last):
            first, second = rows[place], rows[place + 1]
            high = np.maximum(first, second)
            np.minimum(first, second, out=rows[place + 1])
            rows[place] = high
    return rows


def all_sets(problem: Problem) -> list[np.ndarray]:
    """List every set that keeps to the constraints, one array a size, in the order of places.

    Shape:
        Each `[set, member]`.
    """
    found = []
    free, forced = problem.free, list(problem.forced)
    for size in problem.sizes:
        n_free = size - len(forced)
        n_sets = comb(len(free), n_free)
        flat = np.fromiter(chain.from_iterable(combinations(free, n_free)), dtype=np.int16, count=n_sets * n_free)
        rest = flat.reshape(n_sets, n_free)
        sets = np.concatenate([np.tile(np.array(forced, dtype=np.int16), (n_sets, 1)), rest], axis=1)
        found.append(sets[problem.rules.allowed(sets)])
    return found


def best_of(sets: Sequence[np.ndarray], gains: np.ndarray, rho: float) -> list[tuple[tuple[int, ...], float]]:
    """Give the best set and the runner-up, with their scores; fewer where there are fewer sets."""
    top: list[tuple[float, int, tuple[int, ...]]] = []
    for of_size in sets:
        for start in range(0, len(of_size), _CHUNK_SETS):
            part = of_size[start : start + _CHUNK_SETS]
            scores = score_sets(part, gains, rho)
            # Equal sets of one size stand in the order of their codes, and the first of them is to be kept.
            top += [
                (float(scores[place]), part.shape[1], tuple(sorted(map(int, part[place]))))
                for place in _first_best(scores)
            ]
    ranked = _rank(top)
    return [(members, score) for score, _, members in ranked[:2]]


def _first_best(scores: np.ndarray) -> Iterator[int]:
    best = int(np.argmax(scores >= scores.max() - SAME))
    yield best
    if len(scores) > 1:
        rest = scores.copy()
        rest[best] = -np.inf
        yield int(np.argmax(rest >= rest.max() - SAME))


def _rank(found: list[tuple[float, int, tuple[int, ...]]]) -> list[tuple[float, int, tuple[int, ...]]]:
    # Scores that differ by rounding are made equal, so that the smaller set, then the first by code, comes first.
    ordered = sorted(found, key=lambda one: -one[0])
    level, keyed = np.inf, []
    for one in ordered:
        level = one[0] if level - one[0] > SAME else level
        keyed.append((-level, one[1], one[2], one))
    return [one for *_, one in sorted(keyed, key=lambda key: key[:3])]


def local_search(problem: Problem, starts: Sequence[tuple[int, ...]] = ()) -> tuple[tuple[int, ...], float] | None:
    """Add, drop and swap donors while that raises the score, from those kept in and from given sets.

    Args:
        problem: What is to be found.
        starts: Sets to start from besides.

    Returns:
        The best set found, which need not be the best there is, and its score; None where no allowed set was found.
    """
    found = []
    for start in (problem.forced, *starts):
        members, score = start, _score(problem, start)
        while moves := [*_additions(problem, members), *_removals(problem, members)]:
            better, value = max(moves, key=lambda move: move[1])
            if len(members) >= problem.min_size and value <= score + SAME:
                break
            members, score = better, value
        if len(members) in problem.sizes:
            found.append((score, len(members), tuple(sorted(members))))
    if not found:
        return None
    score, _, members = _rank(found)[0]
    return members, score


def _additions(problem: Problem, members: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], float]]:
    # One more donor; and, in a set that is large enough already, one in the place of another.
    bases = [members] if len(members) < problem.max_size else []
    if len(members) >= problem.min_size:
        bases += [base for base, _ in _without_one(problem, members)]
    others = [place for place in problem.free if place not in members]
    for base in bases if others else ():
        sets = np.array([[*base, other] for other in others], dtype=np.int16)
        sets = sets[problem.rules.allowed(sets)]
        if len(sets):
            scores = score_sets(sets, problem.gains, problem.rho)
            place = int(np.argmax(scores >= scores.max() - SAME))
            yield tuple(map(int, sets[place])), float(scores[place])


def _removals(problem: Problem, members: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], float]]:
    if len(members) > problem.min_size:
        yield from _without_one(problem, members)


def _without_one(problem: Problem, members: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], float]]:
    for gone in members:
        if gone not in problem.forced:
            base = tuple(place for place in members if place != gone)
            yield base, _score(problem, base)


def _score(problem: Problem, members: tuple[int, ...]) -> float:
    sets = np.array([members], dtype=np.int16).reshape(1, len(members))
    return float(score_sets(sets, problem.gains, problem.rho)[0])


def upper_bound(problem: Problem) -> float:
    """Give a score that no set can exceed: each recipient with its own best donors, harmful ones left out.

    Returns:
        The bound; it is reached where one set suits all recipients.
    """
    gains = np.sort(np.where(problem.gains > 0, problem.gains, 0.0), axis=0)[::-1][: problem.max_size]
    return float((problem.rho ** np.arange(len(gains)) @ gains).sum())


# The best donor set by integer linear programming, for too many sets to list.


MAX_VARIABLES = 20_000


class Programmed(NamedTuple):
    """What the solver says."""

    members: tuple[int, ...] | None  #: None where no set was found
    bound: float  #: no set scores higher
    proven: bool  #: the set is the best there is, or there is none


class _Rows:
    """Constraints, row by row."""

    def __init__(self) -> None:
        self._cells: list[tuple[int, int, float]] = []
        self._low: list[float] = []
        self._high: list[float] = []

    def add(self, terms: list[tuple[int, float]], low: float, high: float) -> None:
        self._cells += [(len(self._low), variable, factor) for variable, factor in terms]
        self._low.append(low)
        self._high.append(high)

    def constraint(self, n_variables: int) -> LinearConstraint:
        from scipy.optimize import LinearConstraint
        from scipy.sparse import csr_array

        rows, columns, factors = zip(*self._cells, strict=True)
        matrix = csr_array((factors, (rows, columns)), shape=(len(self._low), n_variables))
        return LinearConstraint(matrix, np.array(self._low), np.array(self._high))


def n_variables(problem: Problem) -> int:
    """Count the variables of the programme."""
    n_candidates, n_recipients = problem.gains.shape
    return int(n_candidates + (n_candidates + 1) * problem.max_size * n_recipients)


def solve(problem: Problem, *, barred: tuple[int, ...] | None = None, seconds: float = 20.0) -> Programmed:
    """Find the best set with the solver HiGHS.

    Args:
        problem: What is to be found.
        barred: A set that must not be the answer, to find the runner-up.
        seconds: Time limit; when it is reached, the best set so far is given, with its bound.

    Returns:
        The set, the bound, and whether the set is proven to be the best.
    """
    from scipy.optimize import Bounds, milp

    n_candidates, n_recipients = problem.gains.shape
    size, rows = problem.max_size, _Rows()
    everyone = range(n_candidates)
    rows.add([(s, 1.0) for s in everyone], min(problem.sizes), size)
    _constrain(problem, rows)
    if barred is not None:
        inside = set(barred)
        terms = [(s, -1.0 if s in inside else 1.0) for s in everyone]
        rows.add(terms, 1 - len(inside), np.inf)
    costs = np.zeros(n_variables(problem))
    whole = np.zeros(len(costs))
    whole[:n_candidates] = 1
    high = np.ones(len(costs))
    for t in range(n_recipients):
        start = n_candidates + t * (n_candidates + 1) * size
        places = start + n_candidates * size + np.arange(size)  # u
        whole[places] = 1
        measured = [s for s in everyone if not np.isnan(problem.gains[s, t])]
        z = {(s, i): start + s * size + i for s in measured for i in range(size)}
        high[start : start + n_candidates * size] = 0
        high[list(z.values())] = 1
        for (s, i), variable in z.items():
            costs[variable] = -(problem.rho**i) * problem.gains[s, t]
        for s in measured:
            rows.add([*((z[s, i], 1.0) for i in range(size)), (s, -1.0)], 0, 0)
        for i in range(size):
            rows.add([*((z[s, i], 1.0) for s in measured), (int(places[i]), -1.0)], 0, 0)
            if i:
                rows.add([(int(places[i - 1]), 1.0), (int(places[i]), -1.0)], 0, np.inf)
    low = np.zeros(len(costs))
    low[list(problem.forced)] = 1
    found = milp(
        costs,
        integrality=whole,
        bounds=Bounds(low, high),
        constraints=rows.constraint(len(costs)),
        options={"time_limit": seconds, "mip_rel_gap": 1e-9},
    )
    members = None if found.x is None else tuple(int(s) for s in np.flatnonzero(found.x[:n_candidates] > 0.5))
    bound = -float(found.mip_dual_bound) if found.mip_dual_bound is not None else np.inf
    return Programmed(members, bound, found.status in (0, 2))


def _constrain(problem: Problem, rows: _Rows) -> None:
    for cap in problem.rules.caps:
        for label in sorted({label for label in cap.labels if label is not None}):
            rows.add([(s, 1.0) for s, own in enumerate(cap.labels) if own == label], 0, cap.limit)
        for s, own in enumerate(cap.labels):
            if own is None:
                rows.add([(s, 1.0)], 0, 0)
    if problem.rules.apart is not None:
        near = ~(problem.rules.apart >= problem.rules.min_distance)
        for first, second in zip(*np.nonzero(np.triu(near, 1)), strict=True):
            rows.add([(int(first), 1.0), (int(second), 1.0)], 0, 1)


# Choose how to find the best donor set: list all, solve an integer programme, or search.


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
    if n_variables(problem) <= MAX_VARIABLES:
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
    solved = solve(problem)
    if solved.members is None and solved.proven:
        raise _no_set(problem)
    if solved.members is None or not solved.proven:
        return _searched(problem, min(solved.bound, upper_bound(problem)), proven=False, start=solved.members)
    score = _score(problem, solved.members)
    second = None
    if runner_up:
        next_best = solve(problem, barred=solved.members)
        if next_best.members is not None and next_best.proven:
            second = (next_best.members, _score(problem, next_best.members))
    return Answer(solved.members, score, second, True, "proven by an integer programme", score, None)


def _searched(problem: Problem, bound: float, *, proven: bool, start: tuple[int, ...] | None = None) -> Answer:
    found = local_search(problem, [start] if start is not None else [])
    if found is None:
        raise _no_set(problem)
    return Answer(*found, None, proven, "greedy choice, then adding, dropping and swapping", bound, None)


def _no_set(problem: Problem) -> UsageError:
    return UsageError(
        f"No set of {problem.sizes.start} to {problem.max_size} of the {len(problem.gains)} candidates keeps to the "
        "constraints. Loosen them, or lower the budget."
    )

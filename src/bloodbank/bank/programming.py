"""The best donor set by integer linear programming, for too many sets to list. Nothing is written.

A set is y_s ∈ {0, 1} for each candidate s. For each recipient t, z_{s,i,t} says that s is its i-th best donor, and
u_{i,t} that it has an i-th one:

    maximise Σ ρ^(i-1) F(s→t) z_{s,i,t}  with  Σ_i z_{s,i,t} = y_s,  Σ_s z_{s,i,t} = u_{i,t},  u_{i,t} ≥ u_{i+1,t}

where s runs over the donors measured for t. This is exact, for F of either sign: given the set, u is 1 for the first
n places and 0 beyond, so z puts n donors into n places with falling weights, and the best way to do so is in
the order of F (rearrangement inequality), which is the score. Without the last condition a harmful donor would
hide in a late place that weighs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bloodbank.bank.optimum import Problem

if TYPE_CHECKING:
    from scipy.optimize import LinearConstraint

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

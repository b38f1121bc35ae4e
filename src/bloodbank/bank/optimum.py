"""Find the donor set with the best score for given recipients: exactly where that can be done, else by search.

Pure functions of arrays; nothing is written. `bloodbank.bank.recommending` is what to call.

The score of a set is the sum over recipients t of Σ_i ρ^(i-1) F_(i), with F_(i) the i-th highest F(s→t) of the donors s
in the set that were measured for t. ρ = 1 is the plain sum, ρ = 0 counts only the best donor. A harmful donor stands
among the last of the set and costs ρ^(i-1) |F|; a cell that was not measured adds nothing and takes no place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, combinations
from math import comb

import numpy as np

from bloodbank.bank.diversity import Rules

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

"""How sure a choice of donors is: on replicates of F, and on F shrunk towards the additive model.

`bloodbank.choosing.recommend` is what to call.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from bloodbank.choosing.best_set import (
    SAME,
    Answer,
    Problem,
    first_best,
    n_variables,
    places_in,
    score_sets,
    search,
    solve,
)
from bloodbank.errors import UsageError
from bloodbank.randomness import generator
from bloodbank.statistics.means import known_variance
from bloodbank.statistics.two_way import fit_two_way, n_parameters

ENGLISH = "en"
RUNNER_UP, ALONE, WITH, RANDOM = "runner_up", "english_alone", "best_with_english", "random_sets"
# What looking for the best set of each replicate may cost; beyond it, some replicates spread over all are taken.
_MAX_SCORES = 50_000_000  # sets x recipients x replicates: some 5 seconds
_MAX_VARIABLES = 500_000  # of a programme x replicates: some 30 seconds
_FEWEST, _MOST_PROGRAMMES = 10, 100  # shares over 100 replicates are known to 5 percentage points
_N_RANDOM = 1_000
_STEPS = 10  # shares of the departure from the additive model that are tried
_HALVINGS = 40
_LEAST_NOISE = 1e-9  # of the largest cell's variance; keeps weights finite where a cell is said to be without noise


@dataclass(frozen=True, eq=False)
class Doubt:
    """What resampling and shrinking say of a choice."""

    n_replicates: int
    picked: pd.Series[float]  #: candidate -> share of replicates whose best set holds it; empty without replicates
    same_set: float  #: share of replicates with exactly this best set; missing without replicates
    n_searched: int  #: replicates whose best set was looked for: all, or fewer where there are very many sets
    rivals: pd.DataFrame  #: by rival: donors, score, lead, odds; see `examine`
    no_english: str  #: why English alone is not among the rivals; empty where it is
    shrunk_donors: tuple[str, ...] | None  #: the best set on shrunk F; None where no cell's noise is known
    shrunk_kept: float  #: mean share of the departure from the additive model that was kept; missing as above
    additive_donors: tuple[str, ...]  #: the best set if F were donor + recipient effects and nothing else
    least_kept: float  #: the set stays the best down to this share of every departure, tried in tenths


@dataclass(frozen=True, eq=False)
class Decision:
    """A choice of donors, with what it was made from.

    Shape:
        `finetune` is F `[donor, recipient]` in the order of codes, `draws` `[replicate, donor, recipient]` alike.
    """

    finetune: pd.DataFrame
    draws: np.ndarray | None
    recipients: list[str]  #: in the order of the problem's columns
    candidates: list[str]  #: in the order of the problem's rows
    problem: Problem
    answer: Answer

    def gains(self, cells: np.ndarray) -> np.ndarray:
        """Take what all languages give to the recipients from matrices like F.

        Shape:
            `[..., language, recipient]`; `cells` is `[..., donor, recipient]` over all languages.
        """
        return np.asarray(cells[..., self.finetune.columns.get_indexer(pd.Index(self.recipients))])

    def places(self, sets: np.ndarray) -> np.ndarray:
        """Turn places of candidates into places of languages."""
        return np.asarray(self.finetune.index.get_indexer(pd.Index(self.candidates))[sets])

    def best_on(self, gains: np.ndarray, *, listed: bool = True) -> tuple[int, ...]:
        """Find the best set for other gains: in the list of all sets where there is one, or by an integer programme.

        Shape:
            `gains` is `[candidate, recipient]`.
        """
        if listed and self.answer.sets is not None:
            scores = score_sets(self.answer.sets, gains, self.problem.rho)
            return places_in(self.answer.sets[first_best(scores)])
        best = solve(replace(self.problem, gains=gains)).members
        return self.answer.best if best is None else best

    def donors_on(self, finetune: pd.DataFrame) -> tuple[str, ...]:
        """Find the best set for another F, by code."""
        gains = finetune.loc[self.candidates, self.recipients].to_numpy(dtype=float)
        return tuple(self.candidates[place] for place in self.best_on(gains))

    @property
    def donors(self) -> tuple[str, ...]:
        """The choice, by code."""
        return tuple(self.candidates[place] for place in self.answer.best)

    @property
    def no_english(self) -> str:
        """Why there is no comparison with English alone; empty where there is one."""
        others = [code for code in self.recipients if code != ENGLISH]
        if ENGLISH not in self.finetune.index:
            return "English was not measured here"
        if not others:
            return "English is the one recipient"
        unmeasured = [code for code in others if np.isnan(self.finetune[code][ENGLISH])]
        if unmeasured:
            return f"what English gives to {', '.join(unmeasured)} was not measured"
        return "English is the choice" if self.donors == (ENGLISH,) else ""


def examine(decision: Decision, cell_variance: pd.DataFrame | None, *, exact_limit: int, seed: int) -> Doubt:
    """Ask how the chosen set fares against rivals when F is drawn anew, and which set shrunk F would choose.

    Args:
        decision: The choice.
        cell_variance: Variance of each cell of F; by default that over two or more replicates.
        exact_limit: Sets that are listed at most, to find the best with English.
        seed: Of the random sets, where not all are listed.

    Returns:
        The doubt. `rivals` has rows "runner_up", "english_alone", "best_with_english" (where the choice is without
        English; of the choice's size) and "random_sets" (the mean over sets of that size), with `donors`, `score`,
        `lead` (of the choice) and `odds` (share of replicates in which the choice scores higher, ties counting
        half; missing without replicates).
    """
    picked, same_set, n_searched = _picks(decision)
    noise = _noise(decision, cell_variance)
    shrunk = None if noise is None else shrink(decision.finetune, noise)
    return Doubt(
        n_replicates=0 if decision.draws is None else len(decision.draws),
        picked=picked,
        same_set=same_set,
        n_searched=n_searched,
        rivals=_compare(decision, _rivals(decision, exact_limit, seed)),
        no_english=decision.no_english,
        shrunk_donors=None if shrunk is None else decision.donors_on(shrunk.finetune),
        shrunk_kept=float("nan") if shrunk is None else shrunk.kept,
        additive_donors=decision.donors_on(shrink_evenly(decision.finetune, 0.0)),
        least_kept=_least_kept(decision),
    )


def _picks(decision: Decision) -> tuple[pd.Series[float], float, int]:
    if decision.draws is None:
        return pd.Series(dtype=float), float("nan"), 0
    n_draws, sets = len(decision.draws), decision.answer.sets
    n_listed = 0 if sets is None else _MAX_SCORES // (len(sets) * len(decision.recipients))
    n_solved = max(_FEWEST, min(_MOST_PROGRAMMES, _MAX_VARIABLES // n_variables(decision.problem)))
    listed = n_listed >= min(n_draws, n_solved)
    step = -(-n_draws // (n_listed if listed else n_solved))
    candidates = decision.places(np.arange(len(decision.candidates)))
    gains = decision.gains(decision.draws[::step])[:, candidates]
    best = [decision.best_on(drawn, listed=listed) for drawn in gains]
    shares = np.zeros(len(candidates))
    for members in best:
        shares[list(members)] += 1 / len(best)
    picked = pd.Series(shares, index=pd.Index(decision.candidates, name="language"), name="picked")
    same_set = float(np.mean([members == decision.answer.best for members in best]))
    return picked.sort_values(ascending=False, kind="stable"), same_set, len(best)


def _rivals(decision: Decision, exact_limit: int, seed: int) -> dict[str, np.ndarray]:
    """Sets of places in F by the name of the rival, `[set, member]`."""
    size, answer = len(decision.answer.best), decision.answer
    rivals = {}
    if answer.runner_up is not None:
        rivals[RUNNER_UP] = decision.places(np.array([answer.runner_up[0]], dtype=int))
    if not decision.no_english:
        rivals[ALONE] = decision.finetune.index.get_indexer(pd.Index([ENGLISH])).reshape(1, 1)
    if ENGLISH in decision.candidates and ENGLISH not in decision.donors and size > 1:
        with_english = _best_with_english(decision, size, exact_limit)
        if with_english is not None:
            rivals[WITH] = decision.places(np.array([with_english]))
    random = _sets_of_size(decision, size, seed)
    if size and len(random):
        rivals[RANDOM] = decision.places(random)
    return rivals


def _best_with_english(decision: Decision, size: int, exact_limit: int) -> tuple[int, ...] | None:
    problem = decision.problem
    if len(problem.forced) >= size:
        return None
    forced = tuple(sorted((*problem.forced, decision.candidates.index(ENGLISH))))
    try:
        return search(replace(problem, forced=forced, min_size=size, max_size=size), exact_limit, runner_up=False).best
    except UsageError:  # the constraints leave no such set
        return None


def _sets_of_size(decision: Decision, size: int, seed: int) -> np.ndarray:
    problem, sets = decision.problem, decision.answer.sets
    if sets is not None:
        return np.asarray(sets[(sets >= 0).sum(axis=1) == size][:, :size])
    draw = generator("random donors", seed, *decision.candidates)
    n_free = size - len(problem.forced)
    drawn = [[*problem.forced, *draw.choice(problem.free, n_free, replace=False)] for _ in range(_N_RANDOM)]
    sets = np.array(drawn, dtype=int)
    return np.asarray(sets[problem.rules.allowed(sets)])


def _compare(decision: Decision, rivals: Mapping[str, np.ndarray]) -> pd.DataFrame:
    rho, own = decision.problem.rho, decision.places(np.array([decision.answer.best], dtype=int))
    measured = decision.gains(decision.finetune.to_numpy(dtype=float))
    table = pd.DataFrame(index=pd.Index(list(rivals), name="rival", dtype=object))
    table["donors"] = [
        "" if name == RANDOM else " ".join(decision.finetune.index[sets[0]]) for name, sets in rivals.items()
    ]
    table["score"] = [float(score_sets(sets, measured, rho).mean()) for sets in rivals.values()]
    table["lead"] = decision.answer.score - table["score"]
    table["odds"] = float("nan")
    if decision.draws is not None:
        drawn = decision.gains(decision.draws)
        mine = score_sets(own, drawn, rho)[:, 0]
        for name, sets in rivals.items():
            # Of many sets of one size a thousand are enough for their mean in each replicate.
            lead = mine - score_sets(sets[:: max(1, len(sets) // _N_RANDOM)], drawn, rho).mean(axis=1)
            table.loc[name, "odds"] = np.where(np.abs(lead) <= SAME, 0.5, lead > 0).mean()
    return table


def _noise(decision: Decision, cell_variance: pd.DataFrame | None) -> pd.DataFrame | None:
    if cell_variance is not None:
        return cell_variance.reindex(index=decision.finetune.index, columns=decision.finetune.columns)
    if decision.draws is None or len(decision.draws) < 2:
        return None
    return _like(decision.finetune, known_variance(decision.draws, axis=0))


def _least_kept(decision: Decision) -> float:
    least = 1.0
    for step in range(_STEPS - 1, -1, -1):
        if decision.donors_on(shrink_evenly(decision.finetune, step / _STEPS)) != decision.donors:
            break
        least = step / _STEPS
    return least


class Shrunk(NamedTuple):
    """F after shrinking."""

    finetune: pd.DataFrame  #: [donor, recipient]
    kept: float  #: mean share of a cell's departure from the additive model that is kept, 0 to 1


def shrink(finetune: pd.DataFrame, cell_variance: pd.DataFrame | np.ndarray) -> Shrunk:
    """Shrink each cell towards donor + recipient effects, the more so the less sure it is.

    A cell's departure from the additive model is true interaction, of variance τ² over cells, plus noise, of the
    cell's own variance σ². Effects are fitted with weights 1 / (τ² + σ²), so that a noisy cell does not bend them,
    and the departure is multiplied by τ² / (τ² + σ²), the best linear guess of its true part. τ² is the value at
    which the weighted departures vary as much as their degrees of freedom say (Paule and Mandel's estimate), or 0.

    Args:
        finetune: F.
        cell_variance: σ² of each cell of F, from seeds or replicates; a missing one takes the mean of the others.

    Returns:
        The shrunk matrix, missing where F is, and how much of the departures was kept.

    Shape:
        Both `[donor, recipient]`.
    """
    cells = _without_diagonal(finetune)
    measured = ~np.isnan(cells)
    freedom = int(measured.sum()) - n_parameters(cells)
    if freedom <= 0:  # the additive model fits whatever was measured, so no departure can be told from it
        return Shrunk(_like(finetune, fit_two_way(cells)), 0.0)
    noise = np.asarray(cell_variance, dtype=float)
    known = noise[measured & ~np.isnan(noise)]
    noise = np.where(np.isnan(noise), known.mean() if known.size else 0.0, noise)
    spread = float(np.nansum((cells - fit_two_way(cells)) ** 2)) / freedom
    noise = np.maximum(noise, _LEAST_NOISE * max(spread, float(noise[measured].max(initial=0.0)), np.finfo(float).tiny))
    true = _true_variance(cells, noise, freedom, spread)
    fitted = fit_two_way(cells, 1 / (true + noise))
    kept = true / (true + noise)
    return Shrunk(_like(finetune, fitted + kept * (cells - fitted)), float(kept[measured].mean()))


def shrink_evenly(finetune: pd.DataFrame, kept: float) -> pd.DataFrame:
    """Keep the same share of every cell's departure from the additive model; for when no cell's noise is known.

    Args:
        finetune: F.
        kept: Share that is kept: 1 leaves F as it is, 0 gives the additive model.

    Returns:
        The shrunk matrix.
    """
    cells = _without_diagonal(finetune)
    fitted = fit_two_way(cells)
    return _like(finetune, fitted + kept * (cells - fitted))


def _true_variance(cells: np.ndarray, noise: np.ndarray, freedom: int, spread: float) -> float:
    def excess(true: float) -> float:
        weights = 1 / (true + noise)
        return float(np.nansum(weights * (cells - fit_two_way(cells, weights)) ** 2)) - freedom

    if excess(0.0) <= 0:
        return 0.0
    low, high = 0.0, spread
    while excess(high) > 0:
        low, high = high, 2 * high
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return (low + high) / 2


def _without_diagonal(finetune: pd.DataFrame) -> np.ndarray:
    cells = finetune.to_numpy(dtype=float, copy=True)
    np.fill_diagonal(cells, np.nan)
    return cells


def _like(finetune: pd.DataFrame, cells: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(cells, index=finetune.index, columns=finetune.columns)

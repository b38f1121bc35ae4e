"""How sure a choice of donors is: on replicates of F, and on F shrunk towards the additive model.

Pure functions of arrays; nothing is written. `bloodbank.choosing.recommend` is what to call.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from bloodbank.choosing.best_set import Answer, Problem, best_of, local_search, score_sets, search
from bloodbank.errors import UsageError
from bloodbank.randomness import generator
from bloodbank.statistics.means import known_variance
from bloodbank.statistics.two_way import fit_two_way, n_parameters

ENGLISH = "en"
RUNNER_UP, ALONE, WITH, RANDOM = "runner_up", "english_alone", "best_with_english", "random_sets"
_MAX_LISTED = 50_000_000  # sets x recipients x replicates; beyond it the best set of each replicate is searched for
_N_RANDOM = 1_000
_STEPS = 10  # shares of the departure from the additive model that are tried


@dataclass(frozen=True, eq=False)
class Doubt:
    """What resampling and shrinking say of a choice."""

    n_replicates: int
    picked: pd.Series[float]  #: candidate -> share of replicates whose best set holds it; empty without replicates
    same_set: float  #: share of replicates with exactly this best set; missing without replicates
    picked_exactly: bool  #: all sets were compared for each replicate; otherwise its best was searched for
    rivals: pd.DataFrame  #: by rival: donors, score, lead, odds; see `examine`
    no_english: str  #: why English alone is not among the rivals; empty where it is
    shrunk_donors: tuple[str, ...] | None  #: the best set on shrunk F; None where no cell's noise is known
    shrunk_kept: float  #: mean share of the departure from the additive model that was kept; missing as above
    additive_donors: tuple[str, ...]  #: the best set if F were donor + recipient effects and nothing else
    least_kept: float  #: the set stays the best down to this share of every departure, tried in tenths


@dataclass(frozen=True, eq=False)
class Case:
    """A choice, with what it was made from.

    Shape:
        `table` is F `[donor, recipient]` in the order of codes, `draws` `[replicate, donor, recipient]` alike.
    """

    table: pd.DataFrame
    draws: np.ndarray | None
    goals: list[str]  #: recipients, in the order of the problem's columns
    pool: list[str]  #: candidates, in the order of the problem's rows
    problem: Problem
    answer: Answer

    @property
    def home(self) -> np.ndarray:
        """Places of the candidates in the table."""
        return np.asarray(self.table.index.get_indexer(pd.Index(self.pool)))

    def gains(self, cells: np.ndarray) -> np.ndarray:
        """Take what all languages give to the recipients, `[..., language, recipient]`, from matrices like F."""
        return np.asarray(cells[..., self.table.index.get_indexer(pd.Index(self.goals))])

    def best_on(self, gains: np.ndarray, *, listed: bool = True) -> tuple[int, ...]:
        """Find the best set for other gains `[candidate, recipient]`: in the list of all sets, or by search."""
        problem = replace(self.problem, gains=gains)
        if listed and self.answer.sets is not None:
            return best_of(self.answer.sets, problem.gains, problem.rho)[0][0]
        found = local_search(problem, [self.answer.best])
        return found[0] if found else self.answer.best

    @property
    def no_english(self) -> str:
        """Why there is no comparison with English alone; empty where there is one."""
        goals = [code for code in self.goals if code != ENGLISH]
        if ENGLISH not in self.table.index:
            return "English was not measured here"
        if not goals:
            return "English is the one recipient"
        unmeasured = [code for code in goals if np.isnan(self.gains_of(ENGLISH, code))]
        if unmeasured:
            return f"F from English to {', '.join(unmeasured)} was not measured"
        return "English is the choice" if self.codes(self.answer.best) == (ENGLISH,) else ""

    def gains_of(self, donor: str, recipient: str) -> float:
        """Look up F."""
        return float(self.table.to_numpy()[self.table.index.get_loc(donor), self.table.columns.get_loc(recipient)])

    def codes(self, members: tuple[int, ...]) -> tuple[str, ...]:
        """Name the members of a set, by code."""
        return tuple(self.pool[place] for place in members)


def examine(case: Case, cell_variance: pd.DataFrame | None, *, exact_limit: int, seed: int) -> Doubt:
    """Ask how the chosen set fares against rivals when F is drawn anew, and which set shrunk F would choose.

    Args:
        case: The choice.
        cell_variance: Variance of each cell of F; by default that over two or more replicates.
        exact_limit: Sets that are listed at most, to find the best with English.
        seed: Of the random sets, where not all are listed.

    Returns:
        The doubt. `rivals` has rows "runner_up", "english_alone", "best_with_english" (where the choice is without
        English; of the choice's size) and "random_sets" (the mean over sets of that size), with `donors`, `score`,
        `lead` (of the choice) and `odds` (share of replicates in which the choice scores higher, ties counting
        half; missing without replicates).
    """
    rivals = {name: sets for name, sets in _rivals(case, exact_limit, seed).items() if sets is not None}
    picked, same_set, exactly = _picks(case)
    noise = _noise(case, cell_variance)
    shrunk = None if noise is None else shrink(case.table, noise)
    additive = shrink_evenly(case.table, 0.0)
    return Doubt(
        n_replicates=0 if case.draws is None else len(case.draws),
        picked=picked,
        same_set=same_set,
        picked_exactly=exactly,
        rivals=_compare(case, rivals),
        no_english=case.no_english,
        shrunk_donors=None if shrunk is None else _best_on(case, shrunk),
        shrunk_kept=float("nan") if shrunk is None else shrunk.kept,
        additive_donors=_best_on(case, additive),
        least_kept=_least_kept(case),
    )


def _rivals(case: Case, exact_limit: int, seed: int) -> dict[str, np.ndarray | None]:
    # Sets of places in the table, [set, member].
    size, answer, home = len(case.answer.best), case.answer, case.home
    rivals: dict[str, np.ndarray | None] = {}
    if answer.runner_up is not None:
        rivals[RUNNER_UP] = home[np.array([answer.runner_up[0]], dtype=int).reshape(1, -1)]
    if not case.no_english:
        rivals[ALONE] = np.array([[case.table.index.get_loc(ENGLISH)]])
    if ENGLISH in case.pool and ENGLISH not in case.codes(answer.best) and size > 1:
        rivals[WITH] = _best_with_english(case, size, exact_limit)
    if size:
        rivals[RANDOM] = _random_sets(case, size, seed)
    return rivals


def _best_with_english(case: Case, size: int, exact_limit: int) -> np.ndarray | None:
    english = case.pool.index(ENGLISH)
    if english in case.problem.forced or len(case.problem.forced) >= size:
        return None
    forced = tuple(sorted((*case.problem.forced, english)))
    try:
        best = search(replace(case.problem, forced=forced, min_size=size, max_size=size), exact_limit, runner_up=False)
    except UsageError:  # the constraints leave no such set
        return None
    return np.asarray(case.home[np.array([best.best])])


def _random_sets(case: Case, size: int, seed: int) -> np.ndarray | None:
    forced, free = list(case.problem.forced), case.problem.free
    if case.answer.sets is not None:
        sets = case.answer.sets[size - case.problem.sizes.start]
    else:
        draw = generator("random donors", seed, *case.pool)
        rows = [[*forced, *draw.choice(free, size - len(forced), replace=False)] for _ in range(_N_RANDOM)]
        sets = np.array(rows, dtype=int)
        sets = sets[case.problem.rules.allowed(sets)]
    return np.asarray(case.home[sets]) if len(sets) else None


def _compare(case: Case, rivals: Mapping[str, np.ndarray]) -> pd.DataFrame:
    own = case.home[np.array([case.answer.best], dtype=int).reshape(1, -1)]
    rho = case.problem.rho
    as_measured = case.gains(case.table.to_numpy(dtype=float))
    scores = [float(score_sets(sets, as_measured, rho).mean()) for sets in rivals.values()]
    odds = [float("nan")] * len(rivals)
    if case.draws is not None and rivals:
        # Of many sets of one size a thousand are enough for their mean in each replicate.
        few = [sets[:: max(1, len(sets) // _N_RANDOM)] for sets in rivals.values()]
        wins = []
        for gains in case.gains(case.draws):
            mine = float(score_sets(own, gains, rho)[0])
            wins.append([_won(mine - float(score_sets(sets, gains, rho).mean())) for sets in few])
        odds = np.mean(wins, axis=0).tolist()
    donors = ["" if name == RANDOM else " ".join(case.table.index[sets[0]]) for name, sets in rivals.items()]
    table = {"donors": donors, "score": scores, "lead": [case.answer.score - score for score in scores], "odds": odds}
    return pd.DataFrame(table, index=pd.Index(list(rivals), name="rival", dtype=object))


def _won(lead: float) -> float:
    return 0.5 if abs(lead) <= 1e-12 else float(lead > 0)


def _picks(case: Case) -> tuple[pd.Series[float], float, bool]:
    if case.draws is None:
        return pd.Series(dtype=float), float("nan"), True
    n_listed = sum(len(sets) for sets in case.answer.sets or ())
    listed = 0 < n_listed * len(case.goals) * len(case.draws) <= _MAX_LISTED
    found = [case.best_on(gains, listed=listed) for gains in case.gains(case.draws)[:, case.home]]
    shares = np.zeros(len(case.pool))
    for members in found:
        shares[list(members)] += 1 / len(found)
    same = float(np.mean([members == case.answer.best for members in found]))
    picked = pd.Series(shares, index=pd.Index(case.pool, name="language"), name="picked")
    return picked.sort_values(ascending=False, kind="stable"), same, listed


def _noise(case: Case, cell_variance: pd.DataFrame | None) -> pd.DataFrame | None:
    if cell_variance is not None:
        return cell_variance.reindex(index=case.table.index, columns=case.table.columns)
    if case.draws is None or len(case.draws) < 2:
        return None
    return pd.DataFrame(known_variance(case.draws, axis=0), index=case.table.index, columns=case.table.columns)


def _best_on(case: Case, shrunk: Shrunk) -> tuple[str, ...]:
    return case.codes(case.best_on(case.gains(shrunk.finetune.to_numpy(dtype=float))[case.home]))


def _least_kept(case: Case) -> float:
    least = 1.0
    for step in range(_STEPS - 1, -1, -1):
        if _best_on(case, shrink_evenly(case.table, step / _STEPS)) != case.codes(case.answer.best):
            break
        least = step / _STEPS
    return least


# F shrunk towards the additive model: what of a cell's own departure is worth believing.


_HALVINGS = 40
_LEAST_NOISE = 1e-9  # of the largest cell's variance; keeps weights finite where a cell is said to be without noise


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


def shrink_evenly(finetune: pd.DataFrame, kept: float) -> Shrunk:
    """Keep the same share of every cell's departure from the additive model; for when no cell's noise is known.

    Args:
        finetune: F.
        kept: Share that is kept: 1 leaves F as it is, 0 gives the additive model.

    Returns:
        The shrunk matrix.
    """
    cells = _without_diagonal(finetune)
    fitted = fit_two_way(cells)
    return Shrunk(_like(finetune, fitted + kept * (cells - fitted)), kept)


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

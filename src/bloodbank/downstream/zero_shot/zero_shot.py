"""Z(s→t), Z(D), monolingual scores and differences between configurations, with intervals (section 6).

The tidy tables of scores and of sentence counts are those of `bloodbank.downstream.zero_shot.cells`:

    zero = zero_shot(scores, sentences)
    zero.of_sets()                                             # Z(D) and monolingual, of every configuration
    zero.difference("most donating", "least donating", "zero_shot")

An interval covers what `covers` says: other seeds, other test sentences of the same languages, or both. It does not
cover other languages, or other choices of the languages of a configuration.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from bloodbank.downstream.zero_shot.cells import Cells, Floats, Mask, draw_again, lay_out
from bloodbank.errors import UsageError

Measure = Literal["zero_shot", "monolingual"]
MEASURES: tuple[Measure, ...] = ("zero_shot", "monolingual")
SUPPORTED, NOT_SUPPORTED, UNDECIDED = "supported", "not supported", "undecided"
NOT_EVALUATED = "not evaluated"  # what it is about is not there


@dataclass(frozen=True)
class Difference:
    """What one configuration, or the mean of several, has more than another.

    Attributes:
        first: Configurations that are said to be better.
        second: Those that they are compared with.
        measure: `zero_shot` (Eq. 2) or `monolingual` (Eq. 11).
        value: Score of the first − score of the second, over the pairs that all of them have; positive where the first
            is better.
        low, high: Ends of its interval.
        verdict: On "the first is better", see `verdict`.
        n_pairs: Pairs of source and target that count.
        covers: What the interval covers.
    """

    first: tuple[str, ...]
    second: tuple[str, ...]
    measure: Measure
    value: float
    low: float
    high: float
    verdict: str
    n_pairs: int
    covers: str


@dataclass(frozen=True, eq=False)
class ZeroShot:
    """Scores of all configurations of a task, and the same drawn again.

    Attributes:
        cells: Scores.
        with_sentences: Whether test sentences were drawn again too.
        level: Probability that an interval holds the true value.
        replicates: Means over seeds, drawn again; any function of them has the interval of its percentiles. Shape:
            [replicate, configuration, source, target].
    """

    cells: Cells
    with_sentences: bool
    level: float
    replicates: Floats = field(repr=False)

    def matrix(self, configuration: str) -> pd.DataFrame:
        """Return Z(s→t) (Eq. 1), with the monolingual scores on the diagonal. Shape: `[source, target]`."""
        means = self.cells.means[self._place(configuration)]
        codes = list(self.cells.languages)
        return pd.DataFrame(means, pd.Index(codes, name="source"), pd.Index(codes, name="target"))

    def of_pairs(self, configuration: str) -> pd.DataFrame:
        """Make the table of one configuration: cells and margins.

        Returns:
            `what`: "cell"; "source", the mean over the other languages of what was fine-tuned on one; or "target", the
            mean over the others of what was tested on one. `source` and `target`, "" where the mean is taken over
            them; `score`, `low`, `high`, `n_pairs`, `n_seeds` and `covers`. A margin takes the cells that every seed
            has; it is missing where there is none.
        """
        place, codes = self._place(configuration), self.cells.languages
        source, target = np.indices((len(codes), len(codes)))
        there, complete = self.cells.n_seeds[place] > 0, self.cells.complete(place) & (source != target)
        rows = [
            {"what": "cell", "source": codes[s], "target": codes[t],
             **self._row(place, there & (source == s) & (target == t))}
            for s, t in np.ndindex(source.shape)
        ]  # fmt: skip
        for n, code in enumerate(codes):
            rows.append({"what": "source", "source": code, "target": "", **self._row(place, complete & (source == n))})
        for n, code in enumerate(codes):
            rows.append({"what": "target", "source": "", "target": code, **self._row(place, complete & (target == n))})
        return pd.DataFrame(rows)

    def of_sets(self, among: Sequence[str] | None = None) -> pd.DataFrame:
        """Make the table of all configurations.

        Args:
            among: D, the languages that are source and target; by default all. For the paper's groups of recipients.

        Returns:
            A row for each configuration and measure: `configuration`, `pretraining_set`, `measure`: "zero_shot" is
            Z(D), the mean of Z(s→t) over ordered pairs of different languages (Eq. 2), "monolingual" the mean over
            s = t (Eq. 11); `score`, `low`, `high`; `seed_sd`, the standard deviation over seeds; `n_pairs`, those that
            every seed has; `n_missing`, those left out; `n_seeds`; `covers`.

        Raises:
            UsageError: A language of `among` is not there.
        """
        rows = []
        for place, name in enumerate(self.cells.configurations):
            for measure in MEASURES:
                wanted = self._pairs(measure, among)
                used = wanted & self.cells.complete(place)
                rows.append({
                    "configuration": name, "pretraining_set": self.cells.pretraining_sets[place], "measure": measure,
                    **self._row(place, used), "seed_sd": self.cells.seed_sd(place, used),
                    "n_missing": int((wanted & ~used).sum()),
                })  # fmt: skip
        return pd.DataFrame(rows)[[
            "configuration", "pretraining_set", "measure", "score", "low", "high", "seed_sd", "n_pairs", "n_missing",
            "n_seeds", "covers",
        ]]  # fmt: skip

    def difference(
        self,
        first: str | Sequence[str],
        second: str | Sequence[str],
        measure: Measure,
        among: Sequence[str] | None = None,
    ) -> Difference:
        """Compare configurations, over the pairs of source and target that every seed of all of them has.

        Args:
            first: Those that are said to be better; of several the mean.
            second: Those that they are compared with.
            measure: What is compared.
            among: Languages, as in `of_sets`.

        Returns:
            The difference and what its interval says, from the interval alone: "undecided" where a configuration has
            one seed. Nothing is corrected for comparing many.

        Raises:
            UsageError: A configuration is not there, is on both sides, or they have no pair in common.
        """
        better, worse = ((names,) if isinstance(names, str) else tuple(names) for names in (first, second))
        both = [name for name in better if name in worse]
        if both or not better or not worse:
            what = f"{both[0]} is on both sides" if both else "one side is empty"
            raise UsageError(f"Cannot compare {', '.join(better)} with {', '.join(worse)}: {what}.")
        weights = {self._place(name): 1 / len(better) for name in better}
        weights |= {self._place(name): -1 / len(worse) for name in worse}
        used = self.pairs_of((*better, *worse), measure, among)
        if not used.any():
            raise UsageError(
                f"{', '.join(better)} and {', '.join(worse)} have no pair of source and target in common that all "
                "their seeds have. Fine-tune and test what is missing."
            )
        value, low, high = self._interval(weights, used)
        judged = verdict(low, high, covers_seeds=self._cover_seeds(weights))
        return Difference(better, worse, measure, value, low, high, judged, int(used.sum()), self._covers(weights))

    def interval(self, weights: Floats) -> tuple[float, float, float]:
        """Return a weighted sum of cells with the ends of its interval; everything else here is such a sum.

        Args:
            weights: 0 where a cell does not count. Shape: [configuration, source, target].

        Returns:
            Value, low, high; missing where a cell that counts is missing, the ends also where its error is not known.
        """
        used = weights != 0
        value, drawn = np.zeros(used.shape[1:]), np.zeros((len(self.replicates), *used.shape[1:]))
        # Configurations first, cell by cell: what they have in common is exactly nothing in their difference.
        for place in np.flatnonzero(used.any(axis=(1, 2))):
            cells = used[place]
            value[cells] += weights[place][cells] * self.cells.means[place][cells]
            drawn[:, cells] += weights[place][cells] * self.replicates[:, place][:, cells]
        low, high = np.quantile(drawn.sum(axis=(1, 2)), [0.5 - self.level / 2, 0.5 + self.level / 2])
        return float(value.sum()), float(low), float(high)

    def pairs_of(self, configurations: Sequence[str], measure: Measure, among: Sequence[str] | None = None) -> Mask:
        """Say which cells every seed of some configurations has. Shape: [source, target]."""
        complete = [self.cells.complete(self._place(name)) for name in configurations]
        used: Mask = self._pairs(measure, among) & np.all(complete, axis=0)
        return used

    def by_seed(self, configurations: Sequence[str]) -> Floats:
        """Return Z(D) of each seed, over the cells and seeds that all these configurations have.

        Shape: [configuration, seed].
        """
        used = self.pairs_of(configurations, "zero_shot")
        values = np.stack([self.cells.scores[self._place(name)][:, used].mean(axis=1) for name in configurations])
        seeds: Floats = values[:, ~np.isnan(values).any(axis=0)]
        return seeds

    def _interval(self, weights: dict[int, float], used: Mask) -> tuple[float, float, float]:
        """Return a weighted sum of the means of configurations over pairs."""
        if not used.any():
            return (np.nan, np.nan, np.nan)
        of_cells = np.zeros_like(self.cells.means)
        for place, weight in weights.items():
            of_cells[place][used] = weight / used.sum()
        return self.interval(of_cells)

    def _row(self, place: int, used: Mask) -> dict[str, float | str]:
        """Describe the mean of one configuration over cells; no interval of a score leaves 0 to 1."""
        score, low, high = self._interval({place: 1.0}, used)
        return {
            "score": score,
            "low": float(np.clip(low, 0.0, 1.0)),
            "high": float(np.clip(high, 0.0, 1.0)),
            "n_pairs": int(used.sum()),
            "n_seeds": self.cells.least_seeds(place, used),
            "covers": self._covers([place]),
        }

    def _pairs(self, measure: str, among: Sequence[str] | None) -> Mask:
        if measure not in MEASURES:
            raise UsageError(f"Unknown measure {measure!r}. There are {', '.join(MEASURES)}.")
        codes = self.cells.languages
        unknown = [code for code in among or () if code not in codes]
        if unknown:
            raise UsageError(f"No scores of {', '.join(unknown)}. There are those of {', '.join(codes)}.")
        inside = np.array([among is None or code in among for code in codes])
        same = np.eye(len(codes), dtype=bool)
        pairs: Mask = inside[:, None] & inside & (same if measure == "monolingual" else ~same)
        return pairs

    def _cover_seeds(self, places: Iterable[int]) -> bool:
        return all(len(self.cells.of_seeds(place)) > 1 for place in places)

    def _covers(self, places: Iterable[int]) -> str:
        covered = {"seeds": self._cover_seeds(places), "test sentences": self.with_sentences}
        return " and ".join(what for what, whether in covered.items() if whether) or "nothing"

    def _place(self, configuration: str) -> int:
        if configuration not in self.cells.configurations:
            there = ", ".join(self.cells.configurations)
            raise UsageError(f"Unknown configuration {configuration!r}. There are {there}.")
        return self.cells.configurations.index(configuration)


def zero_shot(
    scores: pd.DataFrame,
    sentences: pd.DataFrame | None = None,
    *,
    languages: Sequence[str] | None = None,
    level: float = 0.95,
    n_replicates: int = 2_000,
    seed: int = 0,
) -> ZeroShot:
    """Make everything that is asked of zero-shot scores from the two tidy tables.

    Args:
        scores: Scores of one task.
        sentences: Counts of its test sentences; None where there are none: then intervals cover seeds only.
        languages: Those that are source and target, in this order; by default all of the table.
        level: Probability that an interval holds the true value.
        n_replicates: How often everything is drawn again.
        seed: Of the random numbers.

    Raises:
        UsageError: A table cannot be used, or the two do not belong together.
    """
    if not 0.0 < level < 1.0:
        raise UsageError(f"The level of an interval is between 0 and 1, such as 0.95, but was given as {level:g}.")
    if n_replicates < 1:
        raise UsageError(f"One replicate or more is needed, but {n_replicates} were asked for. Usual are 2000.")
    cells = lay_out(scores, languages)
    return ZeroShot(cells, sentences is not None, level, draw_again(cells, sentences, n_replicates, seed))


def verdict(low: float, high: float, *, covers_seeds: bool) -> str:
    """Say what an interval says of "it is above 0".

    Args:
        low: Its lower end; missing, as the other, where nothing is known of the error.
        high: Its upper end.
        covers_seeds: Whether it covers other seeds. An interval of test sentences alone decides nothing: it is several
            times too short.

    Returns:
        "supported" where the whole interval is above 0, "not supported" where it is below, else "undecided".
    """
    if low > 0 and covers_seeds:
        return SUPPORTED
    return NOT_SUPPORTED if high < 0 and covers_seeds else UNDECIDED

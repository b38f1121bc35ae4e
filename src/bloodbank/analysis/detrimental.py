r"""Which pairs harm: the cells with negative F, by donor and by recipient, and which are so beyond measurement error.

result = detrimental(bank)
print(*result.sentences(), sep="\n")
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bloodbank.bank.bank import Bank
from bloodbank.bank.scores import LEVEL_BORDERS
from bloodbank.bank.uncertainty.cell_tests import CORRECTIONS, decide_cells
from bloodbank.errors import UsageError
from bloodbank.wording import Finding, language_name, listed, plural

NEGATIVE, POSITIVE, UNDECIDED, UNKNOWN = "negative", "positive", "undecided", "unknown"
_MAX_NAMED = 3
_CORRECTED = {
    "holm": "Holm's correction",
    "bh": "Benjamini and Hochberg's correction",
    "by": "Benjamini and Yekutieli's correction",
    "none": "no correction",
}


@dataclass(frozen=True, eq=False)
class Detrimental:
    """Which pairs harm; F is a fraction of ε(M_t), negative is harm.

    Attributes:
        cells: donor, recipient, finetune_score, low, high (missing without intervals) and verdict: "negative" or
            "positive" where that is decided beyond measurement error, "undecided" where it is not, "unknown" where the
            cell has no standard error. One row for each measured cell, the most detrimental first.
        languages: n_given, n_given_negative, n_given_below, n_taken, n_taken_negative and n_taken_below: one row for
            each language, in the order of the bank. "given" are its cells as donor, "taken" as recipient, "below" those
            below the paper's level "negative" (F < -10%).
        n_pairs: Ordered pairs of two languages, measured or not.
        level, correction: Of the tests, see `cell_tests.decide_cells`; each way (negative, positive) has its own.
        interval_level: Of `low` and `high`; None without intervals.
        reason: Why no cell can be tested; empty where some were.
    """

    cells: pd.DataFrame
    languages: pd.DataFrame
    n_pairs: int
    level: float
    correction: str
    interval_level: float | None
    reason: str

    @property
    def n_measured(self) -> int:
        """Measured cells."""
        return len(self.cells)

    @property
    def n_negative(self) -> int:
        """Cells with F < 0."""
        return int((self.cells["finetune_score"] < 0).sum())

    @property
    def n_below(self) -> int:
        """Cells with F < -10%, the paper's level "negative"."""
        return int((self.cells["finetune_score"] < LEVEL_BORDERS[0]).sum())

    def count(self, verdict: str) -> int:
        """Count the cells with a verdict: "negative", "positive", "undecided" or "unknown"."""
        return int((self.cells["verdict"] == verdict).sum())

    def sentences(self) -> list[str]:
        """Say which pairs harm; another finding gives another sentence."""
        if self.cells.empty:
            return ["Which pairs harm: not possible, because no cell is measured."]
        return [_share(self), _extremes(self), *_sides(self.languages)]


def detrimental(bank: Bank, *, level: float = 0.05, correction: str = "holm") -> Detrimental:
    """Find the pairs that harm.

    Args:
        bank: The bank.
        level: Of the errors that the correction bounds.
        correction: "holm", "bh", "by" or "none", see `cell_tests.CORRECTIONS`.

    Returns:
        Cells, counts by language, and which cells are negative or positive beyond measurement error.

    Raises:
        UsageError: The level is not between 0 and 1, or the correction is unknown.

    Source:
        Section 5; the level -10% is appendix A's.
    """
    if correction not in CORRECTIONS:
        raise UsageError(f"Unknown correction {correction!r}. Known are {', '.join(CORRECTIONS)}.")
    if not 0.0 < level < 1.0:
        raise UsageError(f"The level of a test is between 0 and 1, such as 0.05, but was given as {level:g}.")
    cells = measured_cells(bank)
    cells["verdict"] = _verdicts(bank, cells, level, correction)
    n = len(bank.languages)
    return Detrimental(
        cells=cells,
        languages=_by_language(cells, bank.languages),
        n_pairs=n * (n - 1),
        level=level,
        correction=correction,
        interval_level=None if bank.intervals is None else bank.intervals.level,
        reason=_obstacle(bank, cells),
    )


def measured_cells(bank: Bank) -> pd.DataFrame:
    """List the measured cells with their intervals, in an order that does not depend on that of the languages.

    Args:
        bank: The bank.

    Returns:
        donor, recipient, finetune_score, low and high (missing without intervals), the lowest F first.

    Shape:
        One row for each measured cell; the diagonal never counts.
    """
    finetune = bank.finetune_scores.mask(np.eye(len(bank.languages), dtype=bool)).to_numpy(dtype=float)
    donors, recipients = np.nonzero(~np.isnan(finetune))
    codes = np.array(bank.languages, dtype=object)
    table = pd.DataFrame(
        {"donor": codes[donors], "recipient": codes[recipients], "finetune_score": finetune[donors, recipients]}
    )
    if bank.intervals is None:
        table = table.assign(low=np.nan, high=np.nan)
    else:
        known = bank.intervals.cells[bank.intervals.cells["score"] == "finetune_score"]
        table = table.merge(known[["donor", "recipient", "low", "high"]], on=["donor", "recipient"], how="left")
    return table.sort_values(["finetune_score", "donor", "recipient"], ignore_index=True)


def _verdicts(bank: Bank, cells: pd.DataFrame, level: float, correction: str) -> np.ndarray:
    verdicts = np.full(len(cells), UNKNOWN, dtype=object)
    if bank.intervals is None or cells.empty:
        return verdicts
    keys = pd.MultiIndex.from_frame(cells[["donor", "recipient"]])
    for verdict, alternative in ((NEGATIVE, "less"), (POSITIVE, "greater")):
        tests = decide_cells(bank.intervals, alternative=alternative, correction=correction, level=level)
        adjusted = tests.set_index(["donor", "recipient"])["adjusted_p"].reindex(keys).to_numpy(dtype=float)
        verdicts[~np.isnan(adjusted) & (verdicts == UNKNOWN)] = UNDECIDED
        verdicts[adjusted <= level] = verdict
    return verdicts


def _obstacle(bank: Bank, cells: pd.DataFrame) -> str:
    if bank.intervals is None:
        return "the bank has no measurement intervals"
    if (cells["verdict"] == UNKNOWN).all():
        return "no cell has a standard error above zero"
    return ""


def _by_language(cells: pd.DataFrame, languages: tuple[str, ...]) -> pd.DataFrame:
    scores = cells["finetune_score"]
    columns = {}
    for side, role in (("given", "donor"), ("taken", "recipient")):
        for name, among in (("", scores.notna()), ("_negative", scores < 0), ("_below", scores < LEVEL_BORDERS[0])):
            counts = cells.loc[among, role].value_counts()
            columns[f"n_{side}{name}"] = counts.reindex(list(languages), fill_value=0).to_numpy(dtype=int)
    return pd.DataFrame(columns, index=pd.Index(list(languages), name="language"))


def _share(result: Detrimental) -> str:
    n, n_negative = result.n_measured, result.n_negative
    unmeasured = result.n_pairs - n
    missing = f"; {plural(unmeasured, 'cell')} of {result.n_pairs} not measured" if unmeasured else ""
    return (
        f"F < 0, so that the donor harms, in {n_negative} of {plural(n, 'measured cell')} ({n_negative / n:.0%}), and "
        f"F < -10% in {result.n_below} ({result.n_below / n:.0%}){missing}; {_decided(result)}."
    )


def _decided(result: Detrimental) -> str:
    if result.reason:
        return f"which cells are negative beyond measurement error: not possible, because {result.reason}"
    untested = result.count(UNKNOWN)
    left = f"; {plural(untested, 'cell')} without a standard error not tested" if untested else ""
    negative, positive, undecided = (result.count(verdict) for verdict in (NEGATIVE, POSITIVE, UNDECIDED))
    tests = plural(result.n_measured - untested, "test")
    return (
        f"beyond measurement error {negative or 'no'} {'cell is' if negative < 2 else 'cells are'} negative, "
        f"{positive or 'none'} positive and {undecided or 'none'} undecided ({_CORRECTED[result.correction]} for "
        f"{tests} each way, {result.level:.0%}){left}"
    )


def _extremes(result: Detrimental) -> str:
    worst, best = (_pair(result, place) for place in (0, -1))
    lowest, highest = (float(result.cells["finetune_score"].iloc[place]) for place in (0, -1))
    harm = "The most detrimental pair is" if lowest < 0 else "No pair harms: lowest is"
    gain = "the most beneficial" if highest > 0 else "no pair helps: highest is"
    return f"{harm} {worst}; {gain} {best}."


def _pair(result: Detrimental, place: int) -> str:
    row = result.cells.iloc[place]
    finetune = Finding(
        100 * row["finetune_score"], 100 * row["low"], 100 * row["high"], name="F = ", unit="%", decimals=0,
        level=result.interval_level or 0.95,
    )  # fmt: skip
    return f"{row['donor']}→{row['recipient']}: {finetune}"


def _sides(languages: pd.DataFrame) -> list[str]:
    sides = (("given", "as donor"), ("taken", "as recipient"))
    named = [text for side, role in sides if (text := _most_often(languages, side, role))]
    return [f"Most often negative {'; '.join(named)}."] if named else []


def _most_often(languages: pd.DataFrame, side: str, role: str) -> str:
    known = languages[languages[f"n_{side}"] > 0].sort_index()
    negative, cells = known[f"n_{side}_negative"], known[f"n_{side}"]
    shares = negative / cells
    if shares.min() == shares.max() or shares.max() < 0.5:  # who harms fewer than half is no harmful language
        return ""
    most = [str(code) for code in shares.index[shares == shares.max()]]
    named = (f"{language_name(code)} ({code}, {negative[code]} of {cells[code]} cells)" for code in most)
    return f"{role}: {listed(named, _MAX_NAMED)}"

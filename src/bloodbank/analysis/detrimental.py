r"""Which pairs harm: the cells with negative F, by donor and by recipient, and which are so beyond measurement error.

Reads a bank; writes nothing.

    found = detrimental(bank)
    print(*found.sentences(), sep="\n")
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bloodbank.bank.bank import Bank
from bloodbank.bank.scores import LEVEL_BORDERS
from bloodbank.bank.uncertainty.cell_tests import CORRECTIONS, decide_cells
from bloodbank.errors import UsageError
from bloodbank.wording import language_name, percent, plural

NEGATIVE, POSITIVE, UNDECIDED, UNKNOWN = "negative", "positive", "undecided", "unknown"
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
        return [
            _share(self),
            _extreme(self, harmful=True),
            _extreme(self, harmful=False),
            _side(self.languages, "given", "as donor"),
            _side(self.languages, "taken", "as recipient"),
            _decided(self),
        ]


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
    found = np.full(len(cells), UNKNOWN, dtype=object)
    if bank.intervals is None or cells.empty:
        return found
    keys = pd.MultiIndex.from_frame(cells[["donor", "recipient"]])
    for verdict, alternative in ((NEGATIVE, "less"), (POSITIVE, "greater")):
        tests = decide_cells(bank.intervals, alternative=alternative, correction=correction, level=level)
        adjusted = tests.set_index(["donor", "recipient"])["adjusted_p"].reindex(keys).to_numpy(dtype=float)
        found[~np.isnan(adjusted) & (found == UNKNOWN)] = UNDECIDED
        found[adjusted <= level] = verdict
    return found


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


def _share(found: Detrimental) -> str:
    n, negative = found.n_measured, found.n_negative
    if n == 1:
        score = float(found.cells["finetune_score"].iloc[0])
        verb = "harms" if negative else "helps" if score > 0 else "neither harms nor helps"
        return f"The one measured cell of {found.n_pairs} {verb} the recipient."
    share = "None" if not negative else "All" if negative == n else ""
    if not share:
        share = "Half" if 2 * negative == n else f"{'More' if 2 * negative > n else 'Fewer'} than half"
    unmeasured = found.n_pairs - n
    missing = f"; {plural(unmeasured, 'cell')} of {found.n_pairs} not measured" if unmeasured else ""
    return (
        f"{share} of the {n} measured cells harm the recipient: F < 0 in {negative} ({negative / n:.0%}), "
        f"and F < -10% in {found.n_below} ({found.n_below / n:.0%}){missing}."
    )


def _extreme(found: Detrimental, *, harmful: bool) -> str:
    row = found.cells.iloc[0 if harmful else -1]
    score = float(row["finetune_score"])
    word, least, verb = ("detrimental", "lowest", "harms") if harmful else ("beneficial", "highest", "helps")
    interval = ""
    if not np.isnan(row["low"]):
        interval = f", {found.interval_level:.0%} interval {percent(row['low'])}% to {percent(row['high'])}%"
    pair = f"{row['donor']}→{row['recipient']} (F = {percent(score)}%{interval})"
    if (score < 0) if harmful else (score > 0):
        return f"The most {word} pair is {pair}."
    return f"No pair {verb}: {least} is {pair}."


def _side(languages: pd.DataFrame, side: str, role: str) -> str:
    known = languages[languages[f"n_{side}"] > 0].sort_index()
    shares = known[f"n_{side}_negative"] / known[f"n_{side}"]
    most, least = float(shares.max()), float(shares.min())
    harm = "harms" if side == "given" else "is harmed"
    if most == least:
        return f"No language {harm} more often than another {role}: {most:.0%} of the cells of each are negative."
    return (
        f"Most often negative {role}: {_named(known, shares == most, side)}; "
        f"least often: {_named(known, shares == least, side)}."
    )


def _named(known: pd.DataFrame, among: pd.Series[bool], side: str, most: int = 3) -> str:
    rows = known[among]
    named = [
        f"{language_name(str(code))} ({code}, {row[f'n_{side}_negative']} of {row[f'n_{side}']} cells)"
        for code, row in rows.iloc[:most].iterrows()
    ]
    return ", ".join(named) + (f", and {len(rows) - most} more" if len(rows) > most else "")


def _decided(found: Detrimental) -> str:
    if found.reason:
        return f"Which cells are negative beyond measurement error: not possible, because {found.reason}."
    untested = found.count(UNKNOWN)
    left = f"; {plural(untested, 'cell')} without a standard error not tested" if untested else ""
    negative, positive, undecided = (found.count(verdict) for verdict in (NEGATIVE, POSITIVE, UNDECIDED))
    n_tests = plural(found.n_measured - untested, "test")
    return (
        f"Beyond measurement error {negative or 'no'} {'cell is' if negative < 2 else 'cells are'} negative and "
        f"{positive or 'no'} positive; {undecided or 'none'} {'is' if undecided == 1 else 'are'} undecided "
        f"({_CORRECTED[found.correction]} for {n_tests} each way, {found.level:.0%}){left}."
    )

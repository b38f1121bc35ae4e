r"""Is a language (English, by habit) the best donor? By measurement error, and for another panel of languages.

result = best_donor(bank, "en")
print(*result.sentences(), sep="\n")
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bloodbank.bank.bank import Bank
from bloodbank.bank.scores import donation, number
from bloodbank.bank.uncertainty.panel import panel_intervals
from bloodbank.errors import UsageError
from bloodbank.randomness import generator
from bloodbank.statistics.means import known_mean
from bloodbank.statistics.ranks import rank_intervals
from bloodbank.wording import Finding, language_name, percentage, plural, signed

Array = NDArray[np.float64]
BEST, RULED_OUT, OPEN, UNKNOWN = "best", "ruled out", "undecided", "not possible"
MIN_RECIPIENTS = 6  # that six differences have one sign by chance is 1 in 32; five, 1 in 16
_MIN_PANELS = 100


@dataclass(frozen=True)
class Uncertainty:
    """What one kind of uncertainty says of the question.

    Attributes:
        verdict: "best" (no other language can be ahead), "ruled out" (another language is surely ahead), "undecided",
            or "not possible".
        reason: Why it is not possible; empty otherwise.
        level: Probability that a place is between its bounds, and that an interval holds the true value.
        n_draws: How often D was drawn again.
        low, high: Interval of `BestDonor.difference`, from paired draws; missing where it is not possible.
        covers: What differs between draws.
    """

    verdict: str
    reason: str
    level: float
    n_draws: int = 0
    low: float = np.nan
    high: float = np.nan
    covers: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class BestDonor:
    """Where a language stands among the donors, and whether it is the best.

    Attributes:
        language: The language in question.
        table: donation (D, a sum of F, no unit), complete, n_measured (cells), rank (1 is the highest; tied languages
            share the mean of their places); by measurement error low, high, rank_low, rank_high and p_best (share of
            the replicates of F in which its D is the highest); for another panel of languages the same as panel_low,
            panel_high, panel_rank_low, panel_rank_high and panel_p_best (share of the resampled panels).
            One row for each language, the highest D first; a place is bounded with all comparisons of the language
            taken together, see `statistics.ranks.rank_intervals`.
        rival: The highest D among the other languages; None where there is none.
        difference: D(rival) − D(language). The rival was chosen by the same data, so verdicts go by the place instead.
        measurement: What the bank's replicates say: other seeds, other test paragraphs.
        panel: What resampled panels of recipients say: other languages in the bank.
    """

    language: str
    table: pd.DataFrame
    rival: str | None
    difference: float
    measurement: Uncertainty
    panel: Uncertainty

    @property
    def known(self) -> bool:
        """Whether the language is in the bank and has a donation score."""
        return self.language in self.table.index and not np.isnan(number(self.table, self.language, "donation"))

    def sentences(self) -> list[str]:
        """Say where the language stands, and what each of the two uncertainties says of it being the best donor."""
        if not self.known:
            return [_absent(self)]
        if self.rival is None:
            name = _name(self.language)
            return [f"Whether {name} is the best donor: not possible, because no other language has a donation score."]
        error = "By measurement error"
        if self.measurement.covers:
            error += f" (other {' or '.join(self.measurement.covers)})"
        return [
            _place(self),
            _answer(self, self.measurement, "", error),
            _answer(self, self.panel, "panel_", "By the choice of recipients (another panel of languages)"),
        ]


def best_donor(
    bank: Bank, language: str = "en", *, level: float = 0.95, n_panels: int = 2_000, seed: int = 0
) -> BestDonor:
    """Ask whether a language is the best donor.

    For another panel of languages, recipients are resampled with replacement, the same panel for all donors, and each
    donor is scored by its mean F over the panel's languages other than itself. Donors with fewer than 6 measured
    recipients are left out. Bounds (not shares) are widened by what resampling lacks with few recipients.

    Args:
        bank: The bank. Without measurement intervals (an imported matrix) only the second answer is possible.
        language: Its code.
        level: Of the intervals for another panel; those of measurement have the bank's.
        n_panels: Panels that are resampled.
        seed: Of the panels.

    Raises:
        UsageError: The level is not between 0 and 1, or fewer than 100 panels are asked for.

    Source:
        Sections 1 and 5, equation 5.
    """
    if not 0.0 < level < 1.0:
        raise UsageError(f"The level of an interval is between 0 and 1, such as 0.95, but was given as {level:g}.")
    if n_panels < _MIN_PANELS:
        raise UsageError(
            f"{n_panels} panels were asked for; at least {_MIN_PANELS} are needed, and 2000 for a steady answer."
        )
    # In the order of their codes, so that the order of languages changes no number.
    codes = sorted(bank.languages)
    finetune = bank.finetune_scores.loc[codes, codes].mask(np.eye(len(codes), dtype=bool))
    scores = donation(finetune)
    table = pd.DataFrame(
        {"donation": scores["sum"], "complete": scores["complete"], "n_measured": scores["n_measured"]}
    )
    table["rank"] = table["donation"].rank(ascending=False, method="average")
    others = table["donation"].drop(language, errors="ignore").dropna()
    rival = None if others.empty else str(others.idxmax())  # the first code of equals
    asked = language in table.index and not np.isnan(number(table, language, "donation")) and rival is not None
    pair = (language, str(rival)) if asked else None
    measurement = _by_measurement(bank, table, pair)
    panel = _by_panel(finetune, table, pair, level=level, n_panels=n_panels, seed=seed)
    table["code"] = table.index
    table = table.sort_values(["donation", "code"], ascending=[False, True]).drop(columns="code")
    return BestDonor(
        language=language,
        table=table.rename_axis(index="language"),
        rival=rival,
        difference=number(table, rival, "donation") - number(table, language, "donation") if asked else np.nan,
        measurement=measurement,
        panel=panel,
    )


def _by_measurement(bank: Bank, table: pd.DataFrame, pair: tuple[str, str] | None) -> Uncertainty:
    intervals = bank.intervals
    table[["low", "high", "rank_low", "rank_high", "p_best"]] = np.nan
    if intervals is None:
        return Uncertainty(UNKNOWN, "the bank has no measurement intervals", 0.95)
    known = intervals.scores[intervals.scores["score"] == "donation"].set_index("language")
    bounds = ["low", "high", "rank_low", "rank_high"]
    table[bounds] = known[bounds].reindex(table.index).astype(float)
    drawn, low, high = None, np.nan, np.nan
    if intervals.replicates is not None:
        parts = np.array_split(np.arange(intervals.n_replicates), 1 + intervals.n_replicates // 100)  # for memory
        places = [intervals.languages.index(code) for code in table.index]
        drawn = np.concatenate([_donations(intervals.replicates[part][:, places][:, :, places]) for part in parts])
        table["p_best"] = _share_best(drawn)
        low, high = _difference(drawn, table, pair, intervals.level)
    verdict, reason = _verdict(table, pair, "rank_low", "rank_high", "the measurement error of D is not known")
    if not intervals.covers_seeds:
        verdict, reason = UNKNOWN, "with one seed the order of donors is not known; two are needed"
    n_draws = 0 if drawn is None else len(drawn)
    return Uncertainty(verdict, reason, intervals.level, n_draws, low, high, intervals.sources)


def _by_panel(
    finetune: pd.DataFrame, table: pd.DataFrame, pair: tuple[str, str] | None, *, level: float, n_panels: int, seed: int
) -> Uncertainty:
    intervals = panel_intervals(finetune, level=level).scores
    known = intervals[intervals["score"] == "donation"].set_index("language")
    table[["panel_low", "panel_high"]] = known[["low", "high"]].reindex(table.index)
    table[["panel_rank_low", "panel_rank_high", "panel_p_best"]] = np.nan
    drawn = _resampled(finetune.to_numpy(dtype=float), n_panels, seed)
    judged: NDArray[np.bool_] = np.zeros(len(table), dtype=bool)
    if len(drawn):
        judged = np.asarray(~np.isnan(drawn).all(axis=0))
    if judged.sum() > 1:
        table["panel_p_best"] = _share_best(drawn)
        estimates = table["donation"].to_numpy(dtype=float)
        drawn = estimates + _widening(int(table["n_measured"].to_numpy()[judged].min()), level) * (drawn - estimates)
        _, lowest, highest = rank_intervals(estimates[judged], drawn[:, judged], level)
        places = pd.DataFrame({"panel_rank_low": lowest, "panel_rank_high": highest}, index=table.index[judged])
        table[["panel_rank_low", "panel_rank_high"]] = places.reindex(table.index)
    low, high = _difference(drawn, table, pair, level)
    few = f"resampling says nothing of donors with fewer than {MIN_RECIPIENTS} measured recipients"
    verdict, reason = _verdict(table, pair, "panel_rank_low", "panel_rank_high", few)
    return Uncertainty(verdict, reason, level, len(drawn), low, high)


def _resampled(cells: Array, n_panels: int, seed: int) -> Array:
    # [donor, recipient] -> [panel, donor]: D on panels of recipients; only panels in which every donor is scored that
    # has enough recipients, and missing for the others.
    n = len(cells)
    weights = generator("panels", n, seed).multinomial(n, np.full(n, 1 / n), size=n_panels).astype(float)
    known = ~np.isnan(cells)
    judged = known.sum(axis=1) >= MIN_RECIPIENTS
    n_scored = weights @ known.T
    drawn = (n - 1) * (weights @ np.where(known, cells, 0.0).T) / np.maximum(n_scored, 1)
    drawn = np.where(judged, drawn, np.nan)[(n_scored[:, judged] > 0).all(axis=1)]
    return drawn if judged.any() and len(drawn) >= _MIN_PANELS else drawn[:0]


def _widening(n: int, level: float) -> float:
    # Means of n cells drawn with replacement scatter too little, and as a normal distribution. Without this, one of 8
    # equal donors was ruled out at 95% in 15 of 100 made-up banks, and one of 22 in 8; with it in 4 and 5.
    from scipy import stats

    upper = (1 + level) / 2
    return float(np.sqrt(n / (n - 1)) * stats.t.ppf(upper, n - 1) / stats.norm.ppf(upper))


def _donations(replicates: NDArray[np.float32]) -> Array:
    # [replicate, donor, recipient] -> [replicate, donor]: (n - 1) times the mean of what was measured
    donations: Array = (replicates.shape[1] - 1) * known_mean(replicates.astype(float), axis=2)
    return donations


def _share_best(drawn: Array) -> Array:
    """Count in which share of the draws each donor is highest; equals share a draw. Missing where never scored."""
    never = np.isnan(drawn).all(axis=0)
    if never.all():
        return np.full(drawn.shape[1], np.nan)
    filled = np.where(np.isnan(drawn), -np.inf, drawn)
    best = filled == filled.max(axis=1, keepdims=True)
    share = (best / best.sum(axis=1, keepdims=True)).mean(axis=0)
    return np.where(never, np.nan, share)


def _difference(drawn: Array, table: pd.DataFrame, pair: tuple[str, str] | None, level: float) -> tuple[float, float]:
    if pair is None or not len(drawn):
        return np.nan, np.nan
    own, rival = (drawn[:, table.index.get_loc(code)] for code in pair)
    low, high = np.quantile(rival - own, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def _verdict(
    table: pd.DataFrame, pair: tuple[str, str] | None, lowest: str, highest: str, otherwise: str
) -> tuple[str, str]:
    if pair is None:
        return UNKNOWN, "there are no two donors to compare"
    low, high = number(table, pair[0], lowest), number(table, pair[0], highest)
    if np.isnan(low):
        return UNKNOWN, otherwise
    if low > 1:
        return RULED_OUT, ""
    return (BEST, "") if high == 1 else (OPEN, "")


def _name(code: str) -> str:
    name = language_name(code)
    return code if name == code else f"{name} ({code})"


def _absent(result: BestDonor) -> str:
    because = f"it is not among the bank's {plural(len(result.table), 'language')}"
    if result.language in result.table.index:
        because = "no cell with it as donor is measured"
    sentence = f"Whether {_name(result.language)} is the best donor: not possible, because {because}."
    if result.rival is None:
        return f"{sentence} No language has a donation score."
    return f"{sentence} The highest D is that of {_name(result.rival)} ({_score(result, result.rival)})."


def _score(result: BestDonor, code: str) -> str:
    star = "" if result.table.loc[code, "complete"] else ", cells missing"
    return f"D = {signed(float(result.table['donation'][code]), 2)}{star}"


def _place(result: BestDonor) -> str:
    name, rival = _name(result.language), _name(str(result.rival))
    own, other = _score(result, result.language), _score(result, str(result.rival))
    donations = result.table["donation"]
    n = plural(int(donations.notna().sum()), "donor")
    if result.difference == 0:
        return f"{name} has the highest D of {n} together with {rival} ({own})."
    if result.difference < 0:
        return f"{name} has the highest D of {n} ({own}), before {rival} ({other}), {_distance(result)}."
    rank, is_tied = float(result.table["rank"][result.language]), (donations == donations[result.language]).sum() > 1
    place = f"place {rank:g}{', tied,' if is_tied else ''}"
    return (
        f"{name} does not have the highest D: it is at {place} of {n} ({own}); {rival} is at the top ({other}), "
        f"{_distance(result)}, which looks large because {result.rival} was chosen as the highest."
    )


def _distance(result: BestDonor) -> str:
    bounds = [
        f"{of.level:.0%} {kind} {Finding(np.nan, of.low, of.high).span}"
        for kind, of in (("by measurement", result.measurement), ("for another panel", result.panel))
        if not np.isnan(of.low)
    ]
    return f"a difference of {signed(result.difference, 2)} ({'; '.join(bounds) or 'no interval is known'})"


def _answer(result: BestDonor, of: Uncertainty, prefix: str, opening: str) -> str:
    name = _name(result.language)
    if of.verdict == UNKNOWN:
        return f"{opening}: whether {name} is the best donor is not possible to say, because {of.reason}."
    table = result.table
    low, high, share = (float(table[f"{prefix}{key}"][result.language]) for key in ("rank_low", "rank_high", "p_best"))
    places = f"place {low:g}" if low == high else f"places {low:g} to {high:g}"
    numbers = f"{places} of {int(table[f'{prefix}rank_low'].notna().sum())} at {of.level:.0%}"
    if not np.isnan(share):
        first = str(table[f"{prefix}p_best"].idxmax())
        numbers += f"; highest in {percentage(share)} of {of.n_draws:,} draws"
        if first != result.language:
            numbers += f", {_name(first)} in {percentage(float(table[f'{prefix}p_best'][first]))}"
    words = {
        RULED_OUT: f"it is ruled out that {name} is the best donor",
        BEST: f"{name} is the best donor",
        OPEN: f"it is undecided whether {name} is the best donor",
    }
    return f"{opening}, {words[of.verdict]} ({numbers})."

r"""Is a language (English, by habit) the best donor? By measurement error, and for another panel of languages.

Reads a bank; writes nothing.

    found = best_donor(bank, "en")
    print(*found.sentences(), sep="\n")
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from bloodbank.bank.bank import Bank
from bloodbank.bank.scores import donation, number
from bloodbank.bank.uncertainty.panel import panel_intervals
from bloodbank.errors import UsageError
from bloodbank.randomness import generator
from bloodbank.statistics.tests import rank_intervals
from bloodbank.wording import language_name, plural, signed

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
            taken together, see `ranks.rank_intervals`.
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
        """Say whether the language is the best donor; another finding gives another sentence."""
        return best_donor_lines(self)


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
    covers = ("seeds",) * intervals.covers_seeds + ("test paragraphs",) * intervals.covers_paragraphs
    return Uncertainty(verdict, reason, intervals.level, 0 if drawn is None else len(drawn), low, high, covers)


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
    upper = (1 + level) / 2
    return float(np.sqrt(n / (n - 1)) * stats.t.ppf(upper, n - 1) / stats.norm.ppf(upper))


def _donations(replicates: NDArray[np.float32]) -> Array:
    # [replicate, donor, recipient] -> [replicate, donor]: (n - 1) times the mean of what was measured
    known = ~np.isnan(replicates)
    n_measured = known.sum(axis=2)
    total = np.where(known, replicates, 0.0).sum(axis=2, dtype=float)
    n_others = replicates.shape[1] - 1
    return np.where(n_measured > 0, n_others * total / np.maximum(n_measured, 1), np.nan)


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


# What a question after the best donor was answered, in sentences: another answer gives another sentence.


_BEST, _RULED_OUT, _UNKNOWN = "best", "ruled out", "not possible"
_MAX_NAMED = 3


def best_donor_lines(found: BestDonor) -> list[str]:
    """Say whether a language is the best donor.

    Args:
        found: What was found.

    Returns:
        Sentences: where it stands, what each of the two uncertainties says of it, how far the best other language is
        ahead, and which languages are highest most often.
    """
    if not found.known:
        return [_absent(found), *_candidates(found)]
    if found.rival is None:
        name = _name(found.language)
        return [f"Whether {name} is the best donor: not possible, because no other language has a donation score."]
    return [
        _place(found),
        _measurement_sentences(found),
        _panel_sentences(found),
        _distance(found),
        *_candidates(found),
    ]


def _name(code: str) -> str:
    name = language_name(code)
    return code if name == code else f"{name} ({code})"


def _n_ranked(found: BestDonor) -> int:
    return int(found.table["donation"].notna().sum())


def _absent(found: BestDonor) -> str:
    name = _name(found.language)
    because = (
        "no cell with it as donor is measured"
        if found.language in found.table.index
        else f"it is not among the bank's {plural(len(found.table), 'language')}"
    )
    said = f"Whether {name} is the best donor: not possible, because {because}."
    if found.rival is None:
        return f"{said} No language has a donation score."
    return f"{said} The highest D is that of {_name(found.rival)} ({_score(found, found.rival)})."


def _score(found: BestDonor, code: str) -> str:
    star = "" if found.table.loc[code, "complete"] else ", cells missing"
    return f"D = {signed(float(found.table['donation'][code]), 2)}{star}"


def _place(found: BestDonor) -> str:
    name, rival = _name(found.language), _name(str(found.rival))
    own, other = _score(found, found.language), _score(found, str(found.rival))
    n = plural(_n_ranked(found), "donor")
    if found.difference < 0:
        return f"{name} has the highest D of {n} ({own}), before {rival} ({other})."
    if found.difference == 0:
        return f"{name} has the highest D of {n} together with {rival} ({own})."
    rank, donations = float(found.table["rank"][found.language]), found.table["donation"]
    tied = int((donations == donations[found.language]).sum()) > 1
    place = f"place {rank:g}{', tied,' if tied else ''}"
    return f"{name} does not have the highest D: it is at {place} of {n} ({own}); {rival} is at the top ({other})."


def _measurement_sentences(found: BestDonor) -> str:
    covers = found.measurement.covers
    said = f"By measurement error (other {' or '.join(covers)})" if covers else "By measurement error"
    return _answer(found, found.measurement, "", (said, "replicates of F"))


def _panel_sentences(found: BestDonor) -> str:
    said = "By the choice of recipients (another panel of languages)"
    return _answer(found, found.panel, "panel_", (said, "resampled panels"))


def _answer(found: BestDonor, of: Uncertainty, prefix: str, texts: tuple[str, str]) -> str:
    name, (opening, draws) = _name(found.language), texts
    if of.verdict == _UNKNOWN:
        return f"{opening}: whether {name} is the best donor is not possible to say, because {of.reason}."
    table, own = found.table, found.language
    low, high, share = (float(table[f"{prefix}{key}"][own]) for key in ("rank_low", "rank_high", "p_best"))
    places = f"place {low:g}" if low == high else f"places {low:g} to {high:g}"
    n_placed = int(found.table[f"{prefix}rank_low"].notna().sum())
    numbers = f"{places} of {n_placed} at {of.level:.0%}"
    if not np.isnan(share):
        numbers += f"; highest in {_percent(share)} of {of.n_draws:,} {draws}"
    verdict = {
        _RULED_OUT: f"it is ruled out that {name} is the best donor",
        _BEST: f"{name} is the best donor",
    }.get(of.verdict, f"it is undecided whether {name} is the best donor")
    return f"{opening}, {verdict} ({numbers})."


def _percent(share: float) -> str:
    text = f"{share:.1%}"
    if (text == "0.0%" and share > 0) or (text == "100.0%" and share < 1):
        return "less than 0.1%" if share < 0.5 else "more than 99.9%"
    return text


def _distance(found: BestDonor) -> str:
    bounds = [
        f"{of.level:.0%} {kind} {signed(of.low, 2)} to {signed(of.high, 2)}"
        for kind, of in (("by measurement", found.measurement), ("for another panel", found.panel))
        if not np.isnan(of.low)
    ]
    numbers = f" ({'; '.join(bounds)})" if bounds else " (no interval is known)"
    chosen = f"; {found.rival} was chosen as the highest, which makes this difference look large"
    return (
        f"D({found.rival}) - D({found.language}) = {signed(found.difference, 2)}{numbers}"
        f"{chosen if found.difference > 0 else ''}."
    )


def _candidates(found: BestDonor) -> list[str]:
    lines = []
    for column, of, draws in (
        ("p_best", found.measurement, "replicates of F"),
        ("panel_p_best", found.panel, "resampled panels of recipients"),
    ):
        shares = found.table[column].dropna()
        shares = shares[shares > 0].sort_values(ascending=False, kind="stable")
        if len(shares):
            named = [
                f"{_name(str(code))} in {_percent(float(share))}" for code, share in shares.iloc[:_MAX_NAMED].items()
            ]
            left = len(shares) - len(named)
            more = f", and {plural(left, 'more language')} in the rest" if left else ""
            lines.append(f"Of {of.n_draws:,} {draws} the highest D is that of {', '.join(named)}{more}.")
    return lines

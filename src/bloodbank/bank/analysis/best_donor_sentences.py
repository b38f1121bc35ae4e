"""What a question after the best donor was answered, in sentences: another answer gives another sentence.

Nothing is read or written.

    best_donor_lines(best_donor(bank, "en"))
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bloodbank.bank.names import language_name, plural, signed

if TYPE_CHECKING:
    from bloodbank.bank.analysis.best_donor import BestDonor, Uncertainty

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
    return [_place(found), _by_measurement(found), _by_panel(found), _distance(found), *_candidates(found)]


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


def _by_measurement(found: BestDonor) -> str:
    covers = found.measurement.covers
    said = f"By measurement error (other {' or '.join(covers)})" if covers else "By measurement error"
    return _answer(found, found.measurement, "", (said, "replicates of F"))


def _by_panel(found: BestDonor) -> str:
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

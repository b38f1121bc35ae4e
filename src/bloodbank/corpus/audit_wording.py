"""How an audit is put into words, the same in its sentences, tables, figures and card.

Nothing is read or written.

    percent(0.581), compact(12_345)   # "58.1%", "12.3k"
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from bloodbank.corpus.audit_record import Audit, known

MAX_NAMED = 10
LEAST_NAMED = 0.0005  # share of the characters from which a foreign language is named
DISTANCES = {
    "sentence_words": "Sentence length in words",
    "sentence_tokens": "Sentence length in tokens",
    "word_chars": "Word length in characters",
}
"""Titles of the distances, by their names in the record."""


def subtitle(audit: Audit) -> str:
    """Say in one line what the corpus is: languages, budget, sampling, seed."""
    n = len(audit.languages)
    budget = f"{audit.budget:,} {audit.budget_unit} each" if known(audit.budget) else "budget not known"
    return f"{n} language{'' if n == 1 else 's'}; {budget}; {audit.sampling} sampling, seed {audit.seed}"


def percent(share: float) -> str:
    """Write a share as a percentage, so that a small one is not written as none and a large one not as all."""
    value = 100 * share
    if 0 < value < 0.1:
        return f"{value:.2g}%" if value >= 0.001 else "<0.001%"
    if 99.9 < value < 100:
        return ">99.9%"
    return f"{value:.0f}%" if value in (0, 100) else f"{value:.1f}%"


def compact(value: float) -> str:
    """Write a number with three significant digits: 980, 12.3k, 4.56M, 7.89G."""
    if value < 1_000:
        return f"{value:.0f}"
    for unit in "kMG":
        value /= 1_000
        if float(f"{value:.3g}") < 1_000 or unit == "G":
            break
    return f"{value:,.0f}{unit}" if value >= 999.5 else f"{value:#.3g}".rstrip(".") + unit


def judged(
    shares: Mapping[str, float],
    limit: float,
    *,
    over: str,
    under: str,
    none: str,
    unknown: str,
    write: Callable[[str, float], str] = lambda code, share: f"{code} ({percent(share)})",
) -> str:
    """Choose the sentence that fits shares by language.

    Args:
        shares: By language; those that are not known left out.
        limit: Share above which a language is named, the worst first.
        over: The sentence where there is one, with `{over}` for them and `{limit}`.
        under: Where there is none, with `{most}` for the worst.
        none: Where all shares are zero.
        unknown: Where there are no shares.
        write: Names a language with its share.
    """
    if not shares:
        return unknown
    ordered = sorted(shares.items(), key=lambda item: -item[1])
    if ordered[0][1] == 0:
        return none
    named = listed([write(code, share) for code, share in ordered if share > limit])
    return (over if named else under).format(limit=f"{100 * limit:g}%", over=named, most=write(*ordered[0]))


def known_numbers(values: Iterable[tuple[str, float | str | None]]) -> dict[str, float]:
    """Keep the values that are numbers."""
    return {code: value for code, value in values if known(value)}


def listed(names: list[str]) -> str:
    """List names, the first ones of many."""
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return ", ".join(names[:MAX_NAMED]) + more

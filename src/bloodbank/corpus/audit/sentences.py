"""What the numbers of an audit say, in sentences below its tables and in its card: another number, another sentence.

for sentence in findings(audit):
    print(sentence)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from statistics import median

from pydantic import BaseModel

from bloodbank.corpus.audit.columns import DISTANCES
from bloodbank.corpus.audit.distances import Distance
from bloodbank.corpus.audit.record import (
    OVERLAP_LIMIT,
    UNKNOWN_LIMIT,
    Audit,
    Correlation,
    Foreign,
    LanguageAudit,
    is_reason,
    known,
)
from bloodbank.experiment.settings import FOREIGN_LIMIT
from bloodbank.languages import NO_SPACES
from bloodbank.wording import compact, listed, percentage

N_NAMED = 10  # languages in a sentence
OUTSIDE_LIMIT = 0.1  # share of letters in other scripts from which a language is named
NEAR_LIMIT = 0.1  # share of paragraphs
_FACTOR, _LEAST_DROPPED = 3, 0.02  # between languages; a share of characters below which it matters to nobody
WEAK = 0.3  # correlations below this, of either sign, are no direction
PAPER_CORRELATION = 0.73  # section 3
_UNIT_UNKNOWN = (
    "A distance has no pass mark: sentences that stand together are alike, so that running text lies further off than "
    "random samples as a rule; the paper's \"below 0.001\" names no unit, and its authors' own file shows up to 0.59."
)


def findings(audit: Audit) -> list[str]:
    """Say what a reader should know about a corpus.

    Args:
        audit: The audit.

    Returns:
        Sentences on budgets, foreign text, unknown pieces, overlaps, balance, distances, and what was not computed.
    """
    return [
        _budget(audit),
        _foreign(audit),
        _scripts(audit),
        *_overlaps(audit),
        *_translations(audit),
        *_losses(audit),
        _near_duplicates(audit),
        *_balance(audit),
        _unknown(audit),
        *_correlation(audit),
        *_distances(audit),
        *missing_numbers(audit),
    ]


def subtitle(audit: Audit) -> str:
    """Say in one line what the corpus is: languages, budget, sampling, seed."""
    n = len(audit.languages)
    budget = f"{audit.budget:,} {audit.budget_unit} each" if known(audit.budget) else "budget not known"
    return f"{n} language{'' if n == 1 else 's'}; {budget}; {audit.sampling} sampling, seed {audit.seed}"


def missing_numbers(audit: Audit) -> list[str]:
    """Say what was not computed and why.

    Args:
        audit: The audit.

    Returns:
        A sentence for each reason, with what it holds for, and in which languages where not in all.
    """
    reasons: dict[str, dict[str, list[str]]] = {}
    for language in audit.languages:
        for what, reason in _reasons(language, audit):
            reasons.setdefault(reason, {}).setdefault(what, []).append(language.code)
    n_all = len(audit.languages)
    return [
        f"{reason[0].upper()}{reason[1:]}: "
        + ", ".join(what if len(codes) == n_all else f"{what} ({_names(codes)})" for what, codes in where.items())
        + "."
        for reason, where in reasons.items()
    ]


def _names(names: list[str]) -> str:
    return listed(names, N_NAMED)


def _judged(
    shares: Mapping[str, float],
    limit: float,
    *,
    over: str,
    under: str,
    none: str,
    unknown: str,
    write: Callable[[str, float], str] = lambda code, share: f"{code} ({percentage(share)})",
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
    beyond = _names([write(code, share) for code, share in ordered if share > limit])
    return (over if beyond else under).format(limit=f"{100 * limit:g}%", over=beyond, most=write(*ordered[0]))


def _known(values: Mapping[str, float | str | None]) -> dict[str, float]:
    return {code: value for code, value in values.items() if known(value)}


def _by_language(audit: Audit, group: str, name: str) -> dict[str, float]:
    """Take a number of a group from every language of which it is known."""
    return _known({language.code: language.value(group, name) for language in audit.languages})


def _budget(audit: Audit) -> str:
    budget = f"budget of {audit.budget:,} {audit.budget_unit}" if known(audit.budget) else "budget"
    short = [f"{each.code} ({', '.join(each.short_parts)})" for each in audit.languages if each.short_parts]
    n_known, n_all = sum(not isinstance(each.sample, str) for each in audit.languages), len(audit.languages)
    if short:
        return f"Short of the {budget}: {_names(short)}."
    if n_known < n_all:
        return f"None is known to be short of the {budget}; the size of {n_all - n_known} of {n_all} is not known."
    return f"{'Every' if n_all > 1 else 'The one'} language has its {budget}."


def _foreign(audit: Audit) -> str:
    groups = {each.code: each.foreign for each in audit.languages if isinstance(each.foreign, Foreign)}
    return _judged(
        _by_language(audit, "foreign", "by_char"),
        FOREIGN_LIMIT,
        over="Foreign text above {limit} of the characters in: {over}.",
        under="Foreign text is at most {limit} of the characters in every language measured; most in {most}.",
        none="No foreign text was found.",
        unknown="Foreign text was not measured.",
        write=lambda code, share: f"{code} ({_of_whom(groups[code], share)})",
    )


def _of_whom(foreign: Foreign, share: float) -> str:
    """Say how much is foreign, and in which languages most of it is: "58.1% en"."""
    languages = sorted(foreign.languages.items(), key=lambda item: -item[1])
    if not languages:
        return percentage(share)
    if languages[0][1] >= 0.95 * share:
        return f"{percentage(share)} {languages[0][0]}"
    largest = [f"{percentage(part)} {code}" for code, part in languages[:3] if part >= 0.01 * share]
    return f"{percentage(share)}: {', '.join(largest)}"


def _scripts(audit: Audit) -> str:
    return _judged(
        _by_language(audit, "scripts", "outside"),
        OUTSIDE_LIMIT,
        over="Letters in other scripts than the language's, above {limit}: {over}.",
        under="At most {limit} of the letters are in other scripts than the language's; most in {most}.",
        none="No letter is in another script than the language's.",
        unknown="The share of letters in other scripts than the language's was not measured.",
    )


def _overlaps(audit: Audit) -> list[str]:
    unit, codes = audit.overlap_unit, [language.code for language in audit.languages]
    largest = {code: most for code in codes if (most := audit.largest_overlap(code)) is not None}
    own = _judged(
        _known({code: audit.own_overlap(code) for code in codes}),
        OVERLAP_LIMIT,
        over=f"Test {unit} that stand in the training text of the same language, above {{limit}}: {{over}}.",
        under=f"At most {{limit}} of the test {unit} stand in training text of their language; most of {{most}}.",
        none=f"None of the test {unit} stand in the training text of the same language.",
        unknown="Overlap between test and training text of the same language was not measured.",
    )
    others = _judged(
        {code: share for code, (_, share) in largest.items()},
        OVERLAP_LIMIT,
        over=f"Test {unit} of one language that stand in the training text of another, above {{limit}}: {{over}}.",
        under=f"At most {{limit}} of the test {unit} of one language stand in the training text of another; "
        "most of {most}.",
        none=f"None of the test {unit} of one language stand in the training text of another.",
        unknown="Overlap between the test text of one language and the training text of another was not measured.",
        write=lambda code, share: f"{code} in {largest[code][0]} ({percentage(share)})",
    )
    return [own, others] if len(codes) > 1 else [own]


def _translations(audit: Audit) -> list[str]:
    """Say whose test text stands, translated, in whose training text."""
    if len(audit.languages) < 2:
        return []
    if isinstance(audit.translations, str):
        return ["Translations of test text in other languages' training text were not looked for."]
    leaks = {language.code: audit.leaks_of(language.code) for language in audit.languages}
    named = [
        f"{code} in {', '.join(f'{other} ({percentage(share)})' for other, share in others.items())}"
        for code, others in leaks.items()
        if others
    ]
    if not named:
        return ["No test text was found, translated, in the training text of another language."]
    return [
        f"Test text that stands, translated, in the training text of others: {'; '.join(named)}. What a donor gives "
        'there is no transfer alone: say how texts are parallel, or drop translations (corpus.translations = "drop").'
    ]


def _losses(audit: Audit) -> list[str]:
    """Warn where cleaning takes much more of one language than of another."""
    dropped = _known({language.code: language.dropped for language in audit.languages})
    holes = _known({language.code: language.holes for language in audit.languages})
    sentences = []
    if len(dropped) > 1 and max(dropped.values()) > max(_FACTOR * min(dropped.values()), _LEAST_DROPPED):
        most, least = max(dropped, key=dropped.__getitem__), min(dropped, key=dropped.__getitem__)
        sentences.append(
            f"Lists, preformatted text and boilerplate that were left out differ by more than a factor of {_FACTOR}: "
            f"{percentage(dropped[most])} of the characters of {most}, {percentage(dropped[least])} of {least}."
        )
    if holes and max(holes.values()) > 0:
        most = max(holes, key=holes.__getitem__)
        sentences.append(
            f"Words that templates show are missing in up to {percentage(holes[most])} of paragraphs ({most})."
        )
    return sentences


def _near_duplicates(audit: Audit) -> str:
    return _judged(
        _by_language(audit, "near_duplicates", "share"),
        NEAR_LIMIT,
        over="Near-duplicates above {limit} of the paragraphs in: {over}.",
        under="Near-duplicates are at most {limit} of the paragraphs; most in {most}.",
        none="No near-duplicates were found.",
        unknown="Near-duplicates were not counted.",
    )


def _unknown(audit: Audit) -> str:
    return _judged(
        _by_language(audit, "tokens", "unknown_rate"),
        UNKNOWN_LIMIT,
        over="Unknown pieces above {limit} in: {over}.",
        under="Unknown pieces are at most {limit} in every language counted; most in {most}.",
        none="No piece is unknown.",
        unknown="Unknown pieces were not counted.",
    )


def _balance(audit: Audit) -> list[str]:
    unspaced = [language.code for language in audit.languages if language.script in NO_SPACES]
    words = _by_language(audit, "sample", "n_words")
    left_out = f" ({_names(unspaced)} left out: written without spaces)" if unspaced else ""
    return [
        *_spread("Characters", "", _by_language(audit, "sample", "n_chars")),
        *_spread("Bytes", "", _by_language(audit, "sample", "n_bytes")),
        *_spread("Words", left_out, {code: n for code, n in words.items() if code not in unspaced}),
        *_spread("Tokens", "", _by_language(audit, "tokens", "n_tokens")),
        *_spread("Updates per epoch", "", _by_language(audit, "tokens", "updates_per_epoch")),
    ]


def _spread(name: str, note: str, values: Mapping[str, float]) -> list[str]:
    """Say by which factor a quantity differs between languages."""
    if len(values) < 2 or min(values.values()) <= 0:
        return []
    low, high = min(values, key=values.__getitem__), max(values, key=values.__getitem__)
    factor = values[high] / values[low]
    if factor == 1:
        return [f"{name} are the same in {len(values)} languages{note}: {values[low]:,.0f}."]
    between = f"{low} ({compact(values[low])}) and {high} ({compact(values[high])})"
    if factor < 1.05:
        return [f"{name} differ by {percentage(factor - 1)} at most, between {between}{note}."]
    return [f"{name} differ by a factor of {factor:.1f} between {between}{note}."]


def _correlation(audit: Audit) -> list[str]:
    both = audit.token_correlation
    if not isinstance(both, Correlation):
        return []
    goes = "hardly go together" if abs(both.r) < WEAK else "rise together" if both.r > 0 else "go against each other"
    chance = "; that may be chance" if both.low <= 0 <= both.high else ""
    return [
        f"Total and unique tokens {goes} over languages (r = {both.r:.2f}, 95% interval {both.low:.2f} to "
        f"{both.high:.2f}, n = {both.n}; the paper: {PAPER_CORRELATION}){chance}."
    ]


def _distances(audit: Audit) -> list[str]:
    lines = []
    for field, name in DISTANCES.items():
        distances = {
            language.code: distance
            for language in audit.languages
            if isinstance(distance := getattr(language, field), Distance)
        }
        if distances:
            lines.append(f"{name}: the sample lies {_apart(distances)}.")
    return [*lines, _UNIT_UNKNOWN] if lines else []


def _apart(distances: Mapping[str, Distance]) -> str:
    beyond = [code for code, distance in distances.items() if distance.value > distance.random.high]
    highs = {code: each.stretches.high for code, each in distances.items() if not isinstance(each.stretches, str)}
    far = [code for code, high in highs.items() if distances[code].value > high]
    kinds = {distance.against for distance in distances.values()}
    whom = {"source": "its source", "sample": "another sample of its source"}
    sentence = (
        f"{percentage(median(distance.relative for distance in distances.values()))} of the mean from "
        f"{' or '.join(whom[kind] for kind in sorted(kinds, reverse=True))} (median over languages), "
        f"further off than random samples of its size in {len(beyond)} of {len(distances)}"
    )
    if not highs:
        return f"{sentence}; what running text gives is not known"
    names = f": {_names(far)}" if far else ""
    return f"{sentence}, than stretches of running text in {len(far)} of {len(highs)}{names}"


def _reasons(language: LanguageAudit, audit: Audit) -> Iterator[tuple[str, str]]:
    """Go through what is missing of one language: what, and the reason."""
    for field in LanguageAudit.model_fields:
        value, name = getattr(language, field), field.replace("_", " ")
        if is_reason(value):
            yield name, value
        elif isinstance(value, BaseModel):
            for inner in type(value).model_fields:
                if is_reason(part := getattr(value, inner)):
                    yield f"{inner.removeprefix('n_').replace('_', ' ')} of {name}", part
    if is_reason(audit.overlap):
        yield "overlap", str(audit.overlap)
    if not isinstance(language.tokens, str) and isinstance(audit.token_correlation, str):
        yield "correlation of total and unique tokens", audit.token_correlation

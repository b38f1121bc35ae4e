"""How much of a corpus is in other languages than it should be, and in which.

    from bloodbank.corpus.foreign.foreign_share import foreign_share
    print(foreign_share(open("fi.txt"), "fi"))

Every word is weighed for and against the language that the text should be in (`evidence`), and a text may change its
language at any word (`markov`), so foreign text within a line is found as foreign lines are. Numbers, names, code
and lines that say too little are not judged: they count on neither side, and their own share is given.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from bloodbank.corpus.foreign.evidence import Candidates, Own, Reading, evidence, suggestions
from bloodbank.corpus.foreign.markov import Array, Lattice, Thresholds, cut_long, judge_all, start_model, text_of
from bloodbank.corpus.scripts import NO_SCRIPT, script_of

_SCRIPT = "script"
_NOTHING = "not possible, because nothing in the text could be judged"
_N_SAMPLE = 4_000  # parts of the text on which candidates are looked for and switching learned
_MOST_CANDIDATES = 12
_LEAST_SUGGESTED = 0.001  # of the stretches of eight words
_LEAST_LETTERS = 20  # fewer may be a name
_FOREIGN_TO_FILTER = 0.05  # share of foreign text taken for granted where one paragraph is looked at
_TO_MEASURE, _TO_FILTER = Thresholds(1.0, 0.9), Thresholds(4.0, 0.5)


@dataclass(frozen=True, slots=True)
class Contamination:
    """Foreign text in a corpus of one language. Shares lie between 0 and 1; None where they cannot be given.

    Attributes:
        language: Code of the language that the text should be in.
        n_lines, n_chars: Size of the text, empty lines left out.
        foreign_lines: Share of the judged lines that are mostly foreign.
        foreign_chars: Share of the judged characters that stand in foreign text, within lines too.
        mixed_lines: Share of the judged lines that hold both.
        unjudged_lines, unjudged_chars: Share of all lines and characters that could not be judged.
        languages_by_line, languages_by_char: What is foreign, by language, the largest first; each adds up to
            `foreign_lines` and `foreign_chars`. `und-` and a script stands for text in that script of which no more is
            known.
        identifiers: What judged: `script`, and the identifiers that know the language.
        counted_as_own: Languages that were not told apart from this one.
        impossible: Why there are no shares: "not possible, because …"; None where there are.
    """

    language: str
    n_lines: int
    n_chars: int
    foreign_lines: float | None = None
    foreign_chars: float | None = None
    mixed_lines: float | None = None
    unjudged_lines: float = 1.0
    unjudged_chars: float = 1.0
    languages_by_line: dict[str, float] = field(default_factory=dict)
    languages_by_char: dict[str, float] = field(default_factory=dict)
    identifiers: tuple[str, ...] = ()
    counted_as_own: tuple[str, ...] = ()
    impossible: str | None = None


def foreign_share(paragraphs: Sequence[str], language: str) -> Contamination:
    """Measure how much of a corpus is in other languages.

    Args:
        paragraphs: The corpus, a line each.
        language: Code of the language that it should be in.

    Raises:
        UsageError: The code is not in the table of languages.
        BloodbankError: An identifier is not installed.
    """
    own = Own.of(language)
    n_chars = np.array([len(paragraph.strip()) for paragraph in paragraphs], np.int64)
    empty = Contamination(language, n_lines=int((n_chars > 0).sum()), n_chars=int(n_chars.sum()))
    impossible = _impossible(own)
    if impossible:
        return replace(empty, impossible=impossible)
    parts = list(cut_long(paragraphs))
    places = np.unique(np.linspace(0, len(parts) - 1, _N_SAMPLE).astype(int)).tolist() if parts else []
    sample = Reading([text_of(paragraphs, parts[place]) for place in places])
    if not sample.passages.words:
        return replace(empty, impossible=_NOTHING)
    candidates = Candidates(own, _candidates(sample, own))
    switching = Lattice(evidence(sample, candidates), sample.passages.ends).learn(candidates.n_own)
    return _summary(empty, judge_all(paragraphs, candidates, switching, _TO_MEASURE), candidates)


def are_foreign(paragraphs: Sequence[str], language: str) -> list[bool]:
    """Tell which paragraphs are mostly in another language, each by itself.

    It takes more evidence than for `foreign_share`: what cannot be judged, and what the identifiers do not agree on, is
    not foreign. A paragraph of twenty letters and more without one of the language's script is foreign, code too.

    Args:
        paragraphs: Any number; many at once are faster.
        language: Code of the language that they should be in.

    Raises:
        UsageError: The code is not in the table of languages.
        BloodbankError: An identifier is not installed.
    """
    own = Own.of(language)
    if _impossible(own) or not any(paragraphs):
        return [False] * len(paragraphs)
    outside = [_has_no_own_letter(paragraph, own.scripts) for paragraph in paragraphs]
    reading = Reading(paragraphs)
    candidates = Candidates(own, _candidates(reading, own) if reading.passages.words else [])
    if len(candidates.languages) == candidates.n_own:
        return outside
    # Each paragraph by itself: nothing is learned from the others, which may be few.
    switching = start_model(len(candidates.languages), candidates.n_own, _FOREIGN_TO_FILTER)
    n_chars = judge_all(paragraphs, candidates, switching, _TO_FILTER)
    lengths = np.array([len(paragraph.strip()) for paragraph in paragraphs])
    # Most of the whole paragraph, not only of what could be judged: names and code speak for neither side.
    judged = n_chars[:, 1:].sum(1) > np.maximum(n_chars[:, 0], lengths / 2)
    return [bool(is_so) or without for is_so, without in zip(judged, outside, strict=True)]


def is_foreign(paragraph: str, language: str) -> bool:
    """Tell whether a paragraph is mostly in another language; see `are_foreign`."""
    return are_foreign([paragraph], language)[0]


def _has_no_own_letter(paragraph: str, scripts: frozenset[str]) -> bool:
    """Tell whether a paragraph has letters enough, and none of these scripts; the first that is one of them decides."""
    n_letters = 0
    for character in paragraph:
        if character.isalpha() and (script := script_of(character)) not in NO_SCRIPT:
            if script in scripts:
                return False
            n_letters += 1
    return bool(scripts) and n_letters >= _LEAST_LETTERS


def _impossible(own: Own) -> str | None:
    if own.identifiers or own.has_own_script:
        return None
    if own.language.startswith("x-"):
        return f"not possible, because no identifier knows the private-use code {own.language}"
    return (
        f"not possible, because neither py3langid nor fastText knows {own.language}, and other languages are written "
        "in its script, too"
    )


def _candidates(sample: Reading, own: Own) -> list[str]:
    """Choose the languages that may be in the text: those that both identifiers find in it; and English, always."""
    suggested = Counter(code for _, code in suggestions(sample, own))
    least = _LEAST_SUGGESTED * (len(sample.groups(8)[1]) - 1)
    chosen = [code for code, n in suggested.most_common(_MOST_CANDIDATES) if n >= least]
    return chosen if "en" in {*chosen, *own.labels} or not own.identifiers else [*chosen, "en"]


def _summary(empty: Contamination, n_chars: Array, candidates: Candidates) -> Contamination:
    own, foreign = n_chars[:, 0], n_chars[:, 1:].sum(1)
    judged = own + foreign > 0
    lines = judged & (foreign > own)
    n_judged, judged_chars = int(judged.sum()), float(own.sum() + foreign.sum())
    if not n_judged:
        return replace(empty, impossible=_NOTHING)
    labels = candidates.languages[candidates.n_own :]
    common = n_chars[lines, 1:].argmax(1).tolist() if lines.any() else []
    by_line = Counter(labels[place] for place in common)
    by_char: Counter[str] = Counter()
    for place, label in enumerate(labels):
        by_char[label] += n_chars[:, 1 + place].sum()
    return replace(
        empty,
        foreign_lines=int(lines.sum()) / n_judged,
        foreign_chars=float(foreign.sum()) / judged_chars,
        mixed_lines=int(((own > 0) & (foreign > 0)).sum()) / n_judged,
        unjudged_lines=1 - n_judged / max(empty.n_lines, 1),
        unjudged_chars=max(0.0, 1 - judged_chars / max(empty.n_chars, 1)),
        languages_by_line={code: n / n_judged for code, n in by_line.most_common()},
        languages_by_char={code: float(n / judged_chars) for code, n in by_char.most_common() if n},
        identifiers=(_SCRIPT, *candidates.own.identifiers),
        counted_as_own=tuple(label for label in candidates.own.labels if label != candidates.own.language),
    )

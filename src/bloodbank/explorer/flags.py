"""What to beware of in the numbers of one language, in sentences; other numbers give other sentences.

Nothing is read or written.

    language_flags(bank)["de"]
"""

from __future__ import annotations

import numpy as np

from bloodbank.bank.bank import Bank
from bloodbank.bank.health import FALLING, NOT_MEASURED, RISING, UNHEALTHY, VOID
from bloodbank.bank.measurements import CONTROLS
from bloodbank.bank.scores import BLOOD_TYPES, FOREIGN_SHARE
from bloodbank.bank.sentences import SURE
from bloodbank.experiment.settings import FOREIGN_LIMIT
from bloodbank.explorer.facts import foreign_flag
from bloodbank.explorer.numbers import plain
from bloodbank.wording import plural

_OWN = {
    "unhealthy": "Its own model is no better than the unigram distribution",
    "failed": "The training of its own model failed",
    "partly healthy": "Its own model is unhealthy or failed in some seeds",
}
_WHY = {
    UNHEALTHY: "with an unhealthy or failed bilingual model",
    VOID: "with an unhealthy or failed own model of the recipient",
    NOT_MEASURED: "not measured",
}
_LEAST_SHARE = 0.005  # of replicates; a smaller one would be written as 0%
_Flags = dict[str, list[str]]
_ENDED = {
    FALLING: "Loss on dev text was still falling when training ended",
    RISING: "Loss on dev text had been clearly lower earlier than when training ended",
}


def language_flags(bank: Bank) -> dict[str, list[str]]:
    """Say what to beware of in the numbers of each language.

    Args:
        bank: The bank.

    Returns:
        Sentences by language: on its own model, on convergence, missing cells, foreign text and the blood type.
    """
    parts = (_own_models(bank), _convergence(bank), _missing(bank), _foreign(bank), _types(bank))
    return {code: [text for part in parts for text in part.get(code, ())] for code in bank.languages}


def _own_models(bank: Bank) -> _Flags:
    models = bank.unhealthy_models
    seeds: dict[str, list[int]] = {}
    for code, seed in models.loc[models["donor"] == "", ["recipient", "seed"]].to_numpy(dtype=object):
        seeds.setdefault(str(code), []).append(int(seed))
    found: _Flags = {}
    for code, state in zip(bank.languages, np.diag(bank.health), strict=True):
        if state not in _OWN:
            continue
        named = f" (seed {', '.join(map(str, sorted(seeds[code])))})" if code in seeds else ""
        after = "so what it receives is void"
        if state == "partly healthy":
            after = "what it receives is measured in the other seeds only"
        if bank.include_unhealthy and state != "failed":
            after = "what it receives is counted all the same, as was asked for"
        found[code] = [f"{_OWN[state]}{named}: {after}."]
    return found


def _convergence(bank: Bank) -> _Flags:
    models = bank.unconverged_models
    models = models[~models["protocol"].isin(CONTROLS)]
    alone: dict[tuple[str, str], list[int]] = {}
    pairs: dict[tuple[str, str], int] = {}
    for donor, code, seed, state in models[["donor", "recipient", "seed", "convergence"]].to_numpy(dtype=object):
        if donor == "":
            alone.setdefault((code, state), []).append(int(seed))
        else:
            pairs[code, state] = pairs.get((code, state), 0) + 1
    found: _Flags = {}
    for code in bank.languages:
        for state, text in _ENDED.items():
            if seeds := alone.get((code, state)):
                found.setdefault(code, []).append(
                    f"{text} in its own model (seed {', '.join(map(str, sorted(seeds)))})."
                )
            if n := pairs.get((code, state)):
                found.setdefault(code, []).append(f"{text} in {plural(n, 'model')} in which it receives.")
    return found


def _missing(bank: Bank) -> _Flags:
    reasons = bank.missing_reasons.to_numpy(dtype=object)
    found: _Flags = {}
    for letter, score, cells, verb in (
        ("D", "donation", reasons, "gives"),
        ("R", "recipience", reasons.T, "receives"),
    ):
        known = bank.scores[score].notna().to_dict()
        counts = {reason: (cells == reason).sum(axis=1) for reason in _WHY}
        for place, code in enumerate(bank.languages):
            here = {reason: int(n[place]) for reason, n in counts.items() if n[place]}
            if here:
                said = _missing_sentence(here, len(bank.languages) - 1, letter, verb, known=known[code])
                found.setdefault(code, []).append(said)
    return found


def _missing_sentence(counts: dict[str, int], n_others: int, letter: str, verb: str, *, known: bool) -> str:
    n_missing = sum(counts.values())
    why = ", ".join(f"{n} {_WHY[reason]}" if len(counts) > 1 else _WHY[reason] for reason, n in counts.items())
    cells = f"{n_missing} of {plural(n_others, 'cell')} in which it {verb} {'is' if n_missing == 1 else 'are'} missing"
    if not known:
        return f"{cells} ({why}): there is no {letter}."
    measured = n_others - n_missing
    return f"{cells} ({why}): {letter} is {n_others} times the mean of the {measured} measured F."


def _foreign(bank: Bank) -> _Flags:
    if FOREIGN_SHARE not in bank.covariates:
        return {}
    shares = {str(code): plain(share) for code, share in bank.covariates[FOREIGN_SHARE].items()}
    return {
        code: [foreign_flag(share)] for code, share in shares.items() if share is not None and share > FOREIGN_LIMIT
    }


def _types(bank: Bank) -> _Flags:
    if bank.intervals is None:
        return {}
    found: _Flags = {}
    table = bank.intervals.types
    shares = table[[f"p_{name}" for name in BLOOD_TYPES]].to_numpy(dtype=float)
    for code, row in zip(table["language"], shares, strict=True):
        if np.isnan(row).all() or np.nanmax(row) >= SURE:
            continue
        order = [place for place in np.argsort(-row, kind="stable") if row[place] >= _LEAST_SHARE]
        named = ", ".join(f"{BLOOD_TYPES[place]} {row[place]:.0%}" for place in order)
        found[str(code)] = [f"Its blood type is open: {named} of the replicates; {SURE:.0%} of one would settle it."]
    return found

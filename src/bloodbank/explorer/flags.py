"""What to beware of in the numbers of one language, in sentences; other numbers give other sentences.

language_flags(bank)["de"]
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import numpy as np
import pandas as pd

from bloodbank.bank.bank import Bank
from bloodbank.bank.covariates import FOREIGN_SHARE
from bloodbank.bank.health import FALLING, NOT_MEASURED, RISING, UNHEALTHY, VOID
from bloodbank.bank.measurements import CONTROLS
from bloodbank.bank.scores import BLOOD_TYPES
from bloodbank.bank.sentences import NOT_KNOWN, SURE
from bloodbank.explorer.facts import foreign_flag
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
_ENDED = {
    FALLING: "Loss on dev text was still falling when training ended",
    RISING: "Loss on dev text had been clearly lower earlier than when training ended",
}
_LEAST_SHARE = 0.005  # of replicates; a smaller one would be written as 0%


def language_flags(bank: Bank) -> dict[str, list[str]]:
    """Say what to beware of in the numbers of each language.

    Args:
        bank: The bank.

    Returns:
        Sentences by language: on its own model, on convergence, missing cells, foreign text and the blood type.
    """
    flags: dict[str, list[str]] = {code: [] for code in bank.languages}
    for code, text in (*_own_models(bank), *_convergence(bank), *_missing(bank), *_foreign(bank), *_types(bank)):
        flags[code].append(text)
    return flags


def _own_models(bank: Bank) -> list[tuple[str, str]]:
    models = bank.unhealthy_models[bank.unhealthy_models["donor"] == ""]
    flags = []
    for code, state in zip(bank.languages, np.diag(bank.health), strict=True):
        if state not in _OWN:
            continue
        if bank.include_unhealthy and state != "failed":
            after = "what it receives is counted all the same, as was asked for"
        elif state == "partly healthy":
            after = "what it receives is measured in the other seeds only"
        else:
            after = "so what it receives is void"
        flags.append((code, f"{_OWN[state]}{_seeds(models.loc[models['recipient'] == code, 'seed'])}: {after}."))
    return flags


def _convergence(bank: Bank) -> list[tuple[str, str]]:
    models = bank.unconverged_models
    models = models[~models["protocol"].isin(CONTROLS)]
    alone: dict[tuple[str, str], list[int]] = defaultdict(list)
    n_pairs: dict[tuple[str, str], int] = defaultdict(int)
    for donor, code, seed, state in models[["donor", "recipient", "seed", "convergence"]].to_numpy(dtype=object):
        if donor:
            n_pairs[code, state] += 1
        else:
            alone[code, state].append(seed)
    flags = []
    for code in bank.languages:
        for state, text in _ENDED.items():
            if (code, state) in alone:
                flags.append((code, f"{text} in its own model{_seeds(alone[code, state])}."))
            if (code, state) in n_pairs:
                flags.append((code, f"{text} in {plural(n_pairs[code, state], 'model')} in which it receives."))
    return flags


def _seeds(seeds: Iterable[int]) -> str:
    named = ", ".join(str(int(seed)) for seed in sorted(seeds))
    return f" (seed {named})" if named else ""


def _missing(bank: Bank) -> list[tuple[str, str]]:
    reasons = bank.missing_reasons.to_numpy(dtype=object)
    flags = []
    for letter, score, cells, verb in (
        ("D", "donation", reasons, "gives"),
        ("R", "recipience", reasons.T, "receives"),
    ):
        for code, row in zip(bank.languages, cells, strict=True):
            counts = {reason: int((row == reason).sum()) for reason in _WHY if (row == reason).any()}
            if counts:
                n_others, known = len(bank.languages) - 1, bool(bank.scores[score].notna()[code])
                flags.append((code, _missing_sentence(counts, n_others, letter, verb, known=known)))
    return flags


def _missing_sentence(counts: dict[str, int], n_others: int, letter: str, verb: str, *, known: bool) -> str:
    n_missing = sum(counts.values())
    why = ", ".join(f"{n} {_WHY[reason]}" if len(counts) > 1 else _WHY[reason] for reason, n in counts.items())
    cells = f"{n_missing} of {plural(n_others, 'cell')} in which it {verb} {'is' if n_missing == 1 else 'are'} missing"
    if not known:
        return f"{cells} ({why}): there is no {letter}."
    measured = n_others - n_missing
    return f"{cells} ({why}): {letter} is {n_others} times the mean of the {measured} measured F."


def _foreign(bank: Bank) -> list[tuple[str, str]]:
    if FOREIGN_SHARE not in bank.covariates:
        return []
    from bloodbank.experiment.settings import FOREIGN_LIMIT

    shares = pd.to_numeric(bank.covariates[FOREIGN_SHARE], errors="coerce")
    return [(str(code), foreign_flag(float(share))) for code, share in shares[shares > FOREIGN_LIMIT].items()]


def _types(bank: Bank) -> list[tuple[str, str]]:
    if bank.intervals is None or not bank.intervals.covers_seeds:
        return [(str(code), f"Its blood type is {NOT_KNOWN}.") for code in bank.blood_types.dropna().index]
    table, flags = bank.intervals.types, []
    shares = table[[f"p_{name}" for name in BLOOD_TYPES]].to_numpy(dtype=float)
    for code, row in zip(table["language"], shares, strict=True):
        if np.isnan(row).all() or np.nanmax(row) >= SURE:
            continue
        order = [place for place in np.argsort(-row, kind="stable") if row[place] >= _LEAST_SHARE]
        named = ", ".join(f"{BLOOD_TYPES[place]} {row[place]:.0%}" for place in order)
        flags.append((code, f"Its blood type is open: {named} of the replicates; {SURE:.0%} of one would settle it."))
    return flags

"""What to keep in mind of a bank: unhealthy and unconverged models, seeds, confounds.

Sentences for `bloodbank.bank.sentences`; another number gives another sentence.

    for caveat in caveats(bank):
        print(caveat)
"""

from __future__ import annotations

import numpy as np

from bloodbank.bank.averages import FERTILITY, FOREIGN_SHARE
from bloodbank.bank.bank import Bank
from bloodbank.bank.measurements import CONTROLS, JOINT
from bloodbank.bank.models import CONVERGED, FALLING, RISING, UNKNOWN
from bloodbank.bank.names import plural, signed

STRONG = 0.5  # correlations from here on, of either sign, are pointed out
WEAK = 0.3  # below this, of either sign, no direction is named
SETTLED = 0.7  # rank correlation from which an order is called repeated
MAX_NAMED = 6
_OWN_MODEL = ("updates", "tokens_seen")  # of M_l; other quantities are those of l
_CAUSES = {
    **dict.fromkeys(_OWN_MODEL, "the amount of training"),
    FOREIGN_SHARE: "text in other languages",
    FERTILITY: "the tokenizer, which cuts some languages into more pieces",
}
_LETTERS = {"finetune_score": "F", "donation": "D", "recipience": "R"}


def caveats(bank: Bank, *, with_confounds: bool = True) -> list[str]:
    """Say what a reader must keep in mind.

    Args:
        bank: The bank.
        with_confounds: Include the correlations of D and R with the training of M_l and with covariates.

    Returns:
        Sentences on unhealthy models, convergence, seeds and confounds.
    """
    found = [_unhealthy(bank), *_convergence(bank), _seeds(bank), *_agreement(bank)]
    return [*found, *_confounds(bank)] if with_confounds else found


def has_one_seed(bank: Bank) -> bool:
    """Say whether no cell was measured in more than one seed."""
    return int(bank.n_seeds.to_numpy().max()) < 2


def knows_seeds(bank: Bank) -> bool:
    """Say whether it is known with how many seeds the cells were measured; an imported matrix may not tell."""
    return bool(bank.replicates) or "import" not in bank.provenance


def _unhealthy(bank: Bank) -> str:
    if "import" in bank.provenance:
        return "Whether the models were better than the unigram distribution is not known: the bank was imported."
    models = bank.unhealthy_models
    if models.empty:
        return "No model is unhealthy or failed."
    named = [
        f"{_model(donor, recipient)} (seed {seed}{', failed' if health == 'failed' else ''})"
        for donor, recipient, seed, health, _ in models.head(MAX_NAMED).to_numpy(dtype=object)
    ]
    more = f", and {len(models) - MAX_NAMED} more" if len(models) > MAX_NAMED else ""
    treated = " Unhealthy ones are counted, as asked; failed ones never are." if bank.include_unhealthy else ""
    return f"Unhealthy or failed: {plural(len(models), 'model')}: {', '.join(named)}{more}.{treated}"


def _model(donor: str, recipient: str, protocol: str = "") -> str:
    if protocol in CONTROLS:
        return f"{protocol} {recipient if donor == recipient else f'{donor}→{recipient}'}"
    joined = "+" if protocol == JOINT else "→"
    return f"{donor}{joined}{recipient}" if donor else f"{recipient} alone"


def _convergence(bank: Bank) -> list[str]:
    counts = dict(bank.convergence)
    n_known = sum(counts.get(state, 0) for state in (CONVERGED, FALLING, RISING))
    if not n_known:
        return []
    said = {
        FALLING: "Loss on dev text was still falling when training ended",
        RISING: "Loss on dev text had been clearly lower earlier than when training ended",
    }
    found = [
        f"{text} in {counts[state]} of {plural(n_known, 'model')}: {_named(bank, state)}."
        for state, text in said.items()
        if counts[state]
    ]
    if not found:
        found = [f"Loss on dev text had levelled off in {'the' if n_known == 1 else 'all'} {plural(n_known, 'model')}."]
    if counts[UNKNOWN]:
        found.append(f"Whether it had levelled off is not known of {plural(counts[UNKNOWN], 'model')} more.")
    return found


def _named(bank: Bank, state: str) -> str:
    models = bank.unconverged_models[bank.unconverged_models["convergence"] == state]
    named = [
        f"{_model(donor, recipient, protocol)} (seed {seed})"
        for protocol, donor, recipient, seed, _ in models.head(MAX_NAMED).to_numpy(dtype=object)
    ]
    more = f", and {len(models) - MAX_NAMED} more" if len(models) > MAX_NAMED else ""
    return f"{', '.join(named)}{more}"


def _seeds(bank: Bank) -> str:
    if not knows_seeds(bank):
        return "With how many seeds the cells were measured is not known: no seed-to-seed uncertainty can be given."
    n_seeds = bank.n_seeds.to_numpy()
    measured = n_seeds[n_seeds > 0]
    if len(bank.replicates) == 1:
        return "One seed: no seed-to-seed uncertainty can be given."
    if has_one_seed(bank):
        return f"{len(bank.replicates)} seeds, but no cell has more than one: no seed-to-seed uncertainty can be given."
    low, high = int(measured.min()), int(measured.max())
    each = f"{low}" if low == high else f"{low} to {high}"
    deviation = 100 * float(np.nanmedian(bank.seed_deviations.to_numpy()))
    return (
        f"{len(bank.replicates)} seeds: every measured cell is the mean over {each} of them; the median "
        f"standard deviation of F over seeds is {deviation:.1f} percentage points."
    )


def _agreement(bank: Bank) -> list[str]:
    table = bank.seed_agreement().dropna()
    found = []
    for score, letter in _LETTERS.items():
        of_score = table[table["score"] == score]
        if of_score.empty:
            continue
        values, n = of_score["rank_correlation"], of_score["n"]
        low, high = signed(float(values.min()), 2), signed(float(values.max()), 2)
        spread = low if low == high else f"{low} to {high}"
        size = f"{n.min()}" if n.min() == n.max() else f"{n.min()} to {n.max()}"
        found.append(
            f"Rank correlation of {letter} between seeds: {spread} ({plural(len(values), 'pair')} of seeds, "
            f"n = {size}): {_repeats(float(values.min()))}."
        )
    return found


def _repeats(correlation: float) -> str:
    if correlation >= SETTLED:
        return "the order largely repeats"
    if correlation > 0:
        return "the order repeats only in part"
    return "the order does not repeat"


def _confounds(bank: Bank) -> list[str]:
    found = []
    notes: dict[tuple[str, str], list[str]] = {}
    for score, column, value, n, note in bank.confounds().to_numpy(dtype=object):
        letter = _LETTERS[score]
        quantity = f"{column.replace('_', ' ')} of {'M_l' if column in _OWN_MODEL else 'l'}"
        if note:
            notes.setdefault((quantity, note), []).append(letter)
            continue
        strong = f": part of {letter} may be {_CAUSES.get(column, 'that')}, not the language"
        strong = strong if abs(value) >= STRONG else ""
        numbers = f"(r = {signed(value, 2)}, n = {n} languages)"
        found.append(f"{letter} {_goes(value)} the {quantity} {numbers}{strong}.")
    for (quantity, note), letters in notes.items():
        found.append(f"Correlation of {' and '.join(letters)} with the {quantity}: {note}.")
    return found


def _goes(correlation: float) -> str:
    if abs(correlation) < WEAK:
        return "hardly goes with"
    return "rises with" if correlation > 0 else "falls with"

"""What a bank's numbers say, in sentences: another number gives another sentence.

Used by the terminal and the figures; nothing is written.

    for sentence in sentences(bank):
        print(sentence)
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from bloodbank.bank.bank import Bank
from bloodbank.bank.diagnostics import NOT_MEASURED, UNHEALTHY, VOID
from bloodbank.bank.measurements import METRICS
from bloodbank.bank.names import language_name, percent, plural, signed
from bloodbank.bank.scores import LEVELS

ONE_SEED = "one seed: no seed-to-seed uncertainty"
STRONG = 0.5  # correlations from here on, of either sign, are pointed out
WEAK = 0.3  # below this, of either sign, no direction is named
SETTLED = 0.7  # rank correlation from which an order is called repeated
MAX_NAMED = 6
_LETTERS = {"finetune_score": "F", "donation": "D", "recipience": "R"}


def subtitle(bank: Bank) -> str:
    """Say in one line what a figure shows: languages, protocol, metric, seeds, and cells left out."""
    parts = [
        f"{len(bank.languages)} languages",
        f"protocol {bank.protocol}",
        f"metric {METRICS[bank.metric].label}",
        ONE_SEED if _only_one(bank) else f"mean over {plural(len(bank.replicates), 'seed')}",
        _missing_part(bank),
    ]
    if bank.include_unhealthy:
        parts.append("unhealthy models counted")
    return "; ".join(parts)


def sentences(bank: Bank) -> list[str]:
    """Say what a reader should know about a bank.

    Args:
        bank: The bank.

    Returns:
        Sentences on units, the extremes, levels, missing cells, unhealthy models, seeds and confounds.
    """
    found = [_units(bank), *_extremes(bank), _levels(bank), _missing(bank), _unhealthy(bank)]
    found += [_seeds(bank), *_agreement(bank), *_confounds(bank)]
    return [sentence for sentence in found if sentence]


def n_pairs(bank: Bank) -> int:
    """Count the ordered pairs of two different languages."""
    return len(bank.languages) * (len(bank.languages) - 1)


def _only_one(bank: Bank) -> bool:
    return int(bank.n_seeds.to_numpy().max()) < 2


def _missing_part(bank: Bank) -> str:
    reasons = _count(bank.missing_reasons)
    n_missing = int(reasons.sum())
    if not n_missing:
        return f"all {n_pairs(bank)} cells measured"
    n_unhealthy = reasons[UNHEALTHY] + reasons[VOID]
    because = f" ({n_unhealthy} of them for an unhealthy model)" if n_unhealthy else ""
    return f"{n_missing} of {n_pairs(bank)} cells missing{because}"


def _units(bank: Bank) -> str:
    metric = METRICS[bank.metric]
    turned = "" if metric.higher_is_better else f"; {metric.label} is a loss, so signs are turned"
    return (
        "F is the gain of the recipient's score over its monolingual model, in percent of that model's "
        f"{metric.label} (positive is a gain{turned}). D and R are sums of F over the other languages as "
        "fractions, without a unit: +1 is 100% in all."
    )


def _extremes(bank: Bank) -> list[str]:
    found = []
    for verb, score in (("donates", bank.donation), ("receives", bank.recipience)):
        known = score.dropna()
        if len(known) < 2:
            continue
        most, least = str(known.idxmax()), str(known.idxmin())
        letter = "D" if verb == "donates" else "R"
        found.append(
            f"{language_name(most)} ({most}) {verb} most ({letter} = {signed(known[most], 2)}), "
            f"{language_name(least)} ({least}) least ({letter} = {signed(known[least], 2)})."
        )
    cells = {
        f"{donor}→{recipient}": float(value)
        for donor, row in zip(bank.languages, bank.finetune_scores.to_numpy(), strict=True)
        for recipient, value in zip(bank.languages, row, strict=True)
        if not np.isnan(value)
    }
    if len(cells) > 1:
        high, low = max(cells, key=cells.__getitem__), min(cells, key=cells.__getitem__)
        found.append(
            f"Of single pairs, {high} is highest (F = {percent(cells[high])}%) "
            f"and {low} lowest (F = {percent(cells[low])}%)."
        )
    return found


def _levels(bank: Bank) -> str:
    levels = _count(bank.transfer_levels)
    if not levels.any():
        return "No cell is measured."
    counts = ", ".join(f"{levels[level]} {level}" for level in LEVELS)
    return f"Levels of the {plural(int(levels.sum()), 'measured cell')}: {counts} (borders -10%, 10%, 55%)."


def _missing(bank: Bank) -> str:
    reasons = _count(bank.missing_reasons)
    n_missing = int(reasons.sum())
    if not n_missing:
        return f"All {n_pairs(bank)} cells are measured."
    texts = {
        UNHEALTHY: "with an unhealthy or failed bilingual model",
        VOID: "with an unhealthy or failed monolingual model of the recipient",
        NOT_MEASURED: "not measured",
    }
    parts = "; ".join(f"{reasons[reason]} {text}" for reason, text in texts.items() if reasons[reason])
    said = f"{n_missing} of {n_pairs(bank)} cells are missing: {parts}."
    for title, score in (("D", "donation"), ("R", "recipience")):
        known = bank.scores[score].notna()
        n_partial = int((known & ~bank.scores[f"{score}_complete"].astype(bool)).sum())
        if n_partial:
            said += (
                f" {title} of {plural(n_partial, 'language')}: (n - 1) times the mean of what was measured, marked *."
            )
        if not known.all():
            said += f" {title} of {plural(int((~known).sum()), 'language')}: nothing was measured."
    return said


def _unhealthy(bank: Bank) -> str:
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


def _model(donor: str, recipient: str) -> str:
    return f"{donor}→{recipient}" if donor else f"{recipient} alone"


def _seeds(bank: Bank) -> str:
    n_seeds = bank.n_seeds.to_numpy()
    measured = n_seeds[n_seeds > 0]
    if len(bank.replicates) == 1:
        return "One seed: no seed-to-seed uncertainty can be given."
    if _only_one(bank):
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
        letter, quantity = _LETTERS[score], column.replace("_", " ")
        if note:
            notes.setdefault((quantity, note), []).append(letter)
            continue
        strong = f": part of {letter} may be the amount of training, not the language"
        strong = strong if abs(value) >= STRONG else ""
        numbers = f"(r = {signed(value, 2)}, n = {n} languages)"
        found.append(f"{letter} {_goes(value)} the {quantity} of M_l {numbers}{strong}.")
    for (quantity, note), letters in notes.items():
        found.append(f"Correlation of {' and '.join(letters)} with the {quantity} of M_l: {note}.")
    return found


def _goes(correlation: float) -> str:
    if abs(correlation) < WEAK:
        return "hardly goes with"
    return "rises with" if correlation > 0 else "falls with"


def _count(table: pd.DataFrame) -> pd.Series[int]:
    counts = pd.Series(table.to_numpy(dtype=object).ravel()).dropna().value_counts()
    names = [*LEVELS, UNHEALTHY, VOID, NOT_MEASURED]
    return counts.reindex(names, fill_value=0).astype(int)

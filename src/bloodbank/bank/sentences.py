"""What a bank's numbers say, in sentences: another number gives another sentence.

Used by the terminal and the figures; nothing is written.

    for sentence in sentences(bank):
        print(sentence)
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from bloodbank.bank.bank import Bank
from bloodbank.bank.caveats import caveats, has_one_seed, knows_seeds
from bloodbank.bank.controls import compare_pairs, compare_recipients
from bloodbank.bank.diagnostics import NOT_MEASURED, UNHEALTHY, VOID
from bloodbank.bank.interval_sentences import interval_sentences
from bloodbank.bank.measurements import METRICS, SHUFFLED, ZERO_SHOT
from bloodbank.bank.names import language_name, percent, plural, signed
from bloodbank.bank.relabelling import SAME
from bloodbank.bank.scores import LEVELS

ONE_SEED = "one seed: no seed-to-seed uncertainty"
NO_SEEDS = "seeds not known: no seed-to-seed uncertainty"


def subtitle(bank: Bank) -> str:
    """Say in one line what a figure shows: languages, protocol, metric, seeds, and cells left out."""
    parts = [
        f"{len(bank.languages)} languages",
        f"protocol {bank.protocol}",
        f"metric {METRICS[bank.metric].label}",
        _seeds_part(bank),
        _missing_part(bank),
    ]
    if bank.include_unhealthy:
        parts.append("unhealthy models counted")
    return "; ".join(parts)


def _seeds_part(bank: Bank) -> str:
    if not knows_seeds(bank):
        return NO_SEEDS
    return ONE_SEED if has_one_seed(bank) else f"mean over {plural(len(bank.replicates), 'seed')}"


def sentences(bank: Bank) -> list[str]:
    """Say what a reader should know about a bank.

    Args:
        bank: The bank.

    Returns:
        Sentences on units, the extremes, how sure they are, levels, missing cells, controls, and the caveats.
    """
    return [
        units(bank),
        *extremes(bank),
        *interval_sentences(bank.intervals),
        _levels(bank),
        missing_cells(bank),
        *control_sentences(bank),
        *caveats(bank),
    ]


def n_pairs(bank: Bank) -> int:
    """Count the ordered pairs of two different languages."""
    return len(bank.languages) * (len(bank.languages) - 1)


def _missing_part(bank: Bank) -> str:
    reasons = _count(bank.missing_reasons)
    n_missing = int(reasons.sum())
    if not n_missing:
        return f"all {n_pairs(bank)} cells measured"
    n_unhealthy = reasons[UNHEALTHY] + reasons[VOID]
    because = f" ({n_unhealthy} of them for an unhealthy model)" if n_unhealthy else ""
    return f"{n_missing} of {n_pairs(bank)} cells missing{because}"


def units(bank: Bank) -> str:
    """Say what F, D and R are, with their units."""
    metric = METRICS[bank.metric]
    turned = "" if metric.higher_is_better else f"; {metric.label} is a loss, so signs are turned"
    return (
        "F is the gain of the recipient's score over its monolingual model, in percent of that model's "
        f"{metric.label} (positive is a gain{turned}). D and R are sums of F over the other languages as "
        "fractions, without a unit: +1 is 100% in all."
    )


def extremes(bank: Bank) -> list[str]:
    """Name who donates and receives most and least, and the highest and lowest pair."""
    found = []
    for verb, score in (("donates", bank.donation), ("receives", bank.recipience)):
        known = score.dropna()
        if len(known) < 2 or np.ptp(known) <= SAME * np.abs(known).max():  # nobody is first
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
    if len(set(cells.values())) > 1:
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


def missing_cells(bank: Bank) -> str:
    """Say how many cells are missing, and why."""
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


def has_comparison(bank: Bank) -> bool:
    """Say whether there are controls that the bank's F can be read against.

    A zero-shot score comes from a model that never trained on the recipient, so that no control is its equal.
    """
    return bank.protocol != ZERO_SHOT and not bank.controls.empty


def control_sentences(bank: Bank) -> list[str]:
    """Put F beside each control that was measured; nothing where there is none."""
    if not has_comparison(bank):
        return []
    recipients = compare_recipients(bank.finetune_scores, bank.controls)
    found = []
    for control, meaning in (
        ("longer", "M_t alone, trained for longer"),
        ("self", "the donor is other text of t itself"),
    ):
        if control in recipients:
            both = recipients[["mean_finetune_score", control]].dropna()
            compared = "the mean F over donors exceeds it"
            found += _compared(both, f"Control `{control}` ({meaning}): {compared} for", "recipient")
    pairs = compare_pairs(bank.finetune_scores, bank.controls)[["finetune_score", SHUFFLED]]
    found += _compared(pairs, f"Control `{SHUFFLED}` (the donor's pieces in random order): F exceeds it for", "pair")
    return found


def _compared(both: pd.DataFrame, opening: str, noun: str) -> list[str]:
    # both: F in the first column, the control in the second
    if both.empty:
        return []
    finetune, control = (both[column].to_numpy(dtype=float) for column in both)
    n_above = int((finetune > control).sum())
    above = signed(100 * float((finetune - control).mean()), 1)
    return [
        f"{opening} {n_above} of {plural(len(both), noun)}; on average over these, F is "
        f"{signed(100 * float(finetune.mean()), 1)}% and the control {signed(100 * float(control.mean()), 1)}%, "
        f"a difference of {above} percentage points."
    ]


def _count(table: pd.DataFrame) -> pd.Series[int]:
    counts = pd.Series(table.to_numpy(dtype=object).ravel()).dropna().value_counts()
    names = [*LEVELS, UNHEALTHY, VOID, NOT_MEASURED]
    return counts.reindex(names, fill_value=0).astype(int)

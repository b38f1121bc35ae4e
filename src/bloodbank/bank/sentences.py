"""What a bank's numbers say, in sentences: another number gives another sentence.

for sentence in sentences(bank):
    print(sentence)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd

from bloodbank.bank.bank import Bank
from bloodbank.bank.controls import compare_pairs, compare_recipients
from bloodbank.bank.covariates import TRANSLATED_SHARE
from bloodbank.bank.health import CONVERGED, FALLING, NOT_MEASURED, RISING, UNHEALTHY, UNKNOWN, VOID
from bloodbank.bank.measurements import (
    ALONE,
    BASELINE_WORDS,
    CONTROLS,
    EQUAL,
    JOINT,
    LONGER,
    METRICS,
    OWN_CONTROLS,
    SHUFFLED,
    ZERO_SHOT,
)
from bloodbank.bank.scores import BLOOD_TYPES, LEVELS, matrix, number
from bloodbank.bank.scripts import OTHER_SCRIPT, WHAT_THEY_SAY, WHY_NOT
from bloodbank.bank.uncertainty.intervals import Intervals
from bloodbank.statistics.permutations import SAME
from bloodbank.wording import Finding, language_name, listed, percent, plural, signed

ONE_SEED = "one seed: no seed-to-seed uncertainty"
NO_SEEDS = "seeds not known: no seed-to-seed uncertainty"
NOT_KNOWN = "not known; two seeds are needed"
SETTLED = 0.7  # rank correlation from which an order is called repeated
_EQUAL = 0.02  # tokens of t that differ by less, as a share, are called equally many
SURE = 0.95  # share of replicates from which a blood type is taken as settled
MAX_NAMED = 6
_LETTERS = {"finetune_score": "F", "donation": "D", "recipience": "R"}


def subtitle(bank: Bank) -> str:
    """Say in one line what a figure shows: languages, protocol, metric, seeds, and cells left out."""
    if not knows_seeds(bank):
        seeds = NO_SEEDS
    else:
        seeds = ONE_SEED if has_one_seed(bank) else f"mean over {plural(len(bank.replicates), 'seed')}"
    parts = [
        f"{len(bank.languages)} languages",
        f"protocol {bank.protocol}",
        f"metric {METRICS[bank.metric].label}",
        seeds,
        _missing_part(bank),
    ]
    if bank.baseline != ALONE:
        parts.insert(3, f"F against `{bank.baseline}`")
    if bank.include_unhealthy:
        parts.append("unhealthy models counted")
    return "; ".join(parts)


def sentences(bank: Bank) -> list[str]:
    """Say what a reader should know about a bank.

    Args:
        bank: The bank.

    Returns:
        Sentences on what makes F too low or too high throughout, on units, the extremes, how sure they are, levels,
        missing cells, controls, and the caveats.
    """
    return [
        *unequal_reading(bank),
        units(bank),
        *zero_shot_meaning(bank),
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
    own, whose = "its monolingual model", "that model's"
    if bank.baseline != ALONE:
        own = f"the control `{bank.baseline}` ({BASELINE_WORDS[bank.baseline]})"
    turned = "" if metric.higher_is_better else f"; {metric.label} is a loss, so signs are turned"
    return (
        f"F is the gain of the recipient's score over {own}, in percent of {whose} "
        f"{metric.label} (positive is a gain{turned}). D and R are sums of F over the other languages as "
        "fractions, without a unit: +1 is 100% in all."
    )


def unequal_reading(bank: Bank) -> list[str]:
    """Say which recipients' F is too low, or too high, because M_{s,t} reads less, or more, of t than M_t does.

    Nothing is said where they read equally much, nor against a baseline that has as many passes, or updates, by design.
    """
    if bank.baseline != ALONE:
        return []
    means, said = bank.finetune_scores.mean(axis="index"), []
    for sign, less, low, below in ((-1, "less", "low", "below"), (1, "more", "high", "above")):
        odd = {code: share for code, share in bank.tokens_of_recipient.items() if sign * (share - 1) > _EQUAL}
        if not odd:
            continue
        turned = [code for code in odd if sign * means[code] > 0]
        named = f"all {len(odd)} recipients" if len(odd) == len(bank.languages) else listed(odd, MAX_NAMED)
        share = _span(*(f"{bound:.0%}" for bound in (min(odd.values()), max(odd.values()))))
        harm = f"; the mean F of {listed(turned, MAX_NAMED)} is {below} zero, perhaps for that alone" if turned else ""
        said.append(
            f"M_{{s,t}} reads {less} of t than M_t does ({share} of its tokens), so that F is too {low} for {named}, "
            f"whoever the donor is{harm}. Signs, types and R are biased, the order of a recipient's donors is not."
        )
    return said


def zero_shot_meaning(bank: Bank) -> list[str]:
    """Say of a bank of zero-shot scores what they tell and what they do not."""
    return (
        [f"{WHAT_THEY_SAY}; F compares them with M_t, which learned t, so that it is mostly negative by design."]
        if bank.protocol == ZERO_SHOT
        else []
    )


def extremes(bank: Bank) -> list[str]:
    """Name who donates and receives most and least, and the highest and lowest pair."""
    said = []
    turns = "; another seed may turn this" if has_one_seed(bank) else ""
    for verb, letter, score in (("donates", "D", bank.donation), ("receives", "R", bank.recipience)):
        known = score.dropna()
        if len(known) < 2 or np.ptp(known) <= SAME * np.abs(known).max():  # nobody is first
            continue
        most, least = str(known.idxmax()), str(known.idxmin())
        said.append(
            f"{language_name(most)} ({most}) {verb} most ({letter} = {signed(known[most], 2)}), "
            f"{language_name(least)} ({least}) least ({letter} = {signed(known[least], 2)}){turns}."
        )
    apart = ~np.eye(len(bank.languages), dtype=bool)
    pairs = [f"{bank.languages[donor]}→{bank.languages[recipient]}" for donor, recipient in np.argwhere(apart)]
    cells = pd.Series(bank.finetune_scores.to_numpy()[apart], index=pairs).dropna()
    if len(set(cells)) > 1:
        high, low = str(cells.idxmax()), str(cells.idxmin())
        said.append(
            f"Of single pairs, {high} is highest (F = {percent(cells[high])}%) "
            f"and {low} lowest (F = {percent(cells[low])}%){turns}."
        )
    return said


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
        OTHER_SCRIPT: f"between languages of different scripts, which zero-shot scores cannot compare ({WHY_NOT})",
        NOT_MEASURED: "not measured",
    }
    parts = "; ".join(f"{reasons[reason]} {text}" for reason, text in texts.items() if reasons[reason])
    said = f"{n_missing} of {n_pairs(bank)} cells are missing: {parts}."
    if bank.baseline != ALONE and (without := _without_baseline(bank)):
        said += f" The control `{bank.baseline}` was not measured of {listed(without, MAX_NAMED)}."
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


def _without_baseline(bank: Bank) -> list[str]:
    """List the recipients that were measured, but not the control that is the baseline."""
    known = np.asarray(bank.health != "missing", dtype=bool)
    own = np.diag(known)
    received = np.atleast_1d((known & ~np.eye(len(known), dtype=bool)).any(axis=0))
    return [code for code, has, takes in zip(bank.languages, own, received, strict=True) if takes and not has]


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
    said = []
    for control, meaning in (
        (EQUAL, BASELINE_WORDS[EQUAL]),
        (LONGER, BASELINE_WORDS[LONGER]),
        ("self", "the donor is other text of t itself"),
        ("clone", "the donor is t's own text in other symbols"),
    ):
        if control in recipients:
            both = recipients[["mean_finetune_score", control]].dropna()
            opening = f"Control `{control}` ({meaning}): the mean F over donors exceeds it for"
            said += _compared(both, opening, "recipient")
    pairs = compare_pairs(bank.finetune_scores, bank.controls)[["finetune_score", SHUFFLED]]
    opening = f"Control `{SHUFFLED}` (the donor's pieces in random order): F exceeds it for"
    return said + _compared(pairs, opening, "pair")


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
    names = [*LEVELS, UNHEALTHY, VOID, OTHER_SCRIPT, NOT_MEASURED]
    return counts.reindex(names, fill_value=0).astype(int)


def caveats(bank: Bank) -> list[str]:
    """Say what a reader must keep in mind: what D and R go with is for `analysis.confounding` to say.

    Args:
        bank: The bank.

    Returns:
        Sentences on translated test text, unhealthy models, convergence and seeds.
    """
    return [*_translated(bank), _unhealthy(bank), *_convergence(bank), _seeds(bank), *_agreement(bank)]


def has_one_seed(bank: Bank) -> bool:
    """Say whether no cell was measured in more than one seed."""
    return int(bank.n_seeds.to_numpy().max()) < 2


def knows_seeds(bank: Bank) -> bool:
    """Say whether it is known with how many seeds the cells were measured; an imported matrix may not tell."""
    return bool(bank.replicates) or "import" not in bank.provenance


def _translated(bank: Bank) -> list[str]:
    """Name the recipients whose test text stands, translated, in another language's training text."""
    if TRANSLATED_SHARE not in bank.covariates:
        return []
    shares = pd.to_numeric(bank.covariates[TRANSLATED_SHARE], errors="coerce").sort_values(ascending=False)
    named = [f"{code} ({percent(share).lstrip('+')}%)" for code, share in shares.items() if share > 0]
    if not named:
        return []
    return [
        f"Test text stands, translated, in other languages' training text: of {listed(named, MAX_NAMED)}. What donors "
        "give there is no transfer alone; audit_translations.csv names the pairs."
    ]


def _unhealthy(bank: Bank) -> str:
    if "import" in bank.provenance:
        return "Whether the models were better than the unigram distribution is not known: the bank was imported."
    models = bank.unhealthy_models
    if models.empty:
        return "No model is unhealthy or failed."
    named = [
        f"{_model(donor, recipient, bank.baseline)} (seed {seed}{', failed' if health == 'failed' else ''})"
        for donor, recipient, seed, health, _ in models.to_numpy(dtype=object)
    ]
    treated = " Unhealthy ones are counted, as asked; failed ones never are." if bank.include_unhealthy else ""
    return f"Unhealthy or failed: {plural(len(models), 'model')}: {listed(named, MAX_NAMED)}.{treated}"


def _model(donor: str, recipient: str, protocol: str = "") -> str:
    """Name a model; of a control, or the baseline where donor and recipient are one, by the control too."""
    if protocol in CONTROLS and (donor == recipient or protocol not in OWN_CONTROLS):
        return f"{protocol} {recipient if donor == recipient else f'{donor}→{recipient}'}"
    joined = "+" if protocol == JOINT else "→"
    return f"{donor}{joined}{recipient}" if donor else f"{recipient} alone"


def _convergence(bank: Bank) -> list[str]:
    counts = Counter(bank.convergence)
    n_known = sum(counts[state] for state in (CONVERGED, FALLING, RISING))
    if not n_known:
        return []
    said = [
        f"Loss on dev text {text} in {counts[state]} of {plural(n_known, 'model')}: {_named(bank, state)}."
        for state, text in (
            (FALLING, "was still falling when training ended"),
            (RISING, "had been clearly lower earlier than when training ended"),
        )
        if counts[state]
    ]
    if not said:
        said = [f"Loss on dev text had levelled off in {'the' if n_known == 1 else 'all'} {plural(n_known, 'model')}."]
    if counts[UNKNOWN]:
        said.append(f"Whether it had levelled off is not known of {plural(counts[UNKNOWN], 'model')} more.")
    return said


def _named(bank: Bank, state: str) -> str:
    models = bank.unconverged_models[bank.unconverged_models["convergence"] == state]
    return listed(
        (
            f"{_model(donor, recipient, protocol)} (seed {seed})"
            for protocol, donor, recipient, seed, _ in models.to_numpy(dtype=object)
        ),
        MAX_NAMED,
    )


def _seeds(bank: Bank) -> str:
    if not knows_seeds(bank):
        return "With how many seeds the cells were measured is not known: no seed-to-seed uncertainty can be given."
    n_seeds = bank.n_seeds.to_numpy()
    measured = n_seeds[n_seeds > 0]
    if len(bank.replicates) == 1:
        return "One seed: no seed-to-seed uncertainty can be given."
    if has_one_seed(bank):
        return f"{len(bank.replicates)} seeds, but no cell has more than one: no seed-to-seed uncertainty can be given."
    each = _span(int(measured.min()), int(measured.max()))
    deviation = 100 * float(np.nanmedian(bank.seed_deviations.to_numpy()))
    return (
        f"{len(bank.replicates)} seeds: every measured cell is the mean over {each} of them; the median "
        f"standard deviation of F over seeds is {deviation:.1f} percentage points."
    )


def _agreement(bank: Bank) -> list[str]:
    table = bank.seed_agreement().dropna()
    said = []
    for score, letter in _LETTERS.items():
        of_score = table[table["score"] == score]
        if of_score.empty:
            continue
        values, n = of_score["rank_correlation"], of_score["n"]
        spread = _span(signed(float(values.min()), 2), signed(float(values.max()), 2))
        said.append(
            f"Rank correlation of {letter} between seeds: {spread} ({plural(len(values), 'pair')} of seeds, "
            f"n = {_span(n.min(), n.max())}): {_repeats(float(values.min()))}."
        )
    return said


def _span(low: object, high: object) -> str:
    return f"{low}" if low == high else f"{low} to {high}"


def _repeats(correlation: float) -> str:
    if correlation >= SETTLED:
        return "the order largely repeats"
    if correlation > 0:
        return "the order repeats only in part"
    return "the order does not repeat"


def interval_sentences(intervals: Intervals | None) -> list[str]:
    """Say what the intervals of a bank cover, and what they leave open.

    Args:
        intervals: Of the bank; None where it has neither seeds nor sentence scores, and then nothing is said.

    Returns:
        Sentences on what is covered, on cells and zero, on the first place by D, and on blood types. Without a cell of
        two seeds none of the last two is stated.
    """
    if intervals is None:
        return []
    said = [intervals.covers, *_cells(intervals)]
    if intervals.covers_seeds:
        return [*said, *_places(intervals), *_types(intervals)]
    return [*said, f"Which language has the highest D, and of which blood type each one is: {NOT_KNOWN}."]


def is_unsure(intervals: Intervals | None, code: str) -> bool:
    """Tell whether a language's blood type changes in more than 5% of the replicates, or is known from no two seeds."""
    if intervals is None or not intervals.covers_seeds:
        return True
    row = intervals.types.set_index("language").loc[code, [f"p_{name}" for name in BLOOD_TYPES]].astype(float)
    return bool(row.notna().any() and row.max() < SURE)


def holds_zero(intervals: Intervals | None, languages: Sequence[str]) -> pd.DataFrame:
    """Tell of each cell `[donor, recipient]` whether its interval holds zero; False where it has none."""
    if intervals is None:
        return matrix(np.zeros((len(languages), len(languages))), languages, dtype=bool)
    return (intervals.matrix("low") <= 0) & (intervals.matrix("high") >= 0)


def _cells(intervals: Intervals) -> list[str]:
    low, high = (intervals.matrix(name).to_numpy() for name in ("low", "high"))
    known = ~np.isnan(low)
    if not known.any():
        return []
    n_above, n_below = int((low > 0).sum()), int((high < 0).sum())
    n_open = int(known.sum()) - n_above - n_below
    return [
        f"The {intervals.level:.0%} interval of F lies above zero in {n_above} of "
        f"{plural(int(known.sum()), 'measured cell')}, below zero in {n_below}, and holds zero in {n_open}."
    ]


def _places(intervals: Intervals) -> list[str]:
    of_score = intervals.scores[intervals.scores["score"] == "donation"].set_index("language")
    known = of_score[of_score["rank_low"].notna()]
    if len(known) < 2:
        return []
    first = str(known["estimate"].idxmax())
    numbers = ["estimate", "low", "high", "rank_high"]
    estimate, low, high, rank_high = (number(known, first, name) for name in numbers)
    donation = Finding(estimate, low, high, name="D = ", level=intervals.level)
    rivals = [str(code) for code in known.index[known["rank_low"] <= 1] if code != first]
    if not rivals and rank_high <= 1:
        return [f"{language_name(first)} ({first}) has the highest D beyond measurement error: {donation}."]
    return [
        f"Which language has the highest D is open: {language_name(first)} ({first}) is first, {donation}, but "
        f"{listed(rivals, MAX_NAMED)} may be."
    ]


def _types(intervals: Intervals) -> list[str]:
    shares = intervals.types.set_index("language")[[f"p_{name}" for name in BLOOD_TYPES]].astype(float).dropna()
    if shares.empty:
        return []
    unsure = shares[shares.max(axis="columns") < SURE]
    settled = f"{len(shares) - len(unsure)} of {plural(len(shares), 'language')}"
    named = [f"{code} ({_split(unsure.loc[code].to_numpy())})" for code in unsure.index]
    rest = f"; unsure: {listed(named, MAX_NAMED)}" if named else ""
    return [f"The blood type of {settled} stays the same in {SURE:.0%} of the replicates or more{rest}."]


def _split(shares: np.ndarray) -> str:
    order = np.argsort(-shares, kind="stable")
    return ", ".join(f"{BLOOD_TYPES[place]} {shares[place]:.0%}" for place in order if shares[place] >= 0.005)

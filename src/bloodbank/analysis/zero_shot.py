r"""Zero-shot scores beside F: M_s scored on t untouched, which costs no training, and whether it orders donors alike.

beside = zero_shot_beside(bank)
print(*beside.sentences(), sep="\n")
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import pandas as pd

from bloodbank.bank.bank import Bank
from bloodbank.bank.measurements import METRICS, ZERO_SHOT, counted, select_rows
from bloodbank.bank.scores import finetune_scores, matrix, number, over_seeds
from bloodbank.bank.scripts import OTHER_SCRIPT, WHAT_THEY_SAY, WHY_NOT, between_scripts
from bloodbank.errors import UsageError
from bloodbank.wording import MISSING, language_name, plural, signed

MIN_DONORS = 3  # of a recipient; an order of two agrees or does not, half of the time each
_LARGELY, _PARTLY = 0.7, 0.3  # mean rank correlations from which two orders are called alike
_RECIPIENTS = ("recipient", "n", "rank_correlation", "first_by_finetune", "first_by_zero_shot")


@dataclass(frozen=True, eq=False)
class ZeroShotBeside:
    """Zero-shot scores of the pairs of one script, and how they order donors beside F.

    Shape:
        Matrices are `[donor, recipient]`, missing between scripts.
    """

    bank: str
    protocol: str  #: of F
    metric: str  #: of the bank
    scores: Mapping[str, tuple[pd.DataFrame, pd.DataFrame]]  #: by metric, see `zero_shot_scores`
    recipients: pd.DataFrame  #: recipient, n (donors compared), rank_correlation, first_by_finetune, first_by_zero_shot
    metrics: pd.DataFrame  #: by metric: agreement, n_recipients, n_pairs, n_above (the unigram)
    n_between_scripts: int  #: measured pairs that cannot be compared

    @property
    def zero_shot(self) -> pd.DataFrame:
        """(ε(M_s, t) − ε(M_t, t)) / ε(M_t, t), as F, by the metric of the bank."""
        return self.scores[self.metric][0]

    @property
    def over_unigram(self) -> pd.DataFrame:
        """The same relative to the unigram distribution of t's training text."""
        return self.scores[self.metric][1]

    @property
    def agreement(self) -> float:
        """Rank correlation of donors within recipients, the mean over those with three donors of their script."""
        return number(self.metrics, self.metric, "agreement")

    def sentences(self) -> list[str]:
        """Say what zero-shot scores are, how far donors' order by them is that by F, and what was left out."""
        return [self.sentence(), *_by_metric(self), *_between(self)]

    def sentence(self) -> str:
        """Say the main thing in one sentence, with what zero-shot scores do not tell."""
        n = int(number(self.metrics, self.metric, "n_recipients"))
        if np.isnan(self.agreement):
            found = f"no recipient has {MIN_DONORS} donors of its script, so that orders cannot be compared"
        else:
            found = (
                f"their order of donors is {_alike(self.agreement)} that of F: rank correlation within recipients "
                f"{signed(self.agreement, 2)}, the mean over {plural(n, 'recipient')}"
            )
        return f"{WHAT_THEY_SAY}; {found}."


def has_zero_shot(bank: Bank) -> bool:
    """Tell whether zero-shot scores were measured beside what a bank is made of."""
    rows = bank.measurements
    return rows is not None and bank.protocol != ZERO_SHOT and bool((rows["protocol"] == ZERO_SHOT).any())


def zero_shot_beside(bank: Bank, metrics: Sequence[str] = tuple(METRICS)) -> ZeroShotBeside | None:
    """Put zero-shot scores beside the F of a bank.

    Args:
        bank: With its measurements.
        metrics: By which zero-shot scores are taken, as far as they were measured; the bank's own is among them.

    Returns:
        The two side by side; None where no zero-shot scores were measured, or the bank is one of them.
    """
    if not has_zero_shot(bank):
        return None
    measurements = cast(pd.DataFrame, bank.measurements)
    measured = set(measurements.loc[measurements["protocol"] == ZERO_SHOT, "metric"])
    rows, parts = {}, {}
    for metric in (metric for metric in metrics if metric in measured):
        try:
            parts[metric] = zero_shot, over = zero_shot_scores(bank, metric)
        except UsageError:  # none is about two of this bank's languages
            continue
        table = _recipients(bank.finetune_scores, zero_shot)
        known = table["rank_correlation"].dropna()
        rows[metric] = (
            float(known.mean()), len(known), int(zero_shot.notna().to_numpy().sum()),
            int(((over > 0) & zero_shot.notna()).to_numpy().sum()),
        )  # fmt: skip
    if bank.metric not in parts:
        return None
    columns = ["agreement", "n_recipients", "n_pairs", "n_above"]
    return ZeroShotBeside(
        bank=bank.name,
        protocol=bank.protocol,
        metric=bank.metric,
        scores=parts,
        recipients=_recipients(bank.finetune_scores, parts[bank.metric][0]),
        metrics=pd.DataFrame.from_dict(rows, orient="index", columns=columns),
        n_between_scripts=_n_between_scripts(bank, measurements),
    )


def zero_shot_scores(bank: Bank, metric: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return zero-shot scores relative to ε(M_t), and relative to the unigram's score on t; positive is better.

    Args:
        bank: With its measurements.
        metric: One of "mrr", "accuracy", "cross_entropy" and "bits_per_byte".

    Returns:
        Two fractions, means over seeds; the second is missing where the table has no unigram's score.

    Raises:
        UsageError: They were not measured by this metric.

    Shape:
        `[donor, recipient]` each, missing between scripts.
    """
    measurements, codes = cast(pd.DataFrame, bank.measurements), bank.languages
    measurements = measurements[measurements["metric"] == metric]
    rows = select_rows(measurements, languages=codes, protocol=ZERO_SHOT, metric=metric)
    seeds = sorted(int(seed) for seed in rows.loc[rows["protocol"] == ZERO_SHOT, "seed"].unique())
    by_seed = [
        finetune_scores(
            rows,
            protocol=ZERO_SHOT,
            metric=metric,
            seed=seed,
            languages=codes,
            include_unhealthy=bank.include_unhealthy,
        )
        for seed in seeds
    ]
    own = rows[(rows["protocol"] == ZERO_SHOT) & counted(rows, include_unhealthy=True)]
    unigram = own["unigram"].astype(float) if "unigram" in own else pd.Series(np.nan, index=own.index)
    over = METRICS[metric].sign * (own["value"].astype(float) - unigram) / unigram.where(unigram > 0)
    cells = own.assign(over=over).pivot_table(index="donor", columns="recipient", values="over", dropna=False)
    table = matrix(cells.reindex(index=list(codes), columns=list(codes)).to_numpy(dtype=float), codes)
    return over_seeds(by_seed, codes)[0].finetune, table.mask(between_scripts(codes))


def _recipients(finetune: pd.DataFrame, zero_shot: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for code in finetune:
        known = finetune[code].notna() & zero_shot[code].notna()
        ours, theirs = finetune[code][known], zero_shot[code][known]
        defined = len(ours) >= MIN_DONORS and np.ptp(ours) > 0 and np.ptp(theirs) > 0
        # Ties share their mean rank: Pearson's correlation of these is Spearman's.
        value = float(np.corrcoef(ours.rank(), theirs.rank())[0, 1]) if defined else float("nan")
        firsts = (str(side.idxmax()) if len(side) else "" for side in (ours, theirs))
        rows.append((str(code), len(ours), value, *firsts))
    return pd.DataFrame(rows, columns=list(_RECIPIENTS))


def _n_between_scripts(bank: Bank, measurements: pd.DataFrame) -> int:
    rows = measurements[(measurements["protocol"] == ZERO_SHOT) & (measurements["metric"] == bank.metric)]
    measured = set(zip(rows["donor"], rows["recipient"], strict=True))
    codes = bank.languages
    return sum((codes[s], codes[t]) in measured for s, t in np.argwhere(between_scripts(codes)))


def _alike(correlation: float) -> str:
    if correlation >= _LARGELY:
        return "largely"
    if correlation >= _PARTLY:
        return "partly"
    return "hardly" if correlation > -_PARTLY else "rather the reverse of"


def _by_metric(beside: ZeroShotBeside) -> list[str]:
    others = [
        f"{signed(float(row['agreement']), 2)} by {METRICS[str(metric)].label}"
        for metric, row in beside.metrics.iterrows()
        if metric != beside.metric and not np.isnan(row["agreement"])
    ]
    said = (
        [f"The same rank correlation with zero-shot scores of another metric: {', '.join(others)}."] if others else []
    )
    n_above, n_pairs = (int(number(beside.metrics, beside.metric, name)) for name in ("n_above", "n_pairs"))
    if beside.over_unigram.notna().to_numpy().any():
        said.append(
            f"By {METRICS[beside.metric].label}, M_s scored on t is above the unigram distribution of t's text in "
            f"{n_above} of {plural(n_pairs, 'pair')} of one script."
        )
    return said


def _between(beside: ZeroShotBeside) -> list[str]:
    n = beside.n_between_scripts
    return [f"{plural(n, 'pair')} left out, {OTHER_SCRIPT}: {WHY_NOT}."] if n else []


def zero_shot_rows(beside: ZeroShotBeside) -> tuple[tuple[str, ...], ...]:
    """Lay out by recipient which donor is first by F and by zero-shot scores of each metric, with its numbers.

    Args:
        beside: What is laid out.

    Returns:
        A header, and a row for each recipient with donors to compare.
    """
    firsts = [f"first by {METRICS[metric].label} (over M_t, over the unigram)" for metric in beside.scores]
    header = ("recipient", "donors compared", "rank correlation with F", "first by F", *firsts)
    rows = [
        (
            f"{language_name(code)} ({code})",
            str(n),
            MISSING if np.isnan(correlation) else signed(correlation, 2),
            by_finetune,
            *(_first(tables, code) for tables in beside.scores.values()),
        )
        for code, n, correlation, by_finetune, _ in beside.recipients.itertuples(index=False)
        if n
    ]
    return (header, *rows)


def _first(tables: tuple[pd.DataFrame, pd.DataFrame], recipient: str) -> str:
    """Name the donor whose zero-shot score is the best, with what it is relative to M_t and to the unigram."""
    known = tables[0][recipient].dropna()
    if known.empty:
        return MISSING
    donor = str(known.idxmax())
    values = (100 * number(table.T, recipient, donor) for table in tables)
    return f"{donor} ({', '.join(MISSING if np.isnan(value) else f'{signed(value, 0)}%' for value in values)})"

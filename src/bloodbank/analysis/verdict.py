r"""The verdict on a bank: may anything be concluded about donors, who gives most to whom, what makes it surer.

    found = verdict(bank)
    print(*found.sentences(), sep="\n")
    found.obstacle      # why no donor should be picked by this bank; empty where some may

One statement has one function here: the terminal, the report, the page, `recommend` and `select` all say this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bloodbank.bank.bank import Bank
from bloodbank.bank.controls import compare_recipients
from bloodbank.bank.covariates import TRANSLATED_SHARE, much_foreign
from bloodbank.bank.measurements import MONOLINGUAL
from bloodbank.bank.reliability import GOOD, Reliability, seeds_text
from bloodbank.bank.scores import number
from bloodbank.bank.sentences import has_comparison
from bloodbank.wording import listed, percent, plural

ALPHA = 0.05  #: probability that one pair or more is named that does not stand out
PLATEAU = 1.5  #: M_t's MRR over the unigram's; at 1.2 no order of donors repeated here, from 2.2 on all did
MAX_PAIRS, MAX_NAMED = 3, 4
_AT_ONCE = 16  # recipients: replicates of 200 languages take 160 MB, and each copy as much
_EFFECTS = {"donor_order": "the order of donors", "donation": "D", "recipience": "R"}


@dataclass(frozen=True, eq=False)
class Verdict:
    """What may be concluded from a bank.

    Attributes:
        reliability: Of the bank.
        pairs: donor, recipient, finetune_score, others (mean F of the recipient's other donors) and lead (the one less
            the other), for pairs whose lead is above zero beyond error, all pairs taken together; the largest first.
        n_pairs: Pairs that were looked at; 0 where the error is not known.
        objections: What speaks against picking donors by F, beside reliability: longer training, plateau, foreign text,
            translated test text.
    """

    reliability: Reliability
    pairs: pd.DataFrame
    n_pairs: int
    objections: tuple[str, ...]

    @property
    def obstacle(self) -> str:
        """Why no donor should be picked by this bank; empty where the order of donors repeats."""
        if self.reliability.order_repeats:
            return ""
        if not self.reliability.known:
            return f"how far the order of donors would repeat is not known: {self.reliability.obstacle}"
        return f"the order of donors does not repeat: its reliability is {self.reliability.text('donor_order')}"

    def sentences(self) -> list[str]:
        """Say whether donors can be told apart, who gives most to whom, what makes it surer, and what is against it."""
        said = [_donors(self), _pairs(self), self.reliability.remedy()]
        return [*said, f"Against it speaks: {'; '.join(self.objections)}."] if self.objections else said

    def against(self, *effects: str) -> str:
        """Say in one line what the bank says against a choice by "donor_order", "donation" or "recipience"."""
        found = self.reliability
        if found.known:
            weak = [one for one in effects if number(found.scores, one, "of_mean") < GOOD]
            items = [f"the reliability of {_EFFECTS[one]} is only {found.text(one)}" for one in weak]
        else:
            items = [f"reliability is not known, because {found.obstacle}"]
        if items or self.objections:
            return f"What the bank says against it: {'; '.join([*items, *self.objections])}."
        named = ", ".join(f"{_EFFECTS[one]} {found.text(one)}" for one in effects)
        return f"The bank says nothing against it: reliability of {named}."


def verdict(bank: Bank) -> Verdict:
    """Work out what may be concluded from a bank.

    A pair stands out where F lies above the mean of the recipient's other donors by more than its own measurement error
    and the number of pairs explain: by the largest error of any pair, over the bank's replicates of F.

    Args:
        bank: The bank; without seeds or without its replicates no pair is named.
    """
    pairs, n_pairs = _outstanding(bank)
    return Verdict(bank.reliability, pairs, n_pairs, tuple(objections(bank)))


def _outstanding(bank: Bank) -> tuple[pd.DataFrame, int]:
    columns = ["donor", "recipient", "finetune_score", "others", "lead"]
    intervals = bank.intervals
    if intervals is None or intervals.replicates is None or not intervals.covers_seeds:
        return pd.DataFrame(columns=columns), 0
    codes = list(intervals.languages)
    finetune = bank.finetune_scores.loc[codes, codes].to_numpy(dtype=float)
    known = ~np.isnan(finetune) & ~np.isnan(intervals.replicates[0])
    known &= known.sum(0) > 1
    leads, errors = _leads(np.where(known, finetune, 0.0)[None], known)[0], np.zeros(finetune.shape)
    largest = np.zeros(len(intervals.replicates))
    for start in range(0, len(codes), _AT_ONCE):
        some = np.s_[:, start : start + _AT_ONCE]
        moved = _leads(intervals.replicates[:, :, some[1]], known[some]) - leads[some].astype(np.float32)
        errors[some] = moved.std(0)
        moved /= np.maximum(errors[some], np.finfo(np.float32).tiny).astype(np.float32)
        largest = np.maximum(largest, np.where(known[some], moved, 0.0).max((1, 2)))
    donors, recipients = np.nonzero(known & (errors > 0) & (leads > np.quantile(largest, 1 - ALPHA) * errors))
    own, lead = finetune[donors, recipients], leads[donors, recipients]
    table = {"donor": [codes[s] for s in donors], "recipient": [codes[t] for t in recipients], "finetune_score": own}
    rows = pd.DataFrame({**table, "others": own - lead, "lead": lead}, columns=columns)
    rows = rows.sort_values("lead", ascending=False, kind="stable").reset_index(drop=True)
    return rows, int((known & (errors > 0)).sum())


def _leads(cells: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Take the mean of the recipient's other donors from each cell; of those not known any number.

    Args:
        cells: Shape: [replicate, donor, recipient].
        known: Shape: [donor, recipient].
    """
    values = np.where(known, cells, cells.dtype.type(0))
    n = np.maximum(known.sum(0), 2).astype(cells.dtype)
    values -= (values.sum(1) / n)[:, None, :]
    values *= n / (n - 1)
    return values


def objections(bank: Bank) -> list[str]:
    """Say what speaks against picking donors by F, beside how far it repeats: a clause each."""
    return [*_longer(bank), *_plateau(bank), *_foreign(bank), *_translated(bank)]


def _longer(bank: Bank) -> list[str]:
    if not has_comparison(bank):
        return []
    recipients = compare_recipients(bank.finetune_scores, bank.controls)
    if "longer" not in recipients:
        return []
    both = recipients[["mean_finetune_score", "longer"]].dropna()
    n_longer = int((both["longer"] > both["mean_finetune_score"]).sum())
    if 2 * n_longer <= len(both):
        return []
    return [
        f"longer training of M_t alone gives more than donors do on average, for {n_longer} of {len(both)} recipients"
    ]


def _plateau(bank: Bank) -> list[str]:
    if bank.measurements is None or "unigram" not in bank.measurements:
        return []
    rows = bank.measurements
    rows = rows[(rows["protocol"] == MONOLINGUAL) & (rows["metric"] == "mrr") & rows["recipient"].isin(bank.languages)]
    value, floor = (pd.to_numeric(rows[name], errors="coerce") for name in ("value", "unigram"))
    ratios = (value / floor).groupby(rows["recipient"]).mean()
    low = ratios[ratios < PLATEAU].sort_values()
    if low.empty:
        return []
    named = listed((f"{code} ({ratio:.1f} times)" for code, ratio in low.items()), MAX_NAMED)
    return [f"M_t hardly learned more than the unigram: MRR below {PLATEAU:g} times its own for {named}"]


def _foreign(bank: Bank) -> list[str]:
    from bloodbank.experiment.settings import FOREIGN_LIMIT

    much = much_foreign(bank.covariates)
    codes = [str(code) for code in much.index[much]]
    return (
        [f"more than {FOREIGN_LIMIT:.0%} of the text of {listed(codes, MAX_NAMED)} is in other languages"]
        if codes
        else []
    )


def _translated(bank: Bank) -> list[str]:
    if TRANSLATED_SHARE not in bank.covariates:
        return []
    shares = pd.to_numeric(bank.covariates[TRANSLATED_SHARE], errors="coerce")
    codes = [str(code) for code in shares.index[shares > 0]]
    return [f"test text of {listed(codes, MAX_NAMED)} stands, translated, in training text"] if codes else []


def _donors(found: Verdict) -> str:
    if not found.reliability.known:
        return f"Nothing can be concluded about donors: {found.obstacle}."
    numbers = f"{found.reliability.text('donor_order')}, mean over {seeds_text(found.reliability.n_seeds)}"
    if found.obstacle:
        return f"Nothing can be concluded about donors: their order for a recipient has a reliability of {numbers}."
    much = number(found.reliability.scores, "donor_order", "of_mean") >= GOOD
    opening = f"Donors can be told apart{'' if much else ' in part'}"
    return f"{opening}: their order for a recipient has a reliability of {numbers}."


def _pairs(found: Verdict) -> str:
    if not found.n_pairs:
        return "Who gives most to whom is not known: there is nothing to tell how far other seeds would move a pair."
    if found.pairs.empty:
        return f"No pair of {found.n_pairs} gives more than the recipient's other donors beyond measurement error."
    named = [_named(row) for row in found.pairs.head(MAX_PAIRS).itertuples(index=False)]
    gives = f"{len(found.pairs)} of {plural(found.n_pairs, 'pair')} {'gives' if len(found.pairs) == 1 else 'give'}"
    return f"{gives} more than the recipient's other donors beyond measurement error: {_and_more(named, found)}."


def _and_more(named: list[str], found: Verdict) -> str:
    n_more = len(found.pairs) - len(named)
    return "; ".join([*named, f"and {n_more} more"] if n_more else named)


def _named(row: Sequence[object]) -> str:
    donor, recipient, own, others, _ = row
    return f"{donor}→{recipient} (F {percent(float(str(own)))}%, others {percent(float(str(others)))}%)"

"""The bank: the measured graph of who helps whom, made of the table of measurements.

bank = build_bank(pd.read_csv("measurements.csv"), languages=("de", "fi", "hu"), name="quickstart")
bank.scores.sort_values("donation")
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from bloodbank.bank.controls import control_scores
from bloodbank.bank.covariates import no_covariates
from bloodbank.bank.health import (
    count_states,
    health_matrix,
    missing_reasons,
    model_states,
    seed_agreement,
    unconverged_models,
    unhealthy_models,
)
from bloodbank.bank.measurements import ALONE, MONOLINGUAL, counted, select_controls, select_rows
from bloodbank.bank.reading import tokens_of_recipient
from bloodbank.bank.reliability import Reliability, reliability
from bloodbank.bank.scores import TRAINING, finetune_scores, language_scores, over_seeds, same, transfer_levels
from bloodbank.bank.uncertainty.intervals import (
    DEFAULT,
    IntervalOptions,
    Intervals,
    intervals_from_replicates,
    measurement_intervals,
)
from bloodbank.errors import UsageError


@dataclass(frozen=True, eq=False)
class Bank:
    """F with everything that follows from it, for one protocol and one metric.

    A cell is the mean over the seeds in which it was measured; D and R are sums of these means. Positive is
    always a gain.

    A bank that was imported (see `importing.read_matrix`) knows less: Δε and ε(M_t) are missing where no monolingual
    scores were given, health is "unknown" where a cell was measured, and there are no replicates unless the file had
    seeds; a cell without a seed counts as one in `n_seeds`.

    Shape:
        Matrices are `[donor, recipient]` in the order of `languages`, with a missing diagonal (but for
        `health`, where it holds the monolingual models).
    """

    name: str
    protocol: str
    metric: str
    languages: tuple[str, ...]
    include_unhealthy: bool
    finetune_scores: pd.DataFrame  #: F, a fraction of ε(M_t)
    differences: pd.DataFrame  #: Δε, in the metric's unit
    log_ratios: pd.DataFrame  #: natural logarithm of the ratio of the two scores
    n_seeds: pd.DataFrame  #: seeds in which the cell was measured
    seed_deviations: pd.DataFrame  #: standard deviation of F over seeds, where there are two or more
    scores: pd.DataFrame  #: one row for each language
    health: pd.DataFrame  #: see `health.health_matrix`; "not checked" for zero-shot scores
    unhealthy_models: pd.DataFrame  #: donor, recipient, seed, health, health_z
    replicates: Mapping[int, pd.DataFrame]  #: F by seed; empty where seeds are not known
    controls: pd.DataFrame  #: control, donor, recipient, finetune_score, n_seeds; see `controls.control_scores`
    convergence: Mapping[str, int]  #: models by state, see `health.model_states`; empty where not known
    unconverged_models: pd.DataFrame  #: protocol, donor, recipient, seed, convergence ("falling" or "rising")
    covariates: pd.DataFrame  #: one row for each language, any columns that were given; of a run, its audit
    provenance: Mapping[str, Any] = field(default_factory=dict)
    baseline: str = ALONE  #: what F is relative to: see `measurements.BASELINE_WORDS`
    tokens_of_recipient: Mapping[str, float] = field(default_factory=dict)  #: see `reading.tokens_of_recipient`
    intervals: Intervals | None = None  #: see `uncertainty.with_intervals`; None where nothing is known
    measurements: pd.DataFrame | None = field(default=None, repr=False)  #: absent in a bank read from a file

    @property
    def notes(self) -> list[str]:
        """What was assumed when the bank was imported, warnings first; empty for a bank of a run."""
        imported = self.provenance.get("import", {})
        beside = [note for source in self.provenance.get("covariates", ()) for note in source.get("notes", ())]
        return [*imported.get("warnings", ()), *imported.get("notes", ()), *beside]

    @property
    def donation(self) -> pd.Series[float]:
        """D by language: a sum of F, dimensionless, positive is a gain (equation 5)."""
        return self.scores["donation"]

    @property
    def recipience(self) -> pd.Series[float]:
        """R by language: a sum of F, dimensionless, positive is a gain (equation 6)."""
        return self.scores["recipience"]

    @property
    def monolingual(self) -> pd.Series[float]:
        """Score by language of the model that F is relative to, ε(M_t) or that of a control, in the metric's unit.

        It is the mean over the seeds that count.
        """
        return self.scores["monolingual"]

    @property
    def blood_types(self) -> pd.Series[str]:
        """O, A, AB+ or "none" by language; missing (None) where none can be given."""
        return self.scores["blood_type"]

    @property
    def transfer_levels(self) -> pd.DataFrame:
        """Transfer level of every measured cell, `[donor, recipient]`."""
        return transfer_levels(self.finetune_scores)

    @property
    def ranking(self) -> list[str]:
        """Languages by donation, the most donating first; those without a score come last."""
        keys = pd.DataFrame({"donation": self.donation, "place": range(len(self.languages))})
        return [str(code) for code in keys.sort_values(["donation", "place"], ascending=[False, True]).index]

    @property
    def missing_reasons(self) -> pd.DataFrame:
        """Why each missing cell is missing, `[donor, recipient]`: "unhealthy", "void" or "not measured"."""
        return missing_reasons(self.finetune_scores, self.health)

    def seed_agreement(self) -> pd.DataFrame:
        """Correlate the ranks of F, D and R between every two seeds; see `health.seed_agreement`."""
        return self._seed_agreement

    # Worked out once: a file is checked against it when it is read, and sentences are made of it.
    @cached_property
    def _seed_agreement(self) -> pd.DataFrame:
        return seed_agreement(self.replicates)

    @cached_property
    def reliability(self) -> Reliability:
        """How much of donors' order, D, R and single cells would repeat with other seeds; not known with one seed."""
        return reliability(self.replicates, self.metric)

    def __eq__(self, other: object) -> bool:
        """Compare all that a file holds: everything but the measurements."""
        if not isinstance(other, Bank):
            return NotImplemented
        names = [entry.name for entry in fields(self) if entry.name != "measurements"]
        return all(same(getattr(self, name), getattr(other, name)) for name in names)

    __hash__ = None  # type: ignore[assignment]  # tables can be changed


def build_bank(
    measurements: pd.DataFrame,
    *,
    languages: Sequence[str],
    name: str,
    protocol: str = "sequential",
    metric: str = "mrr",
    include_unhealthy: bool = False,
    baseline: str = ALONE,
    covariates: pd.DataFrame | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> Bank:
    """Turn the table of measurements into a bank.

    Args:
        measurements: The tidy table of measurements. It may hold other protocols besides, and controls.
        languages: Codes, in the order of the matrices. Pairs that were not measured are missing cells.
        name: Name of the experiment.
        protocol: Protocol of the bilingual models.
        metric: One of "mrr", "accuracy", "cross_entropy" and "bits_per_byte".
        include_unhealthy: Count unhealthy models instead of leaving their cells missing.
        baseline: What F is relative to, of the same recipient and seed: "alone" (M_t, as in the paper), or one of the
            controls "equal" and "longer"; see `measurements.BASELINE_WORDS`. Signs, types and R depend on it, the order
            of donors within a recipient does not.
        covariates: Rows by language (an absent one is missing), such as `foreign_share` (0 to 1) and `fertility`.
        provenance: Where the numbers come from, in values that JSON knows.

    Returns:
        The bank. A seed is one replicate of it: F is taken within each seed, then averaged over seeds.

    Raises:
        UsageError: The table is empty, lacks columns, measures a cell twice, or has no such protocol, metric or
            baseline.

    Source:
        Section 4.2, equations 4 to 6.
    """
    codes = tuple(languages)
    rows = select_rows(measurements, languages=codes, protocol=protocol, metric=metric, baseline=baseline)
    trained = select_rows(measurements, languages=codes, protocol=protocol, metric=metric)
    seeds = sorted(int(seed) for seed in rows.loc[rows["protocol"] == protocol, "seed"].unique())
    by_seed = {
        seed: finetune_scores(  # of these rows, which are few beside the table, and stand on the baseline already
            rows,
            protocol=protocol,
            metric=metric,
            seed=seed,
            languages=codes,
            include_unhealthy=include_unhealthy,
        )
        for seed in seeds
    }
    mean, n_seeds, deviations = over_seeds(list(by_seed.values()), codes)
    health = health_matrix(rows, codes)
    own = rows[rows["protocol"] == MONOLINGUAL]
    states = model_states(
        pd.concat([trained, select_controls(measurements, languages=codes, protocol=protocol, metric=metric)])
    )
    return Bank(
        name=name,
        protocol=protocol,
        metric=metric,
        languages=codes,
        include_unhealthy=include_unhealthy,
        finetune_scores=mean.finetune,
        differences=mean.difference,
        log_ratios=mean.log_ratio,
        n_seeds=n_seeds,
        seed_deviations=deviations,
        scores=language_scores(
            mean.finetune,
            protocol=protocol,
            monolingual=own[counted(own, include_unhealthy=include_unhealthy)].groupby("recipient")["value"].mean(),
            training=trained[trained["protocol"] == MONOLINGUAL].groupby("recipient")[list(TRAINING)].mean(),
            health=health,
        ),
        health=health,
        unhealthy_models=unhealthy_models(
            trained if baseline == ALONE else pd.concat([trained, _named(own, baseline)])
        ),
        replicates={seed: cells.finetune for seed, cells in by_seed.items()},
        controls=control_scores(
            measurements,
            languages=codes,
            protocol=protocol,
            metric=metric,
            include_unhealthy=include_unhealthy,
            baseline=baseline,
        ),
        convergence=count_states(states),
        unconverged_models=unconverged_models(states),
        covariates=no_covariates(codes) if covariates is None else covariates.reindex(no_covariates(codes).index),
        provenance=json.loads(json.dumps(dict(provenance or {}), default=str)),  # as a file gives it back
        baseline=baseline,
        tokens_of_recipient=tokens_of_recipient(trained, protocol),
        measurements=measurements,
    )


def _named(own: pd.DataFrame, baseline: str) -> pd.DataFrame:
    """Name the models of a control that is the baseline as such again: their donor is the recipient itself."""
    return own.assign(donor=own["recipient"], protocol=baseline)


def rebuild(bank: Bank, *, protocol: str | None = None, metric: str | None = None, baseline: str | None = None) -> Bank:
    """Build a bank again from its measurements, by another protocol, metric or baseline; it has no intervals.

    Args:
        bank: With its measurements.
        protocol: Instead of its own, where given.
        metric: Likewise.
        baseline: Likewise.

    Raises:
        UsageError: The bank has no measurements, or these have none of what was asked for.
    """
    if bank.measurements is None:
        raise UsageError(
            f"The bank {bank.name} stands here without its table of measurements, from which it could be built by "
            "another protocol, metric or baseline. Give the run folder that it comes from."
        )
    return build_bank(
        bank.measurements,
        languages=bank.languages,
        name=bank.name,
        protocol=protocol or bank.protocol,
        metric=metric or bank.metric,
        include_unhealthy=bank.include_unhealthy,
        baseline=baseline or bank.baseline,
        covariates=bank.covariates,
        provenance=bank.provenance,
    )


def with_intervals(
    bank: Bank, sentence_scores: pd.DataFrame | str | Path | None = None, options: IntervalOptions = DEFAULT
) -> Bank:
    """Give a bank its measurement intervals: worked out once, kept in `bank.json`, shown wherever its numbers are.

    Args:
        bank: With its measurements, or with F by seed; without either it comes back as it is.
        sentence_scores: The tidy table of sentence scores or its Parquet file; None where there is none: then the
            choice of test paragraphs is not covered.
        options: Level, replicates and seed; replicates of F are kept in any case.

    Returns:
        The bank with `intervals`, replicates of F among them.

    Raises:
        UsageError: The sentence scores do not belong to the measurements.
    """
    options = dataclasses.replace(options, keep_replicates=True)
    of_bank = {"protocol": bank.protocol, "metric": bank.metric}
    intervals: Intervals | None = None
    if bank.measurements is not None:
        intervals = measurement_intervals(
            bank.measurements,
            sentence_scores,
            languages=bank.languages,
            include_unhealthy=bank.include_unhealthy,
            baseline=bank.baseline,
            options=options,
            **of_bank,
        )
    elif bank.replicates:
        intervals = intervals_from_replicates(bank.replicates, options=options, **of_bank)
    return dataclasses.replace(bank, intervals=intervals)

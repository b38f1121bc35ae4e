r"""Which languages to pretrain on for given recipients: the donor set with the best score, and how sure it is.

    advice = recommend(bank, ["hi", "ne"], budget=4)
    print(*advice.lines(), sep="\n")

The score of a set adds up F over recipients and donors: in full (the paper's assumption) or with diminishing returns,
where the i-th best donor of a recipient counts ρ^(i-1). It is a score by which sets are compared. It is no gain in any
metric: F was measured with one donor at a time. Where the order of a bank's donors does not repeat from seed to seed,
no set is recommended, unless it is asked for all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from bloodbank.analysis.verdict import Verdict, verdict
from bloodbank.bank.bank import Bank
from bloodbank.bank.measurements import METRICS, ZERO_SHOT
from bloodbank.bank.scripts import NOT_COMPARABLE, WHY_NOT, between_scripts
from bloodbank.choosing.best_set import Problem, search
from bloodbank.choosing.diversity import Diversity
from bloodbank.choosing.doubt import ALONE, RANDOM, RUNNER_UP, WITH, Decision, Doubt, examine
from bloodbank.errors import UsageError
from bloodbank.wording import language_name, listed, percent, plural, signed

DIMINISHING, SUM = "diminishing", "sum"
EXACT_LIMIT = 1_000_000  # sets; listing as many takes about as long as solving a programme
_MAX_NAMED = 8
_FIRM = 0.95  # share of replicates from which a choice is called firm
_UNMEASURED = "no F to any of the recipients was measured"
_SMALL = 0.005  # of F or a score: less is 0 where it is written
_RIVALS = {
    RUNNER_UP: "the runner-up ({donors})",
    ALONE: "English alone",
    WITH: "the best set of this size with English ({donors})",
    RANDOM: "the mean of all allowed sets of this size",
}


@dataclass(frozen=True, eq=False)
class DonorSet:
    """A set of donors with its score."""

    donors: tuple[str, ...]  #: in the order of what each adds to all recipients alone
    score: float  #: dimensionless; positive is good; no gain of any metric


@dataclass(frozen=True, eq=False)
class Recommendation:
    """The donor set with the best score for some recipients.

    Scores can be compared only with each other, for the same recipients, objective and ρ.
    """

    recipients: tuple[str, ...]
    best: DonorSet  #: by the score, whatever the bank says against it
    budget: int
    objective: str
    rho: float
    runner_up: DonorSet | None  #: the second best set; None where there is only one, or it was not looked for
    exact: bool  #: the set is proven to be the best there is
    method: str  #: how it was found, in words
    bound: float  #: no set scores higher; the score itself where `exact`
    other: DonorSet  #: the best set by the other objective, with the score of that objective
    other_objective: str
    contributions: pd.DataFrame  #: donor, recipient, finetune_score, weight, part: what makes up the score
    left_out: pd.Series[str]  #: candidate -> why it cannot be picked
    unmeasured: pd.DataFrame  #: donor, recipient of the set's missing cells, which count as nothing
    constraints: str  #: in words
    doubt: Doubt  #: how the choice fares on replicates and on F shrunk towards the additive model
    zero_shot: bool = False  #: the numbers are zero-shot scores as a share of ε(M_t), not F
    verdict: Verdict | None = None  #: what may be concluded from the bank; None where F was given without one
    anyway: bool = False  #: whether the set was asked for whatever the bank says against it

    @property
    def obstacle(self) -> str:
        """Why no set is recommended; empty where one is."""
        return "" if self.verdict is None or self.anyway else self.verdict.obstacle

    @property
    def donors(self) -> tuple[str, ...]:
        """The recommended donors: none where there is an obstacle."""
        return () if self.obstacle else self.best.donors

    def lines(self) -> list[str]:
        """Say what is recommended, why, and how sure it is; other numbers give other sentences."""
        return _lines(self)


def recommend(
    bank: Bank | pd.DataFrame,
    recipients: Sequence[str],
    budget: int,
    *,
    candidates: Sequence[str] | None = None,
    objective: str = DIMINISHING,
    rho: float = 0.5,
    exact_size: bool = False,
    recipients_donate: bool = True,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    diversity: Diversity | None = None,
    replicates: np.ndarray | None = None,
    cell_variance: pd.DataFrame | None = None,
    zero_shot: bool = False,
    exact_limit: int = EXACT_LIMIT,
    seed: int = 0,
    anyway: bool = False,
) -> Recommendation:
    """Find the set of at most `budget` donors with the best score for some recipients.

    The score is Σ_t Σ_i ρ^(i-1) F_(i): for each recipient t, F of the set's donors in falling order. A harmful donor
    stands last and costs ρ^(i-1) |F|. A cell that was not measured adds nothing and takes no place. The set may be
    smaller than the budget, or empty, where another donor would only cost.

    Args:
        bank: The bank, of any protocol; or F alone, and then nothing is known of how far its order repeats, and nothing
            withheld.
        recipients: Codes of the languages that are to gain; all count the same.
        budget: Donors at most.
        candidates: Donors to choose from; all languages by default.
        objective: "diminishing" (returns fall by ρ with each donor), or "sum" (the paper's assumption, ρ = 1).
        rho: What the next donor of a recipient counts, from 0 (only the best counts) to 1.
        exact_size: Take exactly `budget` donors, even where fewer score higher.
        recipients_donate: Let recipients be in the set, as donors for each other (never for themselves).
        include: Donors to keep in.
        exclude: Donors to keep out.
        diversity: Constraints on the set.
        replicates: F drawn anew, each draw as uncertain as F itself (the bootstrap's, for example), in its order; by
            default the bank's.
        cell_variance: Variance of each cell of F, for the shrinking; by default the bank's, or that over replicates.
        zero_shot: Cells that are given alone are zero-shot scores as a share of ε(M_t), above zero, in place of F; a
            bank tells by its protocol.
        exact_limit: Sets that are listed one by one; beyond that an integer programme is solved.
        seed: Of the random sets to compare with, where not all are listed.
        anyway: Recommend a set even where the order of the bank's donors does not repeat.

    Returns:
        The recommendation.

    Raises:
        UsageError: A code is unknown or given twice, the budget does not fit, nothing was measured for a recipient, the
            constraints leave no set, or a setting is out of range.

    Shape:
        F is `[donor, recipient]`, `replicates` `[replicate, donor, recipient]`.
    """
    cells, replicates, cell_variance, zero_shot = _given(bank, replicates, cell_variance, zero_shot=zero_shot)
    table, draws = _in_order(cells, replicates)
    goals = _known(recipients, table, "recipients")
    _check_settings(goals, budget, objective, rho)
    measured = table[sorted(goals)]
    _check_measured(measured, zero_shot=zero_shot)
    pool, left_out = _pool(
        measured, candidates, include, exclude, recipients_donate=recipients_donate, zero_shot=zero_shot
    )
    if budget > len(pool):
        raise UsageError(f"A budget of {budget} donors, but only {len(pool)} candidates: {', '.join(pool) or 'none'}.")
    if len(include) > budget:
        raise UsageError(f"{len(include)} donors are to be kept in, and the budget is {budget}.")
    limits = diversity or Diversity()
    rules, forced = limits.rules(pool), tuple(sorted(pool.index(code) for code in include))
    rules.check(forced)
    gains, least = measured.loc[pool].to_numpy(dtype=float), budget if exact_size else 0
    rhos = {DIMINISHING: rho, SUM: 1.0}
    other_objective = SUM if objective == DIMINISHING else DIMINISHING
    problem = Problem(gains, rhos[objective], least, budget, forced, rules)
    answer = search(problem, exact_limit)
    other = search(replace(problem, rho=rhos[other_objective]), exact_limit, runner_up=False)
    chosen = measured.loc[[pool[place] for place in answer.best]]
    decision = Decision(table, draws, list(measured.columns), pool, problem, answer)
    return Recommendation(
        recipients=tuple(goals),
        best=_donor_set(answer.best, answer.score, measured.loc[pool]),
        budget=budget,
        objective=objective,
        rho=problem.rho,
        runner_up=None if answer.runner_up is None else _donor_set(*answer.runner_up, measured.loc[pool]),
        exact=answer.exact,
        method=answer.method,
        bound=answer.bound,
        other=_donor_set(other.best, other.score, measured.loc[pool]),
        other_objective=other_objective,
        contributions=_contributions(chosen, problem.rho),
        left_out=pd.Series(left_out, dtype=object, name="reason").rename_axis("language"),
        unmeasured=_unmeasured(chosen),
        constraints=limits.words(),
        doubt=examine(decision, cell_variance, exact_limit=exact_limit, seed=seed),
        zero_shot=zero_shot,
        verdict=verdict(bank) if isinstance(bank, Bank) else None,
        anyway=anyway,
    )


def _given(
    bank: Bank | pd.DataFrame, replicates: np.ndarray | None, cell_variance: pd.DataFrame | None, *, zero_shot: bool
) -> tuple[pd.DataFrame, np.ndarray | None, pd.DataFrame | None, bool]:
    """Return what sets are compared by, its replicates and variance, and whether it is zero-shot scores.

    F of a zero-shot score is below zero nearly everywhere, since M_s never saw t: it ranks donors, but it is no gain.
    So of such a bank it is the score itself, as a share of what M_t reaches (for a loss, what M_t's is of that of M_s).
    """
    if not isinstance(bank, Bank):
        return bank, replicates, cell_variance, zero_shot
    if bank.intervals is not None and bank.intervals.knows_error:
        replicates = bank.intervals.replicates if replicates is None else replicates
        cell_variance = bank.intervals.matrix("se") ** 2 if cell_variance is None else cell_variance
    if bank.protocol != ZERO_SHOT:
        return bank.finetune_scores, replicates, cell_variance, False
    sign = METRICS[bank.metric].sign
    shares = share_of_own(bank.finetune_scores, sign)
    drawn = None if replicates is None else share_of_own(replicates, sign)
    # Of a loss the share is 1 / (1 - F), whose slope is its square.
    spread = None if cell_variance is None else cell_variance * (1 if sign > 0 else shares**4)
    return shares, drawn, spread, True


def share_of_own(finetune: Any, sign: int) -> Any:
    """Turn F into the score of M_s as a share of that of M_t: 1 + F, or for a loss what M_t's loss is of that of M_s.

    Args:
        finetune: F, a table or an array; missing stays missing.
        sign: 1 where a higher score is better, else -1.
    """
    return 1.0 + finetune if sign > 0 else 1.0 / (1.0 - finetune)


def _in_order(finetune: pd.DataFrame, replicates: np.ndarray | None) -> tuple[pd.DataFrame, np.ndarray | None]:
    """Put F and its replicates into the order of codes, so that no result depends on the order that they came in."""
    if list(finetune.index) != list(finetune.columns) or finetune.index.has_duplicates:
        raise UsageError("F must have the same languages in rows and columns, in the same order, each once.")
    n_languages = len(finetune)
    order = np.argsort(np.array([str(code) for code in finetune.index], dtype=object))
    table = finetune.iloc[order, order].astype(float)
    table = table.mask(np.eye(n_languages, dtype=bool))
    if np.isinf(table.to_numpy()).any():
        raise UsageError("F holds an infinite cell. Leave it missing, or look for the zero that it was divided by.")
    if replicates is None or not len(replicates):
        return table, None
    draws = np.asarray(replicates, dtype=float)
    if draws.shape[1:] != (n_languages, n_languages):
        raise UsageError(f"Replicates have the shape {draws.shape}; F has {n_languages} languages in rows and columns.")
    if np.isinf(draws).any():
        raise UsageError("A replicate of F holds an infinite cell. Leave it missing.")
    return table, np.where(np.eye(n_languages, dtype=bool), np.nan, draws[:, order][:, :, order])


def _known(codes: Sequence[str], table: pd.DataFrame, what: str) -> list[str]:
    """Refuse codes that are not those of donors of F, or given twice."""
    if isinstance(codes, str):
        raise UsageError(f"{what} are a list of codes, not one text: {codes!r}.")
    named = [str(code) for code in codes]
    unknown = [code for code in named if code not in table.index]
    if unknown:
        raise UsageError(f"{what}: {unknown[0]!r} is not measured here. Measured: {', '.join(map(str, table.index))}.")
    twice = sorted({code for code in named if named.count(code) > 1})
    if twice:
        raise UsageError(f"{what}: {', '.join(twice)} given twice.")
    return named


def _check_settings(goals: list[str], budget: int, objective: str, rho: float) -> None:
    if not goals:
        raise UsageError("No recipient is given. Name at least one language that is to gain.")
    if budget < 1:
        raise UsageError(f"The budget is {budget} donors; it must be at least 1.")
    if objective not in (DIMINISHING, SUM):
        raise UsageError(f"Unknown objective {objective!r}. Known: {DIMINISHING}, {SUM}.")
    if not 0 <= rho <= 1:  # also refuses a NaN
        raise UsageError(f"ρ is {rho}; it goes from 0 (only the best donor counts) to 1 (all count in full).")


def _check_measured(measured: pd.DataFrame, *, zero_shot: bool) -> None:
    empty = [str(code) for code in measured if measured[code].isna().all()]
    strangers = [code for code in empty if zero_shot and _are_apart(measured, code)]
    if strangers:
        raise UsageError(
            f"No zero-shot score on {', '.join(strangers)} can be compared: no other language here is written in its "
            f"script, and {WHY_NOT}. Leave it out, or use a protocol that trains on the recipient."
        )
    if empty:
        raise UsageError(
            f"Nothing was measured for {', '.join(empty)} as a recipient, so no donor can be chosen for it."
        )


def _are_apart(measured: pd.DataFrame, recipient: str, donors: Sequence[str] | None = None) -> bool:
    """Tell whether none of some donors, by default of all other languages, is written in the recipient's script."""
    codes = [str(code) for code in measured.index]
    apart = between_scripts(codes)[:, codes.index(recipient)]
    return all(apart[codes.index(code)] for code in donors or codes if code != recipient)


def _pool(
    measured: pd.DataFrame,
    candidates: Sequence[str] | None,
    include: Sequence[str],
    exclude: Sequence[str],
    *,
    recipients_donate: bool,
    zero_shot: bool,
) -> tuple[list[str], dict[str, str]]:
    """Work out which languages may be in the set, in the order of codes, and why others may not."""
    named = _known(list(measured.index) if candidates is None else candidates, measured, "candidates")
    kept, out = _known(include, measured, "include"), _known(exclude, measured, "exclude")
    left_out: dict[str, str] = {}
    for code in sorted({*named, *kept}):
        if code in out:
            left_out[code] = "excluded as asked"
        elif not recipients_donate and code in measured.columns:
            left_out[code] = "a recipient, and recipients are not to donate"
        elif measured.loc[code].isna().all():
            others = [str(recipient) for recipient in measured if recipient != code]
            apart = zero_shot and all(_are_apart(measured, recipient, [code]) for recipient in others)
            left_out[code] = "the one recipient" if not others else NOT_COMPARABLE if apart else _UNMEASURED
        if code in kept and code in left_out:
            raise UsageError(f"{code} is to be kept in, but it cannot be picked: {left_out[code]}.")
    lost = [code for code in kept if code not in named]
    if lost:
        raise UsageError(f"{lost[0]} is to be kept in, and it is not among the candidates.")
    return [code for code in sorted(named) if code not in left_out], left_out


def _donor_set(places: tuple[int, ...], score: float, gains: pd.DataFrame) -> DonorSet:
    alone = gains.iloc[list(places)].sum(axis="columns")
    return DonorSet(tuple(alone.sort_values(ascending=False, kind="stable").index), score)


def _contributions(chosen: pd.DataFrame, rho: float) -> pd.DataFrame:
    rows = []
    for recipient in chosen:
        ordered = chosen[recipient].dropna().sort_values(ascending=False, kind="stable")
        for place, (donor, value) in enumerate(ordered.items()):
            rows.append((donor, recipient, float(value), rho**place, float(value) * rho**place))
    return pd.DataFrame(rows, columns=["donor", "recipient", "finetune_score", "weight", "part"])


def _unmeasured(chosen: pd.DataFrame) -> pd.DataFrame:
    missing = chosen.isna().to_numpy()
    pairs = [(chosen.index[row], chosen.columns[column]) for row, column in np.argwhere(missing)]
    return pd.DataFrame([pair for pair in pairs if pair[0] != pair[1]], columns=["donor", "recipient"])


def _lines(advice: Recommendation) -> list[str]:
    against = [] if advice.verdict is None else [advice.verdict.against("donor_order")]
    if advice.verdict is not None and advice.obstacle:
        withheld = f"For {_goals(advice)}: no donor is recommended, because {advice.obstacle}."
        asked = "`--anyway` (from Python `anyway=True`) shows the set with the best score all the same."
        return [withheld, advice.verdict.reliability.remedy(), *against, asked]
    return [
        *against,
        _answer(advice),
        _score(advice),
        *_parts(advice),
        *_harm(advice),
        *_gaps(advice),
        _other(advice),
        *_rivals(advice),
        _picks(advice),
        _shrunk(advice),
    ]


def _codes(codes: tuple[str, ...]) -> str:
    return " ".join(codes) if codes else "none"


def _goals(advice: Recommendation) -> str:
    if len(advice.recipients) > _MAX_NAMED:
        return f"{len(advice.recipients)} languages ({' '.join(advice.recipients)})"
    return ", ".join(f"{language_name(code)} ({code})" for code in advice.recipients)


def _answer(advice: Recommendation) -> str:
    goals = _goals(advice)
    limits = f"; {advice.constraints}" if advice.constraints else ""
    if not advice.donors:
        return f"For {goals}: no donor. No allowed set of at most {advice.budget} scores above zero{limits}."
    named = ", ".join(f"{language_name(code)} ({code})" for code in advice.donors)
    n_donors = len(advice.donors)
    no_more = "no other allowed one raises" if advice.constraints else "no other one raises"
    fewer = f"{n_donors} of at most {advice.budget}, as {no_more} the score"
    size = fewer if n_donors < advice.budget else plural(n_donors, "donor")
    return f"For {goals}: {named} ({size}{limits})."


def _rule(advice: Recommendation, objective: str, rho: float) -> str:
    if objective == "sum":
        return "the sum of zero-shot scores" if advice.zero_shot else "the sum of F, the paper's assumption"
    return f"diminishing returns, ρ = {rho:g}"


def _measure(advice: Recommendation) -> str:
    return "zero-shot scores" if advice.zero_shot else "F"


def _score(advice: Recommendation) -> str:
    how = (
        f"It is the best there is ({advice.method})"
        if advice.exact
        else f"It need not be the best there is ({advice.method}); no set scores above {signed(advice.bound, 2)}"
    )
    return (
        f"Score {signed(advice.best.score, 2)} by {_rule(advice, advice.objective, advice.rho)}: a score to compare "
        f"sets by, not a gain in any metric. {how}."
    )


def _parts(advice: Recommendation) -> list[str]:
    lines = []
    for recipient in advice.recipients[:_MAX_NAMED]:
        rows = advice.contributions[advice.contributions["recipient"] == recipient]
        if rows.empty:
            if advice.donors:
                lines.append(f"To {recipient} none of them {'is comparable' if advice.zero_shot else 'was measured'}.")
            continue
        gains = ", ".join(
            f"{donor} {value:.0%}" if advice.zero_shot else f"{donor} {percent(float(value))}%"
            for donor, value in zip(rows["donor"], rows["finetune_score"], strict=True)
        )
        what = "Zero-shot score on {}, as a share of its own model's" if advice.zero_shot else "F to {}"
        lines.append(f"{what.format(recipient)}: {gains}.")
    if len(advice.recipients) > _MAX_NAMED:
        lines.append(f"And {len(advice.recipients) - _MAX_NAMED} more recipients.")
    own = [code for code in advice.recipients if code in advice.donors]
    if own:
        lines.append(f"{', '.join(own)}: both recipient and donor; what a language's own text gives it is not counted.")
    return lines


def _harm(advice: Recommendation) -> list[str]:
    rows = advice.contributions[advice.contributions["finetune_score"] <= -_SMALL].sort_values("finetune_score")
    pairs = [
        f"{donor}→{recipient} ({percent(float(value))}%)"
        for donor, recipient, value in zip(rows["donor"], rows["recipient"], rows["finetune_score"], strict=True)
    ]
    return [f"Harmful pairs in the set: {listed(pairs, _MAX_NAMED)}."] if pairs else []


def _gaps(advice: Recommendation) -> list[str]:
    lines = []
    pairs = [f"{donor}→{recipient}" for donor, recipient in advice.unmeasured.itertuples(index=False)]
    if pairs:
        why = "Not measured or of another script" if advice.zero_shot else "Not measured"
        lines.append(f"{why}, and counted as nothing: {listed(pairs, _MAX_NAMED)}.")
    unknown = [str(code) for code, reason in advice.left_out.items() if reason == _UNMEASURED]
    if unknown:
        lines.append(
            f"Not among the candidates, because no {'score on' if advice.zero_shot else 'F to'} these recipients was "
            f"measured: {', '.join(unknown)}."
        )
    strangers = [str(code) for code, reason in advice.left_out.items() if reason == NOT_COMPARABLE]
    if strangers:
        lines.append(f"Not among the candidates, {NOT_COMPARABLE}: {', '.join(strangers)} ({WHY_NOT}).")
    return lines


def _other(advice: Recommendation) -> str:
    rule = "diminishing returns"
    if advice.other_objective == "sum":
        rule = _rule(advice, "sum", 1.0) + ("" if advice.zero_shot else ",")
    if set(advice.other.donors) == set(advice.donors):
        return f"By {rule} it is the best set too."
    return f"By {rule} the best set is another one: {_codes(advice.other.donors)}."


def _rivals(advice: Recommendation) -> list[str]:
    lines = []
    for rival, name in _RIVALS.items():
        if rival not in advice.doubt.rivals.index:
            continue
        row: dict[Any, Any] = advice.doubt.rivals.loc[rival].to_dict()
        lead, odds = row["lead"], row["odds"]
        ahead = "level with" if abs(lead) < _SMALL else f"{abs(lead):.2f} {'ahead of' if lead > 0 else 'behind'}"
        chance = (
            ""
            if pd.isna(odds)
            else f"; ahead in {odds:.0%} of {advice.doubt.n_replicates:,} replicates{_firmness(odds)}"
        )
        lines.append(f"Its score is {ahead} {name.format(donors=row['donors'])}{chance}.")
    if advice.runner_up is None and not advice.exact:
        lines.append("Against the runner-up: not possible, because too many sets were left to look for it.")
    if advice.doubt.no_english:
        lines.append(f"Against English alone: not possible, because {advice.doubt.no_english}.")
    return lines


def _firmness(odds: float) -> str:
    if odds >= _FIRM:
        return ""
    return ", so the two cannot be told apart" if odds > 1 - _FIRM else ", where the other does better"


def _measured_again(advice: Recommendation) -> str:
    return f"{_measure(advice)} {'are' if advice.zero_shot else 'is'} measured"


def _picks(advice: Recommendation) -> str:
    doubt = advice.doubt
    if not doubt.n_replicates:
        return (
            f"How often each language is picked when {_measured_again(advice)} again, and the odds against other sets: "
            f"not possible, because there are no replicates of {_measure(advice)} (one seed, a matrix without, or no "
            "replicates.parquet)."
        )
    often = ", ".join(f"{code} {share:.0%}" for code, share in doubt.picked[doubt.picked > 0].head(_MAX_NAMED).items())
    of_all = "" if doubt.n_searched == doubt.n_replicates else f" of {doubt.n_replicates:,}"
    return (
        f"Picked over {doubt.n_searched:,}{of_all} replicates of {_measure(advice)}: {often or 'no language'}; exactly "
        f"this set in {doubt.same_set:.0%} of them. The set was chosen on the same measurements, so these shares "
        "flatter it."
    )


def _shrunk(advice: Recommendation) -> str:
    doubt, own = advice.doubt, set(advice.donors)
    if doubt.shrunk_donors is not None:
        same = (
            "it is still the best set"
            if set(doubt.shrunk_donors) == own
            else f"the best set is {_codes(doubt.shrunk_donors)}"
        )
        return (
            f"With {_measure(advice)} shrunk towards donor + recipient effects ({doubt.shrunk_kept:.0%} of the "
            f"departures kept, by their noise) {same}."
        )
    if set(doubt.additive_donors) == own:
        return f"With donor + recipient effects alone in place of {_measure(advice)} it is still the best set."
    lasts = (
        f"it stays the best while at least {doubt.least_kept:.0%} of each cell's departure from them is real"
        if doubt.least_kept < 1
        else "it is no longer the best once a tenth of each cell's departure from them is noise"
    )
    return (
        f"With donor + recipient effects alone in place of {_measure(advice)} the best set is "
        f"{_codes(doubt.additive_donors)}; {lasts}. How much of it is noise cannot be known without replicates."
    )

r"""The bilingual transfer score of ATLAS: how many tokens does the company of another language save or cost?

The monolingual model of t has loss L_t(d) on dev text after its d tokens. A bilingual run reads as much of s as of t,
so it needs 2d tokens for that loss if s neither helps nor harms. With σ(l) the total tokens that it needs for loss l,

    BTS(s→t) = −(σ(L_t(d)) − 2d) / d

is 0 where s is neutral, positive where the loss is reached sooner (2 at most), negative where later. A run that stops
before it reaches the loss leaves only a bound.

    result = transfer_scores(bank, "runs/mine/loss_curves.csv")
    print(*result.sentences(), sep="\n")
    result.pairs

The rate of learning falls to its end in every run, and a run that goes on for longer is still at a higher rate where
M_t ended: so the score leans to the negative, the same for all pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bloodbank.bank.bank import Bank
from bloodbank.bank.measurements import JOINT, MONOLINGUAL
from bloodbank.errors import UsageError
from bloodbank.wording import plural, signed

Array = NDArray[np.float64]
Curve = tuple[Array, Array]  # tokens (rising) and loss at each
# The score is defined for joint runs. Where a donor's phase came first, its tokens count too, and the name says so.
SCORE_NAMES = {
    JOINT: "bilingual_transfer_score",
    "sequential": "transfer_score_with_donor_tokens",
    "frozen": "transfer_score_with_donor_tokens",
}
REACHED, NEVER_REACHED, NOT_POSSIBLE = "reached", "never reached", "not possible"
_COLUMNS = ("protocol", "donor", "recipient", "seed", "phase", "language", "tokens_seen", "loss")
_KEY = ["donor", "recipient", "seed"]


@dataclass(frozen=True, eq=False)
class TransferScores:
    """Transfer scores of a bank's pairs; positive: the recipient's loss is reached with fewer tokens."""

    name: str  #: the column of the score, see `SCORE_NAMES`
    runs: pd.DataFrame  #: one row for each run and recipient, see `scores_of_runs`
    pairs: pd.DataFrame  #: means over seeds, see `average_over_seeds`

    def sentences(self) -> list[str]:
        """Say for how many pairs company saves tokens, for which most, and what the score leans to."""
        return _sentences(self)


def transfer_scores(
    bank: Bank, curves: pd.DataFrame | str | Path, *, budget_tokens: int | None = None
) -> TransferScores:
    """Work out the transfer scores of a bank from the loss curves of its run.

    Args:
        bank: The bank; it gives languages and protocol.
        curves: The tidy table of loss curves, or its file `loss_curves.csv`.
        budget_tokens: d, in pieces read; by default all that M_t of the same seed read.

    Returns:
        Scores by run and by pair.

    Raises:
        UsageError: There is no such file, the table lacks columns, or the score is not defined for the protocol.

    Source:
        ATLAS (2025): bilingual transfer score.
    """
    if not isinstance(curves, pd.DataFrame):
        path = Path(curves)
        if not path.is_file():
            raise UsageError(f"There is no {path}. Give `loss_curves.csv` of the run that the bank is made of.")
        curves = pd.read_csv(path, keep_default_na=False, na_values={"loss": [""]})
    runs = scores_of_runs(curves, languages=bank.languages, protocol=bank.protocol, budget_tokens=budget_tokens)
    return TransferScores(SCORE_NAMES[bank.protocol], runs, average_over_seeds(runs))


def scores_of_runs(
    curves: pd.DataFrame, *, languages: Sequence[str], protocol: str, budget_tokens: int | None = None
) -> pd.DataFrame:
    """Work out the transfer score of every bilingual run.

    σ is the first time that the curve comes down to the loss, with a straight line between its points over the
    logarithm of tokens (over tokens from the point at 0): where a curve rises again later, it had been reached.

    Args:
        curves: The tidy table of loss curves. `donor` is "", or missing, for monolingual models.
        languages: Codes; others are left out.
        protocol: "joint", "sequential" or "frozen". For the last two σ counts the tokens of the donor's own phase too.
        budget_tokens: d, in pieces read; by default all that M_t of the same seed read.

    Returns:
        donor, recipient, seed, budget_tokens (d), target_loss (L_t(d), nats a masked piece), tokens_needed (σ; missing
        where never reached), the score under its name in `SCORE_NAMES` (a fraction of d; missing where never reached),
        bound (what the score is below where never reached), status ("reached", "never reached" or "not possible") and
        note (why not possible).

    Raises:
        UsageError: The table lacks columns, or has no such run; or the score is not defined for the protocol.

    Shape:
        One row for each bilingual run and recipient, in the order of `languages`, then by seed.

    Source:
        ATLAS (2025): bilingual transfer score.
    """
    if protocol not in SCORE_NAMES:
        raise UsageError(f"No transfer score is defined for {protocol!r}. It is for {', '.join(SCORE_NAMES)}.")
    if budget_tokens is not None and budget_tokens <= 0:
        raise UsageError(f"A budget is a positive number of tokens, but was given as {budget_tokens}.")
    table = _checked(curves, languages)
    alone = _curves(table[table["protocol"] == MONOLINGUAL])
    runs = _curves(table[table["protocol"] == protocol])
    if not runs:
        known = ", ".join(sorted(set(map(str, table["protocol"])))) or "nothing"
        raise UsageError(f"There is no loss curve of protocol {protocol!r} of these languages. There are: {known}.")
    place = {code: number for number, code in enumerate(languages)}
    rows = [
        _row(key, runs[key], alone, protocol, budget_tokens)
        for key in sorted(runs, key=lambda key: (place[key[0]], place[key[1]], key[2]))
    ]
    columns = ["budget_tokens", "target_loss", "tokens_needed", SCORE_NAMES[protocol], "bound", "status", "note"]
    return pd.DataFrame(rows, columns=[*_KEY, *columns])


def average_over_seeds(scores: pd.DataFrame) -> pd.DataFrame:
    """Average transfer scores over seeds.

    Args:
        scores: From `scores_of_runs`.

    Returns:
        donor, recipient, the score under its name (missing where a seed never reached the loss), bound (there: what
        the mean is below), n_seeds (with a score or a bound) and n_censored (with a bound only).

    Shape:
        One row for each pair with a run.
    """
    (name,) = (column for column in scores.columns if column in SCORE_NAMES.values())
    rows = []
    for (donor, recipient), group in scores.groupby(["donor", "recipient"], sort=False):
        known = group[group["status"] != NOT_POSSIBLE]
        n_censored = int((known["status"] == NEVER_REACHED).sum())
        mean = float(known[name].fillna(known["bound"]).mean()) if len(known) else np.nan
        both = (np.nan, mean) if n_censored else (mean, np.nan)
        rows.append((donor, recipient, *both, len(known), n_censored))
    return pd.DataFrame(rows, columns=["donor", "recipient", name, "bound", "n_seeds", "n_censored"])


def tokens_to_reach(curve: Curve, loss: float) -> float:
    """Return σ(l): tokens until a curve first comes down to a loss; infinite where it never does.

    Args:
        curve: Tokens, rising, and the loss at each.
        loss: l, in the unit of the curve.
    """
    tokens, losses = curve
    reached = np.flatnonzero(losses <= loss)
    if not len(reached):
        return float("inf")
    after = int(reached[0])
    if after == 0:
        return float(tokens[0])
    part = (losses[after - 1] - loss) / (losses[after - 1] - losses[after])
    first, last = float(tokens[after - 1]), float(tokens[after])
    if first <= 0:
        return first + float(part) * (last - first)
    return float(np.exp(np.log(first) + part * (np.log(last) - np.log(first))))


def _loss_after(curve: Curve, tokens: float) -> float:
    """Return L(d); missing where the curve ends before."""
    at, losses = curve
    if tokens > at[-1]:
        return float("nan")
    after = int(np.searchsorted(at, tokens))
    if at[after] == tokens or after == 0:
        return float(losses[after])
    first, last = at[after - 1], at[after]
    if first > 0:
        first, last, tokens = np.log(first), np.log(last), np.log(tokens)
    return float(losses[after - 1] + (losses[after] - losses[after - 1]) * (tokens - first) / (last - first))


def _row(
    key: tuple[str, str, int],
    run: Curve,
    alone: dict[tuple[str, str, int], Curve],
    protocol: str,
    budget_tokens: int | None,
) -> tuple[object, ...]:
    donor, recipient, seed = key
    tokens, losses = run
    own, donors = alone.get(("", recipient, seed)), alone.get(("", donor, seed))
    budget = float("nan") if own is None else float(own[0][-1] if budget_tokens is None else budget_tokens)
    target = float("nan") if own is None else _loss_after(own, budget)
    why = ""
    if own is None:
        why = f"no loss curve of the monolingual model of {recipient}"
    elif np.isnan(target):
        why = f"the monolingual model of {recipient} read fewer tokens"
    elif protocol == JOINT:
        if tokens[0] == 0 and losses[0] <= target:
            why = f"the monolingual model of {recipient} is no better than an untrained one"
    elif donors is None:
        why = f"no loss curve of the donor's own model of {donor}"
    else:
        tokens = tokens + donors[0][-1]
    if why:
        return (*key, *(np.nan,) * 5, NOT_POSSIBLE, why)
    needed = tokens_to_reach((tokens, losses), target)
    if np.isinf(needed):
        return (*key, budget, target, np.nan, np.nan, _score(float(tokens[-1]), budget), NEVER_REACHED, "")
    return (*key, budget, target, needed, _score(needed, budget), np.nan, REACHED, "")


def _score(tokens: float, budget: float) -> float:
    return -(tokens - 2 * budget) / budget + 0.0  # + 0.0 turns -0 into 0


def _checked(curves: pd.DataFrame, languages: Sequence[str]) -> pd.DataFrame:
    missing = [column for column in _COLUMNS if column not in curves.columns]
    if missing:
        raise UsageError(
            f"The table of loss curves lacks the columns {', '.join(missing)}. It needs {', '.join(_COLUMNS)}."
        )
    donor = curves["donor"].astype(object).where(curves["donor"].notna(), "").astype(str)
    table = curves.assign(donor=donor, loss=curves["loss"].astype(float), tokens=curves["tokens_seen"].astype(float))
    known = table["recipient"].isin(languages) & (table["donor"].isin(languages) | (donor == ""))
    # A joint model has a curve on each of its languages: that of the recipient counts.
    chosen: pd.DataFrame = table[known & np.isfinite(table["loss"]) & (table["language"] == table["recipient"])]
    return chosen


def _curves(rows: pd.DataFrame) -> dict[tuple[str, str, int], Curve]:
    curves: dict[tuple[str, str, int], Curve] = {}
    keys: tuple[Any, ...]
    for keys, group in rows.groupby(_KEY):
        donor, recipient, seed = keys
        last = group[group["phase"] == group["phase"].max()].sort_values("tokens")
        tokens, losses = last["tokens"].to_numpy(), last["loss"].to_numpy()
        if (np.diff(tokens) <= 0).any():
            what = f"{donor}→{recipient}" if donor else f"{recipient} alone"
            raise UsageError(f"The loss curve of {what}, seed {seed}, has a point twice. Give the table of one run.")
        curves[str(donor), str(recipient), int(str(seed))] = (tokens, losses)
    return curves


def _sentences(result: TransferScores) -> list[str]:
    pairs, name = result.pairs, result.name.replace("_", " ")
    known = pairs[pairs["n_seeds"] > 0]
    if known.empty:
        return [f"The {name}: not possible, because {result.runs['note'].iloc[0]}."]
    ordered = known.dropna(subset=result.name).sort_values([result.name, "donor", "recipient"])
    scores = ordered[result.name]
    n_never = len(known) - len(ordered)
    never = f"; {plural(n_never, 'pair')} never reached the loss in some seed" if n_never else ""
    n_above, n_below = int((scores > 0).sum()), int((scores < 0).sum())
    sentences = [
        f"The {name} is above 0, so that the loss of M_t is reached with fewer tokens than two languages need on their "
        f"own, in {n_above} of {plural(len(known), 'pair')}, and below in {n_below}{never}."
    ]
    if len(ordered) > 1:
        ends = [
            f"{row['donor']}→{row['recipient']} ({signed(row[result.name], 2)})"
            for row in ordered.iloc[[0, -1]].to_dict("records")
        ]
        sentences.append(f"Lowest is {ends[0]}, highest {ends[1]}.")
    lean = "It leans to the negative, the same for all pairs, since a longer run is still learning fast where M_t ended"
    counted = (
        "" if result.name == SCORE_NAMES[JOINT] else "; the tokens of the donor's own phase count, other than in ATLAS"
    )
    return [*sentences, f"{lean}{counted}."]

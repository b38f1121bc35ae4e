"""Does what stands in a `bank.json` agree with itself? What can be worked out is worked out again and compared.

A file that was edited, or that a stranger made up, is refused by the name of the part that contradicts another.

    check_agreement(content, bank)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bloodbank.bank.health import FALLING, RISING
from bloodbank.bank.measurements import METRICS
from bloodbank.bank.reliability import COLUMNS, Reliability
from bloodbank.bank.schema import SUMS
from bloodbank.bank.scores import LEVELS, CellScores, blood_types, language_scores, over_seeds
from bloodbank.bank.uncertainty.intervals import Intervals
from bloodbank.bank.uncertainty.paragraphs import CELL_SCORES

if TYPE_CHECKING:
    from bloodbank.bank.bank import Bank

_DRAWN = 0.05  # by how much an end of an interval from 0 to 1 may move with other random draws
_NEAR = 1e-6  # what rounding may make of a number that was worked out elsewhere, relative to 1 or to the number


def check_shape(content: Mapping[str, Any]) -> None:
    """Check that tables are about the languages of the bank, and that matrices have their size and no diagonal.

    Raises:
        ValueError: Names the part that does not fit.
    """
    codes = [language["code"] for language in content["languages"]]
    if len(codes) < 2 or len(set(codes)) < len(codes):
        raise ValueError("languages are fewer than two, or one stands twice in languages")
    for name, rows, on_diagonal in _matrices(content):
        if len(rows) != len(codes) or any(len(row) != len(codes) for row in rows):
            raise ValueError(f"{name} is no matrix of {len(codes)} rows and columns")
        if on_diagonal != "any" and any(rows[place][place] != on_diagonal for place in range(len(codes))):
            raise ValueError(f"{name} has a value on the diagonal, where a language would give to itself")
    _check_order(content["scores"], codes, "scores")
    for name, values in content["covariates"].items():
        if list(values) != codes:
            raise ValueError(f"the covariate {name!r} is not that of languages, in their order")
    _check_codes(content, codes)
    if (intervals := content["intervals"]) is None:
        return
    if CELL_SCORES[0] not in intervals["cells"]:
        raise ValueError(f"the intervals have no {CELL_SCORES[0]}")
    if [row["score"] for row in intervals["scores"]] != [score for score in SUMS for _ in codes]:
        raise ValueError("the scores of the intervals are not those of D and R, sums and means")
    _check_order(intervals["scores"], codes * len(SUMS), "the scores of the intervals")
    _check_order(intervals["types"], codes, "the types of the intervals")


def _check_codes(content: Mapping[str, Any], codes: list[str]) -> None:
    if strangers := set(content["tokens_of_recipient"]) - set(codes):
        raise ValueError(f"tokens_of_recipient names a language that is not in languages: {min(strangers)}")
    for table in ("unhealthy_models", "controls", "unconverged_models"):
        for model in content[table]:
            if {model["donor"], model["recipient"]} - {"", *codes}:
                raise ValueError(
                    f"{table} names a language that is not in languages: {model['donor']}→{model['recipient']}"
                )


def _check_order(records: Sequence[Mapping[str, Any]], codes: list[str], name: str) -> None:
    if [row["language"] for row in records] != codes:
        raise ValueError(f"{name} are not those of languages, in their order")


def _matrices(content: Mapping[str, Any]) -> Iterator[tuple[str, Sequence[Sequence[Any]], Any]]:
    for name in ("finetune_scores", "differences", "log_ratios", "seed_deviations", "transfer_levels"):
        yield name, content[name], None
    yield "n_seeds", content["n_seeds"], 0
    yield "health", content["health"], "any"  # where monolingual models stand
    for seed, rows in content["replicates"].items():
        yield f"replicates of seed {seed}", rows, None
    for score, cells in content["intervals"]["cells"].items() if content["intervals"] else ():
        for name, rows in cells.items():
            yield f"{name} of the intervals of {score}", rows, 0 if name == "n_seeds" else None


def check_agreement(content: Mapping[str, Any], bank: Bank) -> None:
    """Check that F, its seeds, D, R, blood types, levels and intervals say the same.

    Raises:
        ValueError: Names the two parts that contradict each other.
    """
    if content["higher_is_better"] != METRICS[bank.metric].higher_is_better:
        raise ValueError(f"higher_is_better is {content['higher_is_better']}, which it is not for {bank.metric}")
    if content["transfer_levels"] != bank.transfer_levels.to_numpy(dtype=object).tolist():
        raise ValueError(f"transfer_levels are not those of finetune_scores (of {', '.join(LEVELS)})")
    _check_seeds(bank)
    _check_scores(bank)
    unconverged = bank.unconverged_models["convergence"].value_counts()
    for state in (FALLING, RISING):
        if bank.convergence.get(state, 0) != unconverged.get(state, 0):
            raise ValueError(f"convergence counts {state} models otherwise than unconverged_models")
    _check_statistics(content["seed_agreement"], bank.seed_agreement(), "seed_agreement")
    if content["reliability"] is not None:
        _check_reliability(content["reliability"], bank.reliability)
    if bank.intervals is not None:
        _check_intervals(bank.intervals, bank)


def _check_seeds(bank: Bank) -> None:
    measured = bank.finetune_scores.notna()
    if not (bank.n_seeds > 0).equals(measured):
        raise ValueError("n_seeds is 0 where F is known, or not 0 where it is missing")
    if not bank.replicates:
        return
    seeds = [CellScores(finetune, finetune, finetune) for finetune in bank.replicates.values()]
    mean, n_seeds, deviations = over_seeds(seeds, bank.languages)
    for name, derived in (
        ("finetune_scores", mean.finetune),
        ("n_seeds", n_seeds),
        ("seed_deviations", deviations),
    ):
        if not _near(getattr(bank, name), derived):
            raise ValueError(f"{name} contradicts replicates, over which it is worked out")


def _check_scores(bank: Bank) -> None:
    scores = bank.scores
    derived = language_scores(
        bank.finetune_scores,
        protocol=bank.protocol,
        monolingual=scores["monolingual"],
        training=scores,
        health=bank.health,
    )
    for name in SUMS:
        if not _near(scores[name], derived[name]):
            raise ValueError(f"{name} in scores contradicts finetune_scores, which it sums over")
    types = blood_types(scores["donation"], scores["recipience"], protocol=bank.protocol)
    derived["blood_type"] = types
    for name in ("donation_complete", "recipience_complete", "health", "blood_type"):
        if scores[name].tolist() != derived[name].tolist():
            raise ValueError(f"{name} in scores contradicts the rest of the bank")


def _check_statistics(stored: list[dict[str, Any]], derived: pd.DataFrame, name: str) -> None:
    table = pd.DataFrame(stored, columns=derived.columns)
    numbers = ["rank_correlation"]
    keys = [column for column in derived if column not in numbers]
    if table[keys].to_numpy().tolist() != derived[keys].to_numpy().tolist() or not _near(
        table[numbers].astype(float), derived[numbers]
    ):
        raise ValueError(f"{name} contradicts the numbers that it is worked out from")


def _check_reliability(stored: Mapping[str, Any], derived: Reliability) -> None:
    """Compare numbers; bounds, whose draws another version of NumPy may make otherwise, only roughly."""
    scores = pd.DataFrame(stored["scores"], columns=["effect", *COLUMNS])
    same = list(scores["effect"]) == list(derived.scores.index) and list(stored["parts"]) == list(derived.parts)
    same = same and bool(stored["obstacle"]) == bool(derived.obstacle)
    for names, reach in ((["of_one_seed", "of_mean", "seeds_needed"], _NEAR), (["low", "high"], _DRAWN)):
        same = same and _near(scores[names].astype(float), derived.scores[names], reach)
    numbers = [pd.Series([found["n_seeds"], *found["parts"].values()]) for found in (stored, vars(derived))]
    if not (same and _near(numbers[0], numbers[1])):
        raise ValueError("reliability contradicts replicates, from which it is worked out")


def _check_intervals(intervals: Intervals, bank: Bank) -> None:
    for name in ("protocol", "metric"):
        if getattr(intervals, name) != getattr(bank, name):
            raise ValueError(f"the {name} of the intervals is not that of the bank")
    for score, cells in intervals.cells.groupby("score", sort=False):
        _check_bounds(cells, f"the intervals of {score}")
        if not _near(intervals.matrix("n_seeds", str(score)).fillna(0), bank.n_seeds):
            raise ValueError(f"n_seeds of the intervals of {score} is not that of the bank")
    scores = intervals.scores
    _check_bounds(scores, "the intervals of scores")
    for name in SUMS:
        rows = scores[scores["score"] == name]
        if not _near(rows["estimate"], bank.scores[name]):
            raise ValueError(f"{name} of the intervals contradicts scores")
        if rows["complete"].tolist() != bank.scores[f"{name.removesuffix('_mean')}_complete"].tolist():
            raise ValueError(f"complete of the intervals of {name} contradicts scores")
    if ((scores["rank_low"] > scores["rank"]) | (scores["rank"] > scores["rank_high"])).any():
        raise ValueError("the intervals hold a rank that is outside of rank_low to rank_high")
    types = intervals.types["blood_type"].astype(object)
    if types.where(types.notna(), None).tolist() != bank.scores["blood_type"].tolist():
        raise ValueError("the blood types of the intervals contradict scores")
    if (intervals.types[["p_O", "p_A", "p_AB+", "p_none"]].astype(float).sum(axis="columns") > 1 + _NEAR).any():
        raise ValueError("the shares of blood types are more than 1 together")


def _check_bounds(table: pd.DataFrame, name: str) -> None:
    low, estimate, high = (table[column].to_numpy(dtype=float) for column in ("low", "estimate", "high"))
    if not np.array_equal(np.isnan(low), np.isnan(high)) or np.isnan(estimate[~np.isnan(low)]).any():
        raise ValueError(f"{name} have one bound without the other, or bounds of a number that is missing")
    reach = _NEAR * np.maximum(1, np.abs(estimate))
    if ((low > estimate + reach) | (high < estimate - reach)).any():
        raise ValueError(f"{name} do not hold the number that they are about")


def _near(left: pd.DataFrame | pd.Series[Any], right: pd.DataFrame | pd.Series[Any], reach: float = _NEAR) -> bool:
    return np.allclose(left.to_numpy(dtype=float), right.to_numpy(dtype=float), reach, reach, equal_nan=True)

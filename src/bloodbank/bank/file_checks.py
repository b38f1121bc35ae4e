"""What must be true of the content of a `bank.json` before a bank is made of it. Nothing is read or written.

check_content(json.loads(text))
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bloodbank.settings import PROTOCOLS

_SQUARES = ("finetune_scores", "differences", "log_ratios", "n_seeds", "seed_deviations", "health")
_SCORES_PER_LANGUAGE = 4  # D and R, as sum and as mean


def check_content(content: Mapping[str, Any]) -> None:
    """Check names, sizes and finiteness, so that an edited or damaged file is named as such.

    Args:
        content: Of a file of the present version.

    Raises:
        ValueError: Says what is wrong.
        LookupError, TypeError: A part is missing or of another kind.
    """
    for key, kind in (("name", str), ("protocol", str), ("provenance", dict)):
        if not isinstance(content[key], kind):
            raise TypeError(f"{key} is {content[key]!r}")
    if content["protocol"] not in PROTOCOLS:
        raise ValueError(f"unknown protocol {content['protocol']!r}")
    codes = [language["code"] for language in content["languages"]]
    if len(set(codes)) < len(codes):
        raise ValueError("a language stands twice in languages")
    if [record["language"] for record in content["scores"]] != codes:
        raise ValueError("scores are not those of languages, in their order")
    for key in _SQUARES:
        _check_square(content[key], len(codes), key)
    for seed, rows in content["replicates"].items():
        _check_square(rows, len(codes), f"replicates of seed {seed}")
    if content["intervals"] is not None:
        _check_intervals(content["intervals"], codes)


def _check_square(rows: Any, n: int, name: str) -> None:
    if len(rows) != n or any(len(row) != n for row in rows):
        raise ValueError(f"{name} is no matrix of {n} rows and columns")
    if any(isinstance(value, float) and not np.isfinite(value) for row in rows for value in row):
        raise ValueError(f"{name} holds a number that is not finite")


def _check_intervals(intervals: Mapping[str, Any], codes: list[str]) -> None:
    if not 0 < intervals["level"] < 1:
        raise ValueError(f"the level of intervals is {intervals['level']!r}")
    for score, cells in intervals["cells"].items():
        for name, rows in cells.items():
            _check_square(rows, len(codes), f"{name} of the intervals of {score}")
    if len(intervals["scores"]) != _SCORES_PER_LANGUAGE * len(codes):
        raise ValueError(f"the intervals have {len(intervals['scores'])} scores")
    if [record["language"] for record in intervals["types"]] != codes:
        raise ValueError("the types of the intervals are not those of languages, in their order")

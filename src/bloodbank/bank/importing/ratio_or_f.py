"""From the cells of somebody's matrix to F: which kind of number they are, and what looks odd about them.

reading = to_finetune(cells, values="auto", metric="mrr")
reading.by_seed[None]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bloodbank.bank.importing.cells import Cells
from bloodbank.bank.measurements import METRICS
from bloodbank.bank.scores import CellScores, matrix
from bloodbank.errors import UsageError
from bloodbank.wording import listed

KINDS = ("ratio", "finetune", "score")
_ON_DIAGONAL = {"ratio": 1.0, "finetune": 0.0}
_TOLERANCE = 1e-6
_TYPICAL = 0.5  # how far from 1 the middle of ratios may be, and from 0 that of F, to look like what they are
_LOW_RATIO = 0.3  # ratios are rarely lower, and a whole row of F is rarely above it
_MIN_CELLS = 3  # fewer can look like anything
_MEANING = {"ratio": "ratios", "finetune": "finetune scores"}
_SAY = "Say which with values='ratio', 'finetune' or 'score'."


@dataclass(frozen=True)
class Reading:
    """F of each seed, and how it was got."""

    kind: str
    reason: str
    by_seed: Mapping[int | None, CellScores]
    monolingual: pd.Series[float]
    warnings: tuple[str, ...]


def to_finetune(cells: Cells, *, values: str, metric: str, monolingual: pd.Series[float] | None = None) -> Reading:
    """Find out what the cells are, and turn them into F.

    Args:
        cells: What the file holds.
        values: "auto", "ratio", "finetune" or "score" (raw scores, with ε(M_t) on the diagonal or in `monolingual`).
        metric: For a loss, the gain is the ratio's fall below 1, and a score's below ε(M_t).
        monolingual: ε(M_t) by language, where it is known.

    Returns:
        F, Δε (missing where ε(M_t) is not known) and the log ratio of each seed; positive is a gain.

    Raises:
        UsageError: The kind cannot be told, or the cells cannot be of this kind.
    """
    if values not in ("auto", *KINDS):
        raise UsageError(f"The values {values!r} are not known. Allowed are 'auto', 'ratio', 'finetune' and 'score'.")
    codes = list(next(iter(cells.by_seed.values())).index)
    if len(codes) < 2:
        raise UsageError(f"A bank needs two languages or more, but the file has {len(codes)}: {listed(codes)}.")
    stack = np.stack([table.to_numpy(dtype=float) for table in cells.by_seed.values()])  # [seed, donor, recipient]
    pairs = stack[:, ~np.eye(len(codes), dtype=bool)]
    if np.isnan(pairs).all():
        raise UsageError("No cell between two languages has a value. Give a matrix with at least one.")
    diagonal = pd.DataFrame(np.diagonal(stack, axis1=1, axis2=2).T, index=codes)  # [language, seed]
    warnings: list[str] = []
    kind, reason = (values, "as asked") if values != "auto" else _recognise(diagonal, pairs, cells, warnings)
    if kind == "score":
        own = _own_scores(diagonal, monolingual)
    else:
        own = monolingual if monolingual is not None else pd.Series(np.nan, index=codes)
        warnings += _diagonal_warnings(diagonal, kind) if values != "auto" else []
    own = own.reindex(codes).astype(float)
    _refuse_negative(stack, codes, kind)
    by_seed = {
        seed: _cell_scores(table, kind, METRICS[metric].sign, _of_seed(diagonal, n, kind, monolingual, own))
        for n, (seed, table) in enumerate(cells.by_seed.items())
    }
    warnings += _odd_values({seed: cell.finetune for seed, cell in by_seed.items()}, kind, METRICS[metric].sign)
    return Reading(kind, reason, by_seed, own, tuple(warnings))


def _recognise(diagonal: pd.DataFrame, pairs: np.ndarray, cells: Cells, warnings: list[str]) -> tuple[str, str]:
    known = diagonal.to_numpy()[~np.isnan(diagonal.to_numpy())]
    is_one, is_zero = (np.abs(known - value) <= _TOLERANCE for value in (1, 0))
    for kind, right in (("ratio", is_one), ("finetune", is_zero)):
        if known.size and right.all():
            if cells.kind_hint and cells.kind_hint != kind:
                warnings.append(
                    f"A name in the file says {cells.kind_hint}, but its diagonal is that of {kind} values."
                )
            return kind, f"the diagonal is {_ON_DIAGONAL[kind]:.0f}"
    if known.size and np.abs(known - 100).max() <= 100 * _TOLERANCE:
        raise UsageError("The diagonal is 100: these are ratios in percent. Divide all cells by 100.")
    if known.size and is_one.any() and is_zero.any():
        raise UsageError(
            f"The diagonal has both ones and zeros ({_told(diagonal)}): ratios and F are mixed. "
            "Give the one or the other."
        )
    if known.size:
        raise UsageError(
            f"The diagonal is neither 1, as of ratios, nor 0, as of F: {_told(diagonal)}. If the cells are scores, "
            "with ε(M_t) on the diagonal, give values='score'. If the diagonal is to be left out, give "
            "values='ratio' or 'finetune'."
        )
    if cells.kind_hint:
        return cells.kind_hint, "a name in the file says so"
    if np.nanmin(pairs) < 0:
        warnings.append(
            "There is no diagonal. Some cells are negative, which no ratio is: all were read as F. If they are "
            f"differences Δε, they cannot be used. ({_SAY})"
        )
        return "finetune", "some cells are negative"
    raise UsageError(f"There is no diagonal to tell ratios (1) from F (0), and no cell is negative. {_SAY}")


def _told(diagonal: pd.DataFrame) -> str:
    values = diagonal.mean(axis="columns").dropna()
    odd = [(code, value) for code, value in values.items() if value not in (0, 1)] or list(values.items())
    return listed((f"{code} {value:.4g}" for code, value in odd), 5)


def _diagonal_warnings(diagonal: pd.DataFrame, kind: str) -> list[str]:
    expected = _ON_DIAGONAL[kind]
    values = diagonal.mean(axis="columns").dropna()
    odd = values[(values - expected).abs() > _TOLERANCE]
    if odd.empty:
        return []
    told = listed((f"{code} {value:.4g}" for code, value in odd.items()), 5)
    return [f"The diagonal of {kind} values is {expected:.0f}, but here it is not: {told}. It was left out."]


def _own_scores(diagonal: pd.DataFrame, monolingual: pd.Series[float] | None) -> pd.Series[float]:
    own = diagonal.mean(axis="columns") if monolingual is None else monolingual
    if own.notna().sum() == 0:
        raise UsageError(
            "The cells are scores, but ε(M_t) is not known, and F is the gain over it. Put it on the diagonal, or give "
            "it with monolingual=…."
        )
    if (own.dropna() <= 0).any():
        raise UsageError(f"ε(M_t) is not positive for {listed(own.index[own <= 0])}. F is not defined there.")
    return own


def _of_seed(
    diagonal: pd.DataFrame, n: int, kind: str, monolingual: pd.Series[float] | None, own: pd.Series[float]
) -> pd.Series[float]:
    # F is taken within a seed, where the file has ε(M_t) of each
    return diagonal[n] if kind == "score" and monolingual is None else own


def _refuse_negative(stack: np.ndarray, codes: list[str], kind: str) -> None:
    if kind == "finetune" or not (stack < 0).any():
        return
    _, donor, recipient = (int(place[0]) for place in np.nonzero(stack < 0))
    value = float(stack[stack < 0][0])
    what = "A ratio of two scores" if kind == "ratio" else "A score"
    raise UsageError(
        f"{what} cannot be negative, but {codes[donor]}→{codes[recipient]} is {value:.4g} "
        f"({int((stack < 0).sum())} such cells). Are ratios and F mixed? For F give values='finetune'."
    )


def _cell_scores(table: pd.DataFrame, kind: str, sign: int, own: pd.Series[float]) -> CellScores:
    codes = list(table.index)
    cells = table.to_numpy(dtype=float, copy=True)
    np.fill_diagonal(cells, np.nan)
    mono = own.reindex(codes).to_numpy(dtype=float)[None, :]  # [1, recipient]
    mono = np.where(mono > 0, mono, np.nan)
    if kind == "finetune":
        finetune = cells
    else:
        ratio = cells / mono if kind == "score" else cells
        finetune = sign * (ratio - 1) + 0.0  # + 0.0 makes a turned zero a plain one
    whole = np.where(sign * finetune > -1, sign * finetune, np.nan)
    parts: list[Any] = [finetune, finetune * mono, sign * np.log1p(whole) + 0.0]
    return CellScores(*(matrix(part, codes) for part in parts))


def _odd_values(by_seed: Mapping[int | None, pd.DataFrame], kind: str, sign: int) -> list[str]:
    """Warn of percent, of ratios that were read as F, of the two mixed, and of cells that are all the same."""
    codes = list(next(iter(by_seed.values())).index)
    finetune = np.stack([table.to_numpy(dtype=float) for table in by_seed.values()])
    known = finetune[~np.isnan(finetune)]
    if not known.size:
        return ["No F can be told, because ε(M_t) is not known. Give it with monolingual=…."]
    given = sign * known + 1 if kind == "ratio" else known
    warnings = _wrong_size(given, kind, sign)
    if known.size > 1 and np.ptp(known) < _TOLERANCE:
        warnings.append(f"All {known.size} cells are the same (F = {known[0]:+.3f}): nothing tells languages apart.")
    return _mixed(finetune, codes, kind, sign) if kind in _MEANING and not warnings else warnings


def _wrong_size(given: np.ndarray, kind: str, sign: int) -> list[str]:
    middle = float(np.median(given))
    if kind == "finetune" and _looks_like_ratios(given):
        return [
            f"All cells are above {_LOW_RATIO}, the median is {middle:.3g}: these look like ratios, but were read as "
            "F. If they are ratios, give values='ratio'."
        ]
    if (kind == "ratio" and middle > 10) or (kind == "finetune" and np.median(np.abs(given)) > 1):
        return [
            f"The typical cell is {middle:.3g}: these look like percent. They were read as fractions; if they are "
            "percent, divide them by 100."
        ]
    n_beyond = int((sign * given < -1 - _TOLERANCE).sum())
    if kind == "finetune" and n_beyond:
        bound = "lower than -1, which no score allows" if sign > 0 else "higher than 1, which no loss allows"
        return [f"F is {bound}, in {n_beyond} of {given.size} cells. Are these percent, or another quantity?"]
    return []


def _looks_like_ratios(cells: np.ndarray) -> bool:
    return bool(cells.min() > _LOW_RATIO and abs(np.median(cells) - 1) < _TYPICAL)


def _mixed(finetune: np.ndarray, codes: list[str], kind: str, sign: int) -> list[str]:
    """Name donors and recipients whose every cell looks like the other kind, while those of the others do not."""
    given = sign * finetune + 1 if kind == "ratio" else finetune  # [seed, donor, recipient]
    other = "F" if kind == "ratio" else "ratios"
    warnings = []
    for side, axis in (("donor", 1), ("recipient", 2)):
        odd = []
        for place in range(len(codes)):
            cells = np.take(given, place, axis=axis)
            cells = cells[~np.isnan(cells)]
            if cells.size < _MIN_CELLS:
                continue
            strange = bool((np.abs(cells) < _TYPICAL).all()) if kind == "ratio" else _looks_like_ratios(cells)
            odd += [place] if strange else []
        if not odd:
            continue
        rest = np.delete(given, odd, axis=axis)
        typical = 1.0 if kind == "ratio" else 0.0
        if not np.isnan(rest).all() and abs(float(np.nanmedian(rest)) - typical) < _TYPICAL / 2:
            names = listed(codes[place] for place in odd)
            warnings.append(
                f"Every cell of the {side} {names} looks like {other}, the others like {_MEANING[kind]}: mixed?"
            )
    return warnings

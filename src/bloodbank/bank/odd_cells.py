"""What is suspicious about an imported F: percent, ratios that were read as F, the two mixed, all the same.

Pure functions; nothing is read or written.

    odd_values({None: finetune}, kind="finetune", sign=1)
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from bloodbank.bank.cells import listed

_TOLERANCE = 1e-6
_TYPICAL = 0.5  # how far from 1 the middle of ratios may be, and from 0 that of F, to look like what they are
_LOW_RATIO = 0.3  # ratios are rarely lower, and a whole row of F is rarely above it
_MIN_CELLS = 3  # fewer can look like anything
_MEANING = {"ratio": "ratios", "finetune": "finetune scores"}


def odd_values(by_seed: Mapping[int | None, pd.DataFrame], kind: str, sign: int) -> list[str]:
    """Say what is suspicious about F.

    Args:
        by_seed: F of each seed.
        kind: What the file's cells were taken for.
        sign: -1 for a loss.

    Returns:
        Warnings, each with what to do.
    """
    codes = list(next(iter(by_seed.values())).index)
    finetune = np.stack([table.to_numpy(dtype=float) for table in by_seed.values()])
    known = finetune[~np.isnan(finetune)]
    if not known.size:
        return ["No F can be told, because ε(M_t) is not known. Give it with monolingual=…."]
    given = sign * known + 1 if kind == "ratio" else known
    found = _wrong_size(given, kind, sign)
    if known.size > 1 and np.ptp(known) < _TOLERANCE:
        found.append(f"All {known.size} cells are the same (F = {known[0]:+.3f}): nothing tells languages apart.")
    if kind in _MEANING and not found:
        found = _mixed(finetune, codes, kind, sign)
    return found


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
    found = []
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
            found.append(
                f"Every cell of the {side} {names} looks like {other}, the others like {_MEANING[kind]}: mixed?"
            )
    return found

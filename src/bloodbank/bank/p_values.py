"""p values: corrected for their number, and written. Nothing is read or written.

holm(np.array([0.01, 0.04]))  # 0.02, 0.04
"""

from __future__ import annotations

import numpy as np


def holm(p: np.ndarray) -> np.ndarray:
    """Correct p values by Holm's method, which bounds the chance of any false finding.

    The smallest is taken times the number of tests, the next times one less, and so on; never less than the one before.

    Args:
        p: One for each test.

    Returns:
        The corrected ones, in the same order.
    """
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    corrected = np.empty_like(p)
    corrected[order] = np.minimum(steps, 1.0)
    return corrected


def p_text(value: float) -> str:
    """Write a p value with three decimals, or with two digits where it is small."""
    return f"{value:.3f}" if value >= 0.0995 else f"{value:.2g}"

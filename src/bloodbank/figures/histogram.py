"""Where the axis of a distribution of F ends, and where its bars begin.

Pure functions of numbers; nothing is read or written.

    edges, clipped = histogram_edges(100 * values, [-10.0, 10.0, 55.0])
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_WIDTHS = (0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500)  # of bins, in percent
_MOST_BINS = 45
_LEAST = 4.0  # percent that the axis spans, so that equal values are seen as such
_MANY_CELLS = 50  # from which the ends of the distribution can be told from its middle
_FAR = 6.0  # distances of the quartiles


def robust_range(values: Floats) -> tuple[float, float]:
    """Span the values, without a few that lie far outside.

    Args:
        values: Any numbers.

    Returns:
        Limits: those of the values that lie within six times the distance of the quartiles from these (F of the
        authors' matrix, which is skewed, reaches to a little over four); of all where values are few.
    """
    first, last = (float(one) for one in np.quantile(values, (0.25, 0.75)))
    if len(values) < _MANY_CELLS or first == last:
        return float(values.min()), float(values.max())
    reach = _FAR * (last - first)
    inside = values[(values >= first - reach) & (values <= last + reach)]
    return float(inside.min()), float(inside.max())


def histogram_edges(values: Floats, borders: list[float]) -> tuple[Floats, tuple[bool, bool]]:
    """Choose edges of bars at round numbers.

    Args:
        values: In percent.
        borders: In percent; drawn where cells lie beyond them, or where they are near.

    Returns:
        The edges, and whether cells lie beyond the first and beyond the last of them: then the outer bars hold these.

    Shape:
        `[bar + 1]`.
    """
    if not len(values):
        return np.linspace(-100.0, 100.0, 21), (False, False)
    low, high = robust_range(values)
    if high - low < _LEAST:
        low, high = low - _LEAST / 2, high + _LEAST / 2
    reach = high - low
    for border in borders:  # draw borders that have cells beyond them, or are near
        if low > border and (values.min() < border or low - border < 0.5 * reach):
            low = border - 1.0
        if high < border and (values.max() >= border or border - high < 0.5 * reach):
            high = border + 1.0
    most = _MOST_BINS if len(values) >= _MANY_CELLS else _MOST_BINS // 2
    width = next((width for width in _WIDTHS if (high - low) / width <= most), (high - low) / most)
    first, last = int(np.floor(low / width)), int(np.floor(high / width)) + 1
    edges = np.asarray(width * np.arange(first, last + 1), dtype=float)
    return edges, (bool(values.min() < edges[0]), bool(values.max() >= edges[-1]))

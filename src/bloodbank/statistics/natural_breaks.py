"""Natural breaks: borders that part numbers into classes with the least squared error within (Fisher-Jenks).

    natural_breaks(np.array([0.1, 0.2, 0.9, 1.0]), 2)  # array([0.55])

The borders are exact: dynamic programming over the sorted values, in which the best last border never moves left as
values are added. So the middle value is solved first, and halves by halves each value searches only between the borders
of its neighbours: of the order of k n log n steps for n values, all values of one halving and all resamples at once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
MAX_BINS = 1_000  # of a resample: 200 languages have 39,800 cells, whose borders move by less than a bin


class Items(NamedTuple):
    """Sorted values, or bins of neighbouring ones, that are kept together.

    Shape:
        `lowest` and `highest` value of each: `[item]`; `place`, the item of each value given: `[value]`.
    """

    lowest: Floats
    highest: Floats
    place: Ints


def natural_breaks(values: Floats, n_classes: int) -> Floats | None:
    """Part values into classes that differ as little as can be within: borders with the least squared error.

    Args:
        values: Any numbers.
        n_classes: How many classes.

    Returns:
        Borders half-way between neighbouring classes, rising; a border belongs to the class above it. None where
        there are fewer distinct values than classes.

    Shape:
        `[n_classes - 1]`.

    Source:
        Fisher 1958, "On grouping for maximum homogeneity"; Jenks's natural breaks.
    """
    items = bin_values(values, max_bins=len(values))
    if len(items.lowest) < n_classes:
        return None
    borders = resampled_breaks(values, np.ones((1, len(values))), items, n_classes)[0]
    return None if np.isnan(borders).any() else borders


def bin_values(values: Floats, *, max_bins: int = MAX_BINS) -> Items:
    """Keep together values that are equal, and neighbouring ones where there are more than `max_bins` distinct ones.

    Half of the edges hold equally many distinct values between them, so that bins are narrow where values are dense;
    half are evenly spaced, so that no bin spans much of a long tail. Borders fall between bins.

    Args:
        values: Any numbers.
        max_bins: Most items.

    Returns:
        The items.
    """
    distinct, place = np.unique(values, return_inverse=True)
    n = len(distinct)
    if n <= max_bins:
        return Items(distinct, distinct, np.asarray(place, dtype=np.int64))
    half = max_bins // 2
    dense = np.arange(n) * half // n
    even = np.minimum((distinct - distinct[0]) / (distinct[-1] - distinct[0]) * half, half - 1).astype(np.int64)
    starts = np.flatnonzero(np.diff(dense + even, prepend=-1))  # both rise, so that their sum rises where one does
    item = np.searchsorted(starts, np.arange(n), side="right") - 1
    ends = np.append(starts[1:], n) - 1
    return Items(distinct[starts], distinct[ends], np.asarray(item[place], dtype=np.int64))


def resampled_breaks(values: Floats, weights: Floats, items: Items, n_classes: int) -> Floats:
    """Find natural breaks for many weightings of the same values.

    Args:
        values: The values.
        weights: How often each value counts, in each resample; 0 where it was not drawn.
        items: What `bin_values` made of the values.
        n_classes: How many classes.

    Returns:
        Borders as of `natural_breaks`; missing in resamples with fewer distinct items than classes.

    Shape:
        `weights` is `[resample, value]`; `[resample, n_classes - 1]`.
    """
    centred = values - values.mean()  # squares of large numbers would drown small differences
    scale = max(float(np.abs(centred).max(initial=0.0)), np.finfo(float).tiny)
    sums = _prefix_sums(weights, centred / scale, items)
    n_items, n_resamples = len(items.lowest), len(weights)
    rows = np.arange(n_resamples)
    every = np.broadcast_to(np.arange(n_items + 1), (n_resamples, n_items + 1))
    errors = _error(sums, rows[:, None], np.zeros_like(every), every)
    layers = []
    for _ in range(n_classes - 2):
        errors, start = _add_class(errors, sums)
        layers.append(start)
    candidates = errors + _error(sums, rows[:, None], every, np.full_like(every, n_items))
    split = np.argmin(candidates, axis=1)
    splits = [split]
    for start in reversed(layers):
        split = start[rows, split]
        splits.append(split)
    return _borders(np.stack(splits[::-1], axis=1), sums[0], items)


def _prefix_sums(weights: Floats, values: Floats, items: Items) -> Floats:
    # [weight, weighted value, weighted square] up to each item. Shape: [3, resample, item + 1].
    order = np.argsort(items.place, kind="stable")
    starts = np.searchsorted(items.place[order], np.arange(len(items.lowest)))
    sums = np.zeros((3, len(weights), len(items.lowest) + 1))
    weighted, factor = weights[:, order], values[order]
    for power in range(3):
        np.cumsum(np.add.reduceat(weighted, starts, axis=1), axis=1, out=sums[power, :, 1:])
        weighted *= factor
    return sums


def _error(sums: Floats, rows: Ints, start: Ints, end: Ints) -> Floats:
    """Squared error of one class of the items from `start` up to, but not including, `end`."""
    weight, total, square = (part[rows, end] - part[rows, start] for part in sums)
    return np.asarray(square - total**2 / np.where(weight > 0, weight, 1.0))


def _add_class(errors: Floats, sums: Floats) -> tuple[Floats, Ints]:
    """Let the first items fall into one class more: the least error for each end, and where the last class starts."""
    n_ends = errors.shape[1]
    starts, least = np.zeros(errors.shape, dtype=np.int64), np.zeros(errors.shape)
    step = 1 << (n_ends - 1).bit_length()
    while step:
        ends = np.arange(step, n_ends, 2 * step)
        if len(ends):
            low = starts[:, ends - step]
            beyond = np.minimum(ends + step, n_ends - 1)
            high = np.where(ends + step < n_ends, starts[:, beyond], ends)
            high = np.maximum(np.minimum(high, ends), low)
            starts[:, ends], least[:, ends] = _search(errors, sums, ends, low, high)
        step //= 2
    return least, starts


def _search(errors: Floats, sums: Floats, ends: Ints, low: Ints, high: Ints) -> tuple[Ints, Floats]:
    # One stretch of candidates for each resample and end, all stretches laid one after the other.
    lengths = (high - low + 1).ravel()
    firsts = np.cumsum(lengths) - lengths
    rows = np.repeat(np.repeat(np.arange(len(errors)), len(ends)), lengths)
    ends_of = np.repeat(np.tile(ends, len(errors)), lengths)
    starts = np.arange(len(rows)) + np.repeat(low.ravel() - firsts, lengths)
    cost = errors[rows, starts] + _error(sums, rows, starts, ends_of)
    least = np.minimum.reduceat(cost, firsts)
    hits = np.flatnonzero(cost <= np.repeat(least, lengths))
    best = starts[hits[np.searchsorted(hits, firsts)]]
    return best.reshape(low.shape), least.reshape(low.shape)


def _borders(splits: Ints, weight: Floats, items: Items) -> Floats:
    """Turn the first item of each class into a border, half-way between the nearest items that were drawn."""
    drawn = np.diff(weight, axis=1) > 0  # [resample, item]
    place = np.arange(drawn.shape[1])
    last = np.maximum.accumulate(np.where(drawn, place, -1), axis=1)
    following = np.minimum.accumulate(np.where(drawn, place, drawn.shape[1])[:, ::-1], axis=1)[:, ::-1]
    rows = np.arange(len(splits))[:, None]
    inside = (splits > 0) & (splits < drawn.shape[1])
    below = np.where(inside, last[rows, np.maximum(splits - 1, 0)], -1)
    above = np.where(inside, following[rows, np.minimum(splits, drawn.shape[1] - 1)], drawn.shape[1])
    valid = (below >= 0) & (above < drawn.shape[1])
    valid = valid.all(axis=1) & (np.diff(below, axis=1) > 0).all(axis=1)  # no class is empty
    under = items.highest[np.maximum(below, 0)]
    over = items.lowest[np.minimum(above, drawn.shape[1] - 1)]
    middle = (under + over) / 2
    middle = np.where(middle > under, middle, over)  # neighbouring floating-point numbers have nothing between
    return np.asarray(np.where(valid[:, None], middle, np.nan))

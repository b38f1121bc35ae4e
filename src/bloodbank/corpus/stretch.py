"""Which lines of a book are held out, by content: those between the same anchors as in the pivot's book.

Reads anchors of two texts; writes nothing. A share of characters is no place in a book: translations of unlike
completeness drift by a fifth of their length. So the stretch is chosen in one text, the pivot's, and found in every
other by what stands in both (`anchors`). What lies between two anchors of which only one is in the stretch is neither
held out nor trained on; nor is a guard on either side, nor what stands in another order in the two books.

    zones = find_stretch(own, pivot, pivot_zones, guard_paragraphs=20, guard_anchors=2)
"""

from __future__ import annotations

import numpy as np

from bloodbank.corpus.anchors import Anchors, Numbers, align, shared_once
from bloodbank.errors import UsageError

Zones = np.ndarray[tuple[int, ...], np.dtype[np.int8]]
TRAIN, TEST, DEV, LEFT_OUT = range(4)
# A chain by chance of n anchors in random order has about 2·√n: ten in order, and half of all, is no chance.
LEAST_ANCHORS, LEAST_IN_ORDER = 10, 0.5


def zones_of_pivot(lengths: Numbers, start: float, test_share: float, heldout_share: float) -> Zones:
    """Choose the stretch in the pivot's text, by its share of the characters; it may go on at the beginning.

    Args:
        lengths: Characters of each line. Shape: [n_lines].
        start: Where it begins, from 0 to 1.
        test_share: Share of the text that is test text; dev text follows.
        heldout_share: Share of both.
    """
    middles = (np.cumsum(lengths) - lengths / 2) / max(1, int(lengths.sum()))
    distance = (middles - start) % 1.0
    zones = np.full(len(lengths), TRAIN, dtype=np.int8)
    zones[distance < heldout_share] = DEV
    zones[distance < test_share] = TEST
    return zones


def find_stretch(
    own: Anchors, pivot: Anchors, zones: Zones, *, guard_paragraphs: int, guard_anchors: int, names: tuple[str, str]
) -> Zones:
    """Find the pivot's stretch in another text.

    Args:
        own: Anchors of the text.
        pivot: Anchors of the pivot's text.
        zones: Zones of the pivot's lines. Shape: [lines of the pivot].
        guard_paragraphs: Lines left out on either side of what is held out, in both texts.
        guard_anchors: Anchors left out on either side.
        names: Of the text and of the pivot, for messages.

    Returns:
        The zone of each line. Shape: [n_lines].

    Raises:
        UsageError: Too few anchors stand in both texts in the same order.
    """
    chain, shared = align(pivot, own), shared_once(pivot, own)
    in_order = np.isin(shared[:, 0] * (own.n_lines + 1) + shared[:, 1], chain[:, 0] * (own.n_lines + 1) + chain[:, 1])
    _check(int(in_order.sum()), len(shared), names)
    guarded = _with_guard(_with_anchors(zones, chain[:, 0], guard_anchors), guard_paragraphs)
    found = _between(guarded, chain, own.n_lines)
    _leave_out_what_moved(found, zones, shared[~in_order], chain[:, 1], guard_paragraphs)
    return _with_guard(found, guard_paragraphs)


def guarded_pivot(zones: Zones, guard_paragraphs: int) -> Zones:
    """Leave the guard out of the pivot's own text."""
    return _with_guard(zones, guard_paragraphs)


def _check(n_in_order: int, n_shared: int, names: tuple[str, str]) -> None:
    if n_in_order >= LEAST_ANCHORS and n_in_order >= LEAST_IN_ORDER * n_shared:
        return
    own, pivot = names
    raise UsageError(
        f'{own}: corpus.parallel = "stretch" finds the same stretch in every book by what stands once in each '
        f"(numbers, code, names in capitals). Of {own} and {pivot} {n_shared} such places are known, {n_in_order} of "
        f"them in the same order; {LEAST_ANCHORS} and half of all are needed. If line i is the same message in every "
        'file, say parallel = "lines"; if records have keys, "keys"; if the texts are no translations of each other, '
        '"no". Another pivot (corpus.pivot) may share more with it.'
    )


def _with_anchors(zones: Zones, anchored: Numbers, n: int) -> Zones:
    """Widen what is held out in the pivot by so many anchors on either side; these lines are left out."""
    wide = zones.copy()
    heldout = np.isin(zones, (TEST, DEV))
    edges = np.flatnonzero(np.diff(np.concatenate(([0], heldout.astype(np.int8), [0]))))
    for begin, end in edges.reshape(-1, 2).tolist():
        first = int(np.searchsorted(anchored, begin)) - n
        last = int(np.searchsorted(anchored, end)) + n - 1
        low = int(anchored[first]) if first >= 0 else 0
        high = int(anchored[last]) + 1 if last < len(anchored) else len(zones)
        side = np.r_[low:begin, end:high]
        wide[side[wide[side] == TRAIN]] = LEFT_OUT
    return wide


def _with_guard(zones: Zones, n: int) -> Zones:
    """Leave out the training lines within so many lines of what is held out."""
    near = _near(np.flatnonzero(np.isin(zones, (TEST, DEV))), n, len(zones))
    return np.where(near & (zones == TRAIN), np.int8(LEFT_OUT), zones)


def _near(lines: Numbers, n: int, n_lines: int) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Tell which lines are within n lines of some others."""
    steps = np.zeros(n_lines + 1, dtype=np.int64)
    np.add.at(steps, np.maximum(lines - n, 0), 1)
    np.add.at(steps, np.minimum(lines + n + 1, n_lines), -1)
    return np.cumsum(steps)[:n_lines] > 0


def _between(zones: Zones, chain: Numbers, n_lines: int) -> Zones:
    """Give each line the zone of all the pivot's lines that it may belong to; left out where they differ.

    What may be test or dev text is taken for that which it may be first: neither is trained on.
    """
    lines = np.arange(n_lines)
    at, after = (np.searchsorted(chain[:, 1], lines, side=side) for side in ("left", "right"))
    low = np.concatenate(([0], chain[:, 0]))[after]  # the last anchor at or before a line
    high = np.concatenate((chain[:, 0], [len(zones) - 1]))[at]  # the first one at or behind it
    found = np.full(n_lines, LEFT_OUT, dtype=np.int8)
    for kinds in ((TRAIN,), (TEST, DEV)):
        counts = np.concatenate(([0], np.cumsum(np.isin(zones, kinds))))
        sure = counts[high + 1] - counts[low] == high + 1 - low
        found[sure] = zones[low[sure]]
    return found


def _leave_out_what_moved(found: Zones, zones: Zones, moved: Numbers, chained: Numbers, n: int) -> None:
    """Leave out what stands in the stretch in one of the texts and elsewhere in the other.

    A section that was moved may reach from the anchor of the chain before it to the one behind it.
    """
    there, here = zones[moved[:, 0]], found[moved[:, 1]]
    heldout = np.isin(there, (TEST, DEV))
    leaks = moved[(heldout & (here == TRAIN)) | (~heldout & np.isin(here, (TEST, DEV))), 1]
    found[_near(leaks, n, len(found))] = LEFT_OUT
    ends = np.concatenate(([-1], chained, [len(found)]))
    for place in np.unique(np.searchsorted(chained, leaks)).tolist():
        found[ends[place] + 1 : ends[place + 1]] = LEFT_OUT

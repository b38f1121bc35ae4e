"""Where languages stand in the graph, and how edges run between them. Nothing is drawn here.

Languages stand on a circle, so that no edge runs through a third one and every label has a place outside. Those of one
blood type stand together; within it, languages with edges to the same others stand near each other.

    order = circle_order(graph.nodes, graph.edges)
    points = circle_points(len(order))
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bloodbank.bank.scores import BLOOD_TYPES

Array = NDArray[np.float64]
_SWEEPS = 200
_BEND = 0.45  # how far edges are drawn towards the middle: of the way, or of their length where that is less
_APART = 0.09  # how far the two directions of a pair run apart, as a share of their length


def circle_order(nodes: pd.DataFrame, edges: pd.DataFrame) -> list[str]:
    """Order the languages around the circle.

    Args:
        nodes: blood_type by language.
        edges: donor, recipient and finetune_score.

    Returns:
        Codes, clockwise from the top: by blood type, and within it so that edges are short, found by swaps that start
        from the order of codes. The order in which languages were given does not matter.

    Shape:
        One code for each language.
    """
    codes = sorted(str(code) for code in nodes.index)
    groups: dict[str, list[int]] = {kind: [] for kind in (*BLOOD_TYPES, "")}
    types = nodes["blood_type"].to_dict()
    for place, code in enumerate(codes):
        kind = str(types[code])
        groups[kind if kind in BLOOD_TYPES else ""].append(place)
    weights = np.zeros((len(codes), len(codes)))
    where = {code: place for place, code in enumerate(codes)}
    for donor, recipient, score in zip(edges["donor"], edges["recipient"], edges["finetune_score"], strict=True):
        weights[where[donor], where[recipient]] += abs(score)
    weights += weights.T
    order = np.array([place for group in groups.values() for place in group], dtype=int)
    blocks = np.repeat(np.arange(len(groups)), [len(group) for group in groups.values()])  # of each seat
    return [codes[place] for place in _swapped(order, blocks, weights)]


def _swapped(order: NDArray[np.int64], blocks: NDArray[np.int64], weights: Array) -> NDArray[np.int64]:
    """Swap the two languages of one block that shorten the edges most, until none do."""
    n = len(order)
    seats = np.arange(n)
    apart = np.abs(seats[:, None] - seats[None, :])
    lengths = np.sin(np.pi * np.minimum(apart, n - apart) / max(n, 1))  # of chords
    allowed = (blocks[:, None] == blocks[None, :]) & (seats[:, None] < seats[None, :])
    for _ in range(_SWEEPS):
        here = weights[np.ix_(order, order)]
        cost = here @ lengths  # [language in seat i, were it in seat j]
        own = np.diag(cost)
        # The edge between the two keeps its length, but the four terms count it as zero twice.
        gain = own[:, None] + own[None, :] - cost - cost.T - 2 * here * lengths
        gain = np.where(allowed, gain, 0.0)
        best = int(np.argmax(gain))
        if not gain.size or gain.flat[best] <= 1e-9:  # of rounding
            break
        one, other = np.unravel_index(best, gain.shape)
        order[[one, other]] = order[[other, one]]
    return order


def circle_points(n: int) -> Array:
    """Place n points on the circle of radius 1, clockwise, the first just right of the top.

    Shape:
        `[language, 2]`.
    """
    angles = np.pi / 2 - 2 * np.pi * (np.arange(n) + 0.5) / max(n, 1)
    return np.column_stack([np.cos(angles), np.sin(angles)])


def edge_curve(start: Array, end: Array, margins: tuple[float, float]) -> Array:
    """Bend an edge towards the middle, and to the left of its direction, so that a→b and b→a are both seen.

    Args:
        start: Where the donor stands, with the middle at (0, 0).
        end: Where the recipient stands.
        margins: How far from either of them the curve is cut off, in the same unit.

    Returns:
        The three points of a quadratic Bézier curve.

    Shape:
        `[3, 2]`.
    """
    along, middle = end - start, (start + end) / 2
    length, depth = float(np.hypot(*along)), float(np.hypot(*middle))
    pull = _BEND * min(1.0, length / depth) if depth > 0 else 0.0
    control = middle * (1 - pull) + _APART * np.array([-along[1], along[0]])
    curve = np.array([start, control, end])
    return _cut(curve, *_reach(curve, min(margins[0], 0.3 * length), min(margins[1], 0.3 * length)))


def _reach(curve: Array, first: float, last: float) -> tuple[float, float]:
    """Find where the curve leaves the surroundings of its two ends."""
    steps = np.linspace(0, 1, 201)[:, None]
    points = (1 - steps) ** 2 * curve[0] + 2 * steps * (1 - steps) * curve[1] + steps**2 * curve[2]
    left = np.linalg.norm(points - curve[0], axis=1) >= first
    before = np.linalg.norm(points - curve[2], axis=1) >= last
    return float(steps[np.argmax(left), 0]), float(steps[len(steps) - 1 - np.argmax(before[::-1]), 0])


def _cut(curve: Array, first: float, last: float) -> Array:
    """Give the part of a quadratic Bézier curve between two of its parameters."""

    def blossom(s: float, t: float) -> Array:
        point: Array = (1 - s) * (1 - t) * curve[0] + (s * (1 - t) + t * (1 - s)) * curve[1] + s * t * curve[2]
        return point

    return np.array([blossom(first, first), blossom(first, last), blossom(last, last)])

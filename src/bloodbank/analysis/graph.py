r"""The blood bank as a graph: languages, and the strongest of the edges from donor to recipient.

Reads a bank; writes nothing.

    graph = transfer_graph(bank)
    graph.edges
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bloodbank.analysis.detrimental import measured_cells
from bloodbank.bank.bank import Bank
from bloodbank.bank.scores import BLOOD_TYPES
from bloodbank.errors import UsageError
from bloodbank.wording import plural

EDGES_PER_LANGUAGE = 2.5
MAX_POSITIVE, MAX_NEGATIVE = 120, 20  # edges, unless more are asked for: beyond, a page shows a tangle
_PER_NEGATIVE = 4  # languages for one negative edge
MAX_NAMED = 24  # languages; beyond, those without an edge are left out, and codes stand for names


@dataclass(frozen=True, eq=False)
class TransferGraph:
    """The edges that are drawn, and what was there besides.

    Attributes:
        nodes: blood_type (None where there is none), n_edges (drawn ones): one row for each language, by code.
        edges: donor, recipient, finetune_score, low, high (missing where not known) and certain: True where the
            interval does not hold zero, False where it does, None where it is not known. The highest F first.
        n_pairs, n_measured, n_positive, n_negative: Ordered pairs, those measured, and their signs.
        interval_level: Of `low` and `high`; None where no drawn edge has an interval.
    """

    nodes: pd.DataFrame
    edges: pd.DataFrame
    n_pairs: int
    n_measured: int
    n_positive: int
    n_negative: int
    interval_level: float | None

    @property
    def positive(self) -> pd.DataFrame:
        """The drawn edges with F > 0."""
        return self.edges[self.edges["finetune_score"] > 0]

    @property
    def negative(self) -> pd.DataFrame:
        """The drawn edges with F < 0."""
        return self.edges[self.edges["finetune_score"] < 0]

    @property
    def named(self) -> bool:
        """Whether there are few enough languages to write their names, and to draw those without an edge."""
        return len(self.nodes) <= MAX_NAMED

    @property
    def shown(self) -> pd.DataFrame:
        """The languages that are drawn."""
        return self.nodes if self.named else self.nodes[self.nodes["n_edges"] > 0]


def transfer_graph(bank: Bank, *, n_positive: int | None = None, n_negative: int | None = None) -> TransferGraph:
    """Choose the edges of the graph: the highest positive F, and the lowest negative ones.

    Args:
        bank: The bank. Missing cells are no edges.
        n_positive: Positive edges, at most; by default 2.5 for each language, and 120 at most.
        n_negative: Negative edges, at most; by default one for 4 languages, and 20 at most.

    Returns:
        The graph. Of equal F the pair that comes first by its codes is taken.

    Raises:
        UsageError: A number of edges is negative.

    Source:
        Figure 1.
    """
    n = len(bank.languages)
    n_positive = min(round(EDGES_PER_LANGUAGE * n), MAX_POSITIVE) if n_positive is None else n_positive
    n_negative = min(-(-n // _PER_NEGATIVE), MAX_NEGATIVE) if n_negative is None else n_negative
    if min(n_positive, n_negative) < 0:
        raise UsageError(f"{min(n_positive, n_negative)} edges were asked for. Give 0 or more.")
    cells = measured_cells(bank)
    gains, harms = cells[cells["finetune_score"] > 0], cells[cells["finetune_score"] < 0]
    gains = gains.sort_values(["finetune_score", "donor", "recipient"], ascending=[False, True, True])
    edges = pd.concat([gains.iloc[:n_positive], harms.iloc[:n_negative].iloc[::-1]], ignore_index=True)
    edges["certain"] = _certain(edges)
    codes = sorted(bank.languages)
    ends = pd.concat([edges["donor"], edges["recipient"]]).value_counts()
    nodes = pd.DataFrame(
        {"blood_type": bank.blood_types.reindex(codes), "n_edges": ends.reindex(codes, fill_value=0).astype(int)},
        index=pd.Index(codes, name="language"),
    )
    known = bank.intervals is not None and bool(edges["low"].notna().any())
    return TransferGraph(
        nodes=nodes,
        edges=edges,
        n_pairs=n * (n - 1),
        n_measured=len(cells),
        n_positive=len(gains),
        n_negative=len(harms),
        interval_level=bank.intervals.level if known and bank.intervals is not None else None,
    )


def drawn_edges(graph: TransferGraph) -> list[tuple[pd.DataFrame, str, str]]:
    """Say which edges are drawn.

    Args:
        graph: The graph.

    Returns:
        For either sign of which there are edges: these, how many they are of how many, and their look.
    """
    kinds = (
        (graph.positive, "highest", graph.n_positive, "positive", "dark and solid"),
        (graph.negative, "lowest", graph.n_negative, "negative", "purple and dashed"),
    )
    found = []
    for edges, word, n, sign, look in kinds:
        said = f"the {len(edges)} {word} of {plural(n, f'{sign} cell')}"
        if len(edges) == n:
            said = f"all {n} {sign} cells" if n > 1 else f"the one {sign} cell"
        if len(edges):
            found.append((edges, said, look))
    return found


def _certain(edges: pd.DataFrame) -> np.ndarray:
    low, high = edges["low"].to_numpy(dtype=float), edges["high"].to_numpy(dtype=float)
    certain = np.where((low > 0) | (high < 0), True, False).astype(object)
    certain[np.isnan(low) | np.isnan(high)] = None
    return certain


# Where languages stand in the graph, and how edges run between them.


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

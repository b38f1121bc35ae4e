r"""The blood bank as a graph: languages, and the strongest of the edges from donor to recipient.

Reads a bank; writes nothing.

    graph = transfer_graph(bank)
    graph.edges
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bloodbank.bank.analysis.detrimental import measured_cells
from bloodbank.bank.bank import Bank
from bloodbank.bank.names import plural
from bloodbank.errors import UsageError

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

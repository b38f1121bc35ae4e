"""Loss curves as a figure needs them: by recipient, one line for each model, seeds averaged.

Reads the tidy table of loss curves; writes nothing.

    panels = read_panels(loss_curves, languages=("de", "fi"), protocol="sequential")
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bloodbank.bank.measurements import JOINT, MONOLINGUAL
from bloodbank.errors import UsageError

_COLUMNS = ("protocol", "donor", "recipient", "seed", "phase", "language", "updates", "tokens_seen", "loss")


@dataclass(frozen=True)
class Line:
    """Loss of one model on dev text, the mean over its seeds.

    Shape:
        `tokens_seen` and `loss` (nats a masked piece) have one entry for each point, tokens rising.
    """

    tokens_seen: np.ndarray
    loss: np.ndarray
    n_seeds: int


@dataclass(frozen=True)
class Panel:
    """What is drawn of one recipient."""

    recipient: str
    alone: Line | None  #: of M_t
    pairs: Mapping[str, Line]  #: of M_{s,t} while it read t, by donor

    @property
    def lines(self) -> list[Line]:
        """All lines of the panel."""
        return [*([self.alone] if self.alone else []), *self.pairs.values()]

    @property
    def donors_by_loss(self) -> list[str]:
        """Donors, that with the lowest loss at the end of its line first."""
        return sorted(self.pairs, key=lambda donor: (float(self.pairs[donor].loss[-1]), donor))


def read_panels(curves: pd.DataFrame, languages: Sequence[str], protocol: str) -> list[Panel]:
    """Gather the lines of each recipient.

    A sequential model is followed in its last phase, in which it read the recipient. A joint model is followed on
    the dev text of both its languages, and belongs to both panels. A loss that is not finite is left out.

    Args:
        curves: The tidy table of loss curves.
        languages: Codes, in the order of panels and donors; others are left out.
        protocol: Protocol of the bilingual models.

    Returns:
        One panel for each language that has a line.

    Raises:
        UsageError: The table lacks columns.
    """
    if curves.empty:
        return []
    missing = [column for column in _COLUMNS if column not in curves.columns]
    if missing:
        raise UsageError(f"The table of loss curves lacks the columns {', '.join(missing)}.")
    table = curves.assign(donor=curves["donor"].fillna("").astype(str), loss=curves["loss"].astype(float))
    table = table[np.isfinite(table["loss"])]
    alone = table[(table["protocol"] == MONOLINGUAL) & (table["language"] == table["recipient"])]
    pairs = _pair_rows(table[table["protocol"] == protocol], joint=protocol == JOINT)
    panels = []
    for code in languages:
        to = pairs[pairs["recipient"] == code]
        found = {donor: _line(to[to["donor"] == donor]) for donor in languages if donor != code}
        lines = {donor: line for donor, line in found.items() if line is not None}
        own = _line(alone[alone["recipient"] == code])
        if own or lines:
            panels.append(Panel(code, own, lines))
    return panels


def _pair_rows(rows: pd.DataFrame, *, joint: bool) -> pd.DataFrame:
    if joint:  # whichever way the pair is written, the recipient is the one whose dev text was read
        other = rows["donor"].where(rows["donor"] != rows["language"], rows["recipient"])
        rows = rows.assign(donor=other, recipient=rows["language"])
        return rows.drop_duplicates(["donor", "recipient", "seed", "phase", "updates"])
    rows = rows[rows["language"] == rows["recipient"]]
    last = rows.groupby(["donor", "recipient", "seed"])["phase"].transform("max")
    return rows[rows["phase"] == last]


def _line(rows: pd.DataFrame) -> Line | None:
    """Average the seeds at the points of the first one, as far as all of them go.

    Points differ between seeds where a run was interrupted, and by a few tokens where text is packed otherwise.
    """
    if rows.empty:
        return None
    parts = [part.sort_values("tokens_seen") for _, part in rows.groupby("seed")]
    seeds = [(part["tokens_seen"].to_numpy(dtype=float), part["loss"].to_numpy(dtype=float)) for part in parts]
    start, end = max(tokens[0] for tokens, _ in seeds), min(tokens[-1] for tokens, _ in seeds)
    points = seeds[0][0]
    points = np.unique([start, *points[(points >= start) & (points <= end)], end])
    return Line(points, np.mean([np.interp(points, *seed) for seed in seeds], axis=0), len(seeds))

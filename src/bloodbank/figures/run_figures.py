"""The figures of a run, each as SVG (for print) and PNG (for screens): `heatmap`, `plane` and `curves`.

draw_heatmap(bank, Path("runs/quickstart/figures"))
draw_plane(bank, Path("runs/quickstart/figures"))
draw_curves(loss_curves, Path("runs/quickstart/figures"), bank.languages, bank.protocol)
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from bloodbank.bank.bank import Bank
from bloodbank.canvas import drawing, write_figure


def draw_heatmap(bank: Bank, folder: Path) -> list[Path]:
    """Draw F as a matrix, with D as an extra column and R as an extra row.

    Args and what is returned as in `bloodbank.canvas.write_figure`.

    Source:
        Figure 2.
    """
    from bloodbank.figures.heatmap import heatmap_figure

    with drawing():
        return write_figure(heatmap_figure(bank), folder, "heatmap")


def draw_plane(bank: Bank, folder: Path) -> list[Path]:
    """Draw every language in the plane of recipience and donation, whose quadrants are the blood types.

    Args and what is returned as in `bloodbank.canvas.write_figure`.

    Source:
        Figure 3.
    """
    from bloodbank.figures.plane import plane_figure

    with drawing():
        return write_figure(plane_figure(bank), folder, "plane")


def draw_curves(curves: pd.DataFrame, folder: Path, languages: Sequence[str], protocol: str) -> list[Path] | None:
    """Draw how the loss on each recipient's dev text fell while its models trained.

    Args:
        curves: The tidy table of loss curves: protocol, donor, recipient, seed, phase, language (whose dev text),
            updates, tokens_seen (in that phase) and loss (nats a masked piece).
        folder: Where the files go; it is made if missing.
        languages: Codes, in the order of the panels; there are panels for the first 22 that have a curve.
        protocol: Protocol of the bilingual models.

    Returns:
        The paths of the SVG and the PNG; None where there is no curve to draw, and then nothing is written.

    Raises:
        UsageError: The table lacks columns.
        BloodbankError: The disk is full or cannot be written.
    """
    from bloodbank.figures.curves import curves_figure, read_panels

    panels = read_panels(curves, languages, protocol)
    if not panels:
        return None
    with drawing():
        return write_figure(curves_figure(panels, protocol), folder, "curves")

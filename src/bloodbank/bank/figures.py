"""The two figures of the bank, each as SVG (for print) and PNG (for screens).

Reads a bank; writes `heatmap.svg`, `heatmap.png`, `plane.svg` and `plane.png`. Equal banks give equal bytes.

    draw_heatmap(bank, Path("runs/quickstart/figures"))
    draw_plane(bank, Path("runs/quickstart/figures"))
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bloodbank.bank.bank import Bank
from bloodbank.store import replace_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PNG_DPI = 200
# What a user's own matplotlibrc could change, and what makes two runs write the same SVG.
_SETTINGS: Any = {
    "font.family": ["DejaVu Sans"],  # comes with matplotlib, so the figure looks the same everywhere
    "svg.hashsalt": "bloodbank",
    "svg.fonttype": "path",
    "hatch.linewidth": 0.6,
    "text.usetex": False,
    "text.parse_math": False,
    "axes.unicode_minus": True,
    "path.simplify": True,
    "savefig.bbox": None,
    "savefig.facecolor": "white",
}


def draw_heatmap(bank: Bank, folder: Path) -> tuple[Path, Path]:
    """Draw F as a matrix, with D as an extra column and R as an extra row.

    Args:
        bank: What is drawn.
        folder: Where the files go; it is made if missing.

    Returns:
        The paths of the SVG and the PNG.

    Raises:
        BloodbankError: The disk is full or cannot be written.

    Source:
        Figure 2.
    """
    from bloodbank.bank.heatmap import heatmap_figure

    return _draw(heatmap_figure, bank, folder, "heatmap")


def draw_plane(bank: Bank, folder: Path) -> tuple[Path, Path]:
    """Draw every language in the plane of recipience and donation, whose quadrants are the blood types.

    Args:
        bank: What is drawn.
        folder: Where the files go; it is made if missing.

    Returns:
        The paths of the SVG and the PNG.

    Raises:
        BloodbankError: The disk is full or cannot be written.

    Source:
        Figure 3.
    """
    from bloodbank.bank.plane import plane_figure

    return _draw(plane_figure, bank, folder, "plane")


def _draw(make: Callable[[Bank], Figure], bank: Bank, folder: Path, name: str) -> tuple[Path, Path]:
    from matplotlib import rc_context

    svg, png = folder / f"{name}.svg", folder / f"{name}.png"
    with rc_context(_SETTINGS):
        figure = make(bank)
        with replace_file(svg) as temporary:
            figure.savefig(temporary, format="svg", metadata={"Date": None})
        with replace_file(png) as temporary:
            figure.savefig(temporary, format="png", dpi=PNG_DPI)
    return svg, png

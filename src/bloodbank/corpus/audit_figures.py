"""The figures of an audit, each as SVG (for print) and PNG (for screens).

Reads an audit; writes `audit_sizes`, `audit_lengths`, `audit_foreign` and `audit_overlap`, `.svg` and `.png` each, as
far as there are numbers for them. Equal numbers give equal bytes.

    draw_audit(audit, Path("runs/quickstart/figures"))
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bloodbank.corpus.audit_contamination_figures import foreign_figure, overlap_figure
from bloodbank.corpus.audit_record import Audit
from bloodbank.corpus.audit_size_figures import lengths_figure, sizes_figure
from bloodbank.store import replace_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PNG_DPI = 200
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


def draw_audit(audit: Audit, folder: Path) -> list[Path]:
    """Draw what an audit knows.

    Args:
        audit: The audit.
        folder: Where the files go; it is made if missing.

    Returns:
        The files written: sizes beside each other, distances of lengths with their ranges, foreign text, and overlap
        of test with training text. A figure without numbers is left out.

    Raises:
        BloodbankError: The disk is full or cannot be written.
    """
    from matplotlib import rc_context

    figures: dict[str, Callable[[Audit], Figure | None]] = {
        "audit_sizes": sizes_figure,
        "audit_lengths": lengths_figure,
        "audit_foreign": foreign_figure,
        "audit_overlap": overlap_figure,
    }
    written = []
    with rc_context(_SETTINGS):
        for name, make in figures.items():
            figure = make(audit)
            if figure is None:
                continue
            kinds: dict[str, dict[str, Any]] = {"svg": {"metadata": {"Date": None}}, "png": {"dpi": PNG_DPI}}
            for ending, options in kinds.items():
                path = folder / f"{name}.{ending}"
                with replace_file(path) as temporary:
                    figure.savefig(temporary, format=ending, **options)
                written.append(path)
    return written

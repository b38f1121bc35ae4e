"""Write the report: `report.html`, which needs no other file, and every figure in `figures/`.

Reads a bank and, where they are there, its tables of sentence scores and loss curves.

    write_report(bank, Path("runs/mine/report"), tables=Path("runs/mine"))
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bloodbank.bank.sentences import subtitle
from bloodbank.canvas import drawing, write_figure
from bloodbank.report.page import Drawing, Sketch, report_page
from bloodbank.store import replace_file

if TYPE_CHECKING:
    from bloodbank.bank.bank import Bank
    from bloodbank.typology import Features

REPORT_FILE = "report.html"
_OPTIONAL = {"curves", "monolingual", "heatmap_baseline", "zero_shot"}  # figures that not every bank has
_CSS_DPI = 96
_LARGE_BYTES = 1_500_000  # an SVG of many thousand cells is slower to show than its PNG


def write_report(
    bank: Bank,
    folder: str | Path,
    *,
    tables: str | Path | None = None,
    language: str = "en",
    features: Features | str = "no features were given",
    png: bool = False,
) -> Path:
    """Write the report of a bank.

    Args:
        bank: The bank.
        folder: Where `report.html` and `figures/` go; it is made if missing.
        tables: Folder of the bank's `sentence_scores.parquet` and `loss_curves.csv`, for what needs them; the report
            says where it lacks them.
        language: Of which it is asked whether it is the best donor.
        features: Typological features of its languages, or why there are none.
        png: Whether figures are written as PNG, too, which takes as long again as all other drawing.

    Returns:
        The path of `report.html`; it is written last, whole or not at all.

    Raises:
        UsageError: A table does not belong to the bank.
        BloodbankError: The disk is full or cannot be written.

    Source:
        Sections 4.2 and 5 of the paper, its figures 1 to 5 and 7.
    """
    from bloodbank.report.parts import report_parts  # brings matplotlib, which nothing else of this room needs

    folder, place = Path(folder), None if tables is None else Path(tables)
    sections = [
        replace(part, drawings=tuple(_drawing(sketch, folder / "figures", png=png) for sketch in part.sketches))
        for part in report_parts(bank, place, language=language, features=features)
    ]
    drawn = {one.name for section in sections for one in section.drawings}
    for name in _OPTIONAL - drawn:  # of an earlier report of another bank
        for ending in ("svg", "png"):
            (folder / "figures" / f"{name}.{ending}").unlink(missing_ok=True)
    page = report_page(f"Bank {bank.name}", subtitle(bank), sections)
    with replace_file(folder / REPORT_FILE) as temporary:
        temporary.write_text(page, encoding="utf-8", newline="\n")
    return folder / REPORT_FILE


def _drawing(sketch: Sketch, figures: Path, *, png: bool) -> Drawing:
    image = figures / f"{sketch.name}.png"
    with drawing():
        figure = sketch.draw()
        (svg,) = write_figure(figure, figures, sketch.name, ["svg"])
        is_small = svg.stat().st_size <= _LARGE_BYTES
        if png or not is_small:
            write_figure(figure, figures, sketch.name, ["png"])
        else:
            image.unlink(missing_ok=True)  # of an earlier report
    return Drawing(
        name=sketch.name,
        caption=sketch.caption,
        content=(svg if is_small else image).read_bytes(),
        kind="svg+xml" if is_small else "png",
        width=round(figure.get_size_inches()[0] * _CSS_DPI),
    )

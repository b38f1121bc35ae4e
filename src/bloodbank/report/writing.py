"""Write the report: `report.html`, which needs no other file, and every figure as SVG and PNG in `figures/`.

Reads a bank and, where they are there, its tables of sentence scores and loss curves.

    write_report(bank, Path("runs/mine/report"), tables=Path("runs/mine"))
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bloodbank.bank.bank import Bank
from bloodbank.bank.sentences import subtitle
from bloodbank.canvas import save_figure
from bloodbank.report.page import Drawing, Section, report_page
from bloodbank.report.parts import Part, Sketch, report_parts
from bloodbank.store import replace_file
from bloodbank.typology import Features

REPORT_FILE = "report.html"
_OPTIONAL = {"curves", "monolingual"}  # figures that not every bank has
_CSS_DPI = 96
_LARGE_BYTES = 1_500_000  # an SVG of many thousand cells is slower to show than its PNG


def write_report(
    bank: Bank,
    folder: str | Path,
    *,
    tables: str | Path | None = None,
    language: str = "en",
    features: Features | str = "no features were given",
) -> Path:
    """Write the report of a bank.

    Args:
        bank: The bank.
        folder: Where `report.html` and `figures/` go; it is made if missing.
        tables: Folder of the bank's `sentence_scores.parquet` and `loss_curves.csv`, for what needs them; the report
            says where it lacks them.
        language: Of which it is asked whether it is the best donor.
        features: Typological features of its languages, or why there are none.

    Returns:
        The path of `report.html`; it is written last, whole or not at all.

    Raises:
        UsageError: A table does not belong to the bank.
        BloodbankError: The disk is full or cannot be written.

    Source:
        Sections 4.2 and 5 of the paper, its figures 1 to 5 and 7.
    """
    folder, place = Path(folder), None if tables is None else Path(tables)
    parts = report_parts(bank, place, language=language, features=features)
    sections = [_section(part, folder / "figures") for part in parts]
    drawn = {drawing.name for section in sections for drawing in section.drawings}
    for name in _OPTIONAL - drawn:  # of an earlier report of another bank
        for ending in ("svg", "png"):
            (folder / "figures" / f"{name}.{ending}").unlink(missing_ok=True)
    page = report_page(f"Bank {bank.name}", subtitle(bank), sections)
    with replace_file(folder / REPORT_FILE) as temporary:
        temporary.write_text(page, encoding="utf-8", newline="\n")
    return folder / REPORT_FILE


def _section(part: Part, figures: Path) -> Section:
    return Section(
        key=part.key,
        title=part.title,
        sentences=tuple(part.sentences),
        drawings=tuple(_drawing(sketch, figures) for sketch in part.sketches),
        table=part.table,
        text=part.text,
    )


def _drawing(sketch: Sketch, figures: Path) -> Drawing:
    widths: list[float] = []

    def draw() -> Any:
        figure = sketch.draw()
        widths.append(float(figure.get_size_inches()[0]))
        return figure

    svg, png = save_figure(draw, figures, sketch.name)
    small = svg.stat().st_size <= _LARGE_BYTES
    return Drawing(
        name=sketch.name,
        caption=sketch.caption,
        content=(svg if small else png).read_bytes(),
        kind="svg+xml" if small else "png",
        width=round(widths[0] * _CSS_DPI),
    )

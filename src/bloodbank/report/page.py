"""A report as one HTML file: text, tables and figures inside it; no script, no network.

html = report_page("help-books", "12 languages; ...", sections)
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Sketch:
    """A figure that is still to be drawn: the name of its files, its caption, and what draws it."""

    name: str
    caption: str
    draw: Callable[[], Figure]


@dataclass(frozen=True)
class Drawing:
    """A figure of the report.

    Attributes:
        name: Of its files, without an ending.
        caption: Stands alone: what is drawn, axes, units, direction, n.
        content: Of the file that the page shows.
        kind: "svg+xml" or "png".
        width: In CSS pixels.
    """

    name: str
    caption: str
    content: bytes
    kind: str
    width: int

    @property
    def source(self) -> str:
        """The file as a link that holds it: as an image, names inside one SVG cannot meet those of another."""
        return f"data:image/{self.kind};base64,{base64.b64encode(self.content).decode('ascii')}"


@dataclass(frozen=True)
class Section:
    """A part of the report.

    Attributes:
        key: Its anchor.
        title: Its heading.
        sentences: What was found.
        sketches: Its figures before they are drawn.
        drawings: Its figures.
        table: A header and rows of text, if any.
        text: Preformatted text, if any.
    """

    key: str
    title: str
    sentences: tuple[str, ...]
    sketches: tuple[Sketch, ...] = ()
    drawings: tuple[Drawing, ...] = ()
    table: tuple[tuple[str, ...], ...] = ()
    text: str = ""


def report_page(title: str, under: str, sections: Sequence[Section]) -> str:
    """Write the page.

    Args:
        title: Of the page.
        under: What stands below it.
        sections: Its parts, in order.

    Returns:
        HTML that needs no other file, runs nothing and asks for nothing: its own policy forbids both.
    """
    from jinja2 import Environment, PackageLoader

    templates = Environment(
        loader=PackageLoader("bloodbank.report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return templates.get_template("page.html.j2").render(title=title, under=under, sections=sections)

"""The report as one HTML file: text, tables and figures inside it; no script, no network.

Nothing is read or written here.

    html = report_page("help-books", "12 languages; ...", sections)
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_STYLE = """
:root { color-scheme: light; --ink: #1b1f24; --soft: #57606a; --line: #d0d7de; --link: #0b57d0; }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 62rem; color: var(--ink); background: #fff;
  font: 1rem/1.55 system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .3rem; }
h2 { font-size: 1.25rem; margin: 2.6rem 0 .6rem; padding-top: .8rem; border-top: 1px solid var(--line); }
p.under { color: var(--soft); margin: 0 0 1rem; }
ul { padding-left: 1.2rem; } li { margin: .25rem 0; }
a { color: var(--link); } a:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
nav ol { columns: 2; column-gap: 2rem; padding-left: 1.3rem; }
figure { margin: 1.2rem 0; } figure img { max-width: 100%; height: auto; }
figcaption { color: var(--soft); font-size: .9rem; margin-top: .4rem; max-width: 50rem; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; }
th, td { padding: .2rem .6rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
pre { overflow-x: auto; font-size: .8rem; background: #f6f8fa; padding: .8rem; }
@media (max-width: 40rem) { nav ol { columns: 1; } }
@media print { nav { display: none; } h2 { break-after: avoid; } figure { break-inside: avoid; } }
"""


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


@dataclass(frozen=True)
class Section:
    """A part of the report.

    Attributes:
        key: Its anchor.
        title: Its heading.
        sentences: What was found.
        drawings: Its figures.
        table: A header and rows of text, if any.
        text: Preformatted text, if any.
    """

    key: str
    title: str
    sentences: tuple[str, ...]
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
        HTML that needs no other file.
    """
    contents = "".join(f'<li><a href="#{one.key}">{escape(one.title)}</a></li>' for one in sections)
    body = "\n".join(_section(one) for one in sections)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f'<h1>{escape(title)}</h1>\n<p class="under">{escape(under)}</p>\n'
        f'<nav aria-label="Contents"><ol>{contents}</ol></nav>\n<main>\n{body}\n</main>\n</body>\n</html>\n'
    )


def _section(section: Section) -> str:
    parts = [f'<section aria-labelledby="{section.key}">\n<h2 id="{section.key}">{escape(section.title)}</h2>']
    if section.sentences:
        parts.append("<ul>" + "".join(f"<li>{escape(text)}</li>" for text in section.sentences) + "</ul>")
    if section.table:
        parts.append(_table(section.table))
    parts += [_figure(one) for one in section.drawings]
    if section.text:
        parts.append(f"<pre>{escape(section.text)}</pre>")
    return "\n".join([*parts, "</section>"])


def _table(rows: tuple[tuple[str, ...], ...]) -> str:
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in rows[0])
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows[1:])
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _figure(drawing: Drawing) -> str:
    # As an image, so that names inside one SVG cannot meet those of another.
    data = base64.b64encode(drawing.content).decode("ascii")
    caption = escape(drawing.caption)
    return (
        f'<figure><img src="data:image/{drawing.kind};base64,{data}" width="{drawing.width}" alt="{caption}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )

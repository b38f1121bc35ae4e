"""The page as one HTML file: data, drawing library, scripts and styles inside it; it can ask nobody for anything.

Reads the files of `web/` and the JavaScript of the package plotly; writes nothing.

    html = page_html(page_data([bank]))
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from html import escape
from importlib.util import find_spec
from pathlib import Path

from bloodbank.errors import BloodbankError
from bloodbank.explorer.schema import PageData

WEB = Path(__file__).parent / "web"
#: In the order in which they need each other; main.js starts the page.
SCRIPTS = (
    *("data.js", "format.js", "dom.js", "scores.js", "orders.js", "state.js", "model.js", "cell.js", "colours.js"),
    *("labels.js", "points.js", "spots.js", "world_map.js"),
    *(
        "tooltip.js",
        "first_paint.js",
        "exporting.js",
        "keyboard.js",
        "controls.js",
        "overlay.js",
        "frame.js",
        "choice.js",
    ),
    *("views/matrix_layout.js", "views/matrix_traces.js", "views/matrix.js"),
    *(
        "views/graph_edges.js",
        "edge_lines.js",
        "views/graph.js",
        "views/plane.js",
        "views/similarity.js",
        "views/world.js",
    ),
    *("whatif_score.js", "views/whatif_picks.js", "views/whatif.js", "views/compare_words.js", "views/compare.js"),
    *("views/table_columns.js", "views/table.js", "card.js", "help.js", "source.js", "main.js"),
)
STYLES = ("style.css", "layout.css", "parts.css", "overlays.css")  # later ones win


def page_html(data: PageData) -> str:
    """Put the page together.

    Args:
        data: What it shows.

    Returns:
        HTML that needs no other file and no network. Its content security policy allows no request, and no script but
        those that are in it: whatever a name in the data holds, it stays text.

    Raises:
        BloodbankError: The package plotly is not installed as it should be.
    """
    script = "\n".join(_web_file(name) for name in SCRIPTS)
    library = plotly_script()
    parts = {
        "policy": _policy([script, library]),
        "generator": escape(f"bloodbank {data.version}"),
        "title": escape(data.title),
        "subtitle": escape(data.subtitle),
        "style": "\n".join(_web_file(name) for name in STYLES),
        "data": json_text(data),
        "script": script,
        "library": library,  # the page runs it once its first view is painted: it takes a second or two
    }
    pieces = _web_file("index.html").split("{{")
    found = [pieces[0]]
    for piece in pieces[1:]:
        name, _, after = piece.partition("}}")
        found += [parts[name], after]
    return "".join(found)


def json_text(data: PageData) -> str:
    """Write the data so that it can stand inside a script element: no "<" is left to end it or open a comment.

    Args:
        data: What the page shows.
    """
    return data.model_dump_json().replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


@cache
def plotly_script() -> str:
    """Return the drawing library, as the package plotly brings it.

    Raises:
        BloodbankError: The package is absent, or has no such file.
    """
    spec = find_spec("plotly")
    for place in spec.submodule_search_locations or () if spec else ():
        path = Path(place) / "package_data" / "plotly.min.js"
        if path.is_file():
            script = path.read_text(encoding="utf-8")
            if "</script" in script.lower():
                raise BloodbankError(f"{path} cannot stand in a page: it holds the end of a script.")
            return script
    raise BloodbankError(
        "The page needs the JavaScript of the package plotly, which is not installed or has none. "
        "Install it: pip install 'plotly>=6'."
    )


@cache
def _web_file(name: str) -> str:
    return (WEB / name).read_text(encoding="utf-8")


def _policy(scripts: list[str]) -> str:
    # Drawings are saved by way of data: and blob: images; plotly writes styles of its own.
    hashes = " ".join(f"'sha256-{base64.b64encode(hashlib.sha256(one.encode()).digest()).decode()}'" for one in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )

"""The page as one HTML file: data, drawing library, scripts and styles inside it; it can ask nobody for anything.

explore(bank, "page.html")
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from functools import cache
from html import escape
from importlib.util import find_spec
from pathlib import Path

from pydantic_core import PydanticSerializationError

from bloodbank.bank.bank import Bank
from bloodbank.errors import BloodbankError, UsageError
from bloodbank.explorer.content import Facts, languages_of, page_data
from bloodbank.explorer.schema import PageData
from bloodbank.store import replace_file
from bloodbank.typology import Features, load_features

WEB = Path(__file__).parent / "web"
#: In the order in which they need each other; main.js starts the page.
SCRIPTS = (
    "data.js", "format.js", "dom.js", "scores.js", "orders.js", "state.js", "model.js", "cell.js", "colours.js",
    "labels.js", "points.js", "spots.js", "world_map.js",
    "tooltip.js", "first_paint.js", "exporting.js", "keyboard.js", "controls.js", "overlay.js", "frame.js", "choice.js",
    "views/matrix_layout.js", "views/matrix_traces.js", "views/matrix.js",
    "views/graph_edges.js", "edge_lines.js", "views/graph.js", "views/plane.js", "views/similarity.js",
    "views/world.js",
    "whatif_score.js", "views/whatif_picks.js", "views/whatif.js", "views/compare_words.js", "views/compare.js",
    "views/table_columns.js", "views/table.js", "card.js", "help.js", "source.js", "main.js",
)  # fmt: skip
STYLES = ("style.css", "layout.css", "parts.css", "overlays.css")  # later ones win
_NO_URIEL = "No folder of features was given, and the package urielplus (URIEL) is not installed."


def explore(
    banks: Bank | Sequence[Bank],
    path: str | Path,
    *,
    compare_with: Bank | None = None,
    features: Features | str | Path | None = None,
    facts: Facts | None = None,
    title: str | None = None,
) -> Path:
    """Write the page that shows a bank to anyone.

    Args:
        banks: One bank or several: protocols, metrics and budgets of a run, or runs; the first is shown first.
            A bank that has its measurements brings their other metrics along.
        path: The file; its folder is made if missing.
        compare_with: A bank that the first one is compared with.
        features: Typological features, or the CLDF folder that they are read from (WALS, Grambank); by default those of
            URIEL, where the package urielplus is installed, and else none.
        facts: What is known of each language's text: a table with a row for each language, or see `page_data`.
        title: Of the page; by default the name of the first bank.

    Returns:
        The path.

    Raises:
        UsageError: No bank is given, the two that are compared have fewer than two languages in common, the folder of
            features cannot be read, a word cannot be written, or a folder stands where the file is to go.
        BloodbankError: The disk is full or cannot be written.
    """
    path = Path(path)
    if path.is_dir():
        raise UsageError(f"{path} is a folder. Give the name of the file that is to be written, such as page.html.")
    banks = [banks] if isinstance(banks, Bank) else list(banks)
    known = _features(languages_of(banks), features)
    data = page_data(banks, compare_with=compare_with, features=known, facts=facts, title=title)
    try:
        html = page_html(data)
    except PydanticSerializationError as error:  # half a letter, as a file of someone else's may hold
        raise UsageError(f"A name or a note of the bank is no text that can be written: {error}") from error
    with replace_file(path) as temporary:
        temporary.write_text(html, encoding="utf-8", newline="\n")
    return path


def _features(codes: Sequence[str], features: Features | str | Path | None) -> Features | str:
    if isinstance(features, Features):
        return features
    if features is not None:
        return load_features(codes, features)
    if find_spec("urielplus") is None:
        return _NO_URIEL
    try:
        return load_features(codes)
    except UsageError as error:  # nobody asked for URIEL: its absence is no reason to fail
        return f"No folder of features was given, and URIEL cannot be read: {error}"


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
    return re.sub(r"\{\{(\w+)\}\}", lambda name: parts[name[1]], _web_file("index.html"))


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
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    hashes = " ".join(f"'sha256-{digest}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )

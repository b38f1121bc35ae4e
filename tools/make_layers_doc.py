"""Draw the layers of the package in docs/architecture.md, from the import contract in pyproject.toml.

python tools/make_layers_doc.py            # writes what stands between the two marks
python tools/make_layers_doc.py --check    # writes nothing; fails where the page is not up to date
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
import textwrap
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "architecture.md"
OPENS, CLOSES = "<!-- layers -->", "<!-- /layers -->"
_WIDTH = 120
_BESIDE = {"|": ("┌│└", "do not import each other"), ":": ("╔║╚", "may import each other")}
# A dot behind which a sentence begins: "section 6.1", "e.g. this" and "page.py" end none.
_END = re.compile(r"(?<=[.?!])\s+(?=[A-Z`\"'(\[])")

Layer = tuple[str, list[str]]  # how its modules stand beside each other ("|", ":" or ""), and their names


def main() -> None:
    """Write the page, or compare it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; fail where the page is not up to date")
    page, there = render(), PAGE.read_text(encoding="utf-8")
    if not parser.parse_args().check:
        PAGE.write_text(page, encoding="utf-8")
    elif page != there:
        sys.exit(f"{PAGE}: the layers are not those of pyproject.toml. Run: python tools/make_layers_doc.py")


def render() -> str:
    """Return the page with its layers as they are now."""
    page = PAGE.read_text(encoding="utf-8")
    before, opens, rest = page.partition(OPENS)
    _, closes, after = rest.partition(CLOSES)
    if not (opens and closes):
        sys.exit(f"{PAGE}: the layers go between the lines {OPENS} and {CLOSES}, one of which is missing. Put it back.")
    return f"{before}{OPENS}\n\n{diagram(layers())}\n\n{CLOSES}{after}"


def layers() -> list[Layer]:
    """Read the layers from the contract, the highest first."""
    content = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = content["tool"]["importlinter"]["contracts"]
    contract = next((one for one in contracts if one["type"] == "layers"), None)
    if contract is None:
        sys.exit('pyproject.toml: no contract of type "layers" in [tool.importlinter]; it is what this tool draws.')
    (container,) = contract.get("containers", [""])
    prefix = f"{container}." if container else ""
    return [_layer(written, prefix) for written in contract["layers"]]


def _layer(written: str, prefix: str) -> Layer:
    beside = next((sign for sign in _BESIDE if sign in written), "")
    names = [name.strip(" ()") for name in re.split(r"[|:]", written)]  # (name): a layer that may be absent
    return beside, [prefix + name for name in names]


def diagram(found: list[Layer]) -> str:
    """Draw the layers as plain text, which a terminal shows as GitHub does.

    Args:
        found: The layers, the highest first.
    """
    root = found[0][1][0].partition(".")[0]
    shown = {name: name.removeprefix(f"{root}.") for _, names in found for name in names}
    column = max(map(len, shown.values())) + 4
    rows = [_row(mark, shown[name], first_sentence(name), column) for mark, name in _marked(found)]
    return "\n".join(["```text", *_legend(found), "", *rows, "```"])


def _marked(found: list[Layer]) -> list[tuple[str, str]]:
    """Put before each module the sign that joins it to those beside it."""
    rows: list[tuple[str, str]] = []
    for beside, names in found:
        signs = _BESIDE[beside][0] if beside else "   "
        marks = [signs[0], *signs[1] * (len(names) - 2), signs[2]] if len(names) > 1 else [" "]
        rows += zip(marks, names, strict=True)
    return rows


def _legend(found: list[Layer]) -> list[str]:
    said = ["What stands higher imports what stands lower, never the other way round."]
    for sign, (marks, what) in _BESIDE.items():
        if any(beside == sign for beside, _ in found):
            said.append(f"Those joined by {marks[0]} and {marks[2]} stand side by side and {what}.")
    return textwrap.wrap(" ".join(said), _WIDTH)


def _row(mark: str, name: str, sentence: str, column: int) -> str:
    indent = " " * column
    lines = textwrap.wrap(sentence, _WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
    return "\n".join([f"{mark} {name}".ljust(column) + lines[0].removeprefix(indent), *lines[1:]])


def first_sentence(module: str) -> str:
    """Return the first sentence of the docstring of a module or package, which is not imported for it.

    Args:
        module: Its name, such as `bloodbank.corpus`.
    """
    path = ROOT / "src" / Path(*module.split("."))
    files = [path / "__init__.py", path.with_suffix(".py")]
    file = next((one for one in files if one.is_file()), None)
    if file is None:
        sys.exit(f"pyproject.toml: the layer {module} is neither {files[0]} nor {files[1]}. Correct its name.")
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
    if not text:
        sys.exit(f"{file}: has no docstring; its first sentence says in docs/architecture.md what is in the layer.")
    paragraph = " ".join(text.split("\n\n")[0].split())
    return _END.split(paragraph, maxsplit=1)[0]


if __name__ == "__main__":
    main()

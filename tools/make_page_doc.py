"""Write docs/page-data.md, the form of the JSON inside the page, from the types and comments of its schema.

python tools/make_page_doc.py
"""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
SCHEMA = ROOT / "src" / "bloodbank" / "explorer" / "schema.py"
PAGE = ROOT / "docs" / "page-data.md"
_OPENING = """# The JSON inside the page

Made by `python tools/make_page_doc.py` from `bloodbank.explorer.schema`; do not edit. The page of `bloodbank explore`
holds one JSON object, a `PageData`, in its element `<script type="application/json" id="bank">`, and draws nothing
else. To read it:

```python
import json, re
import bloodbank as bb

html = bb.explore(bb.load_bank("help-books"), "page.html").read_text(encoding="utf-8")
data = json.loads(re.search(r'id="bank">(.*?)</script>', html, re.DOTALL)[1])
assert data["format"] == "bloodbank page"
```

Every matrix is `[donor, recipient]` in the order of `PageData.languages`, as a list of rows, null where a cell is
missing (`Matrix`); `Points` are `[x, y]` or null by language. Numbers have six significant digits. Every field is
always there. A change of the form raises `schema_version`; no field changes its meaning under one version.
"""


def render() -> str:
    """Render the page."""
    source = SCHEMA.read_text(encoding="utf-8")
    lines = source.splitlines()
    classes = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef) and node.name[0] != "_"]
    return "\n".join([_OPENING, *(_section(node, lines) for node in reversed(classes))])


def _section(node: ast.ClassDef, lines: list[str]) -> str:
    rows = [f"## {node.name}\n", f"{ast.get_docstring(node)}\n", "| field | type | meaning |", "|---|---|---|"]
    for field in node.body:
        if isinstance(field, ast.AnnAssign):
            assert isinstance(field.target, ast.Name)  # noqa: S101 - of fields of a model, for the type checker
            kind = ast.unparse(field.annotation).replace("|", "\\|").replace("None", "null")
            comment = lines[(field.end_lineno or field.lineno) - 1].partition("#:")[2].strip()
            rows.append(f"| `{field.target.id}` | `{kind}` | {comment} |")
    return "\n".join([*rows, ""])


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")

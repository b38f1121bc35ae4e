"""Read what a command wrote, so that two of them can be compared: lines of a text, or values by their place.

Reads one file of any kind that the package writes; writes nothing. What differs between two runs of the same code
(dates, seconds, speeds, the machine) is left out or masked.

    found = differences(read(Path("old/bank.json")), read(Path("new/bank.json")), tolerance=1e-9)
"""

from __future__ import annotations

import csv
import difflib
import hashlib
import html
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Content = list[str] | dict[str, Any]  # lines, which are compared exactly, or values, with a tolerance

_VOLATILE = frozenset({"seconds", "scoring_seconds", "written", "host", "processor", "versions"})  # keys and columns
_KEY = re.compile(r"(?<![0-9a-f])(?=[0-9]*[a-f])[0-9a-f]{16}(?![0-9a-f])")  # of an output, see `bloodbank.store`
_MASKS = (
    (re.compile(r"(?<![0-9a-f])(?=[0-9]*[a-f])[0-9a-f]{40}(?![0-9a-f])"), "COMMIT"),
    (re.compile(r"\b20\d\d-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?Z?)?"), "DATE"),
    (re.compile(r"│ [\d.,]+ [kMG]?B +│[^│]*│$"), "│ SIZE │ TIME │"),  # a stage in `bloodbank status`
    (re.compile(r"^time      about .*"), "time      about TIME"),  # the estimate of a plan
)
_PROGRESS = re.compile(r"^\w[\w ]*  \d+/\d+  ")  # of a run: its order depends on which worker is first
# Seconds end the row of a table after n_languages, n_models, tokens and updates: at a terminal, in HTML, in LaTeX.
_ROW_SECONDS = re.compile(r"((?:\b\d+(?: +| & |</td><td>)){4})\d+(?= *$|</td></tr>| \\\\)", re.MULTILINE)
_PAGE_DATA = re.compile(r'id="bank">(.*?)</script>', re.DOTALL)
_NO_TEXT = re.compile(r"<(svg|script|style)\b.*?</\1>|<!--.*?-->", re.DOTALL)
_WORDS = re.compile(r'[\s<>="(),;]+')
_TINY = 1e-12  # absolute: what rounding leaves of a zero


def read(path: Path) -> Content:
    """Read a file by what its name says it is; a kind that is not known is its hash.

    Args:
        path: The file. `plan.json` keeps the keys of outputs, which are masked in every other file.
    """
    if path.suffix in (".npy", ".parquet", ".safetensors", ".png", ""):
        return _read_binary(path)
    text = path.read_text(encoding="utf-8")
    if path.suffix in (".txt", ".html", ".tex"):
        text = _ROW_SECONDS.sub(r"\1SECONDS", text)
    mask_keys = path.name != "plan.json"
    if path.suffix == ".html":
        page = _PAGE_DATA.search(text)
        return dict(_leaves(json.loads(page[1]), mask_keys=True)) if page else _masked_lines(_report_text(text))
    if path.suffix == ".json":
        return dict(_leaves(json.loads(text), mask_keys=mask_keys))
    if path.suffix == ".csv":
        return _cells(list(csv.reader(text.splitlines())))
    if path.suffix in (".graphml", ".tex", ".svg"):
        lines = enumerate(text.splitlines(), start=1)
        return {
            f"line {i}, word {j}": word for i, line in lines for j, word in enumerate(_WORDS.split(line.strip()), 1)
        }
    return _masked_lines(text)


def differences(old: Content, new: Content, *, tolerance: float) -> list[str]:
    """List what differs: what only the old one has begins with -, what only the new one has with +.

    Args:
        old: Content of a file.
        new: Content of the file that should be the same.
        tolerance: Of numbers, relative.
    """
    if isinstance(old, list) and isinstance(new, list):
        lines = difflib.unified_diff(old, new, n=0, lineterm="")
        return [line for number, line in enumerate(lines) if number > 1 and not line.startswith("@@")]
    if not isinstance(old, dict) or not isinstance(new, dict):
        return ["one is text, the other is values"]
    found = []
    for place in dict.fromkeys((*old, *new)):
        if place in old and place in new and _same(old[place], new[place], tolerance):
            continue
        found += [f"{sign} {place}: {side[place]}" for sign, side in (("-", old), ("+", new)) if place in side]
    return found


def name_without_keys(path: Path, folder: Path) -> str:
    """Name a file by its place in a folder; outputs lose their keys, which depend on versions of the code."""
    return re.sub(rf"-{_KEY.pattern}", "", path.relative_to(folder).as_posix())


def _read_binary(path: Path) -> Content:
    if path.suffix == ".npy":
        import numpy as np

        array = np.load(path)
        values = {str(i): x for i, x in enumerate(array.ravel().tolist())}
        return {"dtype": str(array.dtype), "shape": str(array.shape), **values}
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        table = pq.read_table(path)
        kinds = {f"type of {column.name}": str(column.type) for column in table.schema}
        return kinds | dict(_leaves(table.to_pylist(), "row", mask_keys=True))
    return {"sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def _cells(rows: list[list[Any]]) -> dict[str, Any]:
    header, *body = rows or [[]]
    return {
        f"row {i}, {name or 'first column'}": x
        for i, row in enumerate(body, start=1)
        for name, x in zip(header, row, strict=True)
        if name not in _VOLATILE
    }


def _leaves(value: Any, place: str = "", *, mask_keys: bool) -> Iterator[tuple[str, Any]]:
    """Name every number and string of JSON by its place; an empty list or object is a leaf, too."""
    if isinstance(value, (dict, list)) and value:
        for key, one in value.items() if isinstance(value, dict) else enumerate(value):
            if key not in _VOLATILE:
                yield from _leaves(one, f"{place}.{key}" if place else str(key), mask_keys=mask_keys)
    else:
        yield place, mask(value, keys=mask_keys) if isinstance(value, str) else value


def mask(text: str, *, keys: bool = True) -> str:
    """Hide in a line what two runs of the same code do not share.

    Args:
        text: The line.
        keys: Whether keys of outputs are hidden.
    """
    for pattern, name in (*_MASKS, *[(_KEY, "KEY")] * keys):
        text = pattern.sub(name, text)
    return text


def _masked_lines(text: str) -> list[str]:
    return [mask(line.rstrip()) for line in text.splitlines() if not _PROGRESS.match(line)]


def _report_text(page: str) -> str:
    """Return the sentences and the cells of tables, one a line."""
    parts = re.split(r"</?(?:p|li|h\d|t[dhr]|div|title|figcaption|summary|caption)\b[^>]*>", _NO_TEXT.sub("", page))
    texts = (" ".join(html.unescape(re.sub(r"<[^>]*>", "", part)).split()) for part in parts)
    return "\n".join(filter(None, texts))


def _same(old: Any, new: Any, tolerance: float) -> bool:
    if type(old) is type(new) and old == new:
        return True
    first, second = _number(old), _number(new)
    if isinstance(old, bool) or isinstance(new, bool) or first is None or second is None:
        return False
    if math.isnan(first) and math.isnan(second):
        return True
    return math.isclose(first, second, rel_tol=tolerance, abs_tol=_TINY if tolerance else 0.0)


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None

"""A bank in the formats of others: CSV, Parquet, JSON, GraphML, LaTeX, and a NetworkX graph.

export_bank(bank, "bank.graphml")  # one file, whole or not at all
graph = to_networkx(bank)
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bloodbank.bank.bank import Bank
from bloodbank.bank.files import to_csv, to_json
from bloodbank.bank.measurements import METRICS
from bloodbank.errors import UsageError
from bloodbank.languages import find_language
from bloodbank.store import replace_file
from bloodbank.wording import MISSING, not_a_formula, percent, signed

if TYPE_CHECKING:
    import networkx as nx


FORMATS = ("csv", "long-csv", "parquet", "json", "graphml", "latex")
_BY_SUFFIX = {
    ".csv": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".json": "json",
    ".graphml": "graphml",
    ".tex": "latex",
}
_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}
_SPECIALS = re.compile("[" + re.escape("".join(_SPECIAL)) + "]")
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def export_bank(bank: Bank, path: str | Path, format: str | None = None) -> Path:  # noqa: A002 - as pandas calls it
    """Write a bank to a file of another format.

    Args:
        bank: The bank.
        path: The file; its folder is made if missing.
        format: "csv" (F as a matrix: donors are rows), "long-csv" and "parquet" (one row a pair: see `long_table`),
            "json" (everything, as `bank.json`), "graphml" (see `to_networkx`) or "latex" (a table of F in percent). By
            default the suffix says it: .csv, .parquet, .json, .graphml, .tex.

    Returns:
        The path.

    Raises:
        UsageError: The format is not known, or the path is a folder.
        BloodbankError: The disk is full or cannot be written.
    """
    path = Path(path)
    kind = format or _BY_SUFFIX.get(path.suffix.casefold())
    if kind not in FORMATS:
        asked = f"The format {format!r}" if format else f"The format of {path.name!r}"
        raise UsageError(
            f"{asked} is not known. Formats are {', '.join(FORMATS)}; suffixes are {', '.join(_BY_SUFFIX)}."
        )
    if path.is_dir():
        raise UsageError(f"{path} is a folder. Give the name of a file in it, such as {path / 'bank.graphml'}.")
    with replace_file(path) as temporary:
        if kind == "parquet":
            long_table(bank).to_parquet(temporary, index=False)
        else:
            temporary.write_text(_text(bank, kind), encoding="utf-8", newline="\n")
    return path


def long_table(bank: Bank) -> pd.DataFrame:
    """Make a table with one row a pair of two languages, measured or not, so that the languages can be read from it.

    Returns:
        `protocol`, `metric`, `donor`, `recipient`, `finetune_score` (F), `difference` (Δε), `log_ratio`, `n_seeds`,
        `seed_deviation` (of F), `level` and `health`. Positive is a gain; what was not measured is missing.

    Shape:
        One row for each ordered pair, donor by donor.
    """
    apart = ~np.eye(len(bank.languages), dtype=bool)
    donors, recipients = (np.array(bank.languages, dtype=object)[places] for places in np.nonzero(apart))
    matrices = {
        "finetune_score": bank.finetune_scores,
        "difference": bank.differences,
        "log_ratio": bank.log_ratios,
        "n_seeds": bank.n_seeds,
        "seed_deviation": bank.seed_deviations,
        "level": bank.transfer_levels,
        "health": bank.health,
    }
    cells = {name: table.to_numpy()[apart] for name, table in matrices.items()}
    table = pd.DataFrame({"donor": donors, "recipient": recipients, **cells})
    table.insert(0, "protocol", bank.protocol)
    table.insert(1, "metric", bank.metric)
    return table


def to_networkx(bank: Bank) -> nx.DiGraph[str]:
    """Make a graph of the bank: languages are nodes, and an edge goes from donor to recipient where F was measured.

    What is missing has no attribute. Weights may be negative: not every algorithm takes that.

    Returns:
        The graph. Nodes have `name`, `script`, `family`, `D`, `R`, `D_complete`, `R_complete`, `blood_type` and
        `monolingual` (ε(M_l)), and the covariates under their own names, which come first for `script` and `family`.
        Edges have `weight` and `F` (the same number), `difference`, `log_ratio`, `n_seeds`, `seed_deviation`, `level`
        and `health`. The graph has `name`, `protocol`, `metric` and `direction`.
    """
    import networkx as nx

    graph: nx.DiGraph[str] = nx.DiGraph(
        name=bank.name, protocol=bank.protocol, metric=bank.metric, direction="an edge goes from donor to recipient"
    )
    for code in bank.languages:
        graph.add_node(code, **_node(bank, code))
    for row in long_table(bank).dropna(subset="finetune_score").to_dict("records"):
        edge = {"weight": row["finetune_score"], "F": row["finetune_score"]}
        edge |= {key: row[key] for key in ("difference", "log_ratio", "n_seeds", "seed_deviation", "level", "health")}
        graph.add_edge(row["donor"], row["recipient"], **_known(edge))
    return graph


def _node(bank: Bank, code: str) -> dict[str, Any]:
    language, row = find_language(code), bank.scores.loc[code]
    about = {key: getattr(language, key, None) for key in ("name", "script", "family")}
    further = {str(key): value for key, value in bank.covariates.loc[code].items()}
    scores = {
        "D": row["donation"],
        "R": row["recipience"],
        "D_complete": bool(row["donation_complete"]),
        "R_complete": bool(row["recipience_complete"]),
        "blood_type": row["blood_type"],
        "monolingual": row["monolingual"],
    }
    return _known({**about, **_known(further), **scores})


def _known(attributes: dict[str, Any]) -> dict[str, Any]:
    plain = {key: value.item() if isinstance(value, np.generic) else value for key, value in attributes.items()}
    return {key: value for key, value in plain.items() if not pd.isna(value)}


def _text(bank: Bank, kind: str) -> str:
    if kind == "graphml":
        return _graphml(bank)
    if kind == "long-csv":
        table = long_table(bank)
        table[["donor", "recipient"]] = table[["donor", "recipient"]].map(not_a_formula)
        return str(table.to_csv(index=False, lineterminator="\n"))
    return {"csv": to_csv, "json": to_json, "latex": to_latex}[kind](bank)


def _graphml(bank: Bank) -> str:
    import networkx as nx

    graph = to_networkx(bank)
    groups = [
        graph.graph,
        *(data for _, data in graph.nodes(data=True)),
        *(data for *_, data in graph.edges(data=True)),
    ]
    for attributes in groups:
        for key, value in list(attributes.items()):
            if isinstance(value, str):  # XML has no way to write control characters
                attributes[key] = _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", value)
    return "\n".join(nx.generate_graphml(graph)) + "\n"


def to_latex(bank: Bank) -> str:
    r"""Write F in percent as a table, with D as its last column and R as its last row.

    Args:
        bank: The bank.

    Returns:
        A `table` environment; it needs `\usepackage{booktabs}` and, for its width, `\usepackage{graphicx}`. Rows are
        donors and columns recipients, both in the order of the bank; the caption says so, with the units.
    """
    codes = bank.languages
    finetune = bank.finetune_scores.to_numpy(dtype=float)
    gives, takes = (_sums(bank, score) for score in ("donation", "recipience"))
    rows = [
        _row(
            escape(code),
            ["" if column == place else _math(percent(finetune[place, column])) for column in range(len(codes))],
            gives[place],
        )
        for place, code in enumerate(codes)
    ]
    lines = [
        "% needs \\usepackage{booktabs} and \\usepackage{graphicx}",
        "\\begin{table}",
        "\\centering",
        f"\\caption{{{_caption(bank)}}}",
        f"\\label{{tab:{_label(bank.name)}}}",
        "\\resizebox{\\linewidth}{!}{%",
        f"\\begin{{tabular}}{{l{'r' * len(codes)}r}}",
        "\\toprule",
        _row("", [escape(code) for code in codes], "$D$"),
        "\\midrule",
        *rows,
        "\\midrule",
        _row("$R$", takes, ""),
        "\\bottomrule",
        "\\end{tabular}}",
        "\\end{table}",
    ]
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """Write text so that LaTeX prints it as it is."""
    plain = " ".join(text.split())
    return _SPECIALS.sub(lambda match: _SPECIAL[match[0]], plain)


def _caption(bank: Bank) -> str:
    missing = bank.finetune_scores.isna().to_numpy().sum() > len(bank.languages)
    marked = not bank.scores[["donation_complete", "recipience_complete"]].to_numpy(dtype=bool).all()
    return (
        f"Finetune scores $F$ of {escape(bank.name)} ({escape(bank.protocol)}), in percent of the recipient's "
        f"monolingual {escape(METRICS[bank.metric].label)}; positive is a gain. "
        "Rows give (donors), columns receive (recipients). $D$ and $R$ are sums of $F$ as fractions, without a unit."
        + (" A dot: not measured." if missing else "")
        + (" *: $n - 1$ times the mean of the measured cells." if marked else "")
    )


def _label(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-") or "bank"


def _sums(bank: Bank, score: str) -> list[str]:
    table = bank.scores
    return [
        _math(signed(total, 2)) + ("" if complete or math.isnan(total) else "*")
        for total, complete in zip(table[score].tolist(), table[f"{score}_complete"], strict=True)
    ]


def _math(text: str) -> str:
    # A hyphen is too short for a minus, and math mode keeps the plus beside it alike
    return "$\\cdot$" if text == MISSING else f"${text}$"


def _row(first: str, cells: list[str], last: str) -> str:
    return " & ".join([first, *cells, last]) + " \\\\"

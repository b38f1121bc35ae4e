r"""The report of the downstream stage: what it rests on, tables, and answers, for terminal, HTML, CSV and LaTeX.

Pure functions; `write_report` writes.

    print(*report.lines(), sep="\n")
    write_report(report, Path("runs/mine/downstream"))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bloodbank.bank.latex import escape
from bloodbank.bank.report.page import Section, report_page
from bloodbank.downstream.configurations import Design
from bloodbank.downstream.findings import Finding
from bloodbank.downstream.task_report import TaskReport, is_floor
from bloodbank.downstream.zero_shot import ZeroShot
from bloodbank.errors import UsageError
from bloodbank.store import replace_file

Rows = list[tuple[str, ...]]
_MEASURES = {"zero_shot": "zero-shot", "monolingual": "monolingual"}


@dataclass(frozen=True, eq=False)
class Report:
    """All that was found.

    Attributes:
        name: Of the experiment.
        basis: What it rests on, sentence by sentence.
        design: The configurations.
        table_2: The configurations with how much their models read.
        tasks: What was found on each task.
        scores: Every score, tidy.
    """

    name: str
    basis: tuple[str, ...]
    design: Design
    table_2: pd.DataFrame
    tasks: tuple[TaskReport, ...]
    scores: pd.DataFrame

    def lines(self) -> list[str]:
        """Write it for a terminal."""
        found = list(self.basis)
        for title, rows in self.tables():
            found += ["", title, *_aligned(rows)]
        return found

    def tables(self) -> list[tuple[str, Rows]]:
        """List titles and tables as text, a header first."""
        found = [("Table 2: configurations", _plain(self.table_2))]
        for one in self.tasks:
            name = f"{one.data.task.name}, {one.unit}"
            found.append((f"Table 3: {name}, mean over pairs of languages, with intervals", _scores(one.table_3)))
            if len(one.table_4):
                found.append((f"Table 4: {name}, within groups of recipients", _scores(one.table_4)))
            found.append((f"Questions: {name}", _answers(one.findings)))
        return found

    def more_tables(self) -> list[tuple[str, Rows]]:
        """List what the page has besides: Z(s→t) of every configuration (Eq. 1), and all scores of the tasks."""
        found = []
        for one in self.tasks:
            name = f"{one.data.task.name}, {one.unit}"
            for configuration in one.zero.cells.configurations:
                title = f"Z(s→t): {name}, {configuration}; sources in rows, targets in columns"
                found.append((title, matrix_rows(one.zero, configuration)))
            found.append((f"All scores: {one.data.task.name}, means over pairs and seeds", _rounded(one.metrics)))
        return found


def matrix_rows(zero: ZeroShot, configuration: str) -> Rows:
    """Lay Z(s→t) out with its margins: sources in rows, targets in columns, monolingual scores on the diagonal."""
    table, codes = zero.of_pairs(configuration), zero.cells.languages
    margins = {what: table[table["what"] == what].set_index(what)["score"] for what in ("source", "target")}
    cells = table[table["what"] == "cell"].set_index(["source", "target"])["score"]
    rows: Rows = [("source", *codes, "mean of the others")]
    rows += [(s, *(_number(cells[s, t]) for t in codes), _number(margins["source"][s])) for s in codes]
    return [*rows, ("mean of the others", *(_number(margins["target"][t]) for t in codes), "")]


def write_report(report: Report, folder: Path) -> list[Path]:
    """Write `report.html`, every table as CSV and LaTeX, and every score as CSV.

    Args:
        report: What was found.
        folder: Where to; made where it is not there.

    Returns:
        The files.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file. Give a folder for the report.")
    folder.mkdir(parents=True, exist_ok=True)
    files = {"report.html": _page(report), "scores.csv": _csv(report.scores), "table_2.csv": _csv(report.table_2)}
    files["table_2.tex"] = latex_table("Pretraining configurations.", _plain(report.table_2))
    for one in report.tasks:
        name = one.data.task.name
        matrices = pd.concat([one.zero.of_pairs(c).assign(configuration=c) for c in one.zero.cells.configurations])
        for file, table in (
            ("table_3", one.table_3), ("table_4", one.table_4), ("matrix", matrices), ("all_scores", one.metrics),
            ("sentences", one.data.sizes), ("questions", pd.DataFrame([vars(answer) for answer in one.findings])),
        ):  # fmt: skip
            files[f"{name}_{file}.csv"] = _csv(table)
        caption = f"{one.unit} on {name}; in brackets intervals"
        files[f"{name}_table_3.tex"] = latex_table(f"Zero-shot and monolingual {caption}.", _scores(one.table_3))
        if len(one.table_4):
            files[f"{name}_table_4.tex"] = latex_table(f"The same by group, {caption}.", _scores(one.table_4))
        files[f"{name}_questions.tex"] = latex_table(f"Hypotheses on {name}.", _answers(one.findings))
    for name, text in files.items():
        with replace_file(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return [folder / name for name in files]


def latex_table(caption: str, rows: Rows) -> str:
    """Write rows of text as a LaTeX table with booktabs, a header first."""
    head, *body = [" & ".join(escape(cell).replace("−", "$-$") for cell in row) + r" \\" for row in rows]
    lines = [
        r"% needs \usepackage{booktabs} and \usepackage{graphicx}", r"\begin{table}", r"\centering",
        rf"\caption{{{escape(caption)}}}", r"\resizebox{\linewidth}{!}{%",
        rf"\begin{{tabular}}{{{'l' * len(rows[0])}}}", r"\toprule", head, r"\midrule", *body, r"\bottomrule",
        r"\end{tabular}}", r"\end{table}",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _page(report: Report) -> str:
    sections = [Section("basis", "What this rests on", report.basis)]
    for number, (title, rows) in enumerate([*report.tables(), *report.more_tables()]):
        sections.append(Section(f"table-{number}", title, (), table=tuple(rows)))
        if title.startswith("Questions"):
            task = next(one for one in report.tasks if f"Questions: {one.data.task.name}," in title)
            notes = tuple(f"{answer.claim} {answer.verdict.capitalize()}. {answer.note}." for answer in task.findings)
            sections.append(Section(f"notes-{number}", f"What limits them: {task.data.task.name}", notes))
    return report_page(
        f"{report.name}: downstream", "Zero-shot transfer of models pretrained on sets of languages", sections
    )


def _scores(table: pd.DataFrame) -> Rows:
    """Lay Table 3 or 4 out: a row for each configuration, and for each group of recipients where there are some."""
    groups = list(dict.fromkeys(table["group"])) if "group" in table else [None]
    rows: Rows = [("configuration", *(["group"] if groups != [None] else []), *_MEASURES.values(), "sd of seeds")]
    for group in groups:
        mine = table if group is None else table[table["group"] == group]
        for name in dict.fromkeys(mine["configuration"]):
            own = mine[mine["configuration"] == name].set_index("measure")
            cells = [_score(own.loc[measure]) for measure in _MEASURES]
            spread = own.loc["zero_shot", "seed_sd"]
            label = f"({name})" if is_floor(name) else name
            rows.append((label, *([group] if group else []), *cells, "" if np.isnan(spread) else f"{spread:.4f}"))
    return rows


def _score(row: pd.Series) -> str:
    if np.isnan(row["score"]):
        return "missing"
    ends = "" if np.isnan(row["low"]) else f" ({row['low']:.3f} to {row['high']:.3f})"
    left_out = f", {row['n_missing']} pairs missing" if row["n_missing"] else ""
    return f"{row['score']:.3f}{ends}{left_out}"


def _answers(findings: Sequence[Finding]) -> Rows:
    rows: Rows = [("question", "verdict", "value", "interval", "covers")]
    for one in findings:
        value = "" if np.isnan(one.value) else f"{one.value:+.4f}"
        interval = "" if np.isnan(one.low) else f"{one.low:+.4f} to {one.high:+.4f}"
        rows.append((one.key, one.verdict, value, interval, one.covers if value else ""))
    return rows


def _plain(table: pd.DataFrame) -> Rows:
    return [tuple(map(str, table.columns)), *(tuple(map(str, row)) for row in table.itertuples(index=False))]


def _number(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.3f}"


def _rounded(table: pd.DataFrame) -> Rows:
    rows = [
        tuple(_number(cell) if isinstance(cell, float) else str(cell) for cell in row)
        for row in table.itertuples(index=False)
    ]
    return [tuple(map(str, table.columns)), *rows]


def _aligned(rows: Rows) -> list[str]:
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def _csv(table: pd.DataFrame) -> str:
    return str(table.to_csv(index=False, lineterminator="\n"))

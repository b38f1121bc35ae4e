r"""The report of the downstream stage: what it rests on, tables, and answers, for terminal, HTML, CSV and LaTeX.

print(*report.lines(), sep="\n")
write_report(report, Path("runs/mine/downstream"))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bloodbank.bank import Bank
from bloodbank.bank.exporting import escape
from bloodbank.downstream.configurations import Design
from bloodbank.downstream.tables import MAJORITY
from bloodbank.downstream.taggers.plan import BILINGUAL, RANDOM_WEIGHTS, Tagger, row_length
from bloodbank.downstream.tasks.reading import TaskData
from bloodbank.downstream.zero_shot.hypotheses import Finding, assumption, language_findings, set_findings
from bloodbank.downstream.zero_shot.zero_shot import ZeroShot, zero_shot
from bloodbank.errors import UsageError
from bloodbank.report.page import Section, report_page
from bloodbank.store import Store, replace_file
from bloodbank.transfer import Plan
from bloodbank.transfer.tables import read_phases
from bloodbank.wording import plural

Rows = list[tuple[str, ...]]
_MEASURES = {"zero_shot": "zero-shot", "monolingual": "monolingual"}
_GROUPS = {"most recipient": "most_recipient", "least recipient": "least_recipient"}
_UNITS = {"accuracy": "word accuracy", "f1": "entity F1"}
_AMOUNTS = {"tokens": "tokens_seen", "updates": "updates", "seconds": "seconds"}  # of Table 2, of what a phase records


@dataclass(frozen=True, eq=False)
class TaskReport:
    """What was found on a task.

    Attributes:
        data: Its sentences.
        zero: Z of all configurations by the main score, with intervals.
        table_3: Zero-shot and monolingual scores by configuration, with the floors: `configuration`, `measure`,
            `score`, `low`, `high`, `seed_sd`, `n_pairs`, `n_missing`, `n_seeds`, `covers`.
        table_4: The same within each group of recipients, with `group`.
        metrics: Z(D) and monolingual means of all scores of the task, without intervals.
        findings: Answers, in the order of the paper.
        n_done: Taggers that are there.
        n_wanted: Taggers that the experiment asks for.
        failed: Taggers whose scores are missing, by name.
    """

    data: TaskData
    zero: ZeroShot
    table_3: pd.DataFrame
    table_4: pd.DataFrame
    metrics: pd.DataFrame
    findings: tuple[Finding, ...]
    n_done: int
    n_wanted: int
    failed: tuple[str, ...]

    @property
    def unit(self) -> str:
        """Name of the main score, for people."""
        return _UNITS[self.data.task.main_score]


@dataclass(frozen=True, eq=False)
class TaskTables:
    """What is known of a task's taggers: its rows of the tidy tables of `bloodbank.downstream.tables`."""

    scores: pd.DataFrame
    sentences: pd.DataFrame
    majority: pd.DataFrame
    n_wanted: int


def report_task(data: TaskData, tables: TaskTables, design: Design, bank: Bank, level: float) -> TaskReport:
    """Make the tables of a task and answer what is asked of it.

    Args:
        data: Its sentences.
        tables: Scores of its taggers.
        design: The configurations.
        bank: F, and D and R by language.
        level: Probability that an interval holds the true value.
    """
    pairs, of_sets = _parted(tables.scores)
    pairs, main = pairs[pairs["main"]], of_sets[of_sets["main"]]
    sentences = _parted(tables.sentences)[1] if main["score"].notna().any() else None
    zero = zero_shot(main, sentences, languages=list(data.languages), level=level)
    parts = []
    for group, name in _GROUPS.items():
        codes = [code for code in getattr(design, name) if code in data.languages]
        if len(codes) > 1:
            table = _with_floor(zero.of_sets(codes), tables.majority, data, codes)
            parts.append(table.assign(group=f"{group}: {' '.join(codes)}"))
    unit = _UNITS[data.task.main_score]
    findings = (
        *set_findings(zero, design, unit),
        *language_findings(zero, design, bank.scores, unit),
        assumption(pairs, bank.finetune_scores, level),
    )
    missing = main[main["score"].isna()].itertuples()
    failed = tuple(f"{row.configuration}, {row.source} to {row.target}, seed {row.seed}" for row in missing)
    return TaskReport(
        data=data,
        zero=zero,
        table_3=_with_floor(zero.of_sets(), tables.majority, data, list(data.languages)),
        table_4=pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(),
        metrics=_metrics(of_sets, tables.majority),
        findings=findings,
        n_done=len(tables.scores.drop_duplicates(["configuration", "source", "seed"])),
        n_wanted=tables.n_wanted,
        failed=failed,
    )


def _parted(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Part the rows of bilingual models, which test the assumption behind F, from those of sets."""
    is_pair = table["configuration"].str.startswith(BILINGUAL)
    return table[is_pair], table[~is_pair]


def _with_floor(table: pd.DataFrame, majority: pd.DataFrame, data: TaskData, codes: list[str]) -> pd.DataFrame:
    """Add the scores of the majority label, which has no seeds."""
    own = majority[majority["metric"] == data.task.main_score]
    own = own[own["source"].isin(codes) & own["target"].isin(codes)]
    same = own["source"] == own["target"]
    rows = [
        {"configuration": MAJORITY, "pretraining_set": "", "measure": measure, "score": own[which]["score"].mean(),
         "low": np.nan, "high": np.nan, "seed_sd": np.nan, "n_pairs": int(which.sum()), "n_missing": 0, "n_seeds": 0,
         "covers": "nothing"}
        for measure, which in (("zero_shot", ~same), ("monolingual", same))
    ]  # fmt: skip
    return pd.concat([table, pd.DataFrame(rows)], ignore_index=True)


def _metrics(scores: pd.DataFrame, majority: pd.DataFrame) -> pd.DataFrame:
    """Average every score of the task over pairs and seeds: `configuration`, `metric`, `zero_shot`, `monolingual`."""
    both = pd.concat([scores, majority.assign(configuration=MAJORITY)], ignore_index=True)
    both["measure"] = np.where(both["source"] == both["target"], "monolingual", "zero_shot")
    order = {name: place for place, name in enumerate(dict.fromkeys(both["configuration"]))}
    means = both.pivot_table(index=["configuration", "metric"], columns="measure", values="score", aggfunc="mean")
    table = means.reset_index().rename_axis(columns=None)
    return table.sort_values("configuration", key=lambda names: names.map(order), kind="stable", ignore_index=True)


def configuration_table(design: Design, taggers: Sequence[Tagger], store: Store) -> pd.DataFrame:
    """Make Table 2 with what the models read.

    Returns:
        `configuration`, `added` to C, `languages`, `n_languages`, `n_models` that are there, `tokens`, `updates` and
        `seconds` of one of them on average.
    """
    table, read = design.table(), []
    for name in table["configuration"]:
        models = dict.fromkeys(tagger.model for tagger in taggers if tagger.configuration == name and tagger.model)
        phases = [read_phases(store.path(model))[-1] for model in models if store.has(model)]
        means = {
            column: round(sum(phase[key] for phase in phases) / len(phases)) if phases else 0
            for column, key in _AMOUNTS.items()
        }
        read.append({"n_models": len(phases), **means})
    return pd.concat([table, pd.DataFrame(read)], axis=1)


def basis_sentences(
    plan: Plan, bank: Bank, design: Design, table_2: pd.DataFrame, tasks: Sequence[TaskReport]
) -> tuple[str, ...]:
    """Say what the numbers rest on, what limits them, and what was not run."""
    experiment, finetune = plan.experiment, plan.experiment.downstream.finetune
    model, match = experiment.model, experiment.grid.match
    sentences = [
        f"Bank {bank.name}: {len(bank.languages)} languages, protocol {bank.protocol}, metric {bank.metric}. "
        "The sets are as good as its D and R.",
        f"C, the languages that taggers are fine-tuned and tested on: most recipient "
        f"{' '.join(design.most_recipient)}; least recipient {' '.join(design.least_recipient)}.",
        f"Pretraining: {plural(model.n_layers, 'layer')} of width {model.hidden_size}, "
        f"{plural(len(experiment.seeds), 'seed')}; {_amounts(table_2, match)}",
        f"Fine-tuning: {finetune.epochs} epochs, rate {finetune.learning_rate:g}, batches of {finetune.batch_size} "
        f"rows of at most {row_length(experiment)} pieces, {_kept(finetune.select)}.",
    ]
    for task in tasks:
        name = task.data.task.name
        sentences += [line.strip() for line in task.data.lines()]
        if task.n_done < task.n_wanted:
            sentences.append(
                f"{name}: {task.n_wanted - task.n_done} of {task.n_wanted} taggers were not run: what is "
                "below is of the others. `bloodbank downstream run` goes on."
            )
        if task.failed:
            sentences.append(f"{name}: failed taggers: {'; '.join(task.failed)}.")
        if task.zero.cells.left_out:
            sentences.append(f"{name}: seeds that are left out: {'; '.join(task.zero.cells.left_out)}.")
    sentences.append(
        f"Intervals hold the true value with probability {experiment.downstream.level:.0%}, for what they cover. "
        "A verdict is read from the interval alone, and none is corrected for asking many questions. Intervals over "
        "seeds and test sentences say nothing of other languages or sets."
    )
    return tuple(sentences)


def _amounts(table_2: pd.DataFrame, match: str) -> str:
    there = table_2[table_2["n_models"] > 0]
    if there.empty:
        return "no model is there."
    low, high = int(there["tokens"].min()), int(there["tokens"].max())
    updates = int(there["updates"].min()), int(there["updates"].max())
    rule = (
        'each language brings the same to every set (`grid.match = "tokens"`), so larger sets read more'
        if match == "tokens"
        else 'all sets read as much (`grid.match = "total"`), so a language of a larger set brings less'
    )
    return f"{rule}: {low:,} to {high:,} pieces and {updates[0]:,} to {updates[1]:,} updates a model."


def _kept(select: str) -> str:
    return "the last epoch" if select == "final" else "the epoch that is best on the source's own dev text"


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
        lines = list(self.basis)
        for title, rows in self.tables():
            lines += ["", title, *_aligned(rows)]
        return lines

    def tables(self) -> list[tuple[str, Rows]]:
        """List titles and tables as text, a header first."""
        tables = [("Table 2: configurations", _text_rows(self.table_2))]
        for task in self.tasks:
            name = f"{task.data.task.name}, {task.unit}"
            tables.append((f"Table 3: {name}, mean over pairs of languages, with intervals", _scores(task.table_3)))
            if len(task.table_4):
                tables.append((f"Table 4: {name}, within groups of recipients", _scores(task.table_4)))
            tables.append((f"Questions: {name}", _answers(task.findings)))
        return tables

    def more_tables(self) -> list[tuple[str, Rows]]:
        """List what the page has besides: Z(s→t) of every configuration (Eq. 1), and all scores of the tasks."""
        tables = []
        for task in self.tasks:
            name = f"{task.data.task.name}, {task.unit}"
            for configuration in task.zero.cells.configurations:
                title = f"Z(s→t): {name}, {configuration}; sources in rows, targets in columns"
                tables.append((title, matrix_rows(task.zero, configuration)))
            tables.append((f"All scores: {task.data.task.name}, means over pairs and seeds", _text_rows(task.metrics)))
        return tables


def matrix_rows(zero: ZeroShot, configuration: str) -> Rows:
    """Lay Z(s→t) out with its margins: sources in rows, targets in columns, monolingual scores on the diagonal."""
    table, codes = zero.of_pairs(configuration), zero.cells.languages
    margins = {what: table[table["what"] == what].set_index(what)["score"] for what in ("source", "target")}
    cells = table[table["what"] == "cell"].set_index(["source", "target"])["score"]
    rows: Rows = [("source", *codes, "mean of the others")]
    rows += [(s, *(_number(cells[s, t]) for t in codes), _number(margins["source"][s])) for s in codes]
    return [*rows, ("mean of the others", *(_number(margins["target"][t]) for t in codes), "")]


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
    for finding in findings:
        value = "" if np.isnan(finding.value) else f"{finding.value:+.4f}"
        interval = "" if np.isnan(finding.low) else f"{finding.low:+.4f} to {finding.high:+.4f}"
        rows.append((finding.key, finding.verdict, value, interval, finding.covers if value else ""))
    return rows


def is_floor(configuration: str) -> bool:
    """Tell whether a row of Table 3 is there for comparison only."""
    return configuration in (RANDOM_WEIGHTS, MAJORITY)


def _text_rows(table: pd.DataFrame) -> Rows:
    """Write a table as text, a header first; fractions have three decimals."""
    rows = [
        tuple(_number(cell) if isinstance(cell, float) else str(cell) for cell in row)
        for row in table.itertuples(index=False)
    ]
    return [tuple(map(str, table.columns)), *rows]


def _number(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.3f}"


def _aligned(rows: Rows) -> list[str]:
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return [
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


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
    files["table_2.tex"] = latex_table("Pretraining configurations.", _text_rows(report.table_2))
    for task in report.tasks:
        name = task.data.task.name
        matrices = pd.concat([task.zero.of_pairs(c).assign(configuration=c) for c in task.zero.cells.configurations])
        for file, table in (
            ("table_3", task.table_3), ("table_4", task.table_4), ("matrix", matrices), ("all_scores", task.metrics),
            ("sentences", task.data.sizes), ("questions", pd.DataFrame([vars(answer) for answer in task.findings])),
        ):  # fmt: skip
            files[f"{name}_{file}.csv"] = _csv(table)
        caption = f"{task.unit} on {name}; in brackets intervals"
        files[f"{name}_table_3.tex"] = latex_table(f"Zero-shot and monolingual {caption}.", _scores(task.table_3))
        if len(task.table_4):
            files[f"{name}_table_4.tex"] = latex_table(f"The same by group, {caption}.", _scores(task.table_4))
        files[f"{name}_questions.tex"] = latex_table(f"Hypotheses on {name}.", _answers(task.findings))
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
    sections, tasks = [Section("basis", "What this rests on", report.basis)], iter(report.tasks)
    for number, (title, rows) in enumerate([*report.tables(), *report.more_tables()]):
        sections.append(Section(f"table-{number}", title, (), table=tuple(rows)))
        if title.startswith("Questions"):
            task = next(tasks)
            notes = tuple(f"{answer.claim} {answer.verdict.capitalize()}. {answer.note}." for answer in task.findings)
            sections.append(Section(f"notes-{number}", f"What limits them: {task.data.task.name}", notes))
    under = "Zero-shot transfer of models pretrained on sets of languages"
    return report_page(f"{report.name}: downstream", under, sections)


def _csv(table: pd.DataFrame) -> str:
    return str(table.to_csv(index=False, lineterminator="\n"))

"""The bank in the terminal: languages ranked by donation, the matrix, and what follows from the numbers.

Console().print(render_bank(bank, console.width))
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd
from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bloodbank.analysis.confounding import confounding
from bloodbank.analysis.second_baseline import second_baseline
from bloodbank.analysis.verdict import verdict
from bloodbank.analysis.zero_shot import zero_shot_beside
from bloodbank.bank.bank import Bank
from bloodbank.bank.controls import compare_recipients
from bloodbank.bank.covariates import foreign_shares
from bloodbank.bank.measurements import METRICS, SHUFFLED
from bloodbank.bank.scores import LEVELS
from bloodbank.bank.scripts import OTHER_SCRIPT
from bloodbank.bank.sentences import NOT_KNOWN, has_comparison, holds_zero, is_unsure, sentences, subtitle
from bloodbank.wording import MISSING, language_name, percent, signed

DIAGONAL = "\N{EN DASH}"
WIDE = 76  # columns from which names fit beside the scores
SHORTEST_NAME = 7  # characters of a name's column, at least
LONGEST_NAME = 18
_WORDS = ("code", "name", "type", "health", "M_t")  # columns that are aligned to the left
_STYLES = dict(zip(LEVELS, ("red", "", "cyan", "bold cyan"), strict=True))  # told apart without seeing red or green


def render_bank(bank: Bank, console_width: int) -> Group:
    """Lay a bank out for the terminal.

    Args:
        bank: The bank.
        console_width: Characters in a line; a wide matrix is split into blocks of columns.

    Returns:
        The verdict, the table of languages, the matrix of F in percent (donors are rows, recipients columns), the mean
        F of each recipient beside its controls where there are any, and sentences.
    """
    opening, *more = verdict(bank).sentences()
    parts: list[RenderableType] = [
        Text.assemble((f"Bank {bank.name}. ", "bold"), opening),
        *map(Text, more),
        Text(subtitle(bank), style="dim"),
        language_table(bank, console_width),
        Text("F in percent: donors are rows, recipients columns", style="bold"),
    ]
    for block in matrix_blocks(bank, console_width):
        parts += [block, Text()]
    if bank.missing_reasons.notna().to_numpy().any():
        scripts = bank.missing_reasons.isin([OTHER_SCRIPT]).to_numpy().any()
        why = f"not measured, or left out for an unhealthy model{f' or {OTHER_SCRIPT}' if scripts else ''}"
        parts.append(Text(f"{MISSING} missing: {why} (counted below)"))
    parts.append(_legend())
    if holds_zero(bank.intervals, bank.languages).to_numpy().any():
        parts.append(Text("dim: the interval holds zero", style="dim"))
    if has_comparison(bank):
        compared = compare_recipients(bank.finetune_scores, bank.controls).loc[bank.ranking]
        parts += [Text(), Text("F beside the controls, in percent", style="bold"), *_control_table(compared), Text()]
    said = (*bank.reliability.sentences()[:2], *sentences(bank), *_beside(bank), *confounding(bank).sentences())
    parts += [Text(f"• {sentence}") for sentence in said]
    return Group(*parts)


def _beside(bank: Bank) -> list[str]:
    """Say what stands beside F where it was measured: the other baseline, and zero-shot scores."""
    both, beside = second_baseline(bank), zero_shot_beside(bank, [bank.metric])
    return [*(both.sentences() if both else ()), *([beside.sentence()] if beside else ())]


def matrix_blocks(bank: Bank, console_width: int) -> list[Table]:
    """Split the matrix of F into blocks of columns that fit a line.

    Args:
        bank: The bank.
        console_width: Characters in a line.

    Returns:
        Tables with all donors as rows, in order of donation, and some recipients as columns.
    """
    order = bank.ranking
    cell = max(5, max(len(code) for code in order) + 1)
    widest = max(1, console_width // cell - 1)
    n_blocks = math.ceil(len(order) / widest)
    n_columns = math.ceil(len(order) / n_blocks)  # blocks of equal width, rather than a last one of two columns
    blocks = [order[start : start + n_columns] for start in range(0, len(order), n_columns)]
    return [_block(bank, order, columns, cell - 1) for columns in blocks]


def _block(bank: Bank, order: list[str], columns: list[str], width: int) -> Table:
    tables = bank.finetune_scores, bank.transfer_levels, holds_zero(bank.intervals, bank.languages)
    finetune, levels, unsure = (table.to_dict() for table in tables)  # by recipient, then donor
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    table.add_column("", min_width=width, no_wrap=True, style="bold")
    for code in columns:
        table.add_column(code, justify="right", width=width, no_wrap=True)
    for donor in order:
        cells = [DIAGONAL if donor == column else percent(finetune[column][donor]) for column in columns]
        styles = ["dim" if unsure[column][donor] else _STYLES.get(levels[column][donor], "dim") for column in columns]
        table.add_row(donor, *map(Text, cells, styles))
    return table


def _control_table(compared: pd.DataFrame) -> tuple[Table, Text]:
    """Lay out what `compare_recipients` gives: one row for each recipient."""
    same = compared.get("same_donors", pd.Series(data=True, index=compared.index))
    columns = [str(column) for column in compared if column != "same_donors"]
    starred = (~same & compared[columns[-1]].notna()).tolist()
    notes = [f"mean F{', shuffled' if SHUFFLED in columns else ''}: over donors"]
    notes += ["* over other donors than mean F"] if any(starred) else []
    notes += [f"{MISSING} missing"] if compared[columns].isna().to_numpy().any() else []
    table = Table(box=None, padding=(0, 1), header_style="bold")
    table.add_column("to", no_wrap=True, style="bold")
    for column in columns:
        table.add_column("mean F" if column == "mean_finetune_score" else column, justify="right", no_wrap=True)
    for code, values, star in zip(compared.index, compared[columns].to_numpy(dtype=float), starred, strict=True):
        *cells, last = map(percent, values)
        table.add_row(str(code), *cells, f"{last}*" if star else last)
    return table, Text("; ".join(notes))


def _legend() -> Text:
    borders = ("< -10", "-10 to < 10", "10 to < 55", "≥ 55")
    legend = Text("Levels in percent: ")
    for place, (level, border) in enumerate(zip(LEVELS, borders, strict=True)):
        legend.append(", " if place else "").append(f"{level} {border}", style=_STYLES[level])
    return legend


@dataclass(frozen=True)
class _Column:
    """A column of the table of languages; those that are optional are shown by groups, as far as they fit."""

    header: str
    cells: list[str]
    group: str = ""

    @property
    def width(self) -> int:
        """Characters, with a space before."""
        return max(map(cell_len, (self.header, *self.cells))) + 1


def language_table(bank: Bank, console_width: int) -> Table:
    """Lay out the languages by donation: ε(M_t), D and R with their intervals, blood type, health.

    Args:
        bank: The bank.
        console_width: Characters in a line. What fits beside the scores is added in this order: half widths of
            intervals, means in percent, foreign text in percent.

    Returns:
        The table, with a caption that explains its columns.
    """
    wide = console_width >= WIDE
    room = console_width - (SHORTEST_NAME + 1 if wide else 0)
    columns = _columns(bank, wide=wide)
    shown = [""]
    for group in ("±", "mean%", "foreign%"):
        if sum(column.width for column in columns if column.group in (*shown, group)) <= room:
            shown.append(group)
    columns = [column for column in columns if column.group in shown]
    table = Table(box=None, padding=(0, 0, 0, 1), caption=_caption(bank, columns), caption_justify="left")
    table.header_style = "bold"
    longest = max(1, min(LONGEST_NAME, console_width - sum(column.width for column in columns) - 1))
    if wide:
        columns.insert(1, _Column("name", [language_name(code) for code in bank.ranking]))
    for column in columns:
        options: dict[str, Any] = {"overflow": "ellipsis", "max_width": longest} if column.header == "name" else {}
        is_word = column.header in _WORDS
        table.add_column(column.header, justify="left" if is_word else "right", no_wrap=True, **options)
    for cells in zip(*(column.cells for column in columns), strict=True):
        table.add_row(*map(Text, cells))
    return table


def _columns(bank: Bank, *, wide: bool) -> list[_Column]:
    """Make all columns but that of names, rows in order of donation."""
    order = bank.ranking
    rows = bank.scores.loc[order]
    columns = [_Column("code", order), _Column("ε(M_t)", [_plain(value, 3) for value in rows["monolingual"]])]
    for letter, score in (("D", "donation"), ("R", "recipience")):
        stars = [
            "" if done or pd.isna(x) else "*" for x, done in zip(rows[score], rows[f"{score}_complete"], strict=True)
        ]
        sums = [signed(value, 2) + star for value, star in zip(rows[score], stars, strict=True)]
        columns.append(_Column(letter, sums))
        if bank.intervals is not None and bank.intervals.half_widths("donation").notna().any():
            widths = bank.intervals.half_widths(score).reindex(order)
            columns.append(_Column("±", [_plain(width, 2) for width in widths], "±"))
        if wide:
            columns.append(_Column("mean%", [percent(value) for value in rows[f"{score}_mean"]], "mean%"))
    types = [MISSING if pd.isna(kind) else f"{kind}{_doubt(bank, code)}" for code, kind in rows["blood_type"].items()]
    columns += [
        _Column("type", types),
        _Column("health" if wide else "M_t", [str(health) for health in rows["health"]]),
    ]
    shares = foreign_shares(bank.covariates)
    if shares is not None:
        columns.append(_Column("foreign%", [_plain(100 * share, 1) for share in shares[order]], "foreign%"))
    return columns


def _caption(bank: Bank, columns: list[_Column]) -> str:
    metric, shown = METRICS[bank.metric], {column.group for column in columns}
    better = "higher is better" if metric.higher_is_better else "lower is better"
    notes = [f"ε(M_t): {metric.label} ({metric.unit}, {better})", "D, R: sums of F, no unit"]
    if "±" in shown and bank.intervals is not None:
        notes[1] += f", ± half their {bank.intervals.level:.0%} interval"
    if "mean%" in shown:
        notes.append("means in percent")
    if any(cell.endswith("?") for column in columns if column.header == "type" for cell in column.cells):
        seeds = bank.intervals is not None and bank.intervals.covers_seeds
        notes.append(f"?: {'type not the same in 95% of replicates' if seeds else f'type {NOT_KNOWN}'}")
    if "foreign%" in shown:
        notes.append("foreign: text in other languages, in percent of characters")
    return "; ".join(notes)


def _plain(value: Any, decimals: int) -> str:
    return MISSING if pd.isna(value) else f"{value:.{decimals}f}"


def _doubt(bank: Bank, code: Any) -> str:
    return "?" if is_unsure(bank.intervals, code) else ""

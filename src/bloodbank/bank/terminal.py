"""The bank in the terminal: languages ranked by donation, the matrix, and what follows from the numbers.

Console().print(render_bank(bank, console.width))
"""

from __future__ import annotations

import math

import pandas as pd
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from bloodbank.bank.bank import Bank
from bloodbank.bank.controls import compare_recipients
from bloodbank.bank.interval_sentences import holds_zero
from bloodbank.bank.language_table import language_table
from bloodbank.bank.measurements import SHUFFLED
from bloodbank.bank.names import MISSING, percent
from bloodbank.bank.scores import LEVELS
from bloodbank.bank.sentences import has_comparison, sentences, subtitle

DIAGONAL = "\N{EN DASH}"
_STYLES = dict(zip(LEVELS, ("red", "", "cyan", "bold cyan"), strict=True))  # told apart without seeing red or green


def render_bank(bank: Bank, console_width: int) -> Group:
    """Lay a bank out for the terminal.

    Args:
        bank: The bank.
        console_width: Characters in a line; a wide matrix is split into blocks of columns.

    Returns:
        The table of languages, the matrix of F in percent (donors are rows, recipients columns), the mean F of
        each recipient beside its controls where there are any, and sentences.
    """
    parts: list[RenderableType] = [
        Text(f"Bank {bank.name}", style="bold"),
        Text(subtitle(bank), style="dim"),
        language_table(bank, console_width),
        Text("F in percent: donors are rows, recipients columns", style="bold"),
    ]
    for block in matrix_blocks(bank, console_width):
        parts += [block, Text()]
    if bank.missing_reasons.notna().to_numpy().any():
        parts.append(Text(f"{MISSING} missing: not measured, or left out for an unhealthy model (counted below)"))
    parts.append(_legend())
    if holds_zero(bank.intervals, bank.languages).to_numpy().any():
        parts.append(Text("dim: the interval holds zero", style="dim"))
    if has_comparison(bank):
        compared = compare_recipients(bank.finetune_scores, bank.controls).loc[bank.ranking]
        parts += [Text(), Text("F beside the controls, in percent", style="bold"), *_control_table(compared), Text()]
    parts += [Text(f"• {sentence}") for sentence in sentences(bank)]
    return Group(*parts)


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
    finetune, levels = (
        bank.finetune_scores.to_dict(),
        bank.transfer_levels.to_dict(),
    )  # by recipient, then donor
    unsure = holds_zero(bank.intervals, bank.languages)
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    table.add_column("", min_width=width, no_wrap=True, style="bold")
    for code in columns:
        table.add_column(code, justify="right", width=width, no_wrap=True)
    for donor in order:
        cells = [DIAGONAL if donor == column else percent(finetune[column][donor]) for column in columns]
        styles = [
            "dim" if unsure.loc[donor, column] else _STYLES.get(levels[column][donor], "dim") for column in columns
        ]
        table.add_row(donor, *map(Text, cells, styles))
    return table


def _control_table(compared: pd.DataFrame) -> tuple[Table, Text]:
    # compared: one row for each recipient, as compare_recipients gives it
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

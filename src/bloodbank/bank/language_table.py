"""The bank's table of languages for the terminal: as many columns as fit a line, and no number cut.

Console().print(language_table(bank, console.width))
"""

from __future__ import annotations

from typing import Any

import pandas as pd
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from bloodbank.bank.bank import Bank
from bloodbank.bank.foreign_text import foreign_shares
from bloodbank.bank.interval_sentences import is_unsure
from bloodbank.bank.measurements import METRICS
from bloodbank.bank.names import MISSING, language_name, percent, signed

WIDE = 76  # columns from which names fit beside the scores
SHORTEST_NAME = 7  # characters of a name's column, at least
LONGEST_NAME = 18
_LEFT = ("code", "name", "type", "health", "M_t")  # aligned to the left: words


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
    room = console_width - (SHORTEST_NAME + 1) * wide
    shown: list[str] = []
    for group in (_half_widths(bank), ["mean%"] if wide else [], _foreign_column(bank)):
        if _width(_columns(bank, [*shown, *group], wide=wide)) <= room:
            shown += group
    columns = _columns(bank, shown, wide=wide)
    table = Table(box=None, padding=(0, 0, 0, 1), caption=_caption(bank, shown), caption_justify="left")
    table.header_style = "bold"
    for header, *_ in columns:
        table.add_column(header, justify="left" if header in _LEFT else "right", no_wrap=True)
        if wide and header == "code":
            longest = max(1, min(LONGEST_NAME, console_width - _width(columns) - 1))
            table.add_column("name", no_wrap=True, overflow="ellipsis", max_width=longest)
    for code, cells in zip(bank.ranking, zip(*(column[1:] for column in columns), strict=True), strict=True):
        name = [language_name(code)] if wide else []
        table.add_row(*map(Text, [cells[0], *name, *cells[1:]]))
    return table


def _half_widths(bank: Bank) -> list[str]:
    known = bank.intervals is not None and bank.intervals.half_widths("donation").notna().any()
    return ["±"] if known else []


def _foreign_column(bank: Bank) -> list[str]:
    return ["foreign%"] if foreign_shares(bank.covariates) is not None else []


def _columns(bank: Bank, shown: list[str], *, wide: bool) -> list[list[str]]:
    """Make the columns, each with its header first, rows in order of donation."""
    rows = bank.scores.loc[bank.ranking]
    columns = [["code", *bank.ranking], ["ε(M_t)", *(_plain(value, 3) for value in rows["monolingual"])]]
    for letter, score in (("D", "donation"), ("R", "recipience")):
        whole = rows[f"{score}_complete"]
        stars = ["" if done or pd.isna(value) else "*" for value, done in zip(rows[score], whole, strict=True)]
        sums = [signed(value, 2) + star for value, star in zip(rows[score], stars, strict=True)]
        columns.append([letter, *sums])
        if "±" in shown and bank.intervals is not None:
            widths = bank.intervals.half_widths(score).reindex(bank.ranking)
            columns.append(["±", *(_plain(width, 2) for width in widths)])
        if "mean%" in shown:
            columns.append(["mean%", *(percent(value) for value in rows[f"{score}_mean"])])
    columns.append(["type", *(_type(bank, code, rows["blood_type"]) for code in bank.ranking)])
    columns.append(["health" if wide else "M_t", *map(str, rows["health"])])
    shares = foreign_shares(bank.covariates)
    if "foreign%" in shown and shares is not None:
        columns.append(["foreign%", *(_plain(100 * share, 1) for share in shares[bank.ranking])])
    return columns


def _caption(bank: Bank, shown: list[str]) -> str:
    metric = METRICS[bank.metric]
    better = "higher is better" if metric.higher_is_better else "lower is better"
    said = [f"ε(M_t): {metric.label} ({metric.unit}, {better})", "D, R: sums of F, no unit"]
    if "±" in shown and bank.intervals is not None:
        said[1] += f", ± half their {bank.intervals.level:.0%} interval"
    if "mean%" in shown:
        said.append("means in percent")
    if any(is_unsure(bank.intervals, code) for code in bank.languages):
        said.append("?: type not the same in 95% of replicates")
    if "foreign%" in shown:
        said.append("foreign: text in other languages, in percent of characters")
    return "; ".join(said)


def _width(columns: list[list[str]]) -> int:
    """Return the width of columns in characters, with a space before each."""
    return sum(max(map(cell_len, column)) + 1 for column in columns)


def _plain(value: Any, decimals: int) -> str:
    return MISSING if pd.isna(value) else f"{value:.{decimals}f}"


def _type(bank: Bank, code: str, types: pd.Series[Any]) -> str:
    if pd.isna(types[code]):
        return MISSING
    return f"{types[code]}{'?' if is_unsure(bank.intervals, code) else ''}"

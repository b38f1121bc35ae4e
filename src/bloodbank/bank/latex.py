"""F as a table for a paper, in LaTeX with booktabs.

Pure functions; nothing is written (see `bloodbank.bank.exporting`).

    print(to_latex(bank))
"""

from __future__ import annotations

import math
import re

from bloodbank.bank.bank import Bank
from bloodbank.bank.measurements import METRICS
from bloodbank.bank.names import percent, signed

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
    ]
    for place, code in enumerate(codes):
        cells = ["" if column == place else _cell(finetune[place, column]) for column in range(len(codes))]
        lines.append(_row(escape(code), cells, gives[place]))
    lines += [
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
        _minus(signed(total, 2)) + ("" if complete or math.isnan(total) else "*")
        for total, complete in zip(table[score].tolist(), table[f"{score}_complete"], strict=True)
    ]


def _cell(value: float) -> str:
    return _minus(percent(value))


def _minus(text: str) -> str:
    # A hyphen is too short for a minus, and math mode keeps the plus beside it alike
    return "$\\cdot$" if text == "·" else f"${text}$"


def _row(first: str, cells: list[str], last: str) -> str:
    return " & ".join([first, *cells, last]) + " \\\\"

"""What could stand behind D and R, in sentences: another finding gives another sentence. Nothing is written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bloodbank.bank.averages import FERTILITY, FOREIGN_SHARE
from bloodbank.bank.names import signed
from bloodbank.bank.p_values import p_text

if TYPE_CHECKING:
    from bloodbank.bank.analysis.confounding import Confounding

LEVEL = 0.05
_LETTERS = {"donation": "D", "recipience": "R"}
_NAMES = {
    "updates": "updates of M_l",
    "tokens_seen": "tokens that M_l has seen",
    FOREIGN_SHARE: "share of foreign text in the training text",
    FERTILITY: "fertility, pieces a word",
}


def confounding_sentences(found: Confounding) -> list[str]:
    """Say what D and R go with, beyond what relabelling the languages gives.

    Args:
        found: What was found.

    Returns:
        A sentence for each quantity and score, those that are not possible together, and how the p values were made.
    """
    rows = found.table.to_dict("records")
    said = [_sentence(row) for row in rows if not row["note"]]
    missing: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if row["note"]:
            missing.setdefault((row["quantity"], row["note"]), []).append(_LETTERS[row["score"]])
    said += [
        f"{' and '.join(letters)} with {_name(quantity)}: {note}." for (quantity, note), letters in missing.items()
    ]
    if found.n_permutations:
        how = "all" if found.exact else f"{found.n_permutations:,}"
        said.append(
            f"p: share of {how} relabellings of the languages that go at least as far together; not corrected for the "
            "number of quantities. A high p with few languages rules nothing out."
        )
    return said


def _sentence(row: dict[Any, Any]) -> str:
    letter, name, beyond = _LETTERS[row["score"]], _name(row["quantity"]), row["p"] <= LEVEL
    if row["statistic"] == "correlation":
        way = "rises" if row["value"] > 0 else "falls"
        numbers = f"(r = {signed(row['value'], 2)}, p = {p_text(row['p'])}, n = {row['n']} languages)"
        if beyond:
            return f"{letter} {way} with the {name} {numbers}: part of {letter} may be that, not the language."
        return f"Whether {letter} goes with the {name} is undecided {numbers}."
    numbers = (
        f"{row['value']:.0%} of the variance of {letter} lies between {name}, where chance alone gives "
        f"{row['expected']:.0%} (p = {p_text(row['p'])}, n = {row['n']} languages)"
    )
    return f"{numbers}: {letter} goes with it." if beyond else f"{numbers}: not beyond chance."


def _name(quantity: str) -> str:
    plural = {"script": "scripts", "family": "families"}
    return plural.get(quantity, _NAMES.get(quantity, quantity.replace("_", " ")))

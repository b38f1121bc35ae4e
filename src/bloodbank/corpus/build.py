"""The corpus stage: one output per language, `train.txt`, `dev.txt`, `test.txt` and `corpus.json`.

Reads a text file, writes consecutive paragraphs up to the budgets. Command: `bloodbank run experiment.toml`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bloodbank.corpus.reading import read_lines
from bloodbank.corpus.splitting import LONGEST_CUT, split
from bloodbank.errors import UsageError
from bloodbank.settings import CorpusSettings
from bloodbank.store import write_json

CORPUS_VERSION = 1
PARTS = ("train", "dev", "test")
OTHER = ("other",)  # what the control `self` reads
_SETTING = {"train": "budget_chars", "other": "budget_chars", "dev": "dev_chars", "test": "test_chars"}


def build_corpus(
    source: Path,
    language: str,
    settings: CorpusSettings,
    folder: Path,
    *,
    wanted: tuple[str, ...] = PARTS,
    only_train: bool = False,
) -> dict[str, Any]:
    """Write parts of one language's text.

    Args:
        source: Text file, one paragraph a line.
        language: Its code.
        settings: Budgets and seed.
        folder: Where to write.
        wanted: Parts: `train`, `dev` and `test`, or `other`.
        only_train: The text is for the tokenizer alone, so dev and test may be short.

    Returns:
        What was done, in numbers; also written as `corpus.json`.

    Raises:
        UsageError: The source cannot be read, or is too short for a budget.
    """
    lines = read_lines(source)
    parts = split(lines, settings, language)
    summary = {
        "language": language,
        "n_lines": len(lines),
        "source_chars": sum(map(len, lines)),
        "n_repeated": parts.n_repeated,
        "n_paragraphs": {part: len(parts.parts[part]) for part in wanted},
        "n_chars": {part: sum(map(len, parts.parts[part])) for part in wanted},
        "n_bytes": {part: sum(len(line.encode()) for line in parts.parts[part]) for part in wanted},
        "example": next(iter(parts.parts[wanted[0]]), ""),
    }
    check_budgets(summary, settings, source, only_train=only_train)
    for part in wanted:
        (folder / f"{part}.txt").write_text("\n".join(parts.parts[part]) + "\n", encoding="utf-8")
    write_json(folder / "corpus.json", summary)
    return summary


def read_part(folder: Path, part: str) -> list[str]:
    """Read one part of a corpus output back, a paragraph an item."""
    return (folder / f"{part}.txt").read_text(encoding="utf-8").removesuffix("\n").split("\n")


def check_budgets(summary: dict[str, Any], settings: CorpusSettings, source: Path, *, only_train: bool) -> None:
    """Check that a text meets its budgets, but for the word that a cut may cost.

    Args:
        summary: What `build_corpus` returned.
        settings: Budgets.
        source: For the message.
        only_train: The text is for the tokenizer alone, so dev and test may be short.

    Raises:
        UsageError: Names the first part that falls short, in the order in which they are taken.
    """
    present = [part for part in ("test", "dev", "train", "other") if part in summary["n_chars"]]
    budgets = {"test": settings.test_chars, "dev": settings.dev_chars}
    for part in ("train",) if only_train else present:
        budget, got = budgets.get(part, settings.budget_chars), summary["n_chars"][part]
        if got >= budget - max(LONGEST_CUT, 0.01 * budget) and got > 0:
            continue
        share = " or raise corpus.heldout_share" if part != "train" and settings.parallel != "no" else ""
        if part == "other":
            raise UsageError(
                f"{source}: {got:,} characters are left after the training text, but the control `self` needs "
                f"{budget:,} of other text of the same language. Give more text, lower corpus.budget_chars, or leave "
                "`self` out of grid.controls."
            )
        lower = f"corpus.{_SETTING[part]} to at most {got:,}" if got else "the budgets of the other parts"
        raise UsageError(
            f"{source}: {got:,} characters of {part} text, but corpus.{_SETTING[part]} = {budget:,} (one paragraph a "
            "line; a repeated one counts once). Every language must bring the same: give more text, "
            f"or lower {lower}{share}."
        )

"""The corpus stage: one output per language, `train.txt`, `dev.txt`, `test.txt` and `corpus.json`.

Reads a text file, writes consecutive paragraphs up to the budgets. Command: `bloodbank run experiment.toml`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bloodbank.corpus.reading import read_lines
from bloodbank.corpus.splitting import Split, split
from bloodbank.errors import UsageError
from bloodbank.settings import CorpusSettings
from bloodbank.store import write_json

CORPUS_VERSION = 1
PARTS = ("train", "dev", "test")
_SETTING = {"train": "budget_chars", "dev": "dev_chars", "test": "test_chars"}
# A budget is met when no more than one paragraph's end is missing: the cut at a space.
_MET = 0.99


def build_corpus(
    source: Path, language: str, settings: CorpusSettings, folder: Path, *, only_train: bool = False
) -> dict[str, Any]:
    """Write the three parts of one language's text.

    Args:
        source: Text file, one paragraph a line.
        language: Its code.
        settings: Budgets and seed.
        folder: Where to write.
        only_train: The text is for the tokenizer alone, so dev and test may be short.

    Returns:
        What was done, in numbers; also written as `corpus.json`.

    Raises:
        UsageError: The source cannot be read, or is too short for a budget.
    """
    lines = read_lines(source)
    parts = split(lines, settings, language)
    _check_length(parts, settings, source, ("train",) if only_train else ("test", "dev", "train"))
    for part in PARTS:
        (folder / f"{part}.txt").write_text("\n".join(parts.parts[part]) + "\n", encoding="utf-8")
    summary = {
        "language": language,
        "n_lines": len(lines),
        "source_chars": sum(map(len, lines)),
        "n_repeated": parts.n_repeated,
        "n_paragraphs": {part: len(parts.parts[part]) for part in PARTS},
        "n_chars": {part: sum(map(len, parts.parts[part])) for part in PARTS},
        "n_bytes": {part: sum(len(line.encode()) for line in parts.parts[part]) for part in PARTS},
        "example": next(line for line in parts.parts["train"] if line),
    }
    write_json(folder / "corpus.json", summary)
    return summary


def read_part(folder: Path, part: str) -> list[str]:
    """Read one part of a corpus output back, a paragraph an item."""
    return (folder / f"{part}.txt").read_text(encoding="utf-8").removesuffix("\n").split("\n")


def _check_length(parts: Split, settings: CorpusSettings, source: Path, wanted: tuple[str, ...]) -> None:
    for part in wanted:  # as they are taken, so that the first that falls short is named
        budget = getattr(settings, _SETTING[part])
        got = sum(map(len, parts.parts[part]))
        if got >= budget * _MET or (got < budget <= parts.available_chars[part]):
            continue
        share = " or raise corpus.heldout_share" if part != "train" and settings.parallel != "no" else ""
        lower = f"corpus.{_SETTING[part]} to at most {got:,}" if got else "the budgets of the other parts"
        raise UsageError(
            f"{source}: {got:,} characters of {part} text, but corpus.{_SETTING[part]} = {budget:,}. "
            f"Every language must bring the same: give more text, or lower {lower}{share}."
        )

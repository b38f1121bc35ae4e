"""The corpus stage: one output per language, `train.txt`, `dev.txt`, `test.txt` and `corpus.json`.

Reads a source, writes cleaned text up to the budgets. Command: `bloodbank run experiment.toml`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Container, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bloodbank.corpus.parallel import Pivot, split_parallel
from bloodbank.corpus.sampling import sample, starts_of
from bloodbank.corpus.sources.source import LARGE_BYTES, Document, Source
from bloodbank.corpus.splitting import LONGEST_CUT, Parts
from bloodbank.errors import UsageError
from bloodbank.store import file_digest, write_json

if TYPE_CHECKING:
    from bloodbank.experiment.settings import CorpusSettings

CORPUS_VERSION = 3
FILTER_VERSION = 2  # of what counts as foreign: a part of the key only where foreign text is left out
PARTS = ("train", "dev", "test")
OTHER = ("other",)  # what the control `self` reads
SUMMARY = "corpus.json"


def build_corpus(
    source: Source,
    language: str,
    settings: CorpusSettings,
    folder: Path,
    *,
    wanted: tuple[str, ...] = PARTS,
    only_train: bool = False,
    pivot: Pivot | None = None,
    barred: Container[str] = frozenset(),
) -> dict[str, Any]:
    """Write parts of one language's text.

    Args:
        source: Where the text comes from.
        language: Its code.
        settings: Budgets, cleaning, sampling and seed.
        folder: Where to write.
        wanted: Parts: `train`, `dev` and `test`, or `other`.
        only_train: The text is for the tokenizer alone, so dev and test may be short.
        pivot: Where the stretch was chosen, for `parallel = "stretch"`; None: in this text.
        barred: Texts, case and spaces set aside, that are not to be trained on.

    Returns:
        What was done, in numbers; also written as `corpus.json`.

    Raises:
        UsageError: The source cannot be read, holds no text, or is too short for a budget.
    """
    preparer, near = Preparer(settings, language), None
    if settings.near_duplicates == "drop":
        from bloodbank.corpus.near_duplicates import NearDuplicates

        near = NearDuplicates()
    parts = Parts(settings, wanted, near, barred)
    # Of a language that only the tokenizer sees nothing is held out, so there is no stretch to find in it.
    if settings.parallel == "no" or (settings.parallel == "stretch" and only_train):
        split = sample(source, starts_of(settings, language), parts, preparer)
    else:
        split = split_parallel(source, language, settings, parts=parts, prepare=preparer, folder=folder, pivot=pivot)
    if not any(split.parts.values()):
        raise UsageError(
            f"{_name(source, language)}: no text is left after cleaning. Give text of one paragraph a line, or look at "
            f"what was removed: {dict(preparer.removed) or 'nothing'}."
        )
    texts = {part: split.parts[part] for part in wanted}
    removed = preparer.removed | {"repeated": parts.n_repeated} | ({"near_duplicates": parts.n_near} if near else {})
    if barred:
        removed |= {"translations": parts.n_barred, "translations_chars": parts.barred_chars}
    summary: dict[str, Any] = {
        "language": language,
        "chars_read": split.chars_read,
        "share_read": split.share_read,
        **_sizes(texts),
        "example": next((text[0] for text in texts.values() if text), ""),
        "source": {"kind": source.kind, "files": [_file(path) for path in source.files()], **source.describe()},
        "met": dict(source.counts),
        "removed": dict(removed),
    }
    summary["short"] = short_parts(summary, settings, _name(source, language), only_train=only_train)
    _write(texts, summary, folder)
    return summary


class Preparer:
    """Makes lines of documents, and counts what it leaves out.

    Attributes:
        removed: Paragraphs left out by each step, and their characters under `STEP_chars`.
    """

    def __init__(self, settings: CorpusSettings, language: str) -> None:
        self._settings, self._language = settings, language
        self.removed: Counter[str] = Counter()

    def __call__(self, document: Document) -> list[str]:
        """Return the lines of a document; in an aligned source, empty ones for what is left out."""
        lines = [self._clean(paragraph) for paragraph in document.paragraphs]
        if self._settings.contamination == "filter":
            lines = self._own_language(lines)
        if self._settings.unit == "sentence":
            from bloodbank.corpus.sentences import split_sentences

            lines = [sentence for line in lines if line for sentence in split_sentences(line, self._language)]
        return lines

    def _clean(self, paragraph: str) -> str:
        from bloodbank.corpus.cleaning import clean_paragraph, normalize

        if self._settings.cleaning == "minimal":
            return normalize(paragraph)
        return clean_paragraph(paragraph, self.removed)

    def _own_language(self, lines: list[str]) -> list[str]:
        from bloodbank.corpus.foreign.foreign_share import are_foreign

        kept = []
        for line, foreign in zip(lines, are_foreign(lines, self._language), strict=True):
            if line and foreign:
                self.removed["foreign"] += 1
                self.removed["foreign_chars"] += len(line)
            kept.append("" if foreign else line)
        return kept


def _file(path: Path) -> dict[str, Any]:
    """Describe a file, so that a reader can tell whether another has the same; a large one is not read whole."""
    status = path.stat()
    changed = datetime.fromtimestamp(status.st_mtime, UTC).date().isoformat()
    hashed = file_digest(path) if status.st_size < LARGE_BYTES else None
    return {"name": path.name, "bytes": status.st_size, "changed": changed, "sha256": hashed}


def _sizes(texts: dict[str, list[str]]) -> dict[str, dict[str, int]]:
    return {
        "n_paragraphs": {part: len(text) for part, text in texts.items()},
        "n_chars": {part: sum(map(len, text)) for part, text in texts.items()},
        "n_bytes": {part: sum(len(line.encode()) for line in text) for part, text in texts.items()},
    }


def _write(texts: dict[str, list[str]], summary: dict[str, Any], folder: Path) -> None:
    for part, text in texts.items():
        (folder / f"{part}.txt").write_text("".join(f"{line}\n" for line in text), encoding="utf-8")
    write_json(folder / SUMMARY, summary)


def cut_corpus(whole: Path, smallest: dict[str, int], settings: CorpusSettings, folder: Path) -> dict[str, Any]:
    """Cut a corpus to what the language with the least text has (`corpus.too_little = "smallest"`).

    Args:
        whole: Output of `build_corpus`.
        smallest: For each part, its characters, or bytes of training text where the budget is in bytes.
        settings: Budgets.
        folder: Where to write.
    """
    parts = Parts(settings, tuple(smallest))
    for name, budget in smallest.items():
        parts.parts[name].budget = budget
    for name, part in parts.parts.items():
        for line in read_part(whole, name) if name in smallest else ():
            if part.closed:
                break
            parts.put(name, line)
    texts = {name: parts.parts[name].paragraphs for name in smallest}
    summary = read_summary(whole) | _sizes(texts) | {"cut_to": smallest, "short": {}}
    _write(texts, summary, folder)
    return summary


def read_summary(folder: Path) -> dict[str, Any]:
    """Read `corpus.json`."""
    summary: dict[str, Any] = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
    return summary


def read_part(folder: Path, part: str) -> Iterator[str]:
    """Read one part of a corpus output back, a paragraph at a time."""
    with (folder / f"{part}.txt").open(encoding="utf-8", newline="\n") as file:
        for line in file:
            yield line.removesuffix("\n")


def short_parts(summary: dict[str, Any], settings: CorpusSettings, name: str, *, only_train: bool) -> dict[str, int]:
    """Find the parts that miss their budgets by more than the word that a cut may cost.

    Args:
        summary: What `build_corpus` wrote.
        settings: Budgets, and what to do with a language that has too little.
        name: Of the source, for the message.
        only_train: The text is for the tokenizer alone, so dev and test may be short.

    Returns:
        Their sizes, where a short text is kept or all are cut to the shortest.

    Raises:
        UsageError: One is short and that is not allowed, or there is none at all; names the first in the order in which
            they are taken.
    """
    present = [part for part in ("test", "dev", "train", "other") if part in summary["n_chars"]]
    short = {}
    for part in ("train",) if only_train else present:
        setting, budget = _budget(part, settings)
        got = summary["n_bytes" if setting == "budget_bytes" else "n_chars"][part]
        if got >= budget - max(LONGEST_CUT, 0.01 * budget) and got > 0:
            continue
        if got and settings.too_little != "fail" and part != "other":
            short[part] = got
            continue
        raise UsageError(_too_short(name, part, got, setting, settings))
    return short


def _budget(part: str, settings: CorpusSettings) -> tuple[str, int]:
    """Return the setting that holds the budget of a part, and the budget."""
    if part in ("dev", "test"):
        setting = f"{part}_chars"
    else:
        setting = "budget_bytes" if settings.budget_bytes is not None else "budget_chars"
    return setting, getattr(settings, setting)


def _too_short(name: str, part: str, got: int, setting: str, settings: CorpusSettings) -> str:
    unit, budget = "bytes" if setting == "budget_bytes" else "characters", getattr(settings, setting)
    if part == "other":
        return (
            f"{name}: {got:,} {unit} are left after the training text, but the control `self` needs "
            f"{budget:,} of other text of the same language. Give more text, lower corpus.{setting}, or leave "
            "`self` out of grid.controls."
        )
    share = " or raise corpus.heldout_share" if part != "train" and settings.parallel != "no" else ""
    if share and settings.parallel == "stretch":  # the book may have nothing where the pivot's stretch is
        share = f"{share}, or take the stretch elsewhere with another corpus.seed"
    lower = f"corpus.{setting} to at most {got:,}" if got else "the budgets of the other parts"
    keep = (
        ' With corpus.too_little = "smallest" all are cut to the smallest, with "keep" it stays short.' if got else ""
    )
    return (
        f"{name}: {got:,} {unit} of {part} text, but corpus.{setting} = {budget:,} (a repeated "
        "paragraph counts once). Every language must bring the same: give more text, "
        f"or lower {lower}{share}.{keep}"
    )


def _name(source: Source, language: str) -> str:
    """Name a source in messages."""
    files: Sequence[Path] = source.files()
    if not files:
        return f"{language} ({source.describe().get('name', source.kind)})"
    return str(files[0]) if len(files) == 1 else f"{files[0]} and {len(files) - 1} more"

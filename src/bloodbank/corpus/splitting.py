"""The parts of a corpus, each filled up to its budget, none with a text that another has."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bloodbank.corpus.sources.source import Document
from bloodbank.experiment.settings import CorpusSettings

if TYPE_CHECKING:
    from bloodbank.corpus.near_duplicates import NearDuplicates

Prepare = Callable[[Document], Sequence[str]]  # what makes lines of the corpus out of a document
LONGEST_CUT = 50  # characters given up for a cut between words; scripts without spaces are cut anywhere
_SPACES = re.compile(r"\s+")
# Small letters of Turkish and Greek that capitals do not tell apart.
_CASE = str.maketrans(
    "\u0131\u03ac\u03ad\u03ae\u03af\u03cc\u03cd\u03ce\u0390\u03b0",
    "i\u03b1\u03b5\u03b7\u03b9\u03bf\u03c5\u03c9\u03ca\u03cb",
)
_DOTTED = "i\u0307"  # what casefold makes of the Turkish capital with a dot
_NOTHING: Container[str] = frozenset()


@dataclass
class Part:
    """Paragraphs taken up to a budget; the last one is cut at a space so that the budget is met.

    Attributes:
        budget: Largest number of characters, line ends not counted; of bytes where `in_bytes`.
        paragraphs: What was taken.
        size: Characters or bytes taken.
        closed: True once nothing more is taken.
    """

    budget: int
    in_bytes: bool = False
    paragraphs: list[str] = field(default_factory=list)
    size: int = 0
    closed: bool = False

    def offer(self, paragraph: str) -> str:
        """Take a paragraph, or as much of it as fits; return what would be taken."""
        left = self.budget - self.size
        length = len(paragraph.encode()) if self.in_bytes else len(paragraph)
        if length < left:
            return paragraph
        self.closed = True
        if length == left:
            return paragraph
        if self.in_bytes:
            left = len(paragraph.encode()[:left].decode(errors="ignore"))
        cut = paragraph[: left + 1].rfind(" ", max(0, left - LONGEST_CUT))
        return paragraph[: cut if cut > 0 else left].strip()

    def add(self, piece: str) -> None:
        """Add what `offer` returned."""
        self.paragraphs.append(piece)
        self.size += len(piece.encode()) if self.in_bytes else len(piece)


@dataclass
class Split:
    """Paragraphs of the parts, and what was left out on the way.

    Attributes:
        parts: Paragraphs of `train`, `dev`, `test` and `other`, as far as they were wanted.
        n_repeated: Paragraphs left out because the text has them already, or another part has.
        chars_read: Characters that stand in that share, cleaned, line ends not counted.
        share_read: Share of the source that was read and passed, as the last document of a stretch is not; 1.0: all.
    """

    parts: dict[str, list[str]]
    n_repeated: int
    chars_read: int
    share_read: float


def comparable(paragraph: str) -> str:
    """Return what two paragraphs share when only case and spaces differ, whatever their language does with case.

    Turkish and Azerbaijani have i with and without a dot in both cases; Greek capitals have no accents.
    """
    return _SPACES.sub(" ", paragraph).strip().casefold().replace(_DOTTED, "i").translate(_CASE)


class Parts:
    """Train, dev and test text, and `other` where it is wanted, while they are filled.

    Attributes:
        parts: By name, in the order in which text is given to them: what is held out first, `other` last.
        n_repeated: Paragraphs left out because the text has them already, or another part has.
        n_near: Paragraphs left out because they are nearly the same as an earlier one.
        n_barred, barred_chars: Paragraphs left out of training text because they are barred, and their characters.
    """

    def __init__(
        self,
        settings: CorpusSettings,
        wanted: Sequence[str],
        near: NearDuplicates | None = None,
        barred: Container[str] = _NOTHING,
    ) -> None:
        train, in_bytes = settings.budget_bytes or settings.budget_chars, settings.budget_bytes is not None
        self.parts = {
            "test": Part(settings.test_chars),
            "dev": Part(settings.dev_chars),
            "train": Part(train, in_bytes),
        }
        if "other" in wanted:  # begins where training text ends, so that is found first
            self.parts["other"] = Part(train, in_bytes)
        self.n_repeated = self.n_near = self.n_barred = self.barred_chars = 0
        self._barred = barred
        self._near = near
        self._keep_repeated = settings.duplicates == "keep"
        self._seen: dict[str, str] = {}  # text, case and spaces set aside -> the part that has it

    def put(self, name: str, line: str, others: Container[str] = _NOTHING, *, counted: bool = True) -> None:
        """Give a paragraph to a part, cut to what is left of its budget.

        Args:
            name: The part.
            line: The paragraph.
            others: Texts, case and spaces set aside, that may not be in it.
            counted: Whether it counts as repeated where the text has it already.
        """
        key = comparable(line)
        if name == "train" and key in self._barred:
            self.n_barred += counted
            self.barred_chars += counted * len(line)
            return
        if key in others or self._stands_already(key, name):
            self.n_repeated += counted
            return
        if self._near and self._near.add(line):
            self.n_near += counted
            return
        piece = self.parts[name].offer(line)
        cut = comparable(piece)
        # What only the cut made equal to another text is left out.
        if cut == key or not (cut == "" or cut in others or self._stands_already(cut, name)):
            self.parts[name].add(piece)
            self._seen[cut] = name
        # The whole of a paragraph that is cut is remembered too: a second copy of it holds what was taken.
        self._seen[key] = name

    def _stands_already(self, key: str, name: str) -> bool:
        return key in self._seen and not (self._keep_repeated and self._seen[key] == name)

    def first_open(self, names: Sequence[str], due: float = 1.0) -> str | None:
        """Name the first of some parts that has less than its due share of its budget; None: all have it."""
        for name in names:
            part = self.parts.get(name)
            if part and not part.closed and part.size < due * part.budget:
                return name
        return None

    def lines(self) -> dict[str, list[str]]:
        """Return the paragraphs of each part."""
        return {name: part.paragraphs for name, part in self.parts.items()}

"""From a document of a source to lines of the corpus: cleaned, foreign text out where asked, sentences where asked."""

from __future__ import annotations

from collections import Counter

from bloodbank.corpus.source import Document
from bloodbank.settings import CorpusSettings


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

            lines = [one for line in lines if line for one in split_sentences(line, self._language)]
        return lines

    def _clean(self, paragraph: str) -> str:
        from bloodbank.corpus.cleaning import clean_paragraph, normalize

        if self._settings.cleaning == "minimal":
            return normalize(paragraph)
        return clean_paragraph(paragraph, self.removed)

    def _own_language(self, lines: list[str]) -> list[str]:
        from bloodbank.corpus.contamination import are_foreign

        kept = []
        for line, foreign in zip(lines, are_foreign(lines, self._language), strict=True):
            if line and foreign:
                self.removed["foreign"] += 1
                self.removed["foreign_chars"] += len(line)
            kept.append("" if foreign else line)
        return kept

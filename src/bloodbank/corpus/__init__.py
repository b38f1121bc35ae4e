"""Section 3: raw sources in, balanced and disjoint train, dev and test text per language out, with an audit."""

from bloodbank.corpus.build import (
    CORPUS_VERSION,
    FILTER_VERSION,
    OTHER,
    PARTS,
    build_corpus,
    cut_corpus,
    read_part,
    read_summary,
    short_parts,
)
from bloodbank.corpus.open_source import open_source
from bloodbank.corpus.sources.source import Document, Source

__all__ = [
    "CORPUS_VERSION",
    "FILTER_VERSION",
    "OTHER",
    "PARTS",
    "Document",
    "Source",
    "build_corpus",
    "cut_corpus",
    "open_source",
    "read_part",
    "read_summary",
    "short_parts",
]

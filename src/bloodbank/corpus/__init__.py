"""Section 3: text files in, balanced and disjoint train, dev and test text per language out."""

from bloodbank.corpus.build import CORPUS_VERSION, OTHER, PARTS, build_corpus, check_budgets, read_part
from bloodbank.corpus.reading import check_is_file, read_lines, source_digest

__all__ = [
    "CORPUS_VERSION",
    "OTHER",
    "PARTS",
    "build_corpus",
    "check_budgets",
    "check_is_file",
    "read_lines",
    "read_part",
    "source_digest",
]

"""Named entities, one word a line: WikiANN/PAN-X and whatever else has the labels LOC, ORG and PER in IOB2.

Three forms are read, told apart by the first line of a file; a file has one form throughout:

    0<TAB>Илизаров<TAB>B-PER     a number from 0 or 1, the word, the label
    de:Berlin<TAB>B-LOC          XTREME's: the language before the word
    Berlin<TAB>B-LOC             plain, with a tab or spaces between

In IOB2 an entity begins with B-. Some files have entities that begin with I- (IOB1, or mistakes): an I- behind O,
behind another type or at the beginning of a sentence is read as B-, as conlleval counts it, and `repair` says how many
there were. Predictions are never mended: see `bloodbank.downstream.tasks.entities`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from glob import escape
from itertools import chain
from pathlib import Path

from bloodbank.downstream.tasks.data import Sentence
from bloodbank.downstream.tasks.files import (
    Line,
    blocks,
    check_columns,
    check_folder,
    check_word,
    one_of_each,
    split_of,
)
from bloodbank.errors import UsageError

OUTSIDE = "O"
BIO_LABELS = (OUTSIDE, *(f"{prefix}-{kind}" for kind in ("LOC", "ORG", "PER") for prefix in "BI"))
"""Labels of WikiANN: locations, organisations and persons. Source: Pan et al. 2017, Rahimi et al. 2019."""

ENDINGS = (".conllu", ".tsv", ".txt", ".bio", ".iob2", ".conll", "")
_NUMBER = re.compile(r"[0-9]{1,9}")
_PREFIX = re.compile(r"([a-z]{2,3}(?:-[a-z]+)*):.")
_Row = tuple[str, str]
_Form = Callable[[str, int, str], _Row]  # a line, how many words stand before it, where: the word and its label


def read_bio(path: Path, language: str, *, keep_blank: bool = False) -> list[Sentence]:
    """Read a file of named entities in any of the three forms; labels as they stand there.

    Args:
        path: The file.
        language: Code, which XTREME writes before each word.
        keep_blank: Keep words that are empty or only white space.

    Raises:
        UsageError: A line has not the form of the first one, or a label that WikiANN does not have. Names file and
            line.
    """
    form: _Form | None = None
    sentences = []
    for block in blocks(path):
        form = form or _form_of(block[0][1], language)
        sentences.append(_sentence(block, form, path, keep_blank=keep_blank))
    if not sentences:
        raise UsageError(f"{path}: no sentences. Give one word and its label a line, a blank line behind a sentence.")
    _check_prefix(sentences, path)
    return sentences


def repair(labels: Sequence[str]) -> tuple[tuple[str, ...], int]:
    """Let every entity begin with B-; return the labels in IOB2, and how many I- became B-."""
    mended: list[str] = []
    n_mended = 0
    for label in labels:
        before = mended[-1] if mended else OUTSIDE
        begins = label.startswith("I-") and before[2:] != label[2:]
        mended.append(f"B-{label[2:]}" if begins else label)
        n_mended += begins
    return tuple(mended), n_mended


def find_bio(folder: Path, language: str) -> dict[str, tuple[Path, ...]]:
    """Find the files of a language, by split.

    Args:
        folder: Holds `LANGUAGE/train`, `dev` (or `val`, …) and `test`, or `train-LANGUAGE` and so on as XTREME names
            them, with one of `ENDINGS`.
        language: Code.

    Raises:
        UsageError: The folder is not there, has nothing for the language, or has two files for one split.
    """
    check_folder(folder)
    inside = ((path.stem, path) for path in sorted((folder / language).glob("*")) if _is_bio(path))
    beside = (
        (path.stem.removesuffix(f"-{language}"), path)
        for path in sorted(folder.glob(f"*-{escape(language)}*"))
        if path.stem.endswith(f"-{language}") and _is_bio(path)
    )
    files = one_of_each(chain(inside, beside))
    if not files:
        there = bio_languages(folder)
        raise UsageError(
            f"{folder}: no named entities of {language}: neither {language}/train, dev or test nor train-{language} "
            f"and so on, with one of the endings {', '.join(filter(None, ENDINGS))}, or none. "
            + (f"There are {', '.join(there)}." if there else "It has no such files at all.")
        )
    return files


def bio_languages(folder: Path) -> tuple[str, ...]:
    """List the languages of which a folder has files, in either form of `find_bio`."""
    check_folder(folder)
    inside = {path.parent.name for path in folder.glob("*/*") if _is_bio(path) and split_of(path.stem)}
    named = (path.stem.partition("-") for path in folder.glob("*-*") if _is_bio(path))
    return tuple(sorted(inside | {language for split, _, language in named if language and split_of(split)}))


def _is_bio(path: Path) -> bool:
    return path.suffix in ENDINGS and path.is_file()


def _form_of(line: str, language: str) -> _Form:
    columns = line.split("\t")
    if len(columns) == 3 and _NUMBER.fullmatch(columns[0]):
        return _numbered
    if len(columns) == 2 and columns[0].startswith(f"{language}:"):
        return _prefixed(f"{language}:")
    return _plain


def _numbered(line: str, n_before: int, place: str) -> _Row:
    columns = line.split("\t")
    check_columns(columns, 3, "the file has 3: number, word and label", place)
    number, word, label = columns
    if not _NUMBER.fullmatch(number) or int(number) not in (n_before, n_before + 1):
        raise UsageError(
            f"{place}: number {number!r} before word {n_before + 1} of its sentence. Words are numbered from 0 or 1 "
            "without gaps; put a blank line between sentences."
        )
    return word, label


def _prefixed(prefix: str) -> _Form:
    def read(line: str, _n_before: int, place: str) -> _Row:
        columns = line.split("\t")
        check_columns(columns, 2, f"the file has 2: {prefix}word and label", place)
        if not columns[0].startswith(prefix):
            raise UsageError(f"{place}: {columns[0]!r} does not begin with {prefix!r}, as the words before it do.")
        return columns[0].removeprefix(prefix), columns[1]

    return read


def _plain(line: str, _n_before: int, place: str) -> _Row:
    columns = line.split("\t") if "\t" in line else line.split()
    check_columns(columns, 2, "the file has 2: word and label", place)
    return columns[0], columns[1]


def _sentence(block: Sequence[Line], form: _Form, path: Path, *, keep_blank: bool) -> Sentence:
    rows: list[_Row] = []
    for number, line in block:
        place = f"{path}:{number}"
        word, label = form(line, len(rows), place)
        check_word(word, place, keep_blank=keep_blank)
        if label not in BIO_LABELS:
            raise UsageError(f"{place}: {label!r} is no label of WikiANN. There are {', '.join(BIO_LABELS)}.")
        rows.append((word, label))
    words, labels = zip(*rows, strict=True)
    return Sentence(words, labels, f"{path}:{block[0][0]}")


def _check_prefix(sentences: Sequence[Sentence], path: Path) -> None:
    """Refuse XTREME's form with another language than the folder's: its prefix would be read as text."""
    prefix = _PREFIX.match(sentences[0].words[0])
    words = [word for sentence in sentences for word in sentence.words]
    if prefix and len(words) > 1 and all(word.startswith(f"{prefix[1]}:") for word in words):
        raise UsageError(
            f"{sentences[0].place}: every word begins with '{prefix[1]}:', which is XTREME's form for another language "
            f"than that of {path}. Name the folder after the language."
        )

"""Treebanks of Universal Dependencies: CoNLL-U, format 2, and where the files of a language lie.

The words of a sentence are its syntactic words, on which UPOS tags are defined: of the multiword token `1-2 zum` the
words `1 zu` and `2 dem` are read, the range is not. So the text that is read has words that the running text spells
together; that is how treebanks are tagged everywhere, XTREME included. Empty nodes (`8.1`) stand for words that the
text does not have, and are left out. A block of comments alone, `# newdoc` with a blank line behind it, is no sentence.

    sentences = read_conllu(Path("ud/de/test.conllu"))
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from glob import escape
from pathlib import Path

from bloodbank.downstream.tasks.data import Sentence
from bloodbank.downstream.tasks.files import (
    SPLITS,
    Line,
    blocks,
    check_columns,
    check_folder,
    check_word,
    one_of_each,
    split_of,
)
from bloodbank.errors import UsageError

UPOS = (
    "ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM", "PART", "PRON", "PROPN", "PUNCT", "SCONJ", "SYM",
    "VERB", "X",
)  # fmt: skip
"""The universal part-of-speech tags. Source: universaldependencies.org/u/pos, version 2."""

ONLY_COMMENTS = "blocks of comments without a sentence, left out"
_N_COLUMNS = 10
_NO_WORD = re.compile(r"[0-9]+(?:-[0-9]+|\.[0-9]+)")  # a multiword token, an empty node
_ID = re.compile(r"[1-9][0-9]{0,8}")
_UD_NAME = re.compile(r"([^_]+)_[^-]+-ud-(train|dev|test)(?:-.*)?\.conllu")  # cs_pdt-ud-train-l.conllu
_DEPTHS = ("", "*/", "*/*/")  # of treebanks in a folder
_NO_TEXT = "_"
_MAX_HIDDEN = 0.5  # share of words without text, above which a treebank was released without its text
_DIGITS = re.compile(r"(\d+)")


def read_conllu(path: Path, *, keep_blank: bool = False, counts: Counter[str] | None = None) -> list[Sentence]:
    """Read the words and UPOS tags of a treebank's file.

    Args:
        path: The file.
        keep_blank: Keep words that are only white space.
        counts: Grows by the blocks that hold comments only, under `ONLY_COMMENTS`.

    Returns:
        Its sentences. A word is the form as it stands there, with spaces inside where it has them (`10 000`).

    Raises:
        UsageError: A line is not CoNLL-U, a tag is not one of UPOS (`_` among them: a word without a tag can be
            neither learned nor scored, so the file is mended or left out), a sentence has no words, or the file has no
            text. Names file and line.
    """
    sentences = []
    for block in blocks(path):
        if all(line.startswith("#") for _, line in block):
            if counts is not None:
                counts[ONLY_COMMENTS] += 1
        else:
            sentences.append(_sentence(block, path, keep_blank=keep_blank))
    if not sentences:
        raise UsageError(f"{path}: no sentences. Give a file in the CoNLL-U format.")
    n_words = sum(len(sentence.words) for sentence in sentences)
    n_hidden = sum(sentence.words.count(_NO_TEXT) for sentence in sentences)
    if n_hidden > _MAX_HIDDEN * n_words:
        raise UsageError(
            f"{path}: {n_hidden:,} of {n_words:,} words are '_': the treebank was released without its text. Put the "
            "text in, as its README says, or leave it out."
        )
    return sentences


def _sentence(block: list[Line], path: Path, *, keep_blank: bool) -> Sentence:
    words: list[str] = []
    tags: list[str] = []
    for number, line in block:
        if line.startswith("#"):
            continue
        columns = line.split("\t")
        place = f"{path}:{number}"
        check_columns(columns, _N_COLUMNS, f"CoNLL-U has {_N_COLUMNS}, separated by tabs", place)
        if _NO_WORD.fullmatch(columns[0]):
            continue
        _check_id(columns[0], len(words) + 1, place)
        check_word(columns[1], place, keep_blank=keep_blank)
        if columns[3] not in UPOS:
            raise UsageError(f"{place}: {columns[3]!r} is no UPOS tag. There are {', '.join(UPOS)}.")
        words.append(columns[1])
        tags.append(columns[3])
    first = f"{path}:{block[0][0]}"
    if not words:
        raise UsageError(f"{first}: a sentence without words. Take its lines out, or put its words in.")
    return Sentence(tuple(words), tuple(tags), first)


def _check_id(text: str, expected: int, place: str) -> None:
    if not _ID.fullmatch(text):
        raise UsageError(f"{place}: {text!r} is no ID of CoNLL-U; words are numbered from 1.")
    if int(text) != expected:
        why = "Put a blank line between sentences." if int(text) == 1 else "Words are numbered from 1 without gaps."
        raise UsageError(f"{place}: word {text}, but word {expected} was due. {why}")


def find_treebanks(folder: Path, language: str) -> dict[str, tuple[Path, ...]]:
    """Find the files of a language, by split.

    Args:
        folder: Holds `LANGUAGE/{train,dev,test}.conllu`, or treebanks as Universal Dependencies names them
            (`de_gsd-ud-train.conllu`), in it, in folders of it (`UD_German-GSD`), or in folders of these.
        language: Code.

    Returns:
        Files of each split that is there; several treebanks, and parts of one, in the order of their names.

    Raises:
        UsageError: The folder is not there, has nothing for the language, or has it in both forms.
    """
    check_folder(folder)
    plain = one_of_each((path.stem, path) for path in sorted((folder / language).glob("*.conllu")))
    named: dict[str, list[Path]] = {}
    for code, split, path in _named_treebanks(folder, escape(language)):
        if code == language:
            named.setdefault(split, []).append(path)
    if plain and named:
        raise UsageError(
            f"{folder}: treebanks of {language} in two forms, {next(iter(plain.values()))[0]} and "
            f"{next(iter(named.values()))[0]}. Keep one, so that nothing is read twice."
        )
    files = plain or {split: tuple(sorted(named[split], key=_natural)) for split in SPLITS if split in named}
    if not files:
        there = treebank_languages(folder)
        raise UsageError(
            f"{folder}: no treebank of {language}: neither {language}/train.conllu, dev.conllu or test.conllu nor "
            f"files such as UD_…/{language}_…-ud-test.conllu. "
            + (f"There are {', '.join(there)}." if there else "It has no treebanks at all.")
        )
    return files


def treebank_languages(folder: Path) -> tuple[str, ...]:
    """List the languages of which a folder has treebanks, in either form of `find_treebanks`."""
    check_folder(folder)
    plain = {path.parent.name for path in folder.glob("*/*.conllu") if split_of(path.stem)}
    return tuple(sorted(plain | {code for code, _, _ in _named_treebanks(folder, "*")}))


def _named_treebanks(folder: Path, pattern: str) -> Iterator[tuple[str, str, Path]]:
    """Yield language, split and path of the files that are named as Universal Dependencies names them."""
    for depth in _DEPTHS:
        for path in folder.glob(f"{depth}{pattern}_*-ud-*.conllu"):
            if name := _UD_NAME.fullmatch(path.name):
                yield name[1], name[2], path


def _natural(path: Path) -> list[tuple[int, str]]:
    """Sort numbers in names by value: `part2` before `part10`."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in _DIGITS.split(str(path))]

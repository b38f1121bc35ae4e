"""Treebanks of Universal Dependencies: CoNLL-U, format 2, and where the files of a language lie.

The words of a sentence are its syntactic words, on which UPOS tags are defined: of the multiword token `1-2 zum` the
words `1 zu` and `2 dem` are read, the range is not. So the text that is read has words that the running text spells
together; that is how treebanks are tagged everywhere, XTREME included. Empty nodes (`8.1`) stand for words that the
text does not have, and are left out.

Reads `*.conllu`; writes nothing. One command, with the shared treebanks:

    python -c "from pathlib import Path; from bloodbank.downstream.tasks.pos_and_ner import PosTask
    print(len(PosTask().read(Path('../shared/data/ud'), 'de', 'test').sentences))"
"""

from __future__ import annotations

import re
from glob import escape
from pathlib import Path

from bloodbank.downstream.tasks.data import Sentence
from bloodbank.downstream.tasks.files import (
    SPLITS,
    Line,
    blocks,
    check_folder,
    check_word,
    natural,
    one_of_each,
    split_of,
)
from bloodbank.errors import UsageError

UPOS = (
    "ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM", "PART", "PRON", "PROPN", "PUNCT", "SCONJ", "SYM",
    "VERB", "X",
)  # fmt: skip
"""The universal part-of-speech tags. Source: universaldependencies.org/u/pos, version 2."""

_N_COLUMNS = 10
_NO_WORD = re.compile(r"[0-9]+(?:-[0-9]+|\.[0-9]+)")  # a multiword token, an empty node
_ID = re.compile(r"[1-9][0-9]{0,8}")
_UD_NAME = re.compile(r"([^_]+)_[^-]+-ud-(train|dev|test)(?:-.*)?\.conllu")  # cs_pdt-ud-train-l.conllu
_NO_TEXT = "_"


def read_conllu(path: Path, *, keep_blank: bool = False) -> list[Sentence]:
    """Read the words and UPOS tags of a treebank's file.

    Args:
        path: The file.
        keep_blank: Keep words that are only white space.

    Returns:
        Its sentences. A word is the form as it stands there, with spaces inside where it has them (`10 000`).

    Raises:
        UsageError: A line is not CoNLL-U, a tag is not one of UPOS (`_` among them: a word without a tag can be
            neither learned nor scored, so the file is mended or left out), a sentence has no words, or the file has no
            text. Names file and line.
    """
    found = [_sentence(block, path, keep_blank) for block in blocks(path)]
    if not found:
        raise UsageError(f"{path}: no sentences. Give a file in the CoNLL-U format.")
    n_words = sum(len(sentence.words) for sentence in found)
    n_hidden = sum(sentence.words.count(_NO_TEXT) for sentence in found)
    if n_hidden > n_words / 2:
        raise UsageError(
            f"{path}: {n_hidden:,} of {n_words:,} words are '_': the treebank was released without its text. Put the "
            "text in, as its README says, or leave it out."
        )
    return found


def _sentence(block: list[Line], path: Path, keep_blank: bool) -> Sentence:
    words: list[str] = []
    tags: list[str] = []
    for number, line in block:
        if line.startswith("#"):
            continue
        columns = line.split("\t")
        place = f"{path}:{number}"
        if len(columns) != _N_COLUMNS:
            raise UsageError(
                f"{place}: {len(columns)} column{'s' if len(columns) > 1 else ''}, but CoNLL-U has 10, separated by "
                "tabs."
            )
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
    for depth in ("", "*/", "*/*/"):
        for path in folder.glob(f"{depth}{escape(language)}_*-ud-*.conllu"):
            if (match := _UD_NAME.fullmatch(path.name)) and match[1] == language:
                named.setdefault(match[2], []).append(path)
    if plain and named:
        one, other = next(iter(plain.values()))[0], next(iter(named.values()))[0]
        raise UsageError(
            f"{folder}: treebanks of {language} in two forms, {one} and {other}. Keep one, so that nothing is read "
            "twice."
        )
    found = plain or {split: tuple(sorted(paths, key=natural)) for split, paths in named.items()}
    if not found:
        raise UsageError(
            f"{folder}: no treebank of {language}: neither {language}/train.conllu, dev.conllu or test.conllu nor "
            f"files such as UD_…/{language}_…-ud-test.conllu. {_there(treebank_languages(folder))}"
        )
    return {split: found[split] for split in SPLITS if split in found}


def treebank_languages(folder: Path) -> tuple[str, ...]:
    """List the languages of which a folder has treebanks, in either form of `find_treebanks`."""
    check_folder(folder)
    plain = {path.parent.name for path in folder.glob("*/*.conllu") if split_of(path.stem)}
    named = {
        match[1]
        for depth in ("", "*/", "*/*/")
        for path in folder.glob(f"{depth}*-ud-*.conllu")
        if (match := _UD_NAME.fullmatch(path.name))
    }
    return tuple(sorted(plain | named))


def _there(languages: tuple[str, ...]) -> str:
    return f"There are {', '.join(languages)}." if languages else "It has no treebanks at all."

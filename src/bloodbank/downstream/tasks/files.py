"""Files of sentences, one word a line, a blank line behind each sentence; and where the files of a language lie.

Lines keep their numbers, so that messages can name them:

    for block in blocks(Path("ud/de/test.conllu")):
        number, line = block[0]
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from bloodbank.errors import UsageError

SPLITS = ("train", "dev", "test")
Line = tuple[int, str]  # its number, from 1, and its text
_NAMES = {"train": "train", "dev": "dev", "val": "dev", "valid": "dev", "validation": "dev", "test": "test"}
_MAX_NAMED = 8  # folders in a message


def split_of(name: str) -> str | None:
    """Return the split that a name stands for: `dev` for `val`, `valid` and `validation`; None where it is no split."""
    return _NAMES.get(name)


def one_of_each(paths: Iterable[tuple[str, Path]]) -> dict[str, tuple[Path, ...]]:
    """Sort files by the split that the name beside them stands for; what is no split is left out.

    Raises:
        UsageError: Two files are the same split.
    """
    files: dict[str, tuple[Path, ...]] = {}
    for name, path in paths:
        split = split_of(name)
        if split is None:
            continue
        if split in files:
            raise UsageError(f"{files[split][0]} and {path.name} beside it are both the {split} split. Keep one.")
        files[split] = (path,)
    return {split: files[split] for split in SPLITS if split in files}


def blocks(path: Path) -> Iterator[list[Line]]:
    """Yield the sentences of a file as lines that are not blank; several blank lines are one, the last may lack.

    Args:
        path: UTF-8, with or without a byte-order mark, lines ended as on Unix or Windows.

    Raises:
        UsageError: The file cannot be read or is not UTF-8; says where.
    """
    block: list[Line] = []
    for number, line in _lines(path):
        if line.strip(" "):
            block.append((number, line))
        elif block:
            yield block
            block = []
    if block:
        yield block


def _lines(path: Path) -> Iterator[Line]:
    try:
        with path.open("rb") as file:
            for number, raw in enumerate(file, 1):
                yield number, _decode(raw.removeprefix(codecs.BOM_UTF8) if number == 1 else raw, path, number)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}.") from None


def _decode(raw: bytes, path: Path, number: int) -> str:
    try:
        return raw.decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        likely = "UTF-16" if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "LATIN1"
        raise UsageError(
            f"{path}:{number}: not UTF-8: byte 0x{raw[error.start]:02x}. Convert it, for example: "
            f"iconv -f {likely} -t UTF-8."
        ) from None


def check_columns(columns: Sequence[str], n: int, what: str, place: str) -> None:
    """Refuse a line with another number of columns than the file has."""
    if len(columns) != n:
        raise UsageError(f"{place}: {len(columns)} column{'s' if len(columns) != 1 else ''}, but {what}.")


def check_word(word: str, place: str, *, keep_blank: bool) -> None:
    """Refuse a word that is empty or white space, unless such words are kept."""
    if not keep_blank and not word.strip():
        what = f"is only white space ({word!r})" if word else "is empty"
        raise UsageError(
            f"{place}: the word {what}. Mend the line; or read the task with keep_blank_words=True, which keeps such "
            "words as unknown ones."
        )


def check_folder(folder: Path) -> None:
    """Refuse a folder that is not there, and say what stands beside it."""
    if folder.is_dir():
        return
    parent = folder.absolute().parent
    beside = sorted(entry.name for entry in parent.iterdir() if entry.is_dir()) if parent.is_dir() else []
    more = " …" if len(beside) > _MAX_NAMED else ""
    there = f" {parent} holds the folders {', '.join(beside[:_MAX_NAMED])}{more}." if beside else ""
    what = "is a file, not a folder" if folder.exists() else "no such folder"
    raise UsageError(f"{folder}: {what}. Give the folder that holds a folder for each language.{there}")

"""Text files as a source: plain or compressed, one paragraph a line, one file or many."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

from bloodbank.corpus.sources.compression import ENDINGS, open_stream
from bloodbank.corpus.sources.source import Document, readable_digest
from bloodbank.errors import UsageError
from bloodbank.store import digest

_BLOCK = 1 << 20
_HEAD_BYTES = 1 << 16
_TAG = re.compile(rb"\s*(?:<!--|</?[A-Za-z][A-Za-z0-9:]*(?:\s[^<>]*)?/?>)")
LONGEST_LINE_BYTES = 10_000_000  # longer than any paragraph: a file without line ends


class TextSource:
    """Lines of text files, empty ones too, so that aligned files stay aligned; a line's place counts in bytes."""

    kind = "text"

    def __init__(self, paths: Sequence[Path], licence: str = "") -> None:
        self._paths, self._licence = tuple(paths), licence
        self.counts: Counter[str] = Counter()

    @property
    def seekable(self) -> bool:
        """True where reading from a place costs no more than what is read."""
        return not any(path.suffix in ENDINGS for path in self._paths)

    def digest(self) -> str:
        """Hash the files."""
        hashes = [readable_digest(path) for path in self._paths]
        return hashes[0] if len(hashes) == 1 else digest(*hashes)

    def files(self) -> tuple[Path, ...]:
        """Return the files, in order."""
        return self._paths

    def describe(self) -> dict[str, object]:
        """Return the licence, where it was given."""
        return {"licence": self._licence or None}

    @cached_property
    def _starts(self) -> list[int]:
        """Bytes before each file, without compression, and in all. Shape: [n_files + 1]."""
        starts = [0]
        for path in self._paths:
            if path.suffix not in ENDINGS:
                starts.append(starts[-1] + path.stat().st_size)
                continue
            with open_stream(path) as file:
                size = 0
                while block := file.read(_BLOCK):
                    size += len(block)
                starts.append(starts[-1] + size)
        return starts

    def read(self, start: float = 0.0) -> Iterator[Document]:
        """Yield lines from a place on."""
        total, blank = max(1, self._starts[-1]), True
        for path, before, after in zip(self._paths, self._starts, self._starts[1:], strict=False):
            if after / total < start:
                continue
            first = max(0, int(start * total) - before - 1)
            for offset, line in _lines(path, first):
                place = (before + offset) / total
                if place < start:
                    continue
                self.counts["lines"] += 1
                blank = blank and not line.strip()
                yield Document(place, (line,))
        if blank and start == 0.0:
            raise UsageError(
                f"{self._paths[0]}: the file holds no text. Give a UTF-8 text file with one paragraph a line."
            )


def _lines(path: Path, first: int) -> Iterator[tuple[int, str]]:
    """Yield each line with the byte at which it begins, from the first that begins at or after a byte."""
    with open_stream(path) as file:
        offset, number = 0, 0
        if first and path.suffix not in ENDINGS:
            _check_is_text(file.read(_HEAD_BYTES), path)  # a sample begins anywhere, and the head tells what a file is
            offset = file.seek(first)
            offset += len(file.readline(LONGEST_LINE_BYTES))
        rest = b""
        while block := file.read(_BLOCK):
            if not offset and not rest:
                _check_is_text(block, path)
            *lines, rest = _split(rest + block)
            for line in lines:
                number += 1
                yield offset, _decode(line, path, number, known=first == 0)
                offset += len(line)
            if len(rest) > LONGEST_LINE_BYTES:
                raise UsageError(
                    f"{path}: line {number + 1} is longer than {LONGEST_LINE_BYTES:,} bytes; bloodbank reads one "
                    "paragraph a line. Put a line end behind each paragraph."
                )
        for line in _split(rest):  # a last line that has no end, and one that ends with a carriage return
            if line.strip():
                number += 1
                yield offset, _decode(line, path, number, known=first == 0)
                offset += len(line)


def _split(block: bytes) -> list[bytes]:
    """Cut at line ends of any system; the last piece is not whole yet (its carriage return may be half of an end)."""
    lines = block.splitlines(keepends=True) or [b""]
    return [*lines, b""] if lines[-1].endswith(b"\n") else lines


def _decode(line: bytes, path: Path, number: int, *, known: bool) -> str:
    try:
        return line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        where = f"line {number}" if known else "a line"
        raise UsageError(
            f"{path}: not UTF-8: byte 0x{line[error.start]:02x} in {where}. Convert it, for example: "
            "iconv -f LATIN1 -t UTF-8."
        ) from None


def _check_is_text(block: bytes, path: Path) -> None:
    block = block[:_HEAD_BYTES]
    if block.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UsageError(f"{path}: is UTF-16; bloodbank reads UTF-8. Convert it: iconv -f UTF-16 -t UTF-8.")
    if b"\x00" in block:
        raise UsageError(f"{path}: binary data, not text. Give a UTF-8 text file with one paragraph a line.")
    head = block[:1_000].lower()
    if b"<mediawiki" in head:
        raise UsageError(f'{path}: is a dump of MediaWiki. Set source = "wikipedia" in the experiment file.')
    if b"<!doctype html" in head or b"<html" in head or _is_marked_up(block):
        raise UsageError(f"{path}: is HTML or XML. Take the text out of its tags first, one paragraph a line.")


def _is_marked_up(block: bytes) -> bool:
    """Tell whether most lines begin with a tag: a page may begin without saying that it is one."""
    lines = [line for line in block.splitlines() if line.strip()]
    return 2 * sum(_TAG.match(line) is not None for line in lines) > len(lines)

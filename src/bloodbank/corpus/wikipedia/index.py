"""The index of a multistream dump: where its streams begin, so that any of them can be read without the others.

Wikimedia writes such a dump as many bz2 streams of 100 pages one behind the other, and beside it an index with a line
for each page, `offset:page:title`. Of that are kept the offsets and how many pages each stream has: 16 bytes a stream.

A damaged stream is an error, not a skip: the file is not the one that was published, so nothing is known of its other
streams either, and fetching it again mends it for good.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from bloodbank.corpus.sources.compression import open_stream
from bloodbank.corpus.wikipedia.blocks import AGAIN, Block, read_blocks, size_of
from bloodbank.errors import UsageError

_READ_BYTES = 1 << 20
_LONGEST_LINE_BYTES = 10_000  # a title has at most 255
_STREAM = re.compile(rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)")  # how a bz2 stream begins; the second is empty
_LINE = re.compile(rb"^(\d{1,18}):\d+:", re.MULTILINE)
_DUMP_NAME = re.compile(r"-multistream(\d*)\.xml(?=[.-])")
_INDEX_NAME = re.compile(r"-multistream-index\d*\.txt(?:[.-]|$)")


@dataclass(frozen=True, slots=True)
class Streams:
    """Where those streams of a file begin that hold pages.

    Attributes:
        starts: In bytes, rising. Shape: [n_streams].
        n_pages: Pages of each stream. Shape: [n_streams].
        size_bytes: Of the file.
    """

    starts: array[int]
    n_pages: array[int]
    size_bytes: int

    def end(self, number: int) -> int:
        """Return where a stream ends: where the next one begins, the last one at the end of the file."""
        return self.starts[number + 1] if number + 1 < len(self.starts) else self.size_bytes


def is_index(name: str) -> bool:
    """Tell whether a file is named as an index."""
    return _INDEX_NAME.search(name) is not None


def find_index(dump: Path) -> Path | None:
    """Find the index beside a dump under the name that Wikimedia gives it; None where there is none.

    `X-multistream.xml.bz2` has `X-multistream-index.txt.bz2`, `X-multistream1.xml-p1p9.bz2` has
    `X-multistream-index1.txt-p1p9.bz2`. An index may be unpacked.
    """
    name = _DUMP_NAME.sub(r"-multistream-index\1.txt", dump.name)
    if dump.suffix != ".bz2" or name == dump.name:
        return None
    beside = (dump.with_name(name), dump.with_name(name.removesuffix(".bz2")))
    return next((path for path in beside if path.is_file()), None)


def read_index(index: Path, dump: Path) -> Streams:
    """Read the index of a dump.

    Raises:
        UsageError: It is no index, or not that of this dump, or not all of it.
    """
    starts, n_pages, size = array("q"), array("q"), size_of(dump)
    for offset, n in _offsets(index):
        if starts and offset == starts[-1]:
            n_pages[-1] += n
            continue
        if starts and offset < starts[-1]:
            raise UsageError(f"{index}: not an index: byte {offset} stands behind byte {starts[-1]}. {AGAIN}")
        starts.append(offset)
        n_pages.append(n)
    if not starts:
        raise UsageError(f"{index}: the index is empty. {_advice(dump)}")
    if starts[-1] >= size:
        raise UsageError(
            f"{index}: a stream is said to begin at byte {starts[-1]} of {dump.name}, which has {size}. {_advice(dump)}"
        )
    if any(b"<page>" in block.data for block in read_blocks(dump, 0, starts[0], advice=_advice(dump))):
        raise UsageError(f"{index}: {dump.name} has pages before the first of the index. {_advice(dump)}")
    return Streams(starts, n_pages, size)


def read_stream(dump: Path, streams: Streams, number: int) -> Iterator[Block]:
    """Yield the bytes of one stream, without reading the others.

    Raises:
        UsageError: There is none where the index says, or it is damaged.
    """
    begin = streams.starts[number]
    with dump.open("rb") as file:
        file.seek(begin)
        if not _STREAM.match(file.read(10)):
            raise UsageError(f"{dump}: no stream begins at byte {begin}, where its index says so. {_advice(dump)}")
    yield from read_blocks(dump, begin, streams.end(number), advice=_advice(dump))


def _offsets(index: Path) -> Iterator[tuple[int, int]]:
    """Yield offsets, each with the number of lines one after the other that have it."""
    rest = b""
    with open_stream(index) as file:
        while block := file.read(_READ_BYTES):
            lines, end, rest = (rest + block).rpartition(b"\n")
            yield from _offsets_of_lines(index, lines + end)
            if len(rest) > _LONGEST_LINE_BYTES:
                break
    yield from _offsets_of_lines(index, rest + b"\n" if rest else b"")


def _offsets_of_lines(index: Path, lines: bytes) -> Iterator[tuple[int, int]]:
    offsets = _LINE.findall(lines)
    if len(offsets) != lines.count(b"\n"):
        wrong = next(line for line in lines.split(b"\n") if not _LINE.match(line))[:40].decode("utf-8", "replace")
        raise UsageError(
            f"{index}: not the index of a multistream dump: a line begins {wrong!r} instead of OFFSET:PAGE:TITLE. "
            f"{AGAIN}"
        )
    for offset, group in groupby(offsets):
        yield int(offset), sum(1 for _ in group)


def _advice(dump: Path) -> str:
    return (
        "Index and dump are not of one date, or one is damaged: fetch both again, or take the index away: then "
        f"{dump.name} is read from its beginning."
    )

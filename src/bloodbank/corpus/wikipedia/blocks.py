"""The bytes of a dump, decompressed block by block, each with its place in the file: .bz2, .gz or plain.

An archive may consist of several streams. Blocks are of bounded size, however well they were compressed.
"""

from __future__ import annotations

import bz2
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from bloodbank.errors import UsageError

AGAIN = "Fetch it again."
_READ_BYTES = 1 << 16
_BLOCK_BYTES = 1 << 20
_KINDS = {
    b"BZh": "bz2", b"\x1f\x8b": "gzip", b"7z\xbc\xaf": "7z", b"PK\x03\x04": "zip", b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Block:
    """Some bytes of the dump, and which bytes of the file they were made of.

    Attributes:
        data: Without compression.
        begin: Where the bytes of the file begin.
        end: Where they end.
    """

    data: bytes
    begin: int
    end: int


def read_blocks(dump: Path, begin: int = 0, end: int | None = None, *, advice: str = AGAIN) -> Iterator[Block]:
    """Yield the bytes of a dump; nothing of the file is read but what stands between two of its bytes.

    Args:
        dump: The file.
        begin: Where to begin, in bytes of the file: at its beginning, or at that of a stream.
        end: Where to stop; at the end of the file by default.
        advice: What to do where it is damaged.

    Raises:
        UsageError: It cannot be read, is not what its name says, is damaged, or breaks off.
    """
    with _open(dump) as file:
        if begin == 0:
            _check_kind(dump, file.read(8))
        file.seek(begin)
        yield from _unpacked(dump, file, begin, size_of(dump) if end is None else end, advice)


def size_of(dump: Path) -> int:
    """Return the bytes of a file.

    Raises:
        UsageError: There is none.
    """
    try:
        return dump.stat().st_size
    except OSError as error:
        raise UsageError(f"{dump}: cannot be read: {error.strerror}.") from None


def _open(dump: Path) -> IO[bytes]:
    try:
        return dump.open("rb")
    except OSError as error:
        raise UsageError(f"{dump}: cannot be read: {error.strerror}.") from None


def _check_kind(dump: Path, head: bytes) -> None:
    """Refuse what is not compressed as its name says."""
    kind = next((kind for magic, kind in _KINDS.items() if head.startswith(magic)), "")
    named = {".bz2": "bz2", ".gz": "gzip"}.get(dump.suffix, "")
    if kind == named:
        return
    if kind in ("bz2", "gzip"):
        ending = ".bz2" if kind == "bz2" else ".gz"
        raise UsageError(f"{dump}: is {kind}, whatever its name says; give it a name that ends in {ending}.")
    if kind:
        raise UsageError(f"{dump}: is {kind}. Unpack it, or pack it as .bz2 or .gz.")
    shown = repr(head.decode("utf-8", "replace")) if head else "nothing"
    raise UsageError(f"{dump}: is not {named}: it begins with {shown}. {AGAIN}")


def _unpacked(dump: Path, file: IO[bytes], begin: int, end: int, advice: str) -> Iterator[Block]:
    """Yield blocks; to each belong the bytes of the file since the one before it."""
    makers: dict[str, Callable[[], _Unpacker]] = {".bz2": bz2.BZ2Decompressor, ".gz": _Gzip}
    make = makers.get(dump.suffix, _Plain)
    unpacker = make()
    last = at = begin  # of the file: where the last block ended, what was read
    data, fresh = b"", True
    while True:
        if not data and unpacker.needs_input:
            data = file.read(min(_READ_BYTES, end - at))
            at += len(data)
            if not data:
                break
        if fresh and make is not _Plain:
            data = data.lstrip(b"\x00")  # what follows the last stream on tapes
            if not data:
                continue
        try:
            plain = unpacker.decompress(data, _BLOCK_BYTES)
        except (OSError, EOFError, zlib.error) as error:
            raise UsageError(f"{dump}: damaged between its bytes {last} and {at}: {error}. {advice}") from None
        data, fresh, here = b"", False, at
        if unpacker.eof:  # another stream may follow
            data, fresh = unpacker.unused_data, True
            unpacker, here = make(), at - len(data)
        if plain:
            yield Block(plain, last, here)
            last = here
    if not fresh and make is not _Plain:
        raise UsageError(f"{dump}: what begins at byte {last} or soon after breaks off at byte {at}. {advice}")


class _Unpacker(Protocol):
    """What the decompressor of bz2 offers."""

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class _Gzip:
    """Unpacks one member of a .gz file."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(wbits=31)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._inner.unconsumed_tail

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


class _Plain:
    """Hands on what is not compressed."""

    eof, needs_input, unused_data = False, True, b""

    def decompress(self, data: bytes, _max_length: int, /) -> bytes:
        return data

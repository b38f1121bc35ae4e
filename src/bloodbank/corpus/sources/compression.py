"""Compressed files as streams of bytes: .gz, .bz2, .xz and .zst, read to their end or refused."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from bloodbank.errors import UsageError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

ENDINGS = (".gz", ".bz2", ".xz", ".zst")
_BLOCK = 1 << 16


@contextmanager
def open_stream(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for reading from its start, decompressed by what its name ends with.

    Raises:
        UsageError: It cannot be read, or is no whole archive; also raised by reading in the block.
    """
    import zstandard

    openers: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open, ".zst": _open_zst}
    try:
        with openers.get(path.suffix, open)(path, "rb") as file:
            yield file
    except (lzma.LZMAError, zlib.error, EOFError, zstandard.ZstdError, OSError) as error:
        if isinstance(error, OSError) and error.errno:  # bz2 has no exception of its own: one without a number
            raise UsageError(f"{path}: cannot be read: {error.strerror}.") from None
        raise UsageError(f"{path}: not a whole {path.suffix} file: {error}. Make or fetch it again.") from None


def _open_zst(path: Path, _mode: str) -> IO[bytes]:
    return io.BufferedReader(_Frames(path), _BLOCK)


class _Frames(io.RawIOBase):
    """All frames of a .zst file; the library's own reader takes a file that breaks off for a whole one."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._frame: Any = None  # the frame that is being read; None between two
        self._compressed = b""
        self._plain = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        while not self._plain and self._more():
            pass
        n = min(len(view), len(self._plain))
        view[:n] = self._plain[:n]
        self._plain = self._plain[n:]
        return n

    def _more(self) -> bool:
        """Decompress the next block; False at the end of the file."""
        import zstandard

        self._compressed = self._compressed or self._file.read(_BLOCK)
        if not self._compressed:
            if self._frame is not None:
                raise EOFError("it ends before its last frame does")
            return False
        self._frame = self._frame or zstandard.ZstdDecompressor().decompressobj()
        self._plain, self._compressed = self._frame.decompress(self._compressed), b""
        if self._frame.eof:
            self._compressed, self._frame = self._frame.unused_data, None
        return True

    def close(self) -> None:
        self._file.close()
        super().close()

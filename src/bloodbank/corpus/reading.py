"""Text files, plain or compressed, one paragraph a line."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import unicodedata
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from bloodbank.errors import UsageError
from bloodbank.store import file_digest

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def _open(path: Path) -> IO[bytes]:
    """Open a file for reading, decompressed by what its name says."""
    openers: dict[str, Callable[..., Any]] = {
        ".gz": gzip.open,
        ".bz2": bz2.open,
        ".xz": lzma.open,
        ".zst": _open_zst,
    }
    opened: IO[bytes] = openers.get(path.suffix, open)(path, "rb")
    return opened


def _open_zst(path: Path, _mode: str) -> IO[bytes]:
    """Decompress all frames; the library's own reader takes a file that breaks off for a whole one."""
    import zstandard

    content, text = path.read_bytes(), io.BytesIO()
    while content:
        frame = zstandard.ZstdDecompressor().decompressobj()
        text.write(frame.decompress(content))
        if not frame.eof:
            raise EOFError("it ends before its last frame does")
        content = frame.unused_data
    text.seek(0)
    return text


def read_lines(path: Path) -> list[str]:
    """Read the lines of a text file, in Unicode normal form C, control characters made spaces, ends stripped.

    Args:
        path: UTF-8 text; .gz, .bz2, .xz and .zst are decompressed.

    Returns:
        One string a line, empty lines included, so that files that are aligned by line stay aligned.

    Raises:
        UsageError: The file is missing, a folder, empty, binary, wrongly encoded, or a broken archive.
    """
    text = _decode(_decompress(path), path)
    lines = [unicodedata.normalize("NFC", _CONTROL.sub(" ", line)).strip() for line in text.split("\n")]
    if not any(lines):
        raise UsageError(f"{path}: the file holds no text. Give a UTF-8 text file with one paragraph a line.")
    if not lines[-1]:
        lines.pop()  # what follows the last line end is no line
    return lines


def source_digest(path: Path) -> str:
    """Hash a source file, with the same errors as `read_lines` where it cannot be read."""
    check_is_file(path)
    try:
        return file_digest(path)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}.") from None


def check_is_file(path: Path) -> None:
    """Raise a UsageError where a source is no file, naming what stands beside it."""
    try:
        if path.is_file():
            return
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}.") from None
    if path.is_dir():
        raise UsageError(f"{path} is a folder, not a text file; corpus.path names one file per language.")
    beside = sorted(entry.name for entry in path.parent.iterdir()) if path.parent.is_dir() else []
    there = f"That folder holds: {', '.join(beside[:8])}{' …' if len(beside) > 8 else ''}." if beside else ""
    missing = there or f"There is no folder {path.parent} with anything in it."
    raise UsageError(f"{path}: no such file. {missing} Check corpus.path and the language code.")


def _zstd_error() -> type[Exception]:
    """Return the error of a broken .zst file."""
    import zstandard

    found: type[Exception] = zstandard.ZstdError
    return found


def _decompress(path: Path) -> bytes:
    check_is_file(path)
    try:
        with _open(path) as file:
            return file.read()
    except (lzma.LZMAError, zlib.error, EOFError, _zstd_error(), OSError) as error:
        if isinstance(error, OSError) and error.errno:  # bz2 has no exception of its own: one without a number
            raise UsageError(f"{path}: cannot be read: {error.strerror}.") from None
        raise UsageError(f"{path}: not a whole {path.suffix} file: {error}. Make or fetch it again.") from None


def _decode(content: bytes, path: Path) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UsageError(f"{path}: is UTF-16; bloodbank reads UTF-8. Convert it: iconv -f UTF-16 -t UTF-8.")
    if b"\x00" in content[:65_536]:
        raise UsageError(f"{path}: binary data, not text. Give a UTF-8 text file with one paragraph a line.")
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        byte = content[error.start]
        raise UsageError(
            f"{path}: not UTF-8: byte 0x{byte:02x} in line {line}. Convert it, for example: iconv -f LATIN1 -t UTF-8."
        ) from None

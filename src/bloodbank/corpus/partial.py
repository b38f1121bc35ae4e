"""A file of a web server while it is fetched: what it should be, and the part of it that is here.

Reads and writes `.NAME.part` with `.NAME.part.json` beside it, which says of what it is a part:

    part = Part(folder / "fiwiki.xml.bz2", remote)
    part.size(), part.validator()
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Remote:
    """A file on a server.

    Attributes:
        url: Its address.
        algorithm: `sha1` or `md5`.
        checksum: Hexadecimal.
        size_bytes: None where it is not known.
    """

    url: str
    algorithm: str
    checksum: str
    size_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Transfer:
    """How far a file is.

    Attributes:
        path: Where it will be.
        n_bytes: Bytes that are here.
        size_bytes: Bytes in all; None where that is not known.
        note: What happened, for people; empty while bytes arrive.
    """

    path: Path
    n_bytes: int
    size_bytes: int | None
    note: str = ""


OnTransfer = Callable[[Transfer], None]


class Part:
    """The part of a file that is here."""

    def __init__(self, path: Path, remote: Remote) -> None:
        self.final, self.remote = path, remote
        self.path = _part_path(path)
        self._note = path.with_name(f".{path.name}.part.json")

    def size(self) -> int:
        """Return the bytes that are here."""
        return self.path.stat().st_size if self.path.exists() else 0

    def validator(self) -> str | None:
        """Return what names the version of the file that this is a part of; None where it is a part of another file."""
        try:
            note = json.loads(self._note.read_text(encoding="utf-8"))
            return str(note["validator"]) if note["checksum"] == self.remote.checksum else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def start(self, validator: str) -> None:
        """Begin with no bytes."""
        note = {"url": self.remote.url, "checksum": self.remote.checksum, "validator": validator}
        with self.path.open("wb"):
            self._note.write_text(json.dumps(note), encoding="utf-8")

    def finish(self) -> None:
        """Give the file its name."""
        with self.path.open("rb") as file:
            os.fsync(file.fileno())
        self.path.replace(self.final)
        self._note.unlink(missing_ok=True)

    def discard(self) -> None:
        """Remove the part, and what says of what it is one."""
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def state(self, note: str = "") -> Transfer:
        """Say how far the file is."""
        return Transfer(self.final, self.size(), self.remote.size_bytes, note)


def is_right(path: Path, remote: Remote) -> bool:
    """Tell whether a file is there, whole and right.

    Args:
        path: Where it should be.
        remote: What it should be.

    Returns:
        Whether size and checksum are those that the server's owner gives.
    """
    if not path.is_file() or remote.size_bytes not in {None, path.stat().st_size}:
        return False
    with path.open("rb") as file:
        hashed = hashlib.file_digest(file, lambda: hashlib.new(remote.algorithm, usedforsecurity=False))
    return hashed.hexdigest() == remote.checksum


def bytes_here(path: Path) -> int:
    """Return the bytes of a file, or of the part of it, that are here."""
    there = (file for file in (path, _part_path(path)) if file.is_file())
    return next((file.stat().st_size for file in there), 0)


def _part_path(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")

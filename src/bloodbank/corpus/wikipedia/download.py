"""Files from a web server, whole and right or not at all.

Reads a server; writes `NAME`, and until that is whole `.NAME.part` with `.NAME.part.json` beside it, which says of
what it is a part. What was cut off goes on from there, in this process or a later one. The names are hidden, so that
whoever reads the folder while it is filled meets only whole files.

    download(Remote("https://dumps.wikimedia.org/…", "sha1", "da39…", 1_234), Path("fiwiki.xml.bz2"))
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bloodbank.corpus.wikipedia.web import (
    PATIENT,
    Connection,
    Cut,
    ask,
    blocks,
    first_byte,
    is_partial,
    patiently,
    version,
    whole_size,
)
from bloodbank.errors import BloodbankError
from bloodbank.store import Busy, disk_message, hold

if TYPE_CHECKING:
    from httpx2 import Response

_CHANGED = (
    "The dump may just have changed, or a mirror be behind: give the same command again, or another base address."
)


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


def download(
    remote: Remote, path: Path, connection: Connection = PATIENT, on_transfer: OnTransfer | None = None
) -> bool:
    """Fetch a file, going on where an earlier try was cut off; it gets its name when it is whole and right.

    Args:
        remote: What to fetch.
        path: Where to; a file that is there and right is left alone, one that is wrong is replaced.
        connection: How the server is asked.
        on_transfer: Is told how far it is.

    Returns:
        False where the file was there already.

    Raises:
        NotThere: The server has no such file.
        BloodbankError: The server refuses or cannot be reached, the file is not what its checksum says, the disk is
            full, or another process is fetching it.
    """
    tell = on_transfer or (lambda _: None)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with hold(path.with_name(f".{path.name}.lock")):
            if _is_right(path, remote):
                tell(Transfer(path, path.stat().st_size, remote.size_bytes, "is there already, and right"))
                return False
            _fetch(_Part(path, remote), connection, tell)
            return True
    except Busy as busy:
        raise BloodbankError(
            f"{path} is being fetched by {busy.owner}. Wait until it is done, then give the same command again."
        ) from None
    except OSError as error:  # of the disk: those of the network never come so far
        message = disk_message(error, path) or f"cannot write {path}: {os.strerror(error.errno or 0)}."
        raise BloodbankError(message) from error


def bytes_here(path: Path) -> int:
    """Return the bytes of a file, or of the part of it, that are here."""
    there = (file for file in (path, _part_path(path)) if file.is_file())
    return next((file.stat().st_size for file in there), 0)


class _Part:
    """The part of a file that is here."""

    def __init__(self, path: Path, remote: Remote) -> None:
        self.final, self.remote = path, remote
        self.path = _part_path(path)
        self._note = path.with_name(f".{path.name}.part.json")

    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def validator(self) -> str | None:
        """Return what names the version of the file that this is a part of; None where it is a part of another file."""
        try:
            note = json.loads(self._note.read_text(encoding="utf-8"))
            return str(note["validator"]) if note["checksum"] == self.remote.checksum else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def start(self, validator: str) -> None:
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
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)

    def state(self, note: str = "") -> Transfer:
        return Transfer(self.final, self.size(), self.remote.size_bytes, note)


def _part_path(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


def _is_right(path: Path, remote: Remote) -> bool:
    """Tell whether a file is there with the size and the checksum that the server's owner gives."""
    if not path.is_file() or remote.size_bytes not in {None, path.stat().st_size}:
        return False
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.new(remote.algorithm, usedforsecurity=False))
    return digest.hexdigest() == remote.checksum


def _fetch(part: _Part, connection: Connection, tell: OnTransfer) -> None:
    """Bring a part to its end, check it, and give it its name; a resumed one that is wrong is fetched anew, once."""
    if part.validator() is None:
        part.discard()
    resumed = part.size() > 0
    while True:
        if part.size() != part.remote.size_bytes:
            resumed = _transfer(part, connection, tell) or resumed
        if _is_right(part.path, part.remote):
            part.finish()
            size = part.final.stat().st_size
            tell(Transfer(part.final, size, part.remote.size_bytes, "whole, and right"))
            return
        n_bytes = part.size()
        part.discard()
        if not resumed:
            raise BloodbankError(
                f"{part.remote.url}: the {n_bytes:,} bytes that came do not have the {part.remote.algorithm} "
                f"{part.remote.checksum}, so they were removed. {_CHANGED}"
            )
        resumed = False
        tell(part.state("the parts do not fit together; fetching it anew"))


def _transfer(part: _Part, connection: Connection, tell: OnTransfer) -> bool:
    """Fetch what is missing; tell whether more than one answer brought it."""
    url, n_answers = part.remote.url, 0

    def receive() -> None:
        nonlocal n_answers
        n_answers += 1
        try:
            with ask(url, connection, headers=_range_of(part)) as answer:
                _join(part, answer)
                _check_size(part, answer)
                _append(part, answer, tell)
        except Cut as cut:
            if cut.anew:
                part.discard()
            raise

    patiently(receive, url, connection, n_bytes=part.size, tell=lambda note: tell(part.state(note)))
    return n_answers > 1


def _range_of(part: _Part) -> dict[str, str]:
    """Ask for what is missing, if the file is still the one that the part is of."""
    size, validator = part.size(), part.validator()
    if not size or validator is None:
        return {}
    return {"Range": f"bytes={size}-"} | ({"If-Range": validator} if validator else {})


def _join(part: _Part, answer: Response) -> None:
    """Go on where the part ends if the answer does; a server that sends the whole file makes it begin anew."""
    if not is_partial(answer):
        part.start(version(answer))
    elif first_byte(answer) != part.size() or version(answer) != part.validator():
        raise Cut("the file has changed on the server, beginning anew", anew=True)


def _check_size(part: _Part, answer: Response) -> None:
    """Refuse a file of another size before it is fetched, and one for which there is no room."""
    total, announced = whole_size(answer), part.remote.size_bytes
    if None not in {total, announced} and total != announced:
        raise BloodbankError(f"{part.remote.url}: has {total:,} bytes, but {announced:,} were announced. {_CHANGED}")
    missing, free = (total or announced or 0) - part.size(), shutil.disk_usage(part.path.parent).free
    if missing > free:
        raise BloodbankError(
            f"{part.final}: {missing:,} bytes are to come, but there is room for {free:,}. Make room and give the same "
            "command again; what is here is kept."
        )


def _append(part: _Part, answer: Response, tell: OnTransfer) -> None:
    total = part.remote.size_bytes or whole_size(answer)
    with part.path.open("ab") as file:
        for block in blocks(answer):
            file.write(block)
            file.flush()
            tell(part.state())
            if total is not None and part.size() > total:
                n_bytes = part.size()
                part.discard()
                raise BloodbankError(f"{part.remote.url}: {n_bytes:,} bytes came of {total:,} announced; removed.")
    if total is not None and part.size() < total:
        raise Cut(f"cut off after {part.size():,} of {total:,} bytes")

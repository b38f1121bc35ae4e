"""One lock per output, so that several processes can share a run folder.

A lock is a small file that names the process and host that hold it. A lock whose process has died on this host
is taken over; one held elsewhere is reported with its owner.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import SoftFileLock, Timeout

_NAMELESS_SECONDS = 30.0


class Busy(Exception):  # noqa: N818 - not an error: the work is being done by someone else
    """Another process holds the lock.

    Args:
        owner: Process and host, readable.
    """

    def __init__(self, owner: str) -> None:
        super().__init__(owner)
        self.owner = owner


@contextmanager
def hold(path: Path) -> Iterator[None]:
    """Hold the lock file at `path`, without waiting for it.

    Args:
        path: The lock file; its folder is made where it is missing.

    Raises:
        Busy: Another living process holds it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = SoftFileLock(path)
    try:
        # Taking over a dead owner's lock can need a second attempt, so not quite zero.
        lock.acquire(timeout=0.2, poll_interval=0.05)
    except Timeout as timeout:
        if not _is_abandoned(path):
            raise Busy(owner_of(path)) from timeout
        path.unlink(missing_ok=True)
        lock.acquire(timeout=0.2, poll_interval=0.05)
    try:
        yield
    finally:
        lock.release()


def _is_abandoned(path: Path) -> bool:
    """Tell whether a lock names nobody and is old: its process was cut off, by a power cut say, before it could."""
    try:
        stat = path.stat()
    except OSError:
        return False
    return stat.st_size == 0 and time.time() - stat.st_mtime > _NAMELESS_SECONDS


def owner_of(path: Path) -> str:
    """Say who holds a lock file: `process 123 on host`."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError):
        return "a process that has just finished"
    if len(lines) < 2 or not lines[0].strip():
        return "a process that has not said its name yet"
    return f"process {lines[0].strip()} on {lines[1].strip()}"

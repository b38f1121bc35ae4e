"""Where each stage's output lives.

An output is a folder `STAGE/LABEL-KEY`. The key is the hash of everything that can change its content (resolved
settings, the keys of its inputs, and the version of the code that makes it); the label is for people. An output
is written under a temporary name, synced, and renamed last: a folder that has its final name is whole.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from filelock import SoftFileLock, Timeout

from bloodbank.errors import BloodbankError, UsageError

# Tables of a run, which whatever opens its bank looks for beside it.
MEASUREMENTS, SENTENCE_SCORES, AUDIT_FILE = "measurements.csv", "sentence_scores.parquet", "audit.json"
PROVENANCE = "provenance.json"
_LONGEST_NAME = 60  # characters; file systems take 255 bytes, with what is added to a name
_WRONG_KIND = {errno.ENOTDIR, errno.EISDIR, errno.EEXIST}
_DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}


def digest(*parts: Any) -> str:
    """Hash plain values (numbers, strings, lists, dicts) to a key of 16 hexadecimal digits."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def file_name(name: str) -> str:
    """Make a file name of a bank's name, which may be anything: one that stays in its folder and is not hidden."""
    return re.sub(r"[^\w.-]+", "-", name)[:_LONGEST_NAME].strip("-.") or "bank"


def file_digest(path: Path) -> str:
    """Hash the bytes of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True)
class Output:
    """The address of one output.

    Attributes:
        stage: Name of the stage, which is the folder under the run folder.
        label: What it is, for people: `fi-de-seed0`.
        key: Hash of its resolved inputs.
    """

    stage: str
    label: str
    key: str

    @property
    def name(self) -> str:
        """Folder name."""
        return f"{self.label}-{self.key}"


class Store:
    """The outputs of one run folder.

    Args:
        root: The run folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, output: Output) -> Path:
        """Return where an output is, or will be."""
        return self.root / output.stage / output.name

    def has(self, output: Output) -> bool:
        """Tell whether an output is there, whole."""
        return self.path(output).is_dir()

    def lock_path(self, output: Output) -> Path:
        """Return the lock file of an output."""
        return self.root / "locks" / f"{output.stage}-{output.name}.lock"

    def owner(self, output: Output) -> str | None:
        """Say which process is making an output now, or None."""
        path = self.lock_path(output)
        if not path.exists():
            return None
        try:
            with hold(path):  # a dead owner's lock is taken over and released here
                return None
        except Busy:
            return owner_of(path)

    @contextmanager
    def lock(self, output: Output) -> Iterator[None]:
        """Hold the lock of one output; raises `Busy` where another process holds it."""
        with hold(self.lock_path(output)):
            yield

    @contextmanager
    def write(self, output: Output, provenance: dict[str, Any]) -> Iterator[Path]:
        """Give a temporary folder that becomes the output when the block ends without an error.

        Args:
            output: What is written.
            provenance: Stands beside the result: settings, versions, seconds. May be filled inside the block.

        Raises:
            BloodbankError: The disk is full or cannot be written.
        """
        final = self.path(output)
        temporary: Path | None = None
        try:
            final.parent.mkdir(parents=True, exist_ok=True)
            temporary = Path(tempfile.mkdtemp(prefix=f".{output.label}+{_here()}+", dir=final.parent))
            temporary.chmod(0o755)  # mkdtemp's 0700 would hide the output from a group that shares the run
            yield temporary
            write_json(temporary / PROVENANCE, provenance)
            _sync_tree(temporary)
            _rename(temporary, final)
        except OSError as error:
            raise_disk_error(error, final)
        finally:
            if temporary is not None and temporary.exists():
                shutil.rmtree(temporary, ignore_errors=True)

    def remove_leftovers(self, stage: str) -> None:
        """Remove temporary folders and files that processes of this host left behind when they died."""
        for path in (self.root / stage).glob(".*+*+*"):
            owner = path.name.split("+")[1]
            host, _, pid = owner.rpartition("@")
            if host == socket.gethostname() and not _is_alive(int(pid)):
                path.unlink() if path.is_file() else shutil.rmtree(path, ignore_errors=True)

    def remove(self, output: Output) -> None:
        """Remove an output; it vanishes under its name first, so that it is never half there."""
        path = self.path(output)
        doomed = path.with_name(f".{output.label}+{_here()}+removed")
        with suppress(FileNotFoundError):  # another process may remove it at the same moment
            path.rename(doomed)
        shutil.rmtree(doomed, ignore_errors=True)


def write_json(path: Path, content: Any) -> None:
    """Write readable JSON; NaN is refused, because JSON has none."""
    path.write_text(
        json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False, default=str) + "\n",
        encoding="utf-8",
    )


@contextmanager
def replace_file(path: Path) -> Iterator[Path]:
    """Give a temporary path that replaces `path` when the block ends without an error.

    Raises:
        BloodbankError: The disk is full or cannot be written.
        UsageError: A file stands where a folder is needed, or the other way round; or a device or pipe stands there.
    """
    temporary = path.with_name(f".{path.name}+{_here()}+new")
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):  # replacing /dev/null would break the machine
            raise UsageError(f"cannot write {path}: it is a device or a pipe, not a file. Give the name of a file.")
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        _sync(temporary)
        temporary.replace(path)
    except OSError as error:
        if error.errno in _WRONG_KIND:
            raise UsageError(
                f"cannot write {path}: {os.strerror(error.errno)}. A file stands where a folder is needed, or a folder "
                "where the file is to go; give another place, or move it away."
            ) from error
        raise_disk_error(error, path)
    finally:
        with suppress(OSError):  # there is no such folder, which has been said
            temporary.unlink(missing_ok=True)


def raise_disk_error(error: OSError, path: Path) -> NoReturn:
    """Raise a message that says what to do next where the disk refused; any other error goes on as it is."""
    message = disk_message(error, path)
    if message is None:
        raise error
    raise BloodbankError(message) from error


def disk_message(error: OSError, path: Path) -> str | None:
    """Say what happened and what to do next where the disk refused; None for any other error."""
    if error.errno not in _DISK_ERRORS:
        return None
    return (
        f"cannot write {path}: {os.strerror(error.errno)}. What was finished before is whole and kept; "
        "make room (or permission) and give the same command again to go on."
    )


def _here() -> str:
    """Name this process among those that may share a file system."""
    return f"{socket.gethostname()}@{os.getpid()}"


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # somebody else's, but alive
    return True


def _rename(temporary: Path, final: Path) -> None:
    """Rename a whole folder to its final name; one that is already there has the same content and stays."""
    try:
        temporary.rename(final)
    except OSError:
        if not final.is_dir():
            raise
    _sync(final.parent)


def _sync_tree(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            _sync(path)
    _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# One lock per output, so that several processes can share a run folder.


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

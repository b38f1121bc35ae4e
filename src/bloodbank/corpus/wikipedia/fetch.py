"""Wikipedia's dumps from Wikimedia or a mirror: of many languages and one date, going on where a transfer was cut off.

Reads a server; writes `FOLDER/DATE/LANGUAGE/`, which the source `wikipedia` reads. Command: `bloodbank corpus fetch`.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bloodbank.corpus.wikipedia.download import OnTransfer, Remote, bytes_here, download
from bloodbank.corpus.wikipedia.mirror import Listed, Unfinished, Wiki
from bloodbank.corpus.wikipedia.web import PATIENT, Connection, get_size
from bloodbank.errors import BloodbankError, UsageError

WIKIMEDIA = "https://dumps.wikimedia.org"
LATEST = "latest"
_DATE = re.compile(r"20\d{6}")


@dataclass(frozen=True, slots=True)
class DumpFile:
    """A file of a dump.

    Attributes:
        language: Code.
        name: As Wikimedia names it.
        remote: Where it is, its size and checksum.
    """

    language: str
    name: str
    remote: Remote


@dataclass(frozen=True, slots=True)
class FetchPlan:
    """What there is to fetch.

    Attributes:
        date: Of the dumps, `20261101`.
        files: In the order in which they are fetched: of each part the index, then the text.
    """

    date: str
    files: tuple[DumpFile, ...]

    @property
    def size_bytes(self) -> int:
        """Bytes of all files whose size is known."""
        return sum(file.remote.size_bytes or 0 for file in self.files)

    def path(self, file: DumpFile, folder: Path) -> Path:
        """Return where a file comes to lie."""
        return folder / self.date / file.language / file.name

    def missing_bytes(self, folder: Path) -> int:
        """Return the bytes that are not there yet."""
        here = (min(bytes_here(self.path(file, folder)), file.remote.size_bytes or 0) for file in self.files)
        return self.size_bytes - sum(here)


def plan_fetch(
    languages: Sequence[str],
    date: str = LATEST,
    *,
    base: str = WIKIMEDIA,
    n_parts: int | None = None,
    connection: Connection = PATIENT,
) -> FetchPlan:
    """Find out what there is to fetch, and how large it is.

    Args:
        languages: Codes.
        date: `20261101`, or `latest`: the newest at which the dumps of all these languages are finished.
        base: Address that stands before `/dewiki/20261101/`.
        n_parts: Of wikis that come in several parts only so many, evenly spread over the pages; all by default.
        connection: How the server is asked.

    Raises:
        UsageError: The server has no Wikipedia of a language, or no dump of the date; names the dates that there are.
        BloodbankError: The dump is not finished, or the server cannot be asked.
    """
    _check(languages, date, base, n_parts)
    wikis = [Wiki(base.rstrip("/"), language, connection) for language in dict.fromkeys(languages)]
    if date == LATEST:
        date, listed = _newest(wikis)
    else:
        listed = [wiki.files(date) for wiki in wikis]
    files: list[DumpFile] = []
    for wiki, all_files in zip(wikis, listed, strict=True):
        for file in _chosen(all_files, n_parts):
            url = f"{wiki.url}/{date}/{file.name}"  # the address in dumpstatus.json is Wikimedia's own, not a mirror's
            size = get_size(url, connection) if file.size_bytes is None else file.size_bytes
            files.append(DumpFile(wiki.language, file.name, Remote(url, file.algorithm, file.checksum, size)))
    return FetchPlan(date, tuple(files))


def fetch_plan(
    plan: FetchPlan, folder: Path, *, connection: Connection = PATIENT, on_transfer: OnTransfer | None = None
) -> list[Path]:
    """Fetch what a plan names, one file after the other; what is there already and right is left alone.

    Args:
        plan: From `plan_fetch`.
        folder: The dumps come to lie in `FOLDER/DATE/LANGUAGE/`.
        connection: How the server is asked.
        on_transfer: Is told how far each file is.

    Returns:
        The files, in the order of the plan.

    Raises:
        BloodbankError: A file cannot be fetched or is not what its checksum says, the disk is full, or another process
            is fetching it.
    """
    missing, free = plan.missing_bytes(folder), shutil.disk_usage(_existing(folder)).free
    if missing > free:
        raise BloodbankError(
            f"{folder}: the dumps need {missing:,} bytes more, but there is room for {free:,}. Name fewer languages or "
            "parts, or another folder."
        )
    paths = []
    for file in plan.files:
        path = plan.path(file, folder)
        download(file.remote, path, connection, on_transfer)
        paths.append(path)
    return paths


def _check(languages: Sequence[str], date: str, base: str, n_parts: int | None) -> None:
    if not languages:
        raise UsageError("no language: name at least one, such as 'de' or 'pms'.")
    if not _DATE.fullmatch(date) and date != LATEST:
        raise UsageError(f"{date!r} is no date of a dump: write 20261101, or {LATEST!r} for the newest.")
    if n_parts is not None and n_parts < 1:
        raise UsageError(f"{n_parts} parts: fetch at least one.")
    address = urlsplit(base)
    if address.scheme not in {"http", "https"} or not address.netloc:
        raise UsageError(f"{base!r} is no address of a server: write it as in {WIKIMEDIA!r}.")


def _newest(wikis: Sequence[Wiki]) -> tuple[str, list[list[Listed]]]:
    """Find the newest date at which the dumps of all wikis are finished, and their files."""
    common = set.intersection(*(set(wiki.dates) for wiki in wikis))
    why = "they have no date in common."
    for date in sorted(common, reverse=True):
        try:
            return date, [wiki.files(date) for wiki in wikis]
        except Unfinished as unfinished:
            why = str(unfinished)
    there = "; ".join(f"{wiki.database}: {', '.join(wiki.dates) or 'none'}" for wiki in wikis)
    raise BloodbankError(f"no date has finished dumps of all these languages: {why} Dates there are: {there}.")


def _chosen(files: Sequence[Listed], n_parts: int | None) -> Iterator[Listed]:
    """Choose one form of the text, with indexes where there are any, in parts where there are any."""
    texts = [file for file in files if not file.is_index]
    multistream = any(file.multistream for file in texts)
    texts = [file for file in texts if file.multistream == multistream]
    in_parts = any(file.part[0] for file in texts)  # small files: one that is wrong costs only itself
    texts = sorted((file for file in texts if bool(file.part[0]) == in_parts), key=lambda file: file.part)
    indexes = {file.part: file for file in files if file.is_index}
    n = min(n_parts or len(texts), len(texts))
    for i in range(n):
        # Pages are numbered by age, so the first parts alone would be a sample of the oldest articles.
        text = texts[(2 * i + 1) * len(texts) // (2 * n)]
        if multistream and text.part in indexes:
            yield indexes[text.part]
        yield text


def _existing(folder: Path) -> Path:
    """Return the folder, or the nearest above it that exists."""
    folder = folder.absolute()
    while not folder.exists():
        folder = folder.parent
    return folder

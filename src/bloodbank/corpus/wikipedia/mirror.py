"""What a server of Wikipedia's dumps has: which wikis, of which dates, and the files of each dump.

The layout is Wikimedia's: `BASE/dewiki/` lists dates, `BASE/dewiki/20261101/dumpstatus.json` the jobs that write a dump
with their files, sizes and checksums, and `dewiki-20261101-sha1sums.txt` and `…-md5sums.txt` the checksums alone.

    Wiki("https://dumps.wikimedia.org", "fi", Connection()).files("20261101")
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bloodbank.corpus.wikipedia.web import Connection, NotThere, get_text
from bloodbank.errors import BloodbankError, UsageError
from bloodbank.languages import get_language

# Wikipedias whose database is not named after the code of their language.
_DATABASES = {
    "be-tarask": "be_x_old", "gsw": "als", "lzh": "zh_classical", "nan": "zh_min_nan", "nb": "no", "rup": "roa_rup",
    "sgs": "bat_smg", "vro": "fiu_vro", "yue": "zh_yue",
}  # fmt: skip
# The job that writes the dump, in parts where the wiki is large; the one that joins the parts; the one without index.
_MULTISTREAM, _JOINED, _PLAIN = "articlesmultistreamdump", "articlesmultistreamdumprecombine", "articlesdump"
_LISTED = re.compile(r"""href=["']?(?:[^"'> ]*/)?(20\d{6})/?["' >]""")
_NAME = re.compile(
    r"-pages-articles(?P<form>-multistream)?"
    r"(?:(?P<index>-index)(?P<index_number>\d*)\.txt|(?P<number>\d*)\.xml)(?:-p(?P<first>\d+)p(?P<last>\d+))?\.bz2"
)


@dataclass(frozen=True, slots=True)
class Listed:
    """What a server says of a file.

    Attributes:
        name: As Wikimedia names it.
        multistream: Can be read from many places, with an index.
        is_index: The index of a part, not its text.
        part: Number of the part, its first and last page; zeros where the wiki comes in one.
        algorithm: `sha1` or `md5`.
        checksum: Hexadecimal.
        size_bytes: None where it is not told.
    """

    name: str
    multistream: bool
    is_index: bool
    part: tuple[int, int, int]
    algorithm: str
    checksum: str
    size_bytes: int | None


class Unfinished(BloodbankError):  # noqa: N818 - an answer that the caller may expect
    """There is a dump, but not all of it yet."""


def wiki_database(language: str) -> str:
    """Return the name of the database of a language's Wikipedia: `dewiki`, `zh_min_nanwiki`.

    Raises:
        UsageError: The code is not in the table, or is a private-use code.
    """
    code = get_language(language).code
    if code.startswith("x-"):
        raise UsageError(f"{code!r} is a private-use code, so there is no Wikipedia of it; leave it out.")
    return _DATABASES.get(code, code.replace("-", "_")) + "wiki"


class Wiki:
    """A Wikipedia on a server.

    Args:
        base: Address that stands before `/dewiki/20261101/`.
        language: Code.
        connection: How the server is asked.
    """

    def __init__(self, base: str, language: str, connection: Connection) -> None:
        self.language, self.database, self._connection = language, wiki_database(language), connection
        self.url = f"{base}/{self.database}"

    @cached_property
    def dates(self) -> list[str]:
        """Dates of the dumps, newest first.

        Raises:
            UsageError: The server has no such wiki.
        """
        try:
            return sorted(set(_LISTED.findall(self._page(""))), reverse=True)
        except NotThere:
            raise UsageError(
                f"{self.url}/: this server has no Wikipedia of {self.language!r} ({self.database}). Leave the language "
                "out, or check the base address."
            ) from None

    def files(self, date: str) -> list[Listed]:
        """Return the texts and indexes of a dump; of texts in several forms all.

        Raises:
            UsageError: There is no dump of that date; names the dates that there are.
            Unfinished: There is, but not all of it yet.
            BloodbankError: The server cannot be asked, or answers something else.
        """
        try:
            return self._from_status(date, self._page(f"{date}/dumpstatus.json"))
        except NotThere:  # old dumps have none, and not every mirror keeps it
            pass
        for algorithm in ("sha1", "md5"):
            try:
                sums = self._page(f"{date}/{self.database}-{date}-{algorithm}sums.txt")
            except NotThere:
                continue
            return self._from_sums(date, algorithm, sums)
        if date in self.dates:
            raise Unfinished(f"{self.url}/{date}/: the dump has only begun. {self._earlier(date)}")
        raise UsageError(
            f"{self.url}/ has no dump of {date}. It has those of: {', '.join(self.dates) or 'no date'}. Older ones may "
            "be on a mirror: give its base address."
        )

    def _page(self, name: str) -> str:
        return get_text(f"{self.url}/{name}", self._connection)

    def _from_status(self, date: str, page: str) -> list[Listed]:
        where = f"{self.url}/{date}/dumpstatus.json"
        try:
            jobs: Mapping[str, Mapping[str, Any]] = dict(json.loads(page)["jobs"])
            wanted = (_MULTISTREAM, _JOINED) if _MULTISTREAM in jobs else (_PLAIN,)
            done = [job for job in wanted if jobs.get(job, {}).get("status") == "done"]
            if not done:
                status = jobs.get(wanted[0], {}).get("status", "not begun")
                raise Unfinished(
                    f"{where}: the dump of {date} is not finished ({wanted[0]}: {status}). {self._earlier(date)}"
                )
            listed = [self._listed(date, name, dict(info)) for name, info in jobs[done[0]]["files"].items()]
        except (ValueError, KeyError, TypeError, AttributeError):
            raise BloodbankError(f"{where}: not what Wikimedia writes there. Check the base address.") from None
        return self._checked(date, listed)

    def _from_sums(self, date: str, algorithm: str, page: str) -> list[Listed]:
        lines = (line.split() for line in page.splitlines())
        sums = {line[1]: line[0] for line in lines if len(line) == 2}
        return self._checked(date, [self._listed(date, name, {algorithm: value}) for name, value in sums.items()])

    def _listed(self, date: str, name: str, info: Mapping[str, Any]) -> Listed | None:
        """Take in a file by its name; None where it is neither a text nor an index of this dump."""
        start = f"{self.database}-{date}"
        parts = _NAME.fullmatch(name.removeprefix(start)) if name.startswith(start) else None
        if parts is None:
            return None
        number = parts["index_number"] or parts["number"] or 0
        return Listed(
            name=name,
            multistream=parts["form"] is not None,
            is_index=parts["index"] is not None,
            part=(int(number), int(parts["first"] or 0), int(parts["last"] or 0)),
            algorithm="sha1" if info.get("sha1") else "md5",
            checksum=str(info.get("sha1") or info.get("md5") or "").lower(),
            size_bytes=None if info.get("size") is None else int(info["size"]),
        )

    def _checked(self, date: str, listed: list[Listed | None]) -> list[Listed]:
        files = [file for file in listed if file is not None]
        if all(file.is_index for file in files):
            raise Unfinished(f"{self.url}/{date}/: the dump has no text of articles. {self._earlier(date)}")
        for file in files:
            if not file.checksum:
                raise Unfinished(f"{self.url}/{date}/{file.name}: has no checksum yet. {self._earlier(date)}")
        return files

    def _earlier(self, date: str) -> str:
        before = [other for other in self.dates if other < date]
        return f"Take an earlier date ({', '.join(before)}), or try again later." if before else "Try again later."

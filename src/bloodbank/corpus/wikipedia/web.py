"""Asking a web server with patience: pauses that grow, pauses that it asks for, and clear words when it refuses."""

from __future__ import annotations

import email.utils
import http.client
import platform
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from typing import TypeVar

from bloodbank.errors import BloodbankError

_LONGEST_PAGE_BYTES = 50_000_000
_PASSING = {408, 425, 429, 500, 502, 503, 504}  # answers that another try may mend
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")
T = TypeVar("T")
Answer = http.client.HTTPResponse


@dataclass(frozen=True, slots=True)
class Connection:
    """How a server is asked.

    Attributes:
        contact: Address or e-mail of who asks; Wikimedia blocks programs that name nobody.
        timeout_seconds: How long a server may say nothing.
        n_tries: Tries in a row that bring nothing new, before giving up.
        first_wait_seconds: Pause before the second try; it doubles with each.
        longest_wait_seconds: Longest pause; a server that asks for a longer one is not waited for.
    """

    contact: str = ""
    timeout_seconds: float = 60.0
    n_tries: int = 6
    first_wait_seconds: float = 1.0
    longest_wait_seconds: float = 300.0

    @property
    def user_agent(self) -> str:
        """Name program, version and contact, in the form that Wikimedia's policy asks for."""
        contact = f" ({self.contact})" if self.contact else ""
        python = platform.python_version()
        return f"bloodbank/{metadata.version('bloodbank')}{contact} Python-urllib/{python}"


PATIENT = Connection()


class NotThere(BloodbankError):  # noqa: N818 - an answer that the caller may expect
    """The server has no such file."""


class Cut(Exception):  # noqa: N818 - not an error yet: another try may go on
    """What was asked did not come whole.

    Args:
        reason: For people.
        wait_seconds: Pause that the server asks for.
        anew: What came before is of no use.
    """

    def __init__(self, reason: str, *, wait_seconds: float = 0.0, anew: bool = False) -> None:
        super().__init__(reason)
        self.wait_seconds, self.anew = wait_seconds, anew


def get_text(url: str, connection: Connection = PATIENT) -> str:
    """Return a page.

    Raises:
        NotThere: There is none.
        BloodbankError: The server refuses, or cannot be reached after several tries.
    """

    def get() -> str:
        with ask(url, connection) as answer:
            page = read(answer, _LONGEST_PAGE_BYTES)
            length = content_length(answer)
            if length is not None and len(page) < min(length, _LONGEST_PAGE_BYTES):
                raise Cut(f"cut off after {len(page):,} of {length:,} bytes")
            return page.decode("utf-8", errors="replace")

    return patiently(get, url, connection)


def get_size(url: str, connection: Connection = PATIENT) -> int | None:
    """Return the size of a file in bytes, None where the server does not tell; raises as `get_text` does."""

    def get() -> int | None:
        with ask(url, connection, method="HEAD") as answer:
            return content_length(answer)

    return patiently(get, url, connection)


def patiently(
    action: Callable[[], T],
    url: str,
    connection: Connection,
    *,
    n_bytes: Callable[[], int] = lambda: 0,
    tell: Callable[[str], None] | None = None,
) -> T:
    """Do something again and again while it is cut off.

    Args:
        action: What to do.
        url: For the message.
        connection: How often, and how long to wait.
        n_bytes: What is here already: while it grows, tries do not run out.
        tell: Is told of each pause.

    Raises:
        BloodbankError: The tries are used up, or the server asks for too long a pause.
    """
    most, failed = n_bytes(), 0
    while True:
        try:
            return action()
        except Cut as cut:
            failed = 1 if n_bytes() > most else failed + 1
            most = max(most, n_bytes())
            _check_patience(cut, failed, url, connection)
            wait = min(connection.first_wait_seconds * 2.0 ** (failed - 1), connection.longest_wait_seconds)
            wait = max(wait, cut.wait_seconds)
            if tell:
                tell(f"{cut}; trying again in {wait:.0f} s")
            time.sleep(wait)


def _check_patience(cut: Cut, failed: int, url: str, connection: Connection) -> None:
    if cut.wait_seconds > connection.longest_wait_seconds:
        raise BloodbankError(
            f"{url}: the server asks to be left alone for {cut.wait_seconds:,.0f} seconds ({cut}). Give the same "
            "command again after that; what is here is kept."
        )
    if failed >= connection.n_tries:
        raise BloodbankError(
            f"{url}: {cut} ({failed} tries in a row). Check the network and the base address, then give the same "
            "command again; what is here is kept."
        )


@contextmanager
def ask(
    url: str, connection: Connection, *, method: str = "GET", headers: dict[str, str] | None = None
) -> Iterator[Answer]:
    """Send a request.

    Args:
        url: Begins with `http://` or `https://`.
        connection: Who asks, and how long an answer may take.
        method: GET or HEAD.
        headers: More headers.

    Raises:
        Cut: The network fails, or the server is too busy.
        NotThere: The server has no such file.
        BloodbankError: It refuses.
    """
    headers = {"User-Agent": connection.user_agent, "Accept-Encoding": "identity"} | (headers or {})
    request = urllib.request.Request(url, method=method, headers=headers)  # noqa: S310 - the caller checked its scheme
    try:
        answer = urllib.request.urlopen(request, timeout=connection.timeout_seconds)  # noqa: S310 - as above
    except urllib.error.HTTPError as error:
        with error:
            raise _refusal(url, error, connection) from None
    except (OSError, http.client.HTTPException) as error:
        raise Cut(_reason(error)) from error
    with answer:
        yield answer


def read(answer: Answer, n_bytes: int) -> bytes:
    """Read up to so many bytes of an answer; fewer only at its end."""
    try:
        return answer.read(n_bytes)
    except (OSError, http.client.HTTPException) as error:
        raise Cut(_reason(error)) from error


def content_length(answer: Answer) -> int | None:
    """Return the bytes that an answer promises, where it does."""
    length = answer.headers.get("Content-Length", "")
    return int(length) if length.isdigit() else None


def whole_size(answer: Answer) -> int | None:
    """Return the bytes of the whole file, of which an answer may be the end, where the server tells."""
    if answer.status != http.client.PARTIAL_CONTENT:
        return content_length(answer)
    found = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    return int(found[2]) if found and found[2].isdigit() else None


def first_byte(answer: Answer) -> int | None:
    """Return where in the file an answer begins; None where it does not say."""
    found = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    return int(found[1]) if found else None


def version(answer: Answer) -> str:
    """Return what names this version of a file: a strong ETag, else the date; empty where there is neither."""
    tag = answer.headers.get("ETag", "")
    return tag if tag and not tag.startswith("W/") else answer.headers.get("Last-Modified", "")


def _refusal(url: str, error: urllib.error.HTTPError, connection: Connection) -> Exception:
    said = f"{error.code} {error.reason}"
    if error.code in {404, 410}:
        return NotThere(f"{url}: the server has no such file ({said}).")
    if error.code in _PASSING:
        return Cut(said, wait_seconds=_asked_pause(error.headers.get("Retry-After", "")))
    if error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
        return Cut(said, anew=True)
    hint = "" if connection.contact else " Wikimedia lets in only who says how to be reached: give a contact."
    return BloodbankError(f"{url}: the server refuses ({said}).{hint}")


def _asked_pause(value: str) -> float:
    """Read Retry-After: seconds, or a date."""
    if value.strip().isdecimal():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return 0.0


def _reason(error: BaseException) -> str:
    reason = getattr(error, "reason", None) or error
    return "nothing came in time" if isinstance(reason, TimeoutError) else str(reason) or type(reason).__name__

"""Asking a web server with patience: pauses that grow, pauses that it asks for, and clear words when it refuses.

The library `httpx2` sends the requests, finds proxies and certificates, and follows redirects; how long to go on, and
where, is decided here and in `download`.

    get_text("https://dumps.wikimedia.org/dewiki/", Connection(contact="me@example.org"))
"""

from __future__ import annotations

import email.utils
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from bloodbank.errors import BloodbankError

if TYPE_CHECKING:
    from ssl import SSLContext

    from httpx2 import Request, Response

_BLOCK_BYTES = 1 << 20
_MOST_BLOCKS_OF_PAGE = 50  # the largest status of a dump has about one megabyte
_PARTIAL, _RANGE_IS_WRONG = 206, 416
_NOT_THERE = {404, 410}
_PASSING = {408, 425, 429, 500, 502, 503, 504}  # answers that another try may mend
_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")
T = TypeVar("T")


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
        """Name program, version, contact and library, in the form that Wikimedia's policy asks for."""
        contact = f" ({self.contact})" if self.contact else ""
        return f"bloodbank/{metadata.version('bloodbank')}{contact} python-httpx2/{metadata.version('httpx2')}"


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
            page = b"".join(islice(blocks(answer), _MOST_BLOCKS_OF_PAGE))
            length = content_length(answer)
            if length is not None and len(page) < min(length, _MOST_BLOCKS_OF_PAGE * _BLOCK_BYTES):
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
    most, n_failed = n_bytes(), 0
    while True:
        try:
            return action()
        except Cut as cut:
            n_failed = 1 if n_bytes() > most else n_failed + 1
            most = max(most, n_bytes())
            _check_patience(cut, n_failed, url, connection)
            wait = min(connection.first_wait_seconds * 2.0 ** (n_failed - 1), connection.longest_wait_seconds)
            wait = max(wait, cut.wait_seconds)
            if tell:
                tell(f"{cut}; trying again in {wait:.0f} s")
            time.sleep(wait)


def _check_patience(cut: Cut, n_failed: int, url: str, connection: Connection) -> None:
    if cut.wait_seconds > connection.longest_wait_seconds:
        raise BloodbankError(
            f"{url}: the server asks to be left alone for {cut.wait_seconds:,.0f} seconds ({cut}). Give the same "
            "command again after that; what is here is kept."
        )
    if n_failed >= connection.n_tries:
        raise BloodbankError(
            f"{url}: {cut} ({n_failed} tries in a row). Check the network and the base address, then give the same "
            "command again; what is here is kept."
        )


@contextmanager
def ask(
    url: str, connection: Connection, *, method: str = "GET", headers: dict[str, str] | None = None
) -> Iterator[Response]:
    """Send a request, and follow where the server sends it on to, but never from https to anything else.

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
    import httpx2

    headers = {"User-Agent": connection.user_agent, "Accept-Encoding": "identity"} | (headers or {})
    client = httpx2.Client(
        follow_redirects=True,
        timeout=connection.timeout_seconds,
        event_hooks={"request": [_stay_on_https(url)]},
        verify=_certificates(),
    )
    try:
        with client, client.stream(method, url, headers=headers) as answer:
            if not answer.is_success:
                raise _refusal(url, answer, connection)
            yield answer
    except (httpx2.TooManyRedirects, httpx2.UnsupportedProtocol, httpx2.InvalidURL) as error:
        raise BloodbankError(f"{url}: the server sends on to no file ({error}). Give another base address.") from error
    except httpx2.TransportError as error:
        raise Cut(_reason(error)) from error


@cache
def _certificates() -> SSLContext:
    """Read the certificates that are trusted, once: a dump comes in many requests."""
    import httpx2

    return httpx2.create_ssl_context()


def _stay_on_https(url: str) -> Callable[[Request], None]:
    """Check each request before it is sent: what was asked for over https may not come unprotected."""
    is_safe = False

    def check(request: Request) -> None:
        nonlocal is_safe
        if is_safe and request.url.scheme != "https":
            raise BloodbankError(
                f"{url}: the server sends on to {request.url}, from https to {request.url.scheme}, which anyone on the "
                "way could change; not followed. Give another base address, one that keeps to https."
            )
        is_safe = request.url.scheme == "https"

    return check


def blocks(answer: Response) -> Iterator[bytes]:
    """Yield what an answer brings, a megabyte at a time; what comes before the network fails is yielded, too.

    Where the server hangs up before the length that it promised it ends there, since the caller knows what is missing.

    Raises:
        Cut: The network fails in another way.
    """
    import httpx2

    gathered, cut = bytearray(), None
    try:
        for piece in answer.iter_raw():
            gathered += piece
            while len(gathered) >= _BLOCK_BYTES:
                yield bytes(gathered[:_BLOCK_BYTES])
                del gathered[:_BLOCK_BYTES]
    except httpx2.TransportError as error:
        if not isinstance(error, httpx2.RemoteProtocolError) or content_length(answer) is None:
            cut = Cut(_reason(error))
    if gathered:
        yield bytes(gathered)
    if cut:
        raise cut


def content_length(answer: Response) -> int | None:
    """Return the bytes that an answer promises, where it does."""
    length = answer.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() else None


def is_partial(answer: Response) -> bool:
    """Tell whether an answer is a part of the file."""
    return answer.status_code == _PARTIAL


def whole_size(answer: Response) -> int | None:
    """Return the bytes of the whole file, of which an answer may be the end, where the server tells."""
    if not is_partial(answer):
        return content_length(answer)
    stretch = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    return int(stretch[2]) if stretch and stretch[2] != "*" else None


def first_byte(answer: Response) -> int | None:
    """Return where in the file an answer begins; None where it does not say."""
    stretch = _RANGE.fullmatch(answer.headers.get("Content-Range", ""))
    return int(stretch[1]) if stretch else None


def version(answer: Response) -> str:
    """Return what names this version of a file: a strong ETag, else the date; empty where there is neither."""
    tag = answer.headers.get("ETag", "")
    return tag if tag and not tag.startswith("W/") else answer.headers.get("Last-Modified", "")


def _refusal(url: str, answer: Response, connection: Connection) -> Exception:
    status = f"{answer.status_code} {answer.reason_phrase}"
    if answer.status_code in _NOT_THERE:
        return NotThere(f"{url}: the server has no such file ({status}).")
    if answer.status_code in _PASSING:
        return Cut(status, wait_seconds=_asked_pause(answer.headers.get("Retry-After", "")))
    if answer.status_code == _RANGE_IS_WRONG:
        return Cut(status, anew=True)
    hint = "" if connection.contact else " Wikimedia lets in only who says how to be reached: give a contact."
    return BloodbankError(f"{url}: the server refuses ({status}).{hint}")


def _asked_pause(value: str) -> float:
    """Read Retry-After: seconds, or a date."""
    if value.strip().isdecimal():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return 0.0


def _reason(error: Exception) -> str:
    import httpx2

    if isinstance(error, httpx2.TimeoutException):
        return "nothing came in time"
    return str(error) or type(error).__name__

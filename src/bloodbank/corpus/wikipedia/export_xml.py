"""The export format of MediaWiki: from the XML of a dump to its pages, one at a time. A private module.

The parser is Python's own expat, fed block by block: it finds the encoding by itself, and holds no more than the page
that is being read. A document type is refused, so that no entity can be declared and expanded.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from bloodbank.errors import UsageError

LONGEST_PAGE_CHARS = 20_000_000  # MediaWiki's own limit is 2 MB
_LONGEST_TAG_BYTES = 10_000_000
_DEEPEST = 20  # elements within one another; a dump has six
_ROOT = "mediawiki"
_AGAIN = "Fetch the dump again."
_WANTED = "Give a dump of a wiki's articles (pages-articles), as .xml.bz2, .xml.gz or .xml."
_PAGE = {("page", "title"), ("page", "ns"), ("revision", "model"), ("revision", "text")}
_SITE = {("siteinfo", name) for name in ("sitename", "dbname", "base", "generator")} | {("namespaces", "namespace")}


@dataclass(slots=True)
class Page:
    """A page of a dump.

    Attributes:
        at: Where it begins, in bytes of the file.
        title: With the name of its namespace.
        namespace: Number; None where the dump does not say.
        is_redirect: Whether it only leads to another page.
        model: What kind of text it is; `wikitext` where the dump does not say.
        text: Of its last revision; None where it was not read: of pages of other namespaces and redirects, of deleted
            ones, and of those that are too long.
        is_too_long: Whether the text was left out for its length.
    """

    at: float
    title: str = ""
    namespace: int | None = None
    is_redirect: bool = False
    model: str = "wikitext"
    text: str | None = None
    is_too_long: bool = False


@dataclass(slots=True)
class Site:
    """What a dump says of its wiki.

    Attributes:
        name, database, base, generator: As it says; empty where it does not.
        language: Code.
        namespaces: Names by number.
    """

    name: str = ""
    database: str = ""
    base: str = ""
    generator: str = ""
    language: str = ""
    namespaces: dict[int, str] = field(default_factory=dict)


class PageParser:
    """Turns the bytes of a dump into pages.

    Args:
        name: Of the file, for messages.
        inside: The bytes begin inside the root element, as those of one stream of a multistream dump do.

    Attributes:
        site: What was read of the head of the dump.
        head_is_read: Whether the head has passed.
    """

    def __init__(self, name: str, *, inside: bool = False) -> None:
        self.site, self.head_is_read = Site(), inside
        self._name, self._head = name, b""
        self._page: Page | None = None
        self._pages: list[Page] = []
        self._path: list[str] = []  # names of the elements that are open
        self._depth = 0  # of the element whose text is kept
        self._namespace = ""  # its number, while its name is read
        self._text: list[str] = []
        self._n_chars = 0
        self._begin = self._end = self._n_before = self._n_fed = 0
        self._parser = parser = expat.ParserCreate()
        parser.buffer_text, parser.buffer_size = True, 1 << 16
        parser.StartElementHandler, parser.EndElementHandler = self._open, self._close
        parser.StartDoctypeDeclHandler = self._refuse_document_type
        if inside:
            parser.Parse(f"<{_ROOT}>".encode())
            self._n_before = self._n_fed = len(_ROOT) + 2

    def feed(self, data: bytes, begin: int, end: int) -> list[Page]:
        """Read on; return the pages that end here.

        Args:
            data: The next bytes, without compression.
            begin: Where those bytes of the file begin that they were made of.
            end: Where these end.

        Raises:
            UsageError: They are no dump of MediaWiki, or are damaged.
        """
        self._head = self._head or data[:200]
        self._begin, self._end = begin, end
        self._n_before, self._n_fed = self._n_fed, self._n_fed + len(data)
        try:
            self._parser.Parse(data)
        except expat.ExpatError as error:
            raise UsageError(self._malformed(error)) from None
        except (LookupError, ValueError) as error:  # Python's own search for a codec, while the declaration is read
            if self._path:
                raise
            raise UsageError(f"{self._name}: declares an encoding that cannot be read: {error}. {_WANTED}") from None
        if self._n_fed - self._parser.CurrentByteIndex > _LONGEST_TAG_BYTES:
            raise UsageError(f"{self._name}: a tag near byte {end} has no end. {_AGAIN if self._path else _WANTED}")
        pages, self._pages = self._pages, []
        return pages

    def close(self, *, whole: bool = True) -> None:
        """Say that there are no more bytes.

        Args:
            whole: The root element must have ended, too, not only the last page.

        Raises:
            UsageError: The dump breaks off, or was empty.
        """
        if not self._head:
            raise UsageError(f"{self._name}: the dump is empty. {_WANTED}")
        try:
            if whole or self._path not in ([], [_ROOT]):
                self._parser.Parse(b"", True)
        except expat.ExpatError as error:
            if not self._path:
                raise UsageError(self._malformed(error)) from None
            raise UsageError(
                f"{self._name}: breaks off at byte {self._end}, inside <{'> <'.join(self._path)}>. {_AGAIN}"
            ) from None
        finally:  # parser and self hold each other, with buffers that Python's collector does not see
            self._parser.StartElementHandler = self._parser.EndElementHandler = None
            self._parser.CharacterDataHandler = self._parser.StartDoctypeDeclHandler = None

    def _malformed(self, error: expat.ExpatError) -> str:
        if not self._path and not self.head_is_read:
            return f"{self._name}: no dump of MediaWiki: it begins with {_shown(self._head)}. {_WANTED}"
        what = expat.ErrorString(error.code)
        return f"{self._name}: not well-formed XML between bytes {self._begin} and {self._end}: {what}. {_AGAIN}"

    def _refuse_document_type(self, name: str, *_: Any) -> None:
        what = f"declares a document type ({name!r}), as no dump of MediaWiki does; entities of it can grow without end"
        if name.lower() == "html":
            what = "is a page of HTML, no dump of MediaWiki"
        raise UsageError(f"{self._name}: {what}. {_WANTED}")

    def _open(self, name: str, attributes: dict[str, str]) -> None:
        depth = len(self._path)
        if depth == 0 and name != _ROOT:
            what = f"its root element is <{name[:60]}>, not <{_ROOT}>"
            raise UsageError(f"{self._name}: no dump of MediaWiki: {what}. {_WANTED}")
        if depth == 0:
            self.site.language = attributes.get("xml:lang", "")
        if depth >= _DEEPEST:
            raise UsageError(f"{self._name}: no dump of MediaWiki: {depth} elements within one another. {_WANTED}")
        key = (self._path[-1] if depth else "", name)
        self._path.append(name)
        if key == (_ROOT, "page"):
            self.head_is_read = True
            self._page = Page(self._place())
        elif self._page is not None:
            self._open_in_page(self._page, key, attributes)
        elif key in _SITE:
            self._namespace = attributes.get("key", "")
            self._listen()

    def _open_in_page(self, page: Page, key: tuple[str, str], attributes: dict[str, str]) -> None:
        if key == ("page", "redirect"):
            page.is_redirect = True
        elif key == ("revision", "text"):
            page.text, page.is_too_long = None, False
            if page.namespace in (None, 0) and not page.is_redirect and "deleted" not in attributes:
                self._listen()
        elif key in _PAGE:
            self._listen()

    def _close(self, name: str) -> None:
        heard = len(self._path) == self._depth
        self._path.pop()
        if name == "siteinfo" and len(self._path) == 1:
            self.head_is_read = True
        elif name == "page" and len(self._path) == 1 and self._page is not None:
            self._pages.append(self._page)
            self._page = None
        elif heard:
            self._parser.CharacterDataHandler, self._depth = None, 0
            self._take(name, "".join(self._text))
            self._text = []

    def _listen(self) -> None:
        """Keep the text up to the end of the element."""
        self._text, self._n_chars, self._depth = [], 0, len(self._path)
        self._parser.CharacterDataHandler = self._hear

    def _hear(self, text: str) -> None:
        self._n_chars += len(text)
        if self._n_chars <= LONGEST_PAGE_CHARS:
            self._text.append(text)
        else:
            self._text.clear()

    def _take(self, name: str, text: str) -> None:
        """Put the text of an element where it belongs."""
        page, site = self._page, self.site
        if page is None:
            if name == "namespace":
                site.namespaces[_number(self._namespace) or 0] = text
            else:
                setattr(site, {"sitename": "name", "dbname": "database"}.get(name, name), text)
        elif name == "text":
            page.is_too_long = self._n_chars > LONGEST_PAGE_CHARS
            page.text = None if page.is_too_long else text
        elif name == "ns":
            page.namespace = _number(text)
        else:
            setattr(page, name, text)

    def _place(self) -> float:
        """Return where in the file the parser is, between where the last bytes begin and end."""
        n = self._n_fed - self._n_before
        inside = max(0, self._parser.CurrentByteIndex - self._n_before)
        return self._begin + (self._end - self._begin) * inside / n


def _number(text: str) -> int | None:
    try:
        return int(text)
    except ValueError:
        return None


def _shown(head: bytes) -> str:
    """Show the first characters of what is no dump."""
    is_utf16 = head.startswith((b"\xff\xfe", b"\xfe\xff"))
    text = head[: len(head) // 2 * 2].decode("utf-16", "replace") if is_utf16 else head.decode("utf-8", "replace")
    return repr(text[:40])

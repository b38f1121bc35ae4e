"""Dumps of Wikipedia as a source: the articles of `pages-articles`, as plain paragraphs.

    source = WikipediaSource([Path("fiwiki-20261101-pages-articles-multistream.xml.bz2")], "fi")

Reads .xml.bz2, .xml.gz or .xml, one file or the parts of one dump. With a multistream dump and its
index beside it, a reading from a place opens only the streams from there on. Otherwise every reading begins at the
beginning of a part and passes over what stands before the place.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import accumulate
from pathlib import Path

from bloodbank.corpus.sources.source import LARGE_BYTES, Document, by_number
from bloodbank.corpus.wikipedia.blocks import read_blocks, size_of
from bloodbank.corpus.wikipedia.export_xml import Page, PageParser, Site
from bloodbank.corpus.wikipedia.index import Streams, find_index, read_index, read_stream
from bloodbank.corpus.wikipedia.wikitext import Namespaces, clean_wikitext, is_redirect
from bloodbank.errors import UsageError
from bloodbank.store import digest, file_digest

_NAME = re.compile(
    r"(?P<wiki>[a-z][a-z0-9_]*)-(?P<date>\d{8}|latest)-pages-articles(?P<form>-multistream)?(?P<number>\d*)\.xml"
)
_WIKIMEDIA = re.compile(
    r"//[^/]*\b(?:wikipedia|wiktionary|wikibooks|wikiquote|wikisource|wikiversity|wikivoyage|wikimedia)\.org(?:/|$)"
)
# What Wikimedia says of the text of its dumps, and of their images, which dumps do not hold, something else.
_LICENCE = "CC BY-SA 4.0, most of it also GFDL (terms of use of Wikimedia; edits before June 2023: CC BY-SA 3.0)"
_ENDS_BYTES = 8 << 20


class WikipediaSource:
    """The articles of one dump; a document is an article.

    Counted are: `pages`, which are `articles`, `redirects`, `other_namespaces`, `not_wikitext` (other content models),
    `too_long_pages` or `broken_pages` (without title or text); of the articles those `without_text` once the markup is
    out; and as `removed_KIND` what was taken out of them: templates, tables, references, files …

    Args:
        paths: The dump: a file, or its parts in any order.
        language: Code.
    """

    kind = "wikipedia"

    def __init__(self, paths: Sequence[Path], language: str) -> None:
        self._paths = tuple(sorted(paths, key=lambda path: by_number(path.name)))
        self._language = language
        self.counts: Counter[str] = Counter()
        _check_belong_together(self._paths)
        self._indexes = tuple(index for path in self._paths if (index := find_index(path)))

    @property
    def seekable(self) -> bool:
        """True where every part has an index."""
        return len(self._indexes) == len(self._paths)

    def digest(self) -> str:
        """Hash the files, the index too, since places depend on it.

        Of a part of 256 MB and more its size, its name, which holds wiki and date, and the first and last 8 MB stand
        for the whole: reading 20 GB takes minutes, and a dump never changes once it is published under its name.
        """
        indexes = self._indexes if self.seekable else ()
        return digest(*[_digest(path) for path in (*self._paths, *indexes)])

    def files(self) -> tuple[Path, ...]:
        """Return the parts of the dump, in order."""
        return self._paths

    def describe(self) -> dict[str, object]:
        """Return wiki, date, licence and how the dump is read."""
        site, named = self._site, _NAME.match(self._paths[0].name)
        date = named["date"] if named else ""
        return {
            "name": f"{site.name or 'a wiki'} ({site.database or (named['wiki'] if named else self._language)})",
            "date": f"{date[:4]}-{date[4:6]}-{date[6:]}" if date.isdigit() else None,
            "licence": _LICENCE if _WIKIMEDIA.search(site.base) else None,
            "base": site.base or None,
            "generator": site.generator or None,
            "dump_language": site.language or None,
            "reading": "streams, by the index" if self.seekable else "from the beginning: no index beside it",
        }

    def read(self, start: float = 0.0) -> Iterator[Document]:
        """Yield the articles from a place on."""
        n_articles = 0
        for place, page in self._indexed(start) if self.seekable else self._sequential(start):
            if place < start:
                continue
            kind = self._kind(page)
            self.counts["pages"] += 1
            self.counts[kind] += 1
            if kind != "articles":
                continue
            n_articles += 1
            paragraphs = self._clean(page.text or "")
            if paragraphs:
                yield Document(place, tuple(paragraphs))
            else:
                self.counts["without_text"] += 1
        if not n_articles and start == 0.0:
            met = ", ".join(f"{n} {kind}" for kind, n in self.counts.items() if not kind.startswith("removed_"))
            raise UsageError(
                f"{self._paths[0]}: no article in it ({met or 'no page at all'}). Give a dump with the text of the "
                "articles: pages-articles."
            )

    def _sequential(self, start: float) -> Iterator[tuple[float, Page]]:
        """Yield pages with their places: where they begin, as a share of the bytes of all parts."""
        ends = list(accumulate(size_of(path) for path in self._paths))
        for path, end in zip(self._paths, ends, strict=True):
            if end / ends[-1] < start:
                continue
            parser, before = PageParser(str(path)), end - size_of(path)
            for block in read_blocks(path):
                for page in parser.feed(block.data, block.begin, block.end):
                    yield (before + page.at) / ends[-1], page
            parser.close()

    def _indexed(self, start: float) -> Iterator[tuple[float, Page]]:
        """Yield pages with their places, each stream having the same share; opens the streams from the place on."""
        n_streams = sum(len(streams.starts) for streams in self._streams)
        first = int(start * n_streams)
        first -= first / n_streams > start  # rounded up
        number = 0
        for path, streams in zip(self._paths, self._streams, strict=True):
            for inside in range(max(0, first - number), len(streams.starts)):
                n_pages = streams.n_pages[inside]
                for i, page in enumerate(_pages_of_stream(path, streams, inside)):
                    yield (number + inside + min(i, n_pages - 1) / n_pages) / n_streams, page
            number += len(streams.starts)

    @cached_property
    def _streams(self) -> list[Streams]:
        return [read_index(index, path) for index, path in zip(self._indexes, self._paths, strict=True)]

    @cached_property
    def _site(self) -> Site:
        """Read the head of the first part."""
        parser = PageParser(str(self._paths[0]))
        for block in read_blocks(self._paths[0]):
            parser.feed(block.data, block.begin, block.end)
            if parser.head_is_read:
                return parser.site
        parser.close()
        return parser.site

    @cached_property
    def _namespaces(self) -> Namespaces:
        return Namespaces.of(self._site.namespaces)

    def _kind(self, page: Page) -> str:
        """Say what a page is, as it is counted."""
        namespace = page.namespace
        if namespace is None:  # dumps before 2012 do not say
            prefix = page.title.partition(":")[0]
            namespace = next((n for n, name in self._site.namespaces.items() if n and name == prefix), 0)
        if namespace != 0:
            return "other_namespaces"
        if page.is_redirect or is_redirect(page.text or ""):
            return "redirects"
        if page.model != "wikitext":
            return "not_wikitext"
        if page.is_too_long:
            return "too_long_pages"
        return "articles" if page.title and page.text else "broken_pages"

    def _clean(self, text: str) -> list[str]:
        removed = Counter[str]()
        paragraphs = clean_wikitext(text, self._namespaces, removed)
        for kind, n in removed.items():
            self.counts[f"removed_{kind}"] += n
        self.counts["paragraphs"] += len(paragraphs)
        return paragraphs


def _pages_of_stream(dump: Path, streams: Streams, number: int) -> Iterator[Page]:
    begin, has_pages = streams.starts[number], False
    parser = PageParser(f"{dump}: stream at byte {begin}", inside=begin > 0)
    for block in read_stream(dump, streams, number):
        for page in parser.feed(block.data, block.begin, block.end):
            has_pages = True
            yield page
    parser.close(whole=False)
    if not has_pages:
        raise UsageError(
            f"{dump}: the stream at byte {begin} holds no page, though its index says so. Fetch index and dump again."
        )


def _check_belong_together(paths: Sequence[Path]) -> None:
    """Refuse missing files, and files that are not the parts of one dump, as far as their names tell."""
    if not paths:
        raise UsageError("no dump is named. Give the file of a dump, or its parts.")
    for path in paths:
        if not path.is_file():
            raise UsageError(f"{path}: no such file. Give a dump, or leave it out.")
    names = [name for path in paths if (name := _NAME.match(path.name))]
    for group, what in (("wiki", "wikis"), ("date", "dates"), ("form", "forms, with streams and without")):
        other = next((name for name in names if name[group] != names[0][group]), None)
        if other:
            raise UsageError(
                f"{other.string} and {names[0].string}: dumps of two {what}. Name one of them, or the parts of one."
            )
    whole = [name.string for name in names if not name["number"]]
    if whole and len(names) > 1:
        raise UsageError(f"{whole[0]}: holds all that its parts hold. Name it alone, or the parts alone.")


def _digest(path: Path) -> str:
    size = size_of(path)
    try:
        if size < LARGE_BYTES:
            return file_digest(path)
        with path.open("rb") as file:
            ends = hashlib.sha256(file.read(_ENDS_BYTES))
            file.seek(size - _ENDS_BYTES)
            ends.update(file.read(_ENDS_BYTES))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}.") from None
    return digest(path.name, size, ends.hexdigest())

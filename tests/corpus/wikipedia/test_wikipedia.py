"""Dumps as a source: what is an article, places, what is read for a sample, parts, and files that are no dump."""

import bz2
import gzip
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from bloodbank.corpus import open_source
from bloodbank.corpus.wikipedia.source import WikipediaSource
from bloodbank.errors import UsageError
from bloodbank.experiment.settings import SourceSettings
from made_dumps import TAIL, dump, head, multistream, page
from shared_data import shared_data

PLAIN = "dewiki-20261101-pages-articles.xml.bz2"
MULTI = "dewiki-20261101-pages-articles-multistream.xml.bz2"
INDEX = "dewiki-20261101-pages-articles-multistream-index.txt.bz2"
PACK = {".bz2": bz2.compress, ".gz": gzip.compress, ".xml": bytes}


@pytest.fixture
def write(tmp_path):
    def to_file(content, name=PLAIN):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else PACK[path.suffix](content.encode()))
        return path

    return to_file


@pytest.fixture
def write_multistream(write):
    def to_files(pages, per_stream=100, name=MULTI, index=INDEX):
        data, lines = multistream(pages, per_stream)
        write(bz2.compress(lines), index)
        return write(data, name)

    return to_files


def source_of(*paths):
    return WikipediaSource(paths, "de")


def texts(source, start=0.0):
    return [document.paragraphs for document in source.read(start)]


def complaint(*paths, start=0.0):
    with pytest.raises(UsageError) as caught:
        list(source_of(*paths).read(start))
    assert caught.value.exit_code == 2
    return str(caught.value)


def articles(n, n_words=40):
    """Articles whose text has no pattern; every fifth page is a redirect."""
    return [
        page(f"Seite {i}", " ".join(str((i * 7_919 + j * 104_729) % 999_983) for j in range(n_words)) + ".")
        if i % 5
        else page(f"Weg {i}", redirect="x")
        for i in range(n)
    ]


@pytest.mark.parametrize("name", [PLAIN, "dewiki.xml.gz", "dewiki.xml"])
def test_only_articles_are_documents_and_all_else_is_counted(write, name):
    source = source_of(
        write(
            dump(
                page("Hund"),
                page("Hündin", redirect="Hund"),
                page("Diskussion:Hund", ns=1),
                page("Kategorie:Hunde", redirect="x", ns=14),
                page("Hund.css", model="css"),
                page("Leer", ""),
                page("Weg", None),
                page("", "text"),
                page("Liste", "* Dackel\n* Dogge"),
                page("Alt", "#redirect [[Hund]]"),
                page("Katze", "Eine [[Datei:K.jpg|mini|Bild]] Katze.\n\nSie {{t}} miaut."),
            ),
            name,
        )
    )
    assert texts(source) == [("Ein Hund ist ein Tier.",), ("Eine Katze.", "Sie miaut.")]
    assert source.counts == {
        "pages": 11, "articles": 3, "redirects": 2, "other_namespaces": 2, "not_wikitext": 1, "broken_pages": 3,
        "without_text": 1, "paragraphs": 3, "removed_list_items": 2,
        "removed_list_items_chars": 11, "removed_files": 1, "removed_templates": 1,
    }  # fmt: skip
    assert texts(source) == [("Ein Hund ist ein Tier.",), ("Eine Katze.", "Sie miaut.")]
    assert source.counts["pages"] == 22


def test_dumps_that_name_no_namespace_are_read_by_titles(write):
    content = dump(page("Hund"), page("Vorlage:Hund"), page("2001: Odyssee")).replace("<ns>0</ns>", "")
    source = source_of(write(content))
    assert len(texts(source)) == 2
    assert source.counts["other_namespaces"] == 1


def test_pages_of_absurd_length_are_counted(write, monkeypatch):
    monkeypatch.setattr("bloodbank.corpus.wikipedia.export_xml.LONGEST_PAGE_CHARS", 1_000)
    source = source_of(write(dump(page("Lang", "x" * 1_001), page("Kurz", "x" * 1_000))))
    assert len(texts(source)) == 1
    assert source.counts["too_long_pages"] == 1


def test_a_dump_says_what_it_is(write, write_multistream):
    source = source_of(write(dump(page())))
    assert source.describe() == {
        "name": "Wikipedia (dewiki)",
        "date": "2026-11-01",
        "licence": "CC BY-SA 4.0, most of it also GFDL "
        "(terms of use of Wikimedia; edits before June 2023: CC BY-SA 3.0)",
        "base": "https://de.wikipedia.org/wiki/Hauptseite",
        "generator": "MediaWiki 1.45",
        "dump_language": "de",
        "reading": "from the beginning: no index beside it",
    }
    assert source_of(write_multistream([page()])).describe()["reading"] == "streams, by the index"


def test_nothing_is_claimed_of_wikis_that_are_not_wikimedias(write):
    content = head(base="https://wikipedia.org.example.com/wiki/Main") + page() + TAIL
    described = source_of(write(content, "my.xml")).describe()
    assert (described["licence"], described["date"]) == (None, None)


# Places.


@pytest.fixture(params=["plain", "gz", "bz2", "multistream", "indexed", "parts", "indexed parts"])
def any_dump(request, write, write_multistream):
    pages = articles(300)
    if request.param == "multistream":
        return source_of(write(multistream(pages, 20)[0]))
    if request.param == "indexed":
        return source_of(write_multistream(pages, 20))
    if request.param == "parts":
        names = [f"dewiki-20261101-pages-articles{i}.xml-p{i}p9.bz2" for i in (2, 10, 1)]
        halves = [dump(*part) for part in (pages[10:200], pages[200:], pages[:10])]
        return source_of(*[write(content, name) for content, name in zip(halves, names, strict=True)])
    if request.param == "indexed parts":
        stem = "dewiki-20261101-pages-articles-multistream"
        cuts = {10: pages[200:], 1: pages[:10], 2: pages[10:200]}
        return source_of(
            *[
                write_multistream(part, 20, f"{stem}{i}.xml-p{i}p9.bz2", f"{stem}-index{i}.txt-p{i}p9.bz2")
                for i, part in cuts.items()
            ]
        )
    ending = {"plain": "x.xml", "gz": "x.xml.gz", "bz2": "x.xml.bz2"}[request.param]
    return source_of(write(dump(*pages), ending))


def test_a_reading_from_a_place_is_the_end_of_the_whole_reading(any_dump):
    whole = list(any_dump.read())
    expected = [one.partition(">Seite ")[2].partition("<")[0] for one in articles(300) if "Seite" in one]
    assert [one.paragraphs[0].split()[0] for one in whole] == [str(int(i) * 7_919 % 999_983) for i in expected]
    places = [one.place for one in whole]
    assert all(a <= b for a, b in pairwise(places))
    assert 0 <= places[0] < 0.1
    assert 0.9 < places[-1] < 1
    assert len(set(places)) > 0.9 * len(places)
    for start in (1e-9, places[3], places[120], places[-1], 0.03, 0.25, 0.5, 0.77, 0.99999):
        assert list(any_dump.read(start)) == [one for one in whole if one.place >= start]


def test_places_of_streams_are_their_numbers(write_multistream):
    source = source_of(write_multistream([page(str(i)) for i in range(8)], 2))
    assert source.seekable
    assert [document.place for document in source.read()] == [0, 0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875]
    assert [document.place for document in source.read(0.51)] == [0.625, 0.75, 0.875]


class CountingFile:
    """A file that counts what is read of it."""

    def __init__(self, file, counts):
        self._file, self._counts = file, counts

    def read(self, n=-1):
        data = self._file.read(n)
        self._counts[0] += len(data)
        return data

    def seek(self, *where):
        return self._file.seek(*where)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()


@pytest.fixture
def count_bytes(monkeypatch):
    counts, opened = [0], Path.open

    def open_counted(path, *args, **kwargs):
        file = opened(path, *args, **kwargs)
        return CountingFile(file, counts) if path.name == MULTI and args == ("rb",) else file

    monkeypatch.setattr(Path, "open", open_counted)
    return counts


@pytest.mark.parametrize("start", [0.0, 0.5, 0.9])
def test_a_sample_reads_its_streams_and_not_the_dump(write_multistream, count_bytes, start):
    n_read = {}
    for n_pages in (4_000, 16_000):
        path = write_multistream(articles(n_pages, 20), 50)
        source = source_of(path)
        count_bytes[0] = 0
        reading = source.read(start)
        sample = [next(reading) for _ in range(200)]
        reading.close()
        n_read[n_pages] = count_bytes[0]
        assert sample[0].place == pytest.approx(start, abs=1e-3)
        assert source.counts["pages"] < 260
    assert path.stat().st_size > 1_000_000
    assert n_read[16_000] < 1.2 * n_read[4_000]
    assert n_read[16_000] < 0.2 * path.stat().st_size


MEMORY = """
import re, sys
from pathlib import Path
from bloodbank.corpus.wikipedia.source import WikipediaSource
source = WikipediaSource([Path(sys.argv[1])], "de")
n = sum(len(paragraph) for document in source.read() for paragraph in document.paragraphs)
print(n, re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.proof
@pytest.mark.parametrize("form", ["single", "indexed"])
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read where Linux tells it")
def test_memory_does_not_grow_with_the_dump(write, write_multistream, form):
    peaks = []
    for n_pages in (400, 6_000):
        pages = articles(n_pages, 1_000)
        path = write(dump(*pages)) if form == "single" else write_multistream(pages)
        run = subprocess.run([sys.executable, "-c", MEMORY, path], check=True, capture_output=True, text=True)
        n_chars, kibibytes = map(int, run.stdout.split())
        peaks.append(kibibytes)
    assert n_chars > 15_000_000
    assert peaks[1] < peaks[0] + 12_000  # KiB; the text alone would be more


# Several files.


def test_parts_are_read_in_the_order_of_their_numbers(write):
    paths = [
        write(dump(page(str(i), f"Teil {i}.")), f"dewiki-20261101-pages-articles{i}.xml-p{i}p{i}.bz2")
        for i in (10, 2, 1)
    ]
    source = source_of(*paths)
    assert texts(source) == [("Teil 1.",), ("Teil 2.",), ("Teil 10.",)]
    assert source.files() == (paths[2], paths[1], paths[0])


def test_an_index_that_one_part_lacks_is_not_used(write, write_multistream):
    stem = "dewiki-20261101-pages-articles-multistream"
    first = write_multistream([page("1")], 100, f"{stem}1.xml-p1p9.bz2", f"{stem}-index1.txt-p1p9.bz2")
    second = write(multistream([page("2")], 100)[0], f"{stem}2.xml-p10p19.bz2")
    source = source_of(first, second)
    assert not source.seekable
    assert len(texts(source)) == 2


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            [PLAIN, "frwiki-20261101-pages-articles.xml.bz2"],
            f"frwiki-20261101-pages-articles.xml.bz2 and {PLAIN}: dumps of two wikis. Name one",
        ),
        ([PLAIN, "dewiki-20261001-pages-articles.xml.bz2"], "dumps of two dates."),
        ([PLAIN, MULTI], "dumps of two forms, with streams and without."),
        (
            [PLAIN, "dewiki-20261101-pages-articles1.xml-p1p9.bz2"],
            f"{PLAIN}: holds all that its parts hold. Name it alone, or the parts alone.",
        ),
    ],
)
def test_files_that_are_not_the_parts_of_one_dump_are_refused(write, names, message):
    paths = [write(dump(page()), name) for name in names]
    with pytest.raises(UsageError) as caught:
        source_of(*paths)
    assert message in str(caught.value)


def test_missing_files_are_refused(tmp_path):
    with pytest.raises(UsageError, match=r"x\.xml: no such file\. Give a dump, or leave it out\."):
        source_of(tmp_path / "x.xml")
    with pytest.raises(UsageError, match="no dump is named"):
        source_of()


def test_the_digest_is_that_of_all_files_and_of_the_index(write, write_multistream, tmp_path):
    path = write_multistream([page("1"), page("2")], 1)
    with_index = source_of(path).digest()
    assert with_index == source_of(path).digest()
    (tmp_path / INDEX).unlink()
    without = source_of(path).digest()
    assert without != with_index  # places are others, so a sample is another
    path.write_bytes(path.read_bytes().replace(b"BZh9", b"BZh8", 1))
    assert source_of(path).digest() != without


def test_of_large_files_size_name_and_both_ends_stand_for_the_whole(write, monkeypatch):
    monkeypatch.setattr("bloodbank.corpus.wikipedia.source.LARGE_BYTES", 1_000)
    monkeypatch.setattr("bloodbank.corpus.wikipedia.source._ENDS_BYTES", 100)
    content = bytes(range(250)) * 8
    whole = source_of(write(content)).digest()
    assert source_of(write(content)).digest() == whole
    for changed in (content[1:] + b"x", b"x" + content[1:], content + b"x"):
        assert source_of(write(changed)).digest() != whole
    assert source_of(write(content, "dewiki-20261201-pages-articles.xml.bz2")).digest() != whole
    middle = content[:1_000] + b"x" + content[1_001:]
    assert source_of(write(middle)).digest() == whole  # what is not seen, as documented
    monkeypatch.setattr("bloodbank.corpus.wikipedia.source.LARGE_BYTES", 10_000)
    assert source_of(write(middle)).digest() != source_of(write(content)).digest()


# What is no dump, or no whole one.


def test_a_dump_that_breaks_off_is_never_a_shorter_one(write):
    whole = bz2.compress(dump(*articles(3_000)).encode())
    for share in (0.3, 0.9, 0.9999):
        n = int(len(whole) * share)
        assert f"breaks off at byte {n}. Fetch it again." in complaint(write(whole[:n]))
    # Of a multistream dump that ends between two streams every archive is whole; the root element is not.
    data, lines = multistream(articles(30), 10)
    last = int(lines.splitlines()[-1].partition(b":")[0])
    assert f"breaks off at byte {last}, inside <mediawiki>. Fetch the dump again." in complaint(write(data[:last]))


def test_a_damaged_stream_is_an_error_where_it_is_read(write_multistream):
    path = write_multistream(articles(40), 10)
    data = bytearray(path.read_bytes())
    starts = [i for i in range(len(data)) if data.startswith(b"BZh91AY&SY", i)]
    data[starts[2] + 10] ^= 255  # the checksum of the second stream with pages
    path.write_bytes(data)
    assert f"damaged between its bytes {starts[2]} and {starts[3]}" in complaint(path)
    assert len(texts(source_of(path), 0.5)) == 16


def test_an_index_of_another_dump_is_refused(write, write_multistream):
    path = write_multistream(articles(40), 10)
    write(bz2.compress(multistream(articles(40, 50), 10)[1]), INDEX)
    assert "Index and dump are not of one date, or one is damaged: fetch both again, or take the index away" in (
        complaint(path)
    )


def test_a_stream_without_pages_is_refused(write, write_multistream):
    path = write_multistream([page()])
    first = path.read_bytes().find(b"BZh9", 1)
    write(bz2.compress(b"0:1:A\n%d:2:B\n" % first), INDEX)
    assert complaint(path).endswith("holds no page, though its index says so. Fetch index and dump again.")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("<!DOCTYPE html><html></html>", "is a page of HTML, no dump of MediaWiki. Give a dump of a wiki's articles"),
        ("<doku></doku>", "its root element is <doku>, not <mediawiki>."),
        ("Only text.", "no dump of MediaWiki: it begins with 'Only text.'"),
        (dump(), "no article in it (no page at all). Give a dump with the text of the articles: pages-articles."),
        (
            dump(page("Diskussion:A", ns=1), page(redirect="x"), page(text="")),
            "no article in it (3 pages, 1 other_namespaces, 1 redirects, 1 broken_pages). Give a dump with",
        ),
        (
            '<!DOCTYPE x [<!ENTITY a "b">]>' + dump(page()),
            "declares a document type ('x'), as no dump of MediaWiki does;",
        ),
    ],
)
def test_what_is_no_dump_is_refused_with_what_it_is(write, content, message):
    path = write(content)
    shown = complaint(path)
    assert message in shown
    assert shown.startswith(f"{path}: ")


def test_settings_open_a_folder_with_index_and_dump(write_multistream, tmp_path):
    path = write_multistream([page()])
    source = open_source(SourceSettings(source="wikipedia", path=str(tmp_path)), "de")
    assert source.files() == (path,)
    assert source.kind == "wikipedia"
    assert source.seekable
    assert texts(source) == [("Ein Hund ist ein Tier.",)]


# Real dumps.


def test_the_english_sample_has_its_pages():
    source = WikipediaSource([shared_data("wikipedia-dumps", "enwiki-pages-articles.xml.bz2")], "en")
    documents = list(source.read())
    counts = {kind: n for kind, n in source.counts.items() if not kind.startswith("removed_")}
    # One page in the namespace of the project; one article is a list of places of one name.
    assert counts == {
        "pages": 206,
        "articles": 106,
        "redirects": 99,
        "other_namespaces": 1,
        "without_text": 1,
        "paragraphs": 5723,
    }
    assert len(documents) == 105
    first = documents[0].paragraphs[0]
    assert first.startswith("Anarchism is a political philosophy that advocates self-governed societies based on volun")
    assert all("{{" not in paragraph and "[[" not in paragraph for one in documents for paragraph in one.paragraphs)


def test_the_bulgarian_sample_in_utf_16_has_its_pages():
    source = WikipediaSource([shared_data("wikipedia-dumps", "bgwiki-pages-articles.xml.bz2")], "bg")
    (article,) = source.read()
    counts = {kind: n for kind, n in source.counts.items() if not kind.startswith("removed_")}
    assert counts == {"pages": 3, "articles": 1, "other_namespaces": 2, "paragraphs": 22}
    assert source.describe()["name"] == "Уикипедия (bgwiki)"
    assert article.paragraphs[0] == (
        "Григорианският календар (понякога наричан и Грегориански календар, „нов стил“) е съвременният международно "
        "признат светски календар, на който се основава и международният стандарт ISO 8601."
    )
    assert len(article.paragraphs) > 20

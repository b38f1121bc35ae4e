"""The XML of dumps: pages of good ones, what is said of bad ones, and memory."""

import bz2
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bloodbank.corpus.wikipedia import export_xml as mediawiki
from bloodbank.corpus.wikipedia.blocks import read_blocks
from bloodbank.corpus.wikipedia.export_xml import PageParser
from bloodbank.errors import UsageError
from made_dumps import NAMESPACES, TAIL, XMLNS, dump, head, page
from shared_data import shared_data


def parse(content, size=1 << 20, *, inside=False):
    """Parse a dump in blocks of a size; return the pages and the site."""
    content = content.encode() if isinstance(content, str) else content
    parser = PageParser("x.xml", inside=inside)
    pages = []
    for first in range(0, len(content), size):
        pages += parser.feed(content[first : first + size], first, min(len(content), first + size))
    parser.close(whole=not inside)
    return pages, parser.site


def complaint(content, size=1 << 20):
    with pytest.raises(UsageError) as caught:
        parse(content, size)
    return str(caught.value)


def test_a_page_has_what_its_elements_say():
    pages, site = parse(dump(page("A & B", "x < y &nbsp; <ref>z</ref>\n\tß 中"), page("Diskussion:A", ns=1)))
    assert [(one.title, one.namespace, one.model, one.is_redirect) for one in pages] == [
        ("A & B", 0, "wikitext", False),
        ("Diskussion:A", 1, "wikitext", False),
    ]
    assert [one.text for one in pages] == ["x < y &nbsp; <ref>z</ref>\n\tß 中", None]
    assert (site.name, site.database, site.language) == ("Wikipedia", "dewiki", "de")
    assert (site.base, site.generator) == ("https://de.wikipedia.org/wiki/Hauptseite", "MediaWiki 1.45")
    assert site.namespaces == NAMESPACES


def test_redirects_deleted_texts_and_other_models_are_told_apart():
    pages, _ = parse(dump(page(redirect="Katze"), page(text=None), page(text=""), page(model="css")))
    assert [(one.is_redirect, one.text, one.model) for one in pages] == [
        (True, None, "wikitext"),
        (False, None, "wikitext"),
        (False, "", "wikitext"),
        (False, "Ein '''Hund''' ist ein [[Tier]].", "css"),
    ]


def test_the_last_revision_counts():
    pages, _ = parse(dump(page(text="new", revisions=("old", "older"))))
    assert [one.text for one in pages] == ["new"]


def test_elements_of_other_slots_are_not_the_page():
    slot = "<content><role>x</role><model>json</model><text>{}</text></content>"
    pages, _ = parse(dump(page(text="a")).replace("<sha1>", slot + "<sha1>"))
    assert (pages[0].text, pages[0].model, pages[0].title) == ("a", "wikitext", "Hund")


def test_elements_inside_a_text_do_not_end_it():
    pages, _ = parse(dump(page("A", "b")).replace(">A<", ">A<id>7</id>B<").replace(">b<", ">b<ns>5</ns>c<"))
    assert (pages[0].title, pages[0].text, pages[0].namespace) == ("A7B", "b5c", 0)


def test_pages_of_old_dumps_have_no_namespace():
    pages, _ = parse(dump(page()).replace("<ns>0</ns>", ""))
    assert pages[0].namespace is None
    assert pages[0].text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "iso-8859-1"])
@pytest.mark.parametrize("size", [1, 7, 1000, 1 << 20])
def test_the_encoding_is_found_and_blocks_may_end_anywhere(encoding, size):
    content = dump(page(text="größer\U0001f600" if encoding != "iso-8859-1" else "größer"), page())
    declared = f'<?xml version="1.0" encoding="{encoding}"?>\n' if encoding == "iso-8859-1" else ""
    pages, _ = parse((declared + content).encode(encoding), size)
    assert [one.text[:6] for one in pages] == ["größer", "Ein ''"]


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff")))
def test_any_text_comes_out_as_it_went_in(text):
    assert parse(dump(page(text=text)), 100)[0][0].text == text


def test_places_are_those_of_the_first_byte_of_a_page():
    content = dump(*[page(f"A{i}") for i in range(5)])
    expected = [i for i in range(len(content)) if content.startswith("<page>", i)]
    assert [one.at for one in parse(content)[0]] == pytest.approx(expected)
    ats = [one.at for one in parse(content, 97)[0]]
    assert ats == pytest.approx(expected, abs=10)
    assert ats == sorted(ats)


def test_a_stream_inside_a_dump_needs_no_root():
    assert [one.title for one in parse(page("A") + page("B"), inside=True)[0]] == ["A", "B"]
    assert [one.title for one in parse(page("A") + TAIL, inside=True)[0]] == ["A"]
    with pytest.raises(UsageError, match=r"x.xml: breaks off at byte .*, inside <mediawiki> <page>\. Fetch the dump"):
        parse(page("A") + page("B")[:-10], inside=True)


# What is no dump.


def test_entities_are_never_expanded():
    bomb = '<?xml version="1.0"?><!DOCTYPE mediawiki [<!ENTITY a "ha">' + "".join(
        f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 100}">' for i in range(9)
    )
    message = complaint(bomb + "]>" + dump(page(text="x")).replace(">x<", ">&j;<"))
    assert message.startswith("x.xml: declares a document type ('mediawiki'), as no dump of MediaWiki does; entit")
    assert "Give a dump of a wiki's articles (pages-articles), as .xml.bz2, .xml.gz or .xml." in message
    assert "undefined entity" in complaint(dump(page(text="x")).replace(">x<", ">&j;<"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "<!DOCTYPE html>\n<html><body>404</body></html>",
            "x.xml: is a page of HTML, no dump of MediaWiki. Give a dump",
        ),
        (
            "<html><body></body></html>",
            "no dump of MediaWiki: its root element is <html>, not <mediawiki>. Give a dump",
        ),
        ("<doku><page/></doku>", "its root element is <doku>, not <mediawiki>"),
        ('<?xml version="1.0"?>\n<rss/>', "its root element is <rss>"),
        ("Once upon a time", "no dump of MediaWiki: it begins with 'Once upon a time'. Give a dump"),
        ("Es war\n".encode("utf-16"), "it begins with 'Es war\\n'"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "it begins with '\ufffdPNG"),
        ("<" + "a" * 50, "no dump of MediaWiki: it begins with '<aaaa"),
        ("\n\n", "no dump of MediaWiki: it begins with '\\n\\n'"),
        ("", "x.xml: the dump is empty. Give a dump"),
        (f"<mediawiki {XMLNS}>" + "<a>" * 30, "no dump of MediaWiki: 20 elements within one another"),
        (dump(page()).replace("</revision>", ""), "x.xml: not well-formed XML between bytes 0 and "),
        (dump(page()).replace("Hund", "H\x00nd"), "not well-formed (invalid token). Fetch the dump again."),
        (dump(page()) + dump(page()), "junk after document element"),
        (
            "<?xml version='1.0' encoding='klingon'?>" + dump(),
            "declares an encoding that cannot be read: unknown encoding: klingon. Give",
        ),
        ("<?xml version='1.0' encoding='utf-7'?>" + dump(), "declares an encoding that cannot be read: "),
        (dump(page()).encode().replace(b"Hund", b"H\xe4nd"), "not well-formed (invalid token)"),
    ],
)
def test_what_is_no_dump_is_refused_with_what_it_is(content, message):
    assert message in complaint(content)


@pytest.mark.parametrize("n_bytes", [30, 400, 1_000, 1_300])
def test_a_dump_that_breaks_off_is_refused(n_bytes):
    content = dump(page(), page())
    message = complaint(content[:n_bytes])
    assert f"breaks off at byte {n_bytes}, inside <mediawiki>" in message or "it begins with" in message
    assert message.endswith("Fetch the dump again.") or n_bytes == 30


def test_a_tag_without_end_is_refused_before_it_fills_the_memory():
    parser = PageParser("x.xml")
    parser.feed(head().encode() + b"<page a='", 0, 10)
    for _ in range(9):
        parser.feed(b"x" * 1_000_000, 10, 40)
    with pytest.raises(UsageError, match=r"x.xml: a tag near byte 50 has no end\. Fetch the dump again"):
        parser.feed(b"x" * 2_000_000, 40, 50)


def test_pages_of_absurd_length_lose_their_text_and_need_no_memory(monkeypatch):
    monkeypatch.setattr(mediawiki, "LONGEST_PAGE_CHARS", 1_000_000)
    pages, _ = parse(dump(page(text="x" * 1_000_000), page(text="y" * 1_000_001), page(text="z")))
    assert [(one.text and one.text[0], one.is_too_long) for one in pages] == [("x", False), (None, True), ("z", False)]
    begin, end = dump(page(text="@")).split("@")
    parser = PageParser("x.xml")
    tracemalloc.start()
    parser.feed(begin.encode(), 0, 1)
    for _ in range(100):
        parser.feed(b"words and words\n" * 20_000, 1, 1)
    (huge,) = parser.feed(end.encode(), 1, 1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert huge.is_too_long
    assert peak < 8_000_000  # of 32 MB


@pytest.mark.parametrize("wiki", ["en", "bg"])
def test_real_dumps_have_the_pages_that_another_reader_finds(wiki):
    mwxml = pytest.importorskip("mwxml")
    path = shared_data("wikipedia-dumps", f"{wiki}wiki-pages-articles.xml.bz2")
    with bz2.open(path) as file:
        theirs = [
            (one.title, one.namespace, one.redirect is not None, next(iter(one)).text)
            for one in mwxml.Dump.from_file(file)
        ]
    ours = []
    parser = PageParser(str(path))
    for block in read_blocks(path):
        ours += parser.feed(block.data, block.begin, block.end)
    parser.close()
    assert len(ours) == len(theirs) == {"en": 206, "bg": 3}[wiki]
    for one, (title, namespace, is_redirect, text) in zip(ours, theirs, strict=True):
        assert one.title.rpartition(":")[2] == title.rpartition(":")[2]  # they take the namespace off
        assert (one.namespace, one.is_redirect) == (namespace, is_redirect)
        assert one.text == (text if namespace == 0 and not is_redirect else None)

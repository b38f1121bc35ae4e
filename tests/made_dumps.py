"""Small dumps of MediaWiki, made as Wikimedia makes large ones."""

import bz2
from xml.sax.saxutils import escape

NAMESPACES = {-2: "Medium", 0: "", 1: "Diskussion", 4: "Wikipedia", 6: "Datei", 10: "Vorlage", 14: "Kategorie"}
XMLNS = 'xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="de"'
TAIL = "</mediawiki>\n"


def head(*, base="https://de.wikipedia.org/wiki/Hauptseite"):
    names = "".join(
        f'<namespace key="{key}" case="first-letter">{name}</namespace>' for key, name in NAMESPACES.items()
    )
    return (
        f"<mediawiki {XMLNS}>\n  <siteinfo>\n    <sitename>Wikipedia</sitename>\n    <dbname>dewiki</dbname>\n"
        f"    <base>{base}</base>\n    <generator>MediaWiki 1.45</generator>\n"
        f"    <namespaces>{names}</namespaces>\n  </siteinfo>\n"
    )


def page(title="Hund", text="Ein '''Hund''' ist ein [[Tier]].", *, ns=0, redirect="", model="wikitext", revisions=()):
    """A page; `revisions` are older texts. `text=None` is a deleted one."""
    content = '<text deleted="deleted" />' if text is None else f'<text xml:space="preserve">{escape(text)}</text>'
    older = "".join(f"<revision><id>0</id><text>{escape(old)}</text></revision>" for old in revisions)
    return (
        f"  <page>\n    <title>{escape(title)}</title>\n    <ns>{ns}</ns>\n    <id>1</id>\n"
        + (f'    <redirect title="{redirect}" />\n' if redirect else "")
        + f"    {older}<revision><id>2</id><contributor><username>x</username><id>3</id></contributor>"
        f"<comment>c</comment><model>{model}</model><format>text/x-wiki</format>{content}<sha1>s</sha1></revision>\n"
        "  </page>\n"
    )


def dump(*pages):
    return head() + "".join(pages) + TAIL


def multistream(pages, per_stream):
    """Return the bytes of a multistream dump and of its index."""
    data, index = bz2.compress(head().encode()), []
    for first in range(0, len(pages), per_stream):
        several = pages[first : first + per_stream]
        index += [f"{len(data)}:{first + i + 1}:Seite: {first + i}\n" for i in range(len(several))]
        data += bz2.compress("".join(several).encode())
    return data + bz2.compress(TAIL.encode()), "".join(index).encode()

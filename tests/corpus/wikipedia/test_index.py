"""Blocks of compressed dumps, and the index of a multistream: good ones, damaged ones, wrong ones."""

import bz2
import gzip
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest

from bloodbank.corpus.wikipedia.blocks import read_blocks
from bloodbank.corpus.wikipedia.index import find_index, is_index, read_index, read_stream
from bloodbank.errors import UsageError
from made_dumps import head, multistream, page

NAME = "dewiki-20261101-pages-articles-multistream.xml.bz2"
INDEX = "dewiki-20261101-pages-articles-multistream-index.txt.bz2"
# Long and without a pattern, so that half an archive holds many whole blocks of bz2.
LONG = b"".join(b"%d\n" % number for number in np.random.default_rng(0).integers(10**16, size=150_000))
PACK = {"gz": gzip.compress, "bz2": bz2.compress, "xml": bytes}


@pytest.fixture
def write(tmp_path):
    def to_file(content, name=NAME):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return to_file


def content_of(blocks):
    return b"".join(block.data for block in blocks)


def complaint(blocks):
    with pytest.raises(UsageError) as caught:
        list(blocks)
    return str(caught.value)


# Blocks.


@pytest.mark.parametrize("ending", PACK)
def test_blocks_are_the_content_and_their_places_cover_the_file(write, ending):
    path = write(PACK[ending](LONG), f"x.{ending}")
    blocks = list(read_blocks(path))
    assert content_of(blocks) == LONG
    assert blocks[0].begin == 0
    assert path.stat().st_size - 64 <= blocks[-1].end <= path.stat().st_size
    assert all(a.end == b.begin for a, b in pairwise(blocks))
    assert max(len(block.data) for block in blocks) <= 1 << 20


@pytest.mark.parametrize("ending", ["gz", "bz2"])
@pytest.mark.parametrize("padding", [b"", b"\x00" * 100_000])
def test_streams_behind_one_another_are_read_to_the_end(write, ending, padding):
    path = write(b"".join(PACK[ending](part) for part in (b"one", b"", LONG, b"two")) + padding, f"x.{ending}")
    assert content_of(read_blocks(path)) == b"one" + LONG + b"two"


@pytest.mark.parametrize("ending", ["gz", "bz2"])
def test_what_was_compressed_a_thousandfold_comes_in_small_blocks(write, ending):
    path = write(PACK[ending](b"\x01" * 100_000_000), f"x.{ending}")
    assert path.stat().st_size < 200_000
    tracemalloc.start()
    n_bytes = sum(len(block.data) for block in read_blocks(path))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert n_bytes == 100_000_000
    assert peak < 8_000_000


@pytest.mark.parametrize("ending", ["gz", "bz2"])
@pytest.mark.parametrize("share", [0.001, 0.4, 0.999])
def test_an_archive_that_breaks_off_is_refused_with_the_place(write, ending, share):
    whole = PACK[ending](LONG)
    n = int(len(whole) * share)
    message = complaint(read_blocks(write(whole[:n], f"x.{ending}")))
    assert f"breaks off at byte {n}. Fetch it again." in message
    assert f"x.{ending}: what begins at byte " in message


def test_a_damaged_archive_is_refused_with_the_place(write):
    whole = bytearray(bz2.compress(LONG))
    whole[len(whole) // 2] ^= 255
    message = complaint(read_blocks(write(whole, "x.bz2")))
    begin, end = (int(word) for word in message.partition("damaged between its bytes ")[2].split(":")[0].split(" and "))
    assert begin <= len(whole) // 2 <= end
    assert end - begin < 1_000_000
    assert message.endswith("Fetch it again.")


def test_bytes_behind_the_last_stream_that_are_none_are_refused(write):
    assert "damaged between its bytes" in complaint(read_blocks(write(bz2.compress(b"one") + b"<html>", "x.bz2")))


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (gzip.compress(b"x", mtime=0), "x.bz2", "is gzip, whatever its name says; give it a name that ends in .gz."),
        (bz2.compress(b"x"), "x.gz", "is bz2, whatever its name says; give it a name that ends in .bz2."),
        (bz2.compress(b"x"), "x.xml", "is bz2, whatever its name says; give it a name that ends in .bz2."),
        (b"7z\xbc\xaf\x27\x1c", "x.bz2", "is 7z. Unpack it, or pack it as .bz2 or .gz."),
        (b"7z\xbc\xaf\x27\x1c", "x.7z", "is 7z. Unpack it"),
        (b"<!DOCTYPE html>404", "x.bz2", "is not bz2: it begins with '<!DOCTYP'. Fetch it again."),
        (b"<mediawiki>", "x.gz", "is not gzip: it begins with '<mediawi'."),
        (b"", "x.bz2", "is not bz2: it begins with nothing."),
    ],
)
def test_what_is_not_what_its_name_says_is_refused(write, content, name, message):
    assert message in complaint(read_blocks(write(content, name)))


def test_a_missing_file_is_told(tmp_path):
    assert complaint(read_blocks(tmp_path / "x.bz2")) == f"{tmp_path}/x.bz2: cannot be read: No such file or directory."


# The index.


@pytest.mark.parametrize(
    ("dump", "index"),
    [
        (NAME, INDEX),
        (NAME, INDEX.removesuffix(".bz2")),
        (
            "enwiki-20261101-pages-articles-multistream12.xml-p7p99.bz2",
            "enwiki-20261101-pages-articles-multistream-index12.txt-p7p99.bz2",
        ),
    ],
)
def test_an_index_is_found_by_its_name(write, dump, index):
    dump = write(b"", dump)
    assert find_index(dump) is None
    assert find_index(write(b"", index).with_name(dump.name)).name == index
    assert is_index(index)
    assert not is_index(dump.name)


@pytest.mark.parametrize("name", ["dewiki-20261101-pages-articles.xml.bz2", "my.xml", "x-multistream.xml"])
def test_other_files_have_no_index(write, name):
    write(b"", INDEX)
    assert find_index(write(b"", name)) is None


@pytest.fixture
def dump(write):
    data, index = multistream([page(f"A{i}", "text " * i) for i in range(25)], 10)
    return write(data), write(bz2.compress(index), INDEX), index


def test_an_index_gives_streams_with_their_pages(dump):
    path, index, _ = dump
    streams = read_index(index, path)
    assert streams.n_pages.tolist() == [10, 10, 5]
    data = path.read_bytes()
    assert [data[start : start + 4] for start in streams.starts] == [b"BZh9"] * 3
    assert streams.end(0) == streams.starts[1]
    assert streams.end(2) == len(data)
    texts = [content_of(read_stream(path, streams, number)).decode() for number in range(3)]
    assert [text.count("<page>") for text in texts] == [10, 10, 5]
    assert "<title>A10</title>" in texts[1]
    assert texts[2].endswith("</mediawiki>\n")


@pytest.mark.parametrize("n_lines", [1, 60_000])
def test_a_plain_index_is_read_in_blocks_with_or_without_a_last_line_end(write, n_lines):
    dump = write(bz2.compress(b"") + b"x" * 700_000)
    lines = b"\n".join(b"%d:%d:Title %d: 7:8" % (14 + i // 100, i, i) for i in range(n_lines))
    for end in (b"", b"\n"):
        streams = read_index(write(lines + end, INDEX.removesuffix(".bz2")), dump)
        assert sum(streams.n_pages) == n_lines
        assert len(streams.starts) == -(-n_lines // 100)


def test_a_large_index_needs_little_memory(write):
    dump = write(bz2.compress(b"") + b"x" * 700_000)
    lines = b"".join(b"%d:%d:A title of a common length\n" % (14 + i // 100, i) for i in range(500_000))
    index = write(bz2.compress(lines), INDEX)
    tracemalloc.start()
    streams = read_index(index, dump)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(streams.starts) == 5_000
    assert len(lines) > 15_000_000
    assert peak < 9_000_000


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (b"", "the index is empty. Index and dump are not of one date, or one is damaged: fetch both again, or"),
        (
            b"<html>\n",
            "not the index of a multistream dump: a line begins '<html>' instead of OFFSET:PAGE:TITLE. Fetch",
        ),
        (b"617:1:A\n617:2\n", "a line begins '617:2' instead of OFFSET:PAGE:TITLE"),
        (b"617:1:A\n-5:1:A\n", "a line begins '-5:1:A'"),
        (b"617:1:A\n" + b"x" * 3_000_000, "a line begins 'xxxx"),
        (b"617:1:A\n20:2:B\n", "not an index: byte 20 stands behind byte 617."),
        (b"617:1:A\n9999999:2:B\n", f"a stream is said to begin at byte 9999999 of {NAME}, which has"),
    ],
)
def test_a_wrong_index_is_refused(dump, write, index, message):
    path = write(index, "other-multistream-index.txt")
    with pytest.raises(UsageError) as caught:
        read_index(path, dump[0])
    assert message in str(caught.value)


def test_an_index_without_its_first_lines_is_refused(dump, write):
    lines = dump[2].split(b"\n", 10)[10]
    with pytest.raises(UsageError, match=f"{NAME} has pages before the first of the index. Index and dump are not"):
        read_index(write(lines, "x-multistream-index.txt"), dump[0])


def test_an_index_without_its_last_lines_gives_all_pages(dump, write):
    lines = dump[2].split(b"\n", 10)
    streams = read_index(write(b"\n".join(lines[:10]) + b"\n", "x-multistream-index.txt"), dump[0])
    assert content_of(read_stream(dump[0], streams, 0)).count(b"<page>") == 25


def test_an_index_that_breaks_off_is_refused(dump, write):
    path = write(dump[1].read_bytes()[:-5], "x-multistream-index.txt.bz2")
    with pytest.raises(UsageError, match=r"not a whole \.bz2 file"):
        read_index(path, dump[0])


def test_an_index_of_another_dump_is_refused_where_no_stream_begins(dump, write):
    path, _, index = dump
    first = int(index.partition(b":")[0])
    streams = read_index(write(b"%d:1:A\n%d:2:B\n" % (first, first + 50), "y-multistream-index.txt"), path)
    assert complaint(read_stream(path, streams, 1)) == (
        f"{path}: no stream begins at byte {first + 50}, where its index says so. Index and dump are not of one date, "
        f"or one is damaged: fetch both again, or take the index away: then {NAME} is read from its beginning."
    )
    with pytest.raises(UsageError, match=f"breaks off at byte {first + 1}. Index and dump are not of one date"):
        read_index(write(b"%d:1:A\n" % (first + 1), "y-multistream-index.txt"), path)


def test_an_index_of_another_dump_is_refused_where_no_stream_ends(dump, write):
    path, _, index = dump
    first = int(index.partition(b":")[0])
    streams = read_index(write(b"%d:1:A\n%d:2:B\n" % (first, first + 50), "y-multistream-index.txt"), path)
    assert f"breaks off at byte {first + 50}. Index and dump are not of one date" in complaint(
        read_stream(path, streams, 0)
    )


def test_a_damaged_stream_is_refused_and_the_others_are_read(dump):
    path, index, _ = dump
    streams = read_index(index, path)
    data = bytearray(path.read_bytes())
    data[streams.starts[1] + 10] ^= 255  # the checksum of its first block
    path.write_bytes(data)
    assert "<page>" in content_of(read_stream(path, streams, 0)).decode()
    assert f"{path}: damaged between its bytes {streams.starts[1]} and {streams.starts[2]}" in complaint(
        read_stream(path, streams, 1)
    )


def test_the_head_of_a_multistream_dump_is_a_stream_of_its_own(dump):
    first = next(read_blocks(dump[0]))
    assert first.data.decode() == head()
    assert first.end == int(dump[2].partition(b":")[0])

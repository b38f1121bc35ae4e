"""Reading text files: what comes out of good ones, and what is said of bad ones."""

import bz2
import gzip
import lzma

import pytest
import zstandard

from bloodbank.corpus import open_source
from bloodbank.corpus.open_source import find_files
from bloodbank.corpus.sources.text import TextSource
from bloodbank.errors import UsageError
from bloodbank.experiment.settings import SourceSettings

LINES = ["Ein Satz mit Umlauten: äöü.", "", "中文没有空格。", "हिन्दी और नेपाली", "မြန်မာဘာသာ"]
TEXT = ("\n".join(LINES) + "\n").encode()
# Long and without a pattern, so that half an archive holds many whole blocks.
LONG = "".join(f"{i * i % 9_973} {i}\n" for i in range(60_000)).encode()
COMPRESS = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress, "zst": zstandard.compress}


@pytest.fixture
def write(tmp_path):
    def to_file(content, name="de.txt"):
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return to_file


def read_lines(path):
    source = open_source(SourceSettings(path=str(path)), "de")
    return [paragraph for document in source.read() for paragraph in document.paragraphs]


def complaint(path):
    with pytest.raises(UsageError) as caught:
        read_lines(path)
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_plain_text_gives_its_lines_empty_ones_too(write):
    assert read_lines(write(TEXT)) == LINES


@pytest.mark.parametrize("ending", COMPRESS)
def test_compressed_text_gives_the_same_lines(write, ending):
    assert read_lines(write(COMPRESS[ending](TEXT), f"de.txt.{ending}")) == LINES


@pytest.mark.parametrize("ending", COMPRESS)
def test_archives_that_were_put_one_behind_the_other_are_read_to_the_end(write, ending):
    both = COMPRESS[ending](TEXT) + COMPRESS[ending](b"the second\n")
    assert read_lines(write(both, f"de.txt.{ending}")) == [*LINES, "the second"]


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfone\ntwo\n",  # byte order mark
        b"one\r\ntwo\r\n",
        b"one\rtwo\r",
        b"one\ntwo",  # the last line has no end
    ],
)
def test_marks_and_line_ends_of_other_systems_are_no_text(write, content):
    assert read_lines(write(content)) == ["one", "two"]


def test_empty_lines_keep_the_places_of_aligned_files(write):
    assert read_lines(write(b"\n\none\n\n\ntwo\n\n")) == ["", "", "one", "", "", "two", ""]


def test_a_missing_file_names_what_stands_beside_it(write, tmp_path):
    write(b"x", "de.txt")
    write(b"x", "en.txt")
    assert complaint(tmp_path / "dee.txt") == (
        f"{tmp_path}/dee.txt: no such file. That folder holds: de.txt, en.txt. Check corpus.path and the language code."
    )


def test_a_missing_file_among_many_names_the_first(write, tmp_path):
    for number in range(12):
        write(b"x", f"f{number:02}.txt")
    assert "f07.txt …. Check" in complaint(tmp_path / "dee.txt")


def test_a_missing_folder_is_named(tmp_path):
    assert f"There is no folder {tmp_path}/text with" in complaint(tmp_path / "text" / "de.txt")


def test_a_folder_stands_for_the_files_in_it_in_the_order_of_their_numbers(tmp_path):
    (tmp_path / "de" / "more").mkdir(parents=True)
    for name, text in (("part10.txt", "ten"), ("part2.txt", "two"), (".hidden", "no"), ("more/a.txt.gz", "first")):
        content = f"{text}\n".encode()
        (tmp_path / "de" / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    assert read_lines(tmp_path / "de") == ["first", "two", "ten"]
    assert read_lines(tmp_path / "de" / "part*.txt") == ["two", "ten"]
    assert [path.name for path in find_files(f"{tmp_path}/*/part?.txt")] == ["part2.txt"]


def test_a_folder_without_files_and_a_pattern_without_matches_are_told(tmp_path):
    assert complaint(tmp_path) == f"{tmp_path}: the folder holds no files. Give a text file, or a folder of text files."
    (tmp_path / "fi.txt").write_text("x")
    assert complaint(tmp_path / "de*.txt") == (
        f"{tmp_path}/de*.txt: no file matches. That folder holds: fi.txt. Check corpus.path and the language code."
    )


def test_a_name_that_looks_like_a_pattern_is_a_name_where_there_is_such_a_file(tmp_path):
    (tmp_path / "text[de].txt").write_text("one\n")
    assert read_lines(tmp_path / "text[de].txt") == ["one"]


@pytest.mark.parametrize("content", [b"", b"\n\n  \n\t\n", b"\xef\xbb\xbf\n"])
@pytest.mark.parametrize("ending", ["txt", *COMPRESS])
def test_a_file_without_text_is_refused(write, content, ending):
    path = write(COMPRESS.get(ending, bytes)(content), f"de.{ending}")
    assert complaint(path) == (f"{path}: the file holds no text. Give a UTF-8 text file with one paragraph a line.")


def test_binary_data_is_refused(write):
    assert "binary data, not text" in complaint(write(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_utf_16_is_refused_with_the_command_that_converts_it(write, encoding):
    content = "\ufeffein Text".encode(encoding) if encoding.endswith("be") else "ein Text".encode(encoding)
    assert "is UTF-16; bloodbank reads UTF-8. Convert it: iconv -f UTF-16 -t UTF-8." in complaint(write(content))


def test_latin_1_is_refused_with_the_line(write):
    path = write("eins\nzwei\r\ndrei Bären\n".encode("latin-1"))
    assert complaint(path).startswith(f"{path}: not UTF-8: byte 0xe4 in line 3. Convert it")


@pytest.mark.parametrize("ending", COMPRESS)
@pytest.mark.parametrize("share", [0.2, 0.6, 0.999])
def test_an_archive_that_breaks_off_is_refused(write, ending, share):
    whole = COMPRESS[ending](LONG)
    path = write(whole[: int(len(whole) * share)], f"de.txt.{ending}")
    assert complaint(path).startswith(f"{path}: not a whole .{ending} file: ")
    assert complaint(path).endswith(" Make or fetch it again.")


@pytest.mark.parametrize("ending", COMPRESS)
def test_plain_text_with_the_name_of_an_archive_is_refused(write, ending):
    path = write(TEXT, f"de.txt.{ending}")
    assert complaint(path).startswith(f"{path}: not a whole .{ending} file: ")


def test_a_source_is_known_by_its_bytes(write):
    one = write(b"abc")
    assert TextSource([one]).digest() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    other = write(b"def", "fi.txt")
    assert TextSource([one, other]).digest() != TextSource([other, one]).digest()


# Pages of another kind, and lines without an end.


@pytest.mark.parametrize("head", ["<!DOCTYPE html>\n<p>Text", "\n<HTML lang=de>"])
def test_html_is_refused(write, head):
    assert "is HTML or XML. Take the text out of its tags first" in complaint(write(head.encode()))


@pytest.mark.parametrize(
    "content",
    [
        "<div class='x'><p>Text of the first.</p></div>\n<p>Text of the second.</p>\n",
        "<body>\n<p>Text</p>\n\n<ul><li>one</li>\n<li>two</li></ul>\n",
        f"<!-- {'a long remark ' * 200} -->\n<p>Text</p>\n",
        "<html-like/>\n  <text>words</text>\n",
    ],
)
def test_a_page_that_does_not_say_so_at_its_start_is_refused(write, content):
    assert "is HTML or XML." in complaint(write(content.encode()))


@pytest.mark.parametrize(
    "content",
    ["Write <p> before a paragraph.\n<p> begins it.\n</p> ends it, if it is there.\nThat is all.\n", "<3 all\n"],
)
def test_text_about_html_is_text(write, content):
    assert [line for document in TextSource([write(content.encode())]).read() for line in document.paragraphs]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<!DOCTYPE html>\n" + b"<p>Text of a page.</p>\n" * 200, "is HTML"),
        (("a line of text\n" * 200).encode("utf-16"), "is UTF-16"),
        (b'<mediawiki xml:lang="en">\n' + b"words of an article\n" * 200, "is a dump of MediaWiki"),
    ],
)
def test_what_is_no_text_is_seen_from_any_place_on(write, content, message):
    with pytest.raises(UsageError, match=message):
        next(TextSource([write(content)]).read(0.5))


def test_a_dump_is_sent_to_its_own_reader(write):
    message = complaint(write(b'<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/">\n'))
    assert message.endswith('is a dump of MediaWiki. Set source = "wikipedia" in the experiment file.')


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_a_file_of_one_endless_line_is_refused(write, ending):
    content = b"first\n" + b"words without end " * 700_000
    path = write(gzip.compress(content, 1) if ending else content, f"de.txt{ending}")
    assert "line 2 is longer than 10,000,000 bytes; bloodbank reads one paragraph a line." in complaint(path)


# From any place on.


@pytest.fixture(params=["", ".gz", ".bz2", ".xz", ".zst"])
def three_files(request, tmp_path):
    """40 000 lines of different lengths and ends in three files, larger than a block."""
    lines = [f"line {i} " + "ä" * (i % 90) for i in range(40_000)]
    paths = []
    for number, part in enumerate((lines[:3], lines[3:30_000], lines[30_000:])):
        end = "\r\n" if number == 1 else "\n"
        content = "".join(line + end for line in part).encode()
        path = tmp_path / f"de{number}.txt{request.param}"
        path.write_bytes(COMPRESS[request.param[1:]](content) if request.param else content)
        paths.append(path)
    return TextSource(paths), lines


def test_a_reading_from_a_place_is_the_end_of_the_whole_reading(three_files):
    source, lines = three_files
    whole = list(source.read())
    assert [document.paragraphs for document in whole] == [(line,) for line in lines]
    places = [document.place for document in whole]
    assert places == sorted(places)
    assert len(set(places)) == len(places)
    assert 0 == places[0] < places[-1] < 1
    for start in (1e-9, places[2], places[3], places[29_999], places[30_000], 0.123, 0.5, 0.9999, places[-1]):
        expected = [document for document in whole if document.place >= start]
        assert list(source.read(start)) == expected


def test_plain_files_are_read_from_a_place_without_what_stands_before_it(write, monkeypatch):
    source = TextSource([write(b"a line of text\n" * 400_000)])
    assert source.seekable
    blocks = []
    monkeypatch.setattr(
        "bloodbank.corpus.sources.text._split", lambda block: blocks.append(len(block)) or [b"x\n", b""]
    )
    list(source.read(0.9))
    assert sum(blocks) < 0.11 * 6_000_000


def test_a_wrong_byte_behind_a_place_is_told_without_a_number_of_its_line(write):
    source = TextSource([write(b"good\n" * 100 + b"b\xe4d\n")])
    with pytest.raises(UsageError, match="not UTF-8: byte 0xe4 in a line"):
        list(source.read(0.5))


def test_archives_are_read_in_little_memory(write):
    import tracemalloc

    line = b"the same line of text again and again " * 10 + b"\n"
    source = TextSource([write(gzip.compress(line * 150_000, 1), "de.txt.gz")])
    tracemalloc.start()
    n_lines = sum(1 for _ in source.read())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert n_lines == 150_000  # 57 MB of text
    assert peak < 20_000_000

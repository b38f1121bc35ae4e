"""Reading text files: what comes out of good ones, and what is said of bad ones."""

import bz2
import gzip
import lzma

import pytest
import zstandard

from bloodbank.corpus import read_lines, source_digest
from bloodbank.errors import UsageError

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
        b"  one\t\ntwo  \n",
        "one\u2028\ntwo\u0085\x00\n".encode()[:-2] + b"\n",  # line separators of other systems at the end
    ],
)
def test_marks_and_line_ends_of_other_systems_are_no_text(write, content):
    assert read_lines(write(content)) == ["one", "two"]


def test_text_is_composed(write):
    decomposed = "Ba\u0308r \u1112\u1161\u11ab か\u3099"
    assert read_lines(write(decomposed.encode())) == ["Bär 한 が"]


def test_control_characters_become_one_space(write):
    assert read_lines(write("a\tb\x1b\x07c\u2028d\x7fe".encode())) == ["a b c d e"]


def test_joiners_that_scripts_need_stay(write):
    persian, sinhala = "می\u200cخواهم", "ශ්\u200dරී"
    assert read_lines(write(f"{persian}\n{sinhala}\n".encode())) == [persian, sinhala]


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


def test_a_folder_is_no_text(tmp_path):
    assert complaint(tmp_path) == f"{tmp_path} is a folder, not a text file; corpus.path names one file per language."


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


def test_a_source_is_known_by_its_bytes(write, tmp_path):
    assert source_digest(write(b"abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    with pytest.raises(UsageError, match=r"de\.txt\.xz: no such file\. That folder holds: de\.txt\."):
        source_digest(tmp_path / "de.txt.xz")

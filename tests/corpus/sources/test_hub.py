"""Tables as a source: local Parquet and JSON Lines, and datasets of a hub that runs on this machine."""

import bz2
import gzip
import io
import json
import lzma
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from bloodbank.corpus.sources.source import Document
from bloodbank.corpus.sources.tables import HubSource
from bloodbank.errors import UsageError
from local_hub import COMMIT, TAG, serve_hub

COMPRESS = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zstandard.compress}
RECORDS = [
    {"id": "a", "text": "Erste Zeile.\nZweite: äöü 中文 हिन्दी\u200d"},
    {"id": "b", "text": None},
    {"id": "c", "text": " \n\t\r\n "},
    {"id": None, "text": "one\r\ntwo\rthree\n\n four \n"},
    {"id": "e", "text": "e\u0301\u2028still the same line\x0b\x85"},
]
DOCUMENTS = [
    Document(0.0, ("Erste Zeile.", "Zweite: äöü 中文 हिन्दी\u200d"), "a"),
    Document(0.6, ("one", "two", "three", " four "), None),
    Document(0.8, ("e\u0301\u2028still the same line\x0b\x85",), "e"),
]
COUNTS = {"records": 5, "records_without_text": 2, "records_without_key": 1}


def as_json(records):
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()


def as_parquet(table, group=2):
    content = io.BytesIO()
    pq.write_table(table if isinstance(table, pa.Table) else pa.Table.from_pylist(table), content, row_group_size=group)
    return content.getvalue()


@pytest.fixture
def write(tmp_path):
    def to_file(content, name):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    return to_file


def read(*paths, start=0.0, **settings):
    return list(HubSource("de", paths=paths, **settings).read(start))


def texts(*paths, **settings):
    return [" ".join(document.paragraphs) for document in read(*paths, **settings)]


def complaint(*paths, start=0.0, **settings):
    with pytest.raises(UsageError) as caught:
        read(*paths, start=start, **settings)
    return str(caught.value)


# What comes out of good files


@pytest.mark.parametrize("ending", COMPRESS)
@pytest.mark.parametrize("kind", [".jsonl", ".ndjson", ".json"])
def test_json_lines_give_their_records(write, kind, ending):
    source = HubSource("de", paths=[write(COMPRESS[ending](as_json(RECORDS)), f"de{kind}{ending}")], key_column="id")
    assert list(source.read()) == DOCUMENTS
    assert source.counts == COUNTS


@pytest.mark.parametrize("group", [1, 2, 3, 100])
def test_parquet_gives_the_same(write, group):
    source = HubSource("de", paths=[write(as_parquet(RECORDS, group), "de.parquet")], key_column="id")
    assert list(source.read()) == DOCUMENTS
    assert source.counts == COUNTS


def test_reading_again_counts_again(write):
    source = HubSource("de", paths=[write(as_parquet(RECORDS), "de.parquet")], key_column="id")
    assert list(source.read()) == list(source.read())
    assert source.counts == {name: 2 * n for name, n in COUNTS.items()}


def test_without_a_key_column_there_are_no_keys(write):
    source = HubSource("de", paths=[write(as_json(RECORDS), "de.jsonl")])
    assert {document.key for document in source.read()} == {None}
    assert "records_without_key" not in source.counts


@pytest.mark.parametrize("make", [as_json, as_parquet])
def test_numbers_can_be_keys_and_the_text_its_own_key(write, make):
    path = write(
        make([{"n": 10**15, "t": "x"}, {"n": -1, "t": "y"}]), f"de.{'jsonl' if make is as_json else 'parquet'}"
    )
    assert [document.key for document in read(path, column="t", key_column="n")] == ["1000000000000000", "-1"]
    assert [document.key for document in read(path, column="t", key_column="t")] == ["x", "y"]


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())]
)
def test_texts_of_every_type_of_arrow(write, kind):
    table = pa.table({"text": pa.array(["eins", "zwei", None, "eins"], pa.string()).cast(kind)})
    assert texts(write(as_parquet(table), "de.parquet")) == ["eins", "zwei", "eins"]


def test_several_files_are_one_after_the_other(write):
    paths = [
        write(as_json([{"text": f"{file} {i}"} for i in range(n)]), f"{file}.jsonl") for file, n in enumerate([2, 0, 3])
    ]
    found = read(*paths)
    assert [document.paragraphs[0] for document in found] == ["0 0", "0 1", "2 0", "2 1", "2 2"]
    assert [document.place for document in found] == [0.0, 0.2, 0.4, 0.6, 0.8]


def test_blank_lines_and_marks_of_other_systems_are_no_records(write):
    content = b'\xef\xbb\xbf{"text": "one"}\r\n\r\n   \n\t\n{"text": "two"}'
    assert [document.place for document in read(write(content, "de.jsonl"))] == [0.0, 0.5]


def test_other_columns_may_hold_anything(write):
    """Behind the first 10 MB the library `datasets` would write texts as quoted ones where types are mixed."""
    strange = [{"text": "x" * 1_000, "more": 5} for _ in range(11_000)] + [{"text": "y", "more": {"a": [1, "b"]}}]
    assert texts(write(as_json(strange), "de.jsonl"))[-1] == "y"


def test_a_column_may_be_missing_in_some_records(write):
    content = as_json([{"other": 1}, {"text": "x"}, {"text": "y", "other": 2}])
    assert texts(write(content, "de.jsonl")) == ["x", "y"]


def test_records_that_hold_half_a_character_are_left_out_and_counted(write):
    content = (
        b'{"text": "good \\ud83d\\ude00"}\n{"text": "half \\ud83d"}\n{"text": "\\ude00\\ud83d"}\n{"text": "d\\u00e9"}\n'
    )
    source = HubSource("de", paths=[write(content, "de.jsonl")])
    assert [document.paragraphs[0] for document in source.read()] == ["good 😀", "dé"]
    assert source.counts == {"records": 4, "records_not_unicode": 2}


# Places


@given(
    sizes=st.lists(st.integers(0, 40), min_size=1, max_size=4).filter(any),
    group=st.integers(1, 15),
    kind=st.sampled_from(["parquet", "jsonl", "jsonl.gz"]),
    data=st.data(),
)
def test_from_any_place_on_the_same_records_come(tmp_path_factory, sizes, group, kind, data):
    folder, number = tmp_path_factory.mktemp("places"), iter(range(1_000))
    paths = []
    for i, n in enumerate(sizes):
        table = pa.table({"id": [str(next(number)) for _ in range(n)], "text": ["x"] * n}, schema=SCHEMA)
        content = as_parquet(table, group) if kind == "parquet" else as_json(table.to_pylist())
        paths.append(folder / f"{i}.{kind}")
        paths[-1].write_bytes(gzip.compress(content) if kind.endswith("gz") else content)
    source = HubSource("de", paths=paths, key_column="id")
    everything = list(source.read())
    assert [document.key for document in everything] == [str(i) for i in range(sum(sizes))]
    assert [document.place for document in everything] == [i / sum(sizes) for i in range(sum(sizes))]
    places = st.sampled_from([document.place for document in everything])
    start = data.draw(st.one_of(places, st.floats(0.0, 1.0, exclude_max=True)))
    assert list(source.read(start)) == [document for document in everything if document.place >= start]


SCHEMA = pa.schema([("id", pa.string()), ("text", pa.string())])


def test_from_a_place_far_into_long_files(write):
    path = write(as_json({"id": i, "text": f"{i}"} for i in range(12_345)), "de.jsonl")
    for start in (0.08, 0.5, 0.081_004_455, 0.999_9):
        found = read(path, start=start, key_column="id")
        assert found[0].place >= start > found[0].place - 1 / 12_345
        assert [document.key for document in found] == [str(i) for i in range(round(found[0].place * 12_345), 12_345)]


def test_row_groups_before_the_place_are_not_read(write):
    content = bytearray(as_parquet([{"text": f"text {i}"} for i in range(100)], group=10))
    end_of_first = pq.read_metadata(io.BytesIO(content)).row_group(1).column(0).dictionary_page_offset
    content[4:end_of_first] = bytes(end_of_first - 4)
    path = write(bytes(content), "de.parquet")
    assert len(read(path, start=0.1)) == 90
    assert complaint(path).startswith(f"{path}: not a whole Parquet file: ")


def test_lines_before_the_place_are_not_read_again(write):
    path = write(as_json({"text": f"{i}"} for i in range(5_000)), "de.jsonl")
    source = HubSource("de", paths=[path])
    assert len(list(source.read(0.5))) == 2_500
    path.write_bytes(b"?" * 1_000 + path.read_bytes()[1_000:])
    assert len(list(source.read(0.5))) == 2_500
    with pytest.raises(UsageError, match="line 1: not an object"):
        list(source.read())


def test_lines_keep_their_numbers_wherever_reading_begins(write):
    path = write(b"\n".join(as_json([{"text": f"{i:04}"}]) for i in range(5_000)), "de.jsonl")  # every other line blank
    source = HubSource("de", paths=[path])
    assert len(list(source.read(0.5))) == 2_500
    path.write_bytes(path.read_bytes().replace(b'"3333"', b"333333"))
    with pytest.raises(UsageError, match="line 6667: column 'text' holds a number, not text"):
        list(source.read(0.5))


MEASURE = """
import sys
from pathlib import Path
import pyarrow as pa
from bloodbank.corpus.sources.tables import HubSource

source = HubSource("de", paths=[Path(sys.argv[1])])
print(sum(len(document.paragraphs[0]) for document in source.read()), pa.default_memory_pool().max_memory())
"""


def test_a_row_group_is_not_held_whole(tmp_path):
    table = pa.table({"text": [f"{i} {'äöü' * 1_000}" for i in range(20_000)]})  # 120 MB in one group
    pq.write_table(table, tmp_path / "de.parquet", row_group_size=20_000, use_dictionary=False)
    n_chars, most = map(int, output(MEASURE, tmp_path / "de.parquet").split())
    assert n_chars > 60_000_000
    assert most < 20_000_000


def output(script, *arguments, **variables):
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)], capture_output=True, text=True,
        env={key: value for key, value in (os.environ | variables).items() if value is not None}, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


# Keys of the corpus, and the data card


def test_the_digest_is_of_bytes_and_columns(write):
    one, two = write(as_json(RECORDS), "one.jsonl"), write(as_json(RECORDS[:1]), "two.jsonl")
    copy = write(as_json(RECORDS), "elsewhere/copy.jsonl")

    def digest(*paths, **settings):
        return HubSource("de", paths=paths, **settings).digest()

    assert digest(one) == digest(copy) == HubSource("fi", paths=[one]).digest()
    different = [digest(one), digest(two), digest(one, two), digest(two, one), digest(one, column="id"),
                 digest(one, key_column="id")]  # fmt: skip
    assert len(set(different)) == len(different)


def test_a_missing_file_has_no_digest(tmp_path):
    with pytest.raises(UsageError, match=r"de\.parquet: cannot be read: No such file or directory\."):
        HubSource("de", paths=[tmp_path / "de.parquet"]).digest()
    assert complaint(tmp_path / "de.parquet") == f"{tmp_path}/de.parquet: cannot be read: No such file or directory."
    assert complaint(tmp_path / "de.jsonl") == f"{tmp_path}/de.jsonl: cannot be read: No such file or directory."


def test_local_files_say_what_they_were_told(write):
    path = write(as_json(RECORDS), "de.jsonl")
    source = HubSource("de", paths=[path], key_column="id", licence="CC0")
    assert source.kind == "hub"
    assert source.files() == (path,)
    assert source.describe() == {"licence": "CC0", "column": "text", "key_column": "id"}
    assert HubSource("de", paths=[path]).describe() == {"licence": None, "column": "text", "key_column": None}


# What is wrong


ONLY_OF_DATASETS = "de: local files have no configuration, split or revision; leave them out."
NO_NAME = "is no name of a dataset; write it as in 'wikimedia/wikipedia'."


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "de: give either the name of a dataset or local files."),
        ({"dataset": "a/b", "paths": [Path("x.jsonl")]}, "de: give either the name of a dataset or local files."),
        ({"paths": [Path("x.jsonl")], "config": "y"}, ONLY_OF_DATASETS),
        ({"paths": [Path("x.jsonl")], "split": "y"}, ONLY_OF_DATASETS),
        ({"paths": [Path("x.jsonl")], "revision": "y"}, ONLY_OF_DATASETS),
        ({"paths": [Path("x.jsonl")], "column": ""}, "de: the column of text has no name."),
        ({"paths": [Path("x.jsonl"), Path("x.parquet")]},
         "x.jsonl: files of several kinds (.jsonl, .parquet) are given; give one kind."),
        ({"dataset": "https://hf.co/datasets/a/b"}, f"'https://hf.co/datasets/a/b' {NO_NAME}"),
        ({"dataset": "../up"}, f"'../up' {NO_NAME}"),
    ],
)  # fmt: skip
def test_settings_that_do_not_fit_together(settings, message):
    with pytest.raises(UsageError) as caught:
        HubSource("de", **settings)
    assert str(caught.value) == message


@pytest.mark.parametrize("name", ["de.txt", "de", "de.parquet.gz", "de.jsonl.zip", ".jsonl.d", "de.csv"])
def test_files_of_another_kind(name):
    with pytest.raises(UsageError, match="neither Parquet nor JSON Lines by its name"):
        HubSource("de", paths=[Path(name)])


def test_a_column_that_is_not_there_names_those_that_are(write):
    path = write(as_parquet(RECORDS), "de.parquet")
    assert complaint(path, column="body") == f"{path}: no column 'body'. There are: id (string), text (string)."
    assert complaint(path, key_column="k") == f"{path}: no column 'k'. There are: id (string), text (string)."
    path = write(as_json(RECORDS), "de.jsonl")
    assert complaint(path, column="body") == f"{path}: no record has a column 'body'. There are: id, text."
    assert complaint(path, key_column="k") == f"{path}: no record has a column 'k'. There are: id, text."


def test_a_column_that_is_there_twice(write):
    table = pa.table([["a"], ["b"]], names=["text", "text"])
    path = write(as_parquet(table), "de.parquet")
    assert complaint(path) == f"{path}: several columns 'text'. There are: text (string), text (string)."


def test_columns_of_another_type(write):
    table = pa.table({"n": [1], "f": [0.5], "l": [["a"]], "text": ["x"], "b": [b"x"]})
    path = write(as_parquet(table), "de.parquet")
    assert complaint(path, column="n") == f"{path}: column 'n' holds int64, not text. Columns of text: text."
    assert complaint(path, column="b") == f"{path}: column 'b' holds binary, not text. Columns of text: text."
    assert complaint(path, key_column="f") == f"{path}: column 'f' holds double; keys are texts or whole numbers."


@pytest.mark.parametrize("make", [as_json, as_parquet])
@pytest.mark.parametrize("records", [[{"text": None}], [{"text": " "}, {"text": ""}]])
def test_no_text_at_all(write, make, records):
    path = write(make(records), "de.jsonl" if make is as_json else "de.parquet")
    assert complaint(path) == f"{path}: no record has text in the column 'text'."


def test_no_records_at_all(write):
    for path in (
        write(b"", "de.jsonl"),
        write(b"\n \n", "e.jsonl"),
        write(as_parquet(SCHEMA.empty_table()), "de.parquet"),
    ):
        assert complaint(path) == f"{path}: no record has text in the column 'text'."


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_parquet_file_that_breaks_off(write, share):
    content = as_parquet([{"text": f"text {i * i}"} for i in range(1_000)], group=100)
    path = write(content[: int(len(content) * share)], "de.parquet")
    assert complaint(path).startswith(f"{path}: not a whole Parquet file: ")
    assert complaint(path).endswith(". Make or fetch it again.")


def test_parquet_that_is_none(write):
    path = write(as_json(RECORDS), "de.parquet")
    assert complaint(path).startswith(f"{path}: not a whole Parquet file: ")


def test_a_parquet_file_with_a_broken_page(write):
    content = bytearray(as_parquet([{"text": f"text {i * i}"} for i in range(10_000)], group=1_000))
    content[len(content) // 2 : len(content) // 2 + 500] = bytes(500)
    path = write(bytes(content), "de.parquet")
    assert complaint(path).startswith(f"{path}: not a whole Parquet file: ")


def test_parquet_with_text_that_is_not_unicode(write):
    column = pa.Array.from_buffers(pa.string(), 1, pa.array([b"B\xe4r"]).buffers())
    path = write(as_parquet(pa.table({"text": column})), "de.parquet")
    assert complaint(path).startswith(f"{path}: column 'text' is not UTF-8: ")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"text": "b"', "not an object of JSON: Expecting ',' delimiter (character 14)."),
        (b'{"text": "b', "not an object of JSON: Invalid control character at (character 12)."),
        (b"text", "not an object of JSON: Expecting value (character 1)."),
        (b'{"text": "b"}{"text": "c"}', "not an object of JSON: Extra data (character 14)."),
        (b'{"text": "B\xe4r"}', "not UTF-8: byte 0xe4. Convert it, for example: iconv -f LATIN1 -t UTF-8."),
        (b'"text"', "a text, not an object of JSON."),
        (b"null", "null, not an object of JSON."),
        (b'["text"]', "a list, not an object of JSON. Write an object a line: jq -c '.[]'."),
        (b'{"text": 5}', "column 'text' holds a number, not text."),
        (b'{"text": ["b"]}', "column 'text' holds a list, not text."),
        (b'{"text": {"b": 1}}', "column 'text' holds an object, not text."),
        (b'{"text": true}', "column 'text' holds true or false, not text."),
        (b'{"text": "b", "id": 0.5}', "column 'id' holds a number; keys are texts or whole numbers."),
        (b'{"text": "b", "id": false}', "column 'id' holds true or false; keys are texts or whole numbers."),
        (b'{"text": "b", "id": 7}', "the key is a number, those before are each a text."),
        (b'{"text": ' + b"[" * 100_000 + b"}", "not an object of JSON: maximum recursion depth exceeded"),
        (b'{"text": ' + b"1" * 5_000 + b"}", "not an object of JSON: Exceeds the limit (4300 digits)"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("start", [0.0, 0.9])
def test_a_line_that_is_wrong_is_named(write, line, message, start):
    path = write(b'{"text": "a", "id": "x"}\n\n' + line + b'\n{"text": "c"}\n', "de.jsonl")
    assert complaint(path, start=start, key_column="id").startswith(f"{path}: line 3: {message}")


def test_a_list_of_records_is_told_how_to_become_lines(write):
    path = write(json.dumps(RECORDS, indent=1).encode(), "de.json")
    assert complaint(path).endswith("It is one list; write an object a line: jq -c '.[]'.")


def test_utf_16_is_told_how_to_become_utf_8(write):
    path = write(as_json(RECORDS).decode().encode("utf-16"), "de.jsonl")
    assert complaint(path).endswith("not UTF-8: byte 0xff. Convert it, for example: iconv -f UTF-16 -t UTF-8.")


def test_a_file_of_one_endless_line(write, monkeypatch):
    monkeypatch.setattr("bloodbank.corpus.sources.jsonlines.LONGEST_LINE_BYTES", 1_000)
    path = write(b'{"text": "a"}\n{"text": "' + b"x" * 1_000 + b'"}', "de.jsonl")
    assert complaint(path) == f"{path}: line 2 is longer than 1,000 bytes. JSON Lines have one object a line."


@pytest.mark.parametrize("ending", [".gz", ".bz2", ".xz", ".zst"])
@pytest.mark.parametrize("share", [0.5, 0.999])
def test_an_archive_that_breaks_off(write, ending, share):
    whole = COMPRESS[ending](as_json({"text": f"{i * i % 9_973} {i}"} for i in range(30_000)))
    path = write(whole[: int(len(whole) * share)], f"de.jsonl{ending}")
    assert complaint(path).startswith(f"{path}: not a whole {ending} file: ")


# Without the library


def test_local_files_need_no_more_packages(write):
    script = """
import sys
sys.modules["datasets"] = sys.modules["huggingface_hub"] = None
from pathlib import Path
from bloodbank.corpus.sources.tables import HubSource
from bloodbank.errors import UsageError

for path in sys.argv[1:]:
    print(len(list(HubSource("de", paths=[Path(path)]).read())))
try:
    HubSource("de", dataset="wikimedia/wikipedia", config="20231101.de").digest()
except UsageError as error:
    print(error)
"""
    paths = write(as_json(RECORDS), "de.jsonl"), write(as_parquet(RECORDS), "de.parquet")
    assert output(script, *paths).split("\n") == [
        "3", "3",
        "dataset wikimedia/wikipedia (20231101.de): reading datasets of Hugging Face needs a package more: "
        "pip install 'bloodbank[hub]'.",
        "",
    ]  # fmt: skip


# Datasets of the hub, in processes of their own, since the library knows its hub from its first import on

CARD = """---
license: [cc-by-sa-3.0, gfdl]
configs:
- config_name: 20231101.de
  data_files: [{split: train, path: "20231101.de/train-*"}]
- config_name: 20231101.fi
  data_files: [{split: train, path: "20231101.fi/train-*"}]
dataset_info:
- config_name: 20231101.de
  features: [{name: id, dtype: string}, {name: text, dtype: string}]
  splits: [{name: train, num_bytes: 1, num_examples: 55}]
- config_name: 20231101.fi
  features: [{name: id, dtype: string}, {name: text, dtype: string}]
  splits: [{name: train, num_bytes: 1, num_examples: 3}]
---
"""


def numbered(first, last):
    return [{"id": str(i), "text": f"Text {i}.\nMehr."} for i in range(first, last)]


DATASETS = {
    "wikimedia/wikipedia": {
        "README.md": CARD.encode(),
        "20231101.de/train-00000-of-00002.parquet": as_parquet(numbered(0, 30), group=7),
        "20231101.de/train-00001-of-00002.parquet": as_parquet(numbered(30, 55), group=7),
        "20231101.fi/train-00000-of-00001.parquet": as_parquet(numbered(0, 5)),  # more than its card says
    },
    "me/lines": {"train.jsonl": as_json(numbered(0, 300)), "test.jsonl.gz": gzip.compress(as_json(numbered(0, 3)))},
    "me/table": {"train.csv": b"id,text\n1,one\n2,two\n", "test.csv": b"id,text\n3,three\n"},
    "me/bare": {"train.parquet": as_parquet(numbered(0, 5))},
    "me/mixed": {"train.jsonl": as_json([{"text": "x" * 1_000}] * 11_000 + [{"text": 5}, {"text": "y"}])},
    "me/broken": {"train.jsonl": b'{"text": "a"}\n{"text": \n'},
    "me/cut": {"train.parquet": as_parquet(numbered(0, 5))[:-20]},
    "me/nothing": {"train.jsonl": b""},
    "me/empty": {"README.md": b"Nothing here."},
    "me/script": {"script.py": b"print(1)"},
    "me/gated": {"train.jsonl": as_json(numbered(0, 3))},
}
WIKI = {"dataset": "wikimedia/wikipedia", "config": "20231101.de"}

ASK = """
import json
import logging
import os
import sys

import datasets
import huggingface_hub.utils
from bloodbank.corpus.sources.tables import HubSource
from bloodbank.errors import UsageError

def ask(what, start=0.0, folder=None, **settings):
    if what == "keep":
        datasets.disable_progress_bars()
        datasets.load_dataset(**settings)
        return None
    if folder:
        os.chdir(folder)
    source = HubSource("de", **settings)
    try:
        if what == "read":
            found = [[d.place, d.paragraphs, d.key] for d in source.read(start)]
            return {"found": found, "counts": source.counts}
        return getattr(source, what)()
    except UsageError as error:
        return str(error)

def state():
    return [datasets.are_progress_bars_disabled(), huggingface_hub.utils.are_progress_bars_disabled(),
            *(logging.getLogger(name).level for name in ("", "datasets", "huggingface_hub"))]

before = state()
answers = [ask(**asked) for asked in json.loads(sys.argv[1]) if asked["what"] != "keep"]
after = state()
for asked in json.loads(sys.argv[1]):
    if asked["what"] == "keep":
        ask(**asked)
print(json.dumps([before, after, answers]))
"""

LINES = {"dataset": "me/lines"}
READ = {
    "wiki": WIKI | {"key_column": "id"},
    "wiki, later": WIKI | {"start": 0.6},
    "wiki, more than it says": WIKI | {"config": "20231101.fi"},
    "lines": LINES | {"key_column": "id"},
    "lines, later": LINES | {"start": 0.99},
    "lines, packed": LINES | {"split": "test"},
    "table": {"dataset": "me/table", "split": "test", "key_column": "id"},
    "bare, later": {"dataset": "me/bare", "start": 0.5},
    "mixed": {"dataset": "me/mixed"},
    "broken": {"dataset": "me/broken"},
    "cut": {"dataset": "me/cut"},
    "empty": {"dataset": "me/empty"},
}
MOVED = {"wiki as it is": "", "wiki as main": "main", "wiki as tag": TAG, "wiki as commit": COMMIT}
DIGEST = {
    **{name: WIKI | {"revision": revision} for name, revision in MOVED.items()},
    "lines as it is": LINES,
    "another commit": WIKI | {"revision": "b" * 40},
    "another split": WIKI | {"split": "test"},
    "another column": WIKI | {"column": "title"},
    "another key": WIKI | {"key_column": "id"},
    "another language": WIKI | {"config": "20231101.fi"},
    "another dataset": {"dataset": "me/bare"},
}
MISSING = {
    "dataset no/such: the hub has no such dataset, or it is private. Check the name; for a private one log in with "
    "`hf auth login`.": {"dataset": "no/such"},
    "dataset me/lines: no revision 'v9'. Leave it out, or give a commit.": LINES | {"revision": "v9"},
    "dataset wikimedia/wikipedia: a configuration must be named. There are: 20231101.de, 20231101.fi.":
        WIKI | {"config": ""},
    "dataset wikimedia/wikipedia (20231101.fj): no configuration '20231101.fj'. Did you mean 20231101.fi or "
    "20231101.de? There are: 20231101.de, 20231101.fi.": WIKI | {"config": "20231101.fj"},
    "dataset me/lines (de): no configuration 'de'. There are: default.": LINES | {"config": "de"},
    "dataset me/lines: no split 'dev'. There are: train, test.": LINES | {"split": "dev"},
    "dataset me/lines: no split 'train[:10%]'. There are: train, test.": LINES | {"split": "train[:10%]"},
    "dataset me/lines: no column 'body'. There are: id (string), text (string).": LINES | {"column": "body"},
    "dataset me/table: column 'id' holds int64, not text. Columns of text: text.":
        {"dataset": "me/table", "column": "id"},
    f"hf://datasets/me/bare@{COMMIT}/train.parquet: no column 'body'. There are: id (string), text (string).":
        {"dataset": "me/bare", "column": "body"},
    "dataset me/nothing: the split 'train' has no records.": {"dataset": "me/nothing"},
    "dataset me/gated: only for those whom its owner lets in. Ask for access on "
    "https://huggingface.co/datasets/me/gated, then log in with `hf auth login`.": {"dataset": "me/gated"},
    "dataset me/script: cannot be read: Dataset scripts are no longer supported, but found script.py.":
        {"dataset": "me/script"},
}  # fmt: skip
AWAY = {
    "digest": {"what": "digest", **LINES},
    "read": {"what": "read", **LINES, "key_column": "id"},
    "read later": {"what": "read", **LINES, "revision": COMMIT, "start": 0.99},
    "describe": {"what": "describe", **LINES},
    "another commit": {"what": "read", **LINES, "revision": "b" * 40},
    "a name that moves": {"what": "digest", **LINES, "revision": "main"},
    "never kept": {"what": "digest", "dataset": "me/bare"},
}


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """Ask a hub on this machine, and then, in another process, without it; nothing else may be said or changed."""
    pytest.importorskip("datasets", reason="bloodbank[hub] is not installed")
    folder = tmp_path_factory.mktemp("folder")
    (folder / "me" / "bare").mkdir(parents=True)
    (folder / "me" / "bare" / "train.jsonl").write_bytes(as_json([{"text": "another"}]))
    asked = {
        **{name: {"what": "read", **settings} for name, settings in (READ | MISSING).items()},
        **{name: {"what": "digest", **settings} for name, settings in DIGEST.items()},
        "said of wiki": {"what": "describe", **WIKI},
        "said of bare": {"what": "describe", "dataset": "me/bare", "licence": "CC0"},
        "folder": {"what": "read", "dataset": "me/bare", "folder": str(folder)},
    }
    keep = {"what": "keep", "path": "me/lines", "revision": COMMIT}
    with serve_hub(DATASETS, gated={"me/gated"}) as url:
        variables = {"HF_ENDPOINT": url, "HF_HOME": str(tmp_path_factory.mktemp("home")), "no_proxy": "*",
                     "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_OFFLINE": None}  # fmt: skip
        online = json.loads(output(ASK, json.dumps([*asked.values(), keep]), **variables))
        away = json.loads(output(ASK, json.dumps(list(AWAY.values())), **(variables | {"HF_HUB_OFFLINE": "1"})))
    assert all(before == after == [False, False, *before[2:]] for before, after, _ in (online, away))
    return dict(zip(asked, online[2], strict=True)), dict(zip(AWAY, away[2], strict=True))


def expected(first, last, n=None, *, keys=False):
    n = n or last
    return [[min(i / n, 1 - 2**-53), [f"Text {i}.", "Mehr."], str(i) if keys else None] for i in range(first, last)]


def test_datasets_of_the_hub_are_read(hub):
    answers, _ = hub
    assert answers["wiki"] == {"found": expected(0, 55, keys=True), "counts": {"records": 55}}
    assert answers["wiki, later"]["found"] == expected(33, 55)
    assert answers["wiki, more than it says"]["found"] == expected(0, 5, n=3)
    assert answers["lines"]["found"] == expected(0, 300, keys=True)
    assert answers["lines, later"]["found"] == expected(297, 300)
    assert answers["lines, packed"]["found"] == expected(0, 3)
    assert answers["table"]["found"] == [[0.0, ["three"], "3"]]
    assert answers["bare, later"]["found"] == expected(3, 5)


def test_a_folder_of_the_same_name_is_not_read_instead(hub):
    assert hub[0]["folder"]["found"] == expected(0, 5)


def test_a_dataset_says_what_it_is(hub):
    assert hub[0]["said of wiki"] == {
        "dataset": "wikimedia/wikipedia", "config": "20231101.de", "split": "train", "revision": COMMIT,
        "licence": "cc-by-sa-3.0, gfdl", "date": "2026-01-02", "column": "text", "key_column": None,
    }  # fmt: skip
    assert (hub[0]["said of bare"]["licence"], hub[0]["said of bare"]["config"]) == ("CC0", None)


def test_the_key_of_a_dataset_is_its_commit_however_it_is_named(hub):
    answers, _ = hub
    assert len({answers[name] for name in MOVED}) == 1
    assert len({answers[name] for name in DIGEST}) == len(DIGEST) - len(MOVED) + 1


@pytest.mark.parametrize("message", MISSING)
def test_what_is_not_on_the_hub(hub, message):
    assert hub[0][message] == message


def test_datasets_that_cannot_be_read(hub):
    answers, _ = hub
    # The library alone reads `"y"`, quotes and all.
    assert answers["mixed"] == (
        "dataset me/mixed: after 10,240 records: cannot be read: JSON parse error: Column(/text) changed from string "
        "to number in row 648."
    )
    assert answers["broken"].startswith("dataset me/broken: ")
    assert "cannot be read: " in answers["broken"]
    assert answers["cut"].startswith(f"hf://datasets/me/cut@{COMMIT}/train.parquet: not a whole Parquet file: ")
    assert answers["empty"].startswith("dataset me/empty: cannot be read: ")


def test_a_dataset_that_was_kept_is_read_offline(hub):
    online, away = hub
    assert away["digest"] == online["lines as it is"]
    assert away["read"]["found"] == expected(0, 300, keys=True)
    assert away["read later"]["found"] == expected(297, 300)
    told = away["describe"]
    assert (told["revision"], told["licence"], told["date"]) == (COMMIT, None, None)


def test_offline_nothing_is_read_that_is_not_what_is_wanted(hub):
    _, away = hub
    assert away["another commit"] == (
        f"dataset me/lines: the hub is out of reach, and this machine has kept another version ({COMMIT}) than the one "
        f"that is wanted ({'b' * 40}). Go online, or give the one that is here as revision."
    )
    assert away["a name that moves"] == (
        "dataset me/lines: the hub is out of reach, so nobody can say which version 'main' is now. Give a commit (40 "
        "hexadecimal digits) as revision."
    )
    assert away["never kept"] == (
        "dataset me/bare: the hub may not be asked (HF_HUB_OFFLINE is set), and this machine has kept no copy of it."
    )

"""Transfers that break off, change, stall or lie, from a server on this machine."""

import hashlib
import os
import resource
import signal
import subprocess
import sys
import time
from email.utils import formatdate
from importlib import metadata
from itertools import pairwise

import httpx2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bloodbank.corpus.wikipedia.download import Remote, download
from bloodbank.corpus.wikipedia.web import Connection, NotThere, get_size, get_text
from bloodbank.errors import BloodbankError
from local_server import become, busy, cut, serve, stall, tag_of

CONTENT, OTHER = (np.random.default_rng(seed).bytes(3_500_000) for seed in (0, 1))  # more than three blocks
QUICK = Connection(contact="tests@localhost", timeout_seconds=5.0, n_tries=4, first_wait_seconds=0.01)
NAME = "/dewiki-20261101.xml.bz2"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def server():
    with serve() as running:
        running.files[NAME] = CONTENT
        yield running


def remote(server, content=CONTENT, *, algorithm="sha1", size=True):
    return Remote(
        server.url + NAME, algorithm, hashlib.new(algorithm, content).hexdigest(), len(content) if size else None
    )


def left_behind(path):
    return sorted(file.name for file in path.parent.iterdir() if file != path)


def complaint(server, path, wanted=None, connection=QUICK):
    with pytest.raises(BloodbankError) as caught:
        download(wanted or remote(server), path, connection)
    assert caught.value.exit_code == 1
    return str(caught.value)


def ranges(server):
    return [headers.get("Range") for headers in server.asked_for(NAME)]


@pytest.mark.parametrize("algorithm", ["sha1", "md5"])
@pytest.mark.parametrize("size", [True, False])
def test_a_file_comes_whole_and_leaves_nothing_beside_it(server, tmp_path, algorithm, size):
    path = tmp_path / "deep" / "er" / "de.bz2"
    told = []
    assert download(remote(server, algorithm=algorithm, size=size), path, QUICK, told.append)
    assert path.read_bytes() == CONTENT
    assert left_behind(path) == []
    assert [transfer.n_bytes for transfer in told] == [1 << 20, 2 << 20, 3 << 20, 3_500_000, 3_500_000]
    assert told[-1].note == "whole, and right"
    assert all(transfer.size_bytes == (3_500_000 if size else None) for transfer in told)


def test_a_file_that_is_there_is_not_asked_for_again(server, tmp_path):
    path = tmp_path / "de.bz2"
    path.write_bytes(CONTENT)
    told = []
    assert not download(remote(server), path, QUICK, told.append)
    assert server.asked == []
    assert [transfer.note for transfer in told] == ["is there already, and right"]


def test_a_file_that_is_there_and_wrong_stays_until_the_right_one_is_whole(server, tmp_path):
    path = tmp_path / "de.bz2"
    path.write_bytes(OTHER)
    server.faults[NAME] = [busy(500)] * 4
    complaint(server, path)
    assert path.read_bytes() == OTHER
    assert download(remote(server), path, QUICK)
    assert path.read_bytes() == CONTENT


def test_the_server_is_told_who_asks(server, tmp_path):
    download(remote(server), tmp_path / "de.bz2", QUICK)
    [headers] = server.asked_for(NAME)
    version = f"python-httpx2/{metadata.version('httpx2')}"
    assert headers["User-Agent"].startswith("bloodbank/0.")
    assert headers["User-Agent"].endswith(f" (tests@localhost) {version}")
    assert Connection().user_agent.endswith(f" {version}")
    assert "(" not in Connection().user_agent


def test_a_transfer_that_is_cut_several_times_goes_on_where_it_was(server, tmp_path):
    server.faults[NAME] = [cut(1_000_000), cut(0), cut(700_000), cut(1)]
    told = []
    download(remote(server), tmp_path / "de.bz2", QUICK, told.append)
    assert (tmp_path / "de.bz2").read_bytes() == CONTENT
    assert ranges(server) == [None, "bytes=1000000-", "bytes=1000000-", "bytes=1700000-", "bytes=1700001-"]
    tag = tag_of(CONTENT)
    assert [headers.get("If-Range") for headers in server.asked_for(NAME)] == [None, tag, tag, tag, tag]
    assert "cut off after 1,000,000 of 3,500,000 bytes; trying again in 0 s" in [transfer.note for transfer in told]


def test_while_bytes_come_tries_do_not_run_out(server, tmp_path):
    server.faults[NAME] = [cut(100_000)] * 20
    assert download(remote(server), tmp_path / "de.bz2", QUICK)
    assert len(server.asked) == 21


def test_tries_that_bring_nothing_run_out_and_the_part_stays(server, tmp_path):
    path = tmp_path / "de.bz2"
    server.faults[NAME] = [cut(1_000_000), cut(0), cut(0), cut(0), cut(0)]
    said = complaint(server, path)
    assert said == (
        f"{server.url}{NAME}: cut off after 1,000,000 of 3,500,000 bytes (4 tries in a row). Check the network and the "
        "base address, then give the same command again; what is here is kept."
    )
    assert left_behind(path) == [".de.bz2.part", ".de.bz2.part.json"]
    server.asked.clear()
    server.faults[NAME].clear()
    assert download(remote(server), path, QUICK)
    assert ranges(server) == ["bytes=1000000-"]
    assert path.read_bytes() == CONTENT
    assert left_behind(path) == []


@settings(max_examples=25, deadline=None)
@given(
    cuts=st.lists(st.integers(0, 1_500_000), max_size=6),
    validator=st.sampled_from(["etag", "date", "none"]),
    knows_ranges=st.booleans(),
    size=st.booleans(),
)
def test_however_it_is_cut_the_bytes_are_the_same(tmp_path_factory, cuts, validator, knows_ranges, size):
    path = tmp_path_factory.mktemp("cut") / "de.bz2"
    with serve() as server:
        server.files[NAME] = CONTENT
        server.validator, server.ranges = validator, knows_ranges
        server.faults[NAME] = [cut(n) for n in cuts]
        patient = Connection(timeout_seconds=5.0, n_tries=10, first_wait_seconds=0.0)
        download(remote(server, size=size), path, patient)
    assert path.read_bytes() == CONTENT
    assert left_behind(path) == []


def test_a_server_that_knows_no_ranges_sends_all_again(server, tmp_path):
    server.ranges = False
    server.faults[NAME] = [cut(1_000_000)]
    assert download(remote(server), tmp_path / "de.bz2", QUICK)
    assert ranges(server) == [None, "bytes=1000000-"]
    assert (tmp_path / "de.bz2").read_bytes() == CONTENT


def test_a_server_that_tells_no_size_and_hangs_up_is_found_out_by_the_checksum(server, tmp_path):
    server.tells_size = False
    server.faults[NAME] = [cut(1_000_000)]
    said = complaint(server, tmp_path / "de.bz2", remote(server, size=False))
    assert "the 1,000,000 bytes that came do not have the sha1" in said


@pytest.mark.parametrize("ignores_if_range", [False, True])
@pytest.mark.parametrize("validator", ["etag", "date", "none"])
def test_a_file_that_changes_between_two_tries_is_never_mixed(server, tmp_path, validator, ignores_if_range):
    """The wanted file comes in the middle of the transfer; before it, another of the same size was there."""
    server.files[NAME], server.validator, server.ignores_if_range = OTHER, validator, ignores_if_range
    server.faults[NAME] = [cut(1_000_000), become(CONTENT)]
    told = []
    assert download(remote(server), tmp_path / "de.bz2", QUICK, told.append)
    assert (tmp_path / "de.bz2").read_bytes() == CONTENT
    if validator == "etag":  # seen from the answer, before the rest of the file came for nothing
        seen = any("the file has changed on the server" in transfer.note for transfer in told)
        assert seen == ignores_if_range
        assert not any("do not fit together" in transfer.note for transfer in told)


def test_a_part_of_an_older_dump_is_not_gone_on_with(server, tmp_path):
    path = tmp_path / "de.bz2"
    server.faults[NAME] = [cut(1_000_000)] + [busy()] * 4
    complaint(server, path)
    server.files[NAME] = OTHER
    server.asked.clear()
    server.faults[NAME].clear()
    assert download(remote(server, OTHER), path, QUICK)
    assert ranges(server) == [None]
    assert path.read_bytes() == OTHER


def test_a_part_of_which_nothing_is_known_is_not_gone_on_with(server, tmp_path):
    path = tmp_path / "de.bz2"
    (tmp_path / ".de.bz2.part").write_bytes(OTHER[:1_000])
    assert download(remote(server), path, QUICK)
    assert ranges(server) == [None]
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("note", ["", "{", "[]", "null", '{"checksum": 1}', "\x00"])
def test_a_note_that_is_broken_is_no_note(server, tmp_path, note):
    (tmp_path / ".de.bz2.part").write_bytes(CONTENT[:1_000])
    (tmp_path / ".de.bz2.part.json").write_text(note)
    assert download(remote(server), tmp_path / "de.bz2", QUICK)
    assert ranges(server) == [None]


def leave_part(server, path, content):
    """Leave a part as a killed process would."""
    server.faults[NAME] = [cut(1_000)] + [busy()] * 4
    complaint(server, path)
    path.with_name(f".{path.name}.part").write_bytes(content)
    server.asked.clear()
    server.faults[NAME].clear()


def test_a_part_that_is_whole_is_only_given_its_name(server, tmp_path):
    path = tmp_path / "de.bz2"
    leave_part(server, path, CONTENT)
    assert download(remote(server), path, QUICK)
    assert server.asked == []
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("part", [OTHER[:1_000_000], CONTENT + b"more", OTHER])
@pytest.mark.parametrize("size", [True, False])
def test_a_part_with_wrong_bytes_is_found_out_and_fetched_anew(server, tmp_path, part, size):
    path = tmp_path / "de.bz2"
    leave_part(server, path, part)
    told = []
    assert download(remote(server, size=size), path, QUICK, told.append)
    assert path.read_bytes() == CONTENT
    assert any("anew" in transfer.note or "416" in transfer.note for transfer in told)


def test_bytes_that_are_not_those_of_the_checksum_are_removed_and_told(server, tmp_path):
    server.files[NAME] = OTHER
    path = tmp_path / "de.bz2"
    assert complaint(server, path) == (
        f"{server.url}{NAME}: the 3,500,000 bytes that came do not have the sha1 {remote(server).checksum}, "
        "so they were removed. The dump may just have changed, or a mirror be behind: give the same command again, or "
        "another base address."
    )
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_another_size_is_not_fetched_at_all(server, tmp_path):
    server.files[NAME] = CONTENT + b"x"
    said = complaint(server, tmp_path / "de.bz2")
    assert "has 3,500,001 bytes, but 3,500,000 were announced" in said
    assert not (tmp_path / "de.bz2").exists()


def test_a_server_that_goes_on_sending_is_stopped(server, tmp_path):
    server.files[NAME], server.tells_size = CONTENT * 3, False
    said = complaint(server, tmp_path / "de.bz2")
    assert said == f"{server.url}{NAME}: 4,194,304 bytes came of 3,500,000 announced; removed."
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_there_is_told_at_once(server, tmp_path):
    server.files.clear()
    with pytest.raises(NotThere, match="the server has no such file \\(404 Not Found\\)"):
        download(remote(server), tmp_path / "de.bz2", QUICK)
    assert len(server.asked) == 1


def test_a_server_that_wants_to_know_who_asks_says_so(server, tmp_path):
    server.faults[NAME] = [busy(403), busy(403)]
    assert complaint(server, tmp_path / "de.bz2", connection=Connection()).endswith(
        "the server refuses (403 Forbidden). Wikimedia lets in only who says how to be reached: give a contact."
    )
    assert complaint(server, tmp_path / "de.bz2").endswith("the server refuses (403 Forbidden).")
    assert len(server.asked) == 2


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again(server, tmp_path, status):
    server.faults[NAME] = [busy(status), cut(1_000), busy(status)]
    assert download(remote(server), tmp_path / "de.bz2", QUICK)
    assert (tmp_path / "de.bz2").read_bytes() == CONTENT


@pytest.mark.parametrize("as_date", [False, True])
def test_the_pause_that_a_server_asks_for_is_kept(server, tmp_path, as_date):
    # A date has whole seconds, so one that is two seconds on is more than one second away.
    server.faults[NAME] = [busy(503, formatdate(time.time() + 2, usegmt=True) if as_date else "1")]
    told, before = [], time.monotonic()
    download(remote(server), tmp_path / "de.bz2", QUICK, told.append)
    assert 0.95 <= time.monotonic() - before < 5.0
    assert told[0].note.startswith("503 Service Unavailable; trying again in ")


def test_a_pause_that_is_too_long_is_told(server, tmp_path):
    server.faults[NAME] = [busy(429, "86400")]
    assert complaint(server, tmp_path / "de.bz2").endswith(
        "the server asks to be left alone for 86,400 seconds (429 Too Many Requests). Give the same command again "
        "after that; what is here is kept."
    )


@pytest.mark.parametrize("value", ["soon", "", "-5", "Wed, 99 Nov 2026 07:28:00 GMT", "²"])
def test_a_pause_that_cannot_be_read_is_none(server, tmp_path, value):
    server.faults[NAME] = [busy(503, value.encode().decode("latin-1"))]
    assert download(remote(server), tmp_path / "de.bz2", QUICK)


def test_pauses_double(server, tmp_path):
    server.faults[NAME] = [busy()] * 5
    told = []
    connection = Connection(n_tries=6, first_wait_seconds=0.02, longest_wait_seconds=0.1)
    before = time.monotonic()
    download(remote(server), tmp_path / "de.bz2", connection, told.append)
    assert time.monotonic() - before >= 0.02 + 0.04 + 0.08 + 0.1 + 0.1


@pytest.mark.parametrize("n_bytes", [0, 1_000_000])
def test_a_server_that_says_nothing_more_is_left_and_asked_again(server, tmp_path, n_bytes):
    server.faults[NAME] = [stall(n_bytes)]
    told = []
    connection = Connection(timeout_seconds=0.3, first_wait_seconds=0.01)
    download(remote(server), tmp_path / "de.bz2", connection, told.append)
    assert (tmp_path / "de.bz2").read_bytes() == CONTENT
    assert any(transfer.note.startswith("nothing came in time") for transfer in told)


def test_no_server_at_all(tmp_path):
    with serve() as server:
        url = server.url
    wanted = Remote(url + NAME, "sha1", "0" * 40, 5)
    said = complaint(server, tmp_path / "de.bz2", wanted)
    assert "Connection refused (4 tries in a row). Check the network and the base address" in said.replace(
        "[Errno 111] ", ""
    )


def test_a_full_disk_is_told_and_what_was_there_is_kept(server, tmp_path):
    path = tmp_path / "de.bz2"
    server.faults[NAME] = [cut(1_000_000)] + [busy()] * 4
    complaint(server, path)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, before[1]))
    try:
        said = complaint(server, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert said.startswith(f"cannot write {path}: File too large. What was finished before is whole and kept")
    server.asked.clear()
    server.faults[NAME].clear()
    assert download(remote(server), path, QUICK)
    assert ranges(server) == ["bytes=2000000-"]
    assert path.read_bytes() == CONTENT


def test_a_file_for_which_there_is_no_room_is_not_begun(server, tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 1_000})
    monkeypatch.setattr("bloodbank.corpus.wikipedia.download.shutil.disk_usage", lambda folder: usage)
    assert "3,500,000 bytes are to come, but there is room for 1,000. Make room" in complaint(
        server, tmp_path / "d.bz2"
    )


def test_a_folder_that_is_a_file(server, tmp_path):
    (tmp_path / "taken").write_bytes(b"")
    said = complaint(server, tmp_path / "taken" / "de.bz2")
    assert said == f"cannot write {tmp_path}/taken/de.bz2: File exists."


PROCESS = """
import signal
import sys
from pathlib import Path
from bloodbank.corpus.wikipedia.download import Remote, download
from bloodbank.corpus.wikipedia.web import Connection

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job starts with it ignored
url, checksum, size, path = sys.argv[1:]
told = lambda transfer: print(transfer.n_bytes, flush=True)
download(Remote(url, "sha1", checksum, int(size)), Path(path), Connection(timeout_seconds=20.0), told)
"""


@pytest.fixture
def other_process(server, tmp_path):
    """Another process that has fetched a megabyte and waits for more."""
    server.faults[NAME] = [stall(1 << 20)]
    wanted = remote(server)
    arguments = [wanted.url, wanted.checksum, str(wanted.size_bytes), str(tmp_path / "de.bz2")]
    with subprocess.Popen(
        [sys.executable, "-c", PROCESS, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"no_proxy": "*"},
    ) as process:  # fmt: skip
        assert process.stdout.readline() == "1048576\n"
        yield process
        process.kill()


def test_a_file_that_another_process_fetches_is_left_to_it(server, tmp_path, other_process):
    said = complaint(server, tmp_path / "de.bz2")
    assert said.startswith(f"{tmp_path}/de.bz2 is being fetched by process {other_process.pid} on ")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_process_that_is_ended_leaves_its_part_to_the_next(server, tmp_path, other_process, how):
    other_process.send_signal(how)
    other_process.wait()
    server.asked.clear()
    assert download(remote(server), tmp_path / "de.bz2", QUICK)
    assert ranges(server) == ["bytes=1048576-"]
    assert (tmp_path / "de.bz2").read_bytes() == CONTENT
    assert left_behind(tmp_path / "de.bz2") == []


@pytest.fixture
def sent_on(monkeypatch):
    """A server, over https too, that sends on as told, and otherwise has a file of two bytes."""
    moved, asked = {}, []

    def answer(_transport, request):
        asked.append(str(request.url))
        location = moved.get(str(request.url))
        if location:
            return httpx2.Response(302, headers={"Location": location})
        return httpx2.Response(200, stream=httpx2.ByteStream(b"ok"))

    monkeypatch.setattr(httpx2.HTTPTransport, "handle_request", answer)
    return moved, asked


@pytest.mark.parametrize("to", ["https://b.example/f", "//b.example/f", "/g"])
def test_an_address_that_moved_is_followed(sent_on, to):
    moved, asked = sent_on
    moved["https://a.example/f"] = to
    assert get_text("https://a.example/f", QUICK) == "ok"
    assert len(asked) == 2


@pytest.mark.parametrize("steps", [["https://a.example/f"], ["https://a.example/f", "https://b.example/f"],
                                   ["http://a.example/f", "https://b.example/f"]])  # fmt: skip
def test_nothing_that_is_asked_for_over_https_comes_without_it(sent_on, steps):
    moved, asked = sent_on
    moved |= dict(pairwise([*steps, "http://c.example/f"]))
    with pytest.raises(BloodbankError) as caught:
        get_text(steps[0], QUICK)
    assert str(caught.value) == (
        f"{steps[0]}: the server sends on to http://c.example/f, from https to http, which anyone on the way could "
        "change; not followed. Give another base address, one that keeps to https."
    )
    assert asked == steps


def test_a_server_that_sends_round_in_a_circle(sent_on):
    moved, _ = sent_on
    moved["http://a.example/f"] = "http://a.example/f"
    with pytest.raises(BloodbankError, match=r"the server sends on to no file .* Give another base"):
        get_text("http://a.example/f", QUICK)


def test_pages_come_as_text(server):
    server.files["/page"] = "äöü 中".encode()
    server.faults["/page"] = [cut(3), busy()]
    assert get_text(server.url + "/page", QUICK) == "äöü 中"
    with pytest.raises(NotThere):
        get_text(server.url + "/other", QUICK)


def test_sizes_come_without_the_file(server):
    assert get_size(server.url + NAME, QUICK) == 3_500_000
    assert server.asked[0][0] == "HEAD"
    server.tells_size = False
    assert get_size(server.url + NAME, QUICK) is None

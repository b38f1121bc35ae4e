"""The store: keys, and outputs that are whole or not there."""

import errno
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from bloodbank.errors import BloodbankError, UsageError
from bloodbank.store import PROVENANCE, Output, Store, digest, file_digest, replace_file, write_json

OUTPUT = Output("models", "fi-de-seed0", "0123456789abcdef")

# Writes half an output, says so, and waits to be killed.
HALF_WRITTEN = """
import sys, time
from pathlib import Path
from bloodbank.store import Output, Store

with Store(Path(sys.argv[1])).write(Output("models", "fi-de-seed0", "0123456789abcdef"), {}) as folder:
    (folder / "model.safetensors").write_text("half")
    print(folder, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "run")


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_digest_never_changes():
    # A change here would make every finished run start anew.
    assert digest(1, {"b": 2, "a": [1.5, "ä", None, True]}, ("x",)) == "988b225afdd57100"
    text = '[1, {"a": [1.5, "ä", null, true], "b": 2}, ["x"]]'
    assert digest(1, {"b": 2, "a": [1.5, "ä", None, True]}, ("x",)) == hashlib.sha256(text.encode()).hexdigest()[:16]


def test_a_digest_tells_values_apart_but_not_the_order_of_keys():
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    different = [digest("1"), digest(1), digest(1.5), digest(["1"]), digest("1", "1"), digest(None), digest([1, 2])]
    assert len({*different, digest([2, 1])}) == len(different) + 1


def test_a_digest_refuses_what_is_not_a_number():
    with pytest.raises(ValueError, match="JSON compliant"):
        digest(float("nan"))


def test_a_file_is_hashed_by_its_bytes(tmp_path):
    path = tmp_path / "text"
    path.write_bytes(b"abc")
    assert file_digest(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_an_output_stands_under_its_stage_with_label_and_key(store):
    assert store.path(OUTPUT) == store.root / "models" / "fi-de-seed0-0123456789abcdef"


def test_what_was_written_is_there_with_its_provenance(store):
    provenance = {"seed": 0}
    with store.write(OUTPUT, provenance) as folder:
        (folder / "deep").mkdir()
        (folder / "deep" / "numbers").write_text("1 2 3")
        provenance["seconds"] = 2.5
        assert not store.has(OUTPUT)
    assert store.has(OUTPUT)
    assert (store.path(OUTPUT) / "deep" / "numbers").read_text() == "1 2 3"
    assert json.loads((store.path(OUTPUT) / PROVENANCE).read_text()) == {"seed": 0, "seconds": 2.5}
    assert names(store.root / "models") == [OUTPUT.name]


def test_a_group_that_shares_the_run_can_read_an_output(store):
    with store.write(OUTPUT, {}):
        pass
    assert store.path(OUTPUT).stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("fault", [RuntimeError, UsageError, KeyboardInterrupt])
def test_an_exception_leaves_nothing(store, fault):
    with pytest.raises(fault, match="stop"), store.write(OUTPUT, {}) as folder:  # noqa: PT012
        (folder / "half").write_text("x")
        raise fault("stop")
    assert not store.has(OUTPUT)
    assert names(store.root / "models") == []


def test_of_two_processes_that_write_the_same_the_first_one_stays(store):
    with store.write(OUTPUT, {}) as folder:
        (folder / "who").write_text("slow")
        with store.write(OUTPUT, {}) as other:
            (other / "who").write_text("fast")
    assert (store.path(OUTPUT) / "who").read_text() == "fast"
    assert names(store.root / "models") == [OUTPUT.name]


@pytest.fixture
def killed_writer(store):
    """A process that was killed while it wrote; gives its number and what it left behind."""
    writer = subprocess.Popen([sys.executable, "-c", HALF_WRITTEN, store.root], stdout=subprocess.PIPE, text=True)
    with writer:
        leftover = Path(writer.stdout.readline().strip())
        assert (leftover / "model.safetensors").read_text() == "half"
        writer.send_signal(signal.SIGKILL)
    return writer.pid, leftover


def test_a_process_that_is_killed_while_it_writes_leaves_no_output(store, killed_writer):
    _, leftover = killed_writer
    assert not store.has(OUTPUT)
    assert names(store.root / "models") == [leftover.name]
    assert leftover.name.startswith(".")


def test_only_leftovers_of_dead_processes_of_this_host_are_removed(store, killed_writer):
    pid, leftover = killed_writer
    elsewhere = leftover.with_name(f".fi-de-seed0+not-{socket.gethostname()}@{pid}+abc")
    elsewhere.mkdir()
    with store.write(Output("models", "de-seed0", "f" * 16), {}) as living:
        store.remove_leftovers("models")
        assert not leftover.exists()
        assert elsewhere.exists()
        assert living.exists()
    assert names(store.root / "models") == [elsewhere.name, f"de-seed0-{'f' * 16}"]


def test_leftovers_of_a_stage_that_never_ran_are_none(store):
    store.remove_leftovers("models")
    assert not store.root.exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_told_with_what_to_do(store):
    with pytest.raises(BloodbankError) as caught, store.write(OUTPUT, {}):
        Path("/dev/full").write_text("x")
    path = store.path(OUTPUT)
    assert str(caught.value) == (
        f"cannot write {path}: No space left on device. What was finished before is whole and kept; "
        "make room (or permission) and give the same command again to go on."
    )
    assert caught.value.exit_code == 1
    assert names(path.parent) == []


def test_a_disk_that_fills_up_with_the_provenance_leaves_nothing(store, monkeypatch):
    def full(path, *arguments, **options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(BloodbankError, match="No space left on device"), store.write(OUTPUT, {}):
        monkeypatch.setattr(Path, "write_text", full)
    assert names(store.root / "models") == []


@pytest.mark.parametrize("number", [errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EIO])
def test_other_refusals_of_the_disk_are_told_too(store, number):
    with pytest.raises(BloodbankError, match=os.strerror(number)), store.write(OUTPUT, {}):
        raise OSError(number, os.strerror(number))


@pytest.mark.parametrize("fault", [FileNotFoundError(errno.ENOENT, "gone"), ConnectionResetError(errno.ECONNRESET, "")])
def test_other_errors_of_the_system_pass_through(store, fault):
    with pytest.raises(type(fault)) as caught, store.write(OUTPUT, {}):
        raise fault
    assert caught.value is fault


def test_a_removed_output_is_gone_and_its_neighbour_is_not(store):
    neighbour = Output("models", "fi-de-seed1", OUTPUT.key)
    for output in (OUTPUT, neighbour):
        with store.write(output, {}) as folder:
            (folder / "model").write_text("x")
    store.remove(OUTPUT)
    assert not store.has(OUTPUT)
    assert names(store.root / "models") == [neighbour.name]
    store.remove(OUTPUT)  # nothing is left to do


def test_the_owner_of_a_lock_is_named_while_it_is_held(store):
    assert store.owner(OUTPUT) is None
    with store.lock(OUTPUT):
        assert store.owner(OUTPUT) == f"process {os.getpid()} on {socket.gethostname()}"
    assert store.owner(OUTPUT) is None


def test_a_file_is_replaced_at_the_end_of_the_block(tmp_path):
    path = tmp_path / "deep" / "bank.json"
    with replace_file(path) as temporary:
        temporary.write_text("first")
    with replace_file(path) as temporary:
        temporary.write_text("second")
        assert path.read_text() == "first"
    assert path.read_text() == "second"
    assert names(path.parent) == ["bank.json"]


def test_a_file_stays_as_it_was_where_its_replacement_fails(tmp_path):
    path = tmp_path / "bank.json"
    path.write_text("first")
    with pytest.raises(RuntimeError, match="stop"), replace_file(path) as temporary:  # noqa: PT012
        temporary.write_text("second")
        raise RuntimeError("stop")
    with pytest.raises(BloodbankError, match=r"cannot write .*bank\.json: No space"), replace_file(path) as temporary:  # noqa: PT012
        temporary.write_text("third")
        raise OSError(errno.ENOSPC, "full")
    assert path.read_text() == "first"
    assert names(tmp_path) == ["bank.json"]


def test_a_pipe_or_device_is_never_replaced_by_a_file(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(UsageError, match=r"cannot write .*pipe: it is a device or a pipe"), replace_file(path):
        pass
    assert path.is_fifo()
    assert names(tmp_path) == ["pipe"]


def test_json_is_readable_and_holds_no_nan(tmp_path):
    write_json(tmp_path / "a.json", {"text": "ä中", "path": Path("x")})
    assert (tmp_path / "a.json").read_text(encoding="utf-8") == '{\n  "text": "ä中",\n  "path": "x"\n}\n'
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "a.json", {"value": float("nan")})

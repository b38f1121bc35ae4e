"""Locks between processes."""

import os
import signal
import socket
import subprocess
import sys

import pytest

from bloodbank.store import Busy, hold, owner_of

HOLDER = """
import sys
from pathlib import Path
from bloodbank.store import hold

with hold(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "locks" / "models-de.lock"


@pytest.fixture
def holder(path):
    """Another process that holds the lock until its stdin closes."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "held\n"
        yield process


def test_a_held_lock_says_who_has_it(path, holder):
    with pytest.raises(Busy) as caught, hold(path):
        pytest.fail("two hold the same lock")
    assert caught.value.owner == f"process {holder.pid} on {socket.gethostname()}"


def test_another_lock_is_free(path, holder):
    with hold(path.with_name("models-fi.lock")):
        assert path.exists()


def test_a_lock_is_free_again_when_its_owner_has_finished(path, holder):
    holder.communicate(timeout=10)
    assert not path.exists()
    with hold(path):
        assert owner_of(path) == f"process {os.getpid()} on {socket.gethostname()}"


def test_the_lock_of_a_killed_process_is_taken_over(path, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait(timeout=10)
    assert path.exists()
    with hold(path):
        assert owner_of(path) == f"process {os.getpid()} on {socket.gethostname()}"
    assert not path.exists()


def test_a_lock_of_another_host_is_never_taken_over(path):
    path.parent.mkdir()
    path.write_text(f"123\nnot-{socket.gethostname()}\n")
    with pytest.raises(Busy, match=f"^process 123 on not-{socket.gethostname()}$"), hold(path):
        pytest.fail("its owner may be alive")


def test_a_lock_is_released_when_the_block_fails(path):
    with pytest.raises(RuntimeError, match="stop"), hold(path):
        raise RuntimeError("stop")
    assert not path.exists()


def test_an_owner_that_cannot_be_read_is_not_invented(path):
    assert owner_of(path) == "a process that has just finished"
    path.parent.mkdir()
    path.write_text("")
    assert owner_of(path) == "a process that has not said its name yet"

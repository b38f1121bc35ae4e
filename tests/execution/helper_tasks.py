"""What workers do in the tests of `run_tasks`: functions with the signature of a task."""

import os
import signal
import sys
import time
from pathlib import Path

from bloodbank.errors import BloodbankError, UsageError


def write(store, output, report, *, needs=(), seconds=0.0):
    """Write the names of the outputs that are there when it begins."""
    present = [name for name in needs if (store.root / name).is_dir()]
    time.sleep(seconds)
    with store.write(output, {"pid": os.getpid()}) as folder:
        (folder / "present").write_text("\n".join(present))


def write_environment(store, output, report, *, names):
    """Write what the worker finds in its environment."""
    with store.write(output, {name: os.environ.get(name) for name in names}):
        pass


def write_threads(store, output, report):
    """Write how many threads torch would use."""
    import torch

    with store.write(output, {"torch": torch.get_num_threads()}):
        pass


def count(store, output, report, *, path):
    """Report progress, and print what must not stand between the reports."""
    report(1, 100)
    print("a library talks to stdout")
    if path == "system":
        os.write(1, b"and another, past Python\n")
    sys.stdout.flush()
    report(2, 250)
    with store.write(output, {}):
        pass


def misuse(store, output, report):
    """Fail because of the input."""
    raise UsageError("text.txt: too short. Give more.")


def give_up(store, output, report):
    """Fail for another reason that the user can mend."""
    raise BloodbankError("the disk is full")


def crash(store, output, report):
    """Fail because of a fault in the program."""
    raise ZeroDivisionError("by nothing")


def run_out_of_memory(store, output, report):
    """Fail as NumPy does."""
    raise MemoryError


def run_out_of_gpu_memory(store, output, report, *, members):
    """Fail as PyTorch does."""
    import torch

    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


def interrupt(store, output, report):
    """Be interrupted as by Ctrl-C."""
    raise KeyboardInterrupt


def leave(store, output, report):
    """End the process without a word."""
    os._exit(3)


def kill_itself(store, output, report):
    """End as the kernel ends a process when memory is short, in the middle of writing."""
    with store.write(output, {}) as folder:
        (folder / "half").write_text("half")
        os.kill(os.getpid(), signal.SIGKILL)


def tell_process_and_wait(store, output, report, *, path, seconds):
    """Write this process's number and wait."""
    half = Path(path + ".half")
    half.write_text(str(os.getpid()))
    half.rename(path)
    report(0, os.getpid())
    time.sleep(seconds)
    with store.write(output, {"pid": os.getpid()}):
        pass

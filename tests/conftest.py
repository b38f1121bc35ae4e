"""How the tests run: in what order, in how many threads, in which process; and the finished run that they share."""

import os
import shutil
import signal
import threading

import pytest
from filelock import FileLock
from hypothesis import settings

# Before numerical libraries load: as many test processes as cores, so each computes with one thread.
for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ.setdefault(name, "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ["COLUMNS"] = "80"  # of what the command prints, as wide as in a pipe
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN and threading.current_thread() is threading.main_thread():
    # Behind a shell's `&` Ctrl-C is ignored, which the commands that tests start would inherit.
    signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_plugins = ["paper_banks"]
# A slow or busy machine is no failure.
settings.register_profile("fast", max_examples=20, deadline=None)
settings.register_profile("thorough", max_examples=300, deadline=None)
settings.load_profile("fast")


def pytest_collection_modifyitems(items):
    """Begin with the modules that train, so that no process is left with one of them at the end."""
    items.sort(key=lambda item: "pipeline" not in item.path.parts)


@pytest.fixture(scope="session", autouse=True)
def _work_in_this_process():
    """Train where the test runs: a worker process imports torch for seconds. What is about processes starts them."""
    from bloodbank.execution import InProcess, loop

    worker_processes = loop.DEFAULT
    loop.DEFAULT = InProcess
    yield
    loop.DEFAULT = worker_processes


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """Path of the experiment file and the folder of its finished run, with the output of the command.

    Trained once for all test processes, which read it and change copies of it only.
    """
    from small_run import run_command, write_experiment

    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent  # each process has its own folder in this one
    folder = shared / "finished"
    with FileLock(shared / "finished.lock"):
        printed = folder / "out.txt", folder / "err.txt"
        if not printed[1].exists():
            shutil.rmtree(folder, ignore_errors=True)  # of a process that failed
            code, *texts = run_command("run", write_experiment(folder), "--out", folder / "run")
            assert code == 0, texts
            for path, text in zip(printed, texts, strict=True):
                path.write_text(text, encoding="utf-8")
    out, err = (path.read_text(encoding="utf-8") for path in printed)
    return folder / "experiment.toml", folder / "run", out, err


@pytest.fixture
def finished_copy(finished, tmp_path):
    """A copy of the experiment and its finished run, to be changed: path of the experiment file, and run folder."""
    path, run, _, _ = finished
    shutil.copytree(path.parent, tmp_path / "finished")
    return tmp_path / "finished" / path.name, tmp_path / "finished" / run.name

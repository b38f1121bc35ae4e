"""Running tasks: what every executor does, and what worker processes do beyond it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from itertools import accumulate
from pathlib import Path

import pytest

from bloodbank.execution import (
    InProcess,
    Needs,
    Task,
    WorkerProcesses,
    default_workers,
    machine,
    needed_tasks,
    run_tasks,
)
from bloodbank.execution.machine import n_gpus
from bloodbank.store import PROVENANCE, Output, Store

HELPERS = Path(__file__).parent
PATIENCE_SECONDS = 20.0


@pytest.fixture
def store(tmp_path, monkeypatch):
    """A run folder, workers that find the helper tasks, and little time lost on waiting."""
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join([str(HELPERS), *os.environ.get("PYTHONPATH", "").split(os.pathsep)])
    )
    monkeypatch.syspath_prepend(str(HELPERS))
    monkeypatch.setattr("bloodbank.execution.loop._RETRY_SECONDS", 0.2)
    monkeypatch.setattr("bloodbank.execution.local._PATIENCE", 0.0)
    return Store(tmp_path / "run")


@pytest.fixture(params=[WorkerProcesses, InProcess])
def executor(request):
    """Each kind of executor in turn: a test with it is part of their contract."""
    with request.param() as made:
        yield made


def task(label, function="write", *, requires=(), stage="models", **arguments):
    return Task(
        Output(stage, label, "0" * 16), f"helper_tasks:{function}", arguments, tuple(one.output for one in requires)
    )


def run(tasks, store, *, workers=2, on_event=lambda _event: None, **options):
    """Run tasks, but do not wait for ever; returns the failures and all events."""
    events, failures = [], []

    def note(event):
        events.append(event)
        on_event(event)

    def work():
        failures.extend(run_tasks(tasks, store, workers=workers, on_event=note, **options))
        events.append("finished")

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive(), f"run_tasks hangs after {[(e.kind, e.task.output.label) for e in events]}"
    assert events.pop() == "finished"
    return failures, events


def history(events, label):
    return [event.kind for event in events if event.task.output.label == label]


def is_gone(pid):
    """Tell whether a process has ended, also where nobody has asked for its exit code yet."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (ProcessLookupError, FileNotFoundError):
        return True


def wait_for(condition, seconds=PATIENCE_SECONDS):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


# Which tasks are needed.


@pytest.fixture
def chain():
    """text -> ids -> model -> scores, and another that needs the ids only."""
    text = task("text")
    ids = task("ids", requires=[text])
    model = task("model", requires=[ids])
    scores = task("scores", requires=[model, ids])
    masks = task("masks", requires=[ids])
    return text, ids, model, scores, masks


def there(store, *tasks):
    for one in tasks:
        store.path(one.output).mkdir(parents=True)


def test_what_a_target_needs_is_needed_in_the_order_given(store, chain):
    text, ids, model, scores, _ = chain
    assert needed_tasks(chain, [scores.output], store) == [text, ids, model, scores]
    assert needed_tasks(chain, [model.output], store) == [text, ids, model]
    assert needed_tasks(chain, [], store) == []


def test_what_is_there_is_not_needed_nor_what_only_it_needed(store, chain):
    _, ids, model, scores, masks = chain
    there(store, ids)
    assert needed_tasks(chain, [scores.output, masks.output], store) == [model, scores, masks]
    there(store, scores)
    assert needed_tasks(chain, [scores.output, masks.output], store) == [masks]


def test_a_model_that_was_removed_after_its_last_use_is_not_made_again(store, chain):
    text, ids, model, scores, _ = chain
    there(store, text, ids, scores)  # the model is not there
    assert needed_tasks(chain, [scores.output], store) == []
    assert needed_tasks(chain, [scores.output, model.output], store) == [model]


# Running them.


def test_no_tasks_are_no_work(store):
    assert run_tasks([], store, workers=2) == []
    assert not store.root.exists()


def test_a_task_runs_when_what_it_requires_is_there(store, executor):
    first, second = task("first", seconds=0.2), task("second")
    names = [f"models/{one.output.name}" for one in (first, second)]
    last = task("last", requires=[first, second], needs=names)
    failures, events = run([last, first, second], store, executor=executor)
    assert failures == []
    assert (store.path(last.output) / "present").read_text().split("\n") == names
    assert all(history(events, label) == ["start", "done"] for label in ("first", "second", "last"))


def test_what_is_required_can_be_there_from_before(store, executor):
    before = task("before")
    there(store, before)
    after = task("after", requires=[before])
    failures, events = run([after], store, executor=executor)
    assert failures == []
    assert history(events, "after") == ["start", "done"]


def test_several_tasks_run_at_the_same_time_but_no_more_than_workers(store, tmp_path):
    tasks = [task(f"{i}", "tell_process_and_wait", path=str(tmp_path / f"{i}"), seconds=0.15) for i in range(4)]
    failures, events = run(tasks, store)
    assert failures == []
    changes = [{"start": 1, "done": -1}.get(event.kind, 0) for event in events]
    assert max(accumulate(changes)) == 2
    pids = {event.n_tokens for event in events if event.kind == "tokens"}
    assert len(pids) == 2
    assert os.getpid() not in pids
    assert all(is_gone(pid) for pid in pids)


@pytest.mark.parametrize("path", ["Python", "system"])
def test_progress_is_told_and_what_libraries_print_is_no_part_of_it(store, executor, path, capfd):
    if isinstance(executor, InProcess) and path == "system":
        pytest.skip("this process has one stdout")
    failures, events = run([task("one", "count", path=path)], store, executor=executor)
    assert failures == []
    assert history(events, "one") == ["start", "tokens", "tokens", "done"]
    assert [event.n_tokens for event in events] == [0, 100, 250, 0]
    said = capfd.readouterr()
    assert said.out == ""
    assert "a library talks to stdout" in said.err


def test_workers_have_so_many_threads(store, executor):
    names = ["OMP_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"]
    one = task("one", "write_environment", names=names)
    assert run_tasks([one], store, workers=1, needs=Needs(3), executor=executor) == []
    assert json.loads((store.path(one.output) / PROVENANCE).read_text()) == dict.fromkeys(names, "3")


FAULTS = [
    ("misuse", 2, "text.txt: too short. Give more."),
    ("give_up", 1, "the disk is full"),
    ("crash", 1, "bad: ZeroDivisionError: by nothing\nTraceback "),
    ("run_out_of_memory", 1, "bad: out of memory. Use fewer workers or a smaller model or batch."),
    ("no_such_function", 1, "bad: AttributeError: module 'helper_tasks' has no attribute 'no_such_function'"),
]
ENDS = [
    ("leave", 1, "bad: its worker process stopped with exit code 3"),
    ("kill_itself", 1, "bad: its worker process was ended by signal 9 from outside (out of memory?). "),
]


@pytest.mark.parametrize(
    ("kind", "function", "exit_code", "message"),
    [(kind, *fault) for kind in (WorkerProcesses, InProcess) for fault in FAULTS]
    + [(WorkerProcesses, *end) for end in ENDS],
)
def test_a_failed_task_is_told_and_only_what_requires_it_is_not_run(store, kind, function, exit_code, message):
    bad = task("bad", function)
    after = task("after", requires=[bad])
    others = [task("other"), task("another")]
    with kind() as executor:  # with one worker, the others need a new one where it ends
        failures, events = run([bad, after, *others], store, workers=1, executor=executor)
    assert [(failure.kind, failure.task, failure.exit_code) for failure in failures] == [("failed", bad, exit_code)]
    assert failures[0].message.startswith(message)
    assert history(events, "bad") == ["start", "failed"]
    assert history(events, "after") == []
    assert not store.has(bad.output)
    assert all(store.has(one.output) for one in others)


def test_a_gang_that_a_gpu_cannot_hold_is_told_what_to_set(store, executor):
    failures, _ = run([task("column", "run_out_of_gpu_memory", members=[{}] * 8)], store, executor=executor)
    assert failures[0].message == (
        "column: out of memory. Use fewer models side by side (execution.gang, 8 here), fewer workers or a smaller "
        "model or batch."
    )


def test_a_failed_task_can_be_run_again(store):
    assert len(run([task("one", "kill_itself")], store)[0]) == 1
    again = task("one")
    assert run([again], store)[0] == []
    assert store.has(again.output)


def test_all_failures_are_told(store, executor):
    failures, _ = run([task("one", "crash"), task("two", "misuse"), task("three")], store, executor=executor)
    assert sorted(failure.task.output.label for failure in failures) == ["one", "two"]


def children():
    """Return the workers of this process."""
    found = Path("/proc/self/task").glob("*/children")
    return {int(pid) for path in found for pid in path.read_text().split()}


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs /proc")
def test_a_worker_that_is_killed_while_it_has_nothing_to_do_is_replaced(store, tmp_path):
    first = task("first", "tell_process_and_wait", path=str(tmp_path / "pid"), seconds=0.3)
    short = task("short")
    later = [task("second", requires=[first], seconds=0.2), task("third", requires=[first], seconds=0.2)]
    before, busy = children(), []

    def kill_the_idle_one(event):
        if event.kind == "tokens":
            busy.append(event.n_tokens)
        if event.kind == "done" and event.task is short:
            assert wait_for(lambda: busy or (tmp_path / "pid").exists())
            for pid in children() - before - {int((tmp_path / "pid").read_text())}:
                os.kill(pid, signal.SIGKILL)

    failures, events = run([first, short, *later], store, on_event=kill_the_idle_one)
    assert failures == []
    assert all(store.has(one.output) for one in (first, short, *later))
    assert "tokens" in [event.kind for event in events]


# Workers are kept.


def pids(store, *tasks):
    return {json.loads((store.path(one.output) / PROVENANCE).read_text())["pid"] for one in tasks}


def test_the_same_workers_do_one_job_after_another(store):
    tasks = [task(f"{i}") for i in range(3)]
    with WorkerProcesses() as executor:
        for one in tasks:
            assert run([one], store, executor=executor)[0] == []
        (pid,) = pids(store, *tasks)
        assert not is_gone(pid)
    assert is_gone(pid)


def test_nothing_is_printed_where_nothing_is_wrong(store, executor, capfd):
    assert run([task("one")], store, executor=executor)[0] == []
    executor.close()
    assert tuple(capfd.readouterr()) == ("", "")


def test_an_executor_can_be_used_again_after_it_was_closed(store, executor):
    first, second = task("first"), task("second")
    assert run([first], store, executor=executor)[0] == []
    executor.close()
    assert run([second], store, executor=executor)[0] == []
    assert len(pids(store, first, second)) == (1 if isinstance(executor, InProcess) else 2)


def test_a_few_small_tasks_have_one_worker(store, monkeypatch):
    monkeypatch.setattr("bloodbank.execution.local._PATIENCE", 60.0)
    tasks = [task(f"{i}", seconds=0.05) for i in range(4)]
    assert run(tasks, store)[0] == []
    assert len(pids(store, *tasks)) == 1


def test_no_worker_starts_before_there_is_a_task(store):
    before = children()
    with WorkerProcesses() as executor:
        assert executor.next_event(0.0) is None
        assert children() == before


def test_a_worker_is_given_other_threads_for_every_task(store, executor):
    import torch

    before = torch.get_num_threads()
    for n_threads in (1, 3, 2):
        one = task(f"{n_threads}", "write_threads")
        assert run_tasks([one], store, workers=1, needs=Needs(n_threads), executor=executor) == []
        assert json.loads((store.path(one.output) / PROVENANCE).read_text()) == {"torch": n_threads}
    assert torch.get_num_threads() == before


def test_a_worker_that_hangs_is_killed(store, tmp_path, monkeypatch):
    monkeypatch.setattr("bloodbank.execution.local._STOP_SECONDS", 0.2)
    path = tmp_path / "pid"
    hangs = task("one", "tell_process_and_wait", path=str(path), seconds=60)

    def stop_it(event):
        if event.kind == "tokens":
            os.kill(event.n_tokens, signal.SIGSTOP)  # as one that sits in a library and does not see its stdin close
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_tasks([hangs], store, workers=1, on_event=stop_it)
    assert is_gone(int(path.read_text()))


def test_tasks_in_this_process_leave_it_as_it_was(store):
    before = dict(os.environ)
    one = task("one", "write_environment", names=["OMP_NUM_THREADS"])
    with InProcess() as executor:
        assert run_tasks([one], store, workers=1, needs=Needs(5), executor=executor) == []
    assert json.loads((store.path(one.output) / PROVENANCE).read_text()) == {"OMP_NUM_THREADS": "5"}
    assert dict(os.environ) == before


def test_what_breaks_off_a_task_in_this_process_breaks_off_the_run(store):
    broken, after = task("broken", "interrupt"), task("after")
    with InProcess() as executor:
        with pytest.raises(KeyboardInterrupt):
            run_tasks([broken, after], store, workers=1, executor=executor)
        assert executor.next_event(0.0) is None
    assert not store.lock_path(broken.output).exists()
    assert not store.has(after.output)


def test_tests_may_say_what_carries_tasks_out(store, monkeypatch):
    monkeypatch.setattr("bloodbank.execution.loop.DEFAULT", InProcess)
    one = task("one")
    assert run([one], store)[0] == []
    assert pids(store, one) == {os.getpid()}


# With other processes in the same run folder.


def test_an_output_that_another_process_makes_is_waited_for_and_then_not_made_again(store, executor, tmp_path):
    trace = tmp_path / "made again"
    shared, other = task("shared", "tell_process_and_wait", path=str(trace), seconds=0), task("other")
    after = task("after", requires=[shared])
    lock = store.lock(shared.output)
    lock.__enter__()  # this process is the other one
    seen = []

    def finish_when_asked(event):
        if event.kind == "busy" and not seen:
            seen.append(event)
            with store.write(shared.output, {"who": "the other process"}):
                pass
            lock.__exit__(None, None, None)

    failures, events = run([shared, other, after], store, on_event=finish_when_asked, executor=executor)
    assert failures == []
    assert f"process {os.getpid()} on " in seen[0].message
    assert history(events, "shared") == ["start", "busy", "start", "done"]
    assert history(events, "after") == ["start", "done"]
    assert not trace.exists()
    assert "the other process" in (store.path(shared.output) / PROVENANCE).read_text()


def test_a_task_whose_other_process_gives_up_is_taken_over(store, executor):
    shared = task("shared")
    lock = store.lock(shared.output)
    lock.__enter__()
    seen = []

    def give_up_when_asked(event):
        if event.kind == "busy" and not seen:
            seen.append(event)
            lock.__exit__(None, None, None)

    failures, events = run([shared], store, workers=1, on_event=give_up_when_asked, executor=executor)
    assert failures == []
    assert history(events, "shared") == ["start", "busy", "start", "done"]
    assert (store.path(shared.output) / "present").exists()


def test_another_process_may_finish_an_output_and_remove_what_it_required(store, executor):
    model = task("model")
    there(store, model)
    scores = task("scores", requires=[model])
    lock = store.lock(scores.output)
    lock.__enter__()
    seen = []

    def finish_and_remove(event):
        if event.kind == "busy" and not seen:
            seen.append(event)
            there(store, scores)
            shutil.rmtree(store.path(model.output))
            lock.__exit__(None, None, None)

    failures, events = run([scores], store, workers=1, on_event=finish_and_remove, executor=executor)
    assert failures == []
    assert history(events, "scores")[-1] == "done"


PARENT = """
import sys
from pathlib import Path
from bloodbank.execution import Task, run_tasks
from bloodbank.store import Output, Store

root, path = sys.argv[1:]
waits = Task(Output("models", "one", "0" * 16), "helper_tasks:tell_process_and_wait", {"path": path, "seconds": 60})
run_tasks([waits], Store(Path(root)), workers=1)
"""


def test_workers_end_when_their_parent_is_killed_and_the_next_run_goes_on(store, tmp_path):
    path = tmp_path / "pid"
    with subprocess.Popen([sys.executable, "-c", PARENT, store.root, path]) as parent:
        assert wait_for(path.exists)
        pid = int(path.read_text())
        assert not is_gone(pid)
        parent.send_signal(signal.SIGKILL)
    assert wait_for(lambda: is_gone(pid), 5.0)
    again = task("one")
    assert store.lock_path(again.output).exists()  # nobody was left to release it
    assert run([again], store, workers=1)[0] == []
    assert store.has(again.output)


def test_workers_end_when_the_caller_breaks_off(store, tmp_path):
    path = tmp_path / "pid"
    waits = task("one", "tell_process_and_wait", path=str(path), seconds=60)

    def break_off(event):
        if event.kind == "tokens":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_tasks([waits], store, workers=1, on_event=break_off)
    assert is_gone(int(path.read_text()))


# How many workers.


@pytest.mark.parametrize(("visible", "n"), [("0,1", 2), ("3", 1), ("", 0), ("-1", 0), ("GPU-1a,GPU-2b,", 2)])
def test_visible_gpus_are_counted(monkeypatch, visible, n):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert n_gpus() == n


def test_there_is_a_worker_for_every_gpu_or_else_for_every_core(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 2, 5}, raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    monkeypatch.setattr(machine, "_torch_finds_gpu", lambda: True)
    assert (default_workers("auto"), default_workers("cuda"), default_workers("cpu")) == (2, 2, 3)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert default_workers("auto") == 3


def test_each_worker_sees_one_gpu(store, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,6")
    tasks = [task(f"{i}", "write_environment", names=["CUDA_VISIBLE_DEVICES"]) for i in range(2)]
    assert run_tasks(tasks, store, workers=2, needs=Needs(device="cuda")) == []
    found = [json.loads((store.path(one.output) / PROVENANCE).read_text()) for one in tasks]
    assert [one["CUDA_VISIBLE_DEVICES"] for one in found] == ["4", "6"]

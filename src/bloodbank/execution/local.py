"""Run tasks in worker processes on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict
from queue import Empty, SimpleQueue
from typing import Any

from bloodbank.execution.machine import n_gpus
from bloodbank.execution.task import Event, Task
from bloodbank.store import Store

_RETRY_SECONDS = 1.0
# Keep freed memory, and in large pages: a step of a model of the paper's size allocates a gigabyte in pieces of some
# 25 MB, which the system would hand out as zeroed small pages each time (a tenth of the step on two cores).
MEMORY_ENVIRONMENT = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(2**40),
    "MALLOC_TOP_PAD_": str(2**26),
    "THP_MEM_ALLOC_ENABLE": "1",
}


def run_tasks(
    tasks: Iterable[Task],
    store: Store,
    *,
    workers: int,
    threads: int,
    device: str = "cpu",
    on_event: Callable[[Event], None] = lambda _event: None,
) -> list[Event]:
    """Run tasks, each when what it requires is there, several at a time.

    A failed task does not stop the others; what requires it is not run. A task whose output another process is
    making waits until that one is done, or takes over when that process dies.

    Args:
        tasks: In order of preference.
        store: Where outputs are.
        workers: Processes at the same time.
        threads: Threads of each.
        device: With more than one GPU, each worker gets one.
        on_event: Called for every event, in this thread.

    Returns:
        The events of tasks that failed.
    """
    waiting = deque(tasks)
    if not waiting:
        return []
    told: SimpleQueue[tuple[_Worker, dict[str, Any] | None]] = SimpleQueue()
    pool = [_Worker(number, told, device, threads) for number in range(min(workers, len(waiting)))]
    failures: list[Event] = []
    not_before: dict[Task, float] = {}
    try:
        while True:
            for worker in pool:
                if worker.task is None and (task := _next_ready(waiting, store, not_before)):
                    worker.give(task, store)
                    on_event(Event("start", task))
            idle = all(worker.task is None for worker in pool)
            if idle and not any(moment > time.monotonic() for moment in not_before.values()):
                return failures  # what still waits requires something that failed or is gone
            try:
                worker, line = told.get(timeout=0.2)
            except Empty:
                continue
            event = worker.event(line)
            if line is None:  # it died, with a task or without
                worker.stop()
                pool[pool.index(worker)] = _Worker(worker.number, told, device, threads)
            if event is None:
                continue
            if event.kind == "busy":
                waiting.append(event.task)
                not_before[event.task] = time.monotonic() + _RETRY_SECONDS
            elif event.kind == "failed":
                failures.append(event)
            on_event(event)
    finally:
        for worker in pool:
            worker.stop()


def _next_ready(waiting: deque[Task], store: Store, not_before: dict[Task, float]) -> Task | None:
    """Take the first task whose inputs are there and that is not to be left alone for a moment.

    A task whose output another process has made is ready too: that process may have removed the inputs since.
    """
    now = time.monotonic()
    for task in waiting:
        made = task in not_before and all(map(store.has, task.outputs))
        if not_before.get(task, 0.0) <= now and (made or all(store.has(output) for output in task.requires)):
            waiting.remove(task)
            not_before.pop(task, None)
            return task
    return None


class _Worker:
    """One worker process and the task that it has."""

    def __init__(
        self, number: int, told: SimpleQueue[tuple[_Worker, dict[str, Any] | None]], device: str, threads: int
    ) -> None:
        self.number = number
        self.task: Task | None = None
        environment = dict(os.environ)
        if device != "cpu" and (gpus := n_gpus()) > 1:
            visible = os.environ.get("CUDA_VISIBLE_DEVICES", ",".join(map(str, range(gpus)))).split(",")
            environment["CUDA_VISIBLE_DEVICES"] = visible[number % gpus]
        # Numerical libraries read these when they load.
        environment |= dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"), str(threads))
        environment["TOKENIZERS_PARALLELISM"] = "true"
        environment = MEMORY_ENVIRONMENT | environment
        self.process = subprocess.Popen(
            # -P: a file of the current folder must not stand in for a module of the library.
            [sys.executable, "-P", "-m", "bloodbank.execution.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env=environment,
        )
        threading.Thread(target=self._listen, args=(told,), daemon=True).start()

    def _listen(self, told: SimpleQueue[tuple[_Worker, dict[str, Any] | None]]) -> None:
        if self.process.stdout is not None:
            for line in self.process.stdout:
                told.put((self, json.loads(line)))
        told.put((self, None))

    def give(self, task: Task, store: Store) -> None:
        """Send a task."""
        self.task = task
        request = {
            "root": str(store.root),
            "outputs": [asdict(output) for output in task.outputs],
            "function": task.function,
            "arguments": task.arguments,
        }
        if self.process.stdin is not None:
            with suppress(BrokenPipeError):  # it died; `_listen` reports that
                self.process.stdin.write(json.dumps(request) + "\n")
                self.process.stdin.flush()

    def event(self, line: dict[str, Any] | None) -> Event | None:
        """Turn what the process told, or its end, into an event of its task."""
        task = self.task
        if task is None:
            return None
        if line is None:
            self.task = None
            code = self.process.wait()
            how = (
                f"was ended by signal {-code} from outside (out of memory?)"
                if code < 0
                else f"stopped with exit code {code}; see what it printed above"
            )
            return Event(
                "failed",
                task,
                message=f"{task.output.label}: its worker process {how}. What was finished is kept; give the same "
                "command again to go on, with fewer workers if memory is short.",
            )
        if line["kind"] != "tokens":
            self.task = None
        return Event(**{"task": task, **line})

    def stop(self) -> None:
        """Close its stdin, which ends it at once."""
        if self.process.stdin is not None:
            with suppress(BrokenPipeError):
                self.process.stdin.close()
        self.process.wait()

"""Worker processes on this machine: started when they are needed, kept until the executor is closed.

Importing torch costs a process seconds of CPU, so a run has one set of workers from its first text to its last score,
and starts no more of them than pay.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any

from bloodbank.execution.carry_out import request_of
from bloodbank.execution.executor import Executor, Needs
from bloodbank.execution.machine import n_gpus
from bloodbank.execution.task import Event, Task
from bloodbank.store import Store

# Before another worker starts, a task waits for a busy one, in times of what starting one takes: with 1.0 at most twice
# as much is spent as by somebody who knew how long the tasks take.
_PATIENCE = 1.0
_STOP_SECONDS = 5.0  # for a worker to end by itself, before it is killed
# Keep freed memory, and in large pages: a step of a model of the paper's size allocates a gigabyte in pieces of some
# 25 MB, which the system would hand out as zeroed small pages each time (a tenth of the step on two cores).
MEMORY_ENVIRONMENT = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(2**40),
    "MALLOC_TOP_PAD_": str(2**26),
    "THP_MEM_ALLOC_ENABLE": "1",
}
_Told = SimpleQueue[tuple["_Worker", dict[str, Any] | None]]


class WorkerProcesses(Executor):
    """As many worker processes as there are tasks at the same time, each with one task at a time."""

    def __init__(self) -> None:
        self._submitted: deque[tuple[Task, dict[str, Any], Needs]] = deque()
        self._waiting_since = 0.0  # when a task last came to an empty queue
        self._workers: dict[int, _Worker] = {}
        self._told: _Told = SimpleQueue()

    def submit(self, task: Task, store: Store, needs: Needs) -> None:
        """Take a task."""
        if not self._submitted:
            self._waiting_since = time.monotonic()
        self._submitted.append((task, request_of(task, store, needs), needs))

    def next_event(self, seconds: float) -> Event | None:
        """Begin what waits, and tell what happened."""
        deadline = time.monotonic() + seconds
        while True:
            if started := self._begin():
                return Event("start", started)
            try:
                worker, line = self._told.get(timeout=max(0.0, min(0.1, deadline - time.monotonic())))
            except Empty:
                if time.monotonic() >= deadline:
                    return None
                continue
            event = worker.event(line)
            if line is None:  # it died, with a task or without
                self._drop(worker)
            if event is not None:
                return event

    def close(self) -> None:
        """End all tasks, and the workers."""
        self._submitted.clear()
        for worker in self._workers.values():
            worker.close()
        for worker in self._workers.values():
            worker.wait()
        self._workers, self._told = {}, SimpleQueue()  # what they still had to tell is heard by nobody

    def _begin(self) -> Task | None:
        """Give the task that waits longest to a worker that is free; return it, or None where it has to wait."""
        if not self._submitted:
            return None
        task, request, needs = self._submitted[0]
        waited = time.monotonic() - self._waiting_since
        worker = self._free_worker(may_start=waited >= _PATIENCE * needs.start_seconds)
        if worker is None:
            return None
        self._submitted.popleft()
        worker.give(task, request)
        return task

    def _free_worker(self, *, may_start: bool) -> _Worker | None:
        """Return the first worker without a task, a new one where there is none and it may be."""
        for worker in list(self._workers.values()):
            if worker.task is None:
                if worker.is_alive:
                    return worker
                self._drop(worker)
        if self._workers and not may_start:
            return None
        # The lowest free number: so many workers as there are GPUs have one each.
        number = next(number for number in range(len(self._workers) + 1) if number not in self._workers)
        worker = self._workers[number] = _Worker(number, self._told)
        self._workers = dict(sorted(self._workers.items()))
        return worker

    def _drop(self, worker: _Worker) -> None:
        worker.close()
        worker.wait()
        if self._workers.get(worker.number) is worker:
            del self._workers[worker.number]


class _Worker:
    """One worker process and the task that it has."""

    def __init__(self, number: int, told: _Told) -> None:
        self.number = number
        self.task: Task | None = None
        environment = MEMORY_ENVIRONMENT | dict(os.environ)
        if (gpus := n_gpus()) > 1:
            visible = os.environ.get("CUDA_VISIBLE_DEVICES", ",".join(map(str, range(gpus)))).split(",")
            environment["CUDA_VISIBLE_DEVICES"] = visible[number % gpus]
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

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def _listen(self, told: _Told) -> None:
        if self.process.stdout is not None:
            for line in self.process.stdout:
                told.put((self, json.loads(line)))
        told.put((self, None))

    def give(self, task: Task, request: dict[str, Any]) -> None:
        self.task = task
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
        event = Event(**{"task": task, **line})
        if event.is_last:
            self.task = None
        return event

    def close(self) -> None:
        """Close its stdin, which ends it at once."""
        if self.process.stdin is not None:
            with suppress(BrokenPipeError):
                self.process.stdin.close()

    def wait(self) -> None:
        """Wait for its end; where it hangs and does not see that it is to end, kill it."""
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

"""Carry tasks out in this process, one after another: for tests, debuggers, and places where no process may start."""

from __future__ import annotations

import sys
import time
from collections import deque
from contextlib import redirect_stdout
from typing import Any

from bloodbank.execution.carry_out import carry_out, request_of
from bloodbank.execution.executor import Executor, Needs
from bloodbank.execution.task import Event, Task
from bloodbank.store import Store


class InProcess(Executor):
    """Does a task when its events are asked for, and tells them all when it has ended.

    A fault of Python becomes a `failed` event; whatever ends a process ends this one.
    """

    def __init__(self) -> None:
        self._submitted: deque[tuple[Task, dict[str, Any]]] = deque()
        self._events: deque[Event] = deque()

    def submit(self, task: Task, store: Store, needs: Needs) -> None:
        """Take a task."""
        self._submitted.append((task, request_of(task, store, needs)))

    def next_event(self, seconds: float) -> Event | None:
        """Begin what waits, and tell what happened."""
        if not self._events and self._submitted:
            task, request = self._submitted.popleft()
            self._events.append(Event("start", task))
            with redirect_stdout(sys.stderr):  # stdout is for results
                carry_out(request, lambda kind, **more: self._events.append(Event(task=task, kind=kind, **more)))
        if self._events:
            return self._events.popleft()
        time.sleep(seconds)
        return None

    def close(self) -> None:
        """Forget what waits."""
        self._submitted.clear()
        self._events.clear()

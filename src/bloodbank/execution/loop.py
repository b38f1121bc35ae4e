"""The loop that hands an executor each task when what it requires is there."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import nullcontext

from bloodbank.execution.executor import Executor, Needs
from bloodbank.execution.local import WorkerProcesses
from bloodbank.execution.task import Event, Task
from bloodbank.store import Store

DEFAULT: Callable[[], Executor] = WorkerProcesses  # what makes executors where none is given
_RETRY_SECONDS = 1.0  # until an output that another process makes is asked for again
_WAIT_SECONDS = 0.2  # for an event, before the loop looks again at what is ready
_ONE_THREAD = Needs()


def default_executor() -> Executor:
    """Return a new executor of the kind that runs use where none is given."""
    return DEFAULT()


def run_tasks(
    tasks: Iterable[Task],
    store: Store,
    *,
    workers: int,
    needs: Needs = _ONE_THREAD,
    on_event: Callable[[Event], None] = lambda _event: None,
    executor: Executor | None = None,
) -> list[Event]:
    """Run tasks, each when what it requires is there, several at a time.

    A failed task does not stop the others; what requires it is not run. A task whose output another process is
    making waits until that one is done, or takes over when that process dies.

    Args:
        tasks: In order of preference.
        store: Where outputs are.
        workers: Tasks at the same time.
        needs: What each is given.
        on_event: Called for every event, in this thread.
        executor: What carries them out, and stays open; by default a new one, which is closed at the end.

    Returns:
        The events of tasks that failed.
    """
    waiting, running = deque(tasks), set[Task]()
    if not waiting:
        return []
    failures: list[Event] = []
    not_before: dict[Task, float] = {}
    with nullcontext(executor) if executor else default_executor() as engine:
        try:
            while True:
                while len(running) < workers and (task := _next_ready(waiting, store, not_before)):
                    engine.submit(task, store, needs)
                    running.add(task)
                if not running and not any(moment > time.monotonic() for moment in not_before.values()):
                    return failures  # what still waits requires something that failed or is gone
                event = engine.next_event(_WAIT_SECONDS)
                if event is None:
                    continue
                if event.is_last:
                    running.discard(event.task)
                if event.kind == "busy":
                    waiting.append(event.task)
                    not_before[event.task] = time.monotonic() + _RETRY_SECONDS
                elif event.kind == "failed":
                    failures.append(event)
                on_event(event)
        except BaseException:  # Ctrl-C too: nothing goes on behind the caller's back
            engine.close()
            raise


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

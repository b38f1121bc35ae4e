"""A unit of work: plain data that any process on any machine can carry out, given the run folder."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from bloodbank.store import Output, Store


@dataclass(frozen=True, eq=False)
class Task:
    """What makes one output, or several that are made together.

    Attributes:
        output: What it makes.
        function: `module:name` of a function `(store, output, report, **arguments)` that writes the outputs.
        arguments: Plain values that JSON can hold.
        requires: Outputs that must be there first.
        n_tokens: Pieces that will be trained on; for progress and estimates.
        also: Further outputs that it makes; its arguments name them.
    """

    output: Output
    function: str
    arguments: dict[str, Any] = field(default_factory=dict)
    requires: tuple[Output, ...] = ()
    n_tokens: int = 0
    also: tuple[Output, ...] = ()

    @property
    def outputs(self) -> tuple[Output, ...]:
        """All that it makes."""
        return (self.output, *self.also)

    @property
    def label(self) -> str:
        """Name for people: `de_seed0`, `de_seed0 and 3 more`."""
        return self.output.label + (f" and {len(self.also)} more" if self.also else "")


@dataclass(frozen=True)
class Event:
    """What happened to a task.

    Attributes:
        kind: `start`, `tokens` (some were trained on), `done`, `busy` (another process makes this output), `failed`.
        task: Which.
        n_tokens: For `tokens`: how many since the last event.
        message: For `busy` the owner; for `failed` what went wrong and what to do.
        exit_code: For `failed`: 2 where the input is to blame, else 1.
    """

    kind: Literal["start", "tokens", "done", "busy", "failed"]
    task: Task
    n_tokens: int = 0
    message: str = ""
    exit_code: int = 1

    @property
    def is_last(self) -> bool:
        """Whether the task has ended."""
        return self.kind in ("done", "busy", "failed")


def needed_tasks(tasks: Iterable[Task], targets: Iterable[Output], store: Store) -> list[Task]:
    """Choose the tasks that must run so that the targets are there.

    A task whose output is there is not run, and what only it needed is not asked for: a model that was removed
    after its last use is not trained again.

    Args:
        tasks: All tasks, each after those it requires.
        targets: Outputs that are wanted.
        store: Tells what is there.

    Returns:
        The tasks to run, in the order given.
    """
    tasks = list(tasks)
    wanted = set(targets)
    chosen = []
    for task in reversed(tasks):
        if any(output in wanted and not store.has(output) for output in task.outputs):
            wanted.update(task.requires)
            chosen.append(task)
    return chosen[::-1]

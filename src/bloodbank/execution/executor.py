"""What carries tasks out: the seam for worker processes on this machine (`local`), this process, or another engine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from bloodbank.execution.task import Event, Task
from bloodbank.store import Store

TORCH_SECONDS = 4.0  # that a new worker spends on importing torch


@dataclass(frozen=True)
class Needs:
    """What a task is to be given.

    Attributes:
        threads: For its numerical libraries.
        device: `cpu`, `cuda` or `auto`; but for `cpu` it gets one GPU to itself where there are several.
        start_seconds: What a new worker would spend on imports for it: a worker that is busy is waited for so long.
    """

    threads: int = 1
    device: str = "cpu"
    start_seconds: float = 0.5


class Executor(ABC):
    """Carries tasks out; use as a context, or close it. It can be used again after it was closed."""

    @abstractmethod
    def submit(self, task: Task, store: Store, needs: Needs) -> None:
        """Take a task, whose inputs are there, and return at once."""

    @abstractmethod
    def next_event(self, seconds: float) -> Event | None:
        """Wait so long for something to happen to a task; its last event is `done`, `busy` or `failed`."""

    @abstractmethod
    def close(self) -> None:
        """End what still runs, at once, and free what is held; no event of it follows."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

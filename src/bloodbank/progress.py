"""One live display for a run: stage, models done of all, tokens a second, time left; plain lines without a terminal."""

from __future__ import annotations

import time
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from bloodbank.execution import Event, Task


class Display:
    """Shows what happens to the tasks of one stage; use as a context.

    Args:
        console: Where to.
        stage: What is being done, for people.
        tasks: All that will be done.
        n_done: Results of this stage that were there before.
    """

    def __init__(self, console: Console, stage: str, tasks: Iterable[Task], n_done: int = 0) -> None:
        self.console, self.stage = console, stage
        self.left = {task: task.n_tokens for task in tasks}
        # A model is done when it is scored; that it was also saved counts for nothing, unless no model is scored.
        self.only_saved = all(output.stage == "models" for task in self.left for output in task.outputs)
        self.n_done, self.n_all = n_done, n_done + sum(map(self._counts, self.left))
        self.tokens, self.started = 0, time.monotonic()
        self.live = console.is_terminal
        self.progress = Progress(
            TextColumn("{task.description}"), BarColumn(bar_width=24), TextColumn("{task.fields[state]}"),
            console=console, disable=not self.live,
        )  # fmt: skip
        self.row = self.progress.add_task(stage, total=max(1, self.n_all), completed=n_done, state=self.state())

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.progress.stop()

    def on_event(self, event: Event) -> None:
        """Take in one event."""
        label = event.task.label
        if event.kind == "tokens":
            self.tokens += event.n_tokens
            self.left[event.task] = max(0, self.left[event.task] - event.n_tokens)
        elif event.kind == "done":
            self.left.pop(event.task, None)
            self.n_done += self._counts(event.task)
        elif event.kind == "busy":
            self.console.print(
                f"{self.stage}: {label} is being made by {event.message}; waiting (its lock is in the folder `locks`)",
                highlight=False,
            )
        elif event.kind == "failed":
            self.left.pop(event.task, None)
            self.console.print(f"{self.stage}: {label} failed; the others go on", style="red", highlight=False)
        if event.kind == "done" and self._counts(event.task) and not self.live:
            self.console.print(f"{self.stage}  {self.state()}  {label}", highlight=False, soft_wrap=True)
        self.progress.update(self.row, completed=self.n_done, state=self.state())

    def _counts(self, task: Task) -> int:
        """Return how many results a task makes."""
        return sum(self.only_saved or output.stage != "models" for output in task.outputs)

    def state(self) -> str:
        """Say how far the stage is: done of all, rate, time left."""
        said = f"{self.n_done}/{self.n_all}"
        rate, left = self.rate(), sum(self.left.values())
        if rate > 0.0:
            said += f"  {rate:,.0f} tokens/s"
            if left:
                said += f"  {duration(left / rate)} left"
        return said

    def rate(self) -> float:
        """Return the tokens trained on a second, over all workers, since the stage began."""
        return self.tokens / max(1e-3, time.monotonic() - self.started)


def duration(seconds: float) -> str:
    """Write a time for people: `8 s`, `3 min 05 s`, `2 h 10 min`, `3 d 4 h`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3_600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 48 * 3_600:
        return f"{whole // 3_600} h {whole % 3_600 // 60:02d} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3_600} h"


def size(n_bytes: float) -> str:
    """Write a size for people, in powers of 1 000."""
    for unit in ("B", "kB", "MB", "GB"):
        if n_bytes < 1_000:
            return f"{n_bytes:.0f} {unit}" if unit == "B" else f"{n_bytes:.1f} {unit}"
        n_bytes /= 1_000
    return f"{n_bytes:,.1f} TB"

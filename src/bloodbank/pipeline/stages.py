"""The stages of a run in the order of the data flow: which tasks are missing, and carrying them out with progress."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from bloodbank.corpus import read_summary, short_parts
from bloodbank.errors import UsageError
from bloodbank.execution import Event, Executor, Needs, Task, default_workers, needed_tasks, run_tasks
from bloodbank.store import Output, Store
from bloodbank.transfer import Plan, make_tasks
from bloodbank.wording import duration

_STEPS = (
    ("text", ("corpus",)),
    ("tokenizer", ("tokenizer",)),
    ("token ids", ("tokens", "masks")),
    ("audit", ("audit",)),
)
_MODELS = ("models", "scores")


@dataclass(frozen=True)
class Job:
    """What a run works with, from its first stage to its last.

    Attributes:
        store: The run folder.
        executor: What carries tasks out.
        console: Where progress is shown.
        workers: Tasks at the same time; 0: as many as the machine has room for.
    """

    store: Store
    executor: Executor
    console: Console
    workers: int

    def carry_out(
        self,
        title: str,
        tasks: Sequence[Task],
        *,
        workers: int,
        needs: Needs = Needs(),  # noqa: B008 - frozen
        n_done: int = 0,
    ) -> list[Event]:
        """Carry out tasks with a display of how far they are; return what failed."""
        if not tasks:
            return []
        with Display(self.console, title, tasks, n_done) as display:
            return run_tasks(
                tasks, self.store, workers=workers, needs=needs, on_event=display.on_event, executor=self.executor
            )


def run_missing(plans: list[Plan], wanted: list[list[Output]], job: Job) -> list[Event]:
    """Go through the stages once, each for all budgets before the next.

    Args:
        plans: One for each budget.
        wanted: What must be there at the end, for each plan.
        job: What it is done with.

    Returns:
        What failed; later stages are then not begun.
    """
    store, cores = job.store, default_workers("cpu")
    if all(store.has(output) for targets in wanted for output in targets):
        for plan in plans:
            _check_texts(plan, store)
        return []
    every = [make_tasks(plan) for plan in plans]
    for title, stages in _STEPS:
        tasks = [
            task
            for plan_tasks, targets in zip(every, wanted, strict=True)
            for task in needed_tasks(plan_tasks, targets, store)
            if task.output.stage in stages
        ]
        # One tokenizer is trained on all cores; texts are independent of each other.
        n_workers, threads = (1, cores) if title == "tokenizer" else (min(cores, job.workers or cores), 1)
        failures = job.carry_out(title, tasks, workers=n_workers, needs=Needs(threads))
        if failures:
            return failures
        if title == "text":
            for plan in plans:
                _check_texts(plan, store)
        if any(task.output.stage == "tokens" for task in tasks):
            _show_examples(plans[0], store, job.console)
    for plan, targets in zip(plans, wanted, strict=True):
        failures = _train(plan, targets, job)
        if failures:
            return failures
    return []


def _train(plan: Plan, targets: list[Output], job: Job) -> list[Event]:
    """Train and score the models."""
    store = job.store
    if all(store.has(output) for output in targets if output.stage in _MODELS):
        return []
    from bloodbank.transfer.schedule import make_schedule, timing_of_gangs

    if timing := timing_of_gangs(plan, store, job.workers):
        execution = plan.experiment.execution
        failures = job.carry_out("gang size", [timing], workers=1, needs=Needs(execution.threads, execution.device))
        if failures:
            return failures
    schedule = make_schedule(plan, targets, store, job.workers)
    by_stage = {stage: [output for output in targets if output.stage == stage] for stage in _MODELS}
    return job.carry_out(
        f"models{plan.suffix.replace('_', ' ')}",
        schedule.tasks,
        workers=schedule.workers,
        needs=schedule.needs,
        n_done=sum(map(store.has, by_stage["scores"] or by_stage["models"])),
    )


def _check_texts(plan: Plan, store: Store) -> None:
    """Check, on every run, that texts meet their budgets and that aligned files have as many lines as each other."""
    experiment = plan.experiment
    n_lines = {}
    for language, output in (plan.uncut or plan.corpora).items():
        if store.has(output):
            summary, chosen = read_summary(store.path(output)), experiment.corpus.source_of(language)
            extra = language not in experiment.languages
            short_parts(summary, experiment.corpus, chosen.path or chosen.dataset, only_train=extra)
            n_lines[language] = summary["met"].get("lines", 0)
    if experiment.corpus.parallel == "lines" and len(set(n_lines.values())) > 1:
        counts = ", ".join(f"{language} {n:,}" for language, n in n_lines.items())
        raise UsageError(
            f'corpus.parallel = "lines", but the files have different numbers of lines: {counts}. Line i must be '
            'the same message in every file (empty where it is missing); for books use "stretch".'
        )


def _show_examples(plan: Plan, store: Store, console: Console) -> None:
    """Show one real example of every language, so that a broken normaliser is seen at once."""
    for language, output in plan.tokens.items():
        summary = json.loads((store.path(output) / "tokens.json").read_text(encoding="utf-8"))
        for line in example_lines(language, summary):
            console.print(line, markup=False, highlight=False, soft_wrap=True)


def example_lines(language: str, summary: dict[str, Any], width: int = 70) -> list[str]:
    """Show a raw line, its pieces, and what they decode to."""
    example, train = summary["example"], summary["train"]
    unknown = train["n_unknown"] / max(1, train["n_pieces"])
    head = f"{language:>4}  {train['n_pieces']:,} pieces, {unknown:.2%} unknown, "
    head += f"{train['n_pieces'] / max(1, train['n_words']):.2f} pieces a word"
    shown = {"raw": example["raw"], "pieces": " ".join(example["pieces"]), "decoded": example["decoded"]}
    return [
        head,
        *(f"      {name:8}{text[:width]}{'…' * (len(text) > width)}" for name, text in shown.items()),
    ]


class Display:
    """Shows what happens to the tasks of one stage, live or in plain lines without a terminal; use as a context.

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
        state = f"{self.n_done}/{self.n_all}"
        rate, left = self.rate(), sum(self.left.values())
        if rate > 0.0:
            state += f"  {rate:,.0f} tokens/s"
            if left:
                state += f"  {duration(left / rate)} left"
        return state

    def rate(self) -> float:
        """Return the tokens trained on a second, over all workers, since the stage began."""
        return self.tokens / max(1e-3, time.monotonic() - self.started)

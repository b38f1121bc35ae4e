"""The stages of a run in the order of the data flow: which tasks are missing, and carrying them out with progress."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from bloodbank.corpus import read_summary, short_parts
from bloodbank.errors import UsageError
from bloodbank.execution import Event, Task, default_workers, n_gpus, run_tasks
from bloodbank.store import Output, Store
from bloodbank.transfer import TRAIN, Plan, missing_tasks

_STEPS = (
    ("text", ("corpus",)),
    ("tokenizer", ("tokenizer",)),
    ("token ids", ("tokens", "masks")),
    ("audit", ("audit",)),
)
_MODELS = ("models", "scores")


def run_missing(
    plans: list[Plan], wanted: list[list[Output]], store: Store, workers: int, console: Console
) -> list[Event]:
    """Go through the stages once, each for all budgets before the next.

    Args:
        plans: One for each budget.
        wanted: What must be there at the end, for each plan.
        store: The run folder.
        workers: Processes that train at the same time; 0: as many as the machine has room for.
        console: Where progress is shown.

    Returns:
        What failed; later stages are then not begun.
    """
    cores = default_workers("cpu")
    for title, stages in _STEPS:
        tasks = [
            task
            for plan, targets in zip(plans, wanted, strict=True)
            for task in missing_tasks(plan, targets, store)
            if task.output.stage in stages
        ]
        # One tokenizer is trained on all cores; texts are independent of each other.
        n_workers, threads = (1, cores) if title == "tokenizer" else (min(cores, workers or cores), 1)
        failures = run_stage(title, tasks, store, console, workers=n_workers, threads=threads)
        if failures:
            return failures
        if title == "text":
            for plan in plans:
                _check_texts(plan, store)
        if any(task.output.stage == "tokens" for task in tasks):
            _show_examples(plans[0], store, console)
    for plan, targets in zip(plans, wanted, strict=True):
        failures = _train(plan, targets, store, workers, console)
        if failures:
            return failures
    return []


def _train(plan: Plan, targets: list[Output], store: Store, workers: int, console: Console) -> list[Event]:
    """Train and score the models."""
    if not any(task.output.stage in _MODELS for task in missing_tasks(plan, targets, store)):
        return []
    from bloodbank.transfer.estimate import estimate, tokens_of_models
    from bloodbank.transfer.training import device_of

    execution = plan.experiment.execution
    gang, failures = _gang_size(plan, store, workers, console)
    if failures:
        return failures
    workers = workers or estimate(plan, store, gang=gang, timed=False).workers
    devices = min(n_gpus(), workers) if device_of(plan.experiment) == "cuda" else 1
    tokens = {plan.models[model].label: n for model, n in tokens_of_models(plan, store).items()}
    sized = [
        dataclasses.replace(
            task,
            n_tokens=sum(tokens[one["label"]] for one in task.arguments["members"]) if task.function == TRAIN else 0,
        )
        for task in missing_tasks(plan, targets, store, gang, devices)
        if task.output.stage in _MODELS
    ]
    counted = [one for one in targets if one.stage == "scores"] or [one for one in targets if one.stage == "models"]
    return run_stage(
        f"models{plan.suffix.replace('_', ' ')}", sized, store, console,
        workers=workers, threads=execution.threads, device=execution.device,
        n_done=sum(map(store.has, counted)),
    )  # fmt: skip


def _gang_size(plan: Plan, store: Store, workers: int, console: Console) -> tuple[int, list[Event]]:
    """Return how many models to train side by side, on a GPU timed once where it was not set; and what failed."""
    from bloodbank.transfer.estimate import estimate, n_candidates
    from bloodbank.transfer.gang_size import gang_output, gang_size, gang_task
    from bloodbank.transfer.training import device_of

    execution, n_words = plan.experiment.execution, n_candidates(plan, store)
    timed = not execution.gang and device_of(plan.experiment) != "cpu"
    if timed and not store.has(gang_output(plan, n_words)):
        task = gang_task(plan, n_words, workers or estimate(plan, store, timed=False).workers)
        failures = run_stage(
            "gang size", [task], store, console, workers=1, threads=execution.threads, device=execution.device
        )
        if failures:
            return 1, failures
    return gang_size(plan, store, n_words, workers or 1), []


def run_stage(
    title: str,
    tasks: list[Task],
    store: Store,
    console: Console,
    *,
    workers: int,
    threads: int,
    device: str = "cpu",
    n_done: int = 0,
) -> list[Event]:
    """Carry out tasks with a display of how far they are; return what failed."""
    if not tasks:
        return []
    with Display(console, title, tasks, n_done) as display:
        return run_tasks(tasks, store, workers=workers, threads=threads, device=device, on_event=display.on_event)


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


# One live display for a run: stage, models done of all, tokens a second, time left; plain lines without a terminal.


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

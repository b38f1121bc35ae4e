"""The main job: from an experiment file to the bank, doing what is missing and nothing else.

Command: `bloodbank run experiment.toml`; from Python: `bank = bloodbank.run("experiment.toml")`.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from rich.console import Console

from bloodbank.bank import Bank
from bloodbank.corpus import check_budgets
from bloodbank.errors import BloodbankError, UsageError
from bloodbank.execution import Event, Task, check_compiler, check_device, default_workers, run_tasks
from bloodbank.experiment import Experiment, load_experiment
from bloodbank.progress import Display
from bloodbank.results import write_results
from bloodbank.runfolder import (
    CHECKPOINTS,
    HELPERS,
    SOURCES,
    STAGES,
    check_settings,
    is_run_folder,
    write_failures,
    write_plan,
)
from bloodbank.store import Output, Store
from bloodbank.transfer import (
    TRAIN,
    Plan,
    is_kept,
    make_plans,
    missing_tasks,
    targets_of,
)

_STEPS = (("text", ("corpus",)), ("tokenizer", ("tokenizer",)), ("token ids", ("tokens", "masks")))
_MODELS = ("models", "scores")
_ROUNDS = 3  # another process on the folder may remove a model that is needed, and only so often


def run(
    experiment: Experiment | str | Path,
    out: str | Path | None = None,
    *,
    update: bool = False,
    workers: int | None = None,
    console: Console | None = None,
) -> Bank:
    """Do what is missing of an experiment, and return its bank.

    Args:
        experiment: A TOML file, or settings already loaded.
        out: The run folder; `runs/NAME` beside the experiment file by default.
        update: Go on in a folder that was made with other settings.
        workers: Processes that train at the same time, instead of `execution.workers`.
        console: Where progress is shown; stderr by default.

    Returns:
        The bank; it is also written into the run folder, with tables and figures.

    Raises:
        BloodbankError: Something failed; what was finished is kept.
        UsageError: The experiment, its sources or the run folder cannot be used as given.
    """
    console = console or Console(stderr=True)
    settings, folder = resolve(experiment, out)
    check_device(settings.execution.device)
    check_compiler(settings.training.compile)
    store = Store(folder)
    plans = make_plans(settings, folder / SOURCES if is_run_folder(folder) else None)
    if not update:
        check_settings(plans, store)
    write_plan(plans, store)
    _remove_leftovers(store)
    _make_outputs(plans, store, workers or settings.execution.workers, console)
    _remove_leftovers(store)  # of workers that a moment ago had not yet noticed that their run was killed
    banks = [write_results(plan, store) for plan in plans]
    _remove_models(plans, store)
    _remove_checkpoints(plans, store)
    return banks[0]


def _remove_models(plans: list[Plan], store: Store) -> None:
    """Remove the donors that are not kept, which others went on from; with `keep_models = "none"` all models."""
    for plan in plans:
        for model, output in plan.models.items():
            unwanted = model.is_donor or plan.experiment.grid.keep_models == "none"
            if unwanted and not is_kept(plan, model):
                store.remove(output)


def _remove_checkpoints(plans: list[Plan], store: Store) -> None:
    """Remove checkpoints that nothing will go on from: of a gang that was trained again with another size."""
    if (store.root / CHECKPOINTS).is_dir():
        from bloodbank.mlm.checkpoints import Checkpoints

        Checkpoints.clear_all(store, {output.label for plan in plans for output in plan.models.values()})


def _remove_leftovers(store: Store) -> None:
    for stage in (".", *STAGES, *HELPERS):
        store.remove_leftovers(stage)


def resolve(experiment: Experiment | str | Path, out: str | Path | None) -> tuple[Experiment, Path]:
    """Load an experiment and find its run folder."""
    if isinstance(experiment, Experiment):
        return experiment, Path(out) if out is not None else Path("runs") / experiment.name
    settings = load_experiment(experiment)
    return settings, Path(out) if out is not None else Path(experiment).parent / "runs" / settings.name


def _make_outputs(plans: list[Plan], store: Store, workers: int, console: Console) -> None:
    """Run the missing tasks, stage by stage, until all that is wanted is there."""
    targets = [output for plan in plans for output in targets_of(plan)]
    for _ in range(_ROUNDS):
        failures = _run_missing(plans, store, workers, console)
        write_failures(failures, store)
        if failures:
            raise _failed(failures, targets, store)
        missing = [output.name for output in targets if not store.has(output)]
        if not missing:
            return
    raise BloodbankError(
        f"{len(missing)} results are still missing ({', '.join(missing[:3])}): something removes what they need. "
        "Is another process cleaning this folder? Give the same command again to go on."
    )


def _run_missing(plans: list[Plan], store: Store, workers: int, console: Console) -> list[Event]:
    """Go through the stages once, each for all budgets before the next; return what failed."""
    cores = default_workers("cpu")
    for title, stages in _STEPS:
        tasks = [task for plan in plans for task in missing_tasks(plan, store) if task.output.stage in stages]
        # One tokenizer is trained on all cores; texts are independent of each other.
        n_workers, threads = (1, cores) if title == "tokenizer" else (min(cores, workers or cores), 1)
        failures = _run_stage(title, tasks, store, console, workers=n_workers, threads=threads)
        if failures:
            return failures
        if title == "text":
            for plan in plans:
                _check_texts(plan, store)
        if title == "token ids" and tasks:
            _show_examples(plans[0], store, console)
    for plan in plans:
        failures = _train(plan, store, workers, console)
        if failures:
            return failures
    return []


def _train(plan: Plan, store: Store, workers: int, console: Console) -> list[Event]:
    """Train and score the models."""
    if not any(task.output.stage in _MODELS for task in missing_tasks(plan, store)):
        return []
    from bloodbank.transfer.estimate import estimate, tokens_of_models

    execution = plan.experiment.execution
    gang, failures = _gang_size(plan, store, workers, console)
    if failures:
        return failures
    workers = workers or estimate(plan, store, gang=gang, timed=False).workers
    tokens = {plan.models[model].label: n for model, n in tokens_of_models(plan, store).items()}
    sized = [
        dataclasses.replace(
            task,
            n_tokens=sum(tokens[one["label"]] for one in task.arguments["members"]) if task.function == TRAIN else 0,
        )
        for task in missing_tasks(plan, store, gang)
        if task.output.stage in _MODELS
    ]
    return _run_stage(
        f"models{plan.suffix.replace('_', ' ')}", sized, store, console,
        workers=workers, threads=execution.threads, device=execution.device,
        n_done=sum(store.has(score) for score in plan.scores.values()),
    )  # fmt: skip


def _gang_size(plan: Plan, store: Store, workers: int, console: Console) -> tuple[int, list[Event]]:
    """Return how many models to train side by side, on a GPU timed once where it was not set; and what failed."""
    from bloodbank.transfer.estimate import estimate, vocab_size
    from bloodbank.transfer.gangs import device_name, gang_output, gang_task, read_gang

    execution = plan.experiment.execution
    if execution.gang or device_name(plan.experiment) == "cpu":
        return execution.gang or 1, []
    n_words = vocab_size(plan, store)
    output = gang_output(plan, n_words)
    if not store.has(output):
        task = gang_task(plan, n_words, workers or estimate(plan, store, timed=False).workers)
        failures = _run_stage(
            "gang size", [task], store, console, workers=1, threads=execution.threads, device=execution.device
        )
        if failures:
            return 1, failures
    return read_gang(output, store), []


def _run_stage(
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
    if not tasks:
        return []
    with Display(console, title, tasks, n_done) as display:
        return run_tasks(tasks, store, workers=workers, threads=threads, device=device, on_event=display.on_event)


def _check_texts(plan: Plan, store: Store) -> None:
    """Check, on every run, that texts meet their budgets and that aligned files have as many lines as each other."""
    experiment = plan.experiment
    n_lines = {}
    for language, output in plan.corpora.items():
        if store.has(output):
            summary = json.loads((store.path(output) / "corpus.json").read_text(encoding="utf-8"))
            extra = language not in experiment.languages
            check_budgets(summary, experiment.corpus, experiment.source_of(language), only_train=extra)
            n_lines[language] = summary["n_lines"]
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


def _failed(failures: list[Event], targets: list[Output], store: Store) -> BloodbankError:
    """Make one error of all failures."""
    n_done = sum(store.has(output) for output in targets)
    messages = "\n".join(dict.fromkeys(event.message for event in failures))
    kept = f"{n_done} of {len(targets)} results are finished and kept." if n_done else ""
    kind = UsageError if all(event.exit_code == UsageError.exit_code for event in failures) else BloodbankError
    return kind("\n".join(filter(None, (messages, kept))))

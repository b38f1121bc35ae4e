"""The main job: from an experiment file to the bank, doing what is missing and nothing else.

Command: `bloodbank run experiment.toml`; from Python: `bank = bloodbank.run("experiment.toml")`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from bloodbank.corpus import read_summary
from bloodbank.errors import BloodbankError, UsageError
from bloodbank.execution import Event, Executor, check_compiler, check_device, default_executor
from bloodbank.experiment.load import Experiment, load_experiment
from bloodbank.pipeline.folder import (
    CHECKPOINTS,
    HELPERS,
    SOURCES,
    STAGES,
    check_settings,
    write_failures,
    write_plan,
)
from bloodbank.pipeline.layout import is_run_folder
from bloodbank.pipeline.results import write_audits, write_results
from bloodbank.pipeline.stages import Job, run_missing
from bloodbank.store import Output, Store
from bloodbank.transfer import Plan, audits_of, is_kept, make_plans, prefer_full_audit, targets_of

if TYPE_CHECKING:
    from bloodbank.bank import Bank
    from bloodbank.corpus.audit.record import Audit

_ROUNDS = 3  # another process on the folder may remove a model that is needed, and only so often


def run(
    experiment: Experiment | str | Path,
    out: str | Path | None = None,
    *,
    update: bool = False,
    workers: int | None = None,
    console: Console | None = None,
    executor: Executor | None = None,
) -> Bank:
    """Do what is missing of an experiment, and return its bank.

    Args:
        experiment: A TOML file, or settings already loaded.
        out: The run folder; `runs/NAME` beside the experiment file by default.
        update: Go on in a folder that was made with other settings.
        workers: Processes that train at the same time, instead of `execution.workers`.
        console: Where progress is shown; stderr by default.
        executor: What carries the work out, and stays open; by default worker processes, which end with the run.

    Returns:
        The bank; it is also written into the run folder, with tables and figures.

    Raises:
        BloodbankError: Something failed; what was finished is kept.
        UsageError: The experiment, its sources or the run folder cannot be used as given.
    """
    settings, folder = resolve(experiment, out)
    check_device(settings.execution.device)
    check_compiler(settings.training.compile)
    plans, store = open_folder(settings, folder, update=update)
    wanted = [[*targets_of(plan), *audits_of(plan)] for plan in plans]
    with open_job(settings, store, console, workers, executor) as job:
        make_outputs(plans, wanted, job)
    write_audits(plans, store, job.console)
    write_results(plans, store, job.console)
    _remove_models(plans, store)
    _remove_checkpoints(plans, store)
    from bloodbank.pipeline.open_bank import open_run

    return open_run(folder)


@contextmanager
def open_job(
    settings: Experiment,
    store: Store,
    console: Console | None = None,
    workers: int | None = None,
    executor: Executor | None = None,
) -> Iterator[Job]:
    """Give what a run works with; see `run`. An executor that was not given is closed at the end."""
    with nullcontext(executor) if executor else default_executor() as engine:
        yield Job(store, engine, console or Console(stderr=True), workers or settings.execution.workers)


def build_texts(
    experiment: Experiment | str | Path,
    out: str | Path | None = None,
    *,
    update: bool = False,
    console: Console | None = None,
) -> list[str]:
    """Make the balanced text of every language, and nothing else; a later `run` goes on from there.

    Args:
        experiment: A TOML file, or settings already loaded.
        out: The run folder; `runs/NAME` beside the experiment file by default.
        update: Go on in a folder that was made with other settings.
        console: Where progress is shown; stderr by default.

    Returns:
        A line for each language: where its text is, and how much.

    Raises:
        UsageError: The experiment, its sources or the run folder cannot be used as given.
    """
    settings, folder = resolve(experiment, out)
    plans, store = open_folder(settings, folder, update=update)
    wanted = [list(plan.corpora.values()) for plan in plans]
    with open_job(settings, store, console) as job:
        make_outputs(plans, wanted, job)
    return [_text_line(language, store.path(output)) for plan in plans for language, output in plan.corpora.items()]


def _text_line(language: str, folder: Path) -> str:
    summary = read_summary(folder)
    sizes = ", ".join(f"{part} {n:,}" for part, n in summary["n_chars"].items())
    short = f"; short: {', '.join(summary['short'])}" if summary["short"] else ""
    return f"{language:>7}  {sizes} characters{short}  {folder}"


def audit(
    experiment: Experiment | str | Path,
    out: str | Path | None = None,
    *,
    full: bool = False,
    update: bool = False,
    console: Console | None = None,
) -> Audit:
    """Audit the text of every language, making text, tokenizer and token ids where they are missing.

    Args:
        experiment: A TOML file, or settings already loaded.
        out: The run folder; `runs/NAME` beside the experiment file by default.
        full: Compare with the whole source, however large; otherwise a large one is compared by another sample of it.
        update: Go on in a folder that was made with other settings.
        console: Where progress is shown; stderr by default.

    Returns:
        The audit of the first budget, as `audit.json` in the run folder holds it.

    Raises:
        UsageError: The experiment, its sources or the run folder cannot be used as given.
    """
    settings, folder = resolve(experiment, out)
    plans, store = open_folder(settings, folder, update=update, full_audit=full)
    wanted = [audits_of(plan) for plan in plans]
    with open_job(settings, store, console) as job:
        make_outputs(plans, wanted, job)
    write_audits(plans, store, job.console)
    from bloodbank.transfer.audit import read_audit

    first = read_audit(plans[0], store)
    if first is None:
        raise BloodbankError(f"{folder}: the audit is missing. Is another process cleaning this folder? Try again.")
    return first


def open_folder(
    settings: Experiment, folder: Path, *, update: bool, full_audit: bool = False
) -> tuple[list[Plan], Store]:
    """Plan what the folder will hold, and write it there."""
    store = Store(folder)
    plans = make_plans(settings, folder / SOURCES if is_run_folder(folder) else None, full_audit=full_audit)
    if not full_audit:
        for plan in plans:
            prefer_full_audit(plan, store)
    if not update:
        check_settings(plans, store)
    write_plan(plans, store)
    _remove_leftovers(store)
    return plans, store


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


def make_outputs(plans: list[Plan], wanted: list[list[Output]], job: Job) -> None:
    """Run the missing tasks, stage by stage, until all that is wanted is there."""
    store = job.store
    targets = [output for outputs in wanted for output in outputs]
    for _ in range(_ROUNDS):
        failures = run_missing(plans, wanted, job)
        write_failures(failures, store)
        if failures:
            raise failed(failures, targets, store)
        missing = [output.name for output in targets if not store.has(output)]
        if not missing:
            _remove_leftovers(store)  # of workers that a moment ago had not yet noticed that their run was killed
            return
    raise BloodbankError(
        f"{len(missing)} results are still missing ({', '.join(missing[:3])}): something removes what they need. "
        "Is another process cleaning this folder? Give the same command again to go on."
    )


def failed(failures: list[Event], targets: list[Output], store: Store) -> BloodbankError:
    """Make one error of all failures."""
    n_done = sum(store.has(output) for output in targets)
    messages = "\n".join(dict.fromkeys(event.message for event in failures))
    kept = f"{n_done} of {len(targets)} results are finished and kept." if n_done else ""
    kind = UsageError if all(event.exit_code == UsageError.exit_code for event in failures) else BloodbankError
    return kind("\n".join(filter(None, (messages, kept))))

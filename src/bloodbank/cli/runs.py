"""`bloodbank run`, `status` and `show`: an experiment from its file to its bank."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bloodbank.cli.app import app

if TYPE_CHECKING:
    from rich.console import Console

    from bloodbank.bank import Bank
    from bloodbank.experiment.load import Experiment
    from bloodbank.transfer.schedule import Schedule


@app.command
def run(
    experiment: Path,
    *,
    out: Path | None = None,
    update: bool = False,
    dry_run: bool = False,
    workers: int | None = None,
) -> None:
    """Do what is missing of an experiment, and show its bank.

    Killed or interrupted, the same command goes on where it was.

    Parameters
    ----------
    experiment
        Experiment file (TOML).
    out
        Run folder; `runs/NAME` beside the experiment file by default.
    update
        Go on in a folder that was made with other settings, redoing only what depends on the change.
    dry_run
        Show the plan with its arithmetic and an estimate of the time; write nothing.
    workers
        Processes that train at the same time, instead of `execution.workers`.
    """
    from rich.console import Console

    from bloodbank.pipeline import run as pipeline

    if workers is not None and workers < 1:
        from bloodbank.errors import UsageError

        raise UsageError(f"--workers {workers}: give 1 or more, or leave it out for one a core or GPU.")
    if dry_run:
        _show_plan(experiment, out, workers)
        return
    from bloodbank.pipeline.folder import RESULTS

    bank = pipeline.run(experiment, out, update=update, workers=workers)
    settings, folder = pipeline.resolve(experiment, out)
    _show_bank(bank, Console())
    print("\nWritten:")
    for name in RESULTS:
        if (folder / name).exists():
            print(f"  {folder / name}")
    _name_other_banks(settings, folder)


@app.command
def status(run_folder: Path) -> None:
    """Show what of a run is done, running, missing and failed.

    Parameters
    ----------
    run_folder
        The folder that `bloodbank run` writes to.
    """
    from rich.console import Console
    from rich.table import Table

    from bloodbank.pipeline.folder import read_status
    from bloodbank.wording import duration, size

    table = Table("stage", "done", "wanted", "running", "failed", "size", "time", title=str(run_folder))
    stages = read_status(run_folder)
    for stage in stages:
        time = duration(stage.seconds) if stage.seconds else ""
        counts = (stage.n_done, stage.n_wanted, len(stage.running), len(stage.failed))
        table.add_row(stage.stage, *map(str, counts), size(stage.n_bytes), time)
    console = Console()
    console.print(table)
    for stage in stages:
        for label, owner in stage.running:
            console.print(f"running  {stage.stage}/{label}: {owner}", highlight=False)
        for label, why in stage.failed:
            console.print(f"failed   {stage.stage}/{label}: {why}", highlight=False, markup=False)
    if all(stage.n_done == stage.n_wanted for stage in stages):
        console.print("Complete. `bloodbank show` prints the bank.")


@app.command
def show(run_folder: Path, *, protocol: str | None = None, budget: int | None = None) -> None:
    """Show the bank of a finished run: D, R, blood types and the matrix.

    Parameters
    ----------
    run_folder
        The folder that `bloodbank run` wrote to, a `bank.json`, a matrix, or the name of a bank that comes with
        bloodbank.
    protocol
        Where the run has several: which; the first by default.
    budget
        Where the run has several: which, in characters; the first by default.
    """
    from rich.console import Console

    from bloodbank.pipeline.layout import is_run_folder
    from bloodbank.pipeline.open_bank import bank_folder, find_source, open_bank, open_run

    run_folder, console = find_source(run_folder), Console()
    folder = bank_folder(run_folder, protocol, budget)
    bank = open_bank(folder) if folder.is_file() else open_run(folder)
    _show_bank(bank, console)
    if not is_run_folder(run_folder):
        return
    from bloodbank.pipeline.folder import is_current, read_experiment

    experiment = read_experiment(run_folder)
    if not is_current(bank.provenance.get("settings"), experiment):
        console.print(
            "Note: this bank was made before the settings of this folder changed; `bloodbank run` makes it anew."
        )
    if not (protocol or budget):
        _name_other_banks(experiment, run_folder)


def _name_other_banks(experiment: Experiment, folder: Path) -> None:
    """Say how to see the banks of further protocols and budgets."""
    protocols, budgets = experiment.grid.protocols, experiment.corpus.budgets
    if len(protocols) * len(budgets) > 1:
        print("\nFurther banks of this run:")
    for budget in budgets:
        for protocol in protocols:
            other_protocol = f" --protocol {protocol}" if protocol != protocols[0] else ""
            other_budget = f" --budget {budget}" if budget != budgets[0] else ""
            if other_protocol or other_budget:
                print(f"  bloodbank show {folder}{other_protocol}{other_budget}")


def _show_bank(bank: Bank, console: Console) -> None:
    from bloodbank.report.terminal import render_bank

    console.print(render_bank(bank, console.width))


def _show_plan(experiment: Path, out: Path | None, workers: int | None) -> None:
    from bloodbank.execution import check_compiler, check_device
    from bloodbank.pipeline import run as pipeline
    from bloodbank.pipeline.folder import check_settings
    from bloodbank.store import Store
    from bloodbank.transfer import make_plans, targets_of
    from bloodbank.transfer.schedule import make_schedule

    settings, folder = pipeline.resolve(experiment, out)
    check_device(settings.execution.device)
    check_compiler(settings.training.compile)
    plans, store = make_plans(settings), Store(folder)
    check_settings(plans, store)
    for plan in plans:
        schedule = make_schedule(plan, targets_of(plan), store, workers or settings.execution.workers)
        print("\n".join(plan_lines(schedule, folder)))


def plan_lines(schedule: Schedule, folder: Path) -> list[str]:
    """Write the arithmetic of a plan for people."""
    from bloodbank.transfer.estimate import estimate
    from bloodbank.wording import duration, size

    experiment, cost = schedule.plan.experiment, estimate(schedule)
    pieces = [n for n, _ in schedule.pieces.values()]
    counted = "counted" if all(known for _, known in schedule.pieces.values()) else "guessed from the budget"
    training = experiment.training
    n_models = cost.n_monolingual + cost.n_others
    only_pairs = not (experiment.grid.controls or experiment.grid.sets)
    others = "bilingual" if only_pairs else "others (bilingual, controls, sets)"
    rate = f"{cost.tokens_per_second:,.0f} tokens/s a worker, timed now" if cost.tokens_per_second else ""
    return [
        f"{experiment.name}: {len(experiment.languages)} languages, preset {experiment.preset}, run folder {folder}",
        f"models    {cost.n_monolingual} monolingual + {cost.n_others} {others} = {n_models}; "
        f"{n_models - cost.n_left} done, {cost.n_left} to train",
        f"one model {schedule.n_parameters / 1e6:.1f} million weights, {size(cost.model_bytes)}",
        f"text      {min(pieces):,} to {max(pieces):,} pieces a language ({counted}), "
        f"{training.epochs} + {training.epochs_bilingual} epochs",
        f"training  {cost.tokens / 1e6:,.1f} million tokens in about {cost.updates:,} updates",
        f"disk      {size(cost.disk_bytes)} of models (keep_models = {experiment.grid.keep_models}), "
        f"up to {size(cost.checkpoint_bytes)} of checkpoints while it runs",
        f"memory    about {size(schedule.memory_bytes)} for each of {schedule.workers} workers, "
        f"{training.dtype}, {schedule.gang} model{'s side by side' if schedule.gang > 1 else ''} at a time in each",
        f"time      about {duration(cost.seconds)} ({rate})" if cost.seconds else "time      nothing left to train",
    ]

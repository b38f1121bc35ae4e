"""`bloodbank downstream`: does the choice of pretraining languages carry over to zero-shot tasks?"""

from __future__ import annotations

from pathlib import Path

from cyclopts import App

from bloodbank.cli.app import app

downstream = App(name="downstream", help="Zero-shot tasks: pretrain on sets of languages, fine-tune, test, report.")
app.command(downstream)


@downstream.command
def run(
    experiment: Path,
    *,
    out: Path | None = None,
    update: bool = False,
    dry_run: bool = False,
    workers: int | None = None,
) -> None:
    """Do what is missing of the `[downstream]` section of an experiment, and show what was found.

    Sets of languages are chosen from a bank, a model is pretrained on each, fine-tuned on each language of each task,
    and tested on all of them. Killed or interrupted, the same command goes on where it was.

    Parameters
    ----------
    experiment
        Experiment file (TOML).
    out
        Run folder; `runs/NAME` beside the experiment file by default.
    update
        Go on in a folder that was made with other settings, redoing only what depends on the change.
    dry_run
        Show the sets, the sentences and what there is to do; write nothing.
    workers
        Processes that train at the same time, instead of `execution.workers`.
    """
    from bloodbank.errors import UsageError
    from bloodbank.pipeline import run_downstream as pipeline

    if workers is not None and workers < 1:
        raise UsageError(f"--workers {workers}: give 1 or more, or leave it out for one a core or GPU.")
    if dry_run:
        for line in pipeline.plan_lines(experiment, out):
            print(line)
        return
    pipeline.run(experiment, out, update=update, workers=workers)
    _show(experiment, out, None)


@downstream.command
def report(experiment: Path, *, out: Path | None = None, folder: Path | None = None) -> None:
    """Write what was found, from the scores that are there: tables, hypotheses, and what they rest on.

    Parameters
    ----------
    experiment
        Experiment file (TOML), as for `bloodbank downstream run`.
    out
        Run folder; `runs/NAME` beside the experiment file by default.
    folder
        Where the report goes: `report.html`, and every table as CSV and LaTeX; by default RUN/downstream.
    """
    _show(experiment, out, folder)


def _show(experiment: Path, out: Path | None, folder: Path | None) -> None:
    from bloodbank.downstream.report import write_report
    from bloodbank.pipeline import run_downstream as pipeline
    from bloodbank.pipeline.folder import REPORT
    from bloodbank.pipeline.run import resolve

    results = pipeline.report(experiment, out)
    for line in results.lines():
        print(line)
    _, run_folder = resolve(experiment, out)
    print("\nWritten:")
    for path in write_report(results, folder or run_folder / REPORT):
        print(f"  {path}")

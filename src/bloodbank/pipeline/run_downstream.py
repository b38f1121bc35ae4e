"""The downstream stage (section 6): from a bank to sets of languages, models pretrained on them, and zero-shot scores.

Command: `bloodbank downstream run experiment.toml`; from Python: `bb.run_downstream("experiment.toml")`.
"""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from bloodbank.bank import Bank
from bloodbank.downstream.configurations import Design, make_design
from bloodbank.downstream.report import Report, TaskTables, basis_sentences, configuration_table, report_task
from bloodbank.downstream.tables import majority_table, score_table, sentence_table
from bloodbank.downstream.taggers.plan import TAGGERS, Tagger, plan_bilingual, plan_taggers, tagger_tasks
from bloodbank.downstream.tasks.reading import TaskData, read_task
from bloodbank.errors import UsageError
from bloodbank.execution import TORCH_SECONDS, Executor, Needs, check_compiler, check_device, default_workers
from bloodbank.experiment.load import Experiment
from bloodbank.pipeline.folder import SOURCES, write_failures
from bloodbank.pipeline.layout import is_run_folder
from bloodbank.pipeline.open_bank import open_bank, open_run
from bloodbank.pipeline.run import failed, make_outputs, open_folder, open_job, resolve
from bloodbank.store import Store
from bloodbank.transfer import Plan, make_plans


def prepare(
    experiment: Experiment | str | Path, out: str | Path | None = None
) -> tuple[Experiment, Path, Bank, Design]:
    """Choose the sets of an experiment; nothing is written.

    Args:
        experiment: A TOML file, or settings already loaded.
        out: The run folder; `runs/NAME` beside the experiment file by default.

    Returns:
        The settings with the sets in `grid.sets`, the run folder, the bank, and the sets.

    Raises:
        UsageError: There are no tasks, no bank, or too few languages.
    """
    settings, folder = resolve(experiment, out)
    chosen = settings.downstream
    if not chosen.tasks:
        raise UsageError(
            'The experiment names no task. Add one, as in\n\n  [downstream.tasks.pos]\n  path = "treebanks"   # with '
            "a folder for each language, holding its CoNLL-U files"
        )
    bank = _open_bank(chosen.bank, folder)
    known = [code for code in bank.languages if code in settings.languages]
    design = make_design(bank.scores.loc[known], chosen)
    sets = dict.fromkeys((*settings.grid.sets, *(chosen.languages for chosen in design.configurations)))
    grid = settings.grid.model_copy(update={"sets": tuple(codes for codes in sets if len(codes) > 1)})
    return settings.model_copy(update={"grid": grid}), folder, bank, design


def run(
    experiment: Experiment | str | Path,
    out: str | Path | None = None,
    *,
    update: bool = False,
    workers: int | None = None,
    console: Console | None = None,
    executor: Executor | None = None,
) -> Path:
    """Do what is missing: pretrain on the sets, fine-tune on each language of each task, and test on all of them.

    Args:
        experiment: A TOML file, or settings already loaded.
        out: The run folder; `runs/NAME` beside the experiment file by default.
        update: Go on in a folder that was made with other settings.
        workers: Processes that train at the same time, instead of `execution.workers`.
        console: Where progress is shown; stderr by default.
        executor: What carries the work out, and stays open; by default worker processes, which end with the run.

    Returns:
        The run folder; `bloodbank downstream report` says what is in it.

    Raises:
        BloodbankError: Something failed; what was finished is kept.
        UsageError: The experiment, its tasks, its bank or the run folder cannot be used as given.
    """
    settings, folder, _, design = prepare(experiment, out)
    check_device(settings.execution.device)
    check_compiler(settings.training.compile)
    tasks = read_tasks(settings, design)  # what is wrong with them is said before anything is trained
    plans, store = open_folder(settings, folder, update=update)
    taggers = _taggers(plans[0], design, tasks, store)
    models = list(dict.fromkeys(tagger.model for tagger in taggers if tagger.model))
    execution = settings.execution
    with open_job(settings, store, console, workers, executor) as job:
        make_outputs(plans, [models, *([] for _ in plans[1:])], job)
        failures = job.carry_out(
            "taggers",
            tagger_tasks(plans[0], taggers, tasks, store),
            workers=job.workers or default_workers(execution.device),
            needs=Needs(execution.threads, execution.device, TORCH_SECONDS),
            n_done=sum(store.has(tagger.output) for tagger in taggers),
        )
    write_failures(failures, store)
    if failures:
        raise failed(failures, [tagger.output for tagger in taggers], store)
    store.remove_leftovers(TAGGERS)  # of workers that had not yet noticed that their run was killed
    return folder


def read_tasks(settings: Experiment, design: Design) -> dict[str, TaskData]:
    """Read the sentences of all tasks for the languages of C."""
    with_dev = settings.downstream.finetune.select != "final"
    return {
        name: read_task(name, where, design.downstream, with_dev=with_dev)
        for name, where in settings.downstream.tasks.items()
    }


def _taggers(plan: Plan, design: Design, tasks: dict[str, TaskData], store: Store) -> list[Tagger]:
    taggers = plan_taggers(plan, design, tasks)
    if plan.experiment.downstream.bilingual:
        taggers += plan_bilingual(plan, tasks, store)
    return taggers


def _open_bank(name: str, folder: Path) -> Bank:
    """Open the bank that sets are chosen from.

    Raises:
        UsageError: It is not there.
    """
    if name:
        return open_bank(Path(name))
    if not is_run_folder(folder) or not (folder / "bank.json").is_file():
        raise UsageError(
            f"{folder} has no bank yet, from which the sets are chosen. `bloodbank run` measures it; or name another "
            "in `downstream.bank`."
        )
    return open_run(folder)


def report(experiment: Experiment | str | Path, out: str | Path | None = None) -> Report:
    """Make the report from the scores that are there; nothing is trained or written.

    Args:
        experiment: As for `run`.
        out: As for `run`.

    Returns:
        Tables and answers; `bloodbank.downstream.report.write_report` writes them.

    Raises:
        UsageError: There are no scores, or the experiment cannot be used as given.
    """
    settings, folder, bank, design = prepare(experiment, out)
    tasks = read_tasks(settings, design)
    plan, store = make_plans(settings, folder / SOURCES if is_run_folder(folder) else None)[0], Store(folder)
    taggers = _taggers(plan, design, tasks, store)
    scores = score_table(taggers, tasks, store)
    if scores.empty:
        raise UsageError(f"{folder} has no scores of taggers. `bloodbank downstream run` makes them.")
    sentences, majority = sentence_table(taggers, store), majority_table(tasks)
    reports = [
        report_task(
            data,
            TaskTables(
                scores[scores["task"] == name],
                sentences[sentences["task"] == name],
                majority[majority["task"] == name],
                sum(tagger.task == name for tagger in taggers),
            ),
            design,
            bank,
            settings.downstream.level,
        )
        for name, data in tasks.items()
        if (scores["task"] == name).any()
    ]
    table_2 = configuration_table(design, taggers, store)
    basis = basis_sentences(plan, bank, design, table_2, reports)
    return Report(settings.name, basis, design, table_2, tuple(reports), scores)


def plan_lines(experiment: Experiment | str | Path, out: str | Path | None = None) -> list[str]:
    """Say which sets are pretrained on, which sentences there are, and what is left to do; nothing is written."""
    settings, folder, _, design = prepare(experiment, out)
    tasks = read_tasks(settings, design)
    lines = design.lines()
    for data in tasks.values():
        lines += data.lines()
    n_taggers = sum(len(data.languages) for data in tasks.values()) * len(settings.seeds)
    n_encoders = len(design.configurations) + settings.downstream.random_weights
    lines.append(
        f"{len(design.configurations) * len(settings.seeds)} models to pretrain, {n_taggers * n_encoders} taggers"
    )
    return [*lines, f"run folder: {folder}"]

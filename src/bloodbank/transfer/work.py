"""The tasks that make the outputs of a plan, and the gangs in which models are trained.

A task is first made for every model alone, so that it is known what is missing. Then tasks are joined to gangs: the
models of a column, or several that each read their own, K at a time, always in the order of the experiment.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from bloodbank.corpus import OTHER, PARTS
from bloodbank.execution import Task, needed_tasks
from bloodbank.store import Output, Store
from bloodbank.transfer.models import Cell, Model, model_of, phase_of
from bloodbank.transfer.plan import Plan, is_kept, tokens_of
from bloodbank.transfer.records import read_phases

_TASKS, _AUDIT = "bloodbank.transfer.tasks", "bloodbank.transfer.audit"
TRAIN, SCORE = "bloodbank.transfer.training:train", "bloodbank.transfer.training:score"


def make_tasks(plan: Plan) -> list[Task]:
    """Return the tasks of a plan, each after those it requires, every model alone."""
    settings = plan.experiment.model_dump(mode="json")
    tasks = []
    for outputs, parts in ((plan.uncut or plan.corpora, PARTS), (plan.others, OTHER)):
        for language, output in outputs.items():
            arguments = {"settings": settings, "language": language, "parts": parts}
            tasks.append(Task(output, f"{_TASKS}:corpus", arguments))
    for language, whole in plan.uncut.items():
        others = tuple(plan.uncut[one] for one in plan.experiment.languages)
        arguments = {"settings": settings, "text": whole.name, "others": [one.name for one in others]}
        requires = tuple(dict.fromkeys((whole, *others)))
        tasks.append(Task(plan.corpora[language], f"{_TASKS}:cut", arguments, requires))
    if not plan.suffix:  # other budgets have the tokenizer of the first, which makes it
        given = bool(plan.experiment.tokenizer.path)
        trained_on = () if given else tuple(plan.corpora[one] for one in sorted(plan.corpora))
        arguments = {"settings": settings, "corpora": [one.name for one in trained_on]}
        tasks.append(Task(plan.tokenizer, f"{_TASKS}:tokenizer", arguments, trained_on))
    for tokens, texts, parts in ((plan.tokens, plan.corpora, PARTS), (plan.other_tokens, plan.others, OTHER)):
        for language, output in tokens.items():
            requires = (texts[language], plan.tokenizer)
            arguments = {"settings": settings, "inputs": [one.name for one in requires], "parts": parts}
            tasks.append(Task(output, f"{_TASKS}:encode", arguments, requires))
    for language, masks in plan.masks.items():
        requires = (plan.tokens[language], plan.tokenizer)
        arguments = {"settings": settings, "language": language, "inputs": [one.name for one in requires]}
        tasks.append(Task(masks, f"{_TASKS}:masks", arguments, requires))
    return [*tasks, *_audit_tasks(plan, settings), *_model_tasks(plan, settings)]


def _audit_tasks(plan: Plan, settings: dict[str, Any]) -> list[Task]:
    """Return the tasks that audit the text of each language, and then all of them together."""
    tasks = []
    for language, output in plan.audits.items():
        requires = (plan.corpora[language], plan.tokens[language], plan.tokenizer)
        arguments = {
            "settings": settings,
            "language": language,
            "inputs": [one.name for one in requires],
            "full": plan.full_audit,
        }
        tasks.append(Task(output, f"{_AUDIT}:audit_language", arguments, requires))
    audits = tuple(plan.audits.values())
    if plan.audit:
        arguments = {"settings": settings, "audits": [one.name for one in audits]}
        tasks.append(Task(plan.audit, f"{_AUDIT}:audit_all", arguments, audits))
    return tasks


def missing_tasks(plan: Plan, targets: list[Output], store: Store, gang: int = 1) -> list[Task]:
    """Return what must be done so that some outputs of a plan are there, models in gangs of at most `gang`."""
    return form_gangs(plan, needed_tasks(make_tasks(plan), targets, store), store, gang)


def _model_tasks(plan: Plan, settings: dict[str, Any]) -> list[Task]:
    """Return the tasks that train, and those that score.

    A model that is neither kept nor a donor is scored by the task that trains it and never touches the disk.
    """
    cells: dict[Model, list[Cell]] = {model: [] for model in plan.models}
    for cell in plan.scores:
        cells[model_of(cell)].append(cell)
    shared = {"settings": settings, "tokenizer": plan.tokenizer.name}
    tasks = []
    for model, output in plan.models.items():
        member, requires = _member(plan, model)
        if model.is_donor or is_kept(plan, model):
            members = [{**member, "kept": asdict(output), "cells": []}]
            tasks.append(Task(output, TRAIN, {**shared, "members": members}, requires))
            for cell in cells[model]:
                members = [{"model": output.name, "label": output.label, "cells": [_scored(plan, cell)]}]
                requires = (output, plan.tokenizer, *_needed_to_score(plan, cell))
                tasks.append(Task(plan.scores[cell], SCORE, {**shared, "members": members}, requires))
        else:
            members = [{**member, "kept": None, "cells": [_scored(plan, cell) for cell in cells[model]]}]
            scores = [plan.scores[cell] for cell in cells[model]]
            needed = [one for cell in cells[model] for one in _needed_to_score(plan, cell)]
            requires = tuple(dict.fromkeys((*requires, *needed)))
            tasks.append(Task(scores[0], TRAIN, {**shared, "members": members}, requires, also=tuple(scores[1:])))
    return tasks


def _scored(plan: Plan, cell: Cell) -> dict[str, Any]:
    """Say how a cell is scored, in plain values."""
    return {**asdict(cell), "output": asdict(plan.scores[cell]), "masks": plan.masks[cell.recipient].name}


def _needed_to_score(plan: Plan, cell: Cell) -> tuple[Output, ...]:
    return (plan.tokens[cell.recipient], plan.masks[cell.recipient])


def _member(plan: Plan, model: Model) -> tuple[dict[str, Any], tuple[Output, ...]]:
    """Say how a model is trained, in plain values, and what must be there before."""
    phase = phase_of(model, plan.experiment)
    tokens = [tokens_of(plan, text.language, text.part) for text in phase.texts]
    dev = [plan.tokens[text.language] for text in phase.texts]
    donor = plan.models[model.donor_model] if model.donor_model else None
    member = {
        "label": plan.models[model].label,
        "key": plan.models[model].key,
        "seed": model.seed,
        "texts": [
            {**asdict(text), "tokens": own.name, "dev": with_dev.name}
            for text, own, with_dev in zip(phase.texts, tokens, dev, strict=True)
        ],
        "epochs": phase.epochs,
        "share": phase.share,
        "trained": phase.trained,
        "donor_model": donor.name if donor else None,
    }
    return member, tuple(dict.fromkeys((*tokens, *dev, plan.tokenizer, *([donor] if donor else []))))


def _model_label(task: Task) -> str:
    """Return the label of the model that a task trains or scores; of a gang the first."""
    return str(task.arguments["members"][0]["label"]) if task.function in (TRAIN, SCORE) else ""


def gangs_of(plan: Plan, size: int) -> list[list[Model]]:
    """Divide the models of a plan into gangs: those of a column, or of one kind and seed, `size` at a time.

    Gangs follow from the experiment, not from what is missing: a run that was interrupted has the same ones.
    """
    groups: dict[tuple[str, ...], list[Model]] = {}
    for model in plan.models:
        n_texts = "" if model.kind != "set" else str(len(model.languages))
        groups.setdefault(model.column or (model.kind, n_texts, str(model.seed)), []).append(model)
    return [group[i : i + size] for group in groups.values() for i in range(0, len(group), size)]


def form_gangs(plan: Plan, tasks: list[Task], store: Store, size: int) -> list[Task]:
    """Join the tasks that train single models to tasks of gangs; other tasks stay as they are, in their order.

    Args:
        plan: Tells which models belong together.
        tasks: What is to be done, models one by one.
        store: Tells in which gang finished models were trained.
        size: Models side by side, at most.
    """
    if size == 1:
        return tasks
    training = {_model_label(task): task for task in tasks if task.function == TRAIN}
    whole = {_model_label(task): task for task in make_tasks(plan) if task.function == TRAIN}
    gangs = [[plan.models[model].label for model in gang] for gang in gangs_of(plan, size)]
    gang_of = {label: gang for gang in gangs for label in gang}
    made = {output for task in tasks for output in task.outputs}
    found: list[Task] = []
    joined: set[str] = set()
    for task in tasks:
        label = _model_label(task)
        if task.function != TRAIN:
            found.append(task)
        elif label not in joined:
            missing = [one for one in gang_of[label] if one in training]
            together = _trained_before(gang_of[label], missing, whole, store)
            if not all(store.has(one) or one in made for name in together for one in whole[name].requires):
                together = missing
            joined.update(missing)
            found.append(_join([training.get(one, whole[one]) for one in together], missing))
    return found


def _trained_before(gang: list[str], missing: list[str], whole: dict[str, Task], store: Store) -> list[str]:
    """Return the gang in which finished models were trained with the missing ones; else those missing.

    A run that was killed between the writing of two of a gang's results trains the whole gang again, since numbers
    depend, in their last digits, on how many models stand side by side.
    """
    for label in gang:
        output = whole[label].output
        if label in missing or not store.has(output):
            continue
        before: list[str] = read_phases(store.path(output))[-1]["gang"]
        if set(missing) <= set(before) <= set(gang):
            return before
    return missing


def _join(tasks: list[Task], missing: list[str]) -> Task:
    """Make one task of several; what is there already is trained again, and not written."""
    outputs = [output for task in tasks if _model_label(task) in missing for output in task.outputs]
    return replace(
        tasks[0],
        output=outputs[0],
        also=tuple(outputs[1:]),
        arguments={**tasks[0].arguments, "members": [task.arguments["members"][0] for task in tasks]},
        requires=tuple(dict.fromkeys(one for task in tasks for one in task.requires)),
        n_tokens=sum(task.n_tokens for task in tasks),
    )

"""What is missing of a plan, in gangs: the tasks of single models joined to those of K models.

Models of one column stand together, of several seeds where there is room; models that each read their own, in any
number; scores of models on the same masks. Gangs follow from the experiment, not from what is missing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from bloodbank.execution import Task
from bloodbank.store import Store
from bloodbank.transfer.models import Model
from bloodbank.transfer.plan import Plan
from bloodbank.transfer.tables import read_phases
from bloodbank.transfer.task_list import SCORE, TRAIN, make_tasks

Member = TypeVar("Member")


def gangs_of(plan: Plan, size: int, devices: int = 1) -> list[list[Model]]:
    """Divide the models of a plan into gangs of at most `size`.

    Gangs follow from the experiment and the GPUs, not from what is missing: a run that was interrupted, and goes on
    with as many GPUs, has the same ones.

    Args:
        plan: The models.
        size: Models side by side, at most.
        devices: Workers with a GPU of their own: models that each read their own are shared out evenly among them.
    """
    columns: dict[tuple[str, ...], dict[int, list[Model]]] = {}
    others: dict[tuple[str, ...], list[Model]] = {}
    order: dict[tuple[str, ...], None] = {}
    for model in plan.models:
        key: tuple[str, ...]
        if model.donor_model:
            key = (model.kind, model.recipient)
            columns.setdefault(key, {}).setdefault(model.seed, []).append(model)
        else:
            size_of_set = str(len(model.languages)) if model.kind == "set" else ""
            key = (model.kind, size_of_set, *_own_pieces(plan, model))
            others.setdefault(key, []).append(model)
        order[key] = None
    training, dropout = plan.experiment.training, plan.experiment.model
    # Rows of several texts side by side are computed where any has a piece, and bits of dropout are drawn for each;
    # several GPUs want several gangs.
    joined = devices == 1 and training.layout == "packed" and not (dropout.dropout or dropout.attention_dropout)
    gangs: list[list[Model]] = []
    for key in order:
        if key in columns:
            gangs += _filled(list(columns[key].values()), size, joined=joined)
        else:
            n_alike = sum(len(models) for other, models in others.items() if other[0] == key[0])
            gangs += _cut(others[key], min(size, -(-n_alike // devices)))
    return gangs


def _own_pieces(plan: Plan, model: Model) -> tuple[str, ...]:
    """Return what models must share to have weights of one shape: their texts, where these choose the pieces."""
    return model.languages if plan.experiment.training.candidates == "text" else ()


def _filled(columns: list[list[Model]], size: int, *, joined: bool) -> list[list[Model]]:
    """Put the columns of several seeds together where that is wanted and they fit; a longer one is cut."""
    gangs: list[list[Model]] = []
    for column in columns:
        if joined and gangs and len(gangs[-1]) + len(column) <= size:
            gangs[-1] = gangs[-1] + column
        else:
            gangs += _cut(column, size)
    return gangs


def _cut(members: list[Member], size: int) -> list[list[Member]]:
    return [members[i : i + size] for i in range(0, len(members), size)]


def form_gangs(plan: Plan, tasks: list[Task], store: Store, size: int, devices: int = 1) -> list[Task]:
    """Join the tasks that train and score single models to tasks of gangs; other tasks stay as they are.

    Args:
        plan: Tells which models belong together.
        tasks: What is to be done, models one by one.
        store: Tells in which gang finished models were trained.
        size: Models side by side, at most.
        devices: See `gangs_of`.
    """
    if size == 1:
        return tasks
    training = {_model_label(task): task for task in tasks if task.function == TRAIN}
    whole = {_model_label(task): task for task in make_tasks(plan) if task.function == TRAIN}
    gangs = [[plan.models[model].label for model in gang] for gang in gangs_of(plan, size, devices)]
    gang_of = {label: gang for gang in gangs for label in gang}
    made = {output for task in tasks for output in task.outputs}
    scoring = _scored_together([task for task in tasks if task.function == SCORE], size)
    formed: list[Task] = []
    joined: set[str] = set()
    for task in tasks:
        label = _model_label(task)
        if task.function == SCORE:
            formed += scoring(task)
        elif task.function != TRAIN:
            formed.append(task)
        elif label not in joined:
            missing = [name for name in gang_of[label] if name in training]
            together = _trained_before(gang_of[label], missing, whole, store)
            if not all(store.has(needed) or needed in made for name in together for needed in whole[name].requires):
                together = missing
            joined.update(missing)
            formed.append(_join([training.get(name, whole[name]) for name in together], missing))
    return formed


def _scored_together(tasks: list[Task], size: int) -> Callable[[Task], list[Task]]:
    """Group tasks that score models on the same masks; return what stands in the place of a task.

    It is the task of its group in the place of the last one, when all models are there, and nothing in the others'.
    """
    groups: dict[tuple[str, str], list[Task]] = {}
    for task in tasks:
        (cell,) = task.arguments["members"][0]["cells"]
        groups.setdefault((cell["protocol"], cell["masks"]), []).append(task)
    joined = {few[-1]: _join(few, None) for group in groups.values() for few in _cut(group, size)}
    return lambda task: [joined[task]] if task in joined else []


def _model_label(task: Task) -> str:
    """Return the label of the model that a task trains; of a gang the first."""
    return str(task.arguments["members"][0]["label"]) if task.function == TRAIN else ""


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


def _join(tasks: list[Task], missing: list[str] | None) -> Task:
    """Make one task of several; of trained models those that are not missing are trained again, and not written."""
    written = [task for task in tasks if missing is None or _model_label(task) in missing]
    outputs = [output for task in written for output in task.outputs]
    return replace(
        tasks[0],
        output=outputs[0],
        also=tuple(outputs[1:]),
        arguments={**tasks[0].arguments, "members": [task.arguments["members"][0] for task in tasks]},
        requires=tuple(dict.fromkeys(output for task in tasks for output in task.requires)),
        n_tokens=sum(task.n_tokens for task in tasks),
    )

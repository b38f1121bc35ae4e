"""The tasks that make the outputs of a plan, every model alone; `gangs` joins what is missing of them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from bloodbank.corpus import OTHER, PARTS
from bloodbank.execution import Task
from bloodbank.store import Output
from bloodbank.transfer.models import Cell, Model, model_of, phase_of
from bloodbank.transfer.plan import Plan, is_kept, needs_pivot, pivot_language, tokens_of

_TASKS, _AUDIT = "bloodbank.transfer.tasks", "bloodbank.transfer.audit"
TRAIN, SCORE = "bloodbank.transfer.training:train", "bloodbank.transfer.training:score"


def make_tasks(plan: Plan) -> list[Task]:
    """Return the tasks of a plan, each after those it requires, every model alone."""
    settings = plan.experiment.model_dump(mode="json")
    tasks: list[Task] = []
    arguments: dict[str, Any]
    if plan.pivot:
        arguments = {"settings": settings, "language": pivot_language(plan.experiment)}
        tasks.append(Task(plan.pivot, f"{_TASKS}:pivot", arguments))
    for outputs, parts in ((plan.drafts or plan.uncut or plan.corpora, PARTS), (plan.others, OTHER)):
        for language, output in outputs.items():
            pivot = plan.pivot if needs_pivot(plan.experiment, language) else None
            arguments = {
                "settings": settings, "language": language, "parts": parts, "pivot": pivot.name if pivot else None
            }  # fmt: skip
            tasks.append(Task(output, f"{_TASKS}:corpus", arguments, (pivot,) if pivot else ()))
    tasks += _apart_tasks(plan, settings)
    for language, whole in plan.uncut.items():
        others = tuple(plan.uncut[other] for other in plan.experiment.languages)
        arguments = {"settings": settings, "text": whole.name, "others": [other.name for other in others]}
        requires = tuple(dict.fromkeys((whole, *others)))
        tasks.append(Task(plan.corpora[language], f"{_TASKS}:cut", arguments, requires))
    if not plan.suffix:  # other budgets have the tokenizer of the first, which makes it
        is_given = bool(plan.experiment.tokenizer.path)
        trained_on = () if is_given else tuple(plan.corpora[language] for language in sorted(plan.corpora))
        arguments = {"settings": settings, "corpora": [text.name for text in trained_on]}
        tasks.append(Task(plan.tokenizer, f"{_TASKS}:tokenizer", arguments, trained_on))
    for tokens, texts, parts in ((plan.tokens, plan.corpora, PARTS), (plan.other_tokens, plan.others, OTHER)):
        for language, output in tokens.items():
            requires = (texts[language], plan.tokenizer)
            arguments = {"settings": settings, "inputs": [needed.name for needed in requires], "parts": parts}
            tasks.append(Task(output, f"{_TASKS}:encode", arguments, requires))
    for language, masks in plan.masks.items():
        requires = (plan.tokens[language], plan.tokenizer)
        arguments = {"settings": settings, "language": language, "inputs": [needed.name for needed in requires]}
        tasks.append(Task(masks, f"{_TASKS}:masks", arguments, requires))
    return [*tasks, *_audit_tasks(plan, settings), *_model_tasks(plan, settings)]


def _apart_tasks(plan: Plan, settings: dict[str, Any]) -> list[Task]:
    """Return the tasks that take translations of others' test text out of training text."""
    tasks = []
    for language in plan.experiment.languages if plan.drafts else ():
        pivot = plan.pivot if needs_pivot(plan.experiment, language) else None
        drafts = {one: plan.drafts[one] for one in plan.experiment.languages}
        arguments = {
            "settings": settings,
            "language": language,
            "drafts": {one: draft.name for one, draft in drafts.items()},
            "pivot": pivot.name if pivot else None,
        }
        requires = (*drafts.values(), *((pivot,) if pivot else ()))
        output = (plan.uncut or plan.corpora)[language]
        tasks.append(Task(output, f"{_TASKS}:apart", arguments, requires))
    return tasks


def _audit_tasks(plan: Plan, settings: dict[str, Any]) -> list[Task]:
    """Return the tasks that audit the text of each language, and then all of them together."""
    tasks = []
    for language, output in plan.audits.items():
        requires = (plan.corpora[language], plan.tokens[language], plan.tokenizer)
        arguments = {
            "settings": settings,
            "language": language,
            "inputs": [needed.name for needed in requires],
            "full": plan.full_audit,
        }
        tasks.append(Task(output, f"{_AUDIT}:audit_language", arguments, requires))
    audits = tuple(plan.audits.values())
    if plan.audit:
        arguments = {"settings": settings, "audits": [audit.name for audit in audits]}
        tasks.append(Task(plan.audit, f"{_AUDIT}:audit_all", arguments, audits))
    return tasks


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
            needed = [output for cell in cells[model] for output in _needed_to_score(plan, cell)]
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

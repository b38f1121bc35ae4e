"""Which taggers an experiment needs, their keys in the run folder, and the tasks that make them.

A tagger is one encoder fine-tuned on one language of one task and tested on all of them. Those of one task, source and
seed differ in their encoder only, so they are trained side by side on the same batches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bloodbank.downstream.configurations import Design
from bloodbank.downstream.tasks.reading import TaskData
from bloodbank.execution import Task
from bloodbank.experiment.load import Experiment
from bloodbank.store import Output, Store, digest
from bloodbank.transfer import Plan
from bloodbank.transfer.models import Model

TAGGERS = "taggers"
TAGGER_VERSION = 1  # raised when the code changes what is written
RANDOM_WEIGHTS = "random weights"
BILINGUAL = "bilingual "  # begins the name of what is no configuration
_SIDE_BY_SIDE = 8  # taggers in a gang where the experiment does not say; more gain little and cost memory
_WORK = "bloodbank.downstream.taggers.work:tag"


@dataclass(frozen=True)
class Tagger:
    """One tagger.

    Attributes:
        task: Name of the task.
        configuration: What its encoder was pretrained on, by name; `RANDOM_WEIGHTS` for one that was not.
        pretraining_set: The same as languages; empty without pretraining.
        source: Language that it is fine-tuned on.
        seed: Replicate.
        model: The encoder; None for random weights.
        output: Its scores.
    """

    task: str
    configuration: str
    pretraining_set: str
    source: str
    seed: int
    model: Output | None
    output: Output


def plan_taggers(plan: Plan, design: Design, tasks: Mapping[str, TaskData]) -> list[Tagger]:
    """List the taggers of an experiment, in the order of tasks, sources, seeds and configurations.

    Args:
        plan: Of the run folder, with the models of all sets.
        design: The configurations.
        tasks: What is read of each task, by name.
    """
    experiment = plan.experiment
    encoders: list[tuple[str, tuple[str, ...]]] = [(one.name, one.languages) for one in design.configurations]
    if experiment.downstream.random_weights:
        encoders.append((RANDOM_WEIGHTS, ()))
    return [
        _tagger(plan, data, name, _model(plan, codes, seed), source, seed)
        for data in tasks.values()
        for source in data.languages
        for seed in experiment.seeds
        for name, codes in encoders
    ]


def plan_bilingual(plan: Plan, tasks: Mapping[str, TaskData], store: Store) -> list[Tagger]:
    """List the taggers of the bilingual models that are there: M_{s,t} fine-tuned on s.

    Args:
        plan: Of the run folder.
        tasks: What is read of each task, by name.
        store: Tells which models are there.
    """
    protocol = plan.experiment.grid.protocols[0]
    found = []
    for data in tasks.values():
        for model, output in plan.models.items():
            # The target last; a joint model is of both directions.
            pairs = [model.languages] + ([model.languages[::-1]] if protocol == "joint" else [])
            if model.kind != protocol or not set(model.languages) <= set(data.languages) or not store.has(output):
                continue
            found += [
                _tagger(plan, data, f"{BILINGUAL}{source}>{target}", (model, output), source, model.seed)
                for source, target in pairs
            ]
    return found


_Encoder = tuple[Model, Output] | None  # None: random weights


def _model(plan: Plan, codes: tuple[str, ...], seed: int) -> _Encoder:
    if not codes:
        return None
    model = Model("set" if len(codes) > 1 else "monolingual", codes, seed)
    return model, plan.models[model]


def _tagger(plan: Plan, data: TaskData, name: str, of: _Encoder, source: str, seed: int) -> Tagger:  # noqa: PLR0917 - one call a loop
    experiment = plan.experiment
    model = of[1] if of else None
    codes = of[0].languages if of else ()
    encoder = model.key if model else digest(RANDOM_WEIGHTS, experiment.model.model_dump())
    key = digest(
        TAGGER_VERSION,
        encoder,
        plan.tokenizer.key,
        data.task.name,
        source,
        data.train[source].digest(),
        [data.dev[source].digest()] if data.dev else [],
        {code: data.test[code].digest() for code in data.languages},
        experiment.downstream.finetune.model_dump(),
        row_length(experiment),
        seed,
    )
    # No plus: the store tells by it what a killed process left behind.
    label = "_".join(
        (data.task.name, name.replace(" + ", ".").replace(" ", ".").replace(">", "."), source, f"seed{seed}")
    )
    return Tagger(data.task.name, name, "+".join(codes), source, seed, model, Output(TAGGERS, label, key))


def row_length(experiment: Experiment) -> int:
    """Return the pieces of a row: those of the recipe, or as many as the model has positions."""
    return min(experiment.downstream.finetune.length, experiment.model.n_positions)


def tagger_tasks(plan: Plan, taggers: Sequence[Tagger], tasks: Mapping[str, TaskData], store: Store) -> list[Task]:
    """Return what must be done for the taggers that are missing, those of one task, source and seed side by side."""
    experiment = plan.experiment
    size = experiment.execution.gang or _SIDE_BY_SIDE
    groups: dict[tuple[str, str, int], list[Tagger]] = {}
    for one in taggers:
        if not store.has(one.output):
            groups.setdefault((one.task, one.source, one.seed), []).append(one)
    settings = experiment.model_dump(mode="json")
    found = []
    for (name, source, _), members in groups.items():
        for start in range(0, len(members), size):
            some = members[start : start + size]
            outputs = [one.output for one in some]
            arguments: dict[str, Any] = {
                "settings": settings,
                "tokenizer": plan.tokenizer.name,
                "task": name,
                "source": source,
                "languages": list(tasks[name].languages),
                "members": [_member(one) for one in some],
            }
            models = [one.model for one in some if one.model]
            n_words = tasks[name].train[source].n_words
            found.append(
                Task(
                    outputs[0],
                    _WORK,
                    arguments,
                    tuple(dict.fromkeys((*models, plan.tokenizer))),
                    # Pieces are counted when they are cut; a word has two, more or less.
                    n_tokens=2 * n_words * experiment.downstream.finetune.epochs * len(some),
                    also=tuple(outputs[1:]),
                )
            )
    return found


def _member(tagger: Tagger) -> dict[str, Any]:
    return {
        "configuration": tagger.configuration,
        "seed": tagger.seed,
        "model": tagger.model.name if tagger.model else None,
        "output": {"stage": TAGGERS, "label": tagger.output.label, "key": tagger.output.key},
    }

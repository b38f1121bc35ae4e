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
TAGGER_VERSION = 2  # raised when the code changes what is written
RANDOM_WEIGHTS = "random weights"
BILINGUAL = "bilingual "  # begins the name of what is no configuration
_SIDE_BY_SIDE = 8  # taggers in a gang where the experiment does not say; more gain little and cost memory
_PIECES_A_WORD = 2  # more or less, for how long a task takes: pieces are counted when they are cut
_Encoder = tuple[Model, Output] | None  # None: random weights
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
    sets = {configuration.name: configuration.languages for configuration in design.configurations}
    if plan.experiment.downstream.random_weights:
        sets[RANDOM_WEIGHTS] = ()
    return [
        _tagger(plan, data, source, seed, name, _encoder(plan, codes, seed))
        for data in tasks.values()
        for source in data.languages
        for seed in plan.experiment.seeds
        for name, codes in sets.items()
    ]


def plan_bilingual(plan: Plan, tasks: Mapping[str, TaskData], store: Store) -> list[Tagger]:
    """List the taggers of the bilingual models that are there: M_{s,t} fine-tuned on s."""
    protocol = plan.experiment.grid.protocols[0]
    taggers = []
    for data in tasks.values():
        for model, output in plan.models.items():
            if model.kind != protocol or not set(model.languages) <= set(data.languages) or not store.has(output):
                continue
            # The target last; a joint model is of both directions.
            directions = [model.languages] if protocol != "joint" else [model.languages, model.languages[::-1]]
            taggers += [
                _tagger(plan, data, source, model.seed, f"{BILINGUAL}{source}>{target}", (model, output))
                for source, target in directions
            ]
    return taggers


def _encoder(plan: Plan, codes: tuple[str, ...], seed: int) -> _Encoder:
    if not codes:
        return None
    model = Model("set" if len(codes) > 1 else "monolingual", codes, seed)
    return model, plan.models[model]


def _tagger(plan: Plan, data: TaskData, source: str, seed: int, name: str, encoder: _Encoder) -> Tagger:  # noqa: PLR0917 - one call a loop
    experiment = plan.experiment
    model = encoder[1] if encoder else None
    codes = encoder[0].languages if encoder else ()
    key = digest(
        TAGGER_VERSION,
        model.key if model else digest(RANDOM_WEIGHTS, experiment.model.model_dump()),
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
    shown = name.replace(" + ", ".").replace(" ", ".").replace(">", ".")
    label = f"{data.task.name}_{shown}_{source}_seed{seed}"
    return Tagger(data.task.name, name, "+".join(codes), source, seed, model, Output(TAGGERS, label, key))


def row_length(experiment: Experiment) -> int:
    """Return the pieces of a row: those of the recipe, or as many as the model has positions."""
    return min(experiment.downstream.finetune.length, experiment.model.n_positions)


def tagger_tasks(plan: Plan, taggers: Sequence[Tagger], tasks: Mapping[str, TaskData], store: Store) -> list[Task]:
    """Return what must be done for the taggers that are missing, those of one task, source and seed side by side."""
    size = plan.experiment.execution.gang or _SIDE_BY_SIDE
    groups: dict[tuple[str, str, int], list[Tagger]] = {}
    for tagger in taggers:
        if not store.has(tagger.output):
            groups.setdefault((tagger.task, tagger.source, tagger.seed), []).append(tagger)
    return [
        _gang_task(plan, members[start : start + size], tasks[name])
        for (name, _, _), members in groups.items()
        for start in range(0, len(members), size)
    ]


def _gang_task(plan: Plan, gang: Sequence[Tagger], data: TaskData) -> Task:
    experiment, source = plan.experiment, gang[0].source
    n_words = data.train[source].n_words * experiment.downstream.finetune.epochs
    models = [tagger.model for tagger in gang if tagger.model]
    arguments: dict[str, Any] = {
        "settings": experiment.model_dump(mode="json"),
        "tokenizer": plan.tokenizer.name,
        "task": data.task.name,
        "source": source,
        "languages": list(data.languages),
        "members": [
            {
                "configuration": tagger.configuration,
                "seed": tagger.seed,
                "model": tagger.model.name if tagger.model else None,
                "output": {"stage": TAGGERS, "label": tagger.output.label, "key": tagger.output.key},
            }
            for tagger in gang
        ],
    }
    return Task(
        gang[0].output,
        _WORK,
        arguments,
        tuple(dict.fromkeys((*models, plan.tokenizer))),
        n_tokens=_PIECES_A_WORD * n_words * len(gang),
        also=tuple(tagger.output for tagger in gang[1:]),
    )

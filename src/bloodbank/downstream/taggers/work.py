"""The function with which workers fine-tune taggers of one task, source and seed, and test them on every language.

It gets plain values, so that it can be carried out anywhere. What it writes for each tagger: `scores.csv` (a row for
each target, all scores of the task), `sentences.parquet` (`target`, `unit`, `part`, `whole`, see
`bloodbank.downstream.tasks.task.Task.part_and_whole`) and `tagger.json` (how it was trained).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from bloodbank.downstream.taggers.alignment import encode, to_labels
from bloodbank.downstream.taggers.plan import row_length
from bloodbank.downstream.tasks.data import Encoded, Split
from bloodbank.downstream.tasks.reading import TaskData, read_task
from bloodbank.execution import device_of
from bloodbank.experiment.load import Experiment
from bloodbank.store import Output, Store, write_json
from bloodbank.tokenizer import Vocabulary, load_tokenizer
from bloodbank.transfer.tables import provenance

if TYPE_CHECKING:
    from bloodbank.downstream.taggers.finetune import Source
    from bloodbank.downstream.taggers.model import Classes
    from bloodbank.mlm.model import BertStack
    from bloodbank.mlm.training import Report

SCORES, SENTENCES, TRAINING = "scores.csv", "sentences.parquet", "tagger.json"
Predicted = list[tuple[str, ...]] | None
"""Labels of each test sentence; None where the tagger failed."""


def tag(
    store: Store,
    _output: Output,
    report: Report,
    *,
    settings: dict[str, Any],
    tokenizer: str,
    task: str,
    source: str,
    languages: list[str],
    members: list[dict[str, Any]],
) -> None:
    """Fine-tune the taggers of a gang, test each on every language, and write its scores.

    Args:
        store: The run folder.
        report: Called with updates and tokens.
        settings: The experiment.
        tokenizer: Name of its folder.
        task: Name of the task.
        source: Language that is trained on.
        languages: Those that are tested on; the training sentences of all are balanced together.
        members: The taggers: encoder, seed, and where the scores go.
    """
    from bloodbank.downstream.taggers.finetune import finetune
    from bloodbank.downstream.taggers.model import predict

    experiment = Experiment.model_validate(settings)
    chosen = experiment.downstream
    pieces, vocabulary = load_tokenizer(store.root / "tokenizer" / tokenizer)
    data = read_task(task, chosen.of_task(task), languages, with_dev=chosen.finetune.select != "final")
    length = row_length(experiment)

    def rows_of(split: Split) -> Encoded:
        return encode(split.sentences, data.task.labels, pieces, vocabulary, length)

    trained_on = _source(data, source, members[0]["seed"], rows_of)
    made = finetune(
        _encoders(store, experiment, vocabulary, members),
        [trained_on] * len(members),
        chosen.finetune.model_copy(update={"length": length}),
        n_classes=len(data.task.labels),
        report=report,
    )
    predicted: list[dict[str, Predicted]] = [{} for _ in members]
    for code in data.languages:
        rows = rows_of(data.test[code])
        for own, classes in zip(predicted, predict(made.taggers, rows), strict=True):
            own[code] = None if classes is None else to_labels(rows, classes, data.task.labels)
    gang = [member["configuration"] for member in members]
    for index, member in enumerate(members):
        output = Output(**member["output"])
        if store.has(output):
            continue
        training = {
            "epoch": made.epochs[index],
            "dev_scores": list(made.dev_scores[index]),
            "n_rows": len(trained_on.train.ids),
            "length": length,
            "device": str(made.taggers.device),
            "gang": gang,
            **made.trainings[index].as_dict(),
        }
        described = {key: member[key] for key in ("configuration", "seed", "model")}
        with store.write(output, provenance(**described, task=task, source=source, settings=settings)) as folder:
            scores, sentences = score_labels(data, predicted[index])
            scores.to_csv(folder / SCORES, index=False, lineterminator="\n")
            sentences.to_parquet(folder / SENTENCES, index=False)
            write_json(folder / TRAINING, training)


def score_labels(data: TaskData, predicted: dict[str, Predicted]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Score what a tagger says of the test sentences of every language.

    Returns:
        A row for each target with all scores of the task, missing where the tagger failed; and the counts of each
        test sentence.
    """
    rows: list[dict[str, object]] = []
    counts = []
    for code, labels in predicted.items():
        if labels is None:
            rows.append({"target": code})
            continue
        gold = data.test[code].labels
        rows.append({"target": code, **data.task.scores(gold, labels)})
        both = data.task.part_and_whole(data.task.counts(gold, labels))
        units = np.arange(len(both), dtype=np.int32)
        counts.append(pd.DataFrame({"target": code, "unit": units, "part": both[:, 0], "whole": both[:, 1]}))
    empty = pd.DataFrame({"target": [], "unit": [], "part": [], "whole": []})
    return pd.DataFrame(rows), pd.concat(counts, ignore_index=True) if counts else empty


def _source(data: TaskData, code: str, seed: int, rows_of: Callable[[Split], Encoded]) -> Source:
    """Lay out what is trained on."""
    from bloodbank.downstream.taggers.finetune import Source, SourceDev

    dev = None
    if data.dev:
        split, rows = data.dev[code], rows_of(data.dev[code])

        def score(classes: Classes) -> float:
            return data.task.scores(split.labels, to_labels(rows, classes, data.task.labels))[data.task.main_score]

        dev = SourceDev(rows, score)
    return Source(data.task.name, code, rows_of(data.train[code]), seed, dev)


def _encoders(
    store: Store, experiment: Experiment, vocabulary: Vocabulary, members: Sequence[dict[str, Any]]
) -> BertStack:
    """Put the encoders side by side, trained ones and those with random weights."""
    import torch

    from bloodbank.mlm.files import load_models
    from bloodbank.mlm.model import BertStack
    from bloodbank.mlm.weights import new_stack

    stacks = [
        load_models([store.root / "models" / member["model"]], experiment.model, vocabulary)
        if member["model"]
        else new_stack(experiment.model, vocabulary.size, (member["seed"],), vocabulary.pad)
        for member in members
    ]
    weights = {name: torch.cat([stack.weights[name] for stack in stacks]).detach() for name in stacks[0].weights}
    return BertStack(experiment.model, weights).to(device_of(experiment.execution.device))

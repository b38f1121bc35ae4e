"""Fine-tuning as contenders do it: the package's own, and transformers' Trainer on the same rows in the same batches.

A contender is timed over whole calls, from sentences in memory to a trained tagger; a short call before warms it up.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measuring import Spec
from reporting import peak_memory

from bloodbank.downstream.taggers.batches import TaggingReading
from bloodbank.downstream.taggers.finetune import Source, finetune
from bloodbank.downstream.tasks.data import Encoded
from bloodbank.experiment.downstream_settings import FinetuneSettings
from bloodbank.experiment.settings import ModelSettings
from bloodbank.mlm.files import bert_config
from bloodbank.mlm.weights import new_stack
from bloodbank.tokenizer import Vocabulary

_WARM_ROWS = 64


def save_rows(data: Encoded, path: Path) -> None:
    """Write rows for the contenders' processes."""
    with path.open("wb") as file:
        np.savez(file, **asdict(data))


def load_rows(path: str, n: int) -> Encoded:
    """Read the first n rows that `save_rows` wrote."""
    with np.load(path) as arrays:
        return Encoded(**{name: arrays[name][:n] for name in arrays.files})


def timed(spec: Spec) -> Spec:
    """Do what a specification says, after a short call, and return when it began and ended, and what it took."""
    make: Callable[[Spec, Encoded], Callable[[], Any]]
    make = {"tagger": _with_gang, "tagger-trainer": _with_trainer}[spec["contender"]]
    data = load_rows(spec["rows"], spec["n_rows"])
    make(spec, load_rows(spec["rows"], _WARM_ROWS))()
    call = make(spec, data)
    begin = time.monotonic()
    call()
    if spec["device"] == "cuda":
        torch.cuda.synchronize()
    end = time.monotonic()
    n_tokens = int(data.lengths.sum()) * spec["recipe"]["epochs"] * spec["k"]
    return {"begin": begin, "end": end, "tokens": n_tokens, "peak_bytes": peak_memory()}


def _with_gang(spec: Spec, data: Encoded) -> Callable[[], Any]:
    """Prepare the package's fine-tuning of K encoders: on one source, or each with its own seed."""
    vocabulary, seed = Vocabulary(**spec["vocabulary"]), spec["seed"]
    model = ModelSettings(**spec["model"])
    encoders = new_stack(model, vocabulary.size, (seed,) * spec["k"], vocabulary.pad).to(spec["device"])
    if spec["one_source"]:
        sources = [Source("pos", "de", data, seed)] * spec["k"]
    else:
        sources = [Source("pos", "de", data, seed + place) for place in range(spec["k"])]
    return lambda: finetune(encoders, sources, FinetuneSettings(**spec["recipe"]), n_classes=spec["n_classes"])


def _with_trainer(spec: Spec, data: Encoded) -> Callable[[], Any]:
    """Prepare transformers' Trainer with the same recipe; it saves, logs and evaluates nothing here."""
    from transformers import BertConfig, BertForTokenClassification, Trainer, TrainingArguments

    vocabulary, recipe = Vocabulary(**spec["vocabulary"]), FinetuneSettings(**spec["recipe"])
    known = bert_config(ModelSettings(**spec["model"] | {"dropout": recipe.dropout}), vocabulary)
    config = {name: value for name, value in known.items() if name not in ("model_type", "architectures")}
    arguments = TrainingArguments(
        output_dir=str(Path(spec["work"]) / "trainer"), per_device_train_batch_size=recipe.batch_size,
        num_train_epochs=recipe.epochs, learning_rate=recipe.learning_rate, lr_scheduler_type="linear",
        weight_decay=recipe.weight_decay, max_grad_norm=recipe.clip_norm, train_sampling_strategy="sequential",
        save_strategy="no", logging_strategy="no", report_to="none", disable_tqdm=True, bf16=recipe.dtype == "bfloat16",
        use_cpu=spec["device"] == "cpu", seed=spec["seed"],
    )  # fmt: skip
    # The batches of the other side's first epoch.
    order = TaggingReading(data, "pos", "de", recipe, spec["seed"]).orders[0]
    trainer = Trainer(
        model=BertForTokenClassification(BertConfig(**config, num_labels=spec["n_classes"])), args=arguments,
        train_dataset=_Rows(data, order), data_collator=_collate,
    )  # fmt: skip
    return trainer.train


class _Rows(torch.utils.data.Dataset[dict[str, torch.Tensor]]):
    def __init__(self, data: Encoded, order: np.ndarray[Any, Any]) -> None:
        self.data, self.order = data, order

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        row = self.order[index]
        part = slice(int(self.data.lengths[row]))
        return {
            "input_ids": torch.from_numpy(self.data.ids[row, part]).long(),
            "labels": torch.from_numpy(self.data.gold[row, part]).long(),
        }


def _collate(rows: list[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """Pad to the longest of a batch, as DataCollatorForTokenClassification does, with less to do for each row."""
    pad = torch.nn.utils.rnn.pad_sequence
    ids, labels = ([row[name] for row in rows] for name in ("input_ids", "labels"))
    mask = pad([torch.ones_like(row) for row in ids], batch_first=True)
    return {
        "input_ids": pad(ids, batch_first=True),
        "labels": pad(labels, batch_first=True, padding_value=-100),
        "attention_mask": mask,
    }

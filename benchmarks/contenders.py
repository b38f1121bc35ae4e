"""One contender's process: trains until its stdin closes, and tells its parent how far it was at each moment.

Started by `measuring.py` with a specification in JSON; not for use by hand.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from measuring import Marks, Spec, Stopped
from reporting import peak_memory

from bloodbank.experiment.settings import ModelSettings, TrainingSettings
from bloodbank.mlm.candidates import Candidates
from bloodbank.mlm.gang import mlm_losses
from bloodbank.mlm.reading import Reading
from bloodbank.mlm.sequences import Ints, Text, make_sequences, read_ids
from bloodbank.mlm.training import train
from bloodbank.mlm.weights import new_stack
from bloodbank.tokenizer import Vocabulary

_SYNCHRONIZED_SECONDS = 0.5


def main() -> None:
    """Do what the specification says."""
    spec: Spec = json.loads(sys.argv[1])
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints must not stand between our lines

    def tell(told: Spec) -> None:
        channel.write(json.dumps(told) + "\n")
        channel.flush()

    torch.set_num_threads(spec["threads"])
    if spec["contender"] == "matmul":
        tell({"answer": matmul_flops(spec["size"], spec["seconds"], spec["device"])})
        return
    if spec["contender"].startswith("tagger"):
        from taggers import timed

        tell({"answer": timed(spec)})
        return
    cuda = spec["device"] == "cuda"
    synchronize = torch.cuda.synchronize if cuda else None
    marks = Marks(tell, spec["n_warm"], synchronize, _SYNCHRONIZED_SECONDS if cuda else 0.0)
    threading.Thread(target=_wait_for_end, args=(marks.stopped,), daemon=True).start()
    try:
        {"bloodbank": train_gang, "trainer": train_with_transformers}[spec["contender"]](spec, marks)
    except Stopped:
        device_bytes = torch.cuda.max_memory_allocated() if cuda else 0
        tell({"moments": marks.moments, "peak_bytes": peak_memory(), "device_bytes": device_bytes})
    else:
        tell({"failed": "The text was read to its end within the window. Give fewer --seconds or more epochs."})


def _wait_for_end(stopped: threading.Event) -> None:
    sys.stdin.read()
    stopped.set()


def train_gang(spec: Spec, marks: Marks) -> None:
    """Train K models with the package's own loop; the loss curves are off, as the other side evaluates nothing."""
    model, training, vocabulary, rows = _prepared(spec)
    counts = np.bincount(rows.pieces, minlength=vocabulary.size)
    words = Candidates.of_counts(counts if training.candidates == "text" else np.ones_like(counts), vocabulary)
    readings = [Reading({"text": words.rows(rows)}, training, spec["epochs"], spec["seed"])] * spec["k"]
    stack = new_stack(model, vocabulary.size, (spec["seed"],) * spec["k"], vocabulary.pad).to(spec["device"])
    tokens = readings[0].tokens * spec["k"]
    n_done = iter(range(len(tokens)))

    def counted(*arguments: Any) -> torch.Tensor:
        marks(int(tokens[next(n_done)]))
        return mlm_losses(*arguments)

    train(words.narrow(stack), readings, training, losses_of=counted)


def train_with_transformers(spec: Spec, marks: Marks) -> None:
    """Train with transformers' Trainer, set up as the paper's released script was; it saves and logs nothing here."""
    from transformers import BertConfig, BertForMaskedLM, DataCollatorForLanguageModeling, Trainer, TrainingArguments

    from bloodbank.mlm.files import bert_config

    model, training, vocabulary, rows = _prepared(spec)
    config = {name: value for name, value in bert_config(model, vocabulary).items() if name != "model_type"}
    arguments = TrainingArguments(
        output_dir=str(Path(spec["work"]) / "trainer"), per_device_train_batch_size=training.batch_size,
        num_train_epochs=spec["epochs"], learning_rate=training.learning_rate, lr_scheduler_type="linear",
        weight_decay=training.weight_decay, max_grad_norm=training.clip_norm, bf16=training.dtype == "bfloat16",
        train_sampling_strategy="sequential", save_strategy="no", logging_strategy="no", report_to="none",
        disable_tqdm=True, use_cpu=spec["device"] == "cpu", seed=spec["seed"],
    )  # fmt: skip
    collate = DataCollatorForLanguageModeling(_fast_tokenizer(spec, vocabulary), mlm_probability=training.mask_share)
    # The rows of the other side's batches, in its order.
    order = Reading({"text": rows}, training, spec["epochs"], spec["seed"]).order[1]
    one_epoch = order[: len(order) // spec["epochs"]]
    tokens = _tokens_after(rows, one_epoch, spec["epochs"], training.batch_size)
    trainer = Trainer(
        model=BertForMaskedLM(BertConfig(**config)), args=arguments, data_collator=collate,
        train_dataset=_Rows(rows, one_epoch), callbacks=[_counter(marks, tokens)],
    )  # fmt: skip
    trainer.train()


def _tokens_after(rows: Text, order: Ints, epochs: int, batch_size: int) -> Iterator[int]:
    """Count tokens after each update; an epoch's last batch may be smaller."""
    total = 0
    for _ in range(epochs):
        for start in range(0, len(order), batch_size):
            total += int(rows.lengths[order[start : start + batch_size]].sum())
            yield total


def _counter(marks: Marks, tokens: Iterator[int]) -> Any:
    from transformers import TrainerCallback

    class Counter(TrainerCallback):  # type: ignore[misc]
        def on_step_end(self, *_: Any, **__: Any) -> None:
            marks(next(tokens))

    return Counter()


class _Rows(torch.utils.data.Dataset[dict[str, list[int]]]):
    def __init__(self, rows: Text, order: Ints) -> None:
        self.rows, self.order = rows, order

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, index: int) -> dict[str, list[int]]:
        one = self.rows.take(self.order[index : index + 1])
        special = (one.source[0] < 0).astype(int)
        return {"input_ids": one.ids[0].tolist(), "special_tokens_mask": special.tolist()}


def _prepared(spec: Spec) -> tuple[ModelSettings, TrainingSettings, Vocabulary, Text]:
    model, training = ModelSettings(**spec["model"]), TrainingSettings(**spec["training"])
    vocabulary = Vocabulary(**spec["text"]["vocabulary"])
    rows = make_sequences(*read_ids(Path(spec["text"]["train"])), vocabulary, training.layout, model.n_positions)
    return model, training, vocabulary, rows


def _fast_tokenizer(spec: Spec, vocabulary: Vocabulary) -> Any:
    from transformers import PreTrainedTokenizerFast

    if spec["text"]["tokenizer"]:
        return PreTrainedTokenizerFast.from_pretrained(spec["text"]["tokenizer"])
    from tokenizers import Tokenizer, models

    names = {name: f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")}
    pieces = {f"piece{number}": number for number in vocabulary.ordinary.tolist()}
    words = models.WordLevel(
        pieces | {names[name]: getattr(vocabulary, name) for name in names}, unk_token=names["unk"]
    )
    special = {f"{name}_token": piece for name, piece in names.items()}
    return PreTrainedTokenizerFast(tokenizer_object=Tokenizer(words), **special)


def matmul_flops(size: int, seconds: float, device: str) -> float:
    """Return the best of three measurements of a bfloat16 product of two square matrices, in FLOP a second."""
    left, right = (torch.randn(size, size, device=device).to(torch.bfloat16) for _ in range(2))
    wait: Callable[[], None] = torch.cuda.synchronize if device == "cuda" else partial(int, 0)
    for _ in range(3):
        left @ right
    found = []
    for _ in range(3):
        wait()
        started, n_done = time.perf_counter(), 0
        while time.perf_counter() - started < seconds / 3:
            for _ in range(10):
                left @ right
            wait()
            n_done += 10
        found.append(2.0 * size**3 * n_done / (time.perf_counter() - started))
    return float(np.max(found))


if __name__ == "__main__":
    main()

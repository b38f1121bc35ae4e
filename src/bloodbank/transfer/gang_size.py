"""How many models to train side by side on a GPU: as many as memory holds and as a short timing says pay.

The answer is an output of the run folder, so that a run that goes on has the same gangs. On a CPU it is 1: a core is
busy with one model already, and a number that came from a timing would change the last digits from run to run.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from bloodbank.execution import Task, device_of, free_memory, is_out_of_memory, n_gpus
from bloodbank.experiment.load import Experiment
from bloodbank.mlm.shapes import shapes
from bloodbank.store import Output, Store, digest, write_json
from bloodbank.tokenizer import Vocabulary
from bloodbank.transfer.gangs import gangs_of
from bloodbank.transfer.plan import Plan
from bloodbank.transfer.tables import provenance

if TYPE_CHECKING:
    from bloodbank.mlm.training import Report

STAGE = "gangs"
_VERSION = 1
_TIMED_SECONDS = 2.0
_PAYS = 1.05  # by so much the next larger gang must be faster, in pieces a second over all its models
_MEMORY_SHARE = 0.7


def gang_output(plan: Plan, vocab_size: int) -> Output:
    """Return where the gang size for these models on this machine is remembered."""
    experiment = plan.experiment
    device = device_name(experiment)
    training = experiment.training.model_dump(exclude={"candidates"})  # `vocab_size` says what they mean
    kept = [experiment.model.model_dump(), training, vocab_size, experiment.execution.threads]
    key = digest(_VERSION, *kept, _longest(plan))
    return Output(STAGE, "".join(c if c.isalnum() else "-" for c in device), key)


def gang_task(plan: Plan, vocab_size: int, workers: int) -> Task:
    """Return the task that times gangs."""
    arguments = {
        "settings": plan.experiment.model_dump(mode="json"), "vocab_size": vocab_size, "most": _longest(plan),
        "sharing": workers_per_device(workers),
    }  # fmt: skip
    return Task(gang_output(plan, vocab_size), "bloodbank.transfer.gang_size:time_gangs", arguments)


def read_gang(output: Output, store: Store) -> int:
    """Return the size that was found."""
    return int(json.loads((store.path(output) / "gang.json").read_text(encoding="utf-8"))["size"])


def gang_size(plan: Plan, store: Store, vocab_size: int, workers: int) -> int:
    """Return the size that a run would take: as set, 1 on a CPU, as remembered, or timed now and not remembered."""
    experiment = plan.experiment
    if experiment.execution.gang or device_of(experiment.execution.device) == "cpu":
        return experiment.execution.gang or 1
    output = gang_output(plan, vocab_size)
    if store.has(output):
        return read_gang(output, store)
    return best_size(timings_of(experiment, vocab_size, _longest(plan), workers_per_device(workers)))


def time_gangs(
    store: Store,
    output: Output,
    _report: Report,
    *,
    settings: dict[str, Any],
    vocab_size: int,
    most: int,
    sharing: float,
) -> None:
    """Time gangs of 1, 2, 4, … models for as long as it pays, and write the best size."""
    timings = timings_of(Experiment.model_validate(settings), vocab_size, most, sharing)
    with store.write(output, provenance(settings=settings)) as folder:
        write_json(folder / "gang.json", {"size": best_size(timings), "timings": timings})


def workers_per_device(workers: int) -> float:
    """Return how many workers share a GPU; to be asked where all GPUs are seen, since a worker sees its own only."""
    return max(1.0, workers / max(1, n_gpus()))


def timings_of(experiment: Experiment, vocab_size: int, most: int, sharing: float) -> list[dict[str, float]]:
    """Time gangs of 1, 2, 4, … models, for as long as memory holds them and it pays.

    Args:
        experiment: Settings.
        vocab_size: Pieces.
        most: The longest gang.
        sharing: Workers on one device.

    Returns:
        `size`, `tokens_per_second` over all models, and `memory_bytes` as estimated, of each size that was timed.

    Raises:
        MemoryError, torch.OutOfMemoryError: Not even one model fits.
    """
    room = _MEMORY_SHARE * _free(experiment) / sharing
    timings: list[dict[str, float]] = []
    for size in sizes(most):
        memory = memory_of_gang(experiment, vocab_size, size)
        if timings and memory > room:
            break
        try:
            rate = measure_rate(experiment, vocab_size, size)
        except (MemoryError, RuntimeError) as error:
            if not timings or not is_out_of_memory(error):
                raise
            break  # the estimate was too low: the largest that was timed it is
        timings.append({"size": size, "tokens_per_second": rate, "memory_bytes": memory})
        if best_size(timings) != size:
            break
    return timings


def sizes(most: int) -> list[int]:
    """Return the sizes to try: powers of two, and the longest gang that there is."""
    powers = [2**n for n in range(most.bit_length()) if 2**n < most]
    return [*powers, most]


def best_size(timings: list[dict[str, float]]) -> int:
    """Return the largest size up to which every step made training enough faster."""
    best = timings[0]
    for larger in timings[1:]:
        if larger["tokens_per_second"] < _PAYS * best["tokens_per_second"]:
            break
        best = larger
    return int(best["size"])


def measure_rate(
    experiment: Experiment, vocab_size: int, gang: int, clock: Callable[[], float] = time.perf_counter
) -> float:
    """Time updates of a gang on made-up text, in pieces a second over all its models, with the threads of a worker."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(experiment.execution.threads)
    try:
        return _timed(experiment, vocab_size, gang, clock)
    finally:
        torch.set_num_threads(before)


def _timed(experiment: Experiment, vocab_size: int, gang: int, clock: Callable[[], float]) -> float:
    from bloodbank.mlm.gang import step
    from bloodbank.mlm.masking import training_batch
    from bloodbank.mlm.optimiser import StackedOptimiser
    from bloodbank.mlm.sequences import Sequences
    from bloodbank.mlm.weights import new_stack
    from bloodbank.randomness import generator, torch_generator

    model, training = experiment.model, experiment.training
    vocabulary = Vocabulary(vocab_size, 0, 1, 2, 3, 4)
    stack = new_stack(model, vocabulary.size, (0,) * gang, vocabulary.pad).to(device_of(experiment.execution.device))
    random = generator("estimate")
    ids = random.integers(5, vocabulary.size, size=(training.batch_size, model.n_positions))
    lengths = np.full(len(ids), model.n_positions)
    rows = Sequences(ids, np.arange(ids.size).reshape(ids.shape), lengths, vocabulary)
    optimiser = StackedOptimiser(stack, training)

    def update() -> None:
        batch = training_batch(rows, training.mask_share, random)
        float(step(stack, batch, optimiser, training, [torch_generator(str(stack.device), "estimate")]).sum())

    update()  # the first one allocates
    started, n_done = clock(), 0
    while clock() - started < _TIMED_SECONDS or n_done < 2:
        update()
        n_done += 1
    return n_done * ids.size * gang / (clock() - started)


def memory_of_gang(experiment: Experiment, vocab_size: int, gang: int) -> int:
    """Return the bytes of one worker: weights, gradients and two moments; activations; logits; the program.

    In a gang, models leave at different times: what is left is copied, and at unequal rates the weights before an
    update are kept.
    """
    model, training = experiment.model, experiment.training
    n_parameters = sum(math.prod(shape) for shape in shapes(model, vocab_size).values())
    n_bytes = 2 if training.dtype == "bfloat16" else 4
    tokens = training.batch_size * model.n_positions
    activations = model.n_layers * tokens * (16 * model.hidden_size + 3 * model.feed_forward_size)
    logits = int(tokens * training.mask_share) * vocab_size
    rounded = (2 * n_parameters if n_bytes == 2 else 0) * n_bytes
    kept = 16 if gang == 1 else 24  # bytes a weight
    return gang * (kept * n_parameters + rounded + n_bytes * (activations + 2 * logits)) + 500 * 2**20


def _longest(plan: Plan) -> int:
    """Return the number of models that could stand side by side at most."""
    return max(len(gang) for gang in gangs_of(plan, len(plan.models)))


def _free(experiment: Experiment) -> float:
    if device_of(experiment.execution.device) == "cpu":
        return float(free_memory())
    import torch

    return float(torch.cuda.mem_get_info()[0])


def device_name(experiment: Experiment) -> str:
    """Name what trains: `cpu`, or the GPU's own name."""
    if device_of(experiment.execution.device) == "cpu":
        return "cpu"
    import torch

    return str(torch.cuda.get_device_name())

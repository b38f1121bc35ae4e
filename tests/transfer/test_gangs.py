"""How many models stand side by side on a GPU: timings, memory, several GPUs, and memory that runs out."""

import json

import pytest
import torch

from bloodbank.experiment.load import make_experiment
from bloodbank.store import Store
from bloodbank.transfer import gang_size as gangs
from bloodbank.transfer import make_plan, targets_of
from bloodbank.transfer.schedule import make_schedule

GIB = 2**30


@pytest.fixture
def plan(tmp_path):
    languages = [f"x-{number}" for number in range(5)]
    for language in languages:
        (tmp_path / f"{language}.txt").write_text(f"text of {language}\n", encoding="utf-8")
    content = {"preset": "quick", "languages": languages, "corpus": {"path": "{language}.txt"}}
    return make_plan(make_experiment(content, where="test", base=tmp_path))


@pytest.fixture
def on_gpu(monkeypatch):
    """Pretend that the device is a GPU with so much memory, on which a gang has such a rate."""

    def pretend(rates, free=80 * GIB, each=GIB):
        def measure(_experiment, _vocab_size, size):
            if isinstance(rates[size], Exception):
                raise rates[size]
            return float(rates[size])

        monkeypatch.setattr(gangs, "measure_rate", measure)
        monkeypatch.setattr(gangs, "memory_of_gang", lambda _experiment, _vocab_size, size: size * each)
        monkeypatch.setattr(gangs, "_free", lambda _experiment: float(free))
        monkeypatch.setattr(gangs, "device_of", lambda _experiment: "cuda")
        monkeypatch.setattr(gangs, "device_name", lambda _experiment: "Made-Up GPU")

    return pretend


def found(plan, tmp_path, workers=1):
    """Carry out the task, and return what it remembers."""
    store = Store(tmp_path / "run")
    task = gangs.gang_task(plan, 1_000, workers)
    gangs.time_gangs(store, task.output, lambda *_: None, **task.arguments)
    written = json.loads((store.path(task.output) / "gang.json").read_text())
    assert gangs.read_gang(task.output, store) == written["size"]
    return written["size"], [one["size"] for one in written["timings"]]


def test_sizes_are_powers_of_two_and_the_longest_gang():
    assert gangs.sizes(1) == [1]
    assert gangs.sizes(5) == [1, 2, 4, 5]
    assert gangs.sizes(8) == [1, 2, 4, 8]
    assert gangs.sizes(22) == [1, 2, 4, 8, 16, 22]


def test_a_gang_grows_for_as_long_as_it_pays(plan, on_gpu, tmp_path):
    on_gpu({1: 100, 2: 190, 4: 195, 5: 1_000})  # 4 is 3% faster than 2, which does not pay
    assert found(plan, tmp_path) == (2, [1, 2, 4])


def test_and_for_as_long_as_seven_tenths_of_the_memory_hold_it(plan, on_gpu, tmp_path):
    on_gpu({1: 100, 2: 190, 4: 350, 5: 400}, free=5 * GIB)  # 3.5 GiB
    assert found(plan, tmp_path) == (2, [1, 2])


def test_one_model_is_tried_however_little_memory_there_is(plan, on_gpu, tmp_path):
    on_gpu({1: 100, 2: 190}, free=GIB // 2)
    assert found(plan, tmp_path) == (1, [1])


@pytest.mark.parametrize(("visible", "size"), [("0,1,2,3", 5), ("0,1", 2), ("0", 1)])
def test_each_of_several_gpus_has_its_memory_for_its_own_workers(plan, on_gpu, monkeypatch, visible, size):
    on_gpu({1: 100, 2: 190, 4: 350, 5: 400}, free=8 * GIB)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    asked = gangs.gang_task(plan, 1_000, workers=4).arguments
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible[0])  # as the worker that carries it out sees
    assert gangs.best_size(gangs.timings_of(plan.experiment, 1_000, asked["most"], asked["sharing"])) == size


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory."), MemoryError()])
def test_what_does_not_fit_after_all_is_not_taken(plan, on_gpu, tmp_path, error):
    on_gpu({1: 100, 2: 190, 4: error})
    assert found(plan, tmp_path) == (2, [1, 2])


@pytest.mark.parametrize("rates", [{1: torch.OutOfMemoryError("one does not fit")}, {1: 9, 2: RuntimeError("another")}])
def test_other_faults_are_not_taken_for_a_full_memory(plan, on_gpu, tmp_path, rates):
    on_gpu(rates)
    with pytest.raises(RuntimeError, match=r"one does not fit|another"):
        found(plan, tmp_path)


def test_the_size_is_as_set_or_remembered_or_timed(plan, on_gpu, tmp_path):
    store = Store(tmp_path / "run")
    assert gangs.gang_size(plan, store, 1_000, workers=1) == 1  # a CPU
    on_gpu({1: 100, 2: 190, 4: 195})
    assert gangs.gang_size(plan, store, 1_000, workers=1) == 2
    assert not store.has(gangs.gang_output(plan, 1_000))  # asking writes nothing
    found(plan, tmp_path)
    on_gpu({})  # not timed again
    assert gangs.gang_size(plan, store, 1_000, workers=1) == 2
    execution = plan.experiment.execution.model_copy(update={"gang": 3})
    plan.experiment = plan.experiment.model_copy(update={"execution": execution})
    assert gangs.gang_size(plan, store, 1_000, workers=1) == 3


def test_gpus_are_not_left_idle_because_the_machine_has_less_memory_than_they(plan, tmp_path, monkeypatch):
    def workers(device, free):
        monkeypatch.setattr("bloodbank.transfer.schedule.device_of", lambda _experiment: device)
        monkeypatch.setattr("bloodbank.transfer.schedule.n_gpus", lambda: 8)
        monkeypatch.setattr("bloodbank.transfer.schedule.default_workers", lambda _device: 8)
        monkeypatch.setattr("bloodbank.transfer.schedule.memory_of_gang", lambda *_: 20 * GIB)
        monkeypatch.setattr("bloodbank.transfer.schedule.free_memory", lambda: free)
        monkeypatch.setattr("bloodbank.transfer.schedule.gang_size", lambda *_: 4)
        return make_schedule(plan, targets_of(plan), Store(tmp_path / "run")).workers

    assert workers("cpu", 64 * GIB) == 2
    assert workers("cuda", 64 * GIB) == 8
    assert workers("cuda", 16 * GIB) == 3

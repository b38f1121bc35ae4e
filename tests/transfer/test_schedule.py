"""The schedule of the training stage: what is missing, in gangs, with its tokens, and what it costs."""

import pytest

from bloodbank.experiment.load import make_experiment
from bloodbank.store import Store
from bloodbank.transfer import TRAIN, form_gangs, make_plan, make_tasks, phase_of, targets_of
from bloodbank.transfer import schedule as scheduling
from bloodbank.transfer.estimate import estimate
from bloodbank.transfer.schedule import make_schedule, timing_of_gangs

LANGUAGES = ["x-0", "x-1", "x-2", "x-3"]


def plan_in(folder, **more):
    for language in LANGUAGES:
        (folder / f"{language}.txt").write_text(f"text of {language}\n", encoding="utf-8")
    content = {"preset": "quick", "languages": LANGUAGES, "corpus": {"path": "{language}.txt"}, **more}
    return make_plan(make_experiment(content, where="test", base=folder))


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "run")


def described(tasks):
    return [(task.outputs, task.function, task.arguments, task.requires) for task in tasks]


@pytest.mark.parametrize("gang", [1, 3])
def test_it_holds_all_that_is_missing_in_gangs_with_the_pieces_that_are_read(tmp_path, store, gang):
    plan = plan_in(tmp_path, execution={"gang": gang, "device": "cpu"})
    schedule = make_schedule(plan, targets_of(plan), store)
    expected = [task for task in make_tasks(plan) if task.output.stage in ("models", "scores")]
    assert described(schedule.tasks) == described(form_gangs(plan, expected, store, gang))
    assert schedule.gang == gang
    assert schedule.tokens.keys() == plan.models.keys()
    assert sum(task.n_tokens for task in schedule.tasks) == sum(schedule.tokens.values())
    assert all((task.n_tokens > 0) == (task.function == TRAIN) for task in schedule.tasks)
    n_positions = plan.experiment.model.n_positions
    for model, n_tokens in schedule.tokens.items():
        one_pass = schedule.pieces[model.recipient][0] * n_positions / (n_positions - 2)
        assert n_tokens == pytest.approx(one_pass * phase_of(model, plan.experiment).epochs, abs=1)


def test_what_is_there_is_not_in_it(tmp_path, store):
    plan = plan_in(tmp_path, execution={"device": "cpu"})
    for output in (*plan.models.values(), *plan.scores.values()):
        store.path(output).mkdir(parents=True)
    (lost, output), *_ = ((cell, output) for cell, output in plan.scores.items() if cell.donor)
    assert make_schedule(plan, targets_of(plan), store).tasks == ()
    assert estimate(make_schedule(plan, targets_of(plan), store)).seconds is None
    store.path(output).rmdir()
    schedule = make_schedule(plan, targets_of(plan), store)
    assert [task.output for task in schedule.tasks] == [output]
    assert [model.languages for model in schedule.tokens] == [(lost.donor, lost.recipient)]


def test_workers_are_as_asked_for_or_as_there_is_room_and_never_more_than_models(tmp_path, store, monkeypatch):
    plan = plan_in(tmp_path, execution={"device": "cpu"})
    monkeypatch.setattr(scheduling, "default_workers", lambda _device: 64)
    monkeypatch.setattr(scheduling, "free_memory", lambda: 2**50)
    assert make_schedule(plan, targets_of(plan), store).workers == len(plan.models)
    assert make_schedule(plan, targets_of(plan), store, workers=3).workers == 3
    monkeypatch.setattr(scheduling, "free_memory", lambda: 2**30)
    assert make_schedule(plan, targets_of(plan), store).workers == 1


def test_gangs_are_timed_on_a_gpu_only_and_once(tmp_path, store, monkeypatch):
    assert timing_of_gangs(plan_in(tmp_path), store) is None
    monkeypatch.setattr(scheduling, "device_of", lambda _device: "cuda")
    assert timing_of_gangs(plan_in(tmp_path, execution={"gang": 2}), store) is None
    task = timing_of_gangs(plan_in(tmp_path), store)
    store.path(task.output).mkdir(parents=True)
    assert timing_of_gangs(plan_in(tmp_path), store) is None


def test_the_estimate_counts_models_updates_and_bytes(tmp_path, store):
    plan = plan_in(tmp_path, execution={"device": "cpu", "checkpoint_seconds": 60})
    schedule = make_schedule(plan, targets_of(plan), store, workers=2)
    cost = estimate(schedule, timed=False)
    assert (cost.n_monolingual, cost.n_others, cost.n_left) == (4, 12 + 4, 20)  # pairs, and what F is relative to
    assert cost.tokens == sum(schedule.tokens.values())
    per_update = plan.experiment.model.n_positions * plan.experiment.training.batch_size
    assert cost.updates == sum(-(-n // per_update) for n in schedule.tokens.values())
    assert cost.model_bytes == 4 * schedule.n_parameters
    assert cost.disk_bytes == 4 * cost.model_bytes  # the donors
    assert cost.checkpoint_bytes == 2 * 2 * 3 * cost.model_bytes  # old and new, workers, weights and moments
    assert (cost.tokens_per_second, cost.seconds) == (None, None)

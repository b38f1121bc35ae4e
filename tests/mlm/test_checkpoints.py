"""A gang that was killed anywhere goes on where it was, equal to the last bit."""

import dataclasses
import os
import shutil
import socket

import pytest
import torch

from bloodbank.mlm.checkpoints import STAGE, Checkpoints
from bloodbank.mlm.curves import DevText
from bloodbank.mlm.training import train
from bloodbank.store import Store
from made_up import DROPPING, RECIPE, assert_same, reading, stack, text

LANGUAGES = ("x-a", "x-b", "x-c")
SEEDS = (0, 1, 2)


class KilledError(Exception):
    """The process is gone."""


def readings():
    """Three texts whose models leave after 5, 10 and 23 updates."""
    sizes = {"x-a": (50, 4), "x-b": (100, 4), "x-c": (230, 4)}
    return [reading(name, n_pieces=n, epochs=epochs) for name, (n, epochs) in sizes.items()]


def run(store, *, key="k", seconds=1e-9, trained="all", kill=None, saved=None, dtype=torch.float32):
    """Train the gang; `kill`, as in ("report", 3), ends it at the third call of `report` or `watch`."""
    what = readings()
    updates = [one.n_updates for one in what]
    assert updates == sorted(set(updates))
    models = stack(SEEDS, DROPPING, dtype)
    checkpoints = Checkpoints(store, "x-a_seed0", key, seconds)
    if saved is not None:
        original = checkpoints.save

        def save(gang, progress):
            original(gang, progress)
            saved.append(progress.update)

        checkpoints.save = save
    count = {"report": 0, "watch": 0}

    def happened(name):
        def tell(*_):
            count[name] += 1
            if kill == (name, count[name]):
                raise KilledError

        return tell

    made = train(
        models, what, RECIPE, trained=trained, report=happened("report"), watch=happened("watch"),
        dev={name: DevText(text(f"dev {name}", n_pieces=60), name, 0.3, 4) for name in LANGUAGES},
        checkpoints=checkpoints,
    )  # fmt: skip
    return models, [dataclasses.replace(one, seconds=0.0) for one in made], checkpoints, count


def folders(store):
    return sorted(path.name for path in (store.root / STAGE).glob("*") if not path.name.startswith("."))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The run that nobody interrupted, and how often it reported and measured."""
    return run(Store(tmp_path_factory.mktemp("whole")), seconds=0.0)


def test_the_uninterrupted_run_has_models_that_leave_and_writes_nothing_without_seconds(whole, tmp_path):
    _, made, checkpoints, count = whole
    assert [one.updates for one in made] == [one.n_updates for one in readings()]
    assert len({one.updates for one in made}) == 3
    assert count["report"] >= 4
    assert count["watch"] >= 12
    assert not (checkpoints.store.root / STAGE).exists()


@pytest.mark.parametrize(
    "kill", [("report", n) for n in (1, 2, 4, 6, 9)] + [("watch", n) for n in (1, 4, 8, 11, 13, 15)]
)
def test_killed_and_gone_on_it_equals_the_uninterrupted_run(whole, tmp_path, kill):
    store = Store(tmp_path)
    with pytest.raises(KilledError):
        run(store, kill=kill)
    saved = []
    models, made, _, _ = run(store, saved=saved)
    assert_same(models.weights, whole[0].weights)
    assert made == whole[1]
    if kill[1] > 4:
        assert saved[0] > 1  # it did go on, and not begin again


def test_killed_many_times_with_frozen_encoders_it_equals_the_uninterrupted_run(tmp_path):
    expected, told, _, count = run(Store(tmp_path / "whole"), trained="words", seconds=0.0)
    store = Store(tmp_path / "killed")
    n_killed = 0
    for _ in range(40):
        try:
            models, made, _, _ = run(store, trained="words", kill=("report", 2))
            break
        except KilledError:
            n_killed += 1
    assert n_killed > 3
    assert_same(models.weights, expected.weights)
    assert made == told
    assert count["report"] > 3


def test_a_gang_killed_after_its_last_checkpoint_has_its_results(whole, tmp_path):
    """The phase is done, its last update saved, and its results not yet written."""
    store = Store(tmp_path)
    run(store)
    assert len(folders(store)) == 1
    models, made, _, _ = run(store)
    assert_same(models.weights, whole[0].weights)
    assert made == whole[1]


def test_one_is_kept_the_newest_and_none_in_the_end(tmp_path):
    store = Store(tmp_path)
    with pytest.raises(KilledError):
        run(store, kill=("report", 6))
    (kept,) = folders(store)
    saved = []
    *_, checkpoints, _ = run(store, saved=saved)
    assert saved[0] == int(kept.split("_update")[1].split("-")[0]) + 1
    assert saved == list(range(saved[0], saved[-1] + 1))
    assert folders(store) == [f"x-a_seed0_update{saved[-1]:09d}-k"]
    checkpoints.clear()
    assert list((tmp_path / STAGE).iterdir()) == []
    checkpoints.clear()


def test_a_half_written_checkpoint_is_never_loaded(whole, tmp_path):
    store = Store(tmp_path)
    with pytest.raises(KilledError):
        run(store, kill=("report", 4))
    (kept,) = folders(store)
    half = tmp_path / STAGE / f".x-a_seed0_update000000099+{socket.gethostname()}@{os.getpid()}+abc"
    shutil.copytree(tmp_path / STAGE / kept, half)
    (half / "state.safetensors").write_bytes(b"half")
    (half / "state.json").unlink()
    models, made, checkpoints, _ = run(store)
    assert_same(models.weights, whole[0].weights)
    assert made == whole[1]
    checkpoints.clear()
    assert [path.name for path in (tmp_path / STAGE).iterdir()] == [half.name]


def test_dying_while_a_checkpoint_is_written_leaves_the_one_before(whole, tmp_path, monkeypatch):
    from bloodbank.mlm import checkpoints as module

    store, writes = Store(tmp_path), []
    original = module.write_json

    def write_json(path, content):
        writes.append(path)
        if len(writes) == 8:
            raise KilledError
        original(path, content)

    monkeypatch.setattr(module, "write_json", write_json)
    with pytest.raises(KilledError):
        run(store)
    assert folders(store) == ["x-a_seed0_update000000007-k"]
    models, made, _, _ = run(store)
    assert_same(models.weights, whole[0].weights)
    assert made == whole[1]


def test_a_checkpoint_of_another_gang_is_neither_taken_nor_removed(whole, tmp_path):
    store = Store(tmp_path)
    with pytest.raises(KilledError):
        run(store, key="other", kill=("report", 4))
    theirs = folders(store)
    saved = []
    models, made, checkpoints, _ = run(store, saved=saved)
    assert saved[0] == 1
    assert made == whole[1]
    assert_same(models.weights, whole[0].weights)
    checkpoints.clear()
    assert folders(store) == theirs
    assert len(theirs) == 1


def test_a_gang_with_a_diverged_model_goes_on_and_still_says_so(tmp_path):
    def spoilt(store, kill):
        models = stack(SEEDS)
        with torch.no_grad():
            models.weights["cls.predictions.bias"][1] = float("nan")
        made = train(models, readings(), RECIPE, checkpoints=Checkpoints(store, "l", "k", 1e-9), report=kill)
        return models, made

    told = []

    def kill(*_):
        told.append(None)
        if len(told) == 2:
            raise KilledError

    with pytest.raises(KilledError):
        spoilt(Store(tmp_path), kill)
    assert len(folders(Store(tmp_path))) == 1
    expected, _ = spoilt(Store(tmp_path / "whole"), lambda *_: None)
    models, made = spoilt(Store(tmp_path), lambda *_: None)
    assert [one.diverged for one in made] == [False, True, False]
    for model in (0, 2):
        for name, weight in models.weights.items():
            assert torch.equal(weight[model], expected.weights[name][model])


def test_checkpoints_are_due_after_their_time_and_never_where_none_are_wanted(tmp_path, monkeypatch):
    from bloodbank.mlm import checkpoints as module

    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    some, none = (Checkpoints(Store(tmp_path), "l", "k", seconds) for seconds in (10.0, 0.0))
    assert not some.due()
    now[0] = 109.9
    assert not some.due()
    now[0] = 110.0
    assert some.due()
    assert not none.due()

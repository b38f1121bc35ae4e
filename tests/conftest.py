"""One finished run of a small experiment, which tests share and do not change."""

import os

import pytest
from hypothesis import settings

from small_run import command, finish, write_experiment

pytest_plugins = ["paper_banks"]
os.environ.setdefault("HF_HUB_OFFLINE", "1")
settings.register_profile("any machine", deadline=None)  # a slow or busy machine is no failure
settings.load_profile("any machine")


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """Path of the experiment file and the folder of its finished run, with the output of the command."""
    folder = tmp_path_factory.mktemp("finished")
    path = write_experiment(folder)
    code, out, err = finish(command("run", path, "--out", folder / "run"))
    assert code == 0, err
    return path, folder / "run", out, err

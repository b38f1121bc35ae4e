"""Here processes are what is tested: without another word, work runs in them."""

import pytest

from bloodbank.execution import WorkerProcesses, loop


@pytest.fixture(autouse=True)
def _work_in_processes(monkeypatch):
    monkeypatch.setattr(loop, "DEFAULT", WorkerProcesses)

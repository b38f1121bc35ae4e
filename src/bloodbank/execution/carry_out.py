"""Carry one task out, in whatever process: under the locks of its outputs, with its threads, telling how it ended."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bloodbank.errors import BloodbankError
from bloodbank.execution.executor import Needs
from bloodbank.execution.machine import is_out_of_memory
from bloodbank.execution.task import Task
from bloodbank.store import Busy, Output, Store, disk_message


def request_of(task: Task, store: Store, needs: Needs) -> dict[str, Any]:
    """Say what is to be done, in plain values."""
    return {
        "root": str(store.root),
        "outputs": [asdict(output) for output in task.outputs],
        "function": task.function,
        "arguments": task.arguments,
        "threads": needs.threads,
    }


def carry_out(request: dict[str, Any], tell: Callable[..., None]) -> None:
    """Run one task under the locks of its outputs and tell how it ended.

    Args:
        request: From `request_of`.
        tell: Called with `tokens` while it runs, and once with `done`, `busy` or `failed`.
    """
    store = Store(Path(request["root"]))
    outputs = [Output(**fields) for fields in request["outputs"]]
    output = outputs[0]
    try:
        with ExitStack() as locks, _threads(request["threads"]):
            for address in sorted(outputs, key=lambda output: output.name):  # of two with the same, one gets all
                locks.enter_context(store.lock(address))
            if not all(map(store.has, outputs)):
                module, _, name = request["function"].partition(":")
                function = getattr(importlib.import_module(module), name)
                function(
                    store,
                    output,
                    lambda _updates, tokens: tell("tokens", n_tokens=tokens),
                    **request["arguments"],
                )
    except Busy as busy:
        tell("busy", message=busy.owner)
    except BloodbankError as error:
        tell("failed", message=str(error), exit_code=error.exit_code)
    except Exception as error:  # noqa: BLE001 - a worker must tell its parent of any fault, with where it was
        if is_out_of_memory(error):
            tell("failed", message=_out_of_memory(output, request["arguments"]))
            return
        # Taking the lock writes too.
        refused = disk_message(error, store.path(output)) if isinstance(error, OSError) else None
        fault = f"{output.label}: {type(error).__name__}: {error}\n{traceback.format_exc()}"
        tell("failed", message=refused or fault)
    else:
        tell("done")


@contextmanager
def _threads(number: int) -> Iterator[None]:
    """Give the numerical libraries so many threads, those that are loaded and those that a task will load."""
    wanted = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"), str(number))
    # The tokenizers' own pool is made once in a process; without this, one thread would use it whole.
    wanted["TOKENIZERS_PARALLELISM"] = "true" if number > 1 else "false"
    before = {name: os.environ.get(name) for name in wanted}
    os.environ |= wanted
    torch = sys.modules.get("torch")
    n_before = torch.get_num_threads() if torch else number
    if torch and n_before != number:
        torch.set_num_threads(number)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
        if torch and n_before != number:
            torch.set_num_threads(n_before)


def _out_of_memory(output: Output, arguments: dict[str, Any]) -> str:
    n = len(arguments.get("members", []))
    fewer = f"fewer models side by side (execution.gang, {n} here), " if n > 1 else ""
    return f"{output.label}: out of memory. Use {fewer}fewer workers or a smaller model or batch."

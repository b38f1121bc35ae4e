"""Where work runs: this machine now; the seam for a distributed engine is `Executor`, with `Task` and `Event`."""

from bloodbank.execution.executor import TORCH_SECONDS, Executor, Needs
from bloodbank.execution.in_process import InProcess
from bloodbank.execution.local import WorkerProcesses
from bloodbank.execution.loop import default_executor, run_tasks
from bloodbank.execution.machine import (
    check_compiler,
    check_device,
    computes_in_bfloat16,
    default_workers,
    device_of,
    free_memory,
    is_out_of_memory,
    n_gpus,
)
from bloodbank.execution.task import Event, Task, needed_tasks

__all__ = [
    "TORCH_SECONDS",
    "Event",
    "Executor",
    "InProcess",
    "Needs",
    "Task",
    "WorkerProcesses",
    "check_compiler",
    "check_device",
    "computes_in_bfloat16",
    "default_executor",
    "default_workers",
    "device_of",
    "free_memory",
    "is_out_of_memory",
    "n_gpus",
    "needed_tasks",
    "run_tasks",
]

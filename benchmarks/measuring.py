"""Time training in processes of their own, over a window that all of them share.

The parent starts the processes, waits until each is warm, lets the window pass, and stops them; each keeps the moment
and the number of tokens of every update. So start-up, compilation and the end are outside the window.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bloodbank.execution import local

Spec = dict[str, Any]
_CONTENDERS = Path(__file__).with_name("contenders.py")


@dataclass(frozen=True)
class Measured:
    """What processes did in a window that they shared.

    Attributes:
        tokens_per_second: Real tokens, not padding, of all models together.
        peak_bytes: Largest resident size of each process.
        device_bytes: Largest memory of each on its GPU; 0 on a CPU.
        warm_seconds: From the start of the processes until each had done its first updates: imports, compilation.
    """

    tokens_per_second: float
    peak_bytes: list[int]
    device_bytes: list[int]
    warm_seconds: float = 0.0


class Stopped(Exception):  # noqa: N818 - no error: the window is over
    """The parent has what it needs."""


@dataclass
class Marks:
    """The moments of updates, in a contender's process.

    Attributes:
        tell: Sends a line to the parent.
        n_warm: Updates before the process counts as warm.
        synchronize: Waits for a GPU, so that what was counted has been done; None on a CPU.
        every: Seconds between two marks, at least: waiting at every update would slow a GPU down.
    """

    tell: Callable[[Spec], None]
    n_warm: int
    synchronize: Callable[[], None] | None = None
    every: float = 0.0
    moments: list[tuple[float, float]] = field(default_factory=list)
    n_updates: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)

    def __call__(self, tokens: float) -> None:
        """Note how many tokens have been trained on so far.

        Raises:
            Stopped: The parent has closed this process's stdin.
        """
        self.n_updates += 1
        if self.n_updates <= self.n_warm or (self.moments and time.monotonic() - self.moments[-1][0] < self.every):
            return
        stopped = self.stopped.is_set()  # before the mark, which then lies behind the window
        if self.synchronize:
            self.synchronize()
        self.moments.append((time.monotonic(), tokens))
        if len(self.moments) == 1:
            self.tell({"warm": True})
        if stopped:
            raise Stopped


def rate_between(moments: Sequence[tuple[float, float]], begin: float, end: float) -> float:
    """Return tokens a second between two moments; updates that lie across an edge count in part."""
    times, tokens = zip(*moments, strict=True)
    first, last = np.interp([begin, end], times, tokens)
    return float((last - first) / (end - begin))


def worker_environment(threads: int) -> dict[str, str]:
    """Return the environment that a worker of the package gets."""
    # Public under the first name once it is; a worker's memory settings until then.
    memory: dict[str, str] = local.MEMORY_ENVIRONMENT
    return memory | plain_environment(threads)


def plain_environment(threads: int) -> dict[str, str]:
    """Return the environment that a user's own process has, with a number of threads."""
    named = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"), str(threads))
    return {**os.environ, **named, "TOKENIZERS_PARALLELISM": "true", "HF_HUB_OFFLINE": "1"}


def measure(specs: Sequence[Spec], environment: dict[str, str], seconds: float) -> Measured:
    """Train in one process a specification, all at the same time.

    Args:
        specs: What `contenders.py` is to do, for each process.
        environment: Of each process.
        seconds: Length of the window.

    Raises:
        SystemExit: A process failed, or had nothing left to read before the window was over.
    """
    started = time.monotonic()
    processes = [_Process(spec, environment) for spec in specs]
    try:
        for process in processes:
            process.read("warm")
        begin = time.monotonic()
        time.sleep(seconds)
        end = time.monotonic()
        for process in processes:
            process.stop()
        done = [process.read("moments") for process in processes]
    finally:
        for process in processes:
            process.close()
    rates = [rate_between(one["moments"], begin, end) for one in done]
    peaks = ([one[name] for one in done] for name in ("peak_bytes", "device_bytes"))
    return Measured(sum(rates), *peaks, warm_seconds=begin - started)


def ask(spec: Spec, environment: dict[str, str]) -> Spec:
    """Let a contender's process answer a question, and return what it found."""
    process = _Process(spec, environment)
    try:
        return process.read("answer")
    finally:
        process.close()


class _Process:
    def __init__(self, spec: Spec, environment: dict[str, str]) -> None:
        self.errors = tempfile.TemporaryFile("w+", encoding="utf-8")  # noqa: SIM115 - closed in `close`
        self.process = subprocess.Popen(
            [sys.executable, str(_CONTENDERS), json.dumps(spec)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True, env=environment,
        )  # fmt: skip

    def read(self, key: str) -> Spec:
        line = self.process.stdout.readline() if self.process.stdout else ""
        told: Spec = json.loads(line) if line else {}
        if key not in told:
            self.close()
            raise SystemExit(told.get("failed") or self.message)
        return told

    def stop(self) -> None:
        if self.process.stdin and not self.process.stdin.closed:
            self.process.stdin.close()

    def close(self) -> None:
        self.stop()
        if self.errors.closed:
            return
        try:
            self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.errors.seek(0)
        self.message = f"A contender ended with exit code {self.process.returncode}:\n{self.errors.read()[-4_000:]}"
        self.errors.close()

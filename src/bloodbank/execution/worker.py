"""A worker process: takes tasks as lines of JSON on stdin, tells what happened as lines of JSON on stdout.

It ends when its stdin closes, so it never outlives the process that started it, however that one died.
A process of its own kind, and not of `multiprocessing`, so that a plain script of the user needs no guard.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import signal
import sys
import threading
from contextlib import suppress
from queue import SimpleQueue
from typing import Any

from bloodbank.execution.carry_out import carry_out


def main() -> None:
    """Serve until stdin closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle; it closes our stdin
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints must not stand between our lines
    requests: SimpleQueue[str] = SimpleQueue()
    threading.Thread(target=_read_requests, args=(requests,), daemon=True).start()
    while True:
        request = json.loads(requests.get())

        def tell(kind: str, **more: Any) -> None:
            channel.write(json.dumps({"kind": kind, **more}) + "\n")
            channel.flush()

        carry_out(request, tell)
        _release_memory()


def _read_requests(requests: SimpleQueue[str]) -> None:
    """Pass on lines; end the process, also in the middle of its work, when the parent is gone."""
    for line in sys.stdin:
        requests.put(line)
    os._exit(0)


def _release_memory() -> None:
    """Give memory that a task has freed back: a worker keeps it, and may have nothing to do for long."""
    torch = sys.modules.get("torch")
    if torch and torch.cuda.is_initialized():  # a GPU may be shared with another worker
        gc.collect()
        torch.cuda.empty_cache()
    with suppress(OSError, AttributeError):  # another C library has no such function
        ctypes.CDLL("libc.so.6").malloc_trim(0)


if __name__ == "__main__":
    main()

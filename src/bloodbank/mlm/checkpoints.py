"""Checkpoints inside a phase: a gang that was killed goes on where it was, equal to the last bit on a CPU.

A checkpoint is an output like any other: written under a temporary name and renamed last, so a half-written one is
never loaded. The newest one stays, and is removed when the phase is done. Generators need no saving: they are derived
from names, and the number of updates is enough.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save

from bloodbank.mlm.curves import Curve
from bloodbank.mlm.gang import Gang
from bloodbank.store import Output, Store, write_json

STAGE = "checkpoints"
_TENSORS, _STATE = "state.safetensors", "state.json"


@dataclass
class Progress:
    """How far a gang is.

    Attributes:
        update: Updates done.
        seconds: Time they took.
        curves: Dev loss so far, for each model.
    """

    update: int
    seconds: float
    curves: list[Curve]


class Checkpoints:
    """The checkpoints of one phase of one gang.

    Args:
        store: Where.
        label: Name for people.
        key: Hash of the keys of its models: what is trained, and in which order.
        seconds: Time between two; 0 for none.
    """

    def __init__(self, store: Store, label: str, key: str, seconds: float) -> None:
        self.store, self.label, self.key, self.seconds = store, label, key, seconds
        self.last = time.monotonic()

    def due(self) -> bool:
        """Tell whether it is time for the next one."""
        return bool(self.seconds) and time.monotonic() - self.last >= self.seconds

    def save(self, gang: Gang, progress: Progress) -> None:
        """Write one, then remove older ones."""
        older = self._found()
        tensors = {name: value.detach().cpu().contiguous() for name, value in gang.state().items()}
        output = Output(STAGE, f"{self.label}_update{progress.update:09d}", self.key)
        with self.store.write(output, {"torch": torch.__version__}) as folder:
            (folder / _TENSORS).write_bytes(save(tensors))
            write_json(folder / _STATE, asdict(progress))
        self._remove(older)
        self.last = time.monotonic()

    def load(self, gang: Gang) -> Progress | None:
        """Bring a gang to where the newest checkpoint is; None where there is none."""
        found = self._found()
        if not found:
            return None
        state: dict[str, Any] = json.loads((found[-1] / _STATE).read_text(encoding="utf-8"))
        gang.load(load_file(found[-1] / _TENSORS), state["update"])
        return Progress(state["update"], state["seconds"], [Curve(**curve) for curve in state["curves"]])

    def clear(self) -> None:
        """Remove them all."""
        self._remove(self._found())

    @staticmethod
    def clear_all(store: Store, labels: set[str]) -> None:
        """Remove what is left of gangs of these models: all are done, some perhaps in gangs of another size."""
        for path in (store.root / STAGE).glob("[!.]*"):
            label, _, key = path.name.rpartition("-")
            if label.rpartition("_update")[0] in labels:
                store.remove(Output(STAGE, label, key))

    def _found(self) -> list[Path]:
        return sorted((self.store.root / STAGE).glob(f"{self.label}_update*-{self.key}"))

    def _remove(self, folders: list[Path]) -> None:
        for folder in folders:
            self.store.remove(Output(STAGE, folder.name.removesuffix(f"-{self.key}"), self.key))

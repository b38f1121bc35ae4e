"""What stands beside the outputs of models: how they were trained, what they scored, and what made them."""

from __future__ import annotations

import json
import platform
import time
from importlib import metadata
from pathlib import Path
from typing import Any

TRAINING, MEASUREMENT = "training.json", "measurement.json"


def read_phases(folder: Path) -> list[dict[str, Any]]:
    """Read what the phases of a model were, its donor's first, from a model's folder or from its scores'."""
    if (folder / TRAINING).exists():
        found: list[dict[str, Any]] = json.loads((folder / TRAINING).read_text(encoding="utf-8"))
        return found
    record: dict[str, Any] = json.loads((folder / MEASUREMENT).read_text(encoding="utf-8"))
    phases: list[dict[str, Any]] = record["phases"]
    return phases


def provenance(**what: Any) -> dict[str, Any]:
    """Say what made an output; stands beside it."""
    packages = ("bloodbank", "torch", "tokenizers", "numpy")
    return {
        **what,
        "versions": {name: metadata.version(name) for name in packages} | {"python": platform.python_version()},
        "host": platform.node(),
        "processor": platform.processor() or platform.machine(),
        "written": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }

"""What tells a run folder from any other: looked for before anything of a run is imported."""

from __future__ import annotations

from pathlib import Path

EXPERIMENT, PLAN = "experiment.json", "plan.json"


def is_run_folder(folder: Path) -> bool:
    """Tell whether a run has written its plan there."""
    return (folder / PLAN).is_file() and (folder / EXPERIMENT).is_file()

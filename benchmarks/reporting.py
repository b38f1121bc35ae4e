"""What every benchmark prints: the machine, tables of Markdown, ratios, and whether a target was met."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any

from bloodbank.execution import n_gpus

GIB = 2**30
_PACKAGES = ("bloodbank", "torch", "transformers", "accelerate", "tokenizers", "numpy")


def machine() -> list[str]:
    """Describe the machine, the versions and the date, one line each."""
    memory = _from_file("/proc/meminfo", "MemTotal")
    gigabytes = f", {int(memory.split()[0]) * 1_024 / GIB:.0f} GiB of memory" if memory else ""
    cpu = _from_file("/proc/cpuinfo", "model name") or platform.processor() or platform.machine()
    features = _from_file("/proc/cpuinfo", "flags").split()
    names = {"amx_bf16": "AMX", "avx512_bf16": "AVX-512"}
    low = next((f", {name} for bfloat16" for flag, name in names.items() if flag in features), "")
    gpu = _gpu() if n_gpus() else "no GPU"
    load = f"; load before the start {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return [
        f"- machine: {cpu}, {n_cores()} cores{low}{gigabytes}; {gpu}; {platform.system()} {platform.release()}{load}",
        f"- versions: Python {platform.python_version()}, "
        + ", ".join(f"{name} {_version(name)}" for name in _PACKAGES),
        f"- date: {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
    ]


def n_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def peak_memory() -> int:
    """Return the largest resident size that this process has had, in bytes."""
    measured = _from_file("/proc/self/status", "VmHWM")
    if measured:
        return int(measured.split()[0]) * 1_024
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used if platform.system() == "Darwin" else used * 1_024


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay cells out as a table of Markdown; the first column is text, the others are numbers."""
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        first, *others = (cell.ljust(w) if i == 0 else cell.rjust(w) for i, (cell, w) in enumerate(zip(cells, widths)))  # noqa: B905
        return f"| {' | '.join([first, *others])} |"

    rule = [f":{'-' * (w - 1)}" if i == 0 else f"{'-' * (w - 1)}:" for i, w in enumerate(widths)]
    return "\n".join([line(header), line(rule), *map(line, rows)])


def ratios(values: Sequence[float], base: Sequence[float]) -> tuple[float, float, float]:
    """Compare two contenders that ran in the same rounds.

    Args:
        values: One number a round. Shape: [n_rounds].
        base: The other's. Shape: [n_rounds].

    Returns:
        Quotient of the medians; smallest and largest quotient of a round.
    """
    each = [value / other for value, other in zip(values, base, strict=True)]
    return median(values) / median(base), min(each), max(each)


def show_ratio(ratio: tuple[float, float, float]) -> str:
    """Show a ratio with its range over the rounds."""
    return f"{ratio[0]:.2f} ({ratio[1]:.2f} to {ratio[2]:.2f})"


def verdict(what: str, value: float, target: float, *, at_least: bool = True) -> str:
    """Say whether a target was met, and by how much."""
    met = value >= target if at_least else value <= target
    bound = "at least" if at_least else "at most"
    return f"- {what}: {value:.2f}, target {bound} {target:g}: {'met' if met else 'MISSED'}"


def finish(lines: Sequence[str], out: Path | None, content: dict[str, Any]) -> None:
    """Print the lines, and write all numbers where a file was asked for."""
    print("\n".join(lines))
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _gpu() -> str:
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else "a GPU that PyTorch does not find"


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _from_file(path: str, key: str) -> str:
    """Return what stands behind a key in one of Linux's own files; empty where there is none."""
    try:
        lines = Path(path).read_text(encoding="ascii", errors="ignore").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), "")

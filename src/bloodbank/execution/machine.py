"""What this machine has: cores, GPUs, memory, number types, a compiler."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from bloodbank.errors import UsageError

_CPU, _DEVICES = Path("/proc/cpuinfo"), Path("/dev")
_NO_MEMORY = "DefaultCPUAllocator: can't allocate memory"  # PyTorch's words for the machine's own


def default_workers(device: str) -> int:
    """Return how many workers run at once: one a GPU where there are any, else one a core this process may use."""
    if device_of(device) == "cuda":
        return n_gpus()
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def free_memory() -> int:
    """Return the bytes of memory that are free for new work."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1_024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration):
        return 8 * 2**30  # not Linux: assume a laptop


def computes_in_bfloat16(device: str) -> bool:
    """Tell whether this machine multiplies bfloat16 matrices and does not imitate it.

    A GPU does since Ampere, a CPU with AMX (Intel since 2023) or AVX-512's bfloat16 products (AMD since Zen 4).
    """
    if device_of(device) == "cuda":
        import torch

        return torch.cuda.get_device_capability() >= (8, 0)
    try:
        flags = _CPU.read_text(encoding="ascii", errors="ignore")
    except OSError:
        return False
    return not {"amx_bf16", "avx512_bf16"}.isdisjoint(flags.split())


def device_of(device: str) -> str:
    """Say what `auto`, `cpu` or `cuda` means here: `cuda` where there is a GPU that PyTorch can use, else `cpu`.

    Torch, which takes seconds to import, is asked only where the machine shows a GPU.
    """
    return "cuda" if device != "cpu" and n_gpus() and _torch_finds_gpu() else "cpu"


def check_device(device: str) -> None:
    """Refuse a GPU that PyTorch does not find.

    Raises:
        UsageError: `device` is "cuda" and there is none.
    """
    if device == "cuda" and device_of(device) == "cpu":
        raise UsageError(
            'execution.device = "cuda", but PyTorch finds no GPU here. Use "auto" or "cpu", or install a build of '
            "PyTorch for this GPU."
        )


def check_compiler(needed: bool) -> None:
    """Refuse `training.compile` where there is no compiler.

    Raises:
        UsageError: It is needed and there is none.
    """
    if needed and not any(shutil.which(name) for name in (os.environ.get("CXX", "g++"), "g++", "clang++")):
        raise UsageError(
            "training.compile = true, but there is no C++ compiler (g++ or clang++, or what CXX names). Install one, "
            "or leave the setting out: results stay the same but for rounding."
        )


def n_gpus() -> int:
    """Count the GPUs of this machine without importing torch, which may be a build that cannot use them."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([gpu for gpu in visible.split(",") if gpu.strip() not in ("", "-1")])
    numbered = [path for path in _DEVICES.glob("nvidia*") if path.name.removeprefix("nvidia").isdigit()]
    # Windows' Linux and AMD's driver show one file for all; more than one GPU there is to be named by the variable.
    return len(numbered) or int(any((_DEVICES / name).exists() for name in ("dxg", "kfd")))


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether memory ran out, of the machine or of a GPU; torch need not be there."""
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError" or _NO_MEMORY in str(error)


def _torch_finds_gpu() -> bool:
    import torch

    return torch.cuda.is_available()

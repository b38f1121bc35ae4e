"""What a machine has is read from what it says of itself."""

from pathlib import Path

import pytest

from bloodbank.execution import computes_in_bfloat16, default_workers, is_out_of_memory, machine, n_gpus


@pytest.mark.parametrize(
    ("flags", "computes"),
    [
        ("fpu avx512f avx512_bf16 avx512_vnni", True),
        ("fpu avx512f amx_bf16 amx_tile", True),
        ("fpu avx2 avx512f avx512_vnni", False),
        ("fpu avx512_bf16x", False),
    ],
)
def test_bfloat16_is_used_where_the_processor_multiplies_it(
    flags: str, computes: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cpu = tmp_path / "cpuinfo"
    cpu.write_text(f"processor\t: 0\nmodel name\t: Made Up\nflags\t\t: {flags}\n")
    monkeypatch.setattr(machine, "_CPU", cpu)
    assert computes_in_bfloat16("cpu") is computes


def test_a_machine_that_says_nothing_computes_in_float32(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_CPU", tmp_path / "absent")
    assert not computes_in_bfloat16("cpu")


@pytest.mark.parametrize(
    ("files", "n"),
    [(["nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm"], 2), (["dxg"], 1), (["kfd"], 1), (["null"], 0)],
)
def test_gpus_are_counted_by_the_files_of_their_drivers(
    files: list[str], n: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in files:
        (tmp_path / name).touch()
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(machine, "_DEVICES", tmp_path)
    assert n_gpus() == n


def test_a_gpu_that_torch_cannot_use_leaves_the_cores_their_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.setattr(machine, "_torch_finds_gpu", lambda: False)
    assert default_workers("auto") == default_workers("cpu")
    monkeypatch.setattr(machine, "_torch_finds_gpu", lambda: True)
    assert default_workers("auto") == 1


def test_memory_that_ran_out_is_told_from_other_faults() -> None:
    import torch

    with pytest.raises(RuntimeError) as refused:
        torch.empty(2**60, dtype=torch.uint8)
    assert is_out_of_memory(refused.value)
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory."))
    assert not is_out_of_memory(RuntimeError("shape mismatch"))

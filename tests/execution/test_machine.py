"""What a machine has is read from what it says of itself."""

from pathlib import Path

import pytest

from bloodbank.execution import computes_in_bfloat16, machine


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

"""Recorded Windows PCs, through the same calls a real one answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from galosh.hardware.facts import Machine
from galosh.hardware.probe import ask
from galosh.hardware.probe_windows import (
    CURRENT_VERSION,
    DISPLAY_CLASS,
    PROCESSOR,
    MemoryStatus,
    WindowsProbe,
)
from galosh.hardware.run import Answer
from galosh.hardware.windows_bytes import read_cores, read_video_memory, windows_name
from tests.hardware import recorded
from tests.hardware.recorded import GIB, processor_information

# Four fast cores of two threads and four slow ones, as on an i5-1240P with parts off.
HYBRID = processor_information([(1, 0b11 << 2 * i) for i in range(4)]
                               + [(0, 1 << i) for i in range(8, 12)])  # fmt: skip
GPU0, GPU1 = rf"{DISPLAY_CLASS}\0000", rf"{DISPLAY_CLASS}\0001"
REGISTRY: dict[tuple[str, str], object] = {
    (CURRENT_VERSION, "ProductName"): "Windows 10 Home",
    (CURRENT_VERSION, "CurrentBuild"): "22631",
    (CURRENT_VERSION, "DisplayVersion"): "23H2",
    (PROCESSOR, "ProcessorNameString"): "12th Gen Intel(R) Core(TM) i5-1240P  ",
    (GPU0, "DriverDesc"): "Intel(R) Iris(R) Xe Graphics",
    (GPU0, "ProviderName"): "Intel Corporation",
    (GPU0, "DriverVersion"): "31.0.101.4502",
    (GPU1, "DriverDesc"): "NVIDIA GeForce RTX 3060",
    (GPU1, "ProviderName"): "NVIDIA",
    (GPU1, "HardwareInformation.qwMemorySize"): 12 * GIB,
    (rf"{DISPLAY_CLASS}\0002", "DriverDesc"): "Microsoft Basic Display Adapter",
}


MEMORY = MemoryStatus(16 * GIB, 6 * GIB, 18 * GIB, 5 * GIB)


@dataclass
class Recorded:
    """WindowsCalls with recorded answers."""

    values: Mapping[tuple[str, str], object] = field(default_factory=lambda: REGISTRY)
    features: frozenset[int] = frozenset({13, 36, 37, 38, 39, 40})
    machines: tuple[str | None, str | None] = ("AMD64", "AMD64")
    cores: bytes | None = HYBRID
    status: MemoryStatus | None = MEMORY
    battery: bool | None = True
    heads: bool | None = False

    def registry(self, path: str, name: str) -> object:
        return self.values.get((path, name))

    def architectures(self) -> tuple[str | None, str | None]:
        return self.machines

    def feature(self, number: int) -> bool:
        return number in self.features

    def processor_information(self) -> bytes | None:
        return self.cores

    def affinity(self) -> int | None:
        return 12

    def memory(self) -> MemoryStatus | None:
        return self.status

    def on_battery(self) -> bool | None:
        return self.battery

    def filesystem(self, folder: str) -> str | None:
        return "NTFS"

    def seek_penalty(self, folder: str) -> bool | None:
        return self.heads


def machine(calls: Recorded, smi: str | None = None) -> Machine:
    def run(command: Sequence[str]) -> Answer:
        return Answer(smi, "recorded" if smi is not None else "no nvidia-smi")

    return ask(WindowsProbe(calls, run), Path("C:/models"), 10)


def test_laptop() -> None:
    pc = machine(Recorded(), recorded.NVIDIA_SMI)
    assert pc.os.distribution.value == "Windows 11 Home 23H2"
    assert pc.os.architecture.value == "x86_64"
    assert pc.os.emulated.value is False
    assert pc.cpu.model.value == "12th Gen Intel(R) Core(TM) i5-1240P"
    assert {"avx2", "fma", "f16c", "bmi2"} <= (pc.cpu.flags.value or set())
    assert (pc.cpu.performance_cores.value, pc.cpu.efficiency_cores.value) == (4, 4)
    assert (pc.cpu.physical_cores.value, pc.cpu.logical_cores.value) == (8, 12)
    assert pc.threads == 4
    assert pc.memory.installed_bytes.value == 16 * GIB
    assert pc.memory.available_bytes.value == 6 * GIB
    assert pc.swap.total_bytes.value == 2 * GIB
    assert pc.swap.commit_limit_bytes.value == 18 * GIB
    assert pc.swap.committed_bytes.value == 13 * GIB
    assert pc.power.on_battery.value is True
    assert pc.display.kind.value == "windows"
    assert (pc.disk.kind.value, pc.disk.filesystem.value) == ("ssd", "NTFS")
    nvidia, intel = pc.gpus
    assert nvidia.free_bytes.value == 11021 << 20
    assert intel.integrated.value is True


def test_without_nvidia_smi_the_registry_speaks() -> None:
    intel, nvidia = machine(Recorded()).gpus
    assert intel.vendor.value == "intel"
    assert nvidia.total_bytes.value == 12 * GIB, "not the 4 GB of 32-bit tools"
    assert nvidia.free_bytes.value is None


def test_no_avx2_means_no_fma() -> None:
    pc = machine(Recorded(features=frozenset({13, 36, 37, 38})))
    assert pc.cpu.flags.value == frozenset({"pni", "ssse3", "sse4_1", "sse4_2"})


def test_x64_python_on_an_arm_pc() -> None:
    calls = Recorded(machines=("ARM64", "AMD64"), features=frozenset({19, 34, 43}))
    pc = machine(calls)
    assert pc.os.architecture.value == "arm64"
    assert pc.os.emulated.value is True
    assert pc.cpu.flags.value == frozenset({"asimd", "atomics", "asimddp"})


def test_calls_that_fail_give_unknowns() -> None:
    calls = Recorded({}, frozenset(), (None, None), None, None, None, None)
    pc = machine(calls)
    assert pc.memory.installed_bytes.value is None
    assert pc.swap.total_bytes.value is None
    assert pc.cpu.physical_cores.value is None
    assert pc.cpu.flags.value is None
    assert pc.power.on_battery.value is None
    assert pc.disk.kind.value is None
    assert pc.gpus == ()
    assert pc.threads == 12


def test_a_probe_that_raises_is_contained() -> None:
    class Broken(Recorded):
        def memory(self) -> MemoryStatus | None:
            raise RuntimeError("driver lost")

    pc = machine(Broken())
    assert pc.memory.installed_bytes.value is None
    assert "driver lost" in pc.memory.installed_bytes.source
    assert pc.cpu.model.value is not None


@pytest.mark.parametrize(
    ("name", "provider", "integrated"),
    [
        ("AMD Radeon(TM) Graphics", "Advanced Micro Devices, Inc.", True),
        ("AMD Radeon 780M Graphics", "Advanced Micro Devices, Inc.", True),
        ("AMD Radeon RX 7900 XTX", "Advanced Micro Devices, Inc.", False),
        ("AMD Radeon HD 7700 Series", "Advanced Micro Devices, Inc.", None),
        ("Intel(R) Arc(TM) A770 Graphics", "Intel Corporation", False),
        ("Intel(R) Arc(TM) Graphics", "Intel Corporation", True),
        ("Intel(R) UHD Graphics 630", "Intel Corporation", True),
        ("Qualcomm(R) Adreno(TM) X1-85 GPU", "Qualcomm", True),
    ],
)
def test_built_in_or_card(name: str, provider: str, integrated: bool | None) -> None:
    values = {(GPU0, "DriverDesc"): name, (GPU0, "ProviderName"): provider}
    [gpu] = machine(Recorded(values)).gpus
    assert gpu.integrated.value is integrated


def test_core_table_of_another_shape_is_unknown() -> None:
    for cut in range(len(HYBRID)):
        cores = read_cores(HYBRID[:cut])
        assert cores is None or cores.physical == cut // 48
    assert read_cores(b"\0" * 64) is None
    assert read_cores(b"\xff" * 64) is None
    both = processor_information([(0, 0b11), (0, 0b1100)])
    assert read_cores(both) == (2, 2, 0, 4)


def test_small_readers() -> None:
    assert windows_name("Windows 10 Pro", "19045", "22H2") == "Windows 10 Pro 22H2"
    assert windows_name(None, "19045", None) is None
    assert read_video_memory((8 * GIB).to_bytes(8, "little")) == 8 * GIB
    assert read_video_memory(b"\0" * 8) is None
    assert read_video_memory("8 GB") is None

"""Recorded Windows PCs, through the same calls a real one answers."""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from galosh.hardware import dxgi
from galosh.hardware.dxgi import MemoryInfo, list_adapters
from galosh.hardware.facts import Machine
from galosh.hardware.probe import ask
from galosh.hardware.probe_windows import (
    CURRENT_VERSION,
    DISPLAY_CLASS,
    PAGING,
    POWER,
    PROCESSOR,
    MemoryStatus,
    WindowsProbe,
)
from galosh.hardware.run import Answer
from galosh.hardware.windows_bytes import (
    page_file_grows,
    power_mode,
    read_cores,
    read_video_memory,
    windows_name,
)
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


def adapter(name: str, vendor: int, dedicated: int, flags: int = 0) -> bytes:
    """DXGI_ADAPTER_DESC1 as 64-bit Windows lays it out."""
    text = name.encode("utf-16-le").ljust(256, b"\0")
    return text + struct.pack("<IIIIQQQIiI4x", vendor, 1, 2, 3, dedicated, 0, 8 * GIB, 0, 0, flags)


class Com:
    """DXGI's objects: each a pointer to a table of functions, as a COM object is."""

    def __init__(self, adapters: list[tuple[bytes, MemoryInfo | None]]) -> None:
        self.alive = 0
        self._keep: list[object] = []
        self._adapters = [self._adapter(*one) for one in adapters]
        self._factory = self._object({dxgi.ENUM_ADAPTERS1: (self._enumerate, "up")})

    def create(self, wanted: object, place: object) -> int:
        assert bytes(wanted) == dxgi.FACTORY.bytes_le  # type: ignore[call-overload]
        self.alive += 1
        place._obj.value = self._factory  # type: ignore[attr-defined]
        return 0

    def _enumerate(self, _this: int, index: int, place: int) -> int:
        if index >= len(self._adapters):
            return -1
        return self._give(place, self._adapters[index])

    def _adapter(self, description: bytes, memory: MemoryInfo | None) -> int:
        def describe(_this: int, buffer: int) -> int:
            ctypes.memmove(buffer, description, len(description))
            return 0

        def newer(_this: int, wanted: int, place: int) -> int:
            known = ctypes.string_at(wanted, 16) == dxgi.ADAPTER3.bytes_le and memory is not None
            return self._give(place, adapter3) if known else -1

        def tell(_this: int, _node: int, _group: int, place: int) -> int:
            assert memory is not None
            ctypes.memmove(place, ctypes.byref(memory), ctypes.sizeof(memory))
            return 0

        adapter3 = self._object({dxgi.QUERY_MEMORY: (tell, "uup")})
        return self._object({dxgi.GET_DESC1: (describe, "p"), dxgi.QUERY_INTERFACE: (newer, "pp")})

    def _give(self, place: int, thing: int) -> int:
        self.alive += 1
        ctypes.cast(place, ctypes.POINTER(ctypes.c_void_p))[0] = thing
        return 0

    def _release(self, _this: int) -> int:
        self.alive -= 1
        return 0

    def _object(self, methods: Mapping[int, tuple[Callable[..., int], str]]) -> int:
        table = (ctypes.c_void_p * 16)()
        kinds = {"u": ctypes.c_uint, "p": ctypes.c_void_p}
        for index, (method, signature) in {**methods, dxgi.RELEASE: (self._release, "")}.items():
            shape = ctypes.CFUNCTYPE(
                ctypes.c_long, ctypes.c_void_p, *(kinds[one] for one in signature)
            )
            call = shape(method)
            self._keep.append(call)
            table[index] = ctypes.cast(call, ctypes.c_void_p)
        thing = ctypes.c_void_p(ctypes.addressof(table))
        self._keep += [table, thing]
        return ctypes.addressof(thing)


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
    screens: tuple[tuple[bytes, int | None], ...] = ()

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

    def adapters(self) -> list[tuple[bytes, int | None]]:
        return list(self.screens)

    def filesystem(self, folder: str) -> str | None:
        return "NTFS"

    def seek_penalty(self, folder: str) -> bool | None:
        return self.heads


def machine(calls: Recorded, smi: str | None = None) -> Machine:
    def run(command: Sequence[str]) -> Answer:
        return Answer(smi, "recorded" if smi is not None else "no nvidia-smi")

    return ask(WindowsProbe(calls, run, nvml=lambda: ()), Path("C:/models"), 10)


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


def test_dxgi_knows_sizes_and_what_is_free() -> None:
    calls = Recorded(
        screens=(
            (adapter("Intel(R) Iris(R) Xe Graphics", 0x8086, 128 << 20), 7 * GIB),
            (adapter("NVIDIA GeForce RTX 3060", 0x10DE, 12 * GIB), 11 * GIB),
            (adapter("Microsoft Basic Render Driver", 0x1414, 0, flags=2), None),
            (b"short", None),
        )
    )
    intel, nvidia = machine(calls).gpus
    assert (nvidia.total_bytes.value, nvidia.free_bytes.value) == (12 * GIB, 11 * GIB)
    assert nvidia.free_bytes.source == "DXGI QueryVideoMemoryInfo"
    assert (intel.integrated.value, intel.driver.value) == (True, "31.0.101.4502")
    adreno = Recorded(screens=((adapter("Qualcomm(R) Adreno(TM) X1-85", 0x4D4F4351, 0), None),))
    [gpu] = machine(adreno).gpus
    assert (gpu.vendor.value, gpu.integrated.value) == ("qualcomm", True)
    assert gpu.total_bytes.value is None


def test_dxgi_objects_are_called_by_their_tables() -> None:
    """COM objects as Windows makes them, with C's calling convention: the walk is the real one."""
    screen = adapter("AMD Radeon RX 7900 XTX", 0x1002, 24 * GIB)
    world = Com([(screen, MemoryInfo(20 * GIB, GIB, 0, 0)), (adapter("Old", 0x8086, GIB), None)])
    assert list_adapters(world.create) == [(screen, 19 * GIB), (adapter("Old", 0x8086, GIB), None)]
    assert world.alive == 0, "every object was released"
    assert list_adapters(lambda wanted, place: -1) == []


def test_power_mode_and_paging_file() -> None:
    values = dict(REGISTRY)
    values[(POWER, "ActiveOverlayDcPowerScheme")] = "961cc777-2547-4f9d-8174-7d86181b8a7a"
    values[(POWER, "ActivePowerScheme")] = "381b4222-f694-41f0-9685-ff5bb260df2e"
    values[(PAGING, "PagingFiles")] = ["?:\\pagefile.sys"]
    pc = machine(Recorded(values))
    assert pc.power.profile.value == "power-saver"
    assert pc.swap.grows.value is True
    assert (pc.swap.disk_kind.value, pc.swap.filesystem.value) == ("ssd", "NTFS")
    plugged = machine(Recorded(values, battery=False))
    assert plugged.power.profile.value == "balanced"
    assert page_file_grows(["C:\\pagefile.sys 1024 4096"]) is False
    assert page_file_grows(["C:\\pagefile.sys 0 0"]) is True
    assert page_file_grows(None) is page_file_grows([""]) is None
    assert power_mode("rubbish", None) is None
    assert power_mode(None, "8c5e7fda-e8bf-4a96-9a85-a6e23a8c635c") == "performance"


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

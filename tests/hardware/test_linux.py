"""Recorded Linux PCs: laptops with two kinds of cores, WSL2, containers, ARM, nothing."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from galosh.hardware import linux_texts as texts
from galosh.hardware.desktop_linux import can_connect, read_display
from galosh.hardware.facts import GpuFacts, Machine
from galosh.hardware.nvml import read_gpus
from galosh.hardware.probe import ask
from galosh.hardware.probe_linux import LinuxFiles, LinuxProbe
from galosh.hardware.run import Answer
from tests.hardware import recorded
from tests.hardware.recorded import GIB, tree


class Programs:
    """Answers for programs by name; anything else is missing."""

    def __init__(self, answers: Mapping[str, str | None]) -> None:
        self.answers = answers
        self.asked: list[list[str]] = []

    def __call__(self, command: Sequence[str]) -> Answer:
        self.asked.append(list(command))
        text = self.answers.get(command[0])
        return Answer(text, "recorded" if text is not None else f"no {command[0]}")


def machine(
    root: Path,
    files: Mapping[str, str],
    programs: Mapping[str, str | None] | None = None,
    architecture: str = "x86_64",
    affinity: int | None = None,
    target: str = "/nowhere/models",
) -> Machine:
    """The Machine that a PC with these files would give."""
    probe = LinuxProbe(
        LinuxFiles(tree(root, dict(files))), Programs(programs or {}), {}, architecture,
        lambda: affinity, lambda address: False, lambda: (),
    )  # fmt: skip
    return ask(probe, Path(target), 10)


def test_laptop_with_two_kinds_of_cores(tmp_path: Path) -> None:
    pc = machine(tmp_path, recorded.ALDER_LAKE, affinity=16, target="/media/win disk/models")
    assert pc.os.distribution.value == "Ubuntu 24.04.1 LTS"
    assert pc.os.wsl.value == 0
    assert pc.os.container.value == ""
    assert pc.cpu.model.value == "12th Gen Intel(R) Core(TM) i7-1260P"
    assert {"avx2", "fma", "f16c", "bmi2"} <= (pc.cpu.flags.value or set())
    assert pc.cpu.logical_cores.value == 16
    assert pc.cpu.physical_cores.value == 12
    assert (pc.cpu.performance_cores.value, pc.cpu.efficiency_cores.value) == (4, 8)
    assert pc.cpu.performance_cores.source == "/sys/devices/cpu_core"
    assert pc.cpu.quota_cores.value is None
    assert pc.threads == 4
    assert pc.memory.installed_bytes.value == 16303428 * 1024
    assert pc.memory.available_bytes.value == 9876543 * 1024
    assert pc.memory.limit_bytes.value is None
    assert pc.swap.total_bytes.value == 2097148 * 1024
    assert pc.swap.zram_bytes.value == 8388604 * 1024
    assert pc.swap.commit_limit_bytes.value == 10248860 * 1024
    assert pc.power.on_battery.value is True
    assert pc.power.profile.value == "low-power"
    assert pc.swap.disk_kind.value == "ssd", "the file's, not zram's"
    assert (pc.swap.filesystem.value, pc.swap.grows.value) == ("ext4", False)
    assert len(pc.gpus) == 1
    assert pc.gpus[0].vendor.value == "intel"
    assert pc.gpus[0].driver.value == "i915"
    assert pc.gpus[0].integrated.value is True
    assert pc.gpus[0].total_bytes.value is None


def test_disk_of_the_target_not_of_the_root(tmp_path: Path) -> None:
    text = recorded.ALDER_LAKE["/proc/self/mountinfo"]
    mount = texts.find_mount(text, "/media/win disk/models")
    assert mount is not None
    assert (mount.filesystem, mount.source) == ("fuseblk", "/dev/sda1")
    root = texts.find_mount(text, "/media/windows")
    assert root is not None
    assert root.filesystem == "ext4"
    pc = machine(tmp_path, recorded.ALDER_LAKE)
    assert pc.disk.filesystem.value == "ext4"
    assert (pc.disk.free_bytes.value or 0) > 0


def test_wsl2(tmp_path: Path) -> None:
    pc = machine(tmp_path, recorded.WSL2, {"/usr/lib/wsl/lib/nvidia-smi": recorded.NVIDIA_SMI})
    assert pc.os.wsl.value == 2
    assert pc.cpu.physical_cores.value == 8
    assert pc.threads == 8
    assert pc.disk.kind.value is None, "a virtual disk says nothing about what lies under it"
    assert pc.disk.filesystem.value == "ext4"
    assert [gpu.name.value for gpu in pc.gpus] == ["NVIDIA GeForce RTX 3060"]
    assert texts.read_wsl("4.4.0-19041-Microsoft") == 1


def test_container_with_quota_and_limit(tmp_path: Path) -> None:
    pc = machine(tmp_path, recorded.CONTAINER_V2, affinity=32)
    assert pc.os.container.value == "docker"
    assert pc.cpu.quota_cores.value == 2.5
    assert pc.threads == 2
    assert pc.memory.limit_bytes.value == 4 * GIB
    assert pc.memory.available_bytes.value == 2 * GIB
    assert pc.memory.limit_bytes.source.endswith("memory.max")


def test_nested_groups_count_the_tightest(tmp_path: Path) -> None:
    pc = machine(tmp_path, recorded.NESTED_V2)
    assert pc.memory.limit_bytes.value == 2 * GIB
    assert pc.memory.available_bytes.value == GIB // 2, "an outer group is nearly full"
    assert pc.cpu.quota_cores.value == 0.5
    assert pc.threads == 1


def test_cgroup_v1(tmp_path: Path) -> None:
    pc = machine(tmp_path, recorded.CONTAINER_V1)
    assert pc.os.container.value == "docker"
    assert pc.memory.limit_bytes.value == 2 * GIB
    assert pc.memory.available_bytes.value == GIB
    assert pc.cpu.quota_cores.value == 1.5


def test_arm_board(tmp_path: Path) -> None:
    pc = machine(tmp_path, recorded.ARM_BIG_LITTLE, architecture="aarch64", affinity=8)
    assert pc.os.architecture.value == "arm64"
    assert pc.cpu.model.value == "ARM Cortex-A55"
    assert "asimddp" in (pc.cpu.flags.value or set())
    assert (pc.cpu.performance_cores.value, pc.cpu.efficiency_cores.value) == (4, 4)
    assert pc.cpu.physical_cores.value == 8
    assert pc.threads == 4


def test_favoured_cores_are_no_second_kind(tmp_path: Path) -> None:
    folder = "/sys/devices/system/cpu"
    speeds = {
        f"{folder}/cpu{i}/cpufreq/cpuinfo_max_freq": str(4_500_000 + i * 90_000) for i in range(4)
    }
    files = {"/proc/cpuinfo": recorded.x86_cpuinfo("Ryzen", [(0, i) for i in range(4)]), **speeds}
    pc = machine(tmp_path, files)
    assert (pc.cpu.performance_cores.value, pc.cpu.efficiency_cores.value) == (4, 0)


def test_amd_cards_and_built_in_gpus(tmp_path: Path) -> None:
    card, built_in = machine(tmp_path, recorded.AMD_GPUS).gpus
    assert card.total_bytes.value == 16 * GIB
    assert card.free_bytes.value == 13 * GIB
    assert card.integrated.value is False
    assert built_in.integrated.value is True
    assert card.name.value == "AMD GPU [1002:744C]"


@pytest.mark.parametrize(
    ("answer", "total", "free"),
    [
        (recorded.NVIDIA_SMI, 12288 << 20, 11021 << 20),
        (recorded.NVIDIA_SMI_MIG, None, None),
        (recorded.RUBBISH, None, None),
        ("", None, None),
        (None, None, None),
    ],
)
def test_nvidia(tmp_path: Path, answer: str | None, total: int | None, free: int | None) -> None:
    pc = machine(tmp_path, recorded.NVIDIA_PC, {"nvidia-smi": answer})
    [gpu] = pc.gpus
    assert (gpu.name.value or "").startswith("NVIDIA")
    assert (gpu.total_bytes.value, gpu.free_bytes.value) == (total, free)
    assert gpu.total_bytes.source
    assert gpu.integrated.value is False


def test_no_nvidia_program_is_run_without_a_card(tmp_path: Path) -> None:
    programs = Programs({})
    asked: list[str] = []

    def nvml() -> tuple[GpuFacts, ...]:
        asked.append("nvml")
        return ()

    files = LinuxFiles(tree(tmp_path, recorded.AMD_GPUS))
    LinuxProbe(files, programs, {}, nvml=nvml).gpus()
    assert asked == []
    assert programs.asked == []


class NvmlLibrary:
    """libnvidia-ml as its callers see it; `broken` names the calls that fail."""

    def __init__(self, *broken: str) -> None:
        self.broken = broken
        self.open = 0

    def nvmlInit_v2(self) -> int:
        self.open += 1
        return int("init" in self.broken)

    def nvmlShutdown(self) -> int:
        self.open -= 1
        return 0

    def nvmlDeviceGetCount_v2(self, place: Any) -> int:
        place._obj.value = 2
        return int("count" in self.broken)

    def nvmlSystemGetDriverVersion(self, buffer: Any, size: Any) -> int:
        buffer.value = b"550.90.07"
        return int("driver" in self.broken)

    def nvmlDeviceGetHandleByIndex_v2(self, index: Any, place: Any) -> int:
        place._obj.value = 1000 + index.value
        return int(index.value == 1 and "second" in self.broken)

    def nvmlDeviceGetName(self, handle: Any, buffer: Any, size: Any) -> int:
        buffer.value = f"GPU {handle.value}".encode()
        return 0

    def nvmlDeviceGetMemoryInfo(self, handle: Any, place: Any) -> int:
        info = place._obj
        info.total, info.free, info.used = 12 * GIB, 11 * GIB, GIB
        return int("memory" in self.broken)


def test_nvml_gives_names_and_free_memory() -> None:
    library = NvmlLibrary()
    first, second = read_gpus(library)
    assert (first.name.value, second.name.value) == ("GPU 1000", "GPU 1001")
    assert (first.total_bytes.value, first.free_bytes.value) == (12 * GIB, 11 * GIB)
    assert first.driver.value == "550.90.07"
    assert library.open == 0
    [only] = read_gpus(NvmlLibrary("second", "memory", "driver"))
    assert (only.free_bytes.value, only.driver.value) == (None, None)
    assert only.free_bytes.source
    assert read_gpus(NvmlLibrary("init")) == ()
    assert read_gpus(NvmlLibrary("count")) == ()


def test_nvml_goes_before_nvidia_smi(tmp_path: Path) -> None:
    programs = Programs({"nvidia-smi": recorded.NVIDIA_SMI})
    files = LinuxFiles(tree(tmp_path, recorded.NVIDIA_PC))
    found = LinuxProbe(files, programs, {}, nvml=lambda: read_gpus(NvmlLibrary())).gpus()
    assert [gpu.free_bytes.source for gpu in found] == ["NVML", "NVML"]
    assert programs.asked == []


def test_swap_on_a_turning_disk_and_another_root(tmp_path: Path) -> None:
    swaps = "Filename Type Size Used Priority\n/dev/sda1 partition 999 0 -3\n"
    files = {**recorded.ALDER_LAKE, "/proc/swaps": swaps}
    assert machine(tmp_path / "a", files).swap.disk_kind.value == "hdd"
    none = machine(tmp_path / "b", {**recorded.ALDER_LAKE, "/proc/swaps": "Filename\n"})
    assert none.swap.disk_kind.value is None
    both = swaps + "/swap\\040file file 5 0 10\n/dev/zram0 partition 9 0 100\nrubbish\n"
    assert texts.read_swap_places(both) == ["/swap file", "/dev/sda1"]


def test_without_a_firmware_profile_the_processors_preference(tmp_path: Path) -> None:
    folder = "/sys/devices/system/cpu/cpu0/cpufreq"
    files = {f"{folder}/energy_performance_preference": "balance_power\n"}
    pc = machine(tmp_path, files)
    assert (pc.power.profile.value, pc.power.profile.source) == (
        "balance_power", f"{folder}/energy_performance_preference",
    )  # fmt: skip


def test_nothing_to_read_at_all(tmp_path: Path) -> None:
    pc = machine(tmp_path, {})
    assert pc.memory.installed_bytes.value is None
    assert pc.memory.available_bytes.value is None
    assert pc.cpu.flags.value is None
    assert pc.os.container.value is None
    assert pc.power.on_battery.value is None
    assert pc.gpus == ()
    assert pc.threads >= 1
    assert "/proc/meminfo" in pc.memory.installed_bytes.source


@pytest.mark.parametrize("meminfo", ["MemTotal: 0 kB\nMemAvailable: 0 kB\n", "\0\xff garbage", ""])
def test_no_ram_and_rubbish_are_no_crash(tmp_path: Path, meminfo: str) -> None:
    files = {"/proc/meminfo": meminfo, "/proc/cpuinfo": "\0:::\n\n\n:", "/proc/swaps": "x\ny zram",
             "/proc/self/cgroup": "::::\n0::../../..\n", "/proc/self/mountinfo": "a - b\n\n",
             "/sys/devices/system/cpu/online": "0-99999999999,x,-1\n"}  # fmt: skip
    pc = machine(tmp_path, files)
    assert pc.threads >= 1
    assert pc.memory.installed_bytes.value in (0, None)


def test_one_core(tmp_path: Path) -> None:
    files = {"/proc/cpuinfo": "processor\t: 0\nmodel name\t: Intel Atom\nflags\t\t: sse2\n"}
    pc = machine(tmp_path, files, affinity=1)
    assert pc.cpu.logical_cores.value == 1
    assert pc.threads == 1


def test_old_kernels_memory_is_reckoned() -> None:
    meminfo = texts.read_meminfo("MemFree: 100 kB\nBuffers: 20 kB\nCached: 30 kB\n")
    assert texts.available_memory(meminfo) == 150 * 1024
    assert texts.available_memory({"MemFree": 1}) is None


def test_desktop_counts_only_if_it_answers(tmp_path: Path) -> None:
    environ = {"WAYLAND_DISPLAY": "wayland-0", "DISPLAY": ":0", "XDG_RUNTIME_DIR": "/run/user/7"}
    assert read_display(environ, lambda address: True).kind.value == "wayland"
    only_x11 = read_display(environ, lambda address: "X11-unix" in str(address))
    assert only_x11.kind.value == "x11"
    forwarded = read_display(
        {"DISPLAY": "localhost:10.0"}, lambda address: address == ("localhost", 6010)
    )
    assert forwarded.kind.value == "x11"
    dead = read_display(environ, lambda address: False)
    assert dead.kind.value is None
    assert "DISPLAY=:0" in dead.kind.source
    assert read_display({"DISPLAY": "::::"}, lambda address: True).kind.value is None
    assert read_display({}, lambda address: True).kind.value is None


if sys.platform != "win32":

    def test_a_real_socket_answers_and_a_stale_one_does_not(tmp_path: Path) -> None:
        path = str(tmp_path / "wayland-0")
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path)
            assert not can_connect(path), "nobody listens yet"
            server.listen(1)

            def greet() -> None:
                server.accept()[0].close()

            waiter = threading.Thread(target=greet)
            waiter.start()
            assert can_connect(path)
            waiter.join()
        assert not can_connect(path)
        assert not can_connect("bad\0path" * 50)

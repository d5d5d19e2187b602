"""Recorded Macs: Apple silicon, Intel, and one whose programs fail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from galosh.hardware import mac_texts as texts
from galosh.hardware.facts import Machine
from galosh.hardware.probe import ask
from galosh.hardware.probe_darwin import DarwinProbe
from galosh.hardware.run import Answer
from tests.hardware import recorded

M2 = {
    "sysctl": recorded.SYSCTL_M2,
    "vm_stat": recorded.VM_STAT,
    "pmset": recorded.PMSET_BATTERY,
    "system_profiler": recorded.PROFILER_M2,
    "df": recorded.DF,
    "diskutil": recorded.DISKUTIL,
}
INTEL = {
    **M2,
    "sysctl": recorded.SYSCTL_INTEL,
    "system_profiler": recorded.PROFILER_INTEL,
    "pmset": "Now drawing from 'AC Power'\n",
}


def machine(answers: Mapping[str, str], target: Path) -> Machine:
    def run(command: Sequence[str]) -> Answer:
        text = answers.get(Path(command[0]).name)
        return Answer(text, "recorded" if text is not None else f"{command[0]} did not answer")

    return ask(DarwinProbe(run), target, 10)


def test_apple_silicon(tmp_path: Path) -> None:
    mac = machine(M2, tmp_path / "models")
    assert mac.os.system.value == "darwin"
    assert mac.os.distribution.value == "macOS 14.5"
    assert mac.os.architecture.value == "arm64"
    assert mac.os.emulated.value is False
    assert mac.cpu.model.value == "Apple M2"
    assert mac.cpu.flags.value == frozenset({"asimd", "asimddp", "i8mm", "bf16"})
    assert (mac.cpu.performance_cores.value, mac.cpu.efficiency_cores.value) == (4, 4)
    assert mac.threads == 4
    assert mac.memory.installed_bytes.value == 16 << 30
    assert mac.memory.available_bytes.value == 305_000 * 16384
    assert mac.swap.total_bytes.value == 2048 << 20
    assert mac.swap.free_bytes.value == int(1023.5 * (1 << 20))
    assert mac.power.on_battery.value is True
    assert mac.display.kind.value == "macos"
    assert mac.disk.kind.value == "ssd"
    assert mac.disk.filesystem.value == "apfs"
    [gpu] = mac.gpus
    assert gpu.name.value == "Apple M2"
    assert gpu.integrated.value is True
    assert gpu.total_bytes.value == int((16 << 30) * 2 / 3)


def test_a_wired_limit_the_user_set_counts(tmp_path: Path) -> None:
    text = recorded.SYSCTL_M2.replace("wired_limit_mb: 0", "wired_limit_mb: 12000")
    [gpu] = machine({**M2, "sysctl": text}, tmp_path).gpus
    assert gpu.total_bytes.value == 12000 << 20
    large = recorded.SYSCTL_M2.replace("17179869184", str(64 << 30))
    [gpu] = machine({**M2, "sysctl": large}, tmp_path).gpus
    assert gpu.total_bytes.value == 48 << 30


def test_intel(tmp_path: Path) -> None:
    mac = machine(INTEL, tmp_path)
    assert mac.os.architecture.value == "x86_64"
    assert {"avx", "avx2", "fma", "f16c", "bmi2", "sse4_2"} <= (mac.cpu.flags.value or set())
    assert (mac.cpu.performance_cores.value, mac.cpu.efficiency_cores.value) == (2, 0)
    assert mac.cpu.logical_cores.value == 4
    assert mac.threads == 2
    assert mac.power.on_battery.value is False
    built_in, card = mac.gpus
    assert built_in.integrated.value is True
    assert built_in.total_bytes.value == 1536 << 20
    assert card.integrated.value is False
    assert card.total_bytes.value == 4 << 30


def test_zero_performance_cores_are_guarded(tmp_path: Path) -> None:
    text = recorded.SYSCTL_M2.replace("perflevel0.physicalcpu: 4", "perflevel0.physicalcpu: 0")
    mac = machine({**M2, "sysctl": text}, tmp_path)
    assert mac.cpu.performance_cores.value == 8
    assert mac.threads == 8


def test_translated_python_is_noticed(tmp_path: Path) -> None:
    text = recorded.SYSCTL_M2.replace("proc_translated: 0", "proc_translated: 1")
    assert machine({**M2, "sysctl": text}, tmp_path).os.emulated.value is True


def test_programs_that_fail_or_print_rubbish(tmp_path: Path) -> None:
    for answers in ({}, dict.fromkeys(M2, recorded.RUBBISH), dict.fromkeys(M2, "")):
        mac = machine(answers, tmp_path)
        assert mac.memory.installed_bytes.value is None
        assert mac.memory.available_bytes.value is None
        assert mac.memory.available_bytes.source
        assert mac.disk.kind.value is None
        assert mac.gpus == ()
        assert mac.threads == 1


def test_low_power_mode() -> None:
    listed = "System-wide power settings:\nCurrently in use:\n lowpowermode         1\n sleep 1\n"
    assert texts.read_power_mode(listed) == "low-power"
    assert texts.read_power_mode(" powermode            2\n") == "high-power"
    assert texts.read_power_mode("Now drawing from 'AC Power'\n") is None


def test_texts_of_another_shape_are_unknown() -> None:
    assert texts.read_diskutil("<plist><array/></plist>") == (None, None)
    assert texts.read_swap_usage("total = 1G") is None
    assert texts.read_vm_stat("Pages free: 1.") is None
    assert texts.read_on_battery("") is None
    assert texts.read_df_device("map auto_home 0 0 0 100% /home") is None

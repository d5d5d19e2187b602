"""Reads a Mac's facts from its own programs: sysctl, vm_stat, pmset, diskutil, …

Runs nothing at import; every answer comes through a `Runner`, so recorded ones do too.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from galosh.base.texts import say
from galosh.hardware import mac_texts as texts
from galosh.hardware.disk import existing_parent, read_space
from galosh.hardware.facts import (
    CpuFacts,
    DiskFacts,
    DisplayFacts,
    Fact,
    GpuFacts,
    MemoryFacts,
    OsFacts,
    PowerFacts,
    SwapFacts,
)
from galosh.hardware.flags import mac_flags
from galosh.hardware.gpu_texts import read_system_profiler
from galosh.hardware.run import Runner

T = TypeVar("T")


class DarwinProbe:
    """A Mac, Apple silicon or Intel."""

    def __init__(self, run: Runner) -> None:
        self._run = run

    @functools.cached_property
    def _sysctl(self) -> dict[str, str]:
        return texts.read_sysctl(self._run(["/usr/sbin/sysctl", "-a"]).text or "")

    def os(self) -> OsFacts:
        """Version and architecture; a translated Python is told from a native one."""
        version = self._sysctl.get("kern.osproductversion")
        arm = texts.whole(self._sysctl, "hw.optional.arm64")
        translated = texts.whole(self._sysctl, "sysctl.proc_translated")
        return OsFacts(
            system=Fact("darwin", "sys.platform"),
            release=self._named("kern.osrelease", self._sysctl.get("kern.osrelease")),
            distribution=self._named(
                "kern.osproductversion", f"macOS {version}" if version else None
            ),
            wsl=Fact(0, "sys.platform"),
            container=Fact("", "sys.platform"),
            architecture=self._named(
                "hw.optional.arm64", ("arm64" if arm else "x86_64") if self._sysctl else None
            ),
            emulated=self._named(
                "sysctl.proc_translated", translated == 1 if self._sysctl else None
            ),
        )

    def cpu(self) -> CpuFacts:
        """Cores by performance level; Intel Macs have one level."""
        physical = texts.whole(self._sysctl, "hw.physicalcpu")
        levels = texts.whole(self._sysctl, "hw.nperflevels") or 1
        fast = texts.whole(self._sysctl, "hw.perflevel0.physicalcpu") or None
        slow = [
            texts.whole(self._sysctl, f"hw.perflevel{level}.physicalcpu") or 0
            for level in range(1, min(levels, 8))
        ]
        logical = texts.whole(self._sysctl, "hw.logicalcpu")
        place = "hw.perflevel0.physicalcpu" if fast else "hw.physicalcpu"
        return CpuFacts(
            model=self._named(
                "machdep.cpu.brand_string", self._sysctl.get("machdep.cpu.brand_string")
            ),
            flags=self._named("machdep.cpu, hw.optional", mac_flags(self._sysctl)),
            physical_cores=self._named("hw.physicalcpu", physical),
            performance_cores=self._named(place, fast or physical),
            efficiency_cores=self._named(
                "hw.perflevel1.physicalcpu", sum(slow) if physical else None
            ),
            logical_cores=self._named("hw.logicalcpu", logical),
            usable_cores=self._named("hw.logicalcpu", logical),
            quota_cores=Fact(None, say("hardware.why.no-limit", place="macOS")),
        )

    def memory(self) -> MemoryFacts:
        """RAM; macOS compresses and swaps by itself, so "free" alone means little."""
        answer = self._run(["/usr/bin/vm_stat"])
        return MemoryFacts(
            installed_bytes=self._named("hw.memsize", texts.whole(self._sysctl, "hw.memsize")),
            available_bytes=_read(answer.text, answer.why, texts.read_vm_stat, "vm_stat"),
            limit_bytes=Fact(None, say("hardware.why.no-limit", place="macOS")),
        )

    def swap(self) -> SwapFacts:
        """Swap files, which macOS makes as it needs them."""
        usage = texts.read_swap_usage(self._sysctl.get("vm.swapusage", ""))
        none = say("hardware.why.absent", place="macOS")
        return SwapFacts(
            total_bytes=self._named("vm.swapusage", usage[0] if usage else None),
            free_bytes=self._named("vm.swapusage", usage[1] if usage else None),
            zram_bytes=Fact(0, "sys.platform"),
            commit_limit_bytes=Fact(None, none),
            committed_bytes=Fact(None, none),
            grows=Fact(value=True, source="macOS"),
            disk_kind=Fact(None, none),
            filesystem=Fact(None, none),
        )

    def gpus(self) -> tuple[GpuFacts, ...]:
        """What system_profiler lists; it is slow, so it is asked only here."""
        answer = self._run(["/usr/sbin/system_profiler", "SPDisplaysDataType", "-json"])
        wired = texts.whole(self._sysctl, "iogpu.wired_limit_mb")
        return read_system_profiler(
            answer.text or "",
            "system_profiler",
            texts.whole(self._sysctl, "hw.memsize"),
            wired * 1024 * 1024 if wired else None,
        )

    def disk(self, path: Path) -> DiskFacts:
        """The volume of `path`, which need not exist yet."""
        folder = existing_parent(path)
        total, free = read_space(folder)
        device = texts.read_df_device(self._run(["/bin/df", "-P", str(folder)]).text or "")
        solid, filesystem = None, None
        if device:
            answer = self._run(["/usr/sbin/diskutil", "info", "-plist", device])
            solid, filesystem = texts.read_diskutil(answer.text or "")
        kind = None if solid is None else "ssd" if solid else "hdd"
        return DiskFacts(
            path=Fact(str(path), "paths"),
            total_bytes=total,
            free_bytes=free,
            kind=_fact(kind, "diskutil"),
            filesystem=_fact(filesystem, "diskutil"),
        )

    def power(self) -> PowerFacts:
        """Battery or mains, and Low Power Mode."""
        answer = self._run(["/usr/bin/pmset", "-g", "batt"])
        mode = self._run(["/usr/bin/pmset", "-g"])
        return PowerFacts(
            on_battery=_read(answer.text, answer.why, texts.read_on_battery, "pmset"),
            profile=_read(mode.text, mode.why, texts.read_power_mode, "pmset -g"),
        )

    def display(self) -> DisplayFacts:
        """Always the Mac's own desktop."""
        return DisplayFacts(Fact("macos", "sys.platform"))

    def _named(self, name: str, value: T | None) -> Fact[T]:
        return _fact(value, f"sysctl {name}")


def _fact(value: T | None, place: str) -> Fact[T]:
    return Fact(value, place if value is not None else say("hardware.why.absent", place=place))


def _read(text: str | None, why: str, reader: Callable[[str], T | None], program: str) -> Fact[T]:
    if text is None:
        return Fact(None, why)
    value = reader(text)
    if value is None:
        return Fact(None, say("hardware.why.rubbish", program=program))
    return Fact(value, program)

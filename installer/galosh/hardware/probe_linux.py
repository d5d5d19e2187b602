"""Reads a Linux PC's facts from /proc and /sys, below a root that tests can move."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from galosh.base.texts import say
from galosh.hardware import linux_texts as texts
from galosh.hardware.desktop_linux import Connect, can_connect, read_display
from galosh.hardware.disk_linux import read_disk, read_kind
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
from galosh.hardware.flags import normal_architecture
from galosh.hardware.gpus_linux import find_gpus
from galosh.hardware.limits_linux import LinuxLimits
from galosh.hardware.nvml import Nvml, ask_nvml
from galosh.hardware.run import Runner

# CPUs with less than this share of the strongest one's speed are the slow kind. Favoured
# cores of ordinary chips differ by less.
_STRONG_SHARE = 0.8
_MOST_BYTES = 4 * 1024 * 1024


class LinuxFiles:
    """Small text files below a root; a missing or unreadable one is None."""

    def __init__(self, root: Path = Path("/")) -> None:
        self.root = root

    def read(self, path: str) -> str | None:
        """The text of an absolute path."""
        try:
            with self.place(path).open("rb") as file:
                return file.read(_MOST_BYTES).decode("utf-8", "replace")
        except (OSError, ValueError):
            return None

    def names(self, path: str) -> list[str]:
        """The names in a folder, sorted; none when it cannot be read."""
        try:
            return sorted(entry.name for entry in self.place(path).iterdir())
        except OSError:
            return []

    def place(self, path: str) -> Path:
        """Where an absolute path lies below the root."""
        return self.root / path.lstrip("/")


def usable_cpus() -> int | None:
    """How many logical CPUs this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return None


class LinuxProbe:
    """A Linux PC."""

    def __init__(
        self,
        files: LinuxFiles,
        run: Runner,
        environ: Mapping[str, str],
        machine: str | None = None,
        affinity: Callable[[], int | None] = usable_cpus,
        connect: Connect = can_connect,
        nvml: Nvml = ask_nvml,
    ) -> None:
        self._files = files
        self._run = run
        self._environ = environ
        self._connect = connect
        self._nvml = nvml
        self._machine = platform.machine() if machine is None else machine
        self._affinity = affinity
        self._limits = LinuxLimits(files)

    def os(self) -> OsFacts:
        """Kernel, distribution, WSL, container, architecture."""
        place = "/proc/sys/kernel/osrelease"
        release = (self._files.read(place) or "").strip() or None
        if release is None:
            place, release = "uname", platform.release() or None
        for source in ("/etc/os-release", "/usr/lib/os-release"):
            distribution = texts.read_os_release(self._files.read(source))
            if distribution:
                break
        return OsFacts(
            system=Fact("linux", "sys.platform"),
            release=Fact(release, place),
            distribution=self._fact(distribution, source),
            wsl=Fact(texts.read_wsl(release), place),
            container=self._container(),
            architecture=Fact(normal_architecture(self._machine), "uname"),
            emulated=Fact(None, say("hardware.why.absent", place="Linux")),
        )

    def cpu(self) -> CpuFacts:
        """Model, flags and cores; each from the best place that answers."""
        info = texts.read_cpuinfo(self._files.read("/proc/cpuinfo") or "")
        place = "/proc/cpuinfo"
        online = texts.read_cpu_list(self._files.read("/sys/devices/system/cpu/online"))
        logical = self._fact(info.logical_cores, place)
        if logical.value is None and online:
            logical = Fact(len(online), "/sys/devices/system/cpu/online")
        if logical.value is None:
            logical = Fact(os.cpu_count(), "os.cpu_count")
        cpus = online or frozenset(range(logical.value or 0))
        siblings = self._siblings(cpus)
        physical = self._fact(info.physical_cores, place)
        if siblings:
            physical = Fact(texts.count_cores(cpus, siblings), "/sys/…/cpu*/topology")
        performance, efficiency = self._kinds(cpus, siblings, physical)
        return CpuFacts(
            model=self._fact(info.model or self._board(), place),
            flags=self._fact(info.flags, place),
            physical_cores=physical,
            performance_cores=performance,
            efficiency_cores=efficiency,
            logical_cores=logical,
            usable_cores=Fact(self._affinity(), "sched_getaffinity"),
            quota_cores=self._limits.quota(),
        )

    def memory(self) -> MemoryFacts:
        """RAM, with the cgroup's limit taken into account."""
        place = "/proc/meminfo"
        meminfo = texts.read_meminfo(self._files.read(place) or "")
        available = self._fact(texts.available_memory(meminfo), f"{place} MemAvailable")
        limit = self._limits.memory()
        room = self._limits.memory_room()
        if room.value is not None and (available.value is None or room.value < available.value):
            available = room
        return MemoryFacts(
            installed_bytes=self._fact(meminfo.get("MemTotal"), f"{place} MemTotal"),
            available_bytes=available,
            limit_bytes=limit,
        )

    def swap(self) -> SwapFacts:
        """Swap, the part of it that is compressed RAM, and what is promised to programs."""
        place = "/proc/meminfo"
        meminfo = texts.read_meminfo(self._files.read(place) or "")
        swaps = self._files.read("/proc/swaps")
        places = texts.read_swap_places(swaps)
        absent = say("hardware.why.absent", place="/proc/swaps")
        root = texts.find_mount(self._files.read("/proc/self/mountinfo") or "", "/")
        return SwapFacts(
            total_bytes=self._fact(meminfo.get("SwapTotal"), f"{place} SwapTotal"),
            free_bytes=self._fact(meminfo.get("SwapFree"), f"{place} SwapFree"),
            zram_bytes=self._fact(texts.read_zram(swaps), "/proc/swaps"),
            commit_limit_bytes=self._fact(meminfo.get("CommitLimit"), f"{place} CommitLimit"),
            committed_bytes=self._fact(meminfo.get("Committed_AS"), f"{place} Committed_AS"),
            grows=Fact(value=False, source="Linux"),
            disk_kind=read_kind(self._files, places[0]) if places else Fact(None, absent),
            filesystem=self._fact(root.filesystem if root else None, "/proc/self/mountinfo /"),
        )

    def power(self) -> PowerFacts:
        """Battery or mains, and the platform's profile."""
        folder = "/sys/class/power_supply"
        battery = mains = discharging = False
        for name in self._files.names(folder):
            kind = (self._files.read(f"{folder}/{name}/type") or "").strip()
            scope = (self._files.read(f"{folder}/{name}/scope") or "").strip()
            if kind == "Battery" and scope != "Device":  # not a mouse's battery
                battery = True
                status = (self._files.read(f"{folder}/{name}/status") or "").strip()
                discharging |= status == "Discharging"
            elif kind in ("Mains", "USB"):
                mains |= (self._files.read(f"{folder}/{name}/online") or "").strip() == "1"
        profile, place = self._profile()
        readable = self._files.place(folder).is_dir()
        on_battery = battery and (discharging or not mains)
        return PowerFacts(
            on_battery=self._fact(on_battery if readable else None, folder),
            profile=self._fact(profile, place),
        )

    def _profile(self) -> tuple[str | None, str]:
        """The firmware's profile; without one what the processor is asked to prefer."""
        places = (
            "/sys/firmware/acpi/platform_profile",
            "/sys/devices/system/cpu/cpu0/cpufreq/energy_performance_preference",
        )
        for place in places:
            profile = (self._files.read(place) or "").strip()
            if profile:
                return profile, place
        return None, places[0]

    def gpus(self) -> tuple[GpuFacts, ...]:
        """See `find_gpus`."""
        return find_gpus(self._files, self._run, self._nvml)

    def disk(self, path: Path) -> DiskFacts:
        """See `read_disk`."""
        return read_disk(self._files, path)

    def display(self) -> DisplayFacts:
        """See `read_display`."""
        return read_display(self._environ, self._connect)

    def _fact(self, value: texts.V | None, place: str) -> Fact[texts.V]:
        source = place if value is not None else say("hardware.why.absent", place=place)
        return Fact(value, source)

    def _board(self) -> str | None:
        text = self._files.read("/proc/device-tree/model") or ""
        return text.strip("\0 \n") or None

    def _siblings(self, cpus: frozenset[int]) -> dict[int, frozenset[int]]:
        siblings: dict[int, frozenset[int]] = {}
        for cpu in cpus:
            folder = f"/sys/devices/system/cpu/cpu{cpu}/topology"
            text = self._files.read(f"{folder}/core_cpus_list")
            text = text or self._files.read(f"{folder}/thread_siblings_list")
            found = texts.read_cpu_list(text)
            if found:
                siblings[cpu] = found
        return siblings

    def _kinds(
        self, cpus: frozenset[int], siblings: dict[int, frozenset[int]], physical: Fact[int]
    ) -> tuple[Fact[int], Fact[int]]:
        """Performance and efficiency cores."""
        fast = texts.read_cpu_list(self._files.read("/sys/devices/cpu_core/cpus"))
        slow = texts.read_cpu_list(self._files.read("/sys/devices/cpu_atom/cpus"))
        place = "/sys/devices/cpu_core"
        if not (fast and slow):
            for name in ("cpu_capacity", "cpufreq/cpuinfo_max_freq"):
                strengths = self._strengths(cpus, name)
                fast = texts.split_by_strength(strengths, _STRONG_SHARE)
                slow = frozenset(strengths) - fast
                place = f"/sys/devices/system/cpu/cpu*/{name}"
                if slow:
                    break
        if fast and slow:
            return (
                Fact(texts.count_cores(fast, siblings), place),
                Fact(texts.count_cores(slow, siblings), place),
            )
        if physical.value is None:
            return Fact(None, physical.source), Fact(None, physical.source)
        return Fact(physical.value, physical.source), Fact(0, physical.source)

    def _strengths(self, cpus: frozenset[int], name: str) -> dict[int, int]:
        found = {
            cpu: texts.read_whole(self._files.read(f"/sys/devices/system/cpu/cpu{cpu}/{name}"))
            for cpu in cpus
        }
        return {cpu: value for cpu, value in found.items() if value}

    def _container(self) -> Fact[str]:
        if self._files.place("/.dockerenv").exists():
            return Fact("docker", "/.dockerenv")
        if self._files.place("/run/.containerenv").exists():
            return Fact("podman", "/run/.containerenv")
        named = (self._files.read("/run/systemd/container") or "").strip()
        if named:
            return Fact(named, "/run/systemd/container")
        place = "/proc/1/environ"
        match = re.search(r"(?:^|\0)container=([\w-]+)", self._files.read(place) or "")
        if match:
            return Fact(match[1], place)
        place = "/proc/self/cgroup"
        text = self._files.read(place)
        match = re.search(r"docker|kubepods|lxc|containerd|libpod", text or "")
        if match:
            return Fact({"kubepods": "kubernetes"}.get(match[0], match[0]), place)
        return self._fact("" if text is not None else None, place)

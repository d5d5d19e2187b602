"""Reads how much CPU time and memory a Linux control group grants this process.

A limit anywhere between the own group and the root counts, so the walk goes all the way
up; where a container hides the path, what is mounted at the root is its own group.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from galosh.base.texts import say
from galosh.hardware import linux_texts as texts
from galosh.hardware.facts import Fact

_MOUNT = "/sys/fs/cgroup"


class Files(Protocol):
    """What is needed of the file system."""

    def read(self, path: str) -> str | None:
        """The text of a file; None when it cannot be read."""


class LinuxLimits:
    """The limits of cgroup v1 and v2."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def quota(self) -> Fact[float]:
        """Cores' worth of CPU time; None where nothing limits it."""
        found: list[tuple[float, str]] = []
        for folder in self._folders(""):
            cores = texts.read_cpu_max(self._files.read(f"{folder}/cpu.max"))
            if cores is not None:
                found.append((cores, f"{folder}/cpu.max"))
        for folder in self._folders("cpu"):
            name = f"{folder}/cpu.cfs_quota_us"
            period = self._files.read(f"{folder}/cpu.cfs_period_us")
            cores = texts.read_cfs_quota(self._files.read(name), period)
            if cores is not None:
                found.append((cores, name))
        if not found:
            return Fact(None, say("hardware.why.no-limit", place="cgroup cpu"))
        return Fact(*min(found))

    def memory(self) -> Fact[int]:
        """The tightest memory limit in bytes; None where there is none."""
        found = [(limit, place) for limit, place, _ in self._memory_limits()]
        if not found:
            return Fact(None, say("hardware.why.no-limit", place="cgroup memory"))
        return Fact(*min(found))

    def memory_room(self) -> Fact[int]:
        """Bytes this process can still get below its limits."""
        rooms: list[tuple[int, str]] = []
        for limit, place, folder in self._memory_limits():
            current = texts.read_whole(
                self._files.read(f"{folder}/memory.current")
                or self._files.read(f"{folder}/memory.usage_in_bytes")
            )
            if current is not None:
                cache = texts.read_inactive_file(self._files.read(f"{folder}/memory.stat"))
                rooms.append((max(0, limit - current + cache), f"{place} − current"))
        if not rooms:
            return Fact(None, say("hardware.why.no-limit", place="cgroup memory"))
        return Fact(*min(rooms))

    def _memory_limits(self) -> Iterator[tuple[int, str, str]]:
        names = {"": ("memory.max", "memory.high"), "memory": ("memory.limit_in_bytes",)}
        for controller, files in names.items():
            for folder in self._folders(controller):
                for name in files:
                    limit = texts.read_limit(self._files.read(f"{folder}/{name}"))
                    if limit is not None:
                        yield limit, f"{folder}/{name}", folder

    def _folders(self, controller: str) -> Iterator[str]:
        """The own group's folder and all above it, the mount's root last."""
        mounts = {
            "": (_MOUNT, f"{_MOUNT}/unified"),
            "cpu": (f"{_MOUNT}/cpu", f"{_MOUNT}/cpu,cpuacct"),
            "memory": (f"{_MOUNT}/memory",),
        }[controller]
        paths = [
            group.path
            for group in texts.read_cgroups(self._files.read("/proc/self/cgroup"))
            if group.controller == controller
        ]
        for mount in mounts:
            for path in paths or ["/"]:
                parts = [part for part in path.split("/") if part not in ("", "..")]
                for depth in range(len(parts), -1, -1):
                    yield "/".join([mount, *parts[:depth]])

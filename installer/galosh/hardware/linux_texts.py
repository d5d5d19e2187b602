"""Reads the texts of /proc and /sys. Pure: text in, values out, None for nonsense."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

V = TypeVar("V")

# A cgroup v1 limit of about 2^63 means "no limit".
_NO_LIMIT_BYTES = 1 << 60


def read_whole(text: str | None) -> int | None:
    """A whole number that stands alone in a file."""
    try:
        return int((text or "").strip(), 0)
    except ValueError:
        return None


def read_cpu_list(text: str | None) -> frozenset[int]:
    """`0-3,8,10-11` as a set; empty for nonsense."""
    cpus: set[int] = set()
    for part in (text or "").strip().split(","):
        match = re.fullmatch(r"(\d+)(?:-(\d+))?", part.strip())
        if match:
            first = int(match[1])
            last = int(match[2] or match[1])
            if last - first < 65_536:
                cpus.update(range(first, last + 1))
    return frozenset(cpus)


@dataclass(frozen=True)
class CpuInfo:
    """/proc/cpuinfo. Unknown is None; `flags` None means the file names none."""

    model: str | None
    flags: frozenset[str] | None
    logical_cores: int | None
    physical_cores: int | None


def read_cpuinfo(text: str) -> CpuInfo:
    """The processors of /proc/cpuinfo, x86 or ARM."""
    blocks = [_pairs(block) for block in re.split(r"\n\s*\n", text.strip())]
    processors = [block for block in blocks if "processor" in block]
    merged: dict[str, str] = {}
    for block in blocks:
        merged = {**block, **merged}
    flags = merged.get("flags") or merged.get("features") or merged.get("isa")
    names = ("model name", "hardware", "model", "cpu model", "uarch")
    model = next((merged[name] for name in names if not merged.get(name, "0").isdigit()), None)
    if model is None and merged.get("cpu implementer"):
        model = _arm_name(merged["cpu implementer"], merged.get("cpu part", ""))
    cores = {
        (block.get("physical id", "0"), block["core id"])
        for block in processors
        if "core id" in block
    }
    return CpuInfo(
        model=model,
        flags=frozenset(flags.split()) if flags else None,
        logical_cores=len(processors) or None,
        physical_cores=len(cores) or None,
    )


def _pairs(block: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for line in block.splitlines():
        name, colon, value = line.partition(":")
        if colon:
            pairs[name.strip().lower()] = value.strip()
    return pairs


_ARM_MAKERS = {"0x41": "ARM", "0x48": "HiSilicon", "0x51": "Qualcomm", "0x61": "Apple"}
_ARM_PARTS = {
    "0xd03": "Cortex-A53", "0xd04": "Cortex-A35", "0xd05": "Cortex-A55", "0xd08": "Cortex-A72",
    "0xd09": "Cortex-A73", "0xd0a": "Cortex-A75", "0xd0b": "Cortex-A76", "0xd0c": "Neoverse-N1",
    "0xd0d": "Cortex-A77", "0xd40": "Neoverse-V1", "0xd41": "Cortex-A78", "0xd44": "Cortex-X1",
    "0xd49": "Neoverse-N2", "0xd4f": "Neoverse-V2",
}  # fmt: skip


def _arm_name(maker: str, part: str) -> str:
    return f"{_ARM_MAKERS.get(maker, maker)} {_ARM_PARTS.get(part, part)}".strip()


def read_meminfo(text: str) -> dict[str, int]:
    """/proc/meminfo in bytes."""
    values: dict[str, int] = {}
    for line in text.splitlines():
        match = re.fullmatch(r"([\w()]+):\s+(\d+)(?: kB)?\s*", line)
        if match:
            values[match[1]] = int(match[2]) * (1024 if line.rstrip().endswith("kB") else 1)
    return values


def available_memory(meminfo: dict[str, int]) -> int | None:
    """MemAvailable, or what kernels before 3.14 let one reckon."""
    if "MemAvailable" in meminfo:
        return meminfo["MemAvailable"]
    parts = ("MemFree", "Buffers", "Cached")
    return sum(meminfo[part] for part in parts) if all(p in meminfo for p in parts) else None


def read_zram(swaps: str | None) -> int | None:
    """Bytes of swap on zram devices, from /proc/swaps."""
    if swaps is None:
        return None
    total = 0
    for line in swaps.splitlines()[1:]:
        fields = line.split()
        if len(fields) >= 3 and "zram" in fields[0] and fields[2].isdigit():
            total += int(fields[2]) * 1024
    return total


def read_swap_places(swaps: str | None) -> list[str]:
    """The devices and files of /proc/swaps that are on a disk, the first used first."""
    rows = [line.split() for line in (swaps or "").splitlines()[1:]]
    rows = [row for row in rows if len(row) >= 5 and "zram" not in row[0]]

    def priority(row: list[str]) -> int:
        return int(row[4]) if re.fullmatch(r"-?\d+", row[4]) else 0

    return [row[0].replace("\\040", " ") for row in sorted(rows, key=priority, reverse=True)]


class Cgroup(NamedTuple):
    """Where this process stands: hierarchy ("" is v2, else a v1 controller) and path."""

    controller: str
    path: str


def read_cgroups(text: str | None) -> tuple[Cgroup, ...]:
    """/proc/self/cgroup."""
    groups: list[Cgroup] = []
    for line in (text or "").splitlines():
        fields = line.split(":", 2)
        if len(fields) == 3:
            groups += [Cgroup(name, fields[2]) for name in fields[1].split(",")]
    return tuple(groups)


def read_cpu_max(text: str | None) -> float | None:
    """cgroup v2 cpu.max in cores; None for no limit."""
    fields = (text or "").split()
    if len(fields) == 2 and fields[0].isdigit() and fields[1].isdigit() and int(fields[1]):
        return int(fields[0]) / int(fields[1])
    return None


def read_cfs_quota(quota: str | None, period: str | None) -> float | None:
    """cgroup v1 quota in cores; None for no limit."""
    granted, every = read_whole(quota), read_whole(period)
    return granted / every if granted and every and granted > 0 and every > 0 else None


def read_limit(text: str | None) -> int | None:
    """A memory limit of either version; None for no limit."""
    limit = read_whole(text)
    return limit if limit is not None and 0 < limit < _NO_LIMIT_BYTES else None


def read_inactive_file(text: str | None) -> int:
    """Bytes of file cache that the kernel gives back first, from memory.stat."""
    for line in (text or "").splitlines():
        name, _, value = line.partition(" ")
        if name in ("total_inactive_file", "inactive_file") and value.strip().isdigit():
            return int(value)
    return 0


def read_os_release(text: str | None) -> str | None:
    """PRETTY_NAME of /etc/os-release."""
    for line in (text or "").splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip().strip("\"'") or None
    return None


def read_wsl(release: str | None) -> int | None:
    """WSL's version from the kernel's release; 0 for a plain Linux."""
    if release is None:
        return None
    text = release.lower()
    if "microsoft" not in text:
        return 0
    return 2 if "wsl2" in text or "standard" in text else 1


class Mount(NamedTuple):
    """A line of mountinfo."""

    device: str
    folder: str
    filesystem: str
    source: str


def find_mount(mountinfo: str, path: str) -> Mount | None:
    """The mount that holds `path` (absolute, links resolved)."""
    best: Mount | None = None
    for line in mountinfo.splitlines():
        left, dash, right = line.partition(" - ")
        fields, rest = left.split(), right.split()
        if not dash or len(fields) < 5 or len(rest) < 2:
            continue
        folder = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), fields[4])
        inside = path == folder or path.startswith(folder.rstrip("/") + "/")
        # A later mount over the same folder hides the earlier one.
        if inside and (best is None or len(folder) >= len(best.folder)):
            best = Mount(fields[2], folder, rest[0], rest[1])
    return best


def read_uevent(text: str | None) -> dict[str, str]:
    """KEY=value lines of a sysfs uevent file."""
    lines = (line.partition("=") for line in (text or "").splitlines())
    return {name: value for name, equals, value in lines if equals}


def split_by_strength(strengths: dict[int, int], share: float) -> frozenset[int]:
    """The CPUs whose strength is at least `share` of the strongest one's."""
    if not strengths:
        return frozenset()
    most = max(strengths.values())
    return frozenset(cpu for cpu, value in strengths.items() if value >= most * share)


def count_cores(cpus: Iterable[int], siblings: dict[int, frozenset[int]]) -> int:
    """How many cores `cpus` (logical ones) make up."""
    return len({min(siblings.get(cpu) or {cpu}) for cpu in cpus})

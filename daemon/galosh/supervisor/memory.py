"""What the system tells about memory when a worker dies, and what a worker holds.

Every probe answers None where the system does not say. Reads small files; never raises.
"""

from __future__ import annotations

import contextlib
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from galosh.supervisor.pressure import Signs

_CGROUP_ROOT = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class MemoryNow:
    """Free and installed memory in bytes, and out-of-memory kills counted so far."""

    available_bytes: int | None
    total_bytes: int | None
    oom_kills: int | None


def read_memory() -> MemoryNow:
    """The facts of this moment."""
    import psutil

    available: int | None = None
    total: int | None = None
    with contextlib.suppress(Exception):
        facts = psutil.virtual_memory()
        available, total = int(facts.available), int(facts.total)
    return MemoryNow(available, total, _oom_kills())


def memory_now() -> Signs:
    """Free and total memory, the container's limit taken into account."""
    from galosh.hardware.probe import system_prober

    with contextlib.suppress(Exception):
        facts = system_prober().memory()
        sizes = (facts.installed_bytes.value, facts.limit_bytes.value)
        total = min((size for size in sizes if size), default=None)
        return Signs(facts.available_bytes.value, total)
    return Signs(None, None)


def worker_bytes(pid: int) -> int | None:
    """Resident memory of the process in bytes (mapped model pages included)."""
    import psutil

    try:
        return int(psutil.Process(pid).memory_info().rss)
    except (psutil.Error, OSError):
        return None


def own_bytes(pid: int) -> int | None:
    """What would be free if the process ended: without the pages of mapped files, which the
    system (Linux) counts as available all along."""
    import psutil

    try:
        facts = psutil.Process(pid).memory_info()
    except (psutil.Error, OSError):
        return None
    return max(0, int(facts.rss) - int(getattr(facts, "shared", 0)))


def count_oom_kills(vmstat: str | None, cgroup_events: str | None) -> int | None:
    """The sum of both counters; the system's rises for every kill, the group's for its own."""
    found = [
        int(match.group(1))
        for text in (vmstat, cgroup_events)
        if text is not None and (match := re.search(r"^oom_kill (\d+)$", text, re.MULTILINE))
    ]
    return sum(found) if found else None


def own_group() -> Path | None:
    """The folder of our own control group; None where there is none of version 2."""
    group = _read(Path("/proc/self/cgroup")) or ""
    match = re.search(r"^0::(/.*)$", group, re.MULTILINE)
    return _CGROUP_ROOT / match.group(1).lstrip("/") if match else None


def _oom_kills() -> int | None:
    if sys.platform != "linux":
        return None
    events = _read((own_group() or _CGROUP_ROOT) / "memory.events")
    return count_oom_kills(_read(Path("/proc/vmstat")), events)


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None

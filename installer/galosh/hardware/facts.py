"""What is known about this PC. Pure data: every value says where it came from.

A fact is never invented: what could not be read is None, and its source then says why.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Fact(Generic[T]):
    """A value and its source; for None the source is the reason."""

    value: T | None
    source: str

    def to_json(self) -> dict[str, object]:
        """`{"value": …, "source": …}`; sets become sorted lists."""
        value: object = self.value
        if isinstance(value, frozenset):
            value = sorted(value)
        return {"value": value, "source": self.source}


def _unread() -> Fact[Any]:
    return Fact(None, "not read")


@dataclass(frozen=True)
class OsFacts:
    """The operating system. `wsl`: 0 none, 1 or 2. `container`: its kind, "" for none.

    `architecture` is the PC's own (x86_64, arm64, …); `emulated`: this Python runs on
    another one through translation (Rosetta, Windows on ARM).
    """

    system: Fact[str] = field(default_factory=_unread)
    release: Fact[str] = field(default_factory=_unread)
    distribution: Fact[str] = field(default_factory=_unread)
    wsl: Fact[int] = field(default_factory=_unread)
    container: Fact[str] = field(default_factory=_unread)
    architecture: Fact[str] = field(default_factory=_unread)
    emulated: Fact[bool] = field(default_factory=_unread)


@dataclass(frozen=True)
class CpuFacts:
    """The processor. `usable_cores`: logical ones this process may use (affinity);
    `quota_cores`: how many cores' worth of time a container grants."""

    model: Fact[str] = field(default_factory=_unread)
    flags: Fact[frozenset[str]] = field(default_factory=_unread)
    physical_cores: Fact[int] = field(default_factory=_unread)
    performance_cores: Fact[int] = field(default_factory=_unread)
    efficiency_cores: Fact[int] = field(default_factory=_unread)
    logical_cores: Fact[int] = field(default_factory=_unread)
    usable_cores: Fact[int] = field(default_factory=_unread)
    quota_cores: Fact[float] = field(default_factory=_unread)


@dataclass(frozen=True)
class MemoryFacts:
    """RAM. `available_bytes`: what programs can get now without swapping, the container's
    limit taken into account. `limit_bytes`: that limit; None where there is none."""

    installed_bytes: Fact[int] = field(default_factory=_unread)
    available_bytes: Fact[int] = field(default_factory=_unread)
    limit_bytes: Fact[int] = field(default_factory=_unread)


@dataclass(frozen=True)
class SwapFacts:
    """Swap and commit. `zram_bytes`: the part of the swap that itself lives in RAM.

    `grows`: the system enlarges it by itself. `disk_kind`: ssd or hdd, of the swap that is
    on a disk. `filesystem`: where a new swap file would lie.
    """

    total_bytes: Fact[int] = field(default_factory=_unread)
    free_bytes: Fact[int] = field(default_factory=_unread)
    zram_bytes: Fact[int] = field(default_factory=_unread)
    commit_limit_bytes: Fact[int] = field(default_factory=_unread)
    committed_bytes: Fact[int] = field(default_factory=_unread)
    grows: Fact[bool] = field(default_factory=_unread)
    disk_kind: Fact[str] = field(default_factory=_unread)
    filesystem: Fact[str] = field(default_factory=_unread)


@dataclass(frozen=True)
class GpuFacts:
    """A graphics processor. An integrated one takes its memory from RAM."""

    name: Fact[str] = field(default_factory=_unread)
    vendor: Fact[str] = field(default_factory=_unread)
    driver: Fact[str] = field(default_factory=_unread)
    total_bytes: Fact[int] = field(default_factory=_unread)
    free_bytes: Fact[int] = field(default_factory=_unread)
    integrated: Fact[bool] = field(default_factory=_unread)


@dataclass(frozen=True)
class DiskFacts:
    """The volume models go to. `kind`: ssd or hdd."""

    path: Fact[str] = field(default_factory=_unread)
    total_bytes: Fact[int] = field(default_factory=_unread)
    free_bytes: Fact[int] = field(default_factory=_unread)
    kind: Fact[str] = field(default_factory=_unread)
    filesystem: Fact[str] = field(default_factory=_unread)


@dataclass(frozen=True)
class PowerFacts:
    """Where the current comes from, and the system's power profile where it names one."""

    on_battery: Fact[bool] = field(default_factory=_unread)
    profile: Fact[str] = field(default_factory=_unread)


@dataclass(frozen=True)
class DisplayFacts:
    """The desktop: x11, wayland, windows, macos; None without one."""

    kind: Fact[str] = field(default_factory=_unread)


@dataclass(frozen=True)
class Machine:
    """This PC."""

    os: OsFacts = field(default_factory=OsFacts)
    cpu: CpuFacts = field(default_factory=CpuFacts)
    memory: MemoryFacts = field(default_factory=MemoryFacts)
    swap: SwapFacts = field(default_factory=SwapFacts)
    gpus: tuple[GpuFacts, ...] = ()
    disk: DiskFacts = field(default_factory=DiskFacts)
    power: PowerFacts = field(default_factory=PowerFacts)
    display: DisplayFacts = field(default_factory=DisplayFacts)

    @property
    def threads(self) -> int:
        """How many threads an engine should use: performance cores, no hyper-threads,
        capped by affinity and quota; at least 1."""
        cpu = self.cpu
        candidates = (cpu.performance_cores, cpu.physical_cores, cpu.logical_cores)
        cores = next((fact.value for fact in candidates if fact.value), None)
        usable, quota = cpu.usable_cores.value, cpu.quota_cores.value
        limits = [limit for limit in (cores, usable) if limit]
        if quota is not None and quota > 0:
            limits.append(math.floor(quota))
        return max(1, min(limits, default=1))

    def to_json(self) -> dict[str, object]:
        """Nested dicts; every leaf is `{"value": …, "source": …}`."""
        tables = {
            part.name: _table(getattr(self, part.name))
            for part in dataclasses.fields(self)
            if part.name != "gpus"
        }
        return {**tables, "gpus": [_table(gpu) for gpu in self.gpus], "threads": self.threads}


def _table(facts: object) -> dict[str, object]:
    assert dataclasses.is_dataclass(facts)
    return {part.name: getattr(facts, part.name).to_json() for part in dataclasses.fields(facts)}

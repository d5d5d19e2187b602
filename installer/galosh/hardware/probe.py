"""Puts the facts together: every probe in its own thread, all under one time limit.

Never raises and never waits longer than `LIMIT_SECONDS`; what did not answer is unknown.
"""

from __future__ import annotations

import dataclasses
import os
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from galosh.base.paths import Paths
from galosh.hardware.facts import (
    CpuFacts,
    DiskFacts,
    DisplayFacts,
    Fact,
    GpuFacts,
    Machine,
    MemoryFacts,
    OsFacts,
    PowerFacts,
    SwapFacts,
)
from galosh.hardware.run import PROGRAM_LIMIT_SECONDS, Watched, run_program

T = TypeVar("T")
# A little more than one program may take, so that its own limit is the one that acts.
LIMIT_SECONDS = 2 * PROGRAM_LIMIT_SECONDS + 1


class Prober(Protocol):
    """What each system's probe offers."""

    def os(self) -> OsFacts:
        """The operating system."""

    def cpu(self) -> CpuFacts:
        """The processor."""

    def memory(self) -> MemoryFacts:
        """RAM."""

    def swap(self) -> SwapFacts:
        """Swap and commit."""

    def gpus(self) -> tuple[GpuFacts, ...]:
        """Graphics processors."""

    def disk(self, path: Path) -> DiskFacts:
        """The volume of a path."""

    def power(self) -> PowerFacts:
        """Power."""

    def display(self) -> DisplayFacts:
        """The desktop."""


def probe(paths: Paths | None = None) -> Machine:
    """What is known about this PC. Never raises; at most `LIMIT_SECONDS` seconds."""
    target = (paths or Paths.find()).models
    try:
        prober = system_prober()
    except Exception as error:  # an odd system must still get a Machine
        return blank_machine(str(error))
    return ask(prober, target, LIMIT_SECONDS)


def probe_threads() -> int:
    """`Machine.threads`, of the processor alone: graphics and disk take their time."""
    machine = blank_machine("not asked")
    try:
        cpu = Watched(system_prober().cpu, "cpu")
    except Exception:  # an odd system, as above
        return machine.threads
    return dataclasses.replace(machine, cpu=cpu.result(blank_cpu, LIMIT_SECONDS)).threads


def system_prober() -> Prober:
    """The probe for this operating system."""
    if sys.platform == "win32":
        from galosh.hardware.probe_windows import WindowsProbe
        from galosh.hardware.windows_calls import SystemCalls

        return WindowsProbe(SystemCalls(), run_program)
    if sys.platform == "darwin":
        from galosh.hardware.probe_darwin import DarwinProbe

        return DarwinProbe(run_program)
    from galosh.hardware.probe_linux import LinuxFiles, LinuxProbe

    return LinuxProbe(LinuxFiles(), run_program, os.environ)


def ask(prober: Prober, target: Path, limit_seconds: float) -> Machine:
    """All of a prober's facts; those that fail or are slow become unknown."""
    deadline = time.monotonic() + limit_seconds

    def collect(watched: Watched[T], blank: Callable[[str], T]) -> T:
        return watched.result(blank, deadline - time.monotonic())

    system = Watched(prober.os, "os")
    cpu = Watched(prober.cpu, "cpu")
    memory = Watched(prober.memory, "memory")
    swap = Watched(prober.swap, "swap")
    gpus = Watched(prober.gpus, "gpus")
    disk = Watched(lambda: prober.disk(target), "disk")
    power = Watched(prober.power, "power")
    display = Watched(prober.display, "display")
    return Machine(
        os=collect(system, blank_os),
        cpu=collect(cpu, blank_cpu),
        memory=collect(memory, lambda why: blank(MemoryFacts, why)),
        swap=collect(swap, lambda why: blank(SwapFacts, why)),
        gpus=collect(gpus, lambda _: ()),
        disk=collect(disk, lambda why: blank(DiskFacts, why, path=Fact(str(target), "paths"))),
        power=collect(power, lambda why: blank(PowerFacts, why)),
        display=collect(display, lambda why: blank(DisplayFacts, why)),
    )


def blank_machine(why: str) -> Machine:
    """A PC of which only what Python itself knows is known."""
    return Machine(os=blank_os(why), cpu=blank_cpu(why))


def blank_os(why: str) -> OsFacts:
    """The system by Python's own word."""
    name = {"win32": "windows"}.get(sys.platform, sys.platform)
    return OsFacts(system=Fact(name, "sys.platform"), release=Fact(None, why))


def blank_cpu(why: str) -> CpuFacts:
    """The processor by Python's own word."""
    return CpuFacts(
        model=Fact(platform.processor() or None, why),
        logical_cores=Fact(os.cpu_count(), "os.cpu_count"),
    )


def blank(kind: type[T], why: str, **known: Fact[str]) -> T:
    """Facts of a kind, all unknown for one reason but those given."""
    assert dataclasses.is_dataclass(kind)
    unread = {part.name: Fact[object](None, why) for part in dataclasses.fields(kind)}
    return kind(**{**unread, **known})

"""The kernel's own signal: real triggers where this kernel has them, and the slow way."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from galosh.supervisor import watch_pressure
from galosh.supervisor.memory import memory_now
from galosh.supervisor.pressure import Signs
from tests.supervisor.kit import in_loop

if sys.platform != "linux":
    pytest.skip("Linux only", allow_module_level=True)

from galosh.supervisor.pressure_linux import LinuxWatch, pressure_files
from galosh.supervisor.watch_pressure import SlowWatch, system_watch


@in_loop
async def test_the_system_watch_opens_and_closes_without_a_trace() -> None:
    before = set(Path("/proc/self/fd").iterdir())
    watch = system_watch()
    heard: list[Signs] = []
    watch.open(heard.append)
    await asyncio.sleep(0.05)
    watch.close()
    assert heard == []  # this test puts nobody under pressure
    assert set(Path("/proc/self/fd").iterdir()) == before


@in_loop
async def test_a_watch_that_waits_does_not_wake_the_loop() -> None:
    loop = asyncio.get_running_loop()
    watch = system_watch()
    watch.open(lambda _: None)
    turns = 0
    selector = loop._selector  # type: ignore[attr-defined]
    plain = selector.select

    def counted(timeout: float | None = None) -> object:
        nonlocal turns
        turns += 1
        return plain(timeout)

    selector.select = counted
    await asyncio.sleep(0.3)
    watch.close()
    assert turns <= 3


@in_loop
async def test_without_the_kernels_signal_it_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch_pressure, "LOOK_SECONDS", 0.02)
    watch = LinuxWatch(SlowWatch(), (tmp_path / "no such file",))
    heard: list[Signs] = []
    watch.open(heard.append)
    await asyncio.sleep(0.1)
    watch.close()
    seen = len(heard)
    assert seen >= 2
    assert heard[0].available_bytes
    await asyncio.sleep(0.05)
    assert len(heard) == seen


def test_where_the_kernel_signals() -> None:
    assert pressure_files()[0] == Path("/proc/pressure/memory")
    signs = memory_now()
    assert signs.total_bytes
    assert signs.available_bytes
    assert signs.available_bytes <= signs.total_bytes

"""The watchdog: signs of life push the deadline back; silence ends the wait once."""

from __future__ import annotations

import asyncio

from galosh.base.clock import SystemClock
from galosh.supervisor.sleep import asleep_seconds
from galosh.supervisor.watchdog import Watchdog
from tests.supervisor.kit import in_loop


@in_loop
async def test_silence_is_told_once_and_signs_of_life_delay_it() -> None:
    told: list[float] = []
    watchdog = Watchdog(SystemClock(), told.append)
    watchdog.arm(0.1)
    for _ in range(4):
        await asyncio.sleep(0.04)
        watchdog.feed()
    assert told == []
    await asyncio.sleep(0.15)
    assert told == [0.1]


@in_loop
async def test_disarmed_it_is_quiet() -> None:
    told: list[float] = []
    watchdog = Watchdog(SystemClock(), told.append)
    watchdog.arm(0.02)
    watchdog.disarm()
    await asyncio.sleep(0.04)
    watchdog.arm(0.02)
    watchdog.arm(5)
    await asyncio.sleep(0.04)
    watchdog.disarm()
    assert told == []


class SteppedClock(SystemClock):
    """A clock that a test moves on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic_seconds(self) -> float:
        """See Clock."""
        return self.now


@in_loop
async def test_a_sleep_of_the_pc_is_nobodys_silence() -> None:
    told: list[float] = []
    clock, asleep = SteppedClock(), [0.0]
    watchdog = Watchdog(clock, told.append, lambda: asleep[0])
    watchdog.arm(0.05)
    clock.now += 0.06
    asleep[0] = 3600.0  # Linux: its clock stood still meanwhile
    await asyncio.sleep(0.08)
    assert told == []
    clock.now += 0.06
    await asyncio.sleep(0.08)
    assert told == [0.05]


@in_loop
async def test_a_clock_that_runs_on_in_sleep_is_no_silence_either() -> None:
    told: list[float] = []
    clock = SteppedClock()
    watchdog = Watchdog(clock, told.append, lambda: 0.0)
    watchdog.arm(0.05)
    clock.now += 3600.0  # Windows: it counts the night
    await asyncio.sleep(0.08)
    assert told == []
    clock.now += 0.06
    await asyncio.sleep(0.08)
    assert told == [0.05]


def test_the_time_asleep_only_grows() -> None:
    before = asleep_seconds()
    assert 0 <= before <= asleep_seconds() + 0.001

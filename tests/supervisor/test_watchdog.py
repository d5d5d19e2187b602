"""The watchdog: signs of life push the deadline back; silence ends the wait once."""

from __future__ import annotations

import asyncio

from galosh.base.clock import SystemClock
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

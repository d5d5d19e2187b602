"""How many threads compute an answer: the user's number, or what this PC has to give.

Owns the number and what it follows: the processor, asked once, and the power source, asked
again when it is needed and the last look is old (no clock ticks for it). A model waits for
memory more than for cores, so half of them write nearly as fast and let a battery last.
Never sends it to anybody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from galosh.base.clock import Clock
from galosh.base.settings import Settings
from galosh.supervisor.download_power import on_battery

_LOOK_SECONDS = 30.0


def _machine_threads() -> int:
    from galosh.hardware.probe import probe_threads

    return probe_threads()


class ThreadCount:
    """See the module. `value` is None until `look` was called."""

    def __init__(
        self,
        clock: Clock,
        machine: Callable[[], int] = _machine_threads,
        battery: Callable[[], bool] = on_battery,
    ) -> None:
        """machine: how many threads suit the processor; battery: whether it runs on one."""
        self._clock = clock
        self._ask_machine = machine
        self._ask_battery = battery
        self._machine: int | None = None
        self._on_battery = False
        self._looked_seconds: float | None = None
        self.value: int | None = None

    async def look(self, settings: Settings) -> bool:
        """Find `value` for now; whether it is another number than at the last call."""
        before, self.value = self.value, await self._find(settings)
        return self.value != before

    async def _find(self, settings: Settings) -> int:
        chosen = settings.number("engine.threads")
        if chosen:
            return chosen
        if self._machine is None:
            self._machine = await asyncio.to_thread(self._ask_machine)
        if self._machine < 2 or settings.text("engine.on_battery") == "full":
            return self._machine
        now = self._clock.monotonic_seconds()
        if self._looked_seconds is None or now - self._looked_seconds >= _LOOK_SECONDS:
            self._looked_seconds = now
            self._on_battery = await asyncio.to_thread(self._ask_battery)
        return (self._machine + 1) // 2 if self._on_battery else self._machine

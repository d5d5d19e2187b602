"""Whether downloads should wait because the PC runs on battery.

Asks the system only while `download.on_battery = "pause"` and there is something to fetch.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_LOOK_SECONDS = 30.0


class PowerWatch:
    """Looks at the battery while told to; calls `changed` when that matters."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._task: asyncio.Task[None] | None = None
        self.unplugged = False  # downloads should wait

    def need(self, needed: bool) -> None:
        """Look from now on, or no more."""
        if needed and self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())
        elif not needed and self._task is not None:
            self._task.cancel()
            self._task, self.unplugged = None, False

    async def _run(self) -> None:
        while True:
            unplugged = await asyncio.to_thread(on_battery)
            if unplugged != self.unplugged:
                self.unplugged = unplugged
                self._changed()
            await asyncio.sleep(_LOOK_SECONDS)


def on_battery() -> bool:
    """True only if the system says so; a PC without a battery never is."""
    import psutil

    ask = getattr(psutil, "sensors_battery", None)
    try:
        battery = None if ask is None else ask()
    except (psutil.Error, OSError, RuntimeError):
        return False
    return battery is not None and battery.power_plugged is False

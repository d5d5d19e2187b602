"""Whether downloads should wait because the PC runs on battery or on a metered line.

Asks the system only while a setting says `pause` and there is something to fetch.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from galosh.hardware.metered import is_metered

_LOOK_SECONDS = 30.0


class PowerWatch:
    """Looks at battery and line while told to; calls `changed` when that matters."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._task: asyncio.Task[None] | None = None
        self._watched: frozenset[str] = frozenset()
        self.reason: str | None = None  # why downloads should wait: `power` or `metered`

    def need(self, watched: frozenset[str]) -> None:
        """Look at these from now on (`power`, `metered`); at nothing: no more."""
        self._watched = watched
        if watched and self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())
        elif not watched and self._task is not None:
            self._task.cancel()
            self._task, self.reason = None, None

    async def _run(self) -> None:
        while True:
            reason = await asyncio.to_thread(_reason, self._watched)
            if reason != self.reason:
                self.reason = reason
                self._changed()
            await asyncio.sleep(_LOOK_SECONDS)


def _reason(watched: frozenset[str]) -> str | None:
    if "power" in watched and on_battery():
        return "power"
    return "metered" if "metered" in watched and is_metered() else None


def on_battery() -> bool:
    """True only if the system says so; a PC without a battery never is."""
    import psutil

    ask = getattr(psutil, "sensors_battery", None)
    try:
        battery = None if ask is None else ask()
    except (psutil.Error, OSError, RuntimeError):
        return False
    return battery is not None and battery.power_plugged is False

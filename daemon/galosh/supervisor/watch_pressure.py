"""The watch on memory pressure for this system, and the slow one where there is no signal."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable

from galosh.supervisor.manners import PressureWatch
from galosh.supervisor.memory import memory_now
from galosh.supervisor.pressure import Signs

LOOK_SECONDS = 5.0


def system_watch() -> PressureWatch:
    """What this system offers."""
    if sys.platform == "win32":
        from galosh.supervisor.pressure_windows import WindowsWatch

        return WindowsWatch()
    elif sys.platform == "darwin":  # noqa: RET505 - mypy follows branches, not returns
        from galosh.supervisor.pressure_macos import MacWatch

        return MacWatch()
    else:
        from galosh.supervisor.pressure_linux import LinuxWatch

        return LinuxWatch(SlowWatch())


class SlowWatch:
    """Looks at the free memory every few seconds; only for systems that do not signal."""

    def __init__(self) -> None:
        self._timer: asyncio.TimerHandle | None = None

    def open(self, tell: Callable[[Signs], None]) -> None:
        """See PressureWatch."""

        def look() -> None:
            self._timer = asyncio.get_running_loop().call_later(LOOK_SECONDS, look)
            tell(self.now())

        self._timer = asyncio.get_running_loop().call_later(LOOK_SECONDS, look)

    def close(self) -> None:
        """See PressureWatch."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def now(self) -> Signs:
        """See PressureWatch."""
        return memory_now()

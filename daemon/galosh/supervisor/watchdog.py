"""One deadline that signs of life push back. Lives in one event loop.

A fed watchdog costs nothing per sign: the timer looks at its time only when it fires, at
most once per limit. Time in which the PC slept (or this process was stopped, which looks the
same) was nobody's silence: after it, the whole limit is granted again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from galosh.base.clock import Clock
from galosh.supervisor.sleep import asleep_seconds

# A timer that comes this much too late was not late: the PC, or this process, stood still.
_STOOD_STILL_SECONDS = 5.0


class Watchdog:
    """Calls back when nothing was heard for the limit it was armed with."""

    def __init__(
        self,
        clock: Clock,
        callback: Callable[[float], None],
        asleep: Callable[[], float] = asleep_seconds,
    ) -> None:
        self._clock = clock
        self._callback = callback
        self._asleep = asleep
        self._slept_seconds = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._limit_seconds = 0.0
        self._heard_seconds = 0.0

    def arm(self, limit_seconds: float) -> None:
        """Start over with this limit."""
        self.disarm()
        self._limit_seconds = limit_seconds
        self.feed()
        self._wait(limit_seconds)

    def feed(self) -> None:
        """A sign of life."""
        self._heard_seconds = self._clock.monotonic_seconds()
        self._slept_seconds = self._asleep()

    def disarm(self) -> None:
        """Nothing is expected."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._fire)

    def _fire(self) -> None:
        silent = self._clock.monotonic_seconds() - self._heard_seconds
        # The loop's clock and ours may differ by a tick; a millisecond early is late enough.
        if silent < self._limit_seconds - 0.001:
            self._wait(self._limit_seconds - silent)
        elif self._stood_still(silent):
            self.feed()
            self._wait(self._limit_seconds)
        else:
            self._timer = None
            self._callback(self._limit_seconds)

    def _stood_still(self, silent_seconds: float) -> bool:
        slept = self._asleep() - self._slept_seconds
        late = silent_seconds - self._limit_seconds
        return max(slept, late) > _STOOD_STILL_SECONDS

"""One deadline that signs of life push back. Lives in one event loop.

A fed watchdog costs nothing per sign: the timer looks at its time only when it fires, at
most once per limit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from galosh.base.clock import Clock


class Watchdog:
    """Calls back when nothing was heard for the limit it was armed with."""

    def __init__(self, clock: Clock, callback: Callable[[float], None]) -> None:
        self._clock = clock
        self._callback = callback
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
            return
        self._timer = None
        self._callback(self._limit_seconds)

"""Time as a thing that is passed in, so that tests can turn it."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """What the parts may ask of time."""

    def monotonic_seconds(self) -> float:
        """Seconds that never jump; only differences mean anything."""

    def wall_seconds(self) -> float:
        """Seconds since 1970-01-01 UTC; may jump with the PC's clock."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The PC's own clock."""

    def monotonic_seconds(self) -> float:
        """See Clock."""
        return time.monotonic()

    def wall_seconds(self) -> float:
        """See Clock."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """See Clock."""
        time.sleep(seconds)

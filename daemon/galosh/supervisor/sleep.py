"""How long the PC has slept, told without any polling or subscription.

Linux keeps two clocks that differ by the time spent asleep; elsewhere the answer is 0, and a
timer that comes much too late tells the same (see `watchdog`).
"""

from __future__ import annotations

import sys
import time


def asleep_seconds() -> float:
    """Seconds asleep since the start of the PC; only differences mean anything."""
    if sys.platform != "linux":
        return 0.0
    try:
        awake = time.clock_gettime(time.CLOCK_MONOTONIC)
        return time.clock_gettime(time.CLOCK_BOOTTIME) - awake
    except OSError:
        return 0.0

"""How long the PC's processors have been idle, where the system tells that cheaply."""

from __future__ import annotations

import sys
from pathlib import Path

_UPTIME = Path("/proc/uptime")


def idle_seconds() -> float | None:
    """Idle time of all processors since the start, added up; None: the system does not tell.

    On Linux in steps of 10 ms, and without walking through the interrupts as /proc/stat does.
    """
    if sys.platform != "linux":
        return None
    try:
        return float(_UPTIME.read_text("ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None

"""Whether somebody else used the PC while something was measured. Reads /proc; never hides it.

A measurement on a busy PC is still printed, with how much of a core others took, so that a
reader can judge it.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

# Above this share of one core, others may have changed the figure.
QUIET_CORES = 0.10


class Watch:
    """What others used, stretch by stretch. `cores` is the worst stretch so far."""

    def __init__(self) -> None:
        self.cores = 0.0

    @contextmanager
    def stretch(self, own_seconds: Callable[[], float] = lambda: 0.0) -> Iterator[None]:
        """Around one measurement. own_seconds: processor time of processes that are ours
        and that this process did not start and reap itself (a daemon, its worker)."""
        began, busy, own = time.monotonic(), _busy_seconds(), own_seconds() + _here_seconds()
        yield
        took = time.monotonic() - began
        others = _busy_seconds() - busy - (own_seconds() + _here_seconds() - own)
        if took > 0:
            self.cores = max(self.cores, others / took)

    def note(self) -> str:
        """A warning for the verdict's line; empty on a quiet PC."""
        if self.cores <= QUIET_CORES:
            return ""
        return f"BUSY: others used up to {self.cores:.2f} cores"


def _busy_seconds() -> float:
    """Processor time of everybody since the start, idle and waiting left out."""
    words = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:]
    user, nice, system, _idle, _wait, irq, softirq, *_ = (int(word) for word in words)
    return (user + nice + system + irq + softirq) / os.sysconf("SC_CLK_TCK")


def _here_seconds() -> float:
    own = resource.getrusage(resource.RUSAGE_SELF)
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + ended.ru_utime + ended.ru_stime

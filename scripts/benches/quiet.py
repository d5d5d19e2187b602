"""Whether a measured run had the machine to itself. Linux only; used by the benches.

Counts over the run itself: processor time that other programs took, time that the host of a
virtual machine took, and of what the measured process asked for, how much it got.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

_TICK_SECONDS = 0.01 if sys.platform == "win32" else 1 / os.sysconf("SC_CLK_TCK")
OTHERS_LIMIT, STOLEN_LIMIT, SHARE_LIMIT = 0.3, 0.01, 0.9


@dataclass(frozen=True)
class Quiet:
    """others: programs beside ours that ran, on average (a load average over the run);
    stolen: share of the time taken by the host; share: processor time got of that asked for."""

    others: float
    stolen: float
    share: float

    @property
    def is_quiet(self) -> bool:
        """Whether the run counts."""
        return (
            self.others <= OTHERS_LIMIT
            and self.stolen <= STOLEN_LIMIT
            and self.share >= SHARE_LIMIT
        )


class Watch:
    """Begins with the run; `end` says how it was."""

    def __init__(self, pid: int, threads: int) -> None:
        self._pid, self._threads = pid, threads
        self._begun = time.perf_counter()
        self._all, self._own = _machine(), _process(pid)

    def end(self) -> Quiet:
        """What happened since."""
        wall = max(1e-6, time.perf_counter() - self._begun)
        after, own = _machine(), _process(self._pid) - self._own
        spent = [new - old for new, old in zip(after, self._all, strict=True)]
        busy = sum(spent) - spent[3] - spent[4] - spent[7]
        return Quiet(
            others=max(0.0, (busy - own) * _TICK_SECONDS / wall),
            stolen=spent[7] / max(1, sum(spent)),
            share=own * _TICK_SECONDS / (wall * self._threads),
        )


def _machine() -> list[int]:
    """Ticks of user, nice, system, idle, wait, irq, softirq, steal."""
    first = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0]
    return [int(word) for word in first.split()[1:9]]


def _process(pid: int) -> int:
    """Ticks a process has used, all its threads together."""
    text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    fields = text.rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])

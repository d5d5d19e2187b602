"""Linux: the kernel itself wakes us when programs wait for memory (PSI triggers).

Facts this rests on (Documentation/accounting/psi.rst): a trigger "some|full STALL WINDOW" in
microseconds is written to the pressure file and lives as long as the descriptor; it shows as
POLLPRI, at most once per window; a process without CAP_SYS_RESOURCE must use a window that is
a multiple of 2 s. asyncio waits for POLLIN, which such a file always has, so each trigger sits
in an epoll of its own that asks for POLLPRI alone; that epoll's descriptor is what the loop
waits for. The kernel takes the sign back when it is looked at, so being called is the sign.

For such a process the kernel looks at its triggers every two seconds, and a read of the file by
anybody starts the two seconds that were over anew, without a look: it must never be read here.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import select
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from galosh.supervisor.manners import PressureWatch
from galosh.supervisor.memory import memory_now, own_group
from galosh.supervisor.pressure import Signs

assert sys.platform == "linux"

_LOG = logging.getLogger("galosh.supervisor")
_WINDOW_MICROSECONDS = 2_000_000
_STALLS = {"some": 100_000, "full": 60_000}


class LinuxWatch:
    """See manners.PressureWatch. slow: what to do where the kernel does not signal."""

    def __init__(self, slow: PressureWatch, files: tuple[Path, ...] | None = None) -> None:
        self._slow = slow
        self._files = files
        self._triggers: list[_Trigger] = []

    def open(self, tell: Callable[[Signs], None]) -> None:
        """See PressureWatch."""
        for file in pressure_files() if self._files is None else self._files:
            for kind in _STALLS:
                trigger = _Trigger(file, kind, partial(self._woken, kind, tell))
                if trigger.open():
                    self._triggers.append(trigger)
        if not self._triggers:
            _LOG.info("the kernel does not signal memory pressure: looking at it instead")
            self._slow.open(tell)

    def close(self) -> None:
        """See PressureWatch."""
        for trigger in self._triggers:
            trigger.close()
        self._triggers.clear()
        self._slow.close()

    def now(self) -> Signs:
        """See PressureWatch."""
        return memory_now()

    def _woken(self, kind: str, tell: Callable[[Signs], None]) -> None:
        tell(replace(memory_now(), some=kind == "some", full=kind == "full"))


class _Trigger:
    def __init__(self, file: Path, kind: str, call: Callable[[], None]) -> None:
        self._file = file
        self._kind = kind
        self._call = call
        self._descriptor = -1
        self._epoll: select.epoll | None = None

    def open(self) -> bool:
        """False where the kernel has no such file, or does not let us."""
        words = f"{self._kind} {_STALLS[self._kind]} {_WINDOW_MICROSECONDS}\0"
        try:
            self._descriptor = os.open(self._file, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            os.write(self._descriptor, words.encode("ascii"))
            self._epoll = select.epoll()
            self._epoll.register(self._descriptor, select.EPOLLPRI)
        except OSError:
            self.close()
            return False
        asyncio.get_running_loop().add_reader(self._epoll.fileno(), self._woken)
        return True

    def close(self) -> None:
        if self._epoll is not None:
            with contextlib.suppress(RuntimeError):  # the loop may have ended
                asyncio.get_running_loop().remove_reader(self._epoll.fileno())
            self._epoll.close()
            self._epoll = None
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _woken(self) -> None:
        assert self._epoll is not None
        if any(events & select.EPOLLERR for _, events in self._epoll.poll(0)):
            self.close()  # the group is gone; it would be reported for ever
        else:
            self._call()


def pressure_files() -> tuple[Path, ...]:
    """The system's, and the own group's where it has one."""
    group = own_group()
    own = () if group is None else (group / "memory.pressure",)
    return (Path("/proc/pressure/memory"), *own)

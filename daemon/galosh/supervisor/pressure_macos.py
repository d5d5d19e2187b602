"""macOS: the kernel's memory pressure events, through kqueue in the event loop.

`EVFILT_VM` with `NOTE_VM_PRESSURE` wakes a kqueue when the system asks programs to give
memory back; how badly is read from `kern.memorystatus_vm_pressure_level` (1 normal, 2
warning, 4 critical). A kqueue's descriptor can itself be waited for. Written from the
documented interfaces; where the filter is refused, the level is looked at every few seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import select
import sys
from collections.abc import Callable
from dataclasses import replace

from galosh.supervisor.memory import memory_now
from galosh.supervisor.pressure import Signs

if sys.platform == "darwin":
    _EVFILT_VM = -12
    _NOTE_VM_PRESSURE = 0x80000000
    _LEVEL = b"kern.memorystatus_vm_pressure_level"
    _WARNING, _CRITICAL = 2, 4
    _LOOK_SECONDS = 5.0

    class MacWatch:
        """See manners.PressureWatch."""

        def __init__(self) -> None:
            self._queue: select.kqueue | None = None
            self._timer: asyncio.TimerHandle | None = None

        def open(self, tell: Callable[[Signs], None]) -> None:
            """See PressureWatch."""
            loop = asyncio.get_running_loop()
            try:
                queue = self._queue = select.kqueue()
                flags = select.KQ_EV_ADD | select.KQ_EV_CLEAR
                event = select.kevent(0, _EVFILT_VM, flags, _NOTE_VM_PRESSURE)
                queue.control([event], 0, 0)
            except OSError:
                self._look(tell)
                return

            def woken() -> None:
                queue.control([], 8, 0)
                tell(self.now())

            loop.add_reader(queue.fileno(), woken)

        def close(self) -> None:
            """See PressureWatch."""
            if self._queue is not None:
                with contextlib.suppress(RuntimeError, ValueError):
                    asyncio.get_running_loop().remove_reader(self._queue.fileno())
                self._queue.close()
                self._queue = None
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

        def now(self) -> Signs:
            """See PressureWatch."""
            level = _level()
            return replace(memory_now(), some=level >= _WARNING, full=level >= _CRITICAL)

        def _look(self, tell: Callable[[Signs], None]) -> None:
            loop = asyncio.get_running_loop()

            def look() -> None:
                self._timer = loop.call_later(_LOOK_SECONDS, look)
                tell(self.now())

            self._timer = loop.call_later(_LOOK_SECONDS, look)

    def _level() -> int:
        value = ctypes.c_int(0)
        size = ctypes.c_size_t(ctypes.sizeof(value))
        library = ctypes.CDLL(None)
        failed = library.sysctlbyname(
            _LEVEL, ctypes.byref(value), ctypes.byref(size), None, ctypes.c_size_t(0)
        )
        return 0 if failed else value.value

"""Windows: the kernel's own low-memory notification, waited for by one blocked thread.

`CreateMemoryResourceNotification(LowMemoryResourceNotification)` gives a handle that stays
signalled while memory is low; a thread sleeps on it and on our own stop event, and while the
handle is signalled looks again every few seconds. Written from the documented calls.
"""

from __future__ import annotations

import asyncio
import ctypes
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from galosh.supervisor.memory import memory_now
from galosh.supervisor.pressure import Signs

if sys.platform == "win32":
    _LOW_MEMORY = 0
    _INFINITE = 0xFFFFFFFF
    _WAIT_OBJECT_0 = 0
    _AGAIN_MILLISECONDS = 5000

    class WindowsWatch:
        """See manners.PressureWatch."""

        def __init__(self) -> None:
            self._kernel: Any = ctypes.WinDLL("kernel32", use_last_error=True)
            self._kernel.CreateEventW.restype = ctypes.c_void_p
            self._kernel.CreateMemoryResourceNotification.restype = ctypes.c_void_p
            self._stop: int | None = None
            self._thread: threading.Thread | None = None

        def open(self, tell: Callable[[Signs], None]) -> None:
            """See PressureWatch."""
            low = self._kernel.CreateMemoryResourceNotification(_LOW_MEMORY)
            self._stop = self._kernel.CreateEventW(None, True, False, None)
            if not low or not self._stop:
                return
            loop = asyncio.get_running_loop()
            self._thread = threading.Thread(
                target=self._wait, args=(low, self._stop, loop, tell), daemon=True
            )
            self._thread.start()

        def close(self) -> None:
            """See PressureWatch."""
            if self._stop and self._thread is not None:
                self._kernel.SetEvent(ctypes.c_void_p(self._stop))
                self._thread.join(1.0)
                self._kernel.CloseHandle(ctypes.c_void_p(self._stop))
            self._stop = self._thread = None

        def now(self) -> Signs:
            """See PressureWatch."""
            return memory_now()

        def _wait(
            self,
            low: int,
            stop: int,
            loop: asyncio.AbstractEventLoop,
            tell: Callable[[Signs], None],
        ) -> None:
            handles = (ctypes.c_void_p * 2)(stop, low)
            single = ctypes.c_void_p(stop)
            try:
                while True:
                    woken = self._kernel.WaitForMultipleObjects(2, handles, False, _INFINITE)
                    if woken == _WAIT_OBJECT_0:
                        return
                    signs = replace(memory_now(), some=True)
                    loop.call_soon_threadsafe(tell, signs)
                    # It stays signalled while memory is low: not to be told without a pause.
                    if self._kernel.WaitForSingleObject(single, _AGAIN_MILLISECONDS) == 0:
                        return
            except RuntimeError:
                return  # the loop has ended
            finally:
                self._kernel.CloseHandle(ctypes.c_void_p(low))

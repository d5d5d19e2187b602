"""Gives memory the daemon no longer uses back to the system.

glibc keeps an arena per thread and what was freed in each; reading a model's header or a
download leaves ten megabytes there that a daemon which idles all day must not hold. So there
is one arena, and after such work its free pages go back. Nothing to do on other systems.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import sys
from collections.abc import Callable
from typing import Any

from galosh.supervisor.bus import BusEvent, EventBus

_M_ARENA_MAX = -8
# What leaves a lot of freed memory behind.
_HEAVY = frozenset(
    {
        "download.done",
        "download.failed",
        "download.paused",
        "models.changed",
        "model.ready",
        "model.unloaded",
    }
)
# The work itself ends a little after it is told.
_AFTER_SECONDS = 1.0


def use_one_arena() -> None:
    """To be called before the first thread is made."""
    libc = _glibc()
    if libc is not None:
        libc.mallopt(_M_ARENA_MAX, 1)


def give_back() -> None:
    """Return free pages to the system; takes 30 ms and more, in which no word is passed on."""
    gc.collect()
    libc = _glibc()
    if libc is not None:
        libc.malloc_trim(0)


class Tidying:
    """Gives memory back a little after everything heavy; costs nothing in between.

    busy: whether words are on their way to anybody; they come first.
    """

    def __init__(self, bus: EventBus, busy: Callable[[], bool]) -> None:
        self._busy = busy
        self._waiting: asyncio.TimerHandle | None = None
        bus.call(self._on_event)

    def close(self) -> None:
        """No more."""
        if self._waiting is not None:
            self._waiting.cancel()

    def _on_event(self, event: BusEvent) -> None:
        if event.name in _HEAVY:
            self._wait()

    def _wait(self) -> None:
        self.close()
        self._waiting = asyncio.get_running_loop().call_later(_AFTER_SECONDS, self._tidy)

    def _tidy(self) -> None:
        if self._busy():
            self._wait()
        else:
            give_back()


def _glibc() -> Any:
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "malloc_trim") and hasattr(libc, "mallopt") else None

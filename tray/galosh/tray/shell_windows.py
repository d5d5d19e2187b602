"""Guards for pystray on Windows. Not verified on a real one.

Its menu is destroyed and made anew in whatever thread asks, under the hands of the thread that
shows it. So every change is put into a queue and the icon's own thread, woken by a message of
ours, makes it.
"""

from __future__ import annotations

import ctypes
import queue
import sys
from collections.abc import Callable
from typing import Any

assert sys.platform == "win32"

_WORK = 0x0400 + 77  # WM_USER + a number pystray does not use
_WAITING: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()


def prepare(icon: Any) -> None:
    """Teach the icon's window our message."""
    icon._message_handlers[_WORK] = _work
    ctypes.windll.user32.PostMessageW(icon._hwnd, _WORK, 0, 0)


def call_in(icon: Any, work: Callable[[], None]) -> None:
    """Do it in the icon's thread."""
    _WAITING.put(work)
    if icon._hwnd is not None and _WORK in icon._message_handlers:
        ctypes.windll.user32.PostMessageW(icon._hwnd, _WORK, 0, 0)


def _work(_wide: int, _long: int) -> int:
    while not _WAITING.empty():
        _WAITING.get()()
    return 0

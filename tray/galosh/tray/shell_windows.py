"""Guards for pystray on Windows. Not verified on a real one.

Its menu is destroyed and made anew in whatever thread asks, under the hands of the thread that
shows it. So every change is put into a queue and the icon's own thread, woken by a message of
ours, makes it; an open menu hears messages too, so that changes wait until it is closed.
"""

from __future__ import annotations

import ctypes
import queue
import sys
from collections.abc import Callable
from typing import Any

assert sys.platform == "win32"

_USER = 0x0400  # WM_USER
_WORK = _USER + 77  # a number pystray does not use
_NOTIFY = _USER + 11  # pystray's: the mouse did something to the icon
_WAITING: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()


def prepare(icon: Any) -> None:
    """Teach the icon's window our message."""
    touched: Callable[[int, int], object] = icon._message_handlers[_NOTIFY]
    depth = 0  # of clicks under way: a menu may be open

    def on_notify(wide: int, long: int) -> object:
        nonlocal depth
        depth += 1
        try:
            return touched(wide, long)
        finally:
            depth -= 1
            on_work(0, 0)

    def on_work(_wide: int, _long: int) -> int:
        while not depth and not _WAITING.empty():
            _WAITING.get()()
        return 0

    icon._message_handlers[_NOTIFY] = on_notify
    icon._message_handlers[_WORK] = on_work
    ctypes.windll.user32.PostMessageW(icon._hwnd, _WORK, 0, 0)


def call_in(icon: Any, work: Callable[[], None]) -> None:
    """Do it in the icon's thread."""
    _WAITING.put(work)
    if icon._hwnd is not None and _WORK in icon._message_handlers:
        ctypes.windll.user32.PostMessageW(icon._hwnd, _WORK, 0, 0)


def end(icon: Any) -> None:
    """Stop it: that is a message already."""
    icon.stop()

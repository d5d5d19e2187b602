"""Signals that end the agent: the session's end, Ctrl-C, a terminal that closes.

Rule: they do not wait for the main thread. Python's own handlers run there, and on macOS it is
inside AppKit's loop until the end. What the interpreter does at once is to write a byte to its
wake-up file, whichever thread is where; a thread of ours reads that.
"""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable
from types import FrameType

_ENDS = (signal.SIGTERM, signal.SIGINT, getattr(signal, "SIGHUP", signal.SIGTERM))


def on_end(stop: Callable[[], None]) -> None:
    """Call `stop` at each of them, beside the main thread, which this call belongs to."""
    heard, told = socket.socketpair()  # not a pipe: on Windows those cannot be made not to block
    told.setblocking(False)
    signal.set_wakeup_fd(told.detach(), warn_on_full_buffer=False)
    for number in _ENDS:
        signal.signal(number, _pass_over)

    def listen() -> None:
        while heard.recv(1):
            stop()

    threading.Thread(target=listen, name="galosh-end", daemon=True).start()


def _pass_over(_number: int, _frame: FrameType | None) -> None:
    """For without a handler there would be no byte either."""

"""A connection to the X server that is kept: opening one costs more than all that is asked on it.

Its window outlives what it asked for, too: a program that was slow still finds a window to answer
to, where simple ones would die of none.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from galosh.hotkey.x11_keys import close_display, open_display
from galosh.selection.x11_fetch import Requestor


class Kept:
    """One connection, used by one thread at a time; opened again when the server was gone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requestor: Requestor | None = None

    @contextmanager
    def use(self) -> Iterator[Requestor]:
        """The connection, with the keyboard as it is now. Raises OSError where there is none."""
        from Xlib.error import ConnectionClosedError

        with self._lock:
            requestor = self._ready()
            try:
                yield requestor
            except (ConnectionClosedError, OSError) as error:
                self._drop()
                raise OSError("the X server is gone") from error

    def _ready(self) -> Requestor:
        from Xlib.error import ConnectionClosedError

        if self._requestor is not None:
            try:
                _catch_up(self._requestor.display)
                return self._requestor
            except (ConnectionClosedError, OSError):
                self._drop()
        display = open_display()
        if display is None:
            raise OSError("no X server")
        self._requestor = Requestor(display)
        return self._requestor

    def _drop(self) -> None:
        if self._requestor is not None:
            close_display(self._requestor.display)
            self._requestor = None


def _catch_up(display: Any) -> None:
    """Read what has come since; another layout has other key codes."""
    from Xlib import X

    display.sync()
    while display.pending_events():
        event = display.next_event()
        if event.type == X.MappingNotify and event.request != X.MappingPointer:
            info = display.display.info
            event.request = X.MappingKeyboard
            event.first_keycode = info.min_keycode
            event.count = info.max_keycode - info.min_keycode + 1
            display.refresh_keyboard_mapping(event)

"""Hands what other threads found to the window's own thread. Nothing else crosses over."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable


class Inbox:
    """Calls to make in the window's thread. ring: called from any thread when there is
    something to take, once until it is taken."""

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._lock = threading.Lock()
        self._calls: deque[Callable[[], None]] = deque()

    def put(self, call: Callable[[], None]) -> None:
        """From any thread."""
        with self._lock:
            first = not self._calls
            self._calls.append(call)
        if first:
            self._ring()

    def run(self) -> None:
        """Make every call there is, in the window's thread."""
        with self._lock:
            calls = list(self._calls)
            self._calls.clear()
        for call in calls:
            call()

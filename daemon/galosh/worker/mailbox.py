"""Where the thread that reads requests and the thread that owns the model meet.

Owns the queue, the cancellations and the wanted number of threads. A cancellation reaches
the request it names and no other: the abort flag is only set while that request is the one
at work, and is cleared before the next one begins.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Mapping
from typing import Protocol

Request = Mapping[str, object]


class Flag(Protocol):
    """What stops native code in mid-batch."""

    def set(self) -> None: ...
    def clear(self) -> None: ...


class Mailbox:
    """Requests in order, cancellations at once."""

    def __init__(self, flag: Flag) -> None:
        self._flag = flag
        self._lock = threading.Lock()
        self._queue: queue.SimpleQueue[Request] = queue.SimpleQueue()
        self._known: set[object] = set()
        self._cancelled: set[object] = set()
        self._active: object = None
        self._threads: int | None = None

    def put(self, request: Request) -> None:
        """Queue a request."""
        with self._lock:
            self._known.add(request.get("id"))
        self._queue.put(request)

    def cancel(self, request_id: object) -> None:
        """Cancel a queued or running request; an unknown id is no error (it has ended)."""
        with self._lock:
            if request_id not in self._known:
                return
            self._cancelled.add(request_id)
            if request_id == self._active:
                self._flag.set()

    def take(self) -> Request:
        """Wait for the next request; it is the active one until `done`."""
        request = self._queue.get()
        with self._lock:
            self._active = request.get("id")
            if self._active in self._cancelled:
                self._flag.set()
            else:
                self._flag.clear()
        return request

    def done(self) -> None:
        """The active request has ended; nothing can cancel it any more."""
        with self._lock:
            self._known.discard(self._active)
            self._cancelled.discard(self._active)
            self._active = None
            self._flag.clear()

    def ask_threads(self, count: int) -> None:
        """Ask for another number of threads, between two tokens."""
        with self._lock:
            self._threads = count

    def take_threads(self) -> int | None:
        """The thread count asked for since the last call, if any."""
        with self._lock:
            count, self._threads = self._threads, None
        return count

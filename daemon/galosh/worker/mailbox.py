"""Where the thread that reads requests and the thread that owns the model meet.

Owns the queue, the cancellations, the wanted number of threads and the wish to end. A
cancellation reaches the request it names and no other: it stops the native batch only
where the model's thread said that this helps (`guard`).
"""

from __future__ import annotations

import ctypes
import queue
import threading
from collections.abc import Iterable, Mapping
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
        self._queue: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._known: set[object] = set()
        self._guarded: frozenset[object] = frozenset()
        self._threads: int | None = None
        # Read by the model's thread without the lock: they only ever grow in between.
        self.cancelled: set[object] = set()
        # Not 0: somebody asked since the last `take`. Native code that chooses tokens in a row
        # looks at it.
        self.news = ctypes.c_int32()
        self.leaving = False

    def put(self, request: Request) -> None:
        """Queue a request."""
        with self._lock:
            self._known.add(request.get("id"))
        self._queue.put(request)
        self.news.value = 1

    def cancel(self, request_id: object) -> None:
        """Cancel a request that has not ended; an unknown id is no error (it has)."""
        with self._lock:
            if request_id not in self._known:
                return
            self.cancelled.add(request_id)
            if request_id in self._guarded:
                self._flag.set()

    def leave(self) -> None:
        """Stop whatever runs; the model's thread is to save and go."""
        with self._lock:
            self.leaving = True
            self._flag.set()
        self._queue.put(None)

    def take(self, wait: bool, timeout_seconds: float | None = None) -> Request | None:
        """The next request; None where there is none (in time), or only a wish to leave."""
        self.news.value = 0  # before the look: what comes in between is news again
        try:
            return self._queue.get(wait, timeout_seconds)
        except queue.Empty:
            return None

    def guard(self, request_ids: Iterable[object]) -> None:
        """From now on only a cancellation of one of these stops the native batch."""
        guarded = frozenset(request_ids)
        with self._lock:
            self._guarded = guarded
            if self.leaving or not guarded.isdisjoint(self.cancelled):
                self._flag.set()
            else:
                self._flag.clear()

    def done(self, request_id: object) -> None:
        """A request has ended; nothing can cancel it any more."""
        with self._lock:
            self._known.discard(request_id)
            self.cancelled.discard(request_id)

    def ask_threads(self, count: int) -> None:
        """Ask for another number of threads, between two tokens."""
        with self._lock:
            self._threads = count

    def take_threads(self) -> int | None:
        """The thread count asked for since the last call, if any."""
        if self._threads is None:
            return None
        with self._lock:
            count, self._threads = self._threads, None
        return count

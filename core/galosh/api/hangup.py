"""Ends a call from another thread: a stream that is being read, an answer not wanted any more."""

from __future__ import annotations

import contextlib
import socket
import threading


class HangUp:
    """The connection of one call: `Client(paths, opened=hang_up.take)`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None
        self.hung_up = False

    def take(self, connection: socket.socket) -> None:
        """The connection is open."""
        with self._lock:
            self._connection = connection
            if self.hung_up:
                _end(connection)

    def hang_up(self) -> None:
        """End it now, or as soon as it is there; again: nothing."""
        with self._lock:
            self.hung_up = True
            if self._connection is not None:
                _end(self._connection)


def _end(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it has ended by itself
        connection.shutdown(socket.SHUT_RDWR)

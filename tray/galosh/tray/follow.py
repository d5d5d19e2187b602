"""Follows the daemon's event stream for as long as the tray lives.

One thread. Rules: goes on where it stopped, so that nothing is missed; while the daemon is away
it looks again after a pause that grows to five seconds, or at once when told; never raises.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable

from galosh.api.client import Client
from galosh.api.wire import Happening
from galosh.base.errors import GaloshError
from galosh.base.paths import Paths

_PAUSES_SECONDS = (0.5, 1.0, 2.0, 5.0)


class Follower:
    """tell: every event. away: why there are none now. Both are called in its own thread."""

    def __init__(
        self,
        paths: Paths,
        tell: Callable[[Happening], None],
        away: Callable[[GaloshError], None],
    ) -> None:
        self._tell, self._away = tell, away
        self._client = Client(paths, opened=self._take)
        self._line: socket.socket | None = None
        self._nudge = threading.Event()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="galosh-events", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def look(self) -> None:
        """Look for the daemon now, not after the pause."""
        self._nudge.set()

    def close(self) -> None:
        """End."""
        self._ended = True
        self._nudge.set()
        if self._line is not None:
            with contextlib.suppress(OSError):
                self._line.shutdown(socket.SHUT_RDWR)

    def _take(self, connection: socket.socket) -> None:
        self._line = connection

    def _run(self) -> None:
        after: int | None = None
        tries = 0
        while not self._ended:
            try:
                for happening in self._client.events(after):
                    tries = 0
                    after = happening.number or after
                    self._tell(happening)
                error = GaloshError("api-daemon-lost", reason="end of stream")
            except GaloshError as found:
                error = found
            if self._ended:
                return
            self._away(error)
            after = None  # a daemon that comes back begins with its state
            self._nudge.wait(_PAUSES_SECONDS[min(tries, len(_PAUSES_SECONDS) - 1)])
            self._nudge.clear()
            tries += 1
